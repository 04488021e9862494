//! Is being woken "30 to 300 times better than polling"?

use super::finding::{DeliveryAnswers, Improvement};
use crate::record::Estimate;
use crate::verdict::words;

/// The claim: so many times better, at least and at most.
const CLAIM: (f64, f64) = (30.0, 300.0);

/// What one interval of polling says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Confirms,
    /// Certainly less, or certainly more.
    Refutes,
    Open,
}

fn said(improvement: &Improvement) -> Said {
    let (low, high) = (improvement.effect.low, improvement.effect.high);
    match () {
        () if low >= CLAIM.0 && high <= CLAIM.1 => Said::Confirms,
        () if high < CLAIM.0 || low > CLAIM.1 => Said::Refutes,
        () => Said::Open,
    }
}

/// A sentence for each deployment: what each interval says, which planned ones were not measured, and for which
/// intervals the claim would hold, from the delay of being woken.
#[must_use]
pub fn claims(answers: &DeliveryAnswers) -> Vec<String> {
    let of_ways = answers.ways.iter().map(|w| w.deployment.as_str());
    let of_improvements = answers.improvements.iter().map(|i| i.deployment.as_str());
    let mut deployments: Vec<&str> = Vec::new();
    for deployment in of_improvements.chain(of_ways) {
        if !deployments.contains(&deployment) {
            deployments.push(deployment);
        }
    }
    deployments.iter().map(|d| claim(answers, d)).collect()
}

fn claim(answers: &DeliveryAnswers, deployment: &str) -> String {
    let own: Vec<&Improvement> = answers
        .improvements
        .iter()
        .filter(|i| i.deployment == deployment)
        .collect();
    let is_missing = |ms: &&u64| !own.iter().any(|i| i.poll_ms == **ms);
    let missing: Vec<u64> = answers
        .planned_ms
        .iter()
        .filter(is_missing)
        .copied()
        .collect();
    let such = |what: Said| own.iter().filter(|i| said(i) == what).count();
    let is_whole = missing.is_empty() && !own.is_empty();
    let verdict = match (such(Said::Confirms), such(Said::Refutes)) {
        // One counterexample is enough, whatever is missing.
        (_, 1..) => "refuted as a rule",
        (all, 0) if all == own.len() && is_whole => "confirmed",
        _ => "inconclusive",
    };
    let mut said_of: Vec<String> = own
        .iter()
        .map(|i| {
            format!(
                "{} at {} ms",
                words::times_with_interval(&i.effect),
                i.poll_ms
            )
        })
        .collect();
    if !missing.is_empty() {
        said_of.push(format!("not measured at {} ms", words::list(&missing)));
    }
    let mut sentence =
        format!("{deployment}: \"30 to 300 times better than polling\" is {verdict}");
    if !said_of.is_empty() {
        sentence += &format!(": {}", said_of.join(", "));
    }
    let event = answers
        .ways
        .iter()
        .find(|w| w.deployment == deployment && w.poll_ms.is_none());
    sentence += &match event.and_then(|w| holds_for_ms(&w.mean_ns)) {
        Some(range) if !is_contradicted(range, &own) => format!(
            "; it would hold for intervals from {:.1} to {:.1} ms, because polling waits half an interval",
            range.0, range.1
        ),
        Some(_) => {
            "; for which intervals it would hold cannot be told: what was measured does not follow half an \
             interval"
                .to_owned()
        }
        None => String::new(),
    };
    sentence
}

/// Whether a measured interval within `range_ms` does not confirm the claim, or one outside does.
fn is_contradicted(range_ms: (f64, f64), measured: &[&Improvement]) -> bool {
    measured.iter().any(|i| {
        let ms = i.poll_ms as f64;
        let is_within = range_ms.0 <= ms && ms <= range_ms.1;
        is_within != (said(i) == Said::Confirms)
    })
}

