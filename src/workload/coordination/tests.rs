//! Tests: coordination: agents that search for one hidden target and share what they learn about it.

use super::*;

#[test]
fn divergence_is_zero_for_equal_shapes_and_positive_otherwise() {
    assert!(divergence(&[1.0, 0.5], &[2.0, 1.0]).abs() < 1e-15);
    let expected = 0.5 * (0.5f64 / 0.25).ln() + 0.5 * (0.5f64 / 0.75).ln();
    assert!((divergence(&[1.0, 1.0], &[1.0, 3.0]) - expected).abs() < 1e-15);
    assert_eq!(divergence(&[1.0, 1.0], &[1.0, 0.0]), f64::INFINITY);
}

#[test]
fn a_stamp_shows_damage_at_either_end() {
    for length in [0, 3, 8, 20] {
        let mut payload = vec![0; length];
        stamp(&mut payload, 0x0102_0304_0506_0708);
        assert!(is_stamped(&payload, 0x0102_0304_0506_0708));
        assert!(length == 0 || !is_stamped(&payload, 0x1112_1314_1516_1718));
    }
}

/// What a tampering transport makes of the messages that agent 0 of two receives.
type Tamper = fn(round: u64, fresh: Message, last: &Option<Message>) -> Option<Message>;

/// Digest of agent 0 after 30 rounds.
fn digest_of(tamper: Tamper) -> u64 {
    let entry = crate::workload::find("coordination").unwrap();
    let spec = read(&SpecSource::built_in(entry)).unwrap();
    let mut agents: Vec<_> = (0..2).map(|id| spec.build(id, 2, 5).unwrap()).collect();
    let mut digest = Digest::default();
    let mut last = None;
    for round in 0..30 {
        let mut drafts = [Message::default(), Message::default()];
        for (agent, draft) in agents.iter_mut().zip(&mut drafts) {
            agent.produce(draft);
        }
        let [from_0, from_1] = drafts;
        let received = tamper(round, from_1.clone(), &last);
        last = Some(from_1);
        agents[0].consume(Received::of(&[received.map(Box::new)]));
        agents[1].consume(Received::of(&[Some(Box::new(from_0))]));
        agents[0].fold(&mut digest);
    }
    digest.value()
}

#[test]
fn a_lost_a_stale_or_a_doubled_message_changes_the_digest() {
    let honest = digest_of(|_, fresh, _| Some(fresh));
    let lost: Tamper = |round, fresh, _| (round != 9).then_some(fresh);
    let stale: Tamper = |round, fresh, last| {
        if round == 9 {
            last.clone()
        } else {
            Some(fresh)
        }
    };
    let doubled: Tamper = |round, mut fresh, _| {
        if round == 9 {
            // Taken in twice: its belief counts twice.
            fresh.belief.iter_mut().for_each(|b| *b *= *b);
        }
        Some(fresh)
    };
    assert_eq!(honest, digest_of(|_, fresh, _| Some(fresh)));
    for (what, tamper) in [("lost", lost), ("stale", stale), ("doubled", doubled)] {
        assert_ne!(honest, digest_of(tamper), "{what}");
    }
}
