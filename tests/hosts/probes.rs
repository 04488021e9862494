//! Do probes say what happened, also when the kernel refuses?

use crate::host;
use forkscope::metric::Metric;
use forkscope::observe::interrupts;
use forkscope::record::{Failure, Outcome};
use forkscope::workload::{self, SpecSource};
use std::process::Command;

/// A built-in probe with one value changed.
fn changed(name: &str, from: &str, to: &str) -> SpecSource {
    let mut source = SpecSource::built_in(workload::find(name).unwrap());
    assert!(source.text.contains(from), "{from}");
    source.text = source.text.replacen(from, to, 1);
    source
}

/// How an invocation under a limit of the shell fails.
fn failure(limit: &str, source: SpecSource) -> Failure {
    let mut command = Command::new("sh");
    let script = format!("{limit}; exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_forkscope")]);
    let invocation = host::invocation_of(source, 2, "threads");
    match host::answer(host::start_with(command, &invocation)) {
        Outcome::Failed(failure) => failure,
        Outcome::Measured(sample) => panic!("{limit}: {sample:?}"),
    }
}

#[test]
fn an_op_that_the_kernel_refuses_is_a_failure_with_its_reason() {
    let source = changed("probes/mmap", "mebibytes = 128", "mebibytes = 1024");
    let failure = failure("ulimit -v 1000000", source);
    let said = &failure.message;
    assert!(
        said.contains("mmap failed: Cannot allocate memory"),
        "{said}"
    );
    assert!(failure.agent.is_some(), "{failure:?}");
}

#[test]
fn an_agent_that_gets_no_descriptors_is_a_failure_with_its_reason() {
    let source = changed("probes/poll", "descriptors = 128", "descriptors = 1000");
    let failure = failure("ulimit -n 1200", source);
    let said = &failure.message;
    assert!(said.contains("open 1000 descriptors: EMFILE"), "{said}");
}

#[test]
fn every_sample_counts_interrupts_where_the_machine_does() {
    let is_counted = interrupts::read().is_some();
    for form in ["threads", "processes"] {
        let sample = host::sample(&host::invocation("probes/tlb", 2, form));
        assert_eq!(
            sample.get(Metric::RESCHEDULE_INTERRUPTS).is_some(),
            is_counted,
            "{form}"
        );
    }
}
