//! Which cells say what a format costs, and how much of a hop between processes that is?
//!
//! One agent in a thread, on both sides: the format is all that differs. Each body is encoded in JSON
//! and in every other format, and decoded alike, in short windows; and sent as it is, by two transports
//! between processes, because a format costs much or little only beside what the way costs.

use crate::deployment::Form;
use crate::experiment::plan::{Draft, Leaves, NamedBy, Stands};
use crate::record::{Pinning, Weight};
use crate::study::links::{SHORT_WINDOW_S, WARM_UP_S, Way, add_pairs};
use crate::transport::Choice;
use crate::workload::hop::{self, Hop, Pattern};
use crate::workload::serialize::handover::Handover;
use crate::workload::serialize::{self, BASELINE, BINARY, Body, FORMATS, Format, Settings, Step};

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

/// Adds the cells of every body of the plan. What is needed least goes first: handing over, then bytes by hand, then
/// whole bodies.
pub fn add(draft: &mut Draft<'_>) {
    let asked = draft.asked;
    let both = draft.side_by(Form::THREADS, Choice::Native);
    for (place, body) in ORDER.into_iter().enumerate() {
        for step in STEPS {
            let of_format = |format: &str| {
                asked.workloads.iter().position(|w| {
                    serialize::of(&w.record)
                        .is_some_and(|s| (s.format.name, s.body, s.step) == (format, body, step))
                })
            };
            let Some(json) = of_format(BASELINE) else {
                continue;
            };
            for format in FORMATS.iter().filter(|f| f.name != BASELINE) {
                let Some(x) = of_format(format.name) else {
                    continue;
                };
                let names = [json, x].map(|w| asked.workloads[w].source.name.as_str());
                let cell = draft.add(json, AGENTS, both, both);
                cell.x_workload = x;
                cell.label = format!("{} against {}", names[1], names[0]);
                cell.weight = Weight::Beside;
                cell.named_by = NamedBy::Workload;
                cell.stands = Stands::WhereNative;
                cell.leaves = Leaves::by_order(place + ORDER.len() * tier(format.name) as usize);
                cell.time(SHORT_WINDOW_S, WARM_UP_S);
            }
        }
        let is_sent =
            |w: &crate::experiment::plan::PlannedWorkload| hop::of(&w.record) == Some(hop(body));
        if let Some(sent) = asked.workloads.iter().position(is_sent) {
            add_pairs(
                draft,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::plan::{Asked, Ends, PlannedCell, fit, shrink};
    use crate::record::Machine;
    use crate::stats::MIN_PAIRS;
    use crate::study::tests::asked;
    use crate::study::{self, Programme};
    use crate::workload::serialize::body::BODIES;

    fn request() -> (Asked, Vec<PlannedCell>) {
        let programme = Programme::named(&["serialize".to_owned()]).unwrap();
        let asked = Asked {
            budget_s: 0.0,
            ..asked(programme.workloads, &[AGENTS], 2.0)
        };
        let plan = study::plan(&programme.studies, &asked, &Machine::default());
        let cells = plan.unwrap().cells;
        (asked, cells)
    }

    fn format_of(request: &Asked, workload: usize) -> Settings {
        serialize::of(&request.workloads[workload].record).unwrap()
    }

    #[test]
    fn every_body_has_its_place_and_is_read_as_it_was_written() {
        let mut named: Vec<&str> = BODIES.iter().map(|(name, _)| *name).collect();
        let mut placed: Vec<&str> = ORDER.iter().map(|b| b.name()).collect();
        named.sort_unstable();
        placed.sort_unstable();
        assert_eq!(named, placed);
        for settings in settings() {
            let read = crate::study::tests::planned(settings.source());
            let read = serialize::of(&read.record).unwrap();
            assert_eq!(read.source(), settings.source());
        }
    }

    #[test]
    fn json_is_held_against_every_other_format_step_by_step() {
        let (request, cells) = request();
        let variants = cells.iter().filter(|c| c.named_by == NamedBy::Workload);
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
        let (request, cells) = request();
        let hops: Vec<&PlannedCell> = cells
            .iter()
            .filter(|c| c.named_by == NamedBy::DeploymentAndTransport && !c.role.is_control())
            .collect();
        let sizes: Vec<usize> = hops
            .iter()
            .map(|c| {
                hop::of(&request.workloads[c.workload].record)
                    .unwrap()
                    .payload_bytes
            })
            .collect();
        assert_eq!(sizes, [800, 248, 3200, 4096, 200, 8000, 65_536, 1 << 20]);
        for cell in hops {
            let label = &cell.label;
            assert!(
                label.ends_with(" processes ring/processes ipc:bytes"),
                "{label}"
            );
            assert_eq!(cell.agents, 2);
        }
    }

    #[test]
    fn controls_run_on_the_first_body_with_one_agent() {
        let (_, cells) = request();
        let controls: Vec<String> = cells
            .iter()
            .filter(|c| c.role.is_control())
            .map(|c| c.label.clone())
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
        let (_, all) = request();
        let mut cells = all.clone();
        let seconds = MIN_PAIRS as f64 * cells.iter().map(|c| c.pair_s).sum::<f64>();
        let left_out = fit(&mut cells, MIN_PAIRS, seconds - 1.0).unwrap();
        let handed = |step: &str| {
            format!("serialize/handover/bytes1m/{step} against serialize/json/bytes1m/{step}")
        };
        assert_eq!(left_out, [handed("encode"), handed("decode")]);

        let mut cells = all;
        shrink(&mut cells, MIN_PAIRS, 1.0, Ends::Stay);
        let what: Vec<String> = cells
            .iter()
            .filter(|c| !c.role.is_control())
            .map(|c| c.label.clone())
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
