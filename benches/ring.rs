//! What does a message through the ring cost, and how far is that from the least that two CPUs need?
//!
//! `cargo bench --bench ring [-- --rounds 60] [--free]`. Beside the ring stand two floors, with the same three ways
//! to wait and nothing else:
//!
//! - *one line*: one cache line that both ends write in turns. It arrives with the ball and is written where it
//!   lies.
//! - *a line each way*: what messages need that have memory of their own. Each end writes a line that
//!   the other one looks at meanwhile.
//!
//! Ring and floors, threads and processes are measured in turns, some milliseconds each, and compared within a
//! round: what a neighbour does to one it does to the other. What was measured while one of the ends
//! was put off its CPU is measured again. The two ends are pinned to two CPUs; with `--free` also not pinned.
//!
//! The second process is this program again: started, not forked.

#[path = "../tests/common/ring_pair.rs"]
mod ring_pair;

use forkscope::deployment::pinning;
use forkscope::transport::WaitPolicy;
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::Pid;
use rand_pcg::Pcg32;
use rand_pcg::rand_core::Rng;
use ring_pair::{End, LOOKS, Pair};
use rustix::thread::futex;
use std::hint::spin_loop;
use std::process::Command;
use std::sync::atomic::Ordering::{Acquire, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Instant;

/// Bytes of each ring: hundreds of small messages, and still within the first cache.
const CAPACITY: usize = 16 << 10;

/// How often something is measured again at most, when a CPU was taken away meanwhile.
const MOST_REPEATED: usize = 6;

/// Bytes of the messages that go one way.
const ONE_WAY_BYTES: usize = 64;

const POLICIES: [WaitPolicy; 3] = [WaitPolicy::Spin, WaitPolicy::Adaptive, WaitPolicy::Park];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value_of = |name: &str| {
        let at = arguments.iter().position(|a| a == name)?;
        arguments.get(at + 1)?.parse::<usize>().ok()
    };
    if let Some(descriptor) = value_of("--second") {
        ring_pair::end_with_the_first();
        // SAFETY: the number comes from the first process, which made it for this one use.
        serve(&unsafe { Pair::inherit(descriptor as i32, CAPACITY) });
        return;
    }
    // Without this flag it is a test run, which only shows that everything works.
    let is_bench = arguments.iter().any(|a| a == "--bench");
    let rounds = value_of("--rounds").unwrap_or(if is_bench { 60 } else { 1 });
    let is_free = arguments.iter().any(|a| a == "--free");

    let cpus = pinning::allowed();
    if cpus.len() < 2 {
        println!("one CPU: a spinning end would wait for its own time slice, so spin is left out");
    }
    let mut others = [Other::thread(), Other::process()];
    let mut placements = Vec::new();
    match cpus[..] {
        [first, second, ..] => placements.push(Placement::Pinned(first, second)),
        _ => placements.push(Placement::Free),
    }
    if is_free && cpus.len() >= 2 {
        placements.push(Placement::Free);
    }
    for placement in placements {
        let policies = if cpus.len() < 2 {
            &POLICIES[1..]
        } else {
            &POLICIES
        };
        let table = measure(&mut others, placement, rounds, policies);
        print(&table, placement, rounds);
    }
    others.into_iter().for_each(Other::stop);
}

// ---------------------------------------------------------------- where the ends run

#[derive(Clone, Copy, PartialEq, Eq)]
enum Placement {
    Pinned(usize, usize),
    Free,
}

/// Puts the calling thread on `cpu`, or anywhere.
fn go_to(cpu: Option<usize>, allowed: &[usize]) {
    let cpus = cpu.as_ref().map_or(allowed, std::slice::from_ref);
    pinning::keep_on(Pid::from_raw(0), cpus).expect("a CPU that is allowed");
}

// ---------------------------------------------------------------- the floor

/// Something on cache lines of its own.
#[repr(C, align(128))]
struct Line<T>(T);

/// The least there is: a ball, and a word each to sleep on.
#[repr(C)]
struct Court {
    /// The first is played by both sides, or each by one.
    balls: [Line<AtomicU64>; 2],
    asleep: [Line<AtomicU32>; 2],
}

fn court(pair: &Pair) -> &Court {
    // SAFETY: every pair in here is made with room for it, aligned, zero; atomics only.
    unsafe { &*pair.own().cast::<Court>() }
}

impl Court {
    /// The ball that `side` plays.
    #[inline]
    fn ball(&self, side: usize, job: Job) -> &AtomicU64 {
        match job {
            Job::LineEachWay => &self.balls[side].0,
            _ => &self.balls[0].0,
        }
    }

