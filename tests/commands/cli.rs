//! What does a person see who uses the program, or uses it wrongly?

use crate::{BINARY, folder, forkscope, stderr, stdout};
use std::fs;
use std::path::Path;
use std::process::{Command as Plain, Stdio};

use assert_cmd::Command;
use forkscope::record::calibration::Calibration;
use forkscope::record::{Cell, Machine, Outcome, Run, Sample};
use forkscope::report::json;
use forkscope::study::formats::FormatAnswers;
use std::collections::HashMap;
use tempfile::TempDir;

fn files(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Refused as a mistake of the user: one sentence on standard error, nothing else anywhere.
fn refused(folder: &TempDir, arguments: &[&str]) -> String {
    let before = files(folder);
    let assert = forkscope(folder).args(arguments).assert().code(2);
    let said = stderr(&assert);
    assert_eq!(stdout(&assert), "", "{arguments:?}");
    assert_eq!(files(folder), before, "{arguments:?} left something behind");
    assert!(!said.trim().is_empty(), "{arguments:?}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// The built-in exploration, changed, as `my.toml`; gives the line of the change.
fn write_changed(folder: &TempDir, from: &str, to: &str) -> usize {
    let text = include_str!("../../workloads/exploration.toml");
    assert!(text.contains(from), "{from}");
    let text = text.replacen(from, to, 1);
    fs::write(folder.path().join("my.toml"), &text).unwrap();
    let at = text.find(to).expect("it was put in");
    text[..at].matches('\n').count() + 1
}

#[test]
fn a_mistake_in_a_workload_file_is_named_with_file_line_and_field() {
    for (from, to, words) in [
        ("slip = 0.1 ", "slipp = 0.1 ", "slipp"),
        ("gamma = 8.0 ", "gamma = \"eight\" ", "gamma"),
        ("width = 10 ", "width = -3 ", "width"),
        (
            "slip = 0.1 ",
            "slip = 2 ",
            "world.slip: 2 is not between 0 and 1",
        ),
        ("slip = 0.1 ", "slip = nan ", "world.slip"),
        ("width = 10 ", "width = 64 ", "world.width"),
        ("length = 100 ", "length = 0 ", "episode.length"),
        ("policy_len = 1 ", "policy_len = 9 ", "agent.policy_len"),
        ("\"stochastic\"", "\"lazy\"", "action_selection"),
        ("\"exploration\"", "\"flying\"", "workload: \"flying\""),
    ] {
        let folder = folder();
        let line = write_changed(&folder, from, to);
        if to == "width = 64 " {
            write_height_64(&folder);
        }
        let said = refused(&folder, &["run", "-w", "my.toml"]);
        assert!(
            said.starts_with(&format!("forkscope: my.toml:{line}: ")),
            "{to}: {said}"
        );
        assert!(said.contains(words), "{to}: {said}");
    }
}

fn write_height_64(folder: &TempDir) {
    let path = folder.path().join("my.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("height = 10 ", "height = 64 ")).unwrap();
}

#[test]
fn a_fan_out_where_everybody_is_a_neighbour_is_refused() {
    let folder = folder();
    let text = include_str!("../../workloads/coordination.toml").replace("\"ring\"", "\"all\"");
    fs::write(folder.path().join("all.toml"), &text).unwrap();
    let line = text.lines().position(|l| l.starts_with("fan_out")).unwrap() + 1;
    let said = refused(&folder, &["run", "-w", "all.toml"]);
    assert!(
        said.starts_with(&format!("forkscope: all.toml:{line}: exchange.fan_out: ")),
        "{said}"
    );
}

#[test]
fn a_file_that_is_missing_or_no_toml_is_refused_by_its_name() {
    let folder = folder();
    let said = refused(&folder, &["run", "-w", "gone.toml"]);
    assert!(said.contains("gone.toml: cannot be read"), "{said}");
    for (text, place) in [
        (&b"[[[\n"[..], "no.toml:1: "),
        (b"", "no.toml"),
        (b"\xff\xfe\0", "no.toml: "),
        (b"workload = \"exploration\"\n", "no.toml"),
    ] {
        fs::write(folder.path().join("no.toml"), text).unwrap();
        let said = refused(&folder, &["run", "-w", "no.toml"]);
        assert!(said.contains(place), "{said}");
    }
    fs::create_dir(folder.path().join("folder.toml")).unwrap();
    let said = refused(&folder, &["run", "-w", "folder.toml"]);
    assert!(said.contains("folder.toml: cannot be read"), "{said}");
    let said = refused(&folder, &["run", "-w", "nowhere"]);
    assert!(
        said.contains("exploration"),
        "it lists what there is: {said}"
    );
}

#[test]
fn an_option_that_makes_no_sense_is_refused_with_what_would() {
    for (arguments, words) in [
        (&["-a", "0"][..], "between 1 and 10000"),
        (&["-a", "8..2"], "2..8"),
        (&["-a", "many"], "1..32"),
        (&["-a", "1,,2"], "1..32"),
        (&["-a", "99999999999999999999"], "1..32"),
        (&["-d", "fibers"], "threads[:W]"),
        (&["-d", "processes:0"], "threads[:W]"),
        (&["-d", "processes:2x"], "threads[:W]"),
        (&["-d", "threads"], "-d threads,processes"),
        (&["-d", "processes,processes"], "-d threads,processes"),
        (&["--time", "soon"], "30s"),
        (&["--time", "0"], "between 1s and 24h"),
        (&["--margin", "big"], "3%"),
        (&["--margin", "nan"], "between 0.1% and 50%"),
        (&["--seed", "x"], "--seed"),
        (&["--json", "file"], "--json"),
        (&["--quiet", "--verbose"], "--verbose"),
        (&["-w", "exploration"], "named twice"),
        // The other one comes from the environment.
        (&["--strict"], "FORKSCOPE_ALLOW_BUSY"),
    ] {
        let folder = folder();
        let all = [&["run", "-w", "exploration"], arguments].concat();
        let said = refused(&folder, &all);
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}

#[test]
fn one_name_stands_for_all_probes_and_goes_with_others() {
    let folder = folder();
    // Two agent counts of each of twelve probes, and three controls, are what is never left out.
    let said = refused(&folder, &["run", "-w", "probes", "--time", "9s"]);
    assert!(said.contains("6 pairs of 27 cells"), "{said}");
    let arguments = ["run", "-w", "exploration,probes", "-a", "1", "--time", "9s"];
    let said = refused(&folder, &arguments);
    // Beside agents probes only explain: all twelve may go.
    assert!(said.contains("6 pairs of 4 cells"), "{said}");
    let said = refused(&folder, &["run", "-w", "probes/tlb,probes"]);
    assert!(said.contains("probes/tlb is named twice"), "{said}");
}

#[test]
fn formats_are_a_study_of_their_own() {
    let folder = folder();
    let said = refused(&folder, &["run", "-w", "serialize", "-a", "8"]);
    assert!(
        said.contains("one agent") && said.contains("--agents"),
        "{said}"
    );
    let said = refused(&folder, &["run", "-w", "serialize,exploration"]);
    assert!(said.contains("measured alone"), "{said}");
    let said = refused(&folder, &["run", "-w", "serialize", "--transport", "ring"]);
    assert!(said.contains("--transport"), "{said}");
    let said = refused(
        &folder,
        &["run", "-w", "serialize", "-d", "threads:1,processes"],
    );
    assert!(said.contains("--deployment"), "{said}");
    // The agents' own beliefs in two binary formats, one size of message, three controls.
    let said = refused(&folder, &["run", "-w", "serialize", "--time", "9s"]);
    assert!(said.contains("6 pairs of 8 cells"), "{said}");
    // A file with the same parameters is compared as any other: agents and controls of its own.
    let text = include_str!("../../workloads/serialize.toml");
    fs::write(folder.path().join("my.toml"), text).unwrap();
    let said = refused(
        &folder,
        &["run", "-w", "my.toml", "-a", "8", "--time", "5s"],
    );
    assert!(said.contains("6 pairs of 4 cells"), "{said}");
}

#[test]
fn a_short_run_about_formats_says_what_it_found_and_what_it_left_out() {
    let folder = folder();
    let plan = ["run", "-w", "serialize", "--json", "-", "--time"];
    let said = refused(&folder, &[&plan[..], &["5s", "--quiet"]].concat());
    // Half as much again, for a busy machine.
    let time = format!("{}s", enough_s(&said) * 3 / 2);
    let assert = forkscope(&folder).args(plan).arg(&time).assert();
    let record = json::read(&stdout(&assert)).expect("a record");
    assert!(!record.plan.left_out.is_empty());
    let formats: FormatAnswers = record.finding("formats").expect("what it is about");
    assert_eq!(formats.facts.len(), 8 * 5);
    assert!(formats.facts.iter().all(|f| f.decode.is_some()), "counted");
    let cells = record.cells.iter();
    let variants = cells.filter(|c| c.baseline.workload != c.x.workload);
    for (_, json, x) in variants.flat_map(Cell::kept) {
        assert_eq!(
            json.digest, x.digest,
            "whoever reads a format reads the same"
        );
    }
    // What is left out last; unless the machine disturbed that, too.
    let of_body = |c: &&Cell| {
        let name = &c.baseline.workload;
        name.contains("beliefs100") || name.ends_with("/800")
    };
    let mut kept = record
        .cells
        .iter()
        .filter(of_body)
        .map(|c| c.kept().count());
    if kept.any(|pairs| pairs < 2) {
        let pairs = record.cells.iter().flat_map(|c| &c.pairs);
        let mut causes = pairs.filter_map(|p| p.dropped.as_ref().map(|d| d.cause));
        assert!(!record.complete || causes.any(|c| c.is_of_the_machine()));
        return;
    }
    let answer = formats.bodies.iter().find(|b| b.body == "beliefs100");
    let answer = answer.expect("it was measured");
    let names: Vec<&str> = answer.formats.iter().map(|f| f.format.as_str()).collect();
    assert!(
        names.starts_with(&["json", "postcard", "rkyv"]),
        "{names:?}"
    );
    assert_eq!(answer.hops.len(), 2);
    for cost in &answer.formats {
        assert!(cost.encode.ns.value > 0.0 && cost.decode.ns.value > 0.0);
        let shares = cost.shares.iter().map(|s| s.share.value);
        assert!(shares.clone().count() == 2 && shares.clone().all(|s| 0.0 < s && s < 1.0));
    }
    assert!(
        answer.sentence.contains("beliefs100: "),
        "{}",
        answer.sentence
    );
    let digests = record.withheld.filter(|why| why.contains("digest"));
    assert_eq!(digests, None);
}

#[test]
fn descriptors_that_agents_do_not_get_are_found_before_anything_is_started() {
    let folder = folder();
    let limited = |agents: &str, deployment: &str| {
        let mut command = Command::new("sh");
        command
            .args(["-c", "ulimit -n 600; exec \"$0\" \"$@\"", BINARY])
            .args(["run", "-w", "probes/poll", "-a", agents, "-d", deployment])
            .args(["--time", "9s"])
            .current_dir(folder.path());
        stderr(&command.assert().code(2))
    };
    let said = limited("16", "threads,processes");
    // 16 times 128, and room for the rest.
    assert!(said.contains("2080 open files in one process"), "{said}");
    assert!(said.contains("--agents 1..4"), "{said}");
    // Each process has a table of its own: now it is the time that is too short.
    let said = limited("16", "processes,processes:8");
    assert!(said.contains("9 s leave no room"), "{said}");
}

/// The number in `--time Ns` of a refusal.
fn enough_s(said: &str) -> u64 {
    let (_, rest) = said.split_once("--time ").expect("it says how much");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("seconds")
}

#[test]
fn too_little_time_is_refused_and_what_would_be_enough_is_measured_with() {
    let short = folder();
    let plan = ["run", "-w", "exploration", "-a", "1,2", "--json", "-"];
    let said = refused(&short, &[&plan[..], &["--time", "5s", "--quiet"]].concat());
    let enough = enough_s(&said);
    assert!(enough > 5, "{said}");

    // A quarter more, for a busy machine: what is looked at is the record, not the speed.
    let time = format!("{}s", enough + enough / 4);
    let folder = folder();
    let assert = forkscope(&folder)
        .args(plan)
        .args(["--time", &time])
        .args(["--fail-if", "exploration@1: processes < 0.0001"])
        .env("FORKSCOPE_SEED", "5")
        .assert();
    let record = json::read(&stdout(&assert)).expect("a record");
    assert!(record.complete, "{:?}", record.incomplete_reason);
    assert_eq!(record.seed, 5, "FORKSCOPE_SEED");
    // What a shell takes runs it again, to the last word.
    let settings = ["FORKSCOPE_SEED=5", "FORKSCOPE_ALLOW_BUSY=1"];
    assert_eq!(record.settings, settings);
    let script = format!("set -- {}; printf '%s\\n' \"$@\"", record.command);
    let words = Plain::new("bash").args(["-c", &script]).output().unwrap();
    let gate = "exploration@1: processes < 0.0001";
    let typed = [&[BINARY][..], &plan, &["--time", &time, "--fail-if", gate]].concat();
    let words = String::from_utf8(words.stdout).unwrap();
    assert_eq!(words.lines().collect::<Vec<_>>(), typed);
    assert_eq!(
        files(&folder),
        Vec::<String>::new(),
        "--json - writes no file"
    );
    let kept = record.cells.iter().map(|c| c.kept().count()).sum::<usize>();
    let causes = record.cells.iter().flat_map(|c| &c.pairs);
    let mut causes = causes.filter_map(|p| p.dropped.as_ref().map(|d| d.cause));
    let expected = match (kept, &record.withheld) {
        (0, _) if causes.any(|cause| cause.is_of_the_machine()) => 5,
        (0, _) => 1,
        (_, Some(_)) => 5,
        (_, None) => 0,
    };
    assert.code(expected);
    one_digest_per_agent_count(&record);
    for cell in &record.cells {
        assert!(cell.pairs.len() >= 6, "{}: {}", cell.x, cell.pairs.len());
    }
}

fn one_digest_per_agent_count(record: &Run) {
    let mut digests: HashMap<usize, String> = HashMap::new();
    let mut count = 0;
    for cell in &record.cells {
        for outcome in cell.pairs.iter().flat_map(|p| [&p.baseline, &p.x]) {
            let Outcome::Measured(sample) = outcome else {
                panic!("{outcome:?}");
            };
            let Sample { digest, .. } = sample.as_ref();
            let first = digests.entry(cell.agents).or_insert_with(|| digest.clone());
            assert_eq!(first, digest, "{} agents, {}", cell.agents, cell.x);
            count += 1;
        }
    }
    assert!(count >= 2 * 6 * 5, "{count} invocations");
    assert_eq!(digests.len(), 2);
    assert_ne!(digests[&1], digests[&2]);
}

#[test]
fn more_agents_than_the_machine_allows_are_refused_with_what_fits() {
    let folder = folder();
    // A limit that no machine leaves room for.
    let assert = Command::new("sh")
        .args(["-c", "ulimit -n 4096; exec \"$0\" \"$@\"", BINARY])
        .args(["run", "-w", "exploration", "-a", "10000", "--quiet"])
        .args(["-d", "threads,processes"])
        .current_dir(folder.path())
        .assert()
        .code(2);
    let said = stderr(&assert);
    assert!(
        said.contains("10000 agents") && said.contains("limit"),
        "{said}"
    );
    assert!(said.contains("use --agents 1.."), "{said}");
    assert_eq!(files(&folder), Vec::<String>::new());
}

#[test]
fn a_seed_of_the_environment_is_checked_like_that_of_the_command_line() {
    let assert = forkscope(&folder())
        .args(["run", "-w", "exploration"])
        .env("FORKSCOPE_SEED", "seven")
        .assert()
        .code(2);
    assert!(stderr(&assert).contains("seven"));
}

#[test]
fn every_help_ends_with_examples() {
    for command in [
        None,
        Some("quick"),
        Some("run"),
        Some("report"),
        Some("schema"),
        Some("compare"),
        Some("trend"),
        Some("list"),
        Some("doctor"),
    ] {
        for flag in ["--help", "-h"] {
            let assert = forkscope(&folder())
                .args(command)
                .arg(flag)
                .assert()
                .code(0);
            let text = stdout(&assert);
            let (_, examples) = text.rsplit_once("Examples:\n").expect("examples");
            let of_command = format!("forkscope {}", command.unwrap_or("quick"));
            assert!(examples.contains(&of_command), "{text}");
            assert!(
                examples
                    .lines()
                    .filter(|l| !l.trim().is_empty())
                    .all(|l| l.starts_with("  ")),
                "nothing follows the examples: {text}"
            );
            assert!(!text.contains("worker "), "hidden subcommands: {text}");
        }
    }
}

#[test]
fn everything_that_can_be_chosen_is_listed() {
    let all = stdout(&forkscope(&folder()).arg("list").assert().code(0));
    for name in [
        "exploration",
        "coordination",
        "learning",
        "threads[:W]",
        "processes[:P[xT]]",
        "terminal",
        "json",
        "md",
        "csv",
    ] {
        assert!(all.contains(name), "{name}: {all}");
    }
    let one = stdout(
        &forkscope(&folder())
            .args(["list", "workloads"])
            .assert()
            .code(0),
    );
    assert!(all.contains(&one) && one.len() < all.len());
    forkscope(&folder()).args(["list", "cats"]).assert().code(2);
}

#[test]
fn the_doctor_tells_facts_to_people_and_programs() {
    let folder = folder();
    let assert = forkscope(&folder).arg("doctor").assert();
    let text = stdout(&assert);
    assert!(text.contains("effective CPUs"), "{text}");
    // As a run would be refused: tests themselves keep this machine busy.
    let code = if text.contains("unfit: ") { 5 } else { 0 };
    assert.code(code);
    let facts = stdout(&forkscope(&folder).args(["doctor", "--json"]).assert());
    let machine: Machine = serde_json::from_str(&facts).expect("JSON");
    assert!(machine.cpus_effective > 0.0);
    assert_eq!(files(&folder), Vec::<String>::new());
    // What could not be found out stands there, too.
    for fact in [
        "CPU quota",
        "foreign CPU",
        "steal",
        "pace of the CPUs",
        "throttled",
        "CPU pressure",
        "memory limit",
        "swap in use",
        "open files",
        "processes of this user",
        "tasks (pids.max)",
        "/dev/shm free",
        "governor",
        "turbo",
        "clock source",
        "transparent huge pages",
        "NUMA nodes",
    ] {
        let mut lines = text.lines();
        let value = lines.find_map(|l| l.strip_prefix(fact)).map(str::trim);
        assert!(value.is_some_and(|v| !v.is_empty()), "{fact}: {text}");
    }
}

/// Exit 1 before anything is measured, and the message.
fn cannot_write(command: &mut Command, arguments: &[&str]) -> String {
    let assert = command
        .args(["run", "-w", "exploration", "-a", "1,2", "--quiet", "--out"])
        .args(arguments)
        .assert()
        .code(1);
    assert_eq!(stdout(&assert), "");
    stderr(&assert)
}

#[test]
fn a_folder_that_cannot_be_written_is_named_before_anything_is_measured() {
    let folder = folder();
    fs::write(folder.path().join("file"), "in the way").unwrap();
    for out in ["file", "file/below", "/proc/forkscope", "/sys/forkscope"] {
        let said = cannot_write(&mut forkscope(&folder), &[out]);
        assert!(said.contains(out), "{said}");
        assert!(said.contains("with --out"), "{said}");
    }
    assert_eq!(
        fs::read_to_string(folder.path().join("file")).unwrap(),
        "in the way"
    );
    assert_eq!(files(&folder), ["file"]);
}

/// Whether this user may mount in a namespace of their own.
fn can_mount() -> bool {
    let mounted = Plain::new("unshare")
        .args([
            "-rm", "mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", "/mnt",
        ])
        .stderr(Stdio::null())
        .status();
    let can = mounted.is_ok_and(|s| s.success());
    if !can {
        eprintln!("not tested: this user may not mount");
    }
    can
}

#[test]
fn a_read_only_reports_folder_is_named_before_anything_is_measured() {
    if !can_mount() {
        return;
    }
    let (folder, tmp) = (folder(), folder());
    let script = "mount -t tmpfs -o size=4k tmpfs . && cd \"$PWD\" && mkdir reports \
                  && mount -o remount,ro . && exec \"$0\" \"$@\"";
    // With --out and, as most people call it, without.
    for out in [&["--out", "reports/mine"][..], &[]] {
        let assert = Command::new("unshare")
            .args(["-rm", "sh", "-c", script, BINARY])
            .args(["run", "-w", "exploration", "-a", "1,2", "--quiet"])
            .args(out)
            .current_dir(folder.path())
            .env("TMPDIR", tmp.path())
            .env("FORKSCOPE_ALLOW_BUSY", "1")
            .assert()
            .code(1);
        let said = stderr(&assert);
        assert!(said.contains("reports/"), "{said}");
        assert!(said.contains("Read-only file system"), "{said}");
        assert!(said.contains("you may write to with --out"), "{said}");
        assert_eq!(stdout(&assert), "");
        assert_eq!(files(&tmp), Vec::<String>::new());
    }
}

#[test]
fn a_full_disk_is_named_before_anything_is_measured() {
    if !can_mount() {
        return;
    }
    let folder = folder();
    let script = "mount -t tmpfs -o size=4k tmpfs . && cd . && cd \"$PWD\" \
                  && head -c 4096 /dev/zero > filler && exec \"$0\" \"$@\"";
    let mut command = Command::new("unshare");
    command.env("FORKSCOPE_ALLOW_BUSY", "1");
    command
        .args(["-rm", "sh", "-c", script, BINARY])
        .current_dir(folder.path());
    // A time that the look at the machine would show to be too short.
    let said = cannot_write(&mut command, &["full", "--time", "5s"]);
    assert!(said.contains("write to full: "), "{said}");
    assert!(said.contains("free some space"), "{said}");
}

#[test]
fn a_proc_of_another_namespace_is_refused_in_one_sentence_before_anything_starts() {
    if !can_mount() {
        return;
    }
    let folder = folder();
    let foreign = "/proc belongs to another PID namespace";
    let elsewhere = ["-r", "--fork", "--pid"];
    let hidden = [
        "-rm",
        "sh",
        "-c",
        "mount -t tmpfs tmpfs /proc && exec \"$0\" \"$@\"",
    ];
    for (how, why) in [(&elsewhere[..], foreign), (&hidden, "read /proc/self: ")] {
        for arguments in [
            &["run", "-w", "exploration", "-a", "1", "--out", "out"][..],
            &["run", "-w", "serialize", "--allow-busy"],
            &["quick"],
            &["full"],
            &["map", "-w", "exploration", "-a", "4"],
            &["calibrate"],
            &["doctor"],
        ] {
            let assert = Command::new("unshare")
                .args(how)
                .arg(BINARY)
                .args(arguments)
                .current_dir(folder.path())
                .assert()
                .code(5);
            let said = stderr(&assert);
            assert!(said.starts_with(&format!("forkscope: {why}")), "{said}");
            assert!(said.contains("mount -t proc proc /proc"), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert_eq!(stdout(&assert), "");
        }
    }
    assert_eq!(files(&folder), Vec::<String>::new());
}

#[test]
fn counters_of_a_sandbox_are_unknown_and_never_an_idle_machine() {
    if !can_mount() {
        return;
    }
    let folder = folder();
    let script = "mount --bind stat /proc/stat && exec \"$0\" \"$@\"";
    let of_all = |line: &str| -> String {
        let cpus = forkscope::deployment::pinning::allowed();
        cpus.iter()
            .map(|cpu| format!("cpu{cpu} {line}\n"))
            .collect()
    };
    for stat in [
        // Of zeros; the same numbers for ever; and a line too few.
        of_all("0 0 0 0 0 0 0 0 0 0"),
        of_all("100 0 50 9000 0 0 0 0 0 0"),
        "cpu  100 0 50 9000 0 0 0 0 0 0\n".to_owned(),
    ] {
        fs::write(folder.path().join("stat"), &stat).unwrap();
        let assert = Command::new("unshare")
            .args(["-rm", "sh", "-c", script, BINARY, "doctor"])
            .current_dir(folder.path())
            .assert();
        let said = stdout(&assert);
        let value = |name: &str| {
            let line = said.lines().find_map(|l| l.strip_prefix(name));
            line.map(|l| l.trim().to_owned())
        };
        assert_eq!(
            value("foreign CPU").as_deref(),
            Some("unknown"),
            "{stat}{said}"
        );
        assert_eq!(value("steal").as_deref(), Some("unknown"), "{stat}{said}");
        assert!(
            said.contains("warning: unknown here: foreign CPU, steal"),
            "{stat}{said}"
        );
    }
}

/// The socket by which a forkscope that measures is known, once no run of another test has it.
fn measure_here() -> std::os::unix::net::UnixListener {
    use std::os::linux::net::SocketAddrExt;
    let name = std::os::unix::net::SocketAddr::from_abstract_name("forkscope measures here");
    let name = name.expect("a short name");
    loop {
        match std::os::unix::net::UnixListener::bind_addr(&name) {
            Ok(listener) => return listener,
            Err(e) => assert_eq!(e.kind(), std::io::ErrorKind::AddrInUse, "{e}"),
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn where_another_forkscope_measures_a_run_is_refused_or_labelled() {
    let folder = folder();
    let listener = measure_here();
    let other = format!(
        "unfit: another forkscope measures here (process {})",
        std::process::id()
    );
    let arguments = [
        "run",
        "-w",
        "exploration",
        "-a",
        "1",
        "--time",
        "60s",
        "-o",
        "out",
    ];
    let assert = Command::new(BINARY)
        .args(arguments)
        .env_remove("FORKSCOPE_ALLOW_BUSY")
        .current_dir(folder.path())
        .assert()
        .code(5);
    let said = stderr(&assert);
    assert!(said.contains(&other), "{said}");
    assert!(said.contains("nothing was measured"), "{said}");
    assert_eq!(files(&folder), Vec::<String>::new());
    let assert = Command::new(BINARY).arg("doctor").assert().code(5);
    assert!(stdout(&assert).contains(&other), "{}", stdout(&assert));

    let child = Plain::new(BINARY)
        .args(arguments)
        .env("FORKSCOPE_ALLOW_BUSY", "1")
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let record = folder.path().join("out/run.json");
    while !record.exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let pid = nix::unistd::Pid::from_raw(child.id() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains(&other), "{said}");
    let text = fs::read_to_string(record).unwrap();
    let record: serde_json::Value = serde_json::from_str(&text).unwrap();
    let busy = record["busy"].as_str().unwrap();
    assert!(busy.contains("another forkscope measures here"), "{busy}");
    drop(listener);
}

#[test]
fn standard_output_on_a_full_disk_is_a_failure() {
    for arguments in [&["list"][..], &["doctor"], &["doctor", "--json"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = Plain::new(BINARY)
            .args(arguments)
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("write to standard output: "), "{said}");
        assert!(said.contains("No space left"), "{said}");
    }
}

/// A pipe that nobody reads.
fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    Stdio::from(writer)
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for arguments in [
        &["list"][..],
        &["doctor"],
        &["doctor", "--json"],
        &["--help"],
    ] {
        let output = Plain::new(BINARY)
            .args(arguments)
            .stdout(closed_pipe())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        // The doctor's 5 says that the machine is busy, as it is while tests run.
        assert!(
            matches!(output.status.code(), Some(0 | 5)),
            "{arguments:?}: {:?}",
            output.status
        );
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn a_closed_standard_error_does_not_change_the_exit_code() {
    for (arguments, code) in [
        (&["run", "-w", "nowhere"][..], 2),
        (&["run", "-w", "exploration", "--time", "5s"], 2),
        (&["worker"], 1),
        (&["host"], 1),
    ] {
        let status = Plain::new(BINARY)
            .args(arguments)
            .stderr(closed_pipe())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn hidden_subcommands_explain_themselves_when_run_by_hand() {
    let own = std::process::id().to_string();
    let folder = folder();
    for (arguments, input, words) in [
        (&["worker"][..], "", "use `forkscope run`"),
        (
            &["worker", "a", "b", "c", "d", "e", "f", "g"],
            "",
            "use `forkscope run`",
        ),
        (
            &["worker", "a", "1", "0", "0", "0", "0", "-", "0"],
            "",
            "is gone",
        ),
        (
            &["worker", "a", &own, "-1", "0", "0", "0", "-", "0"],
            "",
            "not a page",
        ),
        (
            &["worker", "a", &own, "0", "0", "0", "0", "-", "0"],
            "",
            "the shared page",
        ),
        (
            &["worker", "a", &own, "200", "0", "0", "0", "-", "0"],
            "",
            "the shared page",
        ),
        (&["host"], "", "use `forkscope run`"),
        (&["host", "me"], "", "use `forkscope run`"),
        (&["host", "1", "2"], "", "use `forkscope run`"),
        (&["host", "1"], "{}", "is gone"),
        (&["host", &own], "", "use `forkscope run`"),
        (&["host", &own], "garbage \u{0}", "use `forkscope run`"),
        (&["host", &own], "{\"job\": {}}", "use `forkscope run`"),
    ] {
        let assert = forkscope(&folder)
            .args(arguments)
            .write_stdin(input)
            .assert()
            .code(1);
        let said = stderr(&assert);
        assert!(said.starts_with("forkscope: "), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?} {input}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        assert_eq!(stdout(&assert), "", "{arguments:?}");
    }
    assert!(
        Path::new(folder.path())
            .read_dir()
            .unwrap()
            .next()
            .is_none()
    );
}

#[test]
fn a_calibration_without_time_for_one_run_says_what_would_be_enough() {
    let folder = folder();
    let said = refused(&folder, &["calibrate", "-a", "1,2", "--time", "20s"]);
    assert!(said.contains("give --time 30m, or at least"), "{said}");
    let said = refused(&folder, &["calibrate", "--pairs", "7"]);
    assert!(said.contains("even number between 6 and 100"), "{said}");
    let said = refused(&folder, &["calibrate", "--margin", "10%"]);
    assert!(said.contains("anything below 5%"), "{said}");
}

#[test]
fn a_calibration_that_is_interrupted_keeps_what_it_has() {
    let folder = folder();
    let mut child = Plain::new(BINARY)
        .args(["calibrate", "-a", "1", "--time", "10m", "-o", "out"])
        .current_dir(folder.path())
        .env("TMPDIR", folder.path())
        .env("FORKSCOPE_ALLOW_BUSY", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let saved = folder.path().join("out/calibration.json");
    while !saved.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let pid = nix::unistd::Pid::from_raw(child.id() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    let table = String::from_utf8(ended.stdout).unwrap();
    assert!(table.contains("not complete"), "{table}");
    let text = fs::read_to_string(saved).unwrap();
    let calibration: Calibration = serde_json::from_str(&text).unwrap();
    assert!(!calibration.complete);
    assert_eq!(files(&folder), ["out"]);
}

#[test]
fn a_calibration_counts_how_often_controls_come_out_as_their_truth_is() {
    let folder = folder();
    let assert = forkscope(&folder)
        .args([
            "calibrate",
            "-a",
            "1",
            "--pairs",
            "6",
            "--time",
            "36s",
            "-o",
            "out",
        ])
        .assert();
    // On an idle machine a single run may break the promise, and say so.
    let code = assert.get_output().status.code();
    assert!(matches!(code, Some(0 | 5)), "{code:?}");
    let table = stdout(&assert);
    assert!(
        table.contains("comparisons whose truth is known"),
        "{table}"
    );
    let text = fs::read_to_string(folder.path().join("out/calibration.json")).unwrap();
    let calibration: Calibration = serde_json::from_str(&text).unwrap();
    assert!(calibration.complete && !calibration.runs.is_empty());
    // Other tests run beside this one, so the runs may have begun on a busy machine.
    let rows = || calibration.rows.iter().chain(&calibration.rows_of_doubtful);
    let asked: Vec<f64> = rows().map(|r| r.asked).collect();
    assert_eq!(asked[..3], [1.0; 3]);
    assert_eq!(asked.last(), Some(&0.8));
    for (i, run) in calibration.runs.iter().enumerate() {
        assert_eq!(run.seed, 1 + i as u64);
        let controls = run.controls.iter();
        assert!(controls.clone().all(|c| c.pairs >= c.kept && c.pairs > 0));
        let saved = folder.path().join(format!("out/runs/{:03}.json", i + 1));
        let saved = json::read(&fs::read_to_string(saved).unwrap()).unwrap();
        assert_eq!(saved.cells.len(), run.controls.len());
    }
    // What was counted is what was measured.
    let judged: usize = rows()
        .filter(|r| r.agents.is_none())
        .map(|r| r.covered.of + r.unjudged)
        .sum();
    assert_eq!(judged, 5 * calibration.runs.len());
}

#[test]
fn what_is_no_file_of_parameters_is_not_read_and_not_echoed() {
    let folder = folder();
    for arguments in [
        ["run", "-w", "/dev/zero"].as_slice(),
        &["quick", "--claims", "/dev/zero"],
        &["quick", "--thresholds", "/dev/zero"],
    ] {
        let said = refused(&folder, arguments);
        assert!(
            said.contains("/dev/zero: cannot be read: it is a device"),
            "{said}"
        );
    }
    let hostile = format!(
        "workload = \"\u{1b}]0;owned\u{7}\"\nx = {}\n",
        "[".repeat(5000)
    );
    fs::write(folder.path().join("no.toml"), hostile).unwrap();
    let said = refused(&folder, &["run", "-w", "no.toml"]);
    let is_plain = |c: char| !c.is_control() || c == '\n';
    assert!(said.chars().all(is_plain), "{said:?}");
    assert!(said.chars().count() < 1000, "{said}");
}

#[test]
fn a_switch_that_is_neither_on_nor_off_is_refused() {
    let folder = folder();
    for name in [
        "FORKSCOPE_STRICT",
        "FORKSCOPE_ALLOW_BUSY",
        "FORKSCOPE_QUIET",
    ] {
        let assert = forkscope(&folder)
            .arg("quick")
            .env(name, "maybe")
            .assert()
            .code(2);
        let said = stderr(&assert);
        assert!(said.contains("maybe") && said.contains("off"), "{said}");
    }
}

#[test]
fn what_came_from_a_variable_is_told_with_its_name() {
    let folder = folder();
    let said = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = forkscope(&folder);
        command.env_remove("FORKSCOPE_ALLOW_BUSY");
        stderr(
            &command
                .args(arguments)
                .envs(variables.iter().copied())
                .assert()
                .code(2),
        )
    };
    let run = ["run", "-w", "exploration", "-a", "1", "--time", "5s"];
    let no_room = "5 s leave no room";
    for (variable, value, arguments) in [
        (
            "FORKSCOPE_MAP_AGENTS",
            "1..32",
            &["map", "-w", "exploration"][..],
        ),
        ("FORKSCOPE_AGENTS", "many", &["run", "-w", "exploration"]),
        ("FORKSCOPE_PRIORITY", "speed", &["quick"]),
        ("FORKSCOPE_COLOR", "red", &["doctor"]),
        ("FORKSCOPE_COMPARE_FORMAT", "csv", &["compare", "a", "b"]),
        ("FORKSCOPE_TREND_FORMAT", "csv", &["trend", "."]),
        ("FORKSCOPE_FORMAT", "pdf", &["report", "a"]),
        // Not by the parser, but by what it leads to.
        ("FORKSCOPE_TIME", "5s", &run[..5]),
        ("FORKSCOPE_WORKLOAD", "nowhere", &["run"]),
        ("FORKSCOPE_CLAIMS", "gone.toml", &["quick"]),
    ] {
        let told = said(&[(variable, value)], arguments);
        assert!(told.contains(&format!("{variable}={value}")), "{told}");
        assert!(!told.contains("panicked"), "{told}");
    }
    // What is typed is typed, and what is empty or off is not set.
    for variables in [
        &[("FORKSCOPE_TIME", "never"), ("FORKSCOPE_QUIET", "")][..],
        &[("FORKSCOPE_OUT", ""), ("FORKSCOPE_MARGIN", "")],
        &[("FORKSCOPE_QUIET", "0"), ("FORKSCOPE_VERBOSE", "off")],
        // Of other commands.
        &[("FORKSCOPE_BUDGET", "x"), ("FORKSCOPE_COMPARE_FORMAT", "x")],
    ] {
        let told = said(variables, &run);
        assert!(
            told.contains(no_room) && !told.contains("FORKSCOPE_"),
            "{told}"
        );
    }
    let told = said(&[("FORKSCOPE_QUIET", "1")], &[&run[..], &["-v"]].concat());
    assert!(told.contains(no_room), "{told}");
    let both = [("FORKSCOPE_QUIET", "1"), ("FORKSCOPE_VERBOSE", "1")];
    let told = said(&both, &run);
    assert!(
        told.contains("FORKSCOPE_QUIET=1") && told.contains("FORKSCOPE_VERBOSE=1"),
        "{told}"
    );
    let told = said(
        &[("FORKSCOPE_FAIL_IF", "x")],
        &["calibrate", "--time", "5s"],
    );
    assert!(told.contains("give --time 30m"), "{told}");
}

#[test]
fn workloads_that_a_list_or_a_table_could_not_tell_apart_are_to_be_renamed() {
    let folder = folder();
    let text = include_str!("../../workloads/coordination.toml");
    for name in ["a/coordination", "b/coordination", "a,b", "a:b", "a@2"] {
        let path = folder.path().join(format!("{name}.toml"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let (a, b) = ("a/coordination.toml", "b/coordination.toml");
    let both_called = format!("{a} and {b} are both called coordination; rename one");
    for (workloads, words) in [
        (format!("{a},{b}"), both_called.as_str()),
        (
            format!("{a},coordination"),
            "are both called coordination; rename one",
        ),
        (format!("{a},{a}"), "named twice"),
        (
            "a,b.toml".to_owned(),
            "a,b.toml: a comma separates workloads; rename the file",
        ),
        (format!("{a},a,b.toml"), "a,b.toml: a comma separates"),
        ("a:b.toml".to_owned(), "has no ':'"),
        ("a@2.toml".to_owned(), "has no '@'"),
    ] {
        let said = refused(&folder, &["run", "-w", &workloads]);
        assert!(said.contains(words), "{workloads}: {said}");
    }
    let said = refused(&folder, &["map", "-w", "a,b.toml", "-a", "4"]);
    assert!(
        said.contains("has no ','") && said.contains("rename"),
        "{said}"
    );
}

#[test]
fn a_limit_of_file_sizes_is_told_like_a_full_disk_before_the_machine_is_looked_at() {
    let folder = folder();
    let mut command = Command::new("bash");
    let assert = command
        .args(["-c", "ulimit -f 10; exec \"$0\" \"$@\"", BINARY])
        .args(["run", "-w", "exploration", "-a", "1", "-o", "new/out"])
        .current_dir(folder.path())
        .env("TMPDIR", folder.path())
        .assert()
        .code(1);
    let said = stderr(&assert);
    assert!(
        said.contains("raise the limit of file sizes (ulimit -f)"),
        "{said}"
    );
    assert_eq!(files(&folder), Vec::<String>::new(), "nothing was made");
}

#[test]
fn an_environment_that_leaves_no_room_for_workers_is_refused_before_the_run() {
    let folder = folder();
    // With a stack of a MiB there are 256 KiB for arguments and environment.
    let script = "ulimit -S -s 1024; for i in 1 2 3 4; do export \"BIG$i=$(printf %63900s)\"; done; exec \"$0\" \"$@\"";
    let mut command = Command::new("bash");
    let assert = command
        .args(["-c", script, BINARY])
        .args(["run", "-w", "exploration", "-a", "1", "--time", "5s"])
        .current_dir(folder.path())
        .env_clear()
        .env("TMPDIR", folder.path())
        .env("PATH", std::env::var_os("PATH").unwrap())
        .assert()
        .code(2);
    let said = stderr(&assert);
    assert!(
        said.contains("the environment is too large") && said.contains("BIG"),
        "{said}"
    );
    assert_eq!(files(&folder), Vec::<String>::new());
}
