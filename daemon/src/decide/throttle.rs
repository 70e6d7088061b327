//! What a share may still try: one code, or two in a row once its budget of wrong codes is spent.
//!
//! Step-up instead of lock-out (clock-and-throttle.md section 5): whoever guesses spends a
//! budget, and from then on only a pair of codes counts, which nobody guesses; the owner of the
//! token always gets in. Budgets are refilled by time alone, on a clock that nobody sets.

pub mod pairs;
pub mod spray;

use fob_api::Share;

use crate::{
    decide::{At, Uptime, assign::ROOT},
    record::{Budget, Budgets, Source, Spray},
};

/// Seconds of the short window.
pub const DAY: u64 = 24 * 60 * 60;
/// Seconds of the long window.
pub const MONTH: u64 = 30 * DAY;
/// Most sources that are known of one user: home, office, telephone and a few hotels. The oldest
/// makes room; it only falls back to the budget of unknown ones.
const MOST_SOURCES: usize = 8;

/// Where an answer comes from, as far as a budget goes. What the caller says about it is never
/// believed for a right.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// Typed at this host: login, a greeter.
    Console,
    /// Typed by somebody who is in already: sudo, su, polkit.
    Escalation,
    /// A program that runs as the user himself.
    Own,
    /// Passed on from the network: the keyed hash of the address, `None` if it is none.
    Remote(Option<[u8; 8]>),
}

impl Origin {
    /// Returns the origin of what a program of root passes on. sudo names the host itself as the
    /// remote one, so what works only here counts as local whatever it says (sudo(8), su(1)).
    #[must_use]
    pub fn of(service: Option<&str>, rhost: Option<&str>, hash: Option<[u8; 8]>) -> Self {
        const ESCALATION: [&str; 6] = ["doas", "polkit-1", "su", "su-l", "sudo", "sudo-i"];
        if service.is_some_and(|service| ESCALATION.contains(&service)) {
            Self::Escalation
        } else if rhost.is_none_or(str::is_empty) {
            Self::Console
        } else {
            Self::Remote(hash)
        }
    }
}

/// Whose limits hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rank {
    /// root's, the stricter ones.
    Root,
    /// Everybody else's.
    User,
}

impl Rank {
    /// Returns the rank of a uid.
    #[must_use]
    pub fn of(uid: u32) -> Self {
        if uid == ROOT { Self::Root } else { Self::User }
    }
}

/// What a share is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Demand {
    /// One code.
    Code,
    /// Two codes in a row: the budget is spent.
    Pair,
}

/// Returns the share whose budget an origin has. A remote source is known if a code from there
/// was accepted in the last days (`policy.known_source_days`).
#[must_use]
pub fn share(budgets: &Budgets, origin: Origin, at: &At<'_>) -> Share {
    let horizon = u64::from(at.policy.known_source_days).saturating_mul(DAY);
    match origin {
        Origin::Console => Share::Console,
        Origin::Escalation => Share::Escalation,
        Origin::Own => Share::Own,
        Origin::Remote(Some(hash)) => {
            let mut sources = budgets.sources.iter();
            let known = sources.any(|s| s.hash == hash && age(s.seen, at.uptime) < horizon);
            if known { Share::Known } else { Share::Unknown }
        }
        Origin::Remote(None) => Share::Unknown,
    }
}

/// Returns the budget of a share.
#[must_use]
pub fn of(budgets: &Budgets, share: Share) -> &Budget {
    match share {
        Share::Console => &budgets.console,
        Share::Escalation => &budgets.escalation,
        Share::Known => &budgets.known,
        Share::Own => &budgets.own,
        Share::Unknown => &budgets.unknown,
    }
}

/// Returns the budget of a share, to change it.
pub fn of_mut(budgets: &mut Budgets, share: Share) -> &mut Budget {
    match share {
        Share::Console => &mut budgets.console,
        Share::Escalation => &mut budgets.escalation,
        Share::Known => &mut budgets.known,
        Share::Own => &mut budgets.own,
        Share::Unknown => &mut budgets.unknown,
    }
}

/// Returns what a share is asked for now. The budget of all unknown sources together counts for
/// the unknown share alone.
#[must_use]
pub fn demand(budgets: &Budgets, spray: &Spray, share: Share, rank: Rank, at: &At<'_>) -> Demand {
    let sprayed = share == Share::Unknown && spray::is_spent(spray, at);
    match left(of(budgets, share), rank, at) {
        Left::Some if !sprayed => Demand::Code,
        _ => Demand::Pair,
    }
}

