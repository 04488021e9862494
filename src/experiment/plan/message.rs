//! Which pairs say what a message costs, and why?
//!
//! Each pair differs in one thing. The *split* of the native transports at one size: channel against
//! the same that spins (its wake-up), that against one which hands over a reference (the copy), that against a call
//! (the zero line); ipc against its bytes (serialisation), those against the same that spin (its
//! wake-up); the spinning ring in processes against threads (the address space). The *table* adds
//! all transports that serve both deployments, floods, and workers on one CPU and on two.

use super::{Cells, PlannedSide, Request};
use crate::deployment::Form;
use crate::experiment::invocation::whole_cpus;
use crate::record::{Pinning, Purpose};
use crate::transport::{Choice, WaitPolicy};
use crate::workload::hop::{ENDS, Hop, Pattern};

/// Sizes of messages, bytes.
pub const PAYLOADS: [usize; 4] = [64, 1 << 10, 64 << 10, 1 << 20];

/// The size at which placements are compared, and of which `quick` says the price.
pub const SMALL: usize = PAYLOADS[0];

/// How much is asked about messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The split of each size that there is, in short windows: beside other questions.
    Split,
    /// The whole table.
    All,
}

/// Every hop of the table: all sizes and patterns.
#[must_use]
pub fn hops() -> Vec<Hop> {
    let of_size = |payload_bytes| {
        [Pattern::PingPong, Pattern::Flood].map(|pattern| Hop {
            pattern,
            payload_bytes,
        })
    };
    PAYLOADS.into_iter().flat_map(of_size).collect()
}

/// Window in which a price is taken beside other questions, seconds: thousands of round trips, of the
/// slowest transport too. No deployment is ever called ahead by it.
pub(super) const SHORT_WINDOW_S: f64 = 0.1;

/// Warm-up of two workers without agents, seconds.
pub const WARM_UP_S: f64 = 0.03;

/// One transport under one deployment.
pub(super) type Way = (&'static str, &'static str);

/// The pairs of the split.
const SPLIT: [(Way, Way); 6] = [
    (("threads", "channel"), ("threads", "channel:spin")),
    (("threads", "channel:spin"), ("threads", "channel:arc:spin")),
    (("threads:1", "channel"), ("threads", "channel:arc:spin")),
    (("processes", "ipc"), ("processes", "ipc:bytes")),
    (("processes", "ipc:bytes"), ("processes", "ipc:bytes:spin")),
    (("threads", "ring:spin"), ("processes", "ring:spin")),
];

/// The native transports, the spinning ring, and all others that serve both deployments.
const TABLE: [(Way, Way); 6] = [
    (("threads", "channel"), ("processes", "ipc")),
    (("threads", "ring:spin"), ("processes", "ring:spin")),
    (("threads", "ring"), ("processes", "ring")),
    (("threads", "ring:park"), ("processes", "ring:park")),
    (("threads", "socket"), ("processes", "socket")),
    (("threads", "pipe"), ("processes", "pipe")),
];

/// What is in a flood beside [`TABLE`].
const MORE_FLOODS: [(Way, Way); 1] = [(("threads", "channel:arc"), ("processes", "ipc:bytes"))];

