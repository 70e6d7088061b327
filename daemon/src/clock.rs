//! The only reader of the host's clocks.

mod synchrony;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::time::{ClockId, clock_gettime};

pub use self::synchrony::Synchrony;
use crate::decide::{HostClock, Now, fence::Reading, policy::Belief};

/// How often the two clocks are read anew if the process was held between them: a stopped
/// process or machine must not look like a clock that was set.
const LOOKS: u32 = 3;

/// Where the time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The host's clocks; the kernel says whether the wall clock is synchronised.
    Host(Synchrony),
    /// Clocks that their holder sets: tests advance them instead of sleeping.
    Manual(Manual),
    /// The host's clocks; the administrator vouches for the wall clock (`clock = "trusted"`).
    Trusted,
}

impl Clock {
    /// Returns the host's clocks; `bus` is the address of the system bus, on which is asked
    /// whether the wall clock is synchronised. It is not until [`Clock::follow`] has an answer.
    #[must_use]
    pub fn host(bus: Option<String>, belief: Belief) -> Self {
        match belief {
            Belief::Synchronised => Self::Host(Synchrony::new(bus)),
            Belief::Trusted => Self::Trusted,
        }
    }

    /// Returns clocks to set, with the wall clock at `wall`, Unix seconds, and synchronised.
    #[must_use]
    pub fn manual(wall: u64) -> Self {
        Self::Manual(Manual::new(wall))
    }

    /// Looks at the clocks; `None` if one of them cannot be read (clock_gettime(2)).
    #[must_use]
    pub fn read(&self) -> Option<Reading> {
        match self {
            Self::Host(synchrony) => {
                let (wall, boot) = host()?;
                Some(Reading { wall, boot, host_clock: synchrony.answer(boot) })
            }
            Self::Manual(manual) => Some(*manual.hands()),
            Self::Trusted => {
                let (wall, boot) = host()?;
                Some(Reading { wall, boot, host_clock: HostClock::Synchronised })
            }
        }
    }

    /// Keeps knowing whether the wall clock is synchronised, for ever if that is to be asked.
    pub async fn follow(&self) {
        if let Self::Host(synchrony) = self {
            synchrony.follow().await;
        }
    }

    /// Forgets whether the wall clock is synchronised, for it has just jumped, and asks anew.
    pub async fn doubt(&self) {
        if let Self::Host(synchrony) = self {
            synchrony.doubt().await;
        }
    }
}

/// Reads the wall clock from which the kernel takes the time stamps of files; `None` before 1970, or
/// if it cannot be read. It says how old a file is, and nothing else: sign-ins go by [`Clock::read`].
pub(crate) fn wall() -> Option<Now> {
    seconds(ClockId::CLOCK_REALTIME)?.try_into().ok().map(Now)
}

/// Reads the host's wall clock and its boot-time clock at one moment.
fn host() -> Option<(Option<Now>, u64)> {
    let boot_time = || seconds(ClockId::CLOCK_BOOTTIME)?.try_into().ok();
    let mut look = None;
    for _ in 0..LOOKS {
        let before: u64 = boot_time()?;
        let wall = seconds(ClockId::CLOCK_REALTIME)?.try_into().ok().map(Now);
        let after: u64 = boot_time()?;
        look = Some((wall, before));
        if after.abs_diff(before) <= 1 {
            break;
        }
    }
    look
}

/// Returns the full seconds of a clock, negative before its zero.
fn seconds(clock: ClockId) -> Option<i64> {
    clock_gettime(clock).ok().map(|time| time.tv_sec())
}

/// Clocks that their holder sets. Clones are the same clocks.
#[derive(Clone, Debug)]
pub struct Manual(Arc<Mutex<Reading>>);

impl Manual {
    /// Makes clocks of a host that booted an hour ago and is synchronised.
    #[must_use]
    pub fn new(wall: u64) -> Self {
        let host_clock = HostClock::Synchronised;
        let reading = Reading { wall: Some(Now(wall)), boot: 60 * 60, host_clock };
        Self(Arc::new(Mutex::new(reading)))
    }

    /// Lets time pass: both clocks advance.
    pub fn advance(&self, seconds: u64) {
        let mut hands = self.hands();
        hands.boot = hands.boot.saturating_add(seconds);
        hands.wall = hands.wall.map(|wall| Now(wall.0.saturating_add(seconds)));
    }

    /// Sets the wall clock; `None` is a time before 1970. The boot-time clock stays.
    pub fn set_wall(&self, wall: Option<u64>) {
        self.hands().wall = wall.map(Now);
    }

    /// Sets the boot-time clock; the wall clock stays.
    pub fn set_boot(&self, boot: u64) {
        self.hands().boot = boot;
    }

    /// Sets whether the wall clock is synchronised.
    pub fn set_host_clock(&self, host_clock: HostClock) {
        self.hands().host_clock = host_clock;
    }

    /// Returns the wall clock's time in Unix seconds, 0 before 1970.
    #[must_use]
    pub fn wall(&self) -> u64 {
        self.hands().wall.map_or(0, |wall| wall.0)
    }

    fn hands(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Manual};
    use crate::decide::{HostClock, Now, policy::Belief};

    #[test]
    fn the_hosts_clocks_can_be_read_and_are_not_synchronised_before_anybody_said_so() {
        let reading = Clock::host(None, Belief::Synchronised).read().unwrap();
        assert!(reading.wall.unwrap() > Now(1_767_225_600) && reading.boot > 0);
        assert_eq!(reading.host_clock, HostClock::Unsynchronised);
    }

    #[test]
    fn a_clock_that_the_administrator_vouches_for_is_synchronised() {
        let reading = Clock::host(None, Belief::Trusted).read().unwrap();
        assert_eq!(reading.host_clock, HostClock::Synchronised);
    }

    #[test]
    fn clocks_to_set_run_together_until_one_is_set() {
        let manual = Manual::new(1_800_000_000);
        let clock = Clock::Manual(manual.clone());
        let begin = clock.read().unwrap();
        manual.advance(30);
        let later = clock.read().unwrap();
        assert_eq!((later.wall, later.boot), (Some(Now(1_800_000_030)), begin.boot + 30));
        manual.set_wall(None);
        manual.advance(1);
        let later = clock.read().unwrap();
        assert_eq!((later.wall, later.boot), (None, begin.boot + 31));
    }
}
