//! What did an invocation cost?
//!
//! | module | question |
//! |---|---|
//! | [`clock`] | what time is it, cheaply enough to time a single op? |
//! | [`service`] | how long did a worker's ops take, one by one? |
//! | [`cpu`] | how much CPU did a process, a thread and everyone else use? |
//! | [`cgroup`] | what does the control group allow, and did it throttle? |
//! | [`memory`] | how much memory does a tree of processes hold? |
//! | [`heap`] | how many heap bytes are live in this process? |
//! | [`interrupts`] | how often did one CPU interrupt another? |
//! | [`pace`] | how evenly do the CPUs run when nothing else does? |
//! | [`program`] | which program is this, and may others of it look at it? |
//! | [`standstill`] | did a process stand still, although it was due to run? |
//! | [`program_break`] | how can the program break move while malloc stands on it? |
//!
//! Everything here but [`program_break`] and [`program::allow_looks`] reads; nothing here judges (that is `experiment::machine`
//! before a run, and `stats` and `verdict` after it). What runs inside a window —
//! [`service::Recorder`], [`clock::Ticker`], the counting of [`heap::Counting`] and the moves of
//! [`program_break::ProgramBreak`] — allocates nothing and takes no lock; the rest is read at the
//! ends of a window or while workers are parked.
//!
//! An allocator, the instruction that reads the CPU's counter, the system call that moves the
//! program break and the notes of the linker cannot be had without `unsafe`; they are here and nowhere else.

pub mod cgroup;
pub mod clock;
pub mod cpu;
pub mod heap;
pub mod interrupts;
pub mod memory;
pub mod pace;
pub mod program;
pub mod program_break;
pub mod service;
pub mod standstill;
