//! Which mix of processes and threads does how much, against the baseline?

use super::super::block::{Figure, Key, Table, both};
use super::super::svg::{Anchor, Drawing, Room, text_width};
use crate::deployment::Form;
use crate::deployment::whole_cpus;
use crate::record::{Estimate, Run};
use crate::report::numbers;
use crate::report::terminal::mark;
use crate::study::map::{self, MapAnswer};
use crate::verdict::words;

/// Pixels from the left edge to the first box, between boxes, and of a box from top to bottom.
const LEFT: f64 = 62.0;
const GAP: f64 = 4.0;
const TALL: f64 = 50.0;
/// Pixels above the boxes, for the numbers of threads.
const ABOVE: f64 = 42.0;
/// A box is not wider than that.
const WIDEST: f64 = 96.0;

/// Up to which ratio a step of the scale goes, from those below 1 by their inverses.
const STEPS: [f64; 2] = [1.25, 2.0];

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
pub fn figure(run: &Run) -> Option<Figure> {
    let map: &MapAnswer = &run.finding(map::NAME)?;
    let mixes = all(run, map);
    let margin = run.margin;
    let (wide, narrow) = both(|room| draw(&mixes, margin, room))?;
    let said: Vec<String> = mixes
        .iter()
        .map(|m| {
            let ratio = m
                .ratio
                .map_or("not measured".to_owned(), |r| format!("{:.2}", r.value));
            let (_, standing) = m.standing.words();
            format!("{} {ratio}, {standing}", m.deployment)
        })
        .collect();
    let rows = mixes.iter().map(row).collect();
    Some(Figure {
        id: "map".to_owned(),
        title: format!(
            "op/s / those of {}, {} at {}{}",
            map.baseline,
            map.workload,
            words::agents(map.agents),
            mark(run)
        ),
        caption: format!(
            "Processes down, threads in each across; one process is threads of the host. Above 1 a mix does \
             more than {}. The numbers of this picture have the 95 % intervals.",
            map.baseline
        ),
        alternative: format!(
            "Op/s of each mix / those of {}: {}.",
            map.baseline,
            said.join("; ")
        ),
        key: key(&mixes, margin),
        wide,
        narrow,
        data: Table::data(
            "mixes of processes and threads",
            1,
            &[
                "mix",
                "processes",
                "threads each",
                "op/s",
                "ratio",
                "95 % interval",
                "standing",
            ],
            rows,
        ),
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

/// The class of a box: how far from 1, and on which side. Within the margin there is no side.
fn shade(ratio: f64, margin: f64) -> &'static str {
    let (far, is_more) = match ratio < 1.0 {
        true => (1.0 / ratio, false),
        false => (ratio, true),
    };
    match (far, is_more) {
        (f, _) if f <= 1.0 + margin => "heat same",
        (f, true) if f <= STEPS[0] => "heat more-1",
        (f, true) if f <= STEPS[1] => "heat more-2",
        (_, true) => "heat more-3",
        (f, false) if f <= STEPS[0] => "heat less-1",
        (f, false) if f <= STEPS[1] => "heat less-2",
        (_, false) => "heat less-3",
    }
}

fn key(mixes: &[Mix], margin: f64) -> Vec<Key> {
    let [near, far] = STEPS;
    let limit = 1.0 + margin;
    let number = |v: f64| numbers::trimmed(format!("{v:.2}"));
    let scale = [
        ("heat less-3", format!("below {}", number(1.0 / far))),
        ("heat less-2", format!("to {}", number(1.0 / near))),
        ("heat less-1", format!("to {}", number(1.0 / limit))),
        ("heat same", format!("to {}, the margin", number(limit))),
        ("heat more-1", format!("to {}", number(near))),
        ("heat more-2", format!("to {}", number(far))),
        ("heat more-3", format!("above {}", number(far))),
    ];
    let mut keys: Vec<Key> = scale
        .map(|(class, text)| Key::of_area(class, text))
        .to_vec();
    for standing in [Standing::Best, Standing::Maybe] {
        if mixes.iter().any(|m| m.standing == standing) {
            let (_, meaning) = standing.words();
            keys.extend(frame(standing).map(|class| Key::of_area(class, meaning)));
        }
    }
    keys
}

fn frame(standing: Standing) -> Option<&'static str> {
    match standing {
        Standing::Best => Some("frame best"),
        Standing::Maybe => Some("frame maybe"),
        Standing::Behind | Standing::Unmeasured => None,
    }
}

fn draw(mixes: &[Mix], margin: f64, room: Room) -> Option<Drawing> {
    if mixes.iter().all(|m| m.is_baseline || m.ratio.is_none()) {
        return None;
    }
    let distinct = |of: fn(&Mix) -> usize| {
        let mut all: Vec<usize> = mixes.iter().map(of).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let (rows, columns) = (distinct(|m| m.processes), distinct(|m| m.threads_each));
    let step = ((room.width() - LEFT - GAP) / columns.len() as f64).min(WIDEST);
    let height = ABOVE + rows.len() as f64 * TALL + GAP;
    let mut drawing = Drawing::new(room.width(), height);
    let title = "threads in each";
    drawing.text("title", Anchor::Start, (LEFT, 14.0), title);
    drawing.text("title", Anchor::Start, (2.0, 32.0), "processes");
    let middle = |column: usize| LEFT + (column as f64 + 0.5) * step;
    let fits = |text: &str| text_width(text) <= step - GAP;
    for (at, threads) in columns.iter().enumerate() {
        let label = threads.to_string();
        if fits(&label) {
            // "processes" ends before the first of them.
            drawing.text(
                "tick",
                Anchor::Middle,
                (middle(at).max(LEFT + 12.0), 32.0),
                label,
            );
        }
    }
    for (at, processes) in rows.iter().enumerate() {
        let place = (LEFT - 12.0, ABOVE + at as f64 * TALL + TALL / 2.0 + 4.0);
        drawing.text("tick", Anchor::End, place, processes.to_string());
    }
    for mix in mixes {
        let row = rows.iter().position(|p| *p == mix.processes)?;
        let column = columns.iter().position(|t| *t == mix.threads_each)?;
        let (left, top) = (LEFT + column as f64 * step, ABOVE + row as f64 * TALL);
        let inner = (
            (left + GAP / 2.0, top + GAP / 2.0),
            (left + step - GAP / 2.0, top + TALL - GAP / 2.0),
        );
        let class = mix.ratio.map_or("heat empty", |r| shade(r.value, margin));
        drawing.rectangle(class, inner.0, inner.1);
        if let Some(class) = frame(mix.standing) {
            let (from, to) = inner;
            drawing.rectangle(
                class,
                (from.0 + 1.0, from.1 + 1.0),
                (to.0 - 1.0, to.1 - 1.0),
            );
        }
        let number = mix.ratio.map_or_else(
            || numbers::NOTHING.to_owned(),
            |r| format!("{:.2}", r.value),
        );
        let word = match (mix.standing.words().0, mix.is_baseline) {
            ("", true) => "base",
            (word, _) => word,
        };
        let lines: &[&str] = match word {
            "" => &[&number],
            _ => &[&number, word],
        };
        let first = top + TALL / 2.0 + if lines.len() == 2 { -3.0 } else { 4.0 };
        for (line, text) in lines.iter().enumerate() {
            let place = (middle(column), first + line as f64 * 16.0);
            if fits(text) {
                drawing.text("on-part", Anchor::Middle, place, *text);
            }
        }
    }
    Some(drawing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_diverge_around_one() {
        let of = |ratio| shade(ratio, 0.03);
        for same in [0.98, 1.0, 1.03] {
            assert_eq!(of(same), "heat same");
        }
        for (ratio, step) in [(1.1, 1), (1.5, 2), (3.0, 3)] {
            assert_eq!(of(ratio), format!("heat more-{step}"));
            assert_eq!(of(1.0 / ratio), format!("heat less-{step}"));
        }
    }
}
