//! Turns kept pairs into numbers with intervals; pure: values in, values out.
//!
//! | file | question |
//! |---|---|
//! | `effect` | how much does X differ from the baseline, and how certain is it? |
//! | `estimate` | which single number, and which interval, do plain values give? |
//! | `order` | does it matter which side of a pair was started second? |
//! | `steadiness` | did the rate move while it was measured? |
//! | `slope` | what does one more agent cost in memory? |
//! | `controls` | could this machine tell a thing from itself, and see a known effect? |
//! | `change` | how much did a number change from one run to another? |
//! | `measured` | what did a run measure of one deployment, or of one against another? |
//! | `share` | how sure is a share of so many in so many? |
//!
//! A sample is one invocation; slices inside a window are never samples, `steadiness` alone looks at
//! them. Intervals are two-sided 95 % intervals from Student's t; those of a hop and its parts from signed ranks, because
//! an adaptive end that slept in one invocation is fifty times as slow in it. Nothing is bootstrapped: effects and
//! prices of agents are means over pairs, slopes have the interval of a regression, and percentiles of service
//! time are shown as medians over invocations, without an interval.

mod change;
mod controls;
mod effect;
mod estimate;
mod measured;
mod order;
mod share;
mod slope;
mod steadiness;

pub use change::{LnMean, change};
pub use controls::{Judgement, inflation, judge_control, withheld};
pub use effect::{MIN_PAIRS, PairDifference, StatsError, Widen, effect, pair_differences};
pub use estimate::{estimate_mean, estimate_usual, median, quantile, t_975};
pub use measured::{Place, level, places, ratio, widening, x_over_baseline};
pub use order::{SecondRun, second_run};
pub use share::share;
pub use slope::{Line, MIN_ROUNDS, MemoryPoint, fit_line, memory_fit};
pub use steadiness::{Window, steadiness};
