//! Workers as processes: started by executing this same binary, connected by ipc-channel.
//!
//! How a worker process comes up, and goes down:
//!
//! 1. The host makes a one-shot server for it, takes the server's socket out of the file system at
//!    once (a host that is killed leaves no socket behind), and executes its own binary as `worker …`
//!    (exec, never a bare fork: a forked worker inherits an unusual address space, and hangs once a
//!    pool runs).
//! 2. The worker asks to be killed when its parent dies, looks whether the parent is still there,
//!    connects, says hello with its control channel and its mailbox, and reports on the gate that it
//!    has connected. Only then does the host accept: it never waits for a worker that died before.
//! 3. The host sends the job and the neighbours' mailboxes; the worker builds its agents.
//! 4. From here on host and worker share the gate, as threads do. The host looks after its children
//!    with waitpid; a death in any phase is a failure with agent, phase and signal.

mod protocol;
mod worker_process;

pub use worker_process::{die_with, worker_main};

use super::gate::{Gate, Reached, Step};
use super::worker::WorkerReport;
use super::{Deployment, Fleet, Job, Kind, Placement, REPORT_TIMEOUT, failure_of};
use crate::deployment::local::{carrier, wiring};
use crate::observe::standstill::Stops;
use crate::record::{Failure, Phase};
use crate::transport::ipc::{Content, Mailbox};
use crate::transport::{Means, Shared};
use crate::workload::{self, Topology};
use ipc_channel::ipc::{IpcOneShotServer, IpcReceiver, IpcSender};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, getppid};
use protocol::{ToHost, ToWorker};
use std::collections::BTreeSet;
use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// The hidden subcommand that makes this binary a worker.
pub const SUBCOMMAND: &str = "worker";

/// Mailboxes in one control message. ipc-channel panics above 64 descriptors in a message.
const PEERS_AT_ONCE: usize = 32;

/// How long workers are given to end by themselves before they are killed.
const GRACE: Duration = Duration::from_secs(2);

/// How long the cause is waited for after a first sign of trouble. A worker that is killed closes its
/// channels before it can be waited for, so its neighbours complain of it, and end, before it is dead.
const AFTERMATH: Duration = Duration::from_millis(200);

/// The deployment `processes[:P[xT]]`.
pub struct Processes;

impl Deployment for Processes {
    fn start(
        &self,
        job: &Job,
        placement: Placement,
        gate: &Gate,
    ) -> Result<Box<dyn Fleet>, Failure> {
        let spec =
            workload::parse(&job.source).map_err(|e| failure_of(Phase::Setup, e.to_string()))?;
        let wiring = wiring(job, spec.as_ref(), &placement);
        let entry = carrier(job, &wiring, Kind::Processes);
        let shared = match entry {
            Some(entry) => Shared::create(entry, &wiring)
                .map_err(|e| failure_of(Phase::Setup, format!("connect the workers: {e}")))?,
            None => Shared::Nothing,
        };
        let content = match entry.map(|e| e.means) {
            Some(Means::Ipc(parcel)) => Some(match spec.hop() {
                Some(_) => Content::Payloads(parcel),
                None => Content::Messages(parcel),
            }),
            _ => None,
        };
        let mut fleet = ProcessFleet {
            gate: gate.clone(),
            job: job.clone(),
            placement,
            // Nobody is introduced to anybody whose way is there already.
            topology: match content {
                Some(_) => spec.topology(job.agents),
                None => Topology::silent(job.agents),
            },
            children: Vec::with_capacity(placement.processes()),
            stops: Stops::default(),
            is_connected: false,
        };
        // This very file, also when a new build has taken its name meanwhile.
        let program = c"/proc/self/exe".to_owned();
        for process in 0..placement.processes() {
            let inherited = shared.descriptors(&wiring, process);
            let child = fleet
                .spawn(&program, process, content, &inherited)
                .map_err(|why| Failure {
                    agent: Some(
                        placement
                            .agents_of(placement.workers_of(process).start)
                            .start,
                    ),
                    ..failure_of(
                        Phase::Setup,
                        format!(
                            "start worker process {} of {}: {why}",
                            process + 1,
                            placement.processes()
                        ),
                    )
                })?;
            fleet.children.push(child);
        }
        Ok(Box::new(fleet))
    }
}

