//! `quick` and `run`: from options to a record, a table and an exit code.

use super::{
    CommandError, color_choice, failed, formats, held, messages, print, probes, scale, spinning,
    usage,
};
use forkscope::agent;
use forkscope::cli::{AgentCounts, Common, RunArgs};
use forkscope::deployment::{Form, Kind};
use forkscope::experiment::causes;
use forkscope::experiment::coordinator::{self, Measured};
use forkscope::experiment::host::Hosts;
use forkscope::experiment::invocation::whole_cpus;
use forkscope::experiment::machine::{self, Finding, Level, LimitError, Needs};
use forkscope::experiment::plan::{
    self, MIN_PAIRS, PlanError, PlannedCell, PlannedWorkload, Question, Request,
};
use forkscope::experiment::stopping::Look;
use forkscope::observe::clock::OpClock;
use forkscope::record::scaling::MapAnswer;
use forkscope::record::{
    METHOD_VERSION, Machine, Priority, Run, SCHEMA_VERSION, WorkloadKind, WorkloadRecord,
};
use forkscope::report::file::claim;
use forkscope::report::terminal::gates as gate_sentences;
use forkscope::report::{self, Style, json, progress};
use forkscope::transport::{Asked, Choice, ROUNDS_UNDER_WAY, Shared, Wiring};
use forkscope::verdict::{
    BUSY_LABEL, Ending, conclude, exit_code, judge_checks, judge_gates, standings, worst,
};
use forkscope::workload::hop::ENDS;
use forkscope::workload::reference::Tape;
use forkscope::workload::{self, SpecSource};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

/// Wall time of `quick`, and of a `run` that is given none.
const QUICK: Duration = Duration::from_secs(120);

/// Agent counts of `quick`, and of a `run` that is given none.
const COUNTS: [usize; 6] = [1, 2, 4, 8, 16, 32];

/// Time at the end that no pair may use: verdicts, record and table.
pub(super) const RESERVE_S: f64 = 5.0;

/// Bytes of the temporary folder's name: a socket's has 108, of which ipc-channel needs some.
const LONGEST_TMPDIR: usize = 80;

/// How often the machine is looked at before it is refused as too busy.
const LOOKS: u32 = 4;

/// How long the machine is watched before a run.
const LOOK: Duration = Duration::from_secs(1);

/// Most pairs of a cell: beyond it an interval narrows too slowly to be worth the time.
const MOST_PAIRS: usize = 34;

/// `forkscope quick`.
pub fn quick(began: Instant, common: &Common) -> Result<u8, CommandError> {
    let planned = vec![
        open("exploration")?,
        open("coordination")?,
        messages::small()?,
    ];
    let task = Task {
        planned,
        question: Question::Compare,
        agents: None,
        deployments: &[Form::THREADS, Form::PROCESSES],
        transport: Asked::One(Choice::Native),
        asks_latency: false,
        looks: false,
        map_at: None,
        writes_all_formats: false,
        time: Some(QUICK),
    };
    measure(began, task, common)
}

/// `forkscope run`.
pub fn run(began: Instant, asked: &RunArgs) -> Result<u8, CommandError> {
    let RunArgs {
        agents,
        deployment,
        transport,
        ..
    } = asked;
    let (deployments, transport) = (deployment.as_slice(), *transport);
    let names = SpecSource::expand(&asked.workload);
    let (planned, question) = if formats::is_asked(&names) {
        formats::check(&names, agents.as_ref(), deployments, transport).map_err(usage)?;
        (formats::open_all()?, Question::Formats)
    } else {
        let planned = messages::open_named(&names)?;
        messages::check(&planned, agents.as_ref(), deployments, transport).map_err(usage)?;
        scale::check(&planned, transport).map_err(usage)?;
        (planned, Question::Compare)
    };
    let task = Task {
        planned,
        question,
        agents: agents.clone(),
        deployments,
        transport,
        asks_latency: asked.latency,
        looks: false,
        map_at: None,
        writes_all_formats: false,
        time: asked.time,
    };
    measure(began, task, &asked.common)
}

/// What shall be measured, as far as a person says so.
pub(super) struct Task<'a> {
    /// The workloads, read and checked.
    pub(super) planned: Vec<PlannedWorkload>,
    /// What is asked of them.
    pub(super) question: Question,
    /// Agent counts; left out: what suits the question.
    pub(super) agents: Option<AgentCounts>,
    /// Deployments, the baseline first.
    pub(super) deployments: &'a [Form],
    /// How messages travel.
    pub(super) transport: Asked,
    /// Whether latency is measured, too.
    pub(super) asks_latency: bool,
    /// Whether comparisons stop as soon as they have a verdict.
    pub(super) looks: bool,
    /// Agent count of a map of mixes.
    pub(super) map_at: Option<usize>,
    /// Whether the folder gets every format, or the record alone.
    pub(super) writes_all_formats: bool,
    /// Wall time; left out: what suits the question.
    pub(super) time: Option<Duration>,
}

