//! Tests: how do text and tables fit a width, with or without colour, or stand in Markdown?

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
fn words_are_wrapped_and_a_long_one_stands_alone() {
    assert_eq!(
        wrap("one two incomprehensible three".split(' '), " ", 8),
        ["one two", "incomprehensible", "three"]
    );
}

fn grid(verdict: &str) -> Grid {
    Grid {
        left: 1,
        header: [
            "probe",
            "processes:cores / threads\n95 % interval",
            "verdict",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: vec![vec![
            "tlb".to_owned(),
            "16.4 [13.6, 19.8]".to_owned(),
            verdict.to_owned(),
        ]],
        last: Last::Text(|_| Tone::Plain),
    }
}

fn set(grid: &Grid, width: usize) -> String {
    let mut page = Page::new(&Style {
        width: Some(width),
        ..Style::default()
    });
    page.grid(grid);
    page.finish()
}

#[test]
fn a_table_that_is_too_wide_breaks_its_titles_before_it_becomes_a_list() {
    let grid = grid("processes:cores · unsteady");
    let wide = set(&grid, 60);
    assert!(wide.contains("processes:cores / threads"), "{wide}");
    let squeezed = set(&grid, 44);
    assert!(squeezed.contains("processes:cores /"), "{squeezed}");
    assert!(!squeezed.contains("- tlb"), "{squeezed}");
    assert!(
        squeezed.lines().all(|l| l.chars().count() <= 44),
        "{squeezed}"
    );
    let close = set(&grid, 41);
    assert!(!close.contains("- tlb"), "{close}");
    let list = set(&grid, 40);
    assert!(list.starts_with("  - tlb"), "{list}");
}

#[test]
fn no_word_of_a_table_is_cut() {
    let long = "processes:16x2,round-robin";
    let grid = grid(&format!("{long} · unsteady"));
    for width in 40..100 {
        let text = set(&grid, width);
        for word in [long, "processes:cores", "unsteady", "interval"] {
            assert!(text.contains(word), "{width}: {text}");
        }
    }
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
