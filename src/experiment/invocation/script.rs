//! In which steps does an invocation go?

use super::check::check;
use super::hold::Hold;
use super::partner::Partner;
use super::running::Running;
use super::tally::Tally;
use super::watch::{Spent, Watch};
use super::{Invocation, fail, seconds};
use crate::deployment::control::{Reached, Step, monotonic_ns};
use crate::deployment::{Death, Deployment, pace, pinning};
use crate::experiment::turns::{Order, Waiting};
use crate::metric::Metric;
use crate::observe::memory::{FilePages, MemoryReader};
use crate::record::{Failure, Memory, Phase, SLICES, Sample};
use crate::workload;
use nix::sys::signal::Signal;
use std::time::Duration;

/// A step of an invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Starts all workers.
    Start,
    /// Waits until all are ready: what has passed since the start is the setup time.
    AwaitReady,
    /// Lets the agents run, uncounted, until the time for it is over and the digest is complete.
    WarmUp,
    /// Lets them run, counted, in the turns that the partner of a pair leaves them.
    Window,
    /// Opens a turn of the window.
    Open,
    /// Lets an open turn go on for so long.
    Pass(Duration),
    /// Lets an open turn go on until every agent has done what its digest is of.
    PassDigest,
    /// Closes it, and waits until all that live are parked.
    Close,
    /// Sends a signal to a worker process.
    Signal {
        /// Its number.
        process: usize,
        /// The signal.
        signal: Signal,
    },
    /// Waits until a worker process has died.
    AwaitDeath(usize),
    /// Starts a worker process again that has died, and waits until it is ready for the next turn.
    Respawn(usize),
    /// Takes the reports of all that live.
    HandOver,
    /// Reads memory while they are parked.
    ReadMemory,
    /// Ends them.
    End,
}

/// The steps of an invocation, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The steps.
    pub acts: Vec<Act>,
    /// Whether the death of a worker process is an event ([`Played::deaths`]); otherwise it fails the invocation.
    pub keeps_deaths: bool,
}

impl Script {
    /// Setup, warm-up, window, collect: what every pair is measured by. A death is a failure.
    #[must_use]
    pub fn usual() -> Script {
        Script {
            acts: vec![
                Act::Start,
                Act::AwaitReady,
                Act::WarmUp,
                Act::Window,
                Act::HandOver,
                Act::ReadMemory,
                Act::End,
            ],
            keeps_deaths: false,
        }
    }
}

/// What came of a script.
#[derive(Clone, Debug)]
pub struct Played {
    /// What was measured. Where processes died, what they cost is unknown.
    pub sample: Sample,
    /// Worker processes that died, in the order in which it was noticed; empty where a death is a failure.
    pub deaths: Vec<Death>,
}

/// Runs an invocation step by step; tells `partner` which phase begins, and waits for what it says before every turn of
/// [`Act::Window`]. The stop is not told: whoever hears it would take a CPU from the last ops.
///
/// # Errors
/// [`Failure`] with phase and cause; workers are ended in either case.
pub(super) fn play(
    invocation: &Invocation,
    script: &Script,
    deployment: &dyn Deployment,
    partner: &mut dyn Partner,
) -> Result<Played, Failure> {
    let job = &invocation.job;
    let spec = workload::parse(&job.source).map_err(|e| fail(Phase::Start, e.to_string()))?;
    let is_coupled = !spec.topology(job.agents).is_silent() && !job.tape && spec.hop().is_none();
    let mut stage = Stage {
        invocation,
        deployment,
        partner,
        hold: Hold::of_environment()?,
        quantum: is_coupled.then_some(job.quantum),
        keeps_deaths: script.keeps_deaths,
        started_ns: 0,
        running: None,
        episode_s: 0.0,
        watch: None,
        reader: MemoryReader::new(),
        alone: None,
        window: Window::default(),
        found: Found::default(),
    };
    for act in &script.acts {
        stage.act(act)?;
    }
    stage.found.played(invocation, &stage.window)
}

/// Where an invocation is.
struct Stage<'a> {
    invocation: &'a Invocation,
    deployment: &'a dyn Deployment,
    partner: &'a mut dyn Partner,
    hold: Hold,
    /// Agents that wait for each other stop after a multiple of so many rounds.
    quantum: Option<u64>,
    keeps_deaths: bool,
    started_ns: u64,
    running: Option<Running>,
    episode_s: f64,
    watch: Option<Watch>,
    reader: MemoryReader,
    /// Pages of files that it maps without its partner.
    alone: Option<FilePages>,
    window: Window,
    found: Found,
}

/// What the turns of a window came to.
#[derive(Default)]
struct Window {
    turns: u32,
    opened_ns: u64,
    span_s: f64,
    slices: Vec<f64>,
}

/// What was found so far.
#[derive(Default)]
struct Found {
    setup_s: f64,
    warm_up_s: f64,
    spent: Spent,
    tally: Option<Tally>,
    memory: Option<Memory>,
    stood_still: Option<Duration>,
    deaths: Vec<Death>,
}

