//! Does a study of another crate stand beside the built-in ones, without an edit anywhere?
//!
//! And can another program play a script of its own? Its workers are this program again.
//!
//! This program is both: with `ECHO_PROGRAM` set it is forkscope with one study more, as a crate of somebody's own would
//! build it; without, it runs that program and looks at what it says.

mod script;

use forkscope::deployment::{Form, processes};
use forkscope::document::{Document, Table};
use forkscope::experiment::plan::{Draft, Leaves};
use forkscope::metric::{Better, Definition, Metric, Read};
use forkscope::observe::heap::Counting;
use forkscope::record::{Cell, Run, Side, WorkloadRecord};
use forkscope::stats::median;
use forkscope::study::{self, Context, Entry, Study, finding};
use forkscope::workload::{
    self, Digest, Entry as WorkloadEntry, Message, Received, Spec, SpecError, SpecSource, Workload,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, ExitCode};

#[global_allocator]
static HEAP: Counting = Counting;

/// Set in the program, so also in its hosts and workers.
const IS_PROGRAM: &str = "ECHO_PROGRAM";

/// The study's own metric.
static ECHOES: Definition = Definition {
    id: "echoes_per_op",
    about: "Echoes that an agent heard per op.",
    asked: None,
    better: Better::More,
    read: Read::Window,
    is_planned: false,
    least: None,
    missing: "",
};

/// What the study brings.
static METRICS: &[&Definition] = &[&ECHOES];

