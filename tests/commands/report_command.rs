//! Does `report` render what it is given, and say what is wrong with what is none?

use crate::{BINARY, fixture, forkscope};
use std::fs;
use std::path::PathBuf;

use forkscope::record::{METHOD_VERSION, Run, schema};
use forkscope::report::{REGISTRY, Style, json};
use forkscope::study;
use tempfile::TempDir;

/// A record as this build concludes it.
fn run() -> Run {
    let mut run = fixture::run();
    study::conclude_again(&mut run);
    run
}

/// A folder with `run/run.json`.
fn folder_with(run: &Run) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let record = json::save(run, &folder.path().join("run")).unwrap();
    (folder, record)
}

/// What the command prints, and what it says beside.
fn printed(folder: &TempDir, arguments: &[&str], input: &str) -> (String, String) {
    let assert = forkscope(folder)
        .arg("report")
        .args(arguments)
        .write_stdin(input)
        .assert()
        .code(0);
    let output = assert.get_output();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (text(&output.stdout), text(&output.stderr))
}

/// Refused in one sentence, with nothing on standard output.
fn refused(folder: &TempDir, arguments: &[&str], input: &str) -> String {
    let assert = forkscope(folder)
        .arg("report")
        .args(arguments)
        .write_stdin(input)
        .assert()
        .code(2);
    let output = assert.get_output();
    assert!(output.stdout.is_empty(), "{arguments:?}");
    let said = String::from_utf8(output.stderr.clone()).expect("UTF-8");
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[test]
fn a_record_is_rendered_from_its_file_its_folder_and_standard_input() {
    let run = run();
    let (folder, record) = folder_with(&run);
    let input = fs::read_to_string(&record).unwrap();
    for entry in REGISTRY {
        let mut expected = Vec::new();
        let style = Style::default();
        entry.report.write(&run, &style, &mut expected).unwrap();
        let expected = String::from_utf8(expected).unwrap();
        for from in ["run/run.json", "run", "run/", "-"] {
            let got = printed(&folder, &[from, "--format", entry.name], &input);
            assert_eq!(
                got,
                (expected.clone(), String::new()),
                "{from}, {}",
                entry.name
            );
        }
        let file = format!("new/folder/report.{}", entry.extension);
        let got = printed(&folder, &["run", "-f", entry.name, "-o", &file], "");
        assert_eq!(got, (String::new(), String::new()));
        let written = fs::read_to_string(folder.path().join(&file)).unwrap();
        assert_eq!(written, expected, "{}", entry.name);
    }
    // Left out, it is what a person reads.
    let (text, _) = printed(&folder, &["run"], "");
    let head = format!("forkscope 0.1.0, method {METHOD_VERSION}\n");
    assert!(text.starts_with(&head), "{text}");
    assert_eq!(fs::read_to_string(&record).unwrap(), input, "only read");
}

#[test]
fn a_file_is_written_anew_in_the_format_that_its_name_ends_with() {
    let (folder, record) = folder_with(&run());
    let at = |name: &str| folder.path().join(name);
    for entry in REGISTRY {
        let name = format!("run/report.{}", entry.extension);
        fs::write(
            at(&name),
            "an earlier one, which was longer\n".repeat(100_000),
        )
        .unwrap();
        printed(&folder, &["run", "-o", &name], "");
        let (text, _) = printed(&folder, &["run", "-f", entry.name], "");
        assert_eq!(fs::read_to_string(at(&name)).unwrap(), text, "{name}");
    }
    let files = fs::read_dir(at("run")).unwrap().count();
    assert_eq!(
        files,
        REGISTRY.len() + 1,
        "nothing unfinished is left behind"
    );

    let said = refused(&folder, &["run", "-o", "report.docx"], "");
    assert!(
        said.contains("report.docx does not end like any format"),
        "{said}"
    );
    assert!(said.contains("--format"), "{said}");
    // A record is not written over.
    let before = fs::read_to_string(&record).unwrap();
    for format in ["json", "md"] {
        let said = refused(&folder, &["run", "-f", format, "-o", "run/run.json"], "");
        assert!(said.contains("is the record itself"), "{said}");
    }
    assert_eq!(fs::read_to_string(&record).unwrap(), before);
    assert_eq!(fs::read_dir(at("run")).unwrap().count(), files);
}

#[test]
fn what_cannot_be_written_is_a_failure_with_the_next_step() {
    let (folder, _) = folder_with(&run());
    for file in ["run", "run/run.json/report.md"] {
        let arguments = ["report", "run", "-f", "md", "-o", file];
        let assert = forkscope(&folder).args(arguments).assert().code(1);
        let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(said.contains("give another file with -o"), "{said}");
    }
}

#[test]
fn an_incomplete_record_is_rendered_with_its_reason() {
    let (folder, _) = folder_with(&fixture::incomplete_run());
    for entry in REGISTRY {
        let (text, said) = printed(&folder, &["run", "-f", entry.name], "");
        assert!(text.len() > 100, "{}", entry.name);
        assert!(
            said.contains("incomplete: interrupted (Ctrl-C) in round 2"),
            "{said}"
        );
    }
}

#[test]
fn what_is_no_record_is_refused_with_what_it_is() {
    let (folder, record) = folder_with(&run());
    let whole = fs::read_to_string(&record).unwrap();
    let half = &whole[..whole.len() / 2];
    let from_text = |text: &str| refused(&folder, &["-"], text);

    let said = refused(&folder, &["nowhere.json"], "");
    assert!(
        said.contains("nowhere.json: there is no such file"),
        "{said}"
    );
    let said = refused(&folder, &["."], "");
    assert!(said.contains("./run.json: there is no such file"), "{said}");

    let said = from_text(half);
    assert!(
        said.contains("standard input: it ends in the middle of the record"),
        "{said}"
    );
    assert!(
        said.contains(&format!("line {}", half.lines().count())),
        "{said}"
    );
    assert!(from_text(" \n").contains("it is empty"));
    let said = from_text("# a report\n");
    assert!(
        said.contains("line 1, column 1: ") && said.contains("this is not JSON"),
        "{said}"
    );
    let said = from_text("\n  [1, 2]");
    assert!(
        said.contains("line 2, column 3: this is a list, not the object of a record"),
        "{said}"
    );
    let said = from_text("12");
    assert!(said.contains("expected the object of a record"), "{said}");
    let said = from_text("{\"name\": \"package.json\"}");
    assert!(said.contains("missing field `schema_version`"), "{said}");
    let said = from_text(&whole.replacen("\"seed\"", "\"seeds\"", 1));
    assert!(said.contains("missing field `seed`"), "{said}");
    let calibration = serde_json::to_string(&fixture::calibration()).unwrap();
    let said = from_text(&calibration);
    assert!(
        said.contains("it is a record of `forkscope calibrate`"),
        "{said}"
    );

    fs::write(&record, [0x1f, 0x8b, 0x08]).unwrap();
    let said = refused(&folder, &["run"], "");
    assert!(said.contains("run/run.json: it is not text"), "{said}");

    let said = refused(&folder, &["run", "-f", "pdf"], "");
    for entry in REGISTRY {
        assert!(said.contains(entry.name), "{said}");
    }
}

#[test]
fn keys_that_are_not_known_are_passed_over_and_named() {
    let (folder, record) = folder_with(&run());
    let whole = fs::read_to_string(&record).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&whole).unwrap();
    json["commit"] = "abc".into();
    json["machine"]["rack"] = serde_json::json!({"row": 3});
    for cell in json["cells"].as_array_mut().unwrap() {
        cell["pairs"][0]["col\u{1b}our"] = "red".into();
    }
    let (text, said) = printed(&folder, &["-", "-f", "json"], &json.to_string());
    assert_eq!(text, whole);
    for name in ["commit", "machine.rack", "cells[].pairs[].col\u{fffd}our"] {
        assert_eq!(said.matches(name).count(), 1, "{said}");
    }
    assert!(said.contains("not known to this version"), "{said}");
    let schema = serde_json::from_str(schema::RUN).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    assert!(validator.is_valid(&json), "nor is that another shape");
    // As many as somebody likes, in one line.
    for n in 0..1000 {
        json[format!("more{n}")] = n.into();
    }
    let (_, said) = printed(&folder, &["-", "-f", "json"], &json.to_string());
    assert!(
        said.ends_with(" and others\n") && said.len() < 300,
        "{said}"
    );
}

