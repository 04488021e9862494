//! What became of each gate?

use crate::report::Style;
use crate::report::layout::{Page, Tone};
use crate::verdict::{GateAnswer, GateState};
use std::io::{self, Write};

/// Writes a sentence for each gate, below what a person has just read; nothing without gates.
///
/// # Errors
/// What `out` says.
pub fn write(answers: &[GateAnswer], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    if answers.is_empty() {
        return Ok(());
    }
    let mut page = Page::new(style);
    page.heading("gates", "");
    for answer in answers {
        let tone = match answer.state {
            GateState::Holds => Tone::Calm,
            GateState::Open => Tone::Caution,
            GateState::Broken => Tone::Strong,
        };
        page.paragraph(2, tone, &answer.sentence);
    }
    writeln!(out)?;
    out.write_all(page.finish().as_bytes())
}
