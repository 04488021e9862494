//! What does observing cost on this machine? `cargo run --release --example observe_cost`

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::time::Instant;

use forkscope::observe::clock::OpClock;
use forkscope::observe::cpu::{ProcessClock, Switches, SystemCpu, own_thread_ns};
use forkscope::observe::heap::Counting;
use forkscope::observe::memory::MemoryReader;
use forkscope::observe::service::Recorder;
use nix::unistd::Pid;

fn main() {
    let clock = OpClock::calibrate();
    println!("clock {:?}", clock);
    for size in [32, 1024] {
        println!(
            "alloc+free {size} B  system {:6.1} ns  counting {:6.1} ns",
            cost(2_000_000, || pair(&System, size)),
            cost(2_000_000, || pair(&Counting, size)),
        );
    }
    let both = |heap: &'static (dyn GlobalAlloc + Sync)| {
        std::thread::scope(|scope| {
            let threads =
                [32, 64].map(|size| scope.spawn(move || cost(2_000_000, || pair(heap, size))));
            threads.map(|thread| thread.join().expect("allocating does not panic"))
        })
    };
    println!(
        "two threads at once, ns: system {:.1?}  counting {:.1?}",
        both(&System),
        both(&Counting)
    );
    println!(
        "op clock        {:8.1} ns",
        cost(2_000_000, || {
            black_box(clock.now());
        })
    );
    println!(
        "Instant::now    {:8.1} ns",
        cost(2_000_000, || {
            black_box(Instant::now());
        })
    );
    println!(
        "thread CPU      {:8.1} ns",
        cost(200_000, || {
            black_box(own_thread_ns());
        })
    );
    for stride in [1, 7] {
        let mut recorder = Recorder::new(clock, stride);
        println!(
            "recorder 1 in {stride} {:8.1} ns an op, holds {} bytes",
            cost(2_000_000, || {
                recorder.begin_op();
                recorder.end_op();
            }),
            recorder.heap_bytes(),
        );
    }
    let me = Pid::this();
    let process = ProcessClock::of(me).expect("this process lives");
    println!(
        "process CPU     {:8.1} ns",
        cost(200_000, || {
            black_box(process.now_ns().ok());
        })
    );
    println!(
        "switches        {:8.1} ns",
        cost(5_000, || {
            black_box(Switches::of(me).ok());
        })
    );
    println!(
        "system CPU      {:8.1} ns",
        cost(5_000, || {
            black_box(SystemCpu::read(&[0, 1]).ok());
        })
    );
    let mut reader = MemoryReader::new();
    println!(
        "memory          {:8.1} ns a process",
        cost(2_000, || {
            black_box(reader.read(&[me]).ok());
        })
    );
    let _held = vec![1_u8; 100 << 20];
    println!(
        "  with 100 MiB  {:8.1} ns a process",
        cost(200, || {
            black_box(reader.read(&[me]).ok());
        })
    );
}

/// Nanoseconds per call: the best of five batches, the one that was disturbed least.
fn cost(calls: u32, mut what: impl FnMut()) -> f64 {
    (0..5)
        .map(|_| {
            let start = Instant::now();
            (0..calls).for_each(|_| what());
            start.elapsed().as_nanos() as f64 / f64::from(calls)
        })
        .fold(f64::INFINITY, f64::min)
}

fn pair(heap: &(impl GlobalAlloc + ?Sized), size: usize) {
    let layout = Layout::from_size_align(size, 8).expect("a valid layout");
    // SAFETY: the size is not zero, and the block is freed with the layout it was made with.
    unsafe {
        let block = black_box(heap.alloc(layout));
        heap.dealloc(block, layout);
    }
}
