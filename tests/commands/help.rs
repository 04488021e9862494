//! Does what helps people type hold: examples, completions, the manual?

use assert_cmd::Command as Program;
use clap::{Command, CommandFactory, Parser};
use forkscope::cli::Cli;
use std::process::Stdio;

const EXAMPLES: &str = "Examples:\n";

/// The program and each of its commands.
fn commands() -> Vec<Command> {
    let program = Cli::command();
    let own: Vec<Command> = program.get_subcommands().cloned().collect();
    std::iter::once(program).chain(own).collect()
}

/// The lines behind the last "Examples:".
fn examples(help: &str) -> Vec<&str> {
    let (_, behind) = help.rsplit_once(EXAMPLES).unwrap_or_default();
    behind.lines().collect()
}

/// The words of an example that are typed behind the program's name: no comment, no pipe, no redirection.
fn typed(example: &str) -> Option<Vec<String>> {
    let (_, behind) = example.split_once("forkscope")?;
    let mut words = vec!["forkscope".to_owned()];
    let (mut word, mut quote, mut blanks) = (String::new(), None, 0);
    for letter in behind.chars() {
        match (quote, letter) {
            (None, ' ') => {
                blanks += 1;
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                // Two of them begin what the example is for.
                if blanks == 2 {
                    return Some(words);
                }
                continue;
            }
            (None, '|' | '>') => return Some(words),
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), close) if open == close => quote = None,
            _ => word.push(letter),
        }
        blanks = 0;
    }
    words.extend((!word.is_empty()).then_some(word));
    Some(words)
}

#[test]
fn every_help_ends_with_three_examples() {
    for mut command in commands() {
        let name = command.get_name().to_owned();
        for help in [command.render_help(), command.render_long_help()] {
            let help = help.to_string();
            let examples = examples(&help);
            let of_forkscope = examples.iter().filter(|e| e.contains("forkscope")).count();
            assert!(of_forkscope >= 3, "{name}: {help}");
            let is_indented = |line: &&str| line.trim().is_empty() || line.starts_with("  ");
            assert!(examples.iter().all(is_indented), "{name}: {help}");
        }
    }
}

#[test]
fn every_example_is_understood() {
    for command in commands() {
        let name = command.get_name();
        let help = command.get_after_help().expect("there are examples");
        for example in examples(&help.to_string()) {
            let words = typed(example).unwrap_or_else(|| panic!("{name}: {example}"));
            let understood = Cli::try_parse_from(&words);
            assert!(understood.is_ok(), "{words:?}: {}", understood.unwrap_err());
            let is_own = name == "forkscope" || words.get(1).is_some_and(|w| w == name);
            assert!(is_own, "{name}: {example}");
        }
    }
}

#[test]
fn words_end_where_a_shell_or_a_reader_ends_them() {
    let of = |example| typed(example).expect("it names the program");
    assert_eq!(
        of("  taskset -c 0 forkscope run -a '1 2' --x \"y|z\"   what for | no"),
        ["forkscope", "run", "-a", "1 2", "--x", "y|z"]
    );
    assert_eq!(of("  forkscope man | man -l -"), ["forkscope", "man"]);
    assert_eq!(of("  forkscope schema > a"), ["forkscope", "schema"]);
    assert_eq!(typed("no program"), None);
}

fn printed(arguments: &[&str]) -> String {
    let assert = Program::new(env!("CARGO_BIN_EXE_forkscope"))
        .args(arguments)
        .assert()
        .code(0);
    String::from_utf8(assert.get_output().stdout.clone()).expect("UTF-8")
}

/// What `shell` says of a script, where there is such a shell.
fn is_accepted(shell: &str, script: &str) -> Option<bool> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("script");
    std::fs::write(&path, script).expect("it can be written");
    let mut checked = std::process::Command::new(shell);
    checked.arg("-n").arg(&path).stdin(Stdio::null());
    Some(checked.status().ok()?.success())
}

#[test]
fn completions_name_every_command_and_are_scripts() {
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&["completions", shell]);
        for command in Cli::command().get_subcommands() {
            assert!(script.contains(command.get_name()), "{shell}: {command}");
        }
        for option in ["fail-if", "allow-busy", "transport"] {
            assert!(script.contains(option), "{shell}: {option}");
        }
        assert_ne!(is_accepted(shell, &script), Some(false), "{shell}");
    }
    Program::new(env!("CARGO_BIN_EXE_forkscope"))
        .args(["completions", "tcsh"])
        .assert()
        .code(2);
}

#[test]
fn the_manual_names_every_command_and_each_has_a_page() {
    // Roff writes a hyphen with a backslash.
    let plain = |arguments: &[&str]| printed(arguments).replace('\\', "");
    let whole = plain(&["man"]);
    assert!(whole.contains(".TH forkscope 1"), "{whole}");
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        assert!(whole.contains(&format!("forkscope-{name}(1)")), "{whole}");
        let page = plain(&["man", name]);
        assert!(page.contains(&format!(".TH forkscope-{name} 1")), "{page}");
        let shown = command.get_arguments().filter(|a| !a.is_hide_set());
        for option in shown.filter_map(|a| a.get_long()) {
            assert!(page.contains(&format!("--{option}")), "{name}: {option}");
        }
        assert!(page.contains(&format!("forkscope {name}")), "{page}");
    }
    Program::new(env!("CARGO_BIN_EXE_forkscope"))
        .args(["man", "nothing"])
        .assert()
        .code(2);
}
