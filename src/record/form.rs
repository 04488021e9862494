//! What a deployment's label means.

use super::Placement;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The kinds of deployments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Workers are threads of one process.
    Threads,
    /// Workers are spawned processes, each of one or more threads.
    Processes,
}

/// A number of workers, as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// One per agent.
    PerAgent,
    /// One per effective CPU.
    Cores,
    /// So many.
    Exactly(usize),
}

impl Count {
    fn of(self, agents: usize, cpus: usize) -> usize {
        match self {
            Count::PerAgent => agents,
            Count::Cores => cpus,
            Count::Exactly(n) => n,
        }
    }
}

/// A deployment as it is asked for: `threads`, `threads:cores`, `processes`, `processes:2x8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Form {
    /// Threads of one process, or processes.
    pub kind: Kind,
    /// Threads (of `threads`) or processes.
    pub count: Count,
    /// Threads in each process; 1 for `threads`.
    pub threads_each: Count,
}

/// Why a label was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{label}\" is not a deployment: {why}; write threads[:W] or processes[:P[xT]], where W, P and T are numbers or \"cores\""
)]
pub struct ParseError {
    label: String,
    why: String,
}

/// CPUs that `cores` stands for: the effective ones, rounded down, at least one.
#[must_use]
pub fn whole_cpus(effective: f64) -> usize {
    (effective as usize).max(1)
}

impl Form {
    /// `threads`: one thread per agent.
    pub const THREADS: Form = Form {
        kind: Kind::Threads,
        count: Count::PerAgent,
        threads_each: Count::Exactly(1),
    };
    /// `processes`: one process per agent.
    pub const PROCESSES: Form = Form {
        kind: Kind::Processes,
        count: Count::PerAgent,
        threads_each: Count::Exactly(1),
    };

    /// Resolves the form for a number of agents, at least one, and of CPUs. Every worker has an agent: where there are
    /// fewer agents than P × T, there are as many workers as agents, and as many processes at most.
    #[must_use]
    pub fn place(&self, agents: usize, cpus: usize) -> Placement {
        let agents = agents.max(1);
        let count = self.count.of(agents, cpus).clamp(1, agents);
        match self.kind {
            Kind::Threads => Placement::on_threads(agents, count),
            Kind::Processes => {
                let each = self.threads_each.of(agents, cpus).max(1);
                let workers = count.saturating_mul(each).min(agents);
                Placement::on_processes(agents, count, workers)
            }
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Threads => "threads",
            Kind::Processes => "processes",
        })?;
        let write = |f: &mut fmt::Formatter<'_>, before: &str, count: Count| match count {
            Count::PerAgent => Ok(()),
            Count::Cores => write!(f, "{before}cores"),
            Count::Exactly(n) => write!(f, "{before}{n}"),
        };
        write(f, ":", self.count)?;
        if self.threads_each != Count::Exactly(1) {
            write(f, "x", self.threads_each)?;
        }
        Ok(())
    }
}

impl FromStr for Form {
    type Err = ParseError;

    fn from_str(label: &str) -> Result<Form, ParseError> {
        let fail = |why: &str| ParseError {
            label: label.to_owned(),
            why: why.to_owned(),
        };
        let count = |text: &str| match text {
            "cores" => Ok(Count::Cores),
            _ => match text.parse::<usize>() {
                Ok(0) => Err(fail("a count of 0 runs nothing")),
                Ok(n) => Ok(Count::Exactly(n)),
                Err(_) => Err(fail(&format!("\"{text}\" is no count"))),
            },
        };
        let (name, rest) = match label.split_once(':') {
            Some((name, rest)) => (name, Some(rest)),
            None => (label, None),
        };
        match (name, rest) {
            ("threads", None) => Ok(Form::THREADS),
            ("threads", Some(w)) => Ok(Form {
                count: count(w)?,
                ..Form::THREADS
            }),
            ("processes", None) => Ok(Form::PROCESSES),
            ("processes", Some(rest)) => match rest.split_once('x') {
                None => Ok(Form {
                    count: count(rest)?,
                    ..Form::PROCESSES
                }),
                Some((p, t)) => Ok(Form {
                    count: count(p)?,
                    threads_each: count(t)?,
                    ..Form::PROCESSES
                }),
            },
            _ => Err(fail(&format!("there is no \"{name}\""))),
        }
    }
}

