//! What every agent does, written once; it cannot know where it runs.
//!
//! A workload is a [`Workload`] (one agent with its world and its beliefs) and a [`Spec`] (its
//! parameters, read from a TOML file). An op has two halves, neither of which blocks:
//! [`Workload::produce`] acts, observes and writes what the neighbours shall know;
//! [`Workload::consume`] takes in what they wrote in the same round, infers, and chooses the next
//! action. Who the neighbours are is fixed before the run ([`Topology`]). Everything else (threads,
//! processes, rings, sockets, waiting, stopping) is the worker loop's business.
//!
//! # How to add a workload
//!
//! 1. Write `workloads/NAME.toml`: the parameters that people edit, with a comment each.
//! 2. Write `src/workload/NAME.rs` and its `pub mod NAME;` here: a serde struct for that file, a
//!    function `read` that parses ([`SpecSource::parse`]) and validates it, a [`Spec`] that builds
//!    agents, and the [`Workload`] itself, which begins anew at the start of each episode.
//! 3. Add one entry to [`REGISTRY`].
//!
//! A probe, one operation of the kernel, takes less: see [`probe`].
//!
//! `forkscope list`, `--help`, and the parity test (every workload under every deployment gives one
//! digest) iterate the registry: the new entry is documented and tested by being there.

pub mod coordination;
pub mod delivery;
pub mod exploration;
pub mod gridworld;
pub mod hop;
pub mod message;
pub mod probe;
pub mod reference;
pub mod relay;
pub mod serialize;
pub mod spec;
pub mod topology;

use std::sync::RwLock;

pub use message::{Inbox, Message, ProtocolError, Received};
pub use spec::{SpecError, SpecSource};
pub use topology::Topology;

/// One agent with its world: what is run, and what an op is.
///
/// Agents live in episodes of fixed length: at the start of each, world and beliefs are reset by the
/// seed, so that the cost of an op is stationary. Everything an agent does follows from its seed, its
/// number and the messages it receives: never from time, place or other agents' speed.
pub trait Workload: Send {
    /// First half of an op: act on the world, observe, and write what the neighbours shall know
    /// into `message` (its `belief` and `payload` arrive with the capacity of an earlier message;
    /// addressing and round are filled in by the caller). A workload without neighbours leaves
    /// `message` alone.
    fn produce(&mut self, message: &mut Message);