impl Stage<'_> {
    fn running(&mut self) -> &mut Running {
        self.running.as_mut().expect("a script begins with a start")
    }

    fn act(&mut self, act: &Act) -> Result<(), Failure> {
        match act {
            Act::Start => self.start(),
            Act::AwaitReady => {
                self.running().await_all(Reached::Ready, Phase::Setup)?;
                self.found.setup_s = seconds(monotonic_ns() - self.started_ns);
                Ok(())
            }
            Act::WarmUp => self.warm_up(),
            Act::Window => self.whole_window(),
            Act::Open => {
                self.begin_window()?;
                self.open_turn(None)
            }
            Act::Pass(time) => {
                let from = monotonic_ns();
                let slices = self.running().turn(time.as_secs_f64(), 1, from)?;
                self.window.slices.extend(slices);
                Ok(())
            }
            Act::PassDigest => {
                let round = self.invocation.job.digest_round;
                self.running().await_digest(0.0, round, Phase::Window)
            }
            Act::Close => self.close_turn(),
            &Act::Signal { process, signal } => self.running().fleet.signal(process, signal),
            &Act::AwaitDeath(process) => self.running().await_death(process, Phase::Window),
            &Act::Respawn(process) => self.running().respawn(process),
            Act::HandOver => self.hand_over(),
            Act::ReadMemory => self.read_memory(),
            Act::End => {
                self.end();
                Ok(())
            }
        }
    }

    fn start(&mut self) -> Result<(), Failure> {
        self.hold.at(Phase::Start);
        self.partner.phase(Phase::Setup);
        self.started_ns = monotonic_ns();
        let placement = self.invocation.placement();
        let fleet = self.deployment.start(&self.invocation.job, placement)?;
        let patience = Duration::from_secs_f64(self.invocation.patience_s);
        self.running = Some(Running::new(placement, fleet, patience, self.keeps_deaths));
        self.hold.at(Phase::Setup);
        Ok(())
    }

    fn warm_up(&mut self) -> Result<(), Failure> {
        self.partner.phase(Phase::WarmUp);
        let (invocation, quantum) = (self.invocation, self.quantum);
        let running = self.running.as_mut().expect("it was started");
        let opened_ns = running.control.open(Step::WarmUp);
        self.hold.at(Phase::WarmUp);
        let round = invocation.job.digest_round;
        running.await_digest(invocation.warm_up_s, round, Phase::WarmUp)?;
        running.control.close(quantum);
        running.await_all(Reached::WarmedUp, Phase::WarmUp)?;
        let took_s = seconds(running.control.last_stop_ns().saturating_sub(opened_ns));
        let rounds = running.control.rounds().max(1);
        self.found.warm_up_s = took_s;
        self.episode_s = took_s * invocation.job.quantum as f64 / rounds as f64;
        Ok(())
    }

    /// Before anything of the window is read: workers are parked.
    fn begin_window(&mut self) -> Result<(), Failure> {
        if self.watch.is_some() {
            return Ok(());
        }
        self.partner.phase(Phase::Window);
        let running = self.running.as_mut().expect("it was started");
        self.watch = Some(Watch::new(&running.fleet.probe())?);
        let part = &self.invocation.part;
        if part.takes_turns && part.is_first {
            let read = running.memory(&mut self.reader)?;
            self.alone = read.and_then(|(_, files)| files);
        }
        Ok(())
    }

    fn whole_window(&mut self) -> Result<(), Failure> {
        self.begin_window()?;
        loop {
            let watch = self.watch.as_ref().expect("the window has begun");
            let waiting = Waiting {
                turns_done: self.window.turns,
                episode_s: self.episode_s,
                own_cpu_ns: watch.cpu_ns()?.unwrap_or(0),
            };
            let Order::Turn { of, cpu } = self.partner.next(waiting)? else {
                return Ok(());
            };
            self.open_turn(cpu)?;
            let length_s = self.invocation.window_s / f64::from(of);
            let opened_ns = self.window.opened_ns;
            let slices = self.running().turn(length_s, SLICES / of, opened_ns)?;
            self.window.slices.extend(slices);
            self.close_turn()?;
        }
    }

    /// Opens a turn; where it is told to, on this CPU.
    fn open_turn(&mut self, cpu: Option<usize>) -> Result<(), Failure> {
        let running = self.running.as_mut().expect("it was started");
        let watch = self.watch.as_mut().expect("the window has begun");
        running.look(Phase::Window)?;
        if self.window.turns == 0 {
            // Not before the partner is set up.
            watch.begin()?;
        }
        if let Some(cpu) = cpu {
            let refused = |e| fail(Phase::Window, format!("put the worker on CPU {cpu}: {e}"));
            pinning::put_on(cpu, watch.pids()).map_err(refused)?;
        }
        watch.begin_turn();
        self.window.opened_ns = running.control.open(Step::Turn(self.window.turns));
        if self.window.turns == 0 {
            self.hold.at(Phase::Window);
        }
        Ok(())
    }

    fn close_turn(&mut self) -> Result<(), Failure> {
        let running = self.running.as_mut().expect("it was started");
        running.control.close(self.quantum);
        running.await_all(Reached::Turned(self.window.turns), Phase::Stop)?;
        let ended_ns = running.control.last_stop_ns();
        self.window.turns += 1;
        self.window.span_s += seconds(ended_ns.saturating_sub(self.window.opened_ns));
        let watch = self.watch.as_mut().expect("a turn was opened");
        watch.end_turn();
        Ok(())
    }

    fn hand_over(&mut self) -> Result<(), Failure> {
        let running = self.running.as_mut().expect("it was started");
        self.found.deaths = running.deaths.clone().unwrap_or_default();
        // Of a process that has died nobody knows any more what it cost.
        if self.found.deaths.is_empty()
            && let Some(watch) = &self.watch
        {
            self.found.spent = watch.end()?;
        }
        self.partner.phase(Phase::Collect);
        running.control.open(Step::HandOver);
        self.hold.at(Phase::Collect);
        let mut tally = Tally::of(running.fleet.reports()?)?;
        if let Some(planned_per_s) = self.invocation.job.planned_per_s {
            let workers = running.placement.workers();
            let first_ns = pace::first_start_ns(self.window.opened_ns, workers);
            let busy_s = seconds(running.control.last_stop_ns().saturating_sub(first_ns));
            tally.is_of_latency(planned_per_s, busy_s);
        }
        self.found.tally = Some(tally);
        running.await_all(Reached::HandedOver, Phase::Collect)
    }

    fn read_memory(&mut self) -> Result<(), Failure> {
        let running = self.running.as_mut().expect("it was started");
        let read = running.memory(&mut self.reader)?;
        let alone = self.alone;
        self.found.memory = read.map(|(read, files)| Memory {
            live_heap_bytes: running.live_heap_bytes(),
            ..match files.zip(alone) {
                Some((now, alone)) => now.exchanged(alone, read),
                None => read,
            }
        });
        Ok(())
    }

    fn end(&mut self) {
        let running = self.running.take().expect("it was started");
        self.found.stood_still = running.stood_still();
        running.fleet.end();
    }
}

