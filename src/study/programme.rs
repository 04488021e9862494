//! Which studies and workloads make up a run?

use super::{Study, Words, all, owner};
use crate::deployment::Form;
use crate::experiment::plan::{Depth, PlannedWorkload};
use crate::transport::{Asked, Choice, Purpose};
use crate::workload::SpecSource;
use std::collections::BTreeMap;

/// Why nothing is planned: what is wrong with what was asked, and what to do.
pub type Refusal = String;

/// What a run is about.
pub struct Programme {
    /// Its studies, in the order of plan and report.
    pub studies: Vec<&'static dyn Study>,
    /// Its workloads; controls run on the first.
    pub workloads: Vec<PlannedWorkload>,
}

impl Programme {
    /// What is measured where no workload is named.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn of_depth(depth: Depth) -> Result<Programme, Refusal> {
        let studies = all();
        let sources = studies.iter().flat_map(|s| s.workloads(depth));
        let workloads = sources.map(read).collect::<Result<_, _>>()?;
        Ok(Programme { studies, workloads })
    }

    /// One study of one workload, and the controls.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn of(study: &'static dyn Study, workload: &str) -> Result<Programme, Refusal> {
        let source = SpecSource::open(workload).map_err(|e| e.to_string())?;
        Ok(Programme {
            studies: with_controls(study),
            workloads: vec![read(source)?],
        })
    }

    /// What is named: names of workloads or of studies, and paths of files. What two names stand for is there once.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn named(names: &[String]) -> Result<Programme, Refusal> {
        let studies = all();
        let mut alone = None;
        let mut workloads: Vec<PlannedWorkload> = Vec::new();
        for (i, name) in names.iter().enumerate() {
            if names[..i].contains(name) {
                return Err(format!("workload {name} is named twice"));
            }
            let opened = studies.iter().find_map(|s| Some((*s, s.open(name)?)));
            let sources = match opened {
                Some((study, sources)) => {
                    if study.is_alone() {
                        alone = Some(study);
                    }
                    sources
                }
                None => {
                    let own = SpecSource::open(name).map_err(|e| e.to_string())?;
                    let planned = read(own.clone())?;
                    let mut sources = owner(&studies, &planned.record).beside(&planned.record);
                    sources.push(own);
                    sources
                }
            };
            for source in sources {
                let planned = read(source)?;
                let is_there = |w: &PlannedWorkload| w.is_link && w.source == planned.source;
                if !workloads.iter().any(is_there) {
                    workloads.push(planned);
                }
            }
        }
        if let Some(study) = alone {
            return match names.len() {
                1 => Ok(Programme {
                    studies: with_controls(study),
                    workloads,
                }),
                _ => Err(study.entry().fixed.map_or("", |f| f.alone).to_owned()),
            };
        }
        workloads.sort_by_key(|w| !owner(&studies, &w.record).entry().shows_effects);
        Ok(Programme { studies, workloads })
    }

    /// The studies that its workloads belong to.
    fn owners(&self) -> impl Iterator<Item = &'static dyn Study> {
        let owner = |w: &PlannedWorkload| owner(&self.studies, &w.record);
        self.workloads.iter().map(owner)
    }

    /// The agent counts that its studies wish, where all of them wish the same.
    #[must_use]
    pub fn agents(&self, cpus: usize) -> Option<Vec<usize>> {
        let mut wishes = self.owners().map(|s| s.agents(cpus));
        let first = wishes.next()??;
        wishes.all(|w| w.as_ref() == Some(&first)).then_some(first)
    }

    /// The deployments that it compares where nobody names any, the baseline first: those of its first study.
    #[must_use]
    pub fn deployments(&self, agents: Option<usize>, cpus: usize) -> Vec<Form> {
        let first = self.studies.first();
        first.map_or_else(Vec::new, |s| s.deployments(agents, cpus))
    }

    /// Whether its studies ask for latency where agent counts are their own.
    #[must_use]
    pub fn asks_latency(&self) -> bool {
        self.owners().all(|s| s.entry().asks_latency)
    }

    /// What its studies count before anything is measured, by their names.
    ///
    /// # Errors
    /// Why one cannot.
    pub fn count(&self) -> Result<BTreeMap<String, serde_json::Value>, String> {
        let mut counted = BTreeMap::new();
        for study in self.owners() {
            let name = study.entry().name;
            if !counted.contains_key(name)
                && let Some(value) = study.count()?
            {
                counted.insert(name.to_owned(), value);
            }
        }
        Ok(counted)
    }

    /// Refuses what makes no sense on any machine.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn check(
        &self,
        agents: Option<&[usize]>,
        deployments: &[Form],
        transport: Asked,
    ) -> Result<(), Refusal> {
        self.check_names()?;
        let is_native = transport == Asked::One(Choice::Native);
        let mut owners: Vec<&'static dyn Study> = Vec::new();
        for owner in self.owners() {
            if !owners.iter().any(|o| o.entry().name == owner.entry().name) {
                owners.push(owner);
            }
        }
        let is_fixed = owners.iter().any(|s| s.entry().fixed.is_some());
        if !is_native && !is_fixed {
            self.check_transport(deployments, transport)?;
        }
        let words = Words {
            workloads: &self.workloads,
            agents,
            deployments,
            transport,
        };
        // Whose name comes last in the plan is asked first: it stands beside the others.
        owners.iter().rev().try_for_each(|s| s.refuse(&words))
    }

    fn check_names(&self) -> Result<(), Refusal> {
        for (i, w) in self.workloads.iter().enumerate() {
            let name = &w.source.name;
            let before = &self.workloads[..i];
            let Some(other) = before.iter().find(|v| v.source.name == *name) else {
                continue;
            };
            return Err(match other.source == w.source {
                true => format!("workload {name} is named twice"),
                false => format!(
                    "{} and {} are both called {name}; rename one of the files",
                    other.source.origin, w.source.origin
                ),
            });
        }
        Ok(())
    }

    fn check_transport(&self, deployments: &[Form], transport: Asked) -> Result<(), Refusal> {
        let talks = self.workloads.iter().any(|w| w.talks);
        if transport == Asked::All {
            return match talks {
                true => Ok(()),
                false => Err(
                    "--transport all needs a workload whose agents exchange messages, such as coordination"
                        .to_owned(),
                ),
            };
        }
        if !talks {
            let names: Vec<&str> = self
                .workloads
                .iter()
                .map(|w| w.source.name.as_str())
                .collect();
            return Err(format!(
                "{} sends no messages, which --transport is about; leave it out, or measure a workload whose agents exchange messages, such as coordination",
                names.join(", ")
            ));
        }
        let Asked::One(Choice::Named(entry)) = transport else {
            return Ok(());
        };
        if entry.purpose != Purpose::Agents {
            return Err(format!(
                "{} carries hops, not the messages of agents; `forkscope run -w message` measures it",
                entry.name
            ));
        }
        let unserved = deployments.iter().find(|d| !entry.serves(d.kind));
        match unserved {
            None => Ok(()),
            Some(form) => Err(format!(
                "{} does not serve {form}; ring, socket and pipe serve threads and processes alike, and native gives each its own",
                entry.name
            )),
        }
    }
}

fn with_controls(study: &'static dyn Study) -> Vec<&'static dyn Study> {
    let controls = all().pop().expect("there are studies");
    vec![study, controls]
}

fn read(source: SpecSource) -> Result<PlannedWorkload, Refusal> {
    PlannedWorkload::read(source).map_err(|e| e.to_string())
}
