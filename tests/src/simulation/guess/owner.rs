//! The owner under siege: a whole engine over a store in memory, hammered from a thousand unknown
//! sources, while the owner comes by one of his doors.

use std::{
    io::{Seek, Write},
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
    store::memory::MemoryStore,
    users::Users,
    vault::Vault,
};

use super::Target;
use crate::{simulation::random::Random, soft_token::SoftToken};

/// When the siege begins: a day of the year 2026.
const START: u64 = 1_790_000_010;
const ROOT: Caller = Caller::of(0);
/// Sources from which a siege comes.
const SOURCES: u64 = 1_000;
/// Answers a second of a flood: more than are tried.
const FLOOD: u64 = 100;
/// The address from which the owner signed in lately.
const HOME: &str = "192.0.2.1";
/// One from which nobody did.
const ELSEWHERE: &str = "198.51.100.7";
/// Seconds after which the owner gives up: nothing is proven about a longer siege then.
const PATIENCE: u64 = 600;
/// Seconds that the owner takes to type again what was not taken.
const AGAIN: u64 = 5;

/// How the owner comes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Door {
    /// At the console.
    Console,
    /// By sudo.
    Escalation,
    /// From a host from which he signed in lately.
    Known,
    /// From a host that is new.
    Unknown,
}

impl Door {
    /// Every door, the safest first.
    pub const ALL: [Self; 4] = [Self::Console, Self::Escalation, Self::Known, Self::Unknown];

    /// Returns how a table calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Console => "the console",
            Self::Escalation => "sudo",
            Self::Known => "a known source",
            Self::Unknown => "an unknown source",
        }
    }

    fn context(self) -> VerifyContext {
        match self {
            Self::Console => from("login", None),
            Self::Escalation => from("sudo", None),
            Self::Known => from("sshd", Some(HOME)),
            Self::Unknown => from("sshd", Some(ELSEWHERE)),
        }
    }
}

/// What a siege came to.
#[derive(Clone, Copy, Debug)]
pub struct Siege {
    /// Wrong answers a second.
    pub rate: u64,
    /// The owner's door.
    pub door: Door,
    /// The owner's valid answers that were tried and refused.
    pub refused: u64,
    /// Seconds by which the siege made the owner later: from when his first code was on the display.
    pub delay: u64,
}

/// Lets the owner come after so many seconds of siege; `None` if the house could not be set up or
/// he never got in.
#[must_use]
pub fn besiege(door: Door, rate: u64, warm_up: u64, seed: u64) -> Option<Siege> {
    run(async {
        let mut house = House::new(Target::User, seed).await?;
        for _ in 0..warm_up {
            house.second(rate).await;
        }
        let (begin, mut refused) = (house.clock.wall(), 0);
        while house.clock.wall() < begin + PATIENCE {
            let verdict = house.owner_tries(door).await?;
            match verdict {
                Verdict::Accept => {
                    let delay = house.clock.wall() - begin;
                    return Some(Siege { rate, door, refused, delay });
                }
                Verdict::Wait(_) | Verdict::Locked => {}
                _ => refused += 1,
            }
            for _ in 0..AGAIN {
                house.second(rate).await;
            }
        }
        None
    })
}

/// Returns the pairs a second that are tried in a minute of a flood from sources that are all new,
/// after the first two minutes: the most that any guesser gets in the long run.
pub(super) fn pairs_a_second(target: Target, seed: u64) -> Option<f64> {
    run(async {
        let mut house = House::new(target, seed).await?;
        house.sources = u64::from(u32::MAX);
        for _ in 0..120 {
            house.second(FLOOD).await;
        }
        let mut tried = 0;
        for _ in 0..60 {
            tried += house.second(FLOOD).await;
        }
        Some(tried as f64 / 60.0)
    })
}

/// An engine with one user, his token, and the attackers.
struct House {
    engine: Engine<MemoryStore>,
    clock: Manual,
    lines: Arc<Mutex<Vec<String>>>,
    user: UserName,
    hand: SoftToken,
    random: Random,
    sources: u64,
}

