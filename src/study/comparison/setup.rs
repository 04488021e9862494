//! How long until all agents are ready, and when has it paid for itself?

use crate::document::chart::{Axis, Chart, Height, Lines, Spread, Unit};
use crate::document::{Detail, Document, Table, numbers, slug};
use crate::record::{Answer, Run, SetupAnswer};

pub fn show(run: &Run, out: &mut Document) {
    let answers: Vec<&Answer> = run.answers.iter().filter(|a| !a.setup.is_empty()).collect();
    let mut sides: Vec<(&str, &str)> = Vec::new();
    for answer in &answers {
        let pair = (answer.baseline.as_str(), answer.x.as_str());
        if !sides.contains(&pair) {
            sides.push(pair);
        }
    }
    for (baseline, x) in sides {
        let is_own = |a: &&&Answer| (a.baseline.as_str(), a.x.as_str()) == (baseline, x);
        let own: Vec<&&Answer> = answers.iter().filter(is_own).collect();
        let rows = own.iter().flat_map(|a| a.setup.iter().map(|s| row(a, s)));
        let section = out.section("setup", "setup");
        section
            .about("first spawn call until all agents are ready, median; not part of op/s")
            .detail(Detail::Folded(
                "how long until all agents are ready".to_owned(),
            ));
        for answer in &own {
            section.chart(Some(against_agents(answer)));
        }
        let titles = ["workload", "agents", baseline, x, "break-even"];
        section.table(Table::new(1, titles).ends_with_words().rows(rows));
    }
}

fn row(answer: &Answer, setup: &SetupAnswer) -> [String; 5] {
    [
        answer.workload.clone(),
        setup.agents.to_string(),
        numbers::seconds(setup.baseline_s),
        numbers::seconds(setup.x_s),
        break_even(answer, setup),
    ]
}

/// Who has caught up when; nothing where the one that starts sooner stays ahead, or who is faster
/// is not settled.
fn break_even(answer: &Answer, setup: &SetupAnswer) -> String {
    let Some(lifetime_s) = setup.break_even_s else {
        return numbers::NOTHING.to_owned();
    };
    let slower = match setup.x_s > setup.baseline_s {
        true => &answer.x,
        false => &answer.baseline,
    };
    let ops = setup.break_even_ops.map_or(String::new(), |n| {
        format!(" ({} ops)", numbers::count(n.ceil()))
    });
    format!(
        "{slower} have caught up after {}{ops}",
        numbers::seconds(lifetime_s)
    )
}

/// Setup time of both sides against the number of agents.
fn against_agents(answer: &Answer) -> Chart {
    let (x, baseline) = (&answer.x, &answer.baseline);
    let y = Axis::new("setup time", Spread::Factors, Unit::Seconds);
    let of = |s: &SetupAnswer| (s.agents, [Some(s.baseline_s), Some(s.x_s)]);
    let lines = Lines::of_sides(y, Height::Usual, answer.setup.iter().map(of));
    let row = |s: &SetupAnswer| {
        let times = [s.baseline_s, s.x_s].map(numbers::seconds);
        let [baseline, x] = times;
        [s.agents.to_string(), baseline, x]
    };
    let rows: Vec<[String; 3]> = answer.setup.iter().map(row).collect();
    let id = slug(&["setup", &answer.workload, x, baseline]);
    let title = format!("{}: setup time against agents", answer.workload);
    Chart::of_sides(id, title, [baseline, x], lines, &rows).caption(
        "First spawn call until all agents are ready, medians over the pairs that count; both axes by factors. Not part of \
         op/s.",
    )
}
