//! How does the run stand against claims and thresholds?

use super::said;
use crate::record::Run;
use crate::record::checks::{CheckAnswer, CheckKind, CheckOutcome};
use crate::report::layout::{Page, Tone};

/// Columns of the longest outcome, and two.
const OUTCOME: usize = 14;

pub fn write(run: &Run, page: &mut Page) {
    section(
        run,
        CheckKind::Claim,
        ("claims", "by the whole 95 % interval"),
        page,
    );
    section(
        run,
        CheckKind::Threshold,
        (
            "thresholds",
            "what a deployment should reach, by the whole 95 % interval",
        ),
        page,
    );
}

/// What was not measured needs no label.
pub fn sentence(run: &Run, check: &CheckAnswer) -> String {
    match check.outcome {
        CheckOutcome::NotMeasured => check.sentence.clone(),
        _ => said(run, &check.sentence),
    }
}

fn section(run: &Run, kind: CheckKind, (title, about): (&str, &str), page: &mut Page) {
    let own: Vec<&CheckAnswer> = run.checks.iter().filter(|c| c.kind == kind).collect();
    // Somebody asked for the claims; the thresholds are there for every run, and most are about others.
    let is_shown =
        |c: &&&CheckAnswer| kind == CheckKind::Claim || c.outcome != CheckOutcome::NotMeasured;
    let shown: Vec<&CheckAnswer> = own.iter().filter(is_shown).copied().collect();
    if shown.is_empty() {
        return;
    }
    page.heading(title, about);
    for check in &shown {
        let label = format!("{:<OUTCOME$}", check.outcome.to_string());
        page.labelled(
            2,
            &label,
            tone(check.outcome),
            sentence(run, check).split(' '),
            " ",
        );
    }
    if shown.len() < own.len() {
        let others = own.len() - shown.len();
        page.paragraph(
            2,
            Tone::Quiet,
            &format!("{others} more are about what this run did not measure"),
        );
    }
}

fn tone(outcome: CheckOutcome) -> Tone {
    match outcome {
        CheckOutcome::Confirmed | CheckOutcome::Pass => Tone::Calm,
        CheckOutcome::Refuted | CheckOutcome::Fail => Tone::Strong,
        CheckOutcome::Inconclusive | CheckOutcome::Warn => Tone::Caution,
        CheckOutcome::NotMeasured => Tone::Quiet,
    }
}
