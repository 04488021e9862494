//! What becomes of started worker processes: connected, introduced, watched, killed, started again, ended.

use super::protocol::{ToHost, ToWorker};
use super::spawn::{Birth, Server, spawn};
use crate::deployment::control::{Control, Reached, Step, monotonic_ns};
use crate::deployment::local::carrier;
use crate::deployment::page::Page;
use crate::deployment::worker::WorkerReport;
use crate::deployment::{
    Death, Fleet, Job, Kind, Placement, Probe, REPORT_TIMEOUT, failure_of, new_page,
};
use crate::observe::standstill::Stops;
use crate::record::{Failure, Phase};
use crate::transport::ipc::Mailbox;
use crate::transport::{Entry, Transport, Wiring};
use crate::workload;
use ipc_channel::ipc::{IpcReceiver, IpcSender};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Mailboxes in one control message. ipc-channel panics above 64 descriptors in a message.
const PEERS_AT_ONCE: usize = 32;

/// How long workers are given to end by themselves before they are killed.
const GRACE: Duration = Duration::from_secs(2);

/// How long the cause is waited for after a first sign of trouble. A worker that is killed closes its
/// channels before it can be waited for, so its neighbours complain of it, and end, before it is dead.
const AFTERMATH: Duration = Duration::from_millis(200);

/// One worker process, from the host's side.
struct Child {
    pid: Pid,
    has_ended: bool,
    /// Whether it has its job, and knows whom it writes to.
    is_introduced: bool,
    link: Link,
}

impl Child {
    fn born((pid, server): (Pid, Server)) -> Child {
        Child {
            pid,
            has_ended: false,
            is_introduced: false,
            link: Link::Server(Some(server)),
        }
    }
}

/// The way to a worker process.
enum Link {
    /// Waiting for its hello.
    Server(Option<Server>),
    /// Connected.
    Up {
        control: IpcSender<ToWorker>,
        mailbox: Option<Mailbox>,
        from: IpcReceiver<ToHost>,
    },
}

/// The worker processes of an invocation.
pub(super) struct ProcessFleet {
    page: Page,
    job: Job,
    wiring: Wiring,
    /// By which workers are connected to each other; `None` where they are not.
    entry: Option<&'static Entry>,
    is_hop: bool,
    children: Vec<Child>,
    stops: Stops,
}

impl ProcessFleet {
    /// Starts a worker process for each of `placement`.
    pub(super) fn start(job: &Job, placement: Placement) -> Result<ProcessFleet, Failure> {
        let setup = |message: String| failure_of(Phase::Setup, message);
        let page = new_page(placement)?;
        let spec = workload::parse(&job.source).map_err(|e| setup(e.to_string()))?;
        let wiring = Wiring::of(spec.as_ref(), job.agents, placement);
        let mut fleet = ProcessFleet {
            page,
            job: job.clone(),
            entry: carrier(job, &wiring, Kind::Processes),
            wiring,
            is_hop: spec.hop().is_some(),
            children: Vec::with_capacity(placement.processes()),
            stops: Stops::default(),
        };
        let shared = fleet.entry.map(|e| e.carrier.share(&fleet.wiring));
        let shared = shared
            .transpose()
            .map_err(|e| setup(format!("connect the workers: {e}")))?;
        for process in 0..placement.processes() {
            let inherited = shared
                .as_ref()
                .map(|s| s.descriptors(&fleet.wiring, process));
            let child = fleet.bear(process, &inherited.unwrap_or_default(), Step::Prepare)?;
            fleet.children.push(child);
        }
        Ok(fleet)
    }

    /// Starts a worker process; it waits for a step after `after`.
    fn bear(&self, process: usize, inherited: &[RawFd], after: Step) -> Result<Child, Failure> {
        let placement = self.wiring.placement;
        let workers = placement.workers_of(process);
        let born = spawn(&Birth {
            process,
            first_worker: workers.start,
            page: self.page.descriptor(),
            content: self.entry.and_then(|e| e.carrier.mailbox(self.is_hop)),
            inherited,
            after,
        });
        born.map(Child::born).map_err(|why| Failure {
            agent: Some(placement.agents_of(workers.start).start),
            ..failure_of(
                Phase::Setup,
                format!(
                    "start worker process {} of {}: {why}",
                    process + 1,
                    placement.processes()
                ),
            )
        })
    }

