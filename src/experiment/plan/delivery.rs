//! Which pairs say whether polling matters more than threads or processes?
//!
//! Under each deployment, by its native transport: polling at each interval against being woken, with the same
//! messages at the same moments. Then being woken as a process against being woken as a thread.

use super::message::WARM_UP_S;
use super::{Cells, side};
use crate::record::Purpose;
use crate::workload::delivery::{Paced, Reception};
use crate::workload::hop::{ENDS, Pattern};

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
        [woken(gap_us), Paced { gap_us, reception }]
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
pub fn woken(gap_us: u64) -> Paced {
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

/// Whether a request is about delivery.
pub(super) fn is_asked(request: &super::Request) -> bool {
    request.workloads.iter().any(is_delivery)
}

/// Whether a workload is messages at random moments.
#[must_use]
pub fn is_delivery(workload: &super::PlannedWorkload) -> bool {
    matches!(workload.hop.map(|h| h.pattern), Some(Pattern::Paced(_)))
}

/// Hops of a request that are no delivery.
pub(super) fn other_hops(request: &super::Request) -> usize {
    let hops = request.workloads.iter().filter(|w| w.hop.is_some());
    hops.filter(|w| !is_delivery(w)).count()
}

/// Adds the pairs of every delivery of the request.
pub(super) fn add(cells: &mut Cells<'_>) {
    let request = cells.request;
    let paced: Vec<(usize, Paced)> = request
        .workloads
        .iter()
        .enumerate()
        .filter_map(|(index, w)| match w.hop?.pattern {
            Pattern::Paced(paced) => Some((index, paced)),
            Pattern::PingPong | Pattern::Flood => None,
        })
        .collect();
    let woken = |gap_us| {
        let is_it = |(_, p): &&(usize, Paced)| *p == woken(gap_us);
        paced.iter().find(is_it).map(|&(index, _)| index)
    };
    let mut rank = 0;
    for &(workload, way) in &paced {
        let Reception::Poll { every_us } = way.reception else {
            continue;
        };
        let Some(event) = woken(way.gap_us) else {
            continue;
        };
        for &form in &request.deployments {
            let side = side(request, form);
            cells.add(workload, ENDS, side, side, Purpose::Variant);
            cells.set_last(|cell| {
                cell.x_workload = event;
                cell.rank = rank;
                set_times(cell, every_us, way.gap_us);
            });
        }
        rank += 1;
    }
    let events = paced
        .iter()
        .filter(|(_, p)| p.reception == Reception::Event);
    if let (Some(&(event, way)), [baseline, others @ ..]) =
        (events.clone().next(), &*request.deployments)
    {
        for &x in others {
            let (baseline, x) = (side(request, *baseline), side(request, x));
            cells.add(event, ENDS, baseline, x, Purpose::Variant);
            cells.set_last(|cell| set_times(cell, 0, way.gap_us));
        }
    }
}

fn set_times(cell: &mut super::PlannedCell, every_us: u64, gap_us: u64) {
    let window_s = window_ms((every_us / 1000).max(1), gap_us) as f64 / 1e3;
    // Whoever polls learns that it shall stop when it looks: once after the warm-up, once after the window.
    let polling_s = 2.0 * every_us as f64 / 1e6;
    cell.pair_s += 2.0 * (window_s - cell.window_s + WARM_UP_S - cell.warm_up_s) + polling_s;
    (cell.window_s, cell.warm_up_s) = (window_s, WARM_UP_S);
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
            assert!(ways().contains(&woken(way.gap_us)));
        }
    }
}
