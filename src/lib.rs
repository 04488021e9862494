//! forkscope: threads, processes, or a mix of both, for your agents, on your machine.
//!
//! Data flows one way, left to right; a module uses only what stands to its left (a test reads this picture and looks):
//!
//! ```text
//! memory_file, input → record, metric → stats → verdict → document →
//! agent → observe → workload → transport → deployment → experiment → study → report → cli
//! ```
//!
//! | module | question |
//! |---|---|
//! | [`record`] | what does a run leave behind? |
//! | [`metric`] | which numbers does an invocation yield? |
//! | [`agent`] | what does one active-inference agent compute? |
//! | [`observe`] | what did it cost: clock, CPU, memory? |
//! | [`workload`] | what does every agent do? It cannot know where it runs |
//! | [`transport`] | how does a message travel? |
//! | [`deployment`] | where do workers run? One loop for all |
//! | [`stats`] | how large is an effect, and how sure? |
//! | [`verdict`] | what does that mean for somebody who has to choose? |
//! | [`document`] | what does a reader see, before any format? |
//! | [`experiment`] | which invocations, in what order, on what machine? |
//! | [`study`] | what is asked: each study in a room of its own |
//! | [`report`] | how is it shown? |
//! | [`input`] | how is a file read that somebody names? |
//! | [`memory_file`] | how is memory had as a file? |
//! | [`cli`] | what can be asked for? |
//!
//! # Bring your own agent
//!
//! Implement [`workload::Workload`] (one agent with its world) and [`workload::Spec`] (its parameters,
//! from a TOML file), and add a line to [`workload::REGISTRY`]: the module says how. Nothing else
//! has to know.
//!
//! # Ask a question of your own
//!
//! Implement [`study::Study`] and [`study::register`] it: it is planned, run, concluded and shown like the built-in ones.
#![deny(missing_docs)]

pub mod metric;
pub mod record;

pub mod stats;
pub mod verdict;

pub mod document;

pub mod agent;

pub mod observe;

pub mod workload;

pub mod transport;

pub mod deployment;

pub mod experiment;

pub mod study;

pub mod report;

pub mod input;
pub mod memory_file;

pub mod cli;

pub use cli::main;
