//! A worker process, from its own side: connect, receive the task, run the loop.

use super::protocol::{ToHost, ToWorker, content_of, descriptors_of};
use crate::deployment::control::{Reached, Step};
use crate::deployment::local::{LocalWorkers, Loops, carrier, start_connected};
use crate::deployment::page::Page;
use crate::deployment::worker::{self, End, WorkerReport};
use crate::deployment::{Job, Kind, Placement};
use crate::transport::Wiring;
use crate::transport::ipc::{self, Routes};
use crate::transport::start::Origin;
use crate::workload;
use ipc_channel::ipc::{IpcReceiver, IpcSender};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};
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
        after,
    ] = arguments
    else {
        return Err("the subcommand `worker` is forkscope's own; use `forkscope run`".to_owned());
    };
    let number = |text: &str| {
        text.parse::<i32>()
            .map_err(|e| format!("argument \"{text}\": {e}; use `forkscope run`"))
    };
    die_with(Pid::from_raw(number(host)?))?;
    let page = Page::inherit(number(descriptor)?).map_err(|e| format!("the shared page: {e}"))?;
    let process = number(process)? as usize;
    let first_worker = number(first_worker)? as usize;
    let after = after
        .parse()
        .map_err(|e| format!("argument \"{after}\": {e}; use `forkscope run`"))?;

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
    page.report(first_worker, Reached::Connected);

    let (job, placement, routes) = receive_task(&tasks)?;
    let spec: Arc<dyn workload::Spec> = workload::parse(&job.source)
        .map_err(|e| e.to_string())?
        .into();
    let wiring = Wiring::of(spec.as_ref(), job.agents, placement);
    let entry = carrier(&job, &wiring, Kind::Processes);
    let workers = LocalWorkers::prepare(
        &job,
        spec,
        placement,
        placement.workers_of(process),
        Step::of(after),
    )?;
    let hand_over = {
        let to_host = Mutex::new(to_host);
        move |report: WorkerReport| {
            let to_host = to_host.lock().expect("nobody panics with this lock");
            // A host that is gone takes the worker with it.
            let _ = to_host.send(ToHost::Report(Box::new(report)));
        }
    };
    let from = match socket {
        Some(socket) => Origin::Introduced(socket, routes),
        None => Origin::Inherited(descriptors_of(inherited)?),
    };
    let all = All {
        workers: &workers,
        first_worker,
        page: &page,
        hand_over,
    };
    start_connected(&workers, entry, from, &wiring, all)?
}

/// The workers of a process: in this thread where there is one, in a pool otherwise.
struct All<'a, H> {
    workers: &'a LocalWorkers,
    first_worker: usize,
    page: &'a Page,
    hand_over: H,
}

impl<H: Fn(WorkerReport) + Send + Sync + 'static> Loops for All<'_, H> {
    type Started = Result<(), String>;

    fn start<E: End>(self, mut ends: Vec<E>) -> Result<(), String> {
        if ends.len() == 1 {
            let end = ends.pop().expect("there is one");
            // A process with one worker needs no pool.
            let assignment = self.workers.assignment(self.first_worker);
            worker::run(assignment, self.page, end, self.hand_over);
            return Ok(());
        }
        let _pool = self
            .workers
            .start(ends, self.page, self.hand_over)
            .map_err(|e| format!("start worker threads: {e}"))?;
        while self.page.next_step(Step::HandOver) != Step::Exit {}
        Ok(())
    }
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
