//! How is memory shared so that nobody can take it away? As a memfd whose size is sealed.
//!
//! Every process of the same user can open the memfd of another through `/proc/PID/fd`. Cut short, each
//! access beyond its end would be a SIGBUS, in the host and in every worker.

use crate::memory_file;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::MFdFlags;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;

/// Makes `bytes` of shared memory, all zero, whose size nobody can change any more.
///
/// # Errors
/// When the system gives no shared memory, or does not seal it.
pub fn create(name: &str, flags: MFdFlags, bytes: usize) -> std::io::Result<OwnedFd> {
    let length = i64::try_from(bytes).map_err(|_| ErrorKind::OutOfMemory)?;
    let file = memory_file::create(name, flags | MFdFlags::MFD_ALLOW_SEALING)?;
    nix::unistd::ftruncate(&file, length).map_err(|e| match e {
        Errno::EFBIG => std::io::Error::new(
            ErrorKind::FileTooLarge,
            format!(
                "{bytes} bytes of shared memory are beyond the limit of file sizes; raise it (ulimit -f)"
            ),
        ),
        other => other.into(),
    })?;
    // The last seal keeps others from adding more, such as one that forbids writing.
    let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::page::Page;
    use crate::transport::ring::segment::{Layout, Segment};
    use crate::transport::{Placement, Wiring};
    use crate::workload::Topology;
    use crate::workload::topology::Shape;
    use std::fs::File;
    use std::os::fd::RawFd;
    use std::sync::Arc;

    #[test]
    fn nobody_cuts_the_memory_of_rings_and_gates_short_or_makes_it_longer() {
        let wiring = Wiring {
            placement: Placement::on_threads(2, 2),
            topology: Arc::new(Topology::new(Shape::All, None, 2)),
            message_bytes: 64,
            under_way: 2,
        };
        let segment = Segment::create(Layout::new(&wiring)).unwrap();
        let page = Page::create(2).unwrap();
        let is_refused = |fd: RawFd, bytes: u64| {
            let path = format!("/proc/self/fd/{fd}");
            let file = File::options().write(true).open(path).unwrap();
            let before = file.metadata().unwrap().len();
            let error = file.set_len(bytes).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(nix::errno::Errno::EPERM as i32));
            assert_eq!(file.metadata().unwrap().len(), before);
            let more = FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_WRITE);
            assert_eq!(fcntl(&file, more), Err(nix::errno::Errno::EPERM));
        };
        for fd in [segment.descriptor(), page.descriptor()] {
            is_refused(fd, 0);
            is_refused(fd, 1 << 30);
        }
    }
}
