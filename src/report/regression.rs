//! How is a comparison of two runs written as Markdown, for a pull request or a mail?

use super::terminal::comparison::{cautions, change, groups, title, value, verdict, what};
use crate::record::Estimate;
use crate::record::comparison::{ChangeVerdict, ComparedCell, ComparedLine, Comparison};
use std::io::{self, Write};

/// Writes the whole comparison: what got worse first, then every line.
///
/// # Errors
/// What `out` says.
pub fn write(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# forkscope: what changed\n")?;
    writeln!(out, "{}\n", text(&comparison.sentence))?;
    for (which, run) in [("old", &comparison.old), ("new", &comparison.new)] {
        for caution in cautions(run) {
            writeln!(out, "> **{which}**: {}\n", text(&caution))?;
        }
    }
    writeln!(out, "| run | started | forkscope | machine | command |")?;
    writeln!(out, "|---|---|---|---|---|")?;
    for (which, run) in [("old", &comparison.old), ("new", &comparison.new)] {
        writeln!(
            out,
            "| {which} | {} | {} | {} | {} |",
            text(&run.started),
            text(&run.forkscope_version),
            text(&run.machine.join(", ")),
            text(&run.command)
        )?;
    }
    if !comparison.settings.is_empty() {
        let settings: Vec<String> = comparison.settings.iter().map(|s| text(s)).collect();
        writeln!(out, "\nSettings that differ: {}.", settings.join("; "))?;
    }
    let t = &comparison.tolerances;
    writeln!(
        out,
        "\nMethod {}. A change counts where the whole 95 % interval of new / old (Welch, over the logarithms of \
         invocations) lies beyond the tolerance: throughput {:.0} %, latency (service time) {:.0} %, setup {:.0} %, \
         memory {:.0} %.",
        comparison.method_version,
        100.0 * t.throughput,
        100.0 * t.latency,
        100.0 * t.setup,
        100.0 * t.memory
    )?;
    let is_worse = |l: &ComparedLine| l.verdict == ChangeVerdict::Worse;
    if comparison.regressions > 0 {
        writeln!(out, "\n## Worse\n")?;
        let cells: Vec<&ComparedCell> = comparison.cells.iter().collect();
        table(&cells, true, &comparison.labels, is_worse, out)?;
    }
    for group in groups(comparison) {
        writeln!(out, "\n## {}\n", text(&title(group[0])))?;
        table(&group, false, &comparison.labels, |_| true, out)?;
    }
    apart(comparison, out)
}

fn table(
    cells: &[&ComparedCell],
    names_workload: bool,
    labels: &[String],
    is_asked: impl Fn(&ComparedLine) -> bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (begin, rule) = match names_workload {
        true => ("| workload ", "|---"),
        false => ("", ""),
    };
    writeln!(
        out,
        "{begin}| agents | what | old | new | new / old | verdict |"
    )?;
    writeln!(out, "{rule}|---:|---|---:|---:|---:|---|")?;
    for cell in cells {
        for line in cell.lines.iter().filter(|l| is_asked(l)) {
            let number = |e: &Option<Estimate>| {
                e.as_ref().map_or("–".to_owned(), |e| value(line, e.value))
            };
            let workload = match names_workload {
                true => format!("| {} ", text(&cell.workload)),
                false => String::new(),
            };
            writeln!(
                out,
                "{workload}| {} | {} | {} | {} | {} | {} |",
                cell.agents,
                text(&what(line)),
                number(&line.old),
                number(&line.new),
                line.change.as_ref().map_or("–".to_owned(), change),
                text(&verdict(line, labels))
            )?;
        }
    }
    Ok(())
}

fn apart(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let only = [
        ("only in the earlier run", &comparison.only_old),
        ("only in the later run", &comparison.only_new),
    ];
    if comparison.refused.is_empty() && only.iter().all(|(_, cells)| cells.is_empty()) {
        return Ok(());
    }
    writeln!(out, "\n## Not compared\n")?;
    for cell in &comparison.refused {
        writeln!(out, "- {}: {}", text(&cell.cell), text(&cell.why))?;
    }
    for (title, cells) in only.into_iter().filter(|(_, cells)| !cells.is_empty()) {
        writeln!(out, "- {title}: {}", text(&cells.join(", ")))?;
    }
    Ok(())
}

/// What would end a cell of a table, or begin a tag, is written so that it does not.
pub(super) fn text(plain: &str) -> String {
    let mut safe = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' => safe.extend(['\\', c]),
            '<' => safe.push_str("&lt;"),
            '\n' | '\r' => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_a_table() {
        assert_eq!(text("a|b <b> `c`\nd"), "a\\|b &lt;b> \\`c\\` d");
    }
}
