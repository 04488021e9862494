//! What does a person see after a run?
//!
//! A document from top to bottom, its answers last, next to the prompt. Pictures are left out: their numbers stand in
//! tables.

mod grid;

use std::io::{self, Write};

use super::{Report, Style, parts};
use crate::document::{Answer, Block, Detail, Document, Fact, Place, Section, Status, Tone};
use crate::record::Run;

/// Columns by which everything under a heading is set in.
const INDENT: usize = 2;

/// What is between things of one fact.
const SEPARATOR: &str = " · ";

/// Tables and sentences on at most 100 columns.
#[derive(Clone, Copy, Debug)]
pub struct Terminal;

impl Report for Terminal {
    fn write(&self, run: &Run, style: &Style, out: &mut dyn Write) -> io::Result<()> {
        write(&parts::document(run), style, out)
    }
}

/// Writes a document as text.
///
/// # Errors
/// What `out` says.
pub fn write(document: &Document, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(style);
    let (mut answers, body): (Vec<&Section>, Vec<&Section>) = document
        .sections
        .iter()
        .partition(|s| s.place == Place::Answer);
    body.into_iter()
        .for_each(|section| page.section(section, document, false));
    answers.reverse();
    let count = answers.len();
    for (at, section) in answers.into_iter().enumerate() {
        page.section(section, document, at + 1 == count);
    }
    if let Some(path) = &style.record {
        page.blank();
        page.set(
            0,
            "",
            Tone::Plain,
            format!("record: {}", path.display()).split(' '),
            " ",
        );
    }
    out.write_all(page.finish().as_bytes())
}

/// Whether something is for who sits at a terminal.
fn is_shown(detail: &Detail) -> bool {
    !matches!(detail, Detail::File | Detail::Page)
}

/// Text while it is being written.
struct Page {
    color: bool,
    unicode: bool,
    columns: usize,
    text: String,
    /// Whether nothing stands below the last heading yet.
    is_below_heading: bool,
}

impl Page {
    fn new(style: &Style) -> Self {
        Self {
            color: style.color,
            unicode: style.unicode,
            columns: style.columns(),
            text: String::new(),
            is_below_heading: false,
        }
    }

    /// A section; `is_first` of the answers has what must be known of all.
    fn section(&mut self, section: &Section, document: &Document, is_first: bool) {
        let labels = match is_first {
            true => document.labels.as_slice(),
            false => &[],
        };
        let blocks = shown(section);
        if !is_shown(&section.detail) || (blocks.is_empty() && labels.is_empty()) {
            return;
        }
        self.heading(
            &format!("{}{}", section.title, section.mark()),
            &section.about,
        );
        for label in labels {
            let said = format!("{}: {}", label.status, label.text);
            self.paragraph(INDENT, Tone::Caution, &said);
            self.is_below_heading = false;
        }
        self.blocks(blocks, section.place);
    }

    fn blocks(&mut self, blocks: &[Block], place: Place) {
        let mut answers = 0;
        for (at, block) in blocks.iter().enumerate() {
            let is_below_heading = std::mem::take(&mut self.is_below_heading);
            let is_before_table = matches!(blocks.get(at + 1), Some(Block::Table(_)));
            match block {
                Block::Heading { title, about } => self.heading(title, about),
                Block::Paragraph { tone, text } => {
                    // What explains a table stands with it, and apart from what is above.
                    let is_apart = is_before_table || place == Place::Answer;
                    if !is_below_heading && *tone == Tone::Quiet && is_apart {
                        self.blank();
                    }
                    self.paragraph(INDENT, *tone, text);
                }
                Block::Answer(answer) => {
                    if answers > 0 && !answer.short.is_empty() {
                        self.blank();
                    }
                    answers += 1;
                    self.answer(answer);
                }
                Block::Facts(facts) => self.facts(facts),
                Block::Terms(terms) => {
                    for (term, meaning) in terms {
                        self.paragraph(INDENT, Tone::Plain, &format!("{term}: {meaning}"));
                    }
                }
                Block::Table(table) => self.table(table),
                Block::List(items) => {
                    let all = items.iter();
                    all.for_each(|item| self.paragraph(INDENT, Tone::Plain, item));
                }
                Block::Source { title, text } => {
                    self.paragraph(INDENT, Tone::Quiet, title);
                    text.lines()
                        .for_each(|l| self.push_line(&format!("    {l}")));
                }
                Block::Chart(_) => self.is_below_heading = is_below_heading,
                Block::Group { detail, blocks } if is_shown(detail) => {
                    self.is_below_heading = is_below_heading;
                    self.blocks(blocks, Place::Body);
                }
                Block::Group { .. } => self.is_below_heading = is_below_heading,
            }
        }
    }