/// What both have in common: from a plan's workloads to an exit code.
pub(super) fn measure(began: Instant, task: Task<'_>, common: &Common) -> Result<u8, CommandError> {
    let Task {
        planned,
        question,
        agents,
        deployments,
        transport,
        asks_latency,
        looks,
        map_at,
        writes_all_formats,
        time,
    } = task;
    for (i, w) in planned.iter().enumerate() {
        if planned[..i].iter().any(|v| v.source.name == w.source.name) {
            return Err(usage(format!("workload {} is named twice", w.source.name)));
        }
    }
    plan::comparison(deployments).map_err(usage)?;
    check_strictness(common)?;
    let checks = held::checks(&common.held)?;
    if deployments.iter().any(|d| d.kind == Kind::Processes) {
        check_temporary_folder(&std::env::temp_dir()).map_err(usage)?;
    }
    let Beginning {
        is_interrupted,
        clock,
        machine,
        findings,
        busy,
    } = begin(common)?;
    let has_only_hops = planned.iter().all(|w| w.hop.is_some());
    let is_about_scale =
        scale::is_relay(&planned) && agents.is_none() && deployments == plan::scale::DEDICATED;
    let is_of_formats = question == Question::Formats;
    let is_one_operation =
        |w: &PlannedWorkload| matches!(w.kind, WorkloadKind::Probe | WorkloadKind::Format);
    let has_only_probes = planned.iter().all(is_one_operation);
    let mut request = Request {
        workloads: planned,
        agents: match agents {
            Some(given) => given.0,
            None if is_of_formats => vec![plan::formats::AGENTS],
            None if has_only_hops => vec![ENDS],
            None if is_about_scale => plan::scale::COUNTS.to_vec(),
            None if transport == Asked::All => messages::COUNTS.to_vec(),
            None if has_only_probes => probes::counts(machine.cpus_effective),
            None => COUNTS.to_vec(),
        },
        deployments: deployments.to_vec(),
        cpus_effective: machine.cpus_effective,
        budget_s: 0.0,
        most_pairs: MOST_PAIRS,
        seed: common.seed,
        transport,
        look: looks.then_some((standings as Look, common.margin)),
        asks_latency: asks_latency || is_about_scale,
        question,
        is_busy: busy.is_some(),
    };
    let left_out = match is_about_scale {
        true => scale::ask(&mut request, &machine),
        false => Vec::new(),
    };
    let time = match time {
        Some(given) => given,
        None if is_about_scale
            || is_of_formats
            || has_only_probes
            || map_at.is_some()
            || has_only_hops
            || transport == Asked::All =>
        {
            probes::time(&request, RESERVE_S).map_err(usage)?
        }
        None => QUICK,
    };
    request.budget_s = time.as_secs_f64() - RESERVE_S;
    check_capacity(&request, &machine)?;
    // Counted before the room for pairs is: it takes some of it.
    let counted = is_of_formats.then(formats::facts).transpose()?;
    let cells = check_room(&request, time, began)?;
    held::check_gates(&common.held, &request, &cells)?;
    let Some(mut warnings) = accept(&findings, common) else {
        return Ok(exit_code(Ending::Unfit));
    };
    if !common.quiet {
        left_out.iter().for_each(report::say);
    }
    warnings.extend(left_out);
    let folder = folder(common);
    let mut record = empty_record(&request, machine, busy, common.margin, warnings);
    record.formats = counted;
    record.priority = common.priority;
    record.map = map_at.map(|agents| blank_map(&request, agents));
    let _claim = folder
        .as_deref()
        .map(claim)
        .transpose()
        .map_err(|e| in_use_or_failed(&e))?;
    // Written before anything is measured: a folder that cannot be written to shows now.
    if let Some(folder) = &folder {
        json::save(&record, folder).map_err(failed)?;
    }

    let mut hosts = Hosts::new(began, is_interrupted.clone(), common.seed);
    let mut view = progress::view(common.quiet);
    let warnings = record.warnings.clone();
    let measured = coordinator::run(
        &request,
        clock,
        &mut hosts,
        &mut |progress| {
            if common.verbose {
                let elapsed_s = began.elapsed().as_secs_f64();
                report::say(format_args!("{elapsed_s:6.1} s: {}", progress.cell));
            }
            view.pair_done(progress);
        },
        &mut |measured| {
            fill(&mut record, measured, &warnings, began);
            record.checks = judge_checks(&record, &checks);
            record.complete = false;
            record.incomplete_reason = Some("still running".to_owned());
            if let Some(folder) = &folder {
                // The run goes on: what cannot be written now may be at the end.
                let _ = json::save(&record, folder);
            }
        },
    );
    view.finish();
    let measured = measured.map_err(usage)?;
    fill(&mut record, &measured, &warnings, began);
    record.checks = judge_checks(&record, &checks);
    let gates = judge_gates(&record, &common.held.fail_if);
    if !common.quiet {
        record.warnings[warnings.len()..]
            .iter()
            .for_each(report::say);
    }
    let saved = folder
        .as_deref()
        .map(|f| json::save(&record, f))
        .transpose();
    let others = match (&folder, writes_all_formats) {
        (Some(folder), true) => report::save_all(&record, folder),
        _ => Ok(()),
    };
    let style = Style {
        record: saved.as_ref().ok().cloned().flatten(),
        ..Style::of_stdout()
    };
    let format = if common.json.is_some() {
        "json"
    } else {
        "terminal"
    };
    print(|out| {
        report::find(format)
            .expect("it is registered")
            .report
            .write(&record, &style, out)?;
        match common.json {
            Some(_) => Ok(()),
            None => gate_sentences::write(&gates, &style, out),
        }
    })?;
    if common.json.is_some() {
        held::say(&gates, common.quiet);
    }
    saved.map_err(|e| failed(format!("the run was measured, but not written: {e}")))?;
    others.map_err(|e| failed(format!("the run was measured and its record written, but not its reports: {e}; write them with `forkscope report`")))?;
    let has_pairs = record.cells.iter().any(|c| c.kept().next().is_some());
    if !has_pairs && !is_interrupted.load(Relaxed) {
        if record
            .cells
            .iter()
            .flat_map(|c| &c.pairs)
            .any(causes::is_disturbed)
        {
            report::say(
                "no pair counts: the machine disturbed every one of them; the warnings say how, and what to do",
            );
            return Ok(exit_code(Ending::Unfit));
        }
        return Err(failed("nothing could be measured; the warnings say why"));
    }
    if is_interrupted.load(Relaxed) && !common.quiet {
        let pairs: usize = record.cells.iter().map(|c| c.pairs.len()).sum();
        report::say(format_args!(
            "interrupted: the record holds the {pairs} pairs that were measured until then, and \"complete\": false"
        ));
    }
    let starved = causes::starved_by_machine(&record.cells).filter(|_| common.strict);
    Ok(exit_code(if is_interrupted.load(Relaxed) {
        Ending::Interrupted
    } else if let Some(cell) = starved {
        report::say(format_args!(
            "--strict: {} with {} agents, {} against {}, has {} of {MIN_PAIRS} pairs, because the machine disturbed the others; quiet it and run again, or give more time",
            cell.workload,
            cell.agents,
            cell.x,
            cell.baseline,
            cell.kept().count()
        ));
        Ending::Unfit
    } else if record.withheld.is_none() {
        Ending::Gated {
            worst: worst(&gates),
        }
    } else {
        Ending::Measured { is_withheld: true }
    }))
}