    /// Takes the hellos of workers, and introduces them to each other when there is one from each.
    fn connect_all(&mut self) -> Result<(), Failure> {
        if self.children.iter().all(|c| c.is_introduced) {
            return Ok(());
        }
        for (process, child) in self.children.iter_mut().enumerate() {
            let Link::Server(server) = &mut child.link else {
                continue;
            };
            let first = self.wiring.placement.workers_of(process).start;
            if self.page.reached(first) < Reached::Connected {
                return Ok(());
            }
            let server = server
                .take()
                .expect("a server is used up only by becoming a link");
            let lost = |why: String| {
                failure_of(
                    Phase::Setup,
                    format!("connect worker process {process}: {why}"),
                )
            };
            match server.server.accept().map_err(|e| lost(e.to_string()))? {
                (from, ToHost::Hello { control, mailbox }) => {
                    child.link = Link::Up {
                        control,
                        mailbox,
                        from,
                    }
                }
                (_, ToHost::Report(_)) => {
                    return Err(lost("it began with something else than a hello".into()));
                }
            }
        }
        self.introduce()
    }

    /// Sends every worker that has none its job and the mailboxes of the processes that it writes to.
    fn introduce(&mut self) -> Result<(), Failure> {
        let mailboxes: Vec<_> = self
            .children
            .iter_mut()
            .map(|c| match &mut c.link {
                Link::Up { mailbox, .. } => mailbox.take(),
                Link::Server(_) => None,
            })
            .collect();
        for (process, child) in self.children.iter_mut().enumerate() {
            let Link::Up { control, .. } = &child.link else {
                continue;
            };
            if child.is_introduced {
                continue;
            }
            // Nobody is introduced to anybody whose way is there already.
            let peers: Vec<_> = neighbour_processes(process, &self.wiring)
                .into_iter()
                .filter_map(|p| Some((p, mailboxes[p].clone()?)))
                .collect();
            let task = ToWorker::Task {
                job: Box::new(self.job.clone()),
                placement: self.wiring.placement,
                peers: peers.len(),
            };
            let mut sent = control.send(task);
            for some in peers.chunks(PEERS_AT_ONCE) {
                sent = sent.and_then(|()| control.send(ToWorker::Peers(some.to_vec())));
            }
            sent.map_err(|e| {
                failure_of(
                    Phase::Setup,
                    format!("send worker process {process} its task: {e}"),
                )
            })?;
            child.is_introduced = true;
        }
        Ok(())
    }

    /// Worker processes that have ended since the last look.
    fn reap(&mut self, phase: Phase) -> Result<Vec<(usize, WaitStatus)>, Failure> {
        let mut dead = Vec::new();
        loop {
            let look = WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED | WaitPidFlag::WCONTINUED;
            let status = match waitpid(None, Some(look)) {
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(dead),
                Ok(status @ (WaitStatus::Stopped(..) | WaitStatus::Continued(_))) => {
                    self.stops.hear(status);
                    continue;
                }
                Ok(status) => status,
                Err(Errno::EINTR) => continue,
                Err(e) => {
                    let message = format!("look after worker processes: {e}");
                    return Err(failure_of(phase, message));
                }
            };
            let of_status = |c: &Child| !c.has_ended && Some(c.pid) == status.pid();
            if let Some(process) = self.children.iter().position(of_status) {
                self.children[process].has_ended = true;
                dead.push((process, status));
            }
        }
    }

