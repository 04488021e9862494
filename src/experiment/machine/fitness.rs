//! What speaks against measuring on this machine now?

use std::fmt;

use serde::{Deserialize, Serialize};

use super::setting;
use crate::record::Machine;

/// Foreign CPU from which a run is doubtful, and from which it is refused (shares, 0 to 1).
const FOREIGN: (f64, f64) = (0.05, 0.15);

/// Steal from which a run is doubtful, and from which it is refused (shares, 0 to 1).
const STEAL: (f64, f64) = (0.01, 0.05);

/// Share of the time in which tasks wait for a CPU, while forkscope is idle, that is worth a note.
const PRESSURE: f64 = 0.10;

/// Spread of the CPUs' own pace from which small differences will hardly be told.
const UNEVEN: f64 = 0.10;

/// Available memory below this share of all invites reclaim, which costs the agents time.
const SCARCE_MEMORY: f64 = 0.10;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know when reading the numbers.
    Note,
    /// The numbers may be noisier or less general than they look.
    Warn,
    /// The numbers would not be worth having: the run is refused.
    Refuse,
}

/// One thing about the machine that a reader must know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// What it is, and what to do about it.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            Level::Note => "note: ",
            Level::Warn => "warning: ",
            Level::Refuse => "unfit: ",
        })?;
        f.write_str(&self.message)
    }
}

/// Judges a machine, worst finding first. Empty: nothing speaks against it and all is known.
pub fn assess(machine: &Machine) -> Vec<Finding> {
    let mut findings: Vec<Finding> = [
        foreign_cpu(machine),
        steal(machine),
        pace(machine),
        throttling(machine),
        pressure(machine),
        setting::cpus(machine),
        setting::quota(machine),
        setting::governor(machine),
        setting::clock(machine),
        memory(machine),
        swap(machine),
        setting::turbo(machine),
        setting::huge_pages(machine),
        setting::environment(machine),
        setting::numa(machine),
        setting::virtualization(machine),
        setting::unknown(machine),
    ]
    .into_iter()
    .flatten()
    .collect();
    // Stable: findings of one level keep the order above.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    findings
}

/// One finding, as an option so that a condition can end with it.
pub(super) fn finding(level: Level, message: impl Into<String>) -> Option<Finding> {
    Some(Finding {
        level,
        message: message.into(),
    })
}

/// The level of a share against (warn, refuse); `None` at or below the first.
fn exceeds(share: f64, (warn, refuse): (f64, f64)) -> Option<Level> {
    if share > refuse {
        Some(Level::Refuse)
    } else {
        (share > warn).then_some(Level::Warn)
    }
}

fn foreign_cpu(machine: &Machine) -> Option<Finding> {
    let share = machine.foreign_cpu?;
    let level = exceeds(share, FOREIGN)?;
    finding(
        level,
        format!(
            "other programs use {:.0} % of the CPUs (warn above {:.0} %, refuse above {:.0} %); \
             find them with `top` and stop them",
            share * 100.0,
            FOREIGN.0 * 100.0,
            FOREIGN.1 * 100.0
        ),
    )
}

fn steal(machine: &Machine) -> Option<Finding> {
    let share = machine.steal?;
    let level = exceeds(share, STEAL)?;
    finding(
        level,
        format!(
            "the hypervisor takes {:.1} % of the CPU time (warn above {:.0} %, refuse above \
             {:.0} %); use a guest with dedicated CPUs or a quieter hour",
            share * 100.0,
            STEAL.0 * 100.0,
            STEAL.1 * 100.0
        ),
    )
}

fn pace(machine: &Machine) -> Option<Finding> {
    let spread = machine.pace_spread.filter(|&s| s > UNEVEN)?;
    // Then that is the reason, and there is a finding of it.
    if machine.foreign_cpu.is_some_and(|share| share > FOREIGN.0) {
        return None;
    }
    finding(
        Level::Warn,
        format!(
            "the pace of the CPUs varies by {:.0} % within half a second, although nothing else runs here (warn \
             above {:.0} %): a neighbour on the same cores, or a changing frequency; differences of that \
             size may not be told; use a guest with cores of its own, fix the frequency, or take a quieter hour",
            spread * 100.0,
            UNEVEN * 100.0
        ),
    )
}

fn throttling(machine: &Machine) -> Option<Finding> {
    let times = machine.throttled.filter(|&times| times > 0)?;
    finding(
        Level::Warn,
        format!(
            "the control group was throttled {times} times while forkscope was idle, and pairs \
             that are throttled are dropped; raise its CPU quota (cpu.max) or empty the group"
        ),
    )
}

fn pressure(machine: &Machine) -> Option<Finding> {
    let share = machine.cpu_pressure.filter(|&share| share > PRESSURE)?;
    finding(
        Level::Note,
        format!(
            "other programs waited for a CPU {:.0} % of the time while forkscope was idle: they \
             come in bursts, or are bound to some CPUs; see `top` for what they are",
            share * 100.0
        ),
    )
}

fn memory(machine: &Machine) -> Option<Finding> {
    let usable = machine.memory_available_bytes;
    if usable as f64 >= SCARCE_MEMORY * machine.memory_bytes as f64 {
        return None;
    }
    finding(
        Level::Warn,
        format!(
            "only {} MiB of {} MiB memory are available; close programs before measuring memory",
            usable >> 20,
            machine.memory_bytes >> 20
        ),
    )
}

