//! What does a message cost an agent, and what would another transport make of it?
//!
//! Side X exchanges messages, the baseline replays the same messages from a tape of its own, so that both compute the
//! same beliefs.

mod conclude;
mod show;
mod what_if;

use super::{Context, Entry, Study, finding};
use crate::deployment::Form;
use crate::document::Document;
use crate::experiment::plan::{Draft, Leaves, NamedBy, PlannedSide, Stands, anchors, band};
use crate::record::{Cell, Estimate, Run, Weight};
use crate::transport::{Asked, Choice, Purpose, REGISTRY, WaitPolicy};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Its name.
pub const NAME: &str = "prices";

/// Messages of agents, beside the same from a tape.
pub struct Prices;

impl Study for Prices {
    fn entry(&self) -> Entry {
        Entry::new(
            NAME,
            "what does a message cost an agent, and what would another transport make of it?",
        )
    }

    fn plan(&self, draft: &mut Draft<'_>) {
        let asked = draft.asked;
        let counts = anchors(&asked.agents);
        // Of each count what was planned: its cell and, where it is not native, its transport.
        let mut planned: Vec<(usize, usize, Option<&'static str>)> = Vec::new();
        let workloads = asked.workloads.iter().enumerate();
        for (workload, _) in workloads.filter(|(_, w)| w.talks && w.is_taped) {
            for &agents in &counts {
                for &form in &asked.deployments {
                    for transport in transports(draft, form, agents) {
                        let x = draft.side_by(form, transport);
                        let tape = PlannedSide { tape: true, ..x };
                        let name = &asked.workloads[workload].source.name;
                        let cell = draft.add(workload, agents, tape, x);
                        cell.label = format!(
                            "{name}@{agents} price of messages, {form} by {}",
                            x.transport_name()
                        );
                        cell.weight = Weight::Supporting;
                        cell.named_by = NamedBy::Transport;
                        cell.stands = Stands::Never;
                        planned.push((cell.id, agents, x.not_native()));
                    }
                }
            }
        }
        // One transport at a time goes, so that a few are known rather than none, the one that was planned last before
        // the others, and what a comparison takes last.
        for &(id, agents, by) in &planned {
            let is_with = |p: &&(usize, usize, Option<&str>)| p.1 == agents && p.2 == by;
            let order = match by {
                None => 0,
                Some(_) => 1 + planned.iter().rposition(|p| is_with(&p)).unwrap_or(0),
            };
            let band = match counts.first() == Some(&agents) {
                true => band::LAST_PRICES,
                false => band::PRICES,
            };
            draft.change(id, |cell| cell.leaves = Leaves::With { band, order });
        }
    }

    fn conclude(&self, cells: &[&Cell], context: &Context<'_>) -> Option<Value> {
        let cpus = context.run.machine.cpus_effective;
        let mut prices: Vec<MessageAnswer> = cells
            .iter()
            .filter_map(|c| conclude::message_price(c, cpus))
            .collect();
        // Deployment by deployment, in the order of the plan.
        let deployments: Vec<String> = prices.iter().map(|p| p.deployment.clone()).collect();
        let place = |p: &MessageAnswer| deployments.iter().position(|d| *d == p.deployment);
        prices.sort_by_key(|p| (p.workload.clone(), place(p)));
        let mut workloads: Vec<&str> = prices.iter().map(|p| p.workload.as_str()).collect();
        workloads.dedup();
        let of = |workload: &str| {
            let own = prices.iter().filter(|p| p.workload == workload);
            let said = what_if::what_if(&own.cloned().collect::<Vec<_>>());
            (workload.to_owned(), said)
        };
        let what_if = workloads.into_iter().map(of).collect();
        (!prices.is_empty()).then(|| finding(&PriceFinding { prices, what_if }))?
    }

    #[cfg(test)]
    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> Option<schemars::Schema> {
        Some(generator.subschema_for::<PriceFinding>())
    }

    fn show(&self, run: &Run, out: &mut Document) {
        show::show(run, out);
    }
}

/// The transports by which messages are priced under a deployment. Those that spin are not among all of
/// them where there are more workers than CPUs: each would wait for the scheduler.
fn transports(draft: &Draft<'_>, form: Form, agents: usize) -> Vec<Choice> {
    let asked = draft.asked;
    if let Asked::One(choice) = asked.transport {
        return vec![choice];
    }
    let cpus = asked.cpus();
    let is_crowded = form.place(agents, cpus).workers() > cpus;
    let all = REGISTRY.iter().filter(|e| {
        e.purpose == Purpose::Agents
            && e.serves(form.kind)
            && !(is_crowded && e.wait == WaitPolicy::Spin)
    });
    all.map(Choice::Named).collect()
}

/// What a run found out about the messages of agents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PriceFinding {
    /// By workload, agent count, deployment and transport.
    pub prices: Vec<MessageAnswer>,
    /// What another transport would make of it: by workload, in sentences; none where only one was asked for.
    pub what_if: BTreeMap<String, Vec<String>>,
}

/// Price of messages at one agent count under one deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MessageAnswer {
    /// Name of the workload.
    pub workload: String,
    /// Number of agents.
    pub agents: usize,
    /// Deployment that exchanged the messages.
    pub deployment: String,
    /// Transport that carried them.
    pub transport: String,
    /// Op/s with messages, median over pairs.
    #[serde(default)]
    pub ops_per_s: f64,
    /// Op/s with messages: geometric mean over invocations with its 95 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ops_per_s_level: Option<Estimate>,
    /// Messages per op.
    pub messages_per_op: f64,
    /// (CPU-capacity time per op with messages − the same with the tape) / messages, nanoseconds.
    pub overhead_per_message_ns: Estimate,
    /// Share of an op's time that messages cost, 0 to 1.
    pub share_of_op: Estimate,
}
