//! What does a colleague see in a pull request?
//!
//! A document with its answers first, in Markdown as GitHub and GitLab read it, whatever the words hold. What only some
//! readers ask for is folded; pictures are left out: their numbers stand in tables.

use std::io::{self, Write};

use super::terminal::shown;
use super::{Report, Style, parts};
use crate::document::table::Holds;
use crate::document::{Block, Detail, Document, Fact, Place, Section, Table, Tone};
use crate::record::Run;

/// Longer lists are folded.
const LONG_LIST: usize = 8;

/// Markdown with tables, as GitHub and GitLab show it.
#[derive(Clone, Copy, Debug)]
pub struct Markdown;

impl Report for Markdown {
    fn write(&self, run: &Run, _style: &Style, out: &mut dyn Write) -> io::Result<()> {
        write(&parts::document(run), out)
    }
}

/// Writes a document as Markdown.
///
/// # Errors
/// What `out` says.
pub fn write(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    let (answers, body): (Vec<&Section>, Vec<&Section>) = document
        .sections
        .iter()
        .partition(|s| s.place == Place::Answer);
    let mut page = Page::default();
    for (at, section) in answers.into_iter().chain(body).enumerate() {
        let is_first = at == 0 && section.place == Place::Answer;
        page.section(section, document, is_first);
    }
    out.write_all(page.text.as_bytes())
}

/// Markup while it is being written.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
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
        self.folded(&section.detail, |page| {
            page.heading(
                "##",
                &format!("{}{}", section.title, section.mark()),
                &section.about,
            );
            for label in labels {
                page.paragraph(Tone::Caution, &format!("{}: {}", label.status, label.text));
            }
            page.blocks(blocks);
        });
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            match block {
                Block::Heading { title, about } => self.heading("###", title, about),
                Block::Paragraph { tone, text } => self.paragraph(*tone, text),
                Block::Answer(answer) => {
                    let text = answer.said(&answer.text);
                    if answer.short.is_empty() {
                        self.paragraph(Tone::Plain, &text);
                        continue;
                    }
                    let short = format!("{}: {}", answer.title, answer.said(&answer.short));
                    self.paragraph(Tone::Strong, &short);
                    self.paragraph(Tone::Strong, &text);
                    for beside in &answer.beside {
                        self.paragraph(Tone::Plain, beside);
                    }
                }
                Block::Facts(facts) => self.items(facts.iter().map(fact)),
                Block::Terms(terms) => {
                    self.items(terms.iter().map(|(t, m)| escaped(&format!("{t}: {m}"))));
                }
                Block::Table(rows) => {
                    self.blank();
                    self.text.push_str(&table(rows));
                }
                Block::List(items) => {
                    let detail = match items.len() > LONG_LIST {
                        true => Detail::Folded(format!("{} of them", items.len())),
                        false => Detail::Always,
                    };
                    self.folded(&detail, |page| page.items(items.iter().map(|i| escaped(i))));
                }
                Block::Source { title, text } => {
                    let fence = "`".repeat(3.max(longest_fence(text) + 1));
                    let detail = Detail::Folded(title.clone());
                    self.folded(&detail, |page| {
                        page.text.push_str(&format!("{fence}\n{text}\n{fence}\n"));
                    });
                }
                Block::Chart(_) => {}
                Block::Group { detail, blocks } if is_shown(detail) => {
                    self.folded(detail, |page| page.blocks(blocks));
                }
                Block::Group { .. } => {}
            }
        }
    }

    /// A blank line, unless the page is empty or has just had one.
    fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    fn heading(&mut self, sign: &str, title: &str, about: &str) {
        self.blank();
        self.text.push_str(&format!("{sign} {}\n", escaped(title)));
        if !about.is_empty() {
            self.text
                .push_str(&format!("\n{}\n", begun(&escaped(about))));
        }
    }

    fn paragraph(&mut self, tone: Tone, text: &str) {
        self.blank();
        self.text.push_str(&paragraph(tone, text));
    }

    /// A list, of words that are markup already.
    fn items(&mut self, items: impl Iterator<Item = String>) {
        self.blank();
        items.for_each(|markup| self.text.push_str(&item(&markup)));
    }

    /// What `write` writes, behind a line that opens it when it is clicked where `detail` asks for that.
    fn folded(&mut self, detail: &Detail, write: impl FnOnce(&mut Self)) {
        let Detail::Folded(title) = detail else {
            return write(self);
        };
        let mut inner = Self::default();
        write(&mut inner);
        if !inner.text.is_empty() {
            self.blank();
            self.text.push_str(&fold(title, &inner.text));
        }
    }
}

/// Whether something is for who reads text in a file.
fn is_shown(detail: &Detail) -> bool {
    !matches!(detail, Detail::Screen | Detail::Page)
}

fn fact(fact: &Fact) -> String {
    let name = escaped(&fact.name);
    let items: Vec<String> = fact.items.iter().map(|i| escaped(i)).collect();
    let typed = fact.command.as_deref().map(code);
    let all: Vec<String> = items.into_iter().chain(typed).collect();
    format!("{name}: {}", all.join(" · "))
}

fn paragraph(tone: Tone, words: &str) -> String {
    let words = begun(&escaped(words));
    match tone {
        Tone::Strong => format!("**{words}**\n"),
        // What must not be overlooked stands out as a quotation does.
        Tone::Caution => format!("> {words}\n"),
        Tone::Plain | Tone::Quiet | Tone::Calm => format!("{words}\n"),
    }
}

