//! Coordination: agents that search for one hidden target and share what they learn about it.
//!
//! The model has two hidden factors, the agent's own place and the target's, and one modality: the
//! target is *here*, *near* (one step away, diagonals included) or *far*. What an observation says
//! about the target is sent as a **likelihood message** over the target factor (Çatal et al. 2024:
//! the posterior would count priors twice). A neighbour's message is a distributional observation
//! of a modality whose A is the identity over the target factor; several neighbours of one round
//! are a product of experts, rescaled to a largest value of 1 (a likelihood has no scale, and the
//! product of many would sink below the 1e-16 that the logarithm adds).

use super::exploration::{Episode, Selection};
use super::gridworld::{ACTIONS, Grid, below, noisy};
use super::message::{Message, Received};
use super::spec::{FieldError, SpecError, SpecSource, check_planning, within};
use super::topology::{Shape, Topology};
use super::{Digest, Spec, Workload, derive_seed};
use crate::agent::{Agent, Evidence, ModelSpec, Observation, Settings};
use ndarray::{Array1, Array3};
use rand_pcg::Pcg64;
use rand_pcg::rand_core::SeedableRng;
use serde::Deserialize;

/// Outcomes of the sensor: here, near, far.
const SIGNALS: usize = 3;
/// Factor of the agent's own place.
const PLACE: usize = 0;
/// Factor of the target's place, which all agents share.
const TARGET: usize = 1;
/// The agent id that stands for "what all agents share" in seeds.
const SHARED: u64 = u64::MAX;

