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
    code: Option<(Code, Uptime)>,
    pair: Option<Uptime>,
    latest: Uptime,
}

/// Remembers refused answers.
#[derive(Default)]
pub(super) struct Recent {
    trails: Mutex<HashMap<Visit, Trail>>,
}

impl Recent {
    /// Returns the last refused code of a visit and the seconds since then; `None` if there is
    /// none, or it is older than `patience` seconds.
    pub(super) fn earlier(&self, visit: &Visit, now: Uptime, patience: u32) -> Option<(Code, u32)> {
        self.with(|trails| {
            let (code, then) = trails.get(visit)?.code.as_ref()?;
            let age = u32::try_from(now.0.saturating_sub(then.0)).unwrap_or(u32::MAX);
            (age <= patience).then(|| (code.clone(), age))
        })
    }

    /// Remembers a refused code.
    pub(super) fn refused(&self, visit: Visit, code: &Code, now: Uptime) {
        self.with(|trails| trail(trails, visit, now).code = Some((code.clone(), now)));
    }

    /// Forgets the code of a visit: it, or a later one, was accepted.
    pub(super) fn accepted(&self, visit: &Visit) {
        self.with(|trails| {
            if let Some(trail) = trails.get_mut(visit) {
                trail.code = None;
            }
        });
    }

    /// Takes a visit's turn to try a pair, to be given back if it is not used. `pause` is in
    /// seconds. Of two at once one is too early.
    pub(super) fn take_turn(
        &self,
        visit: Visit,
        now: Uptime,
        pause: u32,
    ) -> (Turn, Option<GiveBack>) {
        self.with(|trails| {
            let trail = trail(trails, visit, now);
            let before = GiveBack(trail.pair);
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
        })
    }

    /// Gives a turn back that was not used: the pair was not tried.
    pub(super) fn give_back(&self, visit: &Visit, before: GiveBack) {
        self.with(|trails| {
            if let Some(trail) = trails.get_mut(visit) {
                trail.pair = before.0;
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<Visit, Trail>) -> T) -> T {
        // No work of this file leaves a trail half done.
        work(&mut self.trails.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// When a visit tried a pair before this turn.
#[derive(Clone, Copy)]
pub(super) struct GiveBack(Option<Uptime>);

/// Returns the trail of a visit, and makes room for a new one.
fn trail(trails: &mut HashMap<Visit, Trail>, visit: Visit, now: Uptime) -> &mut Trail {
    if trails.len() >= MOST && !trails.contains_key(&visit) {
        trails.retain(|_, trail| now.0.saturating_sub(trail.latest.0) < FRESH);
        let oldest = trails.iter().min_by_key(|(_, trail)| trail.latest).map(|(visit, _)| *visit);
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

    use super::{MOST, Recent};
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
        recent.refused(visit(1), &code("111111"), Uptime(100));
        assert_eq!(recent.earlier(&visit(1), Uptime(280), 180).map(|(_, age)| age), Some(180));
        assert!(recent.earlier(&visit(1), Uptime(281), 180).is_none());
        assert!(recent.earlier(&visit(2), Uptime(100), 180).is_none());
    }

    #[test]
    fn an_accepted_code_ends_the_memory_of_the_one_before() {
        let recent = Recent::default();
        recent.refused(visit(1), &code("111111"), Uptime(100));
        recent.accepted(&visit(1));
        assert!(recent.earlier(&visit(1), Uptime(100), 180).is_none());
    }

    #[test]
    fn a_source_takes_turns_and_is_fresh_again_after_ten_minutes() {
        let recent = Recent::default();
        let turn = |at| recent.take_turn(visit(1), Uptime(at), 10).0;
        assert_eq!(turn(100), Turn::Fresh);
        assert_eq!(turn(103), Turn::TooEarly(7));
        assert_eq!(turn(110), Turn::Again);
        assert_eq!(turn(710), Turn::Fresh);
    }

    #[test]
    fn a_turn_that_was_given_back_was_not_taken() {
        let recent = Recent::default();
        let (turn, before) = recent.take_turn(visit(1), Uptime(100), 10);
        assert_eq!(turn, Turn::Fresh);
        recent.give_back(&visit(1), before.unwrap());
        assert_eq!(recent.take_turn(visit(1), Uptime(101), 10).0, Turn::Fresh);
    }

    #[test]
    fn a_flood_of_visits_pushes_the_oldest_out_and_takes_no_more_room() {
        let recent = Recent::default();
        recent.refused(visit(9_999), &code("111111"), Uptime(0));
        for n in 0..u16::try_from(MOST).unwrap() {
            recent.refused(visit(n), &code("111111"), Uptime(1));
        }
        assert_eq!(recent.with(|trails| trails.len()), MOST);
        assert!(recent.earlier(&visit(9_999), Uptime(1), 180).is_none());
        assert!(recent.earlier(&visit(1), Uptime(1), 180).is_some());
    }
}
