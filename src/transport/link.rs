//! What does one end of a link do for one message? The least that has to be done, so that what is timed
//! is the transport and not a mailbox around it.
//!
//! A message is some bytes that the sender has: it delivers them with a sequence number in place of the
//! first eight, and **the receiver reads them all**. So nothing is cheap for not being looked at, and
//! a message that was lost, doubled, reordered or garbled is found by whoever receives it.

use super::TransportError;
use std::sync::Arc;

/// Bytes of the sequence number, the first of every message; no message is shorter.
pub const SEQUENCE_BYTES: usize = 8;

/// In place of a sequence number: nothing more comes.
pub const LAST: u64 = u64::MAX;

/// One end of a link between two workers.
pub trait Link: Send {
    /// Sends the bytes of `payload` with `sequence` in place of the first eight; waits for room where
    /// there is none.
    ///
    /// # Errors
    /// [`TransportError`] when the other end is gone or the system refuses.
    fn send(&mut self, sequence: u64, payload: &Payload) -> Result<(), TransportError>;

    /// Waits for a message by the transport's policy, and reads it.
    ///
    /// # Errors
    /// [`TransportError`] when the other end is gone or the message is damaged.
    fn receive(&mut self) -> Result<Received, TransportError>;

    /// Reads a message, if one is there.
    ///
    /// # Errors
    /// As [`Link::receive`].
    fn try_receive(&mut self) -> Result<Option<Received>, TransportError>;
}

/// What a receiver has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The sequence number.
    pub sequence: u64,
    /// Sum of all other words, modulo 2⁶⁴.
    pub sum: u64,
}

impl Received {
    /// Reads all of a message.
    ///
    /// # Errors
    /// [`TransportError::Damaged`] when it has no room for a sequence number.
    #[inline]
    pub fn read(bytes: &[u8]) -> Result<Received, TransportError> {
        let Some((sequence, rest)) = bytes.split_first_chunk() else {
            return Err(TransportError::Damaged(format!(
                "it has {} bytes",
                bytes.len()
            )));
        };
        Ok(Received {
            sequence: u64::from_ne_bytes(*sequence),
            sum: sum(rest),
        })
    }

    /// As [`Received::read`], of a message that came as numbers.
    ///
    /// # Errors
    /// [`TransportError::Damaged`] when it is empty.
    pub fn read_numbers(numbers: &[f64]) -> Result<Received, TransportError> {
        let Some((sequence, rest)) = numbers.split_first() else {
            return Err(TransportError::Damaged("it is empty".to_owned()));
        };
        Ok(Received {
            sequence: sequence.to_bits(),
            sum: rest.iter().fold(0, |s, x| x.to_bits().wrapping_add(s)),
        })
    }
}

/// The number that carries a sequence number: its bits. Its value would be rounded beyond 2⁵³, where the ticks of a
/// machine lie that has been up for a month.
#[inline]
#[must_use]
pub fn number_of(sequence: u64) -> f64 {
    f64::from_bits(sequence)
}

/// Sum of the words of `bytes`.
#[inline]
fn sum(bytes: &[u8]) -> u64 {
    let words = bytes.chunks_exact(size_of::<u64>());
    words.fold(0, |s, w| {
        u64::from_ne_bytes(w.try_into().expect("eight bytes")).wrapping_add(s)
    })
}

/// What a sender has: the same bytes for every transport, as numbers between 0 and 1.
#[derive(Clone, Debug)]
pub struct Payload {
    numbers: Arc<Vec<f64>>,
    bytes: Arc<Vec<u8>>,
}

impl Payload {
    /// `bytes` bytes that follow from `seed`.
    ///
    /// # Panics
    /// When `bytes` is no multiple of eight, or 0.
    #[must_use]
    pub fn new(bytes: usize, seed: u64) -> Payload {
        assert!(
            bytes > 0 && bytes.is_multiple_of(SEQUENCE_BYTES),
            "no message has {bytes} bytes"
        );
        let number = |i: usize| {
            // 52 random bits behind the exponent of 1: a number in [1, 2).
            let bits = crate::workload::derive_seed(seed, i as u64, 0) >> 12;
            f64::from_bits(bits | 1.0_f64.to_bits()) - 1.0
        };
        let numbers: Vec<f64> = (0..bytes / SEQUENCE_BYTES).map(number).collect();
        Payload {
            bytes: Arc::new(numbers.iter().flat_map(|x| x.to_ne_bytes()).collect()),
            numbers: Arc::new(numbers),
        }
    }

    /// Its bytes; the first eight are where the sequence number goes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its bytes, to be handed over.
    #[must_use]
    pub fn shared(&self) -> &Arc<Vec<u8>> {
        &self.bytes
    }

    /// The same as numbers.
    #[must_use]
    pub fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    /// What [`Received::sum`] must be.
    #[must_use]
    pub fn sum(&self) -> u64 {
        sum(&self.bytes[SEQUENCE_BYTES..])
    }

    /// Writes the message into `room`, which has as many bytes.
    ///
    /// # Panics
    /// When it has not.
    #[inline]
    pub fn write(&self, sequence: u64, room: &mut [u8]) {
        let (first, rest) = room.split_at_mut(SEQUENCE_BYTES);
        first.copy_from_slice(&sequence.to_ne_bytes());
        rest.copy_from_slice(&self.bytes[SEQUENCE_BYTES..]);
    }

    /// A message without any transport, as the zero line: a call of a function that reads it.
    #[inline(never)]
    #[must_use]
    pub fn call(&self, sequence: u64) -> Received {
        Received {
            sequence,
            sum: std::hint::black_box(self).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_bytes_say_the_same() {
        for bytes in [8, 16, 64, 1024] {
            let payload = Payload::new(bytes, 7);
            let mut room = vec![0; bytes];
            for sequence in [0, 1, 1 << 40, (1 << 53) + 1, (1 << 63) + 1, LAST - 1, LAST] {
                payload.write(sequence, &mut room);
                let mut numbers = payload.numbers().to_vec();
                numbers[0] = number_of(sequence);
                let read = Received::read(&room).unwrap();
                assert_eq!(read, Received::read_numbers(&numbers).unwrap());
                assert_eq!(read, payload.call(sequence));
                assert_eq!(read.sequence, sequence);
            }
        }
    }

    #[test]
    fn a_message_without_a_sequence_number_is_damage() {
        assert!(Received::read(&[0; 7]).is_err());
        assert!(Received::read_numbers(&[]).is_err());
    }

    #[test]
    fn another_seed_is_another_payload() {
        assert_ne!(Payload::new(64, 1).sum(), Payload::new(64, 2).sum());
    }
}
