//! `compare`: what changed from one run to another?

use super::{CommandError, color_choice, print, records, usage};
use crate::cli::{Compare, Written};
use crate::record::comparison::Comparison;
use crate::report::{Style, changes, markdown, terminal};
use crate::verdict::{self, EXIT_GATE_BROKEN, EXIT_GATE_OPEN, EXIT_OK, EXIT_UNFIT};

/// `forkscope compare`.
pub fn compare(asked: &Compare) -> Result<u8, CommandError> {
    anstream::ColorChoice::write_global(color_choice(asked.color));
    let (old, new) = (records::read(&asked.old)?, records::read(&asked.new)?);
    let tolerances = asked.tolerances();
    let comparison =
        verdict::compare(&old, &new, &tolerances, asked.across_machines).map_err(usage)?;
    let document = changes::document(&comparison);
    print(|out| match asked.format {
        Written::Terminal => terminal::write(&document, &Style::of_stdout(), out),
        Written::Md => markdown::write(&document, out),
        Written::Json => {
            serde_json::to_writer_pretty(&mut *out, &comparison)?;
            writeln!(out)
        }
    })?;
    Ok(code(&comparison, asked.strict))
}

/// What a run without a headline says is not relied on, whatever it is. A regression outranks what is open,
/// which counts only for who is strict: with two noisy runs some line always is.
fn code(comparison: &Comparison, is_strict: bool) -> u8 {
    let is_withheld = [&comparison.old, &comparison.new]
        .iter()
        .any(|run| run.withheld.is_some());
    let is_whole = comparison.open == 0
        && comparison.refused.is_empty()
        && comparison.only_old.is_empty()
        && comparison.only_new.is_empty();
    match () {
        () if is_withheld => EXIT_UNFIT,
        () if comparison.regressions > 0 => EXIT_GATE_BROKEN,
        () if is_strict && !is_whole => EXIT_GATE_OPEN,
        () => EXIT_OK,
    }
}
