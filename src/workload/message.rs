//! What agents tell each other, and the inbox that keeps rounds apart.

use serde::{Deserialize, Serialize};

/// One message from one agent to one neighbour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Receiver's number.
    pub to: u32,
    /// Sender's number.
    pub from: u32,
    /// Round that the message belongs to, from 0.
    pub round: u64,
    /// The sender's last action.
    pub action: u32,
    /// Likelihood message over the shared factor, length S; empty when it is the same as before.
    pub belief: Vec<f64>,
    /// Extra payload, as large as the workload file asks.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
}

impl Message {
    /// Payload bytes: the belief and the extra payload, without addressing.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.belief.len() * size_of::<f64>() + self.payload.len()
    }

    /// Makes `self` a copy of `other` for receiver `to`, keeping its own buffers.
    pub fn copy_from(&mut self, other: &Message, to: u32) {
        self.address_like(other, to);
        self.belief.clone_from(&other.belief);
        self.payload.clone_from(&other.payload);
    }

    /// Makes `self` an empty note of the same round as `other` for receiver `to`.
    pub fn note_from(&mut self, other: &Message, to: u32) {
        self.address_like(other, to);
        self.belief.clear();
        self.payload.clear();
    }

    fn address_like(&mut self, other: &Message, to: u32) {
        self.to = to;
        self.from = other.from;
        self.round = other.round;
        self.action = other.action;
    }
}

/// A message that must not have come: the transport lost, doubled or reordered one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The sender is no neighbour of the receiver.
    #[error("agent {to} received a message of agent {from}, which is no neighbour of it")]
    Stranger {
        /// Receiver.
        to: u32,
        /// Sender.
        from: u32,
    },
    /// A round that is over, or one more than a neighbour can be ahead.
    #[error("agent {to} is in round {current} and received round {round} of agent {from}")]
    WrongRound {
        /// Receiver.
        to: u32,
        /// Sender.
        from: u32,
        /// Round of the message.
        round: u64,
        /// Round of the receiver.
        current: u64,
    },
    /// Another message than the next one.
    #[error("message {received} came where {due} was due")]
    OutOfOrder {
        /// Number of the message.
        received: u64,
        /// Number that was due.
        due: u64,
    },
    /// The same message twice.
    #[error("agent {to} received round {round} of agent {from} twice")]
    Doubled {
        /// Receiver.
        to: u32,
        /// Sender.
        from: u32,
        /// Round of the message.
        round: u64,
    },
}

/// Messages of the current and the next round of one agent, a place for each neighbour.
///
/// A neighbour can be one round ahead, not more: to begin round r + 2 it needs this agent's message
/// of round r + 1. So two rows of places are enough.
#[derive(Debug)]
pub struct Inbox {
    owner: u32,
    neighbours: Vec<u32>,
    round: u64,
    rows: [Vec<Option<Box<Message>>>; 2],
    filled: [usize; 2],
}

impl Inbox {
    /// An empty inbox at round 0; `neighbours` in ascending order.
    #[must_use]
    pub fn new(owner: u32, neighbours: &[u32]) -> Inbox {
        let row = || neighbours.iter().map(|_| None).collect::<Vec<_>>();
        Inbox {
            owner,
            neighbours: neighbours.to_vec(),
            round: 0,
            rows: [row(), row()],
            filled: [0, 0],
        }
    }

    /// Files a message.
    ///
    /// # Errors
    /// [`ProtocolError`] when it is not one of those that are due.
    pub fn put(&mut self, message: Box<Message>) -> Result<(), ProtocolError> {
        let (to, from, round) = (self.owner, message.from, message.round);
        let Ok(place) = self.neighbours.binary_search(&from) else {
            return Err(ProtocolError::Stranger { to, from });
        };
        if round < self.round || round > self.round + 1 {
            return Err(ProtocolError::WrongRound {
                to,
                from,
                round,
                current: self.round,
            });
        }
        let row = (round & 1) as usize;
        let slot = &mut self.rows[row][place];
        if slot.is_some() {
            return Err(ProtocolError::Doubled { to, from, round });
        }
        *slot = Some(message);
        self.filled[row] += 1;
        Ok(())
    }

    /// Whether every neighbour's message of the current round is there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.filled[(self.round & 1) as usize] == self.neighbours.len()
    }

    /// The messages of the current round.
    #[must_use]
    pub fn received(&self) -> Received<'_> {
        Received {
            places: &self.rows[(self.round & 1) as usize],
        }
    }

    /// Ends the current round: its messages go to `free`, for reuse.
    pub fn advance(&mut self, free: &mut Vec<Box<Message>>) {
        let row = (self.round & 1) as usize;
        free.extend(self.rows[row].iter_mut().filter_map(Option::take));
        self.filled[row] = 0;
        self.round += 1;
    }
}

/// What the neighbours wrote in one round, in the order of their numbers.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    places: &'a [Option<Box<Message>>],
}

impl<'a> Received<'a> {
    /// Nothing: what a workload without neighbours receives.
    pub const NOTHING: Received<'static> = Received { places: &[] };

    /// One row of messages, in the order of the senders' numbers.
    #[must_use]
    pub fn of(places: &'a [Option<Box<Message>>]) -> Received<'a> {
        Received { places }
    }

    /// Place of the neighbour and its message.
    pub fn iter(self) -> impl Iterator<Item = (usize, &'a Message)> {
        self.places
            .iter()
            .enumerate()
            .filter_map(|(i, m)| Some((i, m.as_deref()?)))
    }

    /// Number of messages and their payload bytes.
    #[must_use]
    pub fn size(self) -> (u64, u64) {
        self.iter()
            .fold((0, 0), |(n, b), (_, m)| (n + 1, b + m.bytes() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(from: u32, round: u64) -> Box<Message> {
        Box::new(Message {
            to: 0,
            from,
            round,
            ..Message::default()
        })
    }

    #[test]
    fn an_inbox_is_complete_when_every_neighbour_has_written() {
        let mut inbox = Inbox::new(0, &[1, 5]);
        inbox.put(message(5, 0)).unwrap();
        inbox.put(message(5, 1)).unwrap();
        assert!(!inbox.is_complete());
        inbox.put(message(1, 0)).unwrap();
        assert!(inbox.is_complete());
        assert_eq!(
            inbox
                .received()
                .iter()
                .map(|(_, m)| m.from)
                .collect::<Vec<_>>(),
            [1, 5]
        );
        let mut free = Vec::new();
        inbox.advance(&mut free);
        assert_eq!(free.len(), 2);
        assert!(!inbox.is_complete());
        assert_eq!(inbox.received().iter().count(), 1);
    }

    #[test]
    fn strangers_doubles_and_wrong_rounds_are_refused() {
        let mut inbox = Inbox::new(0, &[1]);
        assert!(matches!(
            inbox.put(message(2, 0)),
            Err(ProtocolError::Stranger { from: 2, .. })
        ));
        assert!(matches!(
            inbox.put(message(1, 2)),
            Err(ProtocolError::WrongRound { round: 2, .. })
        ));
        inbox.put(message(1, 0)).unwrap();
        assert!(matches!(
            inbox.put(message(1, 0)),
            Err(ProtocolError::Doubled { .. })
        ));
        inbox.advance(&mut Vec::new());
        assert!(matches!(
            inbox.put(message(1, 0)),
            Err(ProtocolError::WrongRound { current: 1, .. })
        ));
    }
}
