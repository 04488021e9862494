//! What does one message cost? Two workers that do nothing but send and receive.
//!
//! There is no agent here: the worker loop runs the pattern on a link of the transport itself
//! (`deployment::hop`). With one worker for both ends there is no transport either, and a message is a call:
//! the zero line.

use super::delivery::Paced;
use super::spec::{FieldError, within};
use super::topology::Shape;
use super::{Entry, Spec, SpecError, SpecSource, Topology, Workload};
use crate::record::WorkloadRecord;
use serde::{Deserialize, Serialize};

/// Agents at the two ends of a hop.
pub const ENDS: usize = 2;

/// The line of the registry.
pub const ENTRY: Entry = Entry {
    name: "message",
    about: "one hop between two workers, by every transport: what does a message cost, and why?",
    group: None,
    default_toml: include_str!("../../workloads/message.toml"),
    read,
};

/// Who sends when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// A message there, and one back.
    PingPong,
    /// As many as get through, one way.
    Flood,
    /// One way, at random moments: not a pattern of `message`, but what `delivery` is.
    #[serde(skip)]
    Paced(Paced),
}

/// The pattern of messages between two workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hop {
    /// Who sends when.
    pub pattern: Pattern,
    /// Bytes of a message, its sequence number among them.
    pub payload_bytes: usize,
}

/// Messages that can be under way in a flood, as far as they do not exceed [`FLOOD_BYTES`].
const FLOOD_MESSAGES: usize = 64;

/// Bytes of messages that are under way in a flood; more would measure memory, not the way there.
const FLOOD_BYTES: usize = 1 << 20;

/// Messages that can wait for a receiver that polls; who sends more waits.
const PACED_MESSAGES: usize = 1024;

impl Hop {
    /// Messages that can be under way on the link at a time.
    #[must_use]
    pub fn under_way(&self) -> usize {
        match self.pattern {
            Pattern::PingPong => 2,
            // What comes between two looks, at the longest interval and the shortest gap, within reason.
            Pattern::Paced(_) => PACED_MESSAGES,
            Pattern::Flood => (FLOOD_BYTES / self.payload_bytes).clamp(4, FLOOD_MESSAGES),
        }
    }

    /// These parameters as a workload of their own.
    #[must_use]
    pub fn source(&self) -> SpecSource {
        let pattern = match self.pattern {
            Pattern::Paced(paced) => return paced.source(),
            Pattern::PingPong => "ping_pong",
            Pattern::Flood => "flood",
        };
        let bytes = self.payload_bytes;
        SpecSource {
            name: format!("message/{pattern}/{bytes}"),
            origin: "workloads/message.toml (built in)".to_owned(),
            text: format!(
                "workload = \"message\"\n\n[message]\npattern = \"{pattern}\"\npayload_bytes = {bytes}\n"
            ),
        }
    }
}

/// `workloads/message.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[serde(rename = "workload")]
    _workload: String,
    message: Hop,
}

/// Parses and validates the file.
///
/// # Errors
/// [`SpecError`] with file, line and field.
pub fn read(source: &SpecSource) -> Result<Box<dyn Spec>, SpecError> {
    let parameters: Parameters = source.parse()?;
    check(&parameters.message).map_err(|e| source.field(&e))?;
    Ok(Box::new(HopSpec(parameters.message)))
}

/// The pattern of messages of a recorded workload; `None` of one that does more, or that cannot be read.
#[must_use]
pub fn of(workload: &WorkloadRecord) -> Option<Hop> {
    let is_it = workload.code() == ENTRY.name;
    is_it.then(|| workload.table(ENTRY.name)).flatten()
}

fn check(hop: &Hop) -> Result<(), FieldError> {
    let bytes = within("message.payload_bytes", hop.payload_bytes, 8..=1 << 20)?;
    if !bytes.is_multiple_of(8) {
        return Err(FieldError {
            field: "message.payload_bytes",
            message: format!("{bytes} is no multiple of 8"),
        });
    }
    Ok(())
}

struct HopSpec(Hop);

impl Spec for HopSpec {
    fn build(&self, _: usize, _: usize, _: u64) -> Result<Box<dyn Workload>, String> {
        Err("nobody computes here: run it as `forkscope run -w message`".to_owned())
    }

    fn episode_length(&self) -> u64 {
        1
    }

    fn topology(&self, agents: usize) -> Topology {
        Topology::new(Shape::All, None, agents)
    }

    fn message_bytes(&self) -> usize {
        self.0.payload_bytes
    }

    fn hop(&self) -> Option<Hop> {
        Some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload;

    #[test]
    fn the_parameters_of_a_hop_are_read_as_they_were_written() {
        for pattern in [Pattern::PingPong, Pattern::Flood] {
            for payload_bytes in [8, 64, 1 << 20] {
                let hop = Hop {
                    pattern,
                    payload_bytes,
                };
                assert_eq!(workload::read(&hop.source()).unwrap().hop(), Some(hop));
            }
        }
        let built_in = SpecSource::built_in(&ENTRY);
        assert!(workload::read(&built_in).unwrap().hop().is_some());
    }

    #[test]
    fn what_cannot_be_sent_is_refused_with_its_line() {
        for (bytes, said) in [
            ("0", "0 is not between 8 and 1048576"),
            ("2000000", "2000000 is not between 8 and 1048576"),
            ("12", "12 is no multiple of 8"),
        ] {
            let mut source = SpecSource::built_in(&ENTRY);
            source.text = source.text.replace("= 64 ", &format!("= {bytes} "));
            let error = workload::read(&source).err().unwrap().to_string();
            assert!(error.ends_with(said), "{error}");
            assert!(
                error.contains("toml (built in):9: message.payload_bytes"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_flood_is_bounded_in_messages_and_in_bytes() {
        let under_way = |payload_bytes| {
            Hop {
                pattern: Pattern::Flood,
                payload_bytes,
            }
            .under_way()
        };
        assert_eq!(under_way(64), 64);
        assert_eq!(under_way(64 << 10), 16);
        assert_eq!(under_way(1 << 20), 4);
    }
}
