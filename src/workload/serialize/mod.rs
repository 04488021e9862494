//! How much of the price of a message is the format that it is written in?
//!
//! Processes share nothing, so what they tell each other has to be written down and read again;
//! threads hand it over. That price belongs to the format, not to processes: who knows it knows what
//! could be saved. An op of this workload encodes, decodes, or does both, and tells nobody: what a
//! hop costs besides is the business of transports.
//!
//! | file | format |
//! |---|---|
//! | [`json`] | text that everybody reads |
//! | [`postcard`] | compact binary, by serde |
//! | [`rkyv`] | read where it lies, without decoding |
//! | [`raw`] | no format: the bytes of the numbers, by hand |
//! | [`handover`] | nothing is written: the body itself goes over, as between threads |
//!
//! The rules are the same for all:
//!
//! - Encoding writes into a buffer that was used before and is large enough. What a format allocates
//!   besides is what it costs.
//! - Decoding is over when every value was read once, by the code in [`reading`]: a format that is
//!   read where it lies pays for that reading, too.
//! - A message that was cut short is refused, and no message makes a format panic. Formats that do
//!   not notice by themselves where their message ends write its length in front.
//! - Bodies change from one to the next and repeat after [`Body::variants`] of them. In a binary
//!   format all are equally long.
//!
//! # How to add a format
//!
//! 1. Write `src/workload/serialize/NAME.rs` and its `pub mod NAME;` here: a type that is a
//!    [`Format`] and a [`ByteFormat`], and says for each body how it is written ([`ByteCodec`]).
//! 2. Add its [`entry`] to [`FORMATS`].
//!
//! # How to add a body
//!
//! A size: one line in [`body::BODIES`]. Another type: a [`Content`] in [`body`], its arm in
//! [`Body`], and what the formats that are written by hand make of it.

pub mod body;
pub mod facts;
pub mod handover;
pub mod json;
pub mod op;
pub mod postcard;
pub mod raw;
pub mod reading;
pub mod rkyv;

pub use body::{Body, Content};
pub use facts::Facts;
pub use op::{ENTRY, Settings, Step, of};

use super::Workload;
use body::{Batch, Beliefs, Bytes, Record};
use reading::{Reader, Transcript};

/// How a body of one type goes over.
pub trait Codec<B: Content>: Send {
    /// What goes over: bytes, or the body itself.
    type Carried: Default + Send;

    /// Makes `carried`, which an earlier body went over in, carry `body`. A format that hands over
    /// takes the body away, until [`Codec::restore`].
    ///
    /// # Errors
    /// [`FormatError::Refused`] when the format has no way to say what the body holds.
    fn encode(&mut self, body: &mut Box<B>, carried: &mut Self::Carried) -> FormatResult;

    /// Reads every value that `carried` carries.
    ///
    /// # Errors
    /// [`FormatError::Damaged`] when that is not a body.
    fn decode<R: Reader>(&self, carried: &Self::Carried, reader: &mut R) -> FormatResult;

    /// Gives back the body that was encoded last: nothing to do, unless it was handed over.
    fn restore(&mut self, _body: &mut Box<B>, _carried: &mut Self::Carried) {}

    /// The bytes that go over; `None` where a body is handed over.
    fn bytes(carried: &Self::Carried) -> Option<&[u8]>;

    /// The inverse of [`Codec::bytes`], for any bytes.
    fn carried(bytes: &[u8]) -> Option<Self::Carried>;
}

/// A format that writes bytes, as all do but one.
pub trait ByteFormat: Send {}

/// How a body of one type is written as bytes.
pub trait ByteCodec<B: Content>: ByteFormat {
    /// Writes `body` into `bytes`, which hold an earlier message.
    ///
    /// # Errors
    /// As [`Codec::encode`].
    fn write(&mut self, body: &B, bytes: &mut Vec<u8>) -> FormatResult;

    /// Reads every value of a message.
    ///
    /// # Errors
    /// As [`Codec::decode`].
    fn read<R: Reader>(&self, bytes: &[u8], reader: &mut R) -> FormatResult;
}

impl<B: Content, F: ByteFormat + ByteCodec<B>> Codec<B> for F {
    type Carried = Vec<u8>;

    #[inline]
    fn encode(&mut self, body: &mut Box<B>, carried: &mut Vec<u8>) -> FormatResult {
        self.write(body, carried)
    }

    #[inline]
    fn decode<R: Reader>(&self, carried: &Vec<u8>, reader: &mut R) -> FormatResult {
        self.read(carried, reader)
    }

    fn bytes(carried: &Vec<u8>) -> Option<&[u8]> {
        Some(carried)
    }

