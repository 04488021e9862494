//! Is the house as it is drawn: does every module use only what stands to its left, and does nobody name a study?
//!
//! The order is read from the picture in `src/lib.rs`, so that the picture is true.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// A file of the crate, without comments, and without what is compiled for tests only.
struct Source {
    /// Path below `src`.
    path: PathBuf,
    code: String,
}

impl Source {
    /// The module that it belongs to: the first folder or file below `src`.
    fn module(&self) -> String {
        let first = self.path.components().next().expect("a file has a name");
        let name = Path::new(&first).file_stem().expect("it has a stem");
        name.to_string_lossy().into_owned()
    }
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(SOURCES)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_of_tests = path.file_stem().is_some_and(|s| s == "tests");
            match path.extension().and_then(|e| e.to_str()) {
                None if path.is_dir() => folders.push(path),
                Some("rs") if !is_of_tests => {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let path = path.strip_prefix(SOURCES).unwrap().to_owned();
                    found.push(Source {
                        path,
                        code: without_tests(&text),
                    });
                }
                _ => {}
            }
        }
    }
    found
}

/// The lines that are compiled into the program: no comments, and no item behind `#[cfg(test)]`.
fn without_tests(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let bare = line.trim_start();
        if bare.starts_with("//") {
            continue;
        }
        if bare == "#[cfg(test)]" {
            // An item of one line, or one that ends where a bracket closes at its own indentation.
            let indent = line.len() - bare.len();
            let is_attribute = |l: &&str| l.trim_start().starts_with("#[");
            let first = lines.by_ref().find(|l| !is_attribute(l)).unwrap_or("");
            if !first.trim_end().ends_with([';', ',', '}']) {
                let closes = |l: &str| l.get(indent..).is_some_and(|l| l.starts_with('}'));
                lines.by_ref().find(|l| closes(l));
            }
            continue;
        }
        code.push_str(line);
        code.push('\n');
    }
    code
}

/// What follows `prefix` in `code`, as far as it is a name; every name of a list in braces.
fn names_behind(code: &str, prefix: &str) -> Vec<String> {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_';
    let name = |text: &str| -> String { text.chars().take_while(|&c| is_of_name(c)).collect() };
    let mut found = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        if code[..at].ends_with(is_of_name) {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            found.push(name(rest));
            continue;
        };
        let mut depth = 1;
        let mut begins = true;
        for (i, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => begins = true,
                c if begins && !c.is_whitespace() => {
                    found.push(name(&list[i..]));
                    begins = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found.retain(|n| !n.is_empty());
    found
}

/// Modules by their place in the picture of `src/lib.rs`; those that a comma separates share one.
fn places() -> BTreeMap<String, usize> {
    let text = std::fs::read_to_string(Path::new(SOURCES).join("lib.rs")).unwrap();
    let picture = text.split("```text").nth(1).expect("there is a picture");
    let picture = picture.split("```").next().expect("it ends");
    let mut places = BTreeMap::new();
    for (place, step) in picture.replace("//!", "").split('→').enumerate() {
        for name in step.split(',') {
            let name = name.trim().to_owned();
            assert!(places.insert(name.clone(), place).is_none(), "{name} twice");
        }
    }
    places
}

#[test]
fn a_module_uses_only_what_stands_to_its_left() {
    let places = places();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for source in sources() {
        let module = source.module();
        if ["lib", "main"].contains(&module.as_str()) {
            continue;
        }
        let Some(own) = places.get(&module) else {
            wrong.push(format!("{module} is not in the picture"));
            continue;
        };
        for used in names_behind(&source.code, "crate::") {
            // Items of the root that are no modules: macros, and what is re-exported.
            let Some(place) = places.get(&used) else {
                continue;
            };
            seen += 1;
            if place > own {
                let path = source.path.display();
                wrong.push(format!("{path} uses {used}, which stands to its right"));
            }
        }
    }
    assert!(seen > 500, "only {seen} imports were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files of `src/study` that serve several studies.
const SHARED: [&str; 5] = ["mod", "alike", "links", "programme", "tests"];

/// The rooms: files and folders of `src/study`.
fn rooms() -> Vec<String> {
    let entries = std::fs::read_dir(Path::new(SOURCES).join("study")).unwrap();
    let stem = |path: PathBuf| path.file_stem().map(|s| s.to_string_lossy().into_owned());
    let all = entries.filter_map(|e| stem(e.unwrap().path()));
    all.filter(|n| !SHARED.contains(&n.as_str())).collect()
}

#[test]
fn no_study_is_named_outside_its_room() {
    let rooms = rooms();
    assert!(rooms.len() > 10, "{rooms:?}");
    let registered: Vec<&str> = forkscope::study::all()
        .iter()
        .map(|s| s.entry().name)
        .collect();
    let mut wrong = Vec::new();
    for source in sources() {
        let path = source.path.display().to_string();
        if !path.starts_with("study/") {
            let imported = names_behind(&source.code, "study::");
            let named = imported.iter().filter(|n| rooms.contains(n));
            wrong.extend(named.map(|n| format!("{path} imports the room {n}")));
        }
        // Who plans, measures, concludes or shows does so for whatever study there is.
        if PASSED_THROUGH.contains(&source.module().as_str()) {
            let quoted = registered
                .iter()
                .filter(|n| source.code.contains(&format!("\"{n}\"")));
            wrong.extend(quoted.map(|n| format!("{path} names the study {n}")));
        }
    }
    wrong.retain(|w| !ALLOWED.iter().any(|(line, _)| w == line));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What any study passes through on its way from a plan to a page.
const PASSED_THROUGH: [&str; 8] = [
    "document",
    "experiment",
    "metric",
    "observe",
    "record",
    "report",
    "stats",
    "verdict",
];

/// What is named all the same, and why.
const ALLOWED: &[(&str, &str)] = &[
    (
        "cli/commands/calibrate.rs imports the room calibrate",
        "it is that study's command: it measures many runs, not one",
    ),
    (
        "record.rs names the study latency",
        "what somebody puts first is called so, too",
    ),
    (
        "report/changes.rs names the study latency",
        "what is tolerated is called so, too",
    ),
];

#[test]
fn the_tests_here_see_what_they_look_for() {
    let code = "use crate::{a, b::{c, d}};\nlet x = crate::e::f();\nmy_crate::g";
    assert_eq!(names_behind(code, "crate::"), ["a", "b", "e"]);
    let text = "use a;\n#[cfg(test)]\nmod tests;\n#[cfg(test)]\nmod t {\n    use b;\n}\n// use c\nuse d;\n";
    assert_eq!(without_tests(text), "use a;\nuse d;\n");
}
