//! Does a run measure where the system is set up out of the ordinary, or say at once what has to change?

use crate::host::proc;
use assert_cmd::Command as Checked;
use forkscope::record::{Outcome, Run};
use forkscope::report::json;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_forkscope");

/// A few invocations are done within this time, however slow the machine.
const A_ROUND: Duration = Duration::from_secs(120);

/// Somebody who is not root.
const NOBODY: u32 = 65_534;

/// A run that is ended when its test is.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What `command` writes until `is_enough`, when it is given `arguments` and a folder to write to.
fn record_of(
    mut command: Command,
    arguments: &[&str],
    folder: &Path,
    is_enough: impl Fn(&Run) -> bool,
) -> Run {
    let mut run = Started(
        command
            .args(["run", "--quiet", "--out"])
            .arg(folder)
            .args(arguments)
            .env("TMPDIR", folder)
            .env("FORKSCOPE_ALLOW_BUSY", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts"),
    );
    proc::within(A_ROUND, "a round", || {
        let record = fs::read_to_string(folder.join("run.json")).ok();
        let record = record.map(|text| json::read(&text).expect("a record that can be read"));
        let found = record.filter(&is_enough);
        if found.is_none()
            && let Some(status) = run.0.try_wait().expect("it can be waited for")
        {
            panic!("it ended too early: {status}");
        }
        found
    })
}

fn has_a_pair(run: &Run) -> bool {
    run.cells.iter().any(|c| !c.pairs.is_empty())
}

fn assert_measured(run: &Run) {
    for pair in run.cells.iter().flat_map(|c| &c.pairs) {
        for outcome in [&pair.baseline, &pair.x] {
            assert!(matches!(outcome, Outcome::Measured(_)), "{outcome:?}");
        }
    }
}

/// `script`, which ends in executing the program, in namespaces of its own; `None` where this user may not.
fn unshared(options: &[&str], script: &str) -> Option<Command> {
    let whole = |end: &str| {
        let mut command = Command::new("unshare");
        command
            .args(options)
            .args(["sh", "-c", &format!("{script} && {end}"), BINARY]);
        command
    };
    let is_allowed = whole("true").stderr(Stdio::null()).status();
    if !is_allowed.is_ok_and(|status| status.success()) {
        eprintln!("not tested: this user may not do {script}");
        return None;
    }
    Some(whole("exec \"$0\" \"$@\""))
}

#[test]
fn a_kernel_that_allows_no_file_in_memory_to_be_executed_is_measured_on() {
    let options = ["-r", "--fork", "--pid", "--mount-proc", "--kill-child"];
    let Some(command) = unshared(&options, "echo 2 > /proc/sys/vm/memfd_noexec") else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let arguments = ["-w", "probes/lseek", "-a", "1", "--time", "60s"];
    assert_measured(&record_of(command, &arguments, folder.path(), has_a_pair));
}

#[test]
fn a_program_that_may_be_executed_and_not_read_measures() {
    let (place, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let copy = place.path().join("forkscope");
    fs::copy(BINARY, &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o111)).unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(&copy);
    if nix::unistd::geteuid().is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir("/");
    let arguments = ["-w", "coordination", "-a", "2", "--time", "60s"];
    let record = record_of(command, &arguments, folder.path(), has_a_pair);
    assert_measured(&record);
    assert!(record.build_id.is_some());
}

#[test]
fn what_hides_the_size_of_sockets_changes_no_way_of_receiving() {
    let arguments = ["-w", "coordination", "-a", "4", "--time", "60s"];
    let transports = |command: Command| {
        let folder = TempDir::new().unwrap();
        let record = record_of(command, &arguments, folder.path(), |_| true);
        let each = record.cells.iter().map(|c| c.x.transport.clone());
        each.collect::<Vec<String>>()
    };
    let hidden = "mount -t tmpfs tmpfs /proc/sys/net && ! test -e /proc/sys/net/core/wmem_default";
    let Some(command) = unshared(&["-rm"], hidden) else {
        return;
    };
    assert_eq!(transports(command), transports(Command::new(BINARY)));
}

/// Refused as a mistake of the user, with one sentence, and nothing is left.
fn refused(command: Command, about: &str) -> String {
    let folder = TempDir::new().unwrap();
    let assert = Checked::from_std(command)
        .args(["run", "-w", "coordination", "-a", "2", "--time", "60s"])
        .current_dir(folder.path())
        .env("FORKSCOPE_ALLOW_BUSY", "1")
        .assert()
        .code(2);
    let output = assert.get_output();
    assert_eq!(output.stdout, b"", "{about}");
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "{about}");
    let said = String::from_utf8(output.stderr.clone()).expect("UTF-8");
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    said
}

#[test]
fn a_temporary_folder_that_holds_no_sockets_is_refused_before_anything_is_measured() {
    let folder = TempDir::new().unwrap();
    let long = folder.path().join("x".repeat(100));
    let file = folder.path().join("file");
    fs::create_dir(&long).unwrap();
    fs::write(&file, "").unwrap();
    let foreign = folder.path().join(std::ffi::OsStr::from_bytes(b"\xff"));
    fs::create_dir(&foreign).unwrap();
    let missing = folder.path().join("missing");
    for (given, words) in [
        (foreign.as_path(), "not UTF-8"),
        (Path::new("."), "relative"),
        (Path::new(""), "relative"),
        (&long, "too long"),
        (&missing, "cannot be written to"),
        (&file, "cannot be written to"),
        (Path::new("/proc"), "cannot be written to"),
    ] {
        let mut command = Command::new(BINARY);
        command.env("TMPDIR", given);
        let said = refused(command, words);
        assert!(said.contains(words), "{words}: {said}");
        assert!(said.contains("set TMPDIR"), "{said}");
    }
    // Folders can be made in it, and nothing else.
    let place = folder.path().join("groups");
    fs::create_dir(&place).unwrap();
    let script = format!(
        "mount -t cgroup2 none {0} && export TMPDIR={0} && mkdir {0}/x && rmdir {0}/x",
        place.display()
    );
    if let Some(command) = unshared(&["-rmC"], &script) {
        let said = refused(command, "no sockets");
        assert!(said.contains("cannot hold a socket"), "{said}");
        assert!(said.contains("set TMPDIR"), "{said}");
    }
}

#[test]
fn a_program_that_cannot_start_itself_again_says_so_before_anything_is_measured() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let paths = maps.lines().filter_map(|l| l.split_whitespace().last());
    let Some(loader) = paths
        .into_iter()
        .find(|p| p.contains("/ld-linux") || p.contains("/ld-2"))
    else {
        eprintln!("not tested: no loader of glibc");
        return;
    };
    let mut command = Command::new(loader);
    command.arg(BINARY);
    let said = refused(command, "started through the loader");
    assert!(said.contains(loader), "{said}");
    assert!(said.contains("by its own name"), "{said}");
}

#[test]
fn what_changes_malloc_and_loading_is_in_the_record_and_nothing_else_of_the_environment() {
    let output = Checked::new(BINARY)
        .args(["doctor", "--json"])
        .env("MALLOC_ARENA_MAX", "1")
        .env("RUST_MIN_STACK", "1048576")
        .env("FORKSCOPE_TEST_TOKEN", "a secret")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let machine: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(machine["environment"]["MALLOC_ARENA_MAX"], "1");
    assert_eq!(machine["environment"]["RUST_MIN_STACK"], "1048576");
    assert!(!said.contains("secret"), "{said}");
}
