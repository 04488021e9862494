//! Runs invocations for real: a fresh host process for each.
//!
//! Every host starts with an environment variable of random length: the layout of memory changes
//! results by more than many effects (Mytkowicz et al. 2009), so it must differ between invocations.
//!
//! The two hosts of a pair live at the same time and take turns; see [`super::turns`].

use super::coordinator::{Invoker, one_by_one};
use super::invocation::Invocation;
use super::turns::{self, Around, Order, Waiting};
use crate::deployment::pinning;
use crate::observe::cgroup::Cgroup;
use crate::observe::standstill::{Stops, Vigil};
use crate::record::{Failure, Outcome, Phase};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// The hidden subcommand that makes this binary a host.
pub const SUBCOMMAND: &str = "host";

/// Name of the environment variable that only takes room.
const PADDING: &str = "FORKSCOPE_PADDING";

/// Bytes of padding at most: a page.
const MOST_PADDING: usize = 4096;

/// More than any machine has.
const MOST_CPUS: u64 = 1 << 16;

/// How soon an interrupt is noticed.
const LOOK: Duration = Duration::from_millis(50);

/// How long a host may take to end once it was asked to.
const GRACE: Duration = Duration::from_millis(200);

/// How long a host that has answered may take to end.
const GOODBYE: Duration = Duration::from_secs(3);

/// Bytes of a host's standard error that are kept: a panic and the frames below it.
const KEPT_STDERR: usize = 64 * 1024;

/// Lines of it that are told.
const TOLD_LINES: usize = 3;

/// Characters of them.
const TOLD_CHARACTERS: usize = 500;

/// Whether the environment leaves room for what a host and its workers are started with: their padding and their
/// arguments, with as much to spare. Tried with this very program, because what fits depends on the kernel.
///
/// # Errors
/// How much the environment takes, its largest variable, and what to do.
pub fn check_environment() -> Result<(), String> {
    let tried = Command::new("/proc/self/exe")
        .arg("--version")
        .env(PADDING, "x".repeat(2 * MOST_PADDING))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match tried {
        Err(e) if e.kind() == std::io::ErrorKind::ArgumentListTooLong => {}
        _ => return Ok(()),
    }
    let sizes = std::env::vars_os().map(|(name, value)| (name.len() + value.len(), name));
    let all: Vec<_> = sizes.collect();
    let sum: usize = all.iter().map(|(size, _)| size).sum();
    let (most, name) = all.into_iter().max().unwrap_or_default();
    Err(format!(
        "the environment is too large to start processes in: {} KiB, of which {} has {}; unset variables, or raise the limit of the stack, of which a quarter is for it (ulimit -s)",
        sum >> 10,
        crate::input::shown(&name.to_string_lossy()),
        most >> 10,
    ))
}

/// Starts hosts.
pub struct Hosts {
    began: Instant,
    is_interrupted: Arc<AtomicBool>,
    /// By its clock deadlines and the run's time are kept.
    vigil: Vigil,
    /// Stops of the hosts of the current pair.
    stops: Stops,
    group: Cgroup,
    /// How much padding, and which CPU is the first.
    random: Pcg64,
}

impl Hosts {
    /// `began` is when the run began; `is_interrupted` is set by a signal handler.
    #[must_use]
    pub fn new(began: Instant, is_interrupted: Arc<AtomicBool>, seed: u64) -> Hosts {
        Hosts {
            began,
            is_interrupted,
            vigil: Vigil::new(),
            stops: Stops::default(),
            group: Cgroup::of_self(),
            random: Pcg64::seed_from_u64(seed),
        }
    }

    fn start(&mut self) -> std::io::Result<Child> {
        let room = (self.random.next_u64() % MOST_PADDING as u64) as usize;
        // From the main thread, always: the parent-death signal fires when the starting thread ends.
        // This very file, also when a new build has taken its name meanwhile.
        Command::new("/proc/self/exe")
            .arg0("forkscope")
            .args([SUBCOMMAND, &std::process::id().to_string()])
            .env(PADDING, "x".repeat(room))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }

    /// Starts a host and gives it its task. It is given up `limit_s` seconds from now at the latest.
    fn begin(&mut self, invocation: &Invocation, limit_s: f64) -> Result<Running, Failure> {
        let limit_s = limit_s.max(0.0);
        let kills = self.group.oom_kills();
        let mut child = self.start().map_err(|e| {
            let why = format!("start the host process: {e}; see `forkscope doctor` for the limits");
            fail(Phase::Start, why)
        })?;
        let mut host = Running {
            orders: child.stdin.take(),
            out: child.stdout.take(),
            err: child.stderr.take(),
            child,
            kills,
            limit_s,
            deadline: self.vigil.now() + Duration::from_secs_f64(limit_s),
            heard: Heard::default(),
        };
        host.say(invocation);
        if !invocation.part.takes_turns {
            host.orders = None;
        }
        Ok(host)
    }

