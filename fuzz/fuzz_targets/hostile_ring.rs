//! Does either end of a ring ever leave it, panic or hang, whatever the other one writes, and when?
#![no_main]

use forkscope::transport::ring::memory::{HEAD_BYTES, Mapped};
use forkscope::transport::ring::spsc::{Consumer, LEAST_CAPACITY, Producer, Publish, most_bytes};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use std::cell::UnsafeCell;
use std::ops::Range;
use std::sync::Arc;

#[derive(Arbitrary, Debug)]
struct Play {
    /// The ring has the least capacity, doubled so many times (modulo 5).
    doublings: u8,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    /// The producer sends, of a length below what is allowed.
    Send(u16, bool),
    /// The producer asks.
    WouldFit(u16),
    /// The consumer takes.
    Receive,
    /// The consumer asks.
    HasMessage,
    /// Somebody writes any word anywhere.
    Word(u16, u64),
    /// Somebody writes what looks like a header where the consumer looks next. Mostly one that could be, or
    /// almost: what is wrong at the first glance leads nowhere.
    Header {
        kind: u8,
        len: u16,
        /// Modulo 4: nothing; the sequence number off by one; a bit of the length above all others; the kind.
        wrong: u8,
    },
    /// Somebody writes any place of the consumer.
    Place(u64),
    /// Somebody moves the consumer's place by so much.
    Moved(i16),
}

/// One block of exactly the ring's size.
struct Block(UnsafeCell<Vec<u128>>);

impl Block {
    fn base(&self) -> *mut u8 {
        // SAFETY: the vector is never moved or grown; one thread.
        unsafe { (*self.0.get()).as_mut_ptr().cast() }
    }

    fn word(&self, at: usize) -> *mut u64 {
        // SAFETY: the callers stay inside of the block.
        unsafe { self.base().add(at).cast() }
    }
}

/// How far both have come, as far as somebody beside them can know.
#[derive(Default)]
struct Known {
    head: u64,
    sequence: u64,
}

fn assert_inside(inner: &[u8], ring: &Range<usize>) {
    let start = inner.as_ptr() as usize;
    assert!(ring.start <= start && start + inner.len() <= ring.end);
}

fuzz_target!(|play: Play| {
    let capacity = LEAST_CAPACITY << (play.doublings % 5);
    let most = most_bytes(capacity);
    let block = Arc::new(Block(UnsafeCell::new(vec![
        0;
        (HEAD_BYTES + capacity) / 16
    ])));
    let base = block.base();
    let ring = base as usize + HEAD_BYTES..base as usize + HEAD_BYTES + capacity;
    // SAFETY: the block has that size and alignment and is kept; one end of each kind.
    let memory = || unsafe { Mapped::new(base, capacity, block.clone()) };
    let (mut producer, mut consumer) = (Producer::new(memory()), Consumer::new(memory()));
    let mut known = Known::default();
    for step in play.steps {
        match step {
            Step::Send(len, looks) => {
                let publish = if looks {
                    Publish::ThenLook
                } else {
                    Publish::Plain
                };
                let len = len as usize % (most + 1);
                let sent = producer.try_send(len, publish, |room| {
                    assert_inside(room, &ring);
                    assert_eq!(room.len(), len);
                    room.fill(len as u8);
                });
                assert!(sent.is_ok() || !sent.unwrap_err().0.is_empty());
            }
            Step::WouldFit(len) => {
                let _ = producer.would_fit(len as usize % (most + 1));
                let _ = producer.is_drained();
            }
            Step::Receive => {
                let got = consumer.try_receive(|message| {
                    assert_inside(message, &ring);
                    assert!(message.len() <= most);
                    message.iter().map(|&b| u64::from(b)).sum::<u64>()
                });
                if let Ok(Some(_)) = got {
                    // SAFETY: the consumer's place is the block's first word.
                    let head = unsafe { block.word(0).read() };
                    assert!(head > known.head && head.is_multiple_of(8));
                    known.head = head;
                    known.sequence += 1;
                }
            }
            Step::HasMessage => {
                let _ = consumer.has_message();
            }
            Step::Word(at, value) => {
                let at = at as usize % (capacity / 8);
                // SAFETY: inside of the block.
                unsafe { block.word(HEAD_BYTES + at * 8).write(value) };
            }
            Step::Header { kind, len, wrong } => {
                let sequence = known.sequence + u64::from(wrong % 4 == 1);
                let len = u64::from(len) % (2 * most as u64) | u64::from(wrong % 4 == 2) << 31;
                let kind = if wrong % 4 == 3 {
                    kind % 4
                } else {
                    1 + kind % 2
                };
                let header = sequence << 34 | u64::from(kind) << 32 | len;
                let at = known.head as usize % capacity;
                // SAFETY: inside of the block.
                unsafe { block.word(HEAD_BYTES + at).write(header) };
            }
            // SAFETY: the consumer's place is the block's first word.
            Step::Place(place) => unsafe { block.word(0).write(place) },
            Step::Moved(by) => {
                // SAFETY: as above.
                unsafe {
                    let place = block.word(0).read();
                    block
                        .word(0)
                        .write(place.wrapping_add_signed(i64::from(by)));
                }
            }
        }
    }
});
