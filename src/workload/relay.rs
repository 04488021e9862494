//! Relay: where does passing messages on stop scaling? Agents that do next to nothing else.
//!
//! An op: an agent writes its word to its neighbours, takes in theirs of the same round, and folds them
//! into its own. Every word depends on all that its writer received before, in order, so that a message which was
//! lost, doubled or exchanged for another changes every digest that it reaches.
//!
//! **The ring is directed**: agent i tells i + 1. Its link is there both ways all the same, and what comes back is an
//! empty note, an acknowledgement: agents that run in rounds wait for it, so that nobody is more than a
//! round ahead of its reader. Without it a writer could be ahead by as many rounds as the ring has agents, and
//! each mailbox would have to hold as many messages. What is measured is therefore a ring with a window of one
//! message, and an op of it is two messages, one of which is empty.

use super::message::{Message, Received};
use super::spec::{FieldError, SpecError, SpecSource, within};
use super::topology::{Shape, Topology};
use super::{Digest, Entry, Spec, Workload, derive_seed};
use serde::Deserialize;

/// The line of the registry.
pub const ENTRY: Entry = Entry {
    name: "relay",
    about: "agents pass messages on and do nothing else: a directed ring with acknowledgements, or a star; where does it stop scaling?",
    group: None,
    default_toml: include_str!("../../workloads/relay.toml"),
    read,
};

/// Bytes of an agent's word.
const WORD: usize = size_of::<u64>();

/// `workloads/relay.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[expect(
        dead_code,
        reason = "read by SpecSource::entry; named here so that it is no unknown field"
    )]
    workload: String,
    exchange: Exchange,
    episode: Episode,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    topology: Shape,
    payload_bytes: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Episode {
    length: u32,
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
        if self.exchange.topology == Shape::All {
            return Err(FieldError {
                field: "exchange.topology",
                message: "a relay knows \"ring\" and \"star\"".to_owned(),
            });
        }
        within::<usize>(
            "exchange.payload_bytes",
            self.exchange.payload_bytes,
            WORD..=1 << 20,
        )?;
        within("episode.length", self.episode.length, 1..=1_000_000)?;
        Ok(())
    }
}

impl Spec for Parameters {
    fn build(&self, id: usize, _agents: usize, seed: u64) -> Result<Box<dyn Workload>, String> {
        let first_word = derive_seed(seed, id as u64, 5);
        Ok(Box::new(Relay {
            first_word,
            word: first_word,
            heard: Digest::default(),
            payload_bytes: self.exchange.payload_bytes,
            length: self.episode.length,
            age: 0,
        }))
    }

    fn episode_length(&self) -> u64 {
        u64::from(self.episode.length)
    }

    fn topology(&self, agents: usize) -> Topology {
        let both_ways = Topology::new(self.exchange.topology, None, agents);
        match self.exchange.topology {
            Shape::Ring => both_ways.with_acknowledgements(),
            Shape::Star | Shape::All => both_ways,
        }
    }

    fn message_bytes(&self) -> usize {
        self.exchange.payload_bytes
    }

    fn has_tape(&self) -> bool {
        false
    }
}

/// One agent: what it says, and what it has heard.
struct Relay {
    /// The word that every episode begins with.
    first_word: u64,
    word: u64,
    heard: Digest,
    payload_bytes: usize,
    length: u32,
    /// Rounds of this episode.
    age: u32,
}

impl Workload for Relay {
    fn produce(&mut self, message: &mut Message) {
        if self.age == self.length {
            (self.word, self.heard, self.age) = (self.first_word, Digest::default(), 0);
        }
        self.age += 1;
        message.action = self.age;
        // At both ends: a payload that was cut or mixed up shows when it is read.
        message.payload.resize(self.payload_bytes, 0);
        let word = self.word.to_le_bytes();
        message.payload[..WORD].copy_from_slice(&word);
        message.payload[self.payload_bytes - WORD..].copy_from_slice(&word);
    }

    fn consume(&mut self, received: Received<'_>) {
        for (place, message) in received.iter() {
            assert_eq!(
                message.action, self.age,
                "a message of agent {} is of another round",
                message.from
            );
            self.heard.word(place as u64);
            if let Some(word) = message.payload.first_chunk::<WORD>() {
                assert!(
                    message.payload.len() == self.payload_bytes && message.payload.ends_with(word),
                    "the payload of agent {} arrived damaged",
                    message.from
                );
                self.heard.word(u64::from_le_bytes(*word));
            }
        }
        // What is passed on follows from all that was heard; alone, an agent goes on by itself.
        self.heard.word(self.word);
        self.word = self.heard.value();
    }

