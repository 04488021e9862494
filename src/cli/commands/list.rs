//! `list`: what there is to run, from the registries.

use super::{CommandError, print};
use crate::cli::Listed;
use crate::record::Kind;
use crate::verdict::EXIT_OK;
use crate::{deployment, report, study, transport, workload};

/// What one registry holds.
struct Shelf {
    kind: Listed,
    title: &'static str,
    /// Name and what it is.
    entries: Vec<(&'static str, String)>,
}

fn shelves() -> [Shelf; 5] {
    [
        Shelf {
            kind: Listed::Studies,
            title: "studies (each measures what its workloads are about)",
            entries: study::all()
                .iter()
                .map(|s| (s.entry().name, s.entry().question.to_owned()))
                .collect(),
        },
        Shelf {
            kind: Listed::Workloads,
            title: "workloads (-w; or the path of a .toml file)",
            entries: workload::all()
                .into_iter()
                .map(|e| (e.name, e.about.to_owned()))
                .collect(),
        },
        Shelf {
            kind: Listed::Deployments,
            title: "deployments (-d; W, P and T are numbers or \"cores\")",
            entries: deployment::REGISTRY
                .iter()
                .map(|e| (e.syntax, e.about.to_owned()))
                .collect(),
        },
        Shelf {
            kind: Listed::Transports,
            title: "transports (--transport; left out, each deployment uses its native one; all prices each)",
            entries: transport::REGISTRY
                .iter()
                .map(|e| {
                    let serves = match e.serves_only {
                        None => "threads and processes",
                        Some(Kind::Threads) => "threads",
                        Some(Kind::Processes) => "processes",
                    };
                    let about = format!("{}; waits: {}; serves {serves}", e.about, e.wait.name());
                    (e.name, about)
                })
                .collect(),
        },
        Shelf {
            kind: Listed::Formats,
            title: "report formats",
            entries: report::REGISTRY
                .iter()
                .map(|e| (e.name, e.about.to_owned()))
                .collect(),
        },
    ]
}

/// `forkscope list`.
pub fn list(what: Option<Listed>) -> Result<u8, CommandError> {
    print(|out| {
        for shelf in shelves()
            .iter()
            .filter(|s| what.is_none_or(|w| w == s.kind))
        {
            writeln!(out, "{}", shelf.title)?;
            for (name, about) in &shelf.entries {
                writeln!(out, "  {name:<22} {about}")?;
            }
        }
        Ok(())
    })?;
    Ok(EXIT_OK)
}
