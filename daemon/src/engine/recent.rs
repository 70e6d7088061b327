//! What is remembered of refused answers while the daemon runs: the last code of a user and
//! source, for the pair that it may become, and when the source tried a pair. Losing it costs
//! somebody one more code; no budget depends on it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use fob_api::Code;

use crate::decide::{
    Uptime,
    throttle::pairs::{FRESH, Turn},
};

/// Most users and sources that are remembered. A flood from more of them pushes the oldest out,
/// 4096 for three minutes being 22 a second.
const MOST: usize = 4096;

/// A user and a source, as a keyed hash.
pub(super) type Visit = [u8; 16];

/// What is remembered of one visit.
#[derive(Default)]
struct Trail {
    code: Option<Refused>,
    pair: Option<Uptime>,
    latest: Uptime,
}

/// A refused code.
struct Refused {
    code: Code,
    seen: Uptime,
    /// When it was counted the last time, if it ever was.
    paid: Option<Uptime>,
}

/// A refused code, with the seconds since it was seen, and since it was counted if it was.
pub(super) type Remembered = (Code, u32, Option<u32>);

/// Whether a refused code has just been counted.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Price {
    /// It was not: it was not tried, or it was counted before.
    Free,
    /// It was.
    Paid,
}

/// Remembers refused answers.
#[derive(Default)]
pub(super) struct Recent {
    trails: Mutex<HashMap<Visit, Trail>>,
}

impl Recent {
    /// Returns the last refused code of a visit and the seconds since then; `None` if there is
    /// none, or it is older than `patience` seconds.
    pub(super) fn earlier(&self, visit: &Visit, now: Uptime, patience: u32) -> Option<Remembered> {
        let since = |then: Uptime| u32::try_from(now.0.saturating_sub(then.0)).unwrap_or(u32::MAX);
        self.with(|trails| {
            let refused = trails.get(visit)?.code.as_ref()?;
            let age = since(refused.seen);
            (age <= patience).then(|| (refused.code.clone(), age, refused.paid.map(since)))
        })
    }

    /// Remembers a refused code. Repeating one does not make its price any younger.
    pub(super) fn refused(&self, visit: Visit, code: &Code, now: Uptime, price: Price) {
        self.with(|trails| {
            let trail = trail(trails, visit, now);
            let before = trail.code.take().filter(|before| before.code.is_same_as(code));
            let paid = match price {
                Price::Paid => Some(now),
                Price::Free => before.and_then(|before| before.paid),
            };
            trail.code = Some(Refused { code: code.clone(), seen: now, paid });
        });
    }

    /// Forgets the code of a visit: it, or a later one, was accepted, or is to be tried again.
    pub(super) fn forget(&self, visit: &Visit) {
        self.with(|trails| {
            if let Some(trail) = trails.get_mut(visit) {
                trail.code = None;
            }
        });
    }

    /// Takes a visit's turn to try a pair. `pause` is in seconds. Of two at once one is too early.
    pub(super) fn take_turn(&self, visit: Visit, now: Uptime, pause: u32) -> (Turn, Lent<'_>) {
        let (turn, back) = self.with(|trails| {
            let trail = trail(trails, visit, now);
            let before = GiveBack { before: trail.pair, taken: now };
            let gone = trail.pair.map(|then| now.0.saturating_sub(then.0));
            let turn = match gone {
                Some(gone) if gone < u64::from(pause) => {
                    let left = u64::from(pause) - gone;
                    return (Turn::TooEarly(u32::try_from(left).unwrap_or(pause)), None);
                }
                Some(gone) if gone < FRESH => Turn::Again,
                _ => Turn::Fresh,
            };
            trail.pair = Some(now);
            (turn, Some(before))
        });
        (turn, Lent { recent: self, visit, back })
    }

