//! One invocation of one cell under one deployment: setup, warm-up, turns of the window, checks, one sample.
//!
//! This runs in the *host*: a process that exists for one invocation only, so that no invocation
//! inherits heap, caches of an allocator, or threads from another.

mod hold;
mod partner;
mod tally;
mod watch;

use super::turns::{self, Order, Part, Waiting};
use crate::deployment::gate::{Gate, Reached, Step, monotonic_ns};
use crate::deployment::{self, Fleet, Form, Job, Placement, pace, pinning, whole_cpus};
use crate::metric::Metric;
use crate::observe::cgroup::Cgroup;
use crate::observe::heap;
use crate::observe::memory::{FilePages, MemoryError, MemoryReader};
use crate::observe::standstill::Vigil;
use crate::record::{Failure, Memory, Outcome, Phase, SLICES, Sample};
use crate::workload;
use hold::Hold;
use nix::unistd::Pid;
use partner::Partner;
use serde::{Deserialize, Serialize};
use std::io::BufRead;
use std::time::Duration;
use tally::Tally;
use watch::Watch;

/// A dead worker is noticed within this time, whatever the phase.
const LOOK: Duration = Duration::from_millis(50);

/// Largest difference between the CPU time that workers measured and that of their processes.
const CPU_TOLERANCE: f64 = 0.05;

/// CPU time below which that difference says nothing: starting and parking cost something.
const CPU_SLACK_S: f64 = 0.005;

/// What one invocation shall do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invocation {
    /// What the workers do.
    pub job: Job,
    /// Where they run.
    pub form: Form,
    /// Effective CPUs, as the machine was found.
    pub cpus_effective: f64,
    /// Least length of the warm-up, seconds.
    pub warm_up_s: f64,
    /// Length of the window, seconds.
    pub window_s: f64,
    /// How long a phase may take beyond its plan before it counts as hung, seconds.
    pub patience_s: f64,
    /// How it takes part in its pair.
    pub part: Part,
}

impl Invocation {
    /// Who lives where.
    #[must_use]
    pub fn placement(&self) -> Placement {
        self.form
            .place(self.job.agents, whole_cpus(self.cpus_effective))
    }

    /// Turns of its window, where an agent took `episode_s` seconds for an episode in the warm-up.
    #[must_use]
    pub fn turns_for(&self, episode_s: f64) -> u32 {
        if !self.part.takes_turns {
            return 1;
        }
        let workers = self.placement().workers();
        turns::how_many(self.window_s, workers, self.cpus_effective, episode_s)
    }

    /// Whether there is one worker, which may run anywhere.
    #[must_use]
    pub fn is_one_free_worker(&self) -> bool {
        self.placement().workers() == 1 && self.job.cpus.is_free()
    }

    /// Wall time after which a host that was given a turn is given up, seconds: its own watchdogs come first.
    #[must_use]
    pub fn turn_gives_up_after_s(&self) -> f64 {
        self.window_s + 2.0 * self.patience_s
    }

    /// Wall time after which the coordinator gives the host up, seconds: the host's own watchdogs,
    /// one per phase, come first.
    #[must_use]
    pub fn gives_up_after_s(&self) -> f64 {
        self.warm_up_s + self.window_s + 6.0 * self.patience_s
    }
}

/// Runs one invocation in this process; where it takes turns, nobody else does.
///
/// # Errors
/// [`Failure`] with phase and cause; workers are ended in either case.
pub fn run(invocation: &Invocation) -> Result<Sample, Failure> {
    run_with(invocation, &mut partner::Nobody::new(invocation))
}

