//! Where do the rings and bells of all workers lie? In one memfd that threads and processes map alike.
//!
//! There are no addresses in it and no lengths that anybody has to believe: both ends compute the same
//! places from what they know anyway, who lives where and who writes to whom.

use super::memory::{HEAD_BYTES, Mapped};
use super::spsc::{LEAST_CAPACITY, most_bytes};
use crate::transport::{Wiring, sealed, wire};
use memmap2::{MmapOptions, MmapRaw};
use nix::sys::memfd::MFdFlags;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

/// What one worker owns: its bell, and whether it is there.
#[repr(C, align(128))]
pub struct End {
    /// What it sleeps on.
    pub bell: AtomicU32,
    /// [`ABSENT`], [`THERE`] or [`GONE`].
    pub presence: AtomicU32,
    /// Its process.
    pub pid: AtomicU32,
}

/// It has not come yet.
pub const ABSENT: u32 = 0;
/// It is there.
pub const THERE: u32 = 1;
/// It has left: nothing more comes from it.
pub const GONE: u32 = 2;

/// A ring from one worker to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The worker that writes.
    pub from: usize,
    /// The worker that reads.
    pub to: usize,
    /// Where it begins in the segment.
    offset: usize,
    /// Bytes of the ring.
    capacity: usize,
}

/// Who writes to whom, and where everything lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    workers: usize,
    /// Ordered by writer, then reader.
    pub links: Vec<Link>,
    bytes: usize,
}

impl Layout {
    /// The layout for a wiring: a ring has room for all that can be under way on it.
    #[must_use]
    pub fn new(wiring: &Wiring) -> Layout {
        let (placement, topology) = (&wiring.placement, &wiring.topology);
        let mut pairs: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for to in 0..placement.agents() {
            let reader = placement.worker_of(to);
            for &from in topology.of(to) {
                let writer = placement.worker_of(from as usize);
                if writer != reader {
                    *pairs.entry((writer, reader)).or_default() += 1;
                }
            }
        }
        let workers = placement.workers();
        let mut bytes = workers * size_of::<End>();
        let links = pairs
            .into_iter()
            .map(|((from, to), agents)| {
                let offset = bytes;
                let capacity = capacity(
                    wiring.under_way * agents,
                    wire::bytes_with(wiring.message_bytes),
                );
                bytes += HEAD_BYTES + capacity;
                Link {
                    from,
                    to,
                    offset,
                    capacity,
                }
            })
            .collect();
        Layout {
            workers,
            links,
            bytes,
        }
    }

    /// Bytes of the whole.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Bytes of a ring in which `messages` of `bytes` each fit, wherever they begin.
fn capacity(messages: usize, bytes: usize) -> usize {
    let frame = bytes.next_multiple_of(8) + 8;
    let mut capacity = ((messages + 1) * frame + 8)
        .next_power_of_two()
        .max(LEAST_CAPACITY);
    while most_bytes(capacity) < bytes {
        capacity *= 2;
    }
    capacity
}

/// The memory of all rings and bells, mapped. Clones share the mapping.
#[derive(Clone)]
pub struct Segment {
    map: Arc<MmapRaw>,
    file: Arc<OwnedFd>,
    layout: Arc<Layout>,
}

impl Segment {
    /// Makes the memory for `layout`, all zero.
    ///
    /// # Errors
    /// When the system gives no shared memory.
    pub fn create(layout: Layout) -> std::io::Result<Segment> {
        let file = sealed::create("forkscope-ring", MFdFlags::MFD_CLOEXEC, layout.bytes)?;
        Segment::map(file, layout)
    }

    /// Maps what a worker process has inherited under descriptor number `fd`.
    ///
    /// # Errors
    /// When `fd` is no segment of this layout.
    pub fn inherit(fd: RawFd, layout: Layout) -> std::io::Result<Segment> {
        let damaged = || std::io::Error::other("descriptor is no memory of rings");
        if fd < 0 {
            return Err(damaged());
        }
        // SAFETY: it is only asked whether it is open, and not kept; it is not −1.
        let found = nix::sys::stat::fstat(unsafe { BorrowedFd::borrow_raw(fd) })?;
        if usize::try_from(found.st_size).ok() != Some(layout.bytes) {
            return Err(damaged());
        }
        // SAFETY: it is open, and the host hands this number to the worker for this one use: nothing
        // else in the fresh process owns it.
        let file = unsafe { OwnedFd::from_raw_fd(fd) };
        Segment::map(file, layout)
    }

    fn map(file: OwnedFd, layout: Layout) -> std::io::Result<Segment> {
        let file = File::from(file);
        let map = MmapOptions::new().len(layout.bytes).map_raw(&file)?;
        Ok(Segment {
            map: Arc::new(map),
            file: Arc::new(file.into()),
            layout: Arc::new(layout),
        })
    }

    /// Descriptor number that worker processes inherit.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// Who writes to whom.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.layout.links
    }

    /// What worker `worker` owns.
    ///
    /// # Panics
    /// When there is no such worker.
    #[must_use]
    pub fn end(&self, worker: usize) -> &End {
        assert!(worker < self.layout.workers, "there is no worker {worker}");
        // SAFETY: the ends lie at the beginning of the mapping, which is page-aligned and lives as long
        // as `self`; they hold nothing but atomics, for which every bit pattern is valid.
        unsafe { &*self.map.as_ptr().cast::<End>().add(worker) }
    }

    /// The ring of a link, which must be one of [`Segment::links`].
    ///
    /// # Safety
    /// Each ring has one producer and one consumer at most.
    #[must_use]
    pub unsafe fn ring(&self, link: &Link) -> Mapped<Arc<MmapRaw>> {
        assert!(link.offset + HEAD_BYTES + link.capacity <= self.layout.bytes);
        // SAFETY: inside of the mapping, as was just checked; offsets are sums of multiples of 128; the
        // mapping is kept; that nobody else uses it is the caller's promise.
        unsafe {
            Mapped::new(
                self.map.as_mut_ptr().add(link.offset),
                link.capacity,
                self.map.clone(),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_holds_all_that_can_be_under_way() {
        for messages in [1, 2, 7, 64] {
            for bytes in [0, 1, 8, 64, 1000, 1 << 20] {
                let capacity = capacity(messages, bytes);
                let frame = bytes.next_multiple_of(8) + 8;
                assert!(capacity.is_power_of_two());
                assert!(bytes <= most_bytes(capacity));
                // The worst start: a frame that does not fit before the end by eight bytes.
                assert!(messages * frame + (frame - 8) + 8 <= capacity);
            }
        }
    }
}
