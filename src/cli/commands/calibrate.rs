//! `calibrate`: how often does this machine tell a thing from itself, and find what is there?

use super::empty_record::{claim_folder, empty_record, fill};
use super::measure::RESERVE_S;
use super::preflight::{
    Beginning, accept, begin, check_strictness, check_temporary_folder, look, reason_if_unfit,
    refusal, warnings_of,
};
use super::{CommandError, conditions, failed, print, usage};
use crate::cli::{Calibrate, Common};
use crate::deployment::Form;
use crate::experiment::coordinator;
use crate::experiment::host::Hosts;
use crate::experiment::machine;
use crate::experiment::plan::{self, Asked, Plan, carry};
use crate::observe::clock::OpClock;
use crate::record::Run;
use crate::record::calibration::Calibration;
use crate::report::json::Json;
use crate::report::{self, Report, Style, file, progress, terminal};
use crate::study::{self, Programme, calibrate};
use crate::transport::{self, Choice};
use crate::verdict::{Ending, exit_code};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A run is begun only if so many times the slowest one still fits.
const HEADROOM: f64 = 1.1;

/// Margin from which the smallest known effect, 20/21, counts as none.
const LARGEST_MARGIN: f64 = 0.05;

/// Folder of the runs, in that of the calibration.
const RUNS: &str = "runs";

/// How long a machine that is refused is left alone before it is looked at again.
const PAUSE: Duration = Duration::from_secs(3);

/// What it measures.
const STUDY: calibrate::Calibrate = calibrate::Calibrate;

/// `forkscope calibrate`.
pub fn calibrate(began: Instant, asked: &Calibrate) -> Result<u8, CommandError> {
    let common = &asked.common;
    check_strictness(common)?;
    conditions::refuse(&common.held)?;
    if common.margin >= LARGEST_MARGIN {
        return Err(usage(format!(
            "a margin of {:.1} % takes the smallest known effect (0.952) for nothing; give --margin 3%, or anything below 5%",
            common.margin * 100.0
        )));
    }
    let programme = Programme::of(&STUDY, &asked.workload).map_err(usage)?;
    check_temporary_folder().map_err(usage)?;
    let (folder, _claim) = claim_folder(common)?.unzip();
    let Beginning {
        is_interrupted,
        clock,
        machine,
        findings,
        busy,
        alone: _alone,
    } = begin(common)?;
    let mut request = Asked {
        workloads: programme.workloads,
        agents: asked.agents.0.clone(),
        has_own_agents: false,
        deployments: vec![Form::THREADS, Form::PROCESSES],
        cpus_effective: machine.cpus_effective,
        budget_s: asked.time.as_secs_f64() - RESERVE_S,
        most_pairs: asked.pairs,
        seed: common.seed,
        transport: transport::Asked::One(Choice::Native),
        look: None,
        asks_latency: false,
        depth: Default::default(),
        is_busy: busy.is_some(),
    };
    let plan = study::plan(&[&STUDY], &request, &machine).map_err(usage)?;
    carry::check(&request, &plan.cells, &machine).map_err(usage)?;
    let run_s = plan::needed_s(&plan.cells, request.most_pairs);
    check_room(&request, run_s, began)?;
    let Some(warnings) = accept(&findings, common) else {
        return Ok(exit_code(Ending::Unfit));
    };
    let empty = empty_record(&request, machine, busy, common, warnings);
    let mut calibration = calibrate::begun(&empty, asked.pairs);
    // Written before anything is measured: a folder that cannot be written to shows now. Runs of an
    // earlier calibration would look like this one's.
    save(&calibration, folder.as_deref())?;
    if let Some(folder) = &folder {
        remove_runs(&folder.join(RUNS)).map_err(failed)?;
    }

    let mut longest_s: f64 = run_s;
    while !is_interrupted.load(Relaxed)
        && began.elapsed().as_secs_f64() + HEADROOM * longest_s
            < asked.time.as_secs_f64() - RESERVE_S
    {
        let run_began = Instant::now();
        // As every run of its own does.
        let findings = machine::assess(&look(&clock, common, &is_interrupted));
        if refusal(&findings, common).is_some() {
            calibration.refused += 1;
            std::thread::sleep(PAUSE);
            continue;
        }
        request.is_busy = reason_if_unfit(&findings).is_some();
        request.seed = common.seed + calibration.runs.len() as u64;
        request.budget_s = asked.time.as_secs_f64() - RESERVE_S - began.elapsed().as_secs_f64();
        let run = one_run(
            (&request, &plan),
            &clock,
            empty.clone(),
            common,
            &is_interrupted,
            calibration.runs.len(),
        )?;
        if is_interrupted.load(Relaxed) {
            break;
        }
        if let Some(folder) = &folder {
            let name = format!("{:03}.json", calibration.runs.len() + 1);
            file::save(&folder.join(RUNS), &name, |out| {
                Json.write(&run, &Style::default(), out)
            })
            .map_err(failed)?;
        }
        calibrate::add(&mut calibration, &run, warnings_of(&findings));
        calibration.wall_s = began.elapsed().as_secs_f64();
        let number = calibration.runs.len();
        for warning in run.warnings {
            let warning = format!("run {number}: {warning}");
            if !common.quiet {
                report::say(&warning);
            }
            calibration.warnings.push(warning);
        }
        save(&calibration, folder.as_deref())?;
        let took_s = run_began.elapsed().as_secs_f64();
        longest_s = longest_s.max(took_s);
    }
    calibration.complete = !is_interrupted.load(Relaxed);
    if !calibration.complete && !common.quiet {
        report::say(format_args!(
            "interrupted: {} whole runs count, and the record says \"complete\": false",
            calibration.runs.len()
        ));
    }
    calibration.wall_s = began.elapsed().as_secs_f64();
    save(&calibration, folder.as_deref())?;
    print(|out| match &common.json {
        Some(_) => {
            serde_json::to_writer_pretty(&mut *out, &calibration)?;
            out.write_all(b"\n")
        }
        None => terminal::write(&calibrate::document(&calibration), &Style::of_stdout(), out),
    })?;
    if calibration.complete && calibration.runs.is_empty() {
        report::say(format_args!(
            "no run was measured: the machine was refused {} times; quiet it and run again",
            calibration.refused
        ));
        return Ok(exit_code(Ending::Unfit));
    }
    Ok(exit_code(if calibration.complete {
        Ending::Measured {
            is_withheld: calibrate::keeps_promise(&calibration.rows) != Some(true),
        }
    } else {
        Ending::Interrupted
    }))
}

