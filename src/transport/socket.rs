//! How do workers talk by sockets? By a Unix stream between any two that talk: one descriptor at each end.
//!
//! Wait policy: park. Serves threads and processes by the same code ([`super::stream`]).

use super::stream::Ways;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

/// Descriptors of a way.
pub const DESCRIPTORS: usize = 2;

/// Makes a way between two workers.
///
/// # Errors
/// What the system says.
pub fn way() -> std::io::Result<Ways> {
    let (one, other) = socketpair(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    Ok([(one, None), (other, None)])
}
