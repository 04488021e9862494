//! Does every format carry every body, bit for bit, and refuse what is damaged?

use forkscope::study::Programme;
use forkscope::workload::serialize::body::{
    BODIES, Batch, Beliefs, Bytes, Draw, Header, Kind, Note, Record, WEIGHTS,
};
use forkscope::workload::serialize::handover::Handover;
use forkscope::workload::serialize::json::Json;
use forkscope::workload::serialize::postcard::Postcard;
use forkscope::workload::serialize::raw::Raw;
use forkscope::workload::serialize::reading::Transcript;
use forkscope::workload::serialize::rkyv::Rkyv;
use forkscope::workload::serialize::{
    Body, Codec, Content, FORMATS, Format, FormatEntry, FormatError, Settings, Step, find_format,
};
use forkscope::workload::{self, SpecSource, reference};
use proptest::prelude::*;

/// Bodies of each type, of which every byte can be damaged in good time.
const SMALL: [Body; 4] = [
    Body::Struct,
    Body::Beliefs(25),
    Body::Bytes(300),
    Body::Batch(20),
];

/// What a body says without any format.
fn said<B: Content>(body: &B) -> Transcript {
    let mut transcript = Transcript::default();
    body.read(&mut transcript);
    transcript
}

/// What arrives of a body in a format; over a buffer that held a larger body before.
fn arrived<F: Codec<B> + Default, B: Content>(body: &B) -> Result<Transcript, FormatError> {
    let (mut format, mut carried) = (F::default(), F::Carried::default());
    let mut earlier = Box::new(B::draw(500, &mut Draw::new(1)));
    format.encode(&mut earlier, &mut carried)?;
    format.restore(&mut earlier, &mut carried);
    let mut body = Box::new(body.clone());
    format.encode(&mut body, &mut carried)?;
    let mut transcript = Transcript::default();
    format.decode(&carried, &mut transcript)?;
    Ok(transcript)
}

/// The formats with which a test of types has to do.
const TESTED: [&str; 5] = [
    Json::NAME,
    Postcard::NAME,
    Rkyv::NAME,
    Raw::NAME,
    Handover::NAME,
];

/// Every format but JSON carries all bits; JSON carries what is finite and refuses everything else.
fn assert_carried_by_all<B: Content>(body: &B, is_finite: bool)
where
    Json: Codec<B>,
    Postcard: Codec<B>,
    Rkyv: Codec<B>,
    Raw: Codec<B>,
{
    let expected = Ok(said(body));
    assert_eq!(arrived::<Postcard, B>(body), expected);
    assert_eq!(arrived::<Rkyv, B>(body), expected);
    assert_eq!(arrived::<Raw, B>(body), expected);
    assert_eq!(arrived::<Handover, B>(body), expected);
    if is_finite {
        assert_eq!(arrived::<Json, B>(body), expected);
    } else {
        let why = "a number is not finite".to_owned();
        let format = Json::NAME;
        assert_eq!(
            arrived::<Json, B>(body),
            Err(FormatError::Refused { format, why })
        );
    }
}

/// Any bits: infinities, and every NaN that there is.
fn any_f64() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<u64>().prop_map(f64::from_bits),
        1 => Just(f64::from_bits(0x7ff4_dead_beef_0001)),
        1 => Just(-0.0),
    ]
}

fn finite_f64() -> impl Strategy<Value = f64> {
    any::<u64>()
        .prop_map(f64::from_bits)
        .prop_filter("finite", |x| x.is_finite())
}

fn any_kind() -> impl Strategy<Value = Kind> {
    proptest::sample::select(Kind::ALL.to_vec())
}

prop_compose! {
    fn any_note()(
        (round, value, from, to) in (any::<u64>(), any_f64(), any::<u32>(), any::<u32>()),
        (confidence, action) in (any::<u32>().prop_map(f32::from_bits), any::<u16>()),
        (kind, wants_answer) in (any_kind(), any::<bool>()),
    ) -> Note {
        Note { round, value, from, to, confidence, action, kind, wants_answer }
    }
}

