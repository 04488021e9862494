//! malloc: a block so large that malloc maps it, and unmaps it when it is freed.

use super::{Operation, Probe, entry};
use crate::workload::Entry;
use crate::workload::spec::{FieldError, within};
use serde::Deserialize;
use std::hint::black_box;

/// The line of the registry.
pub const ENTRY: Entry = entry::<Malloc>(
    "probes/malloc",
    "probe: allocating and freeing a block that malloc maps",
    include_str!("../../../workloads/probes/malloc.toml"),
);

/// `[op]` of `workloads/probes/malloc.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Malloc {
    mebibytes: usize,
}

impl Probe for Malloc {
    type Operation = LargeBlock;

    /// glibc keeps freed blocks of up to 32 MiB for the next one, once it has seen one go.
    fn check(&self) -> Result<(), FieldError> {
        within("op.mebibytes", self.mebibytes, 33..=1024).map(drop)
    }

    fn prepare(&self, _id: usize) -> Result<LargeBlock, String> {
        Ok(LargeBlock {
            bytes: self.mebibytes << 20,
        })
    }
}

/// A block that lives for one op.
pub struct LargeBlock {
    bytes: usize,
}

impl Operation for LargeBlock {
    /// The size of the block.
    fn perform(&mut self) -> u64 {
        // Without the black box the compiler leaves the block out.
        let block = black_box(Box::<[u8]>::new_uninit_slice(self.bytes));
        block.len() as u64
    }
}
