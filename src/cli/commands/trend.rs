//! `trend`: what became of each comparison over time?

use super::{CommandError, color_choice, failed, print, records, usage};
use crate::cli::{Color, WrittenHistory};
use crate::record::history::{History, Skipped};
use crate::report::{Style, file, history as past, html, markdown, terminal};
use crate::verdict::{EXIT_OK, history};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What stands for standard output.
const STANDARD: &str = "-";

/// Folders below a folder are looked into so deep: reports/MACHINE/TIME and two more.
const DEPTH: usize = 4;

/// `forkscope trend`.
pub fn trend(
    folder: &Path,
    format: Option<WrittenHistory>,
    output: Option<&Path>,
    color: Color,
) -> Result<u8, CommandError> {
    let output = output.filter(|o| *o != Path::new(STANDARD));
    let format = match format {
        Some(format) => format,
        None => by_ending(output)?,
    };
    anstream::ColorChoice::write_global(color_choice(color));
    let mut files = Vec::new();
    let mut skipped = Vec::new();
    let found = std::fs::read_dir(folder)
        .map_err(|e| usage(format!("{}: cannot be read: {e}", folder.display())))?;
    collect(found, 0, &mut files, &mut skipped);
    files.sort();
    let mut runs = Vec::new();
    for file in files {
        let name = file.display().to_string();
        match records::read_file(&file) {
            Ok(run) => runs.push((name, run)),
            Err(why) => skipped.push(Skipped { file: name, why }),
        }
    }
    if runs.is_empty() {
        let why = skipped.first().map_or(String::new(), |s| {
            format!(
                " (skipped {}, the first: {}: {})",
                skipped.len(),
                s.file,
                s.why
            )
        });
        return Err(usage(format!(
            "{} holds no record that can be read{why}; give the folder of runs, reports for example",
            folder.display()
        )));
    }
    let history = history(runs, skipped);
    match output {
        Some(path) => {
            // Rendered before the output is touched.
            let mut bytes = Vec::new();
            write(&history, format, &Style::default(), &mut bytes).map_err(failed)?;
            file::replace(path, |out| out.write_all(&bytes)).map_err(failed)?;
        }
        None => print(|out| write(&history, format, &Style::of_stdout(), out))?,
    }
    Ok(EXIT_OK)
}

fn write(
    history: &History,
    format: WrittenHistory,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        WrittenHistory::Terminal => terminal::write(&past::document(history), style, out),
        WrittenHistory::Md => markdown::write(&past::document(history), out),
        WrittenHistory::Html => html::history(history, out),
        WrittenHistory::Json => {
            serde_json::to_writer_pretty(&mut *out, history)?;
            writeln!(out)
        }
    }
}

/// The format that a file's name asks for; for a person where there is no file.
fn by_ending(output: Option<&Path>) -> Result<WrittenHistory, CommandError> {
    let Some(output) = output else {
        return Ok(WrittenHistory::Terminal);
    };
    match output.extension().and_then(|e| e.to_str()) {
        Some("txt") => Ok(WrittenHistory::Terminal),
        Some("md") => Ok(WrittenHistory::Md),
        Some("json") => Ok(WrittenHistory::Json),
        Some("html") => Ok(WrittenHistory::Html),
        _ => Err(usage(format!(
            "{} does not end like any format; say which with --format",
            output.display()
        ))),
    }
}

/// Finds what may be a record: run.json and the run-1.json, run-2.json … of earlier runs at any depth, and other .json at
/// the top. Links to folders are
/// not followed, so that no circle is walked.
fn collect(
    entries: std::fs::ReadDir,
    depth: usize,
    files: &mut Vec<PathBuf>,
    skipped: &mut Vec<Skipped>,
) {
    for entry in entries.flatten() {
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|t| t.is_dir());
        if is_folder && depth < DEPTH {
            match std::fs::read_dir(&path) {
                Ok(entries) => collect(entries, depth + 1, files, skipped),
                Err(e) => skipped.push(Skipped {
                    file: path.display().to_string(),
                    why: format!("cannot be read: {e}"),
                }),
            }
            continue;
        }
        let is_record = path.file_name().is_some_and(file::is_record);
        let is_json = path.extension().is_some_and(|e| e == "json");
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if path.is_file() && (is_record || (depth == 0 && is_json && !is_hidden)) {
            files.push(path);
        }
    }
}
