//! How does the run stand against claims and thresholds?

use crate::document::{Cell, Detail, Document, Fact, Status, Table, Tone, behind, numbers};
use crate::record::Run;
use crate::record::checks::{CheckAnswer, CheckKind, CheckOutcome};
use crate::study::alike::or_nothing;

pub fn show(run: &Run, out: &mut Document) {
    let kinds = [
        (CheckKind::Claim, "claims", "by the whole 95 % interval"),
        (
            CheckKind::Threshold,
            "thresholds",
            "what a deployment should reach, by the whole 95 % interval",
        ),
    ];
    for (kind, title, about) in kinds {
        of_kind(run, kind, (title, about), out);
    }
}

fn of_kind(run: &Run, kind: CheckKind, (title, about): (&str, &str), out: &mut Document) {
    let own: Vec<&CheckAnswer> = run.checks.iter().filter(|c| c.kind == kind).collect();
    // Somebody asked for the claims; the thresholds are there for every run, and most are about others.
    let is_shown =
        |c: &&&CheckAnswer| kind == CheckKind::Claim || c.outcome != CheckOutcome::NotMeasured;
    let shown: Vec<&CheckAnswer> = own.iter().filter(is_shown).copied().collect();
    if shown.is_empty() {
        return;
    }
    let statuses = out.statuses.clone();
    let section = out.section(title, title);
    section.about(about);
    let fact = |check: &&CheckAnswer| Fact {
        tone: tone(check.outcome),
        ..Fact::one(check.outcome.to_string(), sentence(&statuses, check))
    };
    let facts = shown.iter().map(fact).collect();
    section.group(Detail::Screen, |section| section.facts(facts));
    let titles = [
        "outcome",
        "name",
        "asked",
        "measured, 95 % interval",
        "in a sentence",
    ];
    let table = Table::new(4, titles).ends_with_words();
    let table = table.rows(shown.iter().map(|c| row(&statuses, c)));
    section.group(Detail::File, |section| {
        section.quiet(tally(&shown)).table(table)
    });
    if shown.len() < own.len() {
        let others = own.len() - shown.len();
        section.quiet(format!(
            "{others} more are about what this run did not measure"
        ));
    }
}

/// What was not measured needs no label.
fn sentence(statuses: &[Status], check: &CheckAnswer) -> String {
    match check.outcome {
        CheckOutcome::NotMeasured => check.sentence.clone(),
        _ => behind(statuses, &check.sentence),
    }
}

/// `2 PASS, 1 WARN`.
fn tally(checks: &[&CheckAnswer]) -> String {
    let mut found: Vec<(CheckOutcome, usize)> = Vec::new();
    for check in checks {
        match found.iter_mut().find(|(o, _)| *o == check.outcome) {
            Some((_, count)) => *count += 1,
            None => found.push((check.outcome, 1)),
        }
    }
    let said: Vec<String> = found.iter().map(|(o, n)| format!("{n} {o}")).collect();
    said.join(", ")
}

fn row(statuses: &[Status], check: &CheckAnswer) -> [Cell; 5] {
    let measured = check.measured.as_ref();
    [
        check.outcome.to_string().into(),
        check.name.clone().into(),
        check.asked.clone().into(),
        or_nothing(measured, |e| {
            format!("{} {}", numbers::factor(e), check.unit)
        })
        .into(),
        Cell::from(sentence(statuses, check)).tone(tone(check.outcome)),
    ]
}

fn tone(outcome: CheckOutcome) -> Tone {
    match outcome {
        CheckOutcome::Confirmed | CheckOutcome::Pass => Tone::Calm,
        CheckOutcome::Refuted | CheckOutcome::Fail => Tone::Strong,
        CheckOutcome::Inconclusive | CheckOutcome::Warn => Tone::Caution,
        CheckOutcome::NotMeasured => Tone::Quiet,
    }
}
