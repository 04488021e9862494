//! What is a page made of?

use serde::Serialize;

use super::svg::{Drawing, Form, Room};
use crate::report::Style;
use crate::report::layout::{self, Grid, Last, Page, Tone};

/// A part of the page that can be linked to.
#[derive(Clone, Debug, Serialize)]
pub struct Section {
    /// What a link to it ends with.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its title in the list of all.
    pub name: String,
    /// What explains the title.
    pub about: String,
    /// What it holds.
    pub blocks: Vec<Block>,
}

impl Section {
    /// A section, or none where there is nothing to put in.
    pub fn of(id: &str, title: impl Into<String>, about: &str, blocks: Vec<Block>) -> Option<Self> {
        let title = title.into();
        (!blocks.is_empty()).then(|| Self {
            id: id.to_owned(),
            name: title.clone(),
            title,
            about: about.to_owned(),
            blocks,
        })
    }
}

/// One thing after another.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Block {
    /// The title of what follows.
    Title {
        /// The title.
        text: String,
        /// What explains it.
        about: String,
    },
    /// A paragraph.
    Text {
        /// Its weight: a class of the style sheet.
        tone: &'static str,
        /// The words.
        text: String,
    },
    /// A sentence that answers something.
    Said(Said),
    /// A table.
    Table(Table),
    /// A picture.
    Figure(Box<Figure>),
    /// Words and what belongs to them.
    Facts {
        /// Word and what belongs to it.
        items: Vec<(String, String)>,
    },
    /// Paragraphs of equal rank.
    List {
        /// The paragraphs.
        items: Vec<String>,
    },
    /// A text to be looked at by those who ask.
    Source {
        /// What it is.
        title: String,
        /// The text.
        text: String,
    },
}

/// A sentence, with the labels without which it must not travel.
#[derive(Clone, Debug, Serialize)]
pub struct Said {
    /// What stands before it.
    pub labels: Vec<String>,
    /// What it is about.
    pub title: String,
    /// The answer in short.
    pub short: String,
    /// The sentence.
    pub text: String,
}

/// Rows under a header, in a box of their own that can be scrolled.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// What it holds, for those who do not see it.
    pub label: String,
    /// Titles of the columns.
    pub header: Vec<Column>,
    /// The rows.
    pub rows: Vec<Vec<Entry>>,
}

/// A column's title.
#[derive(Clone, Debug, Serialize)]
pub struct Column {
    /// The title.
    pub title: String,
    /// Whether the column is set right.
    pub is_number: bool,
}

/// One entry of a table.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// The words.
    pub text: String,
    /// Whether it may be broken into lines: a last column of text.
    pub is_long: bool,
    /// Rows that it stands for, itself included.
    pub rows: usize,
    /// Whether it names the row.
    pub is_name: bool,
    /// Whether it is set right.
    pub is_number: bool,
    /// Its weight: a class of the style sheet.
    pub tone: &'static str,
}

impl Table {
    /// The table of a text report: the same words in the same order. A name that stands in the first
    /// column of several rows is written once, for all of them.
    pub fn of(label: impl Into<String>, grid: &Grid) -> Self {
        let last = grid.header.len().saturating_sub(1);
        let is_text = |column: usize| {
            column < grid.left || (column == last && matches!(grid.last, Last::Text(_)))
        };
        let header = grid
            .header
            .iter()
            .enumerate()
            .map(|(column, title)| Column {
                title: title.trim().replace('\n', " "),
                is_number: !is_text(column),
            });
        let mut rows = Vec::new();
        let mut above: Option<&str> = None;
        for (at, row) in grid.rows.iter().enumerate() {
            let mut entries = Vec::new();
            for (column, text) in row.iter().enumerate() {
                let is_name = column == 0 && grid.left > 0;
                if is_name && above == Some(text) {
                    continue;
                }
                let same = |row: &&Vec<String>| row.first() == Some(text);
                let tone = match grid.last {
                    Last::Text(of) if column == last => name(of(text)),
                    _ => "plain",
                };
                entries.push(Entry {
                    text: text.clone(),
                    is_long: column == last && matches!(grid.last, Last::Text(_)),
                    rows: match is_name {
                        true => grid.rows[at..].iter().take_while(same).count(),
                        false => 1,
                    },
                    is_name: column == 0,
                    is_number: !is_text(column),
                    tone,
                });
            }
            above = (grid.left > 0)
                .then(|| row.first().map(String::as_str))
                .flatten();
            rows.push(entries);
        }
        Self {
            label: label.into(),
            header: header.collect(),
            rows,
        }
    }

