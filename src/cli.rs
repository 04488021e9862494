//! The command line: what can be asked for, and what is done then.

mod commands;
mod environment;
mod program;
mod values;

pub use self::environment::{Misunderstood, Setting, parse};
pub use self::program::main;
pub use self::values::{AgentCounts, Tolerance, Tolerated};

use self::values::{agent_counts, duration, margin, pairs, switch, tolerance};
use crate::deployment::Form;
use crate::record::Priority;
use crate::report;
use crate::study;
use crate::transport::Asked;
use crate::verdict::{Gate, Tolerances};
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Threads, processes, or a mix of both, for your agents, on your machine; and from how many agents
/// on the answer changes.
#[derive(Debug, Parser)]
#[command(
    name = "forkscope",
    version,
    about,
    arg_required_else_help = true,
    max_term_width = 100
)]
#[command(
    after_help = "Exit codes: 0 measured, gates hold, nothing got worse · 1 failure · 2 usage, or a file that is wrong
            3 a gate is open (of compare --strict: something is not settled)
            4 a gate is broken, or something got worse, with certainty
            5 machine unfit or controls failed · 130 interrupted

Examples:
  forkscope full                         twenty minutes: a report to decide by
  forkscope quick                        two minutes: table, sentence, record in reports/
  forkscope run -w coordination -a 1..32 -d threads,processes:cores --time 5m
  forkscope doctor                       is this machine fit to measure on?"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The command line with all that registries add to it.
#[must_use]
pub fn command() -> clap::Command {
    let studies = study::all();
    let line = |s: &&'static dyn study::Study| {
        let entry = s.entry();
        format!("  {:<12} {}", entry.name, entry.question)
    };
    let lines: Vec<String> = studies.iter().map(line).collect();
    let studies = format!("Studies:\n{}", lines.join("\n"));
    Cli::command().mut_subcommand("run", |run| {
        let examples = run
            .get_after_help()
            .map_or_else(String::new, ToString::to_string);
        run.after_long_help(format!("{studies}\n\n{examples}"))
    })
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Two minutes: exploration and coordination, 1 to 32 agents, threads against processes
    #[command(after_help = "Examples:
  forkscope quick
  forkscope quick --json - | jq '.answers[].crossover'
  forkscope quick --seed 7 --out reports/quick-7
  forkscope quick --claims published --fail-if 'coordination@8: processes < 0.25'")]
    Quick {
        /// What all measuring commands share.
        #[command(flatten)]
        common: Common,
    },
    /// Twenty minutes: everything that a team decides by, in a folder with report.html, report.md, run.json
    /// and samples.csv
    #[command(after_help = "Examples:
  forkscope full
  forkscope full --budget 5m --out reports/small
  forkscope full --priority latency")]
    Full {
        /// Wall time of the whole: 20m, 5m; a hard limit; what does not fit is left out and named
        #[arg(short, long, value_name = "TIME", default_value = "20m", value_parser = duration, env = "FORKSCOPE_BUDGET")]
        budget: Duration,
        /// What all measuring commands share.
        #[command(flatten)]
        common: Common,
    },
    /// Which mix of processes and threads is best for so many agents, and where does it not matter?
    #[command(after_help = "Examples:
  forkscope map -w coordination -a 32
  forkscope map -w exploration -a 8 --time 3m
  forkscope map -w coordination -a 16 --json - | jq .findings.map")]
    Map {
        /// Workload: a name (see `forkscope list workloads`) or the path of a .toml file
        #[arg(short, long, value_name = "NAME|PATH", env = "FORKSCOPE_MAP_WORKLOAD")]
        workload: String,
        /// Number of agents
        #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=10_000), env = "FORKSCOPE_MAP_AGENTS")]
        agents: u16,
        /// Wall time of the whole run; left out: what eight pairs of each mix take
        #[arg(short, long, value_name = "TIME", value_parser = duration, env = "FORKSCOPE_TIME")]
        time: Option<Duration>,
        /// What all measuring commands share.
        #[command(flatten)]
        common: Common,
    },
    /// Measure workloads, agent counts and deployments of your choice
    #[command(after_help = "Examples:
  forkscope run -w exploration -a 1..32 -d threads,processes --time 1m
  forkscope run -w coordination -a 2,8 -d threads,processes:2x4 --time 1m
  forkscope run -w coordination -a 2,8 --transport ring --time 1m
  forkscope run -w coordination --transport all     what would messages cost by another transport?
  forkscope run -w message                          what does one message cost, and why?
  forkscope run -w serialize                        what do formats cost, of a hop between processes?
  forkscope run -w my-workload.toml -a 16 -d threads:cores,processes:cores --json -
  forkscope run -w coordination -a 2,8 --latency    how late is a step, at 70 % load?
  forkscope run -w relay                            where do messages stop scaling? 10 to 1,000 agents
  forkscope run -w probes                what in this system separates threads from processes")]
    Run(RunArgs),
    /// Repeat comparisons whose truth is known: how often is a thing told from itself, and what is there found?
    #[command(after_help = "Examples:
  forkscope calibrate
  forkscope calibrate --time 1h --agents 1,2,8 --out reports/calibration
  forkscope calibrate -w coordination --pairs 16 --json -")]
    // Variables about comparisons are none of its business; typed, they are refused.
    #[command(mut_args(|a| match a.get_id().as_str() {
        "fail_if" | "claims" | "thresholds" => a.env(clap::builder::Resettable::Reset).hide(true),
        _ => a,
    }))]
    Calibrate(Calibrate),
    /// Render a record again, in another format; measures nothing
    #[command(after_help = "Examples:
  forkscope report reports/2026-01-02T03-04-05Z
  forkscope report run.json --format md | gh pr comment --body-file -
  forkscope report run.json -o samples.csv")]
    Report(ReportArguments),
    /// Print the JSON schema of a record (run.json), for programs that read or check one
    #[command(after_help = "Examples:
  forkscope schema > run.schema.json
  forkscope schema | jq '.[\"$defs\"].Sample.properties.values.properties | keys'
  forkscope schema | jq -r '.[\"$defs\"].Sample.properties.values.properties.setup_s.description'")]
    Schema,
    /// What changed from one run to another? The same cells, with intervals; exit 4 where something got worse
    #[command(
        after_help = "Compared are op/s, service time (p50, p99: not latency), setup and memory per agent of
