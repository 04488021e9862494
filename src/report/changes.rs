//! What changed from one run to another?

use crate::document::{Cell, Detail, Document, Fact, Label, Status, Table, Tone, numbers};
use crate::metric::Metric;
use crate::record::Estimate;
use crate::record::comparison::{
    ChangeVerdict, ComparedCell, ComparedLine, ComparedRun, Comparison,
};
use crate::verdict::words;

/// Tables and the sentence. Who reads a file has every line; a terminal shows op/s and ratios always, other lines only
/// where they changed with certainty.
#[must_use]
pub fn document(comparison: &Comparison) -> Document {
    let mut out = Document {
        title: "forkscope: what changed".to_owned(),
        labels: labels(comparison),
        ..Document::default()
    };
    let worse: Vec<Line<'_>> =
        lines(&comparison.cells, |l| l.verdict == ChangeVerdict::Worse).collect();
    let section = out.answers("verdict", "verdict");
    let tone = match comparison.regressions {
        0 => Tone::Plain,
        _ => Tone::Strong,
    };
    section.paragraph(tone, &comparison.sentence);
    if comparison.regressions > 0 {
        let table = with_workload(&worse, &comparison.labels);
        section.group(Detail::File, |section| {
            section.heading("worse", "").table(table)
        });
    }
    head(comparison, &mut out);
    let mut hidden = 0;
    for group in groups(comparison) {
        let all: Vec<Line<'_>> = lines(group.iter().copied(), |_| true).collect();
        let shown: Vec<Line<'_>> = all.iter().copied().filter(|l| is_shown(l.1)).collect();
        hidden += all.len() - shown.len();
        let section = out.section("cells", title(group[0]));
        section.named().about("op/s, ratios, and what else changed");
        for (detail, lines) in [(Detail::Screen, shown), (Detail::File, all)] {
            let table = table(&lines, &comparison.labels);
            section.group(detail, |section| section.table(table));
        }
    }
    if let Some(last) = out.sections.last_mut().filter(|_| hidden > 0) {
        last.group(Detail::Screen, |section| {
            section.quiet(format!(
                "{hidden} more lines did not change with certainty, or were not measured; --format md and --format json \
                 have them all"
            ))
        });
    }
    apart(comparison, &mut out);
    out
}

/// Why the numbers of either run may mislead.
fn labels(comparison: &Comparison) -> Vec<Label> {
    let of = |(which, run): (&str, &ComparedRun)| {
        let all = [
            ("withheld", &run.withheld),
            ("busy machine", &run.busy),
            ("incomplete", &run.incomplete),
        ];
        let found = all
            .into_iter()
            .filter_map(|(what, why)| Some((what, why.clone()?)));
        let label = |(what, text)| Label {
            status: Status::Other(format!("{which}: {what}")),
            text,
        };
        found.map(label).collect::<Vec<_>>()
    };
    let runs = [("old", &comparison.old), ("new", &comparison.new)];
    runs.into_iter().flat_map(of).collect()
}

fn head(comparison: &Comparison, out: &mut Document) {
    let title = format!("forkscope compare, method {}", comparison.method_version);
    let section = out.section("head", title);
    let mut facts = Vec::new();
    let is_one_machine = comparison.old.machine == comparison.new.machine;
    for (name, run) in [("old", &comparison.old), ("new", &comparison.new)] {
        facts.push(Fact {
            command: Some(run.command.clone()),
            ..Fact::new(
                name,
                vec![
                    run.started.clone(),
                    format!("forkscope {}", run.forkscope_version),
                ],
            )
        });
        if !is_one_machine || name == "new" {
            facts.push(Fact::new("machine", run.machine.clone()));
        }
    }
    let t = &comparison.tolerances;
    let tolerances = [
        ("throughput", t.throughput),
        ("latency", t.latency),
        ("setup", t.setup),
        ("memory", t.memory),
    ];
    let within =
        tolerances.map(|(name, share)| format!("{name} within {} %", numbers::percent(share)));
    facts.push(Fact::new("unchanged", within.to_vec()));
    section
        .facts(facts)
        .cautions(comparison.settings.iter().cloned());
    section.group(Detail::File, |section| {
        section.quiet(
            "a change counts where the whole 95 % interval of new / old (Welch, over the logarithms of invocations) lies \
             beyond the tolerance; latency is service time",
        )
    });
}

