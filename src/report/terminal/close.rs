//! Do the controls hold, what is the answer, what is missing?

use super::{
    cells, delivery, formats, head, hops, latency, mixes, pairs, probes, said, scale, scaling,
    within,
};
use crate::record::{Cell, Decision, OtherDeployment, Role, Run, Verdict};
use crate::report::Style;
use crate::report::layout::{Grid, Last, Page, Tone};
use crate::report::numbers;
use crate::stats::{Judgement, judge_control};
use crate::study::about;
use crate::verdict::BUSY_LABEL;

pub fn write(run: &Run, style: &Style, page: &mut Page) {
    controls(run, page);
    // What was asked stands last, next to the prompt.
    match run.answers.is_empty() {
        true => {
            verdicts(run, page);
            beside(run, page);
        }
        false => {
            beside(run, page);
            verdicts(run, page);
        }
    }
    left_out(run, page);
    if let Some(path) = &style.record {
        page.blank();
        page.paragraph(0, Tone::Plain, &format!("record: {}", path.display()));
    }
}

pub fn controls(run: &Run, page: &mut Page) {
    let controls: Vec<(&Cell, f64)> = run
        .cells
        .iter()
        .filter_map(|cell| Some((cell, cell.role.truth()?)))
        .collect();
    if controls.is_empty() {
        return;
    }
    page.heading("controls", "comparisons whose truth is known");
    page.grid(&Grid {
        left: 2,
        header: [
            "control",
            "where",
            "asked",
            "measured\n95 % interval",
            "pairs",
            "holds",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: controls
            .iter()
            .map(|&(cell, asked)| control(cell, asked))
            .collect(),
        last: Last::Text(|holds| match holds {
            h if h.starts_with("yes") => Tone::Calm,
            _ => Tone::Caution,
        }),
    });
    let judged: Vec<&Cell> = controls.iter().map(|(cell, _)| *cell).collect();
    within::steadiness(&judged, page);
    for note in cells::dropped(controls.iter().map(|(cell, _)| *cell)) {
        page.paragraph(2, Tone::Caution, &note);
    }
}

fn control(cell: &Cell, asked: f64) -> Vec<String> {
    let name = match cell.role {
        Role::Null => format!("{} / itself", cell.x),
        _ => format!("{}, known effect", cell.x),
    };
    let measured = cell
        .effect
        .as_ref()
        .map_or_else(|| "not measured".to_owned(), numbers::ratio);
    vec![
        name,
        format!("{} {}", cell.baseline.workload, cell.agents),
        format!("{asked:.3}"),
        measured,
        pairs(cell.kept().count(), cell.pairs.len()),
        holds(cell).to_owned(),
    ]
}

/// Whether the interval that stands beside the answer does not hold what was asked: one in twenty
/// that are in order.
fn is_beyond_95(cell: &Cell) -> bool {
    let (Role::Known(asked), Some(e)) = (cell.role, cell.effect) else {
        return false;
    };
    asked < e.low || e.high < asked
}

pub fn holds(cell: &Cell) -> &'static str {
    match judge_control(cell) {
        Some(Judgement::Holds) if is_beyond_95(cell) => "yes, by its 99 % interval",
        Some(Judgement::Holds) if cell.role == Role::Null && cell.verdict != Verdict::Tie => {
            "yes: no side is ahead, though too wide for a tie"
        }
        Some(Judgement::Holds) => "yes",
        Some(Judgement::HasWinner) => "no: a side is ahead",
        Some(Judgement::Missed) => "no: missed",
        Some(Judgement::Drowned) => "no: not told from 1",
        Some(Judgement::Unjudged) | None => "unknown",
    }
}

/// What was found out beside the comparisons.
pub fn beside(run: &Run, page: &mut Page) {
    let sentences = beside_sentences(run);
    if run.withheld.is_some() || sentences.is_empty() {
        return;
    }
    // Where nothing was compared they are what the verdict is.
    if !run.answers.is_empty() {
        page.heading("beside it", "");
    }
    for sentence in sentences {
        page.paragraph(2, Tone::Plain, &said(run, &sentence));
    }
}

fn beside_sentences(run: &Run) -> Vec<String> {
    [
        probes::sentences(run),
        hops::sentences(run),
        delivery::sentences(run),
        formats::sentences(run),
        scale::sentences(run),
        latency::sentences(run),
        mixes::sentences(run),
        scaling::sentences(run),
    ]
    .concat()
}

