//! What does each format cost for each body, on this machine? Interleaved rounds, so that what
//! disturbs one disturbs all. `cargo run --release --example serialize_cost [BODY...]`
//!
//! Nanoseconds for one body: median (lowest to highest round). Decoding includes reading every value.
//! "of json" is the median of a round's time in JSON over its time in the format.

use forkscope::observe::heap::Counting;
use forkscope::workload::serialize::body::BODIES;
use forkscope::workload::serialize::facts::Allocations;
use forkscope::workload::serialize::{Body, FORMATS, FormatEntry, Settings, Step};
use forkscope::workload::{Received, Spec, Workload};
use std::time::{Duration, Instant};

// As in the program: formats pay for being counted.
#[global_allocator]
static HEAP: Counting = Counting;

const ROUNDS: usize = 21;

/// A format is timed for about so long in a round.
const ROUND: Duration = Duration::from_millis(4);

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|a| a == name);
    for &(name, body) in BODIES.iter().filter(|(name, _)| is_asked(name)) {
        println!("{name}");
        println!(
            "  {:9} {:>9}  {:>32} {:>8}  {:>14}  {:>32} {:>8}  {:>14}",
            "", "bytes", "encode ns", "of json", "allocs (B)", "decode ns", "of json", "allocs (B)"
        );
        let encode = times(body, Step::Encode);
        let decode = times(body, Step::Decode);
        for (i, format) in FORMATS.iter().enumerate() {
            let facts = (format.facts)(body).expect("every format carries every drawn body");
            println!(
                "  {:9} {:9.0}  {} {:>14}  {} {:>14}",
                format.name,
                facts.bytes,
                described(&encode, i),
                counted(facts.encode),
                described(&decode, i),
                counted(facts.decode),
            );
        }
    }
}

/// Nanoseconds for one body: for each format, by round.
fn times(body: Body, step: Step) -> Vec<Vec<f64>> {
    let mut timed: Vec<Timed> = FORMATS.iter().map(|f| Timed::new(f, body, step)).collect();
    let mut times = vec![Vec::with_capacity(ROUNDS); timed.len()];
    for round in 0..ROUNDS {
        for place in 0..timed.len() {
            // Each format comes first in some rounds.
            let i = (place + round) % timed.len();
            times[i].push(timed[i].time());
        }
    }
    times
}

/// An agent, and how many of its ops a round has.
struct Timed {
    agent: Box<dyn Workload>,
    bundle: u32,
    ops: u32,
}

impl Timed {
    fn new(format: &'static FormatEntry, body: Body, step: Step) -> Timed {
        let bundle = (65_536 / body.bytes()).clamp(1, 64) as u32;
        let settings = Settings {
            format,
            body,
            step,
            bundle,
        };
        let agent = settings.build(0, 1, 1);
        let mut timed = Timed {
            agent: agent.expect("every format carries every drawn body"),
            bundle,
            ops: 1,
        };
        // Until a round is long enough.
        while timed.ops < 1 << 20 {
            let ns = timed.time() * f64::from(timed.bundle * timed.ops);
            if ns > 0.5 * ROUND.as_nanos() as f64 {
                break;
            }
            timed.ops *= 2;
        }
        timed
    }

    /// Nanoseconds for one body.
    fn time(&mut self) -> f64 {
        let begin = Instant::now();
        (0..self.ops).for_each(|_| self.agent.consume(Received::NOTHING));
        let ns = begin.elapsed().as_nanos() as f64;
        ns / f64::from(self.ops) / f64::from(self.bundle)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The times of format `i`, and JSON's over them. The first format is JSON.
fn described(times: &[Vec<f64>], i: usize) -> String {
    let own = &times[i];
    let lowest = own.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = own.iter().copied().fold(0.0, f64::max);
    let ratios = times[0].iter().zip(own).map(|(json, own)| json / own);
    let range = format!("({lowest:.1} to {highest:.1})");
    format!(
        "{:11.1} {range:>20} {:>8.1}",
        median(own.clone()),
        median(ratios.collect())
    )
}

fn counted(allocations: Option<Allocations>) -> String {
    allocations.map_or("unknown".to_owned(), |a| {
        format!("{:.0} ({:.0})", a.times, a.bytes)
    })
}
