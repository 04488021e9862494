//! How much of the CPUs do more agents use?

/// Scaling efficiency: op/s of `agents` agents / (op/s of one agent × the CPUs that they can use), 0
/// and above; 1 is a CPU for each agent, fully used, until CPUs run out.
///
/// They can use the smaller of `agents` and `cpus`, the effective CPUs of the machine. `None` where a
/// rate is not a number above 0, or there are no agents or CPUs.
pub fn efficiency(alone_ops_per_s: f64, ops_per_s: f64, agents: usize, cpus: f64) -> Option<f64> {
    let usable = (agents as f64).min(cpus);
    let share = ops_per_s / (alone_ops_per_s * usable);
    let is_meant = alone_ops_per_s > 0.0 && ops_per_s > 0.0 && usable > 0.0;
    (is_meant && share.is_finite()).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_beyond_the_cpus_ask_for_no_more() {
        assert_eq!(efficiency(100.0, 200.0, 2, 2.0), Some(1.0));
        assert_eq!(efficiency(100.0, 200.0, 32, 2.0), Some(1.0));
        assert_eq!(efficiency(100.0, 150.0, 2, 1.5), Some(1.0));
        assert_eq!(efficiency(100.0, 100.0, 1, 0.5), Some(2.0));
    }

    #[test]
    fn without_a_rate_there_is_none() {
        assert_eq!(efficiency(0.0, 1.0, 1, 2.0), None);
        assert_eq!(efficiency(1.0, f64::NAN, 1, 2.0), None);
        assert_eq!(efficiency(1.0, 1.0, 0, 2.0), None);
    }
}
