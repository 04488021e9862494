//! Does a run hold what somebody made a condition, so that a build may go on?
//!
//! A gate names what must not be: `coordination@8: processes < 1.00` fails a run in which, with 8 agents
//! of coordination, processes do less than threads. It is broken where the whole interval says so, holds
//! where the whole interval says the contrary, and is open everywhere else.

use super::{BUSY_LABEL, EXIT_GATE_BROKEN, EXIT_GATE_OPEN, EXIT_OK, WITHHELD_LABEL, words};
use crate::metric::Metric;
use crate::record::Form;
use crate::record::{Cell, Effect, Run, Verdict};
use crate::stats::x_over_baseline;
use std::fmt;
use std::str::FromStr;

/// A condition under which a run fails: `WORKLOAD@AGENTS: DEPLOYMENT [METRIC] OP NUMBER`.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// Name of the workload, as in [`crate::record::Arm::workload`].
    pub workload: String,
    /// Number of agents.
    pub agents: usize,
    /// What is compared with the baseline.
    pub deployment: Form,
    /// In which metric; left out: op/s.
    pub metric: Metric,
    /// How the ratio must not stand to the number.
    pub relation: Relation,
    /// The ratio deployment / baseline, above 0.
    pub number: f64,
    /// The number as it was written.
    digits: String,
}

/// How two numbers stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
}

impl Relation {
    /// In this order: the longer ones begin like the shorter.
    const ALL: [(&'static str, Relation); 4] = [
        ("<=", Relation::AtMost),
        (">=", Relation::AtLeast),
        ("<", Relation::Below),
        (">", Relation::Above),
    ];

    fn sign(self) -> &'static str {
        let (sign, _) = Self::ALL
            .into_iter()
            .find(|(_, r)| *r == self)
            .expect("all are listed");
        sign
    }

    fn holds(self, value: f64, number: f64) -> bool {
        match self {
            Relation::Below => value < number,
            Relation::AtMost => value <= number,
            Relation::Above => value > number,
            Relation::AtLeast => value >= number,
        }
    }
}

/// Why a text is no gate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}; write WORKLOAD@AGENTS: DEPLOYMENT [METRIC] OP NUMBER, for example 'coordination@8: processes < 1.00'"
)]
pub struct GateError(String);

impl FromStr for Gate {
    type Err = GateError;

    fn from_str(text: &str) -> Result<Gate, GateError> {
        let fail = |why: String| GateError(why);
        let (place, condition) = text
            .split_once(':')
            .ok_or_else(|| fail("a colon is missing after the number of agents".to_owned()))?;
        let (workload, agents) = place
            .rsplit_once('@')
            .map(|(w, n)| (w.trim(), n.trim()))
            .filter(|(w, _)| !w.is_empty())
            .ok_or_else(|| fail(format!("\"{}\" is not WORKLOAD@AGENTS", place.trim())))?;
        let agents = agents
            .parse()
            .ok()
            .filter(|&n: &usize| n > 0)
            .ok_or_else(|| fail(format!("\"{agents}\" is no number of agents")))?;
        let (at, (sign, relation)) = condition
            .find(['<', '>'])
            .and_then(|at| {
                let found = Relation::ALL
                    .into_iter()
                    .find(|(sign, _)| condition[at..].starts_with(sign));
                Some((at, found?))
            })
            .ok_or_else(|| fail("none of < <= > >= is in it".to_owned()))?;
        let digits = condition[at + sign.len()..].trim();
        let number = digits
            .parse()
            .ok()
            .filter(|n: &f64| n.is_finite() && *n > 0.0)
            .ok_or_else(|| fail(format!("\"{digits}\" is no ratio above 0")))?;
        let mut subject = condition[..at].split_whitespace();
        let deployment = subject
            .next()
            .ok_or_else(|| fail("the deployment is missing".to_owned()))?
            .parse()
            .map_err(|e: crate::record::ParseError| fail(e.to_string()))?;
        let metric = match subject.next() {
            None => Metric::OPS_PER_S,
            Some(word) => Metric::find(word).ok_or_else(|| {
                fail(format!(
                    "\"{word}\" is no metric; there are {}",
                    Metric::words()
                ))
            })?,
        };
        if let Some(more) = subject.next() {
            return Err(fail(format!("\"{more}\" is one word too many")));
        }
        Ok(Gate {
            workload: workload.to_owned(),
            agents,
            deployment,
            metric,
            relation,
            number,
            digits: digits.to_owned(),
        })
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = match self.metric == Metric::OPS_PER_S {
            true => String::new(),
            false => format!(" {}", self.metric),
        };
        write!(
            f,
            "{}@{}: {}{metric} {} {}",
            self.workload,
            self.agents,
            self.deployment,
            self.relation.sign(),
            self.digits
        )
    }
}

