//! What happens where a file would grow beyond the limit of file sizes (`ulimit -f`)? What happens on a full disk.

use nix::sys::signal::{SigHandler, Signal, signal};

/// Makes writing beyond the limit an error of the one who writes; otherwise a signal ends the process, with the
/// table unprinted and the earlier record its only reader. Processes that are started inherit it.
pub fn make_an_error() {
    // SAFETY: no handler is installed, so none can run where it must not.
    let _ = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
}
