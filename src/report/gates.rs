//! What became of each gate?

use crate::document::{Document, Tone};
use crate::verdict::{GateAnswer, GateState};

/// A sentence for each gate.
#[must_use]
pub fn document(answers: &[GateAnswer]) -> Document {
    let mut out = Document::default();
    let section = out.section("gates", "gates");
    for answer in answers {
        let tone = match answer.state {
            GateState::Holds => Tone::Calm,
            GateState::Open => Tone::Caution,
            GateState::Broken => Tone::Strong,
        };
        section.paragraph(tone, &answer.sentence);
    }
    out
}
