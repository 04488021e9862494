//! What does a format cost, and what part of a message's price is that?

use super::finding::{BodyAnswer, FormatCost, FormatFacts, HopPrice, ShareOfHop, StepCost};
use crate::record::{Cell, Estimate, Sample, WorkloadRecord};
use crate::stats::estimate_mean;
use crate::study::links::{HopLevel, Sent, levels};
use crate::workload::hop::Pattern;
use crate::workload::serialize::body::BODIES;
use crate::workload::serialize::facts::Allocations;
use crate::workload::serialize::{self, BASELINE, Body, FORMATS, Settings, Step};

/// What the cells say about each body, without sentences; bodies and formats in the order of their
/// registries, as far as both steps have two invocations.
#[must_use]
pub fn body_answers(
    cells: &[&Cell],
    workloads: &[WorkloadRecord],
    facts: &[FormatFacts],
) -> Vec<BodyAnswer> {
    answers(
        cells,
        workloads,
        facts,
        &levels(&Sent::of(cells, workloads)),
    )
}

/// The same, with what hops of the bodies' sizes take.
fn answers(
    cells: &[&Cell],
    workloads: &[WorkloadRecord],
    facts: &[FormatFacts],
    hops: &[HopLevel],
) -> Vec<BodyAnswer> {
    let written: Vec<(&str, Settings)> = workloads
        .iter()
        .filter_map(|w| Some((w.name.as_str(), serialize::of(w)?)))
        .collect();
    let compared: Vec<Compared<'_>> = cells
        .iter()
        .filter_map(|&cell| {
            let of = |name: &str| written.iter().find(|(n, _)| *n == name).map(|(_, s)| *s);
            Some(Compared {
                cell,
                baseline: of(&cell.baseline.workload)?,
                x: of(&cell.x.workload)?,
            })
        })
        .collect();
    let of_body = |&(name, body): &(&str, Body)| {
        let asked = Asked {
            name,
            body,
            compared: &compared,
            facts,
            hops: hop_prices(body, hops),
        };
        asked.answer()
    };
    BODIES.iter().filter_map(of_body).collect()
}

/// Round trips of a body's size between processes, where the scheduler puts both ends.
fn hop_prices(body: Body, levels: &[HopLevel]) -> Vec<HopPrice> {
    let bytes = body.bytes().next_multiple_of(8);
    let of_size = levels
        .iter()
        .filter(|l| l.pattern == Pattern::PingPong && l.payload_bytes == bytes && l.cpus.is_free());
    of_size
        .filter_map(|l| {
            Some(HopPrice {
                deployment: l.deployment.clone(),
                transport: l.transport.clone(),
                ns: l.usual_ns?,
            })
        })
        .collect()
}

/// A cell, with what its two sides did.
struct Compared<'a> {
    cell: &'a Cell,
    baseline: Settings,
    x: Settings,
}

/// Time for one body, nanoseconds.
fn body_ns(sample: &Sample, settings: &Settings) -> f64 {
    sample.span_s / (sample.ops as f64 * f64::from(settings.bundle)) * 1e9
}

/// What there is about one body.
struct Asked<'a> {
    name: &'a str,
    body: Body,
    compared: &'a [Compared<'a>],
    facts: &'a [FormatFacts],
    hops: Vec<HopPrice>,
}

impl Asked<'_> {
    fn answer(self) -> Option<BodyAnswer> {
        let formats: Vec<FormatCost> = FORMATS.iter().filter_map(|f| self.cost(f.name)).collect();
        if formats.is_empty() {
            return None;
        }
        Some(BodyAnswer {
            body: self.name.to_owned(),
            values_bytes: self.body.bytes(),
            hops: self.hops,
            formats,
            floor: None,
            sentence: String::new(),
        })
    }

    fn cost(&self, format: &str) -> Option<FormatCost> {
        let mut facts = self.facts.iter();
        let facts = facts.find(|f| f.body == self.name && f.format == format);
        let encode = self.step(format, Step::Encode, facts.and_then(|f| f.encode))?;
        let decode = self.step(format, Step::Decode, facts.and_then(|f| f.decode))?;
        let shares = self.hops.iter().map(|hop| ShareOfHop {
            transport: hop.transport.clone(),
            share: share(&sum(&encode.ns, &decode.ns), &hop.ns),
        });
        Some(FormatCost {
            format: format.to_owned(),
            bytes: facts.map_or(0.0, |f| f.bytes),
            shares: shares.collect(),
            encode,
            decode,
        })
    }

    fn step(&self, format: &str, step: Step, allocations: Option<Allocations>) -> Option<StepCost> {
        let is_asked = |s: &Settings| (s.format.name, s.body, s.step) == (format, self.body, step);
        // JSON is the baseline of many cells, any other format side X of one.
        let mut times_ns = Vec::new();
        for c in self.compared {
            let (baseline, x) = (is_asked(&c.baseline), is_asked(&c.x));
            for (_, b, other) in c.cell.kept() {
                times_ns.extend(baseline.then(|| body_ns(b, &c.baseline)));
                times_ns.extend(x.then(|| body_ns(other, &c.x)));
            }
        }
        let against_json = self.compared.iter().find(|c| {
            is_asked(&c.x) && c.baseline.format.name == BASELINE && c.baseline.step == step
        });
        Some(StepCost {
            ns: estimate_mean(&times_ns).ok()?,
            times_json: against_json.and_then(times_json),
            allocations,
        })
    }
}

