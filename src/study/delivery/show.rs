//! Does it matter more whether a receiver polls than where it runs?

use super::{DeliveryAnswers, DeliveryWay};
use crate::document::chart::{Form, Ink, Interval, Intervals, Key, Look, Unit};
use crate::document::{Chart, Document, Table, numbers};
use crate::record::{Estimate, Run};
use crate::study::alike::{or_nothing, transport};
use crate::verdict::words;
use crate::workload::delivery::ENTRY;

pub fn show(run: &Run, out: &mut Document) {
    let Some(delivery) = run.finding::<DeliveryAnswers>(ENTRY.name) else {
        return;
    };
    let mut ways: Vec<&DeliveryWay> = delivery.ways.iter().collect();
    ways.sort_by_key(|w| (w.deployment != "threads", w.poll_ms, w.gap_ms as u64));
    let titles = [
        "deployment",
        "receiver",
        "mean delay",
        "p95",
        "predicted\nmean",
        "looks\nwasted",
        "CPU\nµs/message",
        "woken is\nbetter",
    ];
    let section = out.section("delivery", "delivery");
    section.about(
        "from the planned moment of sending to receiving, messages at random moments, all in order",
    );
    section.chart(Some(delays(&ways)));
    section.table(Table::new(2, titles).rows(ways.iter().map(|w| row(&delivery, w))));
    for event in &delivery.event {
        section.plain(format!(
            "woken, {} ms apart: mean delay of {} / {}: {}",
            event.gap_ms,
            event.x,
            event.baseline,
            numbers::ratio(&event.effect)
        ));
    }
    let mut by: Vec<String> = Vec::new();
    for way in &ways {
        let said = format!("{} by {}", way.deployment, transport(&way.transport));
        if !by.contains(&said) {
            by.push(said);
        }
    }
    section.quiet(by.join("; ")).quiet(
        "predicted: half an interval, whatever the transport; woken is better: mean delay of polling / of being woken by \
         the same messages, with its 95 % interval in the record",
    );
    // What the claim is worth here, and who is woken sooner.
    let event = delivery.event.iter().map(|w| &w.sentence);
    for said in delivery.claims.iter().chain(event) {
        out.answer("delivery", said);
    }
}

fn receiver(way: &DeliveryWay) -> String {
    match way.poll_ms {
        None => format!("woken, {} ms apart", way.gap_ms),
        Some(ms) => format!("polls, {ms} ms"),
    }
}

fn row(delivery: &DeliveryAnswers, way: &DeliveryWay) -> [String; 8] {
    let seconds = |ns: f64| numbers::seconds(ns / 1e9);
    let is_own =
        |deployment: &str, poll_ms| deployment == way.deployment && Some(poll_ms) == way.poll_ms;
    let better = delivery
        .improvements
        .iter()
        .find(|i| is_own(&i.deployment, i.poll_ms));
    [
        way.deployment.clone(),
        receiver(way),
        seconds(way.mean_ns.value),
        or_nothing(way.p95_ns, seconds),
        or_nothing(way.predicted_ns, seconds),
        or_nothing(way.wasted_polls, |share| format!("{:.0} %", share * 100.0)),
        numbers::micros(way.cpu_per_message_ns),
        or_nothing(better, |i| words::times(i.effect.ratio)),
    ]
}

fn delays(ways: &[&DeliveryWay]) -> Chart {
    let (event, polls) = (
        Look::new(Ink::Base, Form::Disc),
        Look::new(Ink::Other, Form::Square),
    );
    let row = |way: &&DeliveryWay| {
        let e = &way.mean_ns;
        Interval {
            name: format!("{}: {}", way.deployment, receiver(way)),
            measured: Some(Estimate {
                value: e.value / 1e9,
                low: e.low / 1e9,
                high: e.high / 1e9,
            }),
            asked: None,
            text: numbers::time(e),
            look: if way.poll_ms.is_none() { event } else { polls },
        }
    };
    let drawn = Intervals {
        title: "mean delay".to_owned(),
        unit: Unit::Seconds,
        level: None,
        band: None,
        rows: ways.iter().map(row).collect(),
    };
    let title = "mean delay from the planned moment of sending to receiving";
    let caption = "Means with 95 % intervals, by factors. Polling must give half its interval, whatever the transport.";
    let key = vec![
        Key::point(event, "the receiver is woken"),
        Key::point(polls, "the receiver polls"),
    ];
    drawn.chart("delays", title.to_owned(), caption.to_owned(), key)
}
