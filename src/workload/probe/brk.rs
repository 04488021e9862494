//! brk: the program break moves up and down again. A process has one, whoever moves it.

use super::{Operation, Probe, entry, granted};
use crate::observe::program_break::{MOST_PAGES, ProgramBreak, fenced};
use crate::workload::Entry;
use crate::workload::spec::{FieldError, within};
use serde::Deserialize;

/// The line of the registry.
pub const ENTRY: Entry = entry::<Brk>(
    "probes/brk",
    "probe: the program break moves up and down again (needs glibc)",
    include_str!("../../../workloads/probes/brk.toml"),
);

/// Most pages by which an agent may move the break.
const MOST_MOVED: usize = 16;

/// `[op]` of `workloads/probes/brk.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brk {
    pages: usize,
}

impl Probe for Brk {
    type Operation = UpAndDown;

    fn check(&self) -> Result<(), FieldError> {
        within("op.pages", self.pages, 1..=MOST_MOVED).map(drop)
    }

    fn prepare(&self, id: usize) -> Result<UpAndDown, String> {
        Ok(UpAndDown {
            program_break: fenced()?,
            low: id * (self.pages + 1) % (MOST_PAGES - MOST_MOVED),
            pages: self.pages,
        })
    }
}

/// The break of the process that the agent lives in.
pub struct UpAndDown {
    program_break: ProgramBreak,
    /// Where the agent moves it down to, in pages: another place for each agent. The kernel has
    /// nothing to do for one who finds the break where he wants it, which happens to every second
    /// one when all want the same.
    low: usize,
    pages: usize,
}

impl Operation for UpAndDown {
    /// The pages by which the break moved.
    fn perform(&mut self) -> u64 {
        let high = self.low + self.pages;
        granted("brk upwards", self.program_break.set(high));
        granted("brk downwards", self.program_break.set(self.low));
        self.pages as u64
    }
}
