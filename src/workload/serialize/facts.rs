//! What does a body cost in a format besides time: how many bytes, how many allocations?

use super::body::Draw;
use super::reading::Sum;
use super::{Body, Codec, Content, Format, FormatResult, Task};
use crate::observe::heap::{Allocated, own_allocated};

/// What a body costs in a format besides time; means over [`Body::variants`] drawn bodies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Facts {
    /// Bytes of the message; 0 where nothing is written.
    pub bytes: f64,
    /// What encoding allocates, into a buffer that is large enough.
    pub encode: Option<Allocations>,
    /// What decoding allocates.
    pub decode: Option<Allocations>,
}

/// Allocations of one operation. They are counted by the program's allocator: `None` in a program
/// that has not installed [`crate::observe::heap::Counting`].
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Allocations {
    /// How many.
    pub times: f64,
    /// How many bytes were asked for, whether or not they were freed again.
    pub bytes: f64,
}

/// [`super::FormatEntry::facts`].
pub(super) fn facts<F: Format>(body: Body) -> FormatResult<Facts> {
    body.with::<F, _>(Count {
        variants: body.variants(),
    })
}

struct Count {
    variants: usize,
}

impl Task for Count {
    type Output = FormatResult<Facts>;

    fn run<F, B>(self, size: usize) -> Self::Output
    where
        F: Codec<B> + Default + 'static,
        B: Content,
    {
        let mut draw = Draw::new(0);
        let mut bodies: Vec<Box<B>> = (0..self.variants)
            .map(|_| Box::new(B::draw(size, &mut draw)))
            .collect();
        let (mut format, mut carried) = (F::default(), F::Carried::default());
        let mut sum = Sum::default();
        let mut facts = Totals::default();
        // The first time round, buffers grow to what they need.
        for _ in 0..2 {
            facts = Totals::default();
            for body in &mut bodies {
                let before = own_allocated();
                format.encode(body, &mut carried)?;
                let between = own_allocated();
                format.decode(&carried, &mut sum)?;
                let after = own_allocated();
                facts.encode.add(before, between);
                facts.decode.add(between, after);
                facts.bytes += F::bytes(&carried).map_or(0, <[u8]>::len);
                format.restore(body, &mut carried);
            }
        }
        let n = self.variants as f64;
        Ok(Facts {
            bytes: facts.bytes as f64 / n,
            encode: facts.encode.mean(n),
            decode: facts.decode.mean(n),
        })
    }
}

#[derive(Default)]
struct Totals {
    bytes: usize,
    encode: Total,
    decode: Total,
}

#[derive(Default)]
struct Total {
    allocated: Allocated,
    is_uncounted: bool,
}

impl Total {
    fn add(&mut self, before: Option<Allocated>, after: Option<Allocated>) {
        let Some((before, after)) = before.zip(after) else {
            self.is_uncounted = true;
            return;
        };
        let more = after.since(before);
        self.allocated.times += more.times;
        self.allocated.bytes += more.bytes;
    }

    fn mean(&self, n: f64) -> Option<Allocations> {
        (!self.is_uncounted).then_some(Allocations {
            times: self.allocated.times as f64 / n,
            bytes: self.allocated.bytes as f64 / n,
        })
    }
}
