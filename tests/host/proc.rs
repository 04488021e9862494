//! Which processes does a run consist of, and how far are they? Seen from outside, through /proc.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use forkscope::record::Phase;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// How long anything may take that the kernel does by itself: only a hang takes so long.
const HANG: Duration = Duration::from_secs(60);

/// How long a run may take to come to a phase, on however slow a machine: builds, and looks at the machine.
const PATIENCE: Duration = Duration::from_secs(120);

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

/// Holds hosts in a phase, until it is dropped or lets go.
pub struct Hold {
    folder: TempDir,
    phase: String,
}

impl Hold {
    /// In this phase, every host that [`Hold::tell`] was told of.
    pub fn in_phase(phase: Phase) -> Hold {
        let phase = serde_json::to_value(phase).expect("a word");
        Hold {
            folder: TempDir::new().expect("a folder"),
            phase: phase.as_str().expect("a word").to_owned(),
        }
    }

    /// Tells a command that is, or starts, hosts.
    pub fn tell<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let value = format!("{}:{}", self.phase, self.folder.path().display());
        command.env("FORKSCOPE_HOLD", value)
    }

    /// The host that is held, once there is one.
    pub fn host(&self) -> Process {
        within(PATIENCE, &format!("phase {} of a host", self.phase), || {
            let entry = fs::read_dir(self.folder.path()).ok()?.next()?.ok()?;
            let name = entry.file_name().into_string().ok()?;
            Process::of(name.rsplit('-').next()?.parse().ok()?)
        })
    }

    /// Lets the host go on, and every later one.
    pub fn let_go(self) {
        // A host may be about to say that it waits.
        within(HANG, "an empty folder", || {
            fs::remove_dir_all(self.folder.path()).ok()
        });
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

/// The worker process of a number.
pub fn numbered(workers: &[Process], number: usize) -> &Process {
    workers
        .iter()
        .find(|w| w.number() == Some(number))
        .expect("there is a worker of that number")
}