/// Refuses to be strict and lenient at once.
pub(super) fn check_strictness(common: &Common) -> Result<(), CommandError> {
    if common.strict && common.allow_busy {
        return Err(usage(
            "--strict refuses a machine with warnings, --allow-busy measures on any; give one of them (also as FORKSCOPE_STRICT and FORKSCOPE_ALLOW_BUSY)",
        ));
    }
    Ok(())
}

/// Says what speaks against the machine; gives the warnings of the record, or `None` where the machine
/// is refused.
pub(super) fn accept(findings: &[Finding], common: &Common) -> Option<Vec<String>> {
    let mut warnings = warnings_of(findings);
    if let Some(why) = refusal(findings, common) {
        warnings.iter().for_each(report::say);
        report::say(format_args!("nothing was measured: {why}"));
        return None;
    }
    if reason_if_unfit(findings).is_some() {
        warnings.push(format!(
            "measured all the same (--allow-busy): every verdict is labelled \"{BUSY_LABEL}\"; quiet the machine and run again before you rely on one"
        ));
    }
    if !common.quiet {
        warnings.iter().for_each(report::say);
    }
    Some(warnings)
}

/// What every measuring command has before it plans.
pub(super) struct Beginning {
    /// Set when somebody wants the command to end.
    pub(super) is_interrupted: Arc<AtomicBool>,
    /// The clock that times ops.
    pub(super) clock: OpClock,
    /// The machine as it was found.
    pub(super) machine: Machine,
    /// What speaks against it.
    pub(super) findings: Vec<Finding>,
    /// Why it is unfit, if it is.
    pub(super) busy: Option<String>,
}

