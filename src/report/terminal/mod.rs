//! What does a person see after a run?
//!
//! Top to bottom: the machine and the run, a table per comparison (one for all probes), what memory, setup and messages
//! cost, whether the controls hold, and last, next to the prompt, the answer in sentences.
//!
//! Its sections are those of the Markdown report, too, which chooses among them.
//!
//! | file | question |
//! |---|---|
//! | `calibration` | how often does this machine tell a thing from itself, and find what is there? |
//! | `head` | which machine, which run? |
//! | `cells` | how fast, and what does an op cost, per agent count? |
//! | `probes` | what in this operating system separates threads from processes? |
//! | `scale` | where does passing messages on stop scaling? |
//! | `costs` | what do memory, setup and messages cost? |
//! | `latency` | how long after its planned start is a step done? |
//! | `mixes` | which mix of processes and threads is best? |
//! | `scaling` | what do more agents, and longer windows, make of op/s? |
//! | `hops` | what does a message between two workers cost, and why? |
//! | `delivery` | does it matter more whether a receiver polls than where it runs? |
//! | `formats` | what do formats cost, and how much of a hop is that? |
//! | `within` | what moved while it was measured? |
//! | `checks` | how does the run stand against claims and thresholds? |
//! | `gates` | what became of each gate? |
//! | `comparison` | what changed from one run to another? |
//! | `trend` | what became of each comparison over time? |
//! | `close` | do the controls hold, what is the answer, what is missing? |

pub mod calibration;
pub(super) mod cells;
pub(super) mod checks;
pub(super) mod close;
pub mod comparison;
pub(super) mod costs;
pub(super) mod delivery;
pub(super) mod formats;
pub mod gates;
pub(super) mod head;
pub(super) mod hops;
pub(super) mod latency;
pub(super) mod mixes;
pub(super) mod probes;
pub(super) mod scale;
pub(super) mod scaling;
pub mod trend;
pub(super) mod within;

use std::io::{self, Write};

use super::layout::Page;
use super::{Report, Style};
use crate::record::Run;
use crate::transport;
use crate::verdict::{BUSY_LABEL, WITHHELD_LABEL};

/// Tables and sentences on at most 100 columns.
#[derive(Clone, Copy, Debug)]
pub struct Terminal;

impl Report for Terminal {
    fn write(&self, run: &Run, style: &Style, out: &mut dyn Write) -> io::Result<()> {
        let mut page = Page::new(style);
        head::write(run, &mut page);
        cells::write(run, &mut page);
        probes::write(run, &mut page);
        scale::write(run, &mut page);
        mixes::write(run, &mut page);
        scaling::write(run, &mut page);
        costs::write(run, &mut page);
        latency::write(run, &mut page);
        hops::write(run, &mut page);
        delivery::write(run, &mut page);
        formats::write(run, &mut page);
        checks::write(run, &mut page);
        close::write(run, style, &mut page);
        out.write_all(page.finish().as_bytes())
    }
}

/// A transport with its wait policy, without which its numbers say nothing: `ipc, park`.
pub(super) fn transport(name: &str) -> String {
    match transport::find(name) {
        Some(entry) => format!("{name}, {}", entry.wait.name()),
        None => name.to_owned(),
    }
}

/// `6`, or `5 of 6` where pairs were dropped.
pub(super) fn pairs(kept: usize, run: usize) -> String {
    match kept == run {
        true => run.to_string(),
        false => format!("{kept} of {run}"),
    }
}

/// What a heading of a table says where the headline is withheld, or the machine was busy.
pub(super) fn mark(run: &Run) -> String {
    match (&run.withheld, &run.busy) {
        (Some(_), Some(_)) => format!(" (withheld: do not rely on this; {BUSY_LABEL})"),
        (Some(_), None) => " (withheld: do not rely on this)".to_owned(),
        (None, Some(_)) => format!(" ({BUSY_LABEL})"),
        (None, None) => String::new(),
    }
}

/// A sentence travels alone: it says what must be known before it is relied on.
pub(super) fn said(run: &Run, sentence: &str) -> String {
    match (&run.withheld, &run.busy) {
        (Some(_), Some(_)) => format!("{BUSY_LABEL}; {WITHHELD_LABEL}: {sentence}"),
        (Some(_), None) => format!("{WITHHELD_LABEL}: {sentence}"),
        (None, Some(_)) => format!("{BUSY_LABEL}: {sentence}"),
        (None, None) => sentence.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transport_says_how_it_waits() {
        assert_eq!(
            transport("ipc:bytes+channel"),
            "ipc:bytes+channel, adaptive"
        );
        assert_eq!(
            transport("ipc:bytes:spin+channel"),
            "ipc:bytes:spin+channel, spin"
        );
        assert_eq!(transport("tape"), "tape");
    }
}
