//! Can a team decide from the page, and a sceptic check it? What a browser does with it is looked at by
//! `scripts/page.sh`.

use crate::fixture;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use forkscope::record::checks::{CheckAnswer, CheckKind, CheckOutcome};
use forkscope::record::history::{History, Skipped};
use forkscope::record::{Cause, Dropped, Estimate, OrderEntry, Run, WorkloadRecord};
use forkscope::report::{Style, find, html, json};
use forkscope::study;
use forkscope::study::latency::{self, LatencyFinding};
use forkscope::study::map::{self, MapAnswer};
use forkscope::study::scaling::{self, ScalingOf};
use forkscope::verdict::{BUSY_LABEL, WITHHELD_LABEL, history};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Read;

fn page(run: &Run) -> String {
    let mut out = Vec::new();
    let html = find("html").expect("the format is registered");
    html.report
        .write(run, &Style::default(), &mut out)
        .expect("a Vec takes everything");
    String::from_utf8(out).expect("pages are UTF-8")
}

/// The page without what is only there to be saved.
fn readable(page: &str) -> String {
    let (before, link) = page
        .split_once("href=\"data:")
        .expect("the record is inside");
    let (_, after) = link.split_once('"').expect("the link ends");
    format!("{before}{after}")
}

/// Changes what a study found.
fn change<T: DeserializeOwned + Serialize>(run: &mut Run, study: &str, change: impl Fn(&mut T)) {
    let mut found: T = run.finding(study).expect("it is in the fixture");
    change(&mut found);
    let value = study::finding(&found).expect("a finding is JSON");
    run.findings.insert(study.to_owned(), value);
}

fn map_of(run: &Run) -> MapAnswer {
    run.finding(map::NAME).expect("it is in the fixture")
}

/// A text as it stands in a page.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn section<'a>(page: &'a str, id: &str) -> Option<&'a str> {
    let begin = page.find(&format!("<section id=\"{id}\""))?;
    page[begin..].split("</section>").next()
}

/// Names and causes that would be markup, were they not escaped.
fn hostile_run() -> Run {
    const NAME: &str = "<script>alert('x')</script>&\"><img src=http://example.org/x onerror=y>";
    let mut run = fixture::run();
    for cell in &mut run.cells {
        if cell.baseline.workload == "exploration" {
            cell.baseline.workload = NAME.to_owned();
            cell.x.deployment = NAME.to_owned();
        }
    }
    for answer in &mut run.answers {
        answer.workload = NAME.to_owned();
    }
    for decision in &mut run.decisions {
        decision.workload = NAME.to_owned();
        decision.advice.push_str(NAME);
    }
    run.cells[0].pairs[1].dropped = Some(Dropped {
        cause: Cause::Failed,
        detail: NAME.to_owned(),
    });
    run.machine.cpu_model = Some(NAME.to_owned());
    run.warnings.push(NAME.to_owned());
    run.plan.left_out.push(NAME.to_owned());
    run.workloads.push(WorkloadRecord {
        name: NAME.to_owned(),
        origin: NAME.to_owned(),
        parameters: serde_json::json!({ "workload": NAME }),
        episode_length: 1,
        life_length: None,
        digest_round: 1,
    });
    run.busy = Some(NAME.to_owned());
    run.withheld = Some(NAME.to_owned());
    run.command = NAME.to_owned();
    run
}

fn checked_run() -> Run {
    let mut run = fixture::run();
    let check = |kind, name: &str, outcome, measured| CheckAnswer {
        kind,
        name: name.to_owned(),
        asked: "at least 0.95".to_owned(),
        measured,
        unit: "ratio".to_owned(),
        outcome,
        sentence: format!("{name} is {outcome}"),
    };
    let seen = Some(Estimate {
        value: 1.31,
        low: 1.28,
        high: 1.34,
    });
    run.checks = vec![
        check(CheckKind::Claim, "ten times", CheckOutcome::Refuted, seen),
        check(CheckKind::Threshold, "floor", CheckOutcome::Pass, seen),
        check(CheckKind::Threshold, "ceiling", CheckOutcome::Warn, seen),
        check(CheckKind::Threshold, "roof", CheckOutcome::Fail, seen),
        check(CheckKind::Claim, "sky", CheckOutcome::NotMeasured, None),
    ];
    run
}

