//! alloc: small blocks are allocated and freed. malloc keeps a cache for every thread, so that this
//! is no business of the kernel at all.
//!
//! No control: threads do a little more. A thread beyond the first has an arena of its own, and glibc's `free` looks
//! that up in the head of the block's heap before it puts the block into the cache: 8 of 146 instructions for 1 KiB
//! (glibc 2.36, counted by callgrind; none with `MALLOC_ARENA_MAX=1`). How much time that is depends on the CPU: nothing
//! that can be told from none on an Intel Xeon (0.9 %, interval -0.7 to 2.5), 12 % [3, 21] on an AMD EPYC.

use super::{Operation, Probe, entry};
use crate::workload::Entry;
use crate::workload::spec::{FieldError, within};
use serde::Deserialize;
use std::hint::black_box;

/// The line of the registry.
pub const ENTRY: Entry = entry::<Alloc>(
    "probes/alloc",
    "probe: allocating and freeing small blocks; threads look up their arena at each free",
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
