//! Does everybody who spins have a CPU? Whoever spins without one waits for the scheduler, and so does all
//! that is measured.

use forkscope::deployment::{Count, Form};
use forkscope::experiment::invocation::whole_cpus;
use forkscope::experiment::plan::{PlannedWorkload, Request};
use forkscope::transport::WaitPolicy;

/// Refuses more workers than CPUs where agents talk by a transport that spins.
pub fn check(
    request: &Request,
    workload: &PlannedWorkload,
    agents: usize,
    form: Form,
) -> Result<(), String> {
    let cpus = whole_cpus(request.cpus_effective);
    let workers = form.place(agents, cpus).workers();
    let entry = request.transport.compared().of(form.kind.home());
    let talks = workload.talks && workload.hop.is_none();
    if !(talks && entry.wait == WaitPolicy::Spin && workers > cpus) {
        return Ok(());
    }
    let without = entry.name.strip_suffix(":spin").unwrap_or(entry.name);
    let fewer = match cpus {
        1 => String::new(),
        _ => format!("--agents 1..{cpus}, "),
    };
    let shared = Form {
        kind: form.kind,
        count: Count::Cores,
        threads_each: Count::Exactly(1),
    };
    Err(format!(
        "{} with {agents} agents as {form} by {}: {workers} workers spin on {cpus} {}, so each waits for the scheduler; use {fewer}deployments that share workers ({shared}) or --transport {without}",
        workload.source.name,
        entry.name,
        match cpus {
            1 => "CPU",
            _ => "CPUs",
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::measure::open;
    use forkscope::experiment::plan::Question;

    fn refused(workload: &str, agents: usize, form: &str, transport: &str, cpus: f64) -> String {
        let form: Form = form.parse().unwrap();
        let request = Request {
            workloads: vec![open(workload).ok().unwrap()],
            agents: vec![agents],
            deployments: vec![form],
            cpus_effective: cpus,
            budget_s: 60.0,
            most_pairs: 34,
            seed: 1,
            transport: transport.parse().unwrap(),
            look: None,
            asks_latency: false,
            question: Question::Compare,
            is_busy: false,
        };
        check(&request, &request.workloads[0], agents, form)
            .err()
            .unwrap_or_default()
    }

    #[test]
    fn more_workers_than_cpus_do_not_spin() {
        assert_eq!(
            refused("coordination", 4, "threads", "ring:spin", 2.0),
            "coordination with 4 agents as threads by ring:spin: 4 workers spin on 2 CPUs, so each waits for the scheduler; use --agents 1..2, deployments that share workers (threads:cores) or --transport ring"
        );
        let on_one = refused("coordination", 2, "processes", "ipc:bytes:spin", 1.9);
        assert!(on_one.contains("2 workers spin on 1 CPU,"), "{on_one}");
        assert!(
            on_one.ends_with("(processes:cores) or --transport ipc:bytes"),
            "{on_one}"
        );
        assert_ne!(refused("relay", 10, "threads", "channel:spin", 4.0), "");
    }

    #[test]
    fn who_has_a_cpu_or_does_not_spin_runs() {
        for (workload, agents, form, transport) in [
            ("coordination", 2, "threads", "ring:spin"),
            ("coordination", 64, "threads:cores", "ring:spin"),
            ("coordination", 64, "processes", "ring"),
            ("coordination", 64, "processes", "native"),
            ("coordination", 64, "processes", "all"),
            ("exploration", 64, "threads", "ring:spin"),
        ] {
            let said = refused(workload, agents, form, transport, 2.0);
            assert_eq!(said, "", "{workload} {form} {transport}");
        }
    }
}
