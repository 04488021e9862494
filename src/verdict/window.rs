//! Do long windows say what short ones say?

use super::words;
use crate::record::scaling::LongWindowAnswer;

/// Whether the ratio of a comparison is the same in windows of another length, within `margin` (a share).
#[must_use]
pub fn long_window_sentence(
    answer: &LongWindowAnswer,
    (workload, baseline, x): (&str, &str, &str),
    margin: f64,
) -> String {
    let of = |e: &crate::record::Estimate| format!("{:.3} [{:.3}, {:.3}]", e.value, e.low, e.high);
    let limit = 1.0 + margin;
    let change = &answer.change;
    let said = match () {
        () if change.low > limit || change.high < 1.0 / limit => format!(
            "they do not agree ({} times): the verdicts of this run hold for short lives only",
            of(change)
        ),
        () if change.low > 1.0 / limit && change.high < limit => "they agree".to_owned(),
        () => format!("whether they agree is not settled ({} times)", of(change)),
    };
    format!(
        "{workload} at {}: {x} / {baseline} is {} in windows of {} and {} in windows of {}; {said}",
        words::agents(answer.agents),
        of(&answer.short),
        words::duration(answer.short_s),
        of(&answer.long),
        words::duration(answer.long_s)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Estimate;

    fn said(low: f64, high: f64) -> String {
        let of = |low: f64, high: f64| Estimate {
            value: (low + high) / 2.0,
            low,
            high,
        };
        let answer = LongWindowAnswer {
            agents: 8,
            short_s: 0.25,
            long_s: 2.0,
            short: of(0.5, 0.6),
            long: of(0.5, 0.6),
            change: of(low, high),
            sentence: String::new(),
        };
        long_window_sentence(&answer, ("coordination", "threads", "processes"), 0.03)
    }

    #[test]
    fn agreement_has_to_be_shown_like_a_tie() {
        assert!(said(0.99, 1.01).ends_with("; they agree"));
        assert!(said(0.9, 1.1).contains("is not settled"));
        assert!(said(1.1, 1.3).contains("do not agree (1.200 [1.100, 1.300] times)"));
        assert!(said(0.7, 0.8).contains("do not agree"));
    }
}