#[test]
fn a_byte_order_mark_is_passed_over_and_utf_16_named() {
    let (folder, record) = folder_with(&run());
    let whole = fs::read_to_string(&record).unwrap();
    fs::write(&record, format!("\u{feff}{whole}")).unwrap();
    assert_eq!(printed(&folder, &["run", "-f", "json"], "").0, whole);
    let wide: Vec<u8> = whole.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(&record, [&[0xff, 0xfe], &wide[..]].concat()).unwrap();
    let said = refused(&folder, &["run"], "");
    assert!(
        said.contains("it is UTF-16 text; write it as UTF-8"),
        "{said}"
    );
}

#[test]
fn standard_streams_that_do_not_block_carry_everything() {
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    let (folder, record) = folder_with(&run());
    let input = fs::read_to_string(&record).unwrap();
    let unblocked = || {
        let (reader, writer) = std::io::pipe().unwrap();
        for end in [&reader as &dyn std::os::fd::AsFd, &writer] {
            let flags = nix::fcntl::OFlag::O_NONBLOCK;
            nix::fcntl::fcntl(end.as_fd(), nix::fcntl::FcntlArg::F_SETFL(flags)).unwrap();
        }
        // Smaller than what is written.
        nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
        (reader, writer)
    };
    let blocked = |end: &dyn std::os::fd::AsFd| {
        let flags = nix::fcntl::OFlag::empty();
        nix::fcntl::fcntl(end.as_fd(), nix::fcntl::FcntlArg::F_SETFL(flags)).unwrap();
    };
    for (arguments, from_stderr) in [
        (&["report", "-", "-f", "json"][..], false),
        (&["report", "-", "-f", "html"], false),
        (&["report", "-", "-f", "csv"], false),
        (&["run", "--help"], false),
        (
            &["run", "-w", "nowhere", "--fail-if", &"x".repeat(20_000)],
            true,
        ),
    ] {
        let expected = forkscope(&folder)
            .args(arguments)
            .write_stdin(input.clone())
            .output()
            .unwrap();
        let ((from, to), (mut reader, writer)) = (unblocked(), unblocked());
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .current_dir(folder.path())
            .env("FORKSCOPE_ALLOW_BUSY", "1")
            .stdin(from);
        match from_stderr {
            true => command.stderr(writer).stdout(Stdio::null()),
            false => command.stdout(writer).stderr(Stdio::null()),
        };
        let mut child = command.spawn().unwrap();
        drop(command);
        blocked(&reader);
        blocked(&to);
        let written = input.clone();
        // Whoever does not read it closes the pipe.
        let feeder = std::thread::spawn(move || drop((&to).write_all(written.as_bytes())));
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        feeder.join().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), expected.status.code(), "{arguments:?}");
        let expected = match from_stderr {
            true => expected.stderr,
            false => expected.stdout,
        };
        assert!(expected.len() > 4096, "{arguments:?}");
        assert!(read == expected, "{arguments:?}: {} bytes", read.len());
    }
}