/// What became of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GateState {
    /// The condition does not hold, with certainty: the run may pass.
    Holds,
    /// Nobody knows.
    Open,
    /// The condition holds, with certainty.
    Broken,
}

/// A gate, held against a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateAnswer {
    /// What became of it.
    pub state: GateState,
    /// The whole in a sentence.
    pub sentence: String,
}

/// A comparison that a gate can be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparable {
    /// Name of the workload.
    pub workload: String,
    /// Number of agents.
    pub agents: usize,
    /// Label of the baseline.
    pub baseline: String,
    /// Label of what is compared with it.
    pub x: String,
}

impl Comparable {
    /// The comparisons of a record.
    #[must_use]
    pub fn of(run: &Run) -> Vec<Comparable> {
        let compared = run.cells.iter().filter(|c| c.is_comparison());
        let comparable = |c: &Cell| Comparable {
            workload: c.baseline.workload.clone(),
            agents: c.agents,
            baseline: c.baseline.deployment.clone(),
            x: c.x.deployment.clone(),
        };
        compared.map(comparable).collect()
    }

    fn is_meant_by(&self, gate: &Gate) -> bool {
        self.workload == gate.workload
            && self.agents == gate.agents
            && self.x == gate.deployment.to_string()
    }
}

/// Refuses gates about comparisons that a plan does not hold: they could never be settled. `planned` is
/// what there is time for, `asked` what was asked for.
///
/// # Errors
/// The first such gate, and which comparisons there are.
pub fn check_gates(
    gates: &[Gate],
    planned: &[Comparable],
    asked: &[Comparable],
) -> Result<(), String> {
    let is_meant = |all: &[Comparable], gate: &Gate| all.iter().any(|c| c.is_meant_by(gate));
    let Some(gate) = gates.iter().find(|g| !is_meant(planned, g)) else {
        return Ok(());
    };
    if is_meant(asked, gate) {
        return Err(format!(
            "--fail-if '{gate}': there is no time for this comparison; give more with --time, or fewer agent counts"
        ));
    }
    if asked.is_empty() {
        return Err(format!(
            "--fail-if '{gate}': nothing here compares deployments of agents, so there is nothing that a gate can be about"
        ));
    }
    Err(format!(
        "--fail-if '{gate}': there is no such comparison here; there are {}",
        listed(asked)
    ))
}

/// `exploration@1, 2 and 8: processes (against threads)`, and so on.
fn listed(comparable: &[Comparable]) -> String {
    let mut groups: Vec<(&str, &str, &str, Vec<usize>)> = Vec::new();
    for c in comparable {
        let key = (c.workload.as_str(), c.x.as_str(), c.baseline.as_str());
        match groups.iter_mut().find(|g| (g.0, g.1, g.2) == key) {
            Some(group) => group.3.push(c.agents),
            None => groups.push((key.0, key.1, key.2, vec![c.agents])),
        }
    }
    let group = |(workload, x, baseline, agents): &(&str, &str, &str, Vec<usize>)| {
        format!(
            "{workload}@{}: {x} (against {baseline})",
            words::list(agents)
        )
    };
    groups.iter().map(group).collect::<Vec<_>>().join("; ")
}

