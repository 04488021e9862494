//! Which pairs say whether polling matters more than threads or processes?
//!
//! Under each deployment, by its native transport: polling at each interval against being woken, with the same
//! messages at the same moments. Then being woken as a process against being woken as a thread.

use crate::experiment::plan::{Draft, Leaves, NamedBy, PlannedCell, Stands};
use crate::metric::Metric;
use crate::record::Weight;
use crate::study::links::WARM_UP_S;
use crate::workload::delivery::{self, Paced, Reception};
use crate::workload::hop::ENDS;

/// Intervals of polling, milliseconds.
pub const INTERVALS_MS: [u64; 4] = [1, 10, 100, 1000];

/// Messages in a window of ours, on average: enough for a 95th percentile, and a mean.
const MESSAGES: u64 = 125;

/// Messages in any window at least, on average, however far apart a file wants them.
const LEAST_MESSAGES: u64 = 100;

/// Shortest window, milliseconds.
const LEAST_WINDOW_MS: u64 = 300;

/// Looks in a window at least: from its opening on, so that messages fall anywhere between two.
const LOOKS: u64 = 2;

/// Polling at each interval, and being woken by the same messages.
#[must_use]
pub fn ways() -> Vec<Paced> {
    let of_interval = |ms| {
        let every_us = 1000 * ms;
        let gap_us = window_ms(ms, 0) * 1000 / MESSAGES;
        let reception = Reception::Poll { every_us };
        [event(gap_us), Paced { gap_us, reception }]
    };
    let mut ways: Vec<Paced> = Vec::new();
    for way in INTERVALS_MS.into_iter().flat_map(of_interval) {
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    ways
}

/// Being woken by messages so far apart.
#[must_use]
pub fn event(gap_us: u64) -> Paced {
    Paced {
        gap_us,
        reception: Reception::Event,
    }
}

/// A whole number of intervals, because a message then falls anywhere between two looks alike, whenever the
/// first one is; and long enough for messages that are `gap_us` apart.
fn window_ms(interval_ms: u64, gap_us: u64) -> u64 {
    LEAST_WINDOW_MS
        .max(LOOKS * interval_ms)
        .max((LEAST_MESSAGES * gap_us).div_ceil(1000))
        .next_multiple_of(interval_ms)
}

/// Adds the pairs of every delivery of the plan.
pub fn add(draft: &mut Draft<'_>) {
    let asked = draft.asked;
    let paced: Vec<(usize, Paced)> = draft
        .own()
        .into_iter()
        .filter_map(|w| Some((w, delivery::of(&asked.workloads[w].record)?)))
        .collect();
    let event = |gap_us| {
        let is_it = |(_, p): &&(usize, Paced)| *p == event(gap_us);
        paced.iter().find(is_it).map(|&(index, _)| index)
    };
    let mut order = 0;
    for &(workload, way) in &paced {
        let Reception::Poll { every_us } = way.reception else {
            continue;
        };
        let Some(event) = event(way.gap_us) else {
            continue;
        };
        for &form in &asked.deployments {
            let side = draft.side(form);
            let names = [workload, event].map(|w| asked.workloads[w].source.name.as_str());
            let cell = draft.add(workload, ENDS, side, side);
            cell.x_workload = event;
            cell.named_by = NamedBy::Workload;
            cell.label = format!("{} against {}", names[1], names[0]);
            cell.leaves = Leaves::by_order(order);
            set(cell, every_us, way.gap_us);
        }
        order += 1;
    }
    let mut events = paced
        .iter()
        .filter(|(_, p)| p.reception == Reception::Event);
    if let (Some(&(event, way)), [baseline, others @ ..]) = (events.next(), &*asked.deployments) {
        for &x in others {
            let (baseline, x) = (draft.side(*baseline), draft.side(x));
            let name = &asked.workloads[event].source.name;
            let cell = draft.add(event, ENDS, baseline, x);
            cell.label = format!("{name} against {name}");
            set(cell, 0, way.gap_us);
        }
    }
}

fn set(cell: &mut PlannedCell, every_us: u64, gap_us: u64) {
    let window_s = window_ms((every_us / 1000).max(1), gap_us) as f64 / 1e3;
    cell.time(window_s, WARM_UP_S);
    // Whoever polls learns that it shall stop when it looks: once after the warm-up, once after the window.
    cell.pair_s += 2.0 * every_us as f64 / 1e6;
    // Messages come at planned moments: their rate says nothing about who sent them.
    cell.metric = Metric::SERVICE_MEAN_NS;
    cell.weight = Weight::Beside;
    cell.stands = Stands::WhereNative;
    // Messages are far apart.
    cell.in_one_piece = true;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_whole_intervals_and_a_hundred_messages() {
        for ms in INTERVALS_MS {
            for gap_us in [100, 2400, 100_000] {
                let window_ms = window_ms(ms, gap_us);
                assert_eq!(window_ms % ms, 0);
                assert!(window_ms >= 2 * ms && window_ms >= 300);
                assert!(1000 * window_ms / gap_us >= LEAST_MESSAGES);
            }
        }
        for way in ways() {
            let Reception::Poll { every_us } = way.reception else {
                continue;
            };
            let window_ms = window_ms(every_us / 1000, way.gap_us);
            assert!(window_ms * 1000 / way.gap_us >= MESSAGES);
            assert!(ways().contains(&event(way.gap_us)));
        }
    }
}
