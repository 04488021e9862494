//! Where does a host wait, because somebody who tests it needs it to stay there?
//!
//! A phase may be shorter than anybody can look. So whoever has to kill, stop or count something in a phase
//! does not try to catch it: with `FORKSCOPE_HOLD=PHASE:FOLDER` in its environment, a host makes the file
//! `PHASE-PID` in the folder as soon as it is in that phase, and goes on when somebody has removed the file. Once
//! the folder is gone nobody is held any more.

use super::fail;
use crate::record::{Failure, Phase};
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

/// The variable that asks for it.
const VARIABLE: &str = "FORKSCOPE_HOLD";

/// How soon a host sees that it may go on.
const LOOK: Duration = Duration::from_millis(1);

/// The phase that a host stays in, if any.
pub(super) struct Hold(Option<(Phase, PathBuf)>);

impl Hold {
    /// What the environment asks for.
    ///
    /// # Errors
    /// [`Failure`] when it asks for no phase that there is.
    pub(super) fn of_environment() -> Result<Hold, Failure> {
        let Some(asked) = std::env::var_os(VARIABLE) else {
            return Ok(Hold(None));
        };
        let held = asked.to_str().and_then(|asked| {
            let (phase, folder) = asked.split_once(':')?;
            let phase = serde_json::from_value(phase.into()).ok()?;
            Some((phase, PathBuf::from(folder)))
        });
        match held {
            Some(held) => Ok(Hold(Some(held))),
            None => Err(fail(
                Phase::Start,
                format!("{VARIABLE} is {asked:?}; write PHASE:FOLDER, or unset it"),
            )),
        }
    }

    /// The host is in `phase`: waits there, where it is to.
    pub(super) fn at(&self, phase: Phase) {
        let Some((_, folder)) = self.0.as_ref().filter(|(held, _)| *held == phase) else {
            return;
        };
        let name = serde_json::to_value(phase).expect("a phase is a word");
        let name = format!("{}-{}", name.as_str().unwrap_or(""), std::process::id());
        let here = folder.join(name);
        let is_held = File::create(&here).is_ok();
        while is_held && here.exists() {
            std::thread::sleep(LOOK);
        }
    }
}
