//! JSON: what does text cost that everybody reads?
//!
//! Numbers come back to the last bit (`float_roundtrip`). Bytes are an array of numbers, as serde
//! writes them where nobody asks for anything better: up to four letters for each.

use super::reading::Reader;
use super::{ByteCodec, ByteFormat, Content, Format, FormatError, FormatResult};
use serde_json::Serializer;
use serde_json::ser::Formatter;
use std::io;

/// serde_json, compact.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

impl ByteFormat for Json {}

impl Format for Json {
    const NAME: &'static str = "json";
    const ABOUT: &'static str = "JSON by serde_json; bytes are an array of numbers";
}

/// JSON has no word for numbers that are not finite, and serde_json writes `null` for them, which
/// nobody reads as a number. As no body holds anything optional, a `null` is always such a number.
struct FiniteOnly;

impl Formatter for FiniteOnly {
    fn write_null<W: ?Sized + io::Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        Err(io::Error::other("a number is not finite"))
    }
}

impl<B: Content> ByteCodec<B> for Json {
    #[inline]
    fn write(&mut self, body: &B, bytes: &mut Vec<u8>) -> FormatResult {
        bytes.clear();
        let mut serializer = Serializer::with_formatter(bytes, FiniteOnly);
        body.serialize(&mut serializer)
            .map_err(|e| FormatError::Refused {
                format: Self::NAME,
                why: e.to_string(),
            })
    }

    #[inline]
    fn read<R: Reader>(&self, bytes: &[u8], reader: &mut R) -> FormatResult {
        let body: B = serde_json::from_slice(bytes).map_err(|e| FormatError::Damaged {
            format: Self::NAME,
            why: e.to_string(),
        })?;
        body.read(reader);
        Ok(())
    }
}
