//! Is being woken "30 to 300 times better than polling"?

use super::words;
use crate::record::Estimate;
use crate::record::delivery::{DeliveryAnswers, Improvement};

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

/// A sentence for each deployment: what each interval says, and for which intervals the claim would hold,
/// from the delay of being woken.
#[must_use]
pub fn claims(answers: &DeliveryAnswers) -> Vec<String> {
    let mut deployments: Vec<&str> = Vec::new();
    for improvement in &answers.improvements {
        if !deployments.contains(&improvement.deployment.as_str()) {
            deployments.push(&improvement.deployment);
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
    let such = |what: Said| own.iter().filter(|i| said(i) == what).count();
    let verdict = match (such(Said::Confirms), such(Said::Refutes)) {
        (_, 1..) => "refuted as a rule",
        (all, 0) if all == own.len() => "confirmed",
        _ => "inconclusive",
    };
    let each: Vec<String> = own
        .iter()
        .map(|i| {
            format!(
                "{} at {} ms",
                words::times_with_interval(&i.effect),
                i.poll_ms
            )
        })
        .collect();
    let mut sentence = format!(
        "{deployment}: \"30 to 300 times better than polling\" is {verdict}: {}",
        each.join(", ")
    );
    let woken = answers
        .ways
        .iter()
        .find(|w| w.deployment == deployment && w.poll_ms.is_none());
    if let Some((from_ms, to_ms)) = woken.and_then(|w| holds_for_ms(&w.mean_ns)) {
        sentence += &format!(
            "; it would hold for intervals from {from_ms:.1} to {to_ms:.1} ms, because polling waits half an interval"
        );
    }
    sentence
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
    use crate::record::delivery::DeliveryWay;

    fn answers(improvements: &[(u64, f64, f64)]) -> DeliveryAnswers {
        let improvement = |&(poll_ms, low, high): &(u64, f64, f64)| Improvement {
            deployment: "threads".to_owned(),
            poll_ms,
            effect: Effect {
                pairs: 6,
                ratio: (low * high).sqrt(),
                low,
                high,
                standard_error: 0.01,
                pair_sd: 0.02,
                order_effect: 0.0,
                pairs_needed: 6,
            },
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
                p99_ns: None,
                predicted_ns: None,
                wasted_polls: None,
                cpu_per_message_ns: 1e4,
            }],
            improvements: improvements.iter().map(improvement).collect(),
            woken: Vec::new(),
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
    fn a_delay_that_is_not_known_well_enough_names_no_intervals() {
        let wide = Estimate {
            value: 50_000.0,
            low: 1_000.0,
            high: 100_000.0,
        };
        assert_eq!(holds_for_ms(&wide), None);
    }
}
