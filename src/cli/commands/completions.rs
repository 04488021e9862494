//! `completions`: what does a shell need to complete commands and options?

use super::{CommandError, print};
use crate::cli::Shell;
use crate::verdict::EXIT_OK;

/// `forkscope completions`.
pub fn completions(shell: Shell) -> Result<u8, CommandError> {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::cli::command(), "forkscope", &mut script);
    print(|out| out.write_all(&script))?;
    Ok(EXIT_OK)
}
