//! Whether the time of an answer tells a guesser anything (threats.md S12): answers of the real
//! daemon to six kinds of wrong answers, interleaved, and compared pair by pair.
//!
//! The comparison is that of dudect (Reparaz, Balasch, Verbauwhede, "Dude, is my code constant
//! time?", 2017): Welch's t over the times, without the slowest ones, in which the machine did
//! something else. Beyond 4.5 two kinds are told apart.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a program of a test: a failure here is the test's failure, and time is what it measures"
)]

use std::{
    fs,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use fob_api::{VerifyContext, proxy::FobProxy};

use crate::{
    conformance::Failure,
    daemon::{Daemon, Ground, write_settings},
    simulation::random::Random,
    soft_token::SoftToken,
};

/// Who has a token, and who has none. Both exist on every host that can run this.
const OWNER: &str = "daemon";
/// See [`OWNER`].
const TOKENLESS: &str = "nobody";
/// The largest budgets, so that a code is a code and not half a pair.
const SETTINGS: &str = "wrong_codes_per_day = 30\nwrong_codes_per_month = 100\n\
    same_code_seconds = 0\nclock = \"trusted\"\n";
/// Rounds between two refills of the budgets: four codes of the owner's in each.
const REFILL: u64 = 6;
/// Beyond it two kinds of answers are told apart (dudect).
pub const LIMIT: f64 = 4.5;
/// The share of the times that is compared: the rest is the disk's and the scheduler's.
const KEPT: f64 = 0.9;

/// The kinds of wrong answers.
pub const KINDS: [&str; 6] = [
    "a code of no step near",
    "the right code but for its last digit",
    "a code of a step just outside the window",
    "a code that was used",
    "a user without a token",
    "a user whom nobody knows",
];

/// Whose time tells of nothing but the codes: those before the last. A name that stands in no file of
/// the host's is looked for in its other name services, which takes longer whether they know it or
/// not. Who signs in does not see it: the module holds each refusal back for 50 ms.
const ALIKE: usize = KINDS.len() - 1;

/// The seconds that each answer of a kind took.
pub type Times = [Vec<f64>; KINDS.len()];

/// Asks so many rounds, each kind once in each round, in a random order.
///
/// # Errors
///
/// [`Failure`] if the daemon cannot be asked.
pub async fn measure(rounds: u64, seed: u64) -> Result<Times, Failure> {
    let ground = Ground::new();
    write_settings(&ground.path().join("fobd.conf"), SETTINGS);
    let daemon = Daemon::start(ground.path(), None);
    let (mut random, mut times) = (Random::new(seed, 0), Times::default());
    let mut token = assigned(&daemon, &ground).await?;
    // Codes of no step near, in an order that no round repeats.
    let mut far = token.wrong_codes(token.step_at(now()), 200);
    let mut used = String::new();
    let mut fob = daemon.proxy().await;
    for round in 0..rounds {
        if round.is_multiple_of(REFILL) {
            // A connection has its end after some thousand calls.
            fob = daemon.proxy().await;
            for user in [OWNER, TOKENLESS] {
                fob.unlock(user, Default::default()).await.map_err(failed)?;
            }
        }
        if round == 0 {
            used = token.next_code();
        }
        let step = token.step_at(now());
        let right = token.code_of(step);
        let guess = far.next().unwrap_or_default();
        let stranger = format!("stranger{}", round / REFILL);
        let asked: [(&str, String); KINDS.len()] = [
            (OWNER, guess.clone()),
            (OWNER, beside(&right)),
            (OWNER, token.code_of(step + 7)),
            (OWNER, used.clone()),
            (TOKENLESS, guess.clone()),
            (&stranger, guess),
        ];
        for kind in shuffled(&mut random) {
            let (user, code) = &asked[kind];
            let began = Instant::now();
            let verdict = verify(&fob, user, code).await?;
            let took = began.elapsed().as_secs_f64();
            // By chance a wrong code is one of the window.
            if verdict != "accept" {
                times[kind].push(took);
            }
        }
    }
    Ok(times)
}

async fn assigned(daemon: &Daemon, ground: &Ground) -> Result<SoftToken, Failure> {
    let mut token = SoftToken::with_clock("TIMING-1");
    let fob = daemon.proxy().await;
    let path = ground.path().join("seeds.csv");
    fs::write(&path, token.oath_line()).map_err(failed)?;
    let file = fs::File::open(path).map_err(failed)?;
    fob.import((&file).into(), "oath-csv", Default::default()).await.map_err(failed)?;
    let pair = token.show_pair(now());
    let codes = pair.each_ref().map(String::as_str);
    fob.assign(OWNER, token.serial(), &codes, Default::default()).await.map_err(failed)?;
    Ok(token)
}

async fn verify(fob: &FobProxy<'_>, user: &str, code: &str) -> Result<String, Failure> {
    let context = VerifyContext { service: Some("login".to_owned()), ..VerifyContext::default() };
    fob.verify(user, code, context).await.map(|(verdict, ..)| verdict).map_err(failed)
}

/// Returns a code that differs in its last digit.
fn beside(code: &str) -> String {
    let (head, last) = code.split_at(code.len() - 1);
    let last: u32 = last.parse().expect("a digit");
    format!("{head}{}", (last + 1) % 10)
}

fn shuffled(random: &mut Random) -> [usize; KINDS.len()] {
    let mut order = std::array::from_fn(|kind| kind);
    for at in (1..order.len()).rev() {
        let other = random.number() % (at as u64 + 1);
        order.swap(at, usize::try_from(other).unwrap_or_default());
    }
    order
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}

/// What is compared of a kind's times.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// How many.
    pub count: f64,
    /// Their mean.
    pub mean: f64,
    /// Their variance.
    pub variance: f64,
    /// The one in the middle of all.
    pub median: f64,
}

