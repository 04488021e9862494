//! What does the record of a planned cell hold before it ran?

use super::invocation::whole_cpus;
use super::plan::{PlannedCell, PlannedSide, Request};
use crate::record::{Cell, Verdict};
use crate::transport::Means;
use crate::transport::ipc::fits_buffer;
use crate::workload;

/// The empty record of a planned cell.
pub(super) fn record_of(cell: &PlannedCell, request: &Request) -> Cell {
    let talks = request.workloads[cell.workload].talks;
    let transport = |side: &PlannedSide| {
        if !talks {
            "none".to_owned()
        } else if side.tape {
            "tape".to_owned()
        } else if is_alone(side, cell.agents, request) {
            "call".to_owned()
        } else {
            transport_of(side, cell.agents, request, cell.workload)
        }
    };
    Cell {
        workload: request.workloads[cell.workload].source.name.clone(),
        x_workload: (cell.x_workload != cell.workload)
            .then(|| request.workloads[cell.x_workload].source.name.clone()),
        agents: cell.agents,
        baseline: cell.baseline.form.to_string(),
        x: cell.x.form.to_string(),
        baseline_transport: transport(&cell.baseline),
        x_transport: transport(&cell.x),
        purpose: cell.purpose,
        cpus: cell.baseline.cpus,
        planned_per_s: None,
        window_s: cell.window_s,
        digest: None,
        pairs: Vec::new(),
        baseline_steadiness: None,
        x_steadiness: None,
        effect: None,
        verdict: Verdict::NotMeasured {
            reason: "not run yet".to_owned(),
        },
    }
}

/// Whether all agents of a side live on one worker: their messages are calls.
fn is_alone(side: &PlannedSide, agents: usize, request: &Request) -> bool {
    let placement = side.form.place(agents, whole_cpus(request.cpus_effective));
    agents > 1 && placement.workers() == 1
}

/// What a side's messages travel by.
fn transport_of(side: &PlannedSide, agents: usize, request: &Request, workload: usize) -> String {
    let form = &side.form;
    let entry = side.transport.of(form.kind.home());
    let is_pumped = || {
        let source = &request.workloads[workload].source;
        let placement = form.place(agents, whole_cpus(request.cpus_effective));
        workload::parse(source).is_ok_and(|spec| {
            let (topology, bytes) = (spec.topology(agents), spec.message_bytes());
            let fits = |p| fits_buffer(p, &placement, &topology, bytes);
            spec.hop().is_none()
                && (placement.threads_each() > 1 || !(0..placement.processes()).all(fits))
        })
    };
    match entry.means {
        Means::Ipc(_) if is_pumped() => entry.pumped().name.to_owned(),
        _ => entry.name.to_owned(),
    }
}
