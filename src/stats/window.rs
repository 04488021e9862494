//! Do short windows tell what long ones tell?

use crate::record::scaling::LongWindowAnswer;
use crate::record::{Cell, Effect, Estimate, Purpose};

use super::estimate::t_975;

/// The same comparison in short and in long windows; `None` where one of them was not measured. The sentence is
/// left to the verdict.
///
/// Both ratios are means of logarithms over pairs of their own, so their quotient has the sum of their variances;
/// its interval takes the smaller of their degrees of freedom.
#[must_use]
pub fn long_window(cells: &[&Cell], all: &[Cell]) -> Option<LongWindowAnswer> {
    let own = cells.first()?;
    let is_long = |c: &&Cell| {
        c.purpose == Purpose::LongWindow
            && (&c.workload, &c.baseline, &c.x) == (&own.workload, &own.baseline, &own.x)
    };
    let long = all.iter().find(is_long)?;
    let short = cells.iter().find(|c| c.agents == long.agents)?;
    let (of_short, of_long) = (short.effect?, long.effect?);
    Some(LongWindowAnswer {
        agents: long.agents,
        short_s: short.window_s,
        long_s: long.window_s,
        short: interval(&of_short),
        long: interval(&of_long),
        change: quotient(&of_long, &of_short),
        sentence: String::new(),
    })
}

fn interval(effect: &Effect) -> Estimate {
    Estimate {
        value: effect.ratio,
        low: effect.low,
        high: effect.high,
    }
}

/// `a` / `b` of two independent effects, with its 95 % interval.
#[must_use]
pub fn quotient(a: &Effect, b: &Effect) -> Estimate {
    let ln = a.ratio.ln() - b.ratio.ln();
    let error = a.standard_error.hypot(b.standard_error);
    let freedom = a.pairs.min(b.pairs) as f64 - 2.0;
    let half_width = t_975(freedom.max(1.0)) * error;
    Estimate {
        value: ln.exp(),
        low: (ln - half_width).exp(),
        high: (ln + half_width).exp(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(ratio: f64, standard_error: f64) -> Effect {
        Effect {
            pairs: 6,
            ratio,
            low: ratio * 0.9,
            high: ratio * 1.1,
            standard_error,
            pair_sd: 0.0,
            order_effect: 0.0,
            pairs_needed: 6,
        }
    }

    #[test]
    fn the_quotient_has_the_variance_of_both() {
        let found = quotient(&effect(0.6, 0.03), &effect(0.5, 0.04));
        assert!((found.value - 1.2).abs() < 1e-12);
        // t(0.975, 4) = 2.776; √(0.03² + 0.04²) = 0.05.
        let half_width = 2.776_445 * 0.05;
        assert!((found.high / found.value - f64::exp(half_width)).abs() < 1e-6);
        assert!((found.value / found.low - f64::exp(half_width)).abs() < 1e-6);
    }
}
