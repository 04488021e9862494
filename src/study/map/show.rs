//! Which mix of processes and threads is best?

use super::{MapAnswer, MapPoint, NAME};
use crate::deployment::{Form, whole_cpus};
use crate::document::chart::{Chart, Frame, Key, Mark, Matrix, MatrixBox, Picture, STEPS};
use crate::document::{Document, Table, numbers};
use crate::record::{Estimate, Run};
use crate::study::alike::or_nothing;
use crate::study::comparison;
use crate::verdict::words;

pub fn show(run: &Run, out: &mut Document) {
    comparison::of_study(NAME, run, out);
    let Some(map) = run.finding::<MapAnswer>(NAME) else {
        return;
    };
    let title = format!("mixes of {} at {} agents", map.workload, map.agents);
    let section = out.section("mixes", title);
    section.about(format!(
        "op/s / those of {}, by processes (down) and threads in each (across); 1 process: threads of the host",
        map.baseline
    ));
    section.chart(boxes(run, &map)).table(table(&map)).quiet(format!(
        "*: the best. ~: cannot be told from it. Each with its 95 % interval in the record; {}: no such mix, or too few \
         pairs.",
        numbers::NOTHING
    ));
    out.answer("mixes", map.sentence);
}

fn table(map: &MapAnswer) -> Table {
    let distinct = |of: fn(&MapPoint) -> usize| {
        let mut all: Vec<usize> = map.points.iter().map(of).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let (rows, columns) = (distinct(processes), distinct(|p| p.threads_each));
    let titles = columns.iter().map(|t| format!("x {t}"));
    let row = |&p: &usize| -> Vec<String> {
        let own = columns.iter().map(|&t| {
            let at = |m: &&MapPoint| (processes(m), m.threads_each) == (p, t);
            or_nothing(map.points.iter().find(at), |point| cell(point, &map.best))
        });
        std::iter::once(p.to_string()).chain(own).collect()
    };
    Table::new(1, std::iter::once("processes".to_owned()).chain(titles)).rows(rows.iter().map(row))
}

/// Threads of the host are one process.
fn processes(point: &MapPoint) -> usize {
    point.processes.max(1)
}

fn cell(point: &MapPoint, best: &str) -> String {
    let mark = match () {
        () if point.deployment == best => "*",
        () if point.is_among_best => "~",
        () => "",
    };
    or_nothing(point.ratio, |r| format!("{:.2}{mark}", r.value))
}

/// How a mix stands to the best one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Best,
    /// It cannot be told from the best.
    Maybe,
    Behind,
    Unmeasured,
}

impl Standing {
    /// The word in the box, and what it means.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Standing::Best => ("best", "best"),
            Standing::Maybe => ("maybe", "maybe: cannot be told from the best"),
            Standing::Behind => ("", "behind the best"),
            Standing::Unmeasured => ("", "too few pairs"),
        }
    }

    fn frame(self) -> Option<Frame> {
        match self {
            Standing::Best => Some(Frame::Best),
            Standing::Maybe => Some(Frame::Maybe),
            Standing::Behind | Standing::Unmeasured => None,
        }
    }
}

/// One mix on the map.
struct Mix {
    deployment: String,
    /// Threads of the host are one process.
    processes: usize,
    threads_each: usize,
    ops_per_s: Option<f64>,
    ratio: Option<Estimate>,
    standing: Standing,
    is_baseline: bool,
}

/// A box for each mix, processes down, threads in each across; `None` where none was measured.
fn boxes(run: &Run, map: &MapAnswer) -> Option<Chart> {
    let mixes = all(run, map);
    if mixes.iter().all(|m| m.is_baseline || m.ratio.is_none()) {
        return None;
    }
    let said = mixes.iter().map(|m| {
        let ratio = m
            .ratio
            .map_or("not measured".to_owned(), |r| format!("{:.2}", r.value));
        format!("{} {ratio}, {}", m.deployment, m.standing.words().1)
    });
    let said: Vec<String> = said.collect();
    let one = |m: &Mix| MatrixBox {
        row: m.processes,
        column: m.threads_each,
        ratio: m.ratio.map(|r| r.value),
        word: match (m.standing.words().0, m.is_baseline) {
            ("", true) => "base".to_owned(),
            (word, _) => word.to_owned(),
        },
        frame: m.standing.frame(),
    };
    let titles = [
        "mix",
        "processes",
        "threads each",
        "op/s",
        "ratio",
        "95 % interval",
        "standing",
    ];
    Some(Chart {
        id: "map".to_owned(),
        title: format!(
            "op/s / those of {}, {} at {}",
            map.baseline,
            map.workload,
            words::agents(map.agents)
        ),
        caption: format!(
            "Processes down, threads in each across; one process is threads of the host. Above 1 a mix does more than {}. \
             The numbers of this picture have the 95 % intervals.",
            map.baseline
        ),
        alternative: format!(
            "Op/s of each mix / those of {}: {}.",
            map.baseline,
            said.join("; ")
        ),
        key: key(&mixes, run.margin),
        picture: Picture::Matrix(Matrix {
            across: "threads in each".to_owned(),
            down: "processes".to_owned(),
            margin: run.margin,
            boxes: mixes.iter().map(one).collect(),
        }),
        label: "mixes of processes and threads".to_owned(),
        data: Table::new(1, titles).rows(mixes.iter().map(row)),
    })
}