    /// The death that explains all else: by a signal, or with an exit code of failure. It is waited
    /// for, because consequences may be seen before it.
    fn violent_death(
        &mut self,
        dead: &mut Vec<(usize, WaitStatus)>,
        phase: Phase,
    ) -> Result<Option<Failure>, Failure> {
        let until = Instant::now() + AFTERMATH;
        loop {
            // A worker aborts when it has lost its neighbours: that may be a consequence, too.
            let killed = dead.iter().find(
                |(_, s)| matches!(s, WaitStatus::Signaled(_, signal, _) if *signal != Signal::SIGABRT),
            );
            let is_over = Instant::now() >= until;
            let other = dead
                .iter()
                .find(|(_, s)| !matches!(s, WaitStatus::Exited(_, 0)));
            if let Some(&(process, status)) = killed.or(other.filter(|_| is_over)) {
                return Ok(Some(self.death(process, status, phase)));
            }
            if is_over {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(1));
            dead.extend(self.reap(phase)?);
        }
    }

    /// What a worker says that failed without dying of it.
    fn complaint(&self, phase: Phase) -> Option<Failure> {
        let (worker, agent) = self.page.failed()?;
        // A failing worker hands over its report before it says on the page that it failed.
        let child = &self.children[self.wiring.placement.process_of(worker)];
        let mut why = None;
        if let Link::Up { from, .. } = &child.link {
            while let Ok(ToHost::Report(report)) = from.try_recv_timeout(Duration::from_millis(100))
            {
                why = why.or(report.error);
            }
        }
        let why = why.unwrap_or_else(|| "it failed without a reason".to_owned());
        Some(Failure {
            phase,
            agent,
            signal: None,
            message: format!("worker {worker} (process {}): {why}", child.pid),
        })
    }

    /// The failure that the death of one child is.
    fn death(&self, process: usize, status: WaitStatus, phase: Phase) -> Failure {
        let agents = self
            .wiring
            .placement
            .agents_of(self.wiring.placement.workers_of(process).start);
        let (signal, how) = match status {
            WaitStatus::Signaled(_, signal, _) => (
                Some(signal.as_str().to_owned()),
                format!("was ended by {signal}"),
            ),
            WaitStatus::Exited(_, code) => (None, format!("ended with exit code {code}")),
            _ => (None, "is gone".to_owned()),
        };
        let last = self
            .wiring
            .placement
            .agents_of(self.wiring.placement.workers_of(process).end - 1)
            .end
            - 1;
        let whom = if agents.start == last {
            format!("agent {last}")
        } else {
            format!("agents {}-{last}", agents.start)
        };
        Failure {
            phase,
            agent: Some(agents.start),
            signal,
            message: format!("worker process {process} ({whom}) {how}"),
        }
    }
}

/// Processes that a process exchanges messages with.
fn neighbour_processes(process: usize, wiring: &Wiring) -> BTreeSet<usize> {
    let Wiring {
        placement,
        topology,
        ..
    } = wiring;
    placement
        .workers_of(process)
        .flat_map(|w| placement.agents_of(w))
        .flat_map(|agent| topology.of(agent))
        .map(|&other| placement.process_of(placement.worker_of(other as usize)))
        .filter(|&p| p != process)
        .collect()
}

impl Fleet for ProcessFleet {
    fn control(&self) -> Arc<dyn Control> {
        Arc::new(self.page.clone())
    }

    fn probe(&self) -> Probe {
        let alive = self.children.iter().filter(|c| !c.has_ended);
        Probe::Local(alive.map(|c| c.pid).collect())
    }

    fn deaths(&mut self, phase: Phase) -> Result<Vec<Death>, Failure> {
        let noticed_ns = monotonic_ns();
        let placement = self.wiring.placement;
        let death = |(process, status)| {
            let (signal, code) = match status {
                WaitStatus::Signaled(_, signal, _) => (Some(signal.as_str().to_owned()), None),
                WaitStatus::Exited(_, code) => (None, Some(code)),
                _ => (None, None),
            };
            Death {
                process,
                workers: placement.workers_of(process),
                agents: placement.agents_of_process(process),
                signal,
                code,
                noticed_ns,
            }
        };
        Ok(self.reap(phase)?.into_iter().map(death).collect())
    }

