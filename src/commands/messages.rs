//! What does a run about messages measure, where it is told nothing?

use super::measure::open;
use super::study::{self, Study};
use super::{CommandError, usage};
use forkscope::cli::AgentCounts;
use forkscope::deployment::Form;
use forkscope::experiment::plan::PlannedWorkload;
use forkscope::experiment::plan::delivery as delivery_plan;
use forkscope::experiment::plan::message::{SMALL, hops};
use forkscope::transport::{Asked, Choice, Purpose};
use forkscope::workload::delivery::{self, Reception};
use forkscope::workload::hop::{self, Hop, Pattern};
use forkscope::workload::{self, SpecSource};

/// Agent counts at which every transport is tried.
pub const COUNTS: [usize; 2] = [8, 32];

/// What the study of delivery refuses.
const DELIVERY: Study = Study {
    agents: hop::ENDS,
    alone: "delivery has no agents and is measured alone or with message; run it without other workloads",
    of_agents: "a message has two ends; leave out --agents with the workload delivery",
    of_transport: "the workload delivery compares polling with being woken, by each deployment's native transport; leave out --transport",
    of_deployments: "the workload delivery measures threads and processes; leave out --deployment",
};

/// What the study of messages refuses.
const STUDY: Study = Study {
    agents: hop::ENDS,
    alone: "message has no agents and is measured alone; run it without other workloads",
    of_agents: "a message has two ends; leave out --agents with the workload message",
    of_transport: "the workload message measures every transport; leave out --transport",
    of_deployments: "the workload message compares threads with processes; leave out --deployment",
};

/// The workloads that `name` stands for: all sizes and patterns where it is the built-in `message`.
pub fn open_all(name: &str) -> Result<Vec<PlannedWorkload>, CommandError> {
    match name {
        _ if name == hop::ENTRY.name => hops().into_iter().map(planned).collect(),
        _ if name == delivery::ENTRY.name => {
            let ways = delivery_plan::ways().into_iter();
            // Controls run on the first workload: messages at random moments come as often as they
            // are sent, however fast the machine is.
            let ways = ways.map(|way| planned_of(way.source()));
            std::iter::once(small()).chain(ways).collect()
        }
        _ => {
            let own = open(name)?;
            // Polling is compared with being woken by the same messages.
            let woken = match own.hop.map(|h| h.pattern) {
                Some(Pattern::Paced(paced)) if paced.reception != Reception::Event => {
                    vec![
                        small()?,
                        planned_of(delivery_plan::woken(paced.gap_us).source())?,
                    ]
                }
                Some(Pattern::Paced(_)) => vec![small()?],
                _ => Vec::new(),
            };
            Ok(woken.into_iter().chain([own]).collect())
        }
    }
}

/// All workloads that are named. What two names stand for is there once: the hop of the controls of
/// `delivery` is one of `message`.
pub fn open_named(names: &[String]) -> Result<Vec<PlannedWorkload>, CommandError> {
    let mut planned: Vec<PlannedWorkload> = Vec::new();
    for (i, name) in names.iter().enumerate() {
        if names[..i].contains(name) {
            return Err(usage(format!("workload {name} is named twice")));
        }
        for workload in open_all(name)? {
            let is_there = |w: &PlannedWorkload| w.hop.is_some() && w.source == workload.source;
            if !planned.iter().any(is_there) {
                planned.push(workload);
            }
        }
    }
    // Controls run on the first workload; what comes at random moments shows no effect.
    planned.sort_by_key(delivery_plan::is_delivery);
    Ok(planned)
}

/// The round trip of the smallest size: what `quick` says the price of.
pub fn small() -> Result<PlannedWorkload, CommandError> {
    planned(Hop {
        pattern: Pattern::PingPong,
        payload_bytes: SMALL,
    })
}

fn planned(hop: Hop) -> Result<PlannedWorkload, CommandError> {
    planned_of(hop.source())
}

fn planned_of(source: SpecSource) -> Result<PlannedWorkload, CommandError> {
    let spec = workload::read(&source).map_err(usage)?;
    Ok(PlannedWorkload::new(source, spec.as_ref()))
}

/// Refuses what no transport can do, or what says nothing about messages.
pub fn check(
    planned: &[PlannedWorkload],
    agents: Option<&AgentCounts>,
    deployments: &[Form],
    transport: Asked,
) -> Result<(), String> {
    if transport == Asked::All && !planned.iter().any(|w| w.talks) {
        return Err(
            "--transport all needs a workload whose agents exchange messages, such as coordination"
                .to_owned(),
        );
    }
    if transport != Asked::One(Choice::Native) && !planned.iter().any(|w| w.talks) {
        let names: Vec<&str> = planned.iter().map(|w| w.source.name.as_str()).collect();
        return Err(format!(
            "{} sends no messages, which --transport is about; leave it out, or measure a workload whose agents exchange messages, such as coordination",
            names.join(", ")
        ));
    }
    if !planned.iter().any(|w| w.hop.is_some()) {
        return check_transport(deployments, transport);
    }
    let is_alone = planned.iter().all(|w| w.hop.is_some());
    let is_of_delivery = planned.iter().any(delivery_plan::is_delivery);
    let study = if is_of_delivery { &DELIVERY } else { &STUDY };
    study::check(study, is_alone, agents, deployments, transport)
}

