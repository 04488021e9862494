//! What does a message cost an agent?

use super::{NAME, PriceFinding};
use crate::document::{Document, Table, numbers};
use crate::record::{Cell, Run};
use crate::study::alike::within;
use crate::study::alike::{self, transport};

pub fn show(run: &Run, out: &mut Document) {
    let mut workloads: Vec<&str> = Vec::new();
    for cell in run.cells.iter().filter(|c| c.study == NAME) {
        if !workloads.contains(&cell.baseline.workload.as_str()) {
            workloads.push(&cell.baseline.workload);
        }
    }
    for workload in workloads {
        of_workload(run, workload, out);
    }
}

fn of_workload(run: &Run, workload: &str, out: &mut Document) {
    let found: PriceFinding = run.finding(NAME).unwrap_or_default();
    let own = found.prices.iter().filter(|p| p.workload == workload);
    let rows = own.map(|price| {
        [
            price.deployment.clone(),
            transport(&price.transport),
            price.agents.to_string(),
            numbers::count(price.ops_per_s),
            format!("{:.1}", price.messages_per_op),
            numbers::time(&price.overhead_per_message_ns),
            numbers::share(&price.share_of_op),
        ]
    });
    let rows: Vec<[String; 7]> = rows.collect();
    let is_priced = |c: &&Cell| c.study == NAME && c.baseline.workload == workload;
    let priced: Vec<&Cell> = run.cells.iter().filter(is_priced).collect();
    // Why pairs that were to price messages do not count.
    let notes = alike::dropped(priced.iter().copied());
    if rows.is_empty() && notes.is_empty() {
        return;
    }
    let section = out.section("prices", format!("messages in {workload}"));
    section.about(
        "CPU capacity per op with messages minus the same with replayed ones, waiting included",
    );
    if !rows.is_empty() {
        let titles = [
            "deployment",
            "transport, wait",
            "agents",
            "op/s",
            "per op",
            "one message",
            "share of it",
        ];
        section.table(Table::new(2, titles).rows(rows));
    }
    for said in &found.what_if {
        section.plain(said);
    }
    within::steadiness(&priced, section);
    section.cautions(notes);
}
