//! What of the machine do runs see and use? Each of these tests has the machine for itself: what they
//! look at would change beside another one, and who else maps the program takes a share of its pages.

#[path = "../host/mod.rs"]
mod host;

mod calibration;
mod fitness;
mod turns;

use std::sync::{Mutex, MutexGuard, PoisonError};

fn machine_for_itself() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::new(());
    // A test that failed has left nothing behind that would disturb the next.
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}
