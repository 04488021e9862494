//! lseek: moving in a file of the agent's own. The cheapest use of a descriptor: what it costs more
//! among threads is the look into the table of descriptors.

use super::{Operation, Probe, entry, granted};
use crate::memory_file;
use crate::workload::Entry;
use crate::workload::spec::{FieldError, within};
use nix::sys::memfd::MFdFlags;
use serde::Deserialize;
use std::fs::File;
use std::io::{Seek, SeekFrom};

/// The line of the registry.
pub const ENTRY: Entry = entry::<Lseek>(
    "probes/lseek",
    "probe: moving in a file of one's own",
    include_str!("../../../workloads/probes/lseek.toml"),
);

/// `[op]` of `workloads/probes/lseek.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lseek {
    bundle: u32,
}

impl Probe for Lseek {
    type Operation = Seeks;

    fn check(&self) -> Result<(), FieldError> {
        within("op.bundle", self.bundle, 1..=4096).map(drop)
    }

    fn prepare(&self, _id: usize) -> Result<Seeks, String> {
        let file = memory_file::create("forkscope-lseek", MFdFlags::MFD_CLOEXEC);
        Ok(Seeks {
            bundle: self.bundle,
            file: File::from(file.map_err(|e| format!("make a file in memory: {e}"))?),
        })
    }

    fn descriptors(&self) -> usize {
        1
    }
}

/// Some moves in a row.
pub struct Seeks {
    bundle: u32,
    file: File,
}

impl Operation for Seeks {
    /// The sum of the places, from 1 on, that the file was moved to.
    fn perform(&mut self) -> u64 {
        let mut places = 0;
        for place in 1..=u64::from(self.bundle) {
            places += granted("lseek", self.file.seek(SeekFrom::Start(place)));
        }
        places
    }
}
