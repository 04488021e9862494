//! What is one cell of a plan, and in which words?

use super::MOST_ROUNDS;
#[cfg(doc)]
use super::Request;
use crate::deployment::Form;
use crate::record::{Pinning, Purpose, Side, WorkloadKind};
use crate::transport::{Choice, WaitPolicy};
use crate::workload::hop::{Hop, Pattern};
use crate::workload::serialize::Settings;
use crate::workload::{Spec, SpecSource};

/// One workload of a run.
pub struct PlannedWorkload {
    /// Its parameters.
    pub source: SpecSource,
    /// What its ops are.
    pub kind: WorkloadKind,
    /// Rounds of an episode.
    pub episode_length: u64,
    /// Rounds after which an agent's work repeats.
    pub life_length: u64,
    /// Whether its agents exchange messages when there are two or more.
    pub talks: bool,
    /// The pattern of messages, where there is nothing but messages.
    pub hop: Option<Hop>,
    /// What is written down, and how, where there is nothing but that.
    pub format: Option<Settings>,
}

impl PlannedWorkload {
    /// Takes what a plan needs to know from a validated spec.
    #[must_use]
    pub fn new(source: SpecSource, spec: &dyn Spec) -> PlannedWorkload {
        let talks = !spec.topology(2).is_silent();
        let kind = source.entry().map_or(WorkloadKind::default(), |e| e.kind);
        PlannedWorkload {
            kind,
            source,
            episode_length: spec.episode_length(),
            life_length: spec.life_length(),
            talks,
            hop: spec.hop(),
            format: spec.format(),
        }
    }

    /// Rounds after which the digest is complete: an episode and the beginning of the next, so that
    /// a wrong reset shows.
    #[must_use]
    pub fn digest_round(&self) -> u64 {
        (self.episode_length + self.episode_length.div_ceil(4)).min(MOST_ROUNDS)
    }

    /// Rounds that agents stop after a multiple of.
    #[must_use]
    pub fn quantum(&self) -> u64 {
        if self.episode_length <= MOST_ROUNDS {
            self.episode_length
        } else {
            1
        }
    }
}

/// One side of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedSide {
    /// Where its workers run.
    pub form: Form,
    /// Whether messages come from a tape.
    pub tape: bool,
    /// After so many counted ops one that is not counted.
    pub uncounted_every: Option<u64>,
    /// How messages travel.
    pub transport: Choice,
    /// On which CPUs workers run.
    pub cpus: Pinning,
}

/// A cell as it is planned.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedCell {
    /// Index into [`Request::workloads`].
    pub workload: usize,
    /// The same of side X: another one where it is the workload that is compared.
    pub x_workload: usize,
    /// Number of agents.
    pub agents: usize,
    /// The baseline side.
    pub baseline: PlannedSide,
    /// The side that is compared with it.
    pub x: PlannedSide,
    /// Why it is measured.
    pub purpose: Purpose,
    /// Length of the window, seconds.
    pub window_s: f64,
    /// Least length of the warm-up, seconds.
    pub warm_up_s: f64,
    /// Wall time of one pair, seconds: an estimate, until one was measured.
    pub pair_s: f64,
    /// Of hops and variants, which are left out first: those of the highest rank; rank 0 stays.
    pub rank: usize,
}

impl PlannedCell {
    /// The cell in words: `exploration@8 threads/processes`.
    #[must_use]
    pub fn label(&self, workloads: &[PlannedWorkload]) -> String {
        let name = &workloads[self.workload].source.name;
        let what = match self.purpose {
            Purpose::Compare => format!("{}/{}", self.x.form, self.baseline.form),
            Purpose::LongWindow => format!("long window {}/{}", self.x.form, self.baseline.form),
            Purpose::Latency => format!("latency {}/{}", self.x.form, self.baseline.form),
            Purpose::Null => format!("null control {}/{}", self.x.form, self.baseline.form),
            Purpose::KnownEffect { asked } => format!("known effect {asked:.3}, {}", self.x.form),
            Purpose::MessageCost => {
                let by = self.x.transport.of(self.x.form.kind.home()).name;
                format!("price of messages, {} by {by}", self.x.form)
            }
            Purpose::Variant => {
                return format!("{} against {name}", workloads[self.x_workload].source.name);
            }
            Purpose::Hop => {
                let way = |s: &PlannedSide| {
                    format!("{} {}", s.form, s.transport.of(s.form.kind.home()).name)
                };
                let place = match self.x.cpus {
                    Pinning::Free => "",
                    Pinning::OneCpu => ", both on one CPU",
                    Pinning::OwnCpus => ", each on a CPU of its own",
                };
                return format!("{name} {}/{}{place}", way(&self.x), way(&self.baseline));
            }
        };
        format!("{name}@{} {what}", self.agents)
    }

    /// Whether its pairs take turns. Not where the window is to be one piece: a long one that a short one is
    /// held against; one with a schedule; one whose messages are far apart; a flood, whose end, when what
    /// is under way is read, belongs to the time of every turn, but to no message that counts; and a hop whose
    /// ends sleep wherever the scheduler puts them: it puts them anew in every turn, on one CPU or on two, and
    /// a median over both is that of neither (seen: 14 µs in turns, 67 µs in one piece, 11 and 61 where pinned).
    #[must_use]
    pub fn takes_turns(&self, workloads: &[PlannedWorkload]) -> bool {
        let may = |w: usize| {
            let hop = workloads[w].hop.as_ref();
            hop.is_none_or(|hop| hop.pattern == Pattern::PingPong)
        };
        let sleeps = |s: &PlannedSide| {
            s.transport.of(s.form.kind.home()).wait == WaitPolicy::Park && s.cpus.is_free()
        };
        let in_one_piece = match self.purpose {
            Purpose::LongWindow | Purpose::Latency => true,
            Purpose::Hop => sleeps(&self.baseline) || sleeps(&self.x),
            _ => false,
        };
        !in_one_piece && may(self.workload) && may(self.x_workload)
    }

    /// Index into [`Request::workloads`] of the side that is meant.
    #[must_use]
    pub fn workload_of(&self, side: Side) -> usize {
        match side {
            Side::Baseline => self.workload,
            Side::X => self.x_workload,
        }
    }

    /// The side that is meant.
    #[must_use]
    pub fn side(&self, side: Side) -> &PlannedSide {
        match side {
            Side::Baseline => &self.baseline,
            Side::X => &self.x,
        }
    }
}
