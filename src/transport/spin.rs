//! How does any transport wait without ever sleeping? By asking again: the other half of what a
//! wake-up costs.

use super::{Port, TransportError};
use crate::workload::Message;

/// A port whose worker, while it waits, looks again and again.
pub struct Spinning<P>(pub P);

impl<P: Port> Port for Spinning<P> {
    fn send(&mut self, worker: usize, message: Box<Message>) -> Result<(), TransportError> {
        self.0.send(worker, message)
    }

    fn try_receive(&mut self) -> Result<Option<Box<Message>>, TransportError> {
        self.0.try_receive()
    }

    fn receive(&mut self) -> Result<Box<Message>, TransportError> {
        loop {
            if let Some(message) = self.0.try_receive()? {
                return Ok(message);
            }
            std::hint::spin_loop();
        }
    }

    fn settle(&mut self) -> Result<(), TransportError> {
        self.0.settle()
    }
}
