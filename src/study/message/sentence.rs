//! What does one message cost, in a sentence?

use super::finding::{HopPart, HopSplit, Part};
use crate::verdict::words;

/// Below this share of a price a part is not worth a word.
const WORTH_A_WORD: f64 = 0.02;

/// What the interval of a part says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Certainly there, and a part: more than nothing, and not more than the price.
    There,
    /// At most 2 % of the price, with its whole interval.
    Small,
    /// Not told from nothing, below it, or beyond the price: something else differed between the two things
    /// that it was measured by.
    Not,
}

/// What is known about a part of `split`.
#[must_use]
pub fn told(split: &HopSplit, part: &HopPart) -> Told {
    let total = split.total_ns.value;
    let little = WORTH_A_WORD * total;
    match () {
        () if part.ns.low >= -little && part.ns.high <= little => Told::Small,
        () if part.ns.low > 0.0 && part.ns.value <= total => Told::There,
        () => Told::Not,
    }
}

/// Whether the parts of `split` can be parts of one price: none of them is certainly negative by more than 2 %
/// of it, and what is left is known to within the price. Where they cannot, the machine was not the same while
/// the parts were measured, and no share of the price means anything.
#[must_use]
pub fn adds_up(split: &HopSplit) -> bool {
    let total = split.total_ns.value;
    let is_negative = |p: &HopPart| p.ns.high < 0.0 && p.ns.value < -WORTH_A_WORD * total;
    let is_vague = |p: &HopPart| p.part == Part::Rest && p.ns.high - p.ns.low > total;
    total > 0.0 && !split.parts.iter().any(|p| is_negative(p) || is_vague(p))
}

/// The price of one message by a native transport, with its parts, the largest first. Parts that are small,
/// and parts that cannot be told apart, are named as such, not left out. Where the parts do not add up there
/// are no shares.
#[must_use]
pub fn price(split: &HopSplit) -> String {
    let mut sentence = format!(
        "a message of {} usually costs {} {} one way in a round trip ({})",
        words::payload(split.payload_bytes),
        split.deployment,
        words::micros(split.total_ns.value),
        split.transport,
    );
    if !adds_up(split) {
        sentence +=
            "; its parts do not add up on this machine now: what it is made of cannot be told";
        return sentence;
    }
    let mut parts: Vec<&HopPart> = split.parts.iter().collect();
    parts.sort_by(|a, b| b.ns.value.total_cmp(&a.ns.value));
    let such = |what: Told| parts.iter().filter(move |p| told(split, p) == what);
    let said = |p: &&HopPart| {
        format!(
            "{} {} ({:.0} %)",
            p.part.name(),
            words::micros(p.ns.value),
            p.share * 100.0
        )
    };
    let large: Vec<String> = such(Told::There).map(said).collect();
    if !large.is_empty() {
        sentence += &format!(": {}", large.join(", "));
    }
    for (what, begin) in [
        (Told::Small, "at most 2 %"),
        (Told::Not, "cannot be told apart here"),
    ] {
        let names: Vec<&str> = such(what).map(|p| p.part.name()).collect();
        if !names.is_empty() {
            sentence += &format!("; {begin}: {}", names.join(", "));
        }
    }
    sentence
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::record::Estimate;

    pub(crate) fn part(part: Part, value: f64, half: f64, total: f64) -> HopPart {
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

    pub(crate) fn split(parts: Vec<HopPart>) -> HopSplit {
        HopSplit {
            payload_bytes: 64,
            deployment: "processes".to_owned(),
            transport: "ipc".to_owned(),
            total_ns: Estimate {
                value: 20_000.0,
                low: 19_000.0,
                high: 21_000.0,
            },
            sentence: String::new(),
            parts,
        }
    }

    #[test]
    fn the_largest_part_comes_first_and_what_is_not_told_from_nothing_is_called_so() {
        let split = split(vec![
            part(Part::Serialisation, 1_000.0, 300.0, 20_000.0),
            part(Part::WakeUp, 15_000.0, 900.0, 20_000.0),
            part(Part::AddressSpace, 2.0, 8.0, 20_000.0),
            part(Part::Copy, 900.0, 1_000.0, 20_000.0),
            part(Part::Rest, 3_098.0, 1_500.0, 20_000.0),
        ]);
        assert_eq!(
            price(&split),
            "a message of 64 B usually costs processes 20.0 µs one way in a round trip (ipc): wake-up 15.0 µs (75 %), rest 3.10 µs \
             (15 %), serialisation 1.00 µs (5 %); at most 2 %: address space; cannot be told apart here: copy"
        );
    }

    #[test]
    fn a_large_part_whose_interval_holds_zero_is_never_small() {
        let parts = vec![
            part(Part::WakeUp, 18_600.0, 18_700.0, 20_000.0),
            part(Part::Rest, 1_400.0, 5_000.0, 20_000.0),
        ];
        let split = split(parts);
        assert_eq!(told(&split, &split.parts[0]), Told::Not);
        let said = price(&split);
        assert!(
            said.ends_with("; cannot be told apart here: wake-up, rest"),
            "{said}"
        );
        assert!(!said.contains("2 %"), "{said}");
    }

    #[test]
    fn a_part_below_zero_or_beyond_the_price_is_not_told_apart() {
        let parts = vec![
            part(Part::WakeUp, 20_300.0, 200.0, 20_000.0),
            part(Part::Copy, -390.0, 50.0, 20_000.0),
            part(Part::Rest, 90.0, 9_000.0, 20_000.0),
        ];
        let split = split(parts);
        assert!(adds_up(&split));
        assert!(split.parts.iter().all(|p| told(&split, p) == Told::Not));
    }

    #[test]
    fn a_price_with_a_part_that_is_certainly_negative_has_no_shares() {
        let negative = split(vec![
            part(Part::WakeUp, -6_060_000.0, 900_000.0, 20_000.0),
            part(Part::Copy, 1_000.0, 100.0, 20_000.0),
            part(Part::Rest, 6_079_000.0, 900_001.0, 20_000.0),
        ]);
        let vague = split(vec![
            part(Part::WakeUp, 15_000.0, 900.0, 20_000.0),
            part(Part::Rest, 5_000.0, 10_001.0, 20_000.0),
        ]);
        for split in [negative, vague] {
            assert!(!adds_up(&split));
            let said = price(&split);
            assert!(said.contains("do not add up on this machine now"), "{said}");
            assert!(!said.contains('%'), "{said}");
        }
    }
}
