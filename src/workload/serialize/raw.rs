//! Raw bytes: what is the least that writing down and reading again can cost?
//!
//! Numbers as they lie in memory, least significant byte first, in fixed places; in front of anything
//! whose length is not fixed stands the length. By hand, for each body: no names, no versions, nothing
//! that could be added without breaking the other side.

use super::body::{Batch, Beliefs, Bytes, Header, Kind, Note, Record, WEIGHTS};
use super::reading::Reader;
use super::{ByteCodec, ByteFormat, Format, FormatError, FormatResult};

/// The bytes of the numbers, by hand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Raw;

impl ByteFormat for Raw {}

impl Format for Raw {
    const NAME: &'static str = "raw";
    const ABOUT: &'static str = "none: the bytes of the numbers in fixed places, by hand";
}

/// A length in front.
const LENGTH_BYTES: usize = size_of::<u64>();

/// [`Header`] in a message.
const HEADER_BYTES: usize = 72;

/// Everything of a [`Record`] but its topic and the topic's length.
const FIXED_BYTES: usize = HEADER_BYTES + WEIGHTS * size_of::<f64>();

/// [`Note`] in a message.
const NOTE_BYTES: usize = 32;

/// Why a message is refused whose kinds and truths are not among those that there are.
const FLAG: &str = "a flag has none of its values";

fn damaged(why: &str) -> FormatError {
    FormatError::Damaged {
        format: Raw::NAME,
        why: why.to_owned(),
    }
}

/// The room for `count` items of `N` bytes behind their number, which is written. Where the last
/// message was as long, nothing is cleared.
#[inline]
fn room<const N: usize>(bytes: &mut Vec<u8>, count: usize) -> &mut [[u8; N]] {
    bytes.resize(LENGTH_BYTES + count * N, 0);
    let (length, items) = bytes.split_at_mut(LENGTH_BYTES);
    length.copy_from_slice(&(count as u64).to_le_bytes());
    items.as_chunks_mut().0
}

/// The items of `N` bytes that make up a message behind their number.
#[inline]
fn items<const N: usize>(bytes: &[u8]) -> FormatResult<&[[u8; N]]> {
    let (length, rest) = bytes
        .split_first_chunk()
        .ok_or_else(|| damaged("it has no length"))?;
    let (items, odd) = rest.as_chunks();
    if !odd.is_empty() || u64::from_le_bytes(*length) != items.len() as u64 {
        return Err(damaged("it is not as long as it says"));
    }
    Ok(items)
}

/// Copies numbers as they lie in memory. A function of its own, as only there the compiler knows that
/// the two places are apart, and makes one copy of it all: half the time of a loop.
#[inline(never)]
fn copy_numbers(numbers: &[f64], places: &mut [[u8; 8]]) {
    for (place, number) in places.iter_mut().zip(numbers) {
        *place = number.to_le_bytes();
    }
}

/// Writes one value after the other. Places are constants once this is inlined.
struct Pen<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl Pen<'_> {
    #[inline(always)]
    fn put<const N: usize>(&mut self, value: [u8; N]) {
        self.bytes[self.at..self.at + N].copy_from_slice(&value);
        self.at += N;
    }
}

/// Reads one value after the other.
struct Eye<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Eye<'_> {
    #[inline(always)]
    fn next<const N: usize>(&mut self) -> [u8; N] {
        let value = self.bytes[self.at..self.at + N].try_into();
        self.at += N;
        value.expect("it is a slice of N bytes")
    }
}

#[inline]
fn write_header(header: &Header, bytes: &mut [u8; HEADER_BYTES]) {
    let mut pen = Pen { bytes, at: 0 };
    pen.put(header.id.to_le_bytes());
    pen.put(header.round.to_le_bytes());
    pen.put(header.sent_ns.to_le_bytes());
    pen.put(header.from.to_le_bytes());
    pen.put(header.to.to_le_bytes());
    pen.put(header.retries.to_le_bytes());
    pen.put(header.priority.to_le_bytes());
    pen.put([header.kind as u8, u8::from(header.wants_answer)]);
    header
        .position
        .iter()
        .for_each(|p| pen.put(p.to_le_bytes()));
    pen.put(header.confidence.to_le_bytes());
    pen.put(header.patience_s.to_le_bytes());
}

#[inline]
fn read_header(bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
    let mut eye = Eye { bytes, at: 0 };
    Some(Header {
        id: u64::from_le_bytes(eye.next()),
        round: u64::from_le_bytes(eye.next()),
        sent_ns: u64::from_le_bytes(eye.next()),
        from: u32::from_le_bytes(eye.next()),
        to: u32::from_le_bytes(eye.next()),
        retries: u32::from_le_bytes(eye.next()),
        priority: u16::from_le_bytes(eye.next()),
        kind: Kind::from_byte(u8::from_le_bytes(eye.next()))?,
        wants_answer: truth(u8::from_le_bytes(eye.next()))?,
        position: [
            f64::from_le_bytes(eye.next()),
            f64::from_le_bytes(eye.next()),
            f64::from_le_bytes(eye.next()),
        ],
        confidence: f32::from_le_bytes(eye.next()),
        patience_s: f32::from_le_bytes(eye.next()),
    })
}

