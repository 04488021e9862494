//! What do more agents make of op/s?

use super::{NAME, ScalingAnswer, ScalingOf, Usl};
use crate::document::{Detail, Document, Table, numbers};
use crate::record::Run;

/// Fewer points say nothing about scaling.
const LEAST_POINTS: usize = 3;

pub fn show(run: &Run, out: &mut Document) {
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
    let section = out.section("scaling", "scaling");
    section.about(
        "efficiency: op/s / (op/s of one agent x what can run at once: the smaller of agents and CPUs)",
    );
    section.detail(Detail::Folded("what more agents make of op/s".to_owned()));
    let titles = ["workload", "deployment", "agents: efficiency"];
    section.table(Table::new(2, titles).ends_with_words().rows(rows));
    let of_other_work = |s: &ScalingAnswer| {
        let has_one = s.points.first().is_some_and(|p| p.efficiency.is_some());
        has_one && s.points.iter().any(|p| p.efficiency.is_none())
    };
    if found.iter().flat_map(|a| &a.sides).any(of_other_work) {
        section.quiet(
            "agent counts that are missing have worlds in which a step is another amount of work than that of one agent \
             alone: that is no matter of scaling",
        );
    }
    if laws.is_empty() {
        section.quiet(
            "no Universal Scalability Law is fitted: that takes four agent counts of at most as many agents as CPUs",
        );
    }
    for law in laws {
        section.plain(law);
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
