//! How fast is each side, and what does an op cost, per agent count?

use super::{NAME, memory, setup};
use crate::document::chart::{
    Axis, Chart, Fill, Form, Height, Ink, Join, Key, Lines, Look, Mark, Picture, Point, Series,
    Size, Spread, Unit, band,
};
use crate::document::{Detail, Document, Section, Table, numbers, slug};
use crate::metric::{FOR_P99, Metric};
use crate::record::{Cell, Role, Run, Sample, Side, Verdict, Weight};
use crate::study::alike::{self, within};
use crate::study::alike::{medians, or_nothing, pairs, rates, transport, verdict};
use crate::study::scaling::{self, ScalingOf};

pub fn show(run: &Run, out: &mut Document) {
    let is_asked = |c: &Cell| c.role == Role::Question && c.weight != Weight::Supporting;
    if !run.cells.iter().any(is_asked) {
        let section = out.section("comparison", "comparison");
        section.unmarked().caution("no comparison was measured");
    }
    of_study(NAME, run, out);
    memory::show(run, out);
    setup::show(run, out);
}

/// A section for each two deployments that `study` compared.
pub fn of_study(study: &str, run: &Run, out: &mut Document) {
    for cells in &all(study, run) {
        let Cell { baseline, x, .. } = cells[0];
        let title = format!("{}: {x} against {baseline}", baseline.workload);
        let section = out.section(name(cells[0]), title);
        section.named().about(carried(cells[0]));
        section.chart(Some(ratios(run, cells)));
        section.table(throughput(run, cells));
        within::steadiness(cells, section);
        within::order(cells, section);
        section
            .chart(Some(op_rates(cells)))
            .chart(efficiency(run, cells));
        let detail = Detail::Folded("what an op costs".to_owned());
        section.group(detail, |section| costs(cells, section));
        section.cautions(alike::dropped(cells.iter().copied()));
    }
}

/// Cells of a study that differ in nothing but the number of agents, ascending, in the order of the record.
fn all<'a>(study: &str, run: &'a Run) -> Vec<Vec<&'a Cell>> {
    let is_asked =
        |c: &&Cell| c.study == study && c.is_comparison() && c.weight == Weight::Headline;
    let is_like = |a: &Cell, b: &Cell| (&a.baseline, &a.x) == (&b.baseline, &b.x);
    let mut found: Vec<Vec<&Cell>> = Vec::new();
    for cell in run.cells.iter().filter(is_asked) {
        match found.iter_mut().find(|other| is_like(other[0], cell)) {
            Some(cells) => cells.push(cell),
            None => found.push(vec![cell]),
        }
    }
    found
        .iter_mut()
        .for_each(|cells| cells.sort_by_key(|cell| cell.agents));
    found
}

/// A comparison's name for links.
fn name(cell: &Cell) -> String {
    let Cell { baseline, x, .. } = cell;
    slug(&[
        &baseline.workload,
        &x.deployment,
        &x.transport,
        &baseline.deployment,
        &baseline.transport,
    ])
}

fn carried(cell: &Cell) -> String {
    if cell.baseline.transport == "none" && cell.x.transport == "none" {
        return "no messages".to_owned();
    }
    format!(
        "transport and wait policy: {} ({}), {} ({})",
        cell.baseline,
        transport(&cell.baseline.transport),
        cell.x,
        transport(&cell.x.transport)
    )
}

fn throughput(run: &Run, cells: &[&Cell]) -> Table {
    let Cell { baseline, x, .. } = cells[0];
    let titles = [
        "agents".to_owned(),
        format!("{baseline}\nop/s"),
        format!("{x}\nop/s"),
        format!("{x} / {baseline}\n95 % interval"),
        "pairs".to_owned(),
        "verdict".to_owned(),
    ];
    let mut table = Table::new(0, titles).ends_with_words();
    for cell in cells {
        let rates = rates(cell);
        table.row([
            cell.agents.to_string().into(),
            or_nothing(rates.0, numbers::count).into(),
            or_nothing(rates.1, numbers::count).into(),
            or_nothing(cell.effect.as_ref(), numbers::ratio).into(),
            pairs(cell.kept().count(), cell.pairs.len()).into(),
            verdict(run, cell),
        ]);
    }
    table
}