    fn signal(&mut self, process: usize, signal: Signal) -> Result<(), Failure> {
        let refused = |why: &dyn std::fmt::Display| {
            let message = format!("send {signal} to worker process {process}: {why}");
            failure_of(Phase::Window, message)
        };
        match self.children.get(process).filter(|c| !c.has_ended) {
            Some(child) => kill(child.pid, signal).map_err(|e| refused(&e)),
            None => Err(refused(&"there is no such process, or it has ended")),
        }
    }

    fn respawn(&mut self, process: usize) -> Result<(), Failure> {
        let refused = |why: &str| {
            let message = format!("start worker process {process} again: {why}");
            Err(failure_of(Phase::Setup, message))
        };
        if self.entry.is_some() {
            return refused(
                "its workers had been connected to others, and a link is not handed over",
            );
        }
        match self.children.get(process) {
            None => return refused("there is no such process"),
            Some(child) if !child.has_ended => return refused("it has not ended"),
            Some(_) => {}
        }
        for worker in self.wiring.placement.workers_of(process) {
            self.page.vacate(worker);
        }
        self.children[process] = self.bear(process, &[], self.page.step())?;
        Ok(())
    }

    fn stopped(&self) -> Option<Duration> {
        self.stops.total()
    }

    fn connect(&mut self) -> Result<(), Failure> {
        self.connect_all().map_err(|lost| {
            // What cannot be connected has most likely died: then that is the failure.
            let death = self.violent_death(&mut Vec::new(), Phase::Setup);
            death.unwrap_or_else(Some).unwrap_or(lost)
        })
    }

    fn check(&mut self, phase: Phase) -> Result<(), Failure> {
        let mut dead = self.reap(phase)?;
        if dead.is_empty() && self.page.failed().is_none() {
            return Ok(());
        }
        Err(match self.violent_death(&mut dead, phase)? {
            Some(death) => death,
            None => match (self.complaint(phase), dead.first()) {
                (Some(complaint), _) => complaint,
                (None, Some(&(process, status))) => self.death(process, status, phase),
                (None, None) => unreachable!("a worker has died or says that it failed"),
            },
        })
    }

    fn reports(&mut self) -> Result<Vec<WorkerReport>, Failure> {
        let deadline = Instant::now() + REPORT_TIMEOUT;
        let mut reports = Vec::with_capacity(self.wiring.placement.workers());
        for process in 0..self.children.len() {
            if self.children[process].has_ended {
                continue;
            }
            for _ in self.wiring.placement.workers_of(process) {
                let left = deadline
                    .saturating_duration_since(Instant::now())
                    .max(Duration::from_millis(1));
                let Link::Up { from, .. } = &self.children[process].link else {
                    break;
                };
                match from.try_recv_timeout(left) {
                    Ok(ToHost::Report(report)) => reports.push(*report),
                    Ok(ToHost::Hello { .. }) => {}
                    Err(e) => {
                        let message =
                            format!("worker process {process} did not hand over its report: {e}");
                        // A worker that died says more by how it died.
                        self.check(Phase::Collect)?;
                        return Err(failure_of(Phase::Collect, message));
                    }
                }
            }
        }
        Ok(reports)
    }

    fn end(mut self: Box<Self>) {
        self.page.open(Step::Exit);
        let deadline = Instant::now() + GRACE;
        while self.children.iter().any(|c| !c.has_ended) && Instant::now() < deadline {
            for child in self.children.iter_mut().filter(|c| !c.has_ended) {
                let status = waitpid(child.pid, Some(WaitPidFlag::WNOHANG));
                child.has_ended = !matches!(status, Ok(WaitStatus::StillAlive) | Err(Errno::EINTR));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

impl Drop for ProcessFleet {
    /// Kills and reaps whatever still runs: no worker outlives its host's interest in it.
    fn drop(&mut self) {
        for child in self.children.iter().filter(|c| !c.has_ended) {
            let _ = kill(child.pid, Signal::SIGKILL);
        }
        for child in self.children.iter_mut().filter(|c| !c.has_ended) {
            while waitpid(child.pid, None) == Err(Errno::EINTR) {}
        }
    }
}
