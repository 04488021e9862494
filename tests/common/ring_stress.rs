//! Does every message arrive once, in order and whole, when two processes go on for long in little room?
//!
//! One process sends, the other one checks length and every byte, which both can compute from the message's
//! number. Now and then each of them pauses, so that each has to wait for the other one.
#![allow(dead_code, reason = "each program uses its own part")]

use super::ring_pair::{self, End, Pair, Trouble};
use forkscope::transport::WaitPolicy;
use forkscope::transport::ring::spsc::most_bytes;
use std::os::fd::RawFd;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long the messages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// All so many bytes.
    Fixed(usize),
    /// Anything from 0 to what the ring takes.
    Any,
}

impl std::str::FromStr for Sizes {
    type Err = String;

    fn from_str(text: &str) -> Result<Sizes, String> {
        match text {
            "any" => Ok(Sizes::Any),
            number => number
                .parse()
                .map(Sizes::Fixed)
                .map_err(|_| format!("\"{number}\" is neither \"any\" nor a number of bytes")),
        }
    }
}

impl std::fmt::Display for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Sizes::Fixed(bytes) => write!(f, "{bytes}"),
            Sizes::Any => write!(f, "any"),
        }
    }
}

/// What is sent, and by which ring.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many messages.
    pub messages: u64,
    /// How long they are.
    pub sizes: Sizes,
    /// How both ends wait.
    pub policy: WaitPolicy,
    /// Bytes of the ring.
    pub capacity: usize,
}

/// What a run that held has seen.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Bytes of all messages.
    pub bytes: u64,
    /// How often the sender slept because there was no room.
    pub sender_sleeps: u64,
    /// How often the receiver slept because there was no message.
    pub receiver_sleeps: u64,
    /// How long it took.
    pub took: Duration,
}

/// Takes the policy by its name.
pub fn policy(name: &str) -> Result<WaitPolicy, String> {
    [WaitPolicy::Spin, WaitPolicy::Adaptive, WaitPolicy::Park]
        .into_iter()
        .find(|p| p.name() == name)
        .ok_or_else(|| format!("there is no policy \"{name}\"; there are spin, adaptive and park"))
}

/// Sends everything from here to the process that `command` starts, which has to call [`check`] with the
/// descriptor that is handed to `complete`.
///
/// # Errors
/// A sentence, when the other process found a message that is not what it should be, or died.
pub fn send(plan: Plan, complete: impl FnOnce(RawFd) -> Command) -> Result<Report, String> {
    let pair = Pair::create(plan.capacity, 0);
    // SAFETY: the first side's only end.
    let mut end = unsafe { pair.end(0, plan.policy) };
    let waiter = ring_pair::start_other(&pair, &mut complete(pair.descriptor()));
    let began = Instant::now();
    let sent = send_all(plan, &mut end);
    let took = began.elapsed();
    let has_ended_well = waiter.join().expect("the one who waits does not panic");
    let receiver_sleeps = sent.map_err(|(number, trouble)| match trouble {
        Trouble::Gone => {
            format!("the other process gave up; message {number} was the next to send")
        }
        Trouble::Damaged(what) => format!("before message {number}: {what} cannot be"),
    })?;
    if !has_ended_well {
        return Err("the other process ended badly".to_owned());
    }
    Ok(Report {
        bytes: (0..plan.messages).map(|n| plan.bytes_of(n) as u64).sum(),
        sender_sleeps: end.sleeps,
        receiver_sleeps,
        took,
    })
}

fn send_all(plan: Plan, end: &mut End) -> Result<u64, (u64, Trouble)> {
    for number in 0..plan.messages {
        pause(number, 0);
        let len = plan.bytes_of(number);
        end.send(len, |room| fill(room, number))
            .map_err(|t| (number, t))?;
    }
    end.receive(|m| u64::from_ne_bytes(m.try_into().expect("eight bytes")))
        .map_err(|t| (plan.messages, t))
}

/// Receives everything in the second process, which has inherited the descriptor `fd`.
///
/// # Errors
/// A sentence, when a message is not what it should be or the first process is gone.
///
/// # Safety
/// As [`Pair::inherit`].
pub unsafe fn check(plan: Plan, fd: RawFd) -> Result<(), String> {
    ring_pair::end_with_the_first();
    // SAFETY: as promised by the caller.
    let pair = unsafe { Pair::inherit(fd, plan.capacity) };
    // SAFETY: the second side's only end.
    let mut end = unsafe { pair.end(1, plan.policy) };
    for number in 0..plan.messages {
        pause(number, 1);
        let len = plan.bytes_of(number);
        let is_right = end
            .receive(|message| message.len() == len && is_filled(message, number))
            .map_err(|t| format!("waiting for message {number}: {t:?}"))?;
        if !is_right {
            return Err(format!("message {number} is not what was sent"));
        }
    }
    let sleeps = end.sleeps;
    end.send(8, |room| room.copy_from_slice(&sleeps.to_ne_bytes()))
        .map_err(|t| format!("reporting: {t:?}"))
}

impl Plan {
    /// Bytes of message `number`.
    fn bytes_of(&self, number: u64) -> usize {
        match self.sizes {
            Sizes::Fixed(bytes) => bytes,
            Sizes::Any => {
                let most = most_bytes(self.capacity) as u64;
                (mixed(number) % (most + 1)) as usize
            }
        }
    }
}

/// A number that looks like chance (the finalizer of splitmix64).
#[inline]
fn mixed(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The word at place `at` of message `number`: the number itself, then what only this message has.
#[inline]
fn word(number: u64, mixed: u64, at: usize) -> u64 {
    match at {
        0 => number,
        _ => mixed.wrapping_add((at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
    }
}

#[inline]
fn fill(room: &mut [u8], number: u64) {
    let mixed = mixed(number);
    for (at, part) in room.chunks_mut(8).enumerate() {
        let bytes = word(number, mixed, at).to_ne_bytes();
        part.copy_from_slice(&bytes[..part.len()]);
    }
}

#[inline]
fn is_filled(message: &[u8], number: u64) -> bool {
    let mixed = mixed(number);
    let mut parts = message.chunks(8).enumerate();
    parts.all(|(at, part)| *part == word(number, mixed, at).to_ne_bytes()[..part.len()])
}

/// One message in 16 thousand, another one at each side, waits for up to a quarter of a millisecond.
#[inline]
fn pause(number: u64, side: u64) {
    let chance = mixed(number ^ (side << 63) ^ (1 << 62));
    if chance & 0x3fff == 0 {
        for _ in 0..(chance >> 32 & 0x3fff) {
            std::hint::spin_loop();
        }
    }
}
