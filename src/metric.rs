//! Which numbers does an invocation yield: name, unit, which way is better, where it is read?
//!
//! A [`Sample`] holds its numbers by id ([`Sample::values`]). CSV, schema, gates, thresholds, claims, `compare`
//! and `trend` iterate what is defined here: a new number is written where it is measured, and has one line in
//! [`BUILT_IN`]. A study of another crate brings its own ([`register`]).

use crate::record::Sample;
use serde::{Deserialize, Serialize};
use std::sync::RwLock;

/// Fewest timed ops of an invocation for its 99th percentile to be more than a handful of them.
pub const FOR_P99: u64 = 1_000;

/// Which way a number is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The more, the better.
    More,
    /// The less, the better.
    Less,
    /// It says what was done, not how well.
    Neither,
}

/// When in an invocation a number is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Before the window: what disturbs op/s does not disturb it.
    Start,
    /// In the window, like the op/s of the controls: what disturbs those disturbs it.
    Window,
    /// While the workers were parked behind the window.
    Parked,
}

/// How a number is called by those who ask for it.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// In gates, files and comparisons: `p99`.
    pub word: &'static str,
    /// For a person: `service time p99`.
    pub name: &'static str,
    /// The unit in which it is asked for and shown: `ms`.
    pub unit: &'static str,
    /// Such units in one unit of the id: 1e-6 of `ms` from nanoseconds.
    pub factor: f64,
}

