//! The real engine with many users, a token for each, and clocks to advance.

use std::{
    io::{Seek as _, Write as _},
    sync::{Arc, Mutex},
};

use fob_api::{Code, CodePair, Serial, UserName, Verdict, VerifyContext};
use fobd::{
    access::Caller,
    audit::Audit,
    clock::{Clock, Manual},
    decide::{
        Policy,
        import::Expiry,
        pair::{FarClock, TimedPair},
        verify::Typed,
    },
    engine::{BadRows, Engine, Extent, Import, Pairing, SignIn, Surroundings, read_seed_file},
    seed::Choice,
    store::Store,
    users::Users,
    vault::Vault,
};
use tokio::runtime::{Builder, Runtime};

use super::failed;
use crate::{conformance::Failure, soft_token::SoftToken};

/// When it begins: a day of the year 2026, at the beginning of a step.
const START: u64 = 1_790_000_010;
/// Root's programs ask.
const ROOT: Caller = Caller::of(0);
/// Seconds from the beginning of a step at which a code is typed: as the clock model expects it
/// (clock-and-throttle.md section 2).
pub(super) const TYPED: u64 = 20;

/// How a token counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// It has a button (HOTP).
    Button,
    /// It has a clock (TOTP).
    Clock,
}

/// A user and his token.
pub(super) struct Person {
    pub(super) name: UserName,
    pub(super) kind: Kind,
    hand: SoftToken,
}

impl Person {
    /// Returns the code of a step or counter.
    pub(super) fn code(&self, step: u64) -> Result<Code, Failure> {
        Code::parse(&self.hand.code_of(step)).map_err(failed)
    }

    /// Tells whether a step's code is that of no other step so near: one in 100 000 is not, and
    /// then the daemon is right to take it for the other one.
    pub(super) fn is_unlike_its_neighbours(&self, step: u64, distance: u64) -> bool {
        let code = self.hand.code_of(step);
        let near = step.saturating_sub(distance)..=step + distance;
        near.filter(|other| *other != step).all(|other| self.hand.code_of(other) != code)
    }
}

/// The engine and the people.
pub(super) struct House<S> {
    engine: Engine<S>,
    clock: Manual,
    lines: Arc<Mutex<Vec<String>>>,
    pub(super) people: Vec<Person>,
}

impl<S: Store> House<S> {
    /// Gives so many people a token each; every fourth has a button.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the engine refuses.
    pub(super) async fn of(store: S, people: u32, policy: Policy) -> Result<Self, Failure> {
        let name = |number: u32| format!("user{number}");
        let clock = Manual::new(START + TYPED);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let users = (0..people).map(|number| (name(number), 1000 + number)).collect();
        let around = Surroundings {
            audit: Audit::Kept(Arc::clone(&lines)),
            clock: Clock::Manual(clock.clone()),
            policy,
            users: Users::Fixed { users: Arc::new(users), administrators: Arc::default() },
        };
        let vault = Vault::with_key(&[7; 32]).map_err(failed)?;
        let engine = Engine::new(store, vault, around);
        engine.start().await.map_err(failed)?;
        let person = |number: u32| {
            let serial = format!("HOUSE-{number}");
            let (kind, hand) = match number % 4 {
                3 => (Kind::Button, SoftToken::with_button(&serial)),
                _ => (Kind::Clock, SoftToken::with_clock(&serial)),
            };
            Ok(Person { name: UserName::parse(&name(number)).map_err(failed)?, kind, hand })
        };
        let people = (0..people).map(person).collect::<Result<_, Failure>>()?;
        let house = Self { engine, clock, lines, people };
        house.give_tokens().await?;
        // The fence of a store that knows nothing of an earlier run is over by then.
        house.clock.advance(600);
        Ok(house)
    }

    async fn give_tokens(&self) -> Result<(), Failure> {
        let mut file = tempfile::tempfile().map_err(failed)?;
        for person in &self.people {
            file.write_all(person.hand.oath_line().as_bytes()).map_err(failed)?;
        }
        file.rewind().map_err(failed)?;
        let import = Import {
            caller: ROOT,
            file: read_seed_file(file.into()).map_err(failed)?,
            hints: Choice::Detect.into(),
            password: None,
            expiry: Expiry::Heed,
            extent: Extent::Full,
            bad: BadRows::Refuse,
            batch: None,
            progress: None,
        };
        self.engine.import(import).await.map_err(failed)?;
        self.clock.advance(600);
        for person in &self.people {
            let first = match person.kind {
                Kind::Button => 0,
                Kind::Clock => self.step() - 1,
            };
            let pair = CodePair::new(person.code(first)?, person.code(first + 1)?);
            let timed = TimedPair { pair: pair.map_err(failed)?, elapsed: 30 };
            let pairing = Pairing {
                caller: ROOT,
                user: &person.name,
                serial: &Serial::parse(person.hand.serial()).map_err(failed)?,
                timed: &timed,
                far: FarClock::Ask,
                serial_again: None,
            };
            self.engine.assign(&pairing).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Lets time pass.
    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(seconds);
        // What was logged so far is not looked at, and would fill the memory.
        if let Ok(mut lines) = self.lines.lock() {
            lines.clear();
        }
    }

    /// Returns the step that tokens with a clock show now.
    pub(super) fn step(&self) -> u64 {
        self.clock.wall() / 30
    }

    /// Asks whether a code is right.
    ///
    /// # Errors
    ///
    /// [`Failure`] if there is no verdict.
    pub(super) async fn verify(
        &self,
        name: &UserName,
        context: &VerifyContext,
        typed: Typed<'_>,
    ) -> Result<Verdict, Failure> {
        let sign_in = SignIn { caller: ROOT, user: name, context };
        self.engine.verify(&sign_in, typed).await.map(|(verdict, _)| verdict).map_err(failed)
    }

    /// Refills a user's budgets, so that his next wrong codes are tried like the first.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the engine refuses.
    pub(super) async fn unlock(&self, name: &UserName) -> Result<(), Failure> {
        self.engine.unlock(ROOT, name, None).await.map_err(failed)
    }
}

/// Returns what a service says of a sign-in.
pub(super) fn context(service: &str, rhost: Option<&str>) -> VerifyContext {
    VerifyContext {
        service: Some(service.to_owned()),
        rhost: rhost.map(str::to_owned),
        ..VerifyContext::default()
    }
}

/// Returns two threads to run the engine on: one of them could not meet itself.
///
/// # Errors
///
/// [`Failure`] if the host has none.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().map_err(failed)
}
