//! flock: all agents lock and unlock one file, the program itself, and wait for each other. It is one
//! file whatever the deployment, so they meet in it as threads and as processes: the control that
//! agents can get into each other's way in both.

use super::{Operation, Probe, entry, granted};
use crate::workload::Entry;
use crate::workload::spec::{FieldError, within};
use serde::Deserialize;
use std::fs::File;

/// The line of the registry.
pub const ENTRY: Entry = entry::<Flock>(
    "probes/flock",
    "probe: locking one file that all agents wait for, whatever the deployment",
    include_str!("../../../workloads/probes/flock.toml"),
);

/// `[op]` of `workloads/probes/flock.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flock {
    bundle: u32,
}

impl Probe for Flock {
    type Operation = Lock;

    fn check(&self) -> Result<(), FieldError> {
        within("op.bundle", self.bundle, 1..=4096).map(drop)
    }

    fn prepare(&self, _id: usize) -> Result<Lock, String> {
        // This very file, also when a new build has taken its name meanwhile.
        let file = File::open("/proc/self/exe");
        Ok(Lock {
            bundle: self.bundle,
            file: file.map_err(|e| {
                format!("open the program itself: {e}; let this user read it (chmod a+r)")
            })?,
        })
    }

    fn descriptors(&self) -> usize {
        1
    }
}

/// A lock that one agent holds at a time. Each opened the file for itself: a lock belongs to who
/// opened it.
pub struct Lock {
    bundle: u32,
    file: File,
}

impl Operation for Lock {
    /// How often the lock was taken and given back.
    fn perform(&mut self) -> u64 {
        for _ in 0..self.bundle {
            granted("flock (lock)", self.file.lock());
            granted("flock (unlock)", self.file.unlock());
        }
        u64::from(self.bundle)
    }
}
