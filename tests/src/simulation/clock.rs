//! The table of clock-and-throttle.md section 1: how often the first code of a sign-in is refused,
//! by how a product follows a token's clock and how often the token is used.

mod others;
mod shipped;

use std::fmt;

use self::{
    others::{Fixed, LastStep, StepStart},
    shipped::Shipped,
};
use super::random::Random;

const DAY: f64 = 86_400.0;
/// When the tokens are assigned: a day of the year 2024.
const START: f64 = 1_710_000_000.0;
/// Seconds per step.
const PERIOD: u64 = 30;
/// Deviation of the tokens' rates in ppm (section 1).
const RATE: f64 = 4.0;
/// Deviation of a token's wander about its rate in ppm (section 1). It is another one in each
/// stretch between two sign-ins: a slower change would be learned, a quicker one would level out.
const WANDER: f64 = 1.0;
/// Median of the seconds from reading a code to its arrival (section 1).
const DELAY: f64 = 6.0;
/// Deviation of that delay's logarithm: with 0.6 the delay's own deviation is 5 s, as section 2
/// has it, and one in nine hundred takes more than 36 s.
const DELAY_SPREAD: f64 = 0.6;

/// How often a token is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Use {
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// Every month.
    Monthly,
    /// Twice a year.
    HalfYearly,
}

impl Use {
    /// Every frequency, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Daily, Self::Weekly, Self::Monthly, Self::HalfYearly];

    /// Returns the head of its column.
    pub fn word(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::HalfYearly => "half-yearly",
        }
    }

    fn days(self) -> f64 {
        match self {
            Self::Daily => 1.0,
            Self::Weekly => 7.0,
            Self::Monthly => 365.25 / 12.0,
            Self::HalfYearly => 365.25 / 2.0,
        }
    }
}

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Years of a token's life.
    pub years: f64,
    /// How many tokens, for each frequency.
    pub tokens: u64,
    /// How far a token's rate walks off in a month, in ppm: 0 is section 1's token, 0.6 the worst
    /// that the model reckons with.
    pub ageing: f64,
    /// The seed of the random numbers.
    pub seed: u64,
}

/// A code that somebody read and typed.
#[derive(Clone, Copy, Debug)]
struct Shown {
    /// The step that the token showed.
    step: u64,
    /// Unix time of its arrival.
    arrival: u64,
}

/// A way to follow a token's clock.
trait Follower {
    /// Takes the two codes of an assignment.
    fn assign(&mut self, pair: [Shown; 2]);
    /// Tries a code, and learns from it if it is accepted.
    fn accepts(&mut self, code: Shown) -> bool;
    /// Takes the next code after one that was refused, as the product's way out has it. Returns
    /// whether that signs the person in.
    fn accepts_next(&mut self, pair: [Shown; 2]) -> bool;
    /// Returns how many codes would be accepted at a moment.
    fn codes(&self, arrival: u64) -> u64;
}

/// What came out for one way and one frequency.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Sign-ins.
    pub sign_ins: u64,
    /// Sign-ins whose first code was refused.
    pub refused: u64,
    /// Of those, sign-ins that the next code did not mend.
    pub stuck: u64,
    /// Codes that would have been accepted, over all sign-ins.
    codes: u64,
}

impl Tally {
    /// Returns the share of sign-ins whose first code was refused.
    pub fn refusals(&self) -> f64 {
        self.refused as f64 / self.sign_ins.max(1) as f64
    }

    /// Returns how many codes would have been accepted at a sign-in, on average.
    pub fn mean_codes(&self) -> f64 {
        self.codes as f64 / self.sign_ins.max(1) as f64
    }

    fn add(&mut self, other: Self) {
        self.sign_ins += other.sign_ins;
        self.refused += other.refused;
        self.stuck += other.stuck;
        self.codes += other.codes;
    }
}

/// The ways, in the order of the table; the last one is the shipped code.
const WAYS: [&str; 5] = [
    "fixed ±1 step, no tracking",
    "fixed 19 codes",
    "step of last success, ±1",
    "shift from the step's start, ±1",
    "**drift and rate: the shipped code**",
];

/// The table: a row for each way, a column for each frequency.
#[derive(Clone, Debug)]
pub struct Table {
    plan: Plan,
    columns: Vec<(Use, [Tally; WAYS.len()])>,
}

impl Table {
    /// Simulates some frequencies. `None` if the tokens could not be set up, which is a fault.
    pub fn of(plan: Plan, uses: &[Use]) -> Option<Self> {
        let columns = uses.iter().map(|usage| Some((*usage, column(plan, *usage)?)));
        Some(Self { plan, columns: columns.collect::<Option<_>>()? })
    }

