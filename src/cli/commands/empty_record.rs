//! What does a record hold before anything was measured, where does it go, and how does it fill?

use super::{CommandError, failed, usage};
use crate::cli::Common;
use crate::experiment::coordinator::Measured;
use crate::experiment::plan::Asked;
use crate::observe::program;
use crate::record::{METHOD_VERSION, Machine, Priority, Run, SCHEMA_VERSION};
use crate::report::file::{self, Claim};
use crate::study::conclude;
use os_display::Quotable;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

/// Where the record goes, claimed for this run; `None` where none is written.
pub(super) fn claim_folder(common: &Common) -> Result<Option<(PathBuf, Claim)>, CommandError> {
    let claimed = match &common.out {
        Some(out) => file::claim(out).map(|claim| (out.clone(), claim)),
        None if common.json.is_some() => return Ok(None),
        None => file::claim_new(Path::new("reports"), &now().replace(':', "-")),
    };
    claimed.map(Some).map_err(|e| match e.kind() {
        std::io::ErrorKind::WouldBlock => usage(e),
        _ => failed(e),
    })
}

/// UTC, RFC 3339, to the second.
pub(super) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

pub(super) fn empty_record(
    request: &Asked,
    machine: Machine,
    busy: Option<String>,
    common: &Common,
    warnings: Vec<String>,
) -> Run {
    Run {
        schema_version: SCHEMA_VERSION,
        method_version: METHOD_VERSION,
        forkscope_version: env!("CARGO_PKG_VERSION").to_owned(),
        build_id: program::build_id().map(str::to_owned),
        command: std::env::args_os()
            .map(|a| a.maybe_quote().to_string())
            .collect::<Vec<_>>()
            .join(" "),
        settings: common.settings.clone(),
        started: now(),
        wall_s: 0.0,
        complete: false,
        incomplete_reason: Some("nothing has been measured yet".to_owned()),
        seed: request.seed,
        margin: common.margin,
        machine,
        busy,
        workloads: request.workloads.iter().map(|w| w.record.clone()).collect(),
        plan: Default::default(),
        cells: Vec::new(),
        answers: Vec::new(),
        decisions: Vec::new(),
        findings: Default::default(),
        checks: Vec::new(),
        priority: Priority::default(),
        warnings,
        withheld: None,
    }
}

pub(super) fn fill(record: &mut Run, measured: &Measured, warnings: &[String], began: Instant) {
    record.cells.clone_from(&measured.cells);
    record.plan.clone_from(&measured.plan);
    record.warnings = warnings.iter().chain(&measured.warnings).cloned().collect();
    record.complete = measured.incomplete_reason.is_none();
    record
        .incomplete_reason
        .clone_from(&measured.incomplete_reason);
    conclude(record, measured.digest_mismatch.as_deref());
    record.wall_s = began.elapsed().as_secs_f64();
}
