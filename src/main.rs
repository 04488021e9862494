//! The program, with the built-in studies.

use forkscope::observe::heap::Counting;
use std::process::ExitCode;

/// Counts live heap bytes, which is a published metric.
#[global_allocator]
static HEAP: Counting = Counting;

fn main() -> ExitCode {
    forkscope::main()
}
