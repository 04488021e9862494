//! Can this machine tell a thing from itself, and see a known effect?

mod show;

use super::{Entry, Study};
use crate::deployment::Form;
use crate::document::Document;
use crate::experiment::plan::{Depth, Draft, Leaves, PlannedSide, anchor, band};
use crate::record::{Role, Run};
use crate::transport::Choice;

/// The known effect of every run: one uncounted op after so many counted ones, so 10/11 = 0.909.
pub const KNOWN_EFFECT: u64 = 10;

/// The known effect that longer runs have, too: 20/21 = 0.952.
pub const SMALL_KNOWN_EFFECT: u64 = 20;

/// Pairs from which an effect of 5 % is found more often than not.
const PAIRS_FOR_SMALL_EFFECTS: usize = 16;

/// What is compared, against itself.
pub struct Controls;

impl Study for Controls {
    fn entry(&self) -> Entry {
        Entry::new(
            "controls",
            "can this machine tell a thing from itself, and see a known effect?",
        )
    }

    fn plan(&self, draft: &mut Draft<'_>) {
        let asked = draft.asked;
        // Where the comparison of the first workload is.
        let own = draft.cells().iter().filter(|c| c.workload == 0);
        let counts: Vec<usize> = own.map(|c| c.agents).collect();
        let agents = match counts.is_empty() {
            true => anchor(&asked.agents),
            false => anchor(&counts),
        };
        let is_beside_comparisons = draft.cells().iter().any(|c| c.is_comparison());
        nulls(draft, agents);
        let baseline = asked.deployments[0];
        known_effect(draft, agents, baseline, KNOWN_EFFECT);
        // The small one, where the budget holds the pairs that it takes to see it.
        known_effect(draft, agents, baseline, SMALL_KNOWN_EFFECT);
        let pair_s: f64 = draft.cells().iter().map(|c| c.pair_s).sum();
        let needed_s = PAIRS_FOR_SMALL_EFFECTS as f64 * pair_s;
        if asked.most_pairs < PAIRS_FOR_SMALL_EFFECTS || needed_s > asked.budget_s {
            draft.withdraw();
        } else if is_beside_comparisons {
            draft.change_last(|cell| {
                cell.leaves = Leaves::With {
                    band: band::REFINES,
                    order: 0,
                };
            });
        }
    }

    fn show(&self, run: &Run, out: &mut Document) {
        show::show(run, out);
    }
}

/// Every deployment against itself. Which invocation of a pair is called X is drawn by lot: the
/// coin that says which side runs first is all that tells them apart.
pub fn nulls(draft: &mut Draft<'_>, agents: usize) {
    let workloads = controlled_workloads(draft);
    for (i, form) in draft.controlled.clone().into_iter().enumerate() {
        let side = control_side(draft, form);
        let workload = workloads[i % workloads.len()];
        let name = &draft.asked.workloads[workload].source.name;
        let label = format!("{name}@{agents} null control {form}/{form}");
        let cell = draft.add(workload, agents, side, side);
        cell.role = Role::Null;
        cell.label = label;
        cell.stands = crate::experiment::plan::Stands::Never;
    }
}

/// A deployment against itself with one uncounted op after every `every`.
pub fn known_effect(draft: &mut Draft<'_>, agents: usize, form: Form, every: u64) {
    let side = control_side(draft, form);
    let worse = PlannedSide {
        uncounted_every: Some(every),
        ..side
    };
    let truth = true_ratio(every);
    let name = &draft.asked.workloads[0].source.name;
    let label = format!("{name}@{agents} known effect {truth:.3}, {form}");
    let cell = draft.add(0, agents, side, worse);
    cell.role = Role::Known(truth);
    cell.label = label;
    cell.stands = crate::experiment::plan::Stands::Never;
}

/// The true ratio where one op in `every` + 1 is not counted.
#[must_use]
pub fn true_ratio(every: u64) -> f64 {
    every as f64 / (every + 1) as f64
}

/// Which workloads nulls run on, one deployment after the other. Where there is time, all whose agents are compared,
/// since one may be told from itself where another is not; else the first: a control stays when cells go, and should
/// not be the slowest.
fn controlled_workloads(draft: &Draft<'_>) -> Vec<usize> {
    let mut of_agents: Vec<usize> = Vec::new();
    if draft.asked.depth == Depth::Report {
        for cell in draft.cells().iter().filter(|c| c.is_of_agents) {
            if !of_agents.contains(&cell.workload) {
                of_agents.push(cell.workload);
            }
        }
    }
    match of_agents.is_empty() {
        true => vec![0],
        false => of_agents,
    }
}

/// A side of a control. Where nothing but messages is measured they go by the ring that spins: whether
/// an adaptive end just sleeps or not makes two equal things differ by a factor.
fn control_side(draft: &Draft<'_>, form: Form) -> PlannedSide {
    match draft.asked.workloads[0].is_link && draft.asked.cpus() > 1 {
        true => draft.side_by(form, Choice::named("ring:spin")),
        false => draft.side(form),
    }
}
