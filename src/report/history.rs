//! What became of each comparison over time?

use crate::document::chart::{
    Axis, Form, Height, Ink, Join, Key, Lines, Look, Picture, Point as Mark, Series as Marks,
    Spread, Unit,
};
use crate::document::table::Holds;
use crate::document::{
    Cell, Chart, Column, Detail, Document, Fact, Section, Status, Table, Tone, numbers, slug,
};
use crate::record::history::{Group, History, Point, Series};
use crate::record::{Effect, Verdict};
use crate::verdict::words;

/// Columns of the picture.
const PICTURE: usize = 17;

/// Characters of a day: 2026-01-02.
const DAY: usize = 10;

/// A section for each machine and method, with a picture and its numbers for each comparison.
#[must_use]
pub fn document(history: &History) -> Document {
    let records: usize = history.groups.iter().map(|g| g.records).sum();
    let mut out = Document {
        title: "forkscope history".to_owned(),
        lead: format!(
            "{records} records. What was measured on different machines or by different methods never stands in one \
             picture; nor what differs in seed, parameters or window. Nothing is averaged."
        ),
        ..Document::default()
    };
    for (place, group) in history.groups.iter().enumerate() {
        one_group(
            group,
            out.section(format!("machine-{}", place + 1), title(group)),
        );
    }
    let skipped = history
        .skipped
        .iter()
        .map(|s| format!("{}: {}", s.file, s.why));
    out.section("skipped", "skipped")
        .about("not read, or counted already")
        .list(skipped.collect());
    out
}

fn one_group(group: &Group, section: &mut Section) {
    section.facts(vec![Fact::new("machine", group.machine.clone())]);
    if group.series.is_empty() {
        section.quiet("nothing was compared here");
        return;
    }
    section.group(Detail::Text, |section| section.quiet(LEGEND));
    section.group(Detail::Page, |section| section.quiet(HOW_TO_READ));
    for series in &group.series {
        section.heading(name(series), about(series));
        let chart = chart(series);
        let detail = match chart {
            Some(_) => Detail::Text,
            None => Detail::Always,
        };
        section
            .chart(chart)
            .group(detail, |section| section.table(with_pictures(series)));
    }
}

/// A line for each run.
fn table(series: &Series) -> Table {
    let titles = [
        "started".to_owned(),
        format!("{} / {}\n95 % interval", series.x, series.baseline),
        format!("{}\nop/s", series.baseline),
        format!("{}\nop/s", series.x),
        "verdict".to_owned(),
    ];
    Table::new(1, titles)
        .ends_with_words()
        .rows(series.points.iter().map(row))
}

/// The same with a picture behind each start.
fn with_pictures(series: &Series) -> Table {
    let mut table = table(series);
    let holds = Holds::Names;
    table.columns.insert(
        1,
        Column {
            title: scale_words(series),
            holds,
        },
    );
    for (row, point) in table.rows.iter_mut().zip(&series.points) {
        row.insert(1, picture(series, point.effect.as_ref()).into());
    }
    table
}

/// What the signs of a picture mean.
const LEGEND: &str =
    "o the ratio, - its interval, : a ratio of 1; one scale for all lines of a table, logarithmic";

/// `3 records, method 1`.
fn title(group: &Group) -> String {
    let records = match group.records {
        1 => "1 record".to_owned(),
        n => format!("{n} records"),
    };
    format!("{records}, method {}", group.method_version)
}

/// `exploration with 8 agents: processes against threads`.
fn name(series: &Series) -> String {
    format!(
        "{} with {}: {} against {}",
        series.workload,
        words::agents(series.agents),
        series.x,
        series.baseline
    )
}

/// `seed 1, window 0.25 s, channel and ipc`.
fn about(series: &Series) -> String {
    let begin = format!("seed {}, window {} s", series.seed, series.window_s);
    match &series.transports {
        [a, b] if a == "none" && b == "none" => begin,
        [a, b] => format!("{begin}, by {a} and {b}"),
    }
}

/// What all charts have in common.
const HOW_TO_READ: &str = "Each picture has the ratio of op/s with its 95 % interval, one run beside the other in the \
                           order of their start. The verdict is that of each run, by its own margin. A cross is a run \
                           that carries a label (withheld, busy machine, incomplete): it must not be relied on.";

fn row(point: &Point) -> [Cell; 5] {
    let count = |n: Option<f64>| n.map_or_else(Cell::nothing, |n| numbers::count(n).into());
    let ratio = point.effect.as_ref().map(numbers::ratio);
    [
        minute(&point.started).into(),
        ratio.map_or_else(Cell::nothing, Cell::from),
        count(point.baseline_ops_per_s),
        count(point.x_ops_per_s),
        verdict(point),
    ]
}

/// `2026-01-02 03:04`; what is no such time is left as it is.
fn minute(started: &str) -> String {
    match (started.get(..10), started.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute}"),
        _ => started.to_owned(),
    }
}

