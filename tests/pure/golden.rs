//! Does the agent compute what numpy pymdp 0.0.7.1 computes?
//!
//! Runs every rollout in `tests/golden`, or in the directory that `FORKSCOPE_GOLDEN` names.

use crate::common;
use std::path::PathBuf;

use crate::common::{array, floats, integers};
use forkscope::agent::{ActionSelection, Agent, Observation, SamplingMode};
use serde_json::Value;

const TOLERANCE: f64 = 1e-9;

fn close(what: &str, got: impl IntoIterator<Item = f64>, want: impl IntoIterator<Item = f64>) {
    let (got, want): (Vec<f64>, Vec<f64>) = (got.into_iter().collect(), want.into_iter().collect());
    assert_eq!(got.len(), want.len(), "{what}: length");
    for (i, (g, w)) in got.iter().zip(&want).enumerate() {
        assert!(
            (g - w).abs() <= TOLERANCE,
            "{what}[{i}]: got {g:e}, want {w:e}"
        );
    }
}

/// Equal, or as good: exact ties are common (uniform C, walls).
fn best(what: &str, got: &[usize], want: &[usize], scores: &[Vec<f64>]) {
    for (f, scores) in scores.iter().enumerate() {
        let gap = (scores[got[f]] - scores[want[f]]).abs();
        assert!(
            got[f] == want[f] || gap <= TOLERANCE,
            "{what}: got {got:?}, want {want:?}, gap {gap:e}"
        );
    }
}

fn arrays(v: &Value) -> Option<Vec<Vec<f64>>> {
    v.as_array()
        .map(|l| l.iter().map(|a| array(a).into_iter().collect()).collect())
}

fn lists(v: &Value) -> Option<Vec<Vec<f64>>> {
    v.as_array().map(|l| l.iter().map(floats).collect())
}