/// The study's own workload.
static WORKLOAD: WorkloadEntry = WorkloadEntry {
    name: "echo",
    about: "agents that hear themselves",
    group: None,
    default_toml: "workload = \"echo\"\n\n[echo]\nechoes = 3\n",
    read,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[serde(rename = "workload")]
    _workload: String,
    echo: Echoes,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Echoes {
    echoes: u64,
}

fn read(source: &SpecSource) -> Result<Box<dyn Spec>, SpecError> {
    Ok(Box::new(source.parse::<Parameters>()?.echo))
}

impl Spec for Echoes {
    fn build(&self, id: usize, _: usize, seed: u64) -> Result<Box<dyn Workload>, String> {
        Ok(Box::new(Agent {
            echoes: self.echoes,
            word: seed ^ id as u64,
            heard: 0,
            ops: 0,
        }))
    }

    fn episode_length(&self) -> u64 {
        4
    }
}

struct Agent {
    echoes: u64,
    word: u64,
    heard: u64,
    ops: u64,
}

impl Workload for Agent {
    fn produce(&mut self, _: &mut Message) {}

    fn consume(&mut self, _: Received<'_>) {
        for _ in 0..self.echoes {
            self.word = workload::splitmix(self.word);
            self.heard += 1;
        }
        self.ops += 1;
    }

    fn fold(&self, digest: &mut Digest) {
        digest.word(self.word);
    }

    fn active_states(&self) -> u64 {
        self.echoes
    }

    fn values(&self, tell: &mut dyn FnMut(&'static str, f64)) {
        tell(ECHOES.id, self.heard as f64 / self.ops.max(1) as f64);
    }
}

/// The study.
struct Echo;

#[derive(Debug, Serialize, Deserialize)]
struct EchoFinding {
    echoes_per_op: f64,
    sentence: String,
}

impl Study for Echo {
    fn entry(&self) -> Entry {
        Entry {
            metrics: METRICS,
            ..Entry::new("echo", "how many echoes does an agent hear?")
        }
    }

    fn claims(&self, workload: &WorkloadRecord) -> bool {
        workload.code() == WORKLOAD.name
    }

    fn agents(&self, _: usize) -> Option<Vec<usize>> {
        Some(vec![2])
    }

    fn plan(&self, draft: &mut Draft<'_>) {
        for workload in draft.own() {
            let [baseline, x] = [Form::THREADS, Form::PROCESSES].map(|form| draft.side(form));
            let agents = draft.asked.agents[0];
            let cell = draft.add(workload, agents, baseline, x);
            cell.metric = Metric::of_id(ECHOES.id).expect("it is registered with the study");
            cell.leaves = Leaves::Never;
        }
    }

    fn conclude(&self, cells: &[&Cell], _: &Context<'_>) -> Option<Value> {
        let heard: Vec<f64> = cells
            .iter()
            .flat_map(|c| c.samples(Side::X).map(|s| c.value(s)))
            .collect();
        let echoes_per_op = median(&heard)?;
        finding(&EchoFinding {
            echoes_per_op,
            sentence: format!("an agent hears {echoes_per_op:.1} echoes"),
        })
    }

    fn show(&self, run: &Run, out: &mut Document) {
        let Some(found) = run.finding::<EchoFinding>("echo") else {
            return;
        };
        let mut table = Table::new(1, ["agents", "echoes"]);
        table.row(["each".to_owned(), format!("{:.2}", found.echoes_per_op)]);
        let section = out.section("echoes", "what agents hear of themselves");
        section.about("medians").table(table);
        out.answer("echoes", found.sentence);
    }
}

fn main() -> ExitCode {
    workload::register(&WORKLOAD);
    study::register(&Echo);
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_worker = arguments
        .first()
        .is_some_and(|a| a == processes::SUBCOMMAND);
    if is_worker || std::env::var_os(IS_PROGRAM).is_some() {
        return forkscope::main();
    }
    // What `cargo test` hands to every program: words that names hold, and options of libtest.
    let words: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let has = |option: &str| arguments.iter().any(|a| a == option);
    for (name, test) in TESTS {
        let is_asked = words.is_empty() || words.iter().any(|w| name.contains(w.as_str()));
        if !is_asked || has("--ignored") {
            continue;
        }
        if has("--list") {
            println!("{name}: test");
            continue;
        }
        test();
        println!("test {name} ... ok");
    }
    ExitCode::SUCCESS
}

/// The tests, by their names.
const TESTS: &[(&str, fn())] = &[
    (
        "a_study_of_another_crate_is_like_any_other",
        a_study_of_another_crate_is_like_any_other,
    ),
    (
        "script::a_worker_that_is_killed_in_the_window_is_an_event_and_can_be_started_again",
        script::a_worker_that_is_killed_in_the_window_is_an_event_and_can_be_started_again,
    ),
    (
        "script::the_usual_script_fails_where_a_worker_dies",
        script::the_usual_script_fails_where_a_worker_dies,
    ),
    (
        "script::a_worker_that_was_connected_to_others_is_not_started_again",
        script::a_worker_that_was_connected_to_others_is_not_started_again,
    ),
];

/// What the program says; it must end with one of these codes.
fn said(arguments: &[&str], folder: &Path, codes: &[i32]) -> String {
    let output = Command::new("/proc/self/exe")
        .args(arguments)
        .env(IS_PROGRAM, "1")
        .env("FORKSCOPE_ALLOW_BUSY", "1")
        .current_dir(folder)
        .output()
        .expect("the program starts");
    let (out, err) = (&output.stdout, &output.stderr);
    let out = String::from_utf8_lossy(out).into_owned();
    let code = output.status.code().expect("it ends by itself");
    let err = String::from_utf8_lossy(err);
    assert!(
        codes.contains(&code),
        "{arguments:?} ended with {code}: {err}{out}"
    );
    out
}

fn a_study_of_another_crate_is_like_any_other() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let question = Echo.entry().question;

    let list = said(&["list"], folder, &[0]);
    assert!(list.contains(question), "{list}");
    assert!(list.contains(WORKLOAD.about), "{list}");
    let help = said(&["run", "--help"], folder, &[0]);
    assert!(help.contains(question), "{help}");
    let schema: Value = serde_json::from_str(&said(&["schema"], folder, &[0])).expect("JSON");
    assert!(
        schema
            .pointer("/properties/findings/properties/echo")
            .is_some()
    );
    assert!(schema.to_string().contains(ECHOES.about));

    // On a machine that is busy with other tests controls may fail; what is measured stands all the same.
    let run = [
        "run", "-w", "echo", "--time", "40s", "--out", "out", "--json", "-",
    ];
    let json = said(&run, folder, &[0, 5]);
    let record: Value = serde_json::from_str(&json).expect("JSON");
    let own = record["cells"].as_array().expect("cells");
    let own: Vec<&Value> = own.iter().filter(|c| c["study"] == "echo").collect();
    assert_eq!(own.len(), 1, "{own:?}");
    assert_eq!(own[0]["metric"], ECHOES.id);
    assert_eq!(own[0]["effect"]["ratio"], 1.0, "{}", own[0]["effect"]);
    assert_eq!(own[0]["verdict"]["verdict"], "tie");
    assert_eq!(record["findings"]["echo"]["echoes_per_op"], 3.0);
    jsonschema::validate(&schema, &record).expect("a record has the shape that its schema says");

    let csv = said(&["report", "out", "--format", "csv"], folder, &[0]);
    let (header, lines) = csv.split_once('\n').expect("a header");
    let column = header
        .split(',')
        .position(|c| c == ECHOES.id)
        .expect("a column");
    let heard = lines.lines().filter(|l| l.contains(",echo,"));
    assert!(heard.clone().count() >= 12, "{csv}");
    assert!(
        heard.clone().all(|l| l.split(',').nth(column) == Some("3")),
        "{csv}"
    );

    for format in ["terminal", "md", "html"] {
        let shown = said(&["report", "out", "--format", format], folder, &[0]);
        let shown = shown.to_lowercase();
        assert!(shown.contains("what agents hear of themselves"), "{shown}");
        assert!(shown.contains("3.00"), "{shown}");
    }
}
