//! Many at once.

use super::{
    host::Span,
    house::{Contender, House},
    series::Times,
};

/// Seconds from one right code to the next: a step.
const STEP: i64 = 30;

/// What came of bursts of one contender.
#[derive(Clone, Debug)]
pub(super) struct Burst {
    pub(super) contender: Contender,
    pub(super) at_once: usize,
    /// Sign-ins that were tried.
    pub(super) tried: usize,
    /// Of them accepted.
    pub(super) accepted: usize,
    /// Accepted per second, of each burst.
    rates: Vec<f64>,
    /// How long each accepted sign-in took.
    pub(super) took: Times,
    /// Syncs that keep something.
    pub(super) syncs: u64,
}

impl Burst {
    fn new(contender: Contender, at_once: usize) -> Self {
        let (rates, took) = (Vec::new(), Times::default());
        Self { contender, at_once, tried: 0, accepted: 0, rates, took, syncs: 0 }
    }

    fn add(&mut self, spans: &[Span]) {
        let good: Vec<&Span> = spans.iter().filter(|span| span.code == 0).collect();
        self.tried += spans.len();
        self.accepted += good.len();
        good.iter().for_each(|span| self.took.add(span.took));
        let from = spans.iter().map(|span| span.from).min().unwrap_or_default();
        let to = spans.iter().map(|span| span.to).max().unwrap_or_default();
        self.rates.push(good.len() as f64 * 1e9 / to.saturating_sub(from).max(1) as f64);
    }

    /// Returns the median of what was accepted per second.
    pub(super) fn rate(&self) -> f64 {
        let mut rates = self.rates.clone();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or_default()
    }

    /// Returns the syncs of an accepted sign-in.
    pub(super) fn syncs_each(&self) -> f64 {
        self.syncs as f64 / self.accepted.max(1) as f64
    }
}

/// Lets so many people sign in at one moment, each with his right code from a process of his own.
pub(super) fn measure(house: &mut House, at_once: usize, rounds: usize) -> Vec<Burst> {
    let mut bursts = Contender::ALL.map(|contender| Burst::new(contender, at_once)).to_vec();
    for round in 0..rounds {
        house.clock.advance(STEP);
        let now = house.clock.now();
        let people: Vec<_> = (0..at_once).map(|turn| house.person(turn)).collect();
        let who: Vec<(&str, String)> =
            people.iter().map(|person| (person.name.as_str(), person.code(now))).collect();
        let count = bursts.len();
        for turn in 0..count {
            let burst = &mut bursts[(turn + round) % count];
            let syncs = |house: &House| match burst.contender {
                Contender::Fob => house.clock.fobd(),
                _ => house.clock.hosts(),
            };
            let before = syncs(house);
            let spans = house.host.burst(burst.contender.service(), &who);
            assert_eq!(spans.len(), at_once, "a host died");
            let synced = syncs(house).durable_since(before);
            burst.syncs += synced;
            burst.add(&spans);
        }
    }
    bursts
}

/// What came of one code that many submitted at once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OneCode {
    pub(super) rounds: usize,
    /// Rounds in which exactly one was accepted.
    pub(super) one: usize,
}

/// Submits one right code of one person from 64 processes at once.
pub(super) fn one_code(house: &mut House, rounds: usize) -> OneCode {
    let mut seen = OneCode::default();
    for round in 0..rounds {
        // Refused replays cost him his budget of wrong codes.
        if round % house.people.len() == 0 {
            house.forgive();
        }
        house.clock.advance(STEP);
        let person = house.person(round);
        let who = vec![(person.name.as_str(), person.code(house.clock.now())); 64];
        let spans = house.host.burst(Contender::Fob.service(), &who);
        let accepted = spans.iter().filter(|span| span.code == 0).count();
        seen.rounds += 1;
        seen.one += usize::from(accepted == 1 && spans.len() == who.len());
    }
    house.forgive();
    seen
}