both sides, and the ratio X / baseline, which gets higher or lower, not better or worse. Runs of
two method versions are never compared, nor cells of other seeds, parameters or windows.

Exit codes: 0 nothing got worse with certainty · 2 the runs cannot be compared · 3 only with
            --strict: a line is not settled, or a cell is missing or of other work
            4 something got worse · 5 the headline of a run is withheld

Examples:
  forkscope compare reports/before reports/after
  forkscope compare old.json new.json --tolerance throughput=5%,setup=20%
  forkscope compare main/run.json mine/run.json --format md > regression.md"
    )]
    Compare(Compare),
    /// What became of each comparison over time? The records of a folder, machine by machine
    #[command(
        after_help = "Looked for are run.json in the folder and in those below it, the run-1.json, run-2.json of runs that
went to one folder, and other .json in the folder itself. Of copies of a run one counts. Records of different machines, methods, seeds, parameters or windows are never put into
one table.

Examples:
  forkscope trend reports
  forkscope trend reports --format md > history.md
  forkscope trend reports -o history.html
  forkscope trend reports --format json | jq '.groups[].series[].points[].effect.ratio'"
    )]
    Trend {
        /// Folder of records
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// How it is written; left out: what the name of -o ends with, else terminal
        #[arg(long, value_enum, env = "FORKSCOPE_TREND_FORMAT")]
        format: Option<WrittenHistory>,
        /// File to write, whole or not at all, also over an earlier one; left out, or `-`: standard output
        #[arg(
            short,
            long,
            alias = "out",
            value_name = "FILE",
            env = "FORKSCOPE_TREND_OUTPUT"
        )]
        output: Option<PathBuf>,
        /// Colour of the output
        #[arg(long, value_enum, default_value_t = Color::Auto, env = "FORKSCOPE_COLOR")]
        color: Color,
    },
    /// List studies, workloads, deployments, transports and report formats
    #[command(after_help = "Examples:
  forkscope list
  forkscope list workloads
  forkscope list deployments")]
    List {
        /// What to list; left out: everything
        what: Option<Listed>,
    },
    /// Look at the machine only: effective CPUs, quota, limits, settings, foreign CPU over a second; exit 5 where a run
    /// would be refused
    #[command(after_help = "Examples:
  forkscope doctor
  forkscope doctor --json
  taskset -c 0 forkscope doctor")]
    Doctor {
        /// Print the facts as JSON
        #[arg(long)]
        json: bool,
        /// Colour of the output
        #[arg(long, value_enum, default_value_t = Color::Auto, env = "FORKSCOPE_COLOR")]
        color: Color,
    },
    /// Print a script by which a shell completes commands and options
    #[command(after_help = "Examples:
  forkscope completions bash > ~/.local/share/bash-completion/completions/forkscope
  forkscope completions zsh > ~/.zfunc/_forkscope
  forkscope completions fish > ~/.config/fish/completions/forkscope.fish")]
    Completions {
        /// Shell
        shell: Shell,
    },
    /// Print the manual page of forkscope, or of one of its commands
    #[command(after_help = "Examples:
  forkscope man | man -l -
  forkscope man > ~/.local/share/man/man1/forkscope.1
  forkscope man run > ~/.local/share/man/man1/forkscope-run.1")]
    Man {
        /// A command; left out: the page that names them all
        #[arg(value_name = "COMMAND")]
        command: Option<String>,
    },
}

