//! What do memory, setup and messages cost?

use super::{cells, mark, transport, within};
use crate::record::{Answer, Cell, MemoryFit, Run, SetupAnswer};
use crate::report::layout::{Grid, Last, Page, Tone};
use crate::report::numbers;
use crate::study::prices::{self, PriceFinding};

pub fn write(run: &Run, page: &mut Page) {
    memory(run, page);
    setup(run, page);
    messages(run, page);
}

pub fn memory(run: &Run, page: &mut Page) {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for answer in &run.answers {
        let sides = [
            (&answer.baseline, &answer.baseline_memory),
            (&answer.x, &answer.x_memory),
        ];
        for (deployment, fit) in sides {
            let row = memory_row(answer, deployment, fit.as_ref());
            // The baseline comes with every answer of its workload.
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
    }
    if run.answers.is_empty() {
        return;
    }
    page.heading(
        &format!("memory{}", mark(run)),
        "PSS + page tables + kernel stacks, fitted over the agent counts",
    );
    page.grid(&Grid {
        left: 2,
        header: [
            "workload",
            "deployment",
            "per agent",
            "live heap\nper agent",
            "fixed cost",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows,
        last: Last::Numbers,
    });
    let is_open = |a: &Answer| a.baseline_memory.is_none() || a.x_memory.is_none();
    if run.answers.iter().any(is_open) {
        let why = format!(
            "{}: a line needs three rounds in which every agent count was measured",
            numbers::NOTHING
        );
        page.paragraph(2, Tone::Caution, &why);
    }
}

fn memory_row(answer: &Answer, deployment: &str, fit: Option<&MemoryFit>) -> Vec<String> {
    let number = |of: fn(&MemoryFit) -> String| fit.map_or_else(|| numbers::NOTHING.to_owned(), of);
    vec![
        answer.workload.clone(),
        deployment.to_owned(),
        number(|f| numbers::bytes(&f.per_agent_bytes)),
        number(|f| numbers::bytes(&f.live_heap_per_agent_bytes)),
        number(|f| numbers::bytes(&f.fixed_bytes)),
    ]
}

pub fn setup(run: &Run, page: &mut Page) {
    let answers: Vec<&Answer> = run.answers.iter().filter(|a| !a.setup.is_empty()).collect();
    let mut sides: Vec<(&str, &str)> = Vec::new();
    for answer in &answers {
        let pair = (answer.baseline.as_str(), answer.x.as_str());
        if !sides.contains(&pair) {
            sides.push(pair);
        }
    }
    for (baseline, x) in sides {
        let rows = answers
            .iter()
            .filter(|a| (a.baseline.as_str(), a.x.as_str()) == (baseline, x))
            .flat_map(|a| a.setup.iter().map(move |s| setup_row(a, s)))
            .collect();
        page.heading(
            &format!("setup{}", mark(run)),
            "first spawn call until all agents are ready, median; not part of op/s",
        );
        page.grid(&Grid {
            left: 1,
            header: ["workload", "agents", baseline, x, "break-even"]
                .map(str::to_owned)
                .to_vec(),
            rows,
            last: Last::Text(|_| Tone::Plain),
        });
    }
}

fn setup_row(answer: &Answer, setup: &SetupAnswer) -> Vec<String> {
    vec![
        answer.workload.clone(),
        setup.agents.to_string(),
        numbers::seconds(setup.baseline_s),
        numbers::seconds(setup.x_s),
        break_even(answer, setup),
    ]
}

/// Who has caught up when; nothing where the one that starts sooner stays ahead, or who is faster
/// is not settled.
fn break_even(answer: &Answer, setup: &SetupAnswer) -> String {
    let Some(lifetime_s) = setup.break_even_s else {
        return numbers::NOTHING.to_owned();
    };
    let slower = match setup.x_s > setup.baseline_s {
        true => &answer.x,
        false => &answer.baseline,
    };
    let ops = setup.break_even_ops.map_or(String::new(), |n| {
        format!(" ({} ops)", numbers::count(n.ceil()))
    });
    format!(
        "{slower} have caught up after {}{ops}",
        numbers::seconds(lifetime_s)
    )
}

pub fn messages(run: &Run, page: &mut Page) {
    let mut workloads: Vec<&str> = Vec::new();
    for cell in run.cells.iter().filter(|c| c.study == prices::NAME) {
        if !workloads.contains(&cell.baseline.workload.as_str()) {
            workloads.push(&cell.baseline.workload);
        }
    }
    for workload in workloads {
        messages_of(run, workload, page);
    }
}

fn messages_of(run: &Run, workload: &str, page: &mut Page) {
    let found: PriceFinding = run.finding(prices::NAME).unwrap_or_default();
    let mut rows: Vec<Vec<String>> = Vec::new();
    for price in found.prices.iter().filter(|p| p.workload == workload) {
        let row = vec![
            price.deployment.clone(),
            transport(&price.transport),
            price.agents.to_string(),
            numbers::count(price.ops_per_s),
            format!("{:.1}", price.messages_per_op),
            numbers::time(&price.overhead_per_message_ns),
            numbers::share(&price.share_of_op),
        ];
        rows.push(row);
    }
    let priced: Vec<&Cell> = run
        .cells
        .iter()
        .filter(|c| c.study == prices::NAME && c.baseline.workload == workload)
        .collect();
    // Why pairs that were to price messages do not count.
    let notes = cells::dropped(priced.iter().copied());
    if rows.is_empty() && notes.is_empty() {
        return;
    }
    page.heading(
        &format!("messages in {workload}{}", mark(run)),
        "CPU capacity per op with messages minus the same with replayed ones, waiting included",
    );
    if !rows.is_empty() {
        page.grid(&Grid {
            left: 2,
            header: [
                "deployment",
                "transport, wait",
                "agents",
                "op/s",
                "per op",
                "one message",
                "share of it",
            ]
            .map(str::to_owned)
            .to_vec(),
            rows,
            last: Last::Numbers,
        });
    }
    for said in &found.what_if {
        page.paragraph(2, Tone::Plain, said);
    }
    within::steadiness(&priced, page);
    for note in notes {
        page.paragraph(2, Tone::Caution, &note);
    }
}