impl Found {
    /// The sample that it makes.
    fn played(self, invocation: &Invocation, window: &Window) -> Result<Played, Failure> {
        let (spent, memory) = (self.spent, self.memory);
        let nothing = || {
            fail(
                Phase::Collect,
                "no step of the script hands over".to_owned(),
            )
        };
        let tally = self.tally.ok_or_else(nothing)?;
        let placement = invocation.placement();
        let mut sample = Sample {
            processes: placement.processes(),
            workers: placement.workers(),
            ops: tally.ops,
            span_s: window.span_s,
            turns: window.turns,
            values: tally.values,
            memory,
            digest: format!("{:016x}", tally.digest),
            slices_ops_per_s: window.slices.clone(),
            foreign_cpu: spent.foreign_cpu,
            steal: spent.steal,
            throttled: spent.throttled,
            stood_still_s: self.stood_still.map(|d| d.as_secs_f64()),
        };
        let agents = invocation.job.agents.max(1) as f64;
        let interrupts = spent.interrupts.unwrap_or_default();
        let count = |count: Option<u64>| count.map(|n| n as f64);
        let switches = spent.switches.as_ref();
        let values = [
            (Metric::OPS_PER_S, Some(tally.ops as f64 / window.span_s)),
            (Metric::SETUP_S, Some(self.setup_s)),
            (Metric::WARM_UP_S, Some(self.warm_up_s)),
            (Metric::CPU_S, spent.cpu_s),
            (
                Metric::CPU_PER_OP_NS,
                Some(tally.cpu_s * 1e9 / tally.ops.max(1) as f64),
            ),
            (
                Metric::VOLUNTARY_SWITCHES,
                count(switches.map(|s| s.voluntary)),
            ),
            (
                Metric::INVOLUNTARY_SWITCHES,
                count(switches.map(|s| s.involuntary)),
            ),
            (
                Metric::MEMORY_PER_AGENT_BYTES,
                memory.map(|m| m.total_bytes as f64 / agents),
            ),
            (
                Metric::MESSAGES_PER_S,
                Some(tally.sent.messages as f64 / window.span_s),
            ),
            (Metric::TLB_SHOOTDOWNS, count(interrupts.tlb_shootdowns)),
            (
                Metric::FUNCTION_CALL_INTERRUPTS,
                count(interrupts.function_calls),
            ),
            (Metric::RESCHEDULE_INTERRUPTS, count(interrupts.reschedules)),
        ];
        for (metric, value) in values {
            if let Some(value) = value {
                sample.set(metric, value);
            }
        }
        let stolen_s = spent.steal.unwrap_or(0.0) * invocation.cpus_effective * window.span_s;
        check(&sample, tally.cpu_s, invocation.cpus_effective, stolen_s)?;
        Ok(Played {
            sample,
            deaths: self.deaths,
        })
    }
}

#[cfg(test)]
mod tests;
