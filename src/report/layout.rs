//! How do text and tables fit a width, with or without colour, or stand in Markdown?

mod markdown;

use std::io::IsTerminal;
use std::path::PathBuf;

use comfy_table::presets::NOTHING as WITHOUT_LINES;
use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table};

/// No report is wider: it has to fit half a screen, a mail and a code review.
const MAX_WIDTH: usize = 100;

/// Below this the terminal wraps.
const MIN_WIDTH: usize = 40;

/// Columns between two columns of a table.
const GAP: usize = 2;

/// The same where there is little room.
const LEAST_GAP: usize = 1;

/// A last column of text is not wrapped to fewer columns than this,
const NARROWEST_TEXT: usize = 16;

/// nor one of a few words to fewer than this.
const NARROWEST_WORDS: usize = 12;

/// Text up to this length, columns, is a few words.
const FEW_WORDS: usize = 32;

/// Columns by which everything under a heading is set in.
const INDENT: usize = 2;

/// How a report may look. The default suits a file: no colour, 100 columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether escape codes for colour and weight may be written. Nothing is said by colour alone.
    pub color: bool,
    /// Columns of the terminal; `None` where there is none. Used between 40 and 100.
    pub width: Option<usize>,
    /// Whether characters outside ASCII can be shown; else they are spelt (`µs` as `us`).
    pub unicode: bool,
    /// Where the record was written, to be named at the end.
    pub record: Option<PathBuf>,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            color: false,
            width: None,
            unicode: true,
            record: None,
        }
    }
}

impl Style {
    /// What stdout can show: colour by anstream's rules (terminal, `NO_COLOR`, `CLICOLOR_FORCE`,
    /// `TERM`, and what `--color` set as the global choice), the terminal's width, and ASCII only
    /// where the locale asks for it.
    #[must_use]
    pub fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        let width = stdout
            .is_terminal()
            .then(|| rustix::termios::tcgetwinsize(&stdout).ok())
            .flatten()
            .map(|size| usize::from(size.ws_col))
            .filter(|&columns| columns > 0);
        Self {
            color: anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
            width,
            unicode: shows_unicode(locale().as_deref()),
            record: None,
        }
    }

    fn columns(&self) -> usize {
        self.width.unwrap_or(MAX_WIDTH).clamp(MIN_WIDTH, MAX_WIDTH)
    }
}

/// The locale of characters, by POSIX's order of precedence.
fn locale() -> Option<String> {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// No locale at all is usual in containers, whose output ends on a UTF-8 terminal: only a locale
/// that names another character set counts as one.
fn shows_unicode(locale: Option<&str>) -> bool {
    let Some(locale) = locale else { return true };
    let lower = locale.to_ascii_lowercase();
    lower.contains("utf-8")
        || lower.contains("utf8")
        || !(lower == "c" || lower == "posix" || lower.contains('.'))
}

/// The weight of a piece of text. Without colour all look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    /// Headings and what the reader came for.
    Strong,
    /// What explains.
    Quiet,
    /// Equal, with certainty.
    Calm,
    /// What is open or must not be relied on.
    Caution,
}

impl Tone {
    fn code(self) -> Option<&'static str> {
        match self {
            Tone::Plain => None,
            Tone::Strong => Some("1"),
            Tone::Quiet => Some("2"),
            Tone::Calm => Some("36"),
            Tone::Caution => Some("33"),
        }
    }
}

/// What a page was told, before it became text: a format that is no text sets the same words in its own
/// way.
pub enum Block {
    /// The title of a section, and what explains it.
    Heading { title: String, about: String },
    /// A paragraph.
    Paragraph { tone: Tone, text: String },
    /// A word, and what belongs to it.
    Labelled { label: String, text: String },
    /// A table.
    Table(Grid),
}

/// Rows of text under a header; the first `left` columns are set left, numbers right. A name that
/// stands in the first column of several rows is written once.
#[derive(Clone)]
pub struct Grid {
    pub left: usize,
    /// May hold line breaks.
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
    pub last: Last,
}

/// What the last column of a table holds.
#[derive(Clone, Copy)]
pub enum Last {
    /// Numbers, like the others.
    Numbers,
    /// Text: set left, wrapped where it is long, with a weight that follows from what it says.
    Text(fn(&str) -> Tone),
}

/// A report while it is being written: the same words, on a terminal or in Markdown.
pub struct Page {
    is_markdown: bool,
    color: bool,
    unicode: bool,
    columns: usize,
    text: String,
    blocks: Vec<Block>,
}

impl Page {
    pub fn new(style: &Style) -> Self {
        Self {
            is_markdown: false,
            color: style.color,
            unicode: style.unicode,
            columns: style.columns(),
            text: String::new(),
            blocks: Vec::new(),
        }
    }

