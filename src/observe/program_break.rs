//! How can the program break move while malloc stands on it?
//!
//! A process has one program break: the end of its data segment, on which glibc's malloc keeps its
//! main heap. To move it up and down while malloc runs in other threads, the two must be kept apart.
//! [`fenced`] does so once per process:
//!
//! ```text
//!   … heap of malloc │ base          base + MOST_PAGES │ guard │
//!                    └─ nobody's: the break moves here ┘       └ nothing grows beyond
//! ```
//!
//! 1. malloc is told to ask for [`TOP_PAD_BYTES`] more than it needs whenever its main heap grows,
//!    and to keep as much when it shrinks. A heap that is smaller than that never shrinks.
//! 2. A page that nobody may touch, the guard, is mapped a few pages above the break. The kernel lets
//!    no break grow into a mapping, so malloc's next request, larger than what is left below the
//!    guard, fails, and malloc goes on with mappings of its own, as it always does then.
//!
//! From then on malloc neither lowers nor raises the break, and the pages between break and guard
//! belong to nobody: any number of threads may map and unmap them by moving the break.

/// Pages by which the break can be moved up: 16 MiB where pages are largest.
pub const MOST_PAGES: usize = 256;

/// What malloc asks for beyond its need, bytes: far more than [`MOST_PAGES`], far more than the heap
/// of a program that has only just started, and never touched.
pub const TOP_PAD_BYTES: i32 = 64 << 20;

/// The program break of this process, with nobody on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramBreak {
    /// Where it was found, rounded up to a page.
    base: usize,
    /// Bytes of a page.
    page: usize,
}

/// The program break of this process, fenced off from malloc; the first call does it.
///
/// # Errors
/// A sentence when this system does not allow it, for example because its libc is not glibc.
pub fn fenced() -> Result<ProgramBreak, String> {
    static FENCED: std::sync::OnceLock<Result<ProgramBreak, String>> = std::sync::OnceLock::new();
    FENCED.get_or_init(fence).clone()
}

#[cfg(not(target_env = "gnu"))]
fn fence() -> Result<ProgramBreak, String> {
    Err("moving the program break needs glibc, whose malloc can be kept away from it".to_owned())
}

#[cfg(target_env = "gnu")]
use glibc::fence;

#[cfg(target_env = "gnu")]
mod glibc {
    use super::{MOST_PAGES, ProgramBreak, TOP_PAD_BYTES};
    use crate::observe::memory::page_bytes;
    use nix::errno::Errno;
    use nix::libc;
    use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
    use std::num::NonZeroUsize;

    /// How often the guard is tried: malloc may grow its heap while the place is looked for.
    const ATTEMPTS: u32 = 100;

    pub(super) fn fence() -> Result<ProgramBreak, String> {
        let page = page_bytes()?;
        // SAFETY: mallopt stores the number (and that thresholds are fixed now) under the lock of
        // the main heap, which is the only one that uses the break and reads the number under the
        // same lock. Other heaps read it without: a whole word, of which they can use the old or the
        // new value, as when glibc itself adapts its thresholds in free().
        if unsafe { libc::mallopt(libc::M_TOP_PAD, TOP_PAD_BYTES) } != 1 {
            return Err(
                "malloc cannot be kept away from the program break; leave out probes/brk"
                    .to_owned(),
            );
        }
        let found = guarded(page)?;
        let heap = heap_bytes(found.base);
        if heap > TOP_PAD_BYTES as usize {
            return Err(format!(
                "the heap of this process is {} MiB already: malloc may return some of it and lower the program break; leave out probes/brk, or run it with fewer agents",
                heap >> 20
            ));
        }
        // What the kernel does not allow (a limit of the data segment) shows now, not in an op.
        found.set(MOST_PAGES)?;
        found.set(0)?;
        Ok(found)
    }

