//! Turns kept pairs into numbers with intervals; pure: values in, values out.
//!
//! | file | question |
//! |---|---|
//! | `effect` | how much does X differ from the baseline, and how certain is it? |
//! | `estimate` | which single number, and which interval, do plain values give? |
//! | `slope` | what does one more agent cost in memory? |
//! | `controls` | could this machine tell a thing from itself, and see a known effect? |
//! | `price` | what does one message cost? |
//! | `share` | how sure is a share of so many in so many? |
//!
//! A sample is one invocation; slices inside a window never enter here. Intervals are two-sided
//! 95 % intervals from Student's t.

mod controls;
mod effect;
mod estimate;
mod price;
mod share;
mod slope;

pub use controls::{Judgement, inflation, judge_control, withheld};
pub use effect::{MIN_PAIRS, PairDifference, StatsError, Widen, effect, pair_differences};
pub use estimate::{estimate_mean, median, quantile};
pub use price::message_price;
pub use share::share;
pub use slope::{Line, MIN_ROUNDS, MemoryPoint, fit_line, memory_fit};
