//! How often does this machine tell a thing from itself, and find what is there?

use super::{LEAST_FOUND, MOST_FALSE_WINNERS, keeps_promise};
use crate::document::numbers::{NOTHING, percent as share};
use crate::document::{Document, Fact, Status, Table, Tone, behind};
use crate::record::calibration::{Calibration, CalibrationRow, Share};
use crate::study::alike::machine::{machine, state};
use crate::verdict::words;

/// The table of a calibration, with the machine above it.
#[must_use]
pub fn document(c: &Calibration) -> Document {
    let mut out = Document::default();
    let title = format!(
        "forkscope {}, method {}: calibration",
        c.forkscope_version, c.method_version
    );
    let about = vec![
        format!("{} runs of {} pairs per control", c.runs.len(), c.pairs),
        c.workload.name.clone(),
        format!("margin {} %", share(c.margin)),
        c.started.clone(),
        format!("took {}", words::duration(c.wall_s)),
    ];
    let of_run = Fact {
        command: Some(c.command_line()),
        ..Fact::new("run", about)
    };
    let section = out.section("head", title);
    section.facts(vec![
        of_run,
        Fact::new("machine", machine(&c.machine)),
        Fact::new("state", state(&c.machine)),
    ]);
    if !c.complete {
        section.caution("not complete: interrupted, or still running");
    }
    if let Some(reason) = &c.busy {
        section.caution(behind(&[Status::Busy], reason));
    }
    if c.runs.is_empty() {
        section.caution("no run was measured");
        return out;
    }
    let idle = c.runs.iter().filter(|r| r.findings.is_empty()).count();
    part("on an idle machine", idle, &c.rows, &mut out);
    let doubtful = c.runs.len() - idle;
    let title = "begun with a warning about the machine";
    part(title, doubtful, &c.rows_of_doubtful, &mut out);
    let section = out.sections.last_mut().expect("it has a head");
    for note in [
        "false winners: verdicts that name a side where there is none, or the wrong one; found: \
         verdicts that name the right one; covers: 95 % intervals that hold the truth; in brackets \
         the 95 % interval of the share, exact if the cells of a run were independent",
        "a tie is right at 1.000 and wrong elsewhere; open: inconclusive, which is never wrong",
    ] {
        section.quiet(note);
    }
    let all = c.rows.iter().chain(&c.rows_of_doubtful);
    let unjudged: usize = all.filter(is_total).map(|r| r.unjudged).sum();
    if unjudged > 0 {
        let note = format!("{unjudged} more controls had fewer than six pairs that count");
        section.caution(note);
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
        section.caution(dropped);
    }
    if c.refused > 0 {
        let times = format!(
            "the machine was refused {} times when a run was due",
            c.refused
        );
        section.caution(times);
    }
    if idle > 0 {
        let withheld = format!(
            "on an idle machine the controls of `quick` would have withheld the headline of {}",
            in_words(&c.withheld)
        );
        section.plain(withheld);
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
        share(MOST_FALSE_WINNERS),
        share(LEAST_FOUND)
    );
    section.paragraph(tone, promise);
    out
}

fn part(title: &str, runs: usize, rows: &[CalibrationRow], out: &mut Document) {
    if rows.is_empty() {
        return;
    }
    out.section(
        "calibration",
        format!("comparisons whose truth is known, {title}"),
    )
    .about(format!(
        "{runs} runs; a deployment against itself (1.000), and with a known share of extra work"
    ))
    .table(table(rows));
}

fn is_total(row: &&CalibrationRow) -> bool {
    row.agents.is_none()
}

fn table(rows: &[CalibrationRow]) -> Table {
    let titles = [
        "truth",
        "deployment",
        "agents",
        "cells",
        "false winners\n%",
        "found\n%",
        "tie",
        "open",
        "covers\n%",
    ];
    let row = |r: &CalibrationRow| {
        let percent = match is_total(&r) {
            true => percent_with_interval,
            false => percent,
        };
        [
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
    };
    Table::new(2, titles).rows(rows.iter().map(row))
}

/// `2.1`, and where there was nothing to count a dash.
fn percent(counted: &Share) -> String {
    match counted.of {
        0 => NOTHING.to_owned(),
        of => share(counted.count as f64 / of as f64),
    }
}

/// `2.1 [0.3, 7.3]`: only where many are counted, or every row would be mostly interval.
fn percent_with_interval(counted: &Share) -> String {
    match counted.of {
        0 => NOTHING.to_owned(),
        _ => format!(
            "{} [{}, {}]",
            percent(counted),
            share(counted.low),
            share(counted.high)
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
