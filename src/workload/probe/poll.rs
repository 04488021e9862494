//! poll: a look at many descriptors. In a process of one thread the kernel reads the table of
//! descriptors as it is; with more, each entry has to be held on to, one by one.

use super::{Operation, Probe, entry, granted};
use crate::workload::Entry;
use crate::workload::spec::{FieldError, within};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use serde::Deserialize;
use std::os::fd::AsFd;

/// The line of the registry.
pub const ENTRY: Entry = entry::<Poll>(
    "probes/poll",
    "probe: poll of many descriptors that does not wait",
    include_str!("../../../workloads/probes/poll.toml"),
);

/// `[op]` of `workloads/probes/poll.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    descriptors: usize,
}

impl Probe for Poll {
    type Operation = Look;

    fn check(&self) -> Result<(), FieldError> {
        within("op.descriptors", self.descriptors, 1..=1000).map(drop)
    }

    fn prepare(&self, _id: usize) -> Result<Look, String> {
        // Every second one has something to read, so that a result shows that all were looked at.
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let open = |n| EventFd::from_value_and_flags((n % 2) as u32, flags);
        let events = (0..self.descriptors).map(open).collect::<Result<_, _>>();
        let failed = |e| format!("open {} descriptors: {e}", self.descriptors);
        Ok(Look {
            events: events.map_err(failed)?,
            table: Vec::with_capacity(self.descriptors),
        })
    }

    fn descriptors(&self) -> usize {
        self.descriptors
    }
}

/// Descriptors of an agent.
pub struct Look {
    events: Vec<EventFd>,
    /// The memory of what poll is handed, empty between ops: it borrows from `events`.
    table: Vec<PollFd<'static>>,
}

impl Operation for Look {
    /// How many descriptors have something to read.
    fn perform(&mut self) -> u64 {
        let mut table: Vec<PollFd<'_>> = emptied(std::mem::take(&mut self.table));
        let entry = |e| PollFd::new(EventFd::as_fd(e), PollFlags::POLLIN);
        table.extend(self.events.iter().map(entry));
        let ready = granted("poll", poll(&mut table, PollTimeout::ZERO));
        self.table = emptied(table);
        ready as u64
    }
}

/// The same memory for entries that borrow from elsewhere: collecting in place allocates nothing,
/// which `tests/memory/no_alloc.rs` looks after.
fn emptied<'b>(mut table: Vec<PollFd<'_>>) -> Vec<PollFd<'b>> {
    table.clear();
    let never = |_| unreachable!("the table is empty");
    table.into_iter().map(never).collect()
}
