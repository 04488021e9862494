//! Does this machine show what is known about threads and processes? Needs a quiet one, so it is not
//! part of `cargo test`.

use forkscope::metric::Metric;
use forkscope::record::{Cell, Run, Sample, Verdict};
use forkscope::report::json;
use forkscope::stats::median;
use std::process::Command;

/// Six pairs of every probe at one and two agents, and a little more.
const TIME: &str = "3m";

/// How far from 1 the whole interval of a control may lie.
const FAR: f64 = 0.10;

/// What becomes of the gain from a second agent, at most, where the two wait for each other: what
/// remains of the gain that agents have who share nothing.
const HINDERED: f64 = 0.75;

/// What was measured of one probe at one agent count.
struct Seen<'a>(&'a Cell);

impl Seen<'_> {
    fn medians(&self, metric: impl Fn(&Sample) -> Option<f64>) -> [Option<f64>; 2] {
        let baseline: Vec<f64> = self.0.kept().filter_map(|(_, b, _)| metric(b)).collect();
        let x: Vec<f64> = self.0.kept().filter_map(|(_, _, x)| metric(x)).collect();
        [median(&baseline), median(&x)]
    }

    fn interrupts_per_op(&self) -> [Option<f64>; 2] {
        self.medians(|s| {
            Some(
                (s.get(Metric::FUNCTION_CALL_INTERRUPTS)?
                    + s.get(Metric::RESCHEDULE_INTERRUPTS)?)
                    / s.ops as f64,
            )
        })
    }

    fn shootdowns_per_op(&self) -> [Option<f64>; 2] {
        self.medians(|s| Some(s.get(Metric::TLB_SHOOTDOWNS)? / s.ops as f64))
    }

    fn switches_per_op(&self) -> [Option<f64>; 2] {
        self.medians(|s| {
            let [a, b] =
                [Metric::VOLUNTARY_SWITCHES, Metric::INVOLUNTARY_SWITCHES].map(|m| s.value(m));
            Some((a + b) / s.ops as f64)
        })
    }

    fn ops_per_s(&self) -> [f64; 2] {
        self.medians(|s| Some(s.ops_per_s()))
            .map(|m| m.expect("pairs were kept"))
    }

    fn are_processes_ahead(&self) -> bool {
        matches!(&self.0.verdict, Verdict::Ahead { deployment } if deployment == "processes")
    }

    /// Whether one side is called by more than what a control may be.
    fn is_far(&self) -> bool {
        let effect = self.0.effect.unwrap_or_else(|| panic!("{}", self.line()));
        effect.low > 1.0 + FAR || effect.high < 1.0 / (1.0 + FAR)
    }

    fn line(&self) -> String {
        let Cell {
            agents,
            effect,
            verdict,
            ..
        } = self.0;
        let name = self.0.baseline.workload.trim_start_matches("probes/");
        let ratio = effect.map_or_else(
            || "-".to_owned(),
            |e| format!("{:.3} [{:.3}, {:.3}]", e.ratio, e.low, e.high),
        );
        let verdict = match verdict {
            Verdict::Ahead { deployment } => deployment,
            Verdict::Tie => "tie",
            Verdict::Inconclusive => "inconclusive",
            Verdict::NotMeasured { .. } => "not measured",
        };
        let both = |values: [Option<f64>; 2]| {
            let [b, x] = values.map(|v| v.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}")));
            format!("{b} / {x}")
        };
        format!(
            "{name:<8} {agents:>6}  {ratio:<24} {verdict:<13} {:<15} {}",
            both(self.interrupts_per_op()),
            both(self.switches_per_op())
        )
    }
}

fn compared<'a>(run: &'a Run, probe: &str, agents: usize) -> Seen<'a> {
    let name = format!("probes/{probe}");
    let is_it = |c: &&Cell| c.is_comparison() && c.baseline.workload == name && c.agents == agents;
    Seen(run.cells.iter().find(is_it).expect("it was planned"))
}

fn measured() -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_forkscope"))
        .args([
            "run", "-w", "probes", "-a", "1,2", "--json", "-", "--time", TIME,
        ])
        .output()
        .expect("the binary starts");
    let said = String::from_utf8_lossy(&output.stderr);
    let record = String::from_utf8_lossy(&output.stdout);
    json::read(&record).unwrap_or_else(|e| panic!("{e}; {said}"))
}

#[test]
#[ignore = "needs a quiet machine: scripts/calibrate.sh runs it"]
fn probes_tell_threads_from_processes_where_the_kernel_does() {
    let run = measured();
    println!("probe    agents  processes / threads      verdict       IPIs/op         switches/op");
    let probes = run.cells.iter().filter(|c| c.is_comparison());
    probes.for_each(|cell| println!("{}", Seen(cell).line()));
    assert_eq!(run.withheld, None, "the controls hold");

    let ahead = |probe, agents| {
        let seen = compared(&run, probe, agents);
        assert!(seen.are_processes_ahead(), "{}", seen.line());
    };
    ahead("poll", 1);
    for probe in ["getppid", "faults"] {
        let seen = compared(&run, probe, 1);
        assert!(!seen.is_far(), "{}", seen.line());
    }
    if run.machine.cpus_effective < 2.0 {
        println!("on one CPU agents do not meet: what two of them do cannot be judged");
        return;
    }
    for probe in ["tlb", "mmap", "brk", "poll"] {
        ahead(probe, 2);
    }
    for probe in ["getppid", "faults"] {
        let seen = compared(&run, probe, 2);
        assert!(!seen.is_far(), "{}", seen.line());
    }

    // The agents meet in one file, in either deployment.
    let gain = |probe| {
        let (one, two) = (compared(&run, probe, 1), compared(&run, probe, 2));
        let ([b1, x1], [b2, x2]) = (one.ops_per_s(), two.ops_per_s());
        [b2 / b1, x2 / x1]
    };
    let deployments = ["threads", "processes"];
    for (i, deployment) in deployments.into_iter().enumerate() {
        let (apart, together) = (gain("getppid")[i], gain("flock")[i]);
        println!(
            "{deployment}: two agents do {apart:.2} times as much as one in getppid, {together:.2} times in flock"
        );
        assert!(together <= HINDERED * apart, "{deployment}");
    }

    if let [Some(threads), Some(processes)] = compared(&run, "tlb", 2).shootdowns_per_op() {
        println!(
            "tlb: {threads:.3} shootdowns per op among threads, {processes:.3} among processes"
        );
        assert!(threads > 0.5 && processes < 0.1);
    }
}