    /// Reads both outputs until `is_enough`, the host closes them, time is over, or somebody interrupts.
    fn listen(&mut self, host: &mut Running, is_enough: impl Fn(&Told) -> bool) {
        while !is_enough(&host.heard.told) {
            let Some(out) = &mut host.out else { break };
            let left = host.deadline.saturating_duration_since(self.vigil.now());
            if left.is_zero() {
                host.heard.is_late = true;
                break;
            }
            if self.is_interrupted.load(Relaxed) {
                break;
            }
            let mut files = vec![PollFd::new(out.as_fd(), PollFlags::POLLIN)];
            if let Some(err) = &host.err {
                files.push(PollFd::new(err.as_fd(), PollFlags::POLLIN));
            }
            let at_most = left.min(LOOK);
            let wait = PollTimeout::try_from(at_most).unwrap_or(PollTimeout::ZERO);
            let polled = self.vigil.over(at_most, || poll(&mut files, wait));
            self.stops.hear(stop_of(&host.child));
            match polled {
                Ok(0) | Err(Errno::EINTR) => continue,
                Ok(_) => {}
                Err(_) => break,
            }
            let ready = |f: &PollFd| f.revents().is_some_and(|r| !r.is_empty());
            let (out_ready, err_ready) = (ready(&files[0]), files.get(1).is_some_and(ready));
            drop(files);
            if out_ready {
                let is_open = take(out, &mut host.heard.out);
                host.heard.told = told(&host.heard.out);
                if !is_open {
                    host.out = None;
                }
            }
            if err_ready && let Some(err) = &mut host.err {
                if !take(err, &mut host.heard.err) {
                    host.err = None;
                }
                let excess = host.heard.err.len().saturating_sub(KEPT_STDERR);
                host.heard.err.drain(..excess);
            }
        }
    }

    /// Listens to a host until it has answered, or will not any more; then it ends.
    fn conclude(&mut self, mut host: Running) -> Outcome {
        self.listen(&mut host, |_| false);
        let Running {
            mut child,
            orders,
            out,
            heard,
            kills,
            limit_s,
            ..
        } = host;
        drop((orders, out));
        let Told { phase, answer, .. } = heard.told;
        // A host that has answered is about to end. One that has not is killed, and its workers with
        // it: they asked to die with their parent.
        if answer.is_none() {
            end(&mut child);
        }
        let status = wait_or_kill(&mut child);
        if answer.is_none() {
            self.await_interrupt(status.as_ref().ok());
        }
        match answer {
            Some(outcome) => outcome,
            None if heard.is_late => Outcome::Failed(fail(
                phase,
                format!("the host did not answer within {limit_s:.0} s and was killed"),
            )),
            None => {
                let was_killed = status
                    .as_ref()
                    .is_ok_and(|s| s.signal() == Some(Signal::SIGKILL as i32));
                let why = self.group.out_of_memory_since(kills).filter(|_| was_killed);
                let why = why.map_or_else(String::new, |why| format!(": {why}"));
                Outcome::Failed(fail(
                    phase,
                    format!("the host {}{why}{}", ended(status), last_words(&heard.err)),
                ))
            }
        }
    }

    /// Begins to look out for standstills; gives how long the run stood still before.
    fn watch_out(&mut self) -> Duration {
        self.stops = Stops::default();
        self.vigil.total()
    }

    /// Writes into a sample how long the run stood still since [`Hosts::watch_out`], or a host of it.
    fn write_standstill(&self, before: Duration, outcome: &mut Outcome) {
        let own = Some(self.vigil.total() - before).filter(|t| !t.is_zero());
        if let Outcome::Measured(sample) = outcome
            && let Some(seen) = own.max(self.stops.total())
        {
            let its_own_s = sample.stood_still_s.unwrap_or(0.0);
            sample.stood_still_s = Some(seen.as_secs_f64().max(its_own_s));
        }
    }

