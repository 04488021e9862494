//! How do workers talk by sockets? By a Unix stream between any two that talk: one descriptor at each end.
//!
//! Wait policy: park. Serves threads and processes by the same code ([`super::stream`]).

use super::Wiring;
use super::start::{Origin, Own, Share, Starter, Transport};
use super::stream::{self, WayKind, Ways};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

/// Between workers anywhere, by sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sockets;

/// What a way is made of.
pub(super) const KIND: WayKind = WayKind {
    name: "socket",
    make: way,
    has_two_descriptors: false,
};

impl Transport for Sockets {
    fn start<S: Starter>(
        &self,
        own: &Own<'_>,
        from: Origin,
        starter: S,
    ) -> Result<S::Started, String> {
        stream::start(&KIND, own, from, starter)
    }

    fn share(&self, wiring: &Wiring) -> Result<Box<dyn Share>, String> {
        stream::share(&KIND, wiring)
    }

    fn descriptors_of_the_host(&self, wiring: &Wiring) -> usize {
        2 * KIND.descriptors_of_an_end() * stream::ways(wiring)
    }

    fn descriptors_of_a_way(&self) -> Option<usize> {
        Some(KIND.descriptors_of_an_end())
    }
}

/// Makes a way between two workers.
///
/// # Errors
/// What the system says.
fn way() -> std::io::Result<Ways> {
    let (one, other) = socketpair(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    Ok([(one, None), (other, None)])
}
