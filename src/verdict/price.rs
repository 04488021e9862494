//! What does one message cost, in a sentence?

use super::words;
use crate::record::hops::{HopSplit, Part};

/// Below this share of a price a part is not worth a word.
const WORTH_A_WORD: f64 = 0.02;

/// The price of one message by a native transport, with its parts, the largest first. Parts that are too
/// small to be told from nothing are named as such, not left out.
#[must_use]
pub fn price(split: &HopSplit) -> String {
    let mut parts: Vec<_> = split.parts.iter().collect();
    parts.sort_by(|a, b| b.ns.value.total_cmp(&a.ns.value));
    let is_nothing = |p: &&crate::record::hops::HopPart| {
        p.share < WORTH_A_WORD || (p.ns.low <= 0.0 && p.ns.high >= 0.0)
    };
    let (small, large): (Vec<_>, Vec<_>) = parts.into_iter().partition(|p| is_nothing(p));
    let said = |p: &crate::record::hops::HopPart| {
        format!(
            "{} {} ({:.0} %)",
            p.part.name(),
            words::micros(p.ns.value),
            p.share * 100.0
        )
    };
    let large: Vec<String> = large.into_iter().map(said).collect();
    let small: Vec<&str> = small
        .into_iter()
        .filter(|p| p.part != Part::Rest)
        .map(|p| p.part.name())
        .collect();
    let mut sentence = format!(
        "a message of {} costs {} {} one way ({})",
        words::payload(split.payload_bytes),
        split.deployment,
        words::micros(split.total_ns.value),
        split.transport,
    );
    if !large.is_empty() {
        sentence += &format!(": {}", large.join(", "));
    }
    if !small.is_empty() {
        sentence += &format!("; no more than noise, or 2 %: {}", small.join(", "));
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Estimate;
    use crate::record::hops::HopPart;

    fn part(part: Part, value: f64, half: f64, total: f64) -> HopPart {
        HopPart {
            part,
            ns: Estimate {
                value,
                low: value - half,
                high: value + half,
            },
            share: value / total,
            measured_as: String::new(),
        }
    }

    #[test]
    fn the_largest_part_comes_first_and_noise_is_called_noise() {
        let split = HopSplit {
            payload_bytes: 64,
            deployment: "processes".to_owned(),
            transport: "ipc".to_owned(),
            total_ns: Estimate {
                value: 20_000.0,
                low: 19_000.0,
                high: 21_000.0,
            },
            sentence: String::new(),
            parts: vec![
                part(Part::Serialisation, 1_000.0, 300.0, 20_000.0),
                part(Part::WakeUp, 15_000.0, 900.0, 20_000.0),
                part(Part::AddressSpace, 2.0, 8.0, 20_000.0),
                part(Part::Copy, 900.0, 1_000.0, 20_000.0),
                part(Part::Rest, 3_098.0, 1_500.0, 20_000.0),
            ],
        };
        assert_eq!(
            price(&split),
            "a message of 64 B costs processes 20.0 µs one way (ipc): wake-up 15.0 µs (75 %), rest 3.10 µs \
             (15 %), serialisation 1.00 µs (5 %); no more than noise, or 2 %: copy, address space"
        );
    }
}
