//! Does it matter more whether a receiver polls than where it runs?

use super::{mark, transport};
use crate::record::Run;
use crate::report::layout::{Grid, Last, Page, Tone};
use crate::report::numbers;
use crate::study::delivery::{DeliveryAnswers, DeliveryWay};
use crate::verdict::words;
use crate::workload::delivery::ENTRY;

/// What the run says of delivery.
pub fn found(run: &Run) -> Option<DeliveryAnswers> {
    run.finding(ENTRY.name)
}

pub fn write(run: &Run, page: &mut Page) {
    let Some(delivery) = found(run) else {
        return;
    };
    page.heading(
        &format!("delivery{}", mark(run)),
        "from the planned moment of sending to receiving, messages at random moments, all in order",
    );
    let mut ways: Vec<&DeliveryWay> = delivery.ways.iter().collect();
    ways.sort_by_key(|w| (w.deployment != "threads", w.poll_ms, w.gap_ms as u64));
    page.grid(&Grid {
        left: 2,
        header: [
            "deployment",
            "receiver",
            "mean delay",
            "p95",
            "predicted\nmean",
            "looks\nwasted",
            "CPU\nµs/message",
            "woken is\nbetter",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: ways.iter().map(|w| row(&delivery, w)).collect(),
        last: Last::Numbers,
    });
    for woken in &delivery.woken {
        let said = format!(
            "woken, {} ms apart: mean delay of {} / {}: {}",
            woken.gap_ms,
            woken.x,
            woken.baseline,
            numbers::ratio(&woken.effect)
        );
        page.paragraph(2, Tone::Plain, &said);
    }
    let mut by: Vec<String> = Vec::new();
    for way in &ways {
        let said = format!("{} by {}", way.deployment, transport(&way.transport));
        if !by.contains(&said) {
            by.push(said);
        }
    }
    page.paragraph(2, Tone::Quiet, &by.join("; "));
    page.paragraph(
        2,
        Tone::Quiet,
        "predicted: half an interval, whatever the transport; woken is better: mean delay of polling / of being \
         woken by the same messages, with its 95 % interval in the record",
    );
}

fn row(delivery: &DeliveryAnswers, way: &DeliveryWay) -> Vec<String> {
    let nothing = || numbers::NOTHING.to_owned();
    let seconds = |ns: f64| numbers::seconds(ns / 1e9);
    let receiver = match way.poll_ms {
        None => format!("woken, {} ms apart", way.gap_ms),
        Some(ms) => format!("polls, {ms} ms"),
    };
    let better = delivery
        .improvements
        .iter()
        .find(|i| i.deployment == way.deployment && Some(i.poll_ms) == way.poll_ms);
    vec![
        way.deployment.clone(),
        receiver,
        seconds(way.mean_ns.value),
        way.p95_ns.map_or_else(nothing, seconds),
        way.predicted_ns.map_or_else(nothing, seconds),
        way.wasted_polls
            .map_or_else(nothing, |share| format!("{:.0} %", share * 100.0)),
        numbers::micros(way.cpu_per_message_ns),
        better.map_or_else(nothing, |i| words::times(i.effect.ratio)),
    ]
}

/// What the claim is worth here, and who is woken sooner.
pub fn sentences(run: &Run) -> Vec<String> {
    let found = found(run);
    let claims = found.iter().flat_map(|d| &d.claims);
    let woken = found.iter().flat_map(|d| &d.woken);
    let woken = woken.map(|w| &w.sentence);
    claims.chain(woken).cloned().collect()
}
