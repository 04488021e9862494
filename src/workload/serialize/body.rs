//! What is told: the bodies that formats carry.

use super::reading::{Reader, Row};
use crate::workload::splitmix;
use serde::de::DeserializeOwned;

/// Bytes of different bodies that an agent goes through before they repeat, as long as two are
/// fewer: as many as stay in the first cache beside what is written. A message was made by its
/// sender just before, and is in some cache.
const VARIED_BYTES: usize = 16 << 10;

/// A body of one type and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// One [`Record`].
    Struct,
    /// [`Beliefs`] over so many states.
    Beliefs(usize),
    /// So many [`Bytes`].
    Bytes(usize),
    /// A [`Batch`] of so many notes.
    Batch(usize),
}

/// The bodies by name.
pub const BODIES: &[(&str, Body)] = &[
    ("struct", Body::Struct),
    ("beliefs25", Body::Beliefs(25)),
    ("beliefs100", Body::Beliefs(100)),
    ("beliefs1000", Body::Beliefs(1000)),
    ("bytes4k", Body::Bytes(4 << 10)),
    ("bytes64k", Body::Bytes(64 << 10)),
    ("bytes1m", Body::Bytes(1 << 20)),
    ("batch100", Body::Batch(100)),
];

impl Body {
    /// Its name in [`BODIES`].
    ///
    /// # Panics
    /// Never for one of those.
    #[must_use]
    pub fn name(self) -> &'static str {
        let named = BODIES.iter().find(|(_, body)| *body == self);
        named.expect("every body has a name").0
    }

    /// Bytes of its values alone, without any lengths: what a message cannot do without, unless it
    /// packs.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Body::Struct => 248,
            Body::Beliefs(count) => count * size_of::<f64>(),
            Body::Bytes(count) => count,
            Body::Batch(count) => count * 32,
        }
    }

    /// How many different ones an agent goes through, 2 to 64: enough that no branch is predicted
    /// because it went the same way the last time.
    #[must_use]
    pub fn variants(self) -> usize {
        (VARIED_BYTES / self.bytes()).clamp(2, 64)
    }
}

/// A type of body.
pub trait Content: Clone + Default + Send + serde::Serialize + DeserializeOwned + 'static {
    /// A body of `size` items. In a binary format all of one size are equally long.
    fn draw(size: usize, draw: &mut Draw) -> Self;

    /// Reads every value.
    fn read<R: Reader>(&self, reader: &mut R);
}

/// A sequence of random words: splitmix64.
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// The sequence that follows from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    /// Any word.
    fn word(&mut self) -> u64 {
        let word = splitmix(self.0);
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        word
    }

    /// A number of exactly `bits` binary digits, 1 to 64: formats that leave out leading zeros take
    /// the same room for all of them (seven bits a byte in postcard).
    fn of_bits(&mut self, bits: u32) -> u64 {
        (self.word() | 1 << 63) >> (64 - bits)
    }

    /// Above 0, below 1.
    fn unit(&mut self) -> f64 {
        ((self.word() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// A lower-case letter.
    fn letter(&mut self) -> char {
        char::from(b'a' + (self.word() % 26) as u8)
    }
}

/// What a message is about.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
)]
#[repr(u8)]
pub enum Kind {
    /// What the sender saw.
    #[default]
    Observation,
    /// What it believes.
    Belief,
    /// What it did.
    Action,
    /// That it lives.
    Heartbeat,
}

impl Kind {
    /// All of them, in the order of their bytes.
    pub const ALL: [Kind; 4] = [
        Kind::Observation,
        Kind::Belief,
        Kind::Action,
        Kind::Heartbeat,
    ];

    /// The inverse of `kind as u8`.
    #[must_use]
    #[inline]
    pub fn from_byte(byte: u8) -> Option<Kind> {
        match byte {
            0 => Some(Kind::Observation),
            1 => Some(Kind::Belief),
            2 => Some(Kind::Action),
            3 => Some(Kind::Heartbeat),
            _ => None,
        }
    }
}

/// What stands at the head of a [`Record`].
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    serde::Serialize,
    serde::Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
)]
pub struct Header {
    /// Number of the message.
    pub id: u64,
    /// Round that it belongs to.
    pub round: u64,
    /// When it was sent, nanoseconds.
    pub sent_ns: u64,
    /// Sender.
    pub from: u32,
    /// Receiver.
    pub to: u32,
    /// Tries before this one.
    pub retries: u32,
    /// How urgent it is.
    pub priority: u16,
    /// What it is about.
    pub kind: Kind,
    /// Whether the receiver shall answer.
    pub wants_answer: bool,
    /// Where the sender is.
    pub position: [f64; 3],
    /// How sure the sender is.
    pub confidence: f32,
    /// How long it may take, seconds.
    pub patience_s: f32,
}

impl Header {
    /// All values.
    #[inline]
    pub(super) fn rows(self) -> [Row; 2] {
        let [x, y, z] = self.position.map(f64::to_bits);
        [
            [
                self.id,
                self.round,
                self.sent_ns,
                u64::from(self.from),
                u64::from(self.to),
                u64::from(self.retries),
                u64::from(self.priority),
                self.kind as u64,
            ],
            [
                u64::from(self.wants_answer),
                x,
                y,
                z,
                u64::from(self.confidence.to_bits()),
                u64::from(self.patience_s.to_bits()),
                0,
                0,
            ],
        ]
    }
}

