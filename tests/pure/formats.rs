//! Is a record the same whatever it is rendered as, and is Markdown Markdown whatever the words are?

use crate::fixture;
use forkscope::record::checks::{CheckAnswer, CheckKind, CheckOutcome};
use forkscope::record::{Estimate, Run, schema};
use forkscope::report::json::{self, ReadError};
use forkscope::report::{REGISTRY, Style, find};
use forkscope::study::map;
use jsonschema::Validator;
use serde_json::Value;

fn render(format: &str, run: &Run) -> String {
    let mut out = Vec::new();
    let entry = find(format).expect("the format is registered");
    let written = entry.report.write(run, &Style::default(), &mut out);
    written.expect("a Vec takes everything");
    String::from_utf8(out).expect("reports are UTF-8")
}

/// Runs that differ in what they hold.
fn runs() -> Vec<(&'static str, Run)> {
    vec![
        ("whole", checked_run()),
        ("full", fixture::full_run()),
        ("full-busy", fixture::busy(fixture::full_run())),
        ("withheld", fixture::withheld_run()),
        ("busy", fixture::busy_run()),
        ("incomplete", fixture::incomplete_run()),
        ("probes", fixture::probes_run()),
        ("formats", fixture::formats_run()),
        ("messages", fixture::messages_run()),
        ("hostile", hostile_run()),
        ("empty", empty_run()),
    ]
}

/// The run, held against a claim and a threshold.
fn checked_run() -> Run {
    let mut run = fixture::run();
    run.checks = vec![
        CheckAnswer {
            kind: CheckKind::Claim,
            name: "threads talk cheaper".to_owned(),
            asked: "processes / threads < 1, coordination, 8 agents".to_owned(),
            measured: Some(Estimate {
                value: 0.352,
                low: 0.335,
                high: 0.369,
            }),
            unit: "ratio".to_owned(),
            outcome: CheckOutcome::Confirmed,
            sentence: "threads talk cheaper: confirmed, 0.352 [0.335, 0.369]".to_owned(),
        },
        CheckAnswer {
            kind: CheckKind::Threshold,
            name: "a million agents".to_owned(),
            asked: "at least 1 op/s".to_owned(),
            measured: None,
            unit: "ops/s".to_owned(),
            outcome: CheckOutcome::NotMeasured,
            sentence: "a million agents: not measured".to_owned(),
        },
    ];
    run
}

/// Names and messages that would be markup, a new row, a new column or a new line.
fn hostile_run() -> Run {
    const NAME: &str = "a|b\n*c*, \"d\" `e|f` <script> \\|";
    let mut run = checked_run();
    for cell in &mut run.cells {
        cell.baseline.workload = NAME.to_owned();
        cell.x.workload = NAME.to_owned();
    }
    for answer in &mut run.answers {
        answer.workload = NAME.to_owned();
    }
    for decision in &mut run.decisions {
        decision.workload = NAME.to_owned();
    }
    for check in &mut run.checks {
        check.sentence = NAME.to_owned();
    }
    run.warnings = vec![NAME.to_owned(), "- # > 1. one".to_owned()];
    run.plan.left_out = (0..20).map(|n| format!("{NAME} {n}")).collect();
    run.command = format!("forkscope run -w '{NAME}'");
    run
}

/// A run that was stopped before anything was measured.
fn empty_run() -> Run {
    let mut run = fixture::incomplete_run();
    run.cells.clear();
    run.answers.clear();
    run.decisions.clear();
    run.findings.clear();
    run.plan.order.clear();
    run
}

#[test]
fn the_same_record_gives_the_same_bytes_in_every_format() {
    for (name, run) in runs() {
        let again = json::read(&render("json", &run)).expect("it was written by this program");
        for entry in REGISTRY {
            let once = render(entry.name, &run);
            assert!(once.ends_with('\n'), "{name}, {}", entry.name);
            assert_eq!(once, render(entry.name, &again), "{name}, {}", entry.name);
        }
    }
}

#[test]
fn a_colleague_sees_the_answer_first() {
    insta::assert_snapshot!(render("md", &checked_run()));
}

#[test]
fn markdown_of_messages_folds_what_is_long() {
    insta::assert_snapshot!(render("md", &fixture::messages_run()));
}

#[test]
fn markdown_of_a_long_run_has_all_that_it_asked() {
    insta::assert_snapshot!(render("md", &fixture::full_run()));
}

#[test]
fn labels_stand_before_every_sentence_that_they_are_about() {
    let busy = render("md", &fixture::busy_run());
    let (answer, _) = busy.split_once("\n- machine: ").expect("the machine");
    assert!(answer.starts_with("## verdict\n\n> busy machine: measured although"));
    let run = fixture::busy_run();
    for sentence in run.decisions.iter().flat_map(|d| [&d.crossover, &d.advice]) {
        let said = format!("busy machine: {sentence}");
        assert!(busy.contains(&said), "{said}: {busy}");
    }
    let withheld = render("md", &fixture::withheld_run());
    assert!(
        withheld.starts_with(
            "## verdict\n\n> withheld, do not rely on this: this machine could not tell"
        )
    );
    assert!(!withheld.contains("take threads"), "{withheld}");
    // Controls are what it is withheld for.
    for heading in withheld
        .lines()
        .filter(|l| l.contains(" against ") && l.starts_with('#'))
    {
        assert!(
            heading.ends_with("(withheld, do not rely on this)"),
            "{heading}"
        );
    }
    let incomplete = render("md", &fixture::incomplete_run());
    assert!(incomplete.starts_with("## verdict\n\n> incomplete: interrupted (Ctrl-C) in round 2"));
}

