//! Decides what the intervals of a run mean; pure: values in, values out.
//!
//! | file | question |
//! |---|---|
//! | `mod` | what does one interval mean, and with which exit code does the program end? |
//! | `break_even` | when has a slower start paid for itself? |
//! | `check_file` | what does a file of claims or thresholds ask? |
//! | `checks` | how does a run stand against them? |
//! | `compare` | what changed from one run to another? |
//! | `conclude` | what does a whole run say? |
//! | `decision` | what is to be taken, why, and what would change that? |
//! | `crossover` | from how many agents on does the answer change? |
//! | `gate` | does a run hold what somebody made a condition? |
//! | `history` | what became of each comparison over time? |
//! | `same` | were two runs measured on one machine, and of the same work? |
//! | `settling` | what would settle what is open? |
//! | `words` | how are ratios, bytes and durations written in a sentence? |

mod break_even;
mod check_file;
mod checks;
mod compare;
mod conclude;
mod crossover;
mod decision;
mod gate;
mod history;
mod same;
mod settling;
pub mod words;

pub use break_even::{Start, break_even, setup_answer};
pub use check_file::{Check, PUBLISHED, Subject, claims_of, thresholds};
pub use checks::{Measured, judge_checks};
pub use compare::{Refusal, Tolerances, compare};
pub use conclude::{Standing, advise, cells_of, conclude, standings};
pub use crossover::{AtAgents, crossover};
pub use decision::decide;
pub use gate::{
    Comparable, Gate, GateAnswer, GateError, GateState, Relation, check_gates, judge_gates, worst,
};
pub use history::history;
pub use settling::{MOST_PAIRS, is_beyond_reach, what_would_settle};

use crate::record::{Effect, Verdict};

/// What an interval means for a margin (a share: 0.03 = 3 %, above 0).
///
/// The interval of the ratio lies above 1 + margin → `x` is ahead; below 1 / (1 + margin) →
/// `baseline` is ahead; strictly between the two → tie; anything else, an end exactly on a boundary
/// or not a number included → inconclusive. On the ln scale the boundaries are ± ln(1 + margin), so
/// swapping the sides swaps the verdict.
///
/// Source: Schuirmann 1987 (two one-sided tests) for the tie.
pub fn verdict(effect: &Effect, margin: f64, baseline: &str, x: &str) -> Verdict {
    let (upper, lower) = (1.0 + margin, 1.0 / (1.0 + margin));
    if effect.low > upper && effect.high >= effect.low {
        return ahead(x);
    }
    if effect.high < lower && effect.low <= effect.high {
        return ahead(baseline);
    }
    if lower < effect.low && effect.high < upper {
        return Verdict::Tie;
    }
    Verdict::Inconclusive
}

fn ahead(deployment: &str) -> Verdict {
    Verdict::Ahead {
        deployment: deployment.to_owned(),
    }
}

/// What stands before every sentence of a run whose controls did not hold: a sentence travels alone.
pub const WITHHELD_LABEL: &str = "withheld, do not rely on this";

/// What every verdict is labelled with whose machine was unfit and measured all the same
/// ([`crate::record::Run::busy`]).
pub const BUSY_LABEL: &str = "busy machine";

/// Whether a verdict says something: ahead or tie.
pub fn is_settled(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Ahead { .. } | Verdict::Tie)
}

/// Exit code: measured, and the headline stands.
pub const EXIT_OK: u8 = 0;
/// Exit code: unexpected failure.
pub const EXIT_FAILURE: u8 = 1;
/// Exit code: usage error, or an invalid workload file or record.
pub const EXIT_USAGE: u8 = 2;
/// Exit code: a gate is open: its cell is inconclusive, missing or withheld.
pub const EXIT_GATE_OPEN: u8 = 3;
/// Exit code: a gate is broken, or something got worse, with certainty.
pub const EXIT_GATE_BROKEN: u8 = 4;
/// Exit code: the machine is unfit, or the controls failed.
pub const EXIT_UNFIT: u8 = 5;
/// Exit code: interrupted; the partial record was written with `"complete": false`. 128 + SIGINT.
pub const EXIT_INTERRUPTED: u8 = 130;

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The plan was carried out, or ran into its deadline, and the record was written.
    Measured {
        /// Whether the headline is withheld ([`crate::stats::withheld`]).
        is_withheld: bool,
    },
    /// The headline stands, and gates were looked at.
    Gated {
        /// What became of the worst of them; without any, that they hold.
        worst: GateState,
    },
    /// A person or a supervisor stopped it.
    Interrupted,
    /// The machine was refused before or during the run.
    Unfit,
    /// The command line or a workload file is wrong.
    Usage,
    /// Anything else went wrong.
    Failed,
}

