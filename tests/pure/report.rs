//! What a person and another program get from a run, against golden files.

use crate::fixture;
use std::path::Path;

use forkscope::metric::Metric;
use forkscope::record::{
    Effect, Estimate, Outcome, Run, SCHEMA_VERSION, Sample, Verdict, WorkloadRecord,
};
use forkscope::report::json::{self, ReadError};
use forkscope::report::{REGISTRY, Style, find, terminal as text};
use forkscope::study;
use forkscope::study::calibrate;
use forkscope::study::latency::{self, LatencyAnswer, LatencyFinding, LatencyOf, LatencySide};

fn render(format: &str, run: &Run, style: &Style) -> String {
    let mut out = Vec::new();
    find(format)
        .expect("the format is registered")
        .report
        .write(run, style, &mut out)
        .expect("a Vec takes everything");
    String::from_utf8(out).expect("reports are UTF-8")
}

fn terminal(run: &Run) -> String {
    let style = Style {
        record: Some(Path::new("reports/2026-01-02/run.json").to_owned()),
        ..Style::default()
    };
    render("terminal", run, &style)
}

fn widest(text: &str) -> usize {
    text.lines().map(|l| l.chars().count()).max().unwrap_or(0)
}

#[test]
fn a_person_sees_tables_and_sentences() {
    insta::assert_snapshot!(terminal(&fixture::run()));
}

