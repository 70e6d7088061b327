//! How far a piece of work is, told while it is done.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How much of a piece of work is done. Nothing is decided by it: it is shown to people.
#[derive(Debug, Default)]
pub struct Gauge {
    done: AtomicUsize,
    total: AtomicUsize,
}

impl Gauge {
    /// Begins a work of so many parts, from its start.
    pub fn begin(&self, total: usize) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    /// So many more parts are done.
    pub fn advance(&self, parts: usize) {
        self.done.fetch_add(parts, Ordering::Relaxed);
    }

    /// Returns how many parts are done, and how many there are; `None` before it has begun.
    #[must_use]
    pub fn read(&self) -> Option<(usize, usize)> {
        let total = self.total.load(Ordering::Relaxed);
        (total > 0).then(|| (self.done.load(Ordering::Relaxed).min(total), total))
    }
}