impl Sample {
    /// Takes the faster times, those up to a bound that is the same for all kinds.
    #[must_use]
    pub fn of(times: &[f64], most: f64) -> Self {
        let mut sorted = times.to_vec();
        sorted.sort_by(f64::total_cmp);
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        sorted.retain(|time| *time <= most);
        let count = sorted.len() as f64;
        let mean = sorted.iter().sum::<f64>() / count;
        let squares: f64 = sorted.iter().map(|time| (time - mean).powi(2)).sum();
        Self { count, mean, variance: squares / (count - 1.0), median }
    }

    /// Returns Welch's t of two samples.
    #[must_use]
    pub fn t(&self, other: &Self) -> f64 {
        let spread = self.variance / self.count + other.variance / other.count;
        (self.mean - other.mean) / spread.sqrt()
    }
}

/// Returns the bound below which times are compared: one for all kinds, so that none is cut more
/// than another for being slower.
#[must_use]
pub fn bound(times: &Times) -> f64 {
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let at = (all.len() as f64 * KEPT) as usize;
    all.get(at).copied().unwrap_or(f64::MAX)
}

/// Returns the table of all kinds, and whether two are told apart of those that must not be.
#[must_use]
pub fn table(times: &Times) -> (String, bool) {
    let most = bound(times);
    let samples: Vec<Sample> = times.iter().map(|times| Sample::of(times, most)).collect();
    let mut text = String::from("| answer | count | median µs | mean µs |");
    let heads = (1..=KINDS.len()).map(|number| format!(" t to {number} |"));
    text.extend(heads);
    text.push_str("\n| --- | --- | --- | --- |");
    text.push_str(&" --- |".repeat(KINDS.len()));
    let mut told_apart = false;
    for (at, (kind, sample)) in KINDS.iter().zip(&samples).enumerate() {
        let Sample { count, mean, median, .. } = sample;
        let (median, mean) = (median * 1e6, mean * 1e6);
        text.push_str(&format!("\n| {}. {kind} | {count} | {median:.0} | {mean:.0} |", at + 1));
        for (other, sample_of_other) in samples.iter().enumerate() {
            let t = if at == other { 0.0 } else { sample.t(sample_of_other) };
            told_apart |= at.max(other) < ALIKE && t.abs() > LIMIT;
            text.push_str(&format!(" {t:.1} |"));
        }
    }
    (text, told_apart)
}

#[cfg(test)]
mod tests {
    use super::{ALIKE, LIMIT, Times, table};
    use crate::simulation::random::Random;

    /// Times around a millisecond; those of one kind are so many microseconds longer.
    fn times(which: usize, longer: f64) -> Times {
        let mut random = Random::new(1, 0);
        std::array::from_fn(|kind| {
            let more = if kind == which { longer } else { 0.0 };
            (0..4_000).map(|_| (1_000.0 + (random.number() % 200) as f64 + more) / 1e6).collect()
        })
    }

    #[test]
    fn kinds_that_take_the_same_time_are_not_told_apart() {
        let (text, told_apart) = table(&times(0, 0.0));
        assert!(!told_apart, "{text}");
    }

    #[test]
    fn a_name_in_no_file_may_take_longer() {
        let (text, told_apart) = table(&times(ALIKE, 450.0));
        assert!(!told_apart, "{text}");
    }

    #[test]
    fn a_kind_that_takes_longer_is_told_apart() {
        for kind in 0..ALIKE {
            let (text, told_apart) = table(&times(kind, 20.0));
            assert!(told_apart, "beyond {LIMIT}: {text}");
        }
    }
}
