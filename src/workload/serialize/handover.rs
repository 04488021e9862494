//! Handing over: what is left where nothing has to be written down?
//!
//! The zero line: between threads a body changes hands by its address. Reading it costs what reading
//! costs; only that.

use super::reading::Reader;
use super::{Codec, Content, Format, FormatResult};
use std::mem::swap;

/// The body itself goes over, in its box.
#[derive(Clone, Copy, Debug, Default)]
pub struct Handover;

impl Format for Handover {
    const NAME: &'static str = "handover";
    const ABOUT: &'static str = "none: the body itself changes hands, as between threads";
}

impl<B: Content> Codec<B> for Handover {
    type Carried = Box<B>;

    #[inline]
    fn encode(&mut self, body: &mut Box<B>, carried: &mut Box<B>) -> FormatResult {
        swap(body, carried);
        Ok(())
    }

    #[inline]
    fn decode<R: Reader>(&self, carried: &Box<B>, reader: &mut R) -> FormatResult {
        carried.read(reader);
        Ok(())
    }

    #[inline]
    fn restore(&mut self, body: &mut Box<B>, carried: &mut Box<B>) {
        swap(body, carried);
    }

    fn bytes(_carried: &Box<B>) -> Option<&[u8]> {
        None
    }

    fn carried(_bytes: &[u8]) -> Option<Box<B>> {
        None
    }
}
