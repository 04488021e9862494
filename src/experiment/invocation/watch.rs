//! What did a window cost, seen from outside: CPU clocks, switches, interrupts, foreign CPU.

use super::fail;
use crate::deployment::{Probe, pinning};
use crate::observe::cgroup::{self, Cgroup};
use crate::observe::cpu::{
    ProcessClock, Switches, SystemCpu, foreign_share, own_thread_ns, steal_share,
};
use crate::observe::interrupts::{self, Interrupts};
use crate::record::{Failure, Phase};
use nix::unistd::{Pid, getpid};
use std::time::Instant;

/// Readings before and after a window and each of its turns, while all workers are parked.
pub(super) struct Watch {
    /// This process and those of workers; `None` where those are elsewhere.
    pids: Option<Vec<Pid>>,
    clocks: Vec<ProcessClock>,
    allowed: Vec<usize>,
    cgroup: Cgroup,
    window: Option<Before>,
    /// CPU time of this thread when the last turn ended, or the window began.
    turn_ended_ns: u64,
    /// CPU time of this thread between turns so far.
    between_ns: u64,
    /// Interrupts so far when the turn began.
    turn_began: Option<Interrupts>,
    /// Interrupts in turns so far.
    interrupts: Option<Interrupts>,
}

/// Before the window. What is read here goes on counting between turns, when workers sleep.
struct Before {
    at: Instant,
    cpu_ns: Option<u64>,
    switches: Option<Switches>,
    system: Option<SystemCpu>,
    throttle: Option<cgroup::Throttle>,
}

/// What a window cost, as far as it is known.
#[derive(Default)]
pub(super) struct Spent {
    pub(super) cpu_s: Option<f64>,
    pub(super) switches: Option<Switches>,
    pub(super) foreign_cpu: Option<f64>,
    pub(super) steal: Option<f64>,
    pub(super) throttled: Option<u64>,
    pub(super) interrupts: Option<Interrupts>,
}

impl Watch {
    /// Watches this process and its workers.
    pub(super) fn new(workers: &Probe) -> Result<Watch, Failure> {
        let pids: Option<Vec<Pid>> = match workers {
            Probe::Local(pids) => Some([getpid()].iter().chain(pids).copied().collect()),
            Probe::Unknown => None,
        };
        let clocks = pids
            .iter()
            .flatten()
            .map(|&p| ProcessClock::of(p))
            .collect::<Result<_, _>>();
        Ok(Watch {
            clocks: clocks.map_err(|e| fail(Phase::Window, e.to_string()))?,
            pids,
            allowed: pinning::allowed(),
            cgroup: Cgroup::of_self(),
            window: None,
            turn_ended_ns: 0,
            between_ns: 0,
            turn_began: None,
            interrupts: None,
        })
    }

    /// The dear readings come first and the CPU clocks last, so that the readings themselves fall
    /// outside of what they measure.
    pub(super) fn begin(&mut self) -> Result<(), Failure> {
        let (switches, throttle) = (self.switches()?, self.cgroup.throttle());
        let system = SystemCpu::read(&self.allowed).ok();
        self.window = Some(Before {
            at: Instant::now(),
            cpu_ns: self.cpu_ns()?,
            switches,
            system,
            throttle,
        });
        self.turn_ended_ns = own_thread_ns();
        Ok(())
    }

    pub(super) fn begin_turn(&mut self) {
        self.turn_began = interrupts::read();
        self.between_ns += own_thread_ns() - self.turn_ended_ns;
    }

    pub(super) fn end_turn(&mut self) {
        self.turn_ended_ns = own_thread_ns();
        let more = interrupts::read().zip(self.turn_began);
        let more = more.map(|(now, then)| interrupts::since(now, then));
        self.interrupts = match (self.interrupts, more) {
            (Some(before), Some(more)) => Some(interrupts::sum(before, more)),
            (_, more) => more,
        };
    }

    /// What the turns cost. Workers sleep between them, so their CPU time is that of the whole; what this
    /// thread did meanwhile is known to the nanosecond, and taken off. (The clocks of processes are not read
    /// for each turn: they run up to a tick behind for a thread that is just falling asleep.) Foreign CPU and steal are those of the whole time since [`Watch::begin`], in
    /// which a partner that takes turns is a stranger.
    pub(super) fn end(&self) -> Result<Spent, Failure> {
        let before = self.window.as_ref();
        let before = before.expect("a watch begins before it ends");
        let between_ns = self.between_ns + own_thread_ns() - self.turn_ended_ns;
        let own_ns = self
            .cpu_ns()?
            .zip(before.cpu_ns)
            .map(|(now, then)| now - then);
        let switches = self.switches()?.zip(before.switches.as_ref());
        let wall = before.at.elapsed();
        let system = SystemCpu::read(&self.allowed).ok();
        let spent = system.zip(before.system).map(|(now, then)| now.since(then));
        let cpus = self.allowed.len() as f64;
        let throttle = self
            .cgroup
            .throttle()
            .zip(before.throttle)
            .map(|(now, then)| now.since(then).times);
        Ok(Spent {
            cpu_s: own_ns.map(|ns| ns.saturating_sub(between_ns) as f64 * 1e-9),
            switches: switches.map(|(now, then)| now.since(*then)),
            foreign_cpu: spent
                .zip(own_ns)
                .and_then(|(s, own_ns)| foreign_share(s, own_ns, cpus, wall)),
            steal: spent.and_then(|s| steal_share(s, cpus, wall)),
            throttled: throttle,
            interrupts: self.interrupts,
        })
    }

    /// The processes that can be watched.
    pub(super) fn pids(&self) -> &[Pid] {
        self.pids.as_deref().unwrap_or_default()
    }

    /// CPU time of the host and its workers since they began, nanoseconds.
    pub(super) fn cpu_ns(&self) -> Result<Option<u64>, Failure> {
        if self.pids.is_none() {
            return Ok(None);
        }
        let sum = self
            .clocks
            .iter()
            .map(ProcessClock::now_ns)
            .sum::<Result<u64, _>>();
        sum.map(Some)
            .map_err(|e| fail(Phase::Window, e.to_string()))
    }

    fn switches(&self) -> Result<Option<Switches>, Failure> {
        if self.pids.is_none() {
            return Ok(None);
        }
        let all = self.pids().iter().map(|&p| Switches::of(p));
        all.reduce(|a, b| Ok(a? + b?))
            .unwrap_or_else(|| Ok(Switches::default()))
            .map(Some)
            .map_err(|e| fail(Phase::Window, e.to_string()))
    }
}
