//! getppid: the shortest system call, and the control: threads share nothing in it.

use super::{Operation, Probe, entry};
use crate::workload::Entry;
use crate::workload::spec::{FieldError, within};
use nix::unistd::{Pid, getppid};
use serde::Deserialize;

/// The line of the registry.
pub const ENTRY: Entry = entry::<GetPpid>(
    "probes/getppid",
    "probe: the shortest system call; neither side should be ahead",
    include_str!("../../../workloads/probes/getppid.toml"),
);

/// `[op]` of `workloads/probes/getppid.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetPpid {
    bundle: u32,
}

impl Probe for GetPpid {
    type Operation = Calls;

    fn check(&self) -> Result<(), FieldError> {
        within("op.bundle", self.bundle, 1..=4096).map(drop)
    }

    fn prepare(&self, _id: usize) -> Result<Calls, String> {
        Ok(Calls {
            bundle: self.bundle,
            parent: getppid(),
        })
    }
}

/// Some calls in a row.
pub struct Calls {
    bundle: u32,
    parent: Pid,
}

impl Operation for Calls {
    /// How many calls gave the parent that was there before.
    fn perform(&mut self) -> u64 {
        (0..self.bundle)
            .filter(|_| getppid() == self.parent)
            .count() as u64
    }
}
