//! Which mix of processes and threads is best?

use super::mark;
use crate::record::Run;
use crate::report::layout::{Grid, Last, Page, Tone};
use crate::report::numbers;
use crate::study::map::{self, MapAnswer, MapPoint};

pub fn write(run: &Run, page: &mut Page) {
    let Some(map) = run.finding::<MapAnswer>(map::NAME) else {
        return;
    };
    let title = format!(
        "mixes of {} at {} agents{}",
        map.workload,
        map.agents,
        mark(run)
    );
    let about = format!(
        "op/s / those of {}, by processes (down) and threads in each (across); 1 process: threads of the host",
        map.baseline
    );
    page.heading(&title, &about);
    page.grid(&grid(&map));
    let about = format!(
        "*: the best. ~: cannot be told from it. Each with its 95 % interval in the record; {}: no such mix, or too few pairs.",
        numbers::NOTHING
    );
    page.paragraph(2, Tone::Quiet, &about);
}

fn grid(map: &MapAnswer) -> Grid {
    let distinct = |of: fn(&MapPoint) -> usize| {
        let mut all: Vec<usize> = map.points.iter().map(of).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let (rows, columns) = (distinct(processes), distinct(|p| p.threads_each));
    let mut header = vec!["processes".to_owned()];
    header.extend(columns.iter().map(|t| format!("x {t}")));
    let row = |&p: &usize| {
        let own = columns.iter().map(|&t| {
            let at = |m: &&MapPoint| (processes(m), m.threads_each) == (p, t);
            map.points.iter().find(at).map_or_else(
                || numbers::NOTHING.to_owned(),
                |point| cell(point, &map.best),
            )
        });
        std::iter::once(p.to_string()).chain(own).collect()
    };
    Grid {
        left: 1,
        header,
        rows: rows.iter().map(row).collect(),
        last: Last::Numbers,
    }
}

/// Threads of the host are one process.
fn processes(point: &MapPoint) -> usize {
    point.processes.max(1)
}

fn cell(point: &MapPoint, best: &str) -> String {
    let Some(ratio) = point.ratio else {
        return numbers::NOTHING.to_owned();
    };
    let mark = match () {
        () if point.deployment == best => "*",
        () if point.is_among_best => "~",
        () => "",
    };
    format!("{:.2}{mark}", ratio.value)
}

/// What the map says.
pub fn sentences(run: &Run) -> Vec<String> {
    let map: Option<MapAnswer> = run.finding(map::NAME);
    map.into_iter().map(|m| m.sentence).collect()
}