/// What there is to know of a metric.
#[derive(Debug)]
pub struct Definition {
    /// Key in [`Sample::values`] and column of the CSV; its end is the unit: `service_p99_ns`.
    pub id: &'static str,
    /// What it is, in a sentence: the schema has it.
    pub about: &'static str,
    /// How it is asked for; `None` where gates, claims and comparisons do not know it.
    pub asked: Option<Asked>,
    /// Which way it is better.
    pub better: Better,
    /// When it is read.
    pub read: Read,
    /// Whether it is read where steps have a planned start, and nowhere else.
    pub is_planned: bool,
    /// Another value that has to be so large for this one to say anything: its id, and how large.
    pub least: Option<(&'static str, u64)>,
    /// Why an invocation may not have it, as the end of a sentence; empty for "it was not measured".
    pub missing: &'static str,
}

/// A metric: a line of the registry.
#[derive(Clone, Copy)]
pub struct Metric(&'static Definition);

const fn plain(id: &'static str, about: &'static str) -> Definition {
    Definition {
        id,
        about,
        asked: None,
        better: Better::Neither,
        read: Read::Window,
        is_planned: false,
        least: None,
        missing: "",
    }
}

const fn asked(
    id: &'static str,
    about: &'static str,
    better: Better,
    read: Read,
    (word, name): (&'static str, &'static str),
    (unit, factor): (&'static str, f64),
) -> Definition {
    Definition {
        asked: Some(Asked {
            word,
            name,
            unit,
            factor,
        }),
        better,
        read,
        ..plain(id, about)
    }
}

/// A time of an op, nanoseconds, which is asked for in milliseconds.
const fn time(
    id: &'static str,
    about: &'static str,
    words: (&'static str, &'static str),
) -> Definition {
    asked(id, about, Better::Less, Read::Window, words, ("ms", 1e-6))
}

macro_rules! metrics {
    ($($name:ident = $definition:expr;)*) => {
        /// Every metric that forkscope itself measures, in the order of the CSV.
        pub const BUILT_IN: &[Metric] = &[$(Metric::$name),*];

        impl Metric {
            $(
                #[doc = concat!("See [`", stringify!($name), "`](BUILT_IN).")]
                pub const $name: Metric = {
                    static DEFINITION: Definition = $definition;
                    Metric(&DEFINITION)
                };
            )*
        }
    };
}

metrics! {
    OPS_PER_S = asked("ops_per_s", "Ops counted in the window / its span.", Better::More, Read::Window, ("op/s", "op/s"), ("op/s", 1.0));
    SETUP_S = asked("setup_s", "From the first spawn call until all agents were ready, seconds.", Better::Less, Read::Start, ("setup", "setup"), ("ms", 1e3));
    WARM_UP_S = plain("warm_up_s", "Warm-up, seconds.");
    SERVICE_MEAN_NS = time("service_mean_ns", "Service time of an op, mean, nanoseconds; of messages at planned moments their delay.", ("mean", "service time, mean"));
    SERVICE_P50_NS = time("service_p50_ns", "Median service time, nanoseconds; of round trips the median round trip.", ("p50", "service time p50"));
    SERVICE_P95_NS = plain("service_p95_ns", "95th percentile of service time, nanoseconds.");
    SERVICE_P99_NS = Definition {
        least: Some(("service_timed_ops", FOR_P99)),
        missing: "an invocation has too few timed ops for a 99th percentile (1000)",
        ..time("service_p99_ns", "99th percentile of service time, nanoseconds.", ("p99", "service time p99"))
    };
    SERVICE_P999_NS = plain("service_p999_ns", "99.9th percentile of service time, nanoseconds.");
    SERVICE_TIMED_OPS = plain("service_timed_ops", "Ops whose service time was taken; none where latency was.");
    SERVICE_STRIDE_OPS = plain("service_stride_ops", "One op in so many was timed, so that timing costs below 1 % of an op.");
    LATENCY_PLANNED_PER_S = plain("latency_planned_per_s", "Ops that were planned a second, all agents together.");
    LATENCY_DONE_PER_S = plain("latency_done_per_s", "Ops that were done a second, from the first planned start to the last completion. Well below the plan the deployment did not keep up.");
    LATENCY_TIMED_OPS = plain("latency_timed_ops", "Ops whose latency was taken: all of them.");
    LATENCY_MEAN_NS = plain("latency_mean_ns", "Latency from the planned start, mean, nanoseconds.");
    LATENCY_P50_NS = Definition { is_planned: true, ..time("latency_p50_ns", "Median latency from the planned start, nanoseconds.", ("latency-p50", "latency p50")) };
    LATENCY_P95_NS = plain("latency_p95_ns", "95th percentile of latency, nanoseconds.");
    LATENCY_P99_NS = Definition { is_planned: true, ..time("latency_p99_ns", "99th percentile of latency, nanoseconds; of 1,000 ops at least.", ("latency-p99", "latency p99")) };
    LATENCY_P999_NS = plain("latency_p999_ns", "99.9th percentile of latency, nanoseconds; of 10,000 ops at least.");
    LATENCY_TAIL_NS = Definition { better: Better::Less, is_planned: true, ..plain("latency_tail_ns", "The 99th percentile of latency where ops were enough for one, else the median, nanoseconds.") };
    CPU_S = plain("cpu_s", "CPU time of host and workers in the window, seconds.");
    CPU_PER_OP_NS = plain("cpu_per_op_ns", "CPU time per op as the worker threads themselves measured it, nanoseconds.");
    VOLUNTARY_SWITCHES = plain("voluntary_switches", "Voluntary context switches of all tasks in the window.");
    INVOLUNTARY_SWITCHES = plain("involuntary_switches", "Involuntary context switches of all tasks in the window.");
    MEMORY_PER_AGENT_BYTES = asked("memory_per_agent_bytes", "Memory of host and workers, divided by the agents, bytes.", Better::Less, Read::Parked, ("memory", "memory per agent"), ("MiB", 1.0 / 1_048_576.0));
    MESSAGES_SENT = plain("messages_sent", "Messages sent by agents in the window.");
    MESSAGES_RECEIVED = plain("messages_received", "Messages taken in by agents in the window.");
    MESSAGES_PER_S = Definition {
        missing: "no messages were sent",
        ..asked("messages_per_s", "Messages sent a second.", Better::More, Read::Window, ("messages/s", "messages/s"), ("messages/s", 1.0))
    };
    BYTES_SENT = plain("bytes_sent", "Payload bytes sent in the window.");
    BYTES_RECEIVED = plain("bytes_received", "Payload bytes taken in in the window.");
    WASTED_POLLS = plain("wasted_polls", "Looks for messages of a receiver that polls, which found none.");
    ACTIVE_STATES_PER_OP = plain("active_states_per_op", "Joint states that an agent evaluated in the window, per op, mean over agents: the work counter.");
    TLB_SHOOTDOWNS = plain("tlb_shootdowns", "Requests of one CPU to another to forget translations of addresses (x86), in the whole system. On x86 each comes by a function call, so it is counted there, too.");
    FUNCTION_CALL_INTERRUPTS = plain("function_call_interrupts", "Requests of one CPU to another to run a function, in the whole system.");
    RESCHEDULE_INTERRUPTS = plain("reschedule_interrupts", "Requests of one CPU to another to look for something else to run, in the whole system.");
}

/// Metrics of studies that another crate brings.
static REGISTERED: RwLock<Vec<Metric>> = RwLock::new(Vec::new());

/// Adds a metric of one's own; a second time it changes nothing.
///
/// # Panics
/// When another metric has its id or its word: two numbers of one name would be taken for one.
pub fn register(definition: &'static Definition) -> Metric {
    let metric = Metric(definition);
    let is_other = |m: &Metric| !std::ptr::eq(m.0, definition);
    let clash = all().into_iter().find(|m| {
        is_other(m)
            && (m.id() == definition.id || (m.0.asked.is_some() && m.word() == metric.word()))
    });
    if let Some(other) = clash {
        panic!(
            "the metric {} is there already: {}",
            definition.id, other.0.about
        );
    }
    let mut registered = REGISTERED.write().unwrap_or_else(|e| e.into_inner());
    if !registered.iter().any(|m| !is_other(m)) {
        registered.push(metric);
    }
    metric
}

/// Every metric, the built-in ones first.
#[must_use]
pub fn all() -> Vec<Metric> {
    let registered = REGISTERED.read().unwrap_or_else(|e| e.into_inner());
    BUILT_IN.iter().chain(registered.iter()).copied().collect()
}

/// Those that gates, claims, thresholds and comparisons know, in their order.
#[must_use]
pub fn asked_for() -> Vec<Metric> {
    let mut all = all();
    all.retain(|m| m.0.asked.is_some());
    all
}

impl Metric {
    /// Finds a metric by what gates and files call it.
    #[must_use]
    pub fn find(word: &str) -> Option<Metric> {
        asked_for().into_iter().find(|m| m.word() == word)
    }

    /// Finds a metric by its key in a record.
    #[must_use]
    pub fn of_id(id: &str) -> Option<Metric> {
        all().into_iter().find(|m| m.id() == id)
    }

    /// The names of all metrics that can be asked for, for a message.
    #[must_use]
    pub fn words() -> String {
        let words: Vec<&str> = asked_for().iter().map(|m| m.word()).collect();
        words.join(", ")
    }

    /// All that is known of it.
    #[must_use]
    pub fn definition(self) -> &'static Definition {
        self.0
    }

    /// Its key in records.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.0.id
    }

    /// What gates, files and comparisons call it; its id where they do not know it.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.0.asked.map_or(self.0.id, |a| a.word)
    }

