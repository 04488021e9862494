//! Do the controls hold, and what was held against the numbers?

use super::super::block::{Block, Figure, Key, Section, Table, titled};
use super::super::figures::forest::{self, Forest, Row};
use super::super::svg::Form;
use crate::record::checks::{CheckAnswer, CheckKind, CheckOutcome};
use crate::record::{Cell, Estimate, Role, Run};
use crate::report::layout::{Grid, Last, Tone};
use crate::report::numbers;
use crate::report::terminal::{checks, close};
use crate::verdict::words;

/// Comparisons whose truth is known.
pub fn controls(run: &Run) -> Vec<Section> {
    let Some((_, about, tables)) = titled(|page| close::controls(run, page)) else {
        return Vec::new();
    };
    let figure = strip(run).map(Box::new).map(Block::Figure);
    let mut blocks: Vec<Block> = figure.into_iter().collect();
    blocks.extend(tables);
    let section = Section::of("controls", "Controls", &about, blocks);
    section.into_iter().collect()
}

fn strip(run: &Run) -> Option<Figure> {
    let controls: Vec<(&Cell, f64)> = run
        .cells
        .iter()
        .filter_map(|c| Some((c, c.role.truth()?)))
        .collect();
    let row = |(cell, asked): &(&Cell, f64)| {
        let what = match cell.role {
            Role::Null => format!("{} / {}", cell.x, cell.baseline),
            _ => format!("{}, known effect", cell.x),
        };
        let holds = close::holds(cell);
        let measured = cell
            .effect
            .as_ref()
            .map_or("not measured".to_owned(), numbers::ratio);
        Row {
            name: format!(
                "{what}, {} at {}",
                cell.baseline.workload,
                words::agents(cell.agents)
            ),
            measured: cell.effect.as_ref().map(|e| Estimate {
                value: e.ratio,
                low: e.low,
                high: e.high,
            }),
            asked: Some(*asked),
            text: format!("{measured}, holds: {holds}"),
            look: match holds.starts_with("yes") {
                true => ("tie mark", Form::Disc),
                false => ("fault mark", Form::Cross),
            },
        }
    };
    let margin = (1.0 / (1.0 + run.margin), 1.0 + run.margin);
    forest::figure(Forest {
        id: "controls-strip".to_owned(),
        title: "asked and measured".to_owned(),
        caption: "Each control with its 95 % interval; the tall stroke is the truth. A machine that cannot \
                  tell a thing from itself, or does not see a known effect, cannot be believed in \
                  anything else: the headline is then withheld."
            .to_owned(),
        axis: "ratio".to_owned(),
        level: Some((1.0, Some(margin))),
        label: forest::PLAIN,
        key: vec![
            Key::of_mark("tie mark", Form::Disc, "holds"),
            Key::of_mark("fault mark", Form::Cross, "does not hold"),
            Key::of_upright("asked", "the truth"),
            Key::of_area("margin", format!("margin of ± {} %", numbers::percent(run.margin))),
        ],
        rows: controls.iter().map(row).collect(),
    })
}

/// Claims and thresholds.
pub fn held(run: &Run) -> Vec<Section> {
    let kinds = [
        (CheckKind::Threshold, "thresholds"),
        (CheckKind::Claim, "claims"),
    ];
    let mut blocks = Vec::new();
    for (kind, title) in kinds {
        let of_kind: Vec<&CheckAnswer> = run.checks.iter().filter(|c| c.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        blocks.push(Block::Title {
            text: title.to_owned(),
            about: tally(&of_kind),
        });
        blocks.push(Block::Table(Table::of(title, &table(&of_kind))));
        blocks.push(Block::List {
            items: of_kind.iter().map(|c| checks::sentence(run, c)).collect(),
        });
    }
    let about = "what was claimed or asked for, held against this run";
    let section = Section::of("checks", "Checks", about, blocks);
    section.into_iter().collect()
}

/// `2 PASS, 1 WARN`.
fn tally(checks: &[&CheckAnswer]) -> String {
    let mut found: Vec<(CheckOutcome, usize)> = Vec::new();
    for check in checks {
        match found
            .iter_mut()
            .find(|(outcome, _)| *outcome == check.outcome)
        {
            Some((_, count)) => *count += 1,
            None => found.push((check.outcome, 1)),
        }
    }
    let said: Vec<String> = found.iter().map(|(o, n)| format!("{n} {o}")).collect();
    said.join(", ")
}

fn table(checks: &[&CheckAnswer]) -> Grid {
    let row = |check: &&CheckAnswer| {
        let measured = check.measured.as_ref().map_or_else(
            || numbers::NOTHING.to_owned(),
            |e| format!("{} {}", numbers::factor(e), check.unit),
        );
        vec![
            check.name.clone(),
            check.asked.clone(),
            measured,
            check.outcome.to_string(),
        ]
    };
    Grid {
        left: 2,
        header: ["name", "asked", "measured, 95 % interval", "outcome"]
            .map(str::to_owned)
            .to_vec(),
        rows: checks.iter().map(row).collect(),
        last: Last::Text(|outcome| match outcome {
            "PASS" | "CONFIRMED" => Tone::Calm,
            "FAIL" | "REFUTED" => Tone::Strong,
            _ => Tone::Caution,
        }),
    }
}