/// Every kind of record that a page can be made of.
fn runs() -> Vec<(&'static str, Run)> {
    vec![
        ("run", fixture::run()),
        ("full", fixture::full_run()),
        ("full-busy", fixture::busy(fixture::full_run())),
        ("withheld", fixture::withheld_run()),
        ("busy", fixture::busy_run()),
        ("incomplete", fixture::incomplete_run()),
        ("probes", fixture::probes_run()),
        ("formats", fixture::formats_run()),
        ("messages", fixture::messages_run()),
        ("hostile", hostile_run()),
        ("checked", checked_run()),
    ]
}

fn page_of(history: &History) -> String {
    let mut out = Vec::new();
    html::history(history, &mut out).expect("a Vec takes everything");
    String::from_utf8(out).expect("pages are UTF-8")
}

/// What a folder holds: two runs of one kind, runs that carry labels, one of another seed, a hostile one, and one that
/// compares nothing on another machine.
fn past() -> History {
    let mut empty = fixture::run();
    empty.cells.clear();
    empty.machine.kernel = Some("7.0".to_owned());
    let mut other_seed = fixture::run();
    other_seed.seed = 7;
    let runs = [
        fixture::run(),
        fixture::run(),
        fixture::withheld_run(),
        fixture::busy_run(),
        fixture::incomplete_run(),
        other_seed,
        hostile_run(),
        empty,
    ];
    let runs = runs.into_iter().enumerate().map(|(day, mut run)| {
        run.started = format!("2026-01-{:02}T10:20:30Z", day + 1);
        (format!("reports/{day}/run.json"), run)
    });
    let skipped = Skipped {
        file: "reports/<torn>/run.json".to_owned(),
        why: "line 3, column 1: torn".to_owned(),
    };
    history(runs.collect(), vec![skipped])
}

#[test]
fn a_history_has_a_picture_for_each_comparison_and_holds_itself() {
    let past = past();
    let page = page_of(&past);
    assert!(page == page_of(&past), "the same history, the same bytes");
    let series = || past.groups.iter().flat_map(|g| &g.series);
    let with_picture = series().filter(|s| s.points.iter().any(|p| p.effect.is_some()));
    assert!(with_picture.clone().count() > 0);
    assert_eq!(page.matches("<figure ").count(), with_picture.count());
    // A title each, whether there is a picture or not.
    assert_eq!(page.matches("<h3>").count(), series().count());
    for (place, group) in past.groups.iter().enumerate() {
        let id = format!("machine-{}", place + 1);
        let section = section(&page, &id).expect("a section for each machine");
        for fact in &group.machine {
            assert!(section.contains(&escaped(fact)), "{fact}");
        }
    }
    assert!(page.contains("nothing was compared here"));
    let skipped = section(&page, "skipped").expect("what was skipped is named");
    assert!(skipped.contains(&escaped("reports/<torn>/run.json: line 3")));
    let packed = page
        .split_once("base64,")
        .and_then(|(_, rest)| rest.split_once('"'))
        .expect("the history is inside");
    let packed = STANDARD.decode(packed.0).expect("it is Base64");
    let mut text = String::new();
    let mut unpacked = GzDecoder::new(packed.as_slice());
    unpacked.read_to_string(&mut text).expect("it is gzip");
    assert_eq!(
        serde_json::from_str::<History>(&text).expect("a history"),
        past
    );
}

#[test]
fn what_must_not_be_relied_on_looks_unlike_the_rest() {
    let only = |run: Run| {
        let mut run = run;
        run.cells
            .retain(|c| c.baseline.workload == "coordination" && c.agents == 8);
        page_of(&history(vec![("run.json".to_owned(), run)], Vec::new()))
    };
    let calm = readable(&only(fixture::run()));
    assert!(!calm.contains("class=\"fault mark\""), "{calm}");
    assert!(calm.contains("threads ahead"), "{calm}");
    for run in [fixture::withheld_run(), fixture::busy_run()] {
        let page = readable(&only(run));
        assert!(page.contains("class=\"fault mark\""), "{page}");
        assert!(page.contains("withheld, busy or incomplete"), "{page}");
        assert!(!page.contains("threads ahead"), "{page}");
    }
}

