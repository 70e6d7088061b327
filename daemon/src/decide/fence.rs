//! The start fence, and whether the host's clock may be believed (clock-and-throttle.md section 4).
//!
//! Whenever the store or the wall clock may have lost a part of the story, every code that was
//! valid up to then is refused from then on. The story is told by two clocks: the wall clock,
//! which anybody with the right may set, and the boot-time clock, which nobody can.

use crate::{
    decide::{At, HostClock, Now, Opened, Uptime, verify},
    record::{Ending, Host, Moving},
};

/// Seconds by which the wall clock may differ from what is expected without being taken for set
/// (section 4). Leap seconds and small corrections stay below.
const TOLERANCE: u64 = 5;
/// The year in which this was released, 2026-01-01T00:00:00Z: no host that runs it has an earlier
/// one, so a clock without a battery is told from a right one (threats.md C3).
const RELEASE: Now = Now(1_767_225_600);
/// Longest period of a token in seconds: they are made with 30 and 60.
const LONGEST_PERIOD: u64 = 60;

/// One look at the host's clocks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reading {
    /// The wall clock (CLOCK_REALTIME); `None` before 1970, when no step exists.
    pub wall: Option<Now>,
    /// Seconds since the host's boot, sleep included (CLOCK_BOOTTIME, clock_gettime(2)): it runs
    /// at the wall clock's rate and is never set.
    pub boot: u64,
    /// Whether the wall clock may teach.
    pub host_clock: HostClock,
}

impl Reading {
    /// Returns the wall clock. Years before 1970 are one moment: nobody signs in then, and the
    /// way out of them is a jump.
    fn wall(&self) -> Now {
        self.wall.unwrap_or(Now(0))
    }
}

/// Why a fence was raised.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// The wall clock at the start is before the last time that the daemon saw.
    ClockBeforeLastStart,
    /// The wall clock moved against the boot-time clock.
    ClockJump,
    /// The store was closed in good order and is not what was there then; or it was not closed and
    /// is from long ago.
    DoubtfulStore,
    /// Records of a backup are about to come in: what was spent since it was made, they do not say.
    Restore,
    /// The daemon did not end by itself, or nothing tells how it did: a power cut, a crash, a
    /// copy of a running daemon's folder.
    UncleanStop,
}

impl Reason {
    /// Returns its word in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ClockBeforeLastStart => "clock_before_last_start",
            Self::ClockJump => "clock_jump",
            Self::DoubtfulStore => "doubtful_store",
            Self::Restore => "restore",
            Self::UncleanStop => "unclean_stop",
        }
    }
}

/// A fence that has just been raised.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Raised {
    /// Why.
    pub reason: Reason,
    /// Seconds by which the wall clock was moved, backwards if negative; `None` if it was not.
    pub jump: Option<i64>,
}

/// One run of the daemon, from its start on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Run {
    /// What is to be kept. It says that the run ended uncleanly until [`Run::stop`].
    pub record: Host,
    /// The uptime before this run.
    before: Uptime,
    /// The boot-time clock at the start.
    started: u64,
    /// Both clocks at the start or at the latest jump. Comparing with one place lets no row of
    /// small steps through.
    anchor: Anchor,
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Anchor {
    wall: Now,
    boot: u64,
}

/// A run after a look at the clocks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Observed {
    /// The run.
    pub run: Run,
    /// The fence that the look raised. `run.record` must be durable before anybody is answered
    /// by it.
    pub raised: Option<Raised>,
}

/// The wall clock is before any time that it can be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Distrust {
    /// The time that it would have to have reached.
    pub floor: Now,
}

/// Begins a run on a store that has lost changes, the record of the host perhaps among them.
#[must_use]
pub fn start_in_doubt(kept: Option<&Host>, reading: &Reading) -> Observed {
    begin(kept, reading, Some(Reason::DoubtfulStore))
}

/// Begins a run. `kept` is what the runs before have left; `None` means that nothing is known of
/// them. A first start after `--initialize` finds the record of an ended run.
#[must_use]
pub fn start(kept: Option<&Host>, reading: &Reading) -> Observed {
    begin(kept, reading, None)
}

/// Begins a run, with a fence for this reason or for one that is found.
fn begin(kept: Option<&Host>, reading: &Reading, given: Option<Reason>) -> Observed {
    let kept = kept.cloned().unwrap_or(Host { ending: Ending::Unclean, ..Host::default() });
    let wall = reading.wall();
    let back = kept.seen.and_then(|seen| jump(difference(wall.0, seen))).filter(|jump| *jump < 0);
    let reason = given.or(match kept.ending {
        Ending::Unclean => Some(Reason::UncleanStop),
        Ending::Clean => back.map(|_| Reason::ClockBeforeLastStart),
    });
    let raised = reason.map(|reason| Raised { reason, jump: back });
    let run = Run {
        before: Uptime(kept.uptime),
        record: Host { ending: Ending::Unclean, ..kept },
        started: reading.boot,
        anchor: Anchor { wall, boot: reading.boot },
    };
    run.after(reading, raised)
}

impl Run {
    /// Looks at the clocks. A jump raises a fence at the time after it, in place of the one
    /// before: a clock that was far ahead for a while must lock nobody out once it is right
    /// again (threats.md C2).
    #[must_use]
    pub fn observe(&self, reading: &Reading) -> Observed {
        let raised =
            self.jump(reading).map(|jump| Raised { reason: Reason::ClockJump, jump: Some(jump) });
        self.clone().after(reading, raised)
    }