    fn carried(bytes: &[u8]) -> Option<Vec<u8>> {
        Some(bytes.to_vec())
    }
}

/// A format: it can carry every body.
pub trait Format:
    Codec<Record> + Codec<Beliefs> + Codec<Bytes> + Codec<Batch> + Default + 'static
{
    /// Name in workload files and tables.
    const NAME: &'static str;

    /// What it is, in one line.
    const ABOUT: &'static str;
}

/// Why a body did not go over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The format has no way to say what the body holds.
    #[error("{format} cannot carry this body: {why}")]
    Refused {
        /// Name of the format.
        format: &'static str,
        /// What it cannot say.
        why: String,
    },
    /// What was to be read is no message of this format and body.
    #[error("this is no message in {format}: {why}")]
    Damaged {
        /// Name of the format.
        format: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// What a format makes of something, or why not.
pub type FormatResult<T = ()> = Result<T, FormatError>;

/// One line of the registry of formats.
#[derive(Clone, Copy)]
pub struct FormatEntry {
    /// Name in workload files and tables.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// What a body costs in this format, besides time. Meant for no timed window.
    pub facts: fn(Body) -> FormatResult<Facts>,
    /// The message that carries the body drawn from a seed; `None` where nothing is written.
    pub message: fn(Body, u64) -> FormatResult<Option<Vec<u8>>>,
    /// Every value that a message carries, in order; `None` where nothing is written.
    pub transcript: fn(Body, &[u8]) -> FormatResult<Option<Transcript>>,
    agent: fn(&Settings, u64) -> FormatResult<Box<dyn Workload>>,
}

/// Every format there is.
pub const FORMATS: &[FormatEntry] = &[
    entry::<json::Json>(),
    entry::<postcard::Postcard>(),
    entry::<rkyv::Rkyv>(),
    entry::<raw::Raw>(),
    entry::<handover::Handover>(),
];

/// What other formats are held against: the one that everybody reads.
pub const BASELINE: &str = json::Json::NAME;

/// The binary formats among those that are no work of one's own: what somebody would take in place of
/// [`BASELINE`].
pub const BINARY: [&str; 2] = [postcard::Postcard::NAME, rkyv::Rkyv::NAME];

/// The line of the registry for a format.
#[must_use]
pub const fn entry<F: Format>() -> FormatEntry {
    FormatEntry {
        name: F::NAME,
        about: F::ABOUT,
        facts: facts::facts::<F>,
        message: |body, seed| body.with::<F, _>(Message { seed }),
        transcript: |body, bytes| body.with::<F, _>(Transcribe { bytes }),
        agent: op::agent::<F>,
    }
}

/// Finds a registered format by name.
#[must_use]
pub fn find_format(name: &str) -> Option<&'static FormatEntry> {
    FORMATS.iter().find(|f| f.name == name)
}

/// Something to do with a format and a body, whatever types they are.
trait Task {
    type Output;

    /// Does it, with bodies of `size` items.
    fn run<F, B>(self, size: usize) -> Self::Output
    where
        F: Codec<B> + Default + 'static,
        B: Content;
}

impl Body {
    /// Does `task` with the type of this body.
    fn with<F: Format, T: Task>(self, task: T) -> T::Output {
        match self {
            Body::Struct => task.run::<F, Record>(1),
            Body::Beliefs(count) => task.run::<F, Beliefs>(count),
            Body::Bytes(count) => task.run::<F, Bytes>(count),
            Body::Batch(count) => task.run::<F, Batch>(count),
        }
    }
}

/// [`FormatEntry::message`].
struct Message {
    seed: u64,
}

impl Task for Message {
    type Output = FormatResult<Option<Vec<u8>>>;

    fn run<F, B>(self, size: usize) -> Self::Output
    where
        F: Codec<B> + Default + 'static,
        B: Content,
    {
        let mut body = Box::new(B::draw(size, &mut body::Draw::new(self.seed)));
        let mut carried = F::Carried::default();
        F::default().encode(&mut body, &mut carried)?;
        Ok(F::bytes(&carried).map(<[u8]>::to_vec))
    }
}

/// [`FormatEntry::transcript`].
struct Transcribe<'a> {
    bytes: &'a [u8],
}

impl Task for Transcribe<'_> {
    type Output = FormatResult<Option<Transcript>>;

    fn run<F, B>(self, _size: usize) -> Self::Output
    where
        F: Codec<B> + Default + 'static,
        B: Content,
    {
        let Some(carried) = F::carried(self.bytes) else {
            return Ok(None);
        };
        let mut transcript = Transcript::default();
        F::default().decode(&carried, &mut transcript)?;
        Ok(Some(transcript))
    }
}
