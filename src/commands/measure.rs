//! `quick` and `run`: from options to a record, a table and an exit code.

use super::blank::{blank_map, claim_folder, empty_record, fill};
use super::capacity::{check_capacity, check_room};
use super::ground::{Beginning, accept, begin, check_strictness, check_temporary_folder};
use super::{CommandError, failed, formats, held, messages, print, probes, scale, usage};
use forkscope::cli::{AgentCounts, Common, RunArgs};
use forkscope::deployment::{Form, Kind};
use forkscope::experiment::causes;
use forkscope::experiment::coordinator::{self, Measured};
use forkscope::experiment::host::Hosts;
use forkscope::experiment::plan::{self, MIN_PAIRS, PlannedWorkload, Question, Request};
use forkscope::experiment::stopping::Look;
use forkscope::observe::clock::OpClock;
use forkscope::observe::memory;
use forkscope::record::{Run, WorkloadKind};
use forkscope::report::file::{Claim, keep_earlier};
use forkscope::report::terminal::gates as gate_sentences;
use forkscope::report::{self, Style, json, progress};
use forkscope::transport::{Asked, Choice};
use forkscope::verdict::{
    Check, Ending, GateAnswer, exit_code, judge_checks, judge_gates, standings, worst,
};
use forkscope::workload::hop::ENDS;
use forkscope::workload::{self, SpecSource};
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
    refuse_commas(&asked.workload)?;
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
    check_words(&task, common)?;
    let checks = held::checks(&common.held)?;
    let writes_all_formats = task.writes_all_formats;
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
fn check_words(task: &Task<'_>, common: &Common) -> Result<(), CommandError> {
    let planned = &task.planned;
    for (i, w) in planned.iter().enumerate() {
        let name = &w.source.name;
        let Some(other) = planned[..i].iter().find(|v| v.source.name == *name) else {
            continue;
        };
        return Err(usage(match other.source == w.source {
            true => format!("workload {name} is named twice"),
            false => format!(
                "{} and {} are both called {name}; rename one of the files",
                other.source.origin, w.source.origin
            ),
        }));
    }
    plan::comparison(task.deployments).map_err(usage)?;
    check_strictness(common)?;
    if task.deployments.iter().any(|d| d.kind == Kind::Processes) {
        check_temporary_folder().map_err(usage)?;
    }
    Ok(())
}

/// A run that may begin.
struct Prepared {
    request: Request,
    clock: OpClock,
    /// Without pairs yet.
    record: Run,
}

/// From what a person asked for to what is measured on this machine; `None` where the machine is refused, which was
/// said then.
fn prepare(
    began: Instant,
    task: Task<'_>,
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
    let has_only_hops = task.planned.iter().all(|w| w.hop.is_some());
    let is_about_scale = scale::is_relay(&task.planned)
        && task.agents.is_none()
        && task.deployments == plan::scale::DEDICATED;
    let is_of_formats = task.question == Question::Formats;
    let is_one_operation =
        |w: &PlannedWorkload| matches!(w.kind, WorkloadKind::Probe | WorkloadKind::Format);
    let has_only_probes = task.planned.iter().all(is_one_operation);
    let mut request = Request {
        workloads: task.planned,
        agents: match task.agents {
            Some(given) => given.0,
            None if is_of_formats => vec![plan::formats::AGENTS],
            None if has_only_hops => vec![ENDS],
            None if is_about_scale => plan::scale::COUNTS.to_vec(),
            None if task.transport == Asked::All => messages::COUNTS.to_vec(),
            None if has_only_probes => probes::counts(machine.cpus_effective),
            None => COUNTS.to_vec(),
        },
        deployments: task.deployments.to_vec(),
        cpus_effective: machine.cpus_effective,
        budget_s: 0.0,
        most_pairs: MOST_PAIRS,
        seed: common.seed,
        transport: task.transport,
        look: task.looks.then_some((standings as Look, common.margin)),
        asks_latency: task.asks_latency || is_about_scale,
        question: task.question,
        is_busy: busy.is_some(),
    };
    let mut left_out = match is_about_scale {
        true => scale::ask(&mut request, &machine),
        false => Vec::new(),
    };
    let time = match task.time {
        Some(given) => given,
        None if is_about_scale
            || is_of_formats
            || has_only_probes
            || task.map_at.is_some()
            || has_only_hops
            || task.transport == Asked::All =>
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
        return Ok(None);
    };
    left_out.extend(memory::unknown());
    if !common.quiet {
        left_out.iter().for_each(report::say);
    }
    warnings.extend(left_out);
    let mut record = empty_record(&request, machine, busy, common, warnings);
    record.formats = counted;
    record.priority = common.priority;
    record.map = task.map_at.map(|agents| blank_map(&request, agents));
    Ok(Some(Prepared {
        request,
        clock,
        record,
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
        record.checks = judge_checks(record, &self.checks);
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
            None => gate_sentences::write(gates, &style, out),
        }
    })?;
    if common.json.is_some() {
        held::say(gates, common.quiet);
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
            cell.workload,
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

pub(super) fn open(name: &str) -> Result<PlannedWorkload, CommandError> {
    let source = SpecSource::open(name).map_err(usage)?;
    let spec = workload::read(&source).map_err(usage)?;
    Ok(PlannedWorkload::new(source, spec.as_ref()))
}
