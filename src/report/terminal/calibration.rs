//! How often does this machine tell a thing from itself, and find what is there?

use std::io::{self, Write};

use super::head;
use crate::record::calibration::{Calibration, CalibrationRow, Share};
use crate::report::Style;
use crate::report::layout::{Grid, Last, Page, Tone};
use crate::report::numbers::NOTHING;
use crate::study::calibrate::{LEAST_FOUND, MOST_FALSE_WINNERS, keeps_promise};
use crate::verdict::{BUSY_LABEL, words};

/// Writes the table of a calibration, with the machine above it.
///
/// # Errors
/// What `out` says.
pub fn write(c: &Calibration, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(style);
    page.heading(
        &format!(
            "forkscope {}, method {}: calibration",
            c.forkscope_version, c.method_version
        ),
        "",
    );
    let about = [
        format!("{} runs of {} pairs per control", c.runs.len(), c.pairs),
        c.workload.name.clone(),
        format!("margin {} %", head::percent(c.margin)),
        c.started.clone(),
        format!("took {}", words::duration(c.wall_s)),
        c.command_line(),
    ];
    head::list(&mut page, "run      ", &about);
    head::list(&mut page, "machine  ", &head::machine(&c.machine));
    head::list(&mut page, "state    ", &head::state(&c.machine));
    if !c.complete {
        page.paragraph(
            2,
            Tone::Caution,
            "not complete: interrupted, or still running",
        );
    }
    if let Some(reason) = &c.busy {
        page.paragraph(2, Tone::Caution, &format!("{BUSY_LABEL}: {reason}"));
    }
    if c.runs.is_empty() {
        page.paragraph(2, Tone::Caution, "no run was measured");
        return out.write_all(page.finish().as_bytes());
    }
    let idle = c.runs.iter().filter(|r| r.findings.is_empty()).count();
    part("on an idle machine", idle, &c.rows, &mut page);
    let doubtful = c.runs.len() - idle;
    let title = "begun with a warning about the machine";
    part(title, doubtful, &c.rows_of_doubtful, &mut page);
    for note in [
        "false winners: verdicts that name a side where there is none, or the wrong one; found: \
         verdicts that name the right one; covers: 95 % intervals that hold the truth; in brackets \
         the 95 % interval of the share, exact if the cells of a run were independent",
        "a tie is right at 1.000 and wrong elsewhere; open: inconclusive, which is never wrong",
    ] {
        page.paragraph(2, Tone::Quiet, note);
    }
    let all = c.rows.iter().chain(&c.rows_of_doubtful);
    let unjudged: usize = all.filter(is_total).map(|r| r.unjudged).sum();
    if unjudged > 0 {
        let note = format!("{unjudged} more controls had fewer than six pairs that count");
        page.paragraph(2, Tone::Caution, &note);
    }
    let controls = || c.runs.iter().flat_map(|r| &r.controls);
    let (pairs, kept): (usize, usize) = (
        controls().map(|c| c.pairs).sum(),
        controls().map(|c| c.kept).sum(),
    );
    if kept < pairs {
        let dropped = format!(
            "{} of {pairs} pairs were dropped, for a cause that is in the record",
            pairs - kept
        );
        page.paragraph(2, Tone::Caution, &dropped);
    }
    if c.refused > 0 {
        let times = format!(
            "the machine was refused {} times when a run was due",
            c.refused
        );
        page.paragraph(2, Tone::Caution, &times);
    }
    if idle > 0 {
        let withheld = format!(
            "on an idle machine the controls of `quick` would have withheld the headline of {}",
            in_words(&c.withheld)
        );
        page.paragraph(2, Tone::Plain, &withheld);
    }
    let (tone, holds) = match keeps_promise(&c.rows) {
        Some(true) => (Tone::Strong, "holds"),
        Some(false) => (Tone::Caution, "does not hold"),
        None => (
            Tone::Caution,
            "not judged: no run began on an idle machine, or none was whole",
        ),
    };
    let promise = format!(
        "at most {} % false winners among nulls, at least {} % of 0.800 found, on an idle machine: {holds}",
        head::percent(MOST_FALSE_WINNERS),
        head::percent(LEAST_FOUND)
    );
    page.paragraph(2, tone, &promise);
    out.write_all(page.finish().as_bytes())
}

fn part(title: &str, runs: usize, rows: &[CalibrationRow], page: &mut Page) {
    if rows.is_empty() {
        return;
    }
    page.heading(
        &format!("comparisons whose truth is known, {title}"),
        &format!(
            "{runs} runs; a deployment against itself (1.000), and with a known share of extra work"
        ),
    );
    page.grid(&table(rows));
}

fn is_total(row: &&CalibrationRow) -> bool {
    row.agents.is_none()
}

fn table(rows: &[CalibrationRow]) -> Grid {
    Grid {
        left: 2,
        header: [
            "truth",
            "deployment",
            "agents",
            "cells",
            "false winners\n%",
            "found\n%",
            "tie",
            "open",
            "covers\n%",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: rows
            .iter()
            .map(|r| {
                let percent = match is_total(&r) {
                    true => percent_with_interval,
                    false => percent,
                };
                vec![
                    format!("{:.3}", r.asked),
                    r.deployment.clone().unwrap_or_else(|| "all".to_owned()),
                    r.agents.map_or("all".to_owned(), |n| n.to_string()),
                    r.covered.of.to_string(),
                    percent(&r.false_winners),
                    r.found.as_ref().map_or(NOTHING.to_owned(), percent),
                    r.ties.to_string(),
                    r.inconclusive.to_string(),
                    percent(&r.covered),
                ]
            })
            .collect(),
        last: Last::Numbers,
    }
}

/// `2.1`, and where there was nothing to count a dash.
fn percent(share: &Share) -> String {
    match share.of {
        0 => NOTHING.to_owned(),
        of => head::percent(share.count as f64 / of as f64),
    }
}

/// `2.1 [0.3, 7.3]`: only where many are counted, or every row would be mostly interval.
fn percent_with_interval(share: &Share) -> String {
    match share.of {
        0 => NOTHING.to_owned(),
        _ => format!(
            "{} [{}, {}]",
            percent(share),
            head::percent(share.low),
            head::percent(share.high)
        ),
    }
}

/// `2 of 40 runs (5.0 [0.6, 16.9] %)`.
fn in_words(share: &Share) -> String {
    format!(
        "{} of {} runs ({} %)",
        share.count,
        share.of,
        percent_with_interval(share)
    )
}
