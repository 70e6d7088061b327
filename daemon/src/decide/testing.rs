//! Records for the tests of this room, a token held in the hand, and whole lives of two tokens.

use fob_api::{Code, CodePair, Error, Fate, Serial, Verdict};

use proptest::{
    prelude::{ProptestConfig, Strategy},
    test_runner::{RngAlgorithm, TestCaseError, TestRng, TestRunner},
};

use crate::{
    decide::{
        At, HostClock, Now, Opened, Policy, Uptime,
        assign::{self, Recipient},
        import::{self, Admission, Candidate, Expiry, Known},
        pair::{Reach, TimedPair},
        remove::{self, RootGuard},
        resync::{self, Asker},
        rotate::{self, Outgoing},
        throttle::{Origin, Rank, pairs::Turn},
        verify::{self, Attempt, Typed},
    },
    record::{
        Algorithm, ClockState, Moving, Owner, Parameters, SealedSeed, Seed, Spray, Standing, State,
        Token, Trace, UserTokens,
    },
    seed::Place,
    totp::Generator,
};

/// A step of the year 2024.
pub(super) const STEP: u64 = 57_000_000;
/// When the code of [`STEP`] arrives, read in the middle of the step and typed within 6 s.
pub(super) const NOW: Now = Now(STEP * 30 + 15 + 6);
/// A token that shows 6 digits for 30 s, the usual one.
pub(super) const CLOCK: Parameters =
    Parameters { algorithm: Algorithm::Sha1, digits: 6, moving: Moving::Time { period: 30 } };
/// The seed of RFC 4226 appendix D.
pub(super) const SEED: &[u8] = b"12345678901234567890";

/// A token, with what the store has about it. It is in stock and was never used.
pub(super) struct SoftToken {
    pub(super) token: Token,
    pub(super) state: State,
    generator: Generator,
}

impl SoftToken {
    pub(super) fn new(serial: &str, seed: &[u8], parameters: Parameters) -> Self {
        let token = Token {
            serial: serial.to_owned(),
            standing: Standing::Stock,
            epoch: 7,
            parameters,
            seed: SealedSeed { sealed: seed.to_vec(), ..SealedSeed::default() },
            fingerprint: [seed[0]; 32],
            imported: 1_600_000_000,
            manufacturer: Some("Example".to_owned()),
            model: None,
            batch: None,
        };
        let generator = Generator::new(&Seed::new(seed.to_vec()).unwrap(), &parameters).unwrap();
        Self { token, state: State::default(), generator }
    }

    pub(super) fn clock() -> Self {
        Self::new("8a1172", SEED, CLOCK)
    }

    pub(super) fn clock_of(period: u32) -> Self {
        Self::new("8a1172", SEED, Parameters { moving: Moving::Time { period }, ..CLOCK })
    }

    pub(super) fn button(next: u64) -> Self {
        Self::new("8a1172", SEED, Parameters { moving: Moving::Counter { next }, ..CLOCK })
    }

    pub(super) fn other() -> Self {
        Self::new("8A1173", b"a second token's seed", CLOCK)
    }

    pub(super) fn standing(mut self, standing: Standing) -> Self {
        self.token.standing = standing;
        self
    }

    pub(super) fn spent(mut self, step: u64) -> Self {
        self.state.last_step = Some(step);
        self
    }

    /// Gives the token a clock that is known well: so far ahead at [`NOW`], and at no rate.
    pub(super) fn ahead(mut self, drift: f64) -> Self {
        self.state.clock = Some(known(drift));
        self
    }

    pub(super) fn opened(&self) -> Opened<'_> {
        Opened { token: &self.token, state: &self.state, generator: &self.generator }
    }

    pub(super) fn serial(&self) -> Serial {
        Serial::parse(&self.token.serial).unwrap()
    }

    pub(super) fn code(&self, step: u64) -> Code {
        self.generator.code(step)
    }

    /// Returns a code that the token shows in none of the 41 steps around `step`.
    pub(super) fn never_shown(&self, step: u64) -> Code {
        let around = step.saturating_sub(20)..=step.saturating_add(20);
        let codes = (0..).map(|n| code(&format!("{n:06}")));
        codes.into_iter().find(|c| self.generator.search(c, around.clone()).is_empty()).unwrap()
    }

    pub(super) fn pair(&self, first: u64, second: u64, elapsed: u32) -> TimedPair {
        let pair = CodePair { first: self.code(first), second: self.code(second) };
        TimedPair { pair, elapsed }
    }

    /// Decides on a code that somebody types for the owner.
    pub(super) fn try_code(&self, code: &Code, origin: Origin, now: Now) -> verify::Decision {
        self.attempt(&Attempt { origin, ..typed(Typed::Code(code)) }, &at(now))
    }

    /// Decides on an attempt.
    pub(super) fn attempt(&self, attempt: &Attempt<'_>, at: &At<'_>) -> verify::Decision {
        verify::verify(&self.opened(), attempt, at)
    }

    /// Decides on a code that root's programs pass on, and keeps the change.
    pub(super) fn enter(&mut self, code: &Code, now: Now) -> Verdict {
        let decision = self.try_code(code, Origin::Console, now);
        self.state = decision.change.unwrap_or(self.state.clone());
        decision.verdict
    }
}

