//! When is a worker that is waited for hung, and when only slow?

use super::*;
use crate::deployment::Form;
use crate::deployment::control::Step;
use crate::deployment::page::Page;
use crate::deployment::worker::WorkerReport;

/// Looks at the workers between two that get ready: some 0.8 s.
const LOOKS_BETWEEN: u32 = 16;

/// Workers that get ready one after the other, as the host looks after them; the last ones never do.
struct OneByOne {
    page: Page,
    looks: u32,
    ready: usize,
}

impl Fleet for OneByOne {
    fn control(&self) -> Arc<dyn Control> {
        Arc::new(self.page.clone())
    }

    fn probe(&self) -> Probe {
        Probe::Unknown
    }

    fn check(&mut self, _phase: Phase) -> Result<(), Failure> {
        self.looks += 1;
        let next = (self.looks / LOOKS_BETWEEN) as usize;
        if self.looks.is_multiple_of(LOOKS_BETWEEN) && next <= self.ready {
            self.page.report(next - 1, Reached::Ready);
        }
        Ok(())
    }

    fn connect(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn reports(&mut self) -> Result<Vec<WorkerReport>, Failure> {
        Ok(Vec::new())
    }

    fn end(self: Box<Self>) {}
}

fn await_workers(ready: usize, of: usize) -> Result<(), Failure> {
    let page = Page::create(of).unwrap();
    page.open(Step::Prepare);
    let fleet = OneByOne {
        page,
        looks: 0,
        ready,
    };
    let placement = Form::THREADS.place(of, 1);
    // Shorter than it takes until all are ready, longer than between any two.
    let patience = Duration::from_secs(2);
    let mut running = Running::new(placement, Box::new(fleet), patience, false);
    running.await_all(Reached::Ready, Phase::Setup)
}

#[test]
fn workers_that_get_ready_one_after_the_other_do_not_hang() {
    await_workers(4, 4).unwrap();
}

#[test]
fn a_worker_that_never_gets_ready_hangs() {
    let failure = await_workers(1, 2).unwrap_err();
    assert!(
        failure.message.contains("1 of 2 workers hang"),
        "{failure:?}"
    );
}
