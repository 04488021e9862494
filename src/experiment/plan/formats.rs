//! Which cells say what a format costs, and how much of a hop between processes that is?
//!
//! One agent in a thread, on both sides: the format is all that differs. Each body is encoded in JSON
//! and in every other format, and decoded alike, in short windows; and sent as it is, by two transports
//! between processes, because a format costs much or little only beside what the way costs.

use super::message::{SHORT_WINDOW_S, WARM_UP_S, Way, pairs};
use super::{Cells, PlannedSide, PlannedWorkload, Request};
use crate::deployment::Form;
use crate::record::{Pinning, Purpose};
use crate::transport::Choice;
use crate::workload::hop::{Hop, Pattern};
use crate::workload::serialize::handover::Handover;
use crate::workload::serialize::{BASELINE, BINARY, Body, FORMATS, Format, Settings, Step};

/// Agents of a cell: nobody meets.
pub const AGENTS: usize = 1;

/// Bodies by how much they matter, the most first: what agents believe, then what other programs send.
/// The first one is what the controls run on.
const ORDER: [Body; 8] = [
    Body::Beliefs(100),
    Body::Struct,
    Body::Batch(100),
    Body::Bytes(4 << 10),
    Body::Beliefs(25),
    Body::Beliefs(1000),
    Body::Bytes(64 << 10),
    Body::Bytes(1 << 20),
];

/// The steps whose costs are told apart.
pub const STEPS: [Step; 2] = [Step::Encode, Step::Decode];

/// Bytes that an op goes through, as long as those are [`MOST_BODIES`] at most: counting an op then costs
/// less than a hundredth of it in any format that writes something.
const OP_BYTES: usize = 16 << 10;

/// Most bodies of an op: in the slowest format it takes a fraction of a window.
const MOST_BODIES: usize = 64;

/// The transports that formats are held against: the native one without its format, and the fastest.
const HOPS: (Way, Way) = (("processes", "ipc:bytes"), ("processes", "ring"));

/// By how much it matters what a format costs.
#[derive(Clone, Copy)]
enum Tier {
    /// What the floor is about.
    Binary,
    /// By hand: what a format could come down to.
    ByHand,
    /// The zero line.
    Nothing,
}

/// How bodies are written down in the cells of this plan.
#[must_use]
pub fn settings() -> Vec<Settings> {
    let of_body = |body: Body| {
        FORMATS.iter().flat_map(move |format| {
            STEPS.map(|step| Settings {
                format,
                body,
                step,
                bundle: (OP_BYTES / body.bytes()).clamp(1, MOST_BODIES) as u32,
            })
        })
    };
    ORDER.into_iter().flat_map(of_body).collect()
}

/// The hops of this plan: a round trip of every body's size.
#[must_use]
pub fn hops() -> Vec<Hop> {
    ORDER.map(hop).to_vec()
}

/// A message of a body's size, there and back.
#[must_use]
pub fn hop(body: Body) -> Hop {
    Hop {
        pattern: Pattern::PingPong,
        // Hops are counted in words.
        payload_bytes: body.bytes().next_multiple_of(8),
    }
}

/// Adds the cells of every body of the request. What is needed least has the highest rank: handing over,
/// then bytes by hand, then whole bodies.
pub(super) fn add(cells: &mut Cells<'_>) {
    let request = cells.request;
    let both = PlannedSide {
        form: Form::THREADS,
        tape: false,
        uncounted_every: None,
        transport: Choice::Native,
        cpus: Pinning::Free,
    };
    for (place, body) in ORDER.into_iter().enumerate() {
        for step in STEPS {
            let of_format = |name: &str| index_of(request, name, body, step);
            let Some(json) = of_format(BASELINE) else {
                continue;
            };
            for format in FORMATS.iter().filter(|f| f.name != BASELINE) {
                let Some(x) = of_format(format.name) else {
                    continue;
                };
                cells.add(json, AGENTS, both, both, Purpose::Variant);
                cells.set_last(|cell| {
                    cell.x_workload = x;
                    cell.rank = place + ORDER.len() * tier(format.name) as usize;
                });
                cells.time_last(Some(SHORT_WINDOW_S), WARM_UP_S);
            }
        }
        let is_sent = |w: &PlannedWorkload| w.hop == Some(hop(body));
        if let Some(sent) = request.workloads.iter().position(is_sent) {
            pairs(
                cells,
                sent,
                &[HOPS],
                Pinning::Free,
                place,
                Some(SHORT_WINDOW_S),
            );
        }
    }
}

fn tier(format: &str) -> Tier {
    match format {
        f if BINARY.contains(&f) => Tier::Binary,
        f if f == Handover::NAME => Tier::Nothing,
        _ => Tier::ByHand,
    }
}

