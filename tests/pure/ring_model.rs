//! The ring and its bell under a model checker: every order of two ends' steps, and every value that a
//! weak memory model lets a load see.

use crate::model::{Fences, LoomWord, check};
use forkscope::transport::ring::doorbell::{self, Bell};
use forkscope::transport::ring::memory::{Memory, Word};
use forkscope::transport::ring::spsc::{Consumer, Producer, Publish};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use std::ops::Range;
use std::time::Duration;

/// Words of the ring: the smallest in which two frames of two sizes wrap.
const WORDS: usize = 16;

struct Shared {
    head: LoomWord,
    words: Vec<LoomWord>,
    /// For each word, who reads and who writes it as part of a message: what the checker takes for bytes that
    /// are no atomics, so it complains where nothing orders the one before the other.
    bytes: Vec<UnsafeCell<()>>,
}

// SAFETY: the cells hold nothing; the checker ends the test where two use one at a time.
unsafe impl Sync for Shared {}
unsafe impl Send for Shared {}

#[derive(Clone)]
struct LoomMemory(Arc<Shared>);

/// A message's words. Relaxed throughout: what orders them must be the ring's doing.
struct Words<'a> {
    shared: &'a Shared,
    range: Range<usize>,
}

impl Words<'_> {
    fn put(&self, value: u64) {
        for at in self.range.clone() {
            self.shared.bytes[at].with_mut(|_| ());
            self.shared.words[at].store(value, Ordering::Relaxed);
        }
    }

    fn get(&self) -> Vec<u64> {
        let word = |at: usize| {
            self.shared.bytes[at].with(|_| ());
            self.shared.words[at].load(Ordering::Relaxed)
        };
        self.range.clone().map(word).collect()
    }
}

impl Memory for LoomMemory {
    type Word = LoomWord;
    type Room<'a> = Words<'a>;
    type Message<'a> = Words<'a>;

    fn capacity(&self) -> usize {
        self.0.words.len() * 8
    }

    fn head(&self) -> &LoomWord {
        &self.0.head
    }

    fn word(&self, at: usize) -> &LoomWord {
        &self.0.words[at / 8]
    }

    unsafe fn room(&self, at: usize, len: usize) -> Words<'_> {
        Words {
            shared: &self.0,
            range: at / 8..(at + len).div_ceil(8),
        }
    }

    unsafe fn message(&self, at: usize, len: usize) -> Words<'_> {
        Words {
            shared: &self.0,
            range: at / 8..(at + len).div_ceil(8),
        }
    }
}

fn memory(fences: Fences) -> LoomMemory {
    memory_of(WORDS, fences)
}

fn memory_of(words: usize, fences: Fences) -> LoomMemory {
    let word = || LoomWord::new(0, fences);
    LoomMemory(Arc::new(Shared {
        head: word(),
        words: (0..words).map(|_| word()).collect(),
        bytes: (0..words).map(|_| UnsafeCell::new(())).collect(),
    }))
}

/// A futex: the word, and what the kernel keeps of who sleeps on it.
struct LoomBell {
    word: AtomicU32,
    kernel: Mutex<()>,
    sleepers: Condvar,
    fences: Fences,
}

impl LoomBell {
    fn new(fences: Fences) -> Arc<LoomBell> {
        Arc::new(LoomBell {
            word: AtomicU32::new(doorbell::AWAKE),
            kernel: Mutex::new(()),
            sleepers: Condvar::new(),
            fences,
        })
    }
}

impl Bell for LoomBell {
    fn load(&self, order: Ordering) -> u32 {
        self.fences.before_load(order);
        self.word.load(order)
    }

    fn store(&self, value: u32, order: Ordering) {
        self.word.store(value, order);
        self.fences.after_store(order);
    }

    fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.fences.before_load(order);
        let old = self.word.swap(value, order);
        self.fences.after_store(order);
        old
    }

    /// Never ends by itself: a bell that is missed is a deadlock, which the checker finds.
    fn wait(&self, value: u32, _at_most: Duration) {
        let held = self.kernel.lock().unwrap();
        if self.word.load(Ordering::SeqCst) == value {
            drop(self.sleepers.wait(held).unwrap());
        }
    }

    fn wake(&self) {
        let _held = self.kernel.lock().unwrap();
        self.sleepers.notify_one();
    }
}

