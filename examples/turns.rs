//! What do turns do for two equal windows on this machine? `cargo run --release --example turns`
//!
//! Does the same work all the time, and cuts the time into two sides in several ways: windows of 250 ms one
//! after the other, with and without the time that a host takes to start between them, and the same 250 ms
//! in turns. Prints by how much the sides differ, though nothing differs.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The time is cut into pieces of so many milliseconds.
const PIECE_MS: usize = 5;

/// Pieces in a window.
const WINDOW: usize = 250 / PIECE_MS;

/// Seconds that are measured.
const SECONDS: usize = 60;

fn main() {
    let table: Vec<f32> = (0..4096).map(|i| i as f32 * 1e-3).collect();
    let end = Instant::now();
    let rates: Vec<f64> = (1..=SECONDS * 1000 / PIECE_MS)
        .map(|piece| {
            let until = end + Duration::from_millis((piece * PIECE_MS) as u64);
            let (began, mut ops) = (Instant::now(), 0);
            while Instant::now() < until {
                black_box(work(black_box(&table)));
                ops += 1;
            }
            f64::from(ops) / began.elapsed().as_secs_f64()
        })
        .collect();
    println!("{SECONDS} s of the same work; sd of ln(one side / other side)");
    let show = |what: &str, turns: usize, gap_ms: usize| {
        let differences = pairs(&rates, turns, gap_ms / PIECE_MS);
        println!(
            "{what:44} {:5.1} %  ({} pairs)",
            100.0 * sd(&differences),
            differences.len()
        );
    };
    show("windows of 250 ms, 300 ms between them", 1, 300);
    show("windows of 250 ms, one after the other", 1, 0);
    for turns in [2, 5, 10, 25] {
        let what = format!("{turns} turns of {} ms each", 250 / turns);
        show(&what, turns, 0);
    }
}

/// Sums that do not wait for each other: what a busy neighbour on the same core slows down most.
fn work(table: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    for eight in table.chunks_exact(8) {
        for (sum, value) in sums.iter_mut().zip(eight) {
            *sum += value * eight[0];
        }
    }
    sums.iter().sum()
}

/// ln(ratio) of all pairs that the time has room for, in so many turns a side, `gap` pieces between turns.
fn pairs(rates: &[f64], turns: usize, gap: usize) -> Vec<f64> {
    let length = WINDOW / turns;
    let whole = 2 * turns * (length + gap);
    let pair = |rates: &[f64]| {
        let mut sides = [0.0; 2];
        for (turn, piece) in rates.chunks_exact(length + gap).enumerate() {
            // A B, B A, A B, …
            let side = usize::from(turn % 4 == 1 || turn % 4 == 2);
            sides[side] += piece[..length].iter().sum::<f64>();
        }
        (sides[1] / sides[0]).ln()
    };
    rates.chunks_exact(whole).map(pair).collect()
}

fn sd(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}