fn costs<'a>(cells: &[&Cell], section: &'a mut Section) -> &'a mut Section {
    section.quiet(
        "what an op costs: service time and CPU time, medians; compare within a row: in another one, agents that talk \
         live in other worlds",
    );
    let Cell { baseline, x, .. } = cells[0];
    let titles = [
        "agents".to_owned(),
        format!("{baseline}\nservice time\np50 / p99 µs"),
        format!("{x}\nservice time\np50 / p99 µs"),
        format!("{baseline}\nCPU µs/op"),
        format!("{x}\nCPU µs/op"),
    ];
    let mut table = Table::new(0, titles);
    let micros = |ns: Option<f64>| or_nothing(ns, numbers::micros);
    let mut has_p99 = true;
    for cell in cells {
        let p50 = medians(cell, |s| {
            s.get(Metric::SERVICE_P50_NS)
                .filter(|_| s.value(Metric::SERVICE_TIMED_OPS) > 0.0)
        });
        let p99 = medians(cell, p99_ns);
        let cpu = medians(cell, |s| s.get(Metric::CPU_PER_OP_NS));
        has_p99 &= cell.kept().next().is_none() || (p99.0.is_some() && p99.1.is_some());
        table.row([
            cell.agents.to_string(),
            format!("{} / {}", micros(p50.0), micros(p99.0)),
            format!("{} / {}", micros(p50.1), micros(p99.1)),
            micros(cpu.0),
            micros(cpu.1),
        ]);
    }
    section.table(table);
    if !has_p99 {
        section.quiet(format!(
            "{}: fewer than {FOR_P99} ops of an invocation were timed",
            numbers::NOTHING
        ));
    }
    section
}

fn p99_ns(sample: &Sample) -> Option<f64> {
    Metric::SERVICE_P99_NS
        .value(sample)
        .and(sample.get(Metric::SERVICE_P99_NS))
}

/// How a verdict looks, and what that means: forms alone tell them apart.
fn look(cell: &Cell) -> (Look, String) {
    let ahead = |side: &str| format!("{side} ahead");
    match &cell.verdict {
        Verdict::Ahead { deployment } if *deployment == cell.x.label => {
            (Look::new(Ink::Other, Form::Up), ahead(&cell.x.deployment))
        }
        Verdict::Ahead { .. } => (
            Look::new(Ink::Base, Form::Down),
            ahead(&cell.baseline.deployment),
        ),
        Verdict::Tie => (Look::new(Ink::Tie, Form::Diamond), "tie".to_owned()),
        Verdict::Inconclusive => (Look::new(Ink::Open, Form::Disc), "inconclusive".to_owned()),
        Verdict::NotMeasured { .. } => {
            (Look::new(Ink::Open, Form::Cross), "not measured".to_owned())
        }
    }
}

/// The ratio against the number of agents, with margin and intervals.
fn ratios(run: &Run, cells: &[&Cell]) -> Chart {
    let (x, baseline) = (&cells[0].x.deployment, &cells[0].baseline.deployment);
    let y = Axis::new("ratio", Spread::Factors, Unit::Plain);
    let mut lines = Lines::new(
        Height::Tall,
        Axis::agents(cells.iter().map(|c| c.agents)),
        y,
    );
    let titles = ["agents", "ratio", "low", "high", "verdict"];
    let mut data = Table::new(1, titles);
    let (mut points, mut said, mut key) = (Vec::new(), Vec::new(), Vec::<Key>::new());
    for cell in cells {
        let (look, meaning) = look(cell);
        if !key.iter().any(|k| k.text == meaning) {
            key.push(Key::point(look, meaning));
        }
        let effect = cell.effect.as_ref();
        let ratio = effect.map_or("no ratio".to_owned(), numbers::ratio);
        let point = Point::ratio(cell.agents as f64, effect, look);
        points.push(point.says(format!("{} agents: {ratio}", cell.agents)));
        said.push(format!("{} agents {ratio}", cell.agents));
        let number = |of: fn(&crate::record::Effect) -> f64| {
            or_nothing(effect, |e| format!("{:.3}", of(e))).into()
        };
        data.row([
            cell.agents.to_string().into(),
            number(|e| e.ratio),
            number(|e| e.low),
            number(|e| e.high),
            verdict(run, cell),
        ]);
    }
    key.push(Key::new(Mark::Band, "margin"));
    lines.band = Some(band(run.margin));
    lines.level = Some(1.0);
    lines.series.push(Series::new(points).joined(Join::Thread));
    Chart {
        id: format!("ratio-{}", name(cells[0])),
        title: format!("{x} / {baseline}, op/s"),
        caption: format!(
            "Ratio of op/s with its 95 % interval. Above 1, {x} do more; below, {baseline}. The band is the margin of \
             ± {} %: an interval inside is a tie, one wholly outside has a side ahead, any other is inconclusive.",
            numbers::percent(run.margin)
        ),
        alternative: format!("{x} / {baseline} by number of agents: {}.", said.join("; ")),
        key,
        picture: Picture::Lines(vec![lines]),
        label: "ratio by number of agents".to_owned(),
        data,
    }
}