/// The exit code of an ending. An interruption outranks failed controls: a partial run cannot
/// judge them.
pub fn exit_code(ending: Ending) -> u8 {
    match ending {
        Ending::Measured { is_withheld: false } => EXIT_OK,
        Ending::Measured { is_withheld: true } | Ending::Unfit => EXIT_UNFIT,
        Ending::Gated { worst } => gate::exit_of(worst),
        Ending::Interrupted => EXIT_INTERRUPTED,
        Ending::Usage => EXIT_USAGE,
        Ending::Failed => EXIT_FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(low: f64, high: f64) -> Verdict {
        let effect = Effect::between(low, high);
        verdict(&effect, 0.03, "threads", "processes")
    }

    #[test]
    fn an_interval_above_the_margin_puts_x_ahead() {
        assert_eq!(of(1.031, 1.2), ahead("processes"));
    }

    #[test]
    fn an_interval_below_the_margin_puts_the_baseline_ahead() {
        assert_eq!(of(0.8, 0.97), ahead("threads"));
    }

    #[test]
    fn an_interval_inside_the_margin_is_a_tie() {
        assert_eq!(of(0.98, 1.02), Verdict::Tie);
        assert_eq!(of(1.005, 1.029), Verdict::Tie);
    }

    #[test]
    fn a_straddling_interval_is_inconclusive() {
        assert_eq!(of(1.01, 1.05), Verdict::Inconclusive);
        assert_eq!(of(0.95, 0.99), Verdict::Inconclusive);
        assert_eq!(of(0.9, 1.1), Verdict::Inconclusive);
    }

    #[test]
    fn an_end_exactly_on_a_boundary_settles_nothing() {
        assert_eq!(of(1.03, 1.2), Verdict::Inconclusive);
        assert_eq!(of(0.8, 1.0 / 1.03), Verdict::Inconclusive);
        assert_eq!(of(0.99, 1.03), Verdict::Inconclusive);
        assert_eq!(of(1.0 / 1.03, 1.01), Verdict::Inconclusive);
    }

    #[test]
    fn the_margin_is_symmetric_on_the_log_scale() {
        // 0.9705 is more than 1 / 1.03 = 0.97087… away from 1, although 1 − 0.03 = 0.97 is not.
        assert_eq!(of(0.9, 0.9705), ahead("threads"));
        assert_eq!(of(1.0 / 0.9705, 1.0 / 0.9), ahead("processes"));
    }

    #[test]
    fn what_is_not_a_number_is_inconclusive() {
        assert_eq!(of(f64::NAN, f64::NAN), Verdict::Inconclusive);
        assert_eq!(of(1.2, f64::NAN), Verdict::Inconclusive);
        assert_eq!(of(f64::NAN, 0.5), Verdict::Inconclusive);
    }

    #[test]
    fn exit_codes_follow_the_documented_table() {
        assert_eq!(exit_code(Ending::Measured { is_withheld: false }), 0);
        let gated = |worst| exit_code(Ending::Gated { worst });
        assert_eq!(gated(GateState::Holds), 0);
        assert_eq!(gated(GateState::Open), 3);
        assert_eq!(gated(GateState::Broken), 4);
        assert_eq!(exit_code(Ending::Failed), 1);
        assert_eq!(exit_code(Ending::Usage), 2);
        assert_eq!(exit_code(Ending::Measured { is_withheld: true }), 5);
        assert_eq!(exit_code(Ending::Unfit), 5);
        assert_eq!(exit_code(Ending::Interrupted), 130);
    }
}