    /// A terminal interrupts a whole group, and a host may die of it before this process knows of it: then it is about
    /// to, and what the host did is no failure.
    fn await_interrupt(&self, status: Option<&ExitStatus>) {
        const ENDS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
        let signal = status.and_then(|s| Signal::try_from(s.signal()?).ok());
        let until = Instant::now() + GRACE;
        while signal.is_some_and(|s| ENDS.contains(&s))
            && !self.is_interrupted.load(Relaxed)
            && Instant::now() < until
        {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets the two hosts of a pair run turn by turn. A host that has failed is left out, and the other
    /// one goes on: what it measures is kept, though the pair does not count.
    fn take_turns(
        &mut self,
        hosts: &mut [Option<Running>; 2],
        of: u32,
        cpus: &[usize],
        turn_limit_s: f64,
        latest: Instant,
    ) {
        let first = (self.random.next_u64() % MOST_CPUS) as usize;
        for turn in 0..of {
            let cpu = turns::cpu_of(turn, of, first, cpus);
            for host in turns::order(turn) {
                let Some(host) = &mut hosts[host] else {
                    continue;
                };
                if host.heard.is_late || self.is_interrupted.load(Relaxed) {
                    continue;
                }
                host.say(&Order::Turn { of, cpu });
                // A host that hangs is given up alone; its partner has time left of its own.
                let deadline = self.vigil.now() + Duration::from_secs_f64(turn_limit_s);
                if deadline < latest {
                    (host.deadline, host.limit_s) = (deadline, turn_limit_s);
                }
                self.listen(host, |told| told.turns_done() > Some(turn));
            }
        }
    }
}

/// A host that runs.
struct Running {
    child: Child,
    /// What it is told; `None` once there is nothing more to say.
    orders: Option<ChildStdin>,
    /// Standard output and error, until it closes them.
    out: Option<ChildStdout>,
    err: Option<ChildStderr>,
    /// Processes that the kernel had ended for want of memory when it began.
    kills: Option<u64>,
    limit_s: f64,
    deadline: Instant,
    heard: Heard,
}

impl Running {
    /// Tells the host something, a line of JSON. One that is gone closes its end; what it says on standard
    /// error is the reason.
    fn say(&mut self, what: &impl serde::Serialize) {
        if let Some(orders) = &mut self.orders {
            let mut line = serde_json::to_vec(what).expect("it is plain data");
            line.push(b'\n');
            let _ = orders.write_all(&line);
        }
    }

    fn waits(&self) -> Option<Waiting> {
        self.heard.told.waiting
    }
}

#[derive(Default)]
struct Heard {
    out: Vec<u8>,
    err: Vec<u8>,
    told: Told,
    is_late: bool,
}

fn fail(phase: Phase, message: String) -> Failure {
    Failure {
        phase,
        agent: None,
        signal: None,
        message,
    }
}

/// Reads what is there; false at the end of the file.
fn take(from: &mut impl Read, to: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 8192];
    match from.read(&mut buffer) {
        Ok(0) | Err(_) => false,
        Ok(n) => {
            to.extend_from_slice(&buffer[..n]);
            true
        }
    }
}

impl Invoker for Hosts {
    fn invoke(&mut self, invocation: &Invocation, limit_s: f64) -> Outcome {
        let before = self.watch_out();
        match self.begin(invocation, invocation.gives_up_after_s().min(limit_s)) {
            Ok(host) => {
                let mut outcome = self.conclude(host);
                self.write_standstill(before, &mut outcome);
                outcome
            }
            Err(failure) => Outcome::Failed(failure),
        }
    }

    fn invoke_pair(
        &mut self,
        first: &Invocation,
        second: &Invocation,
        limit_s: f64,
    ) -> (Outcome, Outcome) {
        if !(first.part.takes_turns && second.part.takes_turns) {
            return one_by_one(self, first, second, limit_s);
        }
        // Each waits for the other, so each may take as long as both.
        let limit_s = limit_s.min(first.gives_up_after_s() + second.gives_up_after_s());
        let began = self.vigil.now();
        let before_it = self.watch_out();
        let mut failures = [None, None];
        let mut hosts = [None, None];
        for (i, invocation) in [first, second].into_iter().enumerate() {
            // Whoever interrupts while the first one gets ready does not wait for a second one.
            if i > 0 && self.is_interrupted.load(Relaxed) {
                failures[i] = Some(fail(Phase::Start, "interrupted".to_owned()));
                continue;
            }
            match self.begin(
                invocation,
                limit_s - (self.vigil.now() - began).as_secs_f64(),
            ) {
                Ok(mut host) => {
                    self.listen(&mut host, |told| told.waiting.is_some());
                    hosts[i] = Some(host);
                }
                Err(failure) => failures[i] = Some(failure),
            }
        }
        let waits = |hosts: &[Option<Running>; 2]| -> Vec<Waiting> {
            hosts.iter().flatten().filter_map(Running::waits).collect()
        };
        let all_ns = |waits: &[Waiting]| waits.iter().map(|w| w.own_cpu_ns).sum();
        let before = waits(&hosts);
        let episode_s = before.iter().map(|w| w.episode_s).fold(0.0, f64::max);
        let of = first.turns_for(episode_s).min(second.turns_for(episode_s));
        let around = Around::begin(all_ns(&before));
        let cpus = match first.is_one_free_worker() && second.is_one_free_worker() {
            true => pinning::allowed(),
            false => Vec::new(),
        };
        let turn_limit_s = first
            .turn_gives_up_after_s()
            .max(second.turn_gives_up_after_s());
        let latest = began + Duration::from_secs_f64(limit_s.max(0.0));
        self.take_turns(&mut hosts, of, &cpus, turn_limit_s, latest);
        let after = waits(&hosts);
        let shares = around.end(all_ns(&after));
        // One after the other: the memory of each is read while the other is not there.
        let mut outcomes = std::array::from_fn(|i| match hosts[i].take() {
            Some(mut host) => {
                host.say(&Order::HandOver);
                host.orders = None;
                if !host.heard.is_late {
                    host.deadline = latest;
                }
                self.conclude(host)
            }
            None => Outcome::Failed(failures[i].take().expect("it did not start")),
        });
        if before.len() == 2 && after.len() == 2 {
            outcomes.iter_mut().for_each(|o| shares.write_into(o));
        }
        for outcome in &mut outcomes {
            self.write_standstill(before_it, outcome);
        }
        let [one, other] = outcomes;
        (one, other)
    }

