//! What stands for the machine where a model checker runs the product's code: its words, and their order.
#![allow(dead_code, reason = "each program uses its own part")]

use forkscope::transport::ring::memory::Word;
use loom::sync::atomic::{AtomicU64, Ordering};

/// What makes sequentially consistent accesses of the checker's fences. It takes such an access for an
/// acquiring or releasing one, but a fence for what it is.
///
/// A store and then a load need one fence between them. A machine may have it after every such store, or
/// before every such load: both are right, and a program has to hold with either. Each shows what the other one
/// hides: with fences after stores, a store that is too weak is found, with fences before loads, a load.
#[derive(Clone, Copy)]
pub enum Fences {
    AfterStores,
    BeforeLoads,
}

const FENCES: [Fences; 2] = [Fences::AfterStores, Fences::BeforeLoads];

impl Fences {
    pub fn before_load(self, order: Ordering) {
        if matches!(self, Fences::BeforeLoads) && order == Ordering::SeqCst {
            loom::sync::atomic::fence(Ordering::SeqCst);
        }
    }

    pub fn after_store(self, order: Ordering) {
        if matches!(self, Fences::AfterStores) && order == Ordering::SeqCst {
            loom::sync::atomic::fence(Ordering::SeqCst);
        }
    }
}

/// A word of the product's, as the checker's.
pub struct LoomWord {
    value: AtomicU64,
    fences: Fences,
}

impl LoomWord {
    pub fn new(value: u64, fences: Fences) -> LoomWord {
        LoomWord {
            value: AtomicU64::new(value),
            fences,
        }
    }
}

impl Word for LoomWord {
    fn load(&self, order: Ordering) -> u64 {
        self.fences.before_load(order);
        self.value.load(order)
    }

    fn store(&self, value: u64, order: Ordering) {
        self.value.store(value, order);
        self.fences.after_store(order);
    }

    fn swap(&self, value: u64, order: Ordering) -> u64 {
        self.fences.before_load(order);
        let old = self.value.swap(value, order);
        self.fences.after_store(order);
        old
    }
}

/// Tries everything, without a bound on how often threads take turns.
pub fn check(model: impl Fn(Fences) + Copy + Sync + Send + 'static) {
    check_within(None, model);
}

/// Tries everything in which threads are interrupted so many times at most.
pub fn check_within(
    interruptions: Option<usize>,
    model: impl Fn(Fences) + Copy + Sync + Send + 'static,
) {
    for fences in FENCES {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = interruptions;
        builder.check(move || model(fences));
    }
}
