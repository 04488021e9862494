//! What is the answer for each workload, in a sentence, a paragraph and a line?
//!
//! A run may compare a workload under many deployments. The one that everybody asks about has a sentence and a
//! paragraph; of the others the best is named in that paragraph, and each has a line.

mod others;
mod weighing;

use self::others::{Best, best_of, lighter, safer_mix};
use self::weighing::{Facts, isolation_would_change, parts};
use super::conclude::{cells_of, pair_s};
use super::crossover::AtAgents;
use super::settling::what_would_settle;
use super::{is_settled, words};
use crate::record::whole_cpus;
use crate::record::{Answer, Decision, Effect, Evidence, OtherDeployment, Priority, Run, Verdict};

/// The comparison that everybody asks about: this deployment, where it was measured.
const ASKED_ABOUT: &str = "processes";

/// An answer with what it rests on.
pub(super) struct Known<'a> {
    pub answer: &'a Answer,
    /// Ascending by agents.
    pub cells: Vec<AtAgents<'a>>,
    /// What studies found of these two, ascending by agents.
    pub evidence: Vec<&'a Evidence>,
    /// Agent counts, ascending, at which the rate of a side moved within its windows.
    pub moving: Vec<usize>,
}

/// What is asked of all answers of a run.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub priority: Priority,
    pub margin: f64,
    pub pair_s: f64,
    pub cpus: usize,
}

impl<'a> Known<'a> {
    fn of(run: &'a Run, answer: &'a Answer, evidence: &'a [Evidence]) -> Self {
        let cells = cells_of(run, answer);
        let moving = cells.iter().filter(|c| !c.is_steady());
        let is_own = |e: &&Evidence| {
            e.workload == answer.workload && e.baseline == answer.baseline && e.x == answer.x
        };
        let mut evidence: Vec<&Evidence> = evidence.iter().filter(is_own).collect();
        evidence.sort_by_key(|e| e.agents);
        Self {
            answer,
            evidence,
            moving: moving.map(|c| c.agents).collect(),
            cells: cells.iter().map(|&c| c.into()).collect(),
        }
    }

    /// What studies found of these two in one respect, ascending by agents.
    pub fn found(&self, of: Priority) -> impl DoubleEndedIterator<Item = &'a Evidence> {
        self.evidence.iter().copied().filter(move |e| e.of == of)
    }

    /// What it is weighed by.
    fn facts(&self, asked: Asked) -> Facts<'_> {
        let answer = self.answer;
        Facts {
            baseline: &answer.baseline,
            x: &answer.x,
            cells: &self.cells,
            memory: [answer.baseline_memory.as_ref(), answer.x_memory.as_ref()],
            setup: &answer.setup,
            latency: self.found(Priority::Latency).collect(),
            margin: asked.margin,
            cpus: asked.cpus,
        }
    }

    pub fn with_effect(&self) -> impl DoubleEndedIterator<Item = (AtAgents<'a>, &'a Effect)> {
        self.cells.iter().filter_map(|c| Some((*c, c.effect?)))
    }

    /// The agent count that stands for all: the largest that is settled, or else that has an interval.
    pub fn at(&self) -> Option<(usize, &'a Effect)> {
        let largest = || self.with_effect().rev();
        let settled = largest().find(|(c, _)| is_settled(c.verdict));
        let (cell, effect) = settled.or_else(|| largest().next())?;
        Some((cell.agents, effect))
    }

    fn is_ahead(&self, cell: &AtAgents<'_>, side: &str) -> bool {
        matches!(cell.verdict, Verdict::Ahead { deployment } if deployment == side)
    }

    /// Where X is ahead for certain.
    pub fn ahead(&self) -> impl Iterator<Item = (usize, &'a Effect)> {
        self.with_effect()
            .filter(|(c, _)| self.is_ahead(c, &self.answer.x))
            .map(|(c, e)| (c.agents, e))
    }
}

