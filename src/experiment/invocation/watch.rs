//! What did a window cost, seen from outside: CPU clocks, switches, interrupts, foreign CPU.

use super::fail;
use crate::experiment::machine::allowed_cpus;
use crate::observe::cgroup::{self, Cgroup};
use crate::observe::cpu::{ProcessClock, Switches, SystemCpu, foreign_share, steal_share};
use crate::observe::interrupts;
use crate::record::{Failure, Interrupts, Phase};
use nix::unistd::{Pid, getpid};
use std::path::Path;
use std::time::Instant;

/// Readings before and after a window, while all workers are parked.
pub(super) struct Watch {
    pub(super) pids: Vec<Pid>,
    clocks: Vec<ProcessClock>,
    allowed: Vec<usize>,
    cgroup: Cgroup,
    before: Option<Reading>,
}

struct Reading {
    at: Instant,
    cpu_ns: u64,
    switches: Switches,
    system: Option<SystemCpu>,
    throttle: Option<cgroup::Throttle>,
    interrupts: Option<Interrupts>,
}

/// What a window cost.
pub(super) struct Spent {
    pub(super) cpu_s: f64,
    pub(super) switches: Switches,
    pub(super) foreign_cpu: Option<f64>,
    pub(super) steal: Option<f64>,
    pub(super) throttled: Option<u64>,
    pub(super) interrupts: Option<Interrupts>,
}

impl Watch {
    /// Watches this process and its workers.
    pub(super) fn new(workers: &[Pid]) -> Result<Watch, Failure> {
        let pids: Vec<Pid> = std::iter::once(getpid())
            .chain(workers.iter().copied())
            .collect();
        let clocks = pids
            .iter()
            .map(|&p| ProcessClock::of(p))
            .collect::<Result<_, _>>();
        Ok(Watch {
            clocks: clocks.map_err(|e| fail(Phase::Window, e.to_string()))?,
            pids,
            allowed: allowed_cpus(Path::new("/")),
            cgroup: Cgroup::of_self(),
            before: None,
        })
    }

    /// The dear readings come first and the CPU clocks last, so that the readings themselves fall
    /// outside of what they measure.
    pub(super) fn begin(&mut self) -> Result<(), Failure> {
        let (switches, throttle) = (self.switches()?, self.cgroup.throttle());
        let interrupts = interrupts::read();
        let system = SystemCpu::read(&self.allowed).ok();
        self.before = Some(Reading {
            at: Instant::now(),
            cpu_ns: self.cpu_ns()?,
            switches,
            system,
            throttle,
            interrupts,
        });
        Ok(())
    }

    pub(super) fn end(&self) -> Result<Spent, Failure> {
        let before = self.before.as_ref().expect("a watch begins before it ends");
        let own_ns = self.cpu_ns()? - before.cpu_ns;
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
            cpu_s: own_ns as f64 * 1e-9,
            switches: self.switches()?.since(before.switches),
            foreign_cpu: spent.and_then(|s| foreign_share(s, own_ns, cpus, wall)),
            steal: spent.and_then(|s| steal_share(s, cpus, wall)),
            throttled: throttle,
            interrupts: interrupts::read()
                .zip(before.interrupts)
                .map(|(now, then)| interrupts::since(now, then)),
        })
    }

    fn cpu_ns(&self) -> Result<u64, Failure> {
        let sum = self
            .clocks
            .iter()
            .map(ProcessClock::now_ns)
            .sum::<Result<u64, _>>();
        sum.map_err(|e| fail(Phase::Window, e.to_string()))
    }

    fn switches(&self) -> Result<Switches, Failure> {
        let all = self.pids.iter().map(|&p| Switches::of(p));
        all.reduce(|a, b| Ok(a? + b?))
            .unwrap_or_else(|| Ok(Switches::default()))
            .map_err(|e| fail(Phase::Window, e.to_string()))
    }
}