/// Columns of a row of a table: bars that end a cell.
fn columns(row: &str) -> usize {
    row.replace("\\\\", "")
        .replace("\\|", "")
        .matches('|')
        .count()
}

#[test]
fn no_word_breaks_a_table_of_markdown() {
    for (name, run) in runs() {
        let text = render("md", &run);
        let mut header: Option<&str> = None;
        for line in text.lines() {
            match (line.starts_with('|'), header) {
                (false, _) => header = None,
                (true, None) => header = Some(line),
                (true, Some(header)) => {
                    assert_eq!(columns(line), columns(header), "{name}: {line}")
                }
            }
        }
    }
    let hostile = render("md", &hostile_run());
    let is_command = |line: &&str| line.starts_with("- run: ");
    let (commands, others): (Vec<&str>, Vec<&str>) = hostile.lines().partition(is_command);
    for line in others {
        assert!(
            !line.contains(" *c*") && !line.replace("\\<", "").contains("<script>"),
            "{line}"
        );
    }
    assert!(
        matches!(commands[..], [one] if one.contains(" *c*")),
        "as it was typed: {commands:?}"
    );
}

#[test]
fn markdown_is_no_longer_than_a_person_reads() {
    // A table's row is a line: so many stand open before somebody has clicked on anything.
    for (name, run) in runs() {
        let text = render("md", &run);
        let mut is_folded = false;
        let open = text.lines().filter(|line| {
            is_folded = (is_folded || line.starts_with("<details>")) && *line != "</details>";
            !is_folded && !line.is_empty()
        });
        let count = open.count();
        // A long run has a map and latency besides.
        let most = if run.findings.contains_key(map::NAME) {
            105
        } else {
            80
        };
        assert!(count <= most, "{name}: {count} lines");
    }
}

#[test]
fn invocations_have_a_line_each_the_failed_ones_too() {
    let mut run = fixture::run();
    // The cell in which a worker was killed.
    run.cells = vec![run.cells.swap_remove(10)];
    insta::assert_snapshot!(render("csv", &run));
}

#[test]
fn the_header_is_there_when_nothing_was_measured() {
    let text = render("csv", &empty_run());
    assert_eq!(text.lines().count(), 1);
    assert_eq!(
        text.lines().next(),
        render("csv", &fixture::run()).lines().next()
    );
}

#[test]
fn every_invocation_has_as_many_fields_as_there_are_columns() {
    for (name, run) in runs() {
        let text = render("csv", &run);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let columns = reader.headers().expect("a header").len();
        let mut lines = 0;
        for line in reader.records() {
            // The reader itself refuses a line of another length.
            assert_eq!(line.expect("a line").len(), columns, "{name}");
            lines += 1;
        }
        let pairs: usize = run.cells.iter().map(|c| c.pairs.len()).sum();
        assert_eq!(lines, 2 * pairs, "{name}");
    }
}

fn validator() -> Validator {
    let schema: Value = serde_json::from_str(schema::RUN).expect("JSON");
    jsonschema::draft202012::new(&schema).expect("a schema")
}

fn errors(validator: &Validator, record: &Value) -> Vec<String> {
    let errors = validator.iter_errors(record);
    errors
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect()
}

#[test]
fn every_record_keeps_to_the_schema() {
    let validator = validator();
    for (name, run) in runs() {
        let record = serde_json::to_value(&run).expect("JSON");
        assert_eq!(errors(&validator, &record), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn wherever_a_record_is_cut_off_it_is_said_to_be() {
    let mut run = fixture::run();
    run.cells.truncate(1);
    let whole = render("json", &run);
    let whole = whole.trim_end();
    for end in (1..whole.len())
        .filter(|&end| whole.is_char_boundary(end))
        .step_by(31)
    {
        let line = whole[..end].matches('\n').count() + 1;
        assert_eq!(
            json::read(&whole[..end]),
            Err(ReadError::CutOff { line }),
            "{end}"
        );
    }
    assert_eq!(json::read(whole), Ok(run));
}

/// What somebody does to a record.
type Damage = fn(&mut Value);

#[test]
fn a_damaged_record_breaks_the_schema_and_is_not_read() {
    let validator = validator();
    let whole = serde_json::to_value(checked_run()).expect("JSON");
    let damages: [(&str, Damage); 8] = [
        ("another version", |r| {
            r["schema_version"] = serde_json::json!(99)
        }),
        ("no seed", |r| {
            drop(r.as_object_mut().unwrap().remove("seed"))
        }),
        ("a seed in words", |r| {
            r["seed"] = serde_json::json!("forty-two")
        }),
        ("a negative count", |r| {
            r["cells"][0]["agents"] = serde_json::json!(-1)
        }),
        ("no number", |r| {
            r["cells"][0]["effect"]["ratio"] = Value::Null
        }),
        ("an unknown verdict", |r| {
            r["cells"][0]["verdict"] = serde_json::json!({"verdict": "perhaps"})
        }),
        ("an unknown cause", |r| {
            r["cells"][0]["pairs"][0]["dropped"] =
                serde_json::json!({"cause": "dislike", "detail": ""});
        }),
        ("neither sample nor failure", |r| {
            r["cells"][0]["pairs"][0]["x"] = serde_json::json!({})
        }),
    ];
    for (name, damage) in damages {
        let mut record = whole.clone();
        damage(&mut record);
        assert_ne!(errors(&validator, &record), Vec::<String>::new(), "{name}");
        assert!(json::read(&record.to_string()).is_err(), "{name}");
    }
}
