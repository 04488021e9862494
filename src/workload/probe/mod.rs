//! What in this operating system separates threads from processes? One kernel operation at a time.
//!
//! A probe is a workload whose op is one operation of the kernel, or as many of them as its file
//! says where one is too short to be timed. Its agents neither believe nor talk. They are what any
//! workload is: written once, without knowing where they run, each with descriptors and mappings
//! of its own that go when it goes; what threads share is the process, and nothing else.
//!
//! | file | operation | what threads share in it |
//! |---|---|---|
//! | [`getppid`] | the shortest system call | nothing |
//! | [`tlb`] | taking away and giving back write access to touched pages | translations of addresses |
//! | [`mmap`] | mapping and unmapping | the list of mappings |
//! | [`malloc`] | a block that malloc maps | the list of mappings, and a page of each |
//! | [`brk`] | moving the program break | the break itself |
//! | [`poll`] | looking at many descriptors | the table of descriptors |
//! | [`lseek`] | moving in a file | the table of descriptors |
//! | [`dup`] | duplicating and closing a descriptor | the table of descriptors, which changes |
//! | [`faults`] | touching new pages | next to nothing |
//! | [`alloc`] | small blocks from malloc | nothing: each thread has a cache |
//! | [`switch`] | giving up the CPU | nothing |
//! | [`flock`] | locking a file that all agents share | the file, as processes do |
//!
//! # How to add a probe
//!
//! 1. Write `workloads/probes/NAME.toml`: its parameters in a table `[op]`, with a comment each.
//! 2. Write `src/workload/probe/NAME.rs` and its `pub mod NAME;` here: a serde struct for that table
//!    which is a [`Probe`], the [`Operation`] that it makes, and its [`entry`].
//! 3. Add that entry to [`super::REGISTRY`].

pub mod alloc;
pub mod brk;
pub mod dup;
pub mod faults;
pub mod flock;
pub mod getppid;
pub mod lseek;
pub mod malloc;
pub mod mmap;
pub mod poll;
pub mod switch;
pub mod tlb;

use super::message::{Message, Received};
use super::spec::{ALL_PROBES, FieldError, SpecError, SpecSource};
use super::{Digest, Entry, Spec, Workload, derive_seed};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;

/// Probes in which neither side should be ahead by much: what they show is not the price of an operation, but how small
/// a difference this machine can tell from none.
pub const CONTROLS: [&str; 2] = ["getppid", "faults"];

/// The table `[op]` of a probe's file.
pub trait Probe: DeserializeOwned + Send + Sync + 'static {
    /// What its agents do.
    type Operation: Operation + 'static;

    /// Refuses parameters that make no sense.
    ///
    /// # Errors
    /// [`FieldError`] with the field (`op.pages`) and the range.
    fn check(&self) -> Result<(), FieldError>;

    /// Makes the operation of agent `id` ready, with all that the agent needs for itself.
    ///
    /// # Errors
    /// What this system does not allow, as a sentence.
    fn prepare(&self, id: usize) -> Result<Self::Operation, String>;

    /// File descriptors that one agent holds open.
    fn descriptors(&self) -> usize {
        0
    }
}

/// An operation that can be done again and again.
pub trait Operation: Send {
    /// Does it once, and returns what shows that it was done: the same number whatever the
    /// deployment. Allocates nothing but what the operation is about.
    ///
    /// # Panics
    /// When the kernel refuses, with its reason: the worker's failure is recorded.
    fn perform(&mut self) -> u64;
}

/// The line of the registry for a probe.
#[must_use]
pub const fn entry<P: Probe>(
    name: &'static str,
    about: &'static str,
    default_toml: &'static str,
) -> Entry {
    Entry {
        name,
        about,
        group: Some(ALL_PROBES),
        default_toml,
        read: read::<P>,
    }
}

/// A probe's file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
struct Parameters<P: Probe> {
    #[expect(
        dead_code,
        reason = "read by SpecSource::entry; named here so that it is no unknown field"
    )]
    workload: String,
    op: P,
}

fn read<P: Probe>(source: &SpecSource) -> Result<Box<dyn Spec>, SpecError> {
    let parameters: Parameters<P> = source.parse()?;
    parameters.op.check().map_err(|e| source.field(&e))?;
    Ok(Box::new(parameters))
}

impl<P: Probe> Spec for Parameters<P> {
    fn build(&self, id: usize, _agents: usize, seed: u64) -> Result<Box<dyn Workload>, String> {
        Ok(Box::new(Agent {
            operation: self.op.prepare(id)?,
            identity: derive_seed(seed, id as u64, 1),
            result: 0,
        }))
    }

    /// Every op is like the one before.
    fn episode_length(&self) -> u64 {
        1
    }

    fn descriptors_per_agent(&self) -> usize {
        self.op.descriptors()
    }
}

/// One agent of a probe.
struct Agent<O> {
    operation: O,
    /// Follows from seed and number, as the operation's result does not.
    identity: u64,
    result: u64,
}