/// Holds gates against a concluded run.
///
/// The interval of the ratio alone decides, not the verdict beside it: the number of a gate takes the
/// place of the margin. An interval that ends on the number belongs to the side on which `<` or `<=`
/// puts the number itself. Gates of a withheld run are open.
#[must_use]
pub fn judge_gates(run: &Run, gates: &[Gate]) -> Vec<GateAnswer> {
    gates.iter().map(|gate| judge(run, gate)).collect()
}

fn judge(run: &Run, gate: &Gate) -> GateAnswer {
    let mut cells = run.cells.iter().filter(|c| c.is_comparison());
    let label = gate.deployment.to_string();
    let cell = cells.find(|c| {
        c.baseline.workload == gate.workload && c.agents == gate.agents && c.x.deployment == label
    });
    let Some(cell) = cell else {
        let why = "it was not measured: left out, or the run ended before".to_owned();
        return answer(run, gate, GateState::Open, &why);
    };
    let effect = match x_over_baseline(run, cell, gate.metric) {
        Ok(effect) => effect,
        Err(why) => {
            let why = match (&cell.verdict, gate.metric == Metric::OPS_PER_S) {
                (Verdict::NotMeasured { reason }, true) => reason.clone(),
                _ => why,
            };
            return answer(run, gate, GateState::Open, &format!("not measured: {why}"));
        }
    };
    let state = match run.withheld {
        Some(_) => GateState::Open,
        None => state(&effect, gate),
    };
    let metric = match gate.metric == Metric::OPS_PER_S {
        true => String::new(),
        false => format!(" ({})", gate.metric.name()),
    };
    let across = match (state, &run.withheld) {
        (GateState::Open, None) => format!(", which reaches across {}", gate.digits),
        _ => String::new(),
    };
    let measured = format!(
        "{} / {}{metric} is {:.3} [{:.3}, {:.3}]{across}",
        cell.x.deployment, cell.baseline.deployment, effect.ratio, effect.low, effect.high
    );
    answer(run, gate, state, &measured)
}

fn state(effect: &Effect, gate: &Gate) -> GateState {
    let [low, high] = [effect.low, effect.high].map(|end| gate.relation.holds(end, gate.number));
    let is_known = effect.low.is_finite() && effect.high.is_finite();
    match (low, high) {
        (true, true) if is_known => GateState::Broken,
        (false, false) if is_known => GateState::Holds,
        _ => GateState::Open,
    }
}

fn answer(run: &Run, gate: &Gate, state: GateState, why: &str) -> GateAnswer {
    let said = match state {
        GateState::Holds => "holds",
        GateState::Open => "is open",
        GateState::Broken => "is broken",
    };
    let labels: Vec<&str> = [
        run.busy.as_ref().map(|_| BUSY_LABEL),
        run.withheld.as_ref().map(|_| WITHHELD_LABEL),
    ]
    .into_iter()
    .flatten()
    .collect();
    let label = match labels.is_empty() {
        true => String::new(),
        false => format!("{}: ", labels.join("; ")),
    };
    GateAnswer {
        state,
        sentence: format!("{label}gate '{gate}' {said}: {why}"),
    }
}

/// The worst of all states; of no gates, that they hold.
#[must_use]
pub fn worst(answers: &[GateAnswer]) -> GateState {
    let states = answers.iter().map(|a| a.state);
    states.max().unwrap_or(GateState::Holds)
}

/// The exit code of a state.
pub(super) fn exit_of(state: GateState) -> u8 {
    match state {
        GateState::Holds => EXIT_OK,
        GateState::Open => EXIT_GATE_OPEN,
        GateState::Broken => EXIT_GATE_BROKEN,
    }
}

#[cfg(test)]
mod tests;
