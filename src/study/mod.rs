//! What is asked of a machine: each study in a room of its own.
//!
//! A [`Study`] says what it is about, plans its cells, concludes from their pairs, and shows what it found. Nothing
//! outside its file or folder names it.
//!
//! | room | question |
//! |---|---|
//! | `comparison` | which deployment, and from how many agents on does the answer change? |
//! | `probes` | what in this operating system separates threads from processes? |
//! | `relay` | where does passing messages on stop scaling? |
//! | `map` | which mix of processes and threads is best? |
//! | `scaling` | what do more agents make of op/s? |
//! | `latency` | how long after its planned start is a step done? |
//! | `windows` | do long windows tell what short ones tell? |
//! | `prices` | what does a message cost an agent, and what would another transport make of it? |
//! | `delivery` | does it matter more whether a receiver polls than where it runs? |
//! | `message` | what does a message between two workers cost, and why? |
//! | `formats` | what does writing messages down cost? |
//! | `controls` | can this machine tell a thing from itself, and see a known effect? |
//! | `calibrate` | how often? |
//! | `alike` | what do several studies say alike, and what moved while it was measured? |
//! | `links` | shared by the studies whose cells send messages and do nothing else |
//!
//! # How to add a study
//!
//! 1. Write `src/study/NAME.rs`, or a folder, with a type that implements [`Study`].
//! 2. Add one line to [`BUILT_IN`].
//!
//! A study of another crate is added by [`register`] before the command line is read.

pub mod alike;
pub mod calibrate;
pub mod comparison;
pub mod controls;
pub mod delivery;
pub mod formats;
pub mod latency;
pub mod links;
pub mod map;
pub mod message;
pub mod prices;
pub mod probes;
mod programme;
pub mod relay;
pub mod scaling;
pub mod windows;

pub use programme::{Programme, Refusal};

use crate::deployment::Form;
use crate::document::Document;
use crate::experiment::plan::{Asked, Depth, Draft, Plan, PlanError, PlannedWorkload};
use crate::metric::{self, Definition};
use crate::record::{Cell, Decision, Evidence, Machine, Run, WorkloadRecord};
use crate::stats::Widen;
use crate::transport;
use crate::verdict::{self, Measured};
use crate::workload::SpecSource;
use serde::Serialize;
use serde_json::Value;
use std::sync::RwLock;

/// What there is to know of a study before anything is measured.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name: of its cells and its finding in a record.
    pub name: &'static str,
    /// Its question, in one line.
    pub question: &'static str,
    /// Metrics that it brings.
    pub metrics: &'static [&'static Definition],
    /// What it refuses; `None` where it follows whatever is asked.
    pub fixed: Option<Fixed>,
    /// Whether it asks for latency, too, where agent counts are its own.
    pub asks_latency: bool,
    /// Whether a known effect shows in its workloads: else controls run on another's.
    pub shows_effects: bool,
}

impl Entry {
    /// An entry that follows whatever is asked.
    #[must_use]
    pub const fn new(name: &'static str, question: &'static str) -> Entry {
        Entry {
            name,
            question,
            metrics: &[],
            fixed: None,
            asks_latency: false,
            shows_effects: true,
        }
    }
}

/// A study whose agents, deployments and transports are its own: why it refuses others.
#[derive(Clone, Copy, Debug)]
pub struct Fixed {
    /// Agents of its cells: what may be asked for, because it is what there is.
    pub agents: usize,
    /// Why it is measured without other workloads.
    pub alone: &'static str,
    /// Why `--agents` is refused.
    pub of_agents: &'static str,
    /// Why `--transport` is refused.
    pub of_transport: &'static str,
    /// Why `--deployment` is refused.
    pub of_deployments: &'static str,
}

impl Fixed {
    /// Refuses what the study would not follow; `is_alone` says whether its workloads are.
    ///
    /// # Errors
    /// Why.
    pub fn check(&self, words: &Words<'_>, is_alone: bool) -> Result<(), String> {
        let is_native = transport::Asked::One(transport::Choice::Native);
        let refusals = [
            (!is_alone, self.alone),
            (
                words.agents.is_some_and(|a| a != [self.agents]),
                self.of_agents,
            ),
            (words.transport != is_native, self.of_transport),
            (
                words.deployments != [Form::THREADS, Form::PROCESSES],
                self.of_deployments,
            ),
        ];
        match refusals.into_iter().find(|(is_refused, _)| *is_refused) {
            Some((_, why)) => Err(why.to_owned()),
            None => Ok(()),
        }
    }
}