/// Removes the runs of an earlier calibration; nothing else that may lie there.
fn remove_runs(folder: &Path) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    for entry in entries {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or("");
        let is_run = path.extension().is_some_and(|e| e == "json")
            && stem.len() == 3
            && stem.bytes().all(|b| b.is_ascii_digit());
        if is_run {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// One run of controls, concluded like any other.
fn one_run(
    (request, plan): (&Asked, &Plan),
    clock: &OpClock,
    mut run: Run,
    common: &Common,
    is_interrupted: &Arc<AtomicBool>,
    number: usize,
) -> Result<Run, CommandError> {
    let began = Instant::now();
    let mut hosts = Hosts::new(began, is_interrupted.clone(), request.seed);
    let mut view = progress::view(common.quiet);
    let measured = coordinator::run(
        request,
        plan,
        *clock,
        &mut hosts,
        &mut |progress| {
            let mut progress = progress.clone();
            progress.cell = format!("run {}, {}", number + 1, progress.cell);
            if common.verbose {
                report::say(&progress.cell);
            }
            view.pair_done(&progress);
        },
        &mut |_| {},
    );
    view.finish();
    run.seed = request.seed;
    fill(&mut run, &measured.map_err(usage)?, &[], began);
    Ok(run)
}

/// Refuses a time that does not hold a single run.
fn check_room(request: &Asked, run_s: f64, began: Instant) -> Result<(), CommandError> {
    let elapsed_s = began.elapsed().as_secs_f64();
    if request.budget_s - elapsed_s > HEADROOM * run_s {
        return Ok(());
    }
    Err(usage(format!(
        "a run of {} pairs takes about {run_s:.0} s, and one run says little; give --time 30m, or at least {:.0}s",
        request.most_pairs,
        (HEADROOM * run_s + elapsed_s + 2.0 * RESERVE_S).ceil()
    )))
}

/// Writes the record and the table, as a person would see it in a file.
fn save(calibration: &Calibration, folder: Option<&Path>) -> Result<(), CommandError> {
    let Some(folder) = folder else {
        return Ok(());
    };
    file::save(folder, "calibration.json", |out| {
        serde_json::to_writer_pretty(&mut *out, calibration)?;
        out.write_all(b"\n")
    })
    .and_then(|_| {
        file::save(folder, "table.txt", |out| {
            terminal::write(&calibrate::document(calibration), &Style::default(), out)
        })
    })
    .map(|_| ())
    .map_err(failed)
}
