//! Does the program do what people ask of it, and say what they did wrong?

#[allow(dead_code, reason = "each test program uses its own part")]
#[path = "../fixture/mod.rs"]
mod fixture;

mod cli;
mod help;
mod records_cli;
mod report_command;
