//! Does the counting allocator count exactly, also when many threads free each other's blocks?
//!
//! One test function, alone in its process: the counters belong to all of it.

use crate::{HEAP, alone};
use std::alloc::{GlobalAlloc, Layout};
use std::sync::mpsc::channel;
use std::thread;

use forkscope::observe::heap::{allocations, live_bytes, own_allocated};

/// More than there are slots of their own, so that shared slots are counted too.
const SHORT_THREADS: usize = 1_100;

#[test]
fn live_bytes_are_exact() {
    alone("heap::live_bytes_are_exact", &[], || {
        known_sizes();
        what_one_thread_allocates();
        blocks_freed_by_other_threads();
        threads_beyond_the_slots();
        blocks_freed_by_other_threads();
    });
}

fn known_sizes() {
    let (live, calls) = (live_bytes(), allocations());
    let block = vec![1_u8; 12_345];
    assert_eq!(live_bytes() - live, 12_345);
    let zeroed = vec![0_u64; 1_000];
    assert_eq!(live_bytes() - live, 12_345 + 8_000);
    assert_eq!(allocations() - calls, 2);
    drop((block, zeroed));
    assert_eq!(live_bytes(), live);

    let mut growing: Vec<u8> = Vec::with_capacity(100);
    growing.push(1);
    growing.reserve_exact(999);
    assert_eq!(live_bytes() - live, 1_000);
    growing.shrink_to_fit();
    assert_eq!(live_bytes() - live, 1);
    drop(growing);
    assert_eq!(live_bytes(), live);

    let layout = Layout::from_size_align(4096, 4096).unwrap();
    // SAFETY: the layout has a size, and the block is freed with the layout it was made with.
    unsafe {
        let block = HEAP.alloc(layout);
        assert!(!block.is_null());
        assert_eq!(live_bytes() - live, 4096);
        HEAP.dealloc(block, layout);
    }
    assert_eq!(live_bytes(), live);
}

/// Freed or not, grown or new; not what another thread does.
fn what_one_thread_allocates() {
    let look = || own_allocated().expect("one of the first threads");
    let before = look();
    drop(vec![1_u8; 300]);
    let mut growing: Vec<u8> = Vec::with_capacity(100);
    growing.push(1);
    growing.reserve_exact(999);
    let own = look().since(before);
    assert_eq!((own.times, own.bytes), (3, 300 + 100 + 1_000));

    let (own, of_all) = (look(), allocations());
    let begin = std::sync::Barrier::new(2);
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            begin.wait();
            (0..500).for_each(|n| drop(vec![2_u8; n + 1]));
            begin.wait();
        });
        let spawned = look();
        begin.wait();
        begin.wait();
        assert_eq!(look(), spawned);
        other.join().unwrap();
    });
    assert!(look().since(own).times < 500 && allocations() - of_all >= 500);
}

/// Every thread allocates for its neighbour and frees what it was sent: slots go negative, the sum
/// does not.
fn blocks_freed_by_other_threads() {
    const THREADS: usize = 16;
    const BLOCKS: usize = 2_000;
    let live = live_bytes();
    thread::scope(|scope| {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..THREADS).map(|_| channel::<Vec<u8>>()).unzip();
        let mut threads = Vec::with_capacity(THREADS);
        for (number, receiver) in receivers.into_iter().enumerate() {
            let next = senders[(number + 1) % THREADS].clone();
            threads.push(scope.spawn(move || {
                for size in 1..=BLOCKS {
                    next.send(vec![number as u8; size]).unwrap();
                    if size % 3 == 0 {
                        drop(receiver.recv().unwrap());
                    }
                }
                drop(next);
                receiver.iter().for_each(drop);
            }));
        }
        drop(senders);
        // The end of a scope waits for the closures only; a join also for what the standard
        // library frees when a thread ends.
        for thread in threads {
            thread.join().unwrap();
        }
    });
    assert_unchanged(live);
}

fn threads_beyond_the_slots() {
    let live = live_bytes();
    let kept: Vec<Vec<u8>> = (0..SHORT_THREADS)
        .map(|_| thread::spawn(|| vec![7_u8; 1_000]).join().unwrap())
        .collect();
    let held = (SHORT_THREADS * (1_000 + size_of::<Vec<u8>>())) as i64;
    let of_late = thread::spawn(|| {
        drop(std::hint::black_box(vec![7_u8; 10]));
        own_allocated()
    });
    assert_eq!(
        of_late.join().unwrap(),
        None,
        "its counters are not its own"
    );
    let surplus = live_bytes() - live - held;
    // The list of blocks may have grown past its length, never below it.
    assert!((0..held / 10).contains(&surplus), "{surplus}");
    drop(kept);
    assert_unchanged(live);
}

/// The standard library keeps a little per thread and channel; blocks of this test would show as
/// tens of megabytes.
fn assert_unchanged(live: i64) {
    let difference = live_bytes() - live;
    assert!(difference.abs() < 4_096, "{difference}");
}