fn check_transport(deployments: &[Form], transport: Asked) -> Result<(), String> {
    let Asked::One(Choice::Named(entry)) = transport else {
        return Ok(());
    };
    if entry.purpose != Purpose::Agents {
        return Err(format!(
            "{} carries hops, not the messages of agents; `forkscope run -w message` measures it",
            entry.name
        ));
    }
    match deployments.iter().find(|d| !entry.serves(d.kind.home())) {
        None => Ok(()),
        Some(form) => Err(format!(
            "{} does not serve {form}; ring, socket and pipe serve threads and processes alike, and native gives each its own",
            entry.name
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Form; 2] = [Form::THREADS, Form::PROCESSES];

    fn refused(names: &[&str], agents: &[usize], deployments: &[Form], transport: &str) -> String {
        let planned: Vec<_> = names
            .iter()
            .flat_map(|n| open_all(n).ok().unwrap())
            .collect();
        let agents = (!agents.is_empty()).then(|| AgentCounts(agents.to_vec()));
        let transport = transport.parse().unwrap();
        check(&planned, agents.as_ref(), deployments, transport)
            .err()
            .unwrap_or_default()
    }

    #[test]
    fn messages_are_measured_alone_and_whole() {
        assert_eq!(refused(&["message"], &[], &BOTH, "native"), "");
        let more = refused(&["message", "coordination"], &[], &BOTH, "native");
        assert!(more.contains("measured alone"), "{more}");
        let agents = refused(&["message"], &[8], &BOTH, "native");
        assert!(agents.contains("two ends"), "{agents}");
        let ring = refused(&["message"], &[], &BOTH, "ring");
        assert!(ring.contains("every transport"), "{ring}");
        let mixed = refused(&["message"], &[], &["threads:1".parse().unwrap()], "native");
        assert!(mixed.contains("threads with processes"), "{mixed}");
    }

    #[test]
    fn delivery_is_refused_by_its_own_name_and_merged_with_messages() {
        for transport in ["all", "ring"] {
            let said = refused(&["delivery"], &[], &BOTH, transport);
            assert!(said.starts_with("the workload delivery"), "{said}");
        }
        let names = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&n| n.to_owned()).collect();
            let planned = open_named(&names).ok()?;
            Some(
                planned
                    .into_iter()
                    .map(|w| w.source.name)
                    .collect::<Vec<_>>(),
            )
        };
        let both = names(&["delivery", "message"]).unwrap();
        for (i, name) in both.iter().enumerate() {
            assert!(!both[..i].contains(name), "{name}");
        }
        let alone = names(&["delivery"]).unwrap().len() + names(&["message"]).unwrap().len();
        assert_eq!(both.len(), alone - 1, "the smallest is in both");
        assert!(both[0].starts_with("message/"), "{both:?}");
        assert_eq!(names(&["message", "message"]), None);
        assert_eq!(names(&["exploration", "exploration"]), None);
    }

    #[test]
    fn a_transport_is_not_taken_where_nobody_sends() {
        for transport in ["ring", "channel", "pipe"] {
            let said = refused(&["exploration"], &[2], &BOTH, transport);
            assert!(said.starts_with("exploration sends no messages"), "{said}");
        }
        let said = refused(&["exploration", "coordination"], &[2], &BOTH, "ring");
        assert_eq!(said, "");
        assert_eq!(refused(&["exploration"], &[2], &BOTH, "native"), "");
    }

    #[test]
    fn a_transport_that_does_not_serve_a_deployment_is_refused() {
        for (transport, form) in [("channel", "processes"), ("ipc", "threads")] {
            let said = refused(&["coordination"], &[2], &BOTH, transport);
            assert!(
                said.starts_with(&format!("{transport} does not serve {form}")),
                "{said}"
            );
        }
        let said = refused(&["exploration"], &[2], &BOTH, "all");
        assert!(said.contains("exchange messages"), "{said}");
        for transport in ["ring", "socket", "pipe", "native", "all"] {
            assert_eq!(refused(&["coordination"], &[2], &BOTH, transport), "");
        }
        let said = refused(&["coordination"], &[2], &BOTH, "channel:arc");
        assert!(said.contains("not the messages of agents"), "{said}");
    }
}
