//! Tests: would the last worker still start, and if not, which limit stops it?

use super::*;

fn needs() -> Needs {
    Needs {
        agents: 32,
        processes: 33,
        threads: 31,
        descriptors_in_one_process: 100,
        shm_bytes: 64 << 20,
        memory_bytes: 256 << 20,
        message_bytes: 0,
    }
}

fn check(machine: &Machine, kernel: &KernelLimits) -> Result<(), String> {
    check_capacity_with(&needs(), machine, kernel).map_err(|error| error.to_string())
}

#[test]
fn an_unknown_limit_stops_nothing() {
    assert_eq!(check(&Machine::default(), &KernelLimits::default()), Ok(()));
}

#[test]
fn a_task_limit_is_named_with_its_value_and_a_way_out() {
    let machine = Machine {
        pids_max: Some(64),
        pids_current: Some(16),
        ..Machine::default()
    };
    let message = check(&machine, &KernelLimits::default()).unwrap_err();
    // 64 - 16 in use - 16 spare leave room for half of the 64 tasks.
    assert_eq!(
        message,
        "start 32 agents (64 processes and threads): pids.max of the control group is 64 \
         with 16 in use and 16 kept for the rest; raise it (systemd: TasksMax=, docker: \
         --pids-limit) or use --agents 1..16"
    );
}

#[test]
fn the_users_limit_binds_only_where_it_is_enforced() {
    let machine = Machine {
        nproc: Some(50),
        ..Machine::default()
    };
    assert_eq!(check(&machine, &KernelLimits::default()), Ok(()));
    let bound = KernelLimits {
        user_tasks: Some(5),
        ..KernelLimits::default()
    };
    assert!(
        check(&machine, &bound)
            .unwrap_err()
            .contains("RLIMIT_NPROC) is 50 with 5 in use")
    );
}

#[test]
fn every_other_limit_is_found() {
    let none = KernelLimits::default();
    let open = Machine::default();
    let kernel = |threads_max, pid_max| KernelLimits {
        threads_max,
        pid_max,
        tasks: Some(100),
        user_tasks: None,
    };
    for (message, wanted) in [
        (
            check(&open, &kernel(Some(120), None)),
            "kernel.threads-max is 120",
        ),
        (
            check(&open, &kernel(None, Some(110))),
            "kernel.pid_max is 110",
        ),
        (
            check(
                &Machine {
                    nofile_hard: Some(50),
                    ..open.clone()
                },
                &none,
            ),
            "open files is 50; raise it with `ulimit -Hn 100`",
        ),
        (
            check(
                &Machine {
                    shm_free_bytes: Some(32 << 20),
                    ..open.clone()
                },
                &none,
            ),
            "/dev/shm has 32 MiB free",
        ),
        (
            check(
                &Machine {
                    memory_available_bytes: 64 << 20,
                    ..open.clone()
                },
                &none,
            ),
            "available memory is 64 MiB; close programs or use --agents 1..8",
        ),
        (
            check(
                &Machine {
                    memory_limit_bytes: Some(1 << 20),
                    ..open.clone()
                },
                &none,
            ),
            "the memory limit of the control group is 1 MiB",
        ),
        (
            check(
                &Machine {
                    memory_limit_bytes: Some(1 << 30),
                    memory_limit_free_bytes: Some(1 << 20),
                    ..open.clone()
                },
                &none,
            ),
            "what the memory limit of the control group leaves free is 1 MiB; raise the limit",
        ),
    ] {
        let message = message.unwrap_err();
        assert!(message.contains(wanted), "{message}");
    }
}

#[test]
fn where_messages_take_most_of_the_memory_they_shall_be_smaller() {
    let large = Needs {
        memory_bytes: 2 << 30,
        message_bytes: 3 << 29,
        ..needs()
    };
    let machine = Machine {
        memory_available_bytes: 1 << 30,
        ..Machine::default()
    };
    let error = check_capacity_with(&large, &machine, &KernelLimits::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "start 32 agents (2048 MiB of memory): available memory is 1024 MiB; most of \
         the first is for messages: send less (payload_bytes, topology) or by another \
         --transport or use --agents 1..16"
    );
}

#[test]
fn no_count_is_advised_when_not_even_one_agent_fits() {
    let machine = Machine {
        nofile_hard: Some(1),
        ..Machine::default()
    };
    assert!(
        !check(&machine, &KernelLimits::default())
            .unwrap_err()
            .contains("--agents")
    );
}
