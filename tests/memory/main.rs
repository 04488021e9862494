//! Is memory counted, shared and left alone as it should be? All of it goes through the allocator that
//! the product counts with.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/ring_pair.rs"]
mod ring_pair;
#[path = "../common/ring_stress.rs"]
mod stress;

mod heap;
mod no_alloc;
#[cfg(target_env = "gnu")]
mod program_break;
mod ring_stress;
mod serialize;

use forkscope::observe::heap::Counting;
use std::process::Command;

#[global_allocator]
static HEAP: Counting = Counting;

/// Set in a process that runs one test alone.
const ALONE: &str = "FORKSCOPE_TEST_ALONE";

/// Runs what belongs to a test in a process of its own, where nothing runs beside it.
fn alone(test: &str, variables: &[(&str, &str)], body: fn()) {
    if std::env::var_os(ALONE).is_some() {
        return body();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ALONE, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {said}", output.status);
    let counted = String::from_utf8_lossy(&output.stdout);
    assert!(counted.contains("1 passed"), "{test}: {counted}");
}