    /// What it is, for a person.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.asked.map_or(self.0.id, |a| a.name)
    }

    /// Unit of [`Metric::value`]; empty where it is that of the id.
    #[must_use]
    pub fn unit(self) -> &'static str {
        self.0.asked.map_or("", |a| a.unit)
    }

    /// Whether it is read where steps have a planned start, and nowhere else.
    #[must_use]
    pub fn is_planned(self) -> bool {
        self.0.is_planned
    }

    /// Whether more of it is better.
    #[must_use]
    pub fn is_better_when_higher(self) -> bool {
        self.0.better == Better::More
    }

    /// Whether it is read inside the window, like the op/s of the controls.
    #[must_use]
    pub fn is_of_window(self) -> bool {
        self.0.read == Read::Window
    }

    /// The number in its unit; `None` where the invocation does not have it, or has nothing of it.
    #[must_use]
    pub fn value(self, sample: &Sample) -> Option<f64> {
        if let Some((id, least)) = self.0.least
            && sample.values.get(id).copied().unwrap_or(0.0) < least as f64
        {
            return None;
        }
        let factor = self.0.asked.map_or(1.0, |a| a.factor);
        let value = sample.get(self)? * factor;
        (value.is_finite() && value > 0.0).then_some(value)
    }

    /// Why an invocation does not have it, as the end of a sentence.
    #[must_use]
    pub fn missing(self) -> String {
        match self.0.missing {
            "" => format!("{} was not measured in every invocation", self.name()),
            why => why.to_owned(),
        }
    }
}