prop_compose! {
    fn any_record()(
        (id, round, sent_ns) in any::<(u64, u64, u64)>(),
        (from, to, retries, priority) in any::<(u32, u32, u32, u16)>(),
        (kind, wants_answer) in (any_kind(), any::<bool>()),
        (x, y, z) in (any_f64(), any_f64(), any_f64()),
        (confidence, patience) in any::<(u32, u32)>(),
        weights in proptest::collection::vec(any_f64(), WEIGHTS),
        topic in ".{0,80}",
    ) -> Record {
        Record {
            header: Header {
                id, round, sent_ns, from, to, retries, priority, kind, wants_answer,
                position: [x, y, z],
                confidence: f32::from_bits(confidence),
                patience_s: f32::from_bits(patience),
            },
            weights: weights.try_into().unwrap(),
            topic,
        }
    }
}

fn is_finite_note(note: &Note) -> bool {
    note.value.is_finite() && note.confidence.is_finite()
}

/// The same note with numbers that JSON can carry.
fn finite_note(note: Note) -> Note {
    Note {
        value: finite(note.value),
        confidence: finite(f64::from(note.confidence)) as f32,
        ..note
    }
}

fn finite(x: f64) -> f64 {
    if x.is_finite() { x } else { 0.1 }
}

proptest! {
    #[test]
    fn every_format_carries_all_bits_of_beliefs(values in proptest::collection::vec(any_f64(), 0..70)) {
        let is_finite = values.iter().all(|v| v.is_finite());
        assert_carried_by_all(&Beliefs { values }, is_finite);
    }

    #[test]
    fn every_format_carries_finite_beliefs(values in proptest::collection::vec(finite_f64(), 0..70)) {
        assert_carried_by_all(&Beliefs { values }, true);
    }

    #[test]
    fn every_format_carries_any_bytes(bytes: Vec<u8>) {
        assert_carried_by_all(&Bytes { bytes }, true);
    }

    #[test]
    fn every_format_carries_any_batch(notes in proptest::collection::vec(any_note(), 0..30)) {
        let is_finite = notes.iter().all(is_finite_note);
        let finite = notes.iter().copied().map(finite_note).collect();
        assert_carried_by_all(&Batch { notes }, is_finite);
        assert_carried_by_all(&Batch { notes: finite }, true);
    }

    #[test]
    fn every_format_carries_any_struct(record in any_record()) {
        let header = record.header;
        let singles = [header.confidence, header.patience_s];
        let is_finite = record.weights.iter().chain(&header.position).all(|x| x.is_finite())
            && singles.iter().all(|x| x.is_finite());
        assert_carried_by_all(&record, is_finite);
        let mut with_finite = record;
        with_finite.weights = with_finite.weights.map(finite);
        with_finite.header.position = header.position.map(finite);
        let [confidence, patience_s] = singles.map(|x| finite(f64::from(x)) as f32);
        (with_finite.header.confidence, with_finite.header.patience_s) = (confidence, patience_s);
        assert_carried_by_all(&with_finite, true);
    }

    #[test]
    fn bits_that_were_flipped_never_make_a_format_panic(
        seed: u64,
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 0..8), 1..4),
    ) {
        for (format, body, mut message) in messages(&SMALL, seed) {
            for (at, bit) in &flips {
                let at = at.index(message.len());
                message[at] ^= 1_u8 << bit;
            }
            // What it says now is another matter: a number with a flipped bit is a number.
            if let Err(error) = (format.transcript)(body, &message) {
                prop_assert!(matches!(error, FormatError::Damaged { .. }), "{error}");
            }
        }
    }

    #[test]
    fn noise_never_makes_a_format_panic(noise: Vec<u8>) {
        for format in FORMATS {
            for body in SMALL {
                let _ = (format.transcript)(body, &noise);
                // Behind a length that is right.
                let mut framed = noise.clone();
                framed.splice(0..0, (noise.len() as u64 + 8).to_le_bytes());
                let _ = (format.transcript)(body, &framed);
            }
        }
    }
}

