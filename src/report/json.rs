//! How is the record written as JSON, and read again?

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Report, Style, file};
use crate::input::shown;
use crate::record::{Outcome, Run, SCHEMA_VERSION};

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
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// There is nothing in it.
    #[error("it is empty; give it a run.json as forkscope wrote it")]
    Empty,
    /// It ends before the record does.
    #[error(
        "it ends in the middle of the record, in line {line}: it was cut off; copy it again, or run again"
    )]
    CutOff {
        /// Last line of the text, from 1.
        line: usize,
    },
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
    /// It says what no run measures.
    #[error("{place}: {field} is {value}, and {rule}; give it a run.json as forkscope wrote it")]
    Impossible {
        /// Where in the record.
        place: String,
        /// Name of the field.
        field: String,
        /// What stands there.
        value: f64,
        /// What may stand there.
        rule: &'static str,
    },
    /// It is what `forkscope calibrate` wrote.
    #[error(
        "it is a record of `forkscope calibrate`, whose report is the table.txt beside it; give it a run.json"
    )]
    Calibration,
    /// The record has another shape.
    #[error(
        "the record has schema version {found}, this forkscope reads version {known}: {}",
        schema_advice(*found, *known, written_by.as_deref())
    )]
    OtherSchema {
        /// Schema version of the record.
        found: u64,
        /// [`SCHEMA_VERSION`].
        known: u32,
        /// Version of the forkscope that wrote it, where it says so.
        written_by: Option<String>,
    },
}

fn schema_advice(found: u64, known: u32, written_by: Option<&str>) -> String {
    if found > u64::from(known) {
        return match written_by {
            Some(version) => format!("update forkscope to {version} or later to read it"),
            None => "update forkscope to read it".to_owned(),
        };
    }
    match written_by {
        Some(version) => format!("read it with forkscope {version}, which wrote it, or run again"),
        None => "read it with the forkscope that wrote it, or run again".to_owned(),
    }
}

/// Reads a record; keys that this version does not know are passed over.
///
/// # Errors
/// [`ReadError`]: the version is looked at first, so that a record of another version is named as
/// such and not as a mistake in some line.
pub fn read(text: &str) -> Result<Run, ReadError> {
    read_and_note(text).map(|(run, _)| run)
}

/// As [`read`], with a sentence about the keys that were passed over, if there are any: somebody added them, or a
/// later version did.
///
/// # Errors
/// Those of [`read`].
pub fn read_and_note(text: &str) -> Result<(Run, Option<String>), ReadError> {
    #[derive(Deserialize)]
    #[serde(expecting = "expected the object of a record")]
    struct Head {
        schema_version: u64,
        forkscope_version: Option<String>,
        /// Only calibrations have these.
        rows_of_doubtful: Option<IgnoredAny>,
    }
    if text.trim().is_empty() {
        return Err(ReadError::Empty);
    }
    // A list would be read as the fields of a record in order.
    let begins = text.len() - text.trim_start().len();
    if text[begins..].starts_with('[') {
        let before = &text[..begins];
        return Err(ReadError::NotARecord {
            line: before.matches('\n').count() + 1,
            column: begins - before.rfind('\n').map_or(0, |at| at + 1) + 1,
            why: "this is a list, not the object of a record".to_owned(),
        });
    }
    let head: Head = serde_json::from_str(text).map_err(|e| not_a_record(text, &e))?;
    if head.schema_version != u64::from(SCHEMA_VERSION) {
        return Err(ReadError::OtherSchema {
            found: head.schema_version,
            known: SCHEMA_VERSION,
            written_by: head.forkscope_version,
        });
    }
    if head.rows_of_doubtful.is_some() {
        return Err(ReadError::Calibration);
    }
    let mut unknown = Vec::new();
    let cleaned = without_controls(text);
    let mut json = serde_json::Deserializer::from_str(&cleaned);
    let run = serde_ignored::deserialize(&mut json, |path| note(&path, &mut unknown));
    let run = run.and_then(|run| json.end().map(|()| run));
    let run: Run = run.map_err(|e| not_a_record(text, &e))?;
    check(&run)?;
    let mut path = String::new();
    let found = serde_json::to_value(&run)
        .ok()
        .and_then(|all| beyond_measure(&all, MOST, &mut path));
    if let Some(value) = found {
        return Err(ReadError::Impossible {
            place: "the record".to_owned(),
            field: path.trim_start_matches('.').to_owned(),
            value,
            rule: "nothing that is measured is so much",
        });
    }
    Ok((run, passed_over(&unknown)))
}

/// Unknown keys that are named.
const MOST_NAMED: usize = 5;

/// Notes the place of a key, once for all items of a list.
fn note(path: &serde_ignored::Path<'_>, unknown: &mut Vec<String>) {
    let place = place(path);
    if unknown.len() <= MOST_NAMED && !unknown.contains(&place) {
        unknown.push(place);
    }
}

/// Where a key stands: `cells[].pairs[].colour`.
fn place(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, .. } => format!("{}[]", place(parent)),
        Path::Map { parent, key } => match place(parent) {
            parent if parent.is_empty() => key.clone(),
            parent => format!("{parent}.{key}"),
        },
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => place(parent),
    }
}

fn passed_over(unknown: &[String]) -> Option<String> {
    let named = unknown.iter().take(MOST_NAMED);
    let named: Vec<String> = named.map(|place| shown(place)).collect();
    let more = match unknown.len() > MOST_NAMED {
        true => " and others",
        false => "",
    };
    (!named.is_empty()).then(|| {
        format!(
            "not known to this version of forkscope, and passed over: {}{more}",
            named.join(", ")
        )
    })
}