    fn fold(&self, digest: &mut Digest) {
        digest.word(self.word);
    }

    fn active_states(&self) -> u64 {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{find, read, reference};

    fn source(changes: &[(&str, &str)]) -> SpecSource {
        let mut source = SpecSource::built_in(find("relay").unwrap());
        for (from, to) in changes {
            assert!(source.text.contains(from), "{from}");
            source.text = source.text.replacen(from, to, 1);
        }
        source
    }

    fn refused(changes: &[(&str, &str)]) -> String {
        let error = read(&source(changes)).err();
        error.expect("it must be refused").to_string()
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_field() {
        let all = refused(&[("topology = \"ring\"", "topology = \"all\"")]);
        assert!(all.contains("exchange.topology"), "{all}");
        let small = refused(&[("payload_bytes = 64", "payload_bytes = 7")]);
        assert!(small.contains("exchange.payload_bytes"), "{small}");
        let never = refused(&[("length = 16", "length = 0")]);
        assert!(never.contains("episode.length"), "{never}");
    }

    #[test]
    fn a_ring_tells_the_next_agent_and_acknowledges_the_one_before() {
        let spec = read(&source(&[])).unwrap();
        let mut seen = Vec::new();
        reference::run(spec.as_ref(), 4, 1, 1, |_, agent, received| {
            let from = |told: bool| -> Vec<u32> {
                let all = received.iter().map(|(_, m)| m);
                all.filter(|m| (m.bytes() > 0) == told)
                    .map(|m| m.from)
                    .collect()
            };
            seen.push((agent, from(true), from(false)));
        })
        .unwrap();
        assert_eq!(seen[0], (0, vec![3], vec![1]));
        assert_eq!(seen[2], (2, vec![1], vec![3]));
    }

    #[test]
    fn in_a_star_the_middle_tells_all_and_hears_all() {
        let spec = read(&source(&[("topology = \"ring\"", "topology = \"star\"")])).unwrap();
        reference::run(spec.as_ref(), 5, 1, 1, |_, agent, received| {
            let told = received.iter().filter(|(_, m)| m.bytes() == 64).count();
            assert_eq!(told, if agent == 0 { 4 } else { 1 });
        })
        .unwrap();
    }

    /// What a tampering transport makes of a message, with the one before it.
    type Tamper = fn(&Message, Option<&Message>) -> Vec<Option<Box<Message>>>;

    /// Digest of agent 1 of two, of whose messages one is tampered with.
    fn digest_of(tamper: Tamper) -> u64 {
        let spec = read(&source(&[])).unwrap();
        let mut agents: Vec<_> = (0..2).map(|id| spec.build(id, 2, 5).unwrap()).collect();
        let mut digest = Digest::default();
        let mut last: Option<Message> = None;
        for round in 0..12 {
            let mut drafts = [Message::default(), Message::default()];
            for (agent, draft) in agents.iter_mut().zip(&mut drafts) {
                agent.produce(draft);
            }
            let [from_0, from_1] = drafts;
            let row = match round {
                9 => tamper(&from_0, last.as_ref()),
                _ => vec![Some(Box::new(from_0.clone()))],
            };
            last = Some(from_0);
            agents[0].consume(Received::of(&[Some(Box::new(from_1))]));
            agents[1].consume(Received::of(&row));
            agents[1].fold(&mut digest);
        }
        digest.value()
    }

    #[test]
    fn a_lost_a_doubled_or_an_exchanged_message_changes_the_digest() {
        let honest = digest_of(|fresh, _| vec![Some(Box::new(fresh.clone()))]);
        let lost = digest_of(|_, _| vec![None]);
        let doubled = digest_of(|fresh, _| vec![Some(Box::new(fresh.clone())); 2]);
        let exchanged = digest_of(|fresh, last| {
            let old = last.unwrap().payload.clone();
            vec![Some(Box::new(Message {
                payload: old,
                ..fresh.clone()
            }))]
        });
        for (what, digest) in [
            ("lost", lost),
            ("doubled", doubled),
            ("exchanged", exchanged),
        ] {
            assert_ne!(digest, honest, "{what}");
        }
    }
}