fn rollout(id: &str, file: &Value) {
    let settings = common::settings(&file["settings"]);
    let (learn, full) = (settings.learn, settings.sampling_mode == SamplingMode::Full);
    let mut agent =
        Agent::new(common::spec(&file["model"]), settings).unwrap_or_else(|e| panic!("{id}: {e}"));
    assert_eq!(agent.num_obs(), integers(&file["num_obs"]), "{id} num_obs");
    assert_eq!(
        agent.num_states(),
        integers(&file["num_states"]),
        "{id} num_states"
    );
    assert_eq!(
        agent.num_controls(),
        integers(&file["num_controls"]),
        "{id} num_controls"
    );
    let factors = agent.num_states().len();
    let modalities = agent.num_obs().len();

    let policies: Vec<usize> = file["policies"]
        .as_array()
        .expect("policies")
        .iter()
        .flat_map(|p| p.as_array().expect("a policy").iter().flat_map(integers))
        .collect();
    assert_eq!(
        agent.policies().into_iter().collect::<Vec<_>>(),
        policies,
        "{id} policies"
    );

    // The action itself is checked on a twin that selects deterministically.
    let mut rng = rand_pcg::Pcg64::new(1, 1);
    for (t, step) in file["steps"].as_array().expect("steps").iter().enumerate() {
        let at = |name: &str| format!("{id} step {t} {name}");
        let obs: Vec<Observation> = integers(&step["obs"])
            .into_iter()
            .map(Observation::Index)
            .collect();
        agent.infer_states(&obs);
        for (f, prior) in lists(&step["prior"])
            .expect("prior")
            .into_iter()
            .enumerate()
        {
            close(&at("prior"), agent.prior(f).iter().copied(), prior);
        }
        for (f, qs) in lists(&step["qs"]).expect("qs").into_iter().enumerate() {
            close(&at("qs"), agent.qs(f).iter().copied(), qs);
        }
        close(
            &at("vfe"),
            [agent.vfe()],
            [step["vfe"].as_f64().expect("vfe")],
        );
        let sweeps = step["fpi_iterations"].as_u64().expect("fpi_iterations");
        assert_eq!(
            agent.fpi_iterations() as u64,
            sweeps,
            "{}",
            at("fpi_iterations")
        );

        agent.learn();
        for (m, p_a) in arrays(&step["pA_after"])
            .unwrap_or_default()
            .into_iter()
            .enumerate()
        {
            close(&at("pA_after"), agent.p_a(m).expect("pA"), p_a);
        }
        for (f, p_b) in arrays(&step["pB_after"])
            .unwrap_or_default()
            .into_iter()
            .enumerate()
        {
            close(&at("pB_after"), agent.p_b(f).expect("pB"), p_b);
        }

        agent.infer_policies();
        close(&at("G"), agent.g().iter().copied(), floats(&step["G"]));
        close(
            &at("q_pi"),
            agent.q_pi().iter().copied(),
            floats(&step["q_pi"]),
        );
        let mut marginals = Vec::new();
        for (f, want) in lists(&step["action_marginals"])
            .expect("action_marginals")
            .into_iter()
            .enumerate()
        {
            marginals.push(agent.action_marginals(f).to_vec());
            close(&at("action_marginals"), agent.action_marginals(f), want);
        }
        for (f, want) in lists(&step["p_actions_stochastic"])
            .unwrap_or_default()
            .into_iter()
            .enumerate()
        {
            close(
                &at("p_actions_stochastic"),
                agent.p_actions_stochastic(f),
                want,
            );
        }
        if step["p_policies_stochastic"].is_array() {
            let want = floats(&step["p_policies_stochastic"]);
            close(
                &at("p_policies_stochastic"),
                agent.p_policies_stochastic(),
                want,
            );
        }
        let want = integers(&step["action_deterministic"]);
        let mut twin = agent.clone();
        twin.set_action_selection(ActionSelection::Deterministic);
        let got = twin.act(&mut rng).to_vec();
        if full {
            assert_eq!(got, want, "{}", at("action_deterministic"));
        } else {
            best(&at("action_deterministic"), &got, &want, &marginals);
        }
        agent.take_action(&integers(&step["action_taken"]));
    }

    agent.learn_d();
    let last = &file["final"];
    for m in 0..modalities {
        for (name, got) in [("pA", agent.p_a(m)), ("A", Some(agent.a(m)))] {
            if let Some(want) = arrays(&last[name]).filter(|_| learn.a) {
                close(
                    &format!("{id} final {name}"),
                    got.expect("learned counts"),
                    want[m].clone(),
                );
            }
        }
    }
    for f in 0..factors {
        for (name, got) in [("pB", agent.p_b(f)), ("B", Some(agent.b(f)))] {
            if let Some(want) = arrays(&last[name]).filter(|_| learn.b) {
                close(
                    &format!("{id} final {name}"),
                    got.expect("learned counts"),
                    want[f].clone(),
                );
            }
        }
        for (name, got) in [("pD", agent.p_d(f)), ("D", Some(agent.d(f)))] {
            if let Some(want) = arrays(&last[name]).filter(|_| learn.d) {
                close(
                    &format!("{id} final {name}"),
                    got.expect("learned counts").to_vec(),
                    want[f].clone(),
                );
            }
        }
    }
}

#[test]
fn golden() {
    let directory = std::env::var_os("FORKSCOPE_GOLDEN").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")),
        PathBuf::from,
    );
    let mut files: Vec<PathBuf> = std::fs::read_dir(&directory)
        .unwrap_or_else(|e| panic!("read {}: {e}", directory.display()))
        .map(|entry| entry.expect("directory entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    let (mut rollouts, mut skipped, mut failed) = (0, Vec::new(), Vec::new());
    for path in files {
        let name = path
            .file_stem()
            .expect("a file name")
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("read {name}: {e}"));
        let file: Value =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("parse {name}: {e}"));
        match file["kind"].as_str() {
            Some("rollout") => {
                rollouts += 1;
                // Every file is run, so that one message names all that fail.
                let run = std::panic::AssertUnwindSafe(|| rollout(&name, &file));
                if std::panic::catch_unwind(run).is_err() {
                    failed.push(name);
                }
            }
            Some("mmp") => skipped.push(name),
            // index.json and the like.
            _ => {}
        }
    }
    println!(
        "{rollouts} rollouts checked; {} mmp files skipped: {skipped:?}",
        skipped.len()
    );
    assert!(rollouts > 0, "no rollout in {}", directory.display());
    assert!(
        failed.is_empty(),
        "{} of {rollouts} rollouts differ: {failed:?}",
        failed.len()
    );
}
