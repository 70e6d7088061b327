//! The shipped code: `fobd::decide`, through the functions that the engine calls, with the codes
//! of a SoftToken.

use fob_api::{Code, CodePair, Serial, Verdict};
use fobd::{
    decide::{
        At, HostClock, Now, Opened, Policy, Uptime,
        assign::{self, Recipient},
        pair::{Reach, TimedPair},
        resync::{self, Asker},
        throttle::{Origin, Rank, pairs::Turn},
        verify::{self, Attempt, Claim, Earlier, Typed},
    },
    record::{Owner, Spray, State, Token, UserTokens},
};

use super::{Follower, Shown};
use crate::{simulation::stock::Stocked, soft_token::SoftToken};

/// A token as fobd has it, and the same in the hand.
pub(super) struct Shipped {
    hand: SoftToken,
    serial: Serial,
    stocked: Stocked,
    token: Token,
    state: State,
}

impl Shipped {
    /// Puts a token in stock.
    pub(super) fn new(serial: &str) -> Option<Self> {
        let hand = SoftToken::with_clock(serial);
        let stocked = Stocked::of(&hand)?;
        let serial = Serial::parse(serial).ok()?;
        let (token, state) = (stocked.token.clone(), State::default());
        Some(Self { hand, serial, stocked, token, state })
    }

    fn opened(&self) -> Opened<'_> {
        self.stocked.opened(&self.token, &self.state)
    }

    fn code(&self, shown: Shown) -> Option<Code> {
        Code::parse(&self.hand.code_of(shown.step)).ok()
    }

    fn pair(&self, [first, second]: [Shown; 2]) -> Option<TimedPair> {
        let pair = CodePair::new(self.code(first)?, self.code(second)?).ok()?;
        Some(TimedPair { pair, elapsed: elapsed([first, second]) })
    }

    /// Tries a code of the owner at the console, and keeps what the decision changes.
    fn enter(&mut self, code: &Code, earlier: Option<Earlier<'_>>, arrival: u64) -> bool {
        let attempt = Attempt {
            typed: Typed::Code(code),
            claim: Claim::Owner,
            origin: Origin::Console,
            from: None,
            rank: Rank::User,
            earlier,
            turn: Turn::Fresh,
            spray: &Spray::default(),
        };
        let decision = verify::verify(&self.opened(), &attempt, &at(arrival));
        if let Some(state) = decision.change {
            self.state = state;
        }
        decision.verdict == Verdict::Accept
    }

    /// Assigns the token; `None` if that is refused.
    fn give(&self, pair: [Shown; 2]) -> Option<(Token, State)> {
        let owner = Owner { uid: 1000, name: "alice".to_owned() };
        let recipient =
            Recipient { owner: &owner, tokens: &UserTokens::default(), serial_again: None };
        let (timed, [_, second]) = (self.pair(pair)?, pair);
        let proof = (&timed, Reach::Administrator);
        let done = assign::assign(&self.opened(), &recipient, proof, &at(second.arrival)).ok()?;
        Some((done.token, done.state))
    }
}

impl Follower for Shipped {
    fn assign(&mut self, pair: [Shown; 2]) {
        if let Some((token, state)) = self.give(pair) {
            (self.token, self.state) = (token, state);
        }
    }

    fn accepts(&mut self, code: Shown) -> bool {
        let typed = self.code(code);
        typed.is_some_and(|typed| self.enter(&typed, None, code.arrival))
    }

    /// Types the next code at the prompt; the two are a pair there. If that is refused, too, the
    /// token is resynced by its user, which does not count as mended.
    fn accepts_next(&mut self, pair: [Shown; 2]) -> bool {
        let [first, next] = pair;
        let (Some(refused), Some(typed)) = (self.code(first), self.code(next)) else {
            return false;
        };
        let earlier =
            Some(Earlier { code: &refused, age: elapsed(pair), paid: Some(elapsed(pair)) });
        if self.enter(&typed, earlier, next.arrival) {
            return true;
        }
        if let Some(timed) = self.pair(pair) {
            let (proof, at) = ((&timed, Reach::Own), at(next.arrival));
            let decision = resync::resync(&self.opened(), &self.serial, proof, Asker::Owner, &at);
            self.state = decision.change.unwrap_or_else(|| self.state.clone());
        }
        false
    }

    fn codes(&self, arrival: u64) -> u64 {
        let window = verify::window(&self.token, &self.state, Now(arrival), &Policy::DEFAULT);
        window.end() - window.start() + 1
    }
}

fn elapsed([first, second]: [Shown; 2]) -> u32 {
    u32::try_from(second.arrival.saturating_sub(first.arrival)).unwrap_or(u32::MAX)
}

/// Returns the moment of a decision on a host whose clock is right.
fn at(arrival: u64) -> At<'static> {
    At {
        now: Now(arrival),
        uptime: Uptime(arrival),
        host_clock: HostClock::Synchronised,
        fence: None,
        doubt: None,
        policy: &Policy::DEFAULT,
    }
}
