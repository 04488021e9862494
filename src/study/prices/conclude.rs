//! What does one message cost?

use super::MessageAnswer;
use crate::metric::Metric;
use crate::record::{Cell, Estimate, Sample};
use crate::stats::{MIN_ROUNDS, estimate_mean, median};

/// Overhead per message of a cell whose side X exchanges messages and whose baseline replays them.
///
/// Per kept pair: τ = min(agents, effective CPUs) · span / ops is the CPU capacity that one op
/// occupies on a side, waiting included; overhead = (τ_x − τ_baseline) / messages per op, in
/// nanoseconds; share = (τ_x − τ_baseline) / τ_x. Both are then a mean over pairs with a t interval. A
/// negative value means that the noise is larger than the price. The order effect is not taken out;
/// pairs of both orders in equal number cancel it from the mean, and it only widens the interval.
///
/// `cpus_effective` is [`crate::record::Machine::cpus_effective`], in CPUs.
///
/// `None` when `cpus_effective` is not above 0, or fewer than three
/// kept pairs carry messages and ops.
pub fn message_price(cell: &Cell, cpus_effective: f64) -> Option<MessageAnswer> {
    if cpus_effective.is_nan() || cpus_effective <= 0.0 {
        return None;
    }
    let capacity = cpus_effective.min(cell.agents as f64);
    let prices: Vec<PairPrice> = cell
        .kept()
        .filter_map(|(_, tape, x)| pair_price(tape, x, capacity))
        .collect();
    if prices.len() < MIN_ROUNDS {
        return None;
    }
    let column = |value: fn(&PairPrice) -> f64| prices.iter().map(value).collect::<Vec<f64>>();
    Some(MessageAnswer {
        workload: cell.x.workload.clone(),
        agents: cell.agents,
        deployment: cell.x.deployment.clone(),
        transport: cell.x.transport.clone(),
        ops_per_s: median(&column(|p| p.ops_per_s))?,
        ops_per_s_level: geometric_mean(&column(|p| p.ops_per_s)),
        messages_per_op: estimate_mean(&column(|p| p.messages_per_op)).ok()?.value,
        overhead_per_message_ns: estimate_mean(&column(|p| p.overhead_ns)).ok()?,
        share_of_op: estimate_mean(&column(|p| p.share)).ok()?,
    })
}

/// Geometric mean of two values or more, all above 0, with its 95 % t interval.
fn geometric_mean(values: &[f64]) -> Option<Estimate> {
    let logarithms: Vec<f64> = values.iter().map(|v| v.ln()).collect();
    let ln = estimate_mean(&logarithms).ok()?;
    Some(Estimate {
        value: ln.value.exp(),
        low: ln.low.exp(),
        high: ln.high.exp(),
    })
}

struct PairPrice {
    ops_per_s: f64,
    messages_per_op: f64,
    overhead_ns: f64,
    share: f64,
}

/// `capacity` is in CPUs; `None` when a side counted no op or X sent no message.
fn pair_price(tape: &Sample, x: &Sample, capacity: f64) -> Option<PairPrice> {
    let sent = x.get(Metric::MESSAGES_SENT).unwrap_or(0.0);
    if tape.ops == 0 || x.ops == 0 || sent == 0.0 {
        return None;
    }
    let op_time_s = |s: &Sample| capacity * s.span_s / s.ops as f64;
    let (tape_s, x_s) = (op_time_s(tape), op_time_s(x));
    let messages_per_op = sent / x.ops as f64;
    Some(PairPrice {
        ops_per_s: x.ops as f64 / x.span_s,
        messages_per_op,
        overhead_ns: (x_s - tape_s) / messages_per_op * 1e9,
        share: (x_s - tape_s) / x_s,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Arm, Outcome, Pair, Side};

    fn sample(ops: u64, messages_sent: u64) -> Outcome {
        let sample = Sample {
            ops,
            span_s: 1.0,
            turns: 1,
            ..Sample::default()
        };
        let sent = messages_sent as f64;
        Outcome::Measured(Box::new(sample.with(Metric::MESSAGES_SENT, sent)))
    }

    fn cell(x_ops: &[u64]) -> Cell {
        let pair = |(round, &ops): (usize, &u64)| Pair {
            round: round as u32,
            first: Side::Baseline,
            baseline: sample(100_000, 0),
            x: sample(ops, 2 * ops),
            dropped: None,
        };
        Cell {
            agents: 8,
            baseline: Arm::of("coordination", "processes", "tape"),
            x: Arm::of("coordination", "processes", "ipc"),
            window_s: 0.25,
            pairs: x_ops.iter().enumerate().map(pair).collect(),
            ..Cell::default()
        }
    }

    #[test]
    fn the_price_is_capacity_time_per_message() {
        // 2 of 8 agents run at once: τ is 20 µs with the tape, 40 µs with two messages.
        let answer = message_price(&cell(&[50_000; 3]), 2.0).unwrap();
        assert!((answer.overhead_per_message_ns.value - 10_000.0).abs() < 1e-6);
        assert!((answer.share_of_op.value - 0.5).abs() < 1e-12);
        assert_eq!(answer.messages_per_op, 2.0);
        assert_eq!(
            (answer.deployment.as_str(), answer.transport.as_str()),
            ("processes", "ipc")
        );
    }

    #[test]
    fn fewer_agents_than_cpus_occupy_only_their_own() {
        let answer = message_price(&cell(&[50_000; 3]), 64.0).unwrap();
        assert!((answer.overhead_per_message_ns.value - 40_000.0).abs() < 1e-6);
    }

    #[test]
    fn pairs_that_differ_give_an_interval() {
        let answer = message_price(&cell(&[49_000, 50_000, 51_000]), 2.0).unwrap();
        let e = answer.overhead_per_message_ns;
        assert!(e.low < e.value && e.value < e.high);
        let level = answer.ops_per_s_level.unwrap();
        let truth = (49_000.0_f64 * 50_000.0 * 51_000.0).cbrt();
        assert!((level.value - truth).abs() < 1e-6);
        assert!(level.low < 49_000.0 && 51_000.0 < level.high);
    }

    #[test]
    fn a_cell_without_messages_or_with_too_few_pairs_has_no_price() {
        assert_eq!(message_price(&cell(&[50_000; 2]), 2.0), None);
        assert_eq!(message_price(&cell(&[0; 6]), 2.0), None);
        assert_eq!(message_price(&cell(&[50_000; 6]), 0.0), None);
    }

    #[test]
    fn dropped_pairs_do_not_count() {
        let mut cell = cell(&[50_000, 50_000, 50_000, 1]);
        cell.pairs[3].dropped = Some(crate::record::Dropped {
            cause: crate::record::Cause::Throttled,
            detail: "throttled".to_owned(),
        });
        let answer = message_price(&cell, 2.0).unwrap();
        assert!((answer.overhead_per_message_ns.value - 10_000.0).abs() < 1e-6);
    }
}
