//! What is left, and what is said, when a part of a run is killed, stopped or interrupted?

use crate::host;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::host::proc::{self, Hold, Process, await_end_of, children, eventually, numbered};
use forkscope::experiment::invocation::Invocation;
use forkscope::experiment::turns::Part;
use forkscope::record::{Cause, Failure, Outcome, Phase, Run};
use forkscope::report::json;
use nix::sys::signal::{SigHandler, Signal, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;

/// A window that no test waits for the end of.
const ENDLESS_S: f64 = 30.0;

/// A few invocations are done within this time, however slow the machine.
const A_ROUND: Duration = Duration::from_secs(120);

/// A run in folders of its own.
struct Started {
    coordinator: Child,
    tmp: TempDir,
    out: TempDir,
}

const RUN: &[&str] = &[
    "run",
    "-w",
    "coordination",
    "-a",
    "4",
    "-d",
    "processes:4,threads",
    "--quiet",
];

impl Started {
    /// Held, and with these as standard output and standard error.
    fn with(arguments: &[&str], hold: Option<&Hold>, stdout: Stdio, stderr: Stdio) -> Started {
        let program = env!("CARGO_BIN_EXE_forkscope");
        Started::of(program, arguments, hold, stdout, stderr)
    }

    /// By a program that executes forkscope in the end.
    fn of(
        program: &str,
        arguments: &[&str],
        hold: Option<&Hold>,
        stdout: Stdio,
        stderr: Stdio,
    ) -> Started {
        let (tmp, out) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let mut command = Command::new(program);
        if let Some(hold) = hold {
            hold.tell(&mut command);
        }
        let coordinator = command
            .args(arguments)
            .arg("--out")
            .arg(out.path())
            .env("TMPDIR", tmp.path())
            // Other tests run beside this one.
            .env("FORKSCOPE_ALLOW_BUSY", "1")
            .current_dir(out.path())
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            // A terminal signals a whole group: this one must not be the test's own.
            .process_group(0)
            .spawn()
            .expect("the binary starts");
        Started {
            coordinator,
            tmp,
            out,
        }
    }

    fn pid(&self) -> i32 {
        self.coordinator.id() as i32
    }

    /// A run whose hosts are held in a phase, and the first of them.
    fn held(arguments: &[&str], phase: Phase) -> (Started, Hold, Process) {
        let hold = Hold::in_phase(phase);
        let run = Started::with(arguments, Some(&hold), Stdio::null(), Stdio::inherit());
        let host = hold.host();
        assert!(is_host(&host) && children(run.pid()).contains(&host));
        (run, hold, host)
    }

    /// Waits until a round is in the record.
    fn await_a_round(&self) {
        proc::within(A_ROUND, "a round", || {
            let text = fs::read_to_string(self.out.path().join("run.json")).ok()?;
            let record = json::read(&text).expect("a record that can be read");
            record
                .cells
                .iter()
                .any(|c| !c.pairs.is_empty())
                .then_some(())
        });
    }

    fn signal(&self, signal: Signal) {
        nix::sys::signal::kill(Pid::from_raw(self.pid()), signal).expect("it runs");
    }

    fn record(&self) -> Run {
        let text = fs::read_to_string(self.out.path().join("run.json")).expect("a record");
        json::read(&text).expect("a record that can be read")
    }

    /// Everything of this run that lives.
    fn processes(&self) -> Vec<Process> {
        proc::with_tmpdir(self.tmp.path())
    }

    fn assert_nothing_is_left(&self, recorded: &[Process], when: &str) {
        await_end_of(recorded, when);
        eventually(&format!("{when}: the end of all processes"), || {
            self.processes().is_empty().then_some(())
        });
        assert_eq!(
            files(self.tmp.path()),
            Vec::<String>::new(),
            "{when}: TMPDIR is not empty"
        );
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.coordinator.kill();
        let _ = self.coordinator.wait();
    }
}

fn is_host(process: &Process) -> bool {
    process.arguments.get(1).is_some_and(|a| a == "host")
}

fn files(folder: &Path) -> Vec<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path().display().to_string())
        .collect()
}