    fn answer(&mut self, answer: &Answer) {
        let text = answer.said(&answer.text);
        if answer.short.is_empty() {
            return self.paragraph(INDENT, Tone::Plain, &text);
        }
        let short = format!("{}: {}", answer.title, answer.said(&answer.short));
        self.paragraph(INDENT, Tone::Strong, &short);
        self.paragraph(2 * INDENT, Tone::Strong, &text);
        for beside in &answer.beside {
            self.paragraph(2 * INDENT, Tone::Plain, beside);
        }
    }

    fn facts(&mut self, facts: &[Fact]) {
        let width = facts.iter().map(|f| f.name.chars().count()).max();
        for fact in facts {
            let label = format!("{:<1$}  ", fact.name, width.unwrap_or(0));
            let items = fact.items.iter().chain(&fact.command);
            let items: Vec<&str> = items.map(String::as_str).collect();
            match items.as_slice() {
                [one] => self.set(INDENT, &label, fact.tone, one.split(' '), " "),
                all => self.set(INDENT, &label, fact.tone, all.iter().copied(), SEPARATOR),
            }
        }
    }

    /// A blank line, unless the page is empty or has just had one.
    fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// The title of a section, with what explains it beside it or, where that is too long, below.
    fn heading(&mut self, title: &str, about: &str) {
        self.blank();
        self.is_below_heading = true;
        let fits_beside = title.chars().count() + 2 + about.chars().count() <= self.columns;
        if fits_beside {
            let strong = self.paint(Tone::Strong, title);
            let quiet = self.paint(Tone::Quiet, about);
            return self.push_line(&format!("{strong}  {quiet}"));
        }
        self.set(0, "", Tone::Strong, title.split(' '), " ");
        if !about.is_empty() {
            self.set(INDENT, "", Tone::Quiet, about.split(' '), " ");
        }
    }

    /// Text set in by `indent` columns, wrapped between words.
    fn paragraph(&mut self, indent: usize, tone: Tone, text: &str) {
        self.set(indent, "", tone, text.split(' '), " ");
    }

    /// `label`, then `items` joined by `separator` and wrapped between items, set in behind it.
    fn set<'a>(
        &mut self,
        indent: usize,
        label: &str,
        tone: Tone,
        items: impl IntoIterator<Item = &'a str>,
        separator: &str,
    ) {
        let margin = indent + label.chars().count();
        let mut begin = format!("{}{label}", " ".repeat(indent));
        for line in wrap(items, separator, self.columns.saturating_sub(margin)) {
            let painted = self.paint(tone, &line);
            self.push_line(&format!("{begin}{painted}"));
            begin = " ".repeat(margin);
        }
    }

    fn push_line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => None,
            Tone::Strong => Some("1"),
            Tone::Quiet => Some("2"),
            Tone::Calm => Some("36"),
            Tone::Caution => Some("33"),
        };
        match code {
            Some(code) if self.color && !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }

    /// The finished text.
    fn finish(self) -> String {
        match self.unicode {
            true => self.text,
            false => self.text.chars().map(ascii).collect(),
        }
    }
}

/// What text shows of a section: of a withheld answer nothing.
pub(super) fn shown(section: &Section) -> &[Block] {
    let is_withheld = section.statuses.contains(&Status::Withheld);
    match section.place == Place::Answer && is_withheld {
        true => &[],
        false => &section.blocks,
    }
}

/// Lines of at most `width` columns, broken between items; an item that is longer than a line is
/// broken between words, and a word that is longer stands alone.
fn wrap<'a>(
    items: impl IntoIterator<Item = &'a str>,
    separator: &str,
    width: usize,
) -> Vec<String> {
    let length = |text: &str| text.chars().count();
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if length(line) + length(separator) + length(item) <= width => {
                line.push_str(separator);
                line.push_str(item);
            }
            _ if length(item) > width && item.contains(' ') => {
                lines.extend(wrap(item.split(' '), " ", width));
            }
            _ => lines.push(item.to_owned()),
        }
    }
    lines
}

/// How a character outside ASCII is written where only ASCII can be shown.
fn ascii(character: char) -> char {
    match character {
        c if c.is_ascii() => c,
        'µ' | 'μ' => 'u',
        '×' => 'x',
        '·' | '–' | '—' | '−' | '─' => '-',
        '→' => '>',
        '…' => '.',
        '“' | '”' => '"',
        '‘' | '’' => '\'',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_and_a_long_one_stands_alone() {
        assert_eq!(
            wrap("one two incomprehensible three".split(' '), " ", 8),
            ["one two", "incomprehensible", "three"]
        );
    }
}
