//! A year of guessing at one user after the other: `fobd::decide` with a guesser who tries a code
//! as soon as one is taken, and an owner who signs in every day.

use fob_api::{Code, CodePair, Verdict};
use fobd::{
    decide::{
        At, HostClock, Now, Policy, Uptime,
        assign::{self, Recipient},
        pair::{Reach, TimedPair},
        throttle::{self, Left, Origin, Rank, pairs::Turn},
        verify::{self, Attempt, Claim, Typed},
    },
    record::{Owner, Spray, State, Token, UserTokens},
};

use crate::{
    simulation::{random::Random, stock::Stocked},
    soft_token::SoftToken,
};

/// When the year begins: a day of the year 2024.
const START: u64 = 1_710_000_000;
const DAY: u64 = 86_400;
/// Sources from which the guesser comes.
const SOURCES: u64 = 1_000;

/// Who is guessed at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    /// root, with stricter budgets.
    Root,
    /// A user.
    User,
}

impl Target {
    /// Returns how a table calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::User => "a user",
        }
    }

    pub(super) fn uid(self) -> u32 {
        match self {
            Self::Root => 0,
            Self::User => 1000,
        }
    }
}

/// What the years were like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Year {
    /// Users, a year each.
    pub users: u64,
    /// The guesser's codes that were tried.
    pub tried: u64,
    /// Users whose code was guessed.
    pub hits: u64,
    /// The owners' sign-ins.
    pub owner: u64,
    /// Those of them that were refused.
    pub refused: u64,
}

/// Guesses for a year at each of so many users; `None` if a token could not be assigned.
#[must_use]
pub fn guess(target: Target, users: u64, seed: u64) -> Option<Year> {
    let mut year = Year { users, ..Year::default() };
    for user in 0..users {
        Victim::new(target, user)?.suffer(&mut Random::new(seed, user), &mut year);
    }
    Some(year)
}

/// A user with a token.
struct Victim {
    hand: SoftToken,
    stocked: Stocked,
    token: Token,
    state: State,
    rank: Rank,
}

impl Victim {
    fn new(target: Target, user: u64) -> Option<Self> {
        let mut hand = SoftToken::with_clock(&format!("G{user}"));
        let stocked = Stocked::of(&hand)?;
        let owner = Owner { uid: target.uid(), name: "alice".to_owned() };
        let again = Some(hand.serial().to_owned());
        let recipient = Recipient {
            owner: &owner,
            tokens: &UserTokens::default(),
            serial_again: again.as_deref(),
        };
        let [first, second] = hand.show_pair(START - 6).map(|code| Code::parse(&code).ok());
        let pair = CodePair::new(first?, second?).ok()?;
        let timed = TimedPair { pair, elapsed: 30 };
        let (state, at) = (State::default(), at(START));
        let opened = stocked.opened(&stocked.token, &state);
        let proof = (&timed, Reach::Administrator);
        let done = assign::assign(&opened, &recipient, proof, &at).ok()?;
        let (token, state, rank) = (done.token, done.state, Rank::of(target.uid()));
        Some(Self { hand, stocked, token, state, rank })
    }

    /// Lives through a year.
    fn suffer(&mut self, random: &mut Random, year: &mut Year) {
        let mut next = START + 1;
        for day in 1..=365 {
            let morning = START + day * DAY;
            while next < morning {
                match self.guessed(random, next, year) {
                    Some(pause) => next += pause,
                    None => return,
                }
            }
            year.owner += 1;
            let right = match day % 7 {
                // From somewhere new, with two codes: that ends the guesser's row of wrong ones.
                0 => self.signs_in_from_afar(day, morning),
                _ => self.signs_in(morning),
            };
            year.refused += u64::from(!right);
        }
    }

    /// Tries one guess; returns the seconds until the next that is taken, `None` after a hit.
    fn guessed(&mut self, random: &mut Random, now: u64, year: &mut Year) -> Option<u64> {
        let digits = format!("{:06}", random.number() % 1_000_000);
        let source = (random.number() % SOURCES).to_be_bytes();
        let code = Code::parse(&digits).ok()?;
        let at = at(now);
        let (verdict, tried) = self.answer(Origin::Remote(Some(source)), Typed::Code(&code), &at);
        if verdict == Verdict::Accept {
            year.hits += 1;
            return None;
        }
        year.tried += u64::from(tried);
        match throttle::left(&self.state.budgets.unknown, self.rank, &at) {
            Left::Some => Some(1),
            Left::NothingFor(seconds) => Some(seconds),
            // Only the owner's pair helps the guesser now.
            Left::NothingUntilPair => Some(DAY),
        }
    }

    /// Signs the owner in at the console with the code on the display.
    fn signs_in(&mut self, now: u64) -> bool {
        let Ok(code) = Code::parse(&self.hand.code_at(now - 6)) else { return false };
        self.answer(Origin::Console, Typed::Code(&code), &at(now)).0 == Verdict::Accept
    }

    /// Signs the owner in over the network from a new address.
    fn signs_in_from_afar(&mut self, day: u64, now: u64) -> bool {
        let codes = [now - 36, now - 6].map(|time| Code::parse(&self.hand.code_at(time)).ok());
        let [Some(first), Some(second)] = codes else { return false };
        let Ok(pair) = CodePair::new(first, second) else { return false };
        let origin = Origin::Remote(Some((SOURCES + day).to_be_bytes()));
        self.answer(origin, Typed::Pair(&pair), &at(now)).0 == Verdict::Accept
    }

    /// Decides on an answer and keeps the change; tells whether it was tried.
    fn answer(&mut self, origin: Origin, typed: Typed<'_>, at: &At<'_>) -> (Verdict, bool) {
        let attempt = Attempt {
            typed,
            claim: Claim::Owner,
            origin,
            from: None,
            rank: self.rank,
            earlier: None,
            turn: Turn::Fresh,
            spray: &Spray::default(),
        };
        let opened = self.stocked.opened(&self.token, &self.state);
        let decision = verify::verify(&opened, &attempt, at);
        let tried = decision.change.is_some();
        if let Some(state) = decision.change {
            self.state = state;
        }
        (decision.verdict, tried)
    }
}

/// Returns the moment of a decision on a host whose clock is right.
fn at(now: u64) -> At<'static> {
    At {
        now: Now(now),
        uptime: Uptime(now),
        host_clock: HostClock::Synchronised,
        fence: None,
        doubt: None,
        policy: &Policy::DEFAULT,
    }
}
