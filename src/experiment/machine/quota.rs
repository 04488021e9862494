//! Which CPUs does a run keep to, so that its control group's quota does not stop it?
//!
//! A quota of 1.5 CPUs lets two busy workers run for three quarters of each period and then stops both, in turns that
//! have nothing to do with how they are deployed. Pairs that were stopped do not count, so nearly none would. On as
//! many CPUs as the quota has whole ones nobody uses it up.

use super::fitness::{Finding, Level, finding};
use crate::deployment::pinning;
use crate::observe::cgroup::Cgroup;
use crate::observe::cpu::SystemCpu;
use nix::unistd::Pid;
use std::time::Duration;

/// How long the CPUs are watched for the idlest of them.
const LOOK: Duration = Duration::from_millis(200);

/// Quotas are written in microseconds a period: this much below a whole CPU is one.
const ROUNDING: f64 = 0.001;

/// Keeps this thread, and what it starts from now on, to as many of its CPUs as the quota of the control group has
/// whole ones: the idlest. Says so, where there is such a quota.
pub fn keep_below_quota() -> Option<Finding> {
    let quota = Cgroup::of_self().quota_cpus()?;
    let allowed = pinning::allowed();
    let count = kept(quota, allowed.len())?;
    if count > 0 {
        // What is refused leaves the quota to be seen by who looks at the machine next.
        pinning::keep_on(Pid::from_raw(0), &idlest(&allowed, count)).ok()?;
    }
    of(quota, allowed.len())
}

/// CPUs of `allowed` that a run keeps to; `None` where the quota does not reach below them.
fn kept(quota: f64, allowed: usize) -> Option<usize> {
    (quota < allowed as f64).then_some((quota + ROUNDING) as usize)
}

/// What a quota means for a run on `allowed` CPUs.
pub(super) fn of(quota: f64, allowed: usize) -> Option<Finding> {
    match kept(quota, allowed)? {
        0 => finding(
            Level::Refuse,
            format!(
                "a quota of {quota:.2} CPUs stops even one busy worker again and again, and pairs that were stopped do \
                 not count; give the group one CPU or more (cpu.max, docker: --cpus, Kubernetes: limits.cpu)"
            ),
        ),
        count => finding(
            Level::Warn,
            format!(
                "a quota of {quota:.2} CPUs lies below the {allowed} allowed ones: a run keeps to {count} of them, so \
                 that the quota stops nobody; to measure on more, raise it, or give the group whole CPUs (cpuset)"
            ),
        ),
    }
}

/// The `count` CPUs that others use least, ascending.
fn idlest(allowed: &[usize], count: usize) -> Vec<usize> {
    let look = || allowed.iter().map(|&cpu| SystemCpu::read(&[cpu]).ok());
    let before: Vec<_> = look().collect();
    std::thread::sleep(LOOK);
    let busy = look().zip(before).zip(allowed).map(|((now, then), &cpu)| {
        let spent = now.zip(then).map(|(now, then)| now.since(then));
        (spent.map_or(0, |s| s.busy_ns), cpu)
    });
    let mut busy: Vec<(u64, usize)> = busy.collect();
    busy.sort_unstable();
    let mut idlest: Vec<usize> = busy.into_iter().take(count).map(|(_, cpu)| cpu).collect();
    idlest.sort_unstable();
    idlest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_keeps_to_the_whole_cpus_of_a_quota() {
        assert_eq!(kept(1.5, 2), Some(1));
        assert_eq!(kept(2.0, 64), Some(2));
        assert_eq!(kept(1.9995, 64), Some(2));
        assert_eq!(kept(0.5, 1), Some(0));
        assert_eq!((kept(2.0, 2), kept(4.0, 2)), (None, None));
        assert_eq!(of(2.0, 2), None);
        assert_eq!(of(1.5, 2).map(|f| f.level), Some(Level::Warn));
        assert_eq!(of(0.5, 2).map(|f| f.level), Some(Level::Refuse));
    }

    #[test]
    fn the_idlest_are_as_many_as_asked_for_and_of_those_allowed() {
        let allowed = pinning::allowed();
        assert_eq!(idlest(&allowed, 1).len(), 1);
        assert_eq!(idlest(&allowed, allowed.len()), allowed);
    }
}