/// A shell that completes what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

/// Options of `run`.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// Workloads, separated by commas: names (see `forkscope list workloads`), `probes` for all
    /// probes, or paths of .toml files
    #[arg(
        short,
        long,
        value_name = "NAME|PATH",
        value_delimiter = ',',
        required = true,
        env = "FORKSCOPE_WORKLOAD"
    )]
    pub workload: Vec<String>,
    /// Agent counts: `1..32` doubles (1,2,4,8,16,32), `1,5,10,30` is a list; left out: 1..32;
    /// for probes alone 1, the CPUs and twice the CPUs; with `--transport all` 8 and 32; for relay alone
    /// 10 to 1000, from 200 on also with `:cores`; message, delivery and serialize have their own
    #[arg(short, long, value_name = "COUNTS", value_parser = agent_counts, env = "FORKSCOPE_AGENTS")]
    pub agents: Option<AgentCounts>,
    /// Deployments, separated by commas, `threads[:W]` or `processes[:P[xT]]`: the first one is the
    /// baseline, the others are compared with it
    #[arg(
        short,
        long,
        value_name = "LABEL",
        value_delimiter = ',',
        default_value = "threads,processes",
        env = "FORKSCOPE_DEPLOYMENT"
    )]
    pub deployment: Vec<Form>,
    /// How messages travel: `native` (channel between threads, ipc between processes); by one
    /// transport in every deployment (`ring`, `socket`, `pipe` …, see `forkscope list transports`); or
    /// `all`: what would they cost by each of them?
    #[arg(
        long,
        value_name = "NAME",
        default_value = "native",
        env = "FORKSCOPE_TRANSPORT"
    )]
    pub transport: Asked,
    /// Run every comparison of agents also on an open schedule, at 70 % of what the slower deployment does:
    /// how long after its planned start is a step done? Doubles the time that comparisons take; relay
    /// does it by itself
    #[arg(long, env = "FORKSCOPE_LATENCY", value_parser = switch)]
    pub latency: bool,
    /// Wall time of the whole run: 30s, 5m, 1h; a hard limit, which does not count what time the run is stopped,
    /// frozen or suspended; left out: 2m; for probes, message,
    /// delivery, serialize or relay alone, and with `--transport all`, what six pairs of each take (on two
    /// CPUs: 4m for all probes, 6m for message, 3m 30s for serialize)
    #[arg(short, long, value_name = "TIME", value_parser = duration, env = "FORKSCOPE_TIME")]
    pub time: Option<Duration>,
    /// What all measuring commands share.
    #[command(flatten)]
    pub common: Common,
}

