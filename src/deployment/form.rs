//! What a deployment's label means.

use crate::transport::{Home, Placement};
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

impl Kind {
    /// Where its workers live, for the transports.
    #[must_use]
    pub fn home(self) -> Home {
        match self {
            Kind::Threads => Home::Threads,
            Kind::Processes => Home::Processes,
        }
    }
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

    /// Resolves the form for a number of agents and CPUs. There are never more workers than agents.
    #[must_use]
    pub fn place(&self, agents: usize, cpus: usize) -> Placement {
        let count = self.count.of(agents, cpus).clamp(1, agents.max(1));
        match self.kind {
            Kind::Threads => Placement {
                agents,
                processes: 0,
                threads_each: count,
            },
            Kind::Processes => {
                let most = agents.div_ceil(count).max(1);
                let threads_each = self.threads_each.of(agents, cpus).clamp(1, most);
                Placement {
                    agents,
                    processes: count,
                    threads_each,
                }
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

    #[test]
    fn every_agent_has_one_worker_and_blocks_agree_with_it() {
        for agents in 1..40 {
            for label in [
                "threads",
                "threads:3",
                "processes",
                "processes:4",
                "processes:2x8",
                "processes:3x5",
            ] {
                let placement = label.parse::<Form>().unwrap().place(agents, 2);
                let mut seen = 0;
                for worker in 0..placement.workers() {
                    for agent in placement.agents_of(worker) {
                        assert_eq!(agent, seen);
                        assert_eq!(placement.worker_of(agent), worker, "{label} {agents}");
                        seen += 1;
                    }
                }
                assert_eq!(seen, agents);
            }
        }
    }

    #[test]
    fn a_form_never_has_more_workers_than_can_have_an_agent_each() {
        let place = |label: &str, agents| label.parse::<Form>().unwrap().place(agents, 4);
        assert_eq!(
            place("processes:2x8", 32),
            Placement {
                agents: 32,
                processes: 2,
                threads_each: 8
            }
        );
        assert_eq!(
            place("processes:2x8", 4),
            Placement {
                agents: 4,
                processes: 2,
                threads_each: 2
            }
        );
        assert_eq!(
            place("processes:8", 2),
            Placement {
                agents: 2,
                processes: 2,
                threads_each: 1
            }
        );
        assert_eq!(place("threads:cores", 32).workers(), 4);
        assert_eq!(place("threads", 7).workers(), 7);
    }
}