/// What unknown sources have cost where they cost nothing yet.
static NO_SPRAY: Spray = Spray { hour: 0, wrong: [0; 24], attempt: [0; 16] };

/// Returns an attempt of an ordinary owner at the console, without a code before it.
pub(super) fn typed(typed: Typed<'_>) -> Attempt<'_> {
    Attempt {
        typed,
        claim: verify::Claim::Owner,
        origin: Origin::Console,
        from: None,
        rank: Rank::User,
        earlier: None,
        turn: Turn::Fresh,
        spray: &NO_SPRAY,
    }
}

/// Returns a clock that was seen often, the last time at [`NOW`].
pub(super) fn known(drift: f64) -> ClockState {
    ClockState {
        drift,
        rate: 0.0,
        drift_variance: 4.0,
        covariance: 0.0,
        rate_variance: 1.0,
        seen: NOW.0,
    }
}

/// Checks a property for so many random cases, the same ones every time.
pub(super) fn many<S: Strategy>(
    cases: u32,
    strategy: S,
    check: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, random).run(&strategy, check).unwrap();
}

pub(super) fn code(text: &str) -> Code {
    Code::parse(text).unwrap()
}

pub(super) fn owner(name: &str, uid: u32) -> Owner {
    Owner { uid, name: name.to_owned() }
}

pub(super) fn alice() -> Owner {
    owner("alice", 1000)
}

pub(super) fn root() -> Owner {
    owner("root", 0)
}

pub(super) fn tokens(serials: &[&str]) -> UserTokens {
    let serials = serials.iter().map(|serial| (*serial).to_owned()).collect();
    UserTokens { serials, ..UserTokens::default() }
}

/// Returns the moment of a decision under the usual policy, with both clocks at `now`.
pub(super) fn at(now: Now) -> At<'static> {
    under(now, &Policy::DEFAULT)
}

/// Returns the moment of a decision under a policy.
pub(super) fn under(now: Now, policy: &Policy) -> At<'_> {
    let host_clock = HostClock::Synchronised;
    At { now, uptime: Uptime(now.0), host_clock, fence: None, doubt: None, policy }
}

pub(super) fn after(now: Now, seconds: i64) -> Now {
    Now(now.0.checked_add_signed(seconds).unwrap())
}

/// Something that happens to two tokens (0 and 1) or two users (0 and 1). Codes are those that
/// a token showed `back` steps ago.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    Assign { user: usize, token: usize, back: u64 },
    Deactivate { user: usize, fate: Fate },
    Drift { token: usize, seconds: i64 },
    Forget { token: usize },
    Import { token: usize, period: u32 },
    Resync { user: usize, token: usize, back: u64 },
    Rotate { user: usize, token: usize, back: u64, fate: Fate },
    SetClock { seconds: i64 },
    SignIn { user: usize, token: usize, back: u64, origin: Origin },
    Wait { seconds: u64 },
}

