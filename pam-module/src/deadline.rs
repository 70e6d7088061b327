//! The one clock of the module: it bounds the time with the daemon, and nothing else reads it.

use std::time::{Duration, Instant};

/// A moment at which waiting ends.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// Returns the moment that is so far from now.
    pub(crate) fn after(wait: Duration) -> Self {
        Self(now() + wait)
    }

    /// Returns the time until then; `None` once it has come. Never zero.
    pub(crate) fn left(self) -> Option<Duration> {
        self.0.checked_duration_since(now()).filter(|left| !left.is_zero())
    }

    /// Waits until then.
    ///
    /// For a refusal, so that one that needed no daemon takes as long as one that did; and for a
    /// moment between two tries of something that cannot be waited for.
    #[allow(clippy::disallowed_methods)] // there is no event to wait for: the time is the point
    pub(crate) fn wait_out(self) {
        if let Some(left) = self.left() {
            std::thread::sleep(left);
        }
    }
}

/// What one `pam_authenticate` may spend with the daemon, over all its calls. The person's
/// typing is between the calls and costs nothing.
pub(crate) struct Budget {
    left: Duration,
}

impl Budget {
    /// Returns a budget of so much time.
    pub(crate) fn new(left: Duration) -> Self {
        Self { left }
    }

    /// Runs the work with what is left as its deadline, and takes what it used.
    pub(crate) fn spend<T>(&mut self, work: impl FnOnce(Deadline) -> T) -> T {
        let deadline = Deadline::after(self.left);
        let done = work(deadline);
        self.left = deadline.left().unwrap_or_default();
        done
    }
}

#[allow(clippy::disallowed_methods)] // this file is the owner of the module's deadline
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Budget, Deadline};

    #[test]
    fn a_deadline_that_has_come_leaves_nothing() {
        assert!(Deadline::after(Duration::ZERO).left().is_none());
    }

    #[test]
    fn a_second_call_gets_only_what_the_first_left() {
        let mut budget = Budget::new(Duration::from_secs(5));
        budget.spend(|_| Deadline::after(Duration::from_millis(20)).wait_out());
        let left = budget.spend(Deadline::left).unwrap();
        assert!(left <= Duration::from_millis(4980), "{left:?} left");
    }
}
