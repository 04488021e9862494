//! What time is it, cheaply enough to time a single op?
//!
//! Ticks are those of the CPU's counter (TSC) where it is invariant and the kernel trusts it, and
//! nanoseconds of `CLOCK_MONOTONIC` otherwise. Both run on across processes, so ticks of a host
//! and its workers compare.
//!
//! [`OpClock::calibrate`] takes 6 ms. That is as much as starting a process, so a worker must not do it: the
//! coordinator calibrates once and hands the clock, a copyable value, to hosts and workers.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Between the two moments that give the scale: each is known to some nanoseconds, so it is right to a few
/// millionths.
const SCALE_SPAN: Duration = Duration::from_millis(5);

/// Where ticks come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The CPU's counter, read by one instruction (`rdtsc`, `cntvct_el0`).
    Counter,
    /// `CLOCK_MONOTONIC`, nanoseconds: about twice as dear.
    Monotonic,
}

/// The clock that times ops. Copy it to every worker.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpClock {
    source: Source,
    ns_per_tick: f64,
    read_cost_ns: f64,
}

impl OpClock {
    /// Finds the best clock of this machine, its scale and its price. Call it once per run.
    ///
    /// Sleeps for most of the time that it takes. Never fails: without a trustworthy counter it is
    /// [`Source::Monotonic`].
    pub fn calibrate() -> Self {
        let has_counter = HAS_COUNTER && is_invariant() && kernel_trusts_counter();
        let mut clock = if has_counter {
            Self {
                source: Source::Counter,
                ns_per_tick: ns_per_tick(SCALE_SPAN),
                read_cost_ns: 0.0,
            }
        } else {
            Self::monotonic()
        };
        clock.read_cost_ns = clock.measure_read_cost();
        clock
    }

    /// The fall-back clock, with no price measured.
    fn monotonic() -> Self {
        Self {
            source: Source::Monotonic,
            ns_per_tick: 1.0,
            read_cost_ns: 0.0,
        }
    }

    /// Now, in ticks since an arbitrary start that all processes of the machine share.
    ///
    /// The instruction is not fenced: the CPU may move it by some tens of nanoseconds, which is
    /// noise for the ops of a microsecond and more that are timed one by one.
    #[inline]
    pub fn now(&self) -> u64 {
        match self.source {
            Source::Counter => counter(),
            Source::Monotonic => monotonic_ns(),
        }
    }

    /// A number of ticks as nanoseconds.
    #[inline]
    pub fn ns(&self, ticks: u64) -> u64 {
        (ticks as f64 * self.ns_per_tick) as u64
    }

    /// A number of ticks as a duration.
    pub fn duration(&self, ticks: u64) -> Duration {
        Duration::from_nanos(self.ns(ticks))
    }

    /// A duration as a number of ticks.
    pub fn ticks(&self, duration: Duration) -> u64 {
        (duration.as_nanos() as f64 / self.ns_per_tick) as u64
    }

    /// Cost of one [`now`](Self::now), nanoseconds: median of batches, measured at calibration.
    pub fn read_cost_ns(&self) -> f64 {
        self.read_cost_ns
    }

    /// Where ticks come from.
    pub fn source(&self) -> Source {
        self.source
    }

    /// Median over batches, so that a batch that was interrupted does not count.
    fn measure_read_cost(&self) -> f64 {
        const BATCHES: usize = 21;
        const READS: u32 = 1_000;
        let mut costs = [0.0; BATCHES];
        for cost in &mut costs {
            let start = Instant::now();
            for _ in 0..READS {
                black_box(self.now());
            }
            *cost = start.elapsed().as_nanos() as f64 / f64::from(READS);
        }
        costs.sort_unstable_by(f64::total_cmp);
        costs[BATCHES / 2]
    }
}

/// Chained ticks: the end of one lap is the start of the next, so a lap costs one read.
#[derive(Clone, Copy, Debug)]
pub struct Ticker {
    clock: OpClock,
    last: u64,
}

impl Ticker {
    /// Starts the first lap now.
    pub fn start(clock: OpClock) -> Self {
        Self {
            clock,
            last: clock.now(),
        }
    }

    /// Ends the lap and starts the next; gives the lap in ticks.
    ///
    /// 0 instead of a huge number should the counter of the CPU that the thread has moved to lag.
    #[inline]
    pub fn lap(&mut self) -> u64 {
        let now = self.clock.now();
        let lap = now.saturating_sub(self.last);
        self.last = now;
        lap
    }

    /// Like [`lap`](Self::lap), in nanoseconds.
    #[inline]
    pub fn lap_ns(&mut self) -> u64 {
        let lap = self.lap();
        self.clock.ns(lap)
    }

    /// Starts a lap now and forgets the one that was running, for instance after a wait.
    #[inline]
    pub fn restart(&mut self) {
        self.last = self.clock.now();
    }
}

/// Whether [`counter`] exists on this architecture.
const HAS_COUNTER: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

#[cfg(target_arch = "x86_64")]
#[inline]
fn counter() -> u64 {
    // SAFETY: `rdtsc` has no precondition on x86_64 under Linux, which lets user space read the
    // counter; it touches no memory.
    unsafe { std::arch::x86_64::_rdtsc() }
}