    /// Second half: take in what every neighbour wrote in this round (in the order of their
    /// numbers), infer, and choose the next action.
    fn consume(&mut self, received: Received<'_>);

    /// Folds the agent's beliefs and its last action into `digest`.
    fn fold(&self, digest: &mut Digest);

    /// Tells numbers of its own, each by the id of a metric ([`crate::metric::register`]): in a sample stands the mean
    /// over agents. Asked once, behind the window.
    fn values(&self, _tell: &mut dyn FnMut(&'static str, f64)) {}

    /// Joint states evaluated in the last op: the work counter that tells whether two deployments
    /// did the same work.
    fn active_states(&self) -> u64;
}

/// The parameters of a workload, validated; builds its agents.
pub trait Spec: Send + Sync {
    /// Builds agent `id` of `agents`; everything in it follows from `seed` and `id`.
    ///
    /// # Errors
    /// A sentence when the parameters do not make a valid model. [`read`] builds agent 0 once, so
    /// that this is found before anything is spawned.
    fn build(&self, id: usize, agents: usize, seed: u64) -> Result<Box<dyn Workload>, String>;

    /// Rounds of an episode: after so many, world and beliefs begin anew; where agents talk, everything that they do
    /// and receive repeats.
    fn episode_length(&self) -> u64;

    /// Rounds of a life: after so many, an agent's work repeats. The default: an episode.
    fn life_length(&self) -> u64 {
        self.episode_length()
    }

    /// Who sends to whom, for a number of agents. The default: nobody.
    fn topology(&self, agents: usize) -> Topology {
        Topology::silent(agents)
    }

    /// Payload bytes of one message at most (belief and extra payload); 0 for a silent workload.
    fn message_bytes(&self) -> usize {
        0
    }

    /// The pattern of a workload that is nothing but messages between two workers; `None` where
    /// there are agents.
    fn hop(&self) -> Option<hop::Hop> {
        None
    }

    /// Whether its messages can be replayed from a tape, so that they have a price: not where a step is nothing
    /// without them.
    fn has_tape(&self) -> bool {
        true
    }

    /// File descriptors that one agent holds open.
    fn descriptors_per_agent(&self) -> usize {
        0
    }
}

/// One line of the registry.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Name on the command line and in records.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// The name that stands for all of its kind (`-w probes`); `None` where it is one of its own.
    pub group: Option<&'static str>,
    /// The default parameters: the file in `workloads/`.
    pub default_toml: &'static str,
    /// Parses and validates parameters.
    pub read: fn(&SpecSource) -> Result<Box<dyn Spec>, SpecError>,
}

impl Entry {
    /// Whether it is one operation of the kernel: one of those in `workloads/probes`.
    #[must_use]
    pub fn is_of_kernel(&self) -> bool {
        self.group == Some(spec::ALL_PROBES)
    }
}

/// Every workload there is.
pub const REGISTRY: &[Entry] = &[
    Entry {
        name: "exploration",
        about: "agents explore grid worlds of their own; no messages",
        group: None,
        default_toml: include_str!("../../workloads/exploration.toml"),
        read: exploration::read,
    },
    Entry {
        name: "coordination",
        about: "agents search for a shared hidden target and exchange beliefs with neighbours each round",
        group: None,
        default_toml: include_str!("../../workloads/coordination.toml"),
        read: coordination::read,
    },
    Entry {
        name: "learning",
        about: "exploration, and agents learn their observation and transition models (Dirichlet A, B)",
        group: None,
        default_toml: include_str!("../../workloads/learning.toml"),
        read: exploration::read,
    },
    relay::ENTRY,
    hop::ENTRY,
    delivery::ENTRY,
    serialize::ENTRY,
    // Controls of probes run on the first of them, so of all probes the first is one in which agents
    // do not meet: whatever the deployment, nothing but the CPU limits it.
    probe::getppid::ENTRY,
    probe::tlb::ENTRY,
    probe::mmap::ENTRY,
    probe::malloc::ENTRY,
    probe::brk::ENTRY,
    probe::poll::ENTRY,
    probe::lseek::ENTRY,
    probe::dup::ENTRY,
    probe::faults::ENTRY,
    probe::alloc::ENTRY,
    probe::switch::ENTRY,
    probe::flock::ENTRY,
];

/// Workloads that another crate brings.
static REGISTERED: RwLock<Vec<&'static Entry>> = RwLock::new(Vec::new());

/// Adds a workload of one's own.
///
/// # Panics
/// When another workload has its name.
pub fn register(entry: &'static Entry) {
    assert!(
        find(entry.name).is_none(),
        "the workload {} is there already",
        entry.name
    );
    let mut registered = REGISTERED.write().unwrap_or_else(|e| e.into_inner());
    registered.push(entry);
}

/// Every workload, the built-in ones first.
#[must_use]
pub fn all() -> Vec<&'static Entry> {
    let registered = REGISTERED.read().unwrap_or_else(|e| e.into_inner());
    REGISTRY.iter().chain(registered.iter().copied()).collect()
}

/// Finds a workload by name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    all().into_iter().find(|e| e.name == name)
}

/// Parses and validates `source` with the workload that it names, and builds one agent to see that
/// it can be built: what a command does before anything is spawned.
///
/// # Errors
/// [`SpecError`] with file, line and field.
pub fn read(source: &SpecSource) -> Result<Box<dyn Spec>, SpecError> {
    let spec = parse(source)?;
    if spec.hop().is_none() {
        spec.build(0, 1, 0).map_err(|why| source.whole(&why))?;
    }
    Ok(spec)
}

/// Parses `source`, which was [`read`] before: what a host and its workers do. Building an agent
/// only to see that it can be built would be booked as setup time, once per process.
///
/// # Errors
/// [`SpecError`] with file, line and field.
pub fn parse(source: &SpecSource) -> Result<Box<dyn Spec>, SpecError> {
    (source.entry()?.read)(source)
}

/// A running digest: order matters, every bit counts.
///
/// Not a cryptographic hash; two multiplications by odd constants and a rotation per word spread
/// each bit over the state (the finaliser of splitmix64).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Digest(0x9e37_79b9_7f4a_7c15)
    }
}

impl Digest {
    /// Folds in one word.
    pub fn word(&mut self, word: u64) {
        self.0 = splitmix(self.0.rotate_left(5) ^ word);
    }

    /// Folds in the bits of every number.
    pub fn numbers<'a>(&mut self, numbers: impl IntoIterator<Item = &'a f64>) {
        for x in numbers {
            self.word(x.to_bits());
        }
    }

    /// The digest so far.
    #[must_use]
    pub fn value(self) -> u64 {
        self.0
    }
}

/// The splitmix64 step: a bijection of 64-bit words that spreads every bit.
#[must_use]
pub fn splitmix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A seed for one purpose of one agent: distinct for every (seed, id, purpose).
#[must_use]
pub fn derive_seed(seed: u64, id: u64, purpose: u64) -> u64 {
    splitmix(splitmix(splitmix(seed) ^ id) ^ purpose)
}
