//! What does each part of a run say that belongs to no study?
//!
//! A part is a function of the record that adds sections and answers to a document, none where the record holds
//! nothing for it. It knows no format, and no other part.
//!
//! | file | question |
//! |---|---|
//! | `answer` | what is the answer, and what must be known before it is relied on? |
//! | `head` | which machine, which run? |
//! | `time` | what did single pairs say, in the order of the run? |
//! | `checks` | how does the run stand against claims and thresholds? |
//! | `missing` | what is missing, and what to know? |
//! | `how_to_read` | what do the words mean? |
//!
//! # How to add a part
//!
//! What a study found it shows itself ([`crate::study::Study::show`]). For what belongs to none, write a file here, and add
//! its function where it is read. Formats follow.

mod answer;
mod checks;
pub(super) mod head;
mod how_to_read;
mod missing;
mod time;

use crate::document::Document;
use crate::record::Run;
use crate::study::{self, alike};

/// Parts before the studies, in the order in which they are read, in every format.
const BEFORE: &[fn(&Run, &mut Document)] = &[answer::show, head::show];

/// Parts behind the studies.
const BEHIND: &[fn(&Run, &mut Document)] = &[
    time::show,
    checks::show,
    missing::show,
    head::show_all,
    how_to_read::show,
];

/// What a run says: the parts, and between them what each study has to show.
#[must_use]
pub fn document(run: &Run) -> Document {
    let mut document = Document {
        statuses: alike::statuses(run),
        ..Document::default()
    };
    BEFORE.iter().for_each(|show| show(run, &mut document));
    study::show(run, &mut document);
    BEHIND.iter().for_each(|show| show(run, &mut document));
    answer::close(run, &mut document);
    document
}
