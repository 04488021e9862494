//! What was asked besides: delivery, formats, relays, probes?

use super::super::block::{Block, Key, Section, capitalised, titled};
use super::super::figures::forest::{self, Forest, Row};
use super::super::svg::Form;
use crate::record::{Cell, Estimate, Run, Verdict};
use crate::report::layout::Page;
use crate::report::numbers;
use crate::report::terminal::{self, cells, mark};
use crate::study::delivery::DeliveryWay;

/// Polling or being woken.
pub fn delivery(run: &Run) -> Vec<Section> {
    section(run, "delivery", terminal::delivery::write, delays(run))
}

/// What writing messages down costs.
pub fn formats(run: &Run) -> Vec<Section> {
    section(run, "formats", terminal::formats::write, None)
}

/// Where passing messages on stops scaling.
pub fn relays(run: &Run) -> Vec<Section> {
    section(run, "relays", terminal::scale::write, None)
}

/// What in the operating system separates the deployments.
pub fn probes(run: &Run) -> Vec<Section> {
    section(run, "probes", terminal::probes::write, of_probes(run))
}

fn section(
    run: &Run,
    id: &str,
    write: fn(&Run, &mut Page),
    figure: Option<super::super::block::Figure>,
) -> Vec<Section> {
    let Some((title, about, tables)) = titled(|page| write(run, page)) else {
        return Vec::new();
    };
    let mut blocks: Vec<Block> = figure
        .map(Box::new)
        .map(Block::Figure)
        .into_iter()
        .collect();
    blocks.extend(tables);
    Section::of(id, capitalised(&title), &about, blocks)
        .into_iter()
        .collect()
}

fn delays(run: &Run) -> Option<super::super::block::Figure> {
    let found = terminal::delivery::found(run);
    let mut ways: Vec<&DeliveryWay> = found.iter().flat_map(|d| &d.ways).collect();
    ways.sort_by_key(|w| (w.deployment != "threads", w.poll_ms, w.gap_ms as u64));
    let row = |way: &&DeliveryWay| {
        let receiver = match way.poll_ms {
            None => format!("woken, {} ms apart", way.gap_ms),
            Some(ms) => format!("polls, {ms} ms"),
        };
        let scale = |ns: f64| ns / 1e9;
        let e = &way.mean_ns;
        Row {
            name: format!("{}: {receiver}", way.deployment),
            measured: Some(Estimate {
                value: scale(e.value),
                low: scale(e.low),
                high: scale(e.high),
            }),
            asked: None,
            text: numbers::time(e),
            look: match way.poll_ms {
                None => ("base mark", Form::Disc),
                Some(_) => ("other mark", Form::Square),
            },
        }
    };
    forest::figure(Forest {
        id: "delays".to_owned(),
        title: format!("mean delay from the planned moment of sending to receiving{}", mark(run)),
        caption: "Means with 95 % intervals, by factors. Polling must give half its interval, whatever the \
                  transport."
            .to_owned(),
        axis: "mean delay".to_owned(),
        level: None,
        label: |ticks| {
            let label = |v: f64| (v, numbers::seconds(v));
            ticks.into_iter().map(label).collect()
        },
        key: vec![
            Key::of_mark("base mark", Form::Disc, "the receiver is woken"),
            Key::of_mark("other mark", Form::Square, "the receiver polls"),
        ],
        rows: ways.iter().map(row).collect(),
    })
}

fn of_probes(run: &Run) -> Option<super::super::block::Figure> {
    let groups = terminal::probes::Group::all(run);
    let first = groups.first()?;
    let row = |cell: &&Cell| {
        let name = terminal::probes::name(&cell.baseline.workload);
        Row {
            name: format!("{name}, {} agents", cell.agents),
            measured: cell.effect.as_ref().map(|e| Estimate {
                value: e.ratio,
                low: e.low,
                high: e.high,
            }),
            asked: None,
            text: format!(
                "{}, {}",
                cell.effect
                    .as_ref()
                    .map_or("no ratio".to_owned(), numbers::ratio),
                cells::verdict(cell, run.busy.is_some())
            ),
            look: match &cell.verdict {
                Verdict::Ahead { deployment } if *deployment == cell.x.label => {
                    ("other mark", Form::Up)
                }
                Verdict::Ahead { .. } => ("base mark", Form::Down),
                Verdict::Tie => ("tie mark", Form::Diamond),
                _ => ("open mark", Form::Disc),
            },
        }
    };
    let (x, baseline) = (first.x, first.baseline);
    let margin = (1.0 / (1.0 + run.margin), 1.0 + run.margin);
    forest::figure(Forest {
        id: "probe-ratios".to_owned(),
        title: format!(
            "single operations of the kernel, {x} / {baseline}{}",
            mark(run)
        ),
        caption: format!(
            "Ratio of op/s with its 95 % interval, by factors. Right of 1, {baseline} pay more; left, {x} do."
        ),
        axis: format!("{x} / {baseline}"),
        level: Some((1.0, Some(margin))),
        label: forest::PLAIN,
        key: vec![
            Key::of_mark("other mark", Form::Up, format!("{x} ahead")),
            Key::of_mark("base mark", Form::Down, format!("{baseline} ahead")),
            Key::of_mark("tie mark", Form::Diamond, "tie"),
            Key::of_mark("open mark", Form::Disc, "inconclusive"),
        ],
        rows: first.cells.iter().map(row).collect(),
    })
}