    /// Raises a fence at this moment, for a reason that the clocks do not tell.
    #[must_use]
    pub fn raise(&self, reason: Reason, reading: &Reading) -> Observed {
        self.clone().after(reading, Some(Raised { reason, jump: self.jump(reading) }))
    }

    /// Returns by how many seconds the wall clock was moved against the boot-time clock;
    /// `None` if it was not.
    #[must_use]
    pub fn jump(&self, reading: &Reading) -> Option<i64> {
        let wall = difference(reading.wall().0, self.anchor.wall.0);
        let boot = difference(reading.boot, self.anchor.boot);
        jump(wall - boot)
    }

    /// Ends the run: whatever was answered is on the disk.
    #[must_use]
    pub fn stop(&self, reading: &Reading) -> Host {
        let Observed { run, .. } = self.observe(reading);
        Host { ending: Ending::Clean, ..run.record }
    }

    /// Returns the time that nobody sets. A crash loses what was not kept of it; it never loses
    /// more, and no setting of the clock moves it.
    #[must_use]
    pub fn uptime(&self, reading: &Reading) -> Uptime {
        Uptime(self.before.0.saturating_add(reading.boot.saturating_sub(self.started)))
    }

    /// Returns the host's time if it may be believed: not before this release, and not before a
    /// time at which the clock was synchronised. While it is synchronised the kernel is believed
    /// instead, also when it says that an earlier time was wrong.
    ///
    /// # Errors
    ///
    /// [`Distrust`]: nobody signs in by that clock.
    pub fn trust(&self, reading: &Reading) -> Result<Now, Distrust> {
        let seen = match reading.host_clock {
            HostClock::Synchronised => None,
            HostClock::Unsynchronised => self.record.seen_synchronised,
        };
        let floor = Now(seen.unwrap_or_default().saturating_sub(TOLERANCE)).max(RELEASE);
        reading.wall.filter(|wall| *wall >= floor).ok_or(Distrust { floor })
    }

    /// Takes a reading down, and the fence that it raised.
    fn after(mut self, reading: &Reading, raised: Option<Raised>) -> Observed {
        let wall = reading.wall();
        self.record.uptime = self.uptime(reading).0;
        self.record.seen = Some(wall.0);
        if reading.host_clock == HostClock::Synchronised {
            self.record.seen_synchronised = Some(wall.0);
        }
        if raised.is_some() {
            self.record.fence = Some(wall.0);
            self.anchor = Anchor { wall, boot: reading.boot };
        }
        Observed { run: self, raised }
    }
}

/// Tells whether somebody who signs in now may be shown a code that the fence refuses. The same
/// for every user: who has which token must not show.
///
/// A token that runs as expected shows a code above the fence as soon as the widest accept window
/// at the fence has gone by (section 2: 120 s ahead, unless the policy says otherwise) and the
/// step behind it has begun: three minutes.
#[must_use]
pub fn is_up(at: &At<'_>) -> bool {
    let steps = at.policy.window.saturating_mul(LONGEST_PERIOD);
    let matters = at.policy.window_cap.max(steps).saturating_add(LONGEST_PERIOD);
    at.fence.is_some_and(|fence| at.now.0 < fence.0.saturating_add(matters))
}

/// Returns the lowest step that the fence leaves to a token.
///
/// All steps of the accept window at the fence are below: whatever could be accepted up to then
/// never is again, whatever the disk kept. (The predicted step and one more, as in section 4,
/// would leave the upper half of a wider window open.)
///
/// 0, so no limit, for a button: no time passes between its codes, so a fence would have to skip
/// counters, and a person would press through them in vain; its counter is spent on the disk
/// before anybody hears of it, like every step. Where the disk has lost some, [`is_in_doubt`] asks
/// for a pair. 0 as well for a token whose clock is not known
/// yet: nobody signs in with it before an administrator has typed a pair, and where its accept
/// window lies nobody can tell.
#[must_use]
pub fn floor(opened: &Opened<'_>, at: &At<'_>) -> u64 {
    let timed = matches!(opened.token.parameters.moving, Moving::Time { .. });
    match at.fence.filter(|_| timed && opened.state.clock.is_some()) {
        None => 0,
        Some(fence) => {
            let window = verify::window(opened.token, opened.state, fence, at.policy);
            window.end().saturating_add(1)
        }
    }
}

/// Tells whether one code of this token is too little: it has no clock, and the disk was found to
/// have lost changes since it was last used. A single code may be one that was used then; two in a
/// row show where the token stands, and who has seen one code has not seen the next.
#[must_use]
pub fn is_in_doubt(opened: &Opened<'_>, at: &At<'_>) -> bool {
    let button = matches!(opened.token.parameters.moving, Moving::Counter { .. });
    let used = opened.state.last_used;
    // A use in the future was before the clock was set back, and nobody knows how long before.
    let before = |doubt: Now, used: u64| used <= doubt.0 || used > at.now.0;
    at.doubt.is_some_and(|doubt| button && used.is_none_or(|used| before(doubt, used)))
}

/// Returns what differs by more than the tolerance, at the ends of the range of an i64.
fn jump(seconds: i128) -> Option<i64> {
    let far = if seconds < 0 { i64::MIN } else { i64::MAX };
    let seen = seconds.unsigned_abs() > u128::from(TOLERANCE);
    seen.then(|| i64::try_from(seconds).unwrap_or(far))
}

/// Returns `later - earlier`.
fn difference(later: u64, earlier: u64) -> i128 {
    i128::from(later) - i128::from(earlier)
}

#[cfg(test)]
mod tests;
