//! What are rows under a header?

use super::{Status, Tone, numbers};

/// Rows under a header. A name that stands in the first column of several rows below each other is meant once.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, as long as the header.
    pub rows: Vec<Vec<Cell>>,
}

/// A column's title and what stands below.
#[derive(Clone, Debug)]
pub struct Column {
    /// The title; may hold line breaks.
    pub title: String,
    /// What stands below.
    pub holds: Holds,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Names: set left, never broken.
    Names,
    /// Numbers: set right.
    Numbers,
    /// Words: set left, wrapped where they are long. The last column only.
    Words,
}

/// One entry of a table.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// The words.
    pub text: String,
    /// Their weight.
    pub tone: Tone,
    /// What must be known before it is relied on.
    pub statuses: Vec<Status>,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

impl Cell {
    /// What was not measured.
    #[must_use]
    pub fn nothing() -> Self {
        numbers::NOTHING.into()
    }

    /// The same with a weight.
    #[must_use]
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    /// The words with their statuses: `tie (busy machine) · slowing`.
    #[must_use]
    pub fn words(&self) -> String {
        let with = |text: String, status: &Status| match status {
            Status::Other(said) => format!("{text} · {said}"),
            known => format!("{text} ({known})"),
        };
        self.statuses.iter().fold(self.text.clone(), with)
    }
}

impl Table {
    /// A table whose first `names` columns hold names, the others numbers.
    pub fn new<T: Into<String>>(names: usize, titles: impl IntoIterator<Item = T>) -> Self {
        let column = |(at, title): (usize, T)| Column {
            title: title.into(),
            holds: match at < names {
                true => Holds::Names,
                false => Holds::Numbers,
            },
        };
        Self {
            columns: titles.into_iter().enumerate().map(column).collect(),
            rows: Vec::new(),
        }
    }

    /// Says that the last column holds words.
    #[must_use]
    pub fn ends_with_words(mut self) -> Self {
        if let Some(last) = self.columns.last_mut() {
            last.holds = Holds::Words;
        }
        self
    }

    /// Adds a row.
    pub fn row<T: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The same with these rows behind its own.
    #[must_use]
    pub fn rows<R: IntoIterator<Item = T>, T: Into<Cell>>(
        mut self,
        rows: impl IntoIterator<Item = R>,
    ) -> Self {
        rows.into_iter().for_each(|row| self.row(row));
        self
    }

    /// Whether the first column names its rows.
    #[must_use]
    pub fn has_names(&self) -> bool {
        self.columns
            .first()
            .is_some_and(|c| c.holds == Holds::Names)
    }

    /// Drops a column.
    pub fn drop_column(&mut self, at: usize) {
        self.columns.remove(at);
        self.rows.iter_mut().for_each(|row| drop(row.remove(at)));
    }
}
