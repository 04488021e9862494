//! serialize: the op, its parameters, and the agent that does it.

use super::body::{BODIES, Draw};
use super::reading::Sum;
use super::{Body, Codec, Content, FORMATS, Format, FormatEntry, FormatResult, Task, find_format};
use crate::record::WorkloadRecord;
use crate::workload::message::{Message, Received};
use crate::workload::spec::{FieldError, SpecError, SpecSource, within};
use crate::workload::{Digest, Entry, Spec, Workload, derive_seed};
use serde::{Deserialize, Serialize};
use std::hint::black_box;

/// The line of the registry.
pub const ENTRY: Entry = Entry {
    name: "serialize",
    about: "a body is encoded and decoded: what do formats cost, and how much of a hop is that?",
    group: None,
    default_toml: include_str!("../../../workloads/serialize.toml"),
    read,
};

/// Bytes of bodies that an op may go through: the slowest format takes some 50 ms for them.
const MOST_OP_BYTES: usize = 4 << 20;

/// What an op does with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Encodes it.
    Encode,
    /// Decodes what was encoded before the run, and reads every value.
    Decode,
    /// Encodes it, then decodes that and reads every value.
    Both,
}

impl Step {
    /// Its name in workload files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Step::Encode => "encode",
            Step::Decode => "decode",
            Step::Both => "both",
        }
    }
}

/// What an op is.
#[derive(Clone, Copy)]
pub struct Settings {
    /// The format.
    pub format: &'static FormatEntry,
    /// What is told in it.
    pub body: Body,
    /// What is done with the body.
    pub step: Step,
    /// How many bodies make an op, at least 1.
    pub bundle: u32,
}

impl Settings {
    /// These parameters as a workload of their own.
    #[must_use]
    pub fn source(&self) -> SpecSource {
        let (format, body, step) = (self.format.name, self.body.name(), self.step.name());
        let bundle = self.bundle;
        SpecSource {
            name: format!("serialize/{format}/{body}/{step}"),
            origin: "workloads/serialize.toml (built in)".to_owned(),
            text: format!(
                "workload = \"serialize\"\n\n[op]\nformat = \"{format}\"\nbody = \"{body}\"\n\
                 step = \"{step}\"\nbundle = {bundle}\n"
            ),
        }
    }
}

/// `workloads/serialize.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[expect(
        dead_code,
        reason = "read by SpecSource::entry; named here so that it is no unknown field"
    )]
    workload: String,
    op: Op,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Op {
    format: String,
    body: String,
    step: Step,
    bundle: u32,
}

fn read(source: &SpecSource) -> Result<Box<dyn Spec>, SpecError> {
    let parameters: Parameters = source.parse()?;
    let settings = parameters.op.settings().map_err(|e| source.field(&e))?;
    Ok(Box::new(settings))
}

impl Op {
    fn settings(&self) -> Result<Settings, FieldError> {
        let unknown = |field, said: &str, names: Vec<&str>| FieldError {
            field,
            message: format!("\"{said}\" is none of {}", names.join(", ")),
        };
        let format = find_format(&self.format).ok_or_else(|| {
            let names = FORMATS.iter().map(|f| f.name).collect();
            unknown("op.format", &self.format, names)
        })?;
        let body = BODIES.iter().find(|(name, _)| *name == self.body);
        let &(_, body) = body.ok_or_else(|| {
            let names = BODIES.iter().map(|(name, _)| *name).collect();
            unknown("op.body", &self.body, names)
        })?;
        let most = (MOST_OP_BYTES / body.bytes()).clamp(1, 4096) as u32;
        Ok(Settings {
            format,
            body,
            step: self.step,
            bundle: within("op.bundle", self.bundle, 1..=most)?,
        })
    }
}

impl Spec for Settings {
    fn build(&self, id: usize, _agents: usize, seed: u64) -> Result<Box<dyn Workload>, String> {
        let seed = derive_seed(seed, id as u64, 1);
        (self.format.agent)(self, seed).map_err(|e| e.to_string())
    }

    /// After so many, each body has had its turn in each place of the bundle.
    fn episode_length(&self) -> u64 {
        self.body.variants() as u64
    }
}

/// What a recorded workload writes, and how; `None` of another, or of one that cannot be read.
#[must_use]
pub fn of(workload: &WorkloadRecord) -> Option<Settings> {
    let is_it = workload.code() == ENTRY.name;
    let op: Op = is_it.then(|| workload.table("op")).flatten()?;
    op.settings().ok()
}

