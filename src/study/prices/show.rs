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
    for said in found.what_if.get(workload).into_iter().flatten() {
        section.plain(said);
    }
    within::steadiness(&priced, section);
    section.cautions(notes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::empty_run;
    use crate::record::{Arm, Estimate};
    use crate::study::finding;
    use crate::study::prices::MessageAnswer;

    fn price(workload: &str) -> MessageAnswer {
        let estimate = Estimate {
            value: 0.5,
            low: 0.4,
            high: 0.6,
        };
        MessageAnswer {
            workload: workload.to_owned(),
            agents: 8,
            deployment: "processes".to_owned(),
            transport: "ipc".to_owned(),
            ops_per_s: 1e5,
            ops_per_s_level: None,
            messages_per_op: 2.0,
            overhead_per_message_ns: estimate,
            share_of_op: estimate,
        }
    }

    #[test]
    fn each_table_says_what_another_transport_would_make_of_its_own_workload() {
        let names = ["coordination", "relay"];
        let cell = |workload: &str| Cell {
            study: NAME.to_owned(),
            baseline: Arm {
                workload: workload.to_owned(),
                ..Arm::default()
            },
            ..Cell::default()
        };
        let said = |workload: &str| format!("a ring would do for {workload}");
        let found = PriceFinding {
            prices: names.map(price).to_vec(),
            what_if: names.map(|n| (n.to_owned(), vec![said(n)])).into(),
        };
        let mut run = empty_run();
        run.cells = names.map(cell).to_vec();
        run.findings
            .extend(finding(&found).map(|f| (NAME.to_owned(), f)));
        let mut out = Document::default();
        show(&run, &mut out);
        assert_eq!(out.sections.len(), 2);
        for (section, name) in out.sections.iter().zip(names) {
            let other = names.into_iter().find(|n| *n != name).expect("two");
            let shown = format!("{section:?}");
            assert!(shown.contains(&said(name)), "{shown}");
            assert!(!shown.contains(&said(other)), "{shown}");
        }
    }
}
