//! What does a run of probes do where it is told nothing?

use forkscope::experiment::invocation::whole_cpus;
use forkscope::experiment::plan::{self, MIN_PAIRS, PlanError, Request};
use std::time::Duration;

/// How much more time there is than six pairs of every cell are thought to take: what is left over
/// goes into more pairs.
const HEADROOM: f64 = 1.3;

/// Looking at the machine before the first pair, seconds.
const LOOK_S: f64 = 4.0;

/// Agent counts: alone, as many as can meet, and twice as many as can run.
pub fn counts(cpus_effective: f64) -> Vec<usize> {
    let cpus = whole_cpus(cpus_effective);
    let mut counts = vec![1, cpus, 2 * cpus];
    counts.dedup();
    counts
}

/// Time in which every cell has its pairs, in whole half minutes; the last `reserve_s` seconds are
/// not for pairs.
///
/// # Errors
/// [`PlanError`] when there is nothing to compare.
pub fn time(request: &Request, reserve_s: f64) -> Result<Duration, PlanError> {
    let cells = plan::cells(request)?;
    let pairs_s = MIN_PAIRS as f64 * cells.iter().map(|c| c.pair_s).sum::<f64>();
    let half_minutes = ((HEADROOM * pairs_s + LOOK_S + reserve_s) / 30.0).ceil();
    Ok(Duration::from_secs(30 * half_minutes as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use forkscope::deployment::Form;
    use forkscope::experiment::plan::{PlannedWorkload, Question};
    use forkscope::transport::{Asked, Choice};
    use forkscope::workload::{self, SpecSource};

    fn request(cpus_effective: f64) -> Request {
        let planned = |name: &String| {
            let source = SpecSource::open(name).unwrap();
            let spec = workload::read(&source).unwrap();
            PlannedWorkload::new(source, spec.as_ref())
        };
        let names = SpecSource::expand(&["probes".to_owned()]);
        Request {
            workloads: names.iter().map(planned).collect(),
            agents: counts(cpus_effective),
            deployments: vec![Form::THREADS, Form::PROCESSES],
            cpus_effective,
            budget_s: 0.0,
            most_pairs: 34,
            seed: 1,
            transport: Asked::One(Choice::Native),
            look: None,
            asks_latency: false,
            question: Question::Compare,
            is_busy: false,
        }
    }

    #[test]
    fn counts_are_one_the_cpus_and_twice_the_cpus() {
        assert_eq!(counts(0.5), [1, 2]);
        assert_eq!(counts(1.0), [1, 2]);
        assert_eq!(counts(2.0), [1, 2, 4]);
        assert_eq!(counts(7.5), [1, 7, 14]);
    }

    #[test]
    fn all_probes_fit_the_time_that_they_are_given() {
        for cpus in [1.0, 2.0, 16.0, 64.0] {
            let request = request(cpus);
            let time = time(&request, 5.0).unwrap();
            let mut cells = plan::cells(&request).unwrap();
            let room_s = time.as_secs_f64() - 5.0 - LOOK_S;
            let left_out = plan::fit(&mut cells, &request.workloads, MIN_PAIRS, room_s).unwrap();
            assert_eq!(left_out, Vec::<String>::new(), "{cpus} CPUs");
        }
    }

    #[test]
    fn on_two_cpus_they_take_what_the_help_says() {
        assert_eq!(time(&request(2.0), 5.0), Ok(Duration::from_secs(240)));
    }
}
