//! Which limits of kernel and user bind this process, and can they be raised?

use std::fs;
use std::path::Path;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Capabilities that lift RLIMIT_NPROC: CAP_SYS_ADMIN (21) and CAP_SYS_RESOURCE (24).
const LIFTING_CAPABILITIES: u64 = (1 << 21) | (1 << 24);

/// Limits of the kernel on tasks that [`Machine`](crate::record::Machine) does not record. `None`: unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KernelLimits {
    /// Tasks in the whole system (kernel.threads-max).
    pub threads_max: Option<u64>,
    /// Process numbers in the whole system (kernel.pid_max); every task takes one.
    pub pid_max: Option<u64>,
    /// Tasks in the system now.
    pub tasks: Option<u64>,
    /// Tasks of this user now; `None` also when RLIMIT_NPROC does not bind this process.
    pub user_tasks: Option<u64>,
}

impl KernelLimits {
    /// Reads them below `root` (`/`, or a tree for tests).
    pub fn look(root: &Path) -> Self {
        let number = |path: &str| -> Option<u64> {
            fs::read_to_string(root.join(path))
                .ok()?
                .trim()
                .parse()
                .ok()
        };
        Self {
            threads_max: number("proc/sys/kernel/threads-max"),
            pid_max: number("proc/sys/kernel/pid_max"),
            tasks: fs::read_to_string(root.join("proc/loadavg"))
                .ok()
                .and_then(|text| tasks_in_loadavg(&text)),
            user_tasks: user_tasks(root),
        }
    }
}

/// The 234 of `0.00 0.01 0.05 1/234 5678`.
fn tasks_in_loadavg(text: &str) -> Option<u64> {
    text.split_whitespace()
        .nth(3)?
        .split_once('/')?
        .1
        .parse()
        .ok()
}

/// Tasks of the real user of this process. `None` for root and for who may exceed the limit.
fn user_tasks(root: &Path) -> Option<u64> {
    let own = fs::read_to_string(root.join("proc/self/status")).ok()?;
    let user = status_number(&own, "Uid:", 10)?;
    if user == 0 || status_number(&own, "CapEff:", 16)? & LIFTING_CAPABILITIES != 0 {
        return None;
    }
    let processes = fs::read_dir(root.join("proc")).ok()?.flatten();
    // A process that ends meanwhile no longer counts.
    let count = |entry: fs::DirEntry| -> Option<u64> {
        entry.file_name().to_str()?.parse::<u32>().ok()?;
        let status = fs::read_to_string(entry.path().join("status")).ok()?;
        (status_number(&status, "Uid:", 10)? == user).then_some(())?;
        status_number(&status, "Threads:", 10)
    };
    Some(processes.filter_map(count).sum())
}

/// First number of a line of a status file.
fn status_number(status: &str, name: &str, radix: u32) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    u64::from_str_radix(rest.split_whitespace().next()?, radix).ok()
}

/// Limits of open files before and after raising.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// The soft limit as it was found.
    pub soft_before: u64,
    /// The soft limit now: the hard limit, unless raising was refused.
    pub soft: u64,
    /// The hard limit.
    pub hard: u64,
}

/// Raises the soft limit of open files to the hard limit: the host holds a few per worker.
///
/// Workers inherit it. `None` when the limits cannot be read.
pub fn raise_nofile() -> Option<Descriptors> {
    let (soft_before, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    let is_raised = soft_before < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok();
    Some(Descriptors {
        soft_before,
        soft: if is_raised { hard } else { soft_before },
        hard,
    })
}

#[cfg(test)]
mod tests {
    use super::super::facts::tests::tree;
    use super::*;

    #[test]
    fn kernel_limits_are_read_from_proc() {
        let status = "Uid:\t1000\t1000\t1000\t1000\nThreads:\t3\nCapEff:\t0000000000000000\n";
        let root = tree(&[
            ("proc/sys/kernel/threads-max", "5000\n"),
            ("proc/sys/kernel/pid_max", "4194304\n"),
            ("proc/loadavg", "0.00 0.01 0.05 1/234 5678\n"),
            ("proc/self/status", status),
            ("proc/12/status", status),
            ("proc/13/status", "Uid:\t0\t0\t0\t0\nThreads:\t9\n"),
        ]);
        assert_eq!(
            KernelLimits::look(root.path()),
            KernelLimits {
                threads_max: Some(5000),
                pid_max: Some(4_194_304),
                tasks: Some(234),
                user_tasks: Some(3),
            }
        );
        for lifted in [
            status.replace("Uid:\t1000", "Uid:\t0"),
            status.replace("CapEff:\t0000000000000000", "CapEff:\t0000000001000000"),
        ] {
            let root = tree(&[("proc/self/status", &lifted), ("proc/12/status", status)]);
            assert_eq!(KernelLimits::look(root.path()).user_tasks, None);
        }
    }

    #[test]
    fn the_soft_limit_of_open_files_reaches_the_hard_one() {
        let raised = raise_nofile().unwrap();
        assert_eq!(raised.soft, raised.hard);
        assert_eq!(raise_nofile().unwrap().soft_before, raised.hard);
    }
}
