//! What does a reader see, before any format?
//!
//! A [`Document`] is data: sections of sentences, tables and charts, each with its statuses. What shows a run adds
//! sections and answers to it and knows no format; a renderer ([`crate::report`]) sets them and knows no study. Nothing
//! here depends on a clock, a locale or the machine that renders.
//!
//! ```
//! use forkscope::document::{Document, Table};
//!
//! let mut document = Document::default();
//! let mut table = Table::new(1, ["deployment", "op/s"]);
//! table.row(["threads", "61.0 k"]);
//! document
//!     .section("speed", "speed")
//!     .about("all agents together")
//!     .table(table)
//!     .quiet("medians");
//! document.answer("speed", "threads are as fast as processes");
//! ```
//!
//! | file | question |
//! |---|---|
//! | `table` | what are rows under a header? |
//! | `chart` | which kinds of pictures are there? |
//! | `numbers` | how are numbers written? |

pub mod chart;
pub mod numbers;
pub mod table;

pub use chart::{Chart, Picture};
pub use table::{Cell, Column, Table};

use crate::verdict::{BUSY_LABEL, WITHHELD_LABEL};
use std::fmt;

/// What is shown of one thing: a run, a comparison of two, a history.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// What it is about, where it stands alone.
    pub title: String,
    /// What a reader should know of it, in a line.
    pub lead: String,
    /// What must be known before an answer is relied on.
    pub labels: Vec<Label>,
    /// What every section and answer carries that is added from now on.
    pub statuses: Vec<Status>,
    /// Its sections, in the order in which they are read.
    pub sections: Vec<Section>,
}

/// What must be known before anything is relied on.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// The controls failed: nothing can be said.
    Withheld,
    /// Other programs used the CPUs.
    Busy,
    /// The run was stopped.
    Incomplete,
    /// Something speaks against the machine.
    Machine,
    /// Anything else, in a word or two: `slowing`.
    Other(String),
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Status::Withheld => WITHHELD_LABEL,
            Status::Busy => BUSY_LABEL,
            Status::Incomplete => "incomplete",
            Status::Machine => "mind the machine",
            Status::Other(said) => said,
        })
    }
}

/// A status, and why.
#[derive(Clone, Debug)]
pub struct Label {
    /// The status.
    pub status: Status,
    /// Why, and what follows from it.
    pub text: String,
}

/// Where a section stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// In the order in which it was added.
    #[default]
    Body,
    /// With what was asked for: first in a file, last on a terminal, next to the prompt.
    Answer,
}

/// Who sees something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Everybody.
    #[default]
    Always,
    /// Everybody; where folding is possible and room is short, behind a line with these words.
    Folded(String),
    /// Who sits at a terminal: for everybody else there is more.
    Screen,
    /// Who reads text, without pictures.
    Text,
    /// Who reads a file, not who sits at a terminal.
    File,
    /// Who has a page with room for everything.
    Page,
}

/// The weight of words. Nothing is said by weight alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// As usual.
    #[default]
    Plain,
    /// What the reader came for.
    Strong,
    /// What explains.
    Quiet,
    /// Equal, or in order, with certainty.
    Calm,
    /// What is open or must not be relied on.
    Caution,
}

/// What stands under one heading.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// What a link to it ends with.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Whether the title begins with a name, whose letters stay as they are.
    pub begins_with_name: bool,
    /// What explains the title.
    pub about: String,
    /// What must be known of all that stands in it.
    pub statuses: Vec<Status>,
    /// Where it stands.
    pub place: Place,
    /// Who sees it.
    pub detail: Detail,
    /// What it holds. A section that holds nothing is not shown.
    pub blocks: Vec<Block>,
}

/// One thing after another.
#[derive(Clone, Debug)]
pub enum Block {
    /// The title of what follows within a section, and what explains it.
    Heading {
        /// The title.
        title: String,
        /// What explains it.
        about: String,
    },
    /// A paragraph.
    Paragraph {
        /// Its weight.
        tone: Tone,
        /// The words.
        text: String,
    },
    /// A sentence that answers something.
    Answer(Answer),
    /// Words, and what belongs to each.
    Facts(Vec<Fact>),
    /// Words, and what each means.
    Terms(Vec<(String, String)>),
    /// A table.
    Table(Table),
    /// Things of equal rank.
    List(Vec<String>),
    /// A text as it is, for those who ask.
    Source {
        /// What it is.
        title: String,
        /// The text.
        text: String,
    },
    /// A picture; for those who read text its numbers stand in a table beside it.
    Chart(Box<Chart>),
    /// Blocks that not everybody sees.
    Group {
        /// Who does.
        detail: Detail,
        /// The blocks.
        blocks: Vec<Block>,
    },
}

/// A sentence that answers something. It may travel alone, with its statuses.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// What it is about.
    pub title: String,
    /// The answer in short; may be empty.
    pub short: String,
    /// The sentence.
    pub text: String,
    /// What else belongs to it, a sentence each.
    pub beside: Vec<String>,
    /// What must be known before it is relied on.
    pub statuses: Vec<Status>,
}

/// A word, and what belongs to it.
#[derive(Clone, Debug, Default)]
pub struct Fact {
    /// The word.
    pub name: String,
    /// What belongs to it; the last may be a [command](Fact::command).
    pub items: Vec<String>,
    /// What somebody typed: shown behind the items as it was typed.
    pub command: Option<String>,
    /// The weight of the items.
    pub tone: Tone,
}

impl Fact {
    /// A word, and what belongs to it.
    pub fn new(name: impl Into<String>, items: Vec<String>) -> Self {
        Self {
            name: name.into(),
            items,
            ..Self::default()
        }
    }