/// Like [`run`]; tells `partner` which phase begins, and waits for what it says before every turn, where it
/// takes turns. The stop is not told: whoever hears it would take a CPU from the last ops.
fn run_with(invocation: &Invocation, partner: &mut dyn Partner) -> Result<Sample, Failure> {
    let hold = Hold::of_environment()?;
    let job = &invocation.job;
    let spec = workload::parse(&job.source).map_err(|e| fail(Phase::Start, e.to_string()))?;
    let is_coupled = !spec.topology(job.agents).is_silent() && !job.tape && spec.hop().is_none();
    let quantum = is_coupled.then_some(job.quantum);
    let placement = invocation.placement();
    let gate = Gate::create(placement.workers()).map_err(|e| {
        fail(
            Phase::Start,
            format!("create the shared page of the gate: {e}"),
        )
    })?;
    let entry = deployment::of(invocation.form.kind);
    let patience = Duration::from_secs_f64(invocation.patience_s);

    hold.at(Phase::Start);
    partner.phase(Phase::Setup);
    let spawned_ns = monotonic_ns();
    let fleet = entry.deployment.start(job, placement, &gate)?;
    let mut host = Host {
        placement,
        gate,
        fleet,
        patience,
        vigil: Vigil::new(),
    };
    hold.at(Phase::Setup);
    host.await_all(Reached::Ready, Phase::Setup)?;
    let setup_s = seconds(monotonic_ns() - spawned_ns);

    partner.phase(Phase::WarmUp);
    let opened_ns = host.gate.open(Step::WarmUp);
    hold.at(Phase::WarmUp);
    host.warm_up(invocation)?;
    host.gate.close(quantum);
    host.await_all(Reached::WarmedUp, Phase::WarmUp)?;
    let warm_up_s = seconds(host.gate.last_stop_ns().saturating_sub(opened_ns));
    let rounds = host.gate.rounds().max(1);
    let episode_s = warm_up_s * job.quantum as f64 / rounds as f64;

    // Before anything of the window is read: workers are parked.
    partner.phase(Phase::Window);
    let mut watch = Watch::new(&host.fleet.pids())?;
    let mut memory = MemoryReader::new();
    let shares_pages = invocation.part.takes_turns && invocation.part.is_first;
    let alone = match shares_pages {
        true => host
            .memory(&mut memory, &watch)?
            .and_then(|(_, files)| files),
        false => None,
    };
    let mut window = Window::default();
    let mut opened_ns = 0;
    loop {
        let waiting = Waiting {
            turns_done: window.turns,
            episode_s,
            own_cpu_ns: watch.cpu_ns()?,
        };
        let Order::Turn { of, cpu } = partner.next(waiting)? else {
            break;
        };
        host.fleet.check(Phase::Window)?;
        if window.turns == 0 {
            // Not before the partner is set up.
            watch.begin()?;
        }
        if let Some(cpu) = cpu {
            let refused = |e| fail(Phase::Window, format!("put the worker on CPU {cpu}: {e}"));
            pinning::put_on(cpu, &watch.pids).map_err(refused)?;
        }
        watch.begin_turn();
        opened_ns = host.gate.open(Step::Turn(window.turns));
        if window.turns == 0 {
            hold.at(Phase::Window);
        }
        let length_s = invocation.window_s / f64::from(of);
        let slices = host.turn(length_s, SLICES / of, opened_ns)?;
        host.gate.close(quantum);
        host.await_all(Reached::Turned(window.turns), Phase::Stop)?;
        window.add(
            slices,
            seconds(host.gate.last_stop_ns().saturating_sub(opened_ns)),
        );
        watch.end_turn();
    }
    let spent = watch.end()?;

    partner.phase(Phase::Collect);
    host.gate.open(Step::HandOver);
    hold.at(Phase::Collect);
    let mut tally = Tally::of(host.fleet.reports()?)?;
    if let Some(planned_per_s) = job.planned_per_s {
        let first_ns = pace::first_start_ns(opened_ns, placement.workers());
        let busy_s = seconds(host.gate.last_stop_ns().saturating_sub(first_ns));
        tally.is_of_latency(planned_per_s, busy_s);
    }
    host.await_all(Reached::HandedOver, Phase::Collect)?;
    let memory = host
        .memory(&mut memory, &watch)?
        .map(|(read, files)| Memory {
            live_heap_bytes: host.live_heap_bytes(&placement),
            ..match files.zip(alone) {
                Some((now, alone)) => now.exchanged(alone, read),
                None => read,
            }
        });
    let stood_still = host.stood_still();
    host.fleet.end();

    let mut sample = Sample {
        processes: placement.processes(),
        workers: placement.workers(),
        ops: tally.ops,
        span_s: window.span_s,
        turns: window.turns,
        values: tally.values,
        memory,
        digest: format!("{:016x}", tally.digest),
        slices_ops_per_s: window.slices,
        foreign_cpu: spent.foreign_cpu,
        steal: spent.steal,
        throttled: spent.throttled,
        stood_still_s: stood_still.map(|d| d.as_secs_f64()),
    };
    sample.set(Metric::OPS_PER_S, tally.ops as f64 / window.span_s);
    sample.set(Metric::SETUP_S, setup_s);
    sample.set(Metric::WARM_UP_S, warm_up_s);
    sample.set(Metric::CPU_S, spent.cpu_s);
    sample.set(
        Metric::CPU_PER_OP_NS,
        tally.cpu_s * 1e9 / tally.ops.max(1) as f64,
    );
    let switches = &spent.switches;
    sample.set(Metric::VOLUNTARY_SWITCHES, switches.voluntary as f64);
    sample.set(Metric::INVOLUNTARY_SWITCHES, switches.involuntary as f64);
    if let Some(memory) = memory {
        let per_agent = memory.total_bytes as f64 / job.agents.max(1) as f64;
        sample.set(Metric::MEMORY_PER_AGENT_BYTES, per_agent);
    }
    let messages_per_s = tally.sent.messages as f64 / window.span_s;
    sample.set(Metric::MESSAGES_PER_S, messages_per_s);
    let interrupts = spent.interrupts.unwrap_or_default();
    for (metric, count) in [
        (Metric::TLB_SHOOTDOWNS, interrupts.tlb_shootdowns),
        (Metric::FUNCTION_CALL_INTERRUPTS, interrupts.function_calls),
        (Metric::RESCHEDULE_INTERRUPTS, interrupts.reschedules),
    ] {
        if let Some(count) = count {
            sample.set(metric, count as f64);
        }
    }
    check(
        &sample,
        tally.cpu_s,
        invocation.cpus_effective,
        spent.steal.unwrap_or(0.0) * invocation.cpus_effective * window.span_s,
    )?;
    Ok(sample)
}

