//! Whose turn is it? What a host asks before each of its turns, and who answers.

use super::{Invocation, fail};
use crate::experiment::turns::{self, Order, Waiting};
use crate::record::{Failure, Phase};
use std::io::{BufRead, Write};

/// Somebody who hears how far a host is, and says when it may run.
pub(super) trait Partner {
    /// A phase begins.
    fn phase(&mut self, begins: Phase);

    /// Waits for the next order.
    ///
    /// # Errors
    /// [`Failure`] when nobody gives orders any more.
    fn next(&mut self, waiting: Waiting) -> Result<Order, Failure>;
}

/// Nobody: the turns follow each other.
pub(super) struct Nobody<'i> {
    invocation: &'i Invocation,
    /// Turns of the window, once it has begun.
    turns: Option<u32>,
}

impl<'i> Nobody<'i> {
    pub(super) fn new(invocation: &'i Invocation) -> Nobody<'i> {
        Nobody {
            invocation,
            turns: None,
        }
    }
}

impl Partner for Nobody<'_> {
    fn phase(&mut self, _: Phase) {}

    fn next(&mut self, waiting: Waiting) -> Result<Order, Failure> {
        let of = *self
            .turns
            .get_or_insert_with(|| self.invocation.turns_for(waiting.episode_s));
        Ok(match waiting.turns_done < of {
            true => Order::Turn { of, cpu: None },
            false => Order::HandOver,
        })
    }
}

/// The coordinator, on standard input and output: it hears of everything, and gives orders where the
/// invocation takes turns.
pub(super) struct Coordinator<'i, R> {
    invocation: &'i Invocation,
    orders: R,
    alone: Nobody<'i>,
}

impl<'i, R: BufRead> Coordinator<'i, R> {
    pub(super) fn new(invocation: &'i Invocation, orders: R) -> Coordinator<'i, R> {
        Coordinator {
            invocation,
            orders,
            alone: Nobody::new(invocation),
        }
    }
}

/// Writes a line of JSON. Who does not listen is no reason to stop.
fn tell(what: &impl serde::Serialize) {
    let line = serde_json::to_string(what).expect("it is plain data");
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

impl<R: BufRead> Partner for Coordinator<'_, R> {
    // A host that is killed cannot say any more when it was.
    fn phase(&mut self, begins: Phase) {
        tell(&begins);
    }

    fn next(&mut self, waiting: Waiting) -> Result<Order, Failure> {
        if !self.invocation.part.takes_turns {
            return self.alone.next(waiting);
        }
        tell(&waiting);
        let gone = |why: String| fail(Phase::Window, format!("wait for the next turn: {why}"));
        let mut line = String::new();
        match self.orders.read_line(&mut line) {
            Ok(0) => return Err(gone("the coordinator is gone".to_owned())),
            Ok(_) => {}
            Err(e) => return Err(gone(e.to_string())),
        }
        match serde_json::from_str(&line) {
            Ok(Order::Turn { of, cpu }) if turns::is_possible(of) => Ok(Order::Turn { of, cpu }),
            Ok(Order::HandOver) if waiting.turns_done > 0 => Ok(Order::HandOver),
            _ => Err(gone(format!("\"{}\" is no order", line.trim()))),
        }
    }
}