fn verdict(point: &Point) -> Cell {
    let (said, tone) = match &point.verdict {
        Verdict::Ahead { deployment } => (deployment.clone(), Tone::Strong),
        Verdict::Tie => ("tie".to_owned(), Tone::Calm),
        Verdict::Inconclusive => ("inconclusive".to_owned(), Tone::Caution),
        Verdict::NotMeasured { reason } => (format!("not measured: {reason}"), Tone::Caution),
    };
    Cell {
        text: said,
        tone: if point.marks.is_empty() {
            tone
        } else {
            Tone::Caution
        },
        statuses: point.marks.iter().cloned().map(Status::Other).collect(),
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
fn is_drawn(e: &Effect) -> bool {
    e.low > 0.0 && e.low <= e.ratio && e.ratio <= e.high && e.high.is_finite()
}

fn scale_words(series: &Series) -> String {
    let (low, high) = scale(series);
    format!("{low:.2} to {high:.2}")
}

/// The interval of a point on the scale of its series: `...---o--...:.`; empty where there is none.
fn picture(series: &Series, effect: Option<&Effect>) -> String {
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

/// The ratio of one comparison, run after run; `None` where none has an interval.
fn chart(series: &Series) -> Option<Chart> {
    let (x, baseline) = (&series.x, &series.baseline);
    let mut lines = Lines::new(
        Height::Tall,
        runs(&series.points),
        Axis::new("ratio", Spread::Factors, Unit::Plain),
    );
    lines.level = Some(1.0);
    let (mut points, mut key) = (Vec::new(), Vec::<Key>::new());
    for (place, point) in series.points.iter().enumerate() {
        let Some(effect) = point.effect.as_ref().filter(|e| is_drawn(e)) else {
            continue;
        };
        let (look, meaning) = look(series, point);
        let (minute, ratio) = (minute(&point.started), numbers::ratio(effect));
        let says = format!("{minute}: {ratio}, {}", verdict(point).words());
        points.push(Mark::ratio(place as f64, Some(effect), look).says(says));
        if !key.iter().any(|k| k.text == meaning) {
            key.push(Key::point(look, meaning));
        }
    }
    if points.is_empty() {
        return None;
    }
    lines.series.push(Marks::new(points).joined(Join::Thread));
    let said = series.points.iter().map(|p| {
        let ratio = p
            .effect
            .as_ref()
            .map_or("no ratio".to_owned(), numbers::ratio);
        format!("{} {ratio}", minute(&p.started))
    });
    let said: Vec<String> = said.collect();
    Some(Chart {
        id: slug(&[
            "history",
            &series.workload,
            &series.agents.to_string(),
            x,
            baseline,
        ]),
        title: format!("{x} / {baseline}, op/s"),
        caption: format!("Above 1, {x} do more; below, {baseline}."),
        alternative: format!("{x} / {baseline}, run after run: {}.", said.join("; ")),
        key,
        picture: Picture::Lines(vec![lines]),
        label: name(series),
        data: table(series),
    })
}

/// How a run's part looks, and what that means: forms alone tell them apart.
fn look(series: &Series, point: &Point) -> (Look, String) {
    let ahead = |side: &str| format!("{side} ahead");
    match &point.verdict {
        _ if !point.marks.is_empty() => (
            Look::new(Ink::Fault, Form::Cross),
            "withheld, busy or incomplete".to_owned(),
        ),
        Verdict::Ahead { deployment } if *deployment == series.x => {
            (Look::new(Ink::Other, Form::Up), ahead(&series.x))
        }
        Verdict::Ahead { .. } => (Look::new(Ink::Base, Form::Down), ahead(&series.baseline)),
        Verdict::Tie => (Look::new(Ink::Tie, Form::Diamond), "tie".to_owned()),
        Verdict::Inconclusive | Verdict::NotMeasured { .. } => {
            (Look::new(Ink::Open, Form::Disc), "inconclusive".to_owned())
        }
    }
}

/// A place for each run, with its day, or its minute where all are of one day.
fn runs(points: &[Point]) -> Axis {
    let day = |p: &Point| p.started.get(..DAY).map(str::to_owned);
    let is_one_day = points.windows(2).all(|two| day(&two[0]) == day(&two[1]));
    let label = |(place, p): (usize, &Point)| {
        let whole = minute(&p.started);
        let text = match is_one_day {
            true => whole,
            false => day(p).unwrap_or(whole),
        };
        (place as f64, text)
    };
    Axis {
        ticks: points.iter().enumerate().map(label).collect(),
        ..Axis::new("start of the run, UTC", Spread::Even, Unit::Plain)
            .within(-0.5, points.len() as f64 - 0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(low: f64, ratio: f64, high: f64) -> Effect {
        Effect {
            ratio,
            ..Effect::between(low, high)
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