#[test]
fn messages_arrive_whole_and_in_order_across_the_end_of_the_ring() {
    let len = |i: u64| if i.is_multiple_of(2) { 8 } else { 16 };
    check(move |fences| {
        let memory = memory(fences);
        let (mut producer, mut consumer) = (Producer::new(memory.clone()), Consumer::new(memory));
        // Whoever looks too early in the second turn finds headers of the first one.
        for i in 1..=5 {
            let sent = producer.try_send(len(i), Publish::Plain, |room| room.put(i));
            assert!(sent.unwrap());
            assert!(consumer.try_receive(|m| m.get()).unwrap().is_some());
        }
        let writer = loom::thread::spawn(move || {
            for i in 6..=10 {
                while !producer
                    .try_send(len(i), Publish::Plain, |room| room.put(i))
                    .unwrap()
                {
                    loom::thread::yield_now();
                }
            }
        });
        for i in 6..=10 {
            loop {
                if let Some((got, _)) = consumer.try_receive(|m| m.get()).unwrap() {
                    assert_eq!(got, vec![i; len(i) / 8]);
                    break;
                }
                loom::thread::yield_now();
            }
        }
        writer.join().unwrap();
    });
}

#[test]
fn no_frame_is_overwritten_while_it_is_read() {
    check(|fences| {
        // Two words a frame, so that a quarter has room for four: the place that the producer gets is one
        // that was not given by waking it.
        let memory = memory_of(2 * WORDS, fences);
        let (mut producer, mut consumer) = (Producer::new(memory.clone()), Consumer::new(memory));
        let mut sent = 0_u64;
        while producer
            .try_send(8, Publish::Plain, |room| room.put(sent))
            .unwrap()
        {
            sent += 1;
        }
        let writer = loom::thread::spawn(move || {
            // The first one goes to what was never used; the second one to where the first of all was.
            for i in sent..sent + 2 {
                while !producer
                    .try_send(8, Publish::Plain, |room| room.put(i))
                    .unwrap()
                {
                    loom::thread::yield_now();
                }
            }
        });
        for i in 0..2 {
            let (got, makes_room) = consumer
                .try_receive(|m| m.get())
                .unwrap()
                .expect("one more");
            assert_eq!(got, [i]);
            assert!(!makes_room);
        }
        writer.join().unwrap();
    });
}

#[test]
fn a_consumer_that_sleeps_is_woken() {
    check(|fences| {
        let (memory, bell) = (memory(fences), LoomBell::new(fences));
        let (mut producer, mut consumer) = (Producer::new(memory.clone()), Consumer::new(memory));
        let rings = bell.clone();
        let writer = loom::thread::spawn(move || {
            for i in 1..=2_u64 {
                assert!(
                    producer
                        .try_send(8, Publish::ThenLook, |room| room.put(i))
                        .unwrap()
                );
                doorbell::ring(&*rings);
            }
        });
        for i in 1..=2_u64 {
            loop {
                if let Some((got, _)) = consumer.try_receive(|m| m.get()).unwrap() {
                    assert_eq!(got, [i]);
                    break;
                }
                doorbell::sleep(&*bell, || consumer.has_message(), Duration::MAX);
            }
        }
        writer.join().unwrap();
    });
}

#[test]
fn a_producer_that_sleeps_for_room_is_woken() {
    check(|fences| {
        let (memory, bell) = (memory(fences), LoomBell::new(fences));
        let (mut producer, mut consumer) = (Producer::new(memory.clone()), Consumer::new(memory));
        // Full before the two meet: what they race for is the first free place.
        let mut sent = 0_u64;
        while producer
            .try_send(16, Publish::Plain, |room| room.put(sent))
            .unwrap()
        {
            sent += 1;
        }
        let rings = bell.clone();
        let writer = loom::thread::spawn(move || {
            while !producer
                .try_send(16, Publish::Plain, |room| room.put(sent))
                .unwrap()
            {
                let fits = || producer.would_fit(16).unwrap();
                doorbell::sleep(&*bell, fits, Duration::MAX);
            }
        });
        let mut receive = |expected: u64| {
            let (got, makes_room) = consumer
                .try_receive(|m| m.get())
                .unwrap()
                .expect("one more");
            assert_eq!(got, [expected, expected]);
            if makes_room {
                doorbell::ring(&*rings);
            }
        };
        (0..sent).for_each(&mut receive);
        writer.join().unwrap();
        receive(sent);
    });
}