#[test]
fn an_empty_history_is_a_page() {
    let page = page_of(&History::default());
    assert!(
        page.contains("0 records") && page.ends_with("</html>\n"),
        "{page}"
    );
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    for (name, run) in runs() {
        let text = serde_json::to_string(&run).expect("a record is JSON");
        let again = json::read(&text).expect("what was written is read");
        assert!(page(&run) == page(&again), "{name}");
    }
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    let pages = runs().into_iter().map(|(name, run)| (name, page(&run)));
    for (name, page) in pages.chain([("history", page_of(&past()))]) {
        let page = page.to_lowercase();
        let tags = page.split('<').skip(1).filter_map(|t| t.split('>').next());
        for tag in tags {
            // A value may say anything, except the address of a link.
            let names = tag.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
            let element = tag.split([' ', '/']).next().unwrap_or("");
            for other in ["script", "img", "link", "iframe", "object", "embed", "base"] {
                assert_ne!(element, other, "{name}: <{tag}>");
            }
            for loads in [" src=", " onerror=", " onclick=", " action=", " data="] {
                assert!(!names.contains(loads), "{name}: <{tag}>");
            }
            if let Some((_, to)) = tag.split_once("href=\"") {
                assert!(to.starts_with(['#', 'd']), "{name}: <{tag}>");
            }
        }
        for loads in ["<script", "@import", "url(h", "url(//", "srcset"] {
            assert!(!readable(&page).contains(loads), "{name}: {loads}");
        }
        assert!(page.contains("default-src 'none'"), "{name}");
    }
}

#[test]
fn hostile_names_are_words() {
    let page = page(&hostile_run());
    assert!(!readable(&page).contains("\"><img"), "an unescaped quote");
    assert!(!page.contains("<script>alert"), "an unescaped tag");
    assert!(page.contains("&lt;script&gt;alert("), "the name is shown");
}

#[test]
fn a_withheld_or_busy_run_is_labelled_first_and_before_each_sentence() {
    let mut withheld = fixture::withheld_run();
    withheld.busy = Some("other programs use 42 % of the CPUs".to_owned());
    for (run, labels) in [
        (fixture::busy_run(), vec![BUSY_LABEL]),
        (withheld, vec![WITHHELD_LABEL, BUSY_LABEL]),
    ] {
        let page = page(&run);
        let body = page.split("<body>").nth(1).expect("there is a body");
        for label in labels {
            let first = body.find(label).expect("the label is there");
            assert!(first < body.find("<main").expect("there is a main part"));
            let summary = section(&page, "summary").expect("there is a summary");
            let before = format!("<strong class=\"label\">{label}:</strong>");
            // The answer in short, and what to take, all things weighed.
            let sentences = 2 * run.answers.len();
            assert_eq!(summary.matches(&before).count(), sentences, "{summary}");
            // Once each: what the record says already is not said again.
            assert_eq!(
                summary.matches(&format!("{label}: ")).count(),
                0,
                "{summary}"
            );
        }
    }
    let mut calm = fixture::run();
    calm.machine.quota_cpus = None;
    let calm = page(&calm);
    assert!(!calm.contains(WITHHELD_LABEL), "no label without a reason");
    assert!(!calm.contains("class=\"warning\""));
}

#[test]
fn what_to_take_stands_below_the_crossover_and_the_other_deployments_have_a_line_each() {
    let run = fixture::many_deployments_run();
    let page = page(&run);
    let summary = section(&page, "summary").expect("there is a summary");
    let place = |said: &str| summary.find(&escaped(said)).expect(said);
    assert_eq!(run.decisions.len(), 2, "a paragraph for each workload");
    let mut last = 0;
    for said in &run.decisions {
        let (before, after) = (
            place(&said.crossover),
            place(said.advice.strip_prefix("take").expect("it is recommended")),
        );
        assert!(last < before && before < after, "{summary}");
        last = after;
    }
    let table = &summary[place("the other deployments")..];
    assert_eq!(table.matches("threads:cores</td>").count(), 2, "{table}");
    assert_eq!(table.matches("processes:2x2</td>").count(), 2, "{table}");
    // Nobody else has a paragraph.
    assert_eq!(summary.matches("class=\"said\"").count(), 2, "{summary}");
    assert!(!self::page(&fixture::run()).contains("the other deployments"));
}