/// An agent that writes in the format `F`, with bodies that follow from `seed`.
pub(super) fn agent<F: Format>(settings: &Settings, seed: u64) -> FormatResult<Box<dyn Workload>> {
    let (settings, draw) = (*settings, Draw::new(seed));
    settings.body.with::<F, _>(Build { settings, draw })
}

struct Build {
    settings: Settings,
    draw: Draw,
}

impl Task for Build {
    type Output = FormatResult<Box<dyn Workload>>;

    fn run<F, B>(mut self, size: usize) -> Self::Output
    where
        F: Codec<B> + Default + 'static,
        B: Content,
    {
        let mut agent: Agent<F, B> = Agent {
            step: self.settings.step,
            bundle: self.settings.bundle,
            format: F::default(),
            bodies: (0..self.settings.body.variants())
                .map(|_| Box::new(B::draw(size, &mut self.draw)))
                .collect(),
            prepared: Vec::new(),
            carried: F::Carried::default(),
            held: 0,
            next: 0,
            sum: Sum::default(),
        };
        if self.settings.step == Step::Decode {
            agent.prepare()?;
        } else {
            agent.rehearse()?;
        }
        Ok(Box::new(agent))
    }
}

/// One agent: it writes to itself.
struct Agent<F: Codec<B>, B: Content> {
    step: Step,
    bundle: u32,
    format: F,
    bodies: Vec<Box<B>>,
    /// What carries each body, where it is only decoded.
    prepared: Vec<F::Carried>,
    /// What carries the body `held`.
    carried: F::Carried,
    held: usize,
    /// Whose turn it is.
    next: usize,
    /// What the last op read.
    sum: Sum,
}

impl<F: Codec<B>, B: Content> Agent<F, B> {
    /// Encodes every body, for good.
    fn prepare(&mut self) -> FormatResult {
        for mut body in self.bodies.drain(..) {
            let mut carried = F::Carried::default();
            self.format.encode(&mut body, &mut carried)?;
            self.prepared.push(carried);
        }
        Ok(())
    }

    /// Encodes every body once, so that the buffer is large enough for each.
    fn rehearse(&mut self) -> FormatResult {
        self.format.encode(&mut self.bodies[0], &mut self.carried)?;
        for _ in 0..self.bodies.len() {
            self.encode()?;
        }
        Ok(())
    }

    #[inline]
    fn encode(&mut self) -> FormatResult {
        self.format
            .restore(&mut self.bodies[self.held], &mut self.carried);
        self.held = self.next;
        self.next = turn(self.next, self.bodies.len());
        self.format
            .encode(&mut self.bodies[self.held], &mut self.carried)?;
        // The next body is written over this one: without the black box the compiler might leave
        // this one out.
        black_box(&mut self.carried);
        Ok(())
    }

    #[inline]
    fn decode(&mut self) -> FormatResult {
        let carried = black_box(&self.prepared[self.next]);
        self.next = turn(self.next, self.prepared.len());
        self.format.decode(carried, &mut self.sum)
    }

    fn perform(&mut self) -> FormatResult {
        self.sum = Sum::default();
        match self.step {
            Step::Encode => (0..self.bundle).try_for_each(|_| self.encode()),
            Step::Decode => (0..self.bundle).try_for_each(|_| self.decode()),
            Step::Both => (0..self.bundle).try_for_each(|_| {
                self.encode()?;
                self.format.decode(&self.carried, &mut self.sum)
            }),
        }
    }
}

/// Who comes after `now` of `all`.
#[inline]
fn turn(now: usize, all: usize) -> usize {
    if now + 1 == all { 0 } else { now + 1 }
}

/// What went over before a run goes over in it.
const OWN_MESSAGES: &str = "a format reads what it wrote";

impl<F: Codec<B>, B: Content> Workload for Agent<F, B> {
    fn produce(&mut self, _message: &mut Message) {}

    fn consume(&mut self, _received: Received<'_>) {
        self.perform().expect(OWN_MESSAGES);
    }

    /// What the op read; where it read nothing, what it wrote last is read here.
    fn fold(&self, digest: &mut Digest) {
        let mut sum = self.sum;
        if self.step == Step::Encode {
            let last = self.format.decode(&self.carried, &mut sum);
            last.expect(OWN_MESSAGES);
        }
        sum.fold(digest);
    }

    /// An op is an op.
    fn active_states(&self) -> u64 {
        1
    }
}
