//! How do workers talk by pipes? By two between any two that talk, one in each direction.
//!
//! Wait policy: park. Serves threads and processes by the same code ([`super::stream`]).

use super::Wiring;
use super::start::{Origin, Own, Share, Starter, Transport};
use super::stream::{self, WayKind, Ways};
use rustix::pipe::{PipeFlags, pipe_with};

/// Between workers anywhere, by pipes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pipes;

/// What a way is made of.
pub(super) const KIND: WayKind = WayKind {
    name: "pipe",
    make: way,
    has_two_descriptors: true,
};

impl Transport for Pipes {
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
    let (read_one, write_other) = pipe_with(PipeFlags::CLOEXEC)?;
    let (read_other, write_one) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok([(read_one, Some(write_one)), (read_other, Some(write_other))])
}
