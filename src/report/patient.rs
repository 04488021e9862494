//! How is all of a text written, or read, where the other side sets a stream not to block?
//!
//! Whether a pipe or a terminal blocks is a property of what is open, not of who opened it: a parent that reads
//! from it without waiting takes it from its children, too. Then a full pipe is no failure, but a reason to wait.

use rustix::event::{PollFd, PollFlags, poll};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;

/// A stream that waits until it can go on.
#[derive(Debug)]
pub struct Patient<T>(pub T);

impl<T: AsFd> Patient<T> {
    fn until_done<R>(
        &mut self,
        wanted: PollFlags,
        mut step: impl FnMut(&mut T) -> io::Result<R>,
    ) -> io::Result<R> {
        loop {
            match step(&mut self.0) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            match poll(&mut [PollFd::new(&self.0, wanted)], None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }
}

impl<T: Write + AsFd> Write for Patient<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.until_done(PollFlags::OUT, |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.until_done(PollFlags::OUT, Write::flush)
    }
}

impl<T: Read + AsFd> Read for Patient<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.until_done(PollFlags::IN, |from| from.read(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufWriter, PipeReader, PipeWriter};

    fn pipe() -> (PipeReader, PipeWriter) {
        let (reader, writer) = io::pipe().unwrap();
        rustix::io::ioctl_fionbio(&reader, true).unwrap();
        rustix::io::ioctl_fionbio(&writer, true).unwrap();
        (reader, writer)
    }

    #[test]
    fn a_pipe_that_does_not_block_carries_everything_both_ways() {
        let text: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
        let (reader, writer) = pipe();
        let mut read = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut out = BufWriter::new(Patient(writer));
                out.write_all(&text).unwrap();
                out.flush().unwrap();
            });
            Patient(reader).read_to_end(&mut read).unwrap();
        });
        assert!(read == text);
    }

    #[test]
    fn a_reader_that_goes_ends_the_wait() {
        let (reader, writer) = pipe();
        let waits = std::thread::spawn(move || Patient(writer).write_all(&[0; 1_000_000]));
        let mut first = [0; 1000];
        Patient(&reader).read_exact(&mut first).unwrap();
        drop(reader);
        let error = waits.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }
}
