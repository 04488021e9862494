//! A worker process, from its own side: connect, receive the task, run the loop.

use super::protocol::{ToHost, ToWorker, content_of, descriptors_of};
use crate::deployment::gate::{Gate, Reached, Step};
use crate::deployment::local::{
    LocalWorkers, Starter, carrier, local_ports, start_connected, wiring,
};
use crate::deployment::worker::{self, Agents, End, Hops, WorkerReport};
use crate::deployment::{Job, Placement};
use crate::observe::cpu::ThreadClock;
use crate::record::Kind;
use crate::transport::ipc::{self, DirectPort, IpcLink, PumpedPort, Routes, Socket};
use crate::transport::ipc::{fits_buffer, pump};
use crate::transport::spin::Spinning;
use crate::transport::{Shared, WaitPolicy, Wiring};
use crate::workload;
use ipc_channel::ipc::{IpcReceiver, IpcSender};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};
use std::io::Write;
use std::sync::{Arc, Mutex};

/// A worker process, from its own side. `arguments` are those after `worker`.
///
/// # Errors
/// A sentence for standard error: the host finds out by itself that the worker has ended.
pub fn worker_main(arguments: &[String]) -> Result<(), String> {
    let [
        name,
        host,
        descriptor,
        process,
        first_worker,
        content,
        inherited,
    ] = arguments
    else {
        return Err("the subcommand `worker` is forkscope's own; use `forkscope run`".to_owned());
    };
    let number = |text: &str| {
        text.parse::<i32>()
            .map_err(|e| format!("argument \"{text}\": {e}; use `forkscope run`"))
    };
    die_with(Pid::from_raw(number(host)?))?;
    let gate = Gate::inherit(number(descriptor)?).map_err(|e| format!("the shared page: {e}"))?;
    let process = number(process)? as usize;
    let first_worker = number(first_worker)? as usize;

    let text = |e: &dyn std::fmt::Display| format!("connect to the host: {e}");
    let to_host = IpcSender::<ToHost>::connect(name.clone()).map_err(|e| text(&e))?;
    let (control, tasks) = ipc_channel::ipc::channel().map_err(|e| text(&e))?;
    let (mailbox, socket) = match content_of(content)? {
        Some(content) => {
            let (mailbox, socket) = ipc::open(content).map_err(|e| text(&e))?;
            (Some(mailbox), Some(socket))
        }
        None => (None, None),
    };
    to_host
        .send(ToHost::Hello { control, mailbox })
        .map_err(|e| text(&e))?;
    gate.report(first_worker, Reached::Connected);

    let (job, placement, routes) = receive_task(&tasks)?;
    let spec: Arc<dyn workload::Spec> = workload::parse(&job.source)
        .map_err(|e| e.to_string())?
        .into();
    let wiring = wiring(&job, spec.as_ref(), &placement);
    let entry = carrier(&job, &wiring, Kind::Processes);
    let workers = LocalWorkers::prepare(&job, spec, placement, placement.workers_of(process))?;
    let hand_over = {
        let to_host = Mutex::new(to_host);
        move |report: WorkerReport| {
            let to_host = to_host.lock().expect("nobody panics with this lock");
            // A host that is gone takes the worker with it.
            let _ = to_host.send(ToHost::Report(Box::new(report)));
        }
    };
    let process = Process {
        number: process,
        workers,
        first_worker,
        gate: &gate,
        hand_over,
    };
    let spins = entry.is_some_and(|e| e.wait == WaitPolicy::Spin);
    match socket {
        Some(socket) => process.run_by_ipc(socket, routes, &wiring, spins),
        None => {
            let shared = match entry {
                Some(entry) => {
                    let inherited = descriptors_of(inherited)?;
                    Shared::inherit(entry, &wiring, process.number, &inherited)
                        .map_err(|e| format!("{}: {e}", entry.name))?
                }
                None => Shared::Nothing,
            };
            process.run_shared(entry, shared, &wiring)
        }
    }
}

/// The workers of this process, and whom they answer to.
struct Process<'a, H> {
    number: usize,
    workers: LocalWorkers,
    first_worker: usize,
    gate: &'a Gate,
    hand_over: H,
}

impl<H: Fn(WorkerReport) + Send + Sync + 'static> Process<'_, H> {
    fn run_shared(
        self,
        entry: Option<&crate::transport::Entry>,
        shared: Shared,
        wiring: &Wiring,
    ) -> Result<(), String> {
        let all = All {
            workers: &self.workers,
            first_worker: self.first_worker,
            gate: self.gate,
            hand_over: self.hand_over,
        };
        start_connected(&self.workers, entry, shared, wiring, all)?
    }

