//! dup: a descriptor is duplicated and the duplicate closed. Both change the table of descriptors,
//! and one thread at a time may do so.

use super::{Operation, Probe, entry, granted};
use crate::workload::Entry;
use crate::workload::spec::{FieldError, within};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd::{close, dup};
use serde::Deserialize;

/// The line of the registry.
pub const ENTRY: Entry = entry::<Dup>(
    "probes/dup",
    "probe: duplicating a descriptor and closing the duplicate",
    include_str!("../../../workloads/probes/dup.toml"),
);

/// `[op]` of `workloads/probes/dup.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dup {
    bundle: u32,
}

impl Probe for Dup {
    type Operation = Duplicates;

    fn check(&self) -> Result<(), FieldError> {
        within("op.bundle", self.bundle, 1..=4096).map(drop)
    }

    fn prepare(&self, _id: usize) -> Result<Duplicates, String> {
        let own = EventFd::from_flags(EfdFlags::EFD_CLOEXEC);
        Ok(Duplicates {
            bundle: self.bundle,
            own: own.map_err(|e| format!("open a descriptor: {e}"))?,
        })
    }

    /// Its own, and the duplicate.
    fn descriptors(&self) -> usize {
        2
    }
}

/// Some duplicates, one after the other.
pub struct Duplicates {
    bundle: u32,
    own: EventFd,
}

impl Operation for Duplicates {
    /// How many duplicates were made and closed.
    fn perform(&mut self) -> u64 {
        for _ in 0..self.bundle {
            let duplicate = granted("dup", dup(&self.own));
            granted("close", close(duplicate));
        }
        u64::from(self.bundle)
    }
}
