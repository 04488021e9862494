//! How does a message lie in a ring, or in a stream? As it lies in memory, without a format: both ends are one program
//! on one machine.
//!
//! ```text
//!   to u32 │ from u32 │ round u64 │ action u32 │ numbers of belief u32 │ bytes of payload u64 │ belief │ payload
//! ```

use crate::transport::TransportError;
use crate::workload::Message;

/// Bytes before belief and payload.
const ADDRESS: usize = 32;

/// Bytes that a message takes.
#[must_use]
pub fn bytes(message: &Message) -> usize {
    ADDRESS + message.bytes()
}

/// Bytes that a message with so many bytes of belief and payload takes.
#[must_use]
pub const fn bytes_with(payload: usize) -> usize {
    ADDRESS + payload
}

/// Writes `message` into `room`, which has [`bytes`] of it.
///
/// # Panics
/// When the room has another size.
#[inline]
pub fn write(message: &Message, room: &mut [u8]) {
    let (address, rest) = room.split_at_mut(ADDRESS);
    address[0..4].copy_from_slice(&message.to.to_ne_bytes());
    address[4..8].copy_from_slice(&message.from.to_ne_bytes());
    address[8..16].copy_from_slice(&message.round.to_ne_bytes());
    address[16..20].copy_from_slice(&message.action.to_ne_bytes());
    address[20..24].copy_from_slice(&(message.belief.len() as u32).to_ne_bytes());
    address[24..32].copy_from_slice(&(message.payload.len() as u64).to_ne_bytes());
    let (belief, payload) = rest.split_at_mut(message.belief.len() * size_of::<f64>());
    for (to, number) in belief
        .chunks_exact_mut(size_of::<f64>())
        .zip(&message.belief)
    {
        to.copy_from_slice(&number.to_ne_bytes());
    }
    payload.copy_from_slice(&message.payload);
}

/// Reads a message from `bytes` into `message`, whose buffers are used again.
///
/// # Errors
/// [`TransportError::Damaged`] when the lengths in it do not fit its own.
#[inline]
pub fn read(bytes: &[u8], message: &mut Message) -> Result<(), TransportError> {
    let damaged = || TransportError::Damaged("its lengths do not fit".to_owned());
    let (address, rest) = bytes.split_at_checked(ADDRESS).ok_or_else(damaged)?;
    let u32_at =
        |at: usize| u32::from_ne_bytes(address[at..at + 4].try_into().expect("four bytes"));
    let u64_at =
        |at: usize| u64::from_ne_bytes(address[at..at + 8].try_into().expect("eight bytes"));
    let belief_bytes = u32_at(20) as usize * size_of::<f64>();
    let payload_bytes = u64_at(24) as usize;
    if belief_bytes.checked_add(payload_bytes) != Some(rest.len()) {
        return Err(damaged());
    }
    let (belief, payload) = rest.split_at(belief_bytes);
    message.to = u32_at(0);
    message.from = u32_at(4);
    message.round = u64_at(8);
    message.action = u32_at(16);
    message.belief.clear();
    let numbers = belief.chunks_exact(size_of::<f64>());
    message
        .belief
        .extend(numbers.map(|b| f64::from_ne_bytes(b.try_into().expect("eight bytes"))));
    message.payload.clear();
    message.payload.extend_from_slice(payload);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(numbers: usize, payload: usize) -> Message {
        Message {
            to: 7,
            from: 3,
            round: 1 << 40,
            action: 2,
            belief: (0..numbers).map(|n| n as f64 / 3.0).collect(),
            payload: (0..payload).map(|n| n as u8).collect(),
        }
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let mut read_back = message(5, 9);
        for (numbers, payload) in [(0, 0), (1, 0), (0, 1), (25, 3), (100, 4096)] {
            let sent = message(numbers, payload);
            let mut room = vec![0; bytes(&sent)];
            write(&sent, &mut room);
            read(&room, &mut read_back).unwrap();
            assert_eq!(read_back, sent);
            assert_eq!(bytes_with(sent.bytes()), room.len());
        }
    }

    #[test]
    fn lengths_that_do_not_fit_are_damage() {
        let sent = message(2, 3);
        let mut room = vec![0; bytes(&sent)];
        write(&sent, &mut room);
        let mut into = Message::default();
        for cut in 0..room.len() {
            assert!(read(&room[..cut], &mut into).is_err(), "{cut}");
        }
        for (at, value) in [(20, u32::MAX), (24, u32::MAX), (28, u32::MAX)] {
            let mut hostile = room.clone();
            hostile[at..at + 4].copy_from_slice(&value.to_ne_bytes());
            assert!(read(&hostile, &mut into).is_err(), "{at}");
        }
    }
}
