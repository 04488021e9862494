//! How do two ends with a ring each way wait for one another? By a port's rules, below a port: for what
//! measures the ring, and for what tries to break it.
//!
//! Everything lies in one memfd, so the other end may be a thread or a process, which runs the same code
//! on the same words:
//!
//! ```text
//!   first side (bell, whether it left) │ second side │ ring to the second │ ring to the first │ the user's own
//! ```
#![allow(dead_code, reason = "each program uses its own part")]

use forkscope::transport::WaitPolicy;
use forkscope::transport::ring::doorbell;
use forkscope::transport::ring::memory::{HEAD_BYTES, Mapped};
use forkscope::transport::ring::spsc::{Consumer, Damage, Producer, Publish};
use memmap2::{MmapOptions, MmapRaw};
use nix::sys::memfd::MFdFlags;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// As a port's: looks before an adaptive end sleeps.
pub const LOOKS: u32 = 400;
/// As a port's: how often an adaptive end gives its CPU away first, where there is one CPU for both.
const YIELDS: u32 = 4;
/// As a port's: how long an end sleeps before it looks whether the other one is still there.
const VIGIL: Duration = Duration::from_millis(50);
/// As a port's: looks of an end that never sleeps between two for the other one.
const SPINS_PER_VIGIL: u32 = 1 << 22;

/// What a side owns.
#[repr(C, align(128))]
struct Side {
    bell: AtomicU32,
    has_left: AtomicU32,
}

/// Bytes before the two rings.
const SIDES: usize = 2 * size_of::<Side>();

/// Why an end gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Something cannot be.
    Damaged(&'static str),
    /// The other end has left, and everything from it was read.
    Gone,
}

impl From<Damage> for Trouble {
    fn from(damage: Damage) -> Trouble {
        Trouble::Damaged(damage.0)
    }
}

/// The memory of both ends. Clones share the mapping.
#[derive(Clone)]
pub struct Pair {
    map: Arc<MmapRaw>,
    file: Arc<File>,
    capacity: usize,
}

impl Pair {
    /// Memory for two rings of `capacity` bytes, and `own` bytes for whatever else.
    pub fn create(capacity: usize, own: usize) -> Pair {
        // Not closed on exec: a second process inherits it.
        let file = forkscope::memory_file::create("forkscope-pair", MFdFlags::empty())
            .expect("shared memory");
        let bytes = SIDES + 2 * (HEAD_BYTES + capacity) + own;
        nix::unistd::ftruncate(&file, bytes as i64).expect("room for two rings");
        Pair::map(File::from(file), capacity)
    }

    /// The memory that this process has inherited under the descriptor number `fd`.
    ///
    /// # Safety
    /// `fd` is what [`Pair::create`] made in the process that started this one, with the same capacity, and
    /// nothing else in this process owns it.
    pub unsafe fn inherit(fd: RawFd, capacity: usize) -> Pair {
        // SAFETY: as promised by the caller.
        Pair::map(unsafe { File::from_raw_fd(fd) }, capacity)
    }

    fn map(file: File, capacity: usize) -> Pair {
        let map = MmapOptions::new().map_raw(&file).expect("mapped memory");
        assert!(map.len() >= SIDES + 2 * (HEAD_BYTES + capacity));
        Pair {
            map: Arc::new(map),
            file: Arc::new(file),
            capacity,
        }
    }

    /// Number of the descriptor to inherit.
    pub fn descriptor(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// Bytes of each ring.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Where the user's own bytes begin, on a multiple of 128.
    pub fn own(&self) -> *mut u8 {
        // SAFETY: inside of the mapping, or its end.
        unsafe {
            self.map
                .as_mut_ptr()
                .add(SIDES + 2 * (HEAD_BYTES + self.capacity))
        }
    }

    fn side(&self, side: usize) -> &Side {
        assert!(side < 2);
        // SAFETY: the sides are what the mapping begins with; atomics only.
        unsafe { &*self.map.as_ptr().cast::<Side>().add(side) }
    }

    /// Says that `side` (0 or 1) has left, and wakes the other one.
    pub fn leave(&self, side: usize) {
        self.side(side).has_left.store(1, SeqCst);
        doorbell::ring(&self.side(1 - side).bell);
    }

    /// The end of `side`, 0 or 1.
    ///
    /// # Safety
    /// Each side has one end at most, in all processes together.
    pub unsafe fn end(&self, side: usize, policy: WaitPolicy) -> End {
        let ring = |to: usize| {
            let offset = SIDES + (1 - to) * (HEAD_BYTES + self.capacity);
            // SAFETY: inside of the mapping, which is kept; aligned; the caller promises that nobody
            // else is at this end.
            unsafe {
                Mapped::new(
                    self.map.as_mut_ptr().add(offset),
                    self.capacity,
                    self.map.clone(),
                )
            }
        };
        End {
            side,
            policy,
            is_crowded: forkscope::deployment::pinning::allowed().len() < 2,
            outgoing: Producer::new(ring(1 - side)),
            incoming: Consumer::new(ring(side)),
            sleeps: 0,
            pair: self.clone(),
        }
    }
}

/// One of the two ends: sends, receives, and waits.
pub struct End {
    side: usize,
    /// How it waits; the other end must wait in the same way at that time.
    pub policy: WaitPolicy,
    is_crowded: bool,
    outgoing: Producer<Mapped<Arc<MmapRaw>>>,
    incoming: Consumer<Mapped<Arc<MmapRaw>>>,
    /// How often it went to sleep.
    pub sleeps: u64,
    pair: Pair,
}

impl End {
    /// Sends a message of `len` bytes, which `fill` writes; waits for room.
    #[inline]
    pub fn send(&mut self, len: usize, fill: impl Fn(&mut [u8])) -> Result<(), Trouble> {
        let publish = match self.policy {
            WaitPolicy::Spin => Publish::Plain,
            WaitPolicy::Adaptive | WaitPolicy::Park => Publish::ThenLook,
        };
        let mut waited = 0;
        while !self.outgoing.try_send(len, publish, &fill)? {
            self.wait_for_room(len, waited)?;
            waited = waited.wrapping_add(1);
        }
        self.ring();
        Ok(())
    }

