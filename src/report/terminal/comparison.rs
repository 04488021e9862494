//! What changed from one run to another, for a person?

use super::head::{list, percent};
use crate::metric::Metric;
use crate::record::Estimate;
use crate::record::comparison::{
    ChangeVerdict, ComparedCell, ComparedLine, ComparedRun, Comparison,
};
use crate::report::Style;
use crate::report::layout::{Grid, Last, Page, Tone};
use crate::report::numbers;
use crate::verdict::words;
use std::io::{self, Write};

/// Writes the tables and the sentence. Op/s and ratios are always there; other lines only where they
/// changed with certainty.
///
/// # Errors
/// What `out` says.
pub fn write(comparison: &Comparison, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(style);
    head(comparison, &mut page);
    let mut hidden = 0;
    for group in groups(comparison) {
        let first = group[0];
        page.heading(&title(first), "op/s, ratios, and what else changed");
        let shown = group.iter().flat_map(|cell| {
            let lines = cell.lines.iter().filter(|l| is_shown(l));
            lines.map(|line| (*cell, line))
        });
        let rows = shown.map(|(cell, line)| row(cell, line, &comparison.labels));
        let rows: Vec<Vec<String>> = rows.collect();
        hidden += group.iter().map(|c| c.lines.len()).sum::<usize>() - rows.len();
        page.grid(&Grid {
            left: 2,
            header: [
                "agents",
                "what",
                "old",
                "new",
                "new / old\n95 % interval",
                "verdict",
            ]
            .map(str::to_owned)
            .to_vec(),
            rows,
            last: Last::Text(tone),
        });
    }
    if hidden > 0 {
        page.blank();
        let said = format!(
            "{hidden} more lines did not change with certainty, or were not measured; --format md and --format json have them all"
        );
        page.paragraph(2, Tone::Quiet, &said);
    }
    apart(comparison, &mut page);
    page.heading("verdict", "");
    let tone = match comparison.regressions {
        0 => Tone::Plain,
        _ => Tone::Strong,
    };
    page.paragraph(2, tone, &comparison.sentence);
    out.write_all(page.finish().as_bytes())
}

fn head(comparison: &Comparison, page: &mut Page) {
    page.heading(
        &format!("forkscope compare, method {}", comparison.method_version),
        "",
    );
    for (label, run) in [
        ("old      ", &comparison.old),
        ("new      ", &comparison.new),
    ] {
        let about = [
            run.started.clone(),
            format!("forkscope {}", run.forkscope_version),
            run.command.clone(),
        ];
        list(page, label, &about);
        if comparison.old.machine != comparison.new.machine || label.starts_with("new") {
            list(page, "machine  ", &run.machine);
        }
    }
    list(page, "unchanged ", &tolerances(comparison));
    for setting in &comparison.settings {
        page.paragraph(2, Tone::Caution, setting);
    }
    for (which, run) in [("old", &comparison.old), ("new", &comparison.new)] {
        for caution in cautions(run) {
            page.paragraph(2, Tone::Caution, &format!("{which}: {caution}"));
        }
    }
}

fn tolerances(comparison: &Comparison) -> Vec<String> {
    let t = &comparison.tolerances;
    let all = [
        ("throughput", t.throughput),
        ("latency", t.latency),
        ("setup", t.setup),
        ("memory", t.memory),
    ];
    all.map(|(name, share)| format!("{name} within {} %", percent(share)))
        .to_vec()
}

/// Why the numbers of a run may mislead.
pub fn cautions(run: &ComparedRun) -> Vec<String> {
    let all = [
        ("withheld", &run.withheld),
        ("busy machine", &run.busy),
        ("incomplete", &run.incomplete),
    ];
    all.into_iter()
        .filter_map(|(what, why)| Some(format!("{what}: {}", why.as_ref()?)))
        .collect()
}

/// Cells that belong into one table: of agents those that differ in nothing but their number, of messages
/// those of one pattern and size, and all whose sides are two workloads.
pub fn groups(comparison: &Comparison) -> Vec<Vec<&ComparedCell>> {
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
pub fn title(cell: &ComparedCell) -> String {
    match cell.weight.is_comparison() {
        true => format!("{}: {} against {}", cell.workload, cell.x, cell.baseline),
        // Its lines name the sides.
        false => cell.workload.clone(),
    }
}

fn is_shown(line: &ComparedLine) -> bool {
    line.metric == Metric::OPS_PER_S
        || !matches!(
            line.verdict,
            ChangeVerdict::Unchanged | ChangeVerdict::Inconclusive | ChangeVerdict::NotMeasured
        )
}

fn row(cell: &ComparedCell, line: &ComparedLine, labels: &[String]) -> Vec<String> {
    let nothing = || numbers::NOTHING.to_owned();
    let number = |e: &Option<Estimate>| e.as_ref().map_or_else(nothing, |e| value(line, e.value));
    vec![
        cell.agents.to_string(),
        what(line),
        number(&line.old),
        number(&line.new),
        line.change.as_ref().map_or_else(nothing, change),
        verdict(line, labels),
    ]
}

/// `processes service time p50`.
pub fn what(line: &ComparedLine) -> String {
    format!("{} {}", line.of, line.metric.name())
}

/// The verdict behind all that has to be known before it is believed.
pub fn verdict(line: &ComparedLine, labels: &[String]) -> String {
    let said = match &line.reason {
        Some(why) => format!("{}: {why}", line.verdict),
        None => line.verdict.to_string(),
    };
    match labels {
        [] => said,
        some => format!("{}: {said}", some.join(", ")),
    }
}

/// A number with its unit.
pub fn value(line: &ComparedLine, value: f64) -> String {
    match (line.metric.unit(), line.is_ratio) {
        (_, true) => format!("{value:.3}"),
        ("ms", _) => numbers::seconds(value / 1e3),
        ("MiB", _) => words::bytes(value * f64::from(1 << 20)),
        _ => numbers::count(value),
    }
}

/// `1.020 [0.980, 1.061]`.
pub fn change(e: &Estimate) -> String {
    format!("{:.3} [{:.3}, {:.3}]", e.value, e.low, e.high)
}

fn tone(verdict: &str) -> Tone {
    let said = verdict.rsplit(": ").next().unwrap_or(verdict);
    match said {
        "worse" | "better" | "higher" | "lower" => Tone::Strong,
        "unchanged" => Tone::Calm,
        _ => Tone::Caution,
    }
}

/// What is in one run only, or is not of the same work.
fn apart(comparison: &Comparison, page: &mut Page) {
    let refused = &comparison.refused;
    let only = [
        ("only in the earlier run", &comparison.only_old),
        ("only in the later run", &comparison.only_new),
    ];
    if refused.is_empty() && only.iter().all(|(_, cells)| cells.is_empty()) {
        return;
    }
    page.heading("not compared", "");
    for cell in refused {
        let said = format!("{}: {}", cell.cell, cell.why);
        page.paragraph(2, Tone::Caution, &said);
    }
    for (title, cells) in only.into_iter().filter(|(_, cells)| !cells.is_empty()) {
        page.paragraph(2, Tone::Plain, &format!("{title}: {}", cells.join(", ")));
    }
}
