//! Which invocations run, in what order, and is the machine fit for them?
//!
//! [`machine`] looks at the machine before a run and says whether its numbers can be believed.

pub mod causes;
pub mod coordinator;
mod empty_cell;
pub mod host;
pub mod invocation;
pub mod machine;
pub mod plan;
pub mod stopping;
pub mod turns;