    /// Maps the guard above the break.
    fn guarded(page: usize) -> Result<ProgramBreak, String> {
        for _ in 0..ATTEMPTS {
            // SAFETY: 0 is no address that a break can have: the kernel only says where it is.
            let base = unsafe { brk(0) }.next_multiple_of(page);
            // One page more: the kernel keeps that much between a break and the next mapping.
            let place = base + (MOST_PAGES + 1) * page;
            let size = NonZeroUsize::new(page).expect("a page has bytes");
            let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED_NOREPLACE;
            // SAFETY: MAP_FIXED_NOREPLACE replaces no mapping, and a kernel that is too old to know
            // it takes the address as a wish. Nobody is told of the new page.
            let guard = unsafe {
                mmap_anonymous(NonZeroUsize::new(place), size, ProtFlags::PROT_NONE, flags)
            };
            match guard {
                // malloc asks for more than lies below the guard: had it grown its heap between the
                // two calls, the heap would be where the guard is now. So the break is still `base`.
                Ok(at) if at.as_ptr() as usize == place => {
                    return Ok(ProgramBreak { base, page });
                }
                Ok(elsewhere) => {
                    // SAFETY: it was mapped here and just now, and nobody knows it.
                    let _ = unsafe { munmap(elsewhere, page) };
                }
                Err(Errno::EEXIST) => {}
                Err(why) => return Err(format!("no guard above the program break: {why}")),
            }
        }
        Err("there is no room for a guard above the program break; leave out probes/brk".to_owned())
    }

    /// Bytes from the beginning of the heap to its end.
    fn heap_bytes(end: usize) -> usize {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let heap = maps.lines().find(|line| line.ends_with("[heap]"));
        let start = heap
            .and_then(|line| line.split('-').next())
            .and_then(|start| usize::from_str_radix(start, 16).ok());
        end.saturating_sub(start.unwrap_or(end))
    }

    impl ProgramBreak {
        /// Moves the break to `pages` pages above the place where it was found, 0 to
        /// [`MOST_PAGES`]. One system call; other threads may do the same at the same time, and who
        /// comes last decides.
        ///
        /// # Errors
        /// A sentence when the kernel refuses.
        #[inline]
        pub fn set(self, pages: usize) -> Result<(), String> {
            assert!(pages <= MOST_PAGES, "{pages} pages are beyond the guard");
            let to = self.base + pages * self.page;
            // SAFETY: what appears or goes lies between `base` and the guard. malloc ends at `base`
            // or below: it had nothing above it when the guard was mapped, and every request to grow
            // since fails at the guard. Nobody else in this program asks libc to move the break, and
            // libc's own note of where the break is (`__curbrk`) is never more than MOST_PAGES off,
            // so what malloc asks for ends beyond the guard by either.
            let now = unsafe { brk(to) };
            if now == to {
                return Ok(());
            }
            Err(format!(
                "the program break stays at {now:#x} instead of {to:#x}: {}; the limit of the data segment (`ulimit -d`) may be too low",
                Errno::ENOMEM
            ))
        }
    }

    /// The raw system call, which says where the break is afterwards: `to`, unless it was refused.
    ///
    /// # Safety
    /// Nobody may own memory between the break and `to`, whichever is higher.
    #[inline]
    unsafe fn brk(to: usize) -> usize {
        // SAFETY: the caller promises that no memory goes that somebody owns; the call has no other
        // effect, and does not touch libc's own note of the break.
        unsafe { libc::syscall(libc::SYS_brk, to) as usize }
    }

    #[cfg(test)]
    mod tests {
        use super::super::*;

        #[test]
        fn the_break_moves_within_its_fence_and_not_beyond() {
            let fenced = fenced().unwrap();
            assert_eq!(super::super::fenced(), Ok(fenced), "once per process");
            for pages in [1, MOST_PAGES, 0] {
                fenced.set(pages).unwrap();
            }
            let beyond = fenced.base + (MOST_PAGES + 1) * fenced.page;
            // SAFETY: the kernel refuses, which is what is tested; if it did not, the page would be
            // nobody's.
            let now = unsafe { super::brk(beyond) };
            // Other tests of this process may be moving it meanwhile.
            assert!(now < beyond, "the guard holds");
        }

        #[test]
        #[should_panic(expected = "257 pages are beyond the guard")]
        fn a_move_beyond_the_guard_is_a_mistake_of_the_caller() {
            let _ = fenced().unwrap().set(MOST_PAGES + 1);
        }
    }
}

#[cfg(not(target_env = "gnu"))]
impl ProgramBreak {
    /// Never called: there is no [`ProgramBreak`] without glibc.
    ///
    /// # Errors
    /// Always.
    pub fn set(self, _pages: usize) -> Result<(), String> {
        fence().map(|_| ())
    }
}