    /// Gives a turn back that was not used: the pair was not tried. A later turn stays taken.
    fn give_back(&self, visit: &Visit, turn: GiveBack) {
        self.with(|trails| {
            if let Some(trail) = trails.get_mut(visit)
                && trail.pair == Some(turn.taken)
            {
                trail.pair = turn.before;
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<Visit, Trail>) -> T) -> T {
        // No work of this file leaves a trail half done.
        work(&mut self.trails.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A visit's turn to try a pair. Dropped, it is given back: whoever goes away before his pair is
/// tried has not used it. What a tried pair costs is on the disk, whatever becomes of the turn.
#[must_use = "a turn that is not kept is given back"]
pub(super) struct Lent<'a> {
    recent: &'a Recent,
    visit: Visit,
    /// None if there is nothing to give back.
    back: Option<GiveBack>,
}

impl Lent<'_> {
    /// Keeps the turn: a pair was tried.
    pub(super) fn keep(mut self) {
        self.back = None;
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(back) = self.back {
            self.recent.give_back(&self.visit, back);
        }
    }
}

/// What a turn is given back by.
#[derive(Clone, Copy)]
struct GiveBack {
    /// When the visit tried a pair before.
    before: Option<Uptime>,
    /// When it took this turn.
    taken: Uptime,
}

/// Returns the trail of a visit, and makes room for a new one: made-up names, which never try a
/// pair, go before sources that did.
fn trail(trails: &mut HashMap<Visit, Trail>, visit: Visit, now: Uptime) -> &mut Trail {
    if trails.len() >= MOST && !trails.contains_key(&visit) {
        trails.retain(|_, trail| now.0.saturating_sub(trail.latest.0) < FRESH);
        let oldest = trails.iter().min_by_key(|(_, trail)| (trail.pair.is_some(), trail.latest));
        let oldest = oldest.map(|(visit, _)| *visit);
        if let Some(oldest) = oldest.filter(|_| trails.len() >= MOST) {
            trails.remove(&oldest);
        }
    }
    let trail = trails.entry(visit).or_default();
    trail.latest = now;
    trail
}

#[cfg(test)]
mod tests {
    use fob_api::Code;

    use super::{MOST, Price, Recent};
    use crate::decide::{Uptime, throttle::pairs::Turn};

    fn visit(n: u16) -> [u8; 16] {
        let mut visit = [0; 16];
        visit[..2].copy_from_slice(&n.to_be_bytes());
        visit
    }

    fn code(text: &str) -> Code {
        Code::parse(text).unwrap()
    }

    #[test]
    fn a_refused_code_is_remembered_for_its_own_visit_until_patience_ends() {
        let recent = Recent::default();
        recent.refused(visit(1), &code("111111"), Uptime(100), Price::Paid);
        assert_eq!(recent.earlier(&visit(1), Uptime(280), 180).map(|(_, age, _)| age), Some(180));
        assert!(recent.earlier(&visit(1), Uptime(281), 180).is_none());
        assert!(recent.earlier(&visit(2), Uptime(100), 180).is_none());
    }

    #[test]
    fn repeating_a_code_does_not_make_its_price_younger_and_another_one_has_none() {
        let recent = Recent::default();
        let paid = |now| recent.earlier(&visit(1), Uptime(now), 180).unwrap().2;
        recent.refused(visit(1), &code("111111"), Uptime(100), Price::Paid);
        recent.refused(visit(1), &code("111111"), Uptime(150), Price::Free);
        assert_eq!(paid(160), Some(60));
        recent.refused(visit(1), &code("222222"), Uptime(170), Price::Free);
        assert_eq!(paid(170), None);
    }

    #[test]
    fn a_turn_that_another_one_followed_is_not_given_back() {
        let recent = Recent::default();
        let (_, first) = recent.take_turn(visit(1), Uptime(100), 10);
        recent.take_turn(visit(1), Uptime(110), 10).1.keep();
        drop(first);
        assert_eq!(recent.take_turn(visit(1), Uptime(115), 10).0, Turn::TooEarly(5));
    }

    #[test]
    fn an_accepted_code_ends_the_memory_of_the_one_before() {
        let recent = Recent::default();
        recent.refused(visit(1), &code("111111"), Uptime(100), Price::Paid);
        recent.forget(&visit(1));
        assert!(recent.earlier(&visit(1), Uptime(100), 180).is_none());
    }

    #[test]
    fn a_source_takes_turns_and_is_fresh_again_after_ten_minutes() {
        let recent = Recent::default();
        let turn = |at| {
            let (turn, lent) = recent.take_turn(visit(1), Uptime(at), 10);
            lent.keep();
            turn
        };
        assert_eq!(turn(100), Turn::Fresh);
        assert_eq!(turn(103), Turn::TooEarly(7));
        assert_eq!(turn(110), Turn::Again);
        assert_eq!(turn(710), Turn::Fresh);
    }

    #[test]
    fn a_turn_that_was_given_back_was_not_taken() {
        let recent = Recent::default();
        let (turn, lent) = recent.take_turn(visit(1), Uptime(100), 10);
        assert_eq!(turn, Turn::Fresh);
        drop(lent);
        assert_eq!(recent.take_turn(visit(1), Uptime(101), 10).0, Turn::Fresh);
    }

    #[test]
    fn a_flood_of_visits_pushes_the_oldest_out_and_takes_no_more_room() {
        let recent = Recent::default();
        recent.refused(visit(9_999), &code("111111"), Uptime(0), Price::Paid);
        for n in 0..u16::try_from(MOST).unwrap() {
            recent.refused(visit(n), &code("111111"), Uptime(1), Price::Paid);
        }
        assert_eq!(recent.with(|trails| trails.len()), MOST);
        assert!(recent.earlier(&visit(9_999), Uptime(1), 180).is_none());
        assert!(recent.earlier(&visit(1), Uptime(1), 180).is_some());
    }
}
