//! Under which deployment is an op done sooner after its planned start?

use super::finding::{LatencyAnswer, LatencySide};
use crate::record::Estimate;
use crate::verdict::words;

/// So many times a step's own time are latency that is not the step's.
const ASLEEP: f64 = 10.0;

/// One agent count in a sentence: the 99th percentile where there is one, the median otherwise, and who did
/// not keep up. A difference below `margin` (a share) or one that its interval does not settle is called so.
pub fn latency_sentence(
    answer: &LatencyAnswer,
    (workload, baseline, x): (&str, &str, &str),
    margin: f64,
) -> String {
    let (name, ratio, sides) = match (answer.p99, answer.baseline.p99_ns, answer.x.p99_ns) {
        (Some(ratio), Some(b), Some(x)) => ("99 % of steps are", Some(ratio), (b, x)),
        _ => (
            "half of the steps are",
            answer.p50,
            (answer.baseline.p50_ns, answer.x.p50_ns),
        ),
    };
    let at = words::agents(answer.agents);
    let figures = format!(
        "{name} done within {} of their planned start in {baseline} and {} in {x}",
        words::time(sides.0),
        words::time(sides.1)
    );
    let said = match ratio {
        None => "too few pairs count to compare them".to_owned(),
        Some(ratio) => comparison(&ratio, margin, baseline, x),
    };
    let behind = [(baseline, &answer.baseline), (x, &answer.x)]
        .into_iter()
        .filter_map(|(form, side)| fell_behind(form, side, answer.pairs));
    let behind: String = behind.map(|b| format!("; {b}")).collect();
    let load = load(answer);
    let asleep = mostly_asleep(answer).map_or(String::new(), |said| format!("; {said}"));
    format!("{workload} at {at}, {load}: {figures}; {said}{behind}{asleep}")
}

/// `58 % load`: of what the slower deployment did, as it is known now.
pub(super) fn load(answer: &LatencyAnswer) -> String {
    match answer.load {
        Some(share) => format!("{:.0} % load", share * 100.0),
        None => format!("{:.0} planned steps per second", answer.planned_per_s),
    }
}

/// Where a step is far shorter than its latency, who is late was mostly asleep: that is said, or somebody takes it
/// for what the agents do.
fn mostly_asleep(answer: &LatencyAnswer) -> Option<String> {
    // Of a queue that grows the wait is the queue's.
    if answer.baseline.fell_behind + answer.x.fell_behind > 0 {
        return None;
    }
    let step_ns = answer.step_ns?;
    let shortest = answer.baseline.p50_ns.min(answer.x.p50_ns);
    (step_ns * ASLEEP < shortest).then(|| {
        format!(
            "a step itself takes {}, so this is what waking up and waiting for a CPU take",
            words::time(step_ns)
        )
    })
}

fn comparison(ratio: &Estimate, margin: f64, baseline: &str, x: &str) -> String {
    let times = |r: f64, low: f64, high: f64| format!("{r:.2} [{low:.2}, {high:.2}]");
    let limit = 1.0 + margin;
    if ratio.low > limit {
        let by = times(ratio.value, ratio.low, ratio.high);
        format!("{baseline} are sooner, by a factor of {by}")
    } else if ratio.high < 1.0 / limit {
        let by = times(1.0 / ratio.value, 1.0 / ratio.high, 1.0 / ratio.low);
        format!("{x} are sooner, by a factor of {by}")
    } else if 1.0 / limit < ratio.low && ratio.high < limit {
        "that makes no difference".to_owned()
    } else {
        let by = times(ratio.value, ratio.low, ratio.high);
        format!("which of the two is sooner is not settled ({x} / {baseline} {by})")
    }
}

fn fell_behind(form: &str, side: &LatencySide, pairs: usize) -> Option<String> {
    (side.fell_behind > 0).then(|| {
        format!(
            "{form} did not keep up in {} of {pairs} invocations, so latency grew throughout",
            side.fell_behind
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(p99: Option<(f64, f64, f64)>, fell_behind: usize) -> LatencyAnswer {
        let side = |p99_ns| LatencySide {
            p50_ns: 0.4e6,
            p99_ns: Some(p99_ns),
            p999_ns: None,
            fell_behind: 0,
        };
        LatencyAnswer {
            agents: 8,
            planned_per_s: 70_000.0,
            load: Some(0.624),
            step_ns: Some(1e5),
            pairs: 6,
            baseline: side(1e6),
            x: LatencySide {
                fell_behind,
                ..side(2e6)
            },
            p50: None,
            p99: p99.map(|(value, low, high)| Estimate { value, low, high }),
            sentence: String::new(),
        }
    }

    fn said(p99: Option<(f64, f64, f64)>, fell_behind: usize) -> String {
        let answer = answer(p99, fell_behind);
        latency_sentence(&answer, ("coordination", "threads", "processes"), 0.03)
    }

    #[test]
    fn who_is_sooner_is_named_with_the_factor() {
        assert_eq!(
            said(Some((2.0, 1.8, 2.2)), 0),
            "coordination at 8 agents, 62 % load: 99 % of steps are done within 1.00 ms of their planned start in threads and 2.00 ms in processes; threads are sooner, by a factor of 2.00 [1.80, 2.20]"
        );
        assert!(
            said(Some((0.5, 0.4, 0.625)), 0)
                .ends_with("processes are sooner, by a factor of 2.00 [1.60, 2.50]")
        );
    }

    #[test]
    fn what_is_not_settled_is_called_so() {
        assert!(said(Some((1.2, 0.9, 1.6)), 0).contains("is not settled"));
        assert!(said(Some((1.0, 0.99, 1.01)), 0).ends_with("that makes no difference"));
        // Within the margin at one end, on it at the other.
        assert!(said(Some((1.01, 0.99, 1.03)), 0).contains("is not settled"));
        assert!(said(None, 0).contains("too few pairs"));
    }

    #[test]
    fn the_load_is_what_is_known_at_the_end_and_nothing_else() {
        let mut answer = answer(None, 0);
        assert_eq!(load(&answer), "62 % load");
        answer.load = None;
        assert_eq!(load(&answer), "70000 planned steps per second");
    }

    #[test]
    fn a_short_step_is_told_from_its_wake_up() {
        let mut answer = answer(None, 0);
        assert_eq!(mostly_asleep(&answer), None);
        answer.step_ns = Some(1.7e3);
        let said = mostly_asleep(&answer).expect("a step is far shorter");
        assert_eq!(
            said,
            "a step itself takes 1.70 µs, so this is what waking up and waiting for a CPU take"
        );
    }

    #[test]
    fn who_did_not_keep_up_is_named() {
        let said = said(Some((2.0, 1.8, 2.2)), 3);
        assert!(
            said.contains("processes did not keep up in 3 of 6"),
            "{said}"
        );
    }
}
