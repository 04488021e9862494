//! What in this operating system separates threads from processes?

use super::{cells, mark, within};
use crate::metric::Metric;
use crate::record::{Cell, Effect, Run, Sample, Verdict, Weight};
use crate::report::layout::{Grid, Last, Page, Tone};
use crate::report::numbers;
use crate::verdict::{BUSY_LABEL, words};
use crate::workload::{self, probe::CONTROLS};

/// What every built-in probe's name begins with.
const FOLDER: &str = "probes/";

/// The column of agent counts.
const AGENTS: usize = 1;

/// Cells of probes that compare the same two deployments.
pub struct Group<'a> {
    pub baseline: &'a str,
    pub x: &'a str,
    pub cells: Vec<&'a Cell>,
}

impl<'a> Group<'a> {
    pub fn all(run: &'a Run) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        let is_asked = |c: &&Cell| c.is_comparison() && c.weight == Weight::Explaining;
        for cell in run.cells.iter().filter(is_asked) {
            let key = (
                cell.baseline.deployment.as_str(),
                cell.x.deployment.as_str(),
            );
            match found.iter_mut().find(|g| (g.baseline, g.x) == key) {
                Some(group) => group.cells.push(cell),
                None => found.push(Self {
                    baseline: key.0,
                    x: key.1,
                    cells: vec![cell],
                }),
            }
        }
        found
    }

    /// The agent count, where all have the same.
    fn only_agents(&self) -> Option<usize> {
        let first = self.cells.first()?.agents;
        self.cells
            .iter()
            .all(|c| c.agents == first)
            .then_some(first)
    }
}

pub fn write(run: &Run, page: &mut Page) {
    for group in Group::all(run) {
        let title = format!(
            "what in this operating system separates threads from processes{}",
            mark(run)
        );
        let mut about = format!("{} against {}", group.x, group.baseline);
        if let Some(agents) = group.only_agents() {
            about.push_str(&format!(", {}", words::agents(agents)));
        }
        page.heading(&title, &about);
        page.grid(&table(&group, run.busy.is_some()));
        for (reason, cells) in not_measured(&group) {
            let note = format!("not measured: {}: {reason}", places(&cells).join(", "));
            page.paragraph(2, Tone::Caution, &note);
        }
        if group
            .cells
            .iter()
            .any(|cell| !within::mark(cell).is_empty())
        {
            let note = "a word behind a verdict: the rate of a side moved within its windows; by how much \
                        stands in the record";
            page.paragraph(2, Tone::Caution, note);
        }
        for note in cells::dropped(group.cells.iter().copied()) {
            page.paragraph(2, Tone::Caution, &note);
        }
        let mechanism = format!(
            "IPIs (interrupts from one CPU to another, of the whole system) and context switches per op: \
             {} / {}, medians; {}: not counted, or not measured",
            group.baseline,
            group.x,
            numbers::NOTHING
        );
        page.paragraph(2, Tone::Quiet, &mechanism);
        legend(run, &group, page);
    }
}

fn table(group: &Group<'_>, is_busy: bool) -> Grid {
    let Group { baseline, x, cells } = group;
    let mut grid = Grid {
        left: 1,
        header: vec![
            "probe".to_owned(),
            "agents".to_owned(),
            format!("{baseline}\nop/s"),
            format!("{x}\nop/s"),
            format!("{x} / {baseline}\n95 % interval"),
            "IPIs/op".to_owned(),
            "switches/op".to_owned(),
            "verdict".to_owned(),
        ],
        rows: cells.iter().map(|cell| row(cell, is_busy)).collect(),
        last: Last::Text(cells::tone),
    };
    // What is the same in every row stands in the heading.
    if group.only_agents().is_some() {
        grid.header.remove(AGENTS);
        for row in &mut grid.rows {
            row.remove(AGENTS);
        }
    }
    grid
}

fn row(cell: &Cell, is_busy: bool) -> Vec<String> {
    let nothing = || numbers::NOTHING.to_owned();
    let rates = cells::rates(cell);
    let both = |metric: fn(&Sample) -> Option<f64>| {
        let (baseline, x) = cells::medians(cell, metric);
        let number = |n: Option<f64>| n.map_or_else(nothing, numbers::count);
        format!("{} / {}", number(baseline), number(x))
    };
    vec![
        name(&cell.baseline.workload).to_owned(),
        cell.agents.to_string(),
        rates.0.map_or_else(nothing, numbers::count),
        rates.1.map_or_else(nothing, numbers::count),
        cell.effect.as_ref().map_or_else(nothing, ratio),
        both(interrupts_per_op),
        both(switches_per_op),
        verdict(cell, is_busy),
    ]
}

fn interrupts_per_op(sample: &Sample) -> Option<f64> {
    // Shootdowns are among the function calls.
    let counts = [
        Metric::FUNCTION_CALL_INTERRUPTS,
        Metric::RESCHEDULE_INTERRUPTS,
    ];
    let total = counts
        .into_iter()
        .filter_map(|m| sample.get(m))
        .reduce(|a, b| a + b)?;
    Some(total / sample.ops as f64)
}

fn switches_per_op(sample: &Sample) -> Option<f64> {
    let (voluntary, involuntary) = (Metric::VOLUNTARY_SWITCHES, Metric::INVOLUNTARY_SWITCHES);
    Some((sample.get(voluntary)? + sample.get(involuntary)?) / sample.ops as f64)
}