impl PartialEq for Metric {
    fn eq(&self, other: &Metric) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Metric {}

impl std::fmt::Debug for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.id)
    }
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

impl Serialize for Metric {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Metric, D::Error> {
        let word = String::deserialize(deserializer)?;
        Metric::find(&word).ok_or_else(|| {
            let why = format!("\"{word}\" is no metric; there are {}", Metric::words());
            serde::de::Error::custom(why)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_found_by_its_names() {
        for metric in BUILT_IN {
            assert_eq!(Metric::of_id(metric.id()), Some(*metric));
        }
        for metric in asked_for() {
            assert_eq!(Metric::find(metric.word()), Some(metric));
            let written = serde_json::to_string(&metric).unwrap();
            assert_eq!(written, format!("\"{metric}\""));
            assert!(Metric::words().contains(metric.word()));
        }
        assert_eq!(Metric::find("latency"), None);
    }

    #[test]
    fn no_two_have_one_name() {
        for (i, one) in BUILT_IN.iter().enumerate() {
            for other in &BUILT_IN[..i] {
                assert_ne!(one.id(), other.id());
                assert_ne!(one.word(), other.word());
            }
        }
    }

    #[test]
    fn values_have_the_unit_that_they_say() {
        let sample = Sample::default()
            .with(Metric::OPS_PER_S, 500.0)
            .with(Metric::SETUP_S, 0.004)
            .with(Metric::MESSAGES_PER_S, 100.0)
            .with(Metric::SERVICE_MEAN_NS, 2.5e6)
            .with(Metric::SERVICE_P50_NS, 2e6)
            .with(Metric::SERVICE_P99_NS, 9e6)
            .with(Metric::SERVICE_TIMED_OPS, 999.0)
            .with(Metric::MEMORY_PER_AGENT_BYTES, f64::from(2 << 20));
        let value = |m: Metric| m.value(&sample).map(|v| (v * 1e9).round() / 1e9);
        assert_eq!(value(Metric::OPS_PER_S), Some(500.0));
        assert_eq!(value(Metric::MESSAGES_PER_S), Some(100.0));
        assert_eq!(value(Metric::SERVICE_MEAN_NS), Some(2.5));
        assert_eq!(value(Metric::SERVICE_P50_NS), Some(2.0));
        assert_eq!(
            value(Metric::SERVICE_P99_NS),
            None,
            "too few ops were timed"
        );
        let enough = sample.clone().with(Metric::SERVICE_TIMED_OPS, 1000.0);
        assert!(Metric::SERVICE_P99_NS.value(&enough).is_some());
        assert_eq!(value(Metric::SETUP_S), Some(4.0));
        assert_eq!(value(Metric::MEMORY_PER_AGENT_BYTES), Some(2.0));
    }

    #[test]
    fn what_is_nothing_is_not_measured() {
        for metric in BUILT_IN {
            assert_eq!(metric.value(&Sample::default()), None, "{metric}");
        }
    }
}
