//! Which command was asked for, and with which exit code does it end?

use super::Command;
use super::commands::{self, CommandError};
use crate::deployment::{file_size, processes, signals};
use crate::experiment::{host, invocation};
use crate::observe::program;
use crate::report;
use crate::verdict::EXIT_FAILURE;
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Instant;

/// The program: reads the command line, runs the command, gives its exit code. It comes first in `main`, since host and
/// workers are this program, too.
#[must_use]
pub fn main() -> ExitCode {
    let began = Instant::now();
    signals::reset();
    file_size::make_an_error();
    program::allow_looks();
    // The hidden subcommands come before the parser: a worker process is part of what is measured,
    // and should hold nothing that its agents do not need.
    let arguments: Vec<String> = std::env::args_os()
        .map(|a| a.to_string_lossy().into_owned())
        .collect();
    match arguments.get(1).map(String::as_str) {
        Some(processes::SUBCOMMAND) => return ended(processes::worker_main(&arguments[2..])),
        Some(host::SUBCOMMAND) => return ended(invocation::host_main(&arguments[2..])),
        Some(program::SUBCOMMAND) => {
            print!("{}", program::identity());
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let (cli, settings) = match super::parse(&arguments) {
        Ok(understood) => understood,
        Err(misunderstood) => return commands::refuse(&misunderstood),
    };
    match answer(began, &cli.command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            report::say(format_args!(
                "{error}{}",
                commands::said_by(&settings, &error)
            ));
            ExitCode::from(error.code())
        }
    }
}

/// Runs a command; gives its exit code.
fn answer(began: Instant, command: &Command) -> Result<u8, CommandError> {
    commands::check_proc(command)?;
    match command {
        Command::Quick { common } => commands::quick(began, common),
        Command::Full { budget, common } => commands::full(began, *budget, common),
        Command::Map {
            workload,
            agents,
            time,
            common,
        } => commands::of_study(began, "map", workload, usize::from(*agents), *time, common),
        Command::Run(asked) => commands::run(began, asked),
        Command::Calibrate(asked) => commands::calibrate(began, asked),
        Command::Report(asked) => commands::report(asked),
        Command::Schema => commands::schema(),
        Command::Compare(asked) => commands::compare(asked),
        Command::Trend {
            folder,
            format,
            output,
            color,
        } => commands::trend(folder, *format, output.as_deref(), *color),
        Command::List { what } => commands::list(*what),
        Command::Completions { shell } => commands::completions(*shell),
        Command::Man { command } => commands::man(command.as_deref()),
        Command::Doctor { json, color } => commands::doctor(*json, *color),
    }
}

fn ended(result: Result<(), impl std::fmt::Display>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            report::say(e);
            ExitCode::from(EXIT_FAILURE)
        }
    }
}
