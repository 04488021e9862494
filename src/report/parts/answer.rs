//! What is the answer, and what must be known before it is relied on?

use crate::document::{
    Answer, Block, Cell as Entry, Document, Label, Place, Section, Status, Table, Tone, numbers,
};
use crate::experiment::machine::{Level, assess};
use crate::record::{Cell, Decision, OtherDeployment, Run, Verdict};
use crate::study::about;
use crate::study::alike::{busy, in_words, or_nothing};
use crate::verdict::{cells_of, is_settled, words};

pub fn show(run: &Run, out: &mut Document) {
    let mut asked: Vec<&str> = run.answers.iter().map(|a| a.workload.as_str()).collect();
    asked.dedup();
    out.title = match asked.is_empty() {
        true => "forkscope report".to_owned(),
        false => format!("forkscope report: {}", asked.join(", ")),
    };
    out.lead = format!(
        "{}, {} effective CPUs; took {}; {}, forkscope {}, method {}, seed {}, margin ± {} %",
        run.machine.cpu_model.as_deref().unwrap_or("CPU unknown"),
        numbers::trimmed(format!("{:.2}", run.machine.cpus_effective)),
        words::duration(run.wall_s),
        run.started,
        run.forkscope_version,
        run.method_version,
        run.seed,
        numbers::percent(run.margin)
    );
    out.labels = labels(run);
    let statuses = out.statuses.clone();
    let section = out.answers("summary", "verdict");
    for decision in &run.decisions {
        section.block(Block::Answer(Answer {
            title: about(decision),
            short: decision.crossover.clone(),
            text: decision.advice.clone(),
            beside: decision.beside.clone(),
            statuses: statuses.clone(),
        }));
    }
    if let Some(table) = other_deployments(run) {
        section.quiet(
            "the other deployments: op/s of each / op/s of its baseline, with a 95 % interval, at the largest agent count \
             that is settled or else has an interval",
        );
        section.table(table);
    }
    // Where nothing was compared, what was found beside it is what the verdict is.
    if !run.answers.is_empty() {
        out.answers("beside", "beside it");
    }
}

/// Says what every part together does not.
pub fn close(run: &Run, out: &mut Document) {
    let is_answer = |s: &&mut Section| s.place == Place::Answer;
    let mut answers = out.sections.iter_mut().filter(is_answer);
    let Some(first) = answers.next() else { return };
    if first.blocks.is_empty() && answers.all(|s| s.blocks.is_empty()) {
        first.plain("nothing was compared, so there is no answer");
    }
    let is_open = |c: &Cell| c.is_comparison() && c.verdict == Verdict::Inconclusive;
    if run.cells.iter().any(is_open) {
        first.quiet(
            "inconclusive is not a tie: the interval reaches across the margin; more time or a quieter machine narrows it",
        );
    }
}

fn labels(run: &Run) -> Vec<Label> {
    let mut found = Vec::new();
    let mut add = |status: Status, text: String| found.push(Label { status, text });
    if !run.complete {
        let reason = run.incomplete_reason.as_deref();
        let reason = reason.unwrap_or("no reason was recorded");
        let text = format!("{reason}; what follows rests on the pairs that were measured");
        add(Status::Incomplete, text);
    }
    if let Some(reason) = &run.busy {
        add(Status::Busy, format!("measured although {reason}"));
    }
    if let Some(reason) = &run.withheld {
        add(Status::Withheld, reason.clone());
    }
    // What spoke against the machine before the run, and did not keep it from being measured.
    let warned = assess(&run.machine)
        .into_iter()
        .filter(|f| f.level == Level::Warn);
    warned.for_each(|f| add(Status::Machine, f.message));
    found
}

/// A line for each comparison that has no paragraph; `None` where all have one.
fn other_deployments(run: &Run) -> Option<Table> {
    let of = |d: &'_ Decision| -> Vec<(String, OtherDeployment)> {
        let others = d.others.iter().cloned();
        others.map(|o| (d.workload.clone(), o)).collect()
    };
    let others: Vec<(String, OtherDeployment)> = run.decisions.iter().flat_map(of).collect();
    let (_, first) = others.first()?;
    let one_baseline = others.iter().all(|(_, o)| o.baseline == first.baseline);
    let row = |(workload, other): &(String, OtherDeployment)| -> [Entry; 5] {
        let OtherDeployment { x, baseline, .. } = other;
        let deployment = match one_baseline {
            true => x.clone(),
            false => format!("{x} / {baseline}"),
        };
        [
            workload.into(),
            deployment.into(),
            or_nothing(other.effect.as_ref(), numbers::ratio).into(),
            or_nothing(other.agents, |n| n.to_string()).into(),
            Entry {
                text: other.crossover.clone(),
                tone: tone(run, workload, other),
                statuses: busy(run).into_iter().collect(),
            },
        ]
    };
    let ratio = match one_baseline {
        true => format!("ratio to\n{}", first.baseline),
        false => "ratio".to_owned(),
    };
    let titles = ["workload", "deployment", &ratio, "at\nagents", "verdict"];
    Some(
        Table::new(2, titles)
            .ends_with_words()
            .rows(others.iter().map(row)),
    )
}

/// The weight of a crossover: that of what it says first, a settled verdict where there is one.
fn tone(run: &Run, workload: &str, other: &OtherDeployment) -> Tone {
    let key = (workload, &*other.baseline, &*other.x);
    let is_own = |a: &&crate::record::Answer| (&*a.workload, &*a.baseline, &*a.x) == key;
    let cells = run.answers.iter().find(is_own);
    let cells = cells
        .map(|answer| cells_of(run, answer))
        .unwrap_or_default();
    let settled = cells.iter().find(|c| is_settled(&c.verdict));
    settled.map_or(Tone::Caution, |c| in_words(&c.verdict).1)
}
