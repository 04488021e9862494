//! `report`: a record in another form, measuring nothing.

use super::{CommandError, color_choice, failed, print, records, usage};
use crate::cli::ReportArguments;
use crate::input;
use crate::record::Run;
use crate::report::patient::Patient;
use crate::report::{self, Entry, Style, file};
use crate::verdict::EXIT_OK;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What stands for standard input, and for standard output.
const STANDARD: &str = "-";

/// What a folder of a run holds.
const RECORD: &str = "run.json";

/// `forkscope report`.
///
/// Nothing that is rendered depends on the clock or the machine, so that the same record gives the same bytes.
pub fn report(asked: &ReportArguments) -> Result<u8, CommandError> {
    anstream::ColorChoice::write_global(color_choice(asked.color));
    let output = asked
        .output
        .as_deref()
        .filter(|o| *o != Path::new(STANDARD));
    let entry = format(asked.format.as_deref(), output)?;
    let record = path(&asked.record);
    if let (Some(record), Some(output)) = (&record, output) {
        check_apart(record, output)?;
    }
    let text = match &record {
        Some(path) => read_file(path)?,
        None => read_standard_input()?,
    };
    let of = record
        .as_deref()
        .map_or("standard input".into(), Path::to_string_lossy);
    let run = records::parse(&text, &of).map_err(|e| usage(format!("{of}: {e}")))?;
    say_if_incomplete(&run);
    // Rendered before the output is touched.
    let style = match output {
        Some(_) => Style::default(),
        None => Style::of_stdout(),
    };
    let mut bytes = Vec::new();
    entry
        .report
        .write(&run, &style, &mut bytes)
        .map_err(failed)?;
    match output {
        Some(path) => file::replace(path, |out| out.write_all(&bytes)).map_err(failed)?,
        None => print(|out| out.write_all(&bytes))?,
    }
    Ok(EXIT_OK)
}

/// The format that is asked for: by its name, else by how the file's name ends, else for a person.
fn format(name: Option<&str>, output: Option<&Path>) -> Result<&'static Entry, CommandError> {
    if let Some(name) = name {
        return report::find(name).ok_or_else(|| usage(format!("there is no format {name}")));
    }
    let ending = output.and_then(Path::extension);
    let by_ending = report::REGISTRY
        .iter()
        .find(|entry| ending.is_some_and(|e| e == entry.extension));
    match (by_ending, output) {
        (Some(entry), _) => Ok(entry),
        (None, None) => Ok(report::find("terminal").expect("it is registered")),
        (None, Some(output)) => Err(usage(format!(
            "{} does not end like any format; say which with --format",
            output.display()
        ))),
    }
}

/// The record's file; `None` for standard input. A folder stands for the record in it.
fn path(record: &Path) -> Option<PathBuf> {
    if record == Path::new(STANDARD) {
        return None;
    }
    Some(match record.is_dir() {
        true => record.join(RECORD),
        false => record.to_owned(),
    })
}

/// Refuses to write over what is read: a record cannot be measured again.
fn check_apart(record: &Path, output: &Path) -> Result<(), CommandError> {
    let (Ok(from), Ok(to)) = (record.canonicalize(), output.canonicalize()) else {
        return Ok(());
    };
    match from == to {
        true => Err(usage(format!(
            "{} is the record itself; give another file with -o",
            output.display()
        ))),
        false => Ok(()),
    }
}

fn read_file(path: &Path) -> Result<String, CommandError> {
    input::record(path).map_err(|e| {
        let shown = path.display();
        usage(match e.kind() {
            ErrorKind::NotFound => format!(
                "{shown}: there is no such file; give it a {RECORD}, the folder that holds one, or {STANDARD} for standard input"
            ),
            ErrorKind::InvalidData => {
                format!("{shown}: it is not text; give it a {RECORD} as forkscope wrote it")
            }
            _ => format!("{shown}: {e}"),
        })
    })
}

fn read_standard_input() -> Result<String, CommandError> {
    input::record_from(Patient(std::io::stdin().lock()))
        .map_err(|e| usage(format!("standard input: {e}")))
}

/// Not every format has a place for it.
fn say_if_incomplete(run: &Run) {
    if run.complete {
        return;
    }
    let reason = run.incomplete_reason.as_deref();
    let reason = reason.unwrap_or("no reason was recorded");
    report::say(format_args!(
        "the record is incomplete: {reason}; what is rendered rests on the pairs that were measured"
    ));
}
