//! What can a team decide from, and a sceptic check?
//!
//! One file: it works offline, needs no script, and holds the record that it is rendered from. The same
//! record gives the same bytes.
//!
//! | file | question |
//! |---|---|
//! | `history` | what became of each comparison over time, as a page? |
//! | `sections` | which parts does a page have, in which order? |
//! | `figures` | which pictures does it have? |
//! | `block` | what is a page made of? |
//! | `plot` | how do values become places on a plane with two axes? |
//! | `svg` | which shapes is a picture made of? |
//! | `page.html`, `history.html`, `head.html`, `block.html`, `drawing.html`, `how_to_read.html` | how is that written down? |
//! | `style.css` | how does it look, in both themes and on paper? |
//!
//! Every text passes through the escaping of the template engine; the style sheet is the only thing
//! that is put in as it is.

mod block;
mod figures;
pub mod history;
mod plot;
mod sections;
mod svg;

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;

use self::block::Section;
use super::json::Json;
use super::terminal::head;
use super::{Report, Style, numbers};
use crate::record::Run;
use crate::verdict::{BUSY_LABEL, WITHHELD_LABEL, words};

/// Templates by the names that they call each other by.
const TEMPLATES: [(&str, &str); 6] = [
    ("page.html", include_str!("page.html")),
    ("history.html", include_str!("history.html")),
    ("head.html", include_str!("head.html")),
    ("block.html", include_str!("block.html")),
    ("drawing.html", include_str!("drawing.html")),
    ("how_to_read.html", include_str!("how_to_read.html")),
];

const STYLE: &str = include_str!("style.css");

/// A page for a browser.
#[derive(Clone, Copy, Debug)]
pub struct Html;

impl Report for Html {
    fn write(&self, run: &Run, _style: &Style, out: &mut dyn Write) -> io::Result<()> {
        let document = Document::of(run)?;
        let page = render("page.html", &document).map_err(io::Error::other)?;
        out.write_all(page.as_bytes())?;
        out.write_all(b"\n")
    }
}

/// Everything that the templates may use.
#[derive(Serialize)]
struct Document {
    title: String,
    lead: String,
    started: String,
    style: &'static str,
    labels: Vec<Label>,
    sections: Vec<Section>,
    margin: String,
    seed: String,
    version: String,
    method: u32,
    record: Record,
}

/// What must be known before anything else is read.
#[derive(Serialize)]
struct Label {
    name: String,
    text: String,
}

/// The record itself, to be saved.
#[derive(Serialize)]
struct Record {
    size: String,
    base64: String,
}

impl Record {
    fn of(json: &[u8]) -> io::Result<Self> {
        Ok(Self {
            size: words::bytes(json.len() as f64),
            base64: STANDARD.encode(gzip(json)?),
        })
    }
}

impl Document {
    fn of(run: &Run) -> io::Result<Self> {
        let mut json = Vec::new();
        Json.write(run, &Style::default(), &mut json)?;
        let mut asked: Vec<&str> = run.answers.iter().map(|a| a.workload.as_str()).collect();
        asked.dedup();
        let title = match asked.is_empty() {
            true => "forkscope report".to_owned(),
            false => format!("forkscope report: {}", asked.join(", ")),
        };
        let machine = &run.machine;
        Ok(Self {
            title,
            lead: format!(
                "{}, {} effective CPUs; took {}",
                machine.cpu_model.as_deref().unwrap_or("CPU unknown"),
                head::cpus(machine.cpus_effective),
                words::duration(run.wall_s)
            ),
            started: run.started.clone(),
            style: STYLE,
            labels: labels(run),
            sections: sections::all(run),
            margin: numbers::percent(run.margin),
            seed: run.seed.to_string(),
            version: run.forkscope_version.clone(),
            method: run.method_version,
            record: Record::of(&json)?,
        })
    }
}

/// A record is mostly digits that repeat: an eighth of it is left.
fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes)?;
    packed.finish()
}

fn labels(run: &Run) -> Vec<Label> {
    let mut found = Vec::new();
    let mut add = |name: &str, text: String| {
        found.push(Label {
            name: name.to_owned(),
            text,
        });
    };
    if let Some(reason) = &run.withheld {
        add(WITHHELD_LABEL, reason.clone());
    }
    if let Some(reason) = &run.busy {
        add(BUSY_LABEL, format!("measured although {reason}"));
    }
    if !run.complete {
        let reason = run.incomplete_reason.as_deref();
        let reason = reason.unwrap_or("no reason was recorded");
        let text = format!("{reason}; what follows rests on the pairs that were measured");
        add("incomplete", text);
    }
    for caution in head::cautions(run) {
        add("mind the machine", caution);
    }
    found
}

fn render(name: &str, document: &impl Serialize) -> Result<String, minijinja::Error> {
    let mut engine = Environment::new();
    engine.set_auto_escape_callback(|_| AutoEscape::Html);
    // A name that a template has wrong is a mistake to be seen in a test, not an empty place.
    engine.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    for (name, text) in TEMPLATES {
        engine.add_template(name, text)?;
    }
    let context = Value::from(Serde(document));
    engine.get_template(name)?.render(context)
}
