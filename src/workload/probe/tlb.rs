//! tlb: pages lose write access and get it back. A CPU keeps translations of addresses; when one
//! thread takes write access away, every CPU that runs the same process has to forget them.

use super::{Operation, Probe, entry, granted};
use crate::observe::memory::page_bytes;
use crate::workload::Entry;
use crate::workload::spec::{FieldError, within};
use memmap2::{MmapMut, MmapOptions};
use serde::Deserialize;

/// The line of the registry.
pub const ENTRY: Entry = entry::<Tlb>(
    "probes/tlb",
    "probe: touched pages lose write access and get it back (TLB shootdown)",
    include_str!("../../../workloads/probes/tlb.toml"),
);

/// `[op]` of `workloads/probes/tlb.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tlb {
    pages: usize,
}

impl Probe for Tlb {
    type Operation = Protection;

    fn check(&self) -> Result<(), FieldError> {
        within("op.pages", self.pages, 1..=4096).map(drop)
    }

    fn prepare(&self, _id: usize) -> Result<Protection, String> {
        let page = page_bytes()?;
        let mut apart = MmapOptions::new();
        let apart = apart.len(page).no_reserve_swap().map_anon();
        let pages = MmapMut::map_anon(self.pages * page);
        let failed = |e| format!("map {} pages: {e}", self.pages);
        Ok(Protection {
            _apart: apart.map_err(failed)?,
            pages: Some(pages.map_err(failed)?),
            page,
            round: 0,
        })
    }
}

/// Pages of an agent.
pub struct Protection {
    /// A page of another kind between this agent's pages and the next one's. The kernel would make
    /// one mapping of two like ones side by side, and have to split it in every op.
    _apart: MmapMut,
    /// There, except while they change hands.
    pages: Option<MmapMut>,
    page: usize,
    round: u8,
}

impl Operation for Protection {
    /// The sum of what was written before access was taken away.
    fn perform(&mut self) -> u64 {
        self.round = self.round.wrapping_add(1);
        let mut pages = self.pages.take().expect("the op before put them back");
        for at in (0..pages.len()).step_by(self.page) {
            pages[at] = self.round;
        }
        let pages = granted("mprotect to read only", pages.make_read_only());
        let written = (0..pages.len()).step_by(self.page);
        let written = written.map(|at| u64::from(pages[at])).sum();
        self.pages = Some(granted("mprotect to read and write", pages.make_mut()));
        written
    }
}
