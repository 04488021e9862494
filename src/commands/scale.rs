//! What does a run of relay measure where it is told nothing, and what does the machine not carry?

use super::capacity::carries;
use forkscope::experiment::machine::LimitError;
use forkscope::experiment::plan::scale::DEDICATED;
use forkscope::experiment::plan::{PlannedWorkload, Question, Request};
use forkscope::record::{Machine, WorkloadKind};
use forkscope::transport::Asked;

/// Whether all workloads are relays.
pub fn is_relay(planned: &[PlannedWorkload]) -> bool {
    planned.iter().all(|w| w.kind == WorkloadKind::Relay)
}

/// Refuses what says nothing about relays.
pub fn check(planned: &[PlannedWorkload], transport: Asked) -> Result<(), String> {
    let relay = planned.iter().find(|w| w.kind == WorkloadKind::Relay);
    match relay.filter(|_| transport == Asked::All) {
        None => Ok(()),
        Some(relay) => Err(format!(
            "the agents of {} do nothing but pass messages on, so messages have no price beside their steps; name one --transport",
            relay.source.name
        )),
    }
}

/// Asks as many agents to have workers of their own as the machine carries; says which were left out, and
/// why.
pub fn ask(request: &mut Request, machine: &Machine) -> Vec<String> {
    let mut left_out = Vec::new();
    let mut most_dedicated = 0;
    for &agents in &request.agents {
        let all = request.workloads.iter();
        let all = all.flat_map(|w| DEDICATED.map(|form| (w, form)));
        match all
            .map(|(w, form)| carries(request, w, machine, agents, form))
            .find(Result::is_err)
        {
            Some(Err(why)) => left_out.push(left_out_because(request, agents, &why)),
            _ => most_dedicated = agents,
        }
    }
    request.question = Question::Scale { most_dedicated };
    left_out
}

fn left_out_because(request: &Request, agents: usize, why: &LimitError) -> String {
    let names: Vec<&str> = request
        .workloads
        .iter()
        .map(|w| w.source.name.as_str())
        .collect();
    let [baseline, x] = DEDICATED;
    format!(
        "{}@{agents} {x}/{baseline} is left out, the machine does not carry it: {why}",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::measure::open;
    use forkscope::deployment::Form;
    use forkscope::experiment::plan::{self, scale};
    use forkscope::record::Purpose;
    use forkscope::transport::Choice;

    fn request() -> Request {
        Request {
            workloads: vec![open("relay").ok().unwrap()],
            agents: scale::COUNTS.to_vec(),
            deployments: vec![Form::THREADS, Form::PROCESSES],
            cpus_effective: 2.0,
            budget_s: 1000.0,
            most_pairs: 34,
            seed: 1,
            transport: Asked::One(Choice::Native),
            look: None,
            asks_latency: false,
            question: Question::Compare,
            is_busy: false,
        }
    }

    fn compared(request: &Request) -> Vec<String> {
        let cells = plan::cells(request).unwrap();
        let cells = cells.iter().filter(|c| c.purpose == Purpose::Compare);
        cells.map(|c| c.label(&request.workloads)).collect()
    }

    #[test]
    fn agents_have_workers_of_their_own_and_from_200_on_share_them_too() {
        let mut request = request();
        assert_eq!(ask(&mut request, &Machine::default()), Vec::<String>::new());
        assert_eq!(
            compared(&request),
            [
                "relay@10 processes/threads",
                "relay@50 processes/threads",
                "relay@100 processes/threads",
                "relay@500 processes/threads",
                "relay@1000 processes/threads",
                "relay@500 processes:cores/threads:cores",
                "relay@1000 processes:cores/threads:cores",
            ]
        );
    }

    #[test]
    fn what_the_machine_does_not_carry_is_left_out_and_named() {
        let mut request = request();
        let machine = Machine {
            nofile_hard: Some(1024),
            ..Machine::default()
        };
        let left_out = ask(&mut request, &machine);
        assert_eq!(left_out.len(), 2, "{left_out:?}");
        assert!(
            left_out[0].starts_with("relay@500 processes/threads is left out")
                && left_out[0].contains("open files is 1024"),
            "{left_out:?}"
        );
        assert_eq!(compared(&request).len(), 5);
    }

    #[test]
    fn messages_of_relays_have_no_price() {
        let cells = plan::cells(&request()).unwrap();
        assert!(cells.iter().all(|c| c.purpose != Purpose::MessageCost));
        let planned = [open("relay").ok().unwrap()];
        assert!(check(&planned, Asked::One(Choice::Native)).is_ok());
        let said = check(&planned, Asked::All).unwrap_err();
        assert!(said.contains("name one --transport"), "{said}");
    }
}
