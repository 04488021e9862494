//! rkyv: what does it cost to read a message where it lies, once it was checked?
//!
//! Every message is checked before it is read, as one that comes from another process has to be.
//! Values need no alignment (feature `unaligned`), so that messages may lie anywhere. Where a message
//! ends rkyv does not know: its length stands in front.

use super::body::{
    ArchivedBatch, ArchivedBeliefs, ArchivedBytes, ArchivedHeader, ArchivedKind, ArchivedNote,
    ArchivedRecord, Header, Kind, Note,
};
use super::reading::Reader;
use super::{ByteCodec, ByteFormat, Content, Format, FormatError, FormatResult};
use rkyv::api::low::{LowSerializer, LowValidator, access, to_bytes_in_with_alloc};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::Failure;
use rkyv::ser::allocator::{Arena, ArenaHandle};
use rkyv::{Portable, Serialize};

/// rkyv, with the room that it works in.
pub struct Rkyv {
    arena: Arena,
}

impl Default for Rkyv {
    fn default() -> Rkyv {
        Rkyv {
            arena: Arena::new(),
        }
    }
}

impl ByteFormat for Rkyv {}

impl Format for Rkyv {
    const NAME: &'static str = "rkyv";
    const ABOUT: &'static str = "zero-copy by rkyv: checked, then read where it lies";
}

/// Something archived that can be read as it is.
pub trait Readable {
    /// Reads every value.
    fn read<R: Reader>(&self, reader: &mut R);
}

impl<B> ByteCodec<B> for Rkyv
where
    B: Content + for<'a> Serialize<LowSerializer<Vec<u8>, ArenaHandle<'a>, Failure>>,
    B::Archived: Portable + Readable + for<'a> CheckBytes<LowValidator<'a, Failure>>,
{
    #[inline]
    fn write(&mut self, body: &B, bytes: &mut Vec<u8>) -> FormatResult {
        let mut writer = std::mem::take(bytes);
        writer.clear();
        writer.extend([0; LENGTH_BYTES]);
        *bytes = to_bytes_in_with_alloc::<_, _, Failure>(body, writer, self.arena.acquire())
            .map_err(|_| FormatError::Refused {
                format: Self::NAME,
                why: "it is too large".to_owned(),
            })?;
        let length = bytes.len() as u64;
        bytes[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
        Ok(())
    }

    #[inline]
    fn read<R: Reader>(&self, bytes: &[u8], reader: &mut R) -> FormatResult {
        let damaged = |why: &str| FormatError::Damaged {
            format: Self::NAME,
            why: why.to_owned(),
        };
        let archive = match bytes.split_first_chunk() {
            Some((length, rest)) if u64::from_le_bytes(*length) == bytes.len() as u64 => rest,
            _ => return Err(damaged("it is not as long as it says")),
        };
        let body = access::<B::Archived, Failure>(archive)
            .map_err(|_| damaged("it is not what rkyv writes"))?;
        body.read(reader);
        Ok(())
    }
}

/// The length in front of a message.
const LENGTH_BYTES: usize = size_of::<u64>();

impl Readable for ArchivedRecord {
    #[inline]
    fn read<R: Reader>(&self, reader: &mut R) {
        reader.rows(Header::from(&self.header).rows().into_iter());
        reader.values(&self.weights, |w| w.to_native().to_bits());
        reader.bytes(self.topic.as_bytes());
    }
}

impl Readable for ArchivedBeliefs {
    #[inline]
    fn read<R: Reader>(&self, reader: &mut R) {
        reader.values(&self.values, |v| v.to_native().to_bits());
    }
}

impl Readable for ArchivedBytes {
    #[inline]
    fn read<R: Reader>(&self, reader: &mut R) {
        reader.bytes(&self.bytes);
    }
}

impl Readable for ArchivedBatch {
    #[inline]
    fn read<R: Reader>(&self, reader: &mut R) {
        reader.count(self.notes.len());
        reader.rows(self.notes.iter().map(|n| Note::from(n).row()));
    }
}

impl From<&ArchivedKind> for Kind {
    #[inline]
    fn from(kind: &ArchivedKind) -> Kind {
        match kind {
            ArchivedKind::Observation => Kind::Observation,
            ArchivedKind::Belief => Kind::Belief,
            ArchivedKind::Action => Kind::Action,
            ArchivedKind::Heartbeat => Kind::Heartbeat,
        }
    }
}

impl From<&ArchivedHeader> for Header {
    #[inline]
    fn from(header: &ArchivedHeader) -> Header {
        Header {
            id: header.id.to_native(),
            round: header.round.to_native(),
            sent_ns: header.sent_ns.to_native(),
            from: header.from.to_native(),
            to: header.to.to_native(),
            retries: header.retries.to_native(),
            priority: header.priority.to_native(),
            kind: Kind::from(&header.kind),
            wants_answer: header.wants_answer,
            position: header.position.map(|p| p.to_native()),
            confidence: header.confidence.to_native(),
            patience_s: header.patience_s.to_native(),
        }
    }
}

impl From<&ArchivedNote> for Note {
    #[inline]
    fn from(note: &ArchivedNote) -> Note {
        Note {
            round: note.round.to_native(),
            value: note.value.to_native(),
            from: note.from.to_native(),
            to: note.to.to_native(),
            confidence: note.confidence.to_native(),
            action: note.action.to_native(),
            kind: Kind::from(&note.kind),
            wants_answer: note.wants_answer,
        }
    }
}