/// Both sides of its pairs have four worker processes.
const RUN_OF_PROCESSES: &[&str] = &[
    "run",
    "-w",
    "coordination",
    "-a",
    "4",
    "-d",
    "processes:4,processes",
    "--quiet",
];

/// Kills the coordinator while a host is held in `phase` with so many worker processes.
fn kill_the_coordinator(phase: Phase, crew: usize) {
    let (mut run, _hold, host) = Started::held(RUN_OF_PROCESSES, phase);
    let mut recorded = vec![host.clone()];
    recorded.extend(children(host.pid));
    assert_eq!(recorded.len(), 1 + crew, "{phase}");
    recorded.extend(run.processes());
    run.coordinator.kill().unwrap();
    run.coordinator.wait().unwrap();
    run.assert_nothing_is_left(&recorded, &phase.to_string());
}

#[test]
fn a_coordinator_killed_before_any_worker_exists_leaves_nothing() {
    kill_the_coordinator(Phase::Start, 0);
}

#[test]
fn a_coordinator_killed_in_setup_leaves_nothing() {
    kill_the_coordinator(Phase::Setup, 4);
}

#[test]
fn a_coordinator_killed_in_the_warm_up_leaves_nothing() {
    kill_the_coordinator(Phase::WarmUp, 4);
}

#[test]
fn a_coordinator_killed_in_the_window_leaves_nothing() {
    kill_the_coordinator(Phase::Window, 4);
}

#[test]
fn a_coordinator_killed_at_the_hand_over_leaves_nothing() {
    kill_the_coordinator(Phase::Collect, 4);
}

#[test]
fn a_killed_quick_run_leaves_nothing() {
    let (mut run, _hold, host) = Started::held(&["quick", "--quiet"], Phase::Window);
    let recorded = [vec![host], run.processes()].concat();
    run.coordinator.kill().unwrap();
    run.coordinator.wait().unwrap();
    run.assert_nothing_is_left(&recorded, "quick");
}

#[test]
fn a_killed_host_is_one_failed_invocation_and_the_run_goes_on() {
    let (mut run, hold, host) = Started::held(RUN, Phase::Window);
    let crew = proc::workers(host.pid);
    host.signal(Signal::SIGKILL);
    hold.let_go();
    await_end_of(&crew, "the host was killed");
    // The other side of the pair, and the next pair.
    let mut seen = vec![host.pid];
    while seen.len() < 4 {
        seen.push(eventually("another invocation", || {
            let next = children(run.pid()).pop()?;
            (is_host(&next) && !seen.contains(&next.pid)).then_some(next.pid)
        }));
    }
    Process::of(run.pid()).unwrap().signal(Signal::SIGTERM);
    run.coordinator.wait().unwrap();
    let record = run.record();
    let failed: Vec<&Failure> = record
        .cells
        .iter()
        .flat_map(|c| &c.pairs)
        .flat_map(|p| [&p.baseline, &p.x])
        .filter_map(|o| match o {
            Outcome::Failed(failure) => Some(failure),
            Outcome::Measured(_) => None,
        })
        .collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].message.contains("signal 9"), "{failed:?}");
    let dropped: Vec<_> = record
        .cells
        .iter()
        .flat_map(|c| &c.pairs)
        .filter_map(|p| p.dropped.as_ref())
        .filter(|d| d.cause == Cause::Failed)
        .collect();
    assert_eq!(dropped.len(), 1, "{dropped:?}");
    run.assert_nothing_is_left(&[], "the host was killed");
}

