//! Does the ring lose, double, swap or garble a message between two processes, if they go on for long?
//!
//! `cargo run --release --example ring_stress -- --messages 100000000 --sizes any --policy adaptive --ring 1024`
//!
//! Ends with 0 when every message arrived once, in order and whole; with 1, and a sentence why, when not.

#[path = "../tests/common/ring_pair.rs"]
mod ring_pair;
#[path = "../tests/common/ring_stress.rs"]
mod ring_stress;

use clap::Parser;
use forkscope::transport::WaitPolicy;
use forkscope::transport::ring::spsc::{LEAST_CAPACITY, most_bytes};
use ring_stress::{Plan, Sizes};
use std::process::{Command, ExitCode};

/// Sends numbered messages between two processes through a small ring, and checks every byte of them.
#[derive(Parser)]
struct Arguments {
    /// How many messages
    #[arg(long, default_value_t = 100_000_000)]
    messages: u64,
    /// Bytes of each message, or "any" for 0 to what the ring takes
    #[arg(long, default_value = "any")]
    sizes: Sizes,
    /// How both ends wait: spin, adaptive or park
    #[arg(long, default_value = "adaptive", value_parser = ring_stress::policy)]
    policy: WaitPolicy,
    /// Bytes of the ring, a power of two
    #[arg(long, default_value_t = 1024)]
    ring: usize,
    /// This is the second process, and the ring lies behind this descriptor
    #[arg(long, hide = true)]
    second: Option<i32>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let plan = Plan {
        messages: arguments.messages,
        sizes: arguments.sizes,
        policy: arguments.policy,
        capacity: arguments.ring,
    };
    if !plan.capacity.is_power_of_two() || plan.capacity < LEAST_CAPACITY {
        eprintln!("a ring has a power of two of bytes, {LEAST_CAPACITY} or more");
        return ExitCode::FAILURE;
    }
    if matches!(plan.sizes, Sizes::Fixed(bytes) if bytes > most_bytes(plan.capacity)) {
        let most = most_bytes(plan.capacity);
        eprintln!(
            "a ring of {} bytes takes messages of {most} at most",
            plan.capacity
        );
        return ExitCode::FAILURE;
    }
    if let Some(descriptor) = arguments.second {
        // SAFETY: the number comes from the first process, which made it for this one use.
        return match unsafe { ring_stress::check(plan, descriptor) } {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("receiver: {why}");
                ExitCode::FAILURE
            }
        };
    }
    let what = format!(
        "{} messages of {} bytes, {}, ring of {} bytes",
        plan.messages,
        plan.sizes,
        plan.policy.name(),
        plan.capacity
    );
    let report = ring_stress::send(plan, |descriptor| {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(std::env::args_os().skip(1));
        command.arg("--second").arg(descriptor.to_string());
        command
    });
    match report {
        Ok(report) => {
            let seconds = report.took.as_secs_f64();
            println!(
                "held: {what}: every one arrived once, in order and whole; {seconds:.1} s, {:.2} M/s, \
                 {} times around the ring, sender slept {} times, receiver {}",
                plan.messages as f64 / 1e6 / seconds,
                report.bytes / plan.capacity as u64,
                report.sender_sleeps,
                report.receiver_sleeps,
            );
            ExitCode::SUCCESS
        }
        Err(why) => {
            println!("FAILED: {what}: {why}");
            ExitCode::FAILURE
        }
    }
}