/// Whether a budget has something left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Left {
    /// Not before a pair is right: too many were wrong in a row (NIST SP 800-63B section 5.2.2).
    NothingUntilPair,
    /// Not for so many seconds of uptime.
    NothingFor(u64),
    /// Yes.
    Some,
}

/// Tells what is left of a budget.
#[must_use]
pub fn left(budget: &Budget, rank: Rank, at: &At<'_>) -> Left {
    if budget.in_a_row >= at.policy.wrong_in_a_row {
        return Left::NothingUntilPair;
    }
    let (day, month) = limits(rank, at);
    match rest(budget, DAY, day, at.uptime).max(rest(budget, MONTH, month, at.uptime)) {
        0 => Left::Some,
        seconds => Left::NothingFor(seconds),
    }
}

/// Returns how many wrong codes still count: those of the last 30 days.
#[must_use]
pub fn counted(budget: &Budget, at: &At<'_>) -> u32 {
    let counted = budget.wrong.iter().filter(|stamp| age(**stamp, at.uptime) < MONTH).count();
    u32::try_from(counted).unwrap_or(u32::MAX)
}

/// Counts a wrong code.
pub fn charge(budgets: &mut Budgets, share: Share, rank: Rank, at: &At<'_>) {
    let (day, month) = limits(rank, at);
    let budget = of_mut(budgets, share);
    budget.wrong.retain(|stamp| age(*stamp, at.uptime) < MONTH);
    budget.wrong.push(at.uptime.0);
    let most = usize::try_from(day.max(month)).unwrap_or(usize::MAX);
    let surplus = budget.wrong.len().saturating_sub(most);
    budget.wrong.drain(..surplus);
    count_in_a_row(budgets, share);
}

/// Counts a wrong pair: not as a wrong code, for it was no guess worth one.
pub fn count_in_a_row(budgets: &mut Budgets, share: Share) {
    let budget = of_mut(budgets, share);
    budget.in_a_row = budget.in_a_row.saturating_add(1);
    budgets.wrong_since = budgets.wrong_since.saturating_add(1);
}

/// Takes note of an accepted answer: the row of wrong ones ends, and a remote source becomes a
/// known one. No budget is refilled: not this share's and no other's.
pub fn note_accept(budgets: &mut Budgets, share: Share, origin: Origin, at: &At<'_>) {
    of_mut(budgets, share).in_a_row = 0;
    budgets.wrong_since = 0;
    let Origin::Remote(Some(hash)) = origin else { return };
    budgets.sources.retain(|source| source.hash != hash);
    budgets.sources.push(Source { hash, seen: at.uptime.0 });
    let surplus = budgets.sources.len().saturating_sub(MOST_SOURCES);
    budgets.sources.drain(..surplus);
}

/// Refills the budget of one share, or of all: what `fobctl unlock` does.
pub fn unlock(budgets: &mut Budgets, share: Option<Share>) {
    for name in Share::ALL {
        if share.is_none_or(|share| share == name) {
            *of_mut(budgets, name) = Budget::default();
        }
    }
}

/// Returns how many wrong codes a share may cost in a day and in 30 days.
fn limits(rank: Rank, at: &At<'_>) -> (u32, u32) {
    match rank {
        Rank::Root => (at.policy.root_wrong_per_day, at.policy.root_wrong_per_month),
        Rank::User => (at.policy.wrong_per_day, at.policy.wrong_per_month),
    }
}

/// Returns the seconds until fewer than `limit` wrong codes lie within `window`; 0 if that is so.
fn rest(budget: &Budget, window: u64, limit: u32, uptime: Uptime) -> u64 {
    let inside: Vec<u64> =
        budget.wrong.iter().map(|stamp| age(*stamp, uptime)).filter(|age| *age < window).collect();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let Some(leave) = (inside.len() + 1).checked_sub(limit.max(1)).filter(|leave| *leave > 0)
    else {
        return 0;
    };
    // The oldest stand first; so many of them have to leave the window.
    inside.get(leave - 1).map_or(0, |age| window - age)
}

/// Returns how long ago a stamp was. One in the future was written before a restore: it is new.
fn age(stamp: u64, uptime: Uptime) -> u64 {
    uptime.0.saturating_sub(stamp)
}

#[cfg(test)]
mod tests;