impl<O: Operation> Workload for Agent<O> {
    fn produce(&mut self, _message: &mut Message) {}

    fn consume(&mut self, _received: Received<'_>) {
        self.result = self.operation.perform();
    }

    fn fold(&self, digest: &mut Digest) {
        digest.word(self.identity);
        digest.word(self.result);
    }

    /// An op is an op.
    fn active_states(&self) -> u64 {
        1
    }
}

/// What the kernel gave, or a panic that says which call it refused, and why.
#[inline]
#[track_caller]
fn granted<T>(call: &str, result: Result<T, impl Display>) -> T {
    result.unwrap_or_else(|why| panic!("{call} failed: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{REGISTRY, find, reference};

    fn probes() -> impl Iterator<Item = &'static Entry> {
        REGISTRY.iter().filter(|e| e.is_of_kernel())
    }

    /// What reading the built-in file says, with one value changed.
    fn refused(name: &str, from: &str, to: &str) -> String {
        let mut source = SpecSource::built_in(find(name).unwrap());
        assert!(source.text.contains(from), "{name}: {from}");
        source.text = source.text.replacen(from, to, 1);
        match crate::workload::read(&source) {
            Ok(_) => panic!("{name} takes {to}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn every_probe_is_named_after_its_file_and_does_the_same_again() {
        assert_eq!(probes().count(), 12);
        for entry in probes() {
            let source = SpecSource::built_in(entry);
            assert_eq!(source.entry().unwrap().name, entry.name);
            let spec = crate::workload::read(&source).unwrap();
            let once = reference::run(spec.as_ref(), 2, 7, 3, |_, _, _| {}).unwrap();
            let again = reference::run(spec.as_ref(), 2, 7, 3, |_, _, _| {}).unwrap();
            assert_eq!(once, again, "{}", entry.name);
            assert_ne!(once[0], once[1], "{}", entry.name);
        }
    }

    #[test]
    fn the_first_probe_is_one_that_controls_can_run_on() {
        assert_eq!(probes().next().unwrap().name, "probes/getppid");
    }

    #[test]
    fn a_value_out_of_range_is_named_with_file_line_and_field() {
        for (name, from, to, said) in [
            (
                "tlb",
                "pages = 4",
                "pages = 0",
                "op.pages: 0 is not between 1 and 4096",
            ),
            (
                "mmap",
                "mebibytes = 128",
                "mebibytes = 0",
                "op.mebibytes: 0 is not between 1 and 1024",
            ),
            (
                "malloc",
                "mebibytes = 64",
                "mebibytes = 32",
                "op.mebibytes: 32 is not between 33 and 1024",
            ),
            (
                "brk",
                "pages = 1",
                "pages = 17",
                "op.pages: 17 is not between 1 and 16",
            ),
            (
                "poll",
                "descriptors = 128",
                "descriptors = 1001",
                "op.descriptors: 1001 is not between 1 and 1000",
            ),
            (
                "lseek",
                "bundle = 16",
                "bundle = 0",
                "op.bundle: 0 is not between 1 and 4096",
            ),
            (
                "dup",
                "bundle = 4",
                "bundle = 0",
                "op.bundle: 0 is not between 1 and 4096",
            ),
            (
                "faults",
                "pages = 2048",
                "pages = 0",
                "op.pages: 0 is not between 1 and 65536",
            ),
            (
                "alloc",
                "bytes = 1024",
                "bytes = 0",
                "op.bytes: 0 is not between 1 and 65536",
            ),
            (
                "alloc",
                "bundle = 64",
                "bundle = 0",
                "op.bundle: 0 is not between 1 and 4096",
            ),
            (
                "getppid",
                "bundle = 16",
                "bundle = 0",
                "op.bundle: 0 is not between 1 and 4096",
            ),
            (
                "switch",
                "yields = 1",
                "yields = 0",
                "op.yields: 0 is not between 1 and 4096",
            ),
            (
                "flock",
                "bundle = 1",
                "bundle = 0",
                "op.bundle: 0 is not between 1 and 4096",
            ),
        ] {
            let error = refused(&format!("probes/{name}"), from, to);
            let begin = format!("workloads/probes/{name}.toml (built in):");
            let rest = error
                .strip_prefix(&begin)
                .unwrap_or_else(|| panic!("{error}"));
            let (line, message) = rest.split_once(": ").unwrap();
            assert!(line.parse::<usize>().unwrap() > 1, "{error}");
            assert_eq!(message, said);
        }
    }

    #[test]
    fn a_field_that_no_probe_knows_is_refused() {
        let error = refused("probes/getppid", "bundle = 16", "bundles = 16");
        assert!(error.contains("unknown field `bundles`"), "{error}");
    }

    #[test]
    #[should_panic(expected = "lseek failed: EBADF: Bad file number")]
    fn a_refused_call_is_named_with_its_reason() {
        granted("lseek", Err::<(), _>(nix::errno::Errno::EBADF));
    }
}