pub fn verdicts(run: &Run, page: &mut Page) {
    page.heading("verdict", "");
    if !run.complete {
        let reason = run
            .incomplete_reason
            .as_deref()
            .unwrap_or("no reason was recorded");
        page.paragraph(
            2,
            Tone::Caution,
            &format!("incomplete: {reason}; what follows rests on the pairs that were measured"),
        );
    }
    if let Some(reason) = &run.busy {
        let said = format!("{BUSY_LABEL}: measured although {reason}");
        page.paragraph(2, Tone::Caution, &said);
    }
    if let Some(reason) = &run.withheld {
        page.paragraph(2, Tone::Caution, &format!("withheld: {reason}"));
        return;
    }
    for caution in head::cautions(run) {
        page.paragraph(2, Tone::Caution, &format!("mind the machine: {caution}"));
    }
    if run.answers.is_empty() && beside_sentences(run).is_empty() {
        page.paragraph(
            2,
            Tone::Plain,
            "nothing was compared, so there is no answer",
        );
    }
    for (at, decision) in run.decisions.iter().enumerate() {
        if at > 0 {
            page.blank();
        }
        let title = format!("{}: {}", about(decision), said(run, &decision.crossover));
        page.paragraph(2, Tone::Strong, &title);
        page.paragraph(4, Tone::Strong, &said(run, &decision.advice));
        for sentence in &decision.beside {
            page.paragraph(4, Tone::Plain, sentence);
        }
    }
    if let Some(grid) = other_deployments(run) {
        page.blank();
        page.paragraph(2, Tone::Quiet, OTHERS);
        page.grid(&grid);
        page.blank();
    }
    if run.cells.iter().any(is_open) {
        page.blank();
        page.paragraph(
            2,
            Tone::Quiet,
            "inconclusive is not a tie: the interval reaches across the margin; more time or a quieter machine narrows it",
        );
    }
}

/// What explains the table of the other deployments.
pub const OTHERS: &str = "the other deployments: op/s of each / op/s of its baseline, with a 95 % interval, at the \
                          largest agent count that is settled or else has an interval";

/// A line for each comparison that has no paragraph; `None` where all have one.
pub fn other_deployments(run: &Run) -> Option<Grid> {
    let of = |d: &'_ Decision| -> Vec<(String, OtherDeployment)> {
        let others = d.others.iter().cloned();
        others.map(|o| (d.workload.clone(), o)).collect()
    };
    let others: Vec<(String, OtherDeployment)> = run.decisions.iter().flat_map(of).collect();
    let (_, first) = others.first()?;
    let one_baseline = others.iter().all(|(_, o)| o.baseline == first.baseline);
    let row = |(workload, other): &(String, OtherDeployment)| {
        let OtherDeployment {
            x,
            baseline,
            crossover,
            ..
        } = other;
        let nothing = || numbers::NOTHING.to_owned();
        vec![
            workload.clone(),
            match one_baseline {
                true => x.clone(),
                false => format!("{x} / {baseline}"),
            },
            other.effect.as_ref().map_or_else(nothing, numbers::ratio),
            other.agents.map_or_else(nothing, |n| n.to_string()),
            said(run, crossover),
        ]
    };
    Some(Grid {
        left: 2,
        header: vec![
            "workload".to_owned(),
            "deployment".to_owned(),
            match one_baseline {
                true => format!("ratio to\n{}", first.baseline),
                false => "ratio".to_owned(),
            },
            "at\nagents".to_owned(),
            "verdict".to_owned(),
        ],
        rows: others.iter().map(row).collect(),
        last: Last::Text(|said| match said {
            s if s.starts_with("tie") => Tone::Calm,
            s if s.starts_with("inconclusive") || s.starts_with("not measured") => Tone::Caution,
            s if s.starts_with(BUSY_LABEL) => Tone::Caution,
            _ => Tone::Strong,
        }),
    })
}

fn is_open(cell: &Cell) -> bool {
    cell.is_comparison() && cell.verdict == Verdict::Inconclusive
}

pub fn left_out(run: &Run, page: &mut Page) {
    if run.plan.left_out.is_empty() {
        return;
    }
    page.heading("left out", "did not fit the budget");
    for item in &run.plan.left_out {
        page.paragraph(2, Tone::Plain, item);
    }
}
