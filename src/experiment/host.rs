//! Runs invocations for real: a fresh host process for each.
//!
//! Every host starts with an environment variable of random length: the layout of memory changes
//! results by more than many effects (Mytkowicz et al. 2009), so it must differ between invocations.

use super::coordinator::Invoker;
use super::invocation::Invocation;
use crate::record::{Failure, Outcome, Phase};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// The hidden subcommand that makes this binary a host.
pub const SUBCOMMAND: &str = "host";

/// Name of the environment variable that only takes room.
const PADDING: &str = "FORKSCOPE_PADDING";

/// Bytes of padding at most: a page.
const MOST_PADDING: usize = 4096;

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

/// Starts hosts.
pub struct Hosts {
    began: Instant,
    is_interrupted: Arc<AtomicBool>,
    padding: Pcg64,
}

impl Hosts {
    /// `began` is when the run began; `is_interrupted` is set by a signal handler.
    #[must_use]
    pub fn new(began: Instant, is_interrupted: Arc<AtomicBool>, seed: u64) -> Hosts {
        Hosts {
            began,
            is_interrupted,
            padding: Pcg64::seed_from_u64(seed),
        }
    }

    fn start(&mut self) -> std::io::Result<Child> {
        let room = (self.padding.next_u64() % MOST_PADDING as u64) as usize;
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

    /// Reads both outputs until the host closes them, time is over, or somebody interrupts.
    fn listen(&self, child: &mut Child, limit: Duration) -> Heard {
        let mut out = child.stdout.take().expect("standard output is piped");
        let mut err = child.stderr.take().expect("standard error is piped");
        let deadline = Instant::now() + limit;
        let mut heard = Heard::default();
        let (mut out_open, mut err_open) = (true, true);
        while out_open {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                heard.is_late = true;
                break;
            }
            if self.is_interrupted.load(Relaxed) {
                break;
            }
            let mut files = vec![PollFd::new(out.as_fd(), PollFlags::POLLIN)];
            if err_open {
                files.push(PollFd::new(err.as_fd(), PollFlags::POLLIN));
            }
            let wait = PollTimeout::try_from(left.min(LOOK)).unwrap_or(PollTimeout::ZERO);
            match poll(&mut files, wait) {
                Ok(0) | Err(Errno::EINTR) => continue,
                Ok(_) => {}
                Err(_) => break,
            }
            let ready = |f: &PollFd| f.revents().is_some_and(|r| !r.is_empty());
            let (out_ready, err_ready) = (ready(&files[0]), files.get(1).is_some_and(ready));
            drop(files);
            if out_ready {
                out_open = take(&mut out, &mut heard.out);
            }
            if err_ready {
                err_open = take(&mut err, &mut heard.err);
                let excess = heard.err.len().saturating_sub(KEPT_STDERR);
                heard.err.drain(..excess);
            }
        }
        heard
    }
}

#[derive(Default)]
struct Heard {
    out: Vec<u8>,
    err: Vec<u8>,
    is_late: bool,
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
        let fail = |phase: Phase, message: String| {
            Outcome::Failed(Failure {
                phase,
                agent: None,
                signal: None,
                message,
            })
        };
        let mut child = match self.start() {
            Ok(child) => child,
            Err(e) => {
                let why =
                    format!("start the host process: {e}; see `forkscope doctor` for the limits");
                return fail(Phase::Start, why);
            }
        };
        let task = serde_json::to_vec(invocation).expect("an invocation is plain data");
        // A host that died at once closes its end; what it says on standard error is the reason.
        let _ = child
            .stdin
            .take()
            .expect("standard input is piped")
            .write_all(&task);
        let limit_s = invocation.gives_up_after_s().min(limit_s).max(0.0);
        let heard = self.listen(&mut child, Duration::from_secs_f64(limit_s));
        // A host that has answered is about to end. One that has not is killed, and its workers with
        // it: they asked to die with their parent.
        let (phase, answer) = told(&heard.out);
        if answer.is_none() {
            end(&mut child);
        }
        let status = wait_or_kill(&mut child);
        match answer {
            Some(outcome) => outcome,
            None if heard.is_late => fail(
                phase,
                format!("the host did not answer within {limit_s:.0} s and was killed"),
            ),
            None => fail(
                phase,
                format!("the host {}{}", ended(status), last_words(&heard.err)),
            ),
        }
    }

    fn elapsed_s(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Relaxed)
    }
}

/// What a host wrote to standard output: the phase that it was in last, and what became of the invocation.
/// A host that has said nothing has not come further than its start.
#[must_use]
pub fn told(out: &[u8]) -> (Phase, Option<Outcome>) {
    let (mut phase, mut answer) = (Phase::Start, None);
    for line in out.split(|&b| b == b'\n') {
        if let Ok(begun) = serde_json::from_slice(line) {
            phase = begun;
        } else if let Ok(outcome) = serde_json::from_slice(line) {
            answer = Some(outcome);
        }
    }
    (phase, answer)
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
mod tests {
    use super::*;

    #[test]
    fn of_a_panic_the_message_is_told_and_no_frame() {
        let err = "\nthread 'main' (7) panicked at src/a.rs:3:9:\nindex out of bounds: the len is 3\n\
                   stack backtrace:\n   0: __rustc::rust_begin_unwind\n   1: core::panicking\n\
                   2: main\nnote: Some details are omitted\n\
                   thread 'pump' panicked at src/b.rs:1:1:\nlater\n";
        assert_eq!(
            last_words(err.as_bytes()),
            "; it said: thread 'main' (7) panicked at src/a.rs:3:9: / index out of bounds: the len is 3"
        );
        let quiet =
            "thread 'main' panicked at src/a.rs:1:1:\nwhy\nnote: run with `RUST_BACKTRACE=1`\n";
        assert!(last_words(quiet.as_bytes()).ends_with(":1:1: / why"));
        assert_eq!(last_words(b"a\nb\nc\nd\n"), "; it said: b / c / d");
        assert_eq!(last_words(b"\n"), "");
    }

    #[test]
    fn a_host_that_is_gone_has_said_how_far_it_came() {
        assert_eq!(told(b""), (Phase::Start, None));
        assert_eq!(told(b"\"setup\"\n\"warm_up\"\n"), (Phase::WarmUp, None));
        assert_eq!(told(b"\"setup\"\n\"win").0, Phase::Setup);
        let failed = Outcome::Failed(Failure {
            phase: Phase::Check,
            agent: None,
            signal: None,
            message: "two\nlines".to_owned(),
        });
        let mut out = b"\"setup\"\n".to_vec();
        out.extend(serde_json::to_vec(&failed).unwrap());
        assert_eq!(told(&out), (Phase::Setup, Some(failed)));
    }
}
