//! Is binary at least twice as fast as JSON, and how much of a message's price could be saved?

use super::finding::{BodyAnswer, FloorAnswer, FloorState, FormatCost};
use crate::verdict::words;
use crate::workload::serialize::{BASELINE, BINARY, Step};

/// What a binary format has to reach, in times as fast as JSON.
pub const FLOOR: f64 = 2.0;

/// Whether every binary format is at least [`FLOOR`] times as fast as JSON, in both steps: confirmed where
/// every interval begins there or above, refuted where one ends below, inconclusive where neither holds
/// or one is missing. `None` where none was measured.
#[must_use]
pub fn floor(formats: &[FormatCost]) -> Option<FloorAnswer> {
    let mut measured = Vec::new();
    let mut missing = Vec::new();
    for name in BINARY {
        let cost = formats.iter().find(|f| f.format == name);
        let of = |step: Step| match step {
            Step::Decode => cost?.decode.times_json,
            _ => cost?.encode.times_json,
        };
        for step in [Step::Encode, Step::Decode] {
            match of(step) {
                Some(times) => measured.push((name, step, times)),
                None => missing.push(format!("{name} {}", step.name())),
            }
        }
    }
    let below = measured.iter().any(|(_, _, times)| times.high < FLOOR);
    let above = missing.is_empty() && measured.iter().all(|(_, _, times)| times.low >= FLOOR);
    let (state, candidates): (_, Vec<_>) = match (below, above) {
        (true, _) => {
            let is_below = |m: &&(_, _, crate::record::Estimate)| m.2.high < FLOOR;
            (
                FloorState::Refuted,
                measured.iter().filter(is_below).collect(),
            )
        }
        (false, true) => (FloorState::Confirmed, measured.iter().collect()),
        (false, false) => (FloorState::Inconclusive, measured.iter().collect()),
    };
    let lowest = candidates
        .into_iter()
        .min_by(|a, b| a.2.low.total_cmp(&b.2.low));
    lowest.map(|&(format, step, times_json)| FloorAnswer {
        state,
        format: format.to_owned(),
        step,
        times_json,
        missing,
    })
}

/// What a run says about one body: the floor, and what part of a message JSON and the fastest binary
/// format are.
#[must_use]
pub fn format_sentence(answer: &BodyAnswer) -> String {
    let mut sentence = format!("{}: {}", answer.body, floor_words(answer));
    if let Some(saved) = saved_words(answer) {
        sentence += &format!("; {saved}");
    }
    sentence
}

fn floor_words(answer: &BodyAnswer) -> String {
    let what = format!("\"binary at least {FLOOR} times as fast as JSON\"");
    let Some(floor) = &answer.floor else {
        return format!("{what} was not measured");
    };
    let t = floor.times_json;
    let least = format!(
        "{} {} {} [{}, {}] times",
        floor.format,
        floor.step.name(),
        digits(t.value),
        digits(t.low),
        digits(t.high)
    );
    let missing = match floor.missing.as_slice() {
        [] => String::new(),
        some => format!(", not measured: {}", words::list(some)),
    };
    match floor.state {
        FloorState::Inconclusive => format!("{what} is inconclusive ({least}{missing})"),
        state => format!("{what} is {state} (the least: {least}{missing})"),
    }
}

/// A factor with three digits: the second decimal says on which side of the floor an interval ends.
fn digits(factor: f64) -> String {
    let decimals = match factor {
        f if f < 9.995 => 2,
        f if f < 99.95 => 1,
        _ => 0,
    };
    format!("{factor:.decimals$}")
}

