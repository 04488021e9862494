//! `man`: what does the manual say?

use super::{CommandError, failed, print, usage};
use crate::verdict::EXIT_OK;
use clap_mangen::Man;

/// `forkscope man`: the page of one command, or of the program, which names them all.
pub fn man(command: Option<&str>) -> Result<u8, CommandError> {
    let mut program = crate::cli::command().disable_help_subcommand(true);
    // Gives commands the names under which the page of the program refers to their pages.
    program.build();
    let of = match command {
        None => program,
        Some(name) => program.find_subcommand(name).cloned().ok_or_else(|| {
            let names: Vec<&str> = program.get_subcommands().map(|c| c.get_name()).collect();
            let known = names.join(", ");
            usage(format!("there is no command {name}; there are {known}"))
        })?,
    };
    let mut page = Vec::new();
    Man::new(of).render(&mut page).map_err(failed)?;
    print(|out| out.write_all(&page))?;
    Ok(EXIT_OK)
}