/// A ratio with its interval, in at most as many columns as one of two digits takes: what a kernel
/// does to one side can be a factor of ten.
fn ratio(effect: &Effect) -> String {
    if effect.high < 9.9995 {
        return numbers::ratio(effect);
    }
    let Effect {
        ratio, low, high, ..
    } = effect;
    format!("{ratio:.1} [{low:.1}, {high:.1}]")
}

/// One word or two: how much more it would take to settle a probe is nobody's question.
fn verdict(cell: &Cell, is_busy: bool) -> String {
    let said = match &cell.verdict {
        Verdict::Ahead { deployment } => deployment,
        Verdict::Tie => "tie",
        Verdict::Inconclusive => "inconclusive",
        Verdict::NotMeasured { .. } => "not measured",
    };
    let busy = match is_busy {
        true => format!(" ({BUSY_LABEL})"),
        false => String::new(),
    };
    format!("{said}{busy}{}", within::mark(cell))
}

/// What each probe is, from the registry's line.
fn legend(run: &Run, group: &Group<'_>, page: &mut Page) {
    for workload in &run.workloads {
        if !group
            .cells
            .iter()
            .any(|c| c.baseline.workload == workload.name)
        {
            continue;
        }
        // A record of a later version may hold a probe that this one does not know.
        let Some(entry) = workload::find(workload.code()) else {
            continue;
        };
        let about = entry.about.trim_start_matches("probe: ");
        let label = format!("{:<8} ", name(&workload.name));
        page.labelled(2, &label, Tone::Quiet, about.split(' '), " ");
    }
    page.paragraph(
        2,
        Tone::Quiet,
        "how much of it an op holds stands in the probe's file, workloads/probes/NAME.toml",
    );
}

/// The name without the folder that all built-in probes are in.
pub fn name(workload: &str) -> &str {
    workload.strip_prefix(FOLDER).unwrap_or(workload)
}

/// What the probes say together: a sentence for each two deployments.
pub fn sentences(run: &Run) -> Vec<String> {
    let label = match run.busy {
        Some(_) => format!("{BUSY_LABEL}: "),
        None => String::new(),
    };
    let labelled = |group: &Group<'_>| format!("{label}{}", sentence(group));
    Group::all(run).iter().map(labelled).collect()
}

fn sentence(group: &Group<'_>) -> String {
    let Group { baseline, x, cells } = group;
    let is_ahead =
        |v: &Verdict, who: &str| matches!(v, Verdict::Ahead { deployment } if deployment == who);
    let is_control = |c: &Cell| CONTROLS.contains(&name(&c.baseline.workload));
    let such = |is_such: &dyn Fn(&Cell) -> bool| {
        let found: Vec<&Cell> = cells.iter().copied().filter(|c| is_such(c)).collect();
        places(&found)
    };
    // What a control shows is no price of its operation.
    let pays = |c: &Cell, who: &str| is_ahead(&c.verdict, who) && !is_control(c);
    let parts = [
        (format!("{baseline} pay more for"), such(&|c| pays(c, x))),
        (format!("{x} pay more for"), such(&|c| pays(c, baseline))),
        (
            "no difference in".to_owned(),
            such(&|c| c.verdict == Verdict::Tie),
        ),
        (
            "inconclusive:".to_owned(),
            such(&|c| c.verdict == Verdict::Inconclusive),
        ),
        (
            "not measured:".to_owned(),
            such(&|c| matches!(c.verdict, Verdict::NotMeasured { .. })),
        ),
    ];
    let said = parts
        .into_iter()
        .filter(|(_, places)| !places.is_empty())
        .map(|(what, places)| format!("{what} {}", places.join(", ")));
    let controls = cells
        .iter()
        .filter(|c| is_control(c) && matches!(c.verdict, Verdict::Ahead { .. }));
    let off: Vec<String> = controls
        .filter_map(|c| {
            let (name, at) = (name(&c.baseline.workload), c.agents);
            Some(format!("{name} ({at}) {}", ratio(c.effect.as_ref()?)))
        })
        .collect();
    let off = (!off.is_empty()).then(|| {
        format!(
            "not equal, though neither side should be ahead by much: {}",
            off.join(", ")
        )
    });
    let said: Vec<String> = said.chain(off).collect();
    format!(
        "probes, {x} against {baseline} (agents in brackets): {}",
        said.join("; ")
    )
}

/// Why cells have no verdict, and which.
fn not_measured<'a>(group: &Group<'a>) -> Vec<(&'a str, Vec<&'a Cell>)> {
    let mut found: Vec<(&str, Vec<&Cell>)> = Vec::new();
    for &cell in &group.cells {
        let Verdict::NotMeasured { reason } = &cell.verdict else {
            continue;
        };
        match found.iter_mut().find(|(other, _)| other == reason) {
            Some((_, cells)) => cells.push(cell),
            None => found.push((reason, vec![cell])),
        }
    }
    found
}

/// Each probe once with its agent counts: `tlb (2, 4)`.
fn places(cells: &[&Cell]) -> Vec<String> {
    let mut found: Vec<(&str, Vec<String>)> = Vec::new();
    for cell in cells {
        let name = name(&cell.baseline.workload);
        let agents = cell.agents.to_string();
        match found.iter_mut().find(|(other, _)| *other == name) {
            Some((_, counts)) => counts.push(agents),
            None => found.push((name, vec![agents])),
        }
    }
    let place = |(name, counts): (&str, Vec<String>)| format!("{name} ({})", counts.join(", "));
    found.into_iter().map(place).collect()
}
