//! How does an end sleep until the other one has done something, without missing it?
//!
//! Each worker has one bell: a word that it sets to *asleep* before it sleeps on it, whatever it waits
//! for. Whoever does something that it may be waiting for looks at the word afterwards, and only
//! where it says *asleep* makes a system call.
//!
//! # Why nobody is missed
//!
//! Both sides write and then read, sequentially consistent throughout:
//!
//! ```text
//!   sleeper                          the other one
//!   1. bell  := asleep               1. message, or room  := there
//!   2. message or room there?        2. bell asleep?
//!      yes: go on; no: sleep            yes: wake
//! ```
//!
//! In the one order of all these operations, one of the two first steps comes first, and the other
//! side's second step comes after it: so the sleeper sees what is there, or the other one sees that it is
//! asleep. The kernel checks the word again before it lets anybody sleep on it, so a bell that
//! rings between the sleeper's look and its sleep is not missed either.

use rustix::thread::futex;
use rustix::time::Timespec;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Nobody sleeps.
pub const AWAKE: u32 = 0;
/// The owner sleeps, or is about to.
pub const ASLEEP: u32 = 1;

/// A word that one end sleeps on. A trait, so that a model checker can take the kernel's place.
pub trait Bell {
    /// As [`AtomicU32::load`].
    fn load(&self, order: Ordering) -> u32;
    /// As [`AtomicU32::store`].
    fn store(&self, value: u32, order: Ordering);
    /// As [`AtomicU32::swap`].
    fn swap(&self, value: u32, order: Ordering) -> u32;
    /// Sleeps while the word is `value`, `at_most` so long; may wake for no reason.
    fn wait(&self, value: u32, at_most: Duration);
    /// Wakes whoever sleeps.
    fn wake(&self);
}

impl Bell for AtomicU32 {
    #[inline]
    fn load(&self, order: Ordering) -> u32 {
        AtomicU32::load(self, order)
    }

    #[inline]
    fn store(&self, value: u32, order: Ordering) {
        AtomicU32::store(self, value, order);
    }

    #[inline]
    fn swap(&self, value: u32, order: Ordering) -> u32 {
        AtomicU32::swap(self, value, order)
    }

    fn wait(&self, value: u32, at_most: Duration) {
        let timeout = Timespec {
            tv_sec: at_most.as_secs() as i64,
            tv_nsec: i64::from(at_most.subsec_nanos()),
        };
        // Whoever sleeps looks again afterwards, so an interrupted wait needs no handling. Not
        // private: the word may be shared between processes.
        let _ = futex::wait(self, futex::Flags::empty(), value, Some(&timeout));
    }

    fn wake(&self) {
        // A wake cannot fail on a mapped word.
        let _ = futex::wake(self, futex::Flags::empty(), 1);
    }
}

/// Wakes the owner of `bell` if it sleeps. To be called after what it may wait for was published with
/// sequentially consistent order.
#[inline]
pub fn ring(bell: &impl Bell) {
    if bell.load(SeqCst) == ASLEEP {
        wake(bell);
    }
}

/// Apart, so that the usual way through [`ring`] is a load and a branch.
#[cold]
#[inline(never)]
fn wake(bell: &impl Bell) {
    // Of several who ring at once, one makes the system call.
    if bell.swap(AWAKE, SeqCst) == ASLEEP {
        bell.wake();
    }
}

/// Sleeps on the own `bell` until it rings, `at_most` so long, unless `is_there` says that there is no
/// need; may wake for no reason. `is_there` looks with sequentially consistent order. Says whether nobody
/// rang.
pub fn sleep(bell: &impl Bell, is_there: impl FnOnce() -> bool, at_most: Duration) -> bool {
    bell.store(ASLEEP, SeqCst);
    let sleeps = !is_there();
    if sleeps {
        bell.wait(ASLEEP, at_most);
    }
    bell.swap(AWAKE, SeqCst) == ASLEEP && sleeps
}