/// What a person asked for, as far as a study may refuse it.
pub struct Words<'a> {
    /// The workloads.
    pub workloads: &'a [PlannedWorkload],
    /// Agent counts; `None` where none were given.
    pub agents: Option<&'a [usize]>,
    /// Deployments, the baseline first.
    pub deployments: &'a [Form],
    /// How messages travel.
    pub transport: transport::Asked,
}

/// What a study concludes from.
pub struct Context<'a> {
    /// The run; its cells are judged.
    pub run: &'a Run,
    /// By how much intervals of what is read inside windows are widened.
    pub widened: Widen,
    /// What it counted before anything was measured.
    pub counted: Option<&'a Value>,
}

/// One question, from what is asked to what is shown.
pub trait Study: Sync {
    /// What it is about.
    fn entry(&self) -> Entry;

    /// The workloads that it has in a run that is given none.
    fn workloads(&self, _: Depth) -> Vec<SpecSource> {
        Vec::new()
    }

    /// The workloads that a name stands for; `None` where the name is not the study's own.
    fn open(&self, _: &str) -> Option<Vec<SpecSource>> {
        None
    }

    /// Workloads that have to be there beside one of its own from a file.
    fn beside(&self, _: &WorkloadRecord) -> Vec<SpecSource> {
        Vec::new()
    }

    /// Whether a workload is its own.
    fn claims(&self, _: &WorkloadRecord) -> bool {
        false
    }

    /// Whether it is measured without any other study but the controls, when its name was given.
    fn is_alone(&self) -> bool {
        false
    }

    /// Agent counts where none are given and all workloads are its own; `None` where it has no wish. The argument is the
    /// number of whole CPUs.
    fn agents(&self, _: usize) -> Option<Vec<usize>> {
        None
    }

    /// The deployments that it compares where nobody names any, the baseline first, on so many whole CPUs: those of a
    /// report, or of the study's own command, which is given a number of agents.
    fn deployments(&self, _: Option<usize>, _: usize) -> Vec<Form> {
        Vec::new()
    }

    /// Refuses what makes no sense, before the machine is looked at.
    ///
    /// # Errors
    /// Why, and what to do.
    fn refuse(&self, _: &Words<'_>) -> Result<(), String> {
        Ok(())
    }

    /// Adds its cells.
    fn plan(&self, _: &mut Draft<'_>) {}

    /// What it counts before anything is measured, outside of all windows.
    ///
    /// # Errors
    /// Why it cannot.
    fn count(&self) -> Result<Option<Value>, String> {
        Ok(None)
    }

    /// What its cells say; `None` where they say nothing.
    fn conclude(&self, _: &[&Cell], _: &Context<'_>) -> Option<Value> {
        None
    }

    /// Shows what it found, in every format: adds sections and answers. Where the run holds nothing of it, it adds nothing.
    fn show(&self, _: &Run, _: &mut Document) {}

    /// By what else deployments are weighed.
    fn evidence(&self, _: &Run) -> Vec<Evidence> {
        Vec::new()
    }

    /// The name under which claims and thresholds ask for a number of its finding, and the workload that they name.
    fn quantity(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// That number, for every place.
    fn quantities(&self, _: &Run) -> Vec<Measured> {
        Vec::new()
    }

    /// The JSON schema of its finding.
    #[cfg(test)]
    fn schema(&self, _: &mut schemars::SchemaGenerator) -> Option<schemars::Schema> {
        None
    }
}

/// Every study there is, in the order of plan and report.
pub const BUILT_IN: &[&dyn Study] = &[
    &comparison::Comparison,
    &probes::Probes,
    &relay::Relay,
    &scaling::Scaling,
    &latency::Latency,
    &windows::Windows,
    &prices::Prices,
    &delivery::Delivery,
    &message::Message,
    &formats::Formats,
    &map::Map,
    &controls::Controls,
];

/// Studies that another crate brings.
static REGISTERED: RwLock<Vec<&'static dyn Study>> = RwLock::new(Vec::new());

/// Adds a study of one's own, and the metrics that it brings.
///
/// # Panics
/// When another study has its name, or another metric that of one of its own.
pub fn register(study: &'static dyn Study) {
    let entry = study.entry();
    assert!(
        all().iter().all(|s| s.entry().name != entry.name),
        "the study {} is there already",
        entry.name
    );
    for definition in entry.metrics {
        metric::register(definition);
    }
    let mut registered = REGISTERED.write().unwrap_or_else(|e| e.into_inner());
    registered.push(study);
}

/// Every study, those of other crates before the controls.
#[must_use]
pub fn all() -> Vec<&'static dyn Study> {
    let registered = REGISTERED.read().unwrap_or_else(|e| e.into_inner());
    let (controls, others) = BUILT_IN.split_last().expect("there are studies");
    let all = others.iter().chain(registered.iter()).chain([controls]);
    all.copied().collect()
}

/// The study of that name.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn named(name: &str) -> &'static dyn Study {
    let found = all().into_iter().find(|s| s.entry().name == name);
    found.unwrap_or_else(|| panic!("no study is called {name}"))
}