    /// A page of Markdown: no colour, no width, every paragraph one line.
    pub fn markdown() -> Self {
        Self {
            is_markdown: true,
            ..Self::new(&Style::default())
        }
    }

    /// All that the page was told, in order.
    pub fn into_blocks(self) -> Vec<Block> {
        self.blocks
    }

    /// A blank line, unless the page is empty or has just had one.
    pub fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// The title of a section, with what explains it beside it or, where that is too long, below.
    pub fn heading(&mut self, title: &str, about: &str) {
        self.blocks.push(Block::Heading {
            title: title.to_owned(),
            about: about.to_owned(),
        });
        self.blank();
        if self.is_markdown {
            return self.text.push_str(&markdown::heading(title, about));
        }
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
    pub fn paragraph(&mut self, indent: usize, tone: Tone, text: &str) {
        self.blocks.push(Block::Paragraph {
            tone,
            text: text.to_owned(),
        });
        if self.is_markdown {
            self.blank();
            return self.text.push_str(&markdown::paragraph(tone, text));
        }
        self.set(indent, "", tone, text.split(' '), " ");
    }

    /// Things of one kind, each on a line of its own.
    pub fn items<'a>(&mut self, items: impl IntoIterator<Item = &'a str>) {
        for item in items {
            match self.is_markdown {
                true => self.bullet(&markdown::escaped(item)),
                false => self.paragraph(INDENT, Tone::Plain, item),
            }
        }
    }

    /// What somebody typed, as it was typed.
    pub fn typed(&mut self, label: &str, words: &str) {
        match self.is_markdown {
            true => self.bullet(&format!("{label}: {}", markdown::code(words))),
            false => self.paragraph(INDENT, Tone::Plain, &format!("{label}: {words}")),
        }
    }

    /// What `write` writes; in Markdown behind a line that opens it when it is clicked.
    pub fn folded(&mut self, title: &str, write: impl FnOnce(&mut Self)) {
        if !self.is_markdown {
            return write(self);
        }
        let mut inner = Self::markdown();
        write(&mut inner);
        if inner.text.is_empty() {
            return;
        }
        self.blank();
        self.text.push_str(&markdown::fold(title, &inner.text));
    }

    /// A line of a list in Markdown.
    fn bullet(&mut self, markup: &str) {
        let is_first = !self
            .text
            .lines()
            .last()
            .is_some_and(|l| l.starts_with("- "));
        if is_first {
            self.blank();
        }
        self.text.push_str(&markdown::item(markup));
    }

