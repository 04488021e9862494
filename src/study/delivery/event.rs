//! Who is woken sooner, a thread or a process?

use super::finding::EventRatio;
use crate::record::Verdict;
use crate::verdict::verdict;

/// What two deployments differ by in the delay of a receiver that is woken; `margin` as in [`verdict`].
#[must_use]
pub fn event_sentence(event: &EventRatio, margin: f64) -> String {
    let EventRatio {
        baseline,
        x,
        gap_ms,
        effect,
        ..
    } = event;
    let said = match verdict(effect, margin, x, baseline) {
        Verdict::Ahead { deployment } => format!("{deployment} receive sooner"),
        Verdict::Tie => "neither receives sooner".to_owned(),
        _ => "who receives sooner cannot be told".to_owned(),
    };
    format!(
        "woken by messages {gap_ms} ms apart, {said}: mean delay of {x} / {baseline} {:.2} [{:.2}, {:.2}]",
        effect.ratio, effect.low, effect.high
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Effect;

    fn said(low: f64, high: f64) -> String {
        let effect = Effect::between(low, high);
        let event = EventRatio {
            baseline: "threads".to_owned(),
            x: "processes".to_owned(),
            gap_ms: 2.4,
            effect,
            sentence: String::new(),
        };
        event_sentence(&event, 0.03)
    }

    #[test]
    fn whose_delay_is_shorter_receives_sooner() {
        assert_eq!(
            said(1.44, 1.69),
            "woken by messages 2.4 ms apart, threads receive sooner: mean delay of processes / threads 1.56 \
             [1.44, 1.69]"
        );
        assert!(said(0.5, 0.7).contains("processes receive sooner"));
        assert!(said(0.99, 1.01).contains("neither receives sooner"));
        assert!(said(0.9, 1.2).contains("cannot be told"));
    }
}