fn swap(machine: &Machine) -> Option<Finding> {
    if machine.swap_used_bytes == 0 {
        return None;
    }
    finding(
        Level::Note,
        format!(
            "{} MiB are swapped out, and swapped pages are missing from PSS; free memory, or \
             empty swap with `swapoff -a && swapon -a`",
            machine.swap_used_bytes.div_ceil(1 << 20)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit() -> Machine {
        Machine {
            cpus_online: 4,
            cpus_allowed: 4,
            cpus_effective: 4.0,
            memory_bytes: 16 << 30,
            memory_available_bytes: 12 << 30,
            governor: Some("performance".into()),
            turbo: Some(false),
            clock_source: Some("tsc".into()),
            transparent_huge_pages: Some("madvise".into()),
            numa_nodes: Some(1),
            throttled: Some(0),
            foreign_cpu: Some(0.01),
            steal: Some(0.0),
            pace_spread: Some(0.01),
            cpu_pressure: Some(0.0),
            clock_read_ns: Some(10.0),
            ..Machine::default()
        }
    }

    fn worst(machine: &Machine) -> Option<Level> {
        assess(machine).first().map(|finding| finding.level)
    }

    #[test]
    fn a_quiet_known_machine_has_no_findings() {
        assert_eq!(assess(&fit()), []);
    }

    #[test]
    fn an_uneven_pace_warns_where_nobody_else_is_to_blame() {
        let with = |pace_spread, foreign_cpu| Machine {
            pace_spread: Some(pace_spread),
            foreign_cpu: Some(foreign_cpu),
            ..fit()
        };
        assert_eq!(worst(&with(0.09, 0.0)), None);
        assert_eq!(worst(&with(0.4, 0.0)), Some(Level::Warn));
        let found = assess(&with(0.4, 0.10));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].message.starts_with("other programs"));
    }

    #[test]
    fn foreign_cpu_and_steal_warn_then_refuse() {
        let with = |foreign, steal| Machine {
            foreign_cpu: Some(foreign),
            steal: Some(steal),
            ..fit()
        };
        assert_eq!(worst(&with(0.05, 0.01)), None);
        assert_eq!(worst(&with(0.06, 0.0)), Some(Level::Warn));
        assert_eq!(worst(&with(0.16, 0.0)), Some(Level::Refuse));
        assert_eq!(worst(&with(0.0, 0.02)), Some(Level::Warn));
        assert_eq!(worst(&with(0.0, 0.06)), Some(Level::Refuse));
    }

    #[test]
    fn the_worst_finding_comes_first() {
        let findings = assess(&Machine {
            foreign_cpu: Some(0.5),
            swap_used_bytes: 1,
            governor: Some("powersave".into()),
            ..fit()
        });
        let levels: Vec<Level> = findings.iter().map(|finding| finding.level).collect();
        assert_eq!(levels, [Level::Refuse, Level::Warn, Level::Note]);
        assert!(
            findings[0]
                .to_string()
                .starts_with("unfit: other programs use 50 %")
        );
    }

    #[test]
    fn what_is_unknown_is_said_and_never_passes_as_fine() {
        let findings = assess(&Machine {
            governor: None,
            turbo: None,
            ..fit()
        });
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].level, Level::Note);
        assert!(findings[0].message.contains("governor, frequency boost"));
        let unwatched = Machine {
            foreign_cpu: None,
            ..fit()
        };
        assert_eq!(worst(&unwatched), Some(Level::Warn));
        let findings = assess(&Machine::default());
        let said = findings
            .iter()
            .find(|f| f.message.starts_with("unknown here"));
        let said = &said.expect("nothing is known").message;
        for fact in [
            "foreign CPU",
            "steal",
            "throttling",
            "CPU pressure",
            "memory and swap",
            "governor",
            "frequency boost",
            "clock source",
            "huge pages",
            "NUMA nodes",
        ] {
            assert!(said.contains(fact), "{fact}: {said}");
        }
    }

    #[test]
    fn every_other_condition_has_a_finding_that_names_an_action() {
        let conditions = [
            Machine {
                throttled: Some(3),
                ..fit()
            },
            Machine {
                cpu_pressure: Some(0.3),
                ..fit()
            },
            Machine {
                cpus_effective: 1.0,
                ..fit()
            },
            Machine {
                quota_cpus: Some(2.5),
                ..fit()
            },
            Machine {
                clock_read_ns: Some(900.0),
                ..fit()
            },
            Machine {
                memory_available_bytes: 1 << 30,
                ..fit()
            },
            Machine {
                swap_used_bytes: 1 << 20,
                ..fit()
            },
            Machine {
                turbo: Some(true),
                ..fit()
            },
            Machine {
                transparent_huge_pages: Some("always".into()),
                ..fit()
            },
            Machine {
                transparent_huge_pages: Some("never".into()),
                ..fit()
            },
            Machine {
                numa_nodes: Some(2),
                ..fit()
            },
            Machine {
                virtualization: Some("virtual machine".into()),
                ..fit()
            },
        ];
        for machine in conditions {
            let findings = assess(&machine);
            assert_eq!(findings.len(), 1, "{findings:?}");
            // What it is, then what to do.
            assert!(findings[0].message.contains([';', ':']), "{findings:?}");
        }
    }
}
