//! How long a decision takes: a code in the window, and a pair of codes far from it.
//!
//! `cargo bench -p fobd --bench decide`. Figures, never tests.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a benchmark: what fails ends it, and its macros make functions without a word"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use fob_api::{Code, CodePair};
use fobd::{
    decide::{
        At, HostClock, Now, Opened, Policy, Uptime, clock_model,
        pair::{self, NoPair, Reach, TimedPair},
        throttle::{Origin, Rank, pairs::Turn},
        verify::{self, Attempt, Claim, Typed},
    },
    record::{
        Algorithm, Moving, Owner, Parameters, SealedSeed, Seed, Spray, Standing, State, Token,
    },
    totp::Generator,
};

/// 1 January 2030, ten seconds into a step.
const NOW: Now = Now(1_893_456_010);
/// Seconds of a step.
const PERIOD: u32 = 30;
const SEED: [u8; 20] = [0x5e; 20];
/// What unknown sources have cost: nothing.
static NO_SPRAY: Spray = Spray { hour: 0, wrong: [0; 24], attempt: [0; 16] };

struct Subject {
    token: Token,
    state: State,
    generator: Generator,
}

impl Subject {
    fn new(algorithm: Algorithm) -> Self {
        let moving = Moving::Time { period: PERIOD };
        let parameters = Parameters { algorithm, digits: 6, moving };
        let seed = Seed::new(SEED.to_vec()).unwrap();
        let token = Token {
            serial: "8A1172".to_owned(),
            standing: Standing::Assigned(Owner { uid: 1000, name: "alice".to_owned() }),
            epoch: 1,
            parameters,
            seed: SealedSeed::default(),
            fingerprint: [0; 32],
            imported: 0,
            manufacturer: None,
            model: None,
            batch: None,
        };
        // Used an hour ago: its window is a usual one.
        let seen = NOW.0 - 3600;
        let last = seen / u64::from(PERIOD);
        let state = State {
            last_step: Some(last),
            clock: Some(clock_model::first(last, PERIOD, Now(seen))),
            ..State::default()
        };
        Self { token, state, generator: Generator::new(&seed, &parameters).unwrap() }
    }

    fn opened(&self) -> Opened<'_> {
        Opened { token: &self.token, state: &self.state, generator: &self.generator }
    }

    /// A code of so many seconds from now, as the token shows it.
    fn code(&self, ahead: i64) -> Code {
        let step = NOW.0.saturating_add_signed(ahead) / u64::from(PERIOD);
        let algorithm = match self.token.parameters.algorithm {
            Algorithm::Sha1 => totp_rs::Algorithm::SHA1,
            Algorithm::Sha256 => totp_rs::Algorithm::SHA256,
            Algorithm::Sha512 => totp_rs::Algorithm::SHA512,
        };
        let shown = totp_rs::Builder::new()
            .with_algorithm(algorithm)
            .with_secret(SEED.to_vec())
            .with_step_duration(1)
            .build_noncompliant()
            .generate(step);
        Code::parse(&shown.to_string()).unwrap()
    }
}

fn at(policy: &Policy) -> At<'_> {
    At {
        now: NOW,
        uptime: Uptime(1_000_000),
        host_clock: HostClock::Synchronised,
        fence: None,
        doubt: None,
        policy,
    }
}

fn attempt(code: &Code) -> Attempt<'_> {
    Attempt {
        typed: Typed::Code(code),
        claim: Claim::Owner,
        origin: Origin::Console,
        from: None,
        rank: Rank::User,
        earlier: None,
        turn: Turn::Fresh,
        spray: &NO_SPRAY,
    }
}

fn verify_in_the_window(criterion: &mut Criterion) {
    let policy = Policy::default();
    for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
        let subject = Subject::new(algorithm);
        // The wrong one is of a year ago.
        for (name, code) in [("right", subject.code(0)), ("wrong", subject.code(-31_536_000))] {
            criterion.bench_function(&format!("verify {name} {}", algorithm.word()), |bencher| {
                bencher.iter(|| {
                    verify::verify(&subject.opened(), &attempt(black_box(&code)), &at(&policy))
                });
            });
        }
    }
}

fn search_of_a_pair(criterion: &mut Criterion) {
    let policy = Policy::default();
    let subject = Subject::new(Algorithm::Sha1);
    // Not there, so that the whole range is searched.
    let year = -31_536_000;
    let pair = CodePair::new(subject.code(year), subject.code(year + 30)).unwrap();
    let timed = TimedPair { pair, elapsed: 30 };
    for (name, reach) in [("± 2 h", Reach::Own), ("± 26 h", Reach::AdministratorFar)] {
        criterion.bench_function(&format!("pair {name}"), |bencher| {
            bencher.iter(|| {
                let found = pair::locate(&subject.opened(), black_box(&timed), reach, &at(&policy));
                assert!(found.is_err_and(|no_pair| no_pair == NoPair::NotFound));
            });
        });
    }
}

criterion_group!(benches, verify_in_the_window, search_of_a_pair);
criterion_main!(benches);
