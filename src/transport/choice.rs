//! Which transport does a person ask for?

use super::{Entry, Purpose, REGISTRY, find};
use crate::record::Kind;
use serde::{Deserialize, Serialize};

/// How the messages of a run shall travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Choice {
    /// By what is native to each deployment: channel between threads, ipc between processes.
    #[default]
    Native,
    /// By this one.
    Named(&'static Entry),
}

/// What stands for [`Choice::Native`].
const NATIVE: &str = "native";

impl std::str::FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Choice, String> {
        if text == NATIVE {
            return Ok(Choice::Native);
        }
        match find(text) {
            Some(entry) if entry.purpose != Purpose::Fallback => Ok(Choice::Named(entry)),
            _ => {
                let of_agents = REGISTRY.iter().filter(|e| e.purpose == Purpose::Agents);
                let names: Vec<&str> = of_agents.map(|e| e.name).collect();
                Err(format!(
                    "there is no transport \"{text}\"; there are {NATIVE}, {}",
                    names.join(", ")
                ))
            }
        }
    }
}

impl TryFrom<String> for Choice {
    type Error = String;

    fn try_from(text: String) -> Result<Choice, String> {
        text.parse()
    }
}

impl From<Choice> for String {
    fn from(choice: Choice) -> String {
        match choice {
            Choice::Native => NATIVE,
            Choice::Named(entry) => entry.name,
        }
        .to_owned()
    }
}

impl Choice {
    /// The transport of workers of this kind.
    #[must_use]
    pub fn of(self, kind: Kind) -> &'static Entry {
        let native = match kind {
            Kind::Threads => "channel",
            Kind::Processes => "ipc",
        };
        match self {
            Choice::Native => find(native).expect("native transports are registered"),
            Choice::Named(entry) => entry,
        }
    }

    /// A registered transport.
    ///
    /// # Panics
    /// When there is none of that name.
    #[must_use]
    pub fn named(name: &str) -> Choice {
        Choice::Named(find(name).unwrap_or_else(|| panic!("no transport is called {name}")))
    }
}

/// What a run asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// One, of each deployment its own where it is the native one.
    One(Choice),
    /// The native ones, and what the others would cost.
    All,
}

impl Asked {
    /// The one by which deployments are compared.
    #[must_use]
    pub fn compared(self) -> Choice {
        match self {
            Asked::One(choice) => choice,
            Asked::All => Choice::Native,
        }
    }
}

impl std::str::FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Asked, String> {
        match text {
            "all" => Ok(Asked::All),
            one => match one.parse() {
                Ok(choice) => Ok(Asked::One(choice)),
                Err(why) => Err(format!("{why}; all is every one of them")),
            },
        }
    }
}