/// A message in every format that writes any.
fn messages(bodies: &[Body], seed: u64) -> Vec<(&'static FormatEntry, Body, Vec<u8>)> {
    let mut messages = Vec::new();
    for format in FORMATS {
        for &body in bodies {
            let message = (format.message)(body, seed).unwrap();
            messages.extend(message.map(|m| (format, body, m)));
        }
    }
    messages
}

#[test]
fn all_formats_are_tested_here_and_one_of_them_writes_nothing() {
    let names: Vec<&str> = FORMATS.iter().map(|f| f.name).collect();
    assert_eq!(names, TESTED);
    let written = messages(&[Body::Struct], 1);
    assert_eq!(written.len(), FORMATS.len() - 1);
    let handover = find_format("handover").unwrap();
    assert_eq!((handover.message)(Body::Struct, 1), Ok(None));
    assert_eq!((handover.transcript)(Body::Struct, &[]), Ok(None));
}

#[test]
fn a_message_that_was_cut_short_anywhere_is_refused() {
    for (format, body, message) in messages(&SMALL, 3) {
        for length in 0..message.len() {
            let error = (format.transcript)(body, &message[..length]);
            assert!(
                matches!(error, Err(FormatError::Damaged { format: name, .. }) if name == format.name),
                "{} {body:?} cut to {length} of {}",
                format.name,
                message.len()
            );
        }
    }
}

#[test]
fn a_message_that_does_not_end_where_it_should_is_refused() {
    for (format, body, mut message) in messages(&SMALL, 3) {
        message.push(b'1');
        let error = (format.transcript)(body, &message);
        assert!(error.is_err(), "{} {body:?}", format.name);
    }
}

#[test]
fn a_flag_that_is_none_and_text_that_is_none_are_refused() {
    let raw = find_format("raw").unwrap();
    let message = |body| (raw.message)(body, 3).unwrap().unwrap();
    let refused = |body, at: usize, byte: u8| {
        let mut message = message(body);
        message[at] = byte;
        (raw.transcript)(body, &message).unwrap_err().to_string()
    };
    let flag = "this is no message in raw: a flag has none of its values";
    for (at, byte) in [(38, 4), (39, 2)] {
        assert_eq!(refused(Body::Struct, at, byte), flag);
        assert_eq!(refused(Body::Batch(5), at + 32, byte), flag);
    }
    let text = "this is no message in raw: the topic is no text";
    assert_eq!(refused(Body::Struct, 255, 0xff), text);
}

#[test]
fn binary_messages_of_a_body_are_equally_long_and_differ() {
    for &(name, body) in BODIES {
        let first = messages(&[body], 0);
        for seed in 1..20.min(body.variants() as u64 + 1) {
            for ((format, _, a), (_, _, b)) in first.iter().zip(messages(&[body], seed)) {
                assert_ne!(*a, b, "{name} {}", format.name);
                if format.name != "json" {
                    assert_eq!(a.len(), b.len(), "{name} {}", format.name);
                }
            }
        }
    }
}

#[test]
fn a_raw_message_is_its_values_and_its_length() {
    let raw = find_format("raw").unwrap();
    for &(name, body) in BODIES {
        let bytes = (raw.facts)(body).unwrap().bytes;
        assert_eq!(bytes, body.bytes() as f64 + 8.0, "{name}");
    }
    assert_eq!((raw.facts)(Body::Struct).unwrap().bytes, 256.0);
}

fn settings(format: &'static FormatEntry, body: Body, step: Step) -> Settings {
    Settings {
        format,
        body,
        step,
        bundle: 3,
    }
}

#[test]
fn all_formats_of_a_body_read_the_same() {
    for &(name, body) in BODIES {
        for step in [Step::Encode, Step::Decode, Step::Both] {
            let digests = FORMATS.iter().map(|format| {
                let spec = settings(format, body, step);
                // JSON of the largest takes its time.
                let rounds = if body.bytes() > 1 << 16 { 2 } else { 5 };
                reference::run(&spec, 2, 7, rounds, |_, _, _| {}).unwrap()
            });
            let digests: Vec<_> = digests.collect();
            assert!(digests.iter().all(|d| *d == digests[0]), "{name} {step:?}");
            assert_ne!(digests[0][0], digests[0][1], "{name} {step:?}");
        }
    }
}