#[test]
fn workers_that_are_always_killed_end_the_run_as_a_failure_that_is_told() {
    // Every cell has worker processes: all are given up.
    let arguments = [&RUN[..5], &["-d", "processes:4,processes:2"]].concat();
    let mut run = Started::with(&arguments, None, Stdio::piped(), Stdio::piped());
    let killed = eventually_ends(&mut run, |run| {
        for host in children(run.pid()) {
            let crew = proc::workers(host.pid);
            crew.iter().for_each(|w| w.signal(Signal::SIGKILL));
        }
    });
    assert_eq!(killed.status.code(), Some(1), "{killed:?}");
    let said = String::from_utf8_lossy(&killed.stderr);
    assert!(
        said.contains("given up after 2 failures in a row"),
        "{said}"
    );
    assert!(said.contains("ended by SIGKILL"), "{said}");
    assert!(said.contains("nothing could be measured"), "{said}");
    let record = run.record();
    let pairs: Vec<_> = record.cells.iter().flat_map(|c| &c.pairs).collect();
    assert!(!pairs.is_empty());
    for pair in pairs {
        let dropped = pair.dropped.as_ref().expect("no pair counts");
        assert_eq!(dropped.cause, Cause::Failed);
    }
    assert!(record.withheld.is_some());
    run.assert_nothing_is_left(&[], "workers were killed");
}

/// Does something to a run, again and again, until it ends by itself.
fn eventually_ends(run: &mut Started, mut meanwhile: impl FnMut(&Started)) -> Output {
    let status = proc::within(A_ROUND, "the end of the run", || {
        meanwhile(run);
        run.coordinator.try_wait().expect("it can be waited for")
    });
    let mut output = Output {
        status,
        stdout: Vec::new(),
        stderr: Vec::new(),
    };
    let (out, err) = (run.coordinator.stdout.take(), run.coordinator.stderr.take());
    if let Some(mut out) = out {
        out.read_to_end(&mut output.stdout).expect("it is readable");
    }
    if let Some(mut err) = err {
        err.read_to_end(&mut output.stderr).expect("it is readable");
    }
    output
}

/// A pipe that nobody reads.
fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    Stdio::from(writer)
}

/// All that [`RUN`] says, but its silence.
fn run_aloud() -> Vec<&'static str> {
    RUN.iter().copied().filter(|a| *a != "--quiet").collect()
}

#[test]
fn a_reader_that_has_left_changes_neither_record_nor_exit_code() {
    for format in [&[][..], &["--json", "-"]] {
        let arguments = [&run_aloud(), format].concat();
        let mut run = Started::with(&arguments, None, closed_pipe(), Stdio::piped());
        run.await_a_round();
        run.signal(Signal::SIGTERM);
        let ended = eventually_ends(&mut run, |_| {});
        assert_eq!(ended.status.code(), Some(130), "{format:?}: {ended:?}");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(said.contains("interrupted: the record holds"), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        assert_eq!(
            run.record().incomplete_reason.as_deref(),
            Some("interrupted")
        );
        run.assert_nothing_is_left(&[], "the reader has left");
    }
}

#[test]
fn a_table_that_cannot_be_written_is_a_failure_and_the_record_is_there() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut run = Started::with(&run_aloud(), None, Stdio::from(full), Stdio::piped());
    run.await_a_round();
    run.signal(Signal::SIGTERM);
    let ended = eventually_ends(&mut run, |_| {});
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("write to standard output: "), "{said}");
    let record = run.record();
    assert!(record.cells.iter().any(|c| !c.pairs.is_empty()));
    run.assert_nothing_is_left(&[], "standard output is full");
}

