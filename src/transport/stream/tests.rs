//! Tests: how do messages travel by a stream of bytes that the kernel carries? Behind their length, one after the

use super::*;

#[test]
fn a_length_that_cannot_be_is_damage() {
    let mut incoming = Incoming::new(100);
    incoming.room()[..8].copy_from_slice(&101_u64.to_ne_bytes());
    incoming.end = 8;
    assert!(incoming.frame(100).is_err());
    incoming.buffer[..8].copy_from_slice(&u64::MAX.to_ne_bytes());
    assert!(incoming.frame(100).is_err());
    incoming.buffer[..8].copy_from_slice(&100_u64.to_ne_bytes());
    assert!(matches!(incoming.frame(100), Ok(None)));
}

#[test]
fn a_message_that_came_in_parts_is_taken_when_it_is_whole() {
    let mut incoming = Incoming::new(CHUNK);
    let message: Vec<u8> = (0..CHUNK).map(|i| i as u8).collect();
    let mut stream = Vec::new();
    for _ in 0..3 {
        stream.extend_from_slice(&(message.len() as u64).to_ne_bytes());
        stream.extend_from_slice(&message);
    }
    let mut taken = 0;
    for part in stream.chunks(1000) {
        let mut part = part;
        while !part.is_empty() {
            let room = incoming.room();
            let fits = part.len().min(room.len());
            room[..fits].copy_from_slice(&part[..fits]);
            incoming.end += fits;
            part = &part[fits..];
            while let Some(frame) = incoming.frame(CHUNK).unwrap() {
                assert_eq!(frame, message);
                taken += 1;
                let bytes = LENGTH + frame.len();
                incoming.consume(bytes);
            }
        }
    }
    assert_eq!(taken, 3);
}
