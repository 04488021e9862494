//! What do more agents, and longer windows, make of op/s?

use super::mark;
use crate::record::Run;
use crate::report::layout::{Grid, Last, Page, Tone};
use crate::report::numbers;
use crate::study::scaling::{NAME, ScalingAnswer, ScalingOf, Usl};
use crate::study::windows::{self, LongWindowAnswer};

/// Fewer points say nothing about scaling.
const LEAST_POINTS: usize = 3;

pub fn write(run: &Run, page: &mut Page) {
    let found: Vec<ScalingOf> = run.finding(NAME).unwrap_or_default();
    let mut seen: Vec<(&str, &str)> = Vec::new();
    let mut rows = Vec::new();
    let mut laws = Vec::new();
    for answer in &found {
        for scaling in &answer.sides {
            let key = (answer.workload.as_str(), scaling.deployment.as_str());
            // The baseline comes with every answer of its workload.
            if seen.contains(&key) || scaling.points.len() < LEAST_POINTS {
                continue;
            }
            seen.push(key);
            rows.extend(lines(answer, scaling));
            laws.extend(scaling.usl.as_ref().map(|usl| law(answer, scaling, usl)));
        }
    }
    if rows.is_empty() {
        return;
    }
    page.heading(
        &format!("scaling{}", mark(run)),
        "efficiency: op/s / (op/s of one agent x what can run at once: the smaller of agents and CPUs)",
    );
    page.grid(&Grid {
        left: 2,
        header: ["workload", "deployment", "agents: efficiency"]
            .map(str::to_owned)
            .to_vec(),
        rows,
        last: Last::Text(|_| Tone::Plain),
    });
    let of_other_work = |s: &ScalingAnswer| {
        let has_one = s.points.first().is_some_and(|p| p.efficiency.is_some());
        has_one && s.points.iter().any(|p| p.efficiency.is_none())
    };
    if found.iter().flat_map(|a| &a.sides).any(of_other_work) {
        let about = "agent counts that are missing have worlds in which a step is another amount of work than that of \
                     one agent alone: that is no matter of scaling";
        page.paragraph(2, Tone::Quiet, about);
    }
    match laws.is_empty() {
        true => page.paragraph(
            2,
            Tone::Quiet,
            "no Universal Scalability Law is fitted: that takes four agent counts of at most as many agents as CPUs",
        ),
        false => laws.iter().for_each(|l| page.paragraph(2, Tone::Plain, l)),
    }
}

fn lines(answer: &ScalingOf, scaling: &ScalingAnswer) -> Option<Vec<String>> {
    let points: Vec<String> = scaling
        .points
        .iter()
        .filter_map(|p| Some(format!("{}: {:.2}", p.agents, p.efficiency?)))
        .collect();
    (!points.is_empty()).then(|| {
        vec![
            answer.workload.clone(),
            scaling.deployment.clone(),
            points.join("  "),
        ]
    })
}

fn law(answer: &ScalingOf, scaling: &ScalingAnswer, usl: &Usl) -> String {
    let of = |e: &crate::record::Estimate| format!("{:.4} [{:.4}, {:.4}]", e.value, e.low, e.high);
    let peak = usl.peak_agents.map_or_else(
        || "op/s only grow".to_owned(),
        |n| format!("most op/s at {n:.0} agents"),
    );
    format!(
        "{}, {}: one agent {} op/s, contention {}, coherency {}; {peak}",
        answer.workload,
        scaling.deployment,
        numbers::count(usl.lambda),
        of(&usl.sigma),
        of(&usl.kappa)
    )
}

/// Whether long windows say the same.
pub fn sentences(run: &Run) -> Vec<String> {
    let long: Vec<LongWindowAnswer> = run.finding(windows::NAME).unwrap_or_default();
    long.into_iter().map(|l| l.sentence).collect()
}
