//! What a workload computes, without any deployment: all agents in one loop, one round after the
//! other. The truth that deployments are held against, and the source of message tapes.

use super::{Digest, Inbox, Message, Received, Spec, Topology, Workload};

/// Runs all agents for `rounds` rounds in this thread. `watch` sees what every agent receives in
/// every round, before it is consumed.
///
/// Returns the digest of every agent: its beliefs and actions after each round.
///
/// # Errors
/// A sentence when an agent cannot be built.
pub fn run(
    spec: &dyn Spec,
    agents: usize,
    seed: u64,
    rounds: u64,
    mut watch: impl FnMut(u64, usize, Received<'_>),
) -> Result<Vec<u64>, String> {
    struct Seat {
        workload: Box<dyn Workload>,
        inbox: Inbox,
        digest: Digest,
    }
    let topology: Topology = spec.topology(agents);
    let mut seats = (0..agents)
        .map(|id| {
            Ok(Seat {
                workload: spec.build(id, agents, seed)?,
                inbox: Inbox::new(id as u32, topology.of(id)),
                digest: Digest::default(),
            })
        })
        .collect::<Result<Vec<_>, String>>()?;
    let mut free = Vec::new();
    let mut draft = Message::default();
    for round in 0..rounds {
        for id in 0..agents {
            seats[id].workload.produce(&mut draft);
            (draft.from, draft.round) = (id as u32, round);
            for &to in topology.of(id) {
                let mut message: Box<Message> = free.pop().unwrap_or_default();
                match topology.carries(id, to as usize) {
                    true => message.copy_from(&draft, to),
                    false => message.note_from(&draft, to),
                }
                seats[to as usize]
                    .inbox
                    .put(message)
                    .expect("the reference run keeps the protocol");
            }
        }
        for (id, seat) in seats.iter_mut().enumerate() {
            watch(round, id, seat.inbox.received());
            seat.workload.consume(seat.inbox.received());
            seat.workload.fold(&mut seat.digest);
            seat.inbox.advance(&mut free);
        }
    }
    Ok(seats.into_iter().map(|s| s.digest.value()).collect())
}

/// Memory that a tape may take in one process.
const MOST_TAPE_BYTES: u64 = 256 << 20;

/// Ops that recording a tape may take: seconds, not minutes.
const MOST_TAPE_OPS: u64 = 100_000;

/// What a range of agents receives in the rounds of one episode: as episodes are alike, it can be
/// played for ever.
#[derive(Clone, Debug)]
pub struct Tape {
    first_agent: usize,
    agents: usize,
    rounds: u64,
    /// Row of agent `a` in round `r`: `rows[r × agents + a - first_agent]`.
    rows: Vec<Vec<Option<Box<Message>>>>,
}

impl Tape {
    /// Records one episode of all agents and keeps what `own` receive.
    ///
    /// # Errors
    /// A sentence when an agent cannot be built.
    pub fn record(
        spec: &dyn Spec,
        agents: usize,
        seed: u64,
        own: std::ops::Range<usize>,
    ) -> Result<Tape, String> {
        let rounds = spec.episode_length();
        let bytes = Tape::bytes(spec, &spec.topology(agents), own.clone());
        if bytes > MOST_TAPE_BYTES || rounds * agents as u64 > MOST_TAPE_OPS {
            return Err(format!(
                "the messages of an episode cannot be taped ({} MiB, {} ops to record): shorten [episode] length, or the payload, to have messages priced",
                bytes >> 20,
                rounds * agents as u64
            ));
        }
        let mut rows = Vec::with_capacity(own.len() * rounds as usize);
        run(spec, agents, seed, rounds, |_, agent, received| {
            if own.contains(&agent) {
                rows.push(
                    received
                        .iter()
                        .map(|(_, m)| Some(Box::new(m.clone())))
                        .collect(),
                );
            }
        })?;
        Ok(Tape {
            first_agent: own.start,
            agents: own.len(),
            rounds,
            rows,
        })
    }

    /// Memory that the tape of the agents `own` takes at most, bytes.
    #[must_use]
    pub fn bytes(spec: &dyn Spec, topology: &Topology, own: std::ops::Range<usize>) -> u64 {
        let links: usize = own.map(|a| topology.of(a).len()).sum();
        let message = spec.message_bytes() + size_of::<Message>();
        let of_a_round = (links as u64).saturating_mul(message as u64);
        of_a_round.saturating_mul(spec.episode_length())
    }

    /// Memory that tapes take together, bytes, one for each range of agents; nothing for one that is too
    /// long to be recorded ([`Tape::record`]).
    #[must_use]
    pub fn bytes_of_all(
        spec: &dyn Spec,
        topology: &Topology,
        all: impl Iterator<Item = std::ops::Range<usize>>,
    ) -> u64 {
        all.map(|own| Tape::bytes(spec, topology, own))
            .filter(|&bytes| bytes <= MOST_TAPE_BYTES)
            .fold(0, u64::saturating_add)
    }

    /// What `agent` receives in `round`.
    #[must_use]
    pub fn received(&self, agent: usize, round: u64) -> Received<'_> {
        let row = (round % self.rounds) as usize * self.agents + agent - self.first_agent;
        Received::of(&self.rows[row])
    }
}
