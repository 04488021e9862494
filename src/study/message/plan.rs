//! Which pairs say what a message costs, and why?
//!
//! Each pair differs in one thing. The *split* of the native transports at one size: channel against
//! the same that spins (its wake-up), that against one which hands over a reference (the copy), that against a call
//! (the zero line); ipc against its bytes (serialisation), those against the same that spin (its
//! wake-up); the spinning ring in processes against threads (the address space). The *table* adds
//! all transports that serve both deployments, floods, and workers on one CPU and on two.

use crate::experiment::plan::Draft;
use crate::record::Pinning;
use crate::study::links::{SHORT_WINDOW_S, SMALL, Way, add_pairs};
use crate::workload::hop::{self, Hop, Pattern};

/// Sizes of messages, bytes.
pub const PAYLOADS: [usize; 4] = [64, 1 << 10, 64 << 10, 1 << 20];

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

/// Adds the pairs of every hop of the plan: the whole table where nothing but messages is asked about, else the split
/// of each size that there is, in short windows. What is needed least goes first.
pub fn add(draft: &mut Draft<'_>) {
    let asked = draft.asked;
    let own: Vec<(usize, Hop)> = draft
        .own()
        .into_iter()
        .filter_map(|w| Some((w, hop::of(&asked.workloads[w].record)?)))
        .collect();
    let is_all = asked.workloads.iter().all(|w| w.is_link);
    // Beside other links, one hop is there for the controls.
    if is_all && draft.has_others() && own.len() <= 1 {
        return;
    }
    for (nth, (workload, hop)) in own.into_iter().enumerate() {
        let order = 5 * nth;
        let mut pairs = |pairs: &[(Way, Way)], cpus, order, window_s| {
            add_pairs(draft, workload, pairs, cpus, order, window_s);
        };
        match (hop.pattern, is_all) {
            (Pattern::PingPong, false) => {
                pairs(&SPLIT, Pinning::Free, order + 1, Some(SHORT_WINDOW_S));
            }
            (Pattern::PingPong, true) => {
                // What a message costs, and what the address space does, before the reasons.
                let (first, others) = TABLE.split_at(2);
                let split: Vec<_> = SPLIT.into_iter().filter(|p| !first.contains(p)).collect();
                pairs(first, Pinning::Free, order, None);
                pairs(&split, Pinning::Free, order + 1, None);
                pairs(others, Pinning::Free, order + 2, None);
                if hop.payload_bytes == SMALL {
                    pairs(&TABLE, Pinning::OneCpu, order + 3, None);
                    pairs(&TABLE, Pinning::OwnCpus, order + 4, None);
                }
            }
            (Pattern::Flood, true) => {
                pairs(&TABLE, Pinning::Free, order + 1, None);
                pairs(&MORE_FLOODS, Pinning::Free, order + 2, None);
            }
            (Pattern::Flood, false) | (Pattern::Paced(_), _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::plan::{Asked, PlannedCell};
    use crate::study::links::{side, spins};
    use crate::study::tests::{asked, built_in, cells_of, planned};
    use crate::study::{Programme, links};
    use crate::workload::hop::ENDS;

    fn request(hops: &[Hop], cpus_effective: f64) -> Asked {
        let workloads = hops.iter().map(|hop| planned(hop.source())).collect();
        asked(workloads, &[ENDS], cpus_effective)
    }

    fn of_hops(asked: &Asked) -> Vec<PlannedCell> {
        cells_of("message", asked)
    }

    #[test]
    fn every_size_has_its_split_and_every_pair_differs() {
        let request = request(&hops(), 2.0);
        let planned = of_hops(&request);
        for bytes in PAYLOADS {
            for (baseline, x) in SPLIT {
                let is_it = |c: &&PlannedCell| {
                    let hop = hop::of(&request.workloads[c.workload].record).unwrap();
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
        let labels: Vec<String> = planned.iter().map(|c| c.label.clone()).collect();
        for (i, label) in labels.iter().enumerate() {
            assert!(!labels[..i].contains(label), "{label}");
        }
    }

    #[test]
    fn messages_beside_delivery_are_measured_too() {
        let named = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&n| n.to_owned()).collect();
            let workloads = Programme::named(&names).unwrap().workloads;
            of_hops(&asked(workloads, &[ENDS], 2.0)).len()
        };
        assert_eq!(named(&["delivery"]), 0, "one hop is there for the controls");
        assert_eq!(named(&["delivery", "message"]), named(&["message"]));
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
        let mut request = request(&[links::small()], 2.0);
        request.workloads.insert(0, built_in("exploration"));
        let planned = of_hops(&request);
        assert_eq!(planned.len(), SPLIT.len());
        // Twelve seconds of the two minutes, for six pairs of each.
        let six_s = 6.0 * planned.iter().map(|c| c.pair_s).sum::<f64>();
        assert!(six_s < 13.0, "{six_s}");
    }
}
