//! How does a table fit a width?

use super::{INDENT, Page, wrap};
use crate::document::table::Holds;
use crate::document::{Cell, Table, Tone};
use comfy_table::presets::NOTHING as WITHOUT_LINES;
use comfy_table::{Cell as Set, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle};

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

/// A table as text.
struct Grid<'a> {
    table: &'a Table,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Page {
    /// A table, set in; where it is too wide for the page with its titles broken into lines and its columns closer
    /// together, too, a list with the same words.
    pub(super) fn table(&mut self, table: &Table) {
        let mut grid = Grid {
            table,
            header: table.columns.iter().map(|c| c.title.clone()).collect(),
            rows: table
                .rows
                .iter()
                .map(|r| r.iter().map(Cell::words).collect())
                .collect(),
        };
        let fits = |grid: &Grid<'_>, gap| grid.narrowest(gap) + INDENT <= self.columns;
        if fits(&grid, GAP) {
            return self.grid(&grid, GAP);
        }
        grid.squeeze();
        match [GAP, LEAST_GAP].into_iter().find(|gap| fits(&grid, *gap)) {
            Some(gap) => self.grid(&grid, gap),
            None => self.as_list(&grid),
        }
    }

    fn as_list(&mut self, grid: &Grid<'_>) {
        for row in &grid.rows {
            let item = |((text, title), column): ((&String, &String), &crate::document::Column)| {
                match column.holds {
                    Holds::Names => text.clone(),
                    _ => format!("{}: {text}", title.replace('\n', " ")),
                }
            };
            let items = row.iter().zip(&grid.header).zip(&grid.table.columns);
            let items: Vec<String> = items.map(item).collect();
            let items = items.iter().map(String::as_str);
            self.set(INDENT, "- ", Tone::Plain, items, " · ");
        }
    }

    fn grid(&mut self, grid: &Grid<'_>, gap: usize) {
        let columns = &grid.table.columns;
        let last = columns.len().saturating_sub(1);
        let ends_with_words = grid.ends_with_words();
        let set = |row: &[&str]| -> Vec<Set> {
            let cell = |(column, text): (&crate::document::Column, &&str)| {
                Set::new(text).set_alignment(match column.holds {
                    Holds::Numbers => CellAlignment::Right,
                    Holds::Names | Holds::Words => CellAlignment::Left,
                })
            };
            columns.iter().zip(row).map(cell).collect()
        };
        let rule = if self.unicode { '─' } else { '-' };
        let mut table = comfy_table::Table::new();
        let header: Vec<&str> = grid.header.iter().map(String::as_str).collect();
        table
            .load_style(WITHOUT_LINES.header_separator(LineStyle::none().fill(rule).junction(rule)))
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(self.columns - INDENT).unwrap_or(u16::MAX))
            .set_header(set(&header));
        let mut above = "";
        for row in &grid.rows {
            let mut row: Vec<&str> = row.iter().map(String::as_str).collect();
            match grid.table.has_names() && row[0] == above {
                true => row[0] = "",
                false => above = row[0],
            }
            table.add_row(set(&row));
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            // The table itself puts one blank between columns.
            let padding = if index == last { 0 } else { gap as u16 - 1 };
            column.set_padding((0, padding));
            if !(index == last && ends_with_words) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        let header_lines = grid.header.iter().map(|h| h.lines().count()).max();
        let header_lines = 1 + header_lines.unwrap_or(0);
        let lines: Vec<String> = table.lines().collect();
        let last_at = lines
            .first()
            .map_or(0, |line| start_of_last(line, &grid.header[last]));
        let mut tones = grid
            .table
            .rows
            .iter()
            .filter_map(|row| Some(row.last()?.tone));
        let mut tone = Tone::Plain;
        for (index, line) in lines.iter().enumerate() {
            let line = line.trim_end();
            let painted = match (index < header_lines, ends_with_words) {
                (true, _) => self.paint(Tone::Quiet, line),
                (false, true) => {
                    let at = line.char_indices().nth(last_at);
                    let (before, text) = line.split_at(at.map_or(line.len(), |(byte, _)| byte));
                    // A line that continues a row has nothing but its last words.
                    if !before.trim().is_empty() {
                        tone = tones.next().unwrap_or_default();
                    }
                    format!("{before}{}", self.paint(tone, text))
                }
                (false, false) => line.to_owned(),
            };
            self.push_line(&format!("{}{painted}", " ".repeat(INDENT)));
        }
    }
}

impl Grid<'_> {
    fn ends_with_words(&self) -> bool {
        let last = self.table.columns.last();
        last.is_some_and(|c| c.holds == Holds::Words)
    }

    fn below(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().map(move |row| row[column].as_str())
    }

    /// Columns that the table needs when only a last column of text is wrapped, between words.
    fn narrowest(&self, gap: usize) -> usize {
        let last = self.header.len().saturating_sub(1);
        let all = |column: usize| self.below(column).chain([self.header[column].as_str()]);
        let width = |column: usize| widest(all(column));
        let others: usize = (0..last).map(|column| width(column) + gap).sum();
        if !self.ends_with_words() {
            return others + width(last);
        }
        let least = match width(last) {
            few if few <= FEW_WORDS => NARROWEST_WORDS,
            _ => NARROWEST_TEXT,
        };
        others + width(last).min(least.max(longest_word(all(last))))
    }

    /// Breaks titles so that they are no wider than what stands below them, as far as their words allow it.
    fn squeeze(&mut self) {
        let title = |(column, title): (usize, &String)| {
            let width = widest(self.below(column)).max(longest_word([title.as_str()]));
            let lines = title.lines().flat_map(|l| wrap(l.split(' '), " ", width));
            lines.collect::<Vec<_>>().join("\n")
        };
        self.header = self.header.iter().enumerate().map(title).collect();
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

/// The column in which the last cell of a header line starts, characters.
fn start_of_last(header_line: &str, last_header: &str) -> usize {
    let title = last_header.lines().next().unwrap_or("");
    header_line
        .rfind(title)
        .map_or(0, |byte| header_line[..byte].chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Style;

    fn table(verdict: &str) -> Table {
        let titles = [
            "probe",
            "processes:cores / threads\n95 % interval",
            "verdict",
        ];
        Table::new(1, titles)
            .ends_with_words()
            .rows([["tlb", "16.4 [13.6, 19.8]", verdict]])
    }

    fn set(table: &Table, width: usize) -> String {
        let mut page = Page::new(&Style {
            width: Some(width),
            ..Style::default()
        });
        page.table(table);
        page.finish()
    }

    #[test]
    fn a_table_that_is_too_wide_breaks_its_titles_before_it_becomes_a_list() {
        let table = table("processes:cores · unsteady");
        let wide = set(&table, 60);
        assert!(wide.contains("processes:cores / threads"), "{wide}");
        let squeezed = set(&table, 44);
        assert!(squeezed.contains("processes:cores /"), "{squeezed}");
        assert!(!squeezed.contains("- tlb"), "{squeezed}");
        assert!(
            squeezed.lines().all(|l| l.chars().count() <= 44),
            "{squeezed}"
        );
        let close = set(&table, 41);
        assert!(!close.contains("- tlb"), "{close}");
        let list = set(&table, 40);
        assert!(list.starts_with("  - tlb"), "{list}");
    }

    #[test]
    fn no_word_of_a_table_is_cut() {
        let long = "processes:16x2,round-robin";
        let table = table(&format!("{long} · unsteady"));
        for width in 40..100 {
            let text = set(&table, width);
            for word in [long, "processes:cores", "unsteady", "interval"] {
                assert!(text.contains(word), "{width}: {text}");
            }
        }
    }
}
