//! Tests: how much CPU did a process, a thread and everyone else use?

#[test]
fn a_thread_reads_the_clock_of_another() {
    use super::{ThreadClock, own_thread_ns};
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let worker = std::thread::spawn(move || {
        let start = own_thread_ns();
        while own_thread_ns() < start + 5_000_000 {}
        tell.send((ThreadClock::of_this_thread(), own_thread_ns()))
            .unwrap();
        let _ = ended.recv();
    });
    let (clock, its_own) = told.recv().unwrap();
    let seen = clock.now_ns();
    assert!(seen >= its_own && its_own >= 5_000_000, "{seen} {its_own}");
    drop(end);
    worker.join().unwrap();
}

use super::*;
use std::hint::black_box;

const STAT: &str = "cpu  60 6 30 600 60 3 3 9 5 0\n\
    cpu0 10 1 5 100 10 1 1 2 0 0\n\
    cpu1 20 2 10 200 20 1 1 3 0 0\n\
    cpu12 30 3 15 300 30 1 1 4 5 0\n\
    intr 12345 0 1\nctxt 99\n";

#[test]
fn only_the_allowed_cpus_are_summed() {
    let spent = SystemCpu::parse(STAT, &[0, 12], 10).unwrap();
    assert_eq!(spent.busy_ns, (18 + 50) * 10);
    assert_eq!(spent.steal_ns, 6 * 10);
    assert_eq!(spent.idle_ns, (110 + 330) * 10);
    assert_eq!(SystemCpu::parse(STAT, &[7], 10), None);
    assert_eq!(SystemCpu::parse("", &[0], 10), None);
    // A line too few, and a file of zeros: as sandboxes have them.
    assert_eq!(SystemCpu::parse(STAT, &[0, 1, 2], 10), None);
    let zeros = "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\n";
    assert_eq!(SystemCpu::parse(zeros, &[0, 1], 10), None);
    assert_eq!(SystemCpu::parse("cpu0 1 x", &[0], 10), None);
}

#[test]
fn the_time_that_tasks_waited_is_that_of_some() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(waited_ns(root.path()), None);
    let folder = root.path().join("proc/pressure");
    fs::create_dir_all(&folder).unwrap();
    let text = "some avg10=1.00 avg60=0.50 avg300=0.10 total=1234\n\
                full avg10=0.00 avg60=0.00 avg300=0.00 total=99\n";
    fs::write(folder.join("cpu"), text).unwrap();
    assert_eq!(waited_ns(root.path()), Some(1_234_000));
    fs::write(folder.join("cpu"), "some avg10=1.00\n").unwrap();
    assert_eq!(waited_ns(root.path()), None);
}

#[test]
fn foreign_cpu_is_what_is_left_after_our_own() {
    let second = Duration::from_secs(1);
    let spent = SystemCpu {
        busy_ns: 1_500_000_000,
        steal_ns: 100_000_000,
        idle_ns: 400_000_000,
    };
    let foreign = foreign_share(spent, 1_100_000_000, 2.0, second).unwrap();
    assert!((foreign - 0.2).abs() < 1e-12);
    assert!((steal_share(spent, 2.0, second).unwrap() - 0.05).abs() < 1e-12);
    // Ticks are coarser than our own clock: more own than busy is no foreign CPU.
    assert_eq!(foreign_share(spent, 1_600_000_000, 2.0, second), Some(0.0));
    // And more busy than there is time is all of it.
    assert_eq!(foreign_share(spent, 0, 1.0, second), Some(1.0));
    assert_eq!(foreign_share(spent, 0, 2.0, Duration::ZERO), None);
    assert_eq!(foreign_share(spent, 0, 0.0, second), None);
}

#[test]
fn counters_that_stand_still_say_nothing() {
    let (second, none) = (Duration::from_secs(1), SystemCpu::default());
    assert_eq!(foreign_share(none, 0, 2.0, second), None);
    assert_eq!(steal_share(none, 2.0, second), None);
    // Those of one CPU of four.
    let quarter = SystemCpu {
        busy_ns: 300_000_000,
        steal_ns: 0,
        idle_ns: 700_000_000,
    };
    assert_eq!(foreign_share(quarter, 0, 4.0, second), None);
    // Within a tick there may be nothing to count.
    let tick = Duration::from_millis(10);
    assert_eq!(foreign_share(none, 0, 2.0, tick), Some(0.0));
}

#[test]
fn a_counter_that_goes_back_has_not_moved() {
    let later = SystemCpu {
        busy_ns: 5,
        steal_ns: 0,
        idle_ns: 7,
    };
    let earlier = SystemCpu {
        busy_ns: 1,
        steal_ns: 0,
        idle_ns: 9,
    };
    assert_eq!(later.since(earlier).idle_ns, 0);
    assert_eq!(later.since(earlier).busy_ns, 4);
}

#[test]
fn cpu_clocks_count_work_and_not_sleep() {
    let clock = ProcessClock::of(Pid::this()).unwrap();
    let (process, thread) = (clock.now_ns().unwrap(), own_thread_ns());
    while own_thread_ns() - thread < 1_000_000 {
        black_box(0);
    }
    assert!(clock.now_ns().unwrap() - process >= 1_000_000);
    assert!(own_process_ns() >= own_thread_ns());
}

#[test]
fn a_process_that_never_was_is_an_error_that_names_it() {
    // Beyond the largest pid_max that Linux allows (2^22).
    let nobody = Pid::from_raw(1 << 23);
    let message = ProcessClock::of(nobody).unwrap_err().to_string();
    assert!(message.contains("8388608"), "{message}");
    let message = Switches::of(nobody).unwrap_err().to_string();
    assert!(message.contains("/proc/8388608/task"), "{message}");
}

#[test]
fn switches_are_summed_over_tasks() {
    let status = "Name:\tx\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n";
    let task = Switches::parse(status).unwrap();
    assert_eq!((task.voluntary, task.involuntary, task.tasks), (12, 3, 1));
    assert_eq!(Switches::parse("Name:\tx\n"), None);

    let before = Switches::of(Pid::this()).unwrap();
    assert!(before.tasks >= 1);
    std::thread::sleep(Duration::from_millis(1));
    let after = Switches::of(Pid::this()).unwrap();
    assert!(after.voluntary > 0);
    assert_eq!(before.since(before).voluntary, 0);
}
