//! Do the controls hold?

use crate::document::chart::{Chart, Form, Ink, Interval, Intervals, Key, Look, Mark, Unit, band};
use crate::document::{Cell as Entry, Document, Table, Tone, numbers};
use crate::record::{Cell, Role, Run, Verdict};
use crate::stats::{Judgement, judge_control};
use crate::study::alike::{self, within};
use crate::verdict::words;

pub fn show(run: &Run, out: &mut Document) {
    let controls = run.cells.iter().filter_map(|c| Some((c, c.role.truth()?)));
    let controls: Vec<(&Cell, f64)> = controls.collect();
    if controls.is_empty() {
        return;
    }
    let titles = [
        "control",
        "where",
        "asked",
        "measured\n95 % interval",
        "pairs",
        "holds",
    ];
    let section = out.section("controls", "controls");
    section.unmarked().about("comparisons whose truth is known");
    section.chart(Some(asked_and_measured(run, &controls)));
    let table = Table::new(2, titles).ends_with_words();
    section.table(table.rows(controls.iter().map(|&(cell, asked)| row(cell, asked))));
    let judged: Vec<&Cell> = controls.iter().map(|(cell, _)| *cell).collect();
    within::steadiness(&judged, section);
    section.cautions(alike::dropped(judged));
}

fn measured(cell: &Cell) -> String {
    let effect = cell.effect.as_ref();
    effect.map_or_else(|| "not measured".to_owned(), numbers::ratio)
}

fn row(cell: &Cell, asked: f64) -> [Entry; 6] {
    let name = match cell.role {
        Role::Null => format!("{} / itself", cell.x),
        _ => format!("{}, known effect", cell.x),
    };
    let (holds, said) = holds(cell);
    let tone = if holds { Tone::Calm } else { Tone::Caution };
    [
        name.into(),
        format!("{} {}", cell.baseline.workload, cell.agents).into(),
        format!("{asked:.3}").into(),
        measured(cell).into(),
        alike::pairs(cell.kept().count(), cell.pairs.len()).into(),
        Entry::from(said).tone(tone),
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

/// Whether a control holds, and in words.
fn holds(cell: &Cell) -> (bool, &'static str) {
    match judge_control(cell) {
        Some(Judgement::Holds) if is_beyond_95(cell) => (true, "yes, by its 99 % interval"),
        Some(Judgement::Holds) if cell.role == Role::Null && cell.verdict != Verdict::Tie => {
            (true, "yes: no side is ahead, though too wide for a tie")
        }
        Some(Judgement::Holds) => (true, "yes"),
        Some(Judgement::HasWinner) => (false, "no: a side is ahead"),
        Some(Judgement::Missed) => (false, "no: missed"),
        Some(Judgement::Drowned) => (false, "no: not told from 1"),
        Some(Judgement::Unjudged) | None => (false, "unknown"),
    }
}

fn asked_and_measured(run: &Run, controls: &[(&Cell, f64)]) -> Chart {
    let (good, bad) = (
        Look::new(Ink::Tie, Form::Disc),
        Look::new(Ink::Fault, Form::Cross),
    );
    let row = |(cell, asked): &(&Cell, f64)| {
        let what = match cell.role {
            Role::Null => format!("{} / {}", cell.x, cell.baseline),
            _ => format!("{}, known effect", cell.x),
        };
        let (holds, said) = holds(cell);
        let (workload, agents) = (&cell.baseline.workload, words::agents(cell.agents));
        Interval {
            name: format!("{what}, {workload} at {agents}"),
            measured: cell.effect.as_ref().map(alike::estimate),
            asked: Some(*asked),
            text: format!("{}, holds: {said}", measured(cell)),
            look: if holds { good } else { bad },
        }
    };
    let drawn = Intervals {
        title: "ratio".to_owned(),
        unit: Unit::Plain,
        level: Some(1.0),
        band: Some(band(run.margin)),
        rows: controls.iter().map(row).collect(),
    };
    let margin = format!("margin of ± {} %", numbers::percent(run.margin));
    let key = vec![
        Key::point(good, "holds"),
        Key::point(bad, "does not hold"),
        Key::new(Mark::Asked, "the truth"),
        Key::new(Mark::Band, margin),
    ];
    let caption = "Each control with its 95 % interval; the tall stroke is the truth. A machine that cannot tell a thing from \
                   itself, or does not see a known effect, cannot be believed in anything else: the headline is then \
                   withheld.";
    let title = "asked and measured".to_owned();
    drawn.chart("controls-strip", title, caption.to_owned(), key)
}
