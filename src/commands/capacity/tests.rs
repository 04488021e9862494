//! Is refused what the machine cannot carry?

use super::*;
use forkscope::experiment::plan::PlannedWorkload;
use forkscope::workload::SpecSource;

/// Coordination of everybody with everybody, and so many bytes in each message.
fn chatty(payload_bytes: usize) -> PlannedWorkload {
    let mut source = SpecSource::built_in(workload::find("coordination").unwrap());
    for (from, to) in [
        ("topology = \"ring\"", "topology = \"all\"".to_owned()),
        ("fan_out = 2", String::new()),
        (
            "payload_bytes = 0",
            format!("payload_bytes = {payload_bytes}"),
        ),
    ] {
        assert!(source.text.contains(from), "{from}");
        source.text = source.text.replacen(from, &to, 1);
    }
    let spec = workload::read(&source).unwrap();
    PlannedWorkload::new(source, spec.as_ref())
}

fn request(workload: PlannedWorkload, agents: usize, transport: &str) -> Request {
    Request {
        workloads: vec![workload],
        agents: vec![agents],
        deployments: vec![Form::THREADS, Form::PROCESSES],
        cpus_effective: 2.0,
        budget_s: 600.0,
        most_pairs: 34,
        seed: 1,
        transport: transport.parse().unwrap(),
        look: None,
        asks_latency: false,
        question: Question::Compare,
        is_busy: false,
    }
}

/// What is said about a machine with so much memory.
fn refused(request: &Request, memory_available_bytes: u64) -> String {
    let machine = Machine {
        memory_available_bytes,
        ..Machine::default()
    };
    match check_capacity(request, &machine) {
        Ok(()) => String::new(),
        Err(CommandError::Usage(why)) => why,
        Err(CommandError::Failed(why) | CommandError::Unfit(why)) => panic!("{why}"),
    }
}

#[test]
fn messages_that_the_memory_does_not_hold_are_refused_before_anything_starts() {
    let large = request(chatty(1 << 20), 64, "ring");
    let said = refused(&large, 8 << 30);
    assert!(said.contains("start 64 agents ("), "{said}");
    assert!(
        said.contains("send less (payload_bytes, topology)"),
        "{said}"
    );
    assert!(said.contains("or use --agents 1.."), "{said}");
    assert_eq!(refused(&large, 1 << 40), "");
    assert_eq!(refused(&request(chatty(0), 64, "ring"), 8 << 30), "");
}

#[test]
fn memory_is_what_it_takes_by_the_dearest_of_all_transports() {
    let by = |transport| request(chatty(1 << 20), 16, transport);
    assert_eq!(refused(&by("socket"), 1 << 30), "");
    assert!(refused(&by("ring"), 1 << 30).contains("of memory"));
    assert!(refused(&by("all"), 1 << 30).contains("of memory"));
}

#[test]
fn what_a_worker_holds_to_see_its_neighbours_alive_counts_as_open_files() {
    let mut mix = request(chatty(0), 64, "ring");
    mix.deployments = vec![Form::THREADS, "processes:2x32".parse().unwrap()];
    let said = |limit| {
        let machine = Machine {
            nofile_hard: Some(limit),
            ..Machine::default()
        };
        check_capacity(&mix, &machine).map_err(|e| format!("{e:?}"))
    };
    // Each of 32 workers watches 32 of the other process; and the memory of the rings, and room.
    assert!(said(32 * 32 + 1 + 32).is_ok());
    let why = said(32 * 32 + 32).unwrap_err();
    assert!(why.contains("1057 open files in one process"), "{why}");
}
