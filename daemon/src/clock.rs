//! The only reader of the host's clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use crate::decide::Now;

/// Where the time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The host's real-time clock.
    Host,
    /// A clock that its holder sets: tests advance it instead of sleeping.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// Returns the time; `None` before 1970, when no step exists.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now(&self) -> Option<Now> {
        match self {
            Self::Host => {
                SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| Now(since.as_secs()))
            }
            Self::Manual(seconds) => Some(Now(seconds.load(Ordering::SeqCst))),
        }
    }
}