/// The workload that does a step with a body in a format.
fn index_of(request: &Request, format: &str, body: Body, step: Step) -> Option<usize> {
    request.workloads.iter().position(|w| {
        let written = w.format.as_ref();
        written.is_some_and(|s| (s.format.name, s.body, s.step) == (format, body, step))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::plan::{self, MIN_PAIRS, PlannedCell, Question};
    use crate::transport::Asked;
    use crate::workload::serialize::body::BODIES;
    use crate::workload::{self, SpecSource};

    fn request() -> Request {
        let planned = |source: SpecSource| {
            let spec = workload::read(&source).unwrap();
            PlannedWorkload::new(source, spec.as_ref())
        };
        let written = settings().into_iter().map(|s| s.source());
        let sent = hops().into_iter().map(|h| h.source());
        Request {
            workloads: written.chain(sent).map(planned).collect(),
            agents: vec![AGENTS],
            deployments: vec![Form::THREADS, Form::PROCESSES],
            cpus_effective: 2.0,
            budget_s: 0.0,
            most_pairs: 34,
            seed: 1,
            transport: Asked::One(Choice::Native),
            look: None,
            asks_latency: false,
            question: Question::Formats,
            is_busy: false,
        }
    }

    fn format_of(request: &Request, workload: usize) -> &Settings {
        request.workloads[workload].format.as_ref().unwrap()
    }

    #[test]
    fn every_body_has_its_place_and_is_read_as_it_was_written() {
        let mut named: Vec<&str> = BODIES.iter().map(|(name, _)| *name).collect();
        let mut placed: Vec<&str> = ORDER.iter().map(|b| b.name()).collect();
        named.sort_unstable();
        placed.sort_unstable();
        assert_eq!(named, placed);
        for settings in settings() {
            let spec = workload::read(&settings.source()).unwrap();
            let read = spec.format().unwrap();
            assert_eq!(read.source(), settings.source());
        }
    }

    #[test]
    fn json_is_held_against_every_other_format_step_by_step() {
        let request = request();
        let cells = plan::cells(&request).unwrap();
        let variants = cells.iter().filter(|c| c.purpose == Purpose::Variant);
        for cell in variants.clone() {
            let (json, x) = (
                format_of(&request, cell.workload),
                format_of(&request, cell.x_workload),
            );
            assert_eq!((json.format.name, json.step), ("json", x.step));
            assert_eq!((json.body, json.bundle), (x.body, x.bundle));
            assert_ne!(x.format.name, "json");
            assert_eq!(
                (cell.agents, cell.baseline, cell.x.form),
                (1, cell.x, Form::THREADS)
            );
            assert_eq!((cell.window_s, cell.warm_up_s), (SHORT_WINDOW_S, WARM_UP_S));
        }
        // Eight bodies, two steps, four formats.
        assert_eq!(variants.count(), 64);
    }

    #[test]
    fn every_body_is_sent_between_processes_by_two_transports() {
        let request = request();
        let cells = plan::cells(&request).unwrap();
        let hops: Vec<&PlannedCell> = cells.iter().filter(|c| c.purpose == Purpose::Hop).collect();
        let sizes: Vec<usize> = hops
            .iter()
            .map(|c| request.workloads[c.workload].hop.unwrap().payload_bytes)
            .collect();
        assert_eq!(sizes, [800, 248, 3200, 4096, 200, 8000, 65_536, 1 << 20]);
        for cell in hops {
            let label = cell.label(&request.workloads);
            assert!(
                label.ends_with(" processes ring/processes ipc:bytes"),
                "{label}"
            );
            assert_eq!(cell.agents, 2);
        }
    }

    #[test]
    fn controls_run_on_the_first_body_with_one_agent() {
        let request = request();
        let cells = plan::cells(&request).unwrap();
        let controls: Vec<String> = cells
            .iter()
            .filter(|c| c.purpose.asked().is_some())
            .map(|c| c.label(&request.workloads))
            .collect();
        let name = "serialize/json/beliefs100/encode@1";
        assert_eq!(
            controls,
            [
                format!("{name} null control threads/threads"),
                format!("{name} null control processes/processes"),
                format!("{name} known effect 0.909, threads"),
            ]
        );
    }

    #[test]
    fn handing_over_goes_first_and_the_agents_own_beliefs_in_binary_stay() {
        let request = request();
        let all = plan::cells(&request).unwrap();
        let mut cells = all.clone();
        let seconds = MIN_PAIRS as f64 * cells.iter().map(|c| c.pair_s).sum::<f64>();
        let left_out = plan::fit(&mut cells, &request.workloads, MIN_PAIRS, seconds - 1.0).unwrap();
        let handed = |step: &str| {
            format!("serialize/handover/bytes1m/{step} against serialize/json/bytes1m/{step}")
        };
        assert_eq!(left_out, [handed("encode"), handed("decode")]);

        let mut cells = all;
        plan::shrink(
            &mut cells,
            &request.workloads,
            MIN_PAIRS,
            1.0,
            plan::Ends::Stay,
        );
        let what: Vec<String> = cells
            .iter()
            .filter(|c| c.purpose.asked().is_none())
            .map(|c| c.label(&request.workloads))
            .collect();
        let in_binary = |format: &str, step: &str| {
            format!("serialize/{format}/beliefs100/{step} against serialize/json/beliefs100/{step}")
        };
        assert_eq!(
            what,
            [
                in_binary("postcard", "encode"),
                in_binary("rkyv", "encode"),
                in_binary("postcard", "decode"),
                in_binary("rkyv", "decode"),
                "message/ping_pong/800 processes ring/processes ipc:bytes".to_owned(),
            ]
        );
        // Controls stay, too.
        assert_eq!(cells.len(), what.len() + 3);
    }
}
