//! Do the two hosts of a pair take turns, and do they measure what they would alone?

use crate::host::proc::{await_end_of, numbered, workers};
use crate::{host, machine_for_itself};
use forkscope::deployment::pinning;
use forkscope::experiment::host::told;
use forkscope::experiment::invocation::Invocation;
use forkscope::experiment::turns::{Order, Part, Waiting};
use forkscope::metric::Metric;
use forkscope::record::{Outcome, Phase, Sample};
use nix::sys::signal::Signal;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A host that is told, line by line, what to do.
struct Told {
    child: Child,
    orders: Option<ChildStdin>,
    out: BufReader<ChildStdout>,
    said: Vec<u8>,
}

impl Told {
    fn start(invocation: &Invocation) -> Told {
        let mut child = Command::new(env!("CARGO_BIN_EXE_forkscope"))
            .args(["host", &std::process::id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let mut told = Told {
            orders: child.stdin.take(),
            child,
            out,
            said: Vec::new(),
        };
        told.line(&serde_json::to_string(invocation).expect("plain data"));
        told
    }

    fn line(&mut self, line: &str) {
        let orders = self.orders.as_mut().expect("not closed yet");
        writeln!(orders, "{line}").expect("the host listens");
    }

    fn say(&mut self, order: Order) {
        self.line(&serde_json::to_string(&order).expect("plain data"));
    }

    /// Reads until the host waits.
    fn waiting(&mut self) -> Waiting {
        loop {
            let from = self.said.len();
            let read = self.out.read_until(b'\n', &mut self.said);
            assert!(read.expect("a pipe") > 0, "it ends: {:?}", self.outcome());
            if let Some(waiting) = told(&self.said[from..]).waiting {
                return waiting;
            }
        }
    }

    fn turn(&mut self, of: u32) -> Waiting {
        self.say(Order::Turn { of, cpu: None });
        self.waiting()
    }

    /// Closes its orders and reads its answer.
    fn outcome(&mut self) -> Outcome {
        self.orders = None;
        self.out.read_to_end(&mut self.said).expect("a pipe");
        self.child.wait().expect("it ends");
        told(&self.said).answer.expect("an answer")
    }

    fn sample(&mut self) -> Sample {
        self.say(Order::HandOver);
        match self.outcome() {
            Outcome::Measured(sample) => *sample,
            Outcome::Failed(failure) => panic!("{failure:?}"),
        }
    }
}

fn invocation(name: &str, agents: usize, form: &str, is_first: bool) -> Invocation {
    let part = Part {
        takes_turns: true,
        is_first,
    };
    Invocation {
        window_s: 0.6,
        part,
        ..host::invocation(name, agents, form)
    }
}

#[test]
fn two_hosts_take_turns_and_do_the_same_work_as_alone() {
    let _alone = machine_for_itself();
    for (name, agents) in [("exploration", 3), ("coordination", 4)] {
        let forms = ["threads", "processes"];
        let mut hosts: Vec<Told> = Vec::new();
        for (i, form) in forms.into_iter().enumerate() {
            let mut host = Told::start(&invocation(name, agents, form, i == 0));
            let waiting = host.waiting();
            assert_eq!(waiting.turns_done, 0);
            assert!(waiting.episode_s > 0.0);
            hosts.push(host);
        }
        for turn in 0..6 {
            let idle = (turn % 2) as usize;
            let before_ns = cpu_ns_of_workers(&hosts[idle]);
            let waiting = hosts[1 - idle].turn(6);
            // Its workers may have been on their way to sleep; a turn of the partner lasts 100 ms.
            let ran_ns = cpu_ns_of_workers(&hosts[idle]) - before_ns;
            assert!(ran_ns < 2_000_000, "a partner that sleeps ran {ran_ns} ns");
            assert_eq!(waiting.turns_done, turn / 2 + 1);
        }
        for turn in 3..6 {
            for host in &mut hosts {
                assert_eq!(host.turn(6).turns_done, turn + 1);
            }
        }
        // The second one's memory is read when the first one is gone.
        let samples: Vec<Sample> = hosts.iter_mut().map(Told::sample).collect();
        for (sample, form) in samples.into_iter().zip(forms) {
            // Long enough for whole lives of agents, of which the work per op is told, in a build that is hardly optimised.
            let mut alone = host::invocation(name, agents, form);
            alone.window_s = 0.5;
            let unpaired = host::sample(&alone);
            let what = format!("{name} {form}");
            assert_eq!((sample.turns, unpaired.turns), (6, 1), "{what}");
            assert_eq!(sample.digest, unpaired.digest, "{what}");
            assert_eq!(sample.slices_ops_per_s.len(), 12, "{what}");
            assert_eq!(
                host::count(&sample, Metric::MESSAGES_SENT),
                host::count(&sample, Metric::MESSAGES_RECEIVED),
                "{what}"
            );
            assert!(sample.ops > 0 && sample.span_s >= 0.6, "{what}");
            let [a, b] = [&sample, &unpaired].map(|s| s.value(Metric::ACTIVE_STATES_PER_OP));
            assert!((a - b).abs() <= 0.005 * b, "{what}: {a} and {b}");
            // Who maps the same program at the same time takes nothing off anybody's account.
            let total = |s: &Sample| s.memory.expect("the kernel tells").total_bytes;
            let (a, b) = (total(&sample), total(&unpaired));
            let apart = (a as f64 - b as f64).abs() / b as f64;
            assert!(apart < 0.1, "{what}: {a} and {b} bytes");
        }
    }
}

/// CPU time of a host's workers, nanoseconds.
fn cpu_ns_of_workers(host: &Told) -> u64 {
    let own = host.child.id() as i32;
    let processes = workers(own);
    if !processes.is_empty() {
        return processes.iter().map(|p| ran_ns(p.pid, p.pid)).sum();
    }
    // Its threads but the first one, which waits for orders.
    let tasks = std::fs::read_dir(format!("/proc/{own}/task")).expect("it lives");
    let tasks = tasks.filter_map(|t| t.ok()?.file_name().to_str()?.parse().ok());
    let threads = tasks.filter(|&t: &i32| t != own);
    threads.map(|t| ran_ns(own, t)).sum()
}

/// Time that a task has run, nanoseconds: the first number of its schedstat.
fn ran_ns(pid: i32, task: i32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{task}/schedstat"));
    let text = text.expect("a live task");
    text.split_whitespace()
        .next()
        .and_then(|n| n.parse().ok())
        .expect("a number")
}

#[test]
fn a_worker_that_dies_between_turns_is_named() {
    let _alone = machine_for_itself();
    let mut host = Told::start(&invocation("exploration", 3, "processes", true));
    host.waiting();
    host.turn(12);
    let workers = workers(host.child.id() as i32);
    assert_eq!(workers.len(), 3);
    numbered(&workers, 1).signal(Signal::SIGKILL);
    host.say(Order::Turn { of: 12, cpu: None });
    let Outcome::Failed(failure) = host.outcome() else {
        panic!("a worker is missing");
    };
    assert_eq!(failure.signal.as_deref(), Some("SIGKILL"), "{failure:?}");
    assert_eq!(failure.agent, Some(1), "{failure:?}");
    assert!(matches!(failure.phase, Phase::Window | Phase::Stop));
    await_end_of(&workers, "a worker was killed between turns");
}

#[test]
fn orders_that_cannot_be_followed_are_named() {
    let _alone = machine_for_itself();
    for (order, says) in [
        (Some("{\"turn\":{\"of\":5,\"cpu\":null}}"), "is no order"),
        (Some("{\"turn\":{\"of\":0,\"cpu\":null}}"), "is no order"),
        (Some("\"hand_over\""), "is no order"),
        (Some("go on"), "is no order"),
        (None, "the coordinator is gone"),
    ] {
        let mut host = Told::start(&invocation("exploration", 1, "processes", true));
        host.waiting();
        let workers = workers(host.child.id() as i32);
        if let Some(order) = order {
            host.line(order);
        }
        let Outcome::Failed(failure) = host.outcome() else {
            panic!("{order:?} was followed");
        };
        assert_eq!(failure.phase, Phase::Window, "{order:?}");
        assert!(failure.message.contains(says), "{}", failure.message);
        await_end_of(&workers, "an order that cannot be followed");
    }
}

#[test]
fn a_single_worker_goes_to_the_cpu_that_it_is_told() {
    let _alone = machine_for_itself();
    let cpus = pinning::allowed();
    for form in ["threads", "processes"] {
        let mut host = Told::start(&invocation("exploration", 1, form, true));
        host.waiting();
        for turn in 0..4 {
            let cpu = cpus[turn % cpus.len()];
            host.say(Order::Turn {
                of: 12,
                cpu: Some(cpu),
            });
            host.waiting();
            assert_eq!(allowed_of_worker(&host), cpu.to_string(), "{form}");
        }
        host.say(Order::Turn {
            of: 12,
            cpu: Some(100_000),
        });
        let Outcome::Failed(failure) = host.outcome() else {
            panic!("there is no such CPU");
        };
        assert!(failure.message.contains("CPU 100000"), "{failure:?}");
    }
}

/// Which CPUs the one worker of a host may run on, as the kernel writes it.
fn allowed_of_worker(host: &Told) -> String {
    let own = host.child.id() as i32;
    let status = match workers(own).first() {
        Some(process) => format!("/proc/{}/status", process.pid),
        None => {
            let tasks = std::fs::read_dir(format!("/proc/{own}/task")).expect("it lives");
            let names = tasks.filter_map(|t| t.ok()?.file_name().into_string().ok());
            let thread = names.filter(|t| *t != own.to_string()).max();
            format!("/proc/{own}/task/{}/status", thread.expect("a worker"))
        }
    };
    let text = std::fs::read_to_string(status).expect("a live task");
    let line = text
        .lines()
        .find_map(|l| l.strip_prefix("Cpus_allowed_list:"));
    line.expect("every task has one").trim().to_owned()
}