/// Listens for interrupts, calibrates the clock, looks at the machine, and raises the limit of open files
/// once that was looked at.
pub(super) fn begin(common: &Common) -> Result<Beginning, CommandError> {
    anstream::ColorChoice::write_global(color_choice(common.color));
    let is_interrupted = on_interrupt()?;
    let clock = OpClock::calibrate();
    let machine = look(&clock, common, &is_interrupted);
    let findings = machine::assess(&machine);
    let busy = reason_if_unfit(&findings);
    let _ = machine::raise_nofile();
    Ok(Beginning {
        is_interrupted,
        clock,
        machine,
        findings,
        busy,
    })
}

/// Looks at the machine, more than once where it is refused: what was running a moment ago (a build,
/// most likely) may be about to end.
pub(super) fn look(clock: &OpClock, common: &Common, is_interrupted: &AtomicBool) -> Machine {
    let mut machine = machine::look_with(LOOK, clock);
    for _ in 1..LOOKS {
        let is_good_enough = refusal(&machine::assess(&machine), common).is_none();
        if is_good_enough || is_interrupted.load(Relaxed) {
            break;
        }
        machine = machine::look_with(LOOK, clock);
    }
    machine.vectors = Some(agent::vector_level().to_owned());
    machine
}

pub(super) fn open(name: &str) -> Result<PlannedWorkload, CommandError> {
    let source = SpecSource::open(name).map_err(usage)?;
    let spec = workload::read(&source).map_err(usage)?;
    Ok(PlannedWorkload::new(source, spec.as_ref()))
}

/// Worker processes connect through sockets that are made in the temporary folder.
pub(super) fn check_temporary_folder(folder: &Path) -> Result<(), String> {
    let shown = folder.display();
    if folder.as_os_str().len() > LONGEST_TMPDIR {
        return Err(format!(
            "the temporary folder {shown} is too long for the name of a socket; set TMPDIR to one of at most {LONGEST_TMPDIR} bytes"
        ));
    }
    let probe = folder.join(format!(".forkscope-{}", std::process::id()));
    std::fs::create_dir(&probe)
        .and_then(|()| std::fs::remove_dir(&probe))
        .map_err(|e| format!("the temporary folder {shown} cannot be written to ({e}); set TMPDIR to one that can"))
}

/// A flag that SIGINT, SIGTERM and SIGHUP set.
fn on_interrupt() -> Result<Arc<AtomicBool>, CommandError> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = flag.clone();
    ctrlc::set_handler(move || seen.store(true, Relaxed)).map_err(failed)?;
    Ok(flag)
}

/// Refuses what the machine cannot start, before anything is started.
pub(super) fn check_capacity(request: &Request, machine: &Machine) -> Result<(), CommandError> {
    for (agents, form) in plan::placed(request) {
        spinning::check(request, agents, form).map_err(usage)?;
        carries(request, machine, agents, form).map_err(usage)?;
    }
    Ok(())
}

/// Whether the machine can start so many agents under a deployment.
pub(super) fn carries(
    request: &Request,
    machine: &Machine,
    agents: usize,
    form: Form,
) -> Result<(), LimitError> {
    let placement = form.place(agents, whole_cpus(request.cpus_effective));
    let processes = placement.processes as u64;
    let threads = (placement.workers() - placement.processes) as u64;
    let specs: Vec<_> = request
        .workloads
        .iter()
        .filter_map(|w| Some((w, workload::parse(&w.source).ok()?)))
        .collect();
    let of_an_agent = specs
        .iter()
        .map(|(_, spec)| spec.descriptors_per_agent())
        .max();
    let together = agents.div_ceil(placement.processes.max(1)) * of_an_agent.unwrap_or(0);
    // The host makes the streams of all workers before the first of them starts.
    let (mut streams, mut message_bytes) = (0, 0);
    for (planned, spec) in &specs {
        if spec.hop().is_some() {
            continue;
        }
        let wiring = Wiring {
            placement,
            topology: Arc::new(spec.topology(agents)),
            message_bytes: spec.message_bytes(),
            under_way: ROUNDS_UNDER_WAY,
        };
        for entry in plan::carriers(request, form, agents) {
            streams = streams.max(Shared::descriptors_needed(entry, &wiring));
            message_bytes = message_bytes.max(Shared::bytes_needed(entry, &wiring));
        }
        if plan::is_taped(request, planned, agents) {
            let own = (0..placement.processes.max(1)).map(|p| placement.agents_of_process(p));
            let tapes = Tape::bytes_of_all(spec.as_ref(), &wiring.topology, own);
            message_bytes = message_bytes.max(tapes);
        }
    }
    // While it connects: two for its socket, two ends of the control channel, a mailbox.
    let to_connect = 5 * processes + streams as u64;
    // Two hosts live at a time: those of a pair, which may be of the same deployment.
    let needs = Needs {
        agents,
        processes: 2 * (processes + 1),
        threads: 2 * threads,
        // And room.
        descriptors_in_one_process: to_connect.max(together as u64) + 32,
        // Rings are no files of /dev/shm, whose size does not limit them: they are memory.
        shm_bytes: 0,
        memory_bytes: (processes << 20)
            .saturating_add((agents as u64) << 18)
            .saturating_add(message_bytes)
            .saturating_mul(2),
        message_bytes: message_bytes.saturating_mul(2),
    };
    machine::check_capacity(&needs, machine)
}

