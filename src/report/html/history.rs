//! What became of each comparison over time, as a page?

use std::io::{self, Write};

use serde::Serialize;

use super::block::{Block, Section, Table, capitalised};
use super::figures::history;
use super::sections::tell_apart;
use super::{Record, STYLE, render};
use crate::record::history::{Group, History, Series};
use crate::report::terminal::trend;

/// What all pictures have in common.
const HOW_TO_READ: &str = "Each picture has the ratio of op/s with its 95 % interval, one run beside the other in the \
                           order of their start. The verdict is that of each run, by its own margin. A cross is a run \
                           that carries a label (withheld, busy machine, incomplete): it must not be relied on.";

/// Everything that the template may use.
#[derive(Serialize)]
struct Document {
    title: String,
    lead: String,
    style: &'static str,
    sections: Vec<Section>,
    record: Record,
}

/// Writes a section for each machine and method, with a picture and its numbers for each comparison.
///
/// The same history gives the same bytes. The page works offline, needs no script, and holds the history.
///
/// # Errors
/// What `out` says.
pub fn write(history: &History, out: &mut dyn Write) -> io::Result<()> {
    let mut sections: Vec<Section> = history.groups.iter().enumerate().map(section).collect();
    sections.extend(skipped(history));
    tell_apart(&mut sections);
    let records: usize = history.groups.iter().map(|g| g.records).sum();
    let document = Document {
        title: "forkscope history".to_owned(),
        lead: format!(
            "{records} records. What was measured on different machines or by different methods never stands in one \
             picture; nor what differs in seed, parameters or window. Nothing is averaged."
        ),
        style: STYLE,
        sections,
        record: Record::of(&serde_json::to_vec(history)?)?,
    };
    let page = render("history.html", &document).map_err(io::Error::other)?;
    out.write_all(page.as_bytes())?;
    out.write_all(b"\n")
}

fn section((place, group): (usize, &Group)) -> Section {
    let mut blocks = vec![Block::Text {
        tone: "quiet",
        text: group.machine.join(" · "),
    }];
    if group.series.is_empty() {
        blocks.push(Block::Text {
            tone: "quiet",
            text: "nothing was compared here".to_owned(),
        });
    }
    blocks.extend(group.series.iter().flat_map(comparison));
    let title = capitalised(&trend::title(group));
    Section {
        id: format!("machine-{}", place + 1),
        name: title.clone(),
        title,
        about: HOW_TO_READ.to_owned(),
        blocks,
    }
}

/// A picture that holds its numbers; where there is nothing to draw, the numbers.
fn comparison(series: &Series) -> [Block; 2] {
    let title = Block::Title {
        text: trend::name(series),
        about: String::new(),
    };
    let shown = match history::figure(series) {
        Some(figure) => Block::Figure(Box::new(figure)),
        None => Block::Table(Table::of(trend::name(series), &trend::table(series))),
    };
    [title, shown]
}

/// Files that are no records.
fn skipped(history: &History) -> Option<Section> {
    let items: Vec<String> = history
        .skipped
        .iter()
        .map(|s| format!("{}: {}", s.file, s.why))
        .collect();
    let blocks = match items.is_empty() {
        true => Vec::new(),
        false => vec![Block::List { items }],
    };
    Section::of("skipped", "Skipped", "not read, or counted already", blocks)
}
