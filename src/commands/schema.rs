//! `schema`: the shape of a record, for other programs.

use super::{CommandError, print};
use forkscope::record::schema;
use forkscope::verdict::EXIT_OK;

/// `forkscope schema`.
pub fn schema() -> Result<u8, CommandError> {
    print(|out| out.write_all(schema::RUN.as_bytes()))?;
    Ok(EXIT_OK)
}
