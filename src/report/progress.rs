//! How does a person see that a run goes on?
//!
//! Drawn between pairs only. There is no ticking thread and no time-out that redraws: inside a window
//! nothing of forkscope may run that the workload did not ask for.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::record::Progress;
use crate::verdict::words;

/// Shows progress. The coordinator calls it between pairs.
pub trait ProgressView {
    /// A pair has ended, or the first one is about to begin.
    fn pair_done(&mut self, progress: &Progress);

    /// The run has ended, completely or not: leaves nothing on the screen.
    fn finish(&mut self);
}

/// A line on stderr where that is a terminal and the user did not ask for quiet, else nothing.
#[must_use]
pub fn view(is_quiet: bool) -> Box<dyn ProgressView> {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    match is_quiet || is_dumb || !std::io::stderr().is_terminal() {
        true => Box::new(Silent),
        false => Box::new(Bar::new(ProgressDrawTarget::stderr())),
    }
}

/// Shows nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl ProgressView for Silent {
    fn pair_done(&mut self, _progress: &Progress) {}
    fn finish(&mut self) {}
}

/// One line that is redrawn: bar, pairs, time left, next cell. Without colour, so `NO_COLOR` holds.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar on `target`.
    #[must_use]
    pub fn new(target: ProgressDrawTarget) -> Self {
        let style =
            ProgressStyle::with_template("{bar:24} {pos}/{len} pairs, {prefix}, {wide_msg}")
                .expect("the template is valid")
                .progress_chars("━╸─");
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        bar.disable_steady_tick();
        Self { bar }
    }
}

impl ProgressView for Bar {
    fn pair_done(&mut self, progress: &Progress) {
        self.bar.set_length(progress.pairs_planned as u64);
        self.bar.set_prefix(time_left(progress.seconds_left));
        self.bar.set_message(progress.cell.clone());
        self.bar.set_position(progress.pairs_done as u64);
        // The limit on redraws must not swallow this one: there is no later tick to make up for it.
        self.bar.force_draw();
    }

    fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.finish();
    }
}

/// `about 45 s left`, in whole seconds: an estimate has no hundredths.
fn time_left(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() => "time left unknown".to_owned(),
        s if s < 1.0 => "almost done".to_owned(),
        s if s < 119.5 => format!("about {s:.0} s left"),
        s => format!("about {} left", words::duration(s)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_says_how_far_it_is_and_ends() {
        let mut bar = Bar::new(ProgressDrawTarget::hidden());
        bar.pair_done(&Progress {
            pairs_done: 18,
            pairs_planned: 72,
            cell: "coordination, 8 agents, processes".to_owned(),
            seconds_left: 81.4,
        });
        assert_eq!(bar.bar.position(), 18);
        assert_eq!(bar.bar.length(), Some(72));
        assert_eq!(bar.bar.prefix(), "about 81 s left");
        assert_eq!(bar.bar.message(), "coordination, 8 agents, processes");
        bar.finish();
        assert!(bar.bar.is_finished());
    }

    #[test]
    fn time_left_is_an_estimate_in_whole_seconds() {
        assert_eq!(time_left(81.4), "about 81 s left");
        assert_eq!(time_left(600.0), "about 10 min left");
        assert_eq!(time_left(0.2), "almost done");
        assert_eq!(time_left(f64::NAN), "time left unknown");
    }
}
