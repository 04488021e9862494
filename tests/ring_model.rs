//! The ring and its bell under a model checker: every order of two ends' steps, and every value that a
//! weak memory model lets a load see (up to a bound on preemptions).

use forkscope::transport::ring::doorbell::{self, Bell};
use forkscope::transport::ring::memory::{Memory, Word};
use forkscope::transport::ring::spsc::{Consumer, Producer, Publish};
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Words of the ring: the smallest in which two frames of two sizes wrap.
const WORDS: usize = 16;

struct LoomWord(AtomicU64);

/// The checker takes a sequentially consistent access for an acquiring or releasing one; a fence it takes
/// for what it is. A fence on the side on which the order is needed, after what is written and before what
/// is read, orders no more than the access itself does.
fn fence_after(order: Ordering) {
    if order == Ordering::SeqCst {
        loom::sync::atomic::fence(Ordering::SeqCst);
    }
}

use fence_after as fence_before;

impl Word for LoomWord {
    fn load(&self, order: Ordering) -> u64 {
        fence_before(order);
        self.0.load(order)
    }

    fn store(&self, value: u64, order: Ordering) {
        self.0.store(value, order);
        fence_after(order);
    }

    fn swap(&self, value: u64, order: Ordering) -> u64 {
        let old = self.0.swap(value, order);
        fence_after(order);
        old
    }
}

struct Shared {
    head: LoomWord,
    words: Vec<LoomWord>,
}

#[derive(Clone)]
struct LoomMemory(Arc<Shared>);

/// A message's words. Relaxed throughout: what orders them must be the ring's doing.
struct Words<'a>(&'a [LoomWord]);

impl Words<'_> {
    fn put(&self, value: u64) {
        self.0
            .iter()
            .for_each(|w| w.store(value, Ordering::Relaxed));
    }

    fn get(&self) -> Vec<u64> {
        self.0.iter().map(|w| w.load(Ordering::Relaxed)).collect()
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
        Words(&self.0.words[at / 8..(at + len).div_ceil(8)])
    }

    unsafe fn message(&self, at: usize, len: usize) -> Words<'_> {
        Words(&self.0.words[at / 8..(at + len).div_ceil(8)])
    }
}

fn memory() -> LoomMemory {
    let word = || LoomWord(AtomicU64::new(0));
    LoomMemory(Arc::new(Shared {
        head: word(),
        words: (0..WORDS).map(|_| word()).collect(),
    }))
}

/// A futex: the word, and what the kernel keeps of who sleeps on it.
struct LoomBell {
    word: AtomicU32,
    kernel: Mutex<()>,
    sleepers: Condvar,
}

impl LoomBell {
    fn new() -> Arc<LoomBell> {
        Arc::new(LoomBell {
            word: AtomicU32::new(doorbell::AWAKE),
            kernel: Mutex::new(()),
            sleepers: Condvar::new(),
        })
    }
}

impl Bell for LoomBell {
    fn load(&self, order: Ordering) -> u32 {
        fence_before(order);
        self.word.load(order)
    }

    fn store(&self, value: u32, order: Ordering) {
        self.word.store(value, order);
        fence_after(order);
    }

    fn swap(&self, value: u32, order: Ordering) -> u32 {
        let old = self.word.swap(value, order);
        fence_after(order);
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

fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

#[test]
fn messages_arrive_whole_and_in_order_across_the_end_of_the_ring() {
    check(2, || {
        let memory = memory();
        let (mut producer, mut consumer) = (Producer::new(memory.clone()), Consumer::new(memory));
        let writer = loom::thread::spawn(move || {
            for i in 1..=7_u64 {
                let len = if i % 2 == 0 { 8 } else { 16 };
                while !producer
                    .try_send(len, Publish::Plain, |room| room.put(i))
                    .unwrap()
                {
                    loom::thread::yield_now();
                }
            }
        });
        for i in 1..=7_u64 {
            let words = if i % 2 == 0 { 1 } else { 2 };
            loop {
                if let Some((got, _)) = consumer.try_receive(|m| m.get()).unwrap() {
                    assert_eq!(got, vec![i; words]);
                    break;
                }
                loom::thread::yield_now();
            }
        }
        writer.join().unwrap();
    });
}

#[test]
fn a_consumer_that_sleeps_is_woken() {
    check(3, || {
        let (memory, bell) = (memory(), LoomBell::new());
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
    check(3, || {
        let (memory, bell) = (memory(), LoomBell::new());
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
