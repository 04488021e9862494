//! How is a run shown to a person, or handed to another program?
//!
//! A report reads a [`Run`] and measures nothing. Metrics of a cell come from its kept pairs ([`crate::record::Cell::kept`]);
//! an invocation that failed is named with its cause and never averaged. Warnings
//! ([`Run::warnings`]) are not part of what the terminal shows: they go to stderr when they arise. A report that
//! travels without its stderr (`markdown`) has them.
//!
//! | file | question |
//! |---|---|
//! | `terminal` | what does a person see after a run? |
//! | `html` | what can a team decide from, and a sceptic check? |
//! | `json` | how is the record written as JSON, and read again? |
//! | `markdown` | what does a colleague see in a pull request? |
//! | `csv` | how do single invocations get into a spreadsheet? |
//! | `patient` | how is all of a text written where a stream is set not to block? |
//! | `file` | how does a file of results appear whole or not at all? |
//! | `parts` | what does each part of a run say? |
//! | `changes` | what changed from one run to another? |
//! | `history` | what became of each comparison over time? |
//! | `gates` | what became of each gate? |
//! | `style` | what can a terminal, or a file, show? |
//! | `progress` | how does a person see that a run goes on? |
//!
//! `parts`, `changes`, `history` and `gates` say what there is to say, as a
//! [`Document`](crate::document::Document); `terminal`, `markdown` and `html` set any of them.
//!
//! # How to add a format
//!
//! 1. Write `src/report/NAME.rs` with a type that implements [`Report`].
//! 2. Add one line to [`REGISTRY`].
//!
//! `forkscope list`, `forkscope report` and the golden tests iterate the registry.

pub mod changes;
pub mod csv;
pub mod file;
pub mod gates;
pub mod history;
pub mod html;
pub mod json;
pub mod markdown;
pub mod parts;
pub mod patient;
pub mod progress;
pub mod terminal;

mod style;

pub use style::Style;

use self::patient::Patient;
use crate::record::Run;
use std::io::{self, Write};
use std::path::Path;

/// One way of writing down a run.
pub trait Report {
    /// Writes `run` to `out`, completely and with a final line break.
    ///
    /// The same run and style give the same bytes: nothing depends on the clock, the locale or the
    /// machine that renders.
    ///
    /// # Errors
    /// What `out` says.
    fn write(&self, run: &Run, style: &Style, out: &mut dyn std::io::Write) -> std::io::Result<()>;
}

/// One line of the registry.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Name on the command line.
    pub name: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
    /// How a file of this format ends, without the dot.
    pub extension: &'static str,
    /// Name of the file in the folder of a run that writes all formats; `None` where the record is written
    /// anyway, or where it is for a screen.
    pub file: Option<&'static str>,
    /// The report itself.
    pub report: &'static (dyn Report + Sync),
}

/// Every format there is.
pub const REGISTRY: &[Entry] = &[
    Entry {
        name: "terminal",
        about: "tables and sentences for a person, at most 100 columns wide",
        extension: "txt",
        file: None,
        report: &terminal::Terminal,
    },
    Entry {
        name: "html",
        about: "a page with pictures for a browser: one file, offline, the record inside",
        extension: "html",
        file: Some("report.html"),
        report: &html::Html,
    },
    Entry {
        name: "json",
        about: "the whole record: every invocation with its metrics or its cause of failure",
        extension: "json",
        file: None,
        report: &json::Json,
    },
    Entry {
        name: "md",
        about: "Markdown for a pull request: the answer first, then the tables that it rests on",
        extension: "md",
        file: Some("report.md"),
        report: &markdown::Markdown,
    },
    Entry {
        name: "csv",
        about: "a line for each invocation, the failed ones too, with every metric: samples.csv",
        extension: "csv",
        file: Some("samples.csv"),
        report: &csv::Csv,
    },
];

/// Writes every format that has a file into the folder of a run.
///
/// # Errors
/// Those of the file system, with the path and what to do; the other files are written all the same.
pub fn save_all(run: &Run, dir: &Path) -> io::Result<()> {
    let mut result = Ok(());
    for entry in REGISTRY {
        let Some(name) = entry.file else { continue };
        let style = Style::default();
        let saved = file::save(dir, name, |out| entry.report.write(run, &style, out));
        result = result.and(saved.map(|_| ()));
    }
    result
}

/// Says something to a person on standard error. A reader that is gone (`2>&1 | head`) is no reason to
/// end: nothing is lost that the record does not hold.
pub fn say(text: impl std::fmt::Display) {
    let line = format!("forkscope: {text}\n");
    let _ = Patient(io::stderr().lock()).write_all(line.as_bytes());
}

/// Finds a registered format by name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|e| e.name == name)
}
