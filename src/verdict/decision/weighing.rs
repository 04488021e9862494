//! All things weighed, which deployment, and what would change that?

use crate::record::Form;
use crate::record::{Effect, Estimate, Evidence, MemoryFit, Priority, SetupAnswer, Verdict};
use crate::verdict::crossover::AtAgents;
use crate::verdict::{is_settled, words};

/// Difference of setup below which nobody cares, as a factor.
pub(super) const SETUP_MATTERS: f64 = 1.2;

/// What is known about one workload under two deployments.
#[derive(Clone, Debug)]
pub(super) struct Facts<'a> {
    /// The baseline's label.
    pub baseline: &'a str,
    /// The other one's.
    pub x: &'a str,
    /// Comparisons, ascending by agents.
    pub cells: &'a [AtAgents<'a>],
    /// Memory of the baseline and of X.
    pub memory: [Option<&'a MemoryFit>; 2],
    /// Setup per agent count.
    pub setup: &'a [SetupAnswer],
    /// Latency per agent count.
    pub latency: Vec<&'a Evidence>,
    /// Share within which two numbers are one.
    pub margin: f64,
    /// Whole effective CPUs, by which `cores` is a number.
    pub cpus: usize,
}

/// One thing that deployments differ in: who is better at it, and how that is said; nobody where it makes no
/// difference.
struct Point {
    what: Priority,
    ahead: Option<usize>,
    said: String,
}

/// A paragraph in its parts, so that others may stand between them.
pub(super) struct Weighed {
    /// What to take and why.
    pub decision: String,
    /// What else speaks for it, a clause each.
    pub with: Vec<String>,
    /// What would change it, a sentence each, and which thing that is.
    pub changes: Vec<(Priority, String)>,
    /// What was measured and settles nothing, in words; empty where all does.
    pub open: String,
}

/// What to take by the thing that matters most, what the others say, what would change it, and what is open. Only what
/// is settled counts; what was not measured or is open is named as such.
pub(super) fn parts(facts: &Facts<'_>, priority: Priority) -> Weighed {
    let names = [facts.baseline, facts.x];
    let points: Vec<Point> = [
        throughput(facts),
        latency(facts),
        memory(facts),
        setup(facts),
        isolation(facts),
    ]
    .into_iter()
    .flatten()
    // That they are equal in these is worth saying only to somebody who asked.
    .filter(|p| {
        let is_aside = matches!(p.what, Priority::Startup | Priority::Isolation);
        p.ahead.is_some() || p.what == priority || !is_aside
    })
    .collect();
    let of = |what: Priority| points.iter().find(|p| p.what == what);
    let undecided = |decision: String| Weighed {
        decision,
        with: Vec::new(),
        changes: Vec::new(),
        open: open(facts, priority),
    };
    // Who asks for throughput and is told about memory instead would take it for an answer.
    if of(priority).is_none() {
        let settled: Vec<&str> = points.iter().map(|p| p.said.as_str()).collect();
        let open = format!(
            "nothing is recommended: {} {}",
            priority.words(),
            why_open(facts, priority)
        );
        return undecided(match settled.is_empty() {
            true => open,
            false => format!("{open}; known is this: {}", settled.join("; ")),
        });
    }
    // What matters most decides; where it does not, the next one that does.
    let fallback = [
        Priority::Throughput,
        Priority::Latency,
        Priority::Memory,
        Priority::Startup,
    ];
    let decides = std::iter::once(priority)
        .chain(fallback)
        .find_map(|what| of(what).filter(|p| p.ahead.is_some()));
    let Some((decides, chosen)) = decides.and_then(|p| Some((p, p.ahead?))) else {
        let said: Vec<&str> = points.iter().map(|p| p.said.as_str()).collect();
        let where_settled = match open_above(facts).is_empty() {
            true => "",
            false => " where it is settled",
        };
        return undecided(format!(
            "either will do{where_settled}: {}",
            said.join("; ")
        ));
    };
    let why = match decides.what == priority {
        true => format!("for {}", priority.words()),
        // What is open at a larger agent count may still decide there.
        false if priority == Priority::Throughput && !open_above(facts).is_empty() => format!(
            "throughput is equal where it is settled, {} decides",
            decides.what.words()
        ),
        false => format!(
            "{} does not decide, {} does",
            priority.words(),
            decides.what.words()
        ),
    };
    let others = points.iter().filter(|p| p.what != decides.what);
    let (against, with): (Vec<&Point>, Vec<&Point>) =
        others.partition(|p| p.ahead.is_some_and(|a| a != chosen));
    let change = |point: &Point| {
        let (other, said) = (names[1 - chosen], &point.said);
        let said = format!("{}, take {other}: {said}", condition(point.what));
        (point.what, said)
    };
    Weighed {
        decision: format!("take {} ({why}): {}", names[chosen], decides.said),
        with: with.into_iter().map(|p| p.said.clone()).collect(),
        changes: against.into_iter().map(change).collect(),
        open: open(facts, priority),
    }
}