#[test]
fn a_disk_that_fills_up_on_the_way_keeps_the_record_before_and_the_table() {
    let (folder, tmp) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let script = "mount -t tmpfs -o size=2m tmpfs . && cd \"$PWD\" && exec \"$0\" \"$@\"";
    let child = Command::new("unshare")
        .args(["-rm", "sh", "-c", script, env!("CARGO_BIN_EXE_forkscope")])
        .args(run_aloud())
        .args(["--out", "."])
        .current_dir(folder.path())
        .env("TMPDIR", tmp.path())
        .env("FORKSCOPE_ALLOW_BUSY", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("util-linux is there");
    let mut run = Started {
        coordinator: child,
        tmp,
        out: folder,
    };
    let inside = Path::new("/proc").join(run.pid().to_string()).join("cwd");
    let earlier = proc::within(A_ROUND, "a round, or an end", || {
        if run
            .coordinator
            .try_wait()
            .expect("it can be waited for")
            .is_some()
        {
            return Some(None);
        }
        let mut file = fs::File::open(inside.join("run.json")).ok()?;
        let cells = read_record(&mut file).cells;
        let has_pairs = cells.iter().any(|c| !c.pairs.is_empty());
        has_pairs.then_some(Some(()))
    });
    if earlier.is_none() {
        let ended = eventually_ends(&mut run, |_| {});
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!said.contains("forkscope: "), "{said}");
        eprintln!("not tested: this user may not mount");
        return;
    }
    // Somebody else fills the disk, to the last byte.
    let mut filler = fs::File::create(inside.join("filler")).expect("a file inside");
    while filler.write_all(&[0; 4096]).is_ok() {}
    // Still open when the run, and with it the disk, is gone.
    let mut kept = fs::File::open(inside.join("run.json")).expect("a record");
    run.signal(Signal::SIGTERM);
    let ended = eventually_ends(&mut run, |_| {});
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("measured, but not written"), "{said}");
    assert!(said.contains("run.json"), "{said}");
    assert!(said.contains("free some space"), "{said}");
    let table = String::from_utf8_lossy(&ended.stdout);
    assert!(table.contains("incomplete: interrupted"), "{table}");
    let record = read_record(&mut kept);
    assert!(!record.complete);
    assert!(record.cells.iter().any(|c| !c.pairs.is_empty()));
    run.assert_nothing_is_left(&[], "the disk was full");
}

fn read_record(file: &mut fs::File) -> Run {
    let mut text = String::new();
    file.read_to_string(&mut text).expect("it is readable");
    json::read(&text).expect("a record that can be read")
}

/// What this process starts hears of a signal, whatever a shell that runs tests in the background ignores.
fn hear(signal: Signal) {
    // SAFETY: it gives the signal its default meaning, no handler.
    unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) }.expect("it can be heard");
}

/// Interrupts a run in a window, and looks at what it says and leaves.
fn interrupt(signal: Signal, is_whole_group: bool) {
    hear(signal);
    let hold = Hold::in_phase(Phase::Window);
    let mut run = Started::with(&run_aloud(), Some(&hold), Stdio::piped(), Stdio::piped());
    hold.host();
    let recorded = run.processes();
    let leader = Pid::from_raw(run.pid());
    if is_whole_group {
        killpg(leader, signal).unwrap();
    } else {
        run.signal(signal);
    }
    let ended = eventually_ends(&mut run, |_| {});
    let status = ended.status;
    assert_eq!(status.code(), Some(130), "{signal}: {status}");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("interrupted: the record holds"), "{said}");
    let table = String::from_utf8_lossy(&ended.stdout);
    assert!(table.contains("incomplete: interrupted"), "{table}");
    let record = run.record();
    assert!(!record.complete);
    assert_eq!(record.incomplete_reason.as_deref(), Some("interrupted"));
    let is_failed = |o: &Outcome| matches!(o, Outcome::Failed(_));
    assert!(
        record
            .cells
            .iter()
            .flat_map(|c| &c.pairs)
            .all(|p| !is_failed(&p.baseline) && !is_failed(&p.x)),
        "an interrupt is no failure of an invocation"
    );
    run.assert_nothing_is_left(&recorded, signal.as_str());
    assert_eq!(
        files(run.out.path()),
        [run.out.path().join("run.json").display().to_string()]
    );
}

#[test]
fn an_interrupt_leaves_a_partial_record_and_no_process() {
    interrupt(Signal::SIGINT, false);
}

#[test]
fn a_termination_leaves_a_partial_record_and_no_process() {
    interrupt(Signal::SIGTERM, false);
}

#[test]
fn an_interrupt_of_the_whole_group_leaves_a_partial_record_and_no_process() {
    interrupt(Signal::SIGINT, true);
}

#[test]
fn a_termination_of_the_whole_group_leaves_a_partial_record_and_no_process() {
    interrupt(Signal::SIGTERM, true);
}

/// Whether `env` can give signals another meaning before it executes a program.
fn env_knows(options: &[&str]) -> bool {
    let known = Command::new("env").args(options).arg("true").status();
    let known = known.is_ok_and(|s| s.success());
    if !known {
        eprintln!("not tested: env knows no {options:?}");
    }
    known
}

