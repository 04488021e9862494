//! Does another forkscope measure on this machine?
//!
//! Whoever measures is bound to an abstract socket. The kernel takes it back when the process ends, however it
//! does; nothing of it is in the file system; it works across users; and it says who has it. A container with a
//! network of its own has sockets of its own, too: there a neighbour shows as foreign CPU, or not at all.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::fitness::{Finding, Level};

/// Name of the socket.
const NAME: &[u8] = b"forkscope measures here";

/// The machine, for as long as this lives, or its process.
#[derive(Debug)]
pub struct Alone(#[expect(dead_code, reason = "open, it keeps the name")] UnixListener);

/// Takes the machine; gives what speaks against it when another process has it. `None` and nothing said where
/// sockets cannot be made.
pub fn take_machine() -> (Option<Alone>, Option<Finding>) {
    let address = SocketAddr::from_abstract_name(NAME).expect("a short name");
    match UnixListener::bind_addr(&address) {
        Ok(listener) => (Some(Alone(listener)), None),
        Err(e) if e.kind() == std::io::ErrorKind::AddrInUse => (None, neighbour()),
        Err(_) => (None, None),
    }
}

/// What speaks against the machine when another forkscope measures here now.
#[must_use]
pub fn neighbour() -> Option<Finding> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).ok()?;
    let who = match connect(&socket, &SocketAddrUnix::new_abstract_name(NAME).ok()?) {
        Ok(()) => rustix::net::sockopt::socket_peercred(&socket)
            .ok()
            // A process of another PID namespace has no number here.
            .map(|c| c.pid.as_raw_pid())
            .filter(|&pid| pid > 0),
        // So many have asked that no more are let in.
        Err(rustix::io::Errno::AGAIN) => None,
        Err(_) => return None,
    };
    let who = who.map_or_else(|| "of another container".to_owned(), |pid| pid.to_string());
    Some(Finding {
        level: Level::Refuse,
        message: format!(
            "another forkscope measures here (process {who}), and each would be the other's foreign CPU; wait for its end"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_hears_of_the_first_until_that_ends() {
        let (first, found) = take_machine();
        let Some(first) = first else {
            // A run beside this test.
            assert!(found.is_some_and(|f| f.message.contains("another forkscope")));
            return;
        };
        assert_eq!(found, None);
        let (second, found) = take_machine();
        assert!(second.is_none());
        let said = found.expect("it is taken").message;
        let own = format!(
            "another forkscope measures here (process {})",
            std::process::id()
        );
        assert!(said.starts_with(&own), "{said}");
        assert!(neighbour().is_some());
        drop(first);
    }
}
