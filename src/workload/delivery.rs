//! Polling, or being woken? Messages at random moments, and how long each waits until it is received.

use super::hop::{ENDS, Hop, Pattern};
use super::spec::{FieldError, within};
use super::topology::Shape;
use super::{Entry, Spec, SpecError, SpecSource, Topology, Workload};
use crate::record::WorkloadRecord;
use serde::Deserialize;

/// The line of the registry.
pub const ENTRY: Entry = Entry {
    name: "delivery",
    about: "messages at random moments, received by polling or when they come: which delay, which waste?",
    group: None,
    default_toml: include_str!("../../workloads/delivery.toml"),
    read,
};

/// Longest mean time from one message to the next, milliseconds: a window of a hundred of them lasts ten seconds.
const LONGEST_GAP_MS: f64 = 100.0;

/// Bytes of a message: nobody waits for its length here.
const MESSAGE_BYTES: usize = 64;

/// What a receiver does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reception {
    /// Waits for a message as the transport does.
    Event,
    /// Looks every so many microseconds.
    Poll {
        /// From one look to the next, microseconds.
        every_us: u64,
    },
}

/// Messages at random moments: how far apart, and how they are received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paced {
    /// Mean time from one message to the next, microseconds.
    pub gap_us: u64,
    /// What the receiver does.
    pub reception: Reception,
}

impl Paced {
    /// These parameters as a workload of their own.
    #[must_use]
    pub fn source(&self) -> SpecSource {
        let gap_ms = self.gap_us as f64 / 1e3;
        let (name, receive) = match self.reception {
            Reception::Event => ("event".to_owned(), "receive = \"event\"\n".to_owned()),
            Reception::Poll { every_us } => {
                let ms = every_us / 1000;
                let receive = format!("receive = \"poll\"\npoll_ms = {ms}\n");
                (format!("poll/{ms}"), receive)
            }
        };
        SpecSource {
            name: format!("delivery/{name}/{gap_ms}"),
            origin: "workloads/delivery.toml (built in)".to_owned(),
            text: format!("workload = \"delivery\"\n\n[delivery]\n{receive}gap_ms = {gap_ms:?}\n"),
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Receive {
    Event,
    Poll,
}

/// `workloads/delivery.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[serde(rename = "workload")]
    _workload: String,
    delivery: Delivery,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delivery {
    receive: Receive,
    poll_ms: Option<u64>,
    gap_ms: f64,
}

/// Parses and validates the file.
///
/// # Errors
/// [`SpecError`] with file, line and field.
pub fn read(source: &SpecSource) -> Result<Box<dyn Spec>, SpecError> {
    let parameters: Parameters = source.parse()?;
    let paced = paced(&parameters.delivery).map_err(|e| source.field(&e))?;
    Ok(Box::new(DeliverySpec(paced)))
}

fn paced(delivery: &Delivery) -> Result<Paced, FieldError> {
    let gap_ms = within("delivery.gap_ms", delivery.gap_ms, 0.1..=LONGEST_GAP_MS)?;
    let poll_ms = delivery
        .poll_ms
        .map(|ms| within("delivery.poll_ms", ms, 1..=10_000))
        .transpose()?;
    let reception = match (delivery.receive, poll_ms) {
        (Receive::Event, _) => Reception::Event,
        (Receive::Poll, Some(ms)) => Reception::Poll {
            every_us: 1000 * ms,
        },
        (Receive::Poll, None) => {
            return Err(FieldError {
                field: "delivery.receive",
                message: "\"poll\" needs poll_ms, the time from one look to the next".to_owned(),
            });
        }
    };
    Ok(Paced {
        gap_us: (gap_ms * 1e3).round() as u64,
        reception,
    })
}

/// The messages of a recorded workload; `None` of another, or of one that cannot be read.
#[must_use]
pub fn of(workload: &WorkloadRecord) -> Option<Paced> {
    let is_it = workload.code() == ENTRY.name;
    let delivery: Delivery = is_it.then(|| workload.table(ENTRY.name)).flatten()?;
    paced(&delivery).ok()
}

struct DeliverySpec(Paced);

impl Spec for DeliverySpec {
    fn build(&self, _: usize, _: usize, _: u64) -> Result<Box<dyn Workload>, String> {
        Err("nobody computes here: run it as `forkscope run -w delivery`".to_owned())
    }

    fn episode_length(&self) -> u64 {
        1
    }

    fn topology(&self, agents: usize) -> Topology {
        Topology::new(Shape::All, None, agents.min(ENDS))
    }

    fn message_bytes(&self) -> usize {
        MESSAGE_BYTES
    }

    fn hop(&self) -> Option<Hop> {
        Some(Hop {
            pattern: Pattern::Paced(self.0),
            payload_bytes: MESSAGE_BYTES,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload;

    #[test]
    fn the_parameters_of_a_delivery_are_read_as_they_were_written() {
        for reception in [Reception::Event, Reception::Poll { every_us: 10_000 }] {
            for gap_us in [100, 2500, 20_000] {
                let paced = Paced { gap_us, reception };
                let hop = workload::read(&paced.source()).unwrap().hop().unwrap();
                assert_eq!(hop.pattern, Pattern::Paced(paced));
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_field() {
        for (from, to, said) in [
            (
                "poll_ms = 10 ",
                "poll_ms = 0 ",
                "delivery.poll_ms: 0 is not between 1 and 10000",
            ),
            (
                "gap_ms = 2.5",
                "gap_ms = 0.0",
                "delivery.gap_ms: 0 is not between 0.1 and 100",
            ),
            (
                "gap_ms = 2.5",
                "gap_ms = 1000.0",
                "delivery.gap_ms: 1000 is not between 0.1 and 100",
            ),
            ("\"event\"", "\"push\"", "unknown variant `push`"),
        ] {
            let mut source = SpecSource::built_in(&ENTRY);
            source.text = source.text.replace(from, to);
            let error = workload::read(&source).err().unwrap().to_string();
            assert!(error.contains(said), "{error}");
        }
        let mut source = SpecSource::built_in(&ENTRY);
        source.text = source
            .text
            .replace("\"event\"", "\"poll\"")
            .replace("poll_ms", "# poll_ms");
        let error = workload::read(&source).err().unwrap().to_string();
        assert!(error.contains("needs poll_ms"), "{error}");
    }
}
