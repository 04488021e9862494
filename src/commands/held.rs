//! What is a run held against: gates, claims, thresholds; and can it be?

use super::{CommandError, usage};
use forkscope::cli::Held;
use forkscope::experiment::plan::{self, PlannedCell, Request};
use forkscope::record::Purpose;
use forkscope::report;
use forkscope::verdict::{self, Check, Comparable, GateAnswer, GateState, claims_of, thresholds};

/// The claims and thresholds that were asked for, before anything is measured.
pub fn checks(held: &Held) -> Result<Vec<Check>, CommandError> {
    let claims = held.claims.as_deref().map(claims_of).transpose();
    let mut checks = claims.map_err(usage)?.unwrap_or_default();
    checks.extend(thresholds(held.thresholds.as_deref()).map_err(usage)?);
    Ok(checks)
}

/// Refuses gates about comparisons that are not among `cells`, those that there is time for.
pub fn check_gates(
    held: &Held,
    request: &Request,
    cells: &[PlannedCell],
) -> Result<(), CommandError> {
    if held.fail_if.is_empty() {
        return Ok(());
    }
    let all = plan::cells(request).map_err(usage)?;
    let comparable = |cells: &[PlannedCell]| -> Vec<Comparable> {
        let compared = cells.iter().filter(|c| c.purpose == Purpose::Compare);
        compared
            .map(|c| Comparable {
                workload: request.workloads[c.workload].source.name.clone(),
                agents: c.agents,
                baseline: c.baseline.form.to_string(),
                x: c.x.form.to_string(),
            })
            .collect()
    };
    verdict::check_gates(&held.fail_if, &comparable(cells), &comparable(&all)).map_err(usage)
}

/// Refuses all of it where there are only controls.
pub fn refuse(held: &Held) -> Result<(), CommandError> {
    let asked = [
        (!held.fail_if.is_empty(), "--fail-if"),
        (held.claims.is_some(), "--claims"),
        (held.thresholds.is_some(), "--thresholds"),
    ];
    match asked.into_iter().find(|(is_asked, _)| *is_asked) {
        None => Ok(()),
        Some((_, name)) => Err(usage(format!(
            "{name} is about comparisons, and a calibration has only controls; leave it out"
        ))),
    }
}

/// Says what became of gates on standard error; with `quiet` only of those that do not hold.
pub fn say(gates: &[GateAnswer], quiet: bool) {
    gates
        .iter()
        .filter(|g| !quiet || g.state != GateState::Holds)
        .for_each(|g| report::say(&g.sentence));
}
