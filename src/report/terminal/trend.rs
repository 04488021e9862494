//! What became of each comparison over time, for a person?

use super::head::list;
use crate::record::history::{Group, History, Point, Series};
use crate::record::{Effect, Verdict};
use crate::report::Style;
use crate::report::layout::{Grid, Last, Page, Tone};
use crate::report::numbers;
use std::io::{self, Write};

/// Columns of the picture.
const PICTURE: usize = 17;

/// Writes a table with a picture for each series, machine by machine.
///
/// # Errors
/// What `out` says.
pub fn write(history: &History, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(style);
    for group in &history.groups {
        one_group(group, &mut page);
    }
    if !history.skipped.is_empty() {
        page.heading("skipped", "not read, or counted already");
        for skipped in &history.skipped {
            let said = format!("{}: {}", skipped.file, skipped.why);
            page.paragraph(2, Tone::Caution, &said);
        }
    }
    out.write_all(page.finish().as_bytes())
}

fn one_group(group: &Group, page: &mut Page) {
    page.heading(&title(group), "");
    list(page, "machine  ", &group.machine);
    if group.series.is_empty() {
        page.paragraph(2, Tone::Quiet, "nothing was compared here");
        return;
    }
    page.paragraph(2, Tone::Quiet, LEGEND);
    for series in &group.series {
        page.heading(&name(series), &about(series));
        page.grid(&with_pictures(series));
    }
}

/// A line for each run.
pub fn table(series: &Series) -> Grid {
    Grid {
        left: 1,
        header: vec![
            "started".to_owned(),
            format!("{} / {}\n95 % interval", series.x, series.baseline),
            format!("{}\nop/s", series.baseline),
            format!("{}\nop/s", series.x),
            "verdict".to_owned(),
        ],
        rows: series.points.iter().map(row).collect(),
        last: Last::Text(|said| match said {
            s if s.starts_with("tie") => Tone::Calm,
            s if s.contains("inconclusive") || s.contains(": ") => Tone::Caution,
            _ => Tone::Strong,
        }),
    }
}

/// The same with a picture behind each start.
fn with_pictures(series: &Series) -> Grid {
    let mut grid = table(series);
    grid.left += 1;
    grid.header.insert(1, scale_words(series));
    for (row, point) in grid.rows.iter_mut().zip(&series.points) {
        row.insert(1, picture(series, point.effect.as_ref()));
    }
    grid
}

/// What the signs of a picture mean.
pub const LEGEND: &str =
    "o the ratio, - its interval, : a ratio of 1; one scale for all lines of a table, logarithmic";

/// `3 records, method 1`.
pub fn title(group: &Group) -> String {
    let records = match group.records {
        1 => "1 record".to_owned(),
        n => format!("{n} records"),
    };
    format!("{records}, method {}", group.method_version)
}

/// `exploration with 8 agents: processes against threads`.
pub fn name(series: &Series) -> String {
    format!(
        "{} with {}: {} against {}",
        series.workload,
        crate::verdict::words::agents(series.agents),
        series.x,
        series.baseline
    )
}

/// `seed 1, window 0.25 s, channel and ipc`.
pub fn about(series: &Series) -> String {
    let begin = format!("seed {}, window {} s", series.seed, series.window_s);
    match &series.transports {
        [a, b] if a == "none" && b == "none" => begin,
        [a, b] => format!("{begin}, by {a} and {b}"),
    }
}

fn row(point: &Point) -> Vec<String> {
    let nothing = || numbers::NOTHING.to_owned();
    let count = |n: Option<f64>| n.map_or_else(nothing, numbers::count);
    vec![
        minute(&point.started),
        point.effect.as_ref().map_or_else(nothing, numbers::ratio),
        count(point.baseline_ops_per_s),
        count(point.x_ops_per_s),
        verdict(point),
    ]
}

/// `2026-01-02 03:04`; what is no such time is left as it is.
pub fn minute(started: &str) -> String {
    match (started.get(..10), started.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute}"),
        _ => started.to_owned(),
    }
}

