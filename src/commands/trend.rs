//! `trend`: what became of each comparison over time?

use super::{CommandError, color_choice, print, records, usage};
use forkscope::cli::{Color, Written};
use forkscope::record::history::Skipped;
use forkscope::report::{Style, history as markdown, terminal};
use forkscope::verdict::{EXIT_OK, history};
use std::path::{Path, PathBuf};

/// Folders below a folder are looked into so deep: reports/MACHINE/TIME and two more.
const DEPTH: usize = 4;

/// `forkscope trend`.
pub fn trend(folder: &Path, format: Written, color: Color) -> Result<u8, CommandError> {
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
    print(|out| match format {
        Written::Terminal => terminal::trend::write(&history, &Style::of_stdout(), out),
        Written::Md => markdown::write(&history, out),
        Written::Json => {
            serde_json::to_writer_pretty(&mut *out, &history)?;
            writeln!(out)
        }
    })?;
    Ok(EXIT_OK)
}

/// Finds what may be a record: run.json at any depth, and other .json at the top. Links to folders are
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
        let is_record = path.file_name().is_some_and(|n| n == records::NAME);
        let is_json = path.extension().is_some_and(|e| e == "json");
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if path.is_file() && (is_record || (depth == 0 && is_json && !is_hidden)) {
            files.push(path);
        }
    }
}