/// Adds the pairs of every hop of the request. What is needed least has the highest rank.
pub(super) fn add(cells: &mut Cells<'_>, scope: Scope) {
    let request = cells.request;
    let hops = request.workloads.iter().enumerate();
    let hops = hops.filter_map(|(index, w)| Some((index, w.hop?)));
    for (nth, (workload, hop)) in hops.enumerate() {
        let rank = 5 * nth;
        match (hop.pattern, scope) {
            (Pattern::PingPong, Scope::Split) => {
                pairs(
                    cells,
                    workload,
                    &SPLIT,
                    Pinning::Free,
                    rank + 1,
                    Some(SHORT_WINDOW_S),
                );
            }
            (Pattern::PingPong, Scope::All) => {
                // What a message costs, and what the address space does, before the reasons.
                let (first, others) = TABLE.split_at(2);
                let split: Vec<_> = SPLIT.into_iter().filter(|p| !first.contains(p)).collect();
                pairs(cells, workload, first, Pinning::Free, rank, None);
                pairs(cells, workload, &split, Pinning::Free, rank + 1, None);
                pairs(cells, workload, others, Pinning::Free, rank + 2, None);
                if hop.payload_bytes == SMALL {
                    pairs(cells, workload, &TABLE, Pinning::OneCpu, rank + 3, None);
                    pairs(cells, workload, &TABLE, Pinning::OwnCpus, rank + 4, None);
                }
            }
            (Pattern::Flood, Scope::Split) | (Pattern::Paced(_), _) => {}
            (Pattern::Flood, Scope::All) => {
                pairs(cells, workload, &TABLE, Pinning::Free, rank + 1, None);
                pairs(cells, workload, &MORE_FLOODS, Pinning::Free, rank + 2, None);
            }
        }
    }
}

/// Adds `pairs` for the hop that `workload` is, as far as the machine can measure them.
pub(super) fn pairs(
    cells: &mut Cells<'_>,
    workload: usize,
    pairs: &[(Way, Way)],
    cpus: Pinning,
    rank: usize,
    window_s: Option<f64>,
) {
    let request = cells.request;
    let (baseline, x) = (request.deployments[0], request.deployments.get(1).copied());
    // A study of one's own deployments would need transports that serve them.
    if (baseline, x) != (Form::THREADS, Some(Form::PROCESSES)) {
        return;
    }
    let has = whole_cpus(request.cpus_effective);
    if has < cpus.needs() {
        return;
    }
    for &(baseline, x) in pairs {
        let sides = [baseline, x].map(|way| side(way, cpus));
        // Whoever spins on the CPU of the one that it waits for waits for the scheduler.
        let crawls = has < 2 || cpus == Pinning::OneCpu;
        if crawls && sides.iter().any(spins) {
            continue;
        }
        cells.add(workload, ENDS, sides[0], sides[1], Purpose::Hop);
        cells.set_last(|cell| cell.rank = rank);
        cells.time_last(window_s, WARM_UP_S);
    }
}

pub(super) fn side((form, transport): Way, cpus: Pinning) -> PlannedSide {
    PlannedSide {
        form: form
            .parse()
            .expect("the forms of this file are deployments"),
        tape: false,
        uncounted_every: None,
        transport: Choice::named(transport),
        cpus,
    }
}

fn spins(side: &PlannedSide) -> bool {
    side.transport.of(side.form.kind.home()).wait == WaitPolicy::Spin
}