/// Time in JSON / time in the format, from the pairs of a cell.
fn times_json(compared: &Compared<'_>) -> Option<Estimate> {
    let effect = compared.cell.effect?;
    // The effect is on op/s; an op may hold more bodies on one side.
    let bodies = f64::from(compared.x.bundle) / f64::from(compared.baseline.bundle);
    Some(Estimate {
        value: effect.ratio * bodies,
        low: effect.low * bodies,
        high: effect.high * bodies,
    })
}

fn half_width(estimate: &Estimate) -> f64 {
    (estimate.high - estimate.low) / 2.0
}

/// Both were measured in invocations of their own, so their errors add as independent ones do.
fn sum(one: &Estimate, other: &Estimate) -> Estimate {
    let value = one.value + other.value;
    let half = half_width(one).hypot(half_width(other));
    Estimate {
        value,
        low: value - half,
        high: value + half,
    }
}

/// part / (part + rest), with the interval that follows from both by the delta method.
fn share(part: &Estimate, rest: &Estimate) -> Estimate {
    let whole = part.value + rest.value;
    let value = part.value / whole;
    let of_part = rest.value * half_width(part);
    let of_rest = part.value * half_width(rest);
    let half = of_part.hypot(of_rest) / whole.powi(2);
    Estimate {
        value,
        low: (value - half).max(0.0),
        high: (value + half).min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Arm, Effect, Outcome, Pair, Pinning, Side};
    use crate::workload::serialize::find_format;

    const BODY: Body = Body::Beliefs(100);

    fn settings(format: &str, step: Step) -> Settings {
        Settings {
            format: find_format(format).unwrap(),
            body: BODY,
            step,
            bundle: 20,
        }
    }

    fn workloads() -> Vec<WorkloadRecord> {
        let both = |f: &'static str| [settings(f, Step::Encode), settings(f, Step::Decode)];
        let all = ["json", "postcard", "raw"].into_iter().flat_map(both);
        let record = |settings: Settings| {
            let source = settings.source();
            WorkloadRecord {
                parameters: source.parameters(),
                name: source.name,
                origin: source.origin,
                episode_length: 20,
                life_length: None,
                digest_round: 25,
            }
        };
        all.map(record).collect()
    }

    fn sample(ns: f64) -> Outcome {
        Outcome::Measured(Box::new(Sample {
            ops: 1000,
            span_s: 1000.0 * 20.0 * ns * 1e-9,
            turns: 1,
            ..Sample::default()
        }))
    }

    /// JSON against `format`, with times for one body.
    fn cell(format: &str, step: Step, json_ns: f64, ns: f64) -> Cell {
        let wobbles = [-0.03, 0.02, 0.01, -0.01, 0.04, -0.03];
        let pair = |(round, wobble): (usize, &f64)| Pair {
            round: round as u32,
            first: Side::Baseline,
            baseline: sample(json_ns * (1.0 + wobble)),
            x: sample(ns * (1.0 + wobble)),
            dropped: None,
        };
        let name = |format: &str| settings(format, step).source().name;
        Cell {
            agents: 1,
            baseline: Arm::of(&name("json"), "threads", "none"),
            x: Arm::of(&name(format), "threads", "none"),
            window_s: 0.1,
            pairs: wobbles.iter().enumerate().map(pair).collect(),
            effect: Some(Effect {
                pairs: 6,
                ratio: json_ns / ns,
                low: json_ns / ns * 0.95,
                high: json_ns / ns * 1.05,
                standard_error: 0.02,
                pair_sd: 0.05,
                order_effect: 0.0,
                pairs_needed: 6,
            }),
            ..Cell::default()
        }
    }

    fn hops(ns: f64) -> [HopLevel; 1] {
        let exactly = Estimate {
            value: ns,
            low: ns,
            high: ns,
        };
        [HopLevel {
            pattern: Pattern::PingPong,
            payload_bytes: 800,
            cpus: Pinning::Free,
            deployment: "processes".to_owned(),
            transport: "ring".to_owned(),
            invocations: 6,
            one_way_ns: exactly,
            usual_ns: Some(exactly),
            round_trip_p50_ns: None,
            round_trip_p99_ns: None,
            round_trip_p999_ns: None,
            messages_per_s: 1.0,
            bytes_per_s: 1.0,
            cpu_per_message_ns: 1.0,
        }]
    }

    fn said(cells: &[Cell], facts: &[FormatFacts], hops: &[HopLevel]) -> Vec<BodyAnswer> {
        let cells: Vec<&Cell> = cells.iter().collect();
        answers(&cells, &workloads(), facts, hops)
    }

    fn cells() -> Vec<Cell> {
        vec![
            cell("postcard", Step::Encode, 4000.0, 500.0),
            cell("postcard", Step::Decode, 6000.0, 1000.0),
            // Decoding was left out.
            cell("raw", Step::Encode, 4000.0, 50.0),
        ]
    }

    #[test]
    fn times_are_those_of_one_body_and_ratios_those_of_the_pairs() {
        let facts = [FormatFacts {
            body: "beliefs100".to_owned(),
            format: "postcard".to_owned(),
            bytes: 802.0,
            encode: Some(Allocations::default()),
            decode: None,
        }];
        let answers = said(&cells(), &facts, &hops(8500.0));
        let [answer] = answers.as_slice() else {
            panic!("one body: {answers:?}");
        };
        let names: Vec<&str> = answer.formats.iter().map(|f| f.format.as_str()).collect();
        assert_eq!(names, ["json", "postcard"], "raw was never decoded");
        let [json, postcard] = answer.formats.as_slice() else {
            panic!("two");
        };
        assert!((json.encode.ns.value - 4000.0).abs() < 1.0);
        assert!((postcard.decode.ns.value - 1000.0).abs() < 1.0);
        assert!(postcard.decode.ns.low < 1000.0 && 1000.0 < postcard.decode.ns.high);
        // JSON's encoding was measured in two cells, so it is known better.
        let width = |e: &Estimate| half_width(e) / e.value;
        assert!(width(&json.encode.ns) < width(&json.decode.ns));
        assert_eq!(json.encode.times_json, None);
        assert_eq!(postcard.encode.times_json.unwrap().value, 8.0);
        assert!((postcard.decode.times_json.unwrap().low - 5.7).abs() < 1e-9);
        assert_eq!((json.bytes, postcard.bytes), (0.0, 802.0));
        assert_eq!(postcard.encode.allocations, Some(Allocations::default()));
        // 1500 of 10,000.
        let share = postcard.shares[0].share;
        assert!((share.value - 0.15).abs() < 1e-3, "{share:?}");
        assert!(share.low < 0.15 && 0.15 < share.high);
    }

    #[test]
    fn without_hops_there_are_no_shares_and_without_pairs_no_body() {
        let answers = said(&cells(), &[], &[]);
        assert!(answers[0].formats.iter().all(|f| f.shares.is_empty()));
        let mut cells = cells();
        cells.iter_mut().for_each(|c| c.pairs.truncate(1));
        // JSON's encoding has an invocation in each of two cells; nothing else has two.
        assert_eq!(said(&cells, &[], &[]), []);
    }

    #[test]
    fn a_share_is_as_unsure_as_its_parts() {
        let around = |value: f64, half: f64| Estimate {
            value,
            low: value - half,
            high: value + half,
        };
        let exact = share(&around(1.0, 0.0), &around(3.0, 0.0));
        assert_eq!((exact.low, exact.value, exact.high), (0.25, 0.25, 0.25));
        let unsure = share(&around(1.0, 0.4), &around(3.0, 0.0));
        assert!((half_width(&unsure) - 0.075).abs() < 1e-12, "{unsure:?}");
        let wild = share(&around(1.0, 90.0), &around(3.0, 90.0));
        assert_eq!((wild.low, wild.high), (0.0, 1.0));
    }
}
