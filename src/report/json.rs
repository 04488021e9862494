//! How is the record written as JSON, and read again?

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Report, Style, file};
use crate::record::{Run, SCHEMA_VERSION};

/// The whole record as JSON.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl Report for Json {
    fn write(&self, run: &Run, _style: &Style, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, run)?;
        out.write_all(b"\n")
    }
}

/// Why a text is not a record that this program can use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The text is not JSON, or not the JSON of a record.
    #[error("line {line}, column {column}: {why}; give it a run.json as forkscope wrote it")]
    NotARecord {
        /// Line of the text, from 1.
        line: usize,
        /// Column in the line, from 1.
        column: usize,
        /// What is wrong there.
        why: String,
    },
    /// The record has another shape.
    #[error(
        "the record has schema version {found}, this forkscope reads version {known}: {}",
        schema_advice(*found, *known)
    )]
    OtherSchema {
        /// Schema version of the record.
        found: u64,
        /// [`SCHEMA_VERSION`].
        known: u32,
    },
}

fn schema_advice(found: u64, known: u32) -> &'static str {
    match found > u64::from(known) {
        true => "update forkscope to read it",
        false => {
            "read it with the forkscope that wrote it (`forkscope_version` in the file), or run again"
        }
    }
}

/// Reads a record.
///
/// # Errors
/// [`ReadError`]: the version is looked at first, so that a record of another version is named as
/// such and not as a mistake in some line.
pub fn read(text: &str) -> Result<Run, ReadError> {
    #[derive(Deserialize)]
    struct Version {
        schema_version: u64,
    }
    let version: Version = serde_json::from_str(text).map_err(not_a_record)?;
    if version.schema_version != u64::from(SCHEMA_VERSION) {
        return Err(ReadError::OtherSchema {
            found: version.schema_version,
            known: SCHEMA_VERSION,
        });
    }
    serde_json::from_str(text).map_err(not_a_record)
}

fn not_a_record(error: serde_json::Error) -> ReadError {
    let (line, column) = (error.line(), error.column());
    // The message ends with its place, which has fields of its own here.
    let place = format!(" at line {line} column {column}");
    let why = error.to_string();
    ReadError::NotARecord {
        line,
        column,
        why: why.strip_suffix(&place).unwrap_or(&why).to_owned(),
    }
}

/// Writes `run.json` into `dir`, which is created where it is missing, and gives its path.
///
/// # Errors
/// [`file::save`]
pub fn save(run: &Run, dir: &Path) -> io::Result<PathBuf> {
    file::save(dir, "run.json", |out| {
        Json.write(run, &Style::default(), out)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_follows_the_direction_of_the_version() {
        let of = |found| ReadError::OtherSchema { found, known: 2 }.to_string();
        assert_eq!(
            of(3),
            "the record has schema version 3, this forkscope reads version 2: update forkscope to read it"
        );
        assert!(of(1).contains("or run again"));
    }
}
