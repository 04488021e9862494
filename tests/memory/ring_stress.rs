//! Does every message arrive between two real processes, under every way to wait?
//!
//! The same as `examples/ring_stress.rs`, which goes on for longer.

use crate::stress;
use crate::stress::{Plan, Sizes};
use forkscope::transport::WaitPolicy;
use std::process::Command;

/// What the second process is told by: a plan's numbers, and the descriptor.
const VARIABLE: &str = "FORKSCOPE_RING_STRESS";

fn holds(plan: Plan) -> stress::Report {
    let report = stress::send(plan, |descriptor| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([
            "--exact",
            "ring_stress::the_second_process",
            "--nocapture",
            "--quiet",
        ]);
        let words = [
            plan.messages.to_string(),
            plan.sizes.to_string(),
            plan.policy.name().to_owned(),
            plan.capacity.to_string(),
            descriptor.to_string(),
        ];
        command.env(VARIABLE, words.join(" "));
        command.stdout(std::process::Stdio::null());
        command
    });
    report.unwrap_or_else(|why| panic!("{plan:?}: {why}"))
}

/// Nothing by itself: what the other tests start as their second process.
#[test]
fn the_second_process() {
    let Ok(words) = std::env::var(VARIABLE) else {
        return;
    };
    let words: Vec<&str> = words.split(' ').collect();
    let [messages, sizes, policy, capacity, descriptor] = words[..] else {
        panic!("five words");
    };
    let plan = Plan {
        messages: messages.parse().unwrap(),
        sizes: sizes.parse().unwrap(),
        policy: stress::policy(policy).unwrap(),
        capacity: capacity.parse().unwrap(),
    };
    // SAFETY: the number comes from the first process, which made it for this one use.
    unsafe { stress::check(plan, descriptor.parse().unwrap()) }.unwrap();
}

#[test]
fn ends_that_look_and_then_sleep_lose_nothing() {
    for sizes in [Sizes::Any, Sizes::Fixed(8), Sizes::Fixed(64)] {
        holds(Plan {
            messages: 200_000,
            sizes,
            policy: WaitPolicy::Adaptive,
            capacity: 512,
        });
    }
}

#[test]
fn ends_that_sleep_at_once_lose_nothing() {
    let report = holds(Plan {
        messages: 200_000,
        sizes: Sizes::Any,
        policy: WaitPolicy::Park,
        capacity: 512,
    });
    assert!(report.sender_sleeps + report.receiver_sleeps > 0);
}

/// A larger ring, for where there is one CPU for both: each then goes on for a whole time slice, or spins
/// for one.
#[test]
fn ends_that_never_sleep_lose_nothing() {
    let report = holds(Plan {
        messages: 200_000,
        sizes: Sizes::Fixed(64),
        policy: WaitPolicy::Spin,
        capacity: 64 << 10,
    });
    assert_eq!(report.sender_sleeps + report.receiver_sleeps, 0);
}

#[test]
fn a_receiver_that_dies_is_noticed() {
    let plan = Plan {
        messages: 1 << 40,
        sizes: Sizes::Fixed(8),
        policy: WaitPolicy::Adaptive,
        capacity: 512,
    };
    let result = stress::send(plan, |_| Command::new("false"));
    assert!(result.unwrap_err().contains("gave up"));
}