    /// A table of numbers behind a picture; the first `left` columns are text.
    pub fn data(label: &str, left: usize, header: &[&str], rows: Vec<Vec<String>>) -> Self {
        let grid = Grid {
            left,
            header: header.iter().map(|h| (*h).to_owned()).collect(),
            rows,
            last: Last::Numbers,
        };
        Self::of(label, &grid)
    }
}

/// A picture with its words, and its numbers as a table.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What a link to it ends with; unlike any other on the page.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What is drawn and how to read it.
    pub caption: String,
    /// What it shows, for those who do not see it.
    pub alternative: String,
    /// What its marks mean.
    pub key: Vec<Key>,
    /// The picture where there is room.
    pub wide: Drawing,
    /// The picture where there is little.
    pub narrow: Drawing,
    /// The numbers.
    pub data: Table,
}

/// What a mark means.
#[derive(Clone, Debug, Serialize)]
pub struct Key {
    /// The mark.
    pub drawing: Drawing,
    /// What it means.
    pub text: String,
}

impl Key {
    /// What a point of this form means.
    pub fn of_mark(class: &'static str, form: Form, text: impl Into<String>) -> Self {
        Self::of(text, |d| d.mark(class, form, (14.0, 8.0), 4.5, None))
    }

    /// What a line with points means.
    pub fn of_line(
        class: &'static str,
        mark: Option<(&'static str, Form)>,
        text: impl Into<String>,
    ) -> Self {
        Self::of(text, |d| {
            d.line(class, &[(0.0, 8.0), (28.0, 8.0)]);
            if let Some((class, form)) = mark {
                d.mark(class, form, (14.0, 8.0), 4.0, None);
            }
        })
    }

    /// What a line from top to bottom means.
    pub fn of_upright(class: &'static str, text: impl Into<String>) -> Self {
        Self::of(text, |d| d.line(class, &[(14.0, 1.0), (14.0, 15.0)]))
    }

    /// What an area means.
    pub fn of_area(class: &'static str, text: impl Into<String>) -> Self {
        Self::of(text, |d| d.rectangle(class, (2.0, 2.0), (26.0, 14.0)))
    }

    fn of(text: impl Into<String>, draw: impl Fn(&mut Drawing)) -> Self {
        let mut drawing = Drawing::new(28.0, 16.0);
        draw(&mut drawing);
        Self {
            drawing,
            text: text.into(),
        }
    }
}

/// A picture in both rooms; `None` where there is nothing to draw.
pub fn both(draw: impl Fn(Room) -> Option<Drawing>) -> Option<(Drawing, Drawing)> {
    Some((draw(Room::Wide)?, draw(Room::Narrow)?))
}

/// What a text report says in one of its parts, as blocks of a page.
pub fn blocks_of(write: impl FnOnce(&mut Page)) -> Vec<Block> {
    let mut page = Page::new(&Style::default());
    write(&mut page);
    let mut label = String::new();
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut blocks = Vec::new();
    for block in page.into_blocks() {
        if let layout::Block::Labelled { label, text } = block {
            facts.push((label, text));
            continue;
        }
        if !facts.is_empty() {
            blocks.push(Block::Facts {
                items: std::mem::take(&mut facts),
            });
        }
        blocks.push(match block {
            layout::Block::Heading { title, about } => {
                label.clone_from(&title);
                Block::Title { text: title, about }
            }
            layout::Block::Paragraph { tone, text } => Block::Text {
                tone: name(tone),
                text,
            },
            layout::Block::Table(grid) => Block::Table(Table::of(label.clone(), &grid)),
            layout::Block::Labelled { .. } => continue,
        });
    }
    if !facts.is_empty() {
        blocks.push(Block::Facts { items: facts });
    }
    blocks
}

/// The same without the title that stands first: title, what explains it, and the rest.
pub fn titled(write: impl FnOnce(&mut Page)) -> Option<(String, String, Vec<Block>)> {
    let mut blocks = blocks_of(write).into_iter();
    match blocks.next()? {
        Block::Title { text, about } => Some((text, about, blocks.collect())),
        _ => None,
    }
}

/// A title of its own begins with a capital; one that begins with a name does not.
pub fn capitalised(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// A weight's class.
fn name(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Strong => "strong",
        Tone::Quiet => "quiet",
        Tone::Calm => "calm",
        Tone::Caution => "caution",
    }
}
