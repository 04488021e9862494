//! Turns kept pairs into numbers with intervals; pure: values in, values out.
//!
//! | file | question |
//! |---|---|
//! | `effect` | how much does X differ from the baseline, and how certain is it? |
//! | `estimate` | which single number, and which interval, do plain values give? |
//! | `order` | does it matter which side of a pair was started second? |
//! | `steadiness` | did the rate move while it was measured? |
//! | `scaling` | what do more agents make of op/s? |
//! | `window` | do short windows tell what long ones tell? |
//! | `slope` | what does one more agent cost in memory? |
//! | `controls` | could this machine tell a thing from itself, and see a known effect? |
//! | `price` | what does a message cost an agent? |
//! | `hop` | what does a message between two workers cost, and what is that made of? |
//! | `latency` | how long after its planned start is an op done? |
//! | `delivery` | how long does a message wait whose receiver polls? |
//! | `formats` | what does a format cost, and what part of a message's price is that? |
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
mod delivery;
mod effect;
mod estimate;
mod formats;
mod hop;
mod latency;
mod measured;
mod order;
mod price;
mod scaling;
mod share;
mod slope;
mod steadiness;
mod window;

pub use change::{LnMean, change};
pub use controls::{Judgement, inflation, judge_control, withheld};
pub use delivery::{delivery_answers, is_paced};
pub use effect::{MIN_PAIRS, PairDifference, StatsError, Widen, effect, pair_differences};
pub use estimate::{estimate_mean, estimate_usual, median, quantile};
pub use formats::body_answers;
pub use hop::hop_answers;
pub use latency::latency_answers;
pub use measured::{Place, level, places, ratio, widening, x_over_baseline};
pub use order::{SecondRun, second_run};
pub use price::message_price;
pub use scaling::{Law, USL_POINTS, fit_usl, scaling_answers};
pub use share::share;
pub use slope::{Line, MIN_ROUNDS, MemoryPoint, fit_line, memory_fit};
pub use steadiness::{Window, steadiness};
pub use window::{long_window, quotient};
