//! Do invocations do, for real, what is asked of them? Every test here starts hosts and their workers.

#[path = "../host/mod.rs"]
mod host;
#[path = "../scripted/mod.rs"]
mod scripted;

mod faults;
mod latency;
mod parity;
mod probes;
mod relay;
mod surroundings;