/// Why nothing is known of what was asked for, and what would be known.
fn why_open(facts: &Facts<'_>, priority: Priority) -> &'static str {
    let is_measured = match priority {
        Priority::Latency => facts.latency.iter().any(|l| l.ratio.is_some()),
        Priority::Memory => facts.memory.iter().all(Option::is_some),
        Priority::Startup => !facts.setup.is_empty(),
        Priority::Throughput | Priority::Isolation => true,
    };
    match (is_measured, priority) {
        (true, _) => "is not settled here",
        (false, Priority::Latency) => "was not measured (--latency measures it)",
        (false, Priority::Memory) => "of an agent was not measured (it takes several agent counts)",
        (false, _) => "was not measured",
    }
}

/// What was measured and is not settled, but for what was asked for: that is said first.
fn open(facts: &Facts<'_>, priority: Priority) -> String {
    let has_cells = facts.cells.iter().any(|c| c.effect.is_some());
    let measured = [
        (Priority::Throughput, has_cells, throughput(facts).is_none()),
        (
            Priority::Latency,
            facts.latency.iter().any(|l| l.ratio.is_some()),
            latency(facts).is_none(),
        ),
        (
            Priority::Memory,
            facts.memory.iter().all(Option::is_some),
            memory(facts).is_none(),
        ),
    ];
    let open: Vec<&str> = measured
        .into_iter()
        .filter(|(what, is_measured, is_open)| *what != priority && *is_measured && *is_open)
        .map(|(what, _, _)| what.words())
        .collect();
    match open.as_slice() {
        [] => String::new(),
        several => format!("Measured and not settled: {}", words::list(several)),
    }
}

fn condition(what: Priority) -> &'static str {
    match what {
        Priority::Throughput => "If steps per second matter more",
        Priority::Latency => "If the tail matters more",
        Priority::Memory => "If memory is short",
        Priority::Startup => "If agents live shortly",
        Priority::Isolation => "If a crash must not take other agents with it",
    }
}

/// At the largest agent count that is settled.
fn throughput(facts: &Facts<'_>) -> Option<Point> {
    let settled = |c: &&AtAgents<'_>| is_settled(c.verdict);
    let cell = facts.cells.iter().rev().find(settled)?;
    let at = words::agents(cell.agents);
    let effect = cell.effect?;
    let ahead = match cell.verdict {
        Verdict::Ahead { deployment } => Some(usize::from(deployment == facts.x)),
        _ => None,
    };
    let said = match ahead {
        Some(who) => {
            let times = match who {
                1 => *effect,
                _ => swapped(effect),
            };
            let names = [facts.baseline, facts.x];
            format!(
                "{} do {} as many steps per second as {} at {at}",
                names[who],
                words::times_with_interval(&times),
                names[1 - who]
            )
        }
        None => format!("both do as many steps per second at {at}"),
    };
    // What holds at the largest count may be turned around below it.
    let turned = |c: &&AtAgents<'_>| match (c.verdict, ahead) {
        (Verdict::Ahead { deployment }, Some(who)) => usize::from(deployment == facts.x) != who,
        (Verdict::Ahead { .. }, None) => true,
        _ => false,
    };
    let turned: Vec<usize> = facts
        .cells
        .iter()
        .filter(turned)
        .map(|c| c.agents)
        .collect();
    let mut notes = Vec::new();
    if !turned.is_empty() {
        notes.push(format!("another answer at {}", words::list(&turned)));
    }
    let open = open_above(facts);
    if !open.is_empty() {
        notes.push(format!("not settled at {}", words::list(&open)));
    }
    let said = match notes.is_empty() {
        true => said,
        false => format!("{said} ({})", notes.join("; ")),
    };
    Some(Point {
        what: Priority::Throughput,
        ahead,
        said,
    })
}

/// Agent counts above the largest settled one at which throughput was measured and is open, ascending.
fn open_above(facts: &Facts<'_>) -> Vec<usize> {
    let settled = |c: &AtAgents<'_>| is_settled(c.verdict);
    let behind_settled = match facts.cells.iter().rposition(settled) {
        Some(at) => &facts.cells[at + 1..],
        None => &[],
    };
    let open = behind_settled.iter().filter(|c| c.effect.is_some());
    open.map(|c| c.agents).collect()
}

/// Baseline / X.
fn swapped(effect: &Effect) -> Effect {
    Effect {
        ratio: 1.0 / effect.ratio,
        low: 1.0 / effect.high,
        high: 1.0 / effect.low,
        ..*effect
    }
}

