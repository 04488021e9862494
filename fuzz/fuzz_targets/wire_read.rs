//! Are arbitrary bytes an error, or a message that is written as the same bytes?
#![no_main]

use forkscope::transport::wire;
use forkscope::workload::Message;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Buffers that were used before, as a port's are.
    let mut message = Message {
        belief: vec![0.5; 3],
        payload: vec![1; 5],
        ..Message::default()
    };
    if wire::read(bytes, &mut message).is_ok() {
        assert_eq!(wire::bytes(&message), bytes.len());
        let mut written = vec![0; bytes.len()];
        wire::write(&message, &mut written);
        assert_eq!(written, bytes);
    }
});