#[cfg(target_arch = "aarch64")]
#[inline]
fn counter() -> u64 {
    let count: u64;
    // SAFETY: Linux lets user space read the virtual counter; the instruction only writes `count`.
    unsafe {
        std::arch::asm!("mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack, preserves_flags));
    }
    count
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn counter() -> u64 {
    monotonic_ns()
}

fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC)
        .expect("every Linux kernel has CLOCK_MONOTONIC, and the time it writes is on our stack");
    // Seconds since boot: never negative.
    now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64
}

/// Nanoseconds of `CLOCK_MONOTONIC` for each tick of the counter, by two moments so far apart.
fn ns_per_tick(span: Duration) -> f64 {
    let (began, began_ns) = moment();
    std::thread::sleep(span);
    let (ended, ended_ns) = moment();
    (ended_ns - began_ns) as f64 / (ended - began) as f64
}

/// Ticks and nanoseconds at one moment: of many looks the one that took least, so that one that was
/// interrupted does not count.
fn moment() -> (u64, u64) {
    const LOOKS: usize = 100;
    let looks = (0..LOOKS).map(|_| {
        let before = counter();
        let ns = monotonic_ns();
        let took = counter().saturating_sub(before);
        (took, before + took / 2, ns)
    });
    let (_, ticks, ns) = looks.min().expect("there are some");
    (ticks, ns)
}

/// Whether the counter runs at one rate whatever the CPU does, as the CPU says by way of the kernel.
fn is_invariant() -> bool {
    if !cfg!(target_arch = "x86_64") {
        return true;
    }
    // All CPUs of a machine say the same: the first line is enough.
    let lines =
        File::open("/proc/cpuinfo").map(|f| BufReader::new(f).lines().map_while(Result::ok));
    lines.is_ok_and(|mut l| {
        l.find(|l| l.starts_with("flags"))
            .is_some_and(|l| says_invariant(&l))
    })
}

fn says_invariant(flags: &str) -> bool {
    flags.split_whitespace().any(|flag| flag == "nonstop_tsc")
}

/// Whether the kernel still offers the TSC as a clock source: it withdraws it when it has seen the
/// counters of two CPUs drift apart, which the CPU's own flags do not tell.
fn kernel_trusts_counter() -> bool {
    if !cfg!(target_arch = "x86_64") {
        return true;
    }
    let path = "/sys/devices/system/clocksource/clocksource0/available_clocksource";
    // Unreadable in some containers: then the CPU's word has to do.
    fs::read_to_string(path).map_or(true, |sources| offers_tsc(&sources))
}

fn offers_tsc(sources: &str) -> bool {
    sources.split_whitespace().any(|source| source == "tsc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_survives_the_way_to_a_worker() {
        let clock = OpClock::calibrate();
        let text = serde_json::to_string(&clock).unwrap();
        let there: OpClock = serde_json::from_str(&text).unwrap();
        assert_eq!(there.source(), clock.source());
        assert!((there.ns_per_tick / clock.ns_per_tick - 1.0).abs() < 1e-12);
    }

    #[test]
    fn ticks_never_run_backwards_in_a_thread_and_measure_at_least_a_sleep() {
        for clock in [OpClock::calibrate(), OpClock::monotonic()] {
            let mut ticker = Ticker::start(clock);
            let mut last = clock.now();
            for _ in 0..10_000 {
                let now = clock.now();
                assert!(now >= last);
                last = now;
            }
            ticker.restart();
            std::thread::sleep(Duration::from_millis(20));
            // A sleep may last longer, never less: 1 % is left for the calibration.
            assert!(ticker.lap_ns() >= 19_800_000);
        }
    }

    #[test]
    fn ticks_and_durations_convert_both_ways() {
        let clock = OpClock {
            source: Source::Counter,
            ns_per_tick: 0.4,
            read_cost_ns: 10.0,
        };
        assert_eq!(clock.ns(1_000), 400);
        assert_eq!(clock.ticks(Duration::from_nanos(400)), 1_000);
        assert_eq!(clock.duration(2_500_000_000), Duration::from_secs(1));
    }

    #[test]
    fn reading_has_a_price() {
        assert!(OpClock::calibrate().read_cost_ns() > 0.0);
    }

    #[test]
    fn the_scale_is_that_of_a_longer_time() {
        let clock = OpClock::calibrate();
        if clock.source() == Source::Counter {
            let longer = ns_per_tick(Duration::from_millis(200));
            // A few millionths where nobody disturbs; the rest is for machines that steal time.
            let apart = (clock.ns_per_tick / longer - 1.0).abs();
            assert!(apart < 1e-3, "{apart}");
        }
    }

    #[test]
    fn a_counter_that_stops_is_not_used() {
        assert!(says_invariant(
            "flags\t\t: fpu tsc constant_tsc nonstop_tsc sse2"
        ));
        assert!(!says_invariant("flags\t\t: fpu tsc constant_tsc sse2"));
    }

    #[test]
    fn a_withdrawn_counter_is_not_trusted() {
        assert!(offers_tsc("kvm-clock tsc acpi_pm \n"));
        assert!(!offers_tsc("hpet acpi_pm \n"));
    }
}
