//! What does a TOML file say, as typed parameters? Errors name file, line and field.

use super::shown;
use serde::de::DeserializeOwned;

/// The text of a TOML file of parameters, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SpecSource {
    /// Name in tables and records: of a built-in workload, or the file's stem.
    pub name: String,
    /// Shown in errors: the file's path, or `workloads/NAME.toml (built in)`.
    pub origin: String,
    /// The TOML text.
    pub text: String,
}

/// Why a file of parameters was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}", shown(.origin), line.map_or(String::new(), |l| format!(":{l}")))]
pub struct SpecError {
    /// File, as in [`SpecSource::origin`].
    pub origin: String,
    /// Line, from 1, where one is at fault.
    pub line: Option<usize>,
    /// The field, what is wrong with it, and what would be right.
    pub message: String,
}

/// A value that the file's syntax allows and its meaning does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the field: `world.slip`.
    pub field: &'static str,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl SpecSource {
    /// Parses the text as `T`, which denies unknown fields.
    ///
    /// # Errors
    /// [`SpecError`] with line and field.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, SpecError> {
        toml::from_str(&self.text).map_err(|e| self.syntax(&e))
    }

    /// The parameters as data: what a record holds of them.
    #[must_use]
    pub fn parameters(&self) -> serde_json::Value {
        toml::from_str(&self.text).unwrap_or_default()
    }

    /// An error of syntax, key or type.
    fn syntax(&self, error: &toml::de::Error) -> SpecError {
        let line = error.span().map(|s| line_at(&self.text, s.start));
        // The parser's message says what, not always which field: the line that it points at does.
        let at_fault = line
            .and_then(|l| self.text.lines().nth(l - 1))
            .map(str::trim)
            .filter(|l| !l.is_empty());
        let message = shown(&error.message().replace('\n', ", "));
        let message = match at_fault {
            Some(text) => format!("{message}, in `{}`", shown(text)),
            None => message,
        };
        SpecError {
            origin: self.origin.clone(),
            line,
            message,
        }
    }

    /// An error of meaning, at the line of its field.
    #[must_use]
    pub fn field(&self, error: &FieldError) -> SpecError {
        SpecError {
            origin: self.origin.clone(),
            line: line_of(&self.text, error.field),
            message: format!("{}: {}", error.field, error.message),
        }
    }

    /// An error at a byte of the text.
    #[must_use]
    pub fn at(&self, offset: usize, message: &str) -> SpecError {
        SpecError {
            origin: self.origin.clone(),
            line: Some(line_at(&self.text, offset)),
            message: message.to_owned(),
        }
    }

    /// An error that no single field is guilty of.
    #[must_use]
    pub fn whole(&self, message: &str) -> SpecError {
        SpecError {
            origin: self.origin.clone(),
            line: None,
            message: message.to_owned(),
        }
    }
}

/// Line, from 1, of a byte offset.
fn line_at(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())]
        .iter()
        .filter(|&&b| b == b'\n')
        .count()
        + 1
}

/// Line of `table.key` (or of a top-level `key`), by the parser's own spans; the table's line, or
/// none, where the key is left to its default.
fn line_of(text: &str, field: &str) -> Option<usize> {
    let parsed = toml::de::DeTable::parse(text).ok()?;
    let mut table = parsed.get_ref();
    let mut line = None;
    for part in field.split('.') {
        let (key, value) = table.iter().find(|(k, _)| k.get_ref() == part)?;
        line = Some(line_at(text, key.span().start));
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    line
}

/// Refuses what is not in `range`.
///
/// # Errors
/// [`FieldError`] naming the value and the range.
pub fn within<T: PartialOrd + std::fmt::Display>(
    field: &'static str,
    value: T,
    range: std::ops::RangeInclusive<T>,
) -> Result<T, FieldError> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(FieldError {
        field,
        message: format!(
            "{value} is not between {} and {}",
            range.start(),
            range.end()
        ),
    })
}
