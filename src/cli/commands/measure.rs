//! `quick` and `run`: from options to a record, a table and an exit code.

use super::empty_record::{claim_folder, empty_record, fill};
use super::preflight::{Beginning, accept, begin, check_strictness, check_temporary_folder};
use super::{CommandError, conditions, failed, print, usage};
use crate::cli::{AgentCounts, Common, RunArgs};
use crate::deployment::{Form, Kind, pinning, whole_cpus};
use crate::experiment::causes;
use crate::experiment::coordinator::{self, Measured};
use crate::experiment::host::Hosts;
use crate::experiment::plan::{self, Asked, Depth, Plan, PlanError, PlannedCell, carry};
use crate::experiment::stopping::Look;
use crate::observe::clock::OpClock;
use crate::observe::memory;
use crate::record::Run;
use crate::report::file::{Claim, keep_earlier};
use crate::report::{self, Style, gates as gates_report, json, progress, terminal};
use crate::stats::MIN_PAIRS;
use crate::study::{self, Programme, Words};
use crate::transport::{self, Choice};
use crate::verdict::{
    Check, Ending, GateAnswer, exit_code, judge_checks, judge_gates, standings, worst,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Wall time of `quick`, and of a `run` that is given none.
const QUICK: Duration = Duration::from_secs(120);

/// Agent counts of `quick`, and of a `run` that is given none.
const COUNTS: [usize; 6] = [1, 2, 4, 8, 16, 32];

/// Time at the end that no pair may use: verdicts, record and table.
pub(super) const RESERVE_S: f64 = 5.0;

/// Most pairs of a cell: beyond it an interval narrows too slowly to be worth the time.
const MOST_PAIRS: usize = 34;

/// Agent counts at which every transport is tried, where none are given.
const COUNTS_OF_TRANSPORTS: [usize; 2] = [8, 32];

/// How much more time there is than six pairs of every cell are thought to take, where a run takes as long as it needs:
/// what is left over goes into more pairs.
const HEADROOM: f64 = 1.3;

/// Looking at the machine before the first pair, seconds.
const LOOK_S: f64 = 4.0;

/// `forkscope quick`.
pub fn quick(began: Instant, common: &Common) -> Result<u8, CommandError> {
    let task = Task {
        deployments: vec![Form::THREADS, Form::PROCESSES],
        time: Some(QUICK),
        ..Task::new(Programme::of_depth(Depth::Answer).map_err(usage)?)
    };
    measure(began, task, common)
}

/// `forkscope full`.
pub fn full(began: Instant, budget: Duration, common: &Common) -> Result<u8, CommandError> {
    let programme = Programme::of_depth(Depth::Report).map_err(usage)?;
    let task = Task {
        depth: Depth::Report,
        deployments: programme.deployments(None, whole_cpus(pinning::effective())),
        asks_latency: true,
        looks: true,
        time: Some(budget),
        ..Task::new(programme)
    };
    measure(began, task, common)
}

/// `forkscope run`.
pub fn run(began: Instant, asked: &RunArgs) -> Result<u8, CommandError> {
    refuse_commas(&asked.workload)?;
    let programme = Programme::named(&asked.workload).map_err(usage)?;
    let agents = asked.agents.as_ref().map(|a| a.0.as_slice());
    programme
        .check(agents, &asked.deployment, asked.transport)
        .map_err(usage)?;
    let task = Task {
        agents: asked.agents.clone(),
        deployments: asked.deployment.clone(),
        transport: asked.transport,
        asks_latency: asked.latency,
        time: asked.time,
        ..Task::new(programme)
    };
    measure(began, task, &asked.common)
}

/// The command of a study that has one: its own deployments at one agent count, for as long as it takes.
pub fn of_study(
    began: Instant,
    study: &str,
    workload: &str,
    agents: usize,
    time: Option<Duration>,
    common: &Common,
) -> Result<u8, CommandError> {
    let study = study::named(study);
    let programme = Programme::of(study, workload).map_err(usage)?;
    let deployments = programme.deployments(Some(agents), whole_cpus(pinning::effective()));
    let words = Words {
        workloads: &programme.workloads,
        agents: Some(&[agents]),
        deployments: &deployments,
        transport: transport::Asked::One(Choice::Native),
    };
    study.refuse(&words).map_err(usage)?;
    let task = Task {
        agents: Some(AgentCounts(vec![agents])),
        deployments,
        takes_its_time: true,
        time,
        ..Task::new(programme)
    };
    measure(began, task, common)
}

/// Refuses the parts of a file's name that has commas, which separate workloads.
fn refuse_commas(workloads: &[String]) -> Result<(), CommandError> {
    for from in 0..workloads.len() {
        for to in from + 2..=workloads.len() {
            let joined = workloads[from..to].join(",");
            if Path::new(&joined).is_file() {
                return Err(usage(format!(
                    "{joined}: a comma separates workloads; rename the file"
                )));
            }
        }
    }
    Ok(())
}

/// What shall be measured, as far as a person says so.
pub(super) struct Task {
    /// Studies and workloads.
    pub(super) programme: Programme,
    /// How much is asked beside the comparisons.
    pub(super) depth: Depth,
    /// Agent counts; left out: what suits the studies.
    pub(super) agents: Option<AgentCounts>,
    /// Deployments, the baseline first.
    pub(super) deployments: Vec<Form>,
    /// How messages travel.
    pub(super) transport: transport::Asked,
    /// Whether latency is measured, too.
    pub(super) asks_latency: bool,
    /// Whether comparisons stop as soon as they have a verdict.
    pub(super) looks: bool,
    /// Whether a run that is given no time takes as long as its plan needs.
    pub(super) takes_its_time: bool,
    /// Wall time; left out: what suits the studies.
    pub(super) time: Option<Duration>,
}

impl Task {
    /// A programme with what most runs ask of it.
    pub(super) fn new(programme: Programme) -> Task {
        Task {
            programme,
            depth: Depth::Answer,
            agents: None,
            deployments: Vec::new(),
            transport: transport::Asked::One(Choice::Native),
            asks_latency: false,
            looks: false,
            takes_its_time: false,
            time: None,
        }
    }
}

/// What both have in common: from a plan's workloads to an exit code.
pub(super) fn measure(began: Instant, task: Task, common: &Common) -> Result<u8, CommandError> {
    check_words(&task, common)?;
    let checks = conditions::checks(&common.held)?;
    let writes_all_formats = task.depth == Depth::Report;
    // Before the machine is looked at, which takes its time.
    let (folder, claim) = claim_folder(common)?.unzip();
    let mut beginning = begin(common)?;
    let _alone = beginning.alone.take();
    let is_interrupted = beginning.is_interrupted.clone();
    let prepared = match prepare(began, task, common, beginning)? {
        Some(prepared) => prepared,
        None => return Ok(exit_code(Ending::Unfit)),
    };
    let sink = Sink {
        _claim: claim,
        folder,
        checks,
        began,
    };
    let record = run_pairs(prepared, &sink, common, &is_interrupted)?;
    let gates = judge_gates(&record, &common.held.fail_if);
    present(&record, &gates, &sink, common, writes_all_formats)?;
    ending(&record, &gates, common, is_interrupted.load(Relaxed)).map(exit_code)
}

/// Refuses what makes no sense on any machine, before this one is looked at.
fn check_words(task: &Task, common: &Common) -> Result<(), CommandError> {
    plan::comparison(&task.deployments).map_err(usage)?;
    check_strictness(common)?;
    if task.deployments.iter().any(|d| d.kind == Kind::Processes) {
        check_temporary_folder().map_err(usage)?;
    }
    Ok(())
}

/// A run that may begin.
struct Prepared {
    request: Asked,
    plan: Plan,
    clock: OpClock,
    /// Without pairs yet.
    record: Run,
}

/// From what a person asked for to what is measured on this machine; `None` where the machine is refused, which was
/// said then.
fn prepare(
    began: Instant,
    task: Task,
    common: &Common,
    beginning: Beginning,
) -> Result<Option<Prepared>, CommandError> {
    let Beginning {
        clock,
        machine,
        findings,
        busy,
        ..
    } = beginning;
    let Programme { studies, .. } = &task.programme;
    let cpus = whole_cpus(machine.cpus_effective);
    let wish = match task.agents {
        Some(_) => None,
        None => task.programme.agents(cpus),
    };
    let is_of_transports = task.transport == transport::Asked::All;
    let takes_its_time =
        (wish.is_some() || is_of_transports || task.takes_its_time) && task.time.is_none();
    let has_own_agents = wish.is_some();
    // Counted before the room for pairs is: it takes some of it.
    let counted = task.programme.count().map_err(failed)?;
    let asks_latency = task.asks_latency || (has_own_agents && task.programme.asks_latency());
    let studies = studies.clone();
    let mut request = Asked {
        workloads: task.programme.workloads,
        agents: match (task.agents, wish) {
            (Some(given), _) => given.0,
            (None, Some(wish)) => wish,
            (None, None) if is_of_transports => COUNTS_OF_TRANSPORTS.to_vec(),
            (None, None) => COUNTS.to_vec(),
        },
        has_own_agents,
        deployments: task.deployments,
        cpus_effective: machine.cpus_effective,
        budget_s: 0.0,
        most_pairs: MOST_PAIRS,
        seed: common.seed,
        transport: task.transport,
        look: task.looks.then_some((standings as Look, common.margin)),
        asks_latency,
        depth: task.depth,
        is_busy: busy.is_some(),
    };
    let time = match task.time {
        Some(given) => given,
        None if takes_its_time => time_needed(&studies, &request, &machine)?,
        None => QUICK,
    };
    request.budget_s = time.as_secs_f64() - RESERVE_S;
    let plan = study::plan(&studies, &request, &machine).map_err(usage)?;
    carry::check(&request, &plan.cells, &machine).map_err(usage)?;
    let cells = check_room(&request, &plan, time, began)?;
    conditions::check_gates(&common.held, &request, &plan.cells, &cells)?;
    let Some(mut warnings) = accept(&findings, common) else {
        return Ok(None);
    };
    let mut left_out = plan.left_out.clone();
    left_out.extend(memory::unknown());
    if !common.quiet {
        left_out.iter().for_each(report::say);
    }
    warnings.extend(left_out);
    let mut record = empty_record(&request, machine, busy, common, warnings);
    record.findings = counted;
    record.priority = common.priority;
    Ok(Some(Prepared {
        request,
        plan,
        clock,
        record,
    }))
}

/// Time in which every cell has its pairs, in whole half minutes.
fn time_needed(
    studies: &[&'static dyn study::Study],
    request: &Asked,
    machine: &crate::record::Machine,
) -> Result<Duration, CommandError> {
    let plan = study::plan(studies, request, machine).map_err(usage)?;
    let pairs_s = plan::needed_s(&plan.cells, MIN_PAIRS);
    let half_minutes = ((HEADROOM * pairs_s + LOOK_S + RESERVE_S) / 30.0).ceil();
    Ok(Duration::from_secs(30 * half_minutes as u64))
}

/// Refuses a time that is too short, before anything is started or written.
/// Gives the cells that fit.
fn check_room(
    request: &Asked,
    plan: &Plan,
    time: Duration,
    began: Instant,
) -> Result<Vec<PlannedCell>, CommandError> {
    let mut cells = plan.cells.clone();
    let room_s = request.budget_s - began.elapsed().as_secs_f64();
    let Err(error) = plan::fit(&mut cells, MIN_PAIRS, room_s) else {
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
                option: match request.depth {
                    Depth::Report => "--budget",
                    Depth::Answer => "--time",
                },
            }
        }
        other => other,
    }))
}