#[test]
fn what_a_record_does_not_hold_has_no_section() {
    let has = |run: &Run, id: &str| section(&page(run), id).is_some();
    let run = fixture::run();
    for (id, is_there) in [
        ("summary", true),
        ("exploration-processes-none-threads-none", true),
        ("pairs", true),
        ("memory", true),
        ("setup", true),
        ("mixes", false),
        ("scaling", true),
        ("latency", false),
        ("messages", false),
        ("delivery", false),
        ("formats", false),
        ("probes", false),
        ("claims", false),
        ("thresholds", false),
        ("controls", true),
        ("machine", true),
        ("left-out", true),
        ("warnings", true),
        ("how-to-read", true),
        ("record", true),
    ] {
        assert_eq!(has(&run, id), is_there, "{id}");
    }
    assert!(has(&fixture::full_run(), "mixes"));
    assert!(has(&fixture::full_run(), "latency"));
    assert!(has(&fixture::probes_run(), "probes"));
    assert!(has(&fixture::formats_run(), "formats"));
    assert!(has(&fixture::messages_run(), "messages"));
    assert!(has(&fixture::messages_run(), "delivery"));
    assert!(has(&checked_run(), "claims"));
    assert!(has(&checked_run(), "thresholds"));
    let mut bare = fixture::run();
    bare.cells.clear();
    bare.answers.clear();
    bare.decisions.clear();
    bare.findings.clear();
    bare.warnings.clear();
    bare.plan.left_out.clear();
    bare.plan.order.clear();
    for id in [
        "pairs", "mixes", "scaling", "memory", "setup", "latency", "messages", "controls",
        "left-out", "warnings",
    ] {
        assert!(!has(&bare, id), "{id}");
    }
    assert!(page(&bare).contains("nothing was compared"));
}

#[test]
fn parts_stand_in_the_order_in_which_they_are_read() {
    let mut run = fixture::full_run();
    run.checks = checked_run().checks;
    run.findings.extend(fixture::messages_run().findings);
    let page = page(&run);
    let places: Vec<usize> = [
        "summary",
        "exploration-processes-none-threads-none",
        "memory",
        "setup",
        "scaling",
        "latency",
        "delivery",
        "split",
        "mixes",
        "controls",
        "pairs",
        "claims",
        "thresholds",
        "left-out",
        "machine",
        "how-to-read",
        "record",
    ]
    .iter()
    .map(|id| page.find(&format!("<section id=\"{id}\"")).expect(id))
    .collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn every_picture_has_words_and_numbers_and_every_id_is_one_of_a_kind() {
    let pages = runs().into_iter().map(|(name, run)| (name, page(&run)));
    for (name, page) in pages.chain([("history", page_of(&past()))]) {
        let page = readable(&page);
        let figures: Vec<&str> = page.split("<figure ").skip(1).collect();
        for figure in &figures {
            let figure = figure.split("</figure>").next().expect("it ends");
            assert_eq!(figure.matches("role=\"img\"").count(), 2, "{name}");
            for needed in [
                "<figcaption>",
                "<title id=",
                "<desc id=",
                "<details>",
                "<tbody>",
            ] {
                assert!(figure.contains(needed), "{name}: no {needed}: {figure}");
            }
            assert!(
                !figure.contains("NaN") && !figure.contains("inf "),
                "{name}"
            );
        }
        let ids = page
            .split(" id=\"")
            .skip(1)
            .filter_map(|t| t.split('"').next());
        let mut ids: Vec<&str> = ids.collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{name}");
    }
}

#[test]
fn both_reports_say_the_same_figures() {
    let run = fixture::run();
    let page = page(&run);
    for effect in run.cells.iter().filter_map(|cell| cell.effect) {
        let ratio = format!(
            "{:.3} [{:.3}, {:.3}]",
            effect.ratio, effect.low, effect.high
        );
        assert!(page.contains(&ratio), "{ratio}");
    }
}

#[test]
fn every_verdict_has_a_form_of_its_own() {
    let page = page(&fixture::run());
    let ratio = page
        .split("<figure ")
        .find(|f| f.starts_with("id=\"ratio-exploration"))
        .expect("there is a picture of the ratio");
    for verdict in ["tie", "inconclusive", "processes ahead"] {
        assert!(ratio.contains(&format!("</svg>{verdict}</li>")), "{ratio}");
    }
}

#[test]
fn dropped_pairs_are_hollow_and_say_why() {
    let mut run = fixture::run();
    run.cells[0].pairs[2].dropped = Some(Dropped {
        cause: Cause::Steal,
        detail: "the hypervisor took 12 % of the CPU time".to_owned(),
    });
    let page = page(&run);
    let pairs = section(&page, "pairs").expect("there are pairs");
    assert!(pairs.contains("open mark"));
    assert!(pairs.contains("steal: the hypervisor took 12 %"), "{pairs}");
    let missing = section(&page, "dropped-pairs").expect("a pair is missing");
    assert!(missing.contains("1 pair dropped (steal)"), "{missing}");
}

/// A picture of the page, to the end of its numbers.
fn figure<'a>(page: &'a str, id: &str) -> &'a str {
    let begin = page
        .find(&format!("<figure id=\"{id}\""))
        .unwrap_or_else(|| panic!("no picture {id}"));
    page[begin..].split("</figure>").next().expect("it ends")
}

