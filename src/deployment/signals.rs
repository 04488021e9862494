//! With which signals does a process of forkscope begin, and which of them end a run?
//!
//! A process inherits what its parent ignores and what it blocks. Coordinator, hosts and workers wait for their
//! children, and are asked to end: for that they need the signals as they are by default. What a person has had
//! ignored, though (`nohup`, a job in the background of a shell), stays so.

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Signals that ask a run to end.
const REQUESTS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// Undoes what a parent leaves behind that would change how processes are looked after. To be called first of all.
///
/// Where the end of a child is ignored, the kernel forgets how it ended before anybody could ask.
pub fn reset() {
    set(Signal::SIGCHLD, SigHandler::SigDfl);
    // It fails only for arguments that do not exist.
    let _ = SigSet::empty().thread_set_mask();
}

/// A flag that the requests to end set, but for those that are ignored already.
///
/// # Errors
/// When it is called twice.
pub fn on_interrupt() -> Result<Arc<AtomicBool>, ctrlc::Error> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = flag.clone();
    // A request that comes meanwhile waits until it is known what becomes of it.
    let requests: SigSet = REQUESTS.into_iter().collect();
    let mask = requests.thread_swap_mask(SigmaskHow::SIG_BLOCK);
    let is_ignored = |signal| matches!(set(signal, SigHandler::SigDfl), Some(SigHandler::SigIgn));
    let ignored = REQUESTS.map(is_ignored);
    let is_set = ctrlc::set_handler(move || seen.store(true, Relaxed));
    for (signal, _) in REQUESTS.into_iter().zip(ignored).filter(|(_, i)| *i) {
        set(signal, SigHandler::SigIgn);
    }
    if let Ok(mask) = mask {
        let _ = mask.thread_set_mask();
    }
    is_set.map(|()| flag)
}

/// Sets what becomes of a signal; gives what became of it before.
fn set(signal: Signal, handler: SigHandler) -> Option<SigHandler> {
    let action = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
    // SAFETY: only the default and ignoring are asked for, which run no code of this program; and nobody else
    // of it sets these signals before.
    unsafe { sigaction(signal, &action) }
        .ok()
        .map(|before| before.handler())
}