/// Starts a run through `env` with such options, and waits until it is in a window; `None` where `env` does not
/// know them.
fn in_a_window_with(options: &[&str]) -> Option<(Started, Hold)> {
    if !env_knows(options) {
        return None;
    }
    let program = [options, &[env!("CARGO_BIN_EXE_forkscope")], RUN].concat();
    let hold = Hold::in_phase(Phase::Window);
    let run = Started::of(
        "env",
        &program,
        Some(&hold),
        Stdio::null(),
        Stdio::inherit(),
    );
    hold.host();
    Some((run, hold))
}

#[test]
fn what_was_ignored_at_the_start_stays_ignored() {
    let Some((mut run, hold)) = in_a_window_with(&["--ignore-signal=HUP,INT"]) else {
        return;
    };
    for signal in [Signal::SIGHUP, Signal::SIGINT] {
        killpg(Pid::from_raw(run.pid()), signal).unwrap();
    }
    hold.let_go();
    // In no part of it: the pair counts, and more follow.
    run.await_a_round();
    assert!(run.coordinator.try_wait().unwrap().is_none(), "it ended");
    run.signal(Signal::SIGTERM);
    let ended = eventually_ends(&mut run, |_| {});
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
    let record = run.record();
    let pairs: Vec<_> = record.cells.iter().flat_map(|c| &c.pairs).collect();
    let is_measured = |o: &Outcome| matches!(o, Outcome::Measured(_));
    assert!(
        pairs
            .iter()
            .all(|p| is_measured(&p.baseline) && is_measured(&p.x)),
        "{pairs:?}"
    );
}

#[test]
fn what_was_blocked_at_the_start_is_heard() {
    hear(Signal::SIGINT);
    let Some((mut run, _hold)) = in_a_window_with(&["--block-signal=HUP,INT,TERM,CHLD"]) else {
        return;
    };
    run.signal(Signal::SIGINT);
    let ended = eventually_ends(&mut run, |_| {});
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
}

/// How long tests stop things: long enough to be seen by every way of looking.
const STANDSTILL: Duration = Duration::from_secs(1);

/// Lets a run stand still in a window by `stop` and `go`, and looks at what becomes of the pair.
fn assert_dropped_as_standstill(
    (mut run, hold): (Started, Hold),
    what: &str,
    stop: impl FnOnce(&Started, &Process),
    go: impl FnOnce(&Started, &Process),
) -> Run {
    let host = hold.host();
    // What it stands still in is a phase that it goes through, not the hold.
    hold.let_go();
    stop(&run, &host);
    std::thread::sleep(STANDSTILL);
    go(&run, &host);
    run.await_a_round();
    run.signal(Signal::SIGTERM);
    let ended = eventually_ends(&mut run, |_| {});
    assert_eq!(ended.status.code(), Some(130), "{what}: {ended:?}");
    let record = run.record();
    let pairs = record.cells.iter().flat_map(|c| &c.pairs);
    let dropped: Vec<_> = pairs.filter_map(|p| p.dropped.as_ref()).collect();
    assert!(
        dropped.iter().any(|d| d.cause == Cause::Standstill),
        "{what}: {dropped:?}"
    );
    assert!(
        dropped.iter().all(|d| d.cause != Cause::Failed),
        "{what}: {dropped:?}"
    );
    let said = record.warnings.join("\n");
    assert!(
        said.contains("pairs were dropped (standstill; "),
        "{what}: {said}"
    );
    run.assert_nothing_is_left(&[], what);
    record
}

#[test]
fn a_run_that_is_stopped_and_goes_on_drops_the_pair_and_does_not_pay_for_the_time() {
    let signal = |signal| {
        move |run: &Started, _: &Process| killpg(Pid::from_raw(run.pid()), signal).unwrap()
    };
    let (run, hold, _) = Started::held(RUN, Phase::Window);
    let record = assert_dropped_as_standstill(
        (run, hold),
        "Ctrl-Z",
        signal(Signal::SIGSTOP),
        signal(Signal::SIGCONT),
    );
    if fs::read_to_string("/proc/self/schedstat").is_ok_and(|s| !s.starts_with("0 0 0")) {
        assert!(record.plan.stood_still_s > 0.5, "{:?}", record.plan);
        let said = record.warnings.join("\n");
        assert!(said.contains("the run stood still for "), "{said}");
    }
}

