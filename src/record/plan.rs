//! What was planned, and in which order did it run?

#[cfg(doc)]
use super::Run;
use serde::{Deserialize, Serialize};

/// The plan of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlanRecord {
    /// Budget of wall time, seconds.
    pub budget_s: f64,
    /// Time for which the run stood still (stopped, frozen or suspended), seconds: the budget does not count it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stood_still_s: f64,
    /// Most pairs that a compared cell ran, the dropped ones included.
    pub pairs_per_cell: usize,
    /// How a run that looks before all pairs are in looks; `None` where nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<Looks>,
    /// Cells and controls that did not fit the budget, in words.
    pub left_out: Vec<String>,
    /// The order in which invocations ran: `round`, index of the cell in `cells`, first side.
    pub order: Vec<OrderEntry>,
}

/// Most runs never stand still.
fn is_zero(seconds: &f64) -> bool {
    *seconds == 0.0
}

/// How a run looks at its comparisons before all pairs are in: after every two pairs from the sixth on, and
/// stops those that have a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Looks {
    /// Most pairs of a comparison.
    pub most_pairs: usize,
    /// Factor by which its intervals are widened, so that looking often finds nothing that is not there.
    pub widened_by: f64,
}

/// One pair's place in the order of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OrderEntry {
    /// Round, from 0.
    pub round: u32,
    /// Index into [`Run::cells`].
    pub cell: usize,
    /// Which side ran first.
    pub first: Side,
}

/// The two sides of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What is compared against: `threads`, unless the cell is a control.
    Baseline,
    /// What is compared.
    X,
}
