//! Is the ring a queue, whatever is sent when, and whatever a broken peer writes into it?

use forkscope::transport::ring::memory::{HEAD_BYTES, Mapped};
use forkscope::transport::ring::spsc::{
    Consumer, Damage, LEAST_CAPACITY, Producer, Publish, most_bytes,
};
use proptest::prelude::*;
use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::sync::Arc;

/// A ring's memory on the heap: aligned, zero, and in nobody's way.
struct Heap(UnsafeCell<Vec<u128>>);

// SAFETY: only the ring's two ends use it, by its protocol.
unsafe impl Send for Heap {}
unsafe impl Sync for Heap {}

type Ends = (
    Producer<Mapped<Arc<Heap>>>,
    Consumer<Mapped<Arc<Heap>>>,
    Arc<Heap>,
);

fn ring(capacity: usize) -> Ends {
    let heap = Arc::new(Heap(UnsafeCell::new(vec![0; (HEAD_BYTES + capacity) / 16])));
    let base = heap.base();
    // SAFETY: the heap block has that size and alignment and is kept; one end of each kind.
    let memory = || unsafe { Mapped::new(base, capacity, heap.clone()) };
    (
        Producer::new(memory()),
        Consumer::new(memory()),
        heap.clone(),
    )
}

impl Heap {
    fn base(&self) -> *mut u8 {
        // SAFETY: the vector is never moved or grown.
        unsafe { (*self.0.get()).as_mut_ptr().cast() }
    }

    /// Overwrites what a peer could overwrite.
    fn corrupt(&self, at: usize, bytes: &[u8]) {
        // SAFETY: within the block, which the callers see to; no end runs meanwhile.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.base().add(at), bytes.len()) }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Receive,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..=most_bytes(1024)).prop_map(Step::Send),
        (0..16_usize).prop_map(Step::Send),
        Just(Step::Receive),
        Just(Step::Receive),
    ];
    prop::collection::vec(step, 1..400)
}

proptest! {
    #[test]
    fn it_is_a_queue(steps in steps()) {
        let (mut producer, mut consumer, _heap) = ring(1024);
        let mut queue: VecDeque<Vec<u8>> = VecDeque::new();
        let mut sent = 0_u64;
        for step in steps {
            match step {
                Step::Send(len) => {
                    let message: Vec<u8> = (0..len).map(|i| (sent as usize + i) as u8).collect();
                    let fits = producer.would_fit(len).unwrap();
                    let went = producer
                        .try_send(len, Publish::ThenLook, |room| room.copy_from_slice(&message))
                        .unwrap();
                    prop_assert_eq!(went, fits);
                    if went {
                        queue.push_back(message);
                        sent += 1;
                    } else {
                        prop_assert!(!queue.is_empty(), "an empty ring takes any message");
                    }
                }
                Step::Receive => {
                    prop_assert_eq!(consumer.has_message(), !queue.is_empty());
                    let got = consumer.try_receive(<[u8]>::to_vec).unwrap().map(|(m, _)| m);
                    prop_assert_eq!(got, queue.pop_front());
                }
            }
        }
        while let Some(expected) = queue.pop_front() {
            let (got, _) = consumer.try_receive(<[u8]>::to_vec).unwrap().unwrap();
            prop_assert_eq!(got, expected);
        }
        prop_assert!(producer.is_drained());
    }

    /// Whatever stands in the ring, a consumer gives an error or some message, and never reads
    /// outside: `Mapped` asserts that.
    #[test]
    fn no_header_leads_outside(
        before in 0..20_usize,
        len in 0..=most_bytes(1024),
        header in any::<u64>(),
        at in 0..128_usize,
    ) {
        let (mut producer, mut consumer, heap) = ring(1024);
        for _ in 0..before {
            prop_assert!(producer.try_send(40, Publish::Plain, |room| room.fill(7)).unwrap());
            consumer.try_receive(|_| ()).unwrap().unwrap();
        }
        producer.try_send(len, Publish::Plain, |room| room.fill(9)).unwrap();
        heap.corrupt(HEAD_BYTES + at * 8, &header.to_ne_bytes());
        for _ in 0..4 {
            match consumer.try_receive(<[u8]>::len) {
                Ok(Some((len, _))) => prop_assert!(len <= most_bytes(1024)),
                Ok(None) => {}
                Err(Damage(what)) => prop_assert!(!what.is_empty()),
            }
        }
    }

    /// A consumer's place that cannot be is an error for the producer, not room.
    #[test]
    fn no_place_of_the_consumer_gives_room_that_is_not_there(head in any::<u64>()) {
        let (mut producer, _consumer, heap) = ring(LEAST_CAPACITY);
        let mut sent = 0_u64;
        while producer.try_send(16, Publish::Plain, |room| room.fill(1)).unwrap() {
            sent += 1;
        }
        heap.corrupt(0, &head.to_ne_bytes());
        let result = producer.try_send(16, Publish::Plain, |room| room.fill(2));
        if head > sent * 24 {
            prop_assert!(result.is_err());
        }
    }
}

#[test]
fn two_threads_exchange_messages_of_all_sizes_in_order() {
    const MESSAGES: u64 = 300_000;
    let (mut producer, mut consumer, _heap) = ring(4096);
    let writer = std::thread::spawn(move || {
        let mut sent = 0_u64;
        while sent < MESSAGES {
            let len = 8 + (sent % 97) as usize * 8 % 900;
            let went = producer
                .try_send(len, Publish::Plain, |room| {
                    room.fill(sent as u8);
                    room[..8].copy_from_slice(&sent.to_ne_bytes());
                })
                .unwrap();
            match went {
                true => sent += 1,
                false => std::thread::yield_now(),
            }
        }
    });
    let mut next = 0_u64;
    while next < MESSAGES {
        let got = consumer
            .try_receive(|m| {
                assert_eq!(m.len(), 8 + (next % 97) as usize * 8 % 900);
                assert_eq!(m[..8], next.to_ne_bytes());
                assert!(m[8..].iter().all(|&b| b == next as u8));
            })
            .unwrap();
        match got {
            Some(_) => next += 1,
            None => std::thread::yield_now(),
        }
    }
    writer.join().unwrap();
}
