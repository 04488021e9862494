//! What moved while it was measured: within windows, and from the first of a pair to the second?

use crate::document::Section;
use crate::record::{Arm, Cell, Role, Steadiness, SteadyState};
use crate::stats::{SecondRun, second_run};
use crate::verdict::words;

/// A swing beyond which nobody wants its size.
const FAR: f64 = 9.0;

/// States that are marked, in the order of their notes.
const MARKED: [SteadyState; 3] = [
    SteadyState::Warming,
    SteadyState::Slowing,
    SteadyState::Unsteady,
];

/// States of the sides of a cell that are not steady; beside a verdict they say that it may not last.
pub fn states(cell: &Cell) -> impl Iterator<Item = String> {
    let is = |state| sides(cell).any(|(_, s)| s.state == state);
    MARKED
        .into_iter()
        .filter(move |s| is(*s))
        .map(|s| s.to_string())
}

/// The sides of a cell that were judged, by name: the deployment and, where both sides have the same
/// one and differ in their messages, how these come.
fn sides(cell: &Cell) -> impl Iterator<Item = (String, Steadiness)> {
    let name = |arm: &Arm| match (cell.role, arm.label == arm.transport) {
        (Role::Null, _) => format!("{} / itself in {}", arm.deployment, arm.workload),
        (_, true) => format!("{} ({})", arm.deployment, arm.transport),
        (_, false) => arm.deployment.clone(),
    };
    [
        (name(&cell.baseline), cell.baseline_steadiness),
        (name(&cell.x), cell.x_steadiness),
    ]
    .into_iter()
    .filter_map(|(name, steadiness)| Some((name, steadiness?)))
}

/// One note per state that is not steady, with the sides that are in it.
pub fn steadiness(cells: &[&Cell], section: &mut Section) {
    for state in MARKED {
        let found: Vec<String> = cells
            .iter()
            .flat_map(|&cell| sides(cell).map(move |(name, s)| (cell, name, s)))
            .filter(|(_, _, s)| s.state == state)
            .map(|(cell, name, s)| {
                format!("{name} at {} {}", words::agents(cell.agents), change(&s))
            })
            .collect();
        if !found.is_empty() {
            let (what, next) = (measure(state), next_step(state));
            let note = format!("{state} ({what}): {}; {next}", found.join(", "));
            section.caution(note);
        }
    }
}

/// What the last third of a window did, as against the first.
fn change(s: &Steadiness) -> String {
    let percent = |ratio: f64| (ratio - 1.0).abs() * 100.0;
    let (value, one, other) = (
        percent(s.change.value),
        percent(s.change.low),
        percent(s.change.high),
    );
    let (low, high) = (one.min(other), one.max(other));
    match s.state {
        _ if s.swing > FAR => "by more than a factor of ten".to_owned(),
        SteadyState::Warming | SteadyState::Slowing => {
            format!("{value:.1} % [{low:.1}, {high:.1}]")
        }
        _ => format!("{:.0} %", s.swing * 100.0),
    }
}

/// What is said of each side in a state.
fn measure(state: SteadyState) -> &'static str {
    match state {
        SteadyState::Warming => "more in the last third of a window than in the first",
        SteadyState::Slowing => "less in the last third of a window than in the first",
        _ => "first and last third of a window apart, median",
    }
}

fn next_step(state: SteadyState) -> &'static str {
    match state {
        SteadyState::Warming => "agents that run longer do more than these op/s",
        SteadyState::Slowing => {
            "agents that run longer do less than these op/s; where boost or heat is the cause, fix the frequency \
             (`forkscope doctor` shows governor and turbo)"
        }
        _ => "something comes and goes while they run; find it with `top` and run again",
    }
}

/// One line: what running second did.
pub fn order(cells: &[&Cell], section: &mut Section) {
    let seconds: Vec<(&Cell, SecondRun)> = cells
        .iter()
        .filter_map(|&cell| Some((cell, second_run(cell.effect.as_ref()?))))
        .collect();
    let changes = seconds.iter().map(|(_, s)| s.change.value);
    let (Some(least), Some(most)) = (
        changes.clone().min_by(f64::total_cmp),
        changes.max_by(f64::total_cmp),
    ) else {
        return;
    };
    let standing_out: Vec<String> = seconds
        .iter()
        .filter(|(_, second)| second.stands_out)
        .map(|(cell, second)| {
            let c = &second.change;
            format!(
                "{} at {} (95 %: {} to {} %)",
                more_or_less(c.value),
                words::agents(cell.agents),
                signed(c.low),
                signed(c.high)
            )
        })
        .collect();
    if standing_out.is_empty() {
        let range = match more_or_less(least) == more_or_less(most) {
            true => more_or_less(least),
            false => format!("between {} and {}", more_or_less(least), more_or_less(most)),
        };
        let note = format!(
            "order: whichever side of a pair was started second did {range}; no cell stands out"
        );
        section.quiet(note);
        return;
    }
    let note = format!(
        "order: whichever side of a pair was started second did {}; ratios are free of it, but something outlasts an \
         invocation (heat, boost, a neighbour)",
        words::list(&standing_out)
    );
    section.caution(note);
}

/// `0.4 % less`, `0.2 % more`, `the same`.
fn more_or_less(factor: f64) -> String {
    let percent = (factor - 1.0) * 100.0;
    match format!("{:.1}", percent.abs()) {
        size if size == "0.0" => "the same".to_owned(),
        size if percent < 0.0 => format!("{size} % less"),
        size => format!("{size} % more"),
    }
}

/// A factor as a change in percent: `-3.1`, `+0.4`.
fn signed(factor: f64) -> String {
    format!("{:+.1}", (factor - 1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_is_said_as_more_or_less() {
        assert_eq!(more_or_less(0.996), "0.4 % less");
        assert_eq!(more_or_less(1.002), "0.2 % more");
        assert_eq!(more_or_less(0.9999), "the same");
        assert_eq!(signed(0.969), "-3.1");
    }
}