/// Whether messages are asked about at all, and how much.
pub(super) fn scope(request: &Request) -> Option<Scope> {
    let is_hop = |w: &super::PlannedWorkload| w.hop.is_some();
    if !request.workloads.iter().any(is_hop) {
        return None;
    }
    match request.workloads.iter().all(is_hop) {
        true => Some(Scope::All),
        false => Some(Scope::Split),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{PlannedCell, PlannedWorkload, Question, cells};
    use super::*;
    use crate::transport::Asked;
    use crate::workload;

    fn request(hops: &[Hop], cpus_effective: f64) -> Request {
        let planned = |hop: &Hop| {
            let source = hop.source();
            let spec = workload::read(&source).unwrap();
            PlannedWorkload::new(source, spec.as_ref())
        };
        Request {
            workloads: hops.iter().map(planned).collect(),
            agents: vec![ENDS],
            deployments: vec![Form::THREADS, Form::PROCESSES],
            cpus_effective,
            budget_s: 600.0,
            most_pairs: 34,
            seed: 1,
            transport: Asked::One(Choice::Native),
            look: None,
            asks_latency: false,
            question: Question::Compare,
            is_busy: false,
        }
    }

    fn of_hops(request: &Request) -> Vec<PlannedCell> {
        let all = cells(request).unwrap();
        all.into_iter()
            .filter(|c| c.purpose == Purpose::Hop)
            .collect()
    }

    #[test]
    fn every_size_has_its_split_and_every_pair_differs() {
        let request = request(&hops(), 2.0);
        let planned = of_hops(&request);
        for bytes in PAYLOADS {
            for (baseline, x) in SPLIT {
                let is_it = |c: &&PlannedCell| {
                    let hop = request.workloads[c.workload].hop.unwrap();
                    hop.payload_bytes == bytes
                        && hop.pattern == Pattern::PingPong
                        && c.baseline == side(baseline, Pinning::Free)
                        && c.x == side(x, Pinning::Free)
                };
                assert_eq!(planned.iter().filter(is_it).count(), 1, "{bytes} {x:?}");
            }
        }
        for (i, cell) in planned.iter().enumerate() {
            assert_ne!(cell.baseline, cell.x);
            let is_same = |c: &&PlannedCell| {
                (c.workload, c.baseline, c.x) == (cell.workload, cell.baseline, cell.x)
            };
            assert_eq!(planned[i..].iter().filter(is_same).count(), 1);
        }
    }

    #[test]
    fn a_hop_that_is_left_out_has_a_label_of_its_own() {
        let request = request(&hops(), 2.0);
        let planned = of_hops(&request);
        let labels: Vec<String> = planned
            .iter()
            .map(|c| c.label(&request.workloads))
            .collect();
        for (i, label) in labels.iter().enumerate() {
            assert!(!labels[..i].contains(label), "{label}");
        }
    }

    #[test]
    fn messages_beside_delivery_are_measured_too() {
        use super::super::delivery;
        let is_price = |request: &Request| {
            let prices = of_hops(request);
            let others = prices.iter().filter(|c| {
                let workload = &request.workloads[c.workload];
                !delivery::is_delivery(workload)
            });
            others.count()
        };
        let mut both = request(&hops(), 2.0);
        let alone = is_price(&both);
        let small = both.workloads.swap_remove(0);
        let planned = |source: workload::SpecSource| {
            let spec = workload::read(&source).unwrap();
            PlannedWorkload::new(source, spec.as_ref())
        };
        let ways = || delivery::ways().into_iter().map(|w| planned(w.source()));
        let mut only = request(&[], 2.0);
        only.workloads = vec![planned(small.source.clone())];
        only.workloads.extend(ways());
        assert_eq!(is_price(&only), 0);
        both.workloads.insert(0, small);
        both.workloads.extend(ways());
        assert_eq!(is_price(&both), alone);
    }

    #[test]
    fn nobody_spins_where_two_cannot_run_at_once() {
        let is_spinning = |c: &PlannedCell| spins(&c.baseline) || spins(&c.x);
        let alone = of_hops(&request(&hops(), 1.0));
        assert!(!alone.is_empty());
        assert!(!alone.iter().any(is_spinning));
        let on_one = |c: &&PlannedCell| c.baseline.cpus == Pinning::OneCpu;
        let two = of_hops(&request(&hops(), 2.0));
        assert!(two.iter().any(is_spinning));
        assert!(two.iter().filter(on_one).count() > 0);
        assert!(!two.iter().filter(on_one).any(is_spinning));
    }

    #[test]
    fn beside_other_questions_the_split_is_short() {
        let small = Hop {
            pattern: Pattern::PingPong,
            payload_bytes: SMALL,
        };
        let mut request = request(&[small], 2.0);
        let source = workload::SpecSource::built_in(&workload::REGISTRY[0]);
        let spec = workload::read(&source).unwrap();
        let agents = PlannedWorkload::new(source, spec.as_ref());
        request.workloads.insert(0, agents);
        let planned = of_hops(&request);
        assert_eq!(planned.len(), SPLIT.len());
        // Twelve seconds of the two minutes, for six pairs of each.
        let six_s = 6.0 * planned.iter().map(|c| c.pair_s).sum::<f64>();
        assert!(six_s < 13.0, "{six_s}");
    }
}