/// One worker process, from the host's side.
struct Child {
    pid: Pid,
    has_ended: bool,
    link: Link,
}

enum Link {
    /// Waiting for its hello, at a socket that has no place in the file system any more.
    Server(Option<(IpcOneShotServer<ToHost>, OwnedFd)>),
    /// Connected.
    Up {
        control: IpcSender<ToWorker>,
        mailbox: Option<Mailbox>,
        from: IpcReceiver<ToHost>,
    },
}

struct ProcessFleet {
    gate: Gate,
    job: Job,
    placement: Placement,
    topology: Topology,
    children: Vec<Child>,
    stops: Stops,
    is_connected: bool,
}

impl ProcessFleet {
    fn spawn(
        &self,
        program: &CString,
        process: usize,
        content: Option<Content>,
        inherited: &[RawFd],
    ) -> Result<Child, String> {
        let (server, socket, name) =
            sheltered(serve).map_err(|e| format!("make its socket: {e}"))?;
        let number = |n: usize| CString::new(n.to_string()).expect("digits hold no zero byte");
        let args = [
            program.clone(),
            CString::new(SUBCOMMAND).expect("a literal without zero bytes"),
            CString::new(name).map_err(|e| format!("name of its socket: {e}"))?,
            number(getpid().as_raw() as usize),
            number(self.gate.descriptor() as usize),
            number(process),
            number(self.placement.workers_of(process).start),
            protocol::content_argument(content),
            protocol::descriptors_argument(inherited),
        ];
        let pid = execute(program, &args, inherited).map_err(|e| match e {
            Errno::EAGAIN => format!(
                "{e}; processes or threads are used up: see nproc and pids in `forkscope doctor`"
            ),
            Errno::ENOMEM => format!("{e}; memory is used up: use fewer agents or threads"),
            _ => e.to_string(),
        })?;
        Ok(Child {
            pid,
            has_ended: false,
            link: Link::Server(Some((server, socket))),
        })
    }