    fn elapsed_s(&self) -> f64 {
        (self.vigil.now() - self.began).as_secs_f64()
    }

    fn stood_still_s(&self) -> f64 {
        self.vigil.total().as_secs_f64()
    }

    fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Relaxed)
    }
}

/// What a host wrote to standard output.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The phase that it was in last. A host that has said nothing has not come further than its start.
    pub phase: Phase,
    /// What it waits for, or waited for last.
    pub waiting: Option<Waiting>,
    /// What became of the invocation.
    pub answer: Option<Outcome>,
}

impl Default for Told {
    fn default() -> Told {
        Told {
            phase: Phase::Start,
            waiting: None,
            answer: None,
        }
    }
}

impl Told {
    fn turns_done(&self) -> Option<u32> {
        self.waiting.map(|w| w.turns_done)
    }
}

/// Reads what a host wrote to standard output, as far as it has come.
#[must_use]
pub fn told(out: &[u8]) -> Told {
    let mut told = Told::default();
    for line in out.split(|&b| b == b'\n') {
        if let Ok(phase) = serde_json::from_slice(line) {
            told.phase = phase;
        } else if let Ok(waiting) = serde_json::from_slice(line) {
            told.waiting = Some(waiting);
        } else if let Ok(outcome) = serde_json::from_slice(line) {
            told.answer = Some(outcome);
        }
    }
    told
}

/// Asks a host to end, so that it can finish what must not be left half done; then makes it end.
fn end(child: &mut Child) {
    let pid = Pid::from_raw(child.id() as i32);
    // Not waited for yet, so the number is still its own.
    let _ = kill(pid, Signal::SIGTERM);
    let deadline = Instant::now() + GRACE;
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    let _ = child.kill();
}

/// Waits for a host that has answered or was killed. One that was stopped at its very end is killed.
fn wait_or_kill(child: &mut Child) -> std::io::Result<ExitStatus> {
    let deadline = Instant::now() + GOODBYE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    let _ = child.kill();
    child.wait()
}

/// Whether a host was stopped by a signal, or goes on after that. How it ends is left to [`Child`].
fn stop_of(child: &Child) -> WaitStatus {
    let pid = Pid::from_raw(child.id() as i32);
    let look = WaitPidFlag::WSTOPPED | WaitPidFlag::WCONTINUED | WaitPidFlag::WNOHANG;
    waitid(Id::Pid(pid), look).unwrap_or(WaitStatus::StillAlive)
}

fn ended(status: std::io::Result<ExitStatus>) -> String {
    match status {
        Ok(s) => match (s.signal(), s.code()) {
            (Some(signal), _) => format!("was ended by signal {signal}"),
            (None, Some(code)) => format!("ended with exit code {code} and without an answer"),
            (None, None) => "ended".to_owned(),
        },
        Err(e) => format!("is gone: {e}"),
    }
}

/// What a host wrote to standard error, as the end of a sentence: how it panicked, or else how it ended.
fn last_words(err: &[u8]) -> String {
    let text = String::from_utf8_lossy(err);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    let is_panic = |l: &&str| l.starts_with("thread '") && l.contains("panicked at");
    let told = match lines.iter().position(is_panic) {
        Some(first) => {
            // Frames, and how to get them, follow the message.
            let ends = |l: &&&str| l.starts_with("stack backtrace:") || l.starts_with("note: ");
            let message = lines[first..].iter().take_while(|l| !ends(l));
            message.take(TOLD_LINES).copied().collect()
        }
        None => lines[lines.len().saturating_sub(TOLD_LINES)..].to_vec(),
    };
    match told.as_slice() {
        [] => String::new(),
        told => {
            let told: String = told.join(" / ").chars().take(TOLD_CHARACTERS).collect();
            format!("; it said: {told}")
        }
    }
}

#[cfg(test)]
mod tests;