/// What JSON adds to a message, and what is left of that in the binary format that takes the least.
fn saved_words(answer: &BodyAnswer) -> Option<String> {
    let named = |name: &str| answer.formats.iter().find(|f| f.format == name);
    let json = named(BASELINE)?;
    let total = |f: &FormatCost| f.encode.ns.value + f.decode.ns.value;
    let binary = BINARY
        .into_iter()
        .filter_map(named)
        .min_by(|a, b| total(a).total_cmp(&total(b)))?;
    let shares = |cost: &FormatCost| -> Vec<String> {
        let said = |s: &super::finding::ShareOfHop| {
            format!("{:.0} % by {}", s.share.value * 100.0, s.transport)
        };
        cost.shares.iter().map(said).collect()
    };
    let of = |cost: &FormatCost| words::list(&shares(cost));
    let costs = format!(
        "JSON costs a message {}, {} {}",
        words::micros(total(json)),
        binary.format,
        words::micros(total(binary))
    );
    Some(match json.shares.is_empty() {
        true => costs,
        false => format!(
            "{costs}: of a message between processes that is {}, against {}",
            of(json),
            of(binary)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Estimate;
    use crate::study::formats::finding::{ShareOfHop, StepCost};

    fn around(value: f64, half: f64) -> Estimate {
        Estimate {
            value,
            low: value - half,
            high: value + half,
        }
    }

    /// A format with how many times as fast as JSON it is, encoding and decoding.
    fn cost(format: &str, ns: f64, times: [Option<(f64, f64)>; 2]) -> FormatCost {
        let [encode, decode] = times.map(|times| StepCost {
            ns: around(ns, 1.0),
            times_json: times.map(|(value, half)| around(value, half)),
            allocations: None,
        });
        FormatCost {
            format: format.to_owned(),
            bytes: 800.0,
            encode,
            decode,
            shares: Vec::new(),
        }
    }

    fn binary(times: [[Option<(f64, f64)>; 2]; 2]) -> Vec<FormatCost> {
        let json = cost("json", 10_000.0, [None, None]);
        // What is no binary format of others does not count, however slow.
        let raw = cost("raw", 50.0, [Some((0.5, 0.1)); 2]);
        let [postcard, rkyv] = times;
        vec![
            json,
            cost("postcard", 500.0, postcard),
            cost("rkyv", 400.0, rkyv),
            raw,
        ]
    }

    fn rests_on(formats: &[FormatCost]) -> (FloorState, String) {
        let floor = floor(formats).unwrap();
        (
            floor.state,
            format!("{} {}", floor.format, floor.step.name()),
        )
    }

    const FAR: Option<(f64, f64)> = Some((9.0, 0.5));

    #[test]
    fn a_floor_is_confirmed_by_intervals_that_all_begin_there() {
        let formats = binary([[FAR, FAR], [Some((2.5, 0.5)), FAR]]);
        let expected = (FloorState::Confirmed, "rkyv encode".to_owned());
        assert_eq!(rests_on(&formats), expected);
    }

    #[test]
    fn one_interval_below_refutes_it_whatever_else_is_unknown() {
        let below = Some((1.8, 0.1));
        let expected = (FloorState::Refuted, "postcard decode".to_owned());
        assert_eq!(rests_on(&binary([[FAR, below], [FAR, FAR]])), expected);
        // The one that reaches across begins lower, but it refutes nothing.
        let wide = Some((2.0, 1.5));
        assert_eq!(rests_on(&binary([[FAR, below], [wide, None]])), expected);
    }

    #[test]
    fn an_interval_that_reaches_across_leaves_it_open() {
        let across = Some((2.1, 0.2));
        let expected = (FloorState::Inconclusive, "rkyv decode".to_owned());
        assert_eq!(rests_on(&binary([[FAR, FAR], [FAR, across]])), expected);
    }

    #[test]
    fn what_is_missing_confirms_nothing() {
        let formats = binary([[FAR, FAR], [FAR, None]]);
        let found = floor(&formats).unwrap();
        assert_eq!(found.state, FloorState::Inconclusive);
        assert_eq!(found.missing, ["rkyv decode"]);
        assert_eq!(floor(&formats[..1]), None);
        assert_eq!(floor(&binary([[None; 2]; 2])), None);
    }

    fn answer(formats: Vec<FormatCost>) -> BodyAnswer {
        BodyAnswer {
            body: "beliefs100".to_owned(),
            values_bytes: 800,
            hops: Vec::new(),
            floor: floor(&formats),
            formats,
            sentence: String::new(),
        }
    }

    #[test]
    fn a_sentence_says_what_the_floor_rests_on_and_what_could_be_saved() {
        let mut all = answer(binary([[FAR, FAR], [Some((12.3, 0.4)), FAR]]));
        assert_eq!(
            format_sentence(&all),
            "beliefs100: \"binary at least 2 times as fast as JSON\" is confirmed (the least: postcard encode \
             9.00 [8.50, 9.50] times); JSON costs a message 20.0 µs, rkyv 0.80 µs"
        );
        for format in &mut all.formats {
            let share = |transport: &str, of: f64| ShareOfHop {
                transport: transport.to_owned(),
                share: around(format.encode.ns.value * 2.0 / of, 0.01),
            };
            format.shares = vec![share("ipc:bytes", 40_000.0), share("ring", 25_000.0)];
        }
        let said = format_sentence(&all);
        let end = "of a message between processes that is 50 % by ipc:bytes and 80 % by ring, against 2 % by \
                   ipc:bytes and 3 % by ring";
        assert!(said.ends_with(end), "{said}");
    }

    #[test]
    fn a_sentence_names_what_is_open_or_missing() {
        let open = answer(binary([[FAR, FAR], [FAR, Some((2.1, 0.2))]]));
        let said = format_sentence(&open);
        assert!(
            said.contains("is inconclusive (rkyv decode 2.10 [1.90, 2.30] times);"),
            "{said}"
        );
        let partly = answer(binary([[FAR, FAR], [FAR, None]]));
        let said = format_sentence(&partly);
        assert!(said.contains("not measured: rkyv decode"), "{said}");
        let refuted = answer(binary([[FAR, Some((1.5, 0.1))], [FAR, FAR]]));
        let said = format_sentence(&refuted);
        assert!(
            said.contains("is refuted (the least: postcard decode 1.50 [1.40, 1.60]"),
            "{said}"
        );
        let nothing = answer(binary([[None; 2]; 2]));
        let said = format_sentence(&nothing);
        assert!(said.contains("was not measured; JSON costs"), "{said}");
    }
}
