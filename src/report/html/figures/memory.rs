//! How does memory grow with agents?

use super::super::block::{Figure, Key, Table, both};
use super::super::plot::{Axis, Plane, Range, Spread};
use super::super::svg::{Drawing, Room};
use super::{classes, form, slug};
use crate::record::{Answer, Cell, MemoryFit, Run, Sample, Side};
use crate::report::numbers;
use crate::report::terminal::{cells, mark};
use crate::verdict::words;

/// Total bytes of every invocation against the number of agents, with the fitted lines.
pub fn figure(run: &Run, answer: &Answer) -> Option<Figure> {
    let is_of = |c: &&Cell| {
        c.is_comparison()
            && (
                &c.baseline.workload,
                &c.baseline.deployment,
                &c.x.deployment,
            ) == (&answer.workload, &answer.baseline, &answer.x)
    };
    let mut compared: Vec<&Cell> = run.cells.iter().filter(is_of).collect();
    compared.sort_by_key(|c| c.agents);
    let (wide, narrow) = both(|room| draw(&compared, answer, room))?;
    let size = |n: Option<f64>| n.map_or(numbers::NOTHING.to_owned(), words::bytes);
    let on_line = |fit: &Option<MemoryFit>, n: usize| fit.as_ref().map(|f| at(f, n as f64));
    let rows: Vec<Vec<String>> = compared
        .iter()
        .map(|cell| {
            let (b, x) = cells::medians(cell, total_bytes);
            vec![
                cell.agents.to_string(),
                size(b),
                size(on_line(&answer.baseline_memory, cell.agents)),
                size(x),
                size(on_line(&answer.x_memory, cell.agents)),
            ]
        })
        .collect();
    let (x, baseline) = (&answer.x, &answer.baseline);
    let slope = |name: &str, fit: &Option<MemoryFit>| {
        let fit = fit.as_ref()?;
        let bytes = numbers::bytes(&fit.per_agent_bytes);
        Some(format!("{name} {bytes} per agent"))
    };
    let slopes = [
        slope(baseline, &answer.baseline_memory),
        slope(x, &answer.x_memory),
    ];
    let slopes: Vec<String> = slopes.into_iter().flatten().collect();
    let line = |side, text: &str| {
        let (point, line) = classes(side);
        Key::of_line(line, Some((point, form(side))), text)
    };
    let mut key = vec![line(Side::Baseline, baseline), line(Side::X, x)];
    if !slopes.is_empty() {
        key.push(Key::of_area(
            "base area",
            format!("{baseline}: interval of the slope"),
        ));
        key.push(Key::of_area(
            "other area",
            format!("{x}: interval of the slope"),
        ));
    }
    let slopes = slopes.join("; ");
    Some(Figure {
        id: format!("memory-{}", slug(&[&answer.workload, x, baseline])),
        title: format!("{}: memory against agents{}", answer.workload, mark(run)),
        caption: format!(
            "Total bytes of the process tree (PSS + page tables + kernel stacks), a point for each \
             invocation that counts; the line is the fit, the wedge its slope's 95 % interval, turned \
             about the middle of the agent counts. {slopes}."
        ),
        alternative: format!(
            "Memory of {baseline} and {x} against the number of agents. {slopes}."
        ),
        key,
        wide,
        narrow,
        data: Table::data(
            "memory by number of agents",
            1,
            &[
                "agents",
                &format!("{baseline} median"),
                "on the line",
                &format!("{x} median"),
                "on the line",
            ],
            rows,
        ),
    })
}

/// Bytes on the fitted line.
fn at(fit: &MemoryFit, agents: f64) -> f64 {
    fit.fixed_bytes.value + agents * fit.per_agent_bytes.value
}

fn total_bytes(sample: &Sample) -> Option<f64> {
    sample.memory.map(|m| m.total_bytes as f64)
}

fn draw(compared: &[&Cell], answer: &Answer, room: Room) -> Option<Drawing> {
    let mebibytes = |bytes: f64| bytes / (1024.0 * 1024.0);
    let counts: Vec<f64> = compared.iter().map(|c| c.agents as f64).collect();
    let (first, last) = (*counts.first()?, *counts.last()?);
    let samples = compared.iter().flat_map(|c| c.kept());
    let bytes = samples.flat_map(|(_, b, x)| [b, x].into_iter().filter_map(total_bytes));
    let fits = [
        (Side::Baseline, &answer.baseline_memory),
        (Side::X, &answer.x_memory),
    ];
    let ends = fits
        .iter()
        .filter_map(|(_, fit)| fit.as_ref().map(|f| at(f, last)));
    let range = Range::from_zero(bytes.chain(ends).map(mebibytes))?;
    let along = Range {
        spread: Spread::Even,
        low: 0.0,
        high: last * 1.04,
    };
    let x = Axis {
        range: along,
        ticks: compared
            .iter()
            .map(|c| (c.agents as f64, c.agents.to_string()))
            .collect(),
        title: "agents".to_owned(),
    };
    let y = Axis {
        range,
        ticks: super::super::plot::plain(range.ticks(5)),
        title: "MiB".to_owned(),
    };
    let mut plane = Plane::new(room, room.pick(220.0, 200.0), &x, &y);
    let middle = counts.iter().sum::<f64>() / counts.len() as f64;
    for (side, fit) in fits {
        let Some(fit) = fit else { continue };
        let slope = &fit.per_agent_bytes;
        let turned = |slope: f64, n: f64| mebibytes(at(fit, middle) + slope * (n - middle));
        let area = match side {
            Side::Baseline => "base area",
            Side::X => "other area",
        };
        let turning_point = plane.point(middle, turned(0.0, middle));
        for end in [first, last] {
            let reach = [slope.low, slope.high].map(|slope| plane.point(end, turned(slope, end)));
            plane
                .drawing
                .area(area, &[turning_point, reach[0], reach[1]]);
        }
        let line = [first, last].map(|n| plane.point(n, mebibytes(at(fit, n))));
        plane.drawing.line(classes(side).1, &line);
    }
    for cell in compared {
        for (_, b, x) in cell.kept() {
            for (side, sample) in [(Side::Baseline, b), (Side::X, x)] {
                let Some(bytes) = total_bytes(sample) else {
                    continue;
                };
                let place = plane.point(cell.agents as f64, mebibytes(bytes));
                plane
                    .drawing
                    .mark(classes(side).0, form(side), place, 2.8, None);
            }
        }
    }
    Some(plane.drawing)
}
