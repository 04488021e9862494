//! Is this machine one to measure on, now?

use super::{CommandError, color_choice, failed, usage};
use crate::agent;
use crate::cli::Common;
use crate::deployment::{processes, signals};
use crate::experiment::host;
use crate::experiment::machine::{self, Alone, Finding, Level};
use crate::observe::clock::OpClock;
use crate::observe::program;
use crate::record::Machine;
use crate::report;
use crate::verdict::BUSY_LABEL;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// Bytes of the temporary folder's name: a socket's has 108, of which ipc-channel needs some.
const LONGEST_TMPDIR: usize = 80;

/// How often the machine is looked at before it is refused as too busy.
const LOOKS: u32 = 4;

/// How long the machine is watched before a run.
const LOOK: Duration = Duration::from_secs(1);

/// Refuses to be strict and lenient at once.
pub(super) fn check_strictness(common: &Common) -> Result<(), CommandError> {
    if common.strict && common.allow_busy {
        return Err(usage(
            "--strict refuses a machine with warnings, --allow-busy measures on any; give one of them (also as FORKSCOPE_STRICT and FORKSCOPE_ALLOW_BUSY)",
        ));
    }
    Ok(())
}

/// Says what speaks against the machine; gives the warnings of the record, or `None` where the machine
/// is refused.
pub(super) fn accept(findings: &[Finding], common: &Common) -> Option<Vec<String>> {
    let mut warnings = warnings_of(findings);
    if let Some(why) = refusal(findings, common) {
        warnings.iter().for_each(report::say);
        report::say(format_args!("nothing was measured: {why}"));
        return None;
    }
    if reason_if_unfit(findings).is_some() {
        warnings.push(format!(
            "measured all the same (--allow-busy): every verdict is labelled \"{BUSY_LABEL}\"; quiet the machine and run again before you rely on one"
        ));
    }
    if !common.quiet {
        warnings.iter().for_each(report::say);
    }
    Some(warnings)
}

/// What every measuring command has before it plans.
pub(super) struct Beginning {
    /// Set when somebody wants the command to end.
    pub(super) is_interrupted: Arc<AtomicBool>,
    /// The clock that times ops.
    pub(super) clock: OpClock,
    /// The machine as it was found.
    pub(super) machine: Machine,
    /// What speaks against it.
    pub(super) findings: Vec<Finding>,
    /// Why it is unfit, if it is.
    pub(super) busy: Option<String>,
    /// Keeps other runs from measuring here, until the command ends; `None` where another one does.
    pub(super) alone: Option<Alone>,
}

/// Listens for interrupts, calibrates the clock, looks at the machine, and raises the limit of open files
/// once that was looked at.
pub(super) fn begin(common: &Common) -> Result<Beginning, CommandError> {
    host::check_environment().map_err(usage)?;
    anstream::ColorChoice::write_global(color_choice(common.color));
    check_program().map_err(usage)?;
    let (alone, neighbour) = machine::take_machine();
    let is_interrupted = signals::on_interrupt().map_err(failed)?;
    let kept = machine::keep_below_quota();
    let clock = OpClock::calibrate();
    let machine = look(&clock, common, &is_interrupted);
    let mut findings = machine::assess(&machine);
    findings.splice(0..0, neighbour);
    // Once it is kept to, the quota does not show any more.
    findings.extend(kept.filter(|kept| !findings.contains(kept)));
    let busy = reason_if_unfit(&findings);
    let _ = machine::raise_nofile();
    Ok(Beginning {
        is_interrupted,
        clock,
        machine,
        findings,
        busy,
        alone,
    })
}

/// Looks at the machine, more than once where it is refused: what was running a moment ago (a build,
/// most likely) may be about to end.
pub(super) fn look(clock: &OpClock, common: &Common, is_interrupted: &AtomicBool) -> Machine {
    let mut machine = machine::look_with(LOOK, clock);
    for _ in 1..LOOKS {
        let is_good_enough = refusal(&machine::assess(&machine), common).is_none();
        if is_good_enough || is_interrupted.load(Relaxed) {
            break;
        }
        machine = machine::look_with(LOOK, clock);
    }
    machine.vectors = Some(agent::vector_level().to_owned());
    machine
}

/// Worker processes connect through sockets that are made in the temporary folder.
pub(super) fn check_temporary_folder() -> Result<(), String> {
    let folder = std::env::temp_dir();
    let refused = |why: &str, one: &str| {
        Err(format!(
            "the temporary folder {folder:?} {why}; set TMPDIR to {one}"
        ))
    };
    if folder.to_str().is_none() {
        return refused("has a name that is not UTF-8", "one whose name is");
    }
    if !folder.is_absolute() {
        return refused(
            "is relative",
            "one whose name begins with a slash, such as /tmp",
        );
    }
    if folder.as_os_str().len() > LONGEST_TMPDIR {
        return refused(
            "is too long for the name of a socket",
            &format!("one of at most {LONGEST_TMPDIR} bytes"),
        );
    }
    let probe = folder.join(format!(".forkscope-{}", std::process::id()));
    if let Err(e) = std::fs::create_dir(&probe).and_then(|()| std::fs::remove_dir(&probe)) {
        return refused(&format!("cannot be written to ({e})"), "one that can");
    }
    match processes::try_socket() {
        Ok(()) => Ok(()),
        Err(e) => refused(&format!("cannot hold a socket ({e})"), "one that can"),
    }
}

/// Hosts and workers are this program, started again by what the kernel calls it.
fn check_program() -> Result<(), String> {
    let again = Command::new("/proc/self/exe")
        .arg0("forkscope")
        .arg(program::SUBCOMMAND)
        .stdin(Stdio::null())
        .output();
    let what = match again {
        Ok(said) if said.status.success() && said.stdout == program::identity().as_bytes() => {
            return Ok(());
        }
        Ok(said) => format!("is another program ({})", said.status),
        Err(e) => format!("cannot be started ({e})"),
    };
    let file = std::fs::read_link("/proc/self/exe").unwrap_or_default();
    Err(format!(
        "/proc/self/exe, by which forkscope starts its hosts and workers, {what}: it is {file:?}; start forkscope by its own name, not through a loader, an emulator or a debugger, and with /proc mounted"
    ))
}

/// Why a run with these findings is refused, with what would be measured all the same.
pub(super) fn refusal(findings: &[Finding], common: &Common) -> Option<&'static str> {
    let worst = findings.iter().map(|f| f.level).max()?;
    match worst {
        Level::Refuse if !common.allow_busy => Some(
            "numbers of this machine, as it is now, would mislead; --allow-busy measures all the same",
        ),
        Level::Warn if common.strict => Some(
            "--strict takes warnings about the machine for errors; without --strict this machine is measured",
        ),
        _ => None,
    }
}

/// Why the machine is unfit, if it is.
pub(super) fn reason_if_unfit(findings: &[Finding]) -> Option<String> {
    let reasons: Vec<&str> = findings
        .iter()
        .filter(|f| f.level == Level::Refuse)
        .map(|f| f.message.as_str())
        .collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// What speaks against the machine.
pub(super) fn warnings_of(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .filter(|f| f.level > Level::Note)
        .map(ToString::to_string)
        .collect()
}