/// The verdict behind its marks.
pub fn verdict(point: &Point) -> String {
    let said = match &point.verdict {
        Verdict::Ahead { deployment } => deployment.clone(),
        Verdict::Tie => "tie".to_owned(),
        Verdict::Inconclusive => "inconclusive".to_owned(),
        Verdict::NotMeasured { reason } => format!("not measured: {reason}"),
    };
    match point.marks.as_slice() {
        [] => said,
        marks => format!("{}: {said}", marks.join(", ")),
    }
}

/// The least and the largest ratio that any interval of a series reaches; 1 is always among them.
fn scale(series: &Series) -> (f64, f64) {
    let effects = series.points.iter().filter_map(|p| p.effect.as_ref());
    effects
        .filter(|e| is_drawn(e))
        .fold((1.0, 1.0), |(low, high), e| {
            (e.low.min(low), e.high.max(high))
        })
}

/// Whether an interval has a place on a scale of factors.
pub fn is_drawn(e: &Effect) -> bool {
    e.low > 0.0 && e.low <= e.ratio && e.ratio <= e.high && e.high.is_finite()
}

fn scale_words(series: &Series) -> String {
    let (low, high) = scale(series);
    format!("{low:.2} to {high:.2}")
}

/// The interval of a point on the scale of its series: `...---o--...:.`; empty where there is none.
pub fn picture(series: &Series, effect: Option<&Effect>) -> String {
    let Some(e) = effect.filter(|e| is_drawn(e)) else {
        return String::new();
    };
    let (low, high) = scale(series);
    let width = (high / low).ln();
    let column = |ratio: f64| match width > 0.0 {
        true => ((ratio / low).ln() / width * (PICTURE - 1) as f64).round() as usize,
        false => PICTURE / 2,
    };
    let (from, to, one, at) = (column(e.low), column(e.high), column(1.0), column(e.ratio));
    let sign = |c: usize| match c {
        c if c == at => 'o',
        c if c == one => ':',
        c if (from..=to).contains(&c) => '-',
        _ => '.',
    };
    (0..PICTURE).map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(low: f64, ratio: f64, high: f64) -> Effect {
        Effect {
            pairs: 6,
            ratio,
            low,
            high,
            standard_error: 0.01,
            pair_sd: 0.02,
            order_effect: 0.0,
            pairs_needed: 6,
        }
    }

    fn series(effects: &[Effect]) -> Series {
        let point = |e: &Effect| Point {
            file: "run.json".to_owned(),
            started: "2026-01-02T03:04:05Z".to_owned(),
            effect: Some(*e),
            verdict: Verdict::Tie,
            baseline_ops_per_s: None,
            x_ops_per_s: None,
            marks: Vec::new(),
        };
        Series {
            workload: "exploration".to_owned(),
            agents: 8,
            baseline: "threads".to_owned(),
            x: "processes".to_owned(),
            transports: ["none".to_owned(), "none".to_owned()],
            seed: 1,
            window_s: 0.25,
            points: effects.iter().map(point).collect(),
        }
    }

    #[test]
    fn a_picture_has_the_interval_the_ratio_and_one() {
        let all = [effect(0.25, 0.5, 1.0), effect(1.0, 2.0, 4.0)];
        let series = series(&all);
        assert_eq!(scale_words(&series), "0.25 to 4.00");
        assert_eq!(picture(&series, Some(&all[0])), "----o---:........");
        assert_eq!(picture(&series, Some(&all[1])), "........:---o----");
        assert_eq!(picture(&series, None), "");
    }

    #[test]
    fn what_cannot_be_drawn_is_left_out_and_nothing_to_draw_is_a_dot() {
        let still = effect(1.0, 1.0, 1.0);
        let one = series(&[still]);
        assert_eq!(picture(&one, Some(&still)), "........o........");
        for bad in [
            effect(f64::NAN, 1.0, 2.0),
            effect(0.0, 1.0, 2.0),
            effect(0.5, 1.0, f64::INFINITY),
        ] {
            assert_eq!(picture(&one, Some(&bad)), "");
            assert_eq!(scale(&series(&[bad])), (1.0, 1.0));
        }
    }

    #[test]
    fn a_time_is_written_to_the_minute() {
        assert_eq!(minute("2026-01-02T03:04:05Z"), "2026-01-02 03:04");
        assert_eq!(minute("yesterday"), "yesterday");
    }
}
