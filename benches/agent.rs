//! How long does a pass over each recorded sequence take, tuned and as plain loops?
//!
//! `cargo bench --bench agent`. One iteration is 400 steps of infer_states + infer_policies + the
//! deterministic action; divan's items per second are steps per second. For medians of interleaved
//! runs and their ratio: `cargo run --release --example agent_speed`.
//!
//! `build` is what a worker pays per agent before its first step: world, model, [`Agent::new`].

#[path = "../tests/common/mod.rs"]
mod common;

use common::plain::Plain;
use divan::Bencher;
use divan::counter::ItemsCount;
use forkscope::agent::{Agent, Observation};
use forkscope::workload::{self, SpecSource};

const MODELS: [&str; 8] = [
    "grid5_p1",
    "spread5_p1",
    "grid5_p2",
    "grid10_p1",
    "spread10_p1",
    "grid10_p2",
    "tmaze_p1",
    "tmaze_p2",
];

fn main() {
    divan::main();
}

#[divan::bench(args = MODELS)]
fn tuned(bencher: Bencher, name: &str) {
    let model = common::speed_model(name);
    let mut agent = Agent::new(model.spec, model.settings).expect("a valid model");
    let obs: Vec<Vec<Observation>> = model
        .obs
        .iter()
        .map(|o| o.iter().map(|&o| Observation::Index(o)).collect())
        .collect();
    let mut rng = rand_pcg::Pcg64::new(1, 1);
    bencher.counter(ItemsCount::new(obs.len())).bench_local(|| {
        for (t, obs) in obs.iter().enumerate() {
            if t % model.trial_len == 0 {
                agent.restart();
            }
            agent.infer_states(obs);
            agent.infer_policies();
            agent.act(&mut rng);
        }
    });
}

#[divan::bench(args = MODELS, sample_count = 20)]
fn plain(bencher: Bencher, name: &str) {
    let model = common::speed_model(name);
    let mut agent = Plain::new(&model.spec, &model.settings);
    bencher
        .counter(ItemsCount::new(model.obs.len()))
        .bench_local(|| {
            for (t, obs) in model.obs.iter().enumerate() {
                if t % model.trial_len == 0 {
                    agent.restart();
                }
                agent.infer_indices(obs);
                agent.infer_policies();
                agent.act();
            }
        });
}

/// One agent of a built-in workload with its default parameters.
fn build_agent(bencher: Bencher, name: &str) {
    let entry = workload::find(name).expect("a built-in workload");
    let spec = (entry.read)(&SpecSource::built_in(entry)).expect("valid parameters");
    bencher
        .counter(ItemsCount::new(1usize))
        .bench_local(|| spec.build(0, 1, 1).expect("a valid model"));
}

mod build {
    use divan::Bencher;

    #[divan::bench]
    fn exploration(bencher: Bencher) {
        super::build_agent(bencher, "exploration");
    }

    #[divan::bench]
    fn learning(bencher: Bencher) {
        super::build_agent(bencher, "learning");
    }

    #[divan::bench]
    fn coordination(bencher: Bencher) {
        super::build_agent(bencher, "coordination");
    }
}