/// `workloads/coordination.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[expect(
        dead_code,
        reason = "read by SpecSource::entry; named here so that it is no unknown field"
    )]
    workload: String,
    world: World,
    exchange: Exchange,
    agent: Mind,
    episode: Episode,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct World {
    width: usize,
    height: usize,
    slip: f64,
    sight: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    topology: Shape,
    fan_out: Option<usize>,
    #[serde(default)]
    payload_bytes: usize,
    when: When,
    #[serde(default)]
    change_threshold: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum When {
    EveryStep,
    OnChange,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mind {
    preferences: [f64; SIGNALS],
    gamma: f64,
    alpha: f64,
    policy_len: usize,
    action_selection: Selection,
}

/// Parses and validates the parameters.
///
/// # Errors
/// [`SpecError`] with file, line and field.
pub fn read(source: &SpecSource) -> Result<Box<dyn Spec>, SpecError> {
    let parameters: Parameters = source.parse()?;
    parameters.check().map_err(|e| source.field(&e))?;
    Ok(Box::new(parameters))
}

impl Parameters {
    fn check(&self) -> Result<(), FieldError> {
        let (w, x, m) = (&self.world, &self.exchange, &self.agent);
        within("world.width", w.width, 2..=16)?;
        within("world.height", w.height, 2..=16)?;
        if w.width * w.height > 100 {
            let message = format!("{} x {} cells are more than 100", w.width, w.height);
            return Err(FieldError {
                field: "world.width",
                message,
            });
        }
        within("world.slip", w.slip, 0.0..=1.0)?;
        within("world.sight", w.sight, 0.0..=1.0)?;
        match (x.topology, x.fan_out) {
            (Shape::All, Some(_)) => {
                let message =
                    "topology \"all\" has no fan-out: everybody is everybody's neighbour".into();
                return Err(FieldError {
                    field: "exchange.fan_out",
                    message,
                });
            }
            (Shape::Ring, Some(n)) if n % 2 == 1 => {
                let message =
                    format!("{n} is odd; a ring has half of its neighbours on either side");
                return Err(FieldError {
                    field: "exchange.fan_out",
                    message,
                });
            }
            (_, Some(n)) => {
                within("exchange.fan_out", n, 1..=1024)?;
            }
            (_, None) => {}
        }
        within("exchange.payload_bytes", x.payload_bytes, 0..=1 << 20)?;
        within("exchange.change_threshold", x.change_threshold, 0.0..=1e6)?;
        check_planning(&m.preferences, m.gamma, m.alpha, m.policy_len, 3)?;
        within("episode.length", self.episode.length, 1..=1_000_000)?;
        Ok(())
    }

    fn model(&self, grid: &Grid, start: usize) -> ModelSpec {
        let cells = grid.cells();
        let other = (1.0 - self.world.sight) / (SIGNALS - 1) as f64;
        let signal = Array3::from_shape_fn((SIGNALS, cells, cells), |(o, place, target)| {
            if o == signal_of(grid, place, target) {
                self.world.sight
            } else {
                other
            }
        });
        let still = Array3::from_shape_fn(
            (cells, cells, 1),
            |(i, j, _)| if i == j { 1.0 } else { 0.0 },
        );
        ModelSpec {
            a: vec![signal.into_dyn()],
            b: vec![grid.transitions(), still],
            c: Some(vec![
                Array1::from(self.agent.preferences.to_vec()).into_dyn(),
            ]),
            d: Some(vec![
                Array1::from_shape_fn(cells, |c| if c == start { 1.0 } else { 0.0 }),
                Array1::from_elem(cells, 1.0 / cells as f64),
            ]),
            e: None,
            p_a: None,
            p_b: None,
            p_d: None,
        }
    }
}

/// Here, near or far.
fn signal_of(grid: &Grid, place: usize, target: usize) -> usize {
    grid.distance(place, target).min(SIGNALS - 1)
}

impl Spec for Parameters {
    fn build(&self, id: usize, agents: usize, seed: u64) -> Result<Box<dyn Workload>, String> {
        let (w, m) = (&self.world, &self.agent);
        let grid = Grid {
            width: w.width,
            height: w.height,
            slip: w.slip,
        };
        let pick = |id: u64, purpose| {
            below(
                &mut Pcg64::seed_from_u64(derive_seed(seed, id, purpose)),
                grid.cells(),
            )
        };
        let (start, target) = (pick(id as u64, 3), pick(SHARED, 4));
        let settings = Settings {
            policy_len: m.policy_len,
            gamma: m.gamma,
            alpha: m.alpha,
            action_selection: m.action_selection.into(),
            ..Settings::default()
        };
        let agent = Agent::new(self.model(&grid, start), settings).map_err(|e| e.to_string())?;
        let episode_seed = derive_seed(seed, id as u64, 2);
        let cells = grid.cells();
        let neighbours = self.topology(agents).of(id).len();
        let on_change = self.exchange.when == When::OnChange;
        Ok(Box::new(Seeker {
            agent,
            grid,
            target,
            sight: w.sight,
            rng: Pcg64::seed_from_u64(episode_seed),
            episode_seed,
            length: self.episode.length,
            payload_bytes: self.exchange.payload_bytes,
            change_threshold: on_change.then_some(self.exchange.change_threshold),
            heard: if on_change {
                vec![vec![1.0; cells]; neighbours]
            } else {
                Vec::new()
            },
            said: vec![1.0; cells],
            fused: vec![1.0; cells],
            overheard: Digest::default(),
            start,
            cell: start,
            seen: 0,
            action: ACTIONS - 1,
            age: 0,
        }))
    }

    fn episode_length(&self) -> u64 {
        u64::from(self.episode.length)
    }

    fn topology(&self, agents: usize) -> Topology {
        Topology::new(self.exchange.topology, self.exchange.fan_out, agents)
    }

    fn message_bytes(&self) -> usize {
        self.world.width * self.world.height * size_of::<f64>() + self.exchange.payload_bytes
    }
}

/// One agent, its sensor, and what it has heard.
struct Seeker {
    agent: Agent,
    grid: Grid,
    target: usize,
    sight: f64,
    rng: Pcg64,
    episode_seed: u64,
    length: u32,
    payload_bytes: usize,
    /// Set when beliefs are sent on change only: the divergence that counts as one, in nats.
    change_threshold: Option<f64>,
    /// On change only: the last belief of each neighbour, by place.
    heard: Vec<Vec<f64>>,
    /// The belief sent last.
    said: Vec<f64>,
    /// Product of the neighbours' beliefs of this round.
    fused: Vec<f64>,
    /// The neighbours' actions of this episode.
    overheard: Digest,
    start: usize,
    cell: usize,
    seen: usize,
    action: usize,
    age: u32,
}

impl Seeker {
    fn begin_episode(&mut self) {
        self.agent.restart();
        self.rng = Pcg64::seed_from_u64(self.episode_seed);
        self.cell = self.start;
        self.action = ACTIONS - 1;
        self.age = 0;
        self.overheard = Digest::default();
        self.said.fill(1.0);
        self.heard.iter_mut().for_each(|h| h.fill(1.0));
    }
}

impl Workload for Seeker {
    fn produce(&mut self, message: &mut Message) {
        if self.age == self.length {
            self.begin_episode();
        }
        if self.age > 0 {
            self.cell = self.grid.step(self.cell, self.action, &mut self.rng);
        }
        self.seen = noisy(
            signal_of(&self.grid, self.cell, self.target),
            SIGNALS,
            self.sight,
            &mut self.rng,
        );
        self.age += 1;

        message.action = self.action as u32;
        message.belief.resize(self.said.len(), 0.0);
        self.agent.likelihood_message(
            &[Observation::Index(self.seen)],
            TARGET,
            &mut message.belief,
        );
        if self
            .change_threshold
            .is_some_and(|t| divergence(&message.belief, &self.said) <= t)
        {
            message.belief.clear();
        } else if self.change_threshold.is_some() {
            self.said.copy_from_slice(&message.belief);
        }
        // Stamped at both ends: a payload that was cut, mixed up or reused shows when it is read.
        message.payload.resize(self.payload_bytes, 0);
        stamp(&mut message.payload, u64::from(self.age));
    }

    fn consume(&mut self, received: Received<'_>) {
        self.fused.fill(1.0);
        for (place, message) in received.iter() {
            assert!(
                message.payload.len() == self.payload_bytes
                    && is_stamped(&message.payload, u64::from(self.age)),
                "the payload of agent {} arrived damaged",
                message.from
            );
            let belief = if message.belief.is_empty() {
                &self.heard[place]
            } else {
                if let Some(heard) = self.heard.get_mut(place) {
                    heard.copy_from_slice(&message.belief);
                }
                &message.belief
            };
            for (f, b) in self.fused.iter_mut().zip(belief) {
                *f *= b;
            }
            // An action is no evidence about the target, but it must arrive all the same.
            self.overheard.word(u64::from(message.action));
        }
        let largest = self.fused.iter().copied().fold(0.0, f64::max);
        if largest > 0.0 {
            self.fused.iter_mut().for_each(|f| *f /= largest);
        }
        let evidence = [Evidence {
            factor: TARGET,
            likelihood: &self.fused,
        }];
        self.agent
            .infer_states_with(&[Observation::Index(self.seen)], &evidence);
        self.agent.infer_policies();
        self.action = self.agent.act(&mut self.rng)[PLACE];
    }

    fn fold(&self, digest: &mut Digest) {
        digest.numbers(self.agent.qs(PLACE).iter());
        digest.numbers(self.agent.qs(TARGET).iter());
        digest.word(self.action as u64);
        digest.word(self.overheard.value());
    }

    fn active_states(&self) -> u64 {
        self.agent.active_states()
    }
}

/// Kullback-Leibler divergence of two likelihoods of the same length, each normalised, in nats.
fn divergence(new: &[f64], old: &[f64]) -> f64 {
    let (new_sum, old_sum) = (new.iter().sum::<f64>(), old.iter().sum::<f64>());
    let term = |(n, o): (&f64, &f64)| {
        let (p, q) = (n / new_sum, o / old_sum);
        if p > 0.0 { p * (p / q).ln() } else { 0.0 }
    };
    new.iter().zip(old).map(term).sum()
}

/// Bytes of a stamp.
const STAMP: usize = size_of::<u64>();

/// Writes `value` into the first and the last bytes of a payload (as much as fits).
fn stamp(payload: &mut [u8], value: u64) {
    let n = payload.len().min(STAMP);
    payload[..n].copy_from_slice(&value.to_le_bytes()[..n]);
    let end = payload.len() - n;
    payload[end..].copy_from_slice(&value.to_le_bytes()[..n]);
}

/// Whether a payload carries `value` at both ends.
fn is_stamped(payload: &[u8], value: u64) -> bool {
    let n = payload.len().min(STAMP);
    let bytes = &value.to_le_bytes()[..n];
    payload.starts_with(bytes) && payload.ends_with(bytes)
}

#[cfg(test)]
mod tests;