    /// `label`, then `items` joined by `separator` and wrapped between items, set in behind it.
    pub fn labelled<'a>(
        &mut self,
        indent: usize,
        label: &str,
        tone: Tone,
        items: impl IntoIterator<Item = &'a str>,
        separator: &str,
    ) {
        let items: Vec<&str> = items.into_iter().collect();
        let words = items.join(separator);
        self.blocks.push(Block::Labelled {
            label: label.trim().to_owned(),
            text: words.clone(),
        });
        if self.is_markdown {
            let words = format!("{}: {words}", label.trim());
            return self.bullet(&markdown::escaped(&words));
        }
        self.set(indent, label, tone, items, separator);
    }

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

    /// A table, set in; where it is too wide for the page with its titles broken into lines and its columns
    /// closer together, too, a list with the same
    /// words.
    pub fn grid(&mut self, grid: &Grid) {
        self.blocks.push(Block::Table(grid.clone()));
        if self.is_markdown {
            self.blank();
            return self.text.push_str(&markdown::table(grid));
        }
        let fits = |grid: &Grid, gap| grid.narrowest(gap) + INDENT <= self.columns;
        if fits(grid, GAP) {
            return self.table(grid, GAP);
        }
        let squeezed = grid.squeezed();
        match [GAP, LEAST_GAP]
            .into_iter()
            .find(|gap| fits(&squeezed, *gap))
        {
            Some(gap) => self.table(&squeezed, gap),
            None => self.list(grid),
        }
    }

    fn list(&mut self, grid: &Grid) {
        for row in &grid.rows {
            let items: Vec<String> = row
                .iter()
                .zip(&grid.header)
                .enumerate()
                .map(|(column, (text, title))| match column < grid.left {
                    true => text.clone(),
                    false => format!("{}: {text}", title.replace('\n', " ")),
                })
                .collect();
            let items = items.iter().map(String::as_str);
            self.set(INDENT, "- ", Tone::Plain, items, " · ");
        }
    }

    fn table(&mut self, grid: &Grid, gap: usize) {
        let last = grid.header.len().saturating_sub(1);
        let is_text = |column| column < grid.left || (column == last && grid.last.is_text());
        let set = |(column, text): (usize, &str)| {
            Cell::new(text).set_alignment(match is_text(column) {
                true => CellAlignment::Left,
                false => CellAlignment::Right,
            })
        };
        let rule = if self.unicode { '─' } else { '-' };
        let mut table = Table::new();
        table
            .load_style(WITHOUT_LINES.header_separator(LineStyle::none().fill(rule).junction(rule)))
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(self.columns - INDENT).unwrap_or(u16::MAX))
            .set_header(cells(&grid.header, set));
        let mut above = "";
        for row in &grid.rows {
            let mut row: Vec<&str> = row.iter().map(String::as_str).collect();
            if grid.left > 0 && row[0] == above {
                row[0] = "";
            } else {
                above = row[0];
            }
            table.add_row(cells(&row, set));
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            // The table itself puts one blank between columns.
            let padding = if index == last { 0 } else { gap as u16 - 1 };
            column.set_padding((0, padding));
            if !(index == last && grid.last.is_text()) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        let header_lines = 1 + grid
            .header
            .iter()
            .map(|h| h.lines().count())
            .max()
            .unwrap_or(0);
        let lines: Vec<String> = table.lines().collect();
        let last_at = lines
            .first()
            .map_or(0, |line| start_of_last(line, &grid.header[last]));
        for (index, line) in lines.iter().enumerate() {
            let line = line.trim_end();
            let painted = match (index < header_lines, grid.last) {
                (true, _) => self.paint(Tone::Quiet, line),
                (false, Last::Text(tone)) => self.paint_from(line, last_at, tone),
                (false, Last::Numbers) => line.to_owned(),
            };
            self.push_line(&format!("{}{painted}", " ".repeat(INDENT)));
        }
    }

    /// The finished text.
    pub fn finish(self) -> String {
        match self.unicode {
            true => self.text,
            false => self.text.chars().map(ascii).collect(),
        }
    }

    fn push_line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// Paints what stands from column `at` on.
    fn paint_from(&self, line: &str, at: usize, tone: fn(&str) -> Tone) -> String {
        let split = line
            .char_indices()
            .nth(at)
            .map_or(line.len(), |(byte, _)| byte);
        let (before, text) = line.split_at(split);
        format!("{before}{}", self.paint(tone(text), text))
    }

    fn paint(&self, tone: Tone, text: &str) -> String {
        match tone.code() {
            Some(code) if self.color && !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

impl Grid {
    /// Columns that the table needs when only a last column of text is wrapped, between words.
    fn narrowest(&self, gap: usize) -> usize {
        let last = self.header.len().saturating_sub(1);
        let width = |column: usize| {
            let rows = self.rows.iter().map(|row| row[column].as_str());
            widest(rows.chain([self.header[column].as_str()]))
        };
        let others: usize = (0..last).map(|column| width(column) + gap).sum();
        others
            + match self.last {
                Last::Text(_) => {
                    let least = match width(last) {
                        few if few <= FEW_WORDS => NARROWEST_WORDS,
                        _ => NARROWEST_TEXT,
                    };
                    let rows = self.rows.iter().map(|row| row[last].as_str());
                    let words = rows.chain([self.header[last].as_str()]);
                    width(last).min(least.max(longest_word(words)))
                }
                Last::Numbers => width(last),
            }
    }

    /// The same table with titles that are no wider than what stands below them, as far as their words allow it.
    fn squeezed(&self) -> Self {
        let title = |(column, title): (usize, &String)| {
            let below = widest(self.rows.iter().map(|row| row[column].as_str()));
            let width = below.max(longest_word([title.as_str()]));
            let lines = title.lines().flat_map(|l| wrap(l.split(' '), " ", width));
            lines.collect::<Vec<_>>().join("\n")
        };
        Self {
            header: self.header.iter().enumerate().map(title).collect(),
            ..self.clone()
        }
    }
}

/// Columns of the longest line.
fn widest<'a>(texts: impl IntoIterator<Item = &'a str>) -> usize {
    let lines = texts.into_iter().flat_map(str::lines);
    lines.map(|line| line.chars().count()).max().unwrap_or(0)
}

/// Columns of the longest word.
fn longest_word<'a>(texts: impl IntoIterator<Item = &'a str>) -> usize {
    let words = texts.into_iter().flat_map(str::split_whitespace);
    words.map(|word| word.chars().count()).max().unwrap_or(0)
}

impl Last {
    fn is_text(self) -> bool {
        matches!(self, Last::Text(_))
    }
}

fn cells<T: AsRef<str>>(texts: &[T], set: impl Fn((usize, &str)) -> Cell) -> Vec<Cell> {
    texts
        .iter()
        .map(AsRef::as_ref)
        .enumerate()
        .map(set)
        .collect()
}

/// The column in which the last cell of a header line starts, characters.
fn start_of_last(header_line: &str, last_header: &str) -> usize {
    let title = last_header.lines().next().unwrap_or("");
    header_line
        .rfind(title)
        .map_or(0, |byte| header_line[..byte].chars().count())
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
mod tests;
