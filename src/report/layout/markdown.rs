//! How are text and tables set in Markdown (as GitHub and GitLab read it), whatever the words hold?

use super::{Grid, Tone};

pub fn heading(title: &str, about: &str) -> String {
    let mut text = format!("## {}\n", escaped(title));
    if !about.is_empty() {
        text.push_str(&format!("\n{}\n", begun(&escaped(about))));
    }
    text
}

pub fn paragraph(tone: Tone, words: &str) -> String {
    let words = begun(&escaped(words));
    match tone {
        Tone::Strong => format!("**{words}**\n"),
        // What must not be overlooked stands out as a quotation does.
        Tone::Caution => format!("> {words}\n"),
        Tone::Plain | Tone::Quiet | Tone::Calm => format!("{words}\n"),
    }
}

/// A line of a list, of words that are markup already.
pub fn item(markup: &str) -> String {
    format!("- {}\n", begun(markup))
}

/// Markup behind a line that opens it.
pub fn fold(title: &str, markup: &str) -> String {
    let title = one_line(title)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!("<details><summary>{title}</summary>\n\n{markup}\n</details>\n")
}

/// A table in which numbers are set right; each row has all its words, so that it can be quoted alone.
pub fn table(grid: &Grid) -> String {
    let last = grid.header.len().saturating_sub(1);
    let is_text = |column| column < grid.left || (column == last && grid.last.is_text());
    let rule = (0..grid.header.len()).map(|column| match is_text(column) {
        true => "---".to_owned(),
        false => "---:".to_owned(),
    });
    let mut text = row(grid.header.iter().map(|h| in_table(h)));
    text.push_str(&row(rule));
    for cells in &grid.rows {
        text.push_str(&row(cells.iter().map(|c| in_table(c))));
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
pub fn code(words: &str) -> String {
    let words = one_line(words);
    let (mut longest, mut now) = (0, 0);
    for c in words.chars() {
        now = if c == '`' { now + 1 } else { 0 };
        longest = longest.max(now);
    }
    let fence = "`".repeat(longest + 1);
    match words.starts_with('`') || words.ends_with('`') {
        true => format!("{fence} {words} {fence}"),
        false => format!("{fence}{words}{fence}"),
    }
}

/// Text that means what it says: nothing in it is markup but `code` between backticks.
pub fn escaped(words: &str) -> String {
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
    use super::super::Last;
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
        let grid = Grid {
            left: 1,
            header: vec!["a|b".to_owned(), "per\nagent".to_owned()],
            rows: vec![vec!["`x|y`\nz".to_owned(), "\\|".to_owned()]],
            last: Last::Numbers,
        };
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
