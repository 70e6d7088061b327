//! Could this token, which nobody has, have shown that code? For a token whose label is gone.
//!
//! Nothing is accepted by the answer and nothing is spent. A token that somebody has is never
//! searched: the answer would tell whether a code of his is right.

use std::ops::RangeInclusive;

use fob_api::Code;

use crate::{
    decide::{
        At, Opened,
        pair::{self, Reach, TimedPair},
    },
    record::{Moving, Standing, Token},
    totp::PairSearch,
};

/// What the token in the hand has shown.
#[derive(Clone)]
pub enum Shown {
    /// One code. Of a million codes some fit other tokens by chance: as many as there are tokens,
    /// times the steps that are searched.
    Code(Code),
    /// Two in a row, which by chance fit hardly any.
    Pair(TimedPair),
}

/// How far from the host's time the token's clock may be. The numbers are those of
/// [`pair`], for clocks drift here as they do there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Breadth {
    /// As inside a sign-in: ±10 min; of a token with a button the next few counters.
    Near,
    /// As an administrator's pair: ±2 h; a thousand counters.
    Wide,
}

/// Tells whether a token may be searched at all.
#[must_use]
pub fn is_nobodys(token: &Token) -> bool {
    !matches!(token.standing, Standing::Assigned(_))
}

/// Tells whether the token could have shown that. Codes of spent steps count as well: that a token
/// was used before does not make it another one.
#[must_use]
pub fn could_show(opened: &Opened<'_>, shown: &Shown, breadth: Breadth, at: &At<'_>) -> bool {
    if !is_nobodys(opened.token) {
        return false;
    }
    let ranges = ranges(opened, breadth, at);
    match shown {
        Shown::Code(code) => {
            ranges.into_iter().any(|range| !opened.generator.search(code, range).is_empty())
        }
        Shown::Pair(timed) => pair::search(opened, timed, &ranges) != PairSearch::Nothing,
    }
}

/// Returns the steps that are searched; none overlaps another.
fn ranges(opened: &Opened<'_>, breadth: Breadth, at: &At<'_>) -> Vec<RangeInclusive<u64>> {
    let reach = match breadth {
        Breadth::Near => Reach::Prompt,
        Breadth::Wide => Reach::Administrator,
    };
    match opened.token.parameters.moving {
        Moving::Time { period } => pair::both(opened, period, reach, at),
        Moving::Counter { next } => {
            let next = opened.state.last_step.map_or(next, |step| step.saturating_add(1).max(next));
            let ahead = match breadth {
                Breadth::Near => at.policy.look_ahead,
                Breadth::Wide => at.policy.pair_look_ahead,
            };
            vec![next..=next.saturating_add(ahead)]
        }
    }
}

#[cfg(test)]
mod tests;