/// What is advised for each workload, in the order of the record.
#[must_use]
pub fn decide(run: &Run, evidence: &[Evidence]) -> Vec<Decision> {
    let mut workloads: Vec<&str> = Vec::new();
    for answer in &run.answers {
        if !workloads.contains(&answer.workload.as_str()) {
            workloads.push(&answer.workload);
        }
    }
    let asked = Asked {
        priority: run.priority,
        margin: run.margin,
        pair_s: pair_s(run),
        cpus: whole_cpus(run.machine.cpus_effective),
    };
    let of_workload = |workload: &str| {
        let answers = run.answers.iter().filter(|a| a.workload == workload);
        let mut known: Vec<Known<'_>> = answers.map(|a| Known::of(run, a, evidence)).collect();
        let asked_about = known.iter().position(|k| k.answer.x == ASKED_ABOUT);
        let first = known.remove(asked_about.unwrap_or(0));
        let mut sentences = paragraph(&first, &known, asked).into_iter();
        Decision {
            workload: workload.to_owned(),
            baseline: first.answer.baseline.clone(),
            x: first.answer.x.clone(),
            crossover: first.answer.crossover.clone(),
            advice: sentences.next().unwrap_or_default(),
            beside: sentences.collect(),
            others: known.iter().map(other).collect(),
        }
    };
    workloads.into_iter().map(of_workload).collect()
}

fn other(known: &Known<'_>) -> OtherDeployment {
    let at = known.at();
    OtherDeployment {
        baseline: known.answer.baseline.clone(),
        x: known.answer.x.clone(),
        crossover: known.answer.crossover.clone(),
        agents: at.map(|(agents, _)| agents),
        effect: at.map(|(_, effect)| *effect),
    }
}

/// What to take, then what would change it and what is open, a sentence each.
///
/// Where another deployment than the two that everybody asks about is better than both for certain, by what was
/// asked for, that one is to be taken, and what would change it is said of that one; what is to be taken of the two
/// comes second.
fn paragraph(first: &Known<'_>, others: &[Known<'_>], asked: Asked) -> Vec<String> {
    let Answer { baseline, x, .. } = first.answer;
    let weighed = parts(&first.facts(asked), asked.priority);
    let mut sentences = Vec::new();
    let (taken, changes) = match best_of(others, first, asked) {
        Some(best) if best.is_better_than_both => {
            let of_best = parts(&best.known.facts(asked), asked.priority);
            sentences.push(format!("{}{}", of_best.decision, best.alike));
            sentences.extend(one_sentence(of_best.with));
            sentences.push(format!("Between {baseline} and {x}, {}", weighed.decision));
            (Some(best.known.answer.x.as_str()), of_best.changes)
        }
        best => {
            sentences.push(weighed.decision);
            sentences.extend(one_sentence(weighed.with));
            sentences.extend(lighter(others, first));
            let of_others =
                |b: Best<'_>| format!("Of the other deployments, {}{}", b.said, b.alike);
            sentences.extend(best.map(of_others));
            (None, weighed.changes)
        }
    };
    if !first.cells.iter().any(|c| is_settled(c.verdict)) {
        let how = what_would_settle(&first.cells, asked.pair_s);
        sentences.extend(how.map(|how| format!("Throughput: {how}")));
    }
    let (of_isolation, other_changes): (Vec<_>, Vec<_>) = changes
        .into_iter()
        .partition(|(what, _)| *what == Priority::Isolation);
    sentences.extend(other_changes.into_iter().map(|(_, said)| said));
    let agents = first.cells.last().map_or(1, |c| c.agents);
    let of_isolation = match taken {
        Some(taken) => isolation_would_change(taken, x, agents, asked.cpus),
        None => of_isolation.into_iter().next().map(|(_, said)| said),
    };
    if let Some(mut said) = of_isolation {
        let taken = taken.unwrap_or(baseline);
        if let Some(mix) = safer_mix(others, first, taken, asked.cpus) {
            said.push_str("; ");
            said.push_str(&mix);
        }
        sentences.push(said);
    }
    // Of what is taken instead, nothing of the kind is known.
    sentences.extend(
        Some(weighed.open)
            .filter(|open| !open.is_empty())
            .map(|open| match taken {
                Some(_) => format!("{open} (of {x} against {baseline})"),
                None => open,
            }),
    );
    sentences.extend(moving(&first.moving));
    sentences
}

/// What else is known, as a sentence; `None` of nothing. Labels of deployments keep their small letters, so none begins
/// it.
fn one_sentence(clauses: Vec<String>) -> Option<String> {
    (!clauses.is_empty()).then(|| format!("Beside that, {}", clauses.join("; ")))
}

fn moving(counts: &[usize]) -> Option<String> {
    let unit = match counts.last()? {
        1 => "agent",
        _ => "agents",
    };
    Some(format!(
        "Op/s moved within windows at {} {unit}, so agents that run longer may do more or less",
        words::list(counts)
    ))
}

#[cfg(test)]
mod tests;