    /// Returns what came out for the shipped code.
    pub fn shipped(&self, usage: Use) -> Option<Tally> {
        let (_, tallies) = self.columns.iter().find(|(column, _)| *column == usage)?;
        tallies.last().copied()
    }
}

impl fmt::Display for Table {
    /// Writes the table as Markdown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { years, tokens, ageing, seed } = self.plan;
        writeln!(
            f,
            "First codes refused in {years} years of {tokens} tokens, ageing {ageing} ppm a month, seed {seed}.\n"
        )?;
        let words: Vec<&str> = self.columns.iter().map(|(usage, _)| usage.word()).collect();
        writeln!(f, "| algorithm | {} | codes accepted (mean) |", words.join(" | "))?;
        writeln!(f, "| --- |{}", " --- |".repeat(words.len() + 1))?;
        for (row, way) in WAYS.iter().enumerate() {
            let tallies = || self.columns.iter().filter_map(|(_, tallies)| tallies.get(row));
            let refused: Vec<String> = tallies().map(|t| percent(t.refusals())).collect();
            let codes: Vec<String> = tallies().map(|t| format!("{:.1}", t.mean_codes())).collect();
            writeln!(f, "| {way} | {} | {} |", refused.join(" | "), codes.join(" / "))?;
        }
        writeln!(f)?;
        for (usage, tallies) in &self.columns {
            let Some(shipped) = tallies.last() else { continue };
            let Tally { sign_ins, refused, stuck, .. } = shipped;
            let mended = refused - stuck;
            writeln!(
                f,
                "Shipped, {}: {refused} of {sign_ins} first codes refused; the next code signed in {mended} of them.",
                usage.word()
            )?;
        }
        Ok(())
    }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 10.0 { format!("{percent:.2} %") } else { format!("{percent:.0} %") }
}

fn column(plan: Plan, usage: Use) -> Option<[Tally; WAYS.len()]> {
    let mut tallies = [Tally::default(); WAYS.len()];
    for token in 0..plan.tokens {
        let life = life(plan, usage, token)?;
        tallies.iter_mut().zip(life).for_each(|(tally, one)| tally.add(one));
    }
    Some(tallies)
}

/// The life of one token, followed in every way.
fn life(plan: Plan, usage: Use, token: u64) -> Option<[Tally; WAYS.len()]> {
    let mut random = Random::new(plan.seed, token);
    let mut ways: [Box<dyn Follower>; WAYS.len()] = [
        Box::new(Fixed::of(1)),
        Box::new(Fixed::of(9)),
        Box::new(LastStep::default()),
        Box::new(StepStart::default()),
        Box::new(Shipped::new(&format!("S{token}"))?),
    ];
    let mut tallies = [Tally::default(); WAYS.len()];
    let mut rate = RATE * random.normal();
    let (mut time, mut ahead) = (START + random.between(0.0, DAY), 0.0);
    let assignment = two_codes(time, ahead, &mut random);
    ways.iter_mut().for_each(|way| way.assign(assignment));
    let end = time + plan.years * 365.25 * DAY;
    loop {
        let rest = usage.days() * random.between(0.9, 1.1) * DAY;
        rate += plan.ageing * (rest / (30.0 * DAY)).sqrt() * random.normal();
        (time, ahead) = (time + rest, ahead + (rate + WANDER * random.normal()) * 1e-6 * rest);
        if time > end {
            return Some(tallies);
        }
        let codes = two_codes(time, ahead, &mut random);
        let [first, _] = codes;
        for (way, tally) in ways.iter_mut().zip(&mut tallies) {
            tally.sign_ins += 1;
            tally.codes += way.codes(first.arrival);
            if !way.accepts(first) {
                tally.refused += 1;
                tally.stuck += u64::from(!way.accepts_next(codes));
            }
        }
    }
}

/// Returns the code that somebody reads at a moment, and the one that he reads when the token
/// has changed to the next.
fn two_codes(time: f64, ahead: f64, random: &mut Random) -> [Shown; 2] {
    let period = PERIOD as f64;
    let first = ((time + ahead) / period).floor();
    let later = (first + 1.0) * period - ahead + random.between(0.0, period);
    [time, later].map(|read| {
        let delay = DELAY * (DELAY_SPREAD * random.normal()).exp();
        let step = ((read + ahead) / period).floor();
        Shown { step: step as u64, arrival: (read + delay) as u64 }
    })
}
