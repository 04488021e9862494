//! Where does passing messages on stop scaling?

use super::Relay;
use crate::document::{Cell as Entry, Document, Table, numbers};
use crate::metric::Metric;
use crate::record::{Cell, Run, Sample, Side, WorkloadRecord};
use crate::study::Study;
use crate::study::alike::{self, within};
use crate::study::alike::{medians, or_nothing, percentile, rates, verdict};
use crate::study::latency::{self, LatencyFinding, LatencyOf, LatencySide};
use crate::verdict::words;

/// Below this share of its best rate a deployment no longer scales.
const STOPPED: f64 = 0.9;

/// One side of a cell: what the table has a line for.
struct Line<'a> {
    cell: &'a Cell,
    side: Side,
}

impl<'a> Line<'a> {
    fn of(cell: &'a Cell) -> [Line<'a>; 2] {
        [Side::Baseline, Side::X].map(|side| Line { cell, side })
    }

    fn form(&self) -> &'a str {
        &self.cell.arm(self.side).deployment
    }

    fn pick<T>(&self, (baseline, x): (T, T)) -> T {
        match self.side {
            Side::Baseline => baseline,
            Side::X => x,
        }
    }

    fn ops_per_s(&self) -> Option<f64> {
        self.pick(rates(self.cell))
    }

    fn median(&self, metric: fn(&Sample) -> Option<f64>) -> Option<f64> {
        self.pick(medians(self.cell, metric))
    }

    /// So many go with every op, whatever its rate.
    fn messages_per_s(&self) -> Option<f64> {
        let per_op = self.median(|s| Some(s.get(Metric::MESSAGES_SENT)? / s.ops as f64));
        Some(self.ops_per_s()? * per_op?)
    }

    /// From planned starts, where that was measured.
    fn latency(&self, run: &Run) -> Option<LatencySide> {
        let cell = self.cell;
        let LatencyFinding { comparisons, .. } = run.finding(latency::NAME)?;
        let (b, x) = (&cell.baseline, &cell.x);
        let is_own = |of: &LatencyOf| {
            (&of.workload, &of.baseline, &of.x) == (&b.workload, &b.deployment, &x.deployment)
        };
        let of = comparisons.into_iter().find(is_own)?;
        let found = of.answers.into_iter().find(|l| l.agents == cell.agents)?;
        Some(self.pick((found.baseline, found.x)))
    }
}

/// Cells of relays that were compared, by agent count.
fn compared(run: &Run) -> Vec<&Cell> {
    let is_own = |w: &WorkloadRecord| Relay.claims(w);
    let is_relay = |c: &Cell| run.workload(&c.baseline.workload).is_some_and(is_own);
    let cells = run.cells.iter();
    let mut found: Vec<&Cell> = cells.filter(|c| c.is_comparison() && is_relay(c)).collect();
    found.sort_by(|a, b| (&a.baseline.workload, a.agents).cmp(&(&b.baseline.workload, b.agents)));
    found
}

pub fn show(run: &Run, out: &mut Document) {
    let compared = compared(run);
    let mut names: Vec<&str> = compared
        .iter()
        .map(|c| c.baseline.workload.as_str())
        .collect();
    names.dedup();
    for name in names {
        let cells = compared.iter().copied();
        let cells: Vec<&Cell> = cells.filter(|c| c.baseline.workload == name).collect();
        let section = out.section("relays", format!("{name}: where messages stop scaling"));
        section.named().about(
            "a line for each side; beside it their ratio with its 95 % interval, and what it says",
        );
        section.table(table(run, &cells));
        within::steadiness(&cells, section);
        within::order(&cells, section);
        section.quiet(
            "Latency is from the planned start of a step, at 70 % of what the slower side does, until the agent has the \
             messages of all its neighbours; *: it did not keep up in all invocations. Messages include the \
             acknowledgements of a ring. Bytes per agent are all that host and workers hold, divided by the agents; what \
             one more agent takes stands under memory.",
        );
        section.cautions(alike::dropped(cells.iter().copied()));
    }
    for said in sentences(&compared) {
        out.answer("relays", said);
    }
}

fn table(run: &Run, cells: &[&Cell]) -> Table {
    let titles = [
        "agents",
        "deployment",
        "op/s",
        "messages\n/s",
        "latency\np50 / p99",
        "bytes\nper agent",
        "processes / threads,\nverdict",
    ];
    let lines = cells.iter().flat_map(|cell| Line::of(cell));
    Table::new(2, titles)
        .ends_with_words()
        .rows(lines.map(|line| row(run, &line)))
}

fn row(run: &Run, line: &Line<'_>) -> [Entry; 7] {
    let count = |n: Option<f64>| or_nothing(n, numbers::count).into();
    let cell = line.cell;
    let agents = cell.agents as f64;
    let bytes = line.median(|s| Some(s.memory?.total_bytes as f64));
    [
        cell.agents.to_string().into(),
        line.form().into(),
        count(line.ops_per_s()),
        count(line.messages_per_s()),
        or_nothing(line.latency(run), |l| short(&l)).into(),
        or_nothing(bytes, |b| words::bytes(b / agents)).into(),
        match line.side {
            Side::Baseline => or_nothing(cell.effect.as_ref(), numbers::ratio).into(),
            Side::X => verdict(run, cell),
        },
    ]
}

/// `45.0 µs / 1.20 ms`, with a star where invocations did not keep up.
fn short(side: &LatencySide) -> String {
    let star = if side.fell_behind > 0 { "*" } else { "" };
    let both = [Some(side.p50_ns), side.p99_ns].map(percentile);
    format!("{}{star}", both.join(" / "))
}

/// Where each deployment stops scaling.
fn sentences(compared: &[&Cell]) -> Vec<String> {
    let lines: Vec<Line<'_>> = compared.iter().flat_map(|cell| Line::of(cell)).collect();
    let mut groups: Vec<(&str, &str)> = Vec::new();
    for line in &lines {
        let key = (line.cell.baseline.workload.as_str(), line.form());
        if !groups.contains(&key) {
            groups.push(key);
        }
    }
    let of = |(workload, form): (&str, &str)| {
        let own: Vec<&Line<'_>> = lines
            .iter()
            .filter(|l| l.cell.baseline.workload == workload && l.form() == form)
            .collect();
        scaling(&own).map(|said| format!("{workload}, {form}: {said}"))
    };
    groups.into_iter().filter_map(of).collect()
}

/// `most op/s at 100 agents (41.2 k); 63 % of that at 1000`.
fn scaling(lines: &[&Line<'_>]) -> Option<String> {
    let rates: Vec<(usize, f64)> = lines
        .iter()
        .filter_map(|l| Some((l.cell.agents, l.ops_per_s()?)))
        .collect();
    let &(at, most) = rates.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let &(largest, last) = rates.last()?;
    let best = format!(
        "most op/s at {} ({})",
        words::agents(at),
        numbers::count(most)
    );
    if rates.len() < 2 {
        return Some(best);
    }
    let stopped = rates
        .iter()
        .find(|(n, rate)| *n > at && *rate < STOPPED * most);
    Some(match stopped {
        None if at == largest => format!("{best}, the largest count: no end was seen"),
        None => format!(
            "{best}, and no less than {:.0} % of that up to {largest}",
            100.0 * STOPPED
        ),
        Some((from, _)) => format!(
            "{best}, below {:.0} % of that from {from} on, {:.0} % at {largest}",
            100.0 * STOPPED,
            100.0 * last / most
        ),
    })
}
