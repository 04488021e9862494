//! How does a worker process come into being, and leave no socket behind?

use super::protocol::{self, ToHost};
use crate::deployment::control::Step;
use crate::transport::ipc::Content;
use ipc_channel::ipc::{IpcOneShotServer, IpcSender};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, getpid, getppid};
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// This very file, also when a new build has taken its name meanwhile.
const PROGRAM: &CStr = c"/proc/self/exe";

/// Where a worker process says hello: a socket that has no place in the file system any more.
pub(super) struct Server {
    pub(super) server: IpcOneShotServer<ToHost>,
    /// Keeps it reachable.
    _socket: OwnedFd,
}

/// What a worker process is told on its command line.
pub(super) struct Birth<'a> {
    pub(super) process: usize,
    pub(super) first_worker: usize,
    /// Descriptor of the page.
    pub(super) page: RawFd,
    /// What its mailbox receives.
    pub(super) content: Option<Content>,
    /// Descriptors of what its transport shares.
    pub(super) inherited: &'a [RawFd],
    /// The step that has been opened already.
    pub(super) after: Step,
}

/// Starts a worker process.
///
/// # Errors
/// What the system does not allow, in words that can follow "start worker process 1 of 2".
pub(super) fn spawn(birth: &Birth<'_>) -> Result<(Pid, Server), String> {
    let (server, socket, name) = sheltered(serve).map_err(|e| format!("make its socket: {e}"))?;
    let number = |n: usize| CString::new(n.to_string()).expect("digits hold no zero byte");
    let args = [
        PROGRAM.to_owned(),
        CString::new(super::SUBCOMMAND).expect("a literal without zero bytes"),
        CString::new(name).map_err(|e| format!("name of its socket: {e}"))?,
        number(getpid().as_raw() as usize),
        number(birth.page as usize),
        number(birth.process),
        number(birth.first_worker),
        protocol::content_argument(birth.content),
        protocol::descriptors_argument(birth.inherited),
        number(birth.after.word() as usize),
    ];
    let pid = execute(PROGRAM, &args, birth.inherited).map_err(|e| match e {
        Errno::EAGAIN => format!(
            "{e}; processes or threads are used up: see nproc and pids in `forkscope doctor`"
        ),
        Errno::ENOMEM => format!("{e}; memory is used up: use fewer agents or threads"),
        _ => e.to_string(),
    })?;
    let server = Server {
        server,
        _socket: socket,
    };
    Ok((pid, server))
}

/// Makes a socket in the temporary folder and connects to it, as a host and its worker do.
///
/// # Errors
/// What the system says.
pub fn try_socket() -> std::io::Result<()> {
    let (_server, _socket, name) = sheltered(serve)?;
    IpcSender::<ToHost>::connect(name).map(drop)
}

/// Makes a server, the descriptor that keeps its socket reachable, and the name of that.
fn serve() -> std::io::Result<(IpcOneShotServer<ToHost>, OwnedFd, String)> {
    let (server, path) = IpcOneShotServer::new().map_err(std::io::Error::other)?;
    let (socket, name) = take_away(Path::new(&path))?;
    Ok((server, socket, name))
}

/// Does `work`, which must not be left half done, while only a SIGKILL from outside can end this
/// process: requests to end, and the parent's death, take effect right after it.
fn sheltered<T>(work: impl FnOnce() -> T) -> T {
    let requests: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]
        .into_iter()
        .collect();
    let parent = getppid();
    let at_death = prctl::get_pdeathsig().ok().flatten();
    let mask = requests.thread_swap_mask(SigmaskHow::SIG_BLOCK);
    if at_death.is_some() {
        let _ = prctl::set_pdeathsig(Signal::SIGTERM);
    }
    let done = work();
    if at_death.is_some() {
        let _ = prctl::set_pdeathsig(at_death);
    }
    if let Ok(mask) = mask {
        let _ = mask.thread_set_mask();
    }
    // Whoever ignores SIGTERM has not noticed.
    if at_death.is_some() && getppid() != parent {
        // Nobody is left to read a reason.
        std::process::exit(1);
    }
    done
}

/// Takes the socket at `path` out of the file system, with the folder that was made for it, so that a
/// host that is killed leaves nothing behind. Gives what keeps the socket reachable, and the name by
/// which another process of this user reaches it.
fn take_away(path: &Path) -> std::io::Result<(OwnedFd, String)> {
    let socket = nix::fcntl::open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
    std::fs::remove_file(path)?;
    if let Some(folder) = path.parent() {
        std::fs::remove_dir(folder)?;
    }
    let name = format!("/proc/{}/fd/{}", getpid(), socket.as_raw_fd());
    Ok((socket, name))
}

/// Executes `program`; standard input and output are the null device (the host's output is its
/// answer), standard error is the host's. Of the descriptors that are closed otherwise it keeps
/// `inherited`, under their numbers.
fn execute(program: &CStr, args: &[CString], inherited: &[RawFd]) -> nix::Result<Pid> {
    let mut files = PosixSpawnFileActions::init()?;
    files.add_open(0, "/dev/null", OFlag::O_RDONLY, Mode::empty())?;
    files.add_open(1, "/dev/null", OFlag::O_WRONLY, Mode::empty())?;
    for &descriptor in inherited {
        // Onto itself: the one way to clear close-on-exec in the child alone.
        files.add_dup2(descriptor, descriptor)?;
    }
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_flags(PosixSpawnFlags::empty())?;
    let environment: Vec<CString> = std::env::vars_os()
        .filter_map(|(k, v)| CString::new([k.as_bytes(), b"=", v.as_bytes()].concat()).ok())
        .collect();
    posix_spawn(program, &files, &attributes, args, &environment)
}
