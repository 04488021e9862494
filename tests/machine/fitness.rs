//! Is a machine that others use refused, and one that nobody uses measured? With neighbours that
//! really burn CPU.
//!
//! Whether others used the CPUs meanwhile is read here, too, and independently: on a busy machine
//! these tests say so instead of failing, and on an idle one a refusal fails them.

use crate::machine_for_itself;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use forkscope::deployment::pinning;
use forkscope::record::{Cause, Pair, Run};
use forkscope::report::json;
use forkscope::stats::MIN_PAIRS;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// How often a machine that others use is tried again.
const TRIES: usize = 3;

/// Share of the CPUs in a second that confirms a refusal: the tool refuses above 15 %, over seconds
/// that begin at other moments.
const CONFIRMS: f64 = 0.10;

/// As [`CONFIRMS`], for steal, which is refused above 5 %.
const CONFIRMS_STEAL: f64 = 0.03;

/// How often a watch looks.
const LOOKS_A_SECOND: usize = 4;

/// What no pair may use at the end of a run, and what a late pair may leave, seconds.
const TAIL_S: f64 = 5.0 + 5.0;

/// Threads that use every CPU that this test may use, until they are dropped.
struct Neighbours {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Neighbours {
    fn new() -> Neighbours {
        let stop = Arc::new(AtomicBool::new(false));
        let burn = |_| {
            let stop = stop.clone();
            std::thread::spawn(move || while !stop.load(Relaxed) {})
        };
        let threads = pinning::allowed().iter().map(burn).collect();
        Neighbours { stop, threads }
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// (not idle, stolen, all) of these CPUs since the system started, ticks.
fn ticks(cpus: &[usize]) -> (u64, u64, u64) {
    let stat = fs::read_to_string("/proc/stat").expect("/proc/stat");
    let mut sum = (0, 0, 0);
    for cpu in cpus {
        let name = format!("cpu{cpu} ");
        let line = stat.lines().find_map(|l| l.strip_prefix(&name));
        let all: Vec<u64> = line
            .expect("a line of each CPU")
            .split_whitespace()
            .take(8)
            .map(|n| n.parse().expect("a number"))
            .collect();
        let total: u64 = all.iter().sum();
        sum.0 += total - all[3] - all[4];
        sum.1 += all[7];
        sum.2 += total;
    }
    sum
}

/// Looks at /proc/stat while something runs.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<(u64, u64, u64)>>,
}

impl Watch {
    fn new(cpus: Vec<usize>) -> Watch {
        let stop = Arc::new(AtomicBool::new(false));
        let is_over = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut seen = vec![ticks(&cpus)];
            while !is_over.load(Relaxed) {
                std::thread::sleep(Duration::from_secs(1) / LOOKS_A_SECOND as u32);
                seen.push(ticks(&cpus));
            }
            seen
        });
        Watch { stop, thread }
    }

    /// Whether in any second as much was used as makes a refusal right. While the tool looks at the
    /// machine it sleeps, so that nearly all of it is others'.
    fn confirms_refusal(self) -> bool {
        self.stop.store(true, Relaxed);
        let seen = self.thread.join().expect("it looks until the end");
        // Shorter spans would be a few ticks long, and a single one much of them.
        let mut seconds = seen.windows(1 + LOOKS_A_SECOND);
        seconds.any(|second| {
            let (before, after) = (second[0], second[LOOKS_A_SECOND]);
            let all = (after.2 - before.2).max(1) as f64;
            let share = |ticks: u64| ticks as f64 / all;
            share(after.0 - before.0) > CONFIRMS || share(after.1 - before.1) > CONFIRMS_STEAL
        })
    }
}

/// A run in folders of its own.
struct Started {
    child: Option<Child>,
    folder: TempDir,
}

