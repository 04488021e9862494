//! How long did a worker's ops take, one by one?
//!
//! A [`Recorder`] belongs to one worker and allocates only when it is built. It times one op in
//! `stride`, so that timing costs less than 1 % of an op; what it saw leaves the worker as
//! [`ServiceCounts`], small enough for a control message.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::clock::{OpClock, Ticker};

/// Share of an op that its timing may cost.
pub const TIMING_BUDGET: f64 = 0.01;

/// Cost of converting ticks and recording them, nanoseconds (pilot: 14 beside a read of 9.6).
const RECORD_COST_NS: f64 = 15.0;

/// Longest service time that is told apart, nanoseconds: 8.6 s. Longer ones count as this long.
/// Each doubling costs a recorder 512 bytes.
pub const LONGEST_NS: u64 = (1 << 33) - 1;

/// Significant decimal digits of a service time.
///
/// Two, not three: a worker's recorder is memory of the tool, not of its agents, and with three it
/// would be as large (96 KiB) as an agent of a middling workload.
const DIGITS: u8 = 2;

/// Significant decimal digits where no agent's memory is measured beside it: prices of messages are
/// differences of percentiles.
const FINE_DIGITS: u8 = 3;

/// Largest stride: with ops of a nanosecond and a slow clock, one in so many is still timed.
const MAX_STRIDE: u32 = 1 << 16;

/// How often to time an op: one in the returned number.
///
/// `op_ns` is the estimate from the warm-up, `read_cost_ns` the price of one clock read. 1 means
/// every op, chained, one read each; otherwise a timed op needs two reads. An estimate that is
/// not a positive number counts as 1 ns.
pub fn stride(op_ns: f64, read_cost_ns: f64) -> u32 {
    let op_ns = if op_ns.is_finite() {
        op_ns.max(1.0)
    } else {
        1.0
    };
    let allowed_ns = TIMING_BUDGET * op_ns;
    if read_cost_ns + RECORD_COST_NS <= allowed_ns {
        return 1;
    }
    let timed_ns = 2.0 * read_cost_ns + RECORD_COST_NS;
    // Saturating conversion; a stride of one is excluded above.
    ((timed_ns / allowed_ns).ceil() as u32).clamp(2, MAX_STRIDE)
}

/// Service time: from the moment an agent could begin an op until it had acted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServiceTime {
    /// Mean, nanoseconds.
    pub mean_ns: f64,
    /// Median, nanoseconds.
    pub p50_ns: f64,
    /// 95th percentile, nanoseconds.
    pub p95_ns: f64,
    /// 99th percentile, nanoseconds.
    pub p99_ns: f64,
    /// 99.9th percentile, nanoseconds.
    pub p999_ns: f64,
    /// Ops that were timed.
    pub timed: u64,
    /// One op in so many was timed, so that timing costs below 1 % of an op.
    pub stride: u32,
}

/// Times the ops of one worker.
///
/// ```
/// # use forkscope::observe::{clock::OpClock, service::Recorder};
/// let mut recorder = Recorder::new(OpClock::calibrate(), 1);
/// recorder.resume();              // the window has opened
/// for _ in 0..3 {
///     recorder.begin_op();
///     // observe, infer, act …
///     recorder.end_op();
/// }
/// assert_eq!(recorder.counts().timed(), 3);
/// ```
#[derive(Clone, Debug)]
pub struct Recorder {
    histogram: Histogram<u32>,
    ticker: Ticker,
    clock: OpClock,
    stride: u32,
    /// Ops until the next timed one; 0 while that one runs.
    countdown: u32,
    /// State of the generator that draws the gaps.
    gaps: u64,
    /// Whether the op before the next timed one was not timed although every one is.
    has_skipped: bool,
}

impl Recorder {
    /// A recorder that times one op in `stride` (0 counts as 1). Allocates about
    /// [`heap_bytes`](Self::heap_bytes), once.
    pub fn new(clock: OpClock, stride: u32) -> Self {
        Self::with_digits(clock, stride, DIGITS)
    }

    /// A recorder that keeps three digits, in about eight times as much memory.
    pub fn fine(clock: OpClock, stride: u32) -> Self {
        Self::with_digits(clock, stride, FINE_DIGITS)
    }