/// Op/s of both sides against the number of agents.
fn op_rates(cells: &[&Cell]) -> Chart {
    let (x, baseline) = (&cells[0].x.deployment, &cells[0].baseline.deployment);
    let y = Axis::new("op/s", Spread::Even, Unit::Count);
    let of = |c: &&Cell| (c.agents, <[Option<f64>; 2]>::from(rates(c)));
    let mut lines = Lines::of_sides(y, Height::Tall, cells.iter().map(of));
    for (side, aside) in [(Side::Baseline, -4.0), (Side::X, 4.0)] {
        let look = Look::of(side).filled(Fill::Faint);
        let of_cell = |cell: &'_ &Cell| -> Vec<Point> {
            let rate = |b: &Sample, x: &Sample| match side {
                Side::Baseline => b.ops_per_s(),
                Side::X => x.ops_per_s(),
            };
            let at = |(_, b, x)| (cell.agents as f64, rate(b, x));
            cell.kept()
                .map(at)
                .map(|at| Point::new(at, look, Size::Dot))
                .collect()
        };
        let points = cells.iter().flat_map(of_cell).collect();
        // A little apart, so that neither hides the other, and behind the means.
        lines.series.insert(0, Series::new(points).aside(aside));
    }
    let rows = cells.iter().map(|cell| {
        let (b, x) = rates(cell);
        let number = |n| or_nothing(n, numbers::count);
        [cell.agents.to_string(), number(b), number(x)]
    });
    let rows: Vec<[String; 3]> = rows.collect();
    let (id, title) = (
        format!("rates-{}", name(cells[0])),
        "op/s of both sides".to_owned(),
    );
    Chart::of_sides(id, title, [baseline, x], lines, &rows).caption(
        "Lines: geometric means over the pairs that count, all agents together. Small points: every invocation. Compare the \
         sides at one number of agents; along a line, agents that talk live in other worlds.",
    )
}

/// Op/s for each CPU that agents can use, as a share of what one agent does, against the number of agents; `None` where
/// one agent was not measured, or nothing else.
fn efficiency(run: &Run, cells: &[&Cell]) -> Option<Chart> {
    let first = cells[0];
    let (x, baseline) = (&first.x.deployment, &first.baseline.deployment);
    let found: Vec<ScalingOf> = run.finding(scaling::NAME)?;
    let key = (&first.baseline.workload, baseline, x);
    let own = found
        .iter()
        .find(|a| (&a.workload, &a.baseline, &a.x) == key)?;
    let of = |deployment: &str| -> Vec<(usize, f64)> {
        let own = own.sides.iter().find(|s| s.deployment == deployment);
        let points = own.iter().flat_map(|s| &s.points);
        points
            .filter_map(|p| Some((p.agents, p.efficiency?)))
            .collect()
    };
    let curves = [of(baseline), of(x)];
    if curves.iter().all(|c| c.len() < 2) {
        return None;
    }
    let at = |n: usize| {
        let at = |curve: &Vec<(usize, f64)>| curve.iter().find(|p| p.0 == n).map(|p| p.1);
        [at(&curves[0]), at(&curves[1])]
    };
    let points: Vec<(usize, [Option<f64>; 2])> =
        cells.iter().map(|c| (c.agents, at(c.agents))).collect();
    let share = |e| or_nothing(e, |e: f64| format!("{:.0} %", e * 100.0));
    let rows = points
        .iter()
        .map(|(n, [b, x])| [n.to_string(), share(*b), share(*x)]);
    let rows: Vec<[String; 3]> = rows.collect();
    let title = "share of one agent's op/s, for each CPU";
    let y = Axis::new(title, Spread::Even, Unit::Percent);
    let mut lines = Lines::of_sides(y, Height::Usual, points);
    lines.level = Some(1.0);
    let (id, title) = (
        format!("efficiency-{}", name(first)),
        "scaling efficiency".to_owned(),
    );
    let mut chart = Chart::of_sides(id, title, [baseline, x], lines, &rows);
    chart.key.push(Key::new(Mark::Level, "100 %"));
    Some(chart.caption(format!(
        "op/s with n agents / (op/s of one agent × the smaller of n and {} effective CPUs), from medians over invocations, \
         without an interval. 100 % is a CPU for each agent, fully used, until CPUs run out.",
        numbers::trimmed(format!("{:.2}", run.machine.cpus_effective))
    )))
}
