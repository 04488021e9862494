//! What do the words mean?

use crate::document::{Block, Detail, Document, numbers};
use crate::record::Run;

pub fn show(run: &Run, out: &mut Document) {
    let margin = numbers::percent(run.margin);
    let term =
        |(term, meaning): &(&str, &str)| ((*term).to_owned(), meaning.replace("{margin}", &margin));
    let section = out.section("how-to-read", "how to read this");
    section.unmarked().detail(Detail::Page);
    section.block(Block::Terms(TERMS.iter().map(term).collect()));
}

const TERMS: [(&str, &str); 12] = [
    (
        "agent, op",
        "An agent is one active-inference agent with its own model and world. An op is one step of it: \
         observe, infer, act, and where the workload says so, exchange messages or learn. Op/s are of all \
         agents together.",
    ),
    (
        "ratio",
        "Always X / baseline, of op/s: 1.20 means that X does 1.2 times as much per second. It is the \
         geometric mean over pairs, and each pair is two fresh invocations that take turns, some 20 ms each \
         (in records of method 1: one window after the other), so that whatever the machine does hits both.",
    ),
    (
        "interval",
        "A 95 % interval: of a hundred such intervals about ninety-five hold the truth. It rests on whole \
         invocations, never on slices of one. It says nothing about other machines.",
    ),
    (
        "margin",
        "Within ± {margin} % two rates count as equal, because nobody would choose by less. It was set before \
         the run.",
    ),
    (
        "verdict",
        "The interval wholly beyond the margin: that side is ahead. Wholly inside: a tie. Anything else: \
         inconclusive.",
    ),
    (
        "tie and inconclusive",
        "A tie is a finding: the two are equal within the margin, with certainty. Inconclusive is the lack of \
         one: the interval reaches across the margin, and more time or a quieter machine narrows it.",
    ),
    (
        "controls, withheld",
        "Every run also compares a deployment with itself, and with itself doing a known share of extra work. \
         Where the first finds a winner, or the second is not seen, this machine could not have told the \
         truth about anything else, and the headline is withheld. The tables stay, for those who look for the \
         cause.",
    ),
    (
        "busy machine",
        "Other programs used the CPUs, and it was measured all the same. Their noise is in every interval, \
         and may lean to one side.",
    ),
    (
        "dropped pairs",
        "A pair is dropped for a recorded cause (it failed, other programs or the hypervisor took the CPUs, \
         the two sides did not do the same work), never for its value.",
    ),
    (
        "memory",
        "PSS (shared pages divided among their users) + page tables + kernel stacks of all processes, while \
         the workers are parked. Bytes per agent are the slope over agent counts; the fixed cost is where the \
         line begins.",
    ),
    (
        "setup, break-even",
        "Setup is the time from the first spawn call until all agents are ready; it is not part of op/s. \
         Break-even is the lifetime after which a side that starts later but runs faster has caught up.",
    ),
    (
        "service time",
        "From the moment an agent could begin an op until it had acted. It is not latency: nothing waits in a \
         queue.",
    ),
];
