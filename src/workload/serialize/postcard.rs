//! postcard: what does a compact binary format cost, without further effort?

use super::reading::Reader;
use super::{ByteCodec, ByteFormat, Content, Format, FormatError, FormatResult};
use postcard::ser_flavors::Flavor;

/// postcard, by serde: integers without leading zeros, no names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Postcard;

impl ByteFormat for Postcard {}

impl Format for Postcard {
    const NAME: &'static str = "postcard";
    const ABOUT: &'static str = "compact binary by serde and postcard";
}

/// Writes at the end of a buffer. postcard's own way to extend a `Vec` copies byte by byte.
struct Append<'a>(&'a mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

impl<B: Content> ByteCodec<B> for Postcard {
    #[inline]
    fn write(&mut self, body: &B, bytes: &mut Vec<u8>) -> FormatResult {
        bytes.clear();
        postcard::serialize_with_flavor(body, Append(bytes)).map_err(|e| FormatError::Refused {
            format: Self::NAME,
            why: e.to_string(),
        })
    }

    #[inline]
    fn read<R: Reader>(&self, bytes: &[u8], reader: &mut R) -> FormatResult {
        let damaged = |why: String| FormatError::Damaged {
            format: Self::NAME,
            why,
        };
        let (body, rest): (B, _) =
            postcard::take_from_bytes(bytes).map_err(|e| damaged(e.to_string()))?;
        if !rest.is_empty() {
            return Err(damaged(format!("{} bytes follow", rest.len())));
        }
        body.read(reader);
        Ok(())
    }
}
