//! What does a record hold before anything was measured, where does it go, and how does it fill?

use super::{CommandError, failed, usage};
use forkscope::cli::Common;
use forkscope::experiment::coordinator::Measured;
use forkscope::experiment::plan::{PlannedWorkload, Request};
use forkscope::observe::program;
use forkscope::record::scaling::MapAnswer;
use forkscope::record::{METHOD_VERSION, Machine, Priority, Run, SCHEMA_VERSION, WorkloadRecord};
use forkscope::report::file::{self, Claim};
use forkscope::verdict::conclude;
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

/// A map without points.
pub(super) fn blank_map(request: &Request, agents: usize) -> MapAnswer {
    MapAnswer {
        workload: request.workloads[0].source.name.clone(),
        agents,
        baseline: request.deployments[0].to_string(),
        points: Vec::new(),
        best: String::new(),
        sentence: String::new(),
    }
}

pub(super) fn empty_record(
    request: &Request,
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
        workloads: request.workloads.iter().map(workload_record).collect(),
        plan: Default::default(),
        cells: Vec::new(),
        answers: Vec::new(),
        hops: None,
        delivery: None,
        formats: None,
        checks: Vec::new(),
        priority: Priority::default(),
        map: None,
        warnings,
        withheld: None,
    }
}

pub(super) fn workload_record(planned: &PlannedWorkload) -> WorkloadRecord {
    WorkloadRecord {
        name: planned.source.name.clone(),
        origin: planned.source.origin.clone(),
        toml: planned.source.text.clone(),
        episode_length: planned.episode_length,
        life_length: Some(planned.life_length).filter(|&l| l > planned.episode_length),
        digest_round: planned.digest_round(),
        kind: planned.kind,
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