#[test]
fn sentences_of_a_long_run_carry_their_labels() {
    let page = page(&fixture::busy(fixture::full_run()));
    let both = ["summary", "beside"].map(|id| section(&page, id).expect("there is an answer"));
    let summary = both.concat();
    let said = summary.matches("<p>").count();
    let label = format!("<p><strong class=\"label\">{BUSY_LABEL}:</strong>");
    // Two workloads, a sentence and a paragraph each; latency three times; the map; two long windows.
    assert_eq!(said, 10, "{summary}");
    assert_eq!(summary.matches(&label).count(), said, "{summary}");
    for title in ["latency", "mixes", "long windows"] {
        assert!(summary.contains(&format!("<h3>{title}</h3>")), "{title}");
    }
}

#[test]
fn latency_has_a_picture_for_each_answer_and_marks_who_fell_behind() {
    let page = page(&fixture::full_run());
    assert_eq!(page.matches("<figure id=\"latency-").count(), 2, "{page}");
    let late = figure(&page, "latency-coordination-processes-threads");
    for said in [
        "4 of 6 invocations fell behind",
        "</svg>fell behind</li>",
        "processes p50 546 µs, p99 4.29 ms, behind in 4 of 6",
        "3.90 [3.55, 4.25]",
        "base hollow",
        "other hollow",
    ] {
        assert!(late.contains(said), "{said}: {late}");
    }
    let calm = figure(&page, "latency-exploration-processes-threads");
    assert!(!calm.contains("fell behind</li>"), "{calm}");
    assert!(!calm.contains("fault mark"), "{calm}");
}

#[test]
fn without_a_tail_only_the_median_is_drawn() {
    let mut run = fixture::full_run();
    change(&mut run, latency::NAME, |found: &mut LatencyFinding| {
        for latency in found.comparisons.iter_mut().flat_map(|a| &mut a.answers) {
            latency.baseline.p99_ns = None;
            latency.x.p99_ns = None;
            latency.p99 = None;
        }
    });
    let page = page(&run);
    let late = figure(&page, "latency-coordination-processes-threads");
    let (_, drawn) = late.split_once("<svg class=\"wide\"").expect("a picture");
    assert!(!drawn.contains("hollow"), "{late}");
    assert!(drawn.contains("p99 unknown"), "{late}");
}

#[test]
fn the_map_names_the_best_and_what_cannot_be_told_from_it() {
    let run = fixture::full_run();
    let page = page(&run);
    let map = figure(&page, "map");
    // In both rooms: one frame and one word for each, beside those of the key.
    for (word, frame) in [("best", "frame best"), ("maybe", "frame maybe")] {
        assert_eq!(map.matches(&format!(">{word}</text>")).count(), 2, "{map}");
        assert_eq!(map.matches(frame).count(), 3, "{map}");
    }
    // The baseline is on the map, and every box has its number.
    assert_eq!(map.matches(">base</text>").count(), 2, "{map}");
    for point in &map_of(&run).points {
        let number = point
            .ratio
            .map_or("–".to_owned(), |r| format!("{:.2}", r.value));
        assert_eq!(
            map.matches(&format!(">{number}</text>")).count(),
            2,
            "{number}"
        );
        let interval = point.ratio.map_or("–".to_owned(), |r| {
            format!("[{:.3}, {:.3}]", r.low, r.high)
        });
        assert!(map.contains(&interval), "{interval}");
    }
}

#[test]
fn the_baseline_can_be_the_best_of_the_map() {
    let mut run = fixture::full_run();
    change(&mut run, map::NAME, |map: &mut MapAnswer| {
        map.best.clone_from(&map.baseline);
        for point in &mut map.points {
            point.is_among_best = false;
        }
    });
    let page = page(&run);
    let map = figure(&page, "map");
    assert_eq!(map.matches(">best</text>").count(), 2, "{map}");
    assert!(!map.contains(">maybe</text>"), "{map}");
    assert!(map.contains("threads 1.00, best"), "{map}");
}