impl House {
    async fn new(target: Target, seed: u64) -> Option<Self> {
        let name = if target == Target::Root { "root" } else { "alice" };
        let clock = Manual::new(START);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let around = Surroundings {
            audit: Audit::Kept(Arc::clone(&lines)),
            clock: Clock::Manual(clock.clone()),
            policy: Policy::DEFAULT,
            users: Users::Fixed {
                users: Arc::new(vec![(name.to_owned(), target.uid())]),
                administrators: Arc::default(),
            },
        };
        let engine = Engine::new(MemoryStore::default(), Vault::with_key(&[7; 32]).ok()?, around);
        engine.start().await.ok()?;
        let (user, hand) = (UserName::parse(name).ok()?, SoftToken::with_clock("SIEGE-1"));
        let (random, sources) = (Random::new(seed, 0), SOURCES);
        let mut house = Self { engine, clock, lines, user, hand, random, sources };
        house.give_token().await?;
        // The fence of a store that knows nothing of an earlier run is over by then.
        house.clock.advance(600);
        house.home().await?;
        house.clock.advance(60);
        Some(house)
    }

    async fn give_token(&self) -> Option<()> {
        let mut file = tempfile::tempfile().ok()?;
        file.write_all(self.hand.oath_line().as_bytes()).ok()?;
        file.rewind().ok()?;
        let import = Import {
            caller: ROOT,
            file: read_seed_file(file.into()).ok()?,
            hints: Choice::Detect.into(),
            password: None,
            expiry: Expiry::Heed,
            extent: Extent::Full,
            bad: BadRows::Refuse,
            batch: None,
            progress: None,
        };
        self.engine.import(import).await.ok()?;
        self.clock.advance(600);
        let serial = Serial::parse(self.hand.serial()).ok()?;
        let timed = TimedPair { pair: self.shown_pair()?, elapsed: 30 };
        let pairing = Pairing {
            caller: ROOT,
            user: &self.user,
            serial: &serial,
            timed: &timed,
            far: FarClock::Ask,
            serial_again: Some(self.hand.serial()),
        };
        self.engine.assign(&pairing).await.ok().map(drop)
    }

    /// Signs the owner in from home, so that his address is known.
    async fn home(&mut self) -> Option<()> {
        let code = self.shown(0)?;
        let verdict = self.ask(&Door::Known.context(), Typed::Code(&code)).await?;
        (verdict == Verdict::Accept).then_some(())
    }

    /// Returns the code of so many steps from now, read six seconds ago.
    fn shown(&self, steps: u64) -> Option<Code> {
        Code::parse(&self.hand.code_at(self.clock.wall() - 6 - 30 * steps)).ok()
    }

    fn shown_pair(&self) -> Option<CodePair> {
        CodePair::new(self.shown(1)?, self.shown(0)?).ok()
    }

    /// Lets the owner try what his door asks for; at an unknown one that is two codes.
    async fn owner_tries(&self, door: Door) -> Option<Verdict> {
        let context = door.context();
        if door == Door::Unknown {
            let pair = self.shown_pair()?;
            return self.ask(&context, Typed::Pair(&pair)).await;
        }
        let code = self.shown(0)?;
        self.ask(&context, Typed::Code(&code)).await
    }

    /// Lets a second pass in which so many wrong answers come; returns how many pairs were tried.
    async fn second(&mut self, rate: u64) -> u64 {
        self.clock.advance(1);
        let mut tried = 0;
        for _ in 0..rate {
            let source = self.random.number() % self.sources;
            let [first, second] = [0; 2].map(|_| self.random.number() % 1_000_000);
            let address = std::net::Ipv4Addr::from(source as u32);
            let context = from("sshd", Some(&address.to_string()));
            let pair = CodePair::parse(&format!("{first:06}{second:06}")).ok();
            let code = Code::parse(&format!("{first:06}")).ok();
            // One answer of a hundred is a single code, for it may be taken again by now.
            let verdict = match (pair, code) {
                (Some(pair), _) if !source.is_multiple_of(100) => {
                    self.ask(&context, Typed::Pair(&pair)).await
                }
                (_, Some(code)) => self.ask(&context, Typed::Code(&code)).await,
                _ => None,
            };
            tried += u64::from(verdict == Some(Verdict::Reject));
        }
        if let Ok(mut lines) = self.lines.lock() {
            lines.clear();
        }
        tried
    }

    async fn ask(&self, context: &VerifyContext, typed: Typed<'_>) -> Option<Verdict> {
        let sign_in = SignIn { caller: ROOT, user: &self.user, context };
        self.engine.verify(&sign_in, typed).await.ok().map(|(verdict, _)| verdict)
    }
}

fn from(service: &str, rhost: Option<&str>) -> VerifyContext {
    VerifyContext {
        service: Some(service.to_owned()),
        rhost: rhost.map(str::to_owned),
        ..VerifyContext::default()
    }
}

/// Runs to the end on this thread.
fn run<T>(work: impl Future<Output = Option<T>>) -> Option<T> {
    tokio::runtime::Builder::new_current_thread().build().ok()?.block_on(work)
}
