//! Do long windows tell what short ones tell?

use super::{LongWindowAnswer, NAME};
use crate::document::Document;
use crate::record::Run;

pub fn show(run: &Run, out: &mut Document) {
    let long: Vec<LongWindowAnswer> = run.finding(NAME).unwrap_or_default();
    for answer in long {
        out.answer("long windows", answer.sentence);
    }
}