impl From<Form> for String {
    fn from(form: Form) -> String {
        form.to_string()
    }
}

impl TryFrom<String> for Form {
    type Error = ParseError;

    fn try_from(label: String) -> Result<Form, ParseError> {
        label.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_survive_a_round_trip() {
        for label in [
            "threads",
            "threads:4",
            "threads:cores",
            "processes",
            "processes:2",
            "processes:2x8",
            "processes:coresx4",
        ] {
            assert_eq!(label.parse::<Form>().unwrap().to_string(), label);
        }
        for label in [
            "",
            "thread",
            "threads:",
            "threads:0",
            "threads:2x2",
            "processes:x2",
            "processes:2x",
            "processes:-1",
        ] {
            assert!(label.parse::<Form>().is_err(), "{label}");
        }
    }

    fn place(label: &str, agents: usize, cpus: usize) -> Placement {
        label.parse::<Form>().unwrap().place(agents, cpus)
    }

    /// What must hold for every deployment on every machine: blocks agree with their inverses, and nobody is idle.
    fn assert_sound(placement: &Placement, what: &str) {
        let (mut agents, mut workers) = (0, 0);
        for process in 0..placement.processes().max(1) {
            let own = placement.workers_of(process);
            assert_eq!(own.start, workers, "{what}");
            assert!(!own.is_empty(), "{what}: process {process} has no worker");
            let first_agent = agents;
            for worker in own {
                assert_eq!(placement.process_of(worker), process, "{what}");
                let own = placement.agents_of(worker);
                assert_eq!(own.start, agents, "{what}");
                assert!(!own.is_empty(), "{what}: worker {worker} has no agent");
                for agent in own {
                    assert_eq!(placement.worker_of(agent), worker, "{what}");
                    agents += 1;
                }
                workers += 1;
            }
            assert_eq!(placement.agents_of_process(process), first_agent..agents);
        }
        assert_eq!(
            (agents, workers),
            (placement.agents(), placement.workers()),
            "{what}"
        );
    }

    #[test]
    fn no_worker_is_without_an_agent_on_any_machine() {
        let labels: Vec<String> = [
            "threads",
            "threads:cores",
            "processes",
            "processes:cores",
            "processes:coresxcores",
            "processes:999x999",
        ]
        .map(str::to_owned)
        .into_iter()
        .chain((1..=9).flat_map(|p| (1..=9).map(move |t| format!("processes:{p}x{t}"))))
        .chain((1..=17).map(|w| format!("threads:{w}")))
        .collect();
        let forms: Vec<Form> = labels.iter().map(|l| l.parse().unwrap()).collect();
        let by_cpus = |form: &Form| format!("{form}").contains("cores");
        for cpus in 1..=256 {
            for agents in 1..=128 {
                for form in forms.iter().filter(|f| cpus == 1 || by_cpus(f)) {
                    let what = format!("{form} with {agents} agents on {cpus} CPUs");
                    assert_sound(&form.place(agents, cpus), &what);
                }
            }
        }
    }

    #[test]
    fn a_form_has_as_many_workers_as_it_says_where_there_are_agents_for_them() {
        for (label, agents, processes, workers) in [
            ("processes:2x8", 32, 2, 16),
            ("processes:2x8", 4, 2, 4),
            ("processes:8", 2, 2, 2),
            ("processes:3x2", 4, 3, 4),
            ("processes:3x3", 8, 3, 8),
            ("processes:3x3", 9, 3, 9),
            ("processes:coresx4", 7, 4, 7),
        ] {
            let expected = Placement::on_processes(agents, processes, workers);
            assert_eq!(place(label, agents, 4), expected, "{label} {agents}");
        }
        assert_eq!(place("threads:cores", 32, 4).workers(), 4);
        assert_eq!(place("threads", 7, 4).workers(), 7);
        assert_eq!(place("processes:3x3", 8, 4).threads_each(), 3);
    }
}