/// Options of `compare`.
#[derive(Clone, Debug, Args)]
pub struct Compare {
    /// The earlier run: its run.json, or the folder that holds it
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The later run
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Changes up to which things count as unchanged, separated by commas; what is left out keeps
    /// throughput=15%,latency=15%,setup=10%,memory=20%
    #[arg(long, value_name = "NAME=SHARE", value_delimiter = ',', value_parser = tolerance, env = "FORKSCOPE_TOLERANCE")]
    pub tolerance: Vec<Tolerance>,
    /// Compare runs of different machines; every line is labelled
    #[arg(long, env = "FORKSCOPE_ACROSS_MACHINES", value_parser = switch)]
    pub across_machines: bool,
    /// What is not settled is an error (exit 3)
    #[arg(long, env = "FORKSCOPE_COMPARE_STRICT", value_parser = switch)]
    pub strict: bool,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Written::Terminal, env = "FORKSCOPE_COMPARE_FORMAT")]
    pub format: Written,
    /// Colour of the output
    #[arg(long, value_enum, default_value_t = Color::Auto, env = "FORKSCOPE_COLOR")]
    pub color: Color,
}

impl Compare {
    /// The tolerances: what was asked for, over what holds where nothing was.
    #[must_use]
    pub fn tolerances(&self) -> Tolerances {
        let mut all = Tolerances::default();
        for Tolerance { of, share } in &self.tolerance {
            match of {
                Tolerated::Throughput => all.throughput = *share,
                Tolerated::Latency => all.latency = *share,
                Tolerated::Setup => all.setup = *share,
                Tolerated::Memory => all.memory = *share,
            }
        }
        all
    }
}

/// How a history is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WrittenHistory {
    /// Tables for a person
    Terminal,
    /// Markdown
    Md,
    /// JSON
    Json,
    /// A page with pictures
    Html,
}

/// How a comparison is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Written {
    /// Tables for a person
    Terminal,
    /// Markdown
    Md,
    /// JSON
    Json,
}

/// What a run is held against.
#[derive(Clone, Debug, Args)]
pub struct Held {
    /// A gate, `WORKLOAD@AGENTS: DEPLOYMENT [METRIC] OP NUMBER`: the run fails (exit 4) where the ratio
    /// DEPLOYMENT / baseline is so with its whole interval, and is open (exit 3) where that is not settled.
    /// METRIC is op/s (left out), messages/s, mean, p50, p99 (service time), latency-p50,
    /// latency-p99, setup or memory; OP is <, <=,
    /// > or >=. Repeat it, or separate gates by semicolons
    #[arg(
        long,
        value_name = "GATE",
        value_delimiter = ';',
        env = "FORKSCOPE_FAIL_IF"
    )]
    pub fail_if: Vec<Gate>,
    /// Claims to hold against the run: `published` for those of others, or a .toml file of your own
    #[arg(long, value_name = "published|FILE", env = "FORKSCOPE_CLAIMS")]
    pub claims: Option<String>,
    /// Thresholds to hold against the run; left out: those of workloads/checks/thresholds.toml
    #[arg(long, value_name = "FILE", env = "FORKSCOPE_THRESHOLDS")]
    pub thresholds: Option<String>,
}

/// Options of `calibrate`.
#[derive(Clone, Debug, Args)]
pub struct Calibrate {
    /// Workload: a name (see `forkscope list workloads`) or the path of a .toml file
    #[arg(
        short,
        long,
        value_name = "NAME|PATH",
        default_value = "exploration",
        env = "FORKSCOPE_CALIBRATE_WORKLOAD"
    )]
    pub workload: String,
    /// Agent counts: `1..32` doubles (1,2,4,8,16,32), `1,2,8` is a list
    #[arg(short, long, value_name = "COUNTS", default_value = "1,2,8", value_parser = agent_counts, env = "FORKSCOPE_AGENTS")]
    pub agents: AgentCounts,
    /// Pairs of each control in each run; `quick` has six to eight
    #[arg(short, long, value_name = "N", default_value_t = 8, value_parser = pairs, env = "FORKSCOPE_PAIRS")]
    pub pairs: usize,
    /// Wall time of the whole run: 30m, 1h; as many single runs as fit
    #[arg(short, long, value_name = "TIME", default_value = "30m", value_parser = duration, env = "FORKSCOPE_TIME")]
    pub time: Duration,
    /// What all measuring commands share.
    #[command(flatten)]
    pub common: Common,
}