#[test]
fn a_record_of_another_schema_is_refused_with_its_version_and_the_remedy() {
    let (folder, record) = folder_with(&run());
    let whole = fs::read_to_string(&record).unwrap();
    for (version, remedy) in [
        (
            "0",
            "read it with forkscope 0.1.0, which wrote it, or run again",
        ),
        ("3", "update forkscope to 0.1.0 or later"),
        ("4000000000000", "update forkscope"),
    ] {
        let other = format!("\"schema_version\": {version},");
        let text = whole.replacen("\"schema_version\": 2,", &other, 1);
        let said = refused(&folder, &["-"], &text);
        let words =
            format!("the record has schema version {version}, this forkscope reads version 2: ");
        assert!(said.contains(&words) && said.contains(remedy), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

/// The number in `--time Ns` of a refusal.
fn enough_s(said: &str) -> u64 {
    let (_, rest) = said.split_once("--time ").expect("it says how much");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("seconds")
}

#[test]
fn a_record_that_was_measured_keeps_to_the_schema_that_is_printed() {
    let folder = TempDir::new().unwrap();
    let plan = [
        "run",
        "-w",
        "exploration",
        "-a",
        "1",
        "--out",
        "run",
        "--quiet",
    ];
    let assert = forkscope(&folder)
        .args(plan)
        .args(["--time", "5s"])
        .assert()
        .code(2);
    let enough = enough_s(&String::from_utf8_lossy(&assert.get_output().stderr));
    let time = format!("{}s", enough + enough / 4);
    // Whatever the machine makes of it: what is looked at is the record's shape.
    let _ = forkscope(&folder)
        .args(plan)
        .args(["--time", &time])
        .assert();
    let text = fs::read_to_string(folder.path().join("run/run.json")).expect("a record");
    let run = json::read(&text).expect("a record");
    assert!(run.cells.iter().any(|c| !c.pairs.is_empty()), "{text}");

    let assert = forkscope(&folder).arg("schema").assert().code(0);
    assert_eq!(assert.get_output().stdout, schema::RUN.as_bytes());
    let schema = serde_json::from_str(schema::RUN).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let mut record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let errors: Vec<String> = validator
        .iter_errors(&record)
        .map(|e| e.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    record["machine"]["cpus_online"] = "two".into();
    assert!(!validator.is_valid(&record), "a damaged one does not");

    // To the last bit the record that was measured; and in every format twice the same.
    let (again, _) = printed(&folder, &["run", "-f", "json"], "");
    assert_eq!(again, text);
    for entry in REGISTRY {
        let arguments = ["run", "-f", entry.name];
        assert_eq!(
            printed(&folder, &arguments, ""),
            printed(&folder, &arguments, "")
        );
    }
}