impl Started {
    fn new(arguments: &[&str]) -> Started {
        let folder = TempDir::new().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_forkscope"));
        for (name, _) in std::env::vars() {
            if name.starts_with("FORKSCOPE_") {
                command.env_remove(name);
            }
        }
        let child = command
            .args(["run", "-w", "exploration"])
            .args(arguments)
            .args(["--out", "out"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        Started {
            child: Some(child),
            folder,
        }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn record(&self) -> Option<Run> {
        let text = fs::read_to_string(self.out().join("run.json")).ok()?;
        Some(json::read(&text).expect("a record that can be read"))
    }

    /// Waits until so many pairs are in the record. False when the run ended before.
    fn has_pairs(&mut self, pairs: usize) -> bool {
        loop {
            let measured = self.record().map_or(0, |r| all_pairs(&r).count());
            if measured >= pairs {
                return true;
            }
            let child = self.child.as_mut().expect("it was not waited for");
            if child.try_wait().expect("it can be waited for").is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn interrupt(&self) {
        let child = self.child.as_ref().expect("it was not waited for");
        kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).expect("it runs");
    }

    fn end(&mut self) -> Ended {
        let child = self.child.take().expect("it is waited for once");
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().expect("it ends");
        Ended {
            code: status.code().expect("it ends by itself"),
            out: String::from_utf8(stdout).expect("UTF-8"),
            err: String::from_utf8(stderr).expect("UTF-8"),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// How a run ended.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Ended {
    fn is_refused(&self) -> bool {
        self.err.contains("nothing was measured")
    }
}

fn all_pairs(record: &Run) -> impl Iterator<Item = &Pair> {
    record.cells.iter().flat_map(|c| &c.pairs)
}

fn dropped_by_machine(record: &Run) -> usize {
    let causes = all_pairs(record).filter_map(|p| p.dropped.as_ref());
    causes.filter(|d| d.cause.is_of_the_machine()).count()
}

/// Runs to the end, with `meanwhile` on the way, and again where others use the machine; `None` when
/// they always did.
fn measured(arguments: &[&str], mut meanwhile: impl FnMut(&mut Started)) -> Option<(Run, Ended)> {
    for _ in 0..TRIES {
        let watch = Watch::new(pinning::allowed());
        let mut run = Started::new(arguments);
        meanwhile(&mut run);
        let ended = run.end();
        let is_busy = watch.confirms_refusal();
        if ended.is_refused() {
            assert_eq!(ended.code, 5, "{}", ended.err);
            let is_shared = ended.err.contains("another forkscope measures here");
            assert!(
                is_busy || is_shared,
                "an idle machine was refused: {}",
                ended.err
            );
            assert!(!run.out().exists(), "something was written");
            continue;
        }
        let record = run.record();
        let record = record.unwrap_or_else(|| panic!("it was not measured: {}", ended.err));
        let is_kept = record.cells.iter().any(|c| c.kept().next().is_some());
        let expected = match (is_kept, &record.withheld) {
            (true, None) => 0,
            (true, Some(_)) => 5,
            (false, _) => {
                assert!(dropped_by_machine(&record) > 0, "{}", ended.err);
                5
            }
        };
        assert_eq!(ended.code, expected, "{}{}", ended.out, ended.err);
        return Some((record, ended));
    }
    eprintln!("not tested: others use this machine, as /proc/stat says, too");
    None
}

#[test]
fn a_machine_that_others_use_is_refused_and_nothing_is_written() {
    let _alone = machine_for_itself();
    let neighbours = Neighbours::new();
    let mut run = Started::new(&["-a", "1,2", "--time", "60s"]);
    let ended = run.end();
    drop(neighbours);
    assert_eq!(ended.code, 5, "{}", ended.err);
    assert!(ended.is_refused(), "{}", ended.err);
    assert!(ended.err.contains("other programs use"), "{}", ended.err);
    assert!(ended.err.contains("--allow-busy"), "{}", ended.err);
    assert_eq!(ended.out, "");
    assert_eq!(fs::read_dir(run.folder.path()).unwrap().count(), 0);
}

#[test]
fn a_busy_machine_that_is_measured_all_the_same_labels_every_verdict() {
    let _alone = machine_for_itself();
    let neighbours = Neighbours::new();
    let mut run = Started::new(&["-a", "1,2", "--time", "60s", "--allow-busy"]);
    assert!(run.has_pairs(1), "{}", run.end().err);
    run.interrupt();
    let ended = run.end();
    drop(neighbours);
    assert_eq!(ended.code, 130, "{}", ended.err);
    let record = run.record().expect("it was measured");
    let busy = record.busy.as_ref().expect("it says so");
    assert!(busy.contains("other programs use"), "{busy}");
    // It was there from the start, so it is no cause to drop a pair.
    let foreign = |p: &&Pair| {
        let dropped = p.dropped.as_ref();
        dropped.is_some_and(|d| d.cause == Cause::ForeignCpu)
    };
    assert_eq!(all_pairs(&record).filter(foreign).count(), 0);
    let label = "busy machine";
    assert!(record.warnings.iter().any(|w| w.contains(label)));
    // Lines are wrapped.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = words(&ended.out);
    assert!(!record.decisions.is_empty());
    for decision in &record.decisions {
        for sentence in [&decision.crossover, &decision.advice] {
            // Where it is withheld, too, it is not said at all.
            let sentence = words(sentence);
            let labelled = format!("{label}: {sentence}");
            let all = said.matches(&sentence).count();
            assert_eq!(all > 0, record.withheld.is_none(), "{sentence}: {said}");
            assert_eq!(said.matches(&labelled).count(), all, "{sentence}: {said}");
        }
    }
    assert!(
        ended.out.matches(" (busy machine").count() >= 2,
        "{}",
        ended.out
    );
}

#[test]
#[ignore = "measures for most of a minute, and needs the machine for itself: scripts/check.sh runs it"]
fn a_machine_that_nobody_uses_is_measured() {
    let _alone = machine_for_itself();
    let Some((record, _)) = measured(&["-a", "1", "--time", "35s"], |_| {}) else {
        return;
    };
    assert_eq!(record.busy, None);
    assert!(record.complete, "{:?}", record.incomplete_reason);
    assert!(record.wall_s <= 35.0, "{} s", record.wall_s);
    assert!(record.machine.foreign_cpu <= Some(0.15));
}

#[test]
#[ignore = "measures for most of a minute, and needs the machine for itself: scripts/check.sh runs it"]
fn a_neighbour_that_comes_later_costs_pairs_that_are_counted_and_made_up_for() {
    let _alone = machine_for_itself();
    const TIME_S: f64 = 45.0;
    let found = measured(&["-a", "1", "--time", "45s"], |run| {
        // In the middle: after the first round.
        if run.has_pairs(1) {
            let neighbours = Neighbours::new();
            // Longer than one pair takes, so that a whole window lies in it.
            std::thread::sleep(Duration::from_secs(3));
            drop(neighbours);
        }
    });
    let Some((record, ended)) = found else {
        return;
    };
    let dropped = all_pairs(&record).filter_map(|p| p.dropped.as_ref());
    let by_neighbour: Vec<_> = dropped
        // With a quota the neighbour uses up ours, too: then pairs are throttled.
        .filter(|d| match record.machine.quota_cpus {
            Some(_) => d.cause.is_of_the_machine(),
            None => d.cause == Cause::ForeignCpu,
        })
        .collect();
    assert!(!by_neighbour.is_empty(), "{}", ended.out);
    if record.machine.quota_cpus.is_none() {
        for dropped in &by_neighbour {
            assert!(
                dropped.detail.contains("other programs used"),
                "{dropped:?}"
            );
        }
        let counted = format!(
            "{} of {} pairs",
            by_neighbour.len(),
            all_pairs(&record).count()
        );
        assert!(
            record.warnings.iter().any(|w| w.starts_with(&counted)),
            "{counted}: {:?}",
            record.warnings
        );
    }
    // Nobody is left short while there is time.
    for cell in &record.cells {
        let kept = cell.kept().count();
        assert!(
            kept >= MIN_PAIRS || record.wall_s > TIME_S - TAIL_S,
            "{} of {} pairs, {} s",
            kept,
            cell.pairs.len(),
            record.wall_s
        );
    }
}

/// What is started meanwhile may use only one of the CPUs that this test may use.
struct OneCpu(Vec<usize>);

impl OneCpu {
    fn new() -> OneCpu {
        let before = pinning::allowed();
        pinning::keep_on(Pid::from_raw(0), &before[..1]).expect("a part of what is allowed");
        OneCpu(before)
    }
}

impl Drop for OneCpu {
    fn drop(&mut self) {
        let _ = pinning::keep_on(Pid::from_raw(0), &self.0);
    }
}

#[test]
#[ignore = "measures for most of a minute, and needs the machine for itself: scripts/check.sh runs it"]
fn one_cpu_is_enough_and_the_time_holds_there() {
    let _alone = machine_for_itself();
    let _one = OneCpu::new();
    let Some((record, ended)) = measured(&["-a", "1,2", "--time", "40s"], |_| {}) else {
        return;
    };
    assert_eq!(record.machine.cpus_allowed, 1);
    assert!(record.machine.cpus_effective <= 1.0);
    assert!(record.wall_s <= 40.0, "{} s", record.wall_s);
    assert!(
        ended.err.contains("nothing runs in parallel"),
        "{}",
        ended.err
    );
}

#[test]
fn strict_takes_a_warning_for_an_error() {
    let _alone = machine_for_itself();
    let _one = OneCpu::new();
    let mut run = Started::new(&["-a", "1,2", "--time", "60s", "--strict"]);
    let ended = run.end();
    assert_eq!(ended.code, 5, "{}", ended.err);
    assert!(
        ended.err.contains("nothing runs in parallel"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("nothing was measured"), "{}", ended.err);
    // Where others use the machine, too, that is the reason.
    let is_unfit = ended.err.contains("unfit: ");
    assert!(is_unfit || ended.err.contains("--strict"), "{}", ended.err);
    assert_eq!(ended.out, "");
    assert!(!run.out().exists());
}
