//! What does a colleague see in a pull request?
//!
//! The answer stands first, as the record has it, with what speaks against it before; then the tables that it rests
//! on, what did not run, what warns, and how to run it again. The words are those of the terminal. What only some
//! readers ask for is folded; service times and single invocations stay in the record.

use std::io::{self, Write};

use super::layout::{Grid, Last, Page, Tone};
use super::terminal::{
    cells, checks, close, costs, delivery, formats, head, hops, latency, mark, mixes, probes,
    scale, scaling,
};
use super::{Report, Style, numbers};
use crate::record::Run;
use crate::record::checks::{CheckAnswer, CheckKind, CheckOutcome};
use crate::verdict::words;

/// Longer lists are folded.
const LONG_LIST: usize = 8;

/// The two native transports at one size; more of them are folded.
const MANY_SPLITS: usize = 2;

/// Markdown with tables, as GitHub and GitLab show it.
#[derive(Clone, Copy, Debug)]
pub struct Markdown;

impl Report for Markdown {
    fn write(&self, run: &Run, _style: &Style, out: &mut dyn Write) -> io::Result<()> {
        let mut page = Page::markdown();
        close::verdicts(run, &mut page);
        close::beside(run, &mut page);
        machine(run, &mut page);
        cells::brief(run, &mut page);
        probes::write(run, &mut page);
        scale::write(run, &mut page);
        mixes::write(run, &mut page);
        page.folded("what more agents make of op/s", |page| {
            scaling::write(run, page);
        });
        costs::memory(run, &mut page);
        page.folded("how long until all agents are ready", |page| {
            costs::setup(run, page);
        });
        costs::messages(run, &mut page);
        latency::write(run, &mut page);
        page.folded("messages by every transport", |page| {
            hops::levels(run, page)
        });
        let splits = hops::found(run).map_or(0, |h| h.splits.len());
        match splits > MANY_SPLITS {
            true => page.folded("why messages of each size cost what they cost", |page| {
                hops::split(run, page);
            }),
            false => hops::split(run, &mut page),
        }
        hops::ratios(run, &mut page);
        delivery::write(run, &mut page);
        page.folded("every body in every format", |page| {
            formats::write(run, page);
        });
        close::controls(run, &mut page);
        held(run, &mut page);
        list(
            "left out",
            "did not fit the budget",
            &run.plan.left_out,
            &mut page,
        );
        list("warnings", "", &run.warnings, &mut page);
        how(run, &mut page);
        out.write_all(page.finish().as_bytes())
    }
}

/// What it was measured on, in one line.
fn machine(run: &Run, page: &mut Page) {
    let facts = [head::machine(&run.machine), head::state(&run.machine)].concat();
    let line = format!("machine: {}", facts.join(" · "));
    page.paragraph(0, Tone::Plain, &line);
}

/// Claims and thresholds, held against the numbers.
fn held(run: &Run, page: &mut Page) {
    // As on the terminal: most thresholds are about what another run measures.
    let is_shown =
        |c: &&CheckAnswer| c.kind == CheckKind::Claim || c.outcome != CheckOutcome::NotMeasured;
    let checks: Vec<&CheckAnswer> = run.checks.iter().filter(is_shown).collect();
    if checks.is_empty() {
        return;
    }
    page.heading(
        &format!("claims and thresholds{}", mark(run)),
        "held against the numbers of this run",
    );
    page.grid(&Grid {
        left: 4,
        header: [
            "outcome",
            "kind",
            "name",
            "asked",
            "measured",
            "in a sentence",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: checks.into_iter().map(|c| check(run, c)).collect(),
        last: Last::Text(|_| Tone::Plain),
    });
}

fn check(run: &Run, check: &CheckAnswer) -> Vec<String> {
    let kind = match check.kind {
        CheckKind::Claim => "claim",
        CheckKind::Threshold => "threshold",
    };
    let measured = check.measured.as_ref().map_or_else(
        || numbers::NOTHING.to_owned(),
        |m| format!("{} {}", numbers::factor(m), check.unit),
    );
    vec![
        check.outcome.to_string(),
        kind.to_owned(),
        check.name.clone(),
        check.asked.clone(),
        measured,
        checks::sentence(run, check),
    ]
}

fn list(title: &str, about: &str, items: &[String], page: &mut Page) {
    if items.is_empty() {
        return;
    }
    page.heading(title, about);
    let lines = || items.iter().map(String::as_str);
    match items.len() > LONG_LIST {
        true => page.folded(&format!("{} of them", items.len()), |page| {
            page.items(lines())
        }),
        false => page.items(lines()),
    }
}

/// What it takes to run it again.
fn how(run: &Run, page: &mut Page) {
    page.heading("how it was run", "");
    page.typed("command", &run.command_line());
    let looks = head::looks(run);
    page.items(
        [
            format!("seed: {}", run.seed),
            format!("margin: {} %", head::percent(run.margin)),
            format!(
                "started: {}, took {}",
                run.started,
                words::duration(run.wall_s)
            ),
            format!(
                "versions: forkscope {}, method {}, schema of the record {}",
                run.forkscope_version, run.method_version, run.schema_version
            ),
        ]
        .iter()
        .chain(&looks)
        .map(String::as_str),
    );
}
