//! What in this operating system separates threads from processes?

use crate::document::chart::{Chart, Form, Ink, Interval, Intervals, Key, Look, Unit, band};
use crate::document::{Document, Fact, Table, Tone, numbers};
use crate::metric::Metric;
use crate::record::{Cell, Effect, Run, Sample, Verdict, Weight};
use crate::study::alike::{self, within};
use crate::study::alike::{medians, or_nothing, rates, short_verdict};
use crate::verdict::words;
use crate::workload::{self, probe::CONTROLS};

/// What every built-in probe's name begins with.
const FOLDER: &str = "probes/";

/// The column of agent counts.
const AGENTS: usize = 1;

/// Cells of probes that compare the same two deployments.
struct Group<'a> {
    baseline: &'a str,
    x: &'a str,
    cells: Vec<&'a Cell>,
}

impl<'a> Group<'a> {
    fn all(run: &'a Run) -> Vec<Self> {
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

pub fn show(run: &Run, out: &mut Document) {
    for group in Group::all(run) {
        let Group { baseline, x, cells } = &group;
        let mut about = format!("{x} against {baseline}");
        if let Some(agents) = group.only_agents() {
            about.push_str(&format!(", {}", words::agents(agents)));
        }
        let title = "what in this operating system separates threads from processes";
        let section = out.section("probes", title);
        section
            .about(about)
            .chart(Some(ratios(run, &group)))
            .table(table(run, &group));
        for (reason, cells) in not_measured(&group) {
            section.caution(format!(
                "not measured: {}: {reason}",
                places(&cells).join(", ")
            ));
        }
        if cells
            .iter()
            .any(|cell| within::states(cell).next().is_some())
        {
            section.caution(
                "a word behind a verdict: the rate of a side moved within its windows; by how much stands in the record",
            );
        }
        section.cautions(alike::dropped(cells.iter().copied()));
        section.quiet(format!(
            "IPIs (interrupts from one CPU to another, of the whole system) and context switches per op: \
             {} / {}, medians; {}: not counted, or not measured",
            baseline,
            x,
            numbers::NOTHING
        ));
        section.facts(legend(run, &group)).quiet(
            "how much of it an op holds stands in the probe's file, workloads/probes/NAME.toml",
        );
        out.answer("probes", sentence(&group));
    }
}

fn table(run: &Run, group: &Group<'_>) -> Table {
    let Group { baseline, x, cells } = group;
    let titles = [
        "probe".to_owned(),
        "agents".to_owned(),
        format!("{baseline}\nop/s"),
        format!("{x}\nop/s"),
        format!("{x} / {baseline}\n95 % interval"),
        "IPIs/op".to_owned(),
        "switches/op".to_owned(),
        "verdict".to_owned(),
    ];
    let mut table = Table::new(1, titles).ends_with_words();
    for cell in cells {
        let rates = rates(cell);
        let both = |metric: fn(&Sample) -> Option<f64>| {
            let (baseline, x) = medians(cell, metric);
            let number = |n: Option<f64>| or_nothing(n, numbers::count);
            format!("{} / {}", number(baseline), number(x)).into()
        };
        table.row([
            name(&cell.baseline.workload).into(),
            cell.agents.to_string().into(),
            or_nothing(rates.0, numbers::count).into(),
            or_nothing(rates.1, numbers::count).into(),
            or_nothing(cell.effect.as_ref(), ratio).into(),
            both(interrupts_per_op),
            both(switches_per_op),
            // How much more it would take to settle a probe is nobody's question.
            short_verdict(run, cell),
        ]);
    }
    // What is the same in every row stands in the heading.
    if group.only_agents().is_some() {
        table.drop_column(AGENTS);
    }
    table
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

/// What each probe is, from the registry's line.
fn legend(run: &Run, group: &Group<'_>) -> Vec<Fact> {
    let is_own = |name: &str| group.cells.iter().any(|c| c.baseline.workload == name);
    let own = run.workloads.iter().filter(|w| is_own(&w.name));
    // A record of a later version may hold a probe that this one does not know.
    let known = own.filter_map(|w| Some((w, workload::find(w.code())?)));
    let fact = |(w, entry): (&crate::record::WorkloadRecord, &workload::Entry)| Fact {
        tone: Tone::Quiet,
        ..Fact::one(name(&w.name), entry.about.trim_start_matches("probe: "))
    };
    known.map(fact).collect()
}

/// The name without the folder that all built-in probes are in.
fn name(workload: &str) -> &str {
    workload.strip_prefix(FOLDER).unwrap_or(workload)
}

fn ratios(run: &Run, group: &Group<'_>) -> Chart {
    let Group { baseline, x, cells } = group;
    let looks = [
        (Look::new(Ink::Other, Form::Up), format!("{x} ahead")),
        (
            Look::new(Ink::Base, Form::Down),
            format!("{baseline} ahead"),
        ),
        (Look::new(Ink::Tie, Form::Diamond), "tie".to_owned()),
        (Look::new(Ink::Open, Form::Disc), "inconclusive".to_owned()),
    ];
    let row = |cell: &&Cell| Interval {
        name: format!("{}, {} agents", name(&cell.baseline.workload), cell.agents),
        measured: cell.effect.as_ref().map(alike::estimate),
        asked: None,
        text: format!(
            "{}, {}",
            cell.effect
                .as_ref()
                .map_or("no ratio".to_owned(), numbers::ratio),
            alike::verdict(run, cell).words()
        ),
        look: match &cell.verdict {
            Verdict::Ahead { deployment } if *deployment == cell.x.label => looks[0].0,
            Verdict::Ahead { .. } => looks[1].0,
            Verdict::Tie => looks[2].0,
            _ => looks[3].0,
        },
    };
    let drawn = Intervals {
        title: format!("{x} / {baseline}"),
        unit: Unit::Plain,
        level: Some(1.0),
        band: Some(band(run.margin)),
        rows: cells.iter().map(row).collect(),
    };
    let title = format!("single operations of the kernel, {x} / {baseline}");
    let caption = format!(
        "Ratio of op/s with its 95 % interval, by factors. Right of 1, {baseline} pay more; left, {x} do."
    );
    let key = looks.into_iter().map(|(look, said)| Key::point(look, said));
    drawn.chart("probe-ratios", title, caption, key.collect())
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
