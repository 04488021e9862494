//! What can a team decide from, and a sceptic check?
//!
//! One file: it works offline, needs no script, and holds the record that it is rendered from. The same
//! record gives the same bytes.
//!
//! | file | question |
//! |---|---|
//! | `block` | what is each block of a page? |
//! | `draw` | how is each kind of picture drawn? |
//! | `plot` | how do values become places on a plane with two axes? |
//! | `svg` | which shapes is a picture made of? |
//! | `style.css` | how does it look, in both themes and on paper? |
//!
//! Every text is escaped where it is put in; the style sheet is the only thing that is put in as it is.

mod block;
mod draw;
mod plot;
mod svg;

use std::collections::HashSet;
use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::json::Json;
use super::{Report, Style, history as past, parts};
use crate::document::{Block, Document, Place, Section};
use crate::record::Run;
use crate::record::history::History;
use crate::verdict::words;

const STYLE: &str = include_str!("style.css");

/// What a page may load and run: nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A page for a browser.
#[derive(Clone, Copy, Debug)]
pub struct Html;

impl Report for Html {
    fn write(&self, run: &Run, _style: &Style, out: &mut dyn Write) -> io::Result<()> {
        let mut json = Vec::new();
        Json.write(run, &Style::default(), &mut json)?;
        let record = Attachment {
            title: "The record",
            about: "Every number above is rendered from one file, which is inside this page: each invocation with its \
                    metrics or its cause of failure, the order of the run, and all parameters.",
            file: "run.json.gz",
            json: &json,
        };
        write(&parts::document(run), &record, out)
    }
}

/// What a page holds to be saved.
#[derive(Clone, Copy, Debug)]
pub struct Attachment<'a> {
    /// The title above it.
    pub title: &'a str,
    /// What it is.
    pub about: &'a str,
    /// Its name when it is saved.
    pub file: &'a str,
    /// What it holds, before it is packed.
    pub json: &'a [u8],
}

/// Writes a document as a page.
///
/// # Errors
/// What `out` says.
pub fn write(document: &Document, held: &Attachment<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (mut first, body): (Vec<Section>, Vec<Section>) = document
        .sections
        .iter()
        .filter(|s| block::is_shown(&s.detail) && !s.blocks.is_empty())
        .cloned()
        .partition(|s| s.place == Place::Answer);
    let answers = first.len();
    first.extend(body);
    tell_apart(&mut first);
    let (first, body) = first.split_at(answers);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (document.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the answer" }
                (patterns())
                header {
                    h1 { (document.title) }
                    p.about { (document.lead) }
                    @for label in &document.labels {
                        p.warning { strong.label { (label.status) } " " (label.text) }
                    }
                }
                "\n"
                main #main tabindex="-1" {
                    @for section in first { (set(section)) }
                    nav aria-label="On this page" {
                        h2.small { "On this page" }
                        ul {
                            @for section in body {
                                li { a href={ "#" (section.id) } { (title(section)) } }
                                "\n"
                            }
                            li { a href="#record" { (held.title) } }
                        }
                    }
                    @for section in body { (set(section)) }
                    (attachment(held)?)
                }
            }
        }
    };
    out.write_all(page.into_string().as_bytes())?;
    out.write_all(b"\n")
}

/// Writes a history as a page that holds it.
///
/// # Errors
/// What `out` says.
pub fn history(history: &History, out: &mut dyn Write) -> io::Result<()> {
    let held = Attachment {
        title: "The history as a file",
        about: "Every number above is rendered from one file, which is inside this page; the records that it comes from are \
                named in it.",
        file: "history.json.gz",
        json: &serde_json::to_vec(history)?,
    };
    write(&past::document(history), &held, out)
}

/// The hatching that pictures share.
fn patterns() -> Markup {
    html! {
        svg.patterns aria-hidden="true" width="0" height="0" {
            defs {
                pattern #unsettled-lines width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    path d="M0 0V6" class="pattern-line" {}
                }
            }
        }
    }
}

fn title(section: &Section) -> String {
    match section.begins_with_name {
        true => section.title.clone(),
        false => capitalised(&section.title),
    }
}

/// A title of its own begins with a capital; one that begins with a name does not.
fn capitalised(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

fn set(section: &Section) -> Markup {
    let heading = format!("{}-title", section.id);
    let mark = section.mark();
    html! {
        section id=(section.id) aria-labelledby=(heading) {
            h2 id=(heading) { (title(section)) (mark) }
            @if !section.about.is_empty() { p.about { (section.about) } }
            "\n"
            (block::blocks(&section.blocks, &section.title, &mark))
        }
        "\n"
    }
}

fn attachment(held: &Attachment<'_>) -> io::Result<Markup> {
    // A record is mostly digits that repeat: an eighth of it is left.
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(held.json)?;
    let packed = STANDARD.encode(packed.finish()?);
    let size = words::bytes(held.json.len() as f64);
    Ok(html! {
        section #record aria-labelledby="record-title" {
            h2 #record-title { (held.title) }
            p { (held.about) }
            p {
                a.button download=(held.file) href={ "data:application/gzip;base64," (PreEscaped(packed)) } {
                    "Save " (held.file) " (" (size) " unpacked)"
                }
            }
        }
    })
}

/// Gives every section and picture an id of its own: names that differ only in what a link cannot
/// hold come out alike.
fn tell_apart(sections: &mut [Section]) {
    let mut taken: HashSet<String> = ["main", "record"].map(str::to_owned).into();
    for section in sections {
        own(&mut section.id, &mut taken);
        in_blocks(&mut section.blocks, &mut taken);
    }
}

fn in_blocks(blocks: &mut [Block], taken: &mut HashSet<String>) {
    for block in blocks {
        match block {
            Block::Chart(chart) => own(&mut chart.id, taken),
            Block::Group { blocks, .. } => in_blocks(blocks, taken),
            _ => {}
        }
    }
}

fn own(id: &mut String, taken: &mut HashSet<String>) {
    let wanted = id.clone();
    let mut turn = 1;
    while !taken.insert(id.clone()) {
        turn += 1;
        *id = format!("{wanted}-{turn}");
    }
}
