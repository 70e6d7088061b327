//! How many refusals of one caller are told one by one. Pure: time is a parameter.
//!
//! The journal drops lines of a unit that says too much (journald.conf(5), RateLimitBurst=, 10 000
//! in 30 s), whoever is the cause: a user who is refused over and over must not be able to drop
//! the lines about others.

use std::collections::BTreeMap;

/// Refusals of one caller that are told in a minute: more than a person's mistakes.
const TOLD: u32 = 10;
/// Seconds after which a caller's refusals are told again.
const MINUTE: u64 = 60;
/// Callers that are told apart: 256 of them fill a quarter of journald's burst in 30 s. The rest
/// are counted as one.
const CALLERS: usize = 256;

/// What is said of a refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Said {
    /// Its own event is told.
    Told,
    /// It is counted; a later event tells how many.
    Counted,
}

/// Refusals that were counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Counted {
    /// Whose; `None` for all callers who were too many to be told apart.
    pub caller: Option<u32>,
    /// How many.
    pub count: u64,
    /// In how many seconds.
    pub seconds: u64,
}

/// The refusals of a caller since his minute began.
#[derive(Clone, Copy, Debug)]
struct Minute {
    began: u64,
    told: u32,
    counted: u64,
}

/// The refusals of the last minute.
#[derive(Debug, Default)]
pub struct Quiet(BTreeMap<Option<u32>, Minute>);

impl Quiet {
    /// Takes down a refusal of a caller at this uptime in seconds.
    pub fn refused(&mut self, caller: u32, uptime: u64) -> Said {
        let caller = Some(caller);
        let is_known = self.0.contains_key(&caller) || self.0.len() < CALLERS;
        let key = if is_known { caller } else { None };
        let fresh = Minute { began: uptime, told: 0, counted: 0 };
        let minute = self.0.entry(key).or_insert(fresh);
        if minute.told < TOLD {
            minute.told += 1;
            return Said::Told;
        }
        minute.counted += 1;
        Said::Counted
    }

    /// Ends the minutes that are over and returns what was counted in them. To be called before
    /// [`Quiet::refused`], and from time to time.
    pub fn over(&mut self, uptime: u64) -> Vec<Counted> {
        self.end(|minute| uptime.saturating_sub(minute.began) >= MINUTE, uptime)
    }

    /// Ends all minutes: nobody will ask any more.
    pub fn last(&mut self, uptime: u64) -> Vec<Counted> {
        self.end(|_| true, uptime)
    }

    fn end(&mut self, is_over: impl Fn(&Minute) -> bool, uptime: u64) -> Vec<Counted> {
        let mut counted = Vec::new();
        self.0.retain(|caller, minute| {
            if !is_over(minute) {
                return true;
            }
            if minute.counted > 0 {
                let seconds = uptime.saturating_sub(minute.began);
                counted.push(Counted { caller: *caller, count: minute.counted, seconds });
            }
            false
        });
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::{CALLERS, Counted, Quiet, Said, TOLD};

    #[test]
    fn a_callers_first_refusals_of_a_minute_are_told_and_the_rest_counted() {
        let mut quiet = Quiet::default();
        let said: Vec<Said> = (0..1000).map(|_| quiet.refused(1000, 5)).collect();
        assert_eq!(said.iter().filter(|said| **said == Said::Told).count(), TOLD as usize);
        assert!(quiet.over(64).is_empty());
        let summary = Counted { caller: Some(1000), count: 990, seconds: 60 };
        assert_eq!(quiet.over(65), [summary]);
        assert!(quiet.over(200).is_empty(), "it is told once");
        assert_eq!(quiet.refused(1000, 65), Said::Told);
    }

    #[test]
    fn one_callers_refusals_do_not_silence_anothers() {
        let mut quiet = Quiet::default();
        (0..1000).for_each(|_| _ = quiet.refused(1000, 0));
        assert_eq!(quiet.refused(1001, 0), Said::Told);
    }

    #[test]
    fn who_was_refused_a_few_times_has_no_summary() {
        let mut quiet = Quiet::default();
        quiet.refused(1000, 0);
        assert!(quiet.last(1).is_empty());
    }

    #[test]
    fn many_callers_are_counted_as_one() {
        let mut quiet = Quiet::default();
        let told = (0..100_000).filter(|uid| quiet.refused(*uid, 0) == Said::Told).count();
        assert_eq!(told, CALLERS + TOLD as usize);
        let count = (100_000 - told) as u64;
        assert_eq!(quiet.last(1), [Counted { caller: None, count, seconds: 1 }]);
    }
}
