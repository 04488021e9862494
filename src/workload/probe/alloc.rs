//! alloc: small blocks are allocated and freed. malloc keeps a cache for every thread, so that this
//! is no business of the kernel at all: a control for everything that allocates as it runs.

use super::{Operation, Probe, entry};
use crate::workload::Entry;
use crate::workload::spec::{FieldError, within};
use serde::Deserialize;
use std::hint::black_box;

/// The line of the registry.
pub const ENTRY: Entry = entry::<Alloc>(
    "probes/alloc",
    "probe: allocating and freeing small blocks; neither side should be ahead",
    include_str!("../../../workloads/probes/alloc.toml"),
);

/// `[op]` of `workloads/probes/alloc.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alloc {
    bytes: usize,
    bundle: u32,
}

impl Probe for Alloc {
    type Operation = SmallBlocks;

    fn check(&self) -> Result<(), FieldError> {
        within("op.bytes", self.bytes, 1..=65536)?;
        within("op.bundle", self.bundle, 1..=4096).map(drop)
    }

    fn prepare(&self, _id: usize) -> Result<SmallBlocks, String> {
        Ok(SmallBlocks {
            bytes: self.bytes,
            bundle: self.bundle,
        })
    }
}

/// Some blocks, one after the other.
pub struct SmallBlocks {
    bytes: usize,
    bundle: u32,
}

impl Operation for SmallBlocks {
    /// The size of all blocks together.
    fn perform(&mut self) -> u64 {
        // Without the black box the compiler leaves the blocks out.
        let block = |_| black_box(Box::<[u8]>::new_uninit_slice(self.bytes)).len() as u64;
        (0..self.bundle).map(block).sum()
    }
}
