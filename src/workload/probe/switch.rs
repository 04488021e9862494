//! switch: the CPU is offered to whoever waits for it. With as many workers as CPUs nobody does, and
//! the op is a short system call; with more it is a switch, to another address space or within one.

use super::{Operation, Probe, entry};
use crate::workload::Entry;
use crate::workload::spec::{FieldError, within};
use serde::Deserialize;

/// The line of the registry.
pub const ENTRY: Entry = entry::<Switch>(
    "probes/switch",
    "probe: giving up the CPU; a switch only with more workers than CPUs",
    include_str!("../../../workloads/probes/switch.toml"),
);

/// `[op]` of `workloads/probes/switch.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    yields: u32,
}

impl Probe for Switch {
    type Operation = Yields;

    fn check(&self) -> Result<(), FieldError> {
        within("op.yields", self.yields, 1..=4096).map(drop)
    }

    fn prepare(&self, _id: usize) -> Result<Yields, String> {
        Ok(Yields {
            yields: self.yields,
        })
    }
}

/// Some offers in a row.
pub struct Yields {
    yields: u32,
}

impl Operation for Yields {
    /// How often the CPU was offered.
    fn perform(&mut self) -> u64 {
        (0..self.yields).for_each(|_| std::thread::yield_now());
        u64::from(self.yields)
    }
}
