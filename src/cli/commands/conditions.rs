//! What is a run held against: gates, claims, thresholds; and can it be?

use super::{CommandError, usage};
use crate::cli::Held;
use crate::experiment::plan::{Asked, PlannedCell};
use crate::report;
use crate::study;
use crate::verdict::{self, Check, Comparable, GateAnswer, GateState, claims_of, thresholds};

/// The claims and thresholds that were asked for, before anything is measured.
pub fn checks(held: &Held) -> Result<Vec<Check>, CommandError> {
    let claims = held
        .claims
        .as_deref()
        .map(|path| claims_of(path, &study::quantities()))
        .transpose();
    let mut checks = claims.map_err(usage)?.unwrap_or_default();
    checks.extend(thresholds(held.thresholds.as_deref(), &study::quantities()).map_err(usage)?);
    Ok(checks)
}

/// Refuses gates about comparisons that are not among `cells`, those of `all` that there is time for.
pub fn check_gates(
    held: &Held,
    request: &Asked,
    all: &[PlannedCell],
    cells: &[PlannedCell],
) -> Result<(), CommandError> {
    if held.fail_if.is_empty() {
        return Ok(());
    }
    let comparable = |cells: &[PlannedCell]| -> Vec<Comparable> {
        let compared = cells.iter().filter(|c| c.is_comparison());
        compared
            .map(|c| Comparable {
                workload: request.workloads[c.workload].source.name.clone(),
                agents: c.agents,
                baseline: c.baseline.form.to_string(),
                x: c.x.form.to_string(),
            })
            .collect()
    };
    verdict::check_gates(&held.fail_if, &comparable(cells), &comparable(all)).map_err(usage)
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