/// Cells that belong into one table: of agents those that differ in nothing but their number, of messages
/// those of one pattern and size, and all whose sides are two workloads.
fn groups(comparison: &Comparison) -> Vec<Vec<&ComparedCell>> {
    let mut found: Vec<Vec<&ComparedCell>> = Vec::new();
    for cell in &comparison.cells {
        match found.iter_mut().find(|g| title(g[0]) == title(cell)) {
            Some(group) => group.push(cell),
            None => found.push(vec![cell]),
        }
    }
    found
}

/// What stands above the table of a cell.
fn title(cell: &ComparedCell) -> String {
    match cell.weight.is_comparison() {
        true => format!("{}: {} against {}", cell.workload, cell.x, cell.baseline),
        // Its lines name the sides.
        false => cell.workload.clone(),
    }
}

/// A line with its cell.
type Line<'a> = (&'a ComparedCell, &'a ComparedLine);

fn lines<'a>(
    cells: impl IntoIterator<Item = &'a ComparedCell>,
    is_asked: fn(&ComparedLine) -> bool,
) -> impl Iterator<Item = Line<'a>> {
    let of = move |cell: &'a ComparedCell| {
        let own = cell.lines.iter().filter(move |l| is_asked(l));
        own.map(move |line| (cell, line))
    };
    cells.into_iter().flat_map(of)
}

fn is_shown(line: &ComparedLine) -> bool {
    let is_quiet = matches!(
        line.verdict,
        ChangeVerdict::Unchanged | ChangeVerdict::Inconclusive | ChangeVerdict::NotMeasured
    );
    line.metric == Metric::OPS_PER_S || !is_quiet
}

const TITLES: [&str; 6] = [
    "agents",
    "what",
    "old",
    "new",
    "new / old\n95 % interval",
    "verdict",
];

fn table(lines: &[Line<'_>], labels: &[String]) -> Table {
    let rows = lines.iter().map(|line| row(line, labels));
    Table::new(2, TITLES).ends_with_words().rows(rows)
}

/// The same where lines are of several workloads.
fn with_workload(lines: &[Line<'_>], labels: &[String]) -> Table {
    let row = |line: &Line<'_>| {
        let workload = Cell::from(&*line.0.workload);
        std::iter::once(workload).chain(row(line, labels))
    };
    let titles = std::iter::once("workload").chain(TITLES);
    Table::new(3, titles)
        .ends_with_words()
        .rows(lines.iter().map(row))
}

fn row((cell, line): &Line<'_>, labels: &[String]) -> [Cell; 6] {
    let number = |e: &Option<Estimate>| match e {
        Some(e) => value(line, e.value).into(),
        None => Cell::nothing(),
    };
    let change = |e: &Estimate| format!("{:.3} [{:.3}, {:.3}]", e.value, e.low, e.high);
    let said = match &line.reason {
        Some(why) => format!("{}: {why}", line.verdict),
        None => line.verdict.to_string(),
    };
    [
        cell.agents.to_string().into(),
        // `processes service time p50`.
        format!("{} {}", line.of, line.metric.name()).into(),
        number(&line.old),
        number(&line.new),
        line.change
            .as_ref()
            .map_or_else(Cell::nothing, |e| change(e).into()),
        Cell {
            text: said,
            tone: tone(line.verdict),
            statuses: labels.iter().cloned().map(Status::Other).collect(),
        },
    ]
}

fn tone(verdict: ChangeVerdict) -> Tone {
    match verdict {
        ChangeVerdict::Unchanged => Tone::Calm,
        ChangeVerdict::Inconclusive | ChangeVerdict::NotMeasured => Tone::Caution,
        _ => Tone::Strong,
    }
}

/// A number with its unit.
fn value(line: &ComparedLine, value: f64) -> String {
    match (line.metric.unit(), line.is_ratio) {
        (_, true) => format!("{value:.3}"),
        ("ms", _) => numbers::seconds(value / 1e3),
        ("MiB", _) => words::bytes(value * f64::from(1 << 20)),
        _ => numbers::count(value),
    }
}

/// What is in one run only, or is not of the same work.
fn apart(comparison: &Comparison, out: &mut Document) {
    let section = out.section("apart", "not compared");
    let refused = comparison.refused.iter();
    section.cautions(refused.map(|cell| format!("{}: {}", cell.cell, cell.why)));
    let only = [
        ("only in the earlier run", &comparison.only_old),
        ("only in the later run", &comparison.only_new),
    ];
    for (title, cells) in only.into_iter().filter(|(_, cells)| !cells.is_empty()) {
        section.plain(format!("{title}: {}", cells.join(", ")));
    }
}
