//! Tests: runs invocations for real: a fresh host process for each.

use super::*;

#[test]
fn of_a_panic_the_message_is_told_and_no_frame() {
    let err = "\nthread 'main' (7) panicked at src/a.rs:3:9:\nindex out of bounds: the len is 3\n\
               stack backtrace:\n   0: __rustc::rust_begin_unwind\n   1: core::panicking\n\
               2: main\nnote: Some details are omitted\n\
               thread 'pump' panicked at src/b.rs:1:1:\nlater\n";
    assert_eq!(
        last_words(err.as_bytes()),
        "; it said: thread 'main' (7) panicked at src/a.rs:3:9: / index out of bounds: the len is 3"
    );
    let quiet = "thread 'main' panicked at src/a.rs:1:1:\nwhy\nnote: run with `RUST_BACKTRACE=1`\n";
    assert!(last_words(quiet.as_bytes()).ends_with(":1:1: / why"));
    assert_eq!(last_words(b"a\nb\nc\nd\n"), "; it said: b / c / d");
    assert_eq!(last_words(b"\n"), "");
}

#[test]
fn a_host_that_is_gone_has_said_how_far_it_came() {
    assert_eq!(told(b""), Told::default());
    let begun = told(b"\"setup\"\n\"warm_up\"\n");
    assert_eq!((begun.phase, begun.answer), (Phase::WarmUp, None));
    assert_eq!(told(b"\"setup\"\n\"win").phase, Phase::Setup);
    let failed = Outcome::Failed(Failure {
        phase: Phase::Check,
        agent: None,
        signal: None,
        message: "two\nlines".to_owned(),
    });
    let waits = Waiting {
        turns_done: 3,
        episode_s: 0.001,
        own_cpu_ns: 7,
    };
    let mut out = b"\"window\"\n".to_vec();
    out.extend(serde_json::to_vec(&waits).unwrap());
    out.push(b'\n');
    assert_eq!(told(&out).turns_done(), Some(3));
    assert_eq!(told(&out).phase, Phase::Window);
    out.extend(serde_json::to_vec(&failed).unwrap());
    assert_eq!(told(&out).answer, Some(failed));
}
