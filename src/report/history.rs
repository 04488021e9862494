//! How is the history of a folder written as Markdown?

use super::numbers;
use super::regression::text;
use super::terminal::trend::{LEGEND, about, name, picture, title, verdict};
use crate::record::history::{History, Series};
use std::io::{self, Write};

/// Writes every series with its picture, machine by machine.
///
/// # Errors
/// What `out` says.
pub fn write(history: &History, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# forkscope: history\n\n{LEGEND}")?;
    for group in &history.groups {
        writeln!(out, "\n## {}\n", title(group))?;
        writeln!(out, "{}", text(&group.machine.join(", ")))?;
        for series in &group.series {
            one_series(series, out)?;
        }
    }
    if !history.skipped.is_empty() {
        writeln!(out, "\n## Skipped\n")?;
    }
    for skipped in &history.skipped {
        writeln!(out, "- {}: {}", text(&skipped.file), text(&skipped.why))?;
    }
    Ok(())
}

fn one_series(series: &Series, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n### {}\n", text(&name(series)))?;
    writeln!(out, "{}\n", text(&about(series)))?;
    writeln!(
        out,
        "| started | picture | {} / {} | {} op/s | {} op/s | verdict |",
        series.x, series.baseline, series.baseline, series.x
    )?;
    writeln!(out, "|---|---|---:|---:|---:|---|")?;
    for point in &series.points {
        let nothing = || numbers::NOTHING.to_owned();
        let count = |n: Option<f64>| n.map_or_else(nothing, numbers::count);
        let picture = picture(series, point.effect.as_ref());
        let picture = match picture.is_empty() {
            true => nothing(),
            false => format!("`{picture}`"),
        };
        writeln!(
            out,
            "| {} | {picture} | {} | {} | {} | {} |",
            text(&point.started),
            point.effect.as_ref().map_or_else(nothing, numbers::ratio),
            count(point.baseline_ops_per_s),
            count(point.x_ops_per_s),
            text(&verdict(point))
        )?;
    }
    Ok(())
}
