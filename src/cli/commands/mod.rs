//! What the commands share: how they fail, how they print.

mod calibrate;
mod compare;
mod completions;
mod conditions;
mod doctor;
mod empty_record;
mod list;
mod man;
mod measure;
mod preflight;
mod records;
mod report;
mod schema;
mod trend;

pub use calibrate::calibrate;
pub use compare::compare;
pub use completions::completions;
pub use doctor::doctor;
pub use list::list;
pub use man::man;
pub use measure::{full, of_study, quick, run};
pub use report::report;
pub use schema::schema;
pub use trend::trend;

use crate::cli::{Color, Command, Misunderstood, Setting};
use crate::experiment::machine;
use crate::report::patient::Patient;
use crate::report::say;
use crate::verdict::{EXIT_FAILURE, EXIT_UNFIT, EXIT_USAGE};
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// Why a command ended badly.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// What was asked for makes no sense, or not here.
    #[error("{0}")]
    Usage(String),
    /// Something that should have worked did not.
    #[error("{0}")]
    Failed(String),
    /// Nothing can be measured on this machine, as it is.
    #[error("{0}")]
    Unfit(String),
}

impl CommandError {
    /// The exit code of the program.
    pub fn code(&self) -> u8 {
        match self {
            CommandError::Usage(_) => EXIT_USAGE,
            CommandError::Failed(_) => EXIT_FAILURE,
            CommandError::Unfit(_) => EXIT_UNFIT,
        }
    }
}

fn usage(why: impl std::fmt::Display) -> CommandError {
    CommandError::Usage(why.to_string())
}

fn failed(why: impl std::fmt::Display) -> CommandError {
    CommandError::Failed(why.to_string())
}

/// Refuses every command that looks at the machine where /proc, in which it looks, is not its own.
pub fn check_proc(command: &Command) -> Result<(), CommandError> {
    match command {
        Command::Quick { .. }
        | Command::Full { .. }
        | Command::Map { .. }
        | Command::Run(_)
        | Command::Calibrate(_)
        | Command::Doctor { .. } => {
            machine::check_proc().map_err(|why| CommandError::Unfit(why.to_string()))
        }
        _ => Ok(()),
    }
}

fn color_choice(color: Color) -> anstream::ColorChoice {
    match color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
}

/// Says what is wrong with a command line, or shows the help that was asked for.
pub fn refuse(misunderstood: &Misunderstood) -> ExitCode {
    let error = &misunderstood.error;
    let text = |choice| match choice {
        anstream::ColorChoice::Never => error.render().to_string(),
        _ => error.render().ansi().to_string(),
    };
    if !error.use_stderr() {
        let text = text(anstream::AutoStream::choice(&std::io::stdout()));
        return match print(|out| out.write_all(text.as_bytes())) {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => {
                say(&e);
                ExitCode::from(e.code())
            }
        };
    }
    let mut text = text(anstream::AutoStream::choice(&std::io::stderr()));
    for setting in &misunderstood.because_of {
        let option = &setting.option;
        text.push_str(&format!(
            "\n{option} comes from {setting} in the environment: change that, unset it, or give {option}\n"
        ));
    }
    // A reader that is gone is told by the exit code.
    let _ = Patient(std::io::stderr().lock()).write_all(text.as_bytes());
    ExitCode::from(EXIT_USAGE)
}

/// What to add to an error for whoever looks for what nobody typed.
pub fn said_by(settings: &[Setting], error: &CommandError) -> String {
    let said = error.to_string();
    let is_about = |s: &&Setting| match error {
        CommandError::Usage(_) => true,
        CommandError::Failed(_) | CommandError::Unfit(_) => said.contains(&s.option),
    };
    let about = settings.iter().filter(is_about);
    let all: Vec<String> = about.map(Setting::to_string).collect();
    match all.is_empty() {
        true => String::new(),
        false => format!(" (from the environment: {})", all.join(" ")),
    }
}

/// Writes to standard output. A reader that has seen enough (`| head`) is no error.
fn print(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), CommandError> {
    let mut out = Patient(std::io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(failed(format!("write to standard output: {e}")))
        }
        _ => Ok(()),
    }
}
