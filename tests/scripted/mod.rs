//! How do tests run the coordinator without a clock and without processes?
#![allow(dead_code, reason = "each test binary uses its own part")]

use forkscope::deployment::{Form, Kind};
use forkscope::experiment::coordinator::{self, Invoker, Measured};
use forkscope::experiment::invocation::Invocation;
use forkscope::experiment::plan::{Asked as Request, Depth, Plan, PlannedWorkload};
use forkscope::metric::Metric;
use forkscope::observe::clock::OpClock;
use forkscope::record::*;
use forkscope::study;
use forkscope::transport::{Asked, Choice};
use forkscope::workload::{self, SpecSource};

/// A sample, and how long the invocation took, seconds.
pub type Answer = (Outcome, f64);

/// Answers by a script, and moves its own clock.
pub struct Script<F> {
    pub now_s: f64,
    /// Invocations so far.
    pub count: usize,
    pub interrupted_at: usize,
    pub answer: F,
}

impl<F: FnMut(&Invocation, usize) -> Answer> Invoker for Script<F> {
    fn invoke(&mut self, invocation: &Invocation, limit_s: f64) -> Outcome {
        let (outcome, took_s) = (self.answer)(invocation, self.count);
        self.count += 1;
        if took_s > limit_s {
            self.now_s += limit_s;
            return failed("the host did not answer");
        }
        self.now_s += took_s;
        outcome
    }

    fn elapsed_s(&self) -> f64 {
        self.now_s
    }

    fn is_interrupted(&self) -> bool {
        self.count >= self.interrupted_at
    }
}

pub fn script<F: FnMut(&Invocation, usize) -> Answer>(answer: F) -> Script<F> {
    Script {
        now_s: 1.0,
        count: 0,
        interrupted_at: usize::MAX,
        answer,
    }
}

pub fn failed(message: &str) -> Outcome {
    Outcome::Failed(Failure {
        phase: Phase::Window,
        agent: Some(0),
        signal: Some("SIGKILL".to_owned()),
        message: message.to_owned(),
    })
}

pub fn request(agents: &[usize], budget_s: f64) -> Request {
    let planned = |name: &str| {
        let source = SpecSource::built_in(workload::find(name).unwrap());
        PlannedWorkload::read(source).unwrap()
    };
    Request {
        workloads: vec![planned("exploration"), planned("coordination")],
        agents: agents.to_vec(),
        has_own_agents: false,
        deployments: vec![Form::THREADS, Form::PROCESSES],
        cpus_effective: 2.0,
        budget_s,
        most_pairs: 12,
        seed: 1,
        transport: Asked::One(Choice::Native),
        look: None,
        asks_latency: false,
        depth: Depth::Answer,
        is_busy: false,
    }
}

/// What an ideal machine measures, where processes have `ratio` times the rate of threads: with noise
/// of 1 % and an order effect of none.
pub fn sample(invocation: &Invocation, count: usize, ratio: f64) -> Sample {
    let job = &invocation.job;
    // A fixed sequence without a pattern: the fractional parts of multiples of the golden ratio.
    let noise = (count as f64 * 0.618_033_988_749_895).fract() - 0.5;
    let mut rate = 10_000.0 * (job.agents as f64).min(2.0) * (1.0 + 0.02 * noise);
    if invocation.form.kind == Kind::Processes {
        rate *= ratio;
    }
    if let Some(every) = job.uncounted_every {
        rate *= every as f64 / (every + 1) as f64;
    }
    if job.tape {
        rate *= 1.5;
    }
    let span_s = invocation.window_s;
    let ops = (rate * span_s) as u64;
    let talks = job.source.name == "coordination" && job.agents > 1 && !job.tape;
    let messages = if talks { 2 * ops } else { 0 };
    Sample {
        processes: invocation.placement().processes(),
        workers: invocation.placement().workers(),
        ops,
        span_s,
        turns: 1,
        digest: format!("{}-{}", job.source.name, job.agents),
        foreign_cpu: Some(0.01),
        steal: Some(0.0),
        throttled: Some(0),
        memory: Some(Memory {
            total_bytes: (1 << 20) * (1 + job.agents as u64),
            ..Memory::default()
        }),
        ..Sample::default()
    }
    .with(Metric::OPS_PER_S, rate)
    .with(Metric::SETUP_S, 0.001 * job.agents as f64)
    .with(Metric::WARM_UP_S, invocation.warm_up_s)
    .with(Metric::CPU_S, 2.0 * span_s)
    .with(Metric::CPU_PER_OP_NS, 2e9 / rate)
    .with(Metric::MESSAGES_SENT, messages as f64)
    .with(Metric::MESSAGES_RECEIVED, messages as f64)
    .with(Metric::ACTIVE_STATES_PER_OP, 7.25)
    .with(Metric::SERVICE_MEAN_NS, 1e9 / rate)
    .with(Metric::LATENCY_TAIL_NS, 1e9 / rate)
}

pub fn measured(sample: Sample) -> Outcome {
    Outcome::Measured(Box::new(sample))
}

/// An answer that took what the plan thinks.
pub fn usual(invocation: &Invocation, count: usize) -> Answer {
    (measured(sample(invocation, count, 1.0)), 0.4)
}

/// What is changed in a usual answer.
pub fn usual_but(
    invocation: &Invocation,
    count: usize,
    change: impl FnOnce(&mut Sample),
) -> Answer {
    let mut sample = sample(invocation, count, 1.0);
    change(&mut sample);
    (measured(sample), 0.4)
}

/// What all studies plan on a machine of which nothing else is known.
pub fn plan(request: &Request) -> Plan {
    study::plan(&study::all(), request, &Machine::default()).expect("two deployments")
}

pub fn run_quietly(request: &Request, invoker: &mut dyn Invoker) -> Measured {
    coordinator::run(
        request,
        &plan(request),
        OpClock::calibrate(),
        invoker,
        &mut |_| {},
        &mut |_| {},
    )
    .expect("the plan fits")
}