fn fail(phase: Phase, message: String) -> Failure {
    Failure {
        phase,
        agent: None,
        signal: None,
        message,
    }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 * 1e-9
}

/// Refuses samples that cannot be true. Many a guest's kernel charges the time that the hypervisor takes to
/// whoever was running, be it inside or outside of what a worker measures: clocks may be apart by `stolen_s`
/// seconds. (Seen with 19 to 42 % of steal; the pair is then dropped for that.)
///
/// # Errors
/// [`Failure`] in [`Phase::Check`] with the numbers that do not fit.
pub fn check(
    sample: &Sample,
    workers_cpu_s: f64,
    cpus_effective: f64,
    stolen_s: f64,
) -> Result<(), Failure> {
    let broken = |message: String| Err(fail(Phase::Check, message));
    if sample.ops == 0 || sample.span_s <= 0.0 {
        return broken("no op was finished in the window; use a longer one (--time)".to_owned());
    }
    let count = |metric: Metric| sample.get(metric).unwrap_or(0.0) as u64;
    let (sent, received) = (
        count(Metric::MESSAGES_SENT),
        count(Metric::MESSAGES_RECEIVED),
    );
    let (sent_bytes, received_bytes) = (count(Metric::BYTES_SENT), count(Metric::BYTES_RECEIVED));
    if (sent, sent_bytes) != (received, received_bytes) {
        return broken(format!(
            "{} messages ({} bytes) were sent and {} ({} bytes) taken in",
            sent, sent_bytes, received, received_bytes
        ));
    }
    let cpu_s = sample.value(Metric::CPU_S);
    let exists = cpus_effective * sample.span_s;
    if cpu_s > exists * (1.0 + CPU_TOLERANCE) + CPU_SLACK_S {
        return broken(format!(
            "{:.3} s of CPU time were used in a window that has {exists:.3} s ({cpus_effective} CPUs)",
            cpu_s
        ));
    }
    let apart = (cpu_s - workers_cpu_s).abs();
    if apart > cpu_s * CPU_TOLERANCE + CPU_SLACK_S + stolen_s {
        return broken(format!(
            "the workers measured {workers_cpu_s:.3} s of CPU time and their processes {:.3} s",
            cpu_s
        ));
    }
    Ok(())
}

