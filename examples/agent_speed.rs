//! How many steps per second does one agent make, next to plain loops in the same run?
//!
//! `cargo run --release --example agent_speed [SECONDS_PER_SAMPLE]` prints a table. A step is
//! infer_states + infer_policies + the deterministic action, over recorded observations
//! (`benches/models`). Tuned and plain runs alternate, so that a busy moment hits both.

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use common::SpeedModel;
use common::plain::Plain;
use forkscope::agent::{Agent, Observation, vector_level};

/// Model, and 75 % of the better known tuned figure: what counts as done.
const AIMS: [(&str, f64); 8] = [
    ("grid5_p1", 800e3),
    ("spread5_p1", 735e3),
    ("grid5_p2", 165e3),
    ("grid10_p1", 245e3),
    ("spread10_p1", 82e3),
    ("grid10_p2", 50e3),
    ("tmaze_p1", 762e3),
    ("tmaze_p2", 323e3),
];
/// Odd, so that the median is a measured value.
const SAMPLES: usize = 9;

/// Steps per second of whole passes over the recording, for at least `seconds`.
fn rate(model: &SpeedModel, seconds: f64, mut restart_or_step: impl FnMut(bool, usize)) -> f64 {
    let started = Instant::now();
    let mut steps = 0;
    loop {
        for t in 0..model.obs.len() {
            restart_or_step(t % model.trial_len == 0, t);
        }
        steps += model.obs.len();
        let elapsed = started.elapsed().as_secs_f64();
        if elapsed >= seconds {
            return steps as f64 / elapsed;
        }
    }
}

fn summary(mut rates: Vec<f64>) -> (f64, f64, f64) {
    rates.sort_by(f64::total_cmp);
    (rates[rates.len() / 2], rates[0], rates[rates.len() - 1])
}

fn main() {
    let seconds = std::env::args()
        .nth(1)
        .and_then(|s| s.parse().ok())
        .unwrap_or(0.1);
    println!(
        "one core, {}, medians of {SAMPLES} interleaved runs of {seconds} s [min, max]",
        vector_level()
    );
    println!(
        "{:<12} {:>32} {:>12} {:>7} {:>9} {:>6} {:>9}",
        "model", "steps/s", "plain loops", "ratio", "aim", "%", "heap"
    );
    for (name, aim) in AIMS {
        let model = common::speed_model(name);
        let mut agent =
            Agent::new(model.spec.clone(), model.settings.clone()).expect("a valid model");
        let mut plain = Plain::new(&model.spec, &model.settings);
        let obs: Vec<Vec<Observation>> = model
            .obs
            .iter()
            .map(|o| o.iter().map(|&o| Observation::Index(o)).collect())
            .collect();
        let mut rng = rand_pcg::Pcg64::new(1, 1);
        let (mut tuned_rates, mut plain_rates) = (Vec::new(), Vec::new());
        let mut differing = 0;
        for sample in 0..SAMPLES + 1 {
            let tuned = rate(&model, seconds, |restart, t| {
                if restart {
                    agent.restart();
                }
                agent.infer_states(&obs[t]);
                agent.infer_policies();
                agent.act(&mut rng);
            });
            let plainly = rate(&model, seconds, |restart, t| {
                if restart {
                    plain.restart();
                }
                plain.infer_indices(&model.obs[t]);
                plain.infer_policies();
                plain.act();
            });
            // The first round warms up caches and clocks.
            if sample > 0 {
                tuned_rates.push(tuned);
                plain_rates.push(plainly);
            }
        }
        for (t, want) in model.actions.iter().enumerate() {
            if t % model.trial_len == 0 {
                agent.restart();
            }
            agent.infer_states(&obs[t]);
            agent.infer_policies();
            differing += usize::from(agent.act(&mut rng) != &want[..]);
        }
        let (median, min, max) = summary(tuned_rates);
        let (plain_median, _, _) = summary(plain_rates);
        println!(
            "{name:<12} {:>32} {plain_median:>12.0} {:>6.1}x {aim:>9.0} {:>5.0}% {:>7}kB{}",
            format!("{median:.0} [{min:.0}, {max:.0}]"),
            median / plain_median,
            100.0 * median / aim,
            agent.heap_bytes() / 1000,
            if differing > 0 {
                format!("  {differing} of 400 actions differ (ties)")
            } else {
                String::new()
            }
        );
    }
}