    /// Takes the next message, which `take` reads; waits for it.
    #[inline]
    pub fn receive<R>(&mut self, take: impl Fn(&[u8]) -> R) -> Result<R, Trouble> {
        let mut waited = 0;
        loop {
            if let Some((taken, makes_room)) = self.incoming.try_receive(&take)? {
                if makes_room {
                    self.ring();
                }
                return Ok(taken);
            }
            self.wait_for_message(waited)?;
            waited = waited.wrapping_add(1);
        }
    }

    #[inline]
    fn ring(&self) {
        if self.policy != WaitPolicy::Spin {
            doorbell::ring(&self.pair.side(1 - self.side).bell);
        }
    }

    fn wait_for_room(&mut self, len: usize, waited: u32) -> Result<(), Trouble> {
        if !self.may_sleep(waited) {
            return self.look_after_the_other_one_at(waited);
        }
        let mut looked = Ok(true);
        let outgoing = &mut self.outgoing;
        let is_there = || {
            looked = outgoing.would_fit(len);
            !matches!(looked, Ok(false))
        };
        let has_slept_through = doorbell::sleep(&self.pair.side(self.side).bell, is_there, VIGIL);
        self.sleeps += u64::from(!looked?);
        match has_slept_through {
            true => self.look_after_the_other_one(),
            false => Ok(()),
        }
    }

    fn wait_for_message(&mut self, waited: u32) -> Result<(), Trouble> {
        if !self.may_sleep(waited) {
            return self.look_after_the_other_one_at(waited);
        }
        let incoming = &self.incoming;
        let mut sleeps = false;
        let is_there = || {
            sleeps = !incoming.has_message();
            !sleeps
        };
        let has_slept_through = doorbell::sleep(&self.pair.side(self.side).bell, is_there, VIGIL);
        self.sleeps += u64::from(sleeps);
        match has_slept_through {
            true => self.look_after_the_other_one(),
            false => Ok(()),
        }
    }

    /// Waits a little unless it is time to sleep.
    #[inline]
    fn may_sleep(&self, waited: u32) -> bool {
        let may_sleep = match self.policy {
            WaitPolicy::Spin => false,
            WaitPolicy::Adaptive if self.is_crowded => {
                if waited < YIELDS {
                    std::thread::yield_now();
                }
                waited >= YIELDS
            }
            WaitPolicy::Adaptive => waited >= LOOKS,
            WaitPolicy::Park => true,
        };
        if !may_sleep {
            std::hint::spin_loop();
        }
        may_sleep
    }

    #[inline]
    fn look_after_the_other_one_at(&self, waited: u32) -> Result<(), Trouble> {
        match waited % SPINS_PER_VIGIL == SPINS_PER_VIGIL - 1 {
            true => self.look_after_the_other_one(),
            false => Ok(()),
        }
    }

    #[cold]
    fn look_after_the_other_one(&self) -> Result<(), Trouble> {
        let has_left = self.pair.side(1 - self.side).has_left.load(SeqCst) != 0;
        match has_left && !self.incoming.has_message() {
            true => Err(Trouble::Gone),
            false => Ok(()),
        }
    }
}

/// Starts `command` as the process of side 1, which ends when this one does. If it ends first, whatever
/// the reason, the end here learns it.
///
/// Wait for it with the handle: true when it ended well. The thread that calls this has to outlive the child.
pub fn start_other(pair: &Pair, command: &mut Command) -> std::thread::JoinHandle<bool> {
    let mut child: Child = command.spawn().expect("a second process");
    let pair = pair.clone();
    std::thread::spawn(move || {
        let status = child.wait();
        pair.leave(1);
        status.is_ok_and(|s| s.success())
    })
}

/// To be called first in the second process: it ends when the one that started it does.
pub fn end_with_the_first() {
    nix::sys::prctl::set_pdeathsig(Some(nix::sys::signal::Signal::SIGKILL))
        .expect("a signal when the first process ends");
}