/// The mixes of the map, and the baseline, which is on no map, at its place.
fn all(run: &Run, map: &MapAnswer) -> Vec<Mix> {
    let mut mixes: Vec<Mix> = map
        .points
        .iter()
        .map(|p| Mix {
            deployment: p.deployment.clone(),
            processes: p.processes.max(1),
            threads_each: p.threads_each,
            ops_per_s: Some(p.ops_per_s),
            ratio: p.ratio,
            standing: match () {
                () if p.ratio.is_none() => Standing::Unmeasured,
                () if p.deployment == map.best => Standing::Best,
                () if p.is_among_best => Standing::Maybe,
                () => Standing::Behind,
            },
            is_baseline: false,
        })
        .collect();
    mixes.extend(baseline(run, map).filter(|b| {
        let at = |m: &Mix| (m.processes, m.threads_each);
        mixes.iter().all(|m| at(m) != at(b))
    }));
    mixes.sort_by_key(|m| (m.processes, m.threads_each));
    mixes
}

fn baseline(run: &Run, map: &MapAnswer) -> Option<Mix> {
    let form: Form = map.baseline.parse().ok()?;
    let place = form.place(map.agents, whole_cpus(run.machine.cpus_effective));
    // It is 1 by definition; whether it is as good as another one is a question to the other's interval.
    let lowest_of_best = map
        .points
        .iter()
        .find(|p| p.deployment == map.best)
        .and_then(|p| p.ratio)
        .map(|r| r.low);
    let standing = match lowest_of_best {
        _ if map.best == map.baseline => Standing::Best,
        Some(low) if low > 1.0 => Standing::Behind,
        Some(_) => Standing::Maybe,
        None => Standing::Unmeasured,
    };
    Some(Mix {
        deployment: map.baseline.clone(),
        processes: place.processes().max(1),
        threads_each: place.threads_each(),
        ops_per_s: None,
        ratio: Some(Estimate {
            value: 1.0,
            low: 1.0,
            high: 1.0,
        }),
        standing,
        is_baseline: true,
    })
}

fn row(mix: &Mix) -> Vec<String> {
    let nothing = || numbers::NOTHING.to_owned();
    let interval = mix.ratio.filter(|_| !mix.is_baseline);
    let (_, standing) = mix.standing.words();
    vec![
        mix.deployment.clone(),
        mix.processes.to_string(),
        mix.threads_each.to_string(),
        mix.ops_per_s.map_or_else(nothing, numbers::count),
        mix.ratio
            .map_or_else(nothing, |r| format!("{:.3}", r.value)),
        match interval {
            Some(r) => format!("[{:.3}, {:.3}]", r.low, r.high),
            None if mix.is_baseline => "the baseline".to_owned(),
            None => nothing(),
        },
        standing.trim_start_matches("maybe: ").to_owned(),
    ]
}

fn key(mixes: &[Mix], margin: f64) -> Vec<Key> {
    let [near, far] = STEPS;
    let limit = 1.0 + margin;
    let number = |v: f64| numbers::trimmed(format!("{v:.2}"));
    let scale = [
        (-3, format!("below {}", number(1.0 / far))),
        (-2, format!("to {}", number(1.0 / near))),
        (-1, format!("to {}", number(1.0 / limit))),
        (0, format!("to {}, the margin", number(limit))),
        (1, format!("to {}", number(near))),
        (2, format!("to {}", number(far))),
        (3, format!("above {}", number(far))),
    ];
    let mut keys = scale
        .map(|(step, text)| Key::new(Mark::Step(step), text))
        .to_vec();
    for standing in [Standing::Best, Standing::Maybe] {
        let is_there = mixes.iter().any(|m| m.standing == standing);
        let frame = standing.frame().filter(|_| is_there);
        keys.extend(frame.map(|f| Key::new(Mark::Frame(f), standing.words().1)));
    }
    keys
}