    /// Waits until the other side's ball shows `value`, by the policy; `side` waits.
    #[inline]
    fn wait_for(&self, value: u64, side: usize, job: Job, policy: WaitPolicy) {
        let ball = self.ball(1 - side, job);
        let looks = match policy {
            WaitPolicy::Spin => {
                while ball.load(Acquire) != value {
                    spin_loop();
                }
                return;
            }
            WaitPolicy::Adaptive => LOOKS,
            WaitPolicy::Park => 1,
        };
        let asleep = &self.asleep[side].0;
        loop {
            for _ in 0..looks {
                if ball.load(Acquire) == value {
                    return;
                }
                if policy == WaitPolicy::Adaptive {
                    spin_loop();
                }
            }
            asleep.store(1, SeqCst);
            if ball.load(SeqCst) != value {
                let _ = futex::wait(asleep, futex::Flags::empty(), 1, None);
            }
            asleep.store(0, SeqCst);
        }
    }

    /// Plays the ball; wakes the other side if it sleeps.
    #[inline]
    fn play(&self, value: u64, side: usize, job: Job, policy: WaitPolicy) {
        let ball = self.ball(side, job);
        if policy == WaitPolicy::Spin {
            ball.store(value, Release);
            return;
        }
        ball.store(value, SeqCst);
        let asleep = &self.asleep[1 - side].0;
        if asleep.load(SeqCst) == 1 {
            asleep.store(0, SeqCst);
            let _ = futex::wake(asleep, futex::Flags::empty(), 1);
        }
    }
}

// ---------------------------------------------------------------- the other end

/// What both ends do next. Travels through the ring itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Job {
    /// `count` times there and back by the ring.
    Ring,
    /// `count` times there and back by the floor of one line.
    OneLine,
    /// `count` times there and back by the floor of a line each way.
    LineEachWay,
    /// `count` messages one way, one back at the end.
    OneWay,
    Stop,
}

const JOBS: [Job; 5] = [
    Job::Ring,
    Job::OneLine,
    Job::LineEachWay,
    Job::OneWay,
    Job::Stop,
];

#[derive(Clone, Copy)]
struct Order {
    job: Job,
    policy: WaitPolicy,
    placement: Placement,
    count: u64,
}

impl Order {
    fn words(self) -> [u64; 4] {
        let job = JOBS.iter().position(|&j| j == self.job).expect("listed");
        let policy = POLICIES.iter().position(|&p| p == self.policy);
        let cpu = match self.placement {
            Placement::Pinned(_, second) => second as u64,
            Placement::Free => u64::MAX,
        };
        [job as u64, policy.expect("listed") as u64, cpu, self.count]
    }
}

/// The second side: does what it is told, asleep in between.
fn serve(pair: &Pair) {
    let allowed = pinning::allowed();
    // SAFETY: the second side's only end.
    let mut end = unsafe { pair.end(1, WaitPolicy::Park) };
    loop {
        let order = end.receive(|m| {
            let word = |i: usize| u64::from_ne_bytes(m[i * 8..][..8].try_into().expect("a word"));
            [word(0), word(1), word(2), word(3)]
        });
        let [job, policy, cpu, count] = order.expect("an order");
        go_to(
            usize::try_from(cpu).ok().filter(|&c| c != usize::MAX),
            &allowed,
        );
        end.send(8, |room| room.fill(0)).expect("ready");
        let (job, policy) = (JOBS[job as usize], POLICIES[policy as usize]);
        let put_off_before = times_put_off();
        end.policy = policy;
        match job {
            Job::Ring => {
                for _ in 0..count {
                    let ball = end.receive(number).expect("a ball");
                    end.send(8, |room| put(room, ball)).expect("room");
                }
            }
            Job::OneLine | Job::LineEachWay => {
                for i in 0..count {
                    court(pair).wait_for(2 * i + 1, 1, job, policy);
                    court(pair).play(2 * i + 2, 1, job, policy);
                }
            }
            Job::OneWay => {
                let mut sum = 0_u64;
                for _ in 0..count {
                    sum = sum.wrapping_add(end.receive(number).expect("a message"));
                }
                end.send(8, |room| put(room, sum)).expect("room");
            }
            Job::Stop => return,
        }
        end.policy = WaitPolicy::Park;
        let put_off = times_put_off() - put_off_before;
        end.send(8, |room| put(room, put_off)).expect("room");
    }
}