/// The first number beyond which no run measures anything, with its path; lengths and logarithms of it would be without
/// end.
fn beyond_measure(value: &serde_json::Value, most: f64, path: &mut String) -> Option<f64> {
    use serde_json::Value;
    let mut inside = |step: String, value, most| {
        let length = path.len();
        path.push_str(&step);
        let found = beyond_measure(value, most, path);
        if found.is_none() {
            path.truncate(length);
        }
        found
    };
    match value {
        Value::Number(n) => n.as_f64().filter(|v| v.abs() > most),
        Value::Array(all) => {
            let mut items = all.iter().enumerate();
            items.find_map(|(i, v)| inside(format!("[{i}]"), v, most))
        }
        Value::Object(all) => all.iter().find_map(|(k, v)| {
            let most = match LOGARITHMS.contains(&k.as_str()) {
                true => MOST.ln(),
                false => MOST,
            };
            inside(format!(".{k}"), v, most)
        }),
        Value::Null | Value::Bool(_) | Value::String(_) => None,
    }
}

/// Nothing that is measured is more, whatever its unit.
const MOST: f64 = 1e30;

/// Fields of an [`Effect`](crate::record::Effect) in units of ln: what they are logarithms of is no more than
/// [`MOST`], either.
const LOGARITHMS: [&str; 3] = ["order_effect", "standard_error", "pair_sd"];

/// A text whose escaped control characters are gone: a record that somebody hands over is not to steer a terminal.
/// Line breaks and tabs stay.
fn without_controls(text: &str) -> Cow<'_, str> {
    let is_control = |hex: &str| {
        let code = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
        code.is_some_and(|c| c.is_control() && !matches!(c, '\n' | '\t'))
    };
    let mut cleaned = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        at += found;
        let hex = text.get(at + 2..at + 6);
        if text[at + 1..].starts_with('u') && hex.is_some_and(is_control) {
            cleaned.push_str(&text[copied..at]);
            cleaned.push_str("\\ufffd");
            at += 6;
            copied = at;
        } else {
            // What is escaped, one character, begins no escape of its own.
            let escaped = text[at + 1..].chars().next();
            at += 1 + escaped.map_or(0, char::len_utf8);
        }
    }
    match copied {
        0 => Cow::Borrowed(text),
        _ => Cow::Owned(cleaned + &text[copied..]),
    }
}

/// What has the shape of a record and was edited by hand may still say what cannot be, and logarithms of it would
/// stand in the report.
fn check(run: &Run) -> Result<(), ReadError> {
    let impossible = |place: String, field: &str, value, rule| {
        Err(ReadError::Impossible {
            place,
            field: field.to_owned(),
            value,
            rule,
        })
    };
    if !(run.margin > 0.0 && run.margin < 1.0) {
        let rule = "a margin lies between 0 and 1";
        return impossible("the record".to_owned(), "margin", run.margin, rule);
    }
    for (c, cell) in run.cells.iter().enumerate() {
        if let Some(e) = &cell.effect
            && !(1.0 / MOST <= e.low && e.low <= e.ratio && e.ratio <= e.high)
        {
            let rule = "it lies inside of its interval, and both above 0";
            return impossible(format!("cells[{c}].effect"), "ratio", e.ratio, rule);
        }
        for (p, pair) in cell.pairs.iter().enumerate() {
            for (side, outcome) in [("baseline", &pair.baseline), ("x", &pair.x)] {
                let Outcome::Measured(sample) = outcome else {
                    continue;
                };
                let place = || format!("cells[{c}].pairs[{p}].{side}");
                let values = sample
                    .values
                    .iter()
                    .map(|(id, value)| (id.as_str(), *value));
                for (field, value) in values.chain([("span_s", sample.span_s)]) {
                    if value < 0.0 {
                        return impossible(place(), field, value, "it is never below 0");
                    }
                }
            }
        }
    }
    Ok(())
}

fn not_a_record(text: &str, error: &serde_json::Error) -> ReadError {
    let (line, column) = (error.line(), error.column());
    if error.is_eof() || is_half_a_number(text, error) {
        return ReadError::CutOff { line };
    }
    // The message ends with its place, which has fields of its own here.
    let place = format!(" at line {line} column {column}");
    let why = error.to_string();
    let why = why.strip_suffix(&place).unwrap_or(&why);
    let why = match error.is_syntax() {
        true => format!("{why}, so this is not JSON"),
        false => why.to_owned(),
    };
    ReadError::NotARecord { line, column, why }
}

/// Whether a text ends within a number, which is no end to the parser: `-`, `1.`, `2e`.
fn is_half_a_number(text: &str, error: &serde_json::Error) -> bool {
    let last = text.lines().last().unwrap_or("");
    let is_at_the_end = error.line() == text.lines().count() && error.column() >= last.len();
    error.is_syntax() && is_at_the_end && last.ends_with(['-', '+', '.', 'e', 'E'])
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
        let of = |found, written_by: Option<&str>| {
            let written_by = written_by.map(str::to_owned);
            let error = ReadError::OtherSchema {
                found,
                known: 2,
                written_by,
            };
            error.to_string()
        };
        assert_eq!(
            of(3, None),
            "the record has schema version 3, this forkscope reads version 2: update forkscope to read it"
        );
        assert!(of(3, Some("9.1.0")).ends_with("update forkscope to 9.1.0 or later to read it"));
        assert_eq!(
            of(1, Some("0.0.9")),
            "the record has schema version 1, this forkscope reads version 2: read it with forkscope 0.0.9, \
             which wrote it, or run again"
        );
        assert!(of(1, None).ends_with("or run again"));
    }
}
