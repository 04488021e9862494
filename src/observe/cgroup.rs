//! What does the control group of this process allow, and did it throttle?
//!
//! Limits nest: a group is also bound by every group above it, as far up as this process can see.
//! Version 1 (a tree per controller), version 2 (one tree) and both at once are read. Every reader
//! takes the directory that stands for `/`, so that tests can bring a tree of their own.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Version 1 writes "no limit" as the largest multiple of a page; nobody has half of that.
const NO_LIMIT_BYTES: u64 = 1 << 62;

/// Where the controllers of this process's control group keep their files.
///
/// Each list runs from the process's own group up to the top that is visible; it is empty when
/// there is no such controller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cgroup {
    cpu: Vec<PathBuf>,
    memory: Vec<PathBuf>,
    pids: Vec<PathBuf>,
}

/// Tasks of the tightest group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pids {
    /// Tasks allowed.
    pub max: u64,
    /// Tasks now.
    pub current: u64,
}

/// How often, and for how long, a CPU quota stopped the group or one above it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// Periods that ended throttled, since the groups were made.
    pub times: u64,
    /// Time throttled, nanoseconds, summed over the group's CPUs.
    pub ns: u64,
}

impl Throttle {
    /// Throttling since an earlier reading.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            times: self.times.saturating_sub(earlier.times),
            ns: self.ns.saturating_sub(earlier.ns),
        }
    }
}

impl Cgroup {
    /// Finds the control group of this process. Empty where there is none or /proc hides it.
    pub fn of_self() -> Self {
        Self::find(Path::new("/"))
    }

    /// Finds the control group described below `root`.
    pub fn find(root: &Path) -> Self {
        let read = |path| fs::read_to_string(root.join(path)).unwrap_or_default();
        let groups = read("proc/self/cgroup");
        let mounts = read("proc/self/mountinfo");
        let levels = |controller| levels(root, &groups, &mounts, controller).unwrap_or_default();
        Self {
            cpu: levels("cpu"),
            memory: levels("memory"),
            pids: levels("pids"),
        }
    }

    /// CPU quota in CPUs (1.5 = 150 %): the smallest on the way up. `None`: no quota found.
    pub fn quota_cpus(&self) -> Option<f64> {
        self.cpu
            .iter()
            .filter_map(|group| quota_of(group))
            .min_by(f64::total_cmp)
    }

    /// Memory limit in bytes: the smallest on the way up. `None`: no limit found.
    pub fn memory_limit_bytes(&self) -> Option<u64> {
        self.memory
            .iter()
            .filter_map(|group| {
                number(group, "memory.max").or_else(|| number(group, "memory.limit_in_bytes"))
            })
            .filter(|&limit| limit < NO_LIMIT_BYTES)
            .min()
    }

    /// What the group may still use until a memory limit of its own or of one above it, bytes: the least. Pages of
    /// files that were not used of late can be dropped at once, and count as free. `None`: no limit found.
    pub fn memory_free_bytes(&self) -> Option<u64> {
        let free = |group: &PathBuf| {
            let either = |v2, v1| number(group, v2).or_else(|| number(group, v1));
            let limit =
                either("memory.max", "memory.limit_in_bytes").filter(|&l| l < NO_LIMIT_BYTES)?;
            let used = either("memory.current", "memory.usage_in_bytes").unwrap_or(0);
            let stat = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
            // Version 1 has a number of the group alone, and one with those below it.
            let files =
                keyed(&stat, "total_inactive_file").or_else(|| keyed(&stat, "inactive_file"));
            Some(limit.saturating_sub(used.saturating_sub(files.unwrap_or(0))))
        };
        self.memory.iter().filter_map(free).min()
    }

    /// Processes of the group that the kernel has ended for want of memory. `None`: no counter found.
    pub fn oom_kills(&self) -> Option<u64> {
        let group = self.memory.first()?;
        let read = |file| keyed(&fs::read_to_string(group.join(file)).ok()?, "oom_kill");
        read("memory.events").or_else(|| read("memory.oom_control"))
    }

