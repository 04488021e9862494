//! Can the machine start what is planned, and does everybody who spins have a CPU?

use super::{Asked, Draft, PlannedCell, PlannedWorkload};
use crate::deployment::{Count, Form};
use crate::experiment::machine::{self, LimitError, Needs};
use crate::record::{Machine, Side};
use crate::transport::{Entry, Transport, WaitPolicy, Wiring};
use crate::workload;
use crate::workload::reference::Tape;

/// What runs, once each.
struct Placed<'a> {
    workload: &'a PlannedWorkload,
    agents: usize,
    form: Form,
    /// How messages travel, in any of its cells.
    carriers: Vec<&'static Entry>,
    is_taped: bool,
}

/// Refuses a plan of which the machine cannot start something, before anything is started.
///
/// # Errors
/// What cannot be started or would wait for the scheduler, and what to do.
pub fn check(asked: &Asked, cells: &[PlannedCell], machine: &Machine) -> Result<(), String> {
    for placed in placed(asked, cells) {
        check_spinning(asked, &placed)?;
        carries(asked, &placed, machine).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn placed<'a>(asked: &'a Asked, cells: &[PlannedCell]) -> Vec<Placed<'a>> {
    let mut all: Vec<(usize, Placed<'a>)> = Vec::new();
    let sides = cells
        .iter()
        .flat_map(|cell| [(cell, Side::Baseline), (cell, Side::X)]);
    for (cell, which) in sides {
        let (workload, side) = (cell.workload_of(which), cell.side(which));
        let is_it = |p: &(usize, Placed<'_>)| {
            (p.0, p.1.agents, p.1.form) == (workload, cell.agents, side.form)
        };
        let at = all.iter().position(is_it).unwrap_or_else(|| {
            all.push((
                workload,
                Placed {
                    workload: &asked.workloads[workload],
                    agents: cell.agents,
                    form: side.form,
                    carriers: Vec::new(),
                    is_taped: false,
                },
            ));
            all.len() - 1
        });
        let found = &mut all[at].1;
        found.is_taped |= side.tape;
        if !side.tape {
            found.carriers.push(side.transport.of(side.form.kind));
        }
    }
    all.into_iter().map(|(_, placed)| placed).collect()
}

/// Whether the machine can start so many agents of a workload under a deployment, their messages by the transport that
/// was asked for.
///
/// # Errors
/// The limit.
pub fn can_start(
    draft: &Draft<'_>,
    workload: usize,
    agents: usize,
    form: Form,
) -> Result<(), LimitError> {
    let placed = Placed {
        workload: &draft.asked.workloads[workload],
        agents,
        form,
        carriers: vec![draft.asked.transport.compared().of(form.kind)],
        is_taped: false,
    };
    carries(draft.asked, &placed, draft.machine)
}

fn carries(asked: &Asked, placed: &Placed<'_>, machine: &Machine) -> Result<(), LimitError> {
    let agents = placed.agents;
    let placement = placed.form.place(agents, asked.cpus());
    let processes = placement.processes() as u64;
    let threads = (placement.workers() - placement.processes()) as u64;
    // One that cannot be read was refused before.
    let Ok(spec) = workload::parse(&placed.workload.source) else {
        return Ok(());
    };
    let together = agents.div_ceil(placement.processes().max(1)) * spec.descriptors_per_agent();
    // The host makes the streams of all workers before the first of them starts.
    let (mut streams, mut held, mut message_bytes) = (0, 0, 0);
    if !placed.workload.is_link {
        let wiring = Wiring::of(spec.as_ref(), agents, placement);
        for entry in &placed.carriers {
            streams = streams.max(entry.carrier.descriptors_of_the_host(&wiring));
            if processes > 0 {
                held = held.max(entry.carrier.descriptors_of_a_worker(&wiring));
            }
            message_bytes = message_bytes.max(entry.carrier.bytes_needed(&wiring));
        }
        if placed.is_taped {
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

/// Refuses more workers than CPUs where agents talk by a transport that spins: whoever spins without a CPU waits for the
/// scheduler, and so does all that is measured.
fn check_spinning(asked: &Asked, placed: &Placed<'_>) -> Result<(), String> {
    let Placed {
        workload,
        agents,
        form,
        ..
    } = placed;
    let cpus = asked.cpus();
    let workers = form.place(*agents, cpus).workers();
    let entry = asked.transport.compared().of(form.kind);
    let talks = workload.talks && !workload.is_link;
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
