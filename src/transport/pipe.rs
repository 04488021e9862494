//! How do workers talk by pipes? By two between any two that talk, one in each direction.
//!
//! Wait policy: park. Serves threads and processes by the same code ([`super::stream`]).

use super::stream::Ways;
use rustix::pipe::{PipeFlags, pipe_with};

/// Descriptors of a way.
pub const DESCRIPTORS: usize = 4;

/// Makes a way between two workers.
///
/// # Errors
/// What the system says.
pub fn way() -> std::io::Result<Ways> {
    let (read_one, write_other) = pipe_with(PipeFlags::CLOEXEC)?;
    let (read_other, write_one) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok([(read_one, Some(write_one)), (read_other, Some(write_other))])
}