/// A line of a list, of words that are markup already.
fn item(markup: &str) -> String {
    format!("- {}\n", begun(markup))
}

/// Markup behind a line that opens it.
fn fold(title: &str, markup: &str) -> String {
    let title = one_line(title)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!("<details><summary>{title}</summary>\n\n{markup}\n</details>\n")
}

/// A table in which numbers are set right; each row has all its words, so that it can be quoted alone.
fn table(table: &Table) -> String {
    let rule = table.columns.iter().map(|column| match column.holds {
        Holds::Names | Holds::Words => "---".to_owned(),
        Holds::Numbers => "---:".to_owned(),
    });
    let mut text = row(table.columns.iter().map(|c| in_table(&c.title)));
    text.push_str(&row(rule));
    for cells in &table.rows {
        text.push_str(&row(cells.iter().map(|c| in_table(&c.words()))));
    }
    text
}

fn row(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.collect();
    format!("| {} |\n", cells.join(" | "))
}

/// A bar ends a cell, even in code and even behind a backslash that stands for itself.
fn in_table(words: &str) -> String {
    escaped(words).replace('|', "\\|")
}

/// Words as they are, in code: between more backticks than there are in a row within.
fn code(words: &str) -> String {
    let words = one_line(words);
    let longest = longest_fence(&words);
    let fence = "`".repeat(longest + 1);
    match words.starts_with('`') || words.ends_with('`') {
        true => format!("{fence} {words} {fence}"),
        false => format!("{fence}{words}{fence}"),
    }
}

/// The longest row of backticks.
fn longest_fence(words: &str) -> usize {
    let rows = words.split(|c| c != '`').map(str::len);
    rows.max().unwrap_or(0)
}

/// Text that means what it says: nothing in it is markup but `code` between backticks.
fn escaped(words: &str) -> String {
    let line = one_line(words);
    let parts: Vec<&str> = line.split('`').collect();
    // A backtick without another one is a backtick.
    if parts.len().is_multiple_of(2) || line.contains("``") {
        return without_markup(&line.replace('`', "'"));
    }
    let set = |(place, part): (usize, &&str)| match place % 2 {
        0 => without_markup(part),
        _ => format!("`{part}`"),
    };
    parts.iter().enumerate().map(set).collect()
}

/// Line breaks end a row and a paragraph; so do none of these.
fn one_line(words: &str) -> String {
    let is_break = |c: char| c.is_control();
    let words = words.replace("\r\n", " ");
    words.replace(is_break, " ").trim().to_owned()
}

fn without_markup(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    let mut before = ' ';
    let mut rest = words.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        let is_markup = match c {
            '\\' | '*' | '<' | '~' => true,
            // Between letters it is one of them: `known_effect`.
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            // Brackets are an interval, unless a target follows.
            ']' => matches!(after, '(' | '[' | ':'),
            '&' => after == '#' || after.is_alphanumeric(),
            _ => false,
        };
        if is_markup {
            text.push('\\');
        }
        text.push(c);
        before = c;
    }
    text
}

/// What would make a heading, a list or a quotation of the line that it begins.
fn begun(line: &str) -> String {
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    let after_digits = line[digits..].chars().next();
    if digits > 0 && matches!(after_digits, Some('.' | ')')) {
        return format!("{}\\{}", &line[..digits], &line[digits..]);
    }
    match line.chars().next() {
        Some('#' | '-' | '+' | '>' | '=' | '|') => format!("\\{line}"),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_not_markup() {
        assert_eq!(
            escaped("a * b_ [x](y) <b> &amp; \\"),
            "a \\* b\\_ [x\\](y) \\<b> \\&amp; \\\\"
        );
        assert_eq!(
            escaped("ping_pong 1.0 [0.9, 1.1] & more"),
            "ping_pong 1.0 [0.9, 1.1] & more"
        );
        assert_eq!(
            escaped("look at `dmesg *`, or *"),
            "look at `dmesg *`, or \\*"
        );
        assert_eq!(escaped("one ` alone *"), "one ' alone \\*");
        assert_eq!(escaped("two\nlines\r\nor three"), "two lines or three");
    }

    #[test]
    fn the_beginning_of_a_line_is_no_markup_either() {
        assert_eq!(paragraph(Tone::Plain, "# 1"), "\\# 1\n");
        assert_eq!(paragraph(Tone::Caution, "1. one"), "> 1\\. one\n");
        assert_eq!(item("- 5 of 6"), "- \\- 5 of 6\n");
        assert_eq!(item(&escaped("*")), "- \\*\n");
        assert_eq!(item("5 of 6"), "- 5 of 6\n");
    }

    #[test]
    fn a_table_keeps_its_columns_whatever_stands_in_it() {
        let grid = Table::new(1, ["a|b", "per\nagent"]).rows([["`x|y`\nz", "\\|"]]);
        assert_eq!(
            table(&grid),
            "| a\\|b | per agent |\n| --- | ---: |\n| `x\\|y` z | \\\\\\| |\n"
        );
    }

    #[test]
    fn what_is_folded_does_not_end_its_own_title() {
        assert_eq!(
            fold("a < b & c", "text\n"),
            "<details><summary>a &lt; b &amp; c</summary>\n\ntext\n\n</details>\n"
        );
    }

    #[test]
    fn code_holds_its_own_backticks() {
        assert_eq!(code("run -w `x`"), "`` run -w `x` ``");
        assert_eq!(code("run -w x"), "`run -w x`");
        assert_eq!(code("a ``b`` c"), "```a ``b`` c```");
    }
}
