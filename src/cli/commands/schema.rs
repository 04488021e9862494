//! `schema`: the shape of a record, for other programs.

use super::{CommandError, print};
use crate::metric;
use crate::record::schema;
use crate::study;
use crate::verdict::EXIT_OK;

/// `forkscope schema`.
pub fn schema() -> Result<u8, CommandError> {
    let is_built_in = |name: &str| study::BUILT_IN.iter().any(|s| s.entry().name == name);
    let entries: Vec<study::Entry> = study::all().iter().map(|s| s.entry()).collect();
    let brought = entries.iter().filter(|e| !is_built_in(e.name));
    let brought: Vec<(&str, &str)> = brought.map(|e| (e.name, e.question)).collect();
    let mut metrics = metric::all();
    metrics.retain(|m| !metric::BUILT_IN.contains(m));
    let text = schema::with(&brought, &metrics);
    print(|out| out.write_all(text.as_bytes()))?;
    Ok(EXIT_OK)
}
