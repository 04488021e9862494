//! Is what a study says shown in every format, without any format knowing the study?

use forkscope::document::chart::{Axis, Height, Lines, Spread, Unit};
use forkscope::document::{Chart, Detail, Document, Label, Status, Table, Tone};
use forkscope::report::{Style, html, markdown, terminal};

/// A part with a sentence, a table, a picture, and what not everybody sees.
fn document() -> Document {
    let mut document = Document {
        statuses: vec![Status::Busy],
        labels: vec![Label {
            status: Status::Busy,
            text: "others were there".to_owned(),
        }],
        ..Document::default()
    };
    let mut table = Table::new(1, ["agents", "threads", "verdict"]).ends_with_words();
    table.row(["8", "61.0 k", "tie"]);
    table.rows[0][2].tone = Tone::Calm;
    table.rows[0][2].statuses = vec![Status::Other("slowing".to_owned())];
    let lines = Lines::of_sides(
        Axis::new("op/s", Spread::Even, Unit::Count),
        Height::Usual,
        [(8, [Some(61e3), Some(59e3)])],
    );
    let rows = [["8", "61.0 k", "59.0 k"].map(str::to_owned)];
    let (id, title) = ("speed".to_owned(), "speed".to_owned());
    let chart = Chart::of_sides(id, title, ["threads", "processes"], lines, &rows);
    document
        .section("mine", "how fast mine is")
        .about("all agents together")
        .chart(Some(chart))
        .table(table)
        .group(Detail::Folded("more".to_owned()), |s| s.quiet("in detail"))
        .group(Detail::Page, |s| s.quiet("with room"));
    document.answer("mine", "threads are as fast");
    document
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).expect("a Vec takes everything");
    String::from_utf8(out).expect("reports are UTF-8")
}

#[test]
fn a_terminal_has_the_answer_last_and_no_picture() {
    let said = text(|out| terminal::write(&document(), &Style::default(), out));
    assert_eq!(
        said,
        "how fast mine is (busy machine)  all agents together\n  agents  threads  verdict\n  \
         ──────────────────────────────\n  8        61.0 k  tie · slowing\n  in detail\n\nverdict\n  busy machine: \
         others were there\n  busy machine: threads are as fast\n"
    );
}

#[test]
fn markdown_has_the_answer_first_and_folds() {
    let said = text(|out| markdown::write(&document(), out));
    assert!(
        said.starts_with(
            "## verdict\n\n> busy machine: others were there\n\nbusy machine: threads are as fast\n\n## how fast mine is \
             (busy machine)\n"
        ),
        "{said}"
    );
    assert!(said.contains("| 8 | 61.0 k | tie · slowing |\n"), "{said}");
    assert!(
        said.contains("<summary>more</summary>\n\nin detail\n"),
        "{said}"
    );
    assert!(!said.contains("with room"), "{said}");
}

#[test]
fn a_page_has_all_and_the_picture() {
    let held = html::Attachment {
        title: "The numbers",
        about: "",
        file: "numbers.json.gz",
        json: b"{}",
    };
    let said = text(|out| html::write(&document(), &held, out));
    for shown in [
        "<p><strong class=\"label\">busy machine:</strong> threads are as fast</p>",
        "<h2 id=\"mine-title\">How fast mine is (busy machine)</h2>",
        "<figure id=\"speed\">",
        "speed, threads and processes: 8 agents 61.0 k and 59.0 k.",
        "<td class=\"calm long\">tie · slowing</td>",
        "in detail",
        "with room",
    ] {
        assert!(said.contains(shown), "{shown}: {said}");
    }
    assert!(said.find("threads are as fast") < said.find("How fast mine is"));
}

#[test]
fn of_a_withheld_answer_text_has_the_reason_alone() {
    let mut withheld = document();
    withheld.statuses = vec![Status::Withheld];
    withheld.sections.retain(|s| s.id == "mine");
    withheld.answer("mine", "threads are as fast");
    let said = text(|out| markdown::write(&withheld, out));
    assert!(said.contains("others were there"), "{said}");
    assert!(!said.contains("threads are as fast"), "{said}");
}