/// How often this thread was put off its CPU though it had something to do.
fn times_put_off() -> u64 {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).expect("the usage of this thread");
    usage.involuntary_context_switches() as u64
}

#[inline]
fn number(message: &[u8]) -> u64 {
    u64::from_ne_bytes(message[..8].try_into().expect("eight bytes"))
}

#[inline]
fn put(room: &mut [u8], number: u64) {
    room[..8].copy_from_slice(&number.to_ne_bytes());
}

enum Handle {
    Thread(std::thread::JoinHandle<()>),
    Process(std::thread::JoinHandle<bool>),
}

/// The other end, as the first side sees it.
struct Other {
    pair: Pair,
    end: End,
    handle: Handle,
}

impl Other {
    fn with(start: impl FnOnce(&Pair) -> Handle) -> Other {
        let pair = Pair::create(CAPACITY, size_of::<Court>());
        let handle = start(&pair);
        Other {
            // SAFETY: the first side's only end.
            end: unsafe { pair.end(0, WaitPolicy::Park) },
            pair,
            handle,
        }
    }

    fn thread() -> Other {
        Other::with(|pair| {
            let pair = pair.clone();
            Handle::Thread(std::thread::spawn(move || serve(&pair)))
        })
    }

    fn process() -> Other {
        Other::with(|pair| {
            let program = std::env::current_exe().expect("this program");
            let mut command = Command::new(program);
            command.args(["--second", &pair.descriptor().to_string()]);
            Handle::Process(ring_pair::start_other(pair, &mut command))
        })
    }

    /// Has the other end begin.
    fn order(&mut self, order: Order) {
        for ball in &court(&self.pair).balls {
            ball.0.store(0, SeqCst);
        }
        self.end.policy = WaitPolicy::Park;
        let words = order.words();
        let send = self.end.send(32, |room| {
            for (i, word) in words.iter().enumerate() {
                put(&mut room[i * 8..], *word);
            }
        });
        send.expect("an order");
        self.end.receive(|_| ()).expect("ready");
        self.end.policy = order.policy;
    }

    /// Does what `order` says, with `work` at this end, again and again until neither end was put off its
    /// CPU meanwhile. Says how often it had to; at last it takes what it gets.
    fn undisturbed<R>(&mut self, order: Order, work: impl Fn(&mut Other) -> R) -> (R, usize) {
        let mut repeated = 0;
        loop {
            self.order(order);
            let before = times_put_off();
            let result = work(self);
            let own = times_put_off() - before;
            self.end.policy = WaitPolicy::Park;
            let put_off = own + self.end.receive(number).expect("a number");
            if put_off == 0 || repeated == MOST_REPEATED {
                return (result, repeated);
            }
            repeated += 1;
        }
    }

    fn stop(mut self) {
        self.order(Order {
            job: Job::Stop,
            policy: WaitPolicy::Park,
            placement: Placement::Free,
            count: 0,
        });
        match self.handle {
            Handle::Thread(thread) => thread.join().expect("the other end ends well"),
            Handle::Process(waiter) => assert!(waiter.join().expect("a status")),
        }
    }

    /// Nanoseconds of a round trip: the mean without a clock in between, and the median of
    /// groups that are timed.
    fn round_trips(&mut self, order: Order) -> ([f64; 2], usize) {
        let Order { job, policy, .. } = order;
        // Where a round trip takes hardly longer than to read the clock, one reading for many of them.
        let group = match policy {
            WaitPolicy::Spin | WaitPolicy::Adaptive => 16,
            WaitPolicy::Park => 1,
        };
        let (mean, repeated) = self.undisturbed(order, |other| {
            let began = Instant::now();
            for i in 0..order.count {
                other.there_and_back(job, policy, i);
            }
            began.elapsed().as_nanos() as f64 / order.count as f64
        });
        let (p50, repeated_again) = self.undisturbed(order, |other| {
            let mut took = Vec::with_capacity((order.count / group) as usize);
            let mut before = Instant::now();
            for i in 0..order.count {
                other.there_and_back(job, policy, i);
                if i % group == group - 1 {
                    let now = Instant::now();
                    took.push((now - before).as_nanos() as f64 / group as f64);
                    before = now;
                }
            }
            took.sort_by(f64::total_cmp);
            took[took.len() / 2]
        });
        ([mean, p50], repeated + repeated_again)
    }