    /// Why a process of the group may have ended by SIGKILL since `before`, with what to do: the kernel ended some for
    /// want of memory.
    pub fn out_of_memory_since(&self, before: Option<u64>) -> Option<&'static str> {
        let (now, before) = self.oom_kills().zip(before)?;
        (now > before).then_some(match self.memory_limit_bytes() {
            Some(_) => {
                "the control group ran out of memory; raise its limit (memory.max, docker: --memory) or use fewer agents"
            }
            None => "the system ran out of memory; close programs or use fewer agents",
        })
    }

    /// Task limit and use of the group on the way up that has the fewest tasks left. `None`: no
    /// limit found.
    pub fn pids(&self) -> Option<Pids> {
        self.pids
            .iter()
            .filter_map(|group| {
                Some(Pids {
                    max: number(group, "pids.max")?,
                    current: number(group, "pids.current")?,
                })
            })
            .min_by_key(|pids| pids.max.saturating_sub(pids.current))
    }

    /// Throttling of the group and those above it. `None`: no counters found.
    pub fn throttle(&self) -> Option<Throttle> {
        self.cpu
            .iter()
            .filter_map(|group| parse_cpu_stat(&fs::read_to_string(group.join("cpu.stat")).ok()?))
            .reduce(|sum, group| Throttle {
                times: sum.times + group.times,
                ns: sum.ns + group.ns,
            })
    }
}

/// Directories of a controller from the own group up to the mount point.
fn levels(root: &Path, groups: &str, mounts: &str, controller: &str) -> Option<Vec<PathBuf>> {
    let is_listed = |list: &str| list.split(',').any(|name| name == controller);
    let lines = || groups.lines().filter_map(parse_group_line);
    // A controller is in one version at a time; a line of version 1 that names it wins.
    let v1 = lines().find(|&(_, list, _)| is_listed(list));
    let (is_v2, path) = match v1 {
        Some((_, _, path)) => (false, path),
        None => (true, lines().find(|&(id, _, _)| id == "0")?.2),
    };
    let mount = mounts.lines().filter_map(parse_mount_line).find(|mount| {
        if is_v2 {
            mount.kind == "cgroup2"
        } else {
            mount.kind == "cgroup" && is_listed(mount.options)
        }
    })?;
    let point = root.join(unescape(mount.point).trim_start_matches('/'));
    let mut group = point.clone();
    // A container sees its own group as the root of the mount, and paths that begin above it; a
    // path that leads outside of what is mounted leaves the mount point as the best guess.
    let below = Path::new(path).strip_prefix(unescape(mount.root));
    if let Ok(below) = below
        && !path.contains("..")
        && point.join(below).is_dir()
    {
        group = point.join(below);
    }
    Some(
        group
            .ancestors()
            .take_while(|level| level.starts_with(&point))
            .map(Path::to_owned)
            .collect(),
    )
}

/// `id:controllers:path` of /proc/self/cgroup.
fn parse_group_line(line: &str) -> Option<(&str, &str, &str)> {
    let mut parts = line.splitn(3, ':');
    Some((parts.next()?, parts.next()?, parts.next()?))
}

/// What a line of /proc/self/mountinfo says about a mount.
struct Mount<'a> {
    root: &'a str,
    point: &'a str,
    kind: &'a str,
    options: &'a str,
}

fn parse_mount_line(line: &str) -> Option<Mount<'_>> {
    // id parent major:minor root point options [optional …] - kind source super-options
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ').skip(3);
    let mut right = right.split(' ');
    Some(Mount {
        root: left.next()?,
        point: left.next()?,
        kind: right.next()?,
        options: right.nth(1).unwrap_or(""),
    })
}

/// Undoes the octal escapes of mountinfo that can occur in a path of control groups.
fn unescape(path: &str) -> String {
    path.replace("\\040", " ").replace("\\134", "\\")
}

/// The number in a file; `None` when it is absent or says `max` or -1.
fn number(group: &Path, file: &str) -> Option<u64> {
    fs::read_to_string(group.join(file))
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// Quota of one group, CPUs.
fn quota_of(group: &Path) -> Option<f64> {
    let (quota, period) = match fs::read_to_string(group.join("cpu.max")) {
        Ok(text) => {
            let mut words = text.split_whitespace().map(str::parse::<u64>);
            // "max 100000" is no quota: the first word is not a number.
            (words.next()?.ok()?, words.next()?.ok()?)
        }
        Err(_) => (
            number(group, "cpu.cfs_quota_us")?,
            number(group, "cpu.cfs_period_us")?,
        ),
    };
    (period > 0).then(|| quota as f64 / period as f64)
}

/// The number of a line `key number`.
fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .find(|&(name, _)| name == key)
        .and_then(|(_, number)| number.trim().parse().ok())
}

/// Throttle counters from the text of a cpu.stat; `None` when it has none.
fn parse_cpu_stat(text: &str) -> Option<Throttle> {
    let ns = match keyed(text, "throttled_usec") {
        Some(microseconds) => microseconds.saturating_mul(1_000),
        None => keyed(text, "throttled_time").unwrap_or(0),
    };
    Some(Throttle {
        times: keyed(text, "nr_throttled")?,
        ns,
    })
}

#[cfg(test)]
mod tests;
