//! Can the machine start what was asked for, and is there time for it?

use super::{CommandError, spinning, usage};
use forkscope::deployment::Form;
use forkscope::experiment::invocation::whole_cpus;
use forkscope::experiment::machine::{self, LimitError, Needs};
use forkscope::experiment::plan::{
    self, MIN_PAIRS, PlanError, PlannedCell, PlannedWorkload, Question, Request,
};
use forkscope::record::Machine;
use forkscope::transport::{ROUNDS_UNDER_WAY, Shared, Wiring};
use forkscope::workload;
use forkscope::workload::reference::Tape;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Refuses what the machine cannot start, before anything is started.
pub(super) fn check_capacity(request: &Request, machine: &Machine) -> Result<(), CommandError> {
    for (workload, agents, form) in plan::placed(request).map_err(usage)? {
        let workload = &request.workloads[workload];
        spinning::check(request, workload, agents, form).map_err(usage)?;
        carries(request, workload, machine, agents, form).map_err(usage)?;
    }
    Ok(())
}

/// Whether the machine can start so many agents of a workload under a deployment.
pub(super) fn carries(
    request: &Request,
    workload: &PlannedWorkload,
    machine: &Machine,
    agents: usize,
    form: Form,
) -> Result<(), LimitError> {
    let placement = form.place(agents, whole_cpus(request.cpus_effective));
    let processes = placement.processes() as u64;
    let threads = (placement.workers() - placement.processes()) as u64;
    // One that cannot be read was refused before.
    let Ok(spec) = workload::parse(&workload.source) else {
        return Ok(());
    };
    let together = agents.div_ceil(placement.processes().max(1)) * spec.descriptors_per_agent();
    // The host makes the streams of all workers before the first of them starts.
    let (mut streams, mut held, mut message_bytes) = (0, 0, 0);
    if spec.hop().is_none() {
        let wiring = Wiring {
            placement,
            topology: Arc::new(spec.topology(agents)),
            message_bytes: spec.message_bytes(),
            under_way: ROUNDS_UNDER_WAY,
        };
        for entry in plan::carriers(request, form, agents) {
            streams = streams.max(Shared::descriptors_needed(entry, &wiring));
            if processes > 0 {
                held = held.max(Shared::descriptors_of_a_worker(entry, &wiring));
            }
            message_bytes = message_bytes.max(Shared::bytes_needed(entry, &wiring));
        }
        if plan::is_taped(request, workload, agents) {
            let own = (0..placement.processes().max(1)).map(|p| placement.agents_of_process(p));
            let tapes = Tape::bytes_of_all(spec.as_ref(), &wiring.topology, own);
            message_bytes = message_bytes.max(tapes);
        }
    }
    // While it connects: two for its socket, two ends of the control channel, a mailbox.
    let to_connect = 5 * processes + streams as u64;
    // Two hosts live at a time: those of a pair, which may be of the same deployment.
    let needs = Needs {
        agents,
        processes: 2 * (processes + 1),
        threads: 2 * threads,
        // And room.
        descriptors_in_one_process: to_connect.max((together + held) as u64) + 32,
        // Rings are no files of /dev/shm, whose size does not limit them: they are memory.
        shm_bytes: 0,
        memory_bytes: (processes << 20)
            .saturating_add((agents as u64) << 18)
            .saturating_add(message_bytes)
            .saturating_mul(2),
        message_bytes: message_bytes.saturating_mul(2),
    };
    machine::check_capacity(&needs, machine)
}

/// Refuses a time that is too short, before anything is started or written.
/// Gives the cells that fit.
pub(super) fn check_room(
    request: &Request,
    time: Duration,
    began: Instant,
) -> Result<Vec<PlannedCell>, CommandError> {
    let mut cells = plan::cells(request).map_err(usage)?;
    let room_s = request.budget_s - began.elapsed().as_secs_f64();
    let Err(error) = plan::fit(&mut cells, &request.workloads, MIN_PAIRS, room_s) else {
        return Ok(cells);
    };
    Err(usage(match error {
        PlanError::NoRoom {
            cells, needed_s, ..
        } => {
            let time_s = time.as_secs_f64();
            // What is no room for pairs has to be given, too; and a second, because that varies.
            PlanError::NoRoom {
                budget_s: time_s,
                cells,
                needed_s: (needed_s + time_s - room_s + 1.0).ceil(),
                option: match request.question {
                    Question::Full => "--budget",
                    _ => "--time",
                },
            }
        }
        other => other,
    }))
}

#[cfg(test)]
mod tests;
