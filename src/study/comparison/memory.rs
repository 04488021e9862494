//! How does memory grow with agents?

use crate::document::chart::{
    Axis, Chart, Height, Ink, Join, Key, Lines, Look, Mark, Picture, Point, Series, Size, Spread,
    Unit,
};
use crate::document::{Document, Table, numbers, slug};
use crate::record::{Answer, Cell, MemoryFit, Run, Sample, Side};
use crate::study::alike::{medians, or_nothing};
use crate::verdict::words;

/// Bytes of a mebibyte.
const MIB: f64 = 1024.0 * 1024.0;

pub fn show(run: &Run, out: &mut Document) {
    if run.answers.is_empty() {
        return;
    }
    let mut rows: Vec<[String; 5]> = Vec::new();
    for answer in &run.answers {
        let sides = [
            (&answer.baseline, &answer.baseline_memory),
            (&answer.x, &answer.x_memory),
        ];
        for (deployment, fit) in sides {
            let row = row(answer, deployment, fit.as_ref());
            // The baseline comes with every answer of its workload.
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
    }
    let section = out.section("memory", "memory");
    section.about("PSS + page tables + kernel stacks, fitted over the agent counts");
    for answer in &run.answers {
        section.chart(against_agents(run, answer));
    }
    let titles = [
        "workload",
        "deployment",
        "per agent",
        "live heap\nper agent",
        "fixed cost",
    ];
    section.table(Table::new(2, titles).rows(rows));
    let is_open = |a: &Answer| a.baseline_memory.is_none() || a.x_memory.is_none();
    if run.answers.iter().any(is_open) {
        section.caution(format!(
            "{}: a line needs three rounds in which every agent count was measured",
            numbers::NOTHING
        ));
    }
}

fn row(answer: &Answer, deployment: &str, fit: Option<&MemoryFit>) -> [String; 5] {
    [
        answer.workload.clone(),
        deployment.to_owned(),
        or_nothing(fit, |f| numbers::bytes(&f.per_agent_bytes)),
        or_nothing(fit, |f| numbers::bytes(&f.live_heap_per_agent_bytes)),
        or_nothing(fit, |f| numbers::bytes(&f.fixed_bytes)),
    ]
}

/// Total bytes of every invocation against the number of agents, with the fitted lines.
fn against_agents(run: &Run, answer: &Answer) -> Option<Chart> {
    let key = (&answer.workload, &answer.baseline, &answer.x);
    let is_of = |c: &&Cell| {
        let (b, x) = (&c.baseline, &c.x);
        c.is_comparison() && (&b.workload, &b.deployment, &x.deployment) == key
    };
    let mut compared: Vec<&Cell> = run.cells.iter().filter(is_of).collect();
    compared.sort_by_key(|c| c.agents);
    let counts: Vec<f64> = compared.iter().map(|c| c.agents as f64).collect();
    let (first, last) = (*counts.first()?, *counts.last()?);
    let mut x_axis = Axis::agents(compared.iter().map(|c| c.agents));
    x_axis.spread = Spread::Even;
    let y = Axis::new("MiB", Spread::Even, Unit::Plain);
    let mut lines = Lines::new(Height::Tall, x_axis.within(0.0, last * 1.04), y);
    let fits = [
        (Side::Baseline, &answer.baseline_memory),
        (Side::X, &answer.x_memory),
    ];
    let middle = counts.iter().sum::<f64>() / counts.len() as f64;
    let mut slopes = Vec::new();
    for (side, fit) in fits {
        let Some(fit) = fit else { continue };
        let slope = &fit.per_agent_bytes;
        let name = if side == Side::X {
            &answer.x
        } else {
            &answer.baseline
        };
        slopes.push(format!("{name} {} per agent", numbers::bytes(slope)));
        let turned = |slope: f64, n: f64| (n, (at(fit, middle) + slope * (n - middle)) / MIB);
        for end in [first, last] {
            let corners = vec![
                turned(0.0, middle),
                turned(slope.low, end),
                turned(slope.high, end),
            ];
            lines.areas.push((Ink::from(side), corners));
        }
        let on_line = |n: f64| Point::new((n, at(fit, n) / MIB), Look::of(side), Size::None);
        let series = Series::new([first, last].map(on_line).to_vec());
        lines.series.push(series.joined(Join::Side(side)));
    }
    for side in [Side::Baseline, Side::X] {
        let of_cell = |cell: &'_ &Cell| -> Vec<Point> {
            let of = |(_, b, x): (_, &Sample, &Sample)| {
                let sample = if side == Side::X { x } else { b };
                let bytes = total_bytes(sample)?;
                let at = (cell.agents as f64, bytes / MIB);
                Some(Point::new(at, Look::of(side), Size::Dot))
            };
            cell.kept().filter_map(of).collect()
        };
        let points = compared.iter().flat_map(of_cell).collect();
        lines.series.push(Series::new(points));
    }
    let size = |n: Option<f64>| or_nothing(n, words::bytes);
    let on_line = |fit: &Option<MemoryFit>, n: usize| fit.as_ref().map(|f| at(f, n as f64));
    let rows = compared.iter().map(|cell| {
        let (b, x) = medians(cell, total_bytes);
        [
            cell.agents.to_string(),
            size(b),
            size(on_line(&answer.baseline_memory, cell.agents)),
            size(x),
            size(on_line(&answer.x_memory, cell.agents)),
        ]
    });
    let (x, baseline) = (&answer.x, &answer.baseline);
    let mut key = vec![Key::side(Side::Baseline, baseline), Key::side(Side::X, x)];
    if !slopes.is_empty() {
        for (ink, name) in [(Ink::Base, baseline), (Ink::Other, x)] {
            key.push(Key::new(
                Mark::Area(ink),
                format!("{name}: interval of the slope"),
            ));
        }
    }
    let slopes = slopes.join("; ");
    let titles = [
        "agents".to_owned(),
        format!("{baseline} median"),
        "on the line".to_owned(),
        format!("{x} median"),
        "on the line".to_owned(),
    ];
    Some(Chart {
        id: slug(&["memory", &answer.workload, x, baseline]),
        title: format!("{}: memory against agents", answer.workload),
        caption: format!(
            "Total bytes of the process tree (PSS + page tables + kernel stacks), a point for each invocation that counts; \
             the line is the fit, the wedge its slope's 95 % interval, turned about the middle of the agent counts. \
             {slopes}."
        ),
        alternative: format!(
            "Memory of {baseline} and {x} against the number of agents. {slopes}."
        ),
        key,
        picture: Picture::Lines(vec![lines]),
        label: "memory by number of agents".to_owned(),
        data: Table::new(1, titles).rows(rows),
    })
}

/// Bytes on the fitted line.
fn at(fit: &MemoryFit, agents: f64) -> f64 {
    fit.fixed_bytes.value + agents * fit.per_agent_bytes.value
}

fn total_bytes(sample: &Sample) -> Option<f64> {
    sample.memory.map(|m| m.total_bytes as f64)
}
