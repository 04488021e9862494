//! Can a sample be true?

use super::fail;
use crate::metric::Metric;
use crate::record::{Failure, Phase, Sample};

/// Largest difference between the CPU time that workers measured and that of their processes.
const CPU_TOLERANCE: f64 = 0.05;

/// CPU time below which that difference says nothing: starting and parking cost something.
const CPU_SLACK_S: f64 = 0.005;

/// Refuses samples that cannot be true. Many a guest's kernel charges the time that the hypervisor takes to
/// whoever was running, be it inside or outside of what a worker measures: clocks may be apart by `stolen_s`
/// seconds. (Seen with 19 to 42 % of steal; the pair is then dropped for that.)
///
/// # Errors
/// [`Failure`] in [`Phase::Check`] with the numbers that do not fit.
pub fn check(
    sample: &Sample,
    workers_cpu_s: f64,
    cpus_effective: f64,
    stolen_s: f64,
) -> Result<(), Failure> {
    let broken = |message: String| Err(fail(Phase::Check, message));
    if sample.ops == 0 || sample.span_s <= 0.0 {
        return broken("no op was finished in the window; use a longer one (--time)".to_owned());
    }
    let count = |metric: Metric| sample.get(metric).unwrap_or(0.0) as u64;
    let (sent, received) = (
        count(Metric::MESSAGES_SENT),
        count(Metric::MESSAGES_RECEIVED),
    );
    let (sent_bytes, received_bytes) = (count(Metric::BYTES_SENT), count(Metric::BYTES_RECEIVED));
    if (sent, sent_bytes) != (received, received_bytes) {
        return broken(format!(
            "{} messages ({} bytes) were sent and {} ({} bytes) taken in",
            sent, sent_bytes, received, received_bytes
        ));
    }
    // Of workers that live elsewhere it is not known.
    let Some(cpu_s) = sample.get(Metric::CPU_S) else {
        return Ok(());
    };
    let exists = cpus_effective * sample.span_s;
    if cpu_s > exists * (1.0 + CPU_TOLERANCE) + CPU_SLACK_S {
        return broken(format!(
            "{:.3} s of CPU time were used in a window that has {exists:.3} s ({cpus_effective} CPUs)",
            cpu_s
        ));
    }
    let apart = (cpu_s - workers_cpu_s).abs();
    if apart > cpu_s * CPU_TOLERANCE + CPU_SLACK_S + stolen_s {
        return broken(format!(
            "the workers measured {workers_cpu_s:.3} s of CPU time and their processes {:.3} s",
            cpu_s
        ));
    }
    Ok(())
}