    /// A word, and one thing that belongs to it.
    pub fn one(name: impl Into<String>, item: impl Into<String>) -> Self {
        Self::new(name, vec![item.into()])
    }
}

impl Answer {
    /// A sentence behind its statuses: `busy machine: threads are ahead`.
    #[must_use]
    pub fn said(&self, sentence: &str) -> String {
        behind(&self.statuses, sentence)
    }
}

/// A sentence behind what must be known before it is relied on.
#[must_use]
pub fn behind(statuses: &[Status], sentence: &str) -> String {
    match statuses {
        [] => sentence.to_owned(),
        some => format!("{}: {sentence}", list(some)),
    }
}

fn list(statuses: &[Status]) -> String {
    let all: Vec<String> = statuses.iter().map(Status::to_string).collect();
    all.join("; ")
}

impl Document {
    /// Adds a section. It carries the statuses of the document.
    pub fn section(&mut self, id: impl Into<String>, title: impl Into<String>) -> &mut Section {
        self.sections.push(Section {
            id: id.into(),
            title: title.into(),
            statuses: self.statuses.clone(),
            ..Section::default()
        });
        self.sections.last_mut().expect("it was just added")
    }

    /// Adds a section for answers: the most important one first.
    pub fn answers(&mut self, id: impl Into<String>, title: impl Into<String>) -> &mut Section {
        let section = self.section(id, title);
        section.place = Place::Answer;
        section
    }

    /// Adds a sentence to the answers, with the statuses of the document; sentences with one title stand under it.
    pub fn answer(&mut self, title: impl Into<String>, text: impl Into<String>) {
        let answer = Answer {
            title: title.into(),
            text: text.into(),
            statuses: self.statuses.clone(),
            ..Answer::default()
        };
        let is_answer = |s: &Section| s.place == Place::Answer;
        if !self.sections.iter().any(is_answer) {
            self.answers("verdict", "verdict");
        }
        let mut sections = self.sections.iter_mut().rev();
        let section = sections.find(|s| is_answer(s)).expect("there is one");
        section.blocks.push(Block::Answer(answer));
    }
}

/// A name that a link can end with: what is no letter or digit becomes a hyphen.
#[must_use]
pub fn slug(parts: &[&str]) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let all = parts.join("-").to_lowercase();
    all.chars().map(keep).collect()
}

impl Section {
    /// What must be known of the section, behind its title: ` (busy machine)`. Answers have it before each sentence.
    #[must_use]
    pub fn mark(&self) -> String {
        match (self.place, self.statuses.as_slice()) {
            (Place::Answer, _) | (_, []) => String::new(),
            (_, some) => format!(" ({})", list(some)),
        }
    }

    /// Says what explains the title.
    pub fn about(&mut self, about: impl Into<String>) -> &mut Self {
        self.about = about.into();
        self
    }

    /// Says that the title begins with a name.
    pub fn named(&mut self) -> &mut Self {
        self.begins_with_name = true;
        self
    }

    /// Drops the statuses of the document: what is shown here holds whatever they are.
    pub fn unmarked(&mut self) -> &mut Self {
        self.statuses.clear();
        self
    }

    /// Says who sees it.
    pub fn detail(&mut self, detail: Detail) -> &mut Self {
        self.detail = detail;
        self
    }

    /// Adds anything.
    pub fn block(&mut self, block: Block) -> &mut Self {
        self.blocks.push(block);
        self
    }

    /// Adds a title for what follows.
    pub fn heading(&mut self, title: impl Into<String>, about: impl Into<String>) -> &mut Self {
        let (title, about) = (title.into(), about.into());
        self.block(Block::Heading { title, about })
    }

    /// Adds a paragraph.
    pub fn paragraph(&mut self, tone: Tone, text: impl Into<String>) -> &mut Self {
        let text = text.into();
        self.block(Block::Paragraph { tone, text })
    }

    /// Adds a paragraph.
    pub fn plain(&mut self, text: impl Into<String>) -> &mut Self {
        self.paragraph(Tone::Plain, text)
    }

    /// Adds what explains.
    pub fn quiet(&mut self, text: impl Into<String>) -> &mut Self {
        self.paragraph(Tone::Quiet, text)
    }

    /// Adds what must not be overlooked.
    pub fn caution(&mut self, text: impl Into<String>) -> &mut Self {
        self.paragraph(Tone::Caution, text)
    }

    /// Adds a caution each.
    pub fn cautions(&mut self, texts: impl IntoIterator<Item = String>) -> &mut Self {
        for text in texts {
            self.caution(text);
        }
        self
    }

    /// Adds a table.
    pub fn table(&mut self, table: Table) -> &mut Self {
        self.block(Block::Table(table))
    }

    /// Adds a picture, where there is one.
    pub fn chart(&mut self, chart: Option<Chart>) -> &mut Self {
        let charts = chart.into_iter().map(Box::new);
        self.blocks.extend(charts.map(Block::Chart));
        self
    }

    /// Adds facts.
    pub fn facts(&mut self, facts: Vec<Fact>) -> &mut Self {
        self.block(Block::Facts(facts))
    }

    /// Adds things of equal rank; nothing where there are none.
    pub fn list(&mut self, items: Vec<String>) -> &mut Self {
        match items.is_empty() {
            true => self,
            false => self.block(Block::List(items)),
        }
    }

    /// Adds what not everybody sees.
    pub fn group(
        &mut self,
        detail: Detail,
        fill: impl FnOnce(&mut Section) -> &mut Section,
    ) -> &mut Self {
        let mut inner = Section::default();
        fill(&mut inner);
        let blocks = inner.blocks;
        match blocks.is_empty() {
            true => self,
            false => self.block(Block::Group { detail, blocks }),
        }
    }
}
