//! Do long windows tell what short ones tell?

mod show;

use super::{Context, Entry, Study, finding};
use crate::document::Document;
use crate::experiment::plan::{Depth, Draft, Leaves, Stands, WARM_UP_S, anchor, band};
use crate::record::{Cell, Effect, Estimate, Run, Weight};
use crate::stats::t_975;
use crate::verdict::words;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Its name.
pub const NAME: &str = "windows";

/// A long window, seconds: an agent's life in a deployment is not a quarter of a second.
const LONG_WINDOW_S: f64 = 2.0;

/// The two ends of every comparison, at one agent count, in windows that are eight times as long.
pub struct Windows;

impl Study for Windows {
    fn entry(&self) -> Entry {
        Entry::new(NAME, "do long windows tell what short ones tell?")
    }

    fn plan(&self, draft: &mut Draft<'_>) {
        let asked = draft.asked;
        if asked.depth != Depth::Report {
            return;
        }
        let mut workloads: Vec<usize> = Vec::new();
        for cell in draft.cells().iter().filter(|c| c.is_of_agents) {
            if !workloads.contains(&cell.workload) {
                workloads.push(cell.workload);
            }
        }
        let agents = anchor(&asked.agents);
        for workload in workloads {
            let [baseline, x] = [0, 1].map(|i| draft.side(asked.deployments[i]));
            let name = &asked.workloads[workload].source.name;
            let cell = draft.add(workload, agents, baseline, x);
            cell.label = format!("{name}@{agents} long window {}/{}", x.form, baseline.form);
            cell.weight = Weight::Supporting;
            cell.stands = Stands::Never;
            cell.in_one_piece = true;
            cell.leaves = Leaves::With {
                band: band::REPEATS,
                order: 0,
            };
            cell.time(LONG_WINDOW_S, WARM_UP_S);
        }
    }

    fn conclude(&self, cells: &[&Cell], context: &Context<'_>) -> Option<Value> {
        let found: Vec<LongWindowAnswer> = cells
            .iter()
            .filter_map(|c| long_window(c, context.run))
            .collect();
        (!found.is_empty()).then(|| finding(&found))?
    }

    #[cfg(test)]
    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> Option<schemars::Schema> {
        Some(generator.subschema_for::<Vec<LongWindowAnswer>>())
    }

    fn show(&self, run: &Run, out: &mut Document) {
        show::show(run, out);
    }
}

/// The same comparison in short and in long windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LongWindowAnswer {
    /// Name of the workload.
    pub workload: String,
    /// Deployment of the baseline.
    pub baseline: String,
    /// Deployment compared with it.
    pub x: String,
    /// Number of agents.
    pub agents: usize,
    /// The short window, seconds.
    pub short_s: f64,
    /// The long window, seconds.
    pub long_s: f64,
    /// X / baseline in the short one.
    pub short: Estimate,
    /// X / baseline in the long one.
    pub long: Estimate,
    /// Long / short: 1 where the window does not matter.
    pub change: Estimate,
    /// What that means.
    pub sentence: String,
}

/// The same comparison in short and in long windows; `None` where one of them was not measured.
///
/// Both ratios are means of logarithms over pairs of their own, so their quotient has the sum of their variances;
/// its interval takes the smaller of their degrees of freedom.
fn long_window(long: &Cell, run: &Run) -> Option<LongWindowAnswer> {
    let key = |c: &Cell| {
        let (b, x) = (&c.baseline, &c.x);
        [&b.workload, &b.deployment, &x.deployment].map(String::clone)
    };
    let is_short = |c: &&Cell| c.is_comparison() && c.agents == long.agents && key(c) == key(long);
    let short = run.cells.iter().find(is_short)?;
    let (of_short, of_long) = (short.effect?, long.effect?);
    let mut answer = LongWindowAnswer {
        workload: long.baseline.workload.clone(),
        baseline: long.baseline.deployment.clone(),
        x: long.x.deployment.clone(),
        agents: long.agents,
        short_s: short.window_s,
        long_s: long.window_s,
        short: interval(&of_short),
        long: interval(&of_long),
        change: quotient(&of_long, &of_short),
        sentence: String::new(),
    };
    answer.sentence = long_window_sentence(&answer, run.margin);
    Some(answer)
}

fn interval(effect: &Effect) -> Estimate {
    Estimate {
        value: effect.ratio,
        low: effect.low,
        high: effect.high,
    }
}

/// `a` / `b` of two independent effects, with its 95 % interval.
fn quotient(a: &Effect, b: &Effect) -> Estimate {
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

/// Whether the ratio of a comparison is the same in windows of another length, within `margin` (a share).
#[must_use]
pub fn long_window_sentence(answer: &LongWindowAnswer, margin: f64) -> String {
    let LongWindowAnswer {
        workload,
        baseline,
        x,
        ..
    } = answer;
    let of = |e: &Estimate| format!("{:.3} [{:.3}, {:.3}]", e.value, e.low, e.high);
    let limit = 1.0 + margin;
    let change = &answer.change;
    let said = match () {
        () if change.low > limit || change.high < 1.0 / limit => format!(
            "they do not agree ({} times): the verdicts of this run hold for short lives only",
            of(change)
        ),
        () if change.low > 1.0 / limit && change.high < limit => "they agree".to_owned(),
        () => format!("whether they agree is not settled ({} times)", of(change)),
    };
    format!(
        "{workload} at {}: {x} / {baseline} is {} in windows of {} and {} in windows of {}; {said}",
        words::agents(answer.agents),
        of(&answer.short),
        words::duration(answer.short_s),
        of(&answer.long),
        words::duration(answer.long_s)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(low: f64, high: f64) -> String {
        let of = |low: f64, high: f64| Estimate {
            value: (low + high) / 2.0,
            low,
            high,
        };
        let answer = LongWindowAnswer {
            workload: "coordination".to_owned(),
            baseline: "threads".to_owned(),
            x: "processes".to_owned(),
            agents: 8,
            short_s: 0.25,
            long_s: 2.0,
            short: of(0.5, 0.6),
            long: of(0.5, 0.6),
            change: of(low, high),
            sentence: String::new(),
        };
        long_window_sentence(&answer, 0.03)
    }

    #[test]
    fn agreement_has_to_be_shown_like_a_tie() {
        assert!(said(0.99, 1.01).ends_with("; they agree"));
        assert!(said(0.9, 1.1).contains("is not settled"));
        assert!(said(1.1, 1.3).contains("do not agree (1.200 [1.100, 1.300] times)"));
        assert!(said(0.7, 0.8).contains("do not agree"));
    }

    fn effect(ratio: f64, standard_error: f64) -> Effect {
        Effect {
            ratio,
            standard_error,
            ..Effect::between(ratio * 0.9, ratio * 1.1)
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
