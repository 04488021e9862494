//! How is memory had as a file? As a memfd that nobody can execute.

use nix::errno::Errno;
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::os::fd::OwnedFd;

/// Makes an empty file in memory. Where `vm.memfd_noexec` is 2 the kernel refuses one that could be
/// executed; before Linux 6.3 it does not know the other kind.
///
/// # Errors
/// What the kernel says.
pub fn create(name: &str, flags: MFdFlags) -> nix::Result<OwnedFd> {
    let never_executed = MFdFlags::from_bits_retain(libc::MFD_NOEXEC_SEAL);
    match memfd_create(name, flags | never_executed) {
        Err(Errno::EINVAL) => memfd_create(name, flags),
        made => made,
    }
}
