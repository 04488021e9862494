//! What is each block of a page?

use super::svg::{Drawing, Room};
use super::{capitalised, draw};
use crate::document::table::Holds;
use crate::document::{Answer, Block, Chart, Detail, Table, Tone};
use maud::{Markup, html};

/// Blocks, one after the other; `title` says what a table holds, for those who do not see it, and `mark` what must be
/// known of pictures.
pub fn blocks<'a>(all: &'a [Block], mut title: &'a str, mark: &str) -> Markup {
    let mut above = "";
    let mut set = Vec::new();
    for block in all {
        if let Block::Heading { title: own, .. } = block {
            title = own;
        }
        set.push(match block {
            // Sentences of one kind stand under one title.
            Block::Answer(said) => answer(said, said.title != above),
            other => block_of(other, title, mark),
        });
        if let Block::Answer(answer) = block {
            above = &answer.title;
        }
    }
    html! { @for block in &set { (block) "\n" } }
}

fn block_of(block: &Block, title: &str, mark: &str) -> Markup {
    html! {
        @match block {
            Block::Heading { title, about } => {
                h3 { (title) }
                @if !about.is_empty() { p.about { (about) } }
            }
            Block::Paragraph { tone, text } => p class=(class(*tone)) { (text) },
            Block::Answer(said) => (answer(said, true)),
            Block::Facts(facts) => dl {
                @for fact in facts {
                    @let items: Vec<&str> = fact.items.iter().chain(&fact.command).map(String::as_str).collect();
                    div { dt { (fact.name) } dd { (items.join(" · ")) } }
                }
            },
            Block::Terms(terms) => dl.long {
                @for (term, meaning) in terms { div { dt { (term) } dd { (meaning) } } }
            },
            Block::Table(rows) => (table(rows, title)),
            Block::List(items) => (list(items)),
            Block::Source { title, text } => details {
                summary { (title) }
                pre.scroll role="group" tabindex="0" aria-label={ "Text: " (title) } { (text) }
            },
            Block::Chart(chart) => (figure(chart, mark)),
            Block::Group { detail, blocks: inner } => @if is_shown(detail) { (blocks(inner, title, mark)) },
        }
    }
}

/// Whether something is for who has a page.
pub fn is_shown(detail: &Detail) -> bool {
    !matches!(detail, Detail::Screen | Detail::Text)
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Strong => "strong",
        Tone::Quiet => "quiet",
        Tone::Calm => "calm",
        Tone::Caution => "caution",
    }
}

fn list(items: &[String]) -> Markup {
    html! { ul.plain { @for item in items { li { (item) } "\n" } } }
}

/// A sentence, with its labels before each part of it that may travel alone.
fn answer(said: &Answer, is_titled: bool) -> Markup {
    let labels = html! { @for status in &said.statuses { strong.label { (status) ":" } " " } };
    html! {
        div.said {
            @if is_titled && !said.title.is_empty() { h3 { (said.title) } }
            @if said.short.is_empty() {
                p { (labels) (said.text) }
            } @else {
                p { (labels) strong { (said.short) } }
                p { (labels) (capitalised(&said.text)) }
            }
        }
        @if !said.beside.is_empty() { (list(&said.beside)) }
    }
}

/// Rows under a header, in a box of their own that can be scrolled. A name that stands in the first column of several
/// rows is written once, for all of them.
fn table(table: &Table, label: &str) -> Markup {
    let number = |holds: Holds| (holds == Holds::Numbers).then_some("number");
    let name = |at: usize| {
        table
            .rows
            .get(at)
            .and_then(|row| row.first())
            .map(|cell| &cell.text)
    };
    let is_named = table.has_names();
    let is_repeated = |at: usize| is_named && at > 0 && name(at) == name(at - 1);
    let count = |at: usize| match is_named {
        true => (at..table.rows.len())
            .take_while(|other| name(*other) == name(at))
            .count(),
        false => 1,
    };
    html! {
        div.scroll role="group" tabindex="0" aria-label={ "Table: " (label) } {
            table {
                thead { tr {
                    @for column in &table.columns {
                        th scope="col" class=[number(column.holds)] { (column.title.trim().replace('\n', " ")) }
                    }
                } }
                tbody {
                    @for (at, row) in table.rows.iter().enumerate() {
                        tr {
                            @for (place, (column, cell)) in table.columns.iter().zip(row).enumerate() {
                                @if place > 0 {
                                    td class=(cell_class(column.holds, cell.tone)) { (cell.words()) }
                                } @else if !is_repeated(at) {
                                    @let rows = count(at);
                                    th scope=(if rows > 1 { "rowgroup" } else { "row" })
                                        rowspan=[(rows > 1).then_some(rows)] class=[number(column.holds)] { (cell.words()) }
                                }
                            }
                        }
                        "\n"
                    }
                }
            }
        }
    }
}

fn cell_class(holds: Holds, tone: Tone) -> String {
    let more = match holds {
        Holds::Names => "",
        Holds::Numbers => " number",
        Holds::Words => " long",
    };
    format!("{}{more}", class(tone))
}

/// A picture with its words, and its numbers as a table; nothing where nothing is drawn.
fn figure(chart: &Chart, mark: &str) -> Markup {
    let title = format!("{}{mark}", chart.title);
    let draw = |room| draw::picture(&chart.picture, room);
    let (Some(wide), Some(narrow)) = (draw(Room::Wide), draw(Room::Narrow)) else {
        return html! {};
    };
    html! {
        figure id=(chart.id) {
            figcaption { strong { (title) } " " span { (chart.caption) } }
            ul.key {
                @for key in &chart.key {
                    @let mark = draw::mark(key.mark);
                    li {
                        svg aria-hidden="true" width=(mark.width) height=(mark.height) viewBox=(mark.view()) { (mark.markup()) }
                        (key.text)
                    }
                    "\n"
                }
            }
            (picture(chart, &title, &wide, "wide"))
            (picture(chart, &title, &narrow, "narrow"))
            details {
                summary { "the numbers of this picture" span.hidden { ": " (title) } }
                (table(&chart.data, &chart.label))
            }
        }
    }
}

fn picture(chart: &Chart, title: &str, drawing: &Drawing, room: &str) -> Markup {
    let id = |what: &str| format!("{}-{room}-{what}", chart.id);
    html! {
        svg class=(room) role="img" aria-labelledby={ (id("title")) " " (id("desc")) }
            width=(drawing.width) height=(drawing.height) viewBox=(drawing.view()) {
            title id=(id("title")) { (title) }
            desc id=(id("desc")) { (chart.alternative) }
            (drawing.markup())
        }
    }
}
