//! Where does passing messages on stop scaling?

use super::{cells, latency, mark, within};
use crate::metric::Metric;
use crate::record::{Cell, Run, Sample, Side, WorkloadRecord};
use crate::report::layout::{Grid, Last, Page, Tone};
use crate::report::numbers;
use crate::study::latency::{LatencyOf, LatencySide};
use crate::study::{Study, relay::Relay};
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
        self.pick(cells::rates(self.cell))
    }

    fn median(&self, metric: fn(&Sample) -> Option<f64>) -> Option<f64> {
        self.pick(cells::medians(self.cell, metric))
    }

    /// So many go with every op, whatever its rate.
    fn messages_per_s(&self) -> Option<f64> {
        let per_op = self.median(|s| Some(s.get(Metric::MESSAGES_SENT)? / s.ops as f64));
        Some(self.ops_per_s()? * per_op?)
    }

    /// From planned starts, where that was measured.
    fn latency(&self, run: &Run) -> Option<LatencySide> {
        let cell = self.cell;
        let (b, x) = (&cell.baseline, &cell.x);
        let is_own = |of: &LatencyOf| {
            (&of.workload, &of.baseline, &of.x) == (&b.workload, &b.deployment, &x.deployment)
        };
        let of = latency::all(run).into_iter().find(is_own)?;
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

pub fn write(run: &Run, page: &mut Page) {
    let compared = compared(run);
    let mut names: Vec<&str> = compared
        .iter()
        .map(|c| c.baseline.workload.as_str())
        .collect();
    names.dedup();
    for name in names {
        let cells: Vec<&Cell> = compared
            .iter()
            .copied()
            .filter(|c| c.baseline.workload == name)
            .collect();
        let title = format!("{name}: where messages stop scaling{}", mark(run));
        page.heading(
            &title,
            "a line for each side; beside it their ratio with its 95 % interval, and what it says",
        );
        page.grid(&table(run, &cells));
        within::steadiness(&cells, page);
        within::order(&cells, page);
        let about = "Latency is from the planned start of a step, at 70 % of what the slower side does, until the agent has the \
                     messages of all its neighbours; *: it did not keep up in all invocations. Messages include the acknowledgements of a ring. Bytes per agent are all that host and workers \
                     hold, divided by the agents; what one more agent takes stands under memory.";
        page.paragraph(2, Tone::Quiet, about);
        for note in cells::dropped(cells.iter().copied()) {
            page.paragraph(2, Tone::Caution, &note);
        }
    }
}

fn table(run: &Run, cells: &[&Cell]) -> Grid {
    let header = [
        "agents",
        "deployment",
        "op/s",
        "messages\n/s",
        "latency\np50 / p99",
        "bytes\nper agent",
        "processes / threads,\nverdict",
    ];
    Grid {
        left: 2,
        header: header.map(str::to_owned).to_vec(),
        rows: cells
            .iter()
            .flat_map(|cell| Line::of(cell))
            .map(|line| row(run, &line))
            .collect(),
        last: Last::Text(cells::tone),
    }
}

fn row(run: &Run, line: &Line<'_>) -> Vec<String> {
    let nothing = || numbers::NOTHING.to_owned();
    let count = |n: Option<f64>| n.map_or_else(nothing, numbers::count);
    let cell = line.cell;
    let agents = cell.agents as f64;
    let bytes = line.median(|s| Some(s.memory?.total_bytes as f64));
    let said = match line.side {
        Side::Baseline => cell.effect.as_ref().map_or_else(nothing, numbers::ratio),
        Side::X => format!(
            "{}{}",
            cells::verdict(cell, run.busy.is_some()),
            within::mark(cell)
        ),
    };
    vec![
        cell.agents.to_string(),
        line.form().to_owned(),
        count(line.ops_per_s()),
        count(line.messages_per_s()),
        line.latency(run)
            .map_or_else(nothing, |l| latency::short(&l)),
        bytes.map_or_else(nothing, |b| words::bytes(b / agents)),
        said,
    ]
}

/// Where each deployment stops scaling.
pub fn sentences(run: &Run) -> Vec<String> {
    let compared = compared(run);
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
