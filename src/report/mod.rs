//! How is a run shown to a person, or handed to another program?
//!
//! A report reads a [`Run`] and measures nothing. Metrics of a cell come from its kept pairs ([`crate::record::Cell::kept`]);
//! an invocation that failed is named with its cause and never averaged. Warnings
//! ([`Run::warnings`]) are not part of a report: they go to stderr when they arise.
//!
//! | file | question |
//! |---|---|
//! | `terminal` | what does a person see after a run? |
//! | `html` | what can a team decide from, and a sceptic check? |
//! | `json` | how is the record written as JSON, and read again? |
//! | `file` | how does a file of results appear whole or not at all? |
//! | `progress` | how does a person see that a run goes on? |
//! | `layout` | how do text and tables fit a width, with or without colour? |
//! | `numbers` | how are numbers written in a table? |
//!
//! # How to add a format
//!
//! 1. Write `src/report/NAME.rs` with a type that implements [`Report`].
//! 2. Add one line to [`REGISTRY`].
//!
//! `forkscope list` and the golden test iterate the registry.

pub mod file;
pub mod html;
pub mod json;
pub mod progress;
pub mod terminal;

mod layout;
mod numbers;

pub use layout::Style;

use crate::record::Run;

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
    /// The report itself.
    pub report: &'static (dyn Report + Sync),
}

/// Every format there is.
pub const REGISTRY: &[Entry] = &[
    Entry {
        name: "terminal",
        about: "tables and sentences for a person, at most 100 columns wide",
        extension: "txt",
        report: &terminal::Terminal,
    },
    Entry {
        name: "html",
        about: "a page with pictures for a browser: one file, offline, the record inside",
        extension: "html",
        report: &html::Html,
    },
    Entry {
        name: "json",
        about: "the whole record: every invocation with its metrics or its cause of failure",
        extension: "json",
        report: &json::Json,
    },
];

/// Says something to a person on standard error. A reader that is gone (`2>&1 | head`) is no reason to
/// end: nothing is lost that the record does not hold.
pub fn say(text: impl std::fmt::Display) {
    let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("forkscope: {text}\n"));
}

/// Finds a registered format by name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|e| e.name == name)
}