    #[inline]
    fn there_and_back(&mut self, job: Job, policy: WaitPolicy, i: u64) {
        if job == Job::Ring {
            self.end.send(8, |room| put(room, i)).expect("room");
            let back = self.end.receive(number).expect("a ball");
            assert_eq!(back, i);
        } else {
            court(&self.pair).play(2 * i + 1, 0, job, policy);
            court(&self.pair).wait_for(2 * i + 2, 0, job, policy);
        }
    }

    /// Million messages a second, one way.
    fn one_way(&mut self, order: Order) -> (f64, usize) {
        self.undisturbed(order, |other| {
            let began = Instant::now();
            for i in 0..order.count {
                let send = other.end.send(ONE_WAY_BYTES, |room| {
                    room.fill(i as u8);
                    put(room, i);
                });
                send.expect("room");
            }
            let sum = other.end.receive(number).expect("the sum");
            let took = began.elapsed();
            assert_eq!(sum, (0..order.count).sum::<u64>());
            order.count as f64 / 1e6 / took.as_secs_f64()
        })
    }
}

// ---------------------------------------------------------------- rounds

/// Round trips of one kind, nanoseconds, one value a round.
#[derive(Default)]
struct Trips {
    mean: Vec<f64>,
    p50: Vec<f64>,
}

/// What is measured with one other end under one policy.
#[derive(Default)]
struct Samples {
    one_line: Trips,
    line_each_way: Trips,
    ring: Trips,
    /// Million messages a second.
    one_way: Vec<f64>,
}

/// All rounds under one policy.
struct Row {
    policy: WaitPolicy,
    threads: Samples,
    processes: Samples,
    /// How often something was measured again.
    repeated: usize,
}

impl Row {
    fn new(policy: WaitPolicy) -> Row {
        Row {
            policy,
            threads: Samples::default(),
            processes: Samples::default(),
            repeated: 0,
        }
    }

