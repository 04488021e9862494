//! Which pictures does a page have?
//!
//! A picture is a function of what it is about: it gives a [`Figure`](super::block::Figure), or `None`
//! where there is nothing to draw.
//!
//! | file | question |
//! |---|---|
//! | `ratio` | from how many agents on does the answer change? |
//! | `rates` | how many op/s does each side do? |
//! | `efficiency` | how much of the CPUs do more agents use? |
//! | `pairs` | do the pairs of a cell agree, and in which order did they run? |
//! | `drift` | did the machine change while it was measured? |
//! | `memory` | how does memory grow with agents? |
//! | `setup` | how long does each side take to start? |
//! | `latency` | how long after its planned start is a step done, with how many agents? |
//! | `mixes` | which mix of processes and threads does how much, against the baseline? |
//! | `split` | what is the price of a message made of? |
//! | `history` | what became of one comparison over time? |
//! | `forest` | how do intervals of many things lie beside each other? |

pub mod drift;
pub mod efficiency;
pub mod forest;
pub mod history;
pub mod latency;
pub mod memory;
pub mod mixes;
pub mod pairs;
pub mod rates;
pub mod ratio;
pub mod setup;
pub mod split;

use super::svg::Form;
use crate::record::{Cell, Side};

/// How the points of a side look: baselines are discs, X are squares.
pub fn form(side: Side) -> Form {
    match side {
        Side::Baseline => Form::Disc,
        Side::X => Form::Square,
    }
}

/// The classes of a side: of its points, of its line.
pub fn classes(side: Side) -> (&'static str, &'static str) {
    match side {
        Side::Baseline => ("base mark", "base line"),
        Side::X => ("other mark", "other line"),
    }
}

/// A name that a link can end with: what is no letter or digit becomes a hyphen.
pub fn slug(parts: &[&str]) -> String {
    let of = |text: &str| -> String {
        let keep = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        text.chars().map(keep).collect()
    };
    let parts: Vec<String> = parts.iter().map(|p| of(p).to_lowercase()).collect();
    parts.join("-")
}

/// A comparison's name for links.
pub fn comparison_slug(cell: &Cell) -> String {
    slug(&[
        &cell.baseline.workload,
        &cell.x.deployment,
        &cell.x.transport,
        &cell.baseline.deployment,
        &cell.baseline.transport,
    ])
}