/// At the largest agent count where it was measured and is settled.
fn latency(facts: &Facts<'_>) -> Option<Point> {
    let settled = |l: &&Evidence| -> Option<Point> {
        let ratio = l.ratio?;
        let ahead = who_is_less(&ratio, facts.margin)?;
        let [Some(b), Some(x)] = l.values_ns else {
            return None;
        };
        let at = words::agents(l.agents);
        let said = format!(
            "99 % of steps are done within {} in {} and {} in {}, at {at} and {}",
            words::time(b),
            facts.baseline,
            words::time(x),
            facts.x,
            l.under
        );
        Some(Point {
            what: Priority::Latency,
            ahead,
            said,
        })
    };
    let mut point = facts.latency.iter().rev().find_map(settled)?;
    let is_open = |l: &&&Evidence| l.ratio.is_some() && settled(l).is_none();
    let open: Vec<usize> = facts
        .latency
        .iter()
        .filter(is_open)
        .map(|l| l.agents)
        .collect();
    if !open.is_empty() {
        point
            .said
            .push_str(&format!(" (not settled at {})", words::list(&open)));
    }
    Some(point)
}

/// Of X / baseline, who has less: nobody within the margin; `None` where the interval does not say.
pub(super) fn who_is_less(ratio: &Estimate, margin: f64) -> Option<Option<usize>> {
    let limit = 1.0 + margin;
    match ratio {
        r if r.low > limit => Some(Some(0)),
        r if r.high < 1.0 / limit => Some(Some(1)),
        r if r.low > 1.0 / limit && r.high < limit => Some(None),
        _ => None,
    }
}

fn memory(facts: &Facts<'_>) -> Option<Point> {
    let [b, x] = facts.memory.map(|m| m.map(|m| m.per_agent_bytes));
    let (b, x) = (b?, x?);
    let ahead = match () {
        // What noise has put below nothing is no less than something.
        () if b.value.max(x.value) <= 0.0 => return None,
        () if b.high < x.low => 0,
        () if x.high < b.low => 1,
        () => return None,
    };
    let said = format!(
        "an agent takes {} in {} and {} in {}",
        words::bytes(b.value.max(0.0)),
        facts.baseline,
        words::bytes(x.value.max(0.0)),
        facts.x
    );
    Some(Point {
        what: Priority::Memory,
        ahead: Some(ahead),
        said,
    })
}

/// At the largest agent count, with the lifetime after which the slower start has paid for itself.
fn setup(facts: &Facts<'_>) -> Option<Point> {
    let last = facts.setup.iter().max_by_key(|s| s.agents)?;
    let factor = last.x_s / last.baseline_s;
    let ahead = match factor {
        f if f > SETUP_MATTERS => Some(0),
        f if f < 1.0 / SETUP_MATTERS => Some(1),
        _ => None,
    };
    let slower = match factor > 1.0 {
        true => facts.x,
        false => facts.baseline,
    };
    let paid = last.break_even_s.map_or(String::new(), |s| {
        let after = words::duration(s);
        format!(" (the slower start of {slower} has paid for itself after {after})")
    });
    let said = format!(
        "{} are ready after {} in {} and {} in {}{paid}",
        words::agents(last.agents),
        words::duration(last.baseline_s),
        facts.baseline,
        words::duration(last.x_s),
        facts.x
    );
    Some(Point {
        what: Priority::Startup,
        ahead,
        said,
    })
}

/// Who has more processes loses fewer agents: known without measuring, and its price is what was measured.
fn isolation(facts: &Facts<'_>) -> Option<Point> {
    let agents = facts.cells.last()?.agents;
    let lost =
        [facts.baseline, facts.x].map(|label| agents_of_a_process(label, agents, facts.cpus));
    let [b, x] = [lost[0]?, lost[1]?];
    let ahead = match () {
        () if x < b => Some(1),
        () if b < x => Some(0),
        () => None,
    };
    Some(Point {
        what: Priority::Isolation,
        ahead,
        said: crash((facts.baseline, b), (facts.x, x), agents),
    })
}

/// What a crash takes along under two deployments.
fn crash((one, of_one): (&str, usize), (other, of_other): (&str, usize), agents: usize) -> String {
    format!(
        "a crash takes {of_one} of {} in {one} and {of_other} in {other}; how long it takes to mend was not measured",
        words::agents(agents)
    )
}

/// That a crash would have somebody who takes `taken` take `safer` instead; `None` where that loses as many.
pub(super) fn isolation_would_change(
    taken: &str,
    safer: &str,
    agents: usize,
    cpus: usize,
) -> Option<String> {
    let lost = |label| agents_of_a_process(label, agents, cpus);
    let (of_taken, of_safer) = (lost(taken)?, lost(safer)?);
    (of_safer < of_taken).then(|| {
        format!(
            "{}, take {safer}: {}",
            condition(Priority::Isolation),
            crash((taken, of_taken), (safer, of_safer), agents)
        )
    })
}

/// Agents that a crash takes along under the deployment with this label: those of its process. `None` where it is
/// no deployment's label.
pub(super) fn agents_of_a_process(label: &str, agents: usize, cpus: usize) -> Option<usize> {
    let form: Form = label.parse().ok()?;
    // Threads are no processes of their own: the one there is has all agents.
    Some(agents.div_ceil(form.place(agents, cpus).processes().max(1)))
}

#[cfg(test)]
mod tests;
