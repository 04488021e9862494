//! What does a run about formats measure, and what does it count before?

use super::study::{self, Study};
use super::{CommandError, failed, usage};
use forkscope::cli::AgentCounts;
use forkscope::deployment::Form;
use forkscope::experiment::plan::PlannedWorkload;
use forkscope::experiment::plan::formats::{AGENTS, hops, settings};
use forkscope::record::formats::{FormatAnswers, FormatFacts};
use forkscope::transport::Asked;
use forkscope::workload::serialize::body::BODIES;
use forkscope::workload::serialize::{self, FORMATS};
use forkscope::workload::{self, SpecSource};

/// What the study refuses.
const STUDY: Study = Study {
    agents: AGENTS,
    alone: "serialize has no agents that meet and is measured alone; run it without other workloads",
    of_agents: "a format is measured with one agent, which meets nobody; leave out --agents with the workload serialize",
    of_transport: "the workload serialize holds formats against hops of its own (ipc:bytes and ring); leave out --transport",
    of_deployments: "the workload serialize measures formats in a thread and hops between processes; leave out --deployment",
};

/// Whether one of these names asks for the study: the built-in workload. A file with its parameters is
/// compared like any other.
pub fn is_asked(names: &[String]) -> bool {
    names.iter().any(|name| name == serialize::ENTRY.name)
}

/// Refuses what the study would not follow.
pub fn check(
    names: &[String],
    agents: Option<&AgentCounts>,
    deployments: &[Form],
    transport: Asked,
) -> Result<(), String> {
    study::check(&STUDY, names.len() == 1, agents, deployments, transport)
}

/// The workloads of the study.
pub fn open_all() -> Result<Vec<PlannedWorkload>, CommandError> {
    let written = settings().into_iter().map(|s| s.source());
    let sent = hops().into_iter().map(|h| h.source());
    written.chain(sent).map(planned).collect()
}

fn planned(source: SpecSource) -> Result<PlannedWorkload, CommandError> {
    let spec = workload::parse(&source).map_err(usage)?;
    Ok(PlannedWorkload::new(source, spec.as_ref()))
}

/// Counts bytes and allocations of every body in every format: outside all windows, with the program's
/// own allocator.
pub fn facts() -> Result<FormatAnswers, CommandError> {
    let all = BODIES
        .iter()
        .flat_map(|body| FORMATS.iter().map(move |format| (body, format)));
    let facts = all.map(|(&(name, body), format)| {
        let counted = (format.facts)(body).map_err(failed)?;
        Ok(FormatFacts {
            body: name.to_owned(),
            format: format.name.to_owned(),
            bytes: counted.bytes,
            encode: counted.encode,
            decode: counted.decode,
        })
    });
    Ok(FormatAnswers {
        facts: facts.collect::<Result<_, CommandError>>()?,
        bodies: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::probes;
    use forkscope::experiment::plan::{self, MIN_PAIRS, Question, Request};
    use forkscope::transport::Choice;
    use std::time::Duration;

    const BOTH: [Form; 2] = [Form::THREADS, Form::PROCESSES];

    fn refused(names: &[&str], agents: &[usize], deployments: &[Form], transport: &str) -> String {
        let names: Vec<String> = names.iter().map(|&n| n.to_owned()).collect();
        let agents = (!agents.is_empty()).then(|| AgentCounts(agents.to_vec()));
        let transport = transport.parse().unwrap();
        check(&names, agents.as_ref(), deployments, transport)
            .err()
            .unwrap_or_default()
    }

    #[test]
    fn formats_are_measured_alone_and_whole() {
        assert_eq!(refused(&["serialize"], &[], &BOTH, "native"), "");
        assert_eq!(refused(&["serialize"], &[1], &BOTH, "native"), "");
        let more = refused(&["serialize", "message"], &[], &BOTH, "native");
        assert!(more.contains("measured alone"), "{more}");
        let agents = refused(&["serialize"], &[8], &BOTH, "native");
        assert!(agents.contains("one agent"), "{agents}");
        let ring = refused(&["serialize"], &[], &BOTH, "ring");
        assert!(ring.contains("hops of its own"), "{ring}");
        let mixed = refused(&["serialize"], &[], &[Form::PROCESSES], "native");
        assert!(mixed.contains("hops between processes"), "{mixed}");
    }

    #[test]
    fn a_file_with_its_parameters_asks_for_no_study() {
        let names = |name: &str| [name.to_owned()];
        assert!(is_asked(&names("serialize")));
        assert!(!is_asked(&names("workloads/serialize.toml")));
    }

    #[test]
    fn every_body_is_counted_in_every_format() {
        let facts = facts().ok().unwrap().facts;
        assert_eq!(facts.len(), BODIES.len() * FORMATS.len());
        let bytes = |format: &str| {
            let mut of = facts.iter();
            of.find(|f| (f.body.as_str(), f.format.as_str()) == ("beliefs100", format))
                .map(|f| f.bytes)
                .unwrap()
        };
        assert!(bytes("json") > bytes("postcard"));
        assert_eq!(bytes("handover"), 0.0);
    }

    #[test]
    fn on_two_cpus_the_study_takes_what_the_help_says_and_leaves_nothing_out() {
        let request = Request {
            workloads: open_all().ok().unwrap(),
            agents: vec![AGENTS],
            deployments: BOTH.to_vec(),
            cpus_effective: 2.0,
            budget_s: 0.0,
            most_pairs: 34,
            seed: 1,
            transport: Asked::One(Choice::Native),
            question: Question::Formats,
            look: None,
            asks_latency: false,
            is_busy: false,
        };
        let time = probes::time(&request, 5.0).unwrap();
        assert_eq!(time, Duration::from_secs(210));
        let mut cells = plan::cells(&request).unwrap();
        let room_s = time.as_secs_f64() - 5.0 - 4.0;
        let left_out = plan::fit(&mut cells, &request.workloads, MIN_PAIRS, room_s).unwrap();
        assert_eq!(left_out, Vec::<String>::new());
    }
}