#[test]
fn a_map_without_an_interval_has_no_picture() {
    let mut run = fixture::full_run();
    change(&mut run, map::NAME, |map: &mut MapAnswer| {
        for point in &mut map.points {
            point.ratio = None;
            point.is_among_best = false;
        }
    });
    let page = page(&run);
    let mixes = section(&page, "mixes").expect("the table stays");
    assert!(!mixes.contains("<figure"), "{mixes}");
}

#[test]
fn efficiency_is_that_of_the_record() {
    let mut run = fixture::full_run();
    let page_of = page(&run);
    let scaling = section(&page_of, "scaling").expect("there is a section");
    assert!(
        scaling.contains("one agent 61.0 k op/s, contention 0.0420"),
        "{scaling}"
    );
    let id = "efficiency-exploration-processes-none-threads-none";
    let picture = figure(&page_of, id);
    let found: Vec<ScalingOf> = run.finding(scaling::NAME).expect("it is in the fixture");
    for point in &found[0].sides[1].points {
        let share = point.efficiency.expect("one agent was measured");
        let said = format!("{:.0} %", share * 100.0);
        assert!(picture.contains(&said), "{said}: {picture}");
    }
    run.findings.remove(scaling::NAME);
    let without = page(&run);
    assert!(!without.contains("id=\"efficiency-"));
    assert!(section(&without, "scaling").is_none());
}

#[test]
fn how_a_run_looked_is_said() {
    let said = "intervals widened by 1.35, at most 20 pairs";
    let full = page(&fixture::full_run());
    let machine = section(&full, "machine").expect("there is a section");
    assert!(machine.contains(said), "{machine}");
    assert!(!page(&fixture::run()).contains("widened by"));
}

#[test]
fn pairs_stand_where_they_ran() {
    let mut run = fixture::run();
    // Rounds from the last cell to the first.
    let rounds = run.cells.iter().map(|c| c.pairs.len()).max().unwrap_or(0);
    run.plan.order = (0..rounds)
        .flat_map(|round| (0..run.cells.len()).rev().map(move |cell| (round, cell)))
        .filter(|(round, cell)| *round < run.cells[*cell].pairs.len())
        .map(|(round, cell)| OrderEntry {
            round: round as u32,
            cell,
            first: run.cells[cell].pairs[round].first,
        })
        .collect();
    let page = page(&run);
    let first = run.cells[0].pairs.len();
    let place = run.cells.len();
    assert!(first > 0);
    assert!(page.contains(&format!("pair {place}: ratio")), "{place}");
}

#[test]
fn the_record_is_inside_byte_for_byte() {
    let run = fixture::busy_run();
    let page = page(&run);
    let (_, link) = page
        .split_once("data:application/gzip;base64,")
        .expect("there is a link");
    let inside = link.split('"').next().expect("the link ends");
    let packed = STANDARD.decode(inside).expect("base64");
    let mut text = String::new();
    GzDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .expect("UTF-8");
    let mut written = Vec::new();
    find("json")
        .expect("the format is registered")
        .report
        .write(&run, &Style::default(), &mut written)
        .expect("a Vec takes everything");
    assert!(text.as_bytes() == written);
    assert!(json::read(&text).expect("a record") == run);
}

#[test]
fn checks_have_their_outcome_in_words() {
    let page = page(&checked_run());
    for (id, said) in [
        ("thresholds", "1 PASS, 1 WARN, 1 FAIL"),
        ("thresholds", "floor is PASS"),
        ("claims", "REFUTED"),
        ("claims", "NOT MEASURED"),
    ] {
        let checks = section(&page, id).expect("there are checks");
        assert!(checks.contains(said), "{said}: {checks}");
    }
}

/// Leaves the pages where `scripts/page.sh` takes them from.
#[test]
fn pages_of_every_kind_can_be_saved() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).expect("the folder of the tests can be written to");
    let pages = runs().into_iter().map(|(name, run)| (name, page(&run)));
    for (name, page) in pages.chain([("history", page_of(&past()))]) {
        let path = folder.join(format!("{name}.html"));
        std::fs::write(&path, page).expect("the folder of the tests can be written to");
    }
}
