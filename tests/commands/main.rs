//! Does the program do what people ask of it, and say what they did wrong?

#[allow(dead_code, reason = "each test program uses its own part")]
#[path = "../fixture/mod.rs"]
mod fixture;

mod cli;
mod help;
mod records_cli;
mod report_command;

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_forkscope");

/// The program in a folder of its own, without the options of whoever runs the tests.
fn forkscope(folder: &TempDir) -> Command {
    let mut command = Command::new(BINARY);
    for (name, _) in std::env::vars() {
        if name.starts_with("FORKSCOPE_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(folder.path())
        .env("TMPDIR", folder.path())
        .env("LC_ALL", "C.UTF-8")
        // Other tests run beside this one.
        .env("FORKSCOPE_ALLOW_BUSY", "1");
    command
}

fn folder() -> TempDir {
    TempDir::new().unwrap()
}

fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).expect("UTF-8")
}

fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).expect("UTF-8")
}