/// Weights in a [`Record`].
pub const WEIGHTS: usize = 16;

/// Letters of the topic of a drawn [`Record`].
const TOPIC_LETTERS: usize = 48;

/// A struct of mixed fields: 256 bytes as it lies in a raw message.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    serde::Serialize,
    serde::Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
)]
pub struct Record {
    /// Its head.
    pub header: Header,
    /// Some numbers.
    pub weights: [f64; WEIGHTS],
    /// Some text.
    pub topic: String,
}

impl Content for Record {
    fn draw(_size: usize, draw: &mut Draw) -> Record {
        Record {
            header: Header {
                id: draw.of_bits(40),
                round: draw.of_bits(20),
                sent_ns: draw.of_bits(60),
                from: draw.of_bits(10) as u32,
                to: draw.of_bits(10) as u32,
                retries: draw.of_bits(3) as u32,
                priority: draw.of_bits(4) as u16,
                kind: Kind::ALL[(draw.word() % 4) as usize],
                wants_answer: draw.word() & 1 == 1,
                position: std::array::from_fn(|_| 100.0 * draw.unit()),
                confidence: draw.unit() as f32,
                patience_s: 10.0 * draw.unit() as f32,
            },
            weights: std::array::from_fn(|_| draw.unit()),
            topic: (0..TOPIC_LETTERS).map(|_| draw.letter()).collect(),
        }
    }

    #[inline]
    fn read<R: Reader>(&self, reader: &mut R) {
        reader.rows(self.header.rows().into_iter());
        reader.values(&self.weights, |w| w.to_bits());
        reader.bytes(self.topic.as_bytes());
    }
}

/// What an agent believes: a probability for each state.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    serde::Serialize,
    serde::Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
)]
#[serde(transparent)]
pub struct Beliefs {
    /// Drawn ones are above 0 and sum to 1.
    pub values: Vec<f64>,
}

impl Content for Beliefs {
    fn draw(size: usize, draw: &mut Draw) -> Beliefs {
        let mut values: Vec<f64> = (0..size).map(|_| draw.unit()).collect();
        let sum: f64 = values.iter().sum();
        values.iter_mut().for_each(|v| *v /= sum);
        Beliefs { values }
    }

    #[inline]
    fn read<R: Reader>(&self, reader: &mut R) {
        reader.values(&self.values, |v| v.to_bits());
    }
}

/// A load that no format looks into.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
)]
#[serde(transparent)]
pub struct Bytes {
    /// Any bytes.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

impl Content for Bytes {
    fn draw(size: usize, draw: &mut Draw) -> Bytes {
        let mut bytes = Vec::with_capacity(size + 7);
        while bytes.len() < size {
            bytes.extend(draw.word().to_le_bytes());
        }
        bytes.truncate(size);
        Bytes { bytes }
    }

    #[inline]
    fn read<R: Reader>(&self, reader: &mut R) {
        reader.bytes(&self.bytes);
    }
}

/// A small message.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    serde::Serialize,
    serde::Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
)]
pub struct Note {
    /// Round that it belongs to.
    pub round: u64,
    /// Some number.
    pub value: f64,
    /// Sender.
    pub from: u32,
    /// Receiver.
    pub to: u32,
    /// How sure the sender is.
    pub confidence: f32,
    /// What the sender did.
    pub action: u16,
    /// What it is about.
    pub kind: Kind,
    /// Whether the receiver shall answer.
    pub wants_answer: bool,
}

impl Note {
    /// All values.
    #[inline]
    pub(super) fn row(self) -> Row {
        [
            self.round,
            self.value.to_bits(),
            u64::from(self.from),
            u64::from(self.to),
            u64::from(self.confidence.to_bits()),
            u64::from(self.action),
            self.kind as u64,
            u64::from(self.wants_answer),
        ]
    }

    fn draw(draw: &mut Draw) -> Note {
        Note {
            round: draw.of_bits(20),
            value: draw.unit(),
            from: draw.of_bits(10) as u32,
            to: draw.of_bits(10) as u32,
            confidence: draw.unit() as f32,
            action: draw.of_bits(3) as u16,
            kind: Kind::ALL[(draw.word() % 4) as usize],
            wants_answer: draw.word() & 1 == 1,
        }
    }
}

/// Small messages that go together.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    serde::Serialize,
    serde::Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
)]
#[serde(transparent)]
pub struct Batch {
    /// The messages.
    pub notes: Vec<Note>,
}

impl Content for Batch {
    fn draw(size: usize, draw: &mut Draw) -> Batch {
        Batch {
            notes: (0..size).map(|_| Note::draw(draw)).collect(),
        }
    }

    #[inline]
    fn read<R: Reader>(&self, reader: &mut R) {
        reader.count(self.notes.len());
        reader.rows(self.notes.iter().map(|n| n.row()));
    }
}