#[test]
fn a_withheld_headline_is_replaced_by_its_reason() {
    let text = terminal(&fixture::withheld_run());
    assert!(!text.contains("take threads"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn every_verdict_of_a_busy_machine_is_labelled() {
    let run = fixture::busy_run();
    let text = terminal(&run);
    let compared = run.cells.iter().filter(|c| c.is_comparison());
    let in_tables = text.matches(" (busy machine)").count();
    assert!(in_tables >= compared.count(), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_relay_has_a_line_for_each_side_and_a_sentence_for_each_deployment() {
    let mut run = fixture::run();
    run.workloads = vec![WorkloadRecord {
        name: "coordination".to_owned(),
        origin: String::new(),
        parameters: serde_json::json!({ "workload": "relay" }),
        episode_length: 16,
        life_length: None,
        digest_round: 20,
    }];
    for cell in &mut run.cells {
        if cell.baseline.workload == "coordination" {
            cell.study = "relay".to_owned();
        }
    }
    find_latency(&mut run, "exploration", vec![late(8, 0)]);
    find_latency(&mut run, "coordination", vec![late(8, 0)]);
    let text = terminal(&run);
    assert!(widest(&text) <= 100, "{text}");
    assert!(
        text.contains("coordination: where messages stop scaling"),
        "{text}"
    );
    for deployment in ["threads", "processes"] {
        let sentence = format!("coordination, {deployment}: most op/s at");
        let unwrapped = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(unwrapped.contains(&sentence), "{text}");
    }
    // Its figures stand in this table, and not again as service time in another one.
    assert!(text.contains("400 µs / 1.20 ms"), "{text}");
    assert!(!text.contains("coordination: processes against"), "{text}");
}

/// Latency at one agent count, where processes are twice as late.
fn late(agents: usize, fell_behind: usize) -> LatencyAnswer {
    let side = |times: f64, fell_behind| LatencySide {
        p50_ns: 4e5 * times,
        p99_ns: Some(1.2e6 * times),
        p999_ns: None,
        fell_behind,
    };
    let twice = Estimate {
        value: 2.0,
        low: 1.81,
        high: 2.21,
    };
    LatencyAnswer {
        agents,
        planned_per_s: 31_400.0,
        load: Some(0.66),
        step_ns: None,
        pairs: 6,
        baseline: side(1.0, 0),
        x: side(2.0, fell_behind),
        p50: Some(twice),
        p99: Some(twice),
        sentence: format!("what latency says at {agents} agents"),
    }
}

/// Puts what was found of latency into a run.
fn find_latency(run: &mut Run, workload: &str, answers: Vec<LatencyAnswer>) {
    let mut found: LatencyFinding = run.finding(latency::NAME).unwrap_or_default();
    found.comparisons.push(LatencyOf {
        workload: workload.to_owned(),
        baseline: "threads".to_owned(),
        x: "processes".to_owned(),
        answers,
    });
    let value = study::finding(&found).expect("a finding is JSON");
    run.findings.insert(latency::NAME.to_owned(), value);
}

#[test]
fn latency_has_a_table_and_a_sentence_for_each_agent_count() {
    let mut run = fixture::run();
    find_latency(&mut run, "coordination", vec![late(2, 0), late(8, 3)]);
    let text = terminal(&run);
    assert!(widest(&text) <= 100, "{text}");
    let table = text.find("\nlatency").expect("a heading");
    let end = text[table..].find("\ncontrols").expect("what follows");
    insta::assert_snapshot!(text[table..table + end]);
    for agents in [2, 8] {
        assert!(text.contains(&format!("what latency says at {agents} agents")));
    }
}

#[test]
fn a_long_run_has_a_map_scaling_latency_and_says_how_it_looked() {
    let text = terminal(&fixture::full_run());
    assert!(widest(&text) <= 100, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn probes_have_one_table_and_one_sentence() {
    let text = terminal(&fixture::probes_run());
    assert!(widest(&text) <= 100, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn messages_have_levels_a_split_and_ratios_and_deliveries_a_table() {
    let text = terminal(&fixture::messages_run());
    assert!(widest(&text) <= 100, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn formats_have_tables_and_a_sentence_for_each_body() {
    let mut run = fixture::formats_run();
    let text = terminal(&run);
    assert!(widest(&text) <= 100, "{text}");
    // The hops that they are held against stand in a table of theirs, not as messages.
    assert!(!text.contains("a message of"), "{text}");
    insta::assert_snapshot!(text);
    run.withheld = Some("a null has a winner".to_owned());
    let text = terminal(&run);
    assert!(!text.contains("is confirmed"), "{text}");
}

#[test]
fn agents_and_probes_in_one_run_keep_apart() {
    let (mut run, probes) = (fixture::run(), fixture::probes_run());
    let without = terminal(&run);
    run.workloads = probes.workloads;
    run.cells.extend(probes.cells);
    let with = terminal(&run);
    let begins = with.find("what in this operating system").expect("a table");
    assert!(!with[..begins].contains("probes/"), "{with}");
    assert!(!without.contains("probes"), "{without}");
    assert!(with.contains("exploration: processes against threads"));
    assert!(with.contains("threads pay more for tlb (2), mmap (2)"));
}

#[test]
fn an_incomplete_run_says_so() {
    insta::assert_snapshot!(terminal(&fixture::incomplete_run()));
}

#[test]
fn without_colour_there_are_no_escape_codes_and_with_it_the_words_are_the_same() {
    let run = fixture::run();
    let plain = terminal(&run);
    assert!(!plain.contains('\x1b'));
    let style = Style {
        color: true,
        ..Style::default()
    };
    let mut colored = render("terminal", &run, &style);
    assert!(colored.contains("\x1b["));
    for code in ["0", "1", "2", "33", "36"] {
        colored = colored.replace(&format!("\x1b[{code}m"), "");
    }
    assert_eq!(colored, render("terminal", &run, &Style::default()));
}

#[test]
fn no_line_is_wider_than_asked() {
    for run in [
        fixture::run(),
        fixture::withheld_run(),
        fixture::busy_run(),
        fixture::incomplete_run(),
    ] {
        assert!(widest(&terminal(&run)) <= 100, "{}", terminal(&run));
        for width in [90, 80, 60, 40] {
            let narrow = Style {
                width: Some(width),
                ..Style::default()
            };
            let text = render("terminal", &run, &narrow);
            assert!(widest(&text) <= width, "{text}");
        }
    }
}

#[test]
fn a_table_that_does_not_fit_becomes_a_list() {
    let style = Style {
        width: Some(60),
        ..Style::default()
    };
    insta::assert_snapshot!(render("terminal", &fixture::run(), &style));
}

#[test]
fn a_long_deployment_still_fits() {
    let mut run = fixture::run();
    let long = "processes:16x2";
    for cell in &mut run.cells {
        cell.x.deployment = cell.x.deployment.replace("processes", long);
        cell.x.label = cell.x.deployment.clone();
        if let Verdict::Ahead { deployment } = &mut cell.verdict {
            *deployment = deployment.replace("processes", long);
        }
    }
    for answer in &mut run.answers {
        answer.x = long.to_owned();
    }
    let findings = serde_json::to_string(&run.findings).expect("JSON");
    let findings = findings.replace("processes", long);
    run.findings = serde_json::from_str(&findings).expect("JSON");
    study::advise(&mut run);
    let text = terminal(&run);
    assert!(widest(&text) <= 100, "{text}");
}

#[test]
fn ascii_is_enough() {
    let style = Style {
        unicode: false,
        ..Style::default()
    };
    let text = render("terminal", &fixture::run(), &style);
    assert!(text.is_ascii(), "{text}");
    assert!(!text.contains('?'), "{text}");
}

#[test]
fn pairs_needed_are_named_only_where_they_are_more_than_were_measured() {
    let mut run = fixture::run();
    assert!(terminal(&run).contains("inconclusive (needs about "));
    for cell in &mut run.cells {
        if let Some(effect) = &mut cell.effect {
            effect.pairs_needed = effect.pairs;
        }
    }
    assert!(!terminal(&run).contains("needs about"));
}

#[test]
fn pairs_that_no_run_gives_are_not_named() {
    let mut run = fixture::run();
    for effect in run.cells.iter_mut().filter_map(|c| c.effect.as_mut()) {
        effect.pairs_needed = 1102;
    }
    let text = terminal(&run);
    assert!(
        text.contains("inconclusive (too noisy to settle)"),
        "{text}"
    );
    assert!(!text.contains("1102"), "{text}");
}

#[test]
fn many_deployments_have_a_paragraph_for_each_workload_and_a_line_each() {
    let run = fixture::many_deployments_run();
    let text = terminal(&run);
    assert!(widest(&text) <= 100, "{text}");
    let from = text.find("\nverdict").expect("a heading");
    let verdict = &text[from..];
    // Of one workload another deployment is the answer, of the other one it is not.
    let paragraphs = |text: &str| {
        let ends = [
            "Of the other deployments, ",
            "Between threads and processes, ",
        ];
        ends.map(|end| {
            text.split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .matches(end)
                .count()
        })
        .iter()
        .sum::<usize>()
    };
    assert_eq!(paragraphs(verdict), 2, "{verdict}");
    insta::assert_snapshot!(verdict);
    let markdown = render("md", &run, &Style::default());
    assert_eq!(paragraphs(&markdown), 2, "{markdown}");
    let line = "| coordination | threads:cores | 1.200 ";
    assert_eq!(markdown.matches(line).count(), 1, "{markdown}");
}

#[test]
fn a_busy_machine_is_named_in_the_lines_of_other_deployments() {
    let run = fixture::busy(fixture::many_deployments_run());
    let text = terminal(&run);
    let unwrapped = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for decision in &run.decisions {
        let advice = format!("busy machine: {}", decision.advice);
        assert!(unwrapped.contains(&advice), "{advice}: {text}");
        assert!(!decision.advice.contains("busy machine"));
        assert!(!decision.others.is_empty());
    }
    let (_, others) = text.split_once("the other deployments").expect("a table");
    let named = others.matches("busy machine").count();
    let all: usize = run.decisions.iter().map(|d| d.others.len()).sum();
    assert!(named >= all, "{others}");
}

#[test]
fn every_format_ends_with_a_line_break_and_gives_the_same_bytes_twice() {
    let run = fixture::run();
    for entry in REGISTRY {
        let once = render(entry.name, &run, &Style::default());
        assert!(once.ends_with('\n'), "{}", entry.name);
        assert_eq!(
            once,
            render(entry.name, &run, &Style::default()),
            "{}",
            entry.name
        );
    }
}

#[test]
fn a_record_survives_json() {
    for run in [
        fixture::run(),
        fixture::withheld_run(),
        fixture::busy_run(),
        fixture::incomplete_run(),
        fixture::probes_run(),
        fixture::formats_run(),
        fixture::messages_run(),
    ] {
        let text = render("json", &run, &Style::default());
        assert_eq!(json::read(&text).as_ref(), Ok(&run));
    }
}

#[test]
fn a_record_of_another_schema_is_refused_with_both_versions() {
    let newer = r#"{ "schema_version": 99, "something": "new" }"#;
    assert_eq!(
        json::read(newer),
        Err(ReadError::OtherSchema {
            found: 99,
            known: SCHEMA_VERSION,
            written_by: None,
        })
    );
    let said = json::read(newer).expect_err("refused").to_string();
    assert_eq!(
        said,
        format!(
            "the record has schema version 99, this forkscope reads version {SCHEMA_VERSION}: \
             update forkscope to read it"
        )
    );
}

#[test]
fn bad_json_is_refused_with_its_line() {
    let text = render("json", &fixture::run(), &Style::default());
    let broken = text.replacen("\"seed\": 42", "\"seed\": forty-two", 1);
    let line = broken
        .lines()
        .position(|l| l.contains("forty-two"))
        .expect("the text was broken")
        + 1;
    let said = json::read(&broken).expect_err("refused").to_string();
    assert!(said.starts_with(&format!("line {line}, column ")), "{said}");
    let said = json::read("{}").expect_err("refused").to_string();
    assert!(said.contains("missing field `schema_version`"), "{said}");
}

#[test]
fn a_record_that_says_what_cannot_be_is_refused_with_its_place() {
    let run = fixture::run();
    let measured = |run: &mut Run, change: fn(&mut Sample)| {
        let Outcome::Measured(sample) = &mut run.cells[1].pairs[0].x else {
            panic!("it was measured");
        };
        change(sample);
    };
    let (mut rate, mut margin) = (run.clone(), run);
    measured(&mut rate, |s| s.set(Metric::OPS_PER_S, -12.0));
    margin.margin = -0.03;
    let (mut effect, mut much) = (margin.clone(), margin.clone());
    (effect.margin, much.margin) = (0.03, 0.03);
    effect.cells[0].effect.as_mut().expect("it has one").low = 0.0;
    much.answers[0].setup[0].x_s = 1e300;
    // Of these the exponential, or the logarithm of the quotient, would be without end.
    let (mut order, mut least) = (effect.clone(), effect.clone());
    let of = |run: &mut Run, change: fn(&mut Effect)| {
        let e = run.cells[0].effect.as_mut().expect("it has one");
        e.low = e.ratio;
        change(e);
    };
    of(&mut order, |e| e.order_effect = -9e29);
    of(&mut least, |e| e.low = f64::MIN_POSITIVE);
    for (run, why) in [
        (
            rate,
            "cells[1].pairs[0].x: ops_per_s is -12, and it is never below 0",
        ),
        (effect, "cells[0].effect: ratio is "),
        (least, "cells[0].effect: ratio is "),
        (order, "the record: cells[0].effect.order_effect is -9"),
        (much, "the record: answers[0].setup[0].x_s is 1"),
        (
            margin,
            "the record: margin is -0.03, and a margin lies between 0 and 1",
        ),
    ] {
        let text = render("json", &run, &Style::default());
        let said = json::read(&text).expect_err("refused").to_string();
        assert!(said.starts_with(why), "{said}");
    }
}

#[test]
fn a_record_does_not_steer_a_terminal() {
    let mut run = fixture::run();
    run.command = "forkscope \u{1b}]0;t\u{7} quick \\u001b".to_owned();
    let text = render("json", &run, &Style::default());
    assert!(text.contains("\\u001b]0;t\\u0007"), "{text}");
    let read = json::read(&text).expect("it is a record");
    assert_eq!(read.command, "forkscope \u{fffd}]0;t\u{fffd} quick \\u001b");
}

#[test]
fn what_spoke_against_the_machine_is_said_with_the_answer() {
    let mut run = fixture::run();
    let caution = "mind the machine: the pace of the CPUs varies by 20 %";
    run.machine.quota_cpus = None;
    assert!(!terminal(&run).contains("mind the machine"));
    run.machine.pace_spread = Some(0.2);
    assert!(terminal(&run).contains(caution));
    let page = render("html", &run, &Style::default());
    let head = page.split("<main").next().expect("a page has a head");
    assert!(
        head.contains("the pace of the CPUs varies by 20 %"),
        "{head}"
    );
}

#[test]
fn a_saved_record_is_read_again_and_replaces_the_one_before() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let folder = dir.path().join("new/run");
    json::save(&fixture::incomplete_run(), &folder).expect("saved");
    let path = json::save(&fixture::run(), &folder).expect("saved again");
    assert_eq!(path, folder.join("run.json"));
    let text = std::fs::read_to_string(&path).expect("the file is there");
    assert_eq!(json::read(&text), Ok(fixture::run()));
    let files = std::fs::read_dir(&folder)
        .expect("the folder is there")
        .count();
    assert_eq!(files, 1, "nothing unfinished is left behind");
}

#[test]
fn a_folder_that_cannot_be_made_is_named_with_the_next_step() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("in-the-way");
    std::fs::write(&file, "").expect("written");
    let said = json::save(&fixture::run(), &file.join("run"))
        .expect_err("a file is no folder")
        .to_string();
    assert!(said.contains("in-the-way/run"), "{said}");
    assert!(said.contains("--out"), "{said}");
}

#[test]
fn a_calibration_is_a_table_under_its_machine() {
    let calibration = fixture::calibration();
    let mut out = Vec::new();
    text::write(
        &calibrate::document(&calibration),
        &Style::default(),
        &mut out,
    )
    .unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(widest(&text) <= 100, "{text}");
    insta::assert_snapshot!(text);
}