    fn with_digits(clock: OpClock, stride: u32, digits: u8) -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_NS, digits)
            .expect("the bounds are constants in range");
        let mut recorder = Self {
            histogram,
            ticker: Ticker::start(clock),
            clock,
            stride: 1,
            countdown: 0,
            gaps: 0,
            has_skipped: false,
        };
        recorder.begin_window(stride);
        recorder
    }

    /// Forgets what was recorded and starts over with a stride. Allocates nothing.
    pub fn begin_window(&mut self, stride: u32) {
        self.histogram.reset();
        self.stride = stride.clamp(1, MAX_STRIDE);
        self.gaps = 0x9e37_79b9_7f4a_7c15;
        // The first op is timed: a window that has an op has a service time.
        self.countdown = 1;
        self.resume();
    }

    /// Says that waiting is over and an op could begin now, so that the wait is not counted as
    /// part of the next op.
    #[inline]
    pub fn resume(&mut self) {
        self.ticker.restart();
    }

    /// Does not time the next `ops` ops: a further turn of the window begins, and they pay for the pause.
    pub fn skip(&mut self, ops: u32) {
        self.countdown = self.countdown.max(1).saturating_add(ops);
        self.has_skipped = true;
    }

    /// Call it before an op.
    #[inline]
    pub fn begin_op(&mut self) {
        // Saturating: a caller that begins twice must not make the window panic.
        self.countdown = self.countdown.saturating_sub(1);
        // With stride 1 the op began when the one before it ended: that includes what the loop
        // does between ops, as the definition of service time asks, and saves a read.
        if self.countdown == 0 && (self.stride > 1 || self.has_skipped) {
            self.ticker.restart();
            self.has_skipped = false;
        }
    }

    /// Call it after the op that [`begin_op`](Self::begin_op) announced. Allocates nothing.
    #[inline]
    pub fn end_op(&mut self) {
        if self.countdown == 0 {
            let ns = self.ticker.lap_ns();
            self.record_ns(ns);
            self.countdown = self.next_gap();
        }
    }

    /// Call it when an op begins that others may begin and end within (an agent that waits for
    /// messages while its worker serves the next one): the tick to give to
    /// [`end_detached`](Self::end_detached), or `None` when this op is not a timed one.
    #[inline]
    pub fn begin_detached(&mut self) -> Option<u64> {
        self.countdown = self.countdown.saturating_sub(1);
        if self.countdown > 0 {
            return None;
        }
        self.countdown = self.next_gap();
        Some(self.clock.now())
    }

    /// Call it when an op that [`begin_detached`](Self::begin_detached) timed has ended. Allocates
    /// nothing.
    #[inline]
    pub fn end_detached(&mut self, began: u64) {
        let ticks = self.clock.now().saturating_sub(began);
        self.record_ns(self.clock.ns(ticks));
    }

    /// Records one service time that was taken elsewhere, nanoseconds. Allocates nothing; what is
    /// longer than [`LONGEST_NS`] counts as that long.
    #[inline]
    pub fn record_ns(&mut self, ns: u64) {
        self.histogram.saturating_record(ns);
    }

    /// The clock that the recorder reads.
    pub fn clock(&self) -> OpClock {
        self.clock
    }

    /// Heap that a recorder holds, bytes: subtract it, times workers, where the live heap of
    /// agents is wanted.
    pub fn heap_bytes(&self) -> usize {
        self.histogram.distinct_values() * size_of::<u32>()
    }

    /// What was recorded, for the way to the host. Allocates: call it after the window.
    pub fn counts(&self) -> ServiceCounts {
        ServiceCounts {
            stride: self.stride,
            counts: self
                .histogram
                .iter_recorded()
                .map(|bin| (bin.value_iterated_to(), bin.count_at_value()))
                .collect(),
        }
    }

    /// Ops from one timed op to the next: uniform in 1 ..= 2 · stride - 1, mean `stride`.
    ///
    /// A fixed gap would always meet the same agent, or the same step of an episode, when it
    /// shares a factor with their number.
    #[inline]
    fn next_gap(&mut self) -> u32 {
        if self.stride == 1 {
            return 1;
        }
        // xorshift64: it only has to be uncorrelated with the agents.
        self.gaps ^= self.gaps << 13;
        self.gaps ^= self.gaps >> 7;
        self.gaps ^= self.gaps << 17;
        let span = u64::from(2 * self.stride - 1);
        // The upper half times the span, upper half again: uniform without a division.
        1 + (((self.gaps >> 32) * span) >> 32) as u32
    }
}

/// What recorders saw, compactly: only the service times that occurred.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceCounts {
    /// One op in so many was timed.
    pub stride: u32,
    /// Service time in nanoseconds (2 digits) and how often it was seen, ascending.
    pub counts: Vec<(u64, u32)>,
}

impl ServiceCounts {
    /// Ops that were timed.
    pub fn timed(&self) -> u64 {
        self.counts.iter().map(|&(_, n)| u64::from(n)).sum()
    }
}

/// Why recorders could not be merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ServiceError {
    /// Nothing was timed.
    #[error("no op was timed in the window; make the window longer (--time) or the ops shorter")]
    NothingTimed,
}

/// Service time over all workers.
///
/// A timed op of a worker with stride s stands for s ops, so workers with different strides weigh
/// as much as the ops that they did. The stride of the result is the largest.
///
/// # Errors
/// [`ServiceError::NothingTimed`] when all parts are empty.
pub fn merge(parts: &[ServiceCounts]) -> Result<ServiceTime, ServiceError> {
    // No coarser than any of them.
    let mut all = Histogram::<u64>::new_with_bounds(1, LONGEST_NS, FINE_DIGITS)
        .expect("the bounds are constants in range");
    for part in parts {
        for &(ns, n) in &part.counts {
            all.saturating_record_n(ns, u64::from(n) * u64::from(part.stride.max(1)));
        }
    }
    if all.is_empty() {
        return Err(ServiceError::NothingTimed);
    }
    let quantile = |q| all.value_at_quantile(q) as f64;
    Ok(ServiceTime {
        mean_ns: all.mean(),
        p50_ns: quantile(0.50),
        p95_ns: quantile(0.95),
        p99_ns: quantile(0.99),
        p999_ns: quantile(0.999),
        timed: parts.iter().map(ServiceCounts::timed).sum(),
        stride: parts.iter().map(|part| part.stride).max().unwrap_or(1),
    })
}

#[cfg(test)]
mod tests;