/// Options of `report`.
#[derive(Clone, Debug, Args)]
pub struct ReportArguments {
    /// The record: a run.json, the folder that holds one, or `-` for standard input
    #[arg(value_name = "RUN.json")]
    pub record: PathBuf,
    /// Format; left out: what the name of -o ends with, else terminal
    #[arg(short, long, value_name = "NAME", value_parser = formats(), env = "FORKSCOPE_FORMAT")]
    pub format: Option<String>,
    /// File to write, whole or not at all, also over an earlier one; left out, or `-`: standard output
    #[arg(
        short,
        long,
        alias = "out",
        value_name = "FILE",
        env = "FORKSCOPE_OUTPUT"
    )]
    pub output: Option<PathBuf>,
    /// Colour of the output
    #[arg(long, value_enum, default_value_t = Color::Auto, env = "FORKSCOPE_COLOR")]
    pub color: Color,
}

/// The names of the registered formats, with what they are for.
fn formats() -> PossibleValuesParser {
    let value = |entry: &report::Entry| PossibleValue::new(entry.name).help(entry.about);
    PossibleValuesParser::new(report::REGISTRY.iter().map(value))
}

/// Options of every command that measures.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Seed of worlds, episodes and orders; the same seed gives the same digests
    #[arg(long, value_name = "N", default_value_t = 1, env = "FORKSCOPE_SEED")]
    pub seed: u64,
    /// Rates closer than this count as equal: 3% or 0.03
    #[arg(long, value_name = "SHARE", default_value = "3%", value_parser = margin, env = "FORKSCOPE_MARGIN")]
    pub margin: f64,
    /// What decides where deployments differ in several things: throughput, latency, memory, isolation or
    /// startup
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "throughput",
        env = "FORKSCOPE_PRIORITY"
    )]
    pub priority: Priority,
    /// What the run is held against.
    #[command(flatten)]
    pub held: Held,
    /// Print the record as JSON on standard output instead of the table; no folder unless --out asks
    #[arg(long, value_name = "-", value_parser = ["-"], env = "FORKSCOPE_JSON")]
    pub json: Option<String>,
    /// Folder of the record (run.json, of calibrate calibration.json and table.txt); left out:
    /// reports/TIME, or none with --json. An earlier run.json there is kept as run-1.json, then run-2.json;
    /// anything else of that name is replaced
    #[arg(short, long, value_name = "DIR", env = "FORKSCOPE_OUT")]
    pub out: Option<PathBuf>,
    /// Measure on a machine that is too busy for its numbers to be believed, or on which another forkscope
    /// measures; every verdict says so
    #[arg(long, env = "FORKSCOPE_ALLOW_BUSY", value_parser = switch)]
    pub allow_busy: bool,
    /// Warnings about the machine are errors (exit 5): before the run, and when pairs that it
    /// disturbed leave a cell without a verdict; not with --allow-busy
    #[arg(long, env = "FORKSCOPE_STRICT", value_parser = switch)]
    pub strict: bool,
    /// Colour of the output
    #[arg(long, value_enum, default_value_t = Color::Auto, env = "FORKSCOPE_COLOR")]
    pub color: Color,
    /// No progress, no warnings
    #[arg(short, long, env = "FORKSCOPE_QUIET", value_parser = switch)]
    pub quiet: bool,
    /// Say what happens between pairs
    #[arg(short, long, conflicts_with = "quiet", env = "FORKSCOPE_VERBOSE", value_parser = switch)]
    pub verbose: bool,
    /// What came from variables, as a shell takes it: `FORKSCOPE_SEED=7`.
    #[arg(skip)]
    pub settings: Vec<String>,
}

impl Command {
    /// The options that all measuring commands share; `None` of those that measure nothing.
    fn common_mut(&mut self) -> Option<&mut Common> {
        match self {
            Command::Quick { common }
            | Command::Full { common, .. }
            | Command::Map { common, .. } => Some(common),
            Command::Run(asked) => Some(&mut asked.common),
            Command::Calibrate(asked) => Some(&mut asked.common),
            _ => None,
        }
    }
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// What agents do
    Workloads,
    /// Where they run
    Deployments,
    /// How their messages travel
    Transports,
    /// How results are written
    Formats,
    /// What is asked
    Studies,
}
