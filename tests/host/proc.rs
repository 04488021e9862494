//! Which processes does a run consist of, and how far are they? Seen from outside, through /proc.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Where the current step stands on the gate's page, bytes.
const STEP_OFFSET: u64 = 16;

/// How long anything may take that the kernel does by itself: only a hang takes so long.
const HANG: Duration = Duration::from_secs(20);

/// A process, told apart from a later one of the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    /// Start time in clock ticks since boot.
    start: u64,
    /// Arguments, the program's name first.
    pub arguments: Vec<String>,
}

/// What /proc/PID/stat says.
struct Stat {
    state: char,
    parent: i32,
    start: u64,
}

fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, a closing bracket included.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some(Stat {
        state: fields[0].chars().next()?,
        parent: fields[1].parse().ok()?,
        start: fields[19].parse().ok()?,
    })
}

impl Process {
    pub fn of(pid: i32) -> Option<Process> {
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let arguments = arguments
            .split(|&b| b == 0)
            .map(|a| String::from_utf8_lossy(a).into_owned())
            .collect();
        let start = stat(pid)?.start;
        Some(Process {
            pid,
            start,
            arguments,
        })
    }

    /// Whether nothing is left that anybody of ours has to reap: no such process, or a zombie that
    /// belongs to the init of this container, which reaps when it likes.
    pub fn is_gone(&self) -> bool {
        match stat(self.pid) {
            Some(s) if s.start == self.start => s.state == 'Z' && s.parent == 1,
            _ => true,
        }
    }

    /// Whether a signal has stopped it.
    pub fn is_stopped(&self) -> bool {
        stat(self.pid).is_some_and(|s| s.state == 'T')
    }

    /// Which worker process of its host it is: `worker SOCKET HOST DESCRIPTOR NUMBER …`.
    pub fn number(&self) -> Option<usize> {
        if self.arguments.get(1)? != "worker" {
            return None;
        }
        self.arguments.get(5)?.parse().ok()
    }

    pub fn signal(&self, signal: Signal) {
        // One that has ended already needs no signal.
        let _ = kill(Pid::from_raw(self.pid), signal);
    }
}

/// Children of a process's main thread.
pub fn children(pid: i32) -> Vec<Process> {
    fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|p| Process::of(p.parse().ok()?))
        .collect()
}

/// Worker processes of a host.
pub fn workers(host: i32) -> Vec<Process> {
    children(host)
        .into_iter()
        .filter(|c| c.number().is_some())
        .collect()
}

/// Every living process that has `folder` as its TMPDIR: all of a run that was started with it.
pub fn with_tmpdir(folder: &Path) -> Vec<Process> {
    let wanted = format!("TMPDIR={}", folder.display());
    let pids = fs::read_dir("/proc")
        .expect("/proc can be read")
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment
            .split(|&b| b == 0)
            .any(|v| v == wanted.as_bytes())
    })
    .filter_map(Process::of)
    .collect()
}

/// The gate of a host, read from outside.
pub struct Gate(File);

impl Gate {
    /// `None` while the host has none.
    pub fn of(host: i32) -> Option<Gate> {
        let entries = fs::read_dir(format!("/proc/{host}/fd")).ok()?;
        let path = entries.filter_map(|e| Some(e.ok()?.path())).find(|p| {
            fs::read_link(p).is_ok_and(|l| l.to_string_lossy().starts_with("/memfd:forkscope-gate"))
        })?;
        File::open(path).ok().map(Gate)
    }

    /// 0 prepare, 1 warm-up, 2 window, 3 hand-over, 4 exit.
    pub fn step(&self) -> u32 {
        let mut bytes = [0; 4];
        match self.0.read_exact_at(&mut bytes, STEP_OFFSET) {
            Ok(()) => u32::from_ne_bytes(bytes),
            // The page has no length yet.
            Err(_) => 0,
        }
    }
}

/// Waits until something is there that the kernel brings about by itself.
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(HANG, what, look)
}

/// Waits until something is there, so long at most.
pub fn within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Waits until all of these have ended.
pub fn await_end_of(processes: &[Process], when: &str) {
    for process in processes {
        eventually(&format!("{when}: the end of {process:?}"), || {
            process.is_gone().then_some(())
        });
    }
}

/// The workers of a host that has `count` of them, once its gate shows `step`.
pub fn workers_at(host: i32, count: usize, step: u32) -> Vec<Process> {
    eventually(&format!("step {step} of host {host}"), || {
        let workers = workers(host);
        (workers.len() == count && Gate::of(host)?.step() == step).then_some(workers)
    })
}

/// The worker process of a number.
pub fn numbered(workers: &[Process], number: usize) -> &Process {
    workers
        .iter()
        .find(|w| w.number() == Some(number))
        .expect("there is a worker of that number")
}
