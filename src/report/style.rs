//! What can a terminal, or a file, show?

use std::io::IsTerminal;
use std::path::PathBuf;

/// No report is wider: it has to fit half a screen, a mail and a code review.
const MAX_WIDTH: usize = 100;

/// Below this the terminal wraps.
const MIN_WIDTH: usize = 40;

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

    /// Columns that a report may take.
    pub(super) fn columns(&self) -> usize {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_locale_that_names_another_character_set_asks_for_ascii() {
        assert!(shows_unicode(None));
        assert!(shows_unicode(Some("de_DE.UTF-8")));
        assert!(shows_unicode(Some("C.utf8")));
        assert!(shows_unicode(Some("de_DE")));
        assert!(!shows_unicode(Some("C")));
        assert!(!shows_unicode(Some("POSIX")));
        assert!(!shows_unicode(Some("de_DE.ISO-8859-1")));
    }
    #[test]
    fn a_width_is_kept_within_what_tables_need() {
        let columns = |width| {
            Style {
                width,
                ..Style::default()
            }
            .columns()
        };
        assert_eq!(columns(None), 100);
        assert_eq!(columns(Some(300)), 100);
        assert_eq!(columns(Some(90)), 90);
        assert_eq!(columns(Some(10)), 40);
    }
}