/// Neither true nor false: `None`.
#[inline]
fn truth(byte: u8) -> Option<bool> {
    match byte {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

#[inline]
fn write_note(note: &Note, bytes: &mut [u8; NOTE_BYTES]) {
    let mut pen = Pen { bytes, at: 0 };
    pen.put(note.round.to_le_bytes());
    pen.put(note.value.to_le_bytes());
    pen.put(note.from.to_le_bytes());
    pen.put(note.to.to_le_bytes());
    pen.put(note.confidence.to_le_bytes());
    pen.put(note.action.to_le_bytes());
    pen.put([note.kind as u8, u8::from(note.wants_answer)]);
}

#[inline]
fn read_note(bytes: &[u8; NOTE_BYTES]) -> Option<Note> {
    let mut eye = Eye { bytes, at: 0 };
    Some(Note {
        round: u64::from_le_bytes(eye.next()),
        value: f64::from_le_bytes(eye.next()),
        from: u32::from_le_bytes(eye.next()),
        to: u32::from_le_bytes(eye.next()),
        confidence: f32::from_le_bytes(eye.next()),
        action: u16::from_le_bytes(eye.next()),
        kind: Kind::from_byte(u8::from_le_bytes(eye.next()))?,
        wants_answer: truth(u8::from_le_bytes(eye.next()))?,
    })
}

impl ByteCodec<Record> for Raw {
    #[inline]
    fn write(&mut self, body: &Record, bytes: &mut Vec<u8>) -> FormatResult {
        bytes.resize(FIXED_BYTES + LENGTH_BYTES + body.topic.len(), 0);
        let (header, rest) = bytes
            .split_first_chunk_mut()
            .expect("it was made large enough");
        write_header(&body.header, header);
        let (weights, rest) = rest.split_at_mut(FIXED_BYTES - HEADER_BYTES);
        copy_numbers(&body.weights, weights.as_chunks_mut().0);
        let (length, topic) = rest.split_at_mut(LENGTH_BYTES);
        length.copy_from_slice(&(topic.len() as u64).to_le_bytes());
        topic.copy_from_slice(body.topic.as_bytes());
        Ok(())
    }

    #[inline]
    fn read<R: Reader>(&self, bytes: &[u8], reader: &mut R) -> FormatResult {
        let (fixed, rest) = bytes
            .split_first_chunk::<FIXED_BYTES>()
            .ok_or_else(|| damaged("it is too short"))?;
        let (header, weights) = fixed
            .split_first_chunk()
            .expect("a record is longer than its head");
        let header = read_header(header).ok_or_else(|| damaged(FLAG))?;
        let topic: &[[u8; 1]] = items(rest)?;
        let topic = std::str::from_utf8(topic.as_flattened())
            .map_err(|_| damaged("the topic is no text"))?;
        reader.rows(header.rows().into_iter());
        reader.values(weights.as_chunks().0, |w| u64::from_le_bytes(*w));
        reader.bytes(topic.as_bytes());
        Ok(())
    }
}

impl ByteCodec<Beliefs> for Raw {
    #[inline]
    fn write(&mut self, body: &Beliefs, bytes: &mut Vec<u8>) -> FormatResult {
        copy_numbers(&body.values, room(bytes, body.values.len()));
        Ok(())
    }

    #[inline]
    fn read<R: Reader>(&self, bytes: &[u8], reader: &mut R) -> FormatResult {
        reader.values(items(bytes)?, |v| u64::from_le_bytes(*v));
        Ok(())
    }
}

impl ByteCodec<Bytes> for Raw {
    #[inline]
    fn write(&mut self, body: &Bytes, bytes: &mut Vec<u8>) -> FormatResult {
        let places: &mut [[u8; 1]] = room(bytes, body.bytes.len());
        places.as_flattened_mut().copy_from_slice(&body.bytes);
        Ok(())
    }

    #[inline]
    fn read<R: Reader>(&self, bytes: &[u8], reader: &mut R) -> FormatResult {
        let items: &[[u8; 1]] = items(bytes)?;
        reader.bytes(items.as_flattened());
        Ok(())
    }
}

impl ByteCodec<Batch> for Raw {
    #[inline]
    fn write(&mut self, body: &Batch, bytes: &mut Vec<u8>) -> FormatResult {
        for (place, note) in room(bytes, body.notes.len()).iter_mut().zip(&body.notes) {
            write_note(note, place);
        }
        Ok(())
    }

    #[inline]
    fn read<R: Reader>(&self, bytes: &[u8], reader: &mut R) -> FormatResult {
        let notes = items(bytes)?;
        let mut is_damaged = false;
        reader.count(notes.len());
        // A damaged note reads as an empty one and is told of in the end: looking through all of
        // them beforehand would take as long again.
        reader.rows(notes.iter().map(|note| {
            let note = read_note(note);
            is_damaged |= note.is_none();
            note.unwrap_or_default().row()
        }));
        if is_damaged {
            return Err(damaged(FLAG));
        }
        Ok(())
    }
}