/// What the turns of a window came to.
#[derive(Default)]
struct Window {
    turns: u32,
    span_s: f64,
    slices: Vec<f64>,
}

impl Window {
    fn add(&mut self, slices: Vec<f64>, span_s: f64) {
        self.turns += 1;
        self.span_s += span_s;
        self.slices.extend(slices);
    }
}

/// Started workers and what watches over them.
struct Host {
    placement: Placement,
    gate: Gate,
    fleet: Box<dyn Fleet>,
    patience: Duration,
    /// By its clock, what stands still does not hang.
    vigil: Vigil,
}

impl Host {
    /// Waits until every worker has reached `what`, and looks after them meanwhile. Patience ends when
    /// nothing happens for so long: a thousand processes that start one after the other do not hang.
    fn await_all(&mut self, what: Reached, phase: Phase) -> Result<(), Failure> {
        let mut deadline = self.vigil.now() + self.patience;
        let mut seen_before = self.gate.events_seen();
        loop {
            let seen = self.gate.events_seen();
            if seen != seen_before {
                seen_before = seen;
                deadline = self.vigil.now() + self.patience;
            }
            self.fleet.check(phase)?;
            if what == Reached::Ready {
                self.fleet.connect()?;
            }
            if self.gate.have_all(what) {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(self.vigil.now());
            if left.is_zero() {
                return Err(self.hung(what, phase));
            }
            self.sleep(seen, left.min(LOOK));
        }
    }

    /// Sleeps until a worker reports something or the time is over.
    fn sleep(&mut self, seen: u32, at_most: Duration) {
        let gate = &self.gate;
        self.vigil.over(at_most, || gate.sleep(seen, at_most));
    }

    /// How long at least the host or a worker stood still so far; `None` when nothing of that was seen.
    fn stood_still(&self) -> Option<Duration> {
        let own = Some(self.vigil.total()).filter(|t| !t.is_zero());
        own.max(self.fleet.stopped())
    }

    fn hung(&self, what: Reached, phase: Phase) -> Failure {
        let missing = self.gate.missing(what);
        let some: Vec<String> = missing.iter().take(8).map(ToString::to_string).collect();
        let more = if missing.len() > some.len() {
            ", …"
        } else {
            ""
        };
        let agent = missing.first().map(|&w| self.placement.agents_of(w).start);
        Failure {
            agent,
            ..fail(
                phase,
                format!(
                    "{} of {} workers hang after {:.1} s (worker {}{more}); they were killed",
                    missing.len(),
                    self.gate.workers(),
                    self.patience.as_secs_f64(),
                    some.join(", ")
                ),
            )
        }
    }

    /// Waits until the warm-up has lasted and every agent has passed the digest round.
    fn warm_up(&mut self, invocation: &Invocation) -> Result<(), Failure> {
        let until = self.vigil.now() + Duration::from_secs_f64(invocation.warm_up_s);
        let deadline = until + self.patience;
        loop {
            let seen = self.gate.events_seen();
            self.fleet.check(Phase::WarmUp)?;
            let now = self.vigil.now();
            let is_digested = self.gate.rounds() >= invocation.job.digest_round;
            if now >= until && is_digested {
                return Ok(());
            }
            if now >= deadline {
                let slowest = self.gate.slowest();
                let message = format!(
                    "after {:.1} s worker {slowest} has done {} of the {} rounds that the digest needs; it hangs, or its ops are too slow for this tool",
                    invocation.warm_up_s + self.patience.as_secs_f64(),
                    self.gate.rounds(),
                    invocation.job.digest_round
                );
                return Err(Failure {
                    agent: Some(self.placement.agents_of(slowest).start),
                    ..fail(Phase::WarmUp, message)
                });
            }
            // Once the time is over only the digest is waited for: look again soon.
            let left = until.saturating_duration_since(now);
            let at_most = match left.is_zero() {
                true => LOOK / 50,
                false => left.min(LOOK),
            };
            self.sleep(seen, at_most);
        }
    }

    /// Memory of host and workers, which are parked; and what of it is pages of files.
    fn memory(
        &self,
        reader: &mut MemoryReader,
        watch: &Watch,
    ) -> Result<Option<(Memory, Option<FilePages>)>, Failure> {
        match reader.read_with_files(&watch.pids) {
            Ok(read) => Ok(Some(read)),
            // All else can be measured without.
            Err(MemoryError::Unsupported { .. }) => Ok(None),
            Err(e) => Err(fail(Phase::Collect, e.to_string())),
        }
    }

    /// Lets a turn of `length_s` seconds pass; reads the count of ops at the end of each of its slices.
    fn turn(&mut self, length_s: f64, count: u32, opened_ns: u64) -> Result<Vec<f64>, Failure> {
        let length_ns = length_s * 1e9;
        let mut slices = Vec::with_capacity(count as usize);
        let (mut ops_before, mut ns_before) = (0, opened_ns);
        let end_of =
            |slice: u32| opened_ns + (length_ns * f64::from(slice) / f64::from(count)) as u64;
        while slices.len() < count as usize {
            let end_ns = end_of(slices.len() as u32 + 1);
            let now = monotonic_ns();
            if now < end_ns {
                let seen = self.gate.events_seen();
                self.fleet.check(Phase::Window)?;
                self.sleep(seen, Duration::from_nanos(end_ns - now).min(LOOK));
                continue;
            }
            // A host that woke late shares what it finds among the slices that it slept through.
            // One look at the count: what is done between two would be in no slice.
            let ops = self.gate.ops();
            let rate = (ops - ops_before) as f64 / seconds(now - ns_before);
            (ops_before, ns_before) = (ops, now);
            while slices.len() < count as usize && end_of(slices.len() as u32 + 1) <= now {
                slices.push(rate);
            }
        }
        Ok(slices)
    }

    /// Live heap of host and workers.
    fn live_heap_bytes(&self, placement: &Placement) -> u64 {
        let noted = |p| self.gate.live_heap_bytes(placement.workers_of(p).start);
        let workers: i64 = (0..placement.processes()).map(noted).sum();
        u64::try_from(heap::live_bytes() + workers).unwrap_or(0)
    }
}

/// The hidden subcommand: reads an invocation from the first line of standard input, writes to standard
/// output which phase begins, a line each, and in the last line what became of it. Where it takes turns, it
/// says when it waits for one, and reads an [`Order`] from the next line. All is JSON.
///
/// # Errors
/// When the task cannot be read or the answer cannot be written.
pub fn host_main(arguments: &[String]) -> Result<(), String> {
    // 300 worker processes need more descriptors than the usual soft limit of 1,024.
    let _ = crate::experiment::machine::raise_nofile();
    const NOT_BY_HAND: &str = "the subcommand `host` is forkscope's own; use `forkscope run`";
    let [coordinator] = arguments else {
        return Err(NOT_BY_HAND.to_owned());
    };
    let coordinator = coordinator.parse().map_err(|_| NOT_BY_HAND.to_owned())?;
    deployment::processes::die_with(Pid::from_raw(coordinator))?;
    let mut task = String::new();
    let mut orders = std::io::stdin().lock();
    let is_none =
        |e: &dyn std::fmt::Display| format!("standard input is no task: {e}; {NOT_BY_HAND}");
    orders.read_line(&mut task).map_err(|e| is_none(&e))?;
    let invocation: Invocation = serde_json::from_str(&task).map_err(|e| is_none(&e))?;
    let mut coordinator = partner::Coordinator::new(&invocation, orders);
    let group = Cgroup::of_self();
    let kills = group.oom_kills();
    let outcome = match run_with(&invocation, &mut coordinator) {
        Ok(sample) => Outcome::Measured(Box::new(sample)),
        Err(mut failure) => {
            if failure.signal.as_deref() == Some("SIGKILL")
                && let Some(why) = group.out_of_memory_since(kills)
            {
                failure.message = format!("{}: {why}", failure.message);
            }
            Outcome::Failed(failure)
        }
    };
    serde_json::to_writer(std::io::stdout().lock(), &outcome)
        .map_err(|e| format!("write the answer: {e}"))
}

#[cfg(test)]
mod tests;
