//! Is what lies at /proc the one that this process is in?

use std::io;
use std::path::Path;

use nix::sys::statfs::{PROC_SUPER_MAGIC, statfs};
use thiserror::Error;

/// Why nothing can be measured here: what processes cost is read in /proc.
#[derive(Debug, Error)]
pub enum ProcError {
    /// Its numbers are those of other processes.
    #[error(
        "/proc belongs to another PID namespace: this process is number {own} and has {} there; start it with a /proc \
         of its own (`unshare --fork --pid --mount-proc`, or `mount -t proc proc /proc` inside)",
        .there.as_deref().map_or_else(|| "none".to_owned(), |n| format!("number {n}"))
    )]
    Another {
        /// Number of this process in its own namespace.
        own: u32,
        /// Its number in that of /proc.
        there: Option<String>,
    },
    /// There is none.
    #[error("read /proc/self: {0}; mount it with `mount -t proc proc /proc`")]
    Missing(io::Error),
}

/// Whether /proc shows this process and its children under the numbers that they have.
///
/// # Errors
/// [`ProcError`] with what to do.
pub fn check_proc() -> Result<(), ProcError> {
    let own = std::process::id();
    let path = Path::new("/proc");
    let there = match std::fs::read_link(path.join("self")) {
        Ok(number) => Some(number.to_string_lossy().into_owned()),
        // One of a namespace that this process is not in.
        Err(_) if statfs(path).is_ok_and(|s| s.filesystem_type() == PROC_SUPER_MAGIC) => None,
        Err(error) => return Err(ProcError::Missing(error)),
    };
    if there.as_deref() == Some(own.to_string().as_str()) {
        return Ok(());
    }
    Err(ProcError::Another { own, there })
}
