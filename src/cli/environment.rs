//! Which settings come from FORKSCOPE_* variables, and how is one named that is wrong?
//!
//! Whoever sees a message about an option looks for what they typed. Where nobody typed it, the message names
//! the variable.

use super::{Cli, switch};
use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command, FromArgMatches};
use os_display::Quotable;
use std::ffi::{OsStr, OsString};

/// A variable that sets an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Name of the variable.
    pub name: OsString,
    /// What it is set to.
    pub value: OsString,
    /// The option: `--time`.
    pub option: String,
}

/// As a shell takes it: `FORKSCOPE_TIME='1m 30s'`.
impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.name.display(), self.value.maybe_quote())
    }
}

/// A command line that was not understood.
#[derive(Debug)]
pub struct Misunderstood {
    /// What is wrong, or the help that was asked for.
    pub error: clap::Error,
    /// The variables without which it would be another error, or none.
    pub because_of: Vec<Setting>,
}

/// Reads a command line, and the variables that stand in for what it leaves out. What is typed outranks a
/// variable, and an empty one, or a switch that one turns off, is as good as none. Gives the settings that
/// came from variables, too.
///
/// # Errors
/// What is wrong with it, or the help that was asked for.
pub fn parse(arguments: &[OsString]) -> Result<(Cli, Vec<Setting>), Misunderstood> {
    let mut command = crate::cli::command();
    command.build();
    let mut known = settings(&command);
    let (off, on): (Vec<_>, Vec<_>) = known.drain(..).partition(|(_, is_off)| *is_off);
    let command = off.iter().fold(crate::cli::command(), |command, (s, _)| {
        without(command, &s.name)
    });
    let on: Vec<Setting> = on.into_iter().map(|(s, _)| s).collect();
    read(command, arguments, &on)
}

fn read(
    command: Command,
    arguments: &[OsString],
    on: &[Setting],
) -> Result<(Cli, Vec<Setting>), Misunderstood> {
    let error = match command.clone().try_get_matches_from(arguments) {
        Ok(matches) => {
            let settings = of_matches(&command, &matches);
            return match Cli::from_arg_matches(&matches) {
                Ok(mut cli) => {
                    if let Some(common) = cli.command.common_mut() {
                        common.settings = settings.iter().map(Setting::to_string).collect();
                    }
                    Ok((cli, settings))
                }
                Err(error) => Err(Misunderstood {
                    error,
                    because_of: Vec::new(),
                }),
            };
        }
        Err(error) => error,
    };
    let is_help = !error.use_stderr();
    let said = error.to_string();
    let is_to_blame = |setting: &&Setting| {
        let other = without(command.clone(), &setting.name).try_get_matches_from(arguments);
        other.map_or_else(|e| e.to_string() != said, |_| true)
    };
    let because_of: Vec<Setting> = match is_help {
        true => Vec::new(),
        false => on.iter().filter(is_to_blame).cloned().collect(),
    };
    match because_of.as_slice() {
        // The other option was typed.
        [one] if error.kind() == ErrorKind::ArgumentConflict => {
            read(without(command, &one.name), arguments, on)
        }
        _ => Err(Misunderstood { error, because_of }),
    }
}

/// Every variable that is set and that some command knows, and whether it is as good as none.
fn settings(program: &Command) -> Vec<(Setting, bool)> {
    let mut all: Vec<(Setting, bool)> = Vec::new();
    let arguments = program.get_subcommands().flat_map(Command::get_arguments);
    for argument in arguments {
        let Some(setting) = setting(argument) else {
            continue;
        };
        let is_switch = matches!(argument.get_action(), ArgAction::SetTrue);
        let is_off = |value: &OsStr| value.to_str().map(switch) == Some(Ok(false));
        let is_none = setting.value.is_empty() || (is_switch && is_off(&setting.value));
        if !all.iter().any(|(s, _)| s.name == setting.name) {
            all.push((setting, is_none));
        }
    }
    all
}

fn setting(argument: &clap::Arg) -> Option<Setting> {
    let name = argument.get_env()?.to_owned();
    let value = std::env::var_os(&name)?;
    let option = argument.get_long().map(|long| format!("--{long}"))?;
    Some(Setting {
        name,
        value,
        option,
    })
}

/// Those that the command which was asked for took from variables.
fn of_matches(program: &Command, matches: &ArgMatches) -> Vec<Setting> {
    let Some((name, matches)) = matches.subcommand() else {
        return Vec::new();
    };
    let command = program.find_subcommand(name);
    let arguments = command.into_iter().flat_map(Command::get_arguments);
    let is_set = |a: &&clap::Arg| {
        let is_known = matches.ids().any(|id| id == a.get_id());
        is_known && matches.value_source(a.get_id().as_str()) == Some(ValueSource::EnvVariable)
    };
    arguments.filter(is_set).filter_map(setting).collect()
}

/// The program as it is where a variable is not set.
fn without(program: Command, variable: &OsStr) -> Command {
    program.mut_subcommands(|command| {
        command.mut_args(|argument| match argument.get_env() == Some(variable) {
            true => argument.env(Resettable::Reset),
            false => argument,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// What an option is for, up to the first details, and what may be written for it.
    fn meaning(argument: &clap::Arg) -> String {
        let help = argument.get_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let words = help.split([':', ';', ',', '(']).next().unwrap_or_default();
        let values: Vec<String> = argument
            .get_possible_values()
            .iter()
            .map(|v| v.get_name().to_owned())
            .collect();
        format!(
            "--{} {:?} {values:?} {:?}: {words}",
            argument.get_long().unwrap_or_default(),
            argument.get_value_names(),
            argument.get_value_delimiter(),
        )
    }

    #[test]
    fn a_variable_means_the_same_to_every_command() {
        let mut seen: HashMap<OsString, (String, String)> = HashMap::new();
        for command in crate::cli::command().get_subcommands() {
            for argument in command.get_arguments() {
                let Some(name) = argument.get_env() else {
                    continue;
                };
                let here = (command.get_name().to_owned(), meaning(argument));
                let first = seen.entry(name.to_owned()).or_insert_with(|| here.clone());
                assert_eq!(first.1, here.1, "{name:?} of {} and of {}", first.0, here.0);
            }
        }
        assert!(seen.len() > 20, "{seen:?}");
    }
}