/// Refuses a time that is too short, before anything is started or written.
/// Gives the cells that fit.
fn check_room(
    request: &Request,
    time: Duration,
    began: Instant,
) -> Result<Vec<PlannedCell>, CommandError> {
    let mut cells = plan::cells(request).map_err(usage)?;
    let room_s = request.budget_s - began.elapsed().as_secs_f64();
    let Err(error) = plan::fit(&mut cells, &request.workloads, MIN_PAIRS, room_s) else {
        return Ok(cells);
    };
    Err(usage(match error {
        PlanError::NoRoom {
            cells, needed_s, ..
        } => {
            let time_s = time.as_secs_f64();
            // What is no room for pairs has to be given, too; and a second, because that varies.
            PlanError::NoRoom {
                budget_s: time_s,
                cells,
                needed_s: (needed_s + time_s - room_s + 1.0).ceil(),
            }
        }
        other => other,
    }))
}

/// Why a run with these findings is refused, with what would be measured all the same.
pub(super) fn refusal(findings: &[Finding], common: &Common) -> Option<&'static str> {
    let worst = findings.iter().map(|f| f.level).max()?;
    match worst {
        Level::Refuse if !common.allow_busy => Some(
            "numbers of this machine, as busy as it is, would mislead; --allow-busy measures all the same",
        ),
        Level::Warn if common.strict => Some(
            "--strict takes warnings about the machine for errors; without --strict this machine is measured",
        ),
        _ => None,
    }
}

/// Why the machine is unfit, if it is.
pub(super) fn reason_if_unfit(findings: &[Finding]) -> Option<String> {
    let reasons: Vec<&str> = findings
        .iter()
        .filter(|f| f.level == Level::Refuse)
        .map(|f| f.message.as_str())
        .collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// What speaks against the machine.
pub(super) fn warnings_of(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .filter(|f| f.level > Level::Note)
        .map(ToString::to_string)
        .collect()
}

/// Where the record goes.
pub(super) fn folder(common: &Common) -> Option<PathBuf> {
    if common.out.is_some() || common.json.is_some() {
        return common.out.clone();
    }
    let name = now().replace(':', "-");
    let free = |n: u32| {
        let suffix = if n == 1 {
            String::new()
        } else {
            format!("-{n}")
        };
        Path::new("reports").join(format!("{name}{suffix}"))
    };
    (1..).map(free).find(|p| !p.exists())
}

/// What becomes of a command whose folder could not be claimed.
pub(super) fn in_use_or_failed(error: &std::io::Error) -> CommandError {
    match error.kind() {
        std::io::ErrorKind::WouldBlock => usage(error),
        _ => failed(error),
    }
}

/// UTC, RFC 3339, to the second.
pub(super) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// A map without points.
fn blank_map(request: &Request, agents: usize) -> MapAnswer {
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
    margin: f64,
    warnings: Vec<String>,
) -> Run {
    Run {
        schema_version: SCHEMA_VERSION,
        method_version: METHOD_VERSION,
        forkscope_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: std::env::args_os()
            .map(|a| a.to_string_lossy().into_owned())
            .collect::<Vec<_>>()
            .join(" "),
        started: now(),
        wall_s: 0.0,
        complete: false,
        incomplete_reason: Some("nothing has been measured yet".to_owned()),
        seed: request.seed,
        margin,
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

#[cfg(test)]
mod tests;