#[test]
fn an_op_differs_from_the_one_before_and_an_episode_repeats() {
    use forkscope::workload::{Digest, Received, Spec};
    for format in FORMATS {
        for step in [Step::Encode, Step::Decode, Step::Both] {
            let spec = settings(format, Body::Beliefs(100), step);
            let mut agent = spec.build(0, 1, 7).unwrap();
            let mut read = || {
                agent.consume(Received::NOTHING);
                let mut digest = Digest::default();
                agent.fold(&mut digest);
                digest.value()
            };
            let first: Vec<u64> = (0..spec.episode_length()).map(|_| read()).collect();
            let second: Vec<u64> = (0..spec.episode_length()).map(|_| read()).collect();
            assert_eq!(first, second, "{} {step:?}", format.name);
            assert!(first.windows(2).all(|w| w[0] != w[1]), "{}", format.name);
        }
    }
}

#[test]
fn allocations_are_counted() {
    for &(name, body) in BODIES {
        for format in FORMATS {
            let facts = (format.facts)(body).unwrap();
            let (encode, decode) = (facts.encode.unwrap(), facts.decode.unwrap());
            // Into a buffer that is large enough nobody needs more.
            assert_eq!(
                (encode.times, encode.bytes),
                (0.0, 0.0),
                "{name} {}",
                format.name
            );
            match format.name {
                "postcard" => {
                    // The list, or the text, that the receiver gets.
                    let bytes = if body == Body::Struct {
                        48
                    } else {
                        body.bytes()
                    };
                    assert_eq!((decode.times, decode.bytes), (1.0, bytes as f64), "{name}");
                }
                "json" => assert!(decode.times >= 1.0, "{name}"),
                _ => assert_eq!((decode.times, decode.bytes), (0.0, 0.0), "{name}"),
            }
        }
    }
}

/// What reading the built-in file says, with one value changed.
fn refused(from: &str, to: &str) -> String {
    let mut source = SpecSource::built_in(workload::find("serialize").unwrap());
    assert!(source.text.contains(from), "{from}");
    source.text = source.text.replacen(from, to, 1);
    workload::read(&source).err().unwrap().to_string()
}

#[test]
fn parameters_that_make_no_sense_are_named_with_what_would() {
    let begin = "workloads/serialize.toml (built in)";
    assert_eq!(
        refused("\"postcard\"", "\"xml\""),
        format!("{begin}:7: op.format: \"xml\" is none of json, postcard, rkyv, raw, handover")
    );
    assert_eq!(
        refused("\"beliefs100\"", "\"beliefs\""),
        format!(
            "{begin}:8: op.body: \"beliefs\" is none of struct, beliefs25, beliefs100, beliefs1000, bytes4k, bytes64k, bytes1m, batch100"
        )
    );
    assert_eq!(
        refused("bundle = 8", "bundle = 0"),
        format!("{begin}:11: op.bundle: 0 is not between 1 and 4096")
    );
    assert_eq!(
        refused("body = \"beliefs100\"", "body = \"bytes1m\""),
        format!("{begin}:11: op.bundle: 8 is not between 1 and 4")
    );
    let step = refused("\"both\"", "\"neither\"");
    assert!(
        step.contains("expected one of `encode`, `decode`, `both`"),
        "{step}"
    );
}

#[test]
fn the_probes_of_the_kernel_do_not_include_it() {
    let probes = Programme::named(&["probes".to_owned()]).expect("they are built in");
    let probes: Vec<&str> = probes
        .workloads
        .iter()
        .map(|w| w.source.name.as_str())
        .collect();
    assert!(
        probes.iter().all(|p| p.starts_with("probes/")),
        "{probes:?}"
    );
}
