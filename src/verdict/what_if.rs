//! What would another transport make of it?

use super::words;
use crate::record::MessageAnswer;

/// Below this factor another transport is not worth a sentence: medians of invocations that did not run side
/// by side differ as much for nothing.
const WORTH_A_SENTENCE: f64 = 1.1;

/// A sentence for each deployment and agent count whose messages were priced by several transports: the
/// fastest against the one that the deployment has by itself, which comes first.
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
        let mut here = prices
            .iter()
            .filter(|p| (p.agents, p.deployment.as_str()) == (agents, deployment));
        let own = here.next()?;
        let fastest = here.max_by(|a, b| a.ops_per_s.total_cmp(&b.ops_per_s))?;
        let ratio = fastest.ops_per_s / own.ops_per_s;
        let begin = format!("{deployment} with {}", words::agents(agents));
        Some(match ratio >= WORTH_A_SENTENCE {
            true => format!(
                "{begin}: {} as many op/s by {} as by {}",
                words::times(ratio),
                fastest.transport,
                own.transport
            ),
            false => format!(
                "{begin}: no transport is much faster than {}",
                own.transport
            ),
        })
    };
    asked.into_iter().filter_map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Estimate;

    fn price(agents: usize, deployment: &str, transport: &str, ops_per_s: f64) -> MessageAnswer {
        let none = Estimate {
            value: 0.0,
            low: 0.0,
            high: 0.0,
        };
        MessageAnswer {
            agents,
            deployment: deployment.to_owned(),
            transport: transport.to_owned(),
            ops_per_s,
            messages_per_op: 2.0,
            overhead_per_message_ns: none,
            share_of_op: none,
        }
    }

    #[test]
    fn the_fastest_transport_is_compared_with_the_own_one() {
        let prices = [
            price(8, "threads", "channel", 100.0),
            price(8, "processes", "ipc", 40.0),
            price(8, "threads", "ring", 105.0),
            price(8, "processes", "socket", 30.0),
            price(8, "processes", "ring", 100.0),
        ];
        assert_eq!(
            what_if(&prices),
            [
                "threads with 8 agents: no transport is much faster than channel",
                "processes with 8 agents: 2.5 times as many op/s by ring as by ipc",
            ]
        );
    }

    #[test]
    fn one_transport_alone_is_no_question() {
        assert_eq!(what_if(&[price(8, "threads", "channel", 1.0)]), [""; 0]);
    }
}