    /// Takes the hellos of workers, and introduces them to each other when there is one from each.
    fn connect_all(&mut self) -> Result<(), Failure> {
        if self.is_connected {
            return Ok(());
        }
        for (process, child) in self.children.iter_mut().enumerate() {
            let Link::Server(server) = &mut child.link else {
                continue;
            };
            let first = self.placement.workers_of(process).start;
            if self.gate.reached(first) < Reached::Connected {
                return Ok(());
            }
            let (server, _socket) = server
                .take()
                .expect("a server is used up only by becoming a link");
            let lost = |why: String| {
                failure_of(
                    Phase::Setup,
                    format!("connect worker process {process}: {why}"),
                )
            };
            match server.accept().map_err(|e| lost(e.to_string()))? {
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
        self.is_connected = true;
        self.introduce()
    }

    /// Sends every worker its job and the mailboxes of the processes that it writes to.
    fn introduce(&mut self) -> Result<(), Failure> {
        let mailboxes: Vec<_> = self
            .children
            .iter_mut()
            .map(|c| match &mut c.link {
                Link::Up { mailbox, .. } => mailbox.take(),
                Link::Server(_) => None,
            })
            .collect();
        for (process, child) in self.children.iter().enumerate() {
            let Link::Up { control, .. } = &child.link else {
                continue;
            };
            let peers: Vec<_> = neighbour_processes(process, &self.placement, &self.topology)
                .into_iter()
                .filter_map(|p| Some((p, mailboxes[p].clone()?)))
                .collect();
            let task = ToWorker::Task {
                job: Box::new(self.job.clone()),
                placement: self.placement,
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
            let of_status = |c: &Child| Some(c.pid) == status.pid();
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
        let (worker, agent) = self.gate.failed()?;
        // A failing worker hands over its report before it says on the gate that it failed.
        let child = &self.children[self.placement.process_of(worker)];
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
            .placement
            .agents_of(self.placement.workers_of(process).start);
        let (signal, how) = match status {
            WaitStatus::Signaled(_, signal, _) => (
                Some(signal.as_str().to_owned()),
                format!("was ended by {signal}"),
            ),
            WaitStatus::Exited(_, code) => (None, format!("ended with exit code {code}")),
            _ => (None, "is gone".to_owned()),
        };
        let last = self
            .placement
            .agents_of(self.placement.workers_of(process).end - 1)
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
fn neighbour_processes(
    process: usize,
    placement: &Placement,
    topology: &Topology,
) -> BTreeSet<usize> {
    placement
        .workers_of(process)
        .flat_map(|w| placement.agents_of(w))
        .flat_map(|agent| topology.of(agent))
        .map(|&other| placement.process_of(placement.worker_of(other as usize)))
        .filter(|&p| p != process)
        .collect()
}

impl Fleet for ProcessFleet {
    fn pids(&self) -> Vec<Pid> {
        self.children
            .iter()
            .filter(|c| !c.has_ended)
            .map(|c| c.pid)
            .collect()
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
        if dead.is_empty() && self.gate.failed().is_none() {
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
        let mut reports = Vec::with_capacity(self.placement.workers());
        for process in 0..self.children.len() {
            for _ in self.placement.workers_of(process) {
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
        self.gate.open(Step::Exit);
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

/// Makes a socket in the temporary folder and connects to it, as a host and its worker do.
///
/// # Errors
/// What the system says.
pub fn try_socket() -> std::io::Result<()> {
    let (_server, _socket, name) = sheltered(serve)?;
    IpcSender::<ToHost>::connect(name).map(drop)
}

/// Makes a server, the descriptor that keeps its socket reachable, and the name of that.
fn serve() -> std::io::Result<(IpcOneShotServer<ToHost>, OwnedFd, String)> {
    let (server, path) = IpcOneShotServer::new().map_err(std::io::Error::other)?;
    let (socket, name) = take_away(Path::new(&path))?;
    Ok((server, socket, name))
}

/// Does `work`, which must not be left half done, while only a SIGKILL from outside can end this
/// process: requests to end, and the parent's death, take effect right after it.
fn sheltered<T>(work: impl FnOnce() -> T) -> T {
    let requests: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]
        .into_iter()
        .collect();
    let parent = getppid();
    let at_death = prctl::get_pdeathsig().ok().flatten();
    let mask = requests.thread_swap_mask(SigmaskHow::SIG_BLOCK);
    if at_death.is_some() {
        let _ = prctl::set_pdeathsig(Signal::SIGTERM);
    }
    let done = work();
    if at_death.is_some() {
        let _ = prctl::set_pdeathsig(at_death);
    }
    if let Ok(mask) = mask {
        let _ = mask.thread_set_mask();
    }
    // Whoever ignores SIGTERM has not noticed.
    if at_death.is_some() && getppid() != parent {
        // Nobody is left to read a reason.
        std::process::exit(1);
    }
    done
}

/// Takes the socket at `path` out of the file system, with the folder that was made for it, so that a
/// host that is killed leaves nothing behind. Gives what keeps the socket reachable, and the name by
/// which another process of this user reaches it.
fn take_away(path: &Path) -> std::io::Result<(OwnedFd, String)> {
    let socket = nix::fcntl::open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
    std::fs::remove_file(path)?;
    if let Some(folder) = path.parent() {
        std::fs::remove_dir(folder)?;
    }
    let name = format!("/proc/{}/fd/{}", getpid(), socket.as_raw_fd());
    Ok((socket, name))
}

/// Executes `program`; standard input and output are the null device (the host's output is its
/// answer), standard error is the host's. Of the descriptors that are closed otherwise it keeps
/// `inherited`, under their numbers.
fn execute(program: &CString, args: &[CString], inherited: &[RawFd]) -> nix::Result<Pid> {
    let mut files = PosixSpawnFileActions::init()?;
    files.add_open(0, "/dev/null", OFlag::O_RDONLY, Mode::empty())?;
    files.add_open(1, "/dev/null", OFlag::O_WRONLY, Mode::empty())?;
    for &descriptor in inherited {
        // Onto itself: the one way to clear close-on-exec in the child alone.
        files.add_dup2(descriptor, descriptor)?;
    }
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_flags(PosixSpawnFlags::empty())?;
    let environment: Vec<CString> = std::env::vars_os()
        .filter_map(|(k, v)| CString::new([k.as_bytes(), b"=", v.as_bytes()].concat()).ok())
        .collect();
    posix_spawn(program.as_c_str(), &files, &attributes, args, &environment)
}
