//! The figures of clock-and-throttle.md section 5: what a year of guessing gains, and what it costs
//! the owner of the token.

mod owner;
mod year;

use std::fmt;

pub use owner::{Door, Siege, besiege};
pub use year::{Target, Year, guess};

/// Steps that one code is compared with while the token's clock is known (section 2).
const STEPS: f64 = 3.0;
/// Seconds of a year.
const YEAR: f64 = 365.25 * 86_400.0;

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Users that are guessed at for a year, each by himself.
    pub users: u64,
    /// Seconds for which each siege lasts before the owner comes.
    pub warm_up: u64,
    /// The start of the random numbers.
    pub seed: u64,
}

/// The guesser's gain for users or for root.
#[derive(Clone, Copy, Debug)]
pub struct Gain {
    /// Who was guessed at.
    pub target: Target,
    /// What the simulated years were like.
    pub year: Year,
    /// Pairs a second that are tried in a flood, in the long run.
    pub pairs: f64,
}

impl Gain {
    /// Returns the chance that a single code was right within a year, by the number that was tried:
    /// the hits themselves are too few to measure it well.
    #[must_use]
    pub fn by_codes(&self) -> f64 {
        self.year.tried as f64 / self.year.users as f64 * STEPS * 1e-6
    }

    /// Returns the chance that a pair was right within a year at the fullest rate throughout.
    #[must_use]
    pub fn by_pairs(&self) -> f64 {
        self.pairs * YEAR * STEPS * 1e-12
    }

    /// Returns the chance within a year altogether.
    #[must_use]
    pub fn altogether(&self) -> f64 {
        self.by_codes() + self.by_pairs()
    }
}

/// Both tables.
#[derive(Clone, Debug)]
pub struct Tables {
    gains: Vec<Gain>,
    sieges: Vec<Siege>,
}

impl Tables {
    /// Simulates; `None` if a house could not be set up.
    #[must_use]
    pub fn of(plan: Plan) -> Option<Self> {
        let mut gains = Vec::new();
        for target in [Target::User, Target::Root] {
            let pairs = owner::pairs_a_second(target, plan.seed)?;
            gains.push(Gain { target, year: guess(target, plan.users, plan.seed)?, pairs });
        }
        let mut sieges = Vec::new();
        for rate in [10, 100, 1_000] {
            for door in Door::ALL {
                sieges.push(besiege(door, rate, plan.warm_up, plan.seed)?);
            }
        }
        Some(Self { gains, sieges })
    }
}

impl fmt::Display for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| ten guesses a second for a year at | users | codes tried per user | hits | by codes | pairs a second | by pairs | altogether |"
        )?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- | --- | --- |")?;
        for gain in &self.gains {
            let Year { users, tried, hits, .. } = gain.year;
            writeln!(
                f,
                "| {} | {users} | {:.1} | {hits} | {:.3} % | {:.1} | {:.3} % | {:.3} % |",
                gain.target.word(),
                tried as f64 / users as f64,
                gain.by_codes() * 100.0,
                gain.pairs,
                gain.by_pairs() * 100.0,
                gain.altogether() * 100.0,
            )?;
        }
        let refused: u64 = self.gains.iter().map(|gain| gain.year.refused).sum();
        let owner: u64 = self.gains.iter().map(|gain| gain.year.owner).sum();
        writeln!(f, "\nThe owners signed in {owner} times meanwhile; refused: {refused}.\n")?;
        writeln!(
            f,
            "| wrong answers a second from a thousand sources | the owner comes by | valid codes refused | added delay |"
        )?;
        writeln!(f, "| --- | --- | --- | --- |")?;
        for siege in &self.sieges {
            let Siege { rate, door, refused, delay } = siege;
            writeln!(f, "| {rate} | {} | {refused} | {delay} s |", door.word())?;
        }
        Ok(())
    }
}