#[test]
fn a_host_alone_that_is_stopped_and_goes_on_is_a_standstill() {
    let (run, hold, _) = Started::held(RUN, Phase::Window);
    assert_dropped_as_standstill(
        (run, hold),
        "a host",
        |_, host| host.signal(Signal::SIGSTOP),
        |_, host| host.signal(Signal::SIGCONT),
    );
}

#[test]
fn a_worker_alone_that_is_stopped_and_goes_on_is_a_standstill() {
    let invocation = Invocation {
        window_s: 5.0,
        ..host::invocation("coordination", 4, "processes")
    };
    let (child, hold) = host::start_held(&invocation, Phase::Window);
    let crew = proc::workers(child.id() as i32);
    let worker = numbered(&crew, 1);
    worker.signal(Signal::SIGSTOP);
    eventually("the stop", || worker.is_stopped().then_some(()));
    worker.signal(Signal::SIGCONT);
    hold.let_go();
    match host::answer(child) {
        Outcome::Measured(sample) => assert!(sample.stood_still_s.is_some()),
        Outcome::Failed(failure) => panic!("{failure:?}"),
    }
    // And nobody is said to have stood still who did not.
    let sample = host::sample(&host::invocation("coordination", 4, "processes"));
    assert_eq!(sample.stood_still_s, None);
}

/// A control group of this test's own; removed when it is empty.
struct Group(std::path::PathBuf);

impl Group {
    /// Below that of this process; `None` where it may not be made, or has no such file.
    fn new(controller: &str, file: &str) -> Option<Group> {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let line = groups
            .lines()
            .find_map(|l| l.split_once(&format!(":{controller}:")));
        let (root, own) = match (line, groups.lines().find_map(|l| l.strip_prefix("0::"))) {
            (Some((_, own)), _) => (format!("/sys/fs/cgroup/{controller}"), own),
            (None, Some(own)) => ("/sys/fs/cgroup".to_owned(), own),
            _ => return None,
        };
        let name = format!("forkscope-{controller}-{}", std::process::id());
        let folder = Path::new(&format!("{root}{own}")).join(name);
        fs::create_dir(&folder).ok()?;
        let group = Group(folder);
        group.0.join(file).exists().then_some(group)
    }

