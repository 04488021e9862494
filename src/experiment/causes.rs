//! Why does a pair not count? By recorded causes, never by its value.

use crate::metric::Metric;
use crate::record::{Cause, Cell, Dropped, Pair, Sample};
use crate::stats::MIN_PAIRS;

/// Share of work per op by which the two sides of a pair may differ, where agents lived whole lives: theirs is equal.
const WORK_TOLERANCE: f64 = 0.005;

/// The same where windows were too short for a whole life: sides were at different episodes, which is part of their
/// noise; more than this is other work.
const COARSE_WORK_TOLERANCE: f64 = 0.25;

/// Share of foreign CPU in a window above which its pair does not count.
const FOREIGN_CPU_LIMIT: f64 = 0.15;

/// Share of stolen CPU in a window above which its pair does not count.
const STEAL_LIMIT: f64 = 0.05;

/// What disturbed a measured pair, if something did. On a machine that `is_busy` by permission,
/// others' use of the CPUs is no disturbance: it was there from the start, and verdicts say so.
/// `ops_of_a_life` are those after which the work of all agents together repeats.
pub(super) fn disturbance(
    baseline: &Sample,
    x: &Sample,
    ops_of_a_life: u64,
    is_busy: bool,
) -> Option<Dropped> {
    let drop = |cause, detail| Some(Dropped { cause, detail });
    for sample in [baseline, x] {
        if let Some(times) = sample.throttled.filter(|&t| t > 0) {
            return drop(
                Cause::Throttled,
                format!("the CPU quota of the control group stopped it {times} times"),
            );
        }
        if let Some(stood_still_s) = sample.stood_still_s {
            return drop(Cause::Standstill, standstill_in_words(stood_still_s));
        }
        if is_busy {
            continue;
        }
        if let Some(share) = sample.foreign_cpu.filter(|&f| f > FOREIGN_CPU_LIMIT) {
            return drop(
                Cause::ForeignCpu,
                format!("other programs used {:.0} % of the CPUs", share * 100.0),
            );
        }
        if let Some(share) = sample.steal.filter(|&s| s > STEAL_LIMIT) {
            return drop(
                Cause::Steal,
                format!("the hypervisor took {:.0} % of the CPU time", share * 100.0),
            );
        }
    }
    // Twice, since agents do not get ahead alike.
    let have_lived = baseline.ops.min(x.ops) >= 2 * ops_of_a_life;
    let tolerance = match have_lived {
        true => WORK_TOLERANCE,
        false => COARSE_WORK_TOLERANCE,
    };
    let (b, x) = [baseline, x]
        .map(|s| s.get(Metric::ACTIVE_STATES_PER_OP).unwrap_or(0.0))
        .into();
    let apart = (x - b).abs() / b.max(f64::MIN_POSITIVE);
    if apart > tolerance {
        let detail = format!(
            "work per op differs by {:.2} % ({b:.2} and {x:.2} active states)",
            apart * 100.0
        );
        return drop(Cause::WorkDiffers, detail);
    }
    None
}

fn standstill_in_words(stood_still_s: f64) -> String {
    const WHY: &str = "stopped by a signal, frozen or suspended";
    match stood_still_s {
        // Whoever was stopped as well does not know how long it was.
        s if s < 0.05 => format!("it stood still ({WHY})"),
        s => format!("it stood still for {s:.1} s ({WHY})"),
    }
}

/// Whether the machine is the cause for which a pair does not count.
#[must_use]
pub fn is_disturbed(pair: &Pair) -> bool {
    let dropped = pair.dropped.as_ref();
    dropped.is_some_and(|d| d.cause.is_of_the_machine())
}

/// A cell that would have pairs enough for a verdict, had the machine not disturbed some of them.
#[must_use]
pub fn starved_by_machine(cells: &[Cell]) -> Option<&Cell> {
    cells.iter().find(|cell| {
        let kept = cell.kept().count();
        let disturbed = cell.pairs.iter().filter(|p| is_disturbed(p)).count();
        kept < MIN_PAIRS && kept + disturbed >= MIN_PAIRS
    })
}

/// A warning for every cause for which pairs were dropped, with the next action.
pub(super) fn dropped_in_words(cells: &[Cell]) -> Vec<String> {
    let mut causes: Vec<(Cause, usize, &str)> = Vec::new();
    let pairs = cells.iter().flat_map(|c| &c.pairs);
    let total = pairs.clone().count();
    for dropped in pairs.filter_map(|p| p.dropped.as_ref()) {
        match causes
            .iter_mut()
            .find(|(cause, ..)| *cause == dropped.cause)
        {
            Some((_, count, _)) => *count += 1,
            None => causes.push((dropped.cause, 1, &dropped.detail)),
        }
    }
    let action = |cause| match cause {
        Cause::Failed => "see the record for each failure",
        Cause::DigestDiffers => {
            "this is a bug of the workload or of forkscope: please report it with the record"
        }
        Cause::Throttled => "raise the CPU quota (cpu.max) or give more time",
        Cause::ForeignCpu | Cause::Steal => "quiet the machine and run again, or give more time",
        Cause::Standstill => "let the run go on, and the machine awake, until it ends",
        Cause::WorkDiffers => {
            "episodes are long for the window: shorten [episode] length, or give more time"
        }
    };
    causes
        .into_iter()
        .map(|(cause, count, first)| {
            format!(
                "{count} of {total} pairs were dropped ({cause}; the first: {first}); {}",
                action(cause)
            )
        })
        .collect()
}