    fn run_by_ipc(
        mut self,
        socket: Socket,
        mut routes: Routes,
        wiring: &Wiring,
        spins: bool,
    ) -> Result<(), String> {
        let placement = wiring.placement;
        let (gate, first, number) = (self.gate, self.first_worker, self.number);
        let is_alone = placement.threads_each() == 1;
        if let Some(hop) = self.workers.hop() {
            // A hop has two ends, each with a process of its own.
            let other = 1 - number;
            let to = routes.get_mut(other).and_then(Option::take);
            let to = to.ok_or("a hop needs a process for each end; use `forkscope run`")?;
            let link = IpcLink::new(to, socket, other, spins);
            run_alone(
                &self.workers,
                first,
                gate,
                Hops(hop, Some(link)),
                self.hand_over,
            );
            return Ok(());
        }
        if is_alone && fits_buffer(number, &placement, &wiring.topology, wiring.message_bytes) {
            let port = DirectPort::new(socket, routes, placement);
            if spins {
                run_alone(
                    &self.workers,
                    first,
                    gate,
                    Agents(Spinning(port)),
                    self.hand_over,
                );
            } else {
                run_alone(&self.workers, first, gate, Agents(port), self.hand_over);
            }
            return Ok(());
        }
        let (locals, mailboxes) = local_ports(&self.workers);
        let (announce, announced) = std::sync::mpsc::channel();
        let forward = move || {
            let _ = announce.send(ThreadClock::of_this_thread());
            drop(announce);
            if let Err(e) = pump(&socket, &mailboxes, first, &placement) {
                // Not eprintln!, which panics when nobody reads.
                let why = format!("forkscope: worker process {number}: {e}\n");
                let _ = std::io::stderr().write_all(why.as_bytes());
                // Without its pump the worker would wait for ever.
                std::process::abort();
            }
        };
        let pump = std::thread::Builder::new().name("pump".to_owned());
        pump.spawn(forward)
            .map_err(|e| format!("start the pump thread: {e}"))?;
        self.workers.helper = announced.recv().ok();
        let routes = Arc::new(routes);
        let port = |local| PumpedPort::new(local, routes.clone(), placement);
        let all = All {
            workers: &self.workers,
            first_worker: first,
            gate,
            hand_over: self.hand_over,
        };
        let ports = locals.into_iter().map(port);
        match spins {
            true => all.start(ports.map(|p| Agents(Spinning(p))).collect()),
            false => all.start(ports.map(Agents).collect()),
        }
    }
}

/// The workers of a process: in this thread where there is one, in a pool otherwise.
struct All<'a, H> {
    workers: &'a LocalWorkers,
    first_worker: usize,
    gate: &'a Gate,
    hand_over: H,
}

impl<H: Fn(WorkerReport) + Send + Sync + 'static> Starter for All<'_, H> {
    type Started = Result<(), String>;

    fn start<E: End>(self, mut ends: Vec<E>) -> Result<(), String> {
        if ends.len() == 1 {
            let end = ends.pop().expect("there is one");
            run_alone(
                self.workers,
                self.first_worker,
                self.gate,
                end,
                self.hand_over,
            );
            return Ok(());
        }
        let _pool = self
            .workers
            .start(ends, self.gate, self.hand_over)
            .map_err(|e| format!("start worker threads: {e}"))?;
        while self.gate.next_step(Step::HandOver) != Step::Exit {}
        Ok(())
    }
}

/// Runs the worker loop in this thread: a process with one worker needs no pool.
fn run_alone(
    workers: &LocalWorkers,
    worker: usize,
    gate: &Gate,
    end: impl End,
    hand_over: impl FnOnce(WorkerReport),
) {
    worker::run(workers.assignment(worker), gate, end, hand_over);
}

/// Receives the job, and the mailboxes that belong to it.
fn receive_task(tasks: &IpcReceiver<ToWorker>) -> Result<(Job, Placement, Routes), String> {
    let next = || tasks.recv().map_err(|e| format!("receive the task: {e}"));
    let ToWorker::Task {
        job,
        placement,
        peers,
    } = next()?
    else {
        return Err("neighbours came before the task".to_owned());
    };
    let mut routes: Routes = (0..placement.processes()).map(|_| None).collect();
    let mut known = 0;
    while known < peers {
        let ToWorker::Peers(some) = next()? else {
            return Err("a second task came before all neighbours".to_owned());
        };
        known += some.len();
        for (process, mailbox) in some {
            routes[process] = Some(mailbox);
        }
    }
    Ok((*job, placement, routes))
}

/// Asks the kernel to kill this process when the thread that started it ends, and makes sure that it
/// has not ended already.
///
/// # Errors
/// A sentence when the parent is gone.
pub fn die_with(parent: Pid) -> Result<(), String> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)
        .map_err(|e| format!("ask for the parent-death signal: {e}"))?;
    if getppid() == parent {
        Ok(())
    } else {
        Err("the process that started this one is gone".to_owned())
    }
}