/// Where a record goes, and what it is held against.
struct Sink {
    /// `None` where nothing is written.
    folder: Option<PathBuf>,
    /// Keeps other runs out of the folder until everything is written.
    _claim: Option<Claim>,
    checks: Vec<Check>,
    began: Instant,
}

impl Sink {
    /// Puts what was measured into the record, and says how it stands.
    fn fill(&self, record: &mut Run, measured: &Measured, warnings: &[String]) {
        fill(record, measured, warnings, self.began);
        record.checks = judge_checks(record, &self.checks, &study::measured(record));
    }

    fn save(&self, record: &Run) -> std::io::Result<Option<PathBuf>> {
        let folder = self.folder.as_deref();
        folder.map(|f| json::save(record, f)).transpose()
    }
}

/// Measures; after every round the record lies in its folder as far as it is known.
fn run_pairs(
    prepared: Prepared,
    sink: &Sink,
    common: &Common,
    is_interrupted: &Arc<AtomicBool>,
) -> Result<Run, CommandError> {
    let Prepared {
        request,
        plan,
        clock,
        mut record,
    } = prepared;
    if let Some(folder) = &sink.folder
        && let Some(kept) = keep_earlier(folder).map_err(failed)?
        && !common.quiet
    {
        report::say(format_args!(
            "{} holds the record of an earlier run, which is kept as {}",
            folder.display(),
            kept.display()
        ));
    }
    // Written before anything is measured: a folder that cannot be written to shows now.
    sink.save(&record).map_err(failed)?;
    let warnings = record.warnings.clone();
    let mut hosts = Hosts::new(sink.began, is_interrupted.clone(), common.seed);
    let mut view = progress::view(common.quiet);
    let measured = coordinator::run(
        &request,
        &plan,
        clock,
        &mut hosts,
        &mut |progress| {
            if common.verbose {
                let elapsed_s = sink.began.elapsed().as_secs_f64();
                report::say(format_args!("{elapsed_s:6.1} s: {}", progress.cell));
            }
            view.pair_done(progress);
        },
        &mut |measured| {
            sink.fill(&mut record, measured, &warnings);
            record.complete = false;
            record.incomplete_reason = Some("still running".to_owned());
            // The run goes on: what cannot be written now may be at the end.
            let _ = sink.save(&record);
        },
    );
    view.finish();
    sink.fill(&mut record, &measured.map_err(usage)?, &warnings);
    if !common.quiet {
        record.warnings[warnings.len()..]
            .iter()
            .for_each(report::say);
    }
    Ok(record)
}