    fn write(&self, file: &str, text: &str) -> bool {
        fs::write(self.0.join(file), text).is_ok()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Who is killed is in it for a moment yet.
        for _ in 0..1_000 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn a_control_group_that_is_frozen_and_thaws_is_a_standstill() {
    let (v1, v2) = (
        ("freezer.state", "FROZEN", "THAWED"),
        ("cgroup.freeze", "1", "0"),
    );
    let found = [v1, v2]
        .into_iter()
        .find_map(|way| Some((Group::new("freezer", way.0)?, way)));
    let Some((group, (file, frozen, thawed))) = found else {
        eprintln!("not tested: no control group can be made");
        return;
    };
    let join = format!(
        "echo $$ > '{}/cgroup.procs'; exec \"$0\" \"$@\"",
        group.0.display()
    );
    let arguments = [&["-c", &join, env!("CARGO_BIN_EXE_forkscope")], RUN].concat();
    let hold = Hold::in_phase(Phase::Window);
    let run = Started::of(
        "sh",
        &arguments,
        Some(&hold),
        Stdio::null(),
        Stdio::inherit(),
    );
    assert_dropped_as_standstill(
        (run, hold),
        "frozen",
        |_, _| assert!(group.write(file, frozen)),
        |_, _| assert!(group.write(file, thawed)),
    );
}

#[test]
fn a_worker_that_was_ended_for_want_of_memory_is_told_so() {
    let v1 = Group::new("memory", "memory.limit_in_bytes").map(|g| (g, "memory.limit_in_bytes"));
    let Some((group, file)) =
        v1.or_else(|| Some((Group::new("memory", "memory.max")?, "memory.max")))
    else {
        eprintln!("not tested: no control group with memory can be made");
        return;
    };
    assert!(group.write(file, &(32 << 20).to_string()));
    // Or it would be swapped out instead, where there is swap: each version has its own word for none.
    let _ = group.write("memory.swap.max", "0") || group.write("memory.swappiness", "0");
    let mut parent = Command::new("sh");
    let join = format!(
        "echo $$ > '{}/cgroup.procs'; exec \"$0\" \"$@\"",
        group.0.display()
    );
    parent
        .args(["-c", &join])
        .arg(env!("CARGO_BIN_EXE_forkscope"));
    let child = host::start_with(parent, &endless("exploration", 20_000, "processes:2"));
    let failure = failure(child);
    assert_eq!(failure.signal.as_deref(), Some("SIGKILL"), "{failure:?}");
    assert!(
        failure
            .message
            .contains("ended by SIGKILL: the control group ran out of memory; raise its limit"),
        "{failure:?}"
    );
}

#[test]
fn a_killed_worker_is_named_at_once_whatever_the_parent_did_with_signals() {
    const IGNORED: &[&str] = &["--ignore-signal=CHLD"];
    if !env_knows(IGNORED) {
        return;
    }
    let mut parent = Command::new("env");
    parent.args(IGNORED).arg(env!("CARGO_BIN_EXE_forkscope"));
    let hold = Hold::in_phase(Phase::Window);
    hold.tell(&mut parent);
    let child = host::start_with(parent, &endless("coordination", 4, "processes"));
    let crew = proc::workers(hold.host().pid);
    numbered(&crew, 1).signal(Signal::SIGKILL);
    hold.let_go();
    let failure = failure(child);
    // Not in the stop, after a watchdog.
    assert_eq!(failure.phase, Phase::Window, "{failure:?}");
    assert_eq!(failure.signal.as_deref(), Some("SIGKILL"), "{failure:?}");
    assert_eq!(failure.agent, Some(1), "{failure:?}");
}

/// An invocation whose window does not end by itself.
fn endless(name: &str, agents: usize, form: &str) -> Invocation {
    Invocation {
        window_s: ENDLESS_S,
        ..host::invocation(name, agents, form)
    }
}

fn is_before_the_stop(phase: Phase) -> bool {
    matches!(phase, Phase::Setup | Phase::WarmUp | Phase::Window)
}

fn failure(child: Child) -> Failure {
    match host::answer(child) {
        Outcome::Failed(failure) => failure,
        Outcome::Measured(sample) => panic!("it was measured: {} ops", sample.ops),
    }
}

#[test]
fn a_worker_killed_in_the_window_is_named_at_once_and_takes_the_others_along() {
    // Process 1 begins with agent 1, 2, 2: alone, with two agents in a thread, with two threads.
    for (name, form, processes, agent) in [
        ("coordination", "processes", 4, 1),
        ("exploration", "processes:2", 2, 2),
        ("coordination", "processes:2x2", 2, 2),
    ] {
        let (child, hold) = host::start_held(&endless(name, 4, form), Phase::Window);
        let crew = proc::workers(child.id() as i32);
        assert_eq!(crew.len(), processes, "{form}");
        numbered(&crew, 1).signal(Signal::SIGKILL);
        hold.let_go();
        let failure = failure(child);
        // Not in the stop: nobody waited for the end of the window.
        assert_eq!(failure.phase, Phase::Window, "{failure:?}");
        assert_eq!(failure.signal.as_deref(), Some("SIGKILL"), "{failure:?}");
        assert_eq!(failure.agent, Some(agent), "{form}: {failure:?}");
        assert!(
            failure.message.starts_with("worker process 1 "),
            "{failure:?}"
        );
        assert!(crew.iter().all(Process::is_gone), "{form}");
    }
}

#[test]
fn a_worker_killed_while_it_comes_up_is_a_failure_and_never_a_hang() {
    for attempt in 0..24 {
        let child = host::start(&endless("coordination", 3, "processes"));
        let id = child.id() as i32;
        let worker = eventually("a worker", || {
            proc::workers(id)
                .into_iter()
                .find(|w| w.number() == Some(attempt % 3))
        });
        // At once, and then later and later: through connecting, building and warming up.
        std::thread::sleep(Duration::from_micros(400 * (attempt as u64 / 3).pow(2)));
        let crew = proc::workers(id);
        worker.signal(Signal::SIGKILL);
        let failure = failure(child);
        assert!(is_before_the_stop(failure.phase), "{failure:?}");
        assert!(
            failure
                .message
                .contains(&format!("worker process {}", attempt % 3)),
            "{failure:?}"
        );
        assert_eq!(failure.signal.as_deref(), Some("SIGKILL"), "{failure:?}");
        assert_eq!(failure.agent, Some(attempt % 3), "{failure:?}");
        await_end_of(&crew, "a worker was killed");
    }
}

#[test]
fn a_worker_stopped_in_the_window_is_named_by_the_watchdog() {
    for (form, processes, agent) in [("processes", 4, 1), ("processes:2", 2, 2)] {
        let invocation = Invocation {
            window_s: 0.5,
            patience_s: 2.0,
            part: Part::ALONE,
            ..host::invocation("exploration", 4, form)
        };
        let (child, hold) = host::start_held(&invocation, Phase::Window);
        let crew = proc::workers(child.id() as i32);
        assert_eq!(crew.len(), processes, "{form}");
        numbered(&crew, 1).signal(Signal::SIGSTOP);
        hold.let_go();
        let failure = failure(child);
        assert_eq!(failure.phase, Phase::Stop, "{failure:?}");
        assert_eq!(failure.agent, Some(agent), "{form}: {failure:?}");
        assert!(failure.message.contains("worker 1"), "{failure:?}");
        assert!(crew.iter().all(Process::is_gone), "{form}");
    }
}

#[test]
fn a_worker_stopped_among_agents_that_wait_for_each_other_is_ended_by_the_watchdog() {
    let invocation = Invocation {
        window_s: 0.5,
        patience_s: 2.0,
        part: Part::ALONE,
        ..host::invocation("coordination", 4, "processes")
    };
    let (child, hold) = host::start_held(&invocation, Phase::Window);
    let crew = proc::workers(child.id() as i32);
    numbered(&crew, 1).signal(Signal::SIGSTOP);
    hold.let_go();
    let failure = failure(child);
    assert_eq!(failure.phase, Phase::Stop, "{failure:?}");
    assert!(failure.message.contains("hang"), "{failure:?}");
    assert!(crew.iter().all(Process::is_gone));
}

#[test]
fn a_worker_stopped_while_it_comes_up_is_ended_by_the_watchdog() {
    let invocation = Invocation {
        patience_s: 2.0,
        part: Part::ALONE,
        ..host::invocation("exploration", 3, "processes")
    };
    let child = host::start(&invocation);
    let id = child.id() as i32;
    let worker = eventually("a worker", || {
        let all = proc::workers(id);
        all.into_iter().find(|w| w.number() == Some(2))
    });
    worker.signal(Signal::SIGSTOP);
    let failure = failure(child);
    assert!(is_before_the_stop(failure.phase), "{failure:?}");
    assert!(worker.is_gone());
}

#[test]
fn three_hundred_processes_need_no_raised_limit_of_open_files() {
    for name in ["exploration", "coordination"] {
        let threads = host::sample(&host::invocation(name, 300, "threads"));
        let mut low = Command::new("sh");
        low.args(["-c", "ulimit -S -n 256; exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_forkscope"));
        let child = host::start_with(low, &host::invocation(name, 300, "processes"));
        let Outcome::Measured(processes) = host::answer(child) else {
            panic!("{name} failed");
        };
        assert_eq!((processes.processes, processes.workers), (300, 300));
        assert_eq!(processes.digest, threads.digest, "{name}");
    }
}
