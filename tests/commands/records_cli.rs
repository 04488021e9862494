//! What does a person see who compares records, looks at their history, or makes conditions?

use crate::{fixture, folder, forkscope, stderr, stdout};
use std::fs;
use std::path::Path;

use assert_cmd::assert::Assert;
use forkscope::metric::Metric;
use forkscope::record::checks::{CheckKind, CheckOutcome};
use forkscope::record::comparison::{ChangeVerdict, Comparison};
use forkscope::record::history::History;
use forkscope::record::{Outcome, Run};
use forkscope::report::json;
use tempfile::TempDir;

fn save(folder: &TempDir, name: &str, run: &Run) {
    json::save(run, &folder.path().join(name)).unwrap();
}

/// Every invocation takes a third of the op/s that it had.
fn slower() -> Run {
    let mut run = fixture::run();
    for pair in run.cells.iter_mut().flat_map(|c| &mut c.pairs) {
        for outcome in [&mut pair.baseline, &mut pair.x] {
            if let Outcome::Measured(sample) = outcome {
                sample.set(Metric::OPS_PER_S, sample.ops_per_s() / 3.0);
            }
        }
    }
    run
}

fn compare(folder: &TempDir, arguments: &[&str], code: i32) -> Assert {
    let assert = forkscope(folder).arg("compare").args(arguments).assert();
    let said = format!("{}{}", stdout(&assert), stderr(&assert));
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(assert.get_output().status.code(), Some(code), "{said}");
    assert
}

#[test]
fn exit_codes_of_a_comparison_say_what_got_worse() {
    let folder = folder();
    save(&folder, "old", &fixture::run());
    save(&folder, "slow", &slower());
    save(&folder, "withheld", &fixture::withheld_run());
    let mut other_seed = fixture::run();
    other_seed.seed += 1;
    save(&folder, "seed", &other_seed);
    let mut other_machine = fixture::run();
    other_machine.machine.kernel = Some("7.0".to_owned());
    save(&folder, "machine", &other_machine);

    let said = stdout(&compare(&folder, &["old", "old"], 0));
    assert!(said.contains("nothing got worse with certainty"), "{said}");
    // A cell with five pairs, and memory that is not in these records.
    compare(&folder, &["old/run.json", "old", "--strict"], 3);
    let said = stdout(&compare(&folder, &["old", "slow"], 4));
    assert!(
        said.contains("worse, with certainty: threads op/s at exploration@1"),
        "{said}"
    );
    compare(&folder, &["old", "slow", "--strict"], 4);
    compare(&folder, &["slow", "old"], 0);
    let said = stdout(&compare(&folder, &["old", "withheld"], 5));
    assert!(
        words(&said).contains("unchanged · withheld (new)"),
        "{said}"
    );
    compare(&folder, &["withheld", "slow"], 5);

    let said = stderr(&compare(&folder, &["old", "seed"], 2));
    assert!(said.contains("the seed was 42, then 43"), "{said}");
    let said = stderr(&compare(&folder, &["old", "machine"], 2));
    assert!(said.contains("kernel: 6.12.1, then 7.0"), "{said}");
    let said = stdout(&compare(
        &folder,
        &["old", "machine", "--across-machines"],
        0,
    ));
    assert!(
        words(&said).contains("unchanged · another machine"),
        "{said}"
    );
}