/// Writes the record, and what it says to standard output.
fn present(
    record: &Run,
    gates: &[GateAnswer],
    sink: &Sink,
    common: &Common,
    writes_all_formats: bool,
) -> Result<(), CommandError> {
    let saved = sink.save(record);
    let others = match (&sink.folder, writes_all_formats) {
        (Some(folder), true) => report::save_all(record, folder),
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
            .write(record, &style, out)?;
        match common.json {
            Some(_) => Ok(()),
            None if gates.is_empty() => Ok(()),
            None => {
                writeln!(out)?;
                let style = Style {
                    record: None,
                    ..style
                };
                terminal::write(&gates_report::document(gates), &style, out)
            }
        }
    })?;
    if common.json.is_some() {
        conditions::say(gates, common.quiet);
    }
    saved.map_err(|e| failed(format!("the run was measured, but not written: {e}")))?;
    others.map_err(|e| failed(format!("the run was measured and its record written, but not its reports: {e}; write them with `forkscope report`")))
}

/// How the run ended, with the reason on standard error where there is no other place for it.
fn ending(
    record: &Run,
    gates: &[GateAnswer],
    common: &Common,
    is_interrupted: bool,
) -> Result<Ending, CommandError> {
    if is_interrupted {
        if !common.quiet {
            let pairs: usize = record.cells.iter().map(|c| c.pairs.len()).sum();
            report::say(format_args!(
                "interrupted: the record holds the {pairs} pairs that were measured until then, and \"complete\": false"
            ));
        }
        return Ok(Ending::Interrupted);
    }
    if !record.cells.iter().any(|c| c.kept().next().is_some()) {
        let mut pairs = record.cells.iter().flat_map(|c| &c.pairs);
        if !pairs.any(causes::is_disturbed) {
            return Err(failed("nothing could be measured; the warnings say why"));
        }
        report::say(
            "no pair counts: the machine disturbed every one of them; the warnings say how, and what to do",
        );
        return Ok(Ending::Unfit);
    }
    let starved = causes::starved_by_machine(&record.cells).filter(|_| common.strict);
    if let Some(cell) = starved {
        report::say(format_args!(
            "--strict: {} with {} agents, {} against {}, has {} of {MIN_PAIRS} pairs, because the machine disturbed the others; quiet it and run again, or give more time",
            cell.baseline.workload,
            cell.agents,
            cell.x,
            cell.baseline,
            cell.kept().count()
        ));
        return Ok(Ending::Unfit);
    }
    Ok(match record.withheld {
        Some(_) => Ending::Measured { is_withheld: true },
        None => Ending::Gated {
            worst: worst(gates),
        },
    })
}
