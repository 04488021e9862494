//! Did a process stand still, although it was due to run?
//!
//! A stop (Ctrl-Z), a frozen control group (`docker pause`) and a guest or a laptop that sleeps leave one trace
//! in a process: it wakes much later than it asked to. So does one that others keep from the CPU; but the
//! scheduler counts how long that one waited in its queue, and what stands still is in no queue. What a parent
//! hears of a child's stops needs no clock at all.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use nix::sys::wait::WaitStatus;
use rustix::time::{ClockId, clock_gettime};

/// A wake that is later than this, and not for others' sake, is a standstill: timers of a machine that runs are
/// late by milliseconds.
const LEAST: Duration = Duration::from_millis(200);

/// Watches over the sleeps of one thread, and keeps a clock that stops while that stands still.
#[derive(Debug)]
pub struct Vigil {
    /// Where the scheduler counts; `None` where it does not, and then only suspends are seen.
    queue: Option<File>,
    /// Stood still while the clocks went on.
    lost: Duration,
    /// Suspended, with the clocks.
    suspended: Duration,
}

impl Vigil {
    /// For the calling thread.
    #[must_use]
    pub fn new() -> Vigil {
        Vigil {
            queue: File::open("/proc/thread-self/schedstat").ok(),
            lost: Duration::ZERO,
            suspended: Duration::ZERO,
        }
    }

    /// Sleeps by `sleep`, which wakes after `at_most` if not before, and notes how much longer it took than
    /// others can be blamed for.
    pub fn over<T>(&mut self, at_most: Duration, sleep: impl FnOnce() -> T) -> T {
        let (queued, began, booted) = (self.queued(), Instant::now(), since_boot());
        let woken_by = sleep();
        let took = began.elapsed();
        let suspended = since_boot().saturating_sub(booted).saturating_sub(took);
        if suspended >= LEAST {
            self.suspended += suspended;
        }
        let late = took.saturating_sub(at_most);
        if late >= LEAST
            && let Some((now, before)) = self.queued().zip(queued)
        {
            let lost = late.saturating_sub(now.saturating_sub(before));
            if lost >= LEAST {
                self.lost += lost;
            }
        }
        woken_by
    }

    /// The time by a clock that does not go on while the thread stands still: deadlines by it are as far away
    /// after a standstill as before.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::now() - self.lost
    }

    /// How long it stood still so far, suspends included.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.lost + self.suspended
    }

    /// How long the thread has been ready to run without running, so far.
    fn queued(&self) -> Option<Duration> {
        let mut text = [0; 64];
        let read = self.queue.as_ref()?.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(&text[..read]).ok()?;
        let mut numbers = text.split_whitespace().map(str::parse::<u64>);
        let (_ran, queued) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        // A kernel that does not count says that the thread never ran.
        let times = numbers.next()?.ok()?;
        (times > 0).then(|| Duration::from_nanos(queued))
    }
}

impl Default for Vigil {
    fn default() -> Vigil {
        Vigil::new()
    }
}

/// Time since the system started, suspends included.
fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    // It counts from 0: never negative.
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Stops of children by signals, as their parent hears of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stops {
    since: Option<Instant>,
    total: Option<Duration>,
}

impl Stops {
    /// Takes in what became of a child.
    pub fn hear(&mut self, status: WaitStatus) {
        match status {
            WaitStatus::Stopped(..) => {
                self.since.get_or_insert_with(Instant::now);
                self.total.get_or_insert_default();
            }
            // Whoever was stopped, too, hears of the end alone, and not how long it was.
            WaitStatus::Continued(_) => {
                let since = self.since.take();
                *self.total.get_or_insert_default() +=
                    since.map_or(Duration::ZERO, |s| s.elapsed());
            }
            _ => {}
        }
    }

    /// How long at least children were stopped; `None` when none was.
    #[must_use]
    pub fn total(&self) -> Option<Duration> {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_that_lasts_as_long_as_it_should_is_no_standstill() {
        let mut vigil = Vigil::new();
        for ms in [0, 5, 50] {
            let asked = Duration::from_millis(ms);
            vigil.over(asked, || std::thread::sleep(asked));
        }
        assert_eq!(vigil.total(), Duration::ZERO);
    }

    #[test]
    fn a_sleep_that_lasts_too_long_while_nobody_queues_is_one_and_the_clock_waits_for_it() {
        let mut vigil = Vigil::new();
        if vigil.queued().is_none() {
            eprintln!("not tested: this kernel does not count how long tasks wait");
            return;
        }
        let (began, real) = (vigil.now(), Instant::now());
        vigil.over(Duration::ZERO, || std::thread::sleep(2 * LEAST));
        assert!(vigil.total() >= LEAST, "{vigil:?}");
        assert!(vigil.now() - began <= real.elapsed() - vigil.total());
    }

    #[test]
    fn who_has_to_queue_for_a_cpu_does_not_stand_still() {
        let mut vigil = Vigil::new();
        if vigil.queued().is_none() {
            return;
        }
        // More than there are CPUs, so that the thread waits for one again and again.
        let threads = 8 * std::thread::available_parallelism().map_or(1, |n| n.get());
        let end = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while !end.load(std::sync::atomic::Ordering::Relaxed) {
                        std::hint::spin_loop()
                    }
                });
            }
            for _ in 0..20 {
                let asked = Duration::from_millis(20);
                vigil.over(asked, || std::thread::sleep(asked));
            }
            end.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        assert_eq!(vigil.total(), Duration::ZERO, "{vigil:?}");
    }

    #[test]
    fn a_child_that_was_stopped_is_heard_of_even_if_only_its_end_is_seen() {
        use nix::sys::signal::Signal::SIGSTOP;
        use nix::unistd::Pid;
        let mut stops = Stops::default();
        stops.hear(WaitStatus::StillAlive);
        stops.hear(WaitStatus::Exited(Pid::from_raw(7), 0));
        assert_eq!(stops.total(), None);
        stops.hear(WaitStatus::Continued(Pid::from_raw(7)));
        assert_eq!(stops.total(), Some(Duration::ZERO));
        let mut stops = Stops::default();
        stops.hear(WaitStatus::Stopped(Pid::from_raw(7), SIGSTOP));
        assert!(stops.total().is_some());
    }
}
