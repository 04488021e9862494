//! Which record does a path mean?

use super::{CommandError, usage};
use crate::input;
use crate::record::Run;
use crate::report;
use crate::report::json::{self, ReadError};
use crate::study;
use std::path::Path;

/// Name of a record in its folder.
pub const NAME: &str = "run.json";

/// Reads a record: a file, or the `run.json` of a folder.
pub fn read(path: &Path) -> Result<Run, CommandError> {
    let file = match path.is_dir() {
        true => path.join(NAME),
        false => path.to_owned(),
    };
    read_file(&file).map_err(|why| usage(format!("{}: {why}", file.display())))
}

/// Reads a file; says which of its keys are passed over.
pub fn read_file(file: &Path) -> Result<Run, String> {
    let text = input::record(file).map_err(|e| e.to_string())?;
    parse(&text, &file.display().to_string()).map_err(|e| e.to_string())
}

/// Reads the text of a record, `from` somewhere, and concludes it anew; says which of its keys are passed over.
pub fn parse(text: &str, from: &str) -> Result<Run, ReadError> {
    let (mut run, passed_over) = json::read_and_note(text)?;
    study::conclude_again(&mut run);
    if let Some(note) = passed_over {
        report::say(format_args!("{from}: {note}"));
    }
    Ok(run)
}