    fn sides(&self) -> [(&'static str, &Samples); 2] {
        [("threads", &self.threads), ("processes", &self.processes)]
    }

    /// One round more, in an order that is drawn anew.
    fn measure(&mut self, others: &mut [Other; 2], placement: Placement, random: &mut Pcg32) {
        let kinds = [Job::OneLine, Job::LineEachWay, Job::Ring, Job::OneWay];
        let mut cells: Vec<(Job, usize)> =
            kinds.iter().flat_map(|&job| [(job, 0), (job, 1)]).collect();
        for i in (1..cells.len()).rev() {
            cells.swap(i, random.next_u32() as usize % (i + 1));
        }
        for (job, who) in cells {
            let other = &mut others[who];
            let samples = [&mut self.threads, &mut self.processes]
                .into_iter()
                .nth(who);
            let samples = samples.expect("one of two");
            let order = Order {
                job,
                policy: self.policy,
                placement,
                count: match (job, self.policy) {
                    (Job::OneWay, _) => 20_000,
                    (_, WaitPolicy::Park) => 100,
                    _ => 3_200,
                },
            };
            let trips = match job {
                Job::OneLine => &mut samples.one_line,
                Job::LineEachWay => &mut samples.line_each_way,
                Job::Ring => &mut samples.ring,
                Job::OneWay | Job::Stop => {
                    let (rate, repeated) = other.one_way(order);
                    samples.one_way.push(rate);
                    self.repeated += repeated;
                    continue;
                }
            };
            let ([mean, p50], repeated) = other.round_trips(order);
            trips.mean.push(mean);
            trips.p50.push(p50);
            self.repeated += repeated;
        }
    }
}

fn measure(
    others: &mut [Other; 2],
    placement: Placement,
    rounds: usize,
    policies: &[WaitPolicy],
) -> Vec<Row> {
    let allowed = pinning::allowed();
    go_to(
        match placement {
            Placement::Pinned(first, _) => Some(first),
            Placement::Free => None,
        },
        &allowed,
    );
    let mut random = Pcg32::new(1, 1);
    let mut table = Vec::new();
    // The first round warms up.
    for rounds in [1, rounds] {
        table = policies.iter().map(|&p| Row::new(p)).collect();
        for _ in 0..rounds {
            for row in &mut table {
                row.measure(others, placement, &mut random);
            }
        }
    }
    go_to(None, &allowed);
    table
}

// ---------------------------------------------------------------- words

/// Median, and the middle half.
#[derive(Clone, Copy)]
struct Spread {
    low: f64,
    median: f64,
    high: f64,
}

fn spread(values: impl IntoIterator<Item = f64>) -> Spread {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
    Spread {
        low: at(0.25),
        median: at(0.5),
        high: at(0.75),
    }
}

/// The ratio in each round.
fn ratio(over: &[f64], under: &[f64]) -> Spread {
    spread(over.iter().zip(under).map(|(o, u)| o / u))
}

impl Spread {
    fn text(self, decimals: usize) -> String {
        let Spread { low, median, high } = self;
        format!("{median:.decimals$} [{low:.decimals$}, {high:.decimals$}]")
    }
}

fn print(table: &[Row], placement: Placement, rounds: usize) {
    let place = match placement {
        Placement::Pinned(first, second) => format!("pinned to CPUs {first} and {second}"),
        Placement::Free => "not pinned".to_owned(),
    };
    println!("\nring of {CAPACITY} bytes, {place}; {rounds} rounds: median [middle half]\n");
    print_round_trips(table);
    println!("\n  one way, {ONE_WAY_BYTES} B, million messages a second");
    for row in table {
        let [a, b] = row
            .sides()
            .map(|(_, s)| spread(s.one_way.iter().copied()).text(1));
        println!("  {:<9} threads {a}   processes {b}", row.policy.name());
    }
    println!("\n  processes / threads");
    for row in table {
        let Row {
            policy,
            threads,
            processes,
            repeated,
        } = row;
        println!(
            "  {:<9} ring: round trip p50 {}  mean {}  one way {}",
            policy.name(),
            ratio(&processes.ring.p50, &threads.ring.p50).text(3),
            ratio(&processes.ring.mean, &threads.ring.mean).text(3),
            ratio(&processes.one_way, &threads.one_way).text(3),
        );
        println!(
            "            one line: round trip p50 {}  ({repeated} repeated because a CPU was taken away)",
            ratio(&processes.one_line.p50, &threads.one_line.p50).text(3),
        );
    }
    println!("\n  what it has to reach");
    table.iter().for_each(print_targets);
}

/// Which of the round trips.
type Kind = fn(&Samples) -> &Trips;

fn print_round_trips(table: &[Row]) {
    let line = |name: &str, cells: Vec<String>| {
        let cells: Vec<String> = cells.iter().map(|c| format!("{c:>24}")).collect();
        println!("  {name:<28} {}", cells.join(" "));
    };
    let head = ["threads p50", "mean", "processes p50", "mean"].map(str::to_owned);
    line("round trip of 8 B", head.into());
    for row in table {
        let kinds: [(&str, Kind); 3] = [
            ("one line, ns", |s| &s.one_line),
            ("a line each way, ns", |s| &s.line_each_way),
            ("ring, ns", |s| &s.ring),
        ];
        let name = row.policy.name();
        for (what, of) in kinds {
            let cells = row.sides().into_iter().flat_map(|(_, s)| {
                [&of(s).p50, &of(s).mean].map(|v| spread(v.iter().copied()).text(0))
            });
            line(&format!("{name:<8} {what}"), cells.collect());
        }
        for (what, of) in &kinds[..2] {
            let what = what.trim_end_matches(", ns");
            let cells = row.sides().into_iter().flat_map(|(_, s)| {
                let (ring, floor) = (&s.ring, of(s));
                [
                    ratio(&ring.p50, &floor.p50).text(2),
                    ratio(&ring.mean, &floor.mean).text(2),
                ]
            });
            line(&format!("{name:<8} ring / {what}"), cells.collect());
        }
    }
}

fn print_targets(row: &Row) {
    let name = row.policy.name();
    for (who, s) in row.sides() {
        if row.policy == WaitPolicy::Adaptive {
            for (floor, what) in [
                (&s.one_line, "one line"),
                (&s.line_each_way, "a line each way"),
            ] {
                let over = ratio(&s.ring.p50, &floor.p50);
                let word = word(over.median <= 1.25);
                println!(
                    "  {name} {who}: at most 1.25 x {what}: {word}, {}",
                    over.text(2)
                );
            }
        }
        let one_way = spread(s.one_way.iter().copied());
        let word = word(one_way.median >= 10.0);
        println!(
            "  {name} {who}: at least 10 M messages/s: {word}, {}",
            one_way.text(1)
        );
    }
    let over = ratio(&row.processes.ring.p50, &row.threads.ring.p50);
    let word = word((0.95..=1.05).contains(&over.median));
    println!(
        "  {name}: processes / threads within 5 %: {word}, {}",
        over.text(3)
    );
}

fn word(holds: bool) -> &'static str {
    if holds { "reached" } else { "MISSED" }
}
