//! A worker process, from its own side: connect, receive the task, run the loop.

use super::protocol::{ToHost, ToWorker};
use crate::deployment::gate::{Gate, Reached, Step};
use crate::deployment::local::{LocalWorkers, local_ports, ring_layout, ring_policy, ring_ports};
use crate::deployment::worker::{self, WorkerReport};
use crate::deployment::{Job, Placement};
use crate::observe::cpu::ThreadClock;
use crate::transport::ipc::{DirectPort, PumpedPort, Routes, fits_buffer, pump};
use crate::transport::ring::segment::Segment;
use crate::transport::{Port, Silent};
use crate::workload;
use ipc_channel::ipc::{self, IpcReceiver, IpcSender};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};
use std::io::Write;
use std::sync::{Arc, Mutex};

/// A worker process, from its own side. `arguments` are those after `worker`.
///
/// # Errors
/// A sentence for standard error: the host finds out by itself that the worker has ended.
pub fn worker_main(arguments: &[String]) -> Result<(), String> {
    let [name, host, descriptor, process, first_worker, talks, rings] = arguments else {
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
    let (control, tasks) = ipc::channel().map_err(|e| text(&e))?;
    let (mailbox, socket) = if talks == "1" {
        let (mailbox, socket) = ipc::channel().map_err(|e| text(&e))?;
        (Some(mailbox), Some(socket))
    } else {
        (None, None)
    };
    to_host
        .send(ToHost::Hello { control, mailbox })
        .map_err(|e| text(&e))?;
    gate.report(first_worker, Reached::Connected);

    let (job, placement, routes) = receive_task(&tasks)?;
    let spec: Arc<dyn workload::Spec> = workload::parse(&job.source)
        .map_err(|e| e.to_string())?
        .into();
    let message_bytes = spec.message_bytes();
    let layout = ring_layout(&job, spec.as_ref(), &placement);
    let mut workers = LocalWorkers::prepare(&job, spec, placement, placement.workers_of(process))?;
    let hand_over = {
        let to_host = Mutex::new(to_host);
        move |report: WorkerReport| {
            let to_host = to_host.lock().expect("nobody panics with this lock");
            // A host that is gone takes the worker with it.
            let _ = to_host.send(ToHost::Report(Box::new(report)));
        }
    };
    let is_alone = placement.threads_each == 1;
    if let Some(policy) = ring_policy(&job, &workers.topology) {
        let segment = Segment::inherit(number(rings)?, layout)
            .map_err(|e| format!("the memory of the rings: {e}"))?;
        let ports = ring_ports(&workers, &segment, policy);
        return run_all(&workers, first_worker, &gate, ports, hand_over);
    }
    match socket {
        None if is_alone => run_alone(&workers, first_worker, &gate, Silent, hand_over),
        Some(mailbox)
            if is_alone && fits_buffer(process, &placement, &workers.topology, message_bytes) =>
        {
            let port = DirectPort {
                mailbox,
                routes,
                placement,
            };
            run_alone(&workers, first_worker, &gate, port, hand_over);
        }
        socket => {
            let (locals, mailboxes) = local_ports(&workers);
            if let Some(socket) = socket {
                let (announce, announced) = std::sync::mpsc::channel();
                let forward = move || {
                    let _ = announce.send(ThreadClock::of_this_thread());
                    drop(announce);
                    if let Err(e) = pump(&socket, &mailboxes, first_worker, &placement) {
                        // Not eprintln!, which panics when nobody reads.
                        let why = format!("forkscope: worker process {process}: {e}\n");
                        let _ = std::io::stderr().write_all(why.as_bytes());
                        // Without its pump the worker would wait for ever.
                        std::process::abort();
                    }
                };
                let pump = std::thread::Builder::new().name("pump".to_owned());
                pump.spawn(forward)
                    .map_err(|e| format!("start the pump thread: {e}"))?;
                workers.helper = announced.recv().ok();
            }
            let routes = Arc::new(routes);
            let port = |local| PumpedPort {
                local,
                routes: routes.clone(),
                placement,
            };
            let ports = locals.into_iter().map(port).collect();
            return run_all(&workers, first_worker, &gate, ports, hand_over);
        }
    }
    Ok(())
}

/// Runs the worker loops of this process: in this thread where there is one, in a pool otherwise.
fn run_all(
    workers: &LocalWorkers,
    first_worker: usize,
    gate: &Gate,
    mut ports: Vec<impl Port + Send + 'static>,
    hand_over: impl Fn(WorkerReport) + Send + Sync + 'static,
) -> Result<(), String> {
    if ports.len() == 1 {
        let port = ports.pop().expect("there is one");
        run_alone(workers, first_worker, gate, port, hand_over);
        return Ok(());
    }
    let _pool = workers
        .start(ports, gate, hand_over)
        .map_err(|e| format!("start worker threads: {e}"))?;
    while gate.next_step(Step::HandOver) != Step::Exit {}
    Ok(())
}

/// Runs the worker loop in this thread: a process with one worker needs no pool.
fn run_alone(
    workers: &LocalWorkers,
    worker: usize,
    gate: &Gate,
    port: impl Port,
    hand_over: impl FnOnce(WorkerReport),
) {
    worker::run(workers.assignment(worker), gate, port, hand_over);
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
    let mut routes: Routes = (0..placement.processes).map(|_| None).collect();
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
