//! What would another transport make of it?

use super::MessageAnswer;
use crate::deployment::Form;
use crate::record::Estimate;
use crate::transport::Choice;
use crate::verdict::words;

/// Below this factor another transport is not worth a sentence.
const MUCH: f64 = 1.1;

/// A sentence for each deployment and agent count whose messages were priced by several transports: what is
/// faster than the one that the deployment has by itself. Invocations of two transports are no pairs, so
/// another one is called faster only where the two intervals do not overlap.
#[must_use]
pub fn what_if(prices: &[MessageAnswer]) -> Vec<String> {
    let mut asked: Vec<(usize, &str)> = Vec::new();
    for price in prices {
        let key = (price.agents, price.deployment.as_str());
        if !asked.contains(&key) {
            asked.push(key);
        }
    }
    let sentence = |(agents, deployment): (usize, &str)| {
        let here: Vec<&MessageAnswer> = prices
            .iter()
            .filter(|p| (p.agents, p.deployment.as_str()) == (agents, deployment))
            .collect();
        let said = answer(&here, native(deployment)?)?;
        Some(format!(
            "{deployment} with {}: {said}",
            words::agents(agents)
        ))
    };
    asked.into_iter().filter_map(sentence).collect()
}

/// The transport that a deployment has by itself.
fn native(deployment: &str) -> Option<&'static str> {
    let form: Form = deployment.parse().ok()?;
    Some(Choice::Native.of(form.kind).name)
}

/// `None` where there is nothing to hold against each other.
fn answer(here: &[&MessageAnswer], native: &str) -> Option<String> {
    if here.len() < 2 {
        return None;
    }
    let (own, others): (Vec<&MessageAnswer>, Vec<&MessageAnswer>) =
        here.iter().partition(|p| p.transport == native);
    let Some(own) = own.first().and_then(|p| p.ops_per_s_level) else {
        return Some(format!(
            "{native} was not measured, so what another transport would change cannot be told"
        ));
    };
    let levels: Vec<(&str, Estimate)> = others
        .iter()
        .filter_map(|p| Some((p.transport.as_str(), p.ops_per_s_level?)))
        .collect();
    let is_known = levels.len() == others.len();
    if is_known && levels.iter().all(|(_, l)| l.high <= MUCH * own.low) {
        return Some(format!("no transport is much faster than {native}"));
    }
    let faster = levels
        .iter()
        .filter(|(_, l)| l.low > own.high && l.value >= MUCH * own.value)
        .max_by(|(_, a), (_, b)| a.value.total_cmp(&b.value));
    Some(match faster {
        Some((name, level)) => format!(
            "{} as many op/s by {name} as by {native}, at least {}",
            words::times(level.value / own.value),
            words::times(level.low / own.high)
        ),
        None => format!("whether another transport is much faster than {native} cannot be told"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With an interval of `part` of it on either side.
    fn price(deployment: &str, transport: &str, ops_per_s: f64, part: f64) -> MessageAnswer {
        let around = |value: f64| Estimate {
            value,
            low: (1.0 - part) * value,
            high: (1.0 + part) * value,
        };
        MessageAnswer {
            workload: "coordination".to_owned(),
            agents: 8,
            deployment: deployment.to_owned(),
            transport: transport.to_owned(),
            ops_per_s,
            ops_per_s_level: Some(around(ops_per_s)),
            messages_per_op: 2.0,
            overhead_per_message_ns: around(0.0),
            share_of_op: around(0.0),
        }
    }

    #[test]
    fn another_transport_is_faster_where_the_intervals_do_not_overlap() {
        let prices = [
            price("threads", "channel", 100.0, 0.01),
            price("processes", "ipc", 40.0, 0.05),
            price("threads", "ring", 105.0, 0.01),
            price("processes", "socket", 30.0, 0.05),
            price("processes", "ring", 100.0, 0.05),
        ];
        assert_eq!(
            what_if(&prices),
            [
                "threads with 8 agents: no transport is much faster than channel",
                "processes with 8 agents: 2.5 times as many op/s by ring as by ipc, at least 2.3 times",
            ]
        );
    }

    #[test]
    fn intervals_that_overlap_or_are_wide_tell_nothing() {
        for (ring, part) in [(140.0, 0.2), (100.0, 0.1)] {
            let prices = [
                price("threads", "channel", 100.0, part),
                price("threads", "ring", ring, part),
            ];
            assert_eq!(
                what_if(&prices),
                [
                    "threads with 8 agents: whether another transport is much faster than channel cannot be told"
                ]
            );
        }
    }

    #[test]
    fn without_the_native_price_no_other_takes_its_place() {
        let prices = [
            price("processes", "socket", 30.0, 0.01),
            price("processes", "ring", 100.0, 0.01),
        ];
        let said = what_if(&prices).remove(0);
        assert!(said.contains("ipc was not measured"), "{said}");
        assert!(!said.contains("times"), "{said}");
    }

    #[test]
    fn one_transport_alone_is_no_question() {
        assert_eq!(what_if(&[price("threads", "channel", 1.0, 0.01)]), [""; 0]);
    }
}
