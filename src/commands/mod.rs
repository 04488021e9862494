//! What the commands share: how they fail, how they print.

mod blank;
mod calibrate;
mod capacity;
mod compare;
mod completions;
mod doctor;
mod formats;
mod full;
mod ground;
mod held;
mod list;
mod man;
mod map;
mod measure;
mod messages;
mod probes;
mod records;
mod report;
mod scale;
mod schema;
mod spinning;
mod study;
mod trend;

pub use calibrate::calibrate;
pub use compare::compare;
pub use completions::completions;
pub use doctor::doctor;
pub use full::full;
pub use list::list;
pub use man::man;
pub use map::map;
pub use measure::{quick, run};
pub use report::report;
pub use schema::schema;
pub use trend::trend;

use forkscope::cli::{Color, Command};
use forkscope::experiment::machine;
use forkscope::verdict::{EXIT_FAILURE, EXIT_UNFIT, EXIT_USAGE};
use std::io::{ErrorKind, Write};

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

/// Writes to standard output. A reader that has seen enough (`| head`) is no error.
fn print(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(failed(format!("write to standard output: {e}")))
        }
        _ => Ok(()),
    }
}
