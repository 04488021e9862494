//! What does the record of a planned cell hold before it ran?

use super::plan::{Asked, NamedBy, PlannedCell, PlannedSide, Stands};
use crate::record::{Arm, Cell, Side, Verdict};
use crate::transport::{Choice, Wiring};
use crate::workload;

/// The empty record of a planned cell.
pub(super) fn record_of(cell: &PlannedCell, request: &Asked) -> Cell {
    Cell {
        study: cell.study.to_owned(),
        metric: cell.metric.id().to_owned(),
        role: cell.role,
        weight: cell.weight,
        agents: cell.agents,
        baseline: arm(cell, Side::Baseline, request),
        x: arm(cell, Side::X, request),
        cpus: cell.baseline.cpus,
        window_s: cell.window_s,
        verdict: Verdict::NotMeasured {
            reason: "not run yet".to_owned(),
        },
        ..Cell::default()
    }
}

fn arm(cell: &PlannedCell, which: Side, request: &Asked) -> Arm {
    let side = cell.side(which);
    let workload = &request.workloads[cell.workload_of(which)];
    // What is said of the baseline's workload holds for both.
    let transport = match request.workloads[cell.workload].talks {
        false => "none".to_owned(),
        true if side.tape => "tape".to_owned(),
        true if is_alone(side, cell.agents, request) => "call".to_owned(),
        true => transport_of(side, cell.agents, request, cell.workload),
    };
    let deployment = side.form.to_string();
    let is_native = Choice::Native.of(side.form.kind).name == transport;
    Arm {
        label: match cell.named_by {
            NamedBy::Deployment => deployment.clone(),
            NamedBy::Transport => transport.clone(),
            NamedBy::DeploymentAndTransport => format!("{deployment} {transport}"),
            NamedBy::Workload => workload.source.name.clone(),
        },
        workload: workload.source.name.clone(),
        stands: match cell.stands {
            Stands::Never => false,
            Stands::Always => true,
            Stands::WhereNative => side.cpus.is_free() && (is_native || transport == "none"),
        },
        deployment,
        transport,
    }
}

/// Whether all agents of a side live on one worker: their messages are calls.
fn is_alone(side: &PlannedSide, agents: usize, request: &Asked) -> bool {
    let placement = side.form.place(agents, request.cpus());
    agents > 1 && placement.workers() == 1
}

/// What a side's messages travel by.
fn transport_of(side: &PlannedSide, agents: usize, request: &Asked, workload: usize) -> String {
    let form = &side.form;
    let entry = side.transport.of(form.kind);
    let planned = &request.workloads[workload];
    if planned.is_link {
        return entry.name.to_owned();
    }
    let placement = form.place(agents, request.cpus());
    let wiring =
        workload::parse(&planned.source).map(|spec| Wiring::of(spec.as_ref(), agents, placement));
    wiring
        .map_or(entry, |wiring| entry.taken(&wiring))
        .name
        .to_owned()
}