/// What was said, without how it is set.
fn words(said: &str) -> String {
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_comparison_is_written_as_it_is_asked_for() {
    let folder = folder();
    save(&folder, "old", &fixture::run());
    save(&folder, "slow", &slower());
    let asked = ["old", "slow", "--tolerance", "throughput=50%,memory=5%"];
    let json = stdout(&compare(
        &folder,
        &[&asked[..], &["--format", "json"]].concat(),
        4,
    ));
    let comparison: Comparison = serde_json::from_str(&json).unwrap();
    assert_eq!(comparison.tolerances.throughput, 0.5);
    assert_eq!(comparison.tolerances.memory, 0.05);
    assert_eq!(comparison.tolerances.setup, 0.1);
    let lines = comparison.cells.iter().flat_map(|c| &c.lines);
    let worse = lines.filter(|l| l.verdict == ChangeVerdict::Worse).count();
    assert_eq!(comparison.regressions, worse);
    let md = stdout(&compare(
        &folder,
        &[&asked[..], &["--format", "md"]].concat(),
        4,
    ));
    assert!(md.starts_with("## verdict\n"), "{md}");
    assert!(md.contains("### worse\n"), "{md}");
    for (bad, words) in [
        (
            ["old", "slow", "--tolerance", "speed=3%"],
            "\"speed\" has no tolerance",
        ),
        (["old", "slow", "--tolerance", "setup"], "is not NAME=SHARE"),
        (["old", "slow", "--format", "pdf"], "invalid value 'pdf'"),
    ] {
        let said = stderr(&compare(&folder, &bad, 2));
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn what_is_no_record_is_named_with_its_path() {
    let folder = folder();
    save(&folder, "old", &fixture::run());
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::write(folder.path().join("torn.json"), "{ \"schema_version\": 1,").unwrap();
    fs::write(folder.path().join("new.json"), "{ \"schema_version\": 99 }").unwrap();
    for (path, words) in [
        ("gone", "gone: cannot be read"),
        ("empty", "empty/run.json: cannot be read"),
        (
            "torn.json",
            "torn.json: it ends in the middle of the record, in line 1",
        ),
        ("new.json", "new.json: the record has schema version 99"),
    ] {
        let said = stderr(&compare(&folder, &["old", path], 2));
        assert!(said.contains(words), "{said}");
        let said = stderr(&compare(&folder, &[path, "old"], 2));
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn the_history_of_a_folder_names_what_it_skips() {
    let folder = folder();
    let reports = folder.path().join("reports");
    let mut later = slower();
    later.started = "2026-02-03T04:05:06Z".to_owned();
    json::save(&fixture::run(), &reports.join("one")).unwrap();
    json::save(&later, &reports.join("deep/er/two")).unwrap();
    fs::write(reports.join("torn.json"), "{").unwrap();
    fs::write(reports.join("one/other.json"), "{").unwrap();
    fs::write(reports.join("notes.txt"), "not a record").unwrap();
    std::os::unix::fs::symlink(&reports, reports.join("circle")).unwrap();
    let trend = |arguments: &[&str]| forkscope(&folder).arg("trend").args(arguments).assert();
    let table = stdout(&trend(&["reports"]).code(0));
    assert!(table.starts_with("2 records, method "), "{table}");
    assert!(
        table.contains("reports/torn.json: it ends in the middle of the record"),
        "{table}"
    );
    assert!(
        !table.contains("other.json") && !table.contains("notes"),
        "{table}"
    );
    let json = stdout(&trend(&["reports", "--format", "json"]).code(0));
    let history: History = serde_json::from_str(&json).unwrap();
    assert_eq!((history.groups.len(), history.skipped.len()), (1, 1));
    let starts = |s: &forkscope::record::history::Series| -> Vec<String> {
        s.points.iter().map(|p| p.started.clone()).collect()
    };
    let expected = ["2026-01-02T03:04:05Z", "2026-02-03T04:05:06Z"];
    assert!(
        history.groups[0]
            .series
            .iter()
            .all(|s| starts(s) == expected)
    );
    let md = stdout(&trend(&["reports", "--format", "md"]).code(0));
    assert!(md.contains("### exploration with 8 agents"), "{md}");
    // By name, and by how the file's name ends.
    let html = stdout(&trend(&["reports", "--format", "html"]).code(0));
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("<figure "));
    assert_eq!(
        stdout(&trend(&["reports", "-o", "history.html"]).code(0)),
        ""
    );
    let written = fs::read_to_string(folder.path().join("history.html")).unwrap();
    assert_eq!(written, html);
    let said = stderr(&trend(&["reports", "-o", "history.docx"]).code(2));
    assert!(said.contains("say which with --format"), "{said}");
    assert!(!folder.path().join("history.docx").exists());
    let said = stderr(&trend(&["nowhere"]).code(2));
    assert!(said.contains("nowhere: cannot be read"), "{said}");
    fs::remove_dir_all(reports.join("one")).unwrap();
    fs::remove_dir_all(reports.join("deep")).unwrap();
    let said = stderr(&trend(&["reports"]).code(2));
    assert!(
        said.contains("holds no record that can be read (skipped 1"),
        "{said}"
    );
}

#[test]
fn a_history_holds_every_run_once_and_those_that_were_kept() {
    let folder = folder();
    let reports = folder.path().join("reports");
    let run = fixture::run();
    let mut second = slower();
    second.started = "2026-02-03T04:05:06Z".to_owned();
    let mut begun = run.clone();
    begun.cells.iter_mut().for_each(|c| c.pairs.truncate(2));
    begun.complete = false;
    // Another run that began in the same second.
    let mut beside = slower();
    beside.command.push_str(" --margin 5%");
    for (name, run) in [
        ("a/run.json", &begun),
        ("b/c/run-1.json", &run),
        ("b/c/run-2.json", &second),
        ("copy.json", &run),
        ("beside/run.json", &beside),
    ] {
        let path = reports.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, serde_json::to_string(run).unwrap()).unwrap();
    }
    let trend = ["trend", "reports", "--format", "json"];
    let json = stdout(&forkscope(&folder).args(trend).assert().code(0));
    let history: History = serde_json::from_str(&json).unwrap();
    let points = |s: &forkscope::record::history::Series| -> Vec<String> {
        s.points.iter().map(|p| p.file.clone()).collect()
    };
    let expected = ["b/c/run-1.json", "beside/run.json", "b/c/run-2.json"];
    let expected = expected.map(|name| format!("reports/{name}"));
    for group in &history.groups {
        assert_eq!(group.records, 3);
        assert!(group.series.iter().all(|s| points(s) == expected), "{json}");
    }
    let mut files: Vec<&str> = history.skipped.iter().map(|s| s.file.as_str()).collect();
    files.sort_unstable();
    assert_eq!(files, ["reports/a/run.json", "reports/copy.json"]);
    let is_told = |why: &str| why.starts_with("the same run as reports/");
    assert!(history.skipped.iter().all(|s| is_told(&s.why)), "{json}");
}

/// Refused before anything is measured or written.
fn refused(folder: &TempDir, arguments: &[&str]) -> String {
    let before = fs::read_dir(folder.path()).unwrap().count();
    let assert = forkscope(folder).args(arguments).assert().code(2);
    assert_eq!(stdout(&assert), "", "{arguments:?}");
    let after = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(before, after, "{arguments:?} left something behind");
    stderr(&assert)
}

#[test]
fn a_condition_that_makes_no_sense_is_refused_before_anything_is_measured() {
    let folder = folder();
    let run = ["run", "-w", "exploration", "-a", "1,2", "--time", "60s"];
    let with = |more: &[&str]| refused(&folder, &[&run[..], more].concat());
    let said = with(&["--fail-if", "exploration: processes < 1"]);
    assert!(said.contains("is not WORKLOAD@AGENTS"), "{said}");
    let said = with(&["--fail-if", "exploration@8: processes < 1"]);
    assert!(
        said.contains("there are exploration@1 and 2: processes (against threads)"),
        "{said}"
    );
    let said = refused(
        &folder,
        &[
            "run",
            "-w",
            "message",
            "--fail-if",
            "message@2: processes < 1",
        ],
    );
    assert!(said.contains("nothing here compares deployments"), "{said}");
    let said = refused(
        &folder,
        &["calibrate", "--fail-if", "exploration@1: processes < 1"],
    );
    assert!(said.contains("a calibration has only controls"), "{said}");
    let said = with(&["--claims", "gone.toml"]);
    assert!(
        said.starts_with("forkscope: gone.toml: cannot be read"),
        "{said}"
    );
    let bad = "[[threshold]]\nname = \"a\"\nworkload = \"b\"\nmetric = \"speed\"\nat_least = 1\n";
    fs::write(folder.path().join("mine.toml"), bad).unwrap();
    let said = with(&["--thresholds", "mine.toml"]);
    assert!(
        said.starts_with("forkscope: mine.toml:4: metric: \"speed\""),
        "{said}"
    );
}

#[test]
fn gates_of_the_environment_are_gates() {
    let folder = folder();
    let assert = forkscope(&folder)
        .args(["quick"])
        .env("FORKSCOPE_FAIL_IF", "exploration@1: processes < 1;nothing")
        .assert()
        .code(2);
    let said = stderr(&assert);
    assert!(said.contains("a colon is missing"), "{said}");
}

#[test]
fn a_measured_run_is_held_against_gates_claims_and_thresholds() {
    let folder = folder();
    let (broken, holds) = (
        "exploration@1: processes > 0.001",
        "exploration@1: processes > 1000",
    );
    let assert = forkscope(&folder)
        .args(["run", "-w", "exploration", "-a", "1", "--time", "45s"])
        .args([
            "--json",
            "-",
            "--quiet",
            "--claims",
            "published",
            "--out",
            "out",
        ])
        .args(["--fail-if", broken, "--fail-if", holds])
        .assert();
    let run = json::read(&stdout(&assert)).unwrap();
    let effect = run.cells[0].effect;
    // On a machine that is busy with other tests a pair may be dropped, or a control fail.
    let (code, word) = match (&run.withheld, effect) {
        (Some(_), _) => (5, "is open"),
        (None, Some(_)) => (4, "is broken"),
        (None, None) => (3, "is open"),
    };
    let said = stderr(&assert);
    assert_eq!(assert.get_output().status.code(), Some(code), "{said}");
    assert!(said.contains(&format!("gate '{broken}' {word}")), "{said}");
    // With --quiet only those are named that do not hold.
    assert_eq!(
        said.contains(holds),
        run.withheld.is_some() || effect.is_none(),
        "{said}"
    );
    let claims: Vec<_> = run
        .checks
        .iter()
        .filter(|c| c.kind == CheckKind::Claim)
        .collect();
    let of_one_agent = claims
        .iter()
        .find(|c| c.name.starts_with("threads are 49"))
        .unwrap();
    let expected = match (&run.withheld, effect) {
        (_, None) => CheckOutcome::NotMeasured,
        (Some(_), _) => CheckOutcome::Inconclusive,
        // Nobody has seen a machine where it is not.
        (None, Some(e)) if e.low > 1.0 / 49.0 => CheckOutcome::Refuted,
        (None, Some(_)) => CheckOutcome::Inconclusive,
    };
    assert_eq!(of_one_agent.outcome, expected, "{}", of_one_agent.sentence);
    let far = claims
        .iter()
        .find(|c| c.asked.contains("8 agents"))
        .unwrap();
    assert_eq!(far.outcome, CheckOutcome::NotMeasured);
    assert!(run.checks.iter().any(|c| c.kind == CheckKind::Threshold));
    let saved = fs::read_to_string(Path::new(folder.path()).join("out/run.json")).unwrap();
    assert_eq!(json::read(&saved).unwrap().checks, run.checks);
}

#[test]
fn help_has_three_examples_and_the_exit_codes() {
    let folder = folder();
    for (command, words) in [
        (
            &["compare", "--help"][..],
            "--strict: a line is not settled",
        ),
        (&["trend", "--help"], "different machines, methods"),
        (&["--help"], "3 a gate is open"),
    ] {
        let said = stdout(&forkscope(&folder).args(command).assert().code(0));
        assert!(said.contains(words), "{said}");
        let examples = said.rsplit("Examples:").next().unwrap();
        assert!(examples.matches("\n  forkscope ").count() >= 3, "{said}");
    }
}