/// Two tokens, two users, a host; what the engine does with decisions, without a store.
pub(super) struct World {
    tokens: [SoftToken; 2],
    imported: [bool; 2],
    traces: [Option<Trace>; 2],
    ahead: [i64; 2],
    users: [(Owner, UserTokens); 2],
    time: u64,
    host_ahead: i64,
    /// The steps of each token that were accepted, in order.
    pub(super) accepted: [Vec<u64>; 2],
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            tokens: [SoftToken::clock(), SoftToken::other()],
            imported: [true; 2],
            traces: [None, None],
            ahead: [0; 2],
            users: [(alice(), tokens(&[])), (owner("bob", 1001), tokens(&[]))],
            time: NOW.0,
            host_ahead: 0,
            accepted: [Vec::new(), Vec::new()],
        }
    }

    /// Lets a deed happen, and checks that what was spent stays spent.
    pub(super) fn happens(&mut self, deed: Deed) {
        let before = [0, 1].map(|t: usize| self.tokens[t].state.last_step);
        self.carry_out(deed);
        for (t, before) in before.into_iter().enumerate() {
            let spent = self.tokens[t].state.last_step;
            assert!(spent >= before, "{deed:?} took the last step from {before:?} to {spent:?}");
            let Some(step) = spent.filter(|_| spent > before) else { continue };
            let steps = match deed {
                Deed::SignIn { .. } => vec![step],
                _ => vec![step - 1, step],
            };
            for step in steps {
                let highest = self.accepted[t].last().copied();
                assert!(Some(step) > highest, "{deed:?} accepted {step} after {highest:?}");
                self.accepted[t].push(step);
            }
        }
    }

    fn now(&self) -> Now {
        after(Now(self.time), self.host_ahead)
    }

    /// Returns the step that a token showed, as its own clock counts.
    fn shown(&self, token: usize, back: u64) -> u64 {
        after(Now(self.time - 6), self.ahead[token]).0 / 30 - back
    }

    fn pair(&self, token: usize, back: u64) -> TimedPair {
        let step = self.shown(token, back);
        self.tokens[token].pair(step - 1, step, 30)
    }

    /// Returns the token of a user, if he has one.
    fn held(&self, user: usize) -> Option<usize> {
        let (owner, _) = &self.users[user];
        (0..2).find(|t| remove::is_owned_by(&self.tokens[*t].token, owner))
    }

    fn carry_out(&mut self, deed: Deed) {
        match deed {
            Deed::Assign { user, token, back } => self.assign(user, token, back),
            Deed::Deactivate { user, fate } => self.deactivate(user, fate),
            Deed::Drift { token, seconds } => self.ahead[token] += seconds,
            Deed::Forget { token } => self.forget(token),
            Deed::Import { token, period } => self.import(token, period),
            Deed::Resync { user, token, back } => self.resync(user, token, back),
            Deed::Rotate { user, token, back, fate } => self.rotate(user, token, back, fate),
            Deed::SetClock { seconds } => self.host_ahead = seconds,
            Deed::SignIn { user, token, back, origin } => self.sign_in(user, token, back, origin),
            Deed::Wait { seconds } => self.time += seconds,
        }
    }

    fn assign(&mut self, user: usize, token: usize, back: u64) {
        let (owner, tokens) = &self.users[user];
        let recipient = Recipient { owner, tokens, serial_again: None };
        let (opened, pair) = (self.tokens[token].opened(), self.pair(token, back));
        if !self.imported[token] {
            return;
        }
        let proof = (&pair, Reach::Administrator);
        let done = assign::assign(&opened, &recipient, proof, &at(self.now()));
        if let Ok(done) = done {
            self.users[user].1 = done.user;
            self.tokens[token].token = done.token;
            self.tokens[token].state = done.state;
        }
    }

    fn deactivate(&mut self, user: usize, fate: Fate) {
        let Some(held) = self.held(user) else { return };
        let (owner, tokens) = &self.users[user];
        let token = &self.tokens[held].token;
        let done = remove::deactivate(token, owner, tokens, fate, RootGuard::Keep).unwrap();
        (self.tokens[held].token, self.users[user].1) = done;
    }

    fn forget(&mut self, token: usize) {
        let SoftToken { token: record, state, .. } = &self.tokens[token];
        if let (true, Ok(trace)) = (self.imported[token], remove::forget(record, state, self.now()))
        {
            self.traces[token] = Some(trace);
            self.imported[token] = false;
        }
    }

    fn import(&mut self, token: usize, period: u32) {
        let mut fresh = self.tokens[token].token.clone();
        fresh.standing = Standing::Stock;
        fresh.parameters.moving = Moving::Time { period };
        if let Ok(Admission::Add(state)) = self.admit(token, &fresh) {
            self.tokens[token].token = fresh;
            self.tokens[token].state = *state;
            self.imported[token] = true;
            self.traces[token] = None;
        }
    }

    fn admit(&self, token: usize, fresh: &Token) -> Result<Admission, Error> {
        let there = self.imported[token].then_some(&self.tokens[token].token);
        let candidate = Candidate {
            serial: &self.tokens[token].serial(),
            fingerprint: fresh.fingerprint,
            parameters: &fresh.parameters,
            not_before: None,
            not_after: None,
            place: Place { line: 1, column: 1 },
        };
        let known = Known { token: there, trace: self.traces[token].as_ref() };
        import::admit(&candidate, &known, Expiry::Heed, self.now())
    }

    fn resync(&mut self, user: usize, token: usize, back: u64) {
        let Some(held) = self.held(user) else { return };
        let soft = &self.tokens[held];
        let pair = self.pair(token, back);
        let (proof, at) = ((&pair, Reach::Own), at(self.now()));
        let asker = Asker::Administrator;
        let done = resync::resync(&soft.opened(), &soft.serial(), proof, asker, &at);
        self.tokens[held].state = done.change.unwrap_or(soft.state.clone());
    }

    fn rotate(&mut self, user: usize, token: usize, back: u64, fate: Fate) {
        let Some(held) = self.held(user).filter(|_| self.imported[token]) else { return };
        let (owner, tokens) = &self.users[user];
        let recipient = Recipient { owner, tokens, serial_again: None };
        let SoftToken { token: record, state, .. } = &self.tokens[held];
        let old = Outgoing { token: record, state, fate };
        let pair = self.pair(token, back);
        let (opened, proof) = (self.tokens[token].opened(), (&pair, Reach::AdministratorFar));
        if let Ok(done) = rotate::rotate(&opened, &old, &recipient, proof, &at(self.now())) {
            self.tokens[held].token = done.old;
            self.tokens[token].token = done.token;
            self.tokens[token].state = done.state;
            self.users[user].1 = done.user;
        }
    }

    fn sign_in(&mut self, user: usize, token: usize, back: u64, origin: Origin) {
        let typed = self.tokens[token].code(self.shown(token, back));
        let Some(held) = self.held(user) else { return };
        let decision = self.tokens[held].try_code(&typed, origin, self.now());
        let Some(state) = decision.change else { return };
        let spent = state.last_step != self.tokens[held].state.last_step;
        assert_eq!(spent, decision.verdict == Verdict::Accept);
        self.tokens[held].state = state;
    }
}
