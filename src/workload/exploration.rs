//! Exploration and learning: an agent alone in a grid world of its own, all worlds alike.

use super::gridworld::{ACTIONS, Grid, KINDS, Scene, Shares, below};
use super::message::{Message, Received};
use super::spec::{FieldError, SpecError, SpecSource, check_planning, within};
use super::{Digest, Spec, Workload, derive_seed};
use crate::agent::{ActionSelection, Agent, Learn, ModelSpec, Observation, Settings};
use ndarray::Array1;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::SeedableRng;
use serde::Deserialize;

/// `workloads/exploration.toml` and `workloads/learning.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    workload: String,
    world: World,
    agent: Mind,
    episode: Episode,
    learning: Option<Learning>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct World {
    width: usize,
    height: usize,
    obstacles: f64,
    goals: f64,
    bystanders: f64,
    slip: f64,
    sight: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mind {
    preferences: [f64; KINDS],
    gamma: f64,
    alpha: f64,
    policy_len: usize,
    action_selection: Selection,
    start: Start,
}

/// How an action follows from the action posterior.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Selection {
    Deterministic,
    Stochastic,
}

impl From<Selection> for ActionSelection {
    fn from(selection: Selection) -> ActionSelection {
        match selection {
            Selection::Deterministic => ActionSelection::Deterministic,
            Selection::Stochastic => ActionSelection::Stochastic,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Start {
    Known,
    Unknown,
}

/// Length of an episode, in ops.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Episode {
    pub(super) length: u32,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Learning {
    prior_counts: f64,
    rate_a: f64,
    rate_b: f64,
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
        let (w, m) = (&self.world, &self.agent);
        within("world.width", w.width, 2..=64)?;
        within("world.height", w.height, 2..=64)?;
        if w.width * w.height > 1024 {
            return Err(FieldError {
                field: "world.width",
                message: format!("{} x {} cells are more than 1024", w.width, w.height),
            });
        }
        within("world.obstacles", w.obstacles, 0.0..=1.0)?;
        within("world.goals", w.goals, 0.0..=1.0)?;
        within("world.bystanders", w.bystanders, 0.0..=1.0)?;
        if w.obstacles + w.goals + w.bystanders > 1.0 {
            let sum = w.obstacles + w.goals + w.bystanders;
            return Err(FieldError {
                field: "world.obstacles",
                message: format!(
                    "with goals and bystanders the shares sum to {sum}, which is more than 1"
                ),
            });
        }
        within("world.slip", w.slip, 0.0..=1.0)?;
        within("world.sight", w.sight, 0.0..=1.0)?;
        check_planning(&m.preferences, m.gamma, m.alpha, m.policy_len, 4)?;
        within("episode.length", self.episode.length, 1..=1_000_000)?;
        match (&self.learning, self.workload.as_str()) {
            (None, "learning") => Err(FieldError {
                field: "workload",
                message: "learning needs a table [learning] with prior_counts, rate_a and rate_b"
                    .into(),
            }),
            (Some(_), "exploration") => Err(FieldError {
                field: "learning",
                message: "exploration does not learn; write workload = \"learning\"".into(),
            }),
            (Some(l), _) => {
                within("learning.prior_counts", l.prior_counts, 1e-3..=1e9)?;
                within("learning.rate_a", l.rate_a, 0.0..=1e6)?;
                within("learning.rate_b", l.rate_b, 0.0..=1e6).map(|_| ())
            }
            (None, _) => Ok(()),
        }
    }
}

impl Spec for Parameters {
    fn build(&self, id: usize, _agents: usize, seed: u64) -> Result<Box<dyn Workload>, String> {
        let (w, m) = (&self.world, &self.agent);
        let grid = Grid {
            width: w.width,
            height: w.height,
            slip: w.slip,
        };
        let shares = Shares {
            obstacles: w.obstacles,
            goals: w.goals,
            bystanders: w.bystanders,
        };
        let scene = Scene::new(&grid, shares, w.sight, derive_seed(seed, 0, 1));
        let cells = grid.cells();
        let start_of = |script: u64| {
            let mut rng = Pcg64::seed_from_u64(derive_seed(seed, script, 3));
            below(&mut rng, cells)
        };
        let scripts = std::array::from_fn(|i| Script {
            seed: derive_seed(seed, i as u64, 2),
            start: match m.start {
                Start::Unknown => start_of(i as u64),
                // An agent that knows its start has it in its prior, which stays.
                Start::Known => start_of(0),
            },
        });

        let (a, b) = (scene.likelihood().into_dyn(), grid.transitions());
        let known = scripts[0].start;
        let d = match m.start {
            Start::Unknown => Array1::from_elem(cells, 1.0 / cells as f64),
            Start::Known => Array1::from_shape_fn(cells, |c| if c == known { 1.0 } else { 0.0 }),
        };
        let counts = self.learning.map(|l| l.prior_counts);
        let spec = ModelSpec {
            p_a: counts.map(|n| vec![a.mapv(|p| p * n)]),
            p_b: counts.map(|n| vec![b.mapv(|p| p * n)]),
            a: vec![a],
            b: vec![b],
            c: Some(vec![Array1::from(m.preferences.to_vec()).into_dyn()]),
            d: Some(vec![d]),
            e: None,
            p_d: None,
        };
        let learning = self.learning;
        let settings = Settings {
            policy_len: m.policy_len,
            gamma: m.gamma,
            alpha: m.alpha,
            action_selection: m.action_selection.into(),
            lr_p_a: learning.map_or(1.0, |l| l.rate_a),
            lr_p_b: learning.map_or(1.0, |l| l.rate_b),
            learn: Learn {
                a: learning.is_some(),
                b: learning.is_some(),
                d: false,
            },
            ..Settings::default()
        };
        let agent = Agent::new(spec, settings).map_err(|e| e.to_string())?;
        let mut explorer = Explorer {
            agent,
            grid,
            scene,
            rng: Pcg64::seed_from_u64(scripts[0].seed),
            scripts,
            next: id % SCRIPTS,
            length: self.episode.length,
            learns: learning.is_some(),
            cell: known,
            seen: 0,
            action: ACTIONS - 1,
            age: 0,
        };
        explorer.begin_episode();
        Ok(Box::new(explorer))
    }

    fn episode_length(&self) -> u64 {
        u64::from(self.episode.length)
    }

    fn life_length(&self) -> u64 {
        SCRIPTS as u64 * self.episode_length()
    }
}

/// Episodes of a life; after them it begins anew.
///
/// All agents live through the same ones, in worlds of one layout, agent i beginning with the i-th (of eight). What a step takes
/// depends on what the agent believes, by a factor of three from one episode to another: if each agent had episodes of
/// its own, those with cheap steps would do more of them wherever every agent has a worker of its own, and equally
/// many in a pool; then op/s would compare who gets ahead, and one agent's op/s would not stand for eight agents'.
/// Few, so that a window of an ordinary agent holds all of them several times.
const SCRIPTS: usize = 8;

/// What an episode follows from.
#[derive(Clone, Copy, Debug)]
struct Script {
    /// Of all that happens by chance.
    seed: u64,
    /// Cell in which it begins.
    start: usize,
}

/// One agent and its world.
struct Explorer {
    agent: Agent,
    grid: Grid,
    scene: Scene,
    rng: Pcg64,
    scripts: [Script; SCRIPTS],
    /// The script of the next episode.
    next: usize,
    length: u32,
    learns: bool,
    cell: usize,
    seen: usize,
    action: usize,
    age: u32,
}

impl Explorer {
    fn begin_episode(&mut self) {
        if self.learns {
            self.agent.restore();
        } else {
            self.agent.restart();
        }
        let script = self.scripts[self.next];
        self.next = (self.next + 1) % SCRIPTS;
        self.rng = Pcg64::seed_from_u64(script.seed);
        self.cell = script.start;
        self.action = ACTIONS - 1;
        self.age = 0;
    }
}

impl Workload for Explorer {
    fn produce(&mut self, _message: &mut Message) {
        if self.age == self.length {
            self.begin_episode();
        }
        if self.age > 0 {
            self.cell = self.grid.step(self.cell, self.action, &mut self.rng);
        }
        self.seen = self.scene.look(self.cell, &mut self.rng);
        self.age += 1;
    }

    fn consume(&mut self, _received: Received<'_>) {
        self.agent.infer_states(&[Observation::Index(self.seen)]);
        if self.learns {
            self.agent.learn();
        }
        self.agent.infer_policies();
        self.action = self.agent.act(&mut self.rng)[0];
    }

    fn fold(&self, digest: &mut Digest) {
        digest.numbers(self.agent.qs(0).iter());
        digest.word(self.action as u64);
    }

    fn active_states(&self) -> u64 {
        self.agent.active_states()
    }
}
