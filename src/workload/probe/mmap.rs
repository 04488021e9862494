//! mmap: a large mapping is made and unmade, and never touched. A process has one list of mappings,
//! and one thread at a time may change it.

use super::{Operation, Probe, entry, granted};
use crate::workload::Entry;
use crate::workload::spec::{FieldError, within};
use memmap2::MmapMut;
use serde::Deserialize;
use std::hint::black_box;

/// The line of the registry.
pub const ENTRY: Entry = entry::<Mmap>(
    "probes/mmap",
    "probe: mapping and unmapping memory that is never touched",
    include_str!("../../../workloads/probes/mmap.toml"),
);

/// `[op]` of `workloads/probes/mmap.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mmap {
    mebibytes: usize,
}

impl Probe for Mmap {
    type Operation = Mapping;

    fn check(&self) -> Result<(), FieldError> {
        within("op.mebibytes", self.mebibytes, 1..=1024).map(drop)
    }

    fn prepare(&self, _id: usize) -> Result<Mapping, String> {
        Ok(Mapping {
            bytes: self.mebibytes << 20,
        })
    }
}

/// A mapping that lives for one op.
pub struct Mapping {
    bytes: usize,
}

impl Operation for Mapping {
    /// The size of the mapping.
    fn perform(&mut self) -> u64 {
        let mapped = black_box(granted("mmap", MmapMut::map_anon(self.bytes)));
        mapped.len() as u64
    }
}
