//! faults: new pages are touched, one by one. The kernel finds, clears and maps each; the mapping
//! that they are in is made and unmade once for all of them.

use super::{Operation, Probe, entry, granted};
use crate::observe::memory::page_bytes;
use crate::workload::Entry;
use crate::workload::spec::{FieldError, within};
use memmap2::{Advice, MmapMut};
use nix::errno::Errno;
use serde::Deserialize;

/// The line of the registry.
pub const ENTRY: Entry = entry::<Faults>(
    "probes/faults",
    "probe: touching new pages; neither side should be far ahead",
    include_str!("../../../workloads/probes/faults.toml"),
);

/// `[op]` of `workloads/probes/faults.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    pages: usize,
}

impl Probe for Faults {
    type Operation = Touch;

    fn check(&self) -> Result<(), FieldError> {
        within("op.pages", self.pages, 1..=65536).map(drop)
    }

    fn prepare(&self, _id: usize) -> Result<Touch, String> {
        let page = page_bytes()?;
        let bytes = self.pages * page;
        Ok(Touch { bytes, page })
    }
}

/// Pages that live for one op.
pub struct Touch {
    bytes: usize,
    page: usize,
}

impl Operation for Touch {
    /// How many pages held what was written to them.
    fn perform(&mut self) -> u64 {
        let mut pages = granted("mmap", MmapMut::map_anon(self.bytes));
        match pages.advise(Advice::NoHugePage) {
            // A kernel without huge pages knows no such advice, and needs none.
            Err(e) if e.raw_os_error() == Some(Errno::EINVAL as i32) => {}
            advised => granted("madvise", advised),
        }
        let mut touched = 0;
        for at in (0..self.bytes).step_by(self.page) {
            pages[at] = 1;
            touched += u64::from(std::hint::black_box(pages[at]));
        }
        touched
    }
}