/// Which of `studies` a workload belongs to: the first that claims it, or else the first of all.
fn owner(studies: &[&'static dyn Study], workload: &WorkloadRecord) -> &'static dyn Study {
    let claiming = studies.iter().find(|s| s.claims(workload));
    *claiming.unwrap_or(&studies[0])
}

/// Which study a workload belongs to.
fn owner_of(workload: &WorkloadRecord) -> &'static dyn Study {
    owner(&all(), workload)
}

/// Plans what `studies` ask on this machine.
///
/// # Errors
/// [`PlanError::OneDeployment`].
pub fn plan(
    studies: &[&'static dyn Study],
    asked: &Asked,
    machine: &Machine,
) -> Result<Plan, PlanError> {
    asked.comparison()?;
    let owner_of = |w: &PlannedWorkload| owner(studies, &w.record).entry().name;
    let owners = asked.workloads.iter().map(owner_of).collect();
    let mut draft = Draft::new(asked, machine, owners);
    for study in studies {
        draft.study = study.entry().name;
        study.plan(&mut draft);
    }
    Ok(draft.finish())
}

/// Fills in everything that follows from the pairs of `run`; pure, and idempotent: what is saved is always whole, and
/// a record that is rendered later is concluded again.
///
/// `digest_mismatch` withholds the headline whatever the controls say.
pub fn conclude(run: &mut Run, digest_mismatch: Option<&str>) {
    let widened = verdict::conclude(run, digest_mismatch);
    let mut findings = std::collections::BTreeMap::new();
    for study in all() {
        let name = study.entry().name;
        let cells: Vec<&Cell> = run.cells.iter().filter(|c| c.study == name).collect();
        let context = Context {
            run,
            widened,
            counted: run.findings.get(name),
        };
        if let Some(finding) = study.conclude(&cells, &context) {
            findings.insert(name.to_owned(), finding);
        }
    }
    // What a study found that is not known here stays as it was found.
    let known: Vec<&str> = all().iter().map(|s| s.entry().name).collect();
    run.findings
        .retain(|name, _| !known.contains(&name.as_str()));
    run.findings.append(&mut findings);
    advise(run);
}

/// Adds what every study has to show of `run`, in their order.
pub fn show(run: &Run, out: &mut Document) {
    all().iter().for_each(|study| study.show(run, out));
}

/// Fills in what is advised, from the answers and findings of `run`.
pub fn advise(run: &mut Run) {
    let evidence: Vec<Evidence> = all().iter().flat_map(|s| s.evidence(run)).collect();
    verdict::advise(run, &evidence);
}

/// Concludes a record that was read: whatever version concluded it before, its sentences are of one piece.
pub fn conclude_again(run: &mut Run) {
    // Why agents did not do the same is known to whoever measured alone.
    let withheld = run.withheld.take();
    conclude(run, None);
    run.withheld = run.withheld.take().or(withheld);
}

/// Numbers of findings that claims and thresholds can be about: the name of each, and the workload that it is of.
#[must_use]
pub fn quantities() -> Vec<(&'static str, &'static str)> {
    all().iter().filter_map(|s| s.quantity()).collect()
}

/// What a run measured of them.
#[must_use]
pub fn measured(run: &Run) -> Vec<Measured> {
    all().iter().flat_map(|s| s.quantities(run)).collect()
}

/// A finding as it stands in a record.
#[must_use]
pub fn finding<T: Serialize>(found: &T) -> Option<Value> {
    serde_json::to_value(found).ok()
}

/// What a decision is about, in words: `coordination, processes against threads`.
#[must_use]
pub fn about(decision: &Decision) -> String {
    let Decision {
        workload,
        x,
        baseline,
        ..
    } = decision;
    format!("{workload}, {x} against {baseline}")
}

#[cfg(test)]
mod tests;