/// Intervals of polling for which the claim holds whatever the delay of being woken is within its
/// interval, milliseconds; `None` where there are none.
fn holds_for_ms(woken_ns: &Estimate) -> Option<(f64, f64)> {
    let ms = |times: f64, ns: f64| 2.0 * times * ns / 1e6;
    let (from, to) = (ms(CLAIM.0, woken_ns.high), ms(CLAIM.1, woken_ns.low));
    (from < to && woken_ns.low > 0.0).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Effect;
    use crate::study::delivery::finding::DeliveryWay;

    fn answers(improvements: &[(u64, f64, f64)]) -> DeliveryAnswers {
        let improvement = |&(poll_ms, low, high): &(u64, f64, f64)| Improvement {
            deployment: "threads".to_owned(),
            poll_ms,
            effect: Effect::between(low, high),
        };
        DeliveryAnswers {
            ways: vec![DeliveryWay {
                deployment: "threads".to_owned(),
                transport: "channel".to_owned(),
                poll_ms: None,
                gap_ms: 2.5,
                messages: 600,
                mean_ns: Estimate {
                    value: 50_000.0,
                    low: 48_000.0,
                    high: 52_000.0,
                },
                p95_ns: None,
                p99_ns: None,
                predicted_ns: None,
                wasted_polls: None,
                cpu_per_message_ns: 1e4,
            }],
            improvements: improvements.iter().map(improvement).collect(),
            planned_ms: improvements.iter().map(|i| i.0).collect(),
            event: Vec::new(),
            claims: Vec::new(),
        }
    }

    #[test]
    fn an_interval_that_is_certainly_outside_refutes_the_rule() {
        let [said] = claims(&answers(&[(10, 95.0, 105.0), (1000, 9_000.0, 11_000.0)]))
            .try_into()
            .unwrap();
        assert!(said.contains("is refuted as a rule"), "{said}");
        // 2 x 30 x 52 us to 2 x 300 x 48 us.
        assert!(said.contains("intervals from 3.1 to 28.8 ms"), "{said}");
    }

    #[test]
    fn what_lies_within_confirms_and_what_straddles_leaves_open() {
        let verdict = |i: &[(u64, f64, f64)]| claims(&answers(i)).remove(0);
        assert!(verdict(&[(10, 95.0, 105.0)]).contains("is confirmed"));
        assert!(verdict(&[(10, 95.0, 105.0), (1, 20.0, 40.0)]).contains("is inconclusive"));
        assert!(verdict(&[(1, 20.0, 29.0)]).contains("is refuted"));
    }

    #[test]
    fn what_was_planned_and_not_measured_is_named_and_confirms_nothing() {
        let mut some = answers(&[(10, 95.0, 105.0)]);
        some.planned_ms = vec![1, 10, 100, 1000];
        let said = claims(&some).remove(0);
        assert!(
            said.contains("is inconclusive: 100 [95, 105] times at 10 ms"),
            "{said}"
        );
        assert!(
            said.contains("not measured at 1, 100 and 1000 ms"),
            "{said}"
        );
        some.improvements[0].effect.low = 500.0;
        some.improvements[0].effect.high = 600.0;
        assert!(claims(&some)[0].contains("is refuted as a rule"));
        some.improvements.clear();
        let said = claims(&some).remove(0);
        assert!(
            said.contains("is inconclusive: not measured at 1, 10, 100 and 1000 ms"),
            "{said}"
        );
    }

    #[test]
    fn the_intervals_for_which_it_would_hold_do_not_contradict_what_was_measured() {
        // From the delay: 3.1 to 28.8 ms.
        for (poll_ms, low, high, is_told) in [
            (10, 95.0, 105.0, true),
            (1, 9.0, 11.0, true),
            (10, 9.0, 11.0, false),
            (10, 20.0, 40.0, false),
            (1, 95.0, 105.0, false),
        ] {
            let said = claims(&answers(&[(poll_ms, low, high)])).remove(0);
            assert_eq!(
                said.contains("it would hold for intervals from"),
                is_told,
                "{said}"
            );
            assert_eq!(said.contains("cannot be told"), !is_told, "{said}");
        }
    }

    #[test]
    fn a_delay_that_is_not_known_well_enough_names_no_intervals() {
        let wide = Estimate {
            value: 50_000.0,
            low: 1_000.0,
            high: 100_000.0,
        };
        assert_eq!(holds_for_ms(&wide), None);
    }
}
