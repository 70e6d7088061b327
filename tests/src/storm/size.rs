//! A thousand tokens beside as many as were asked for: how long a start takes after a clean end and
//! after a kill, until fobd is ready and until the first sign-in; what fobd takes of memory and
//! disk; and sign-ins at both, by turns.

use std::time::{Duration, Instant};

use super::{
    Plan, Row, Times,
    caller::{Caller, told},
    hall::{End, Hall, PEOPLE, Pace},
};
use crate::conformance::Failure;

/// What the many are measured against.
const FEW: u32 = 1_000;
/// Starts of each kind.
const STARTS: u32 = 3;

/// One of the two houses.
struct House {
    hall: Hall,
    tokens: u32,
    /// The next counter of the one who signs in after a start.
    alone: u64,
    /// That of everybody else.
    next: u64,
}

pub(super) fn run(plan: &Plan) -> Result<Vec<Row>, Failure> {
    let mut houses = Vec::new();
    for tokens in [FEW, plan.tokens] {
        let hall = Hall::open(&Plan { tokens, ..*plan }, Pace::AsItIs)?;
        houses.push(House { hall, tokens, alone: 2, next: 2 });
    }
    let mut rows = Vec::new();
    for house in &mut houses {
        for (end, words) in [(End::Asked, "clean end"), (End::Killed, "kill")] {
            rows.extend(starts(house, end, words));
        }
    }
    rows.extend(by_turns(plan, &mut houses));
    Ok(rows)
}

/// Starts fobd some times: until it was ready, and until the first sign-in of each was answered.
fn starts(house: &mut House, end: End, words: &str) -> [Row; 2] {
    let (mut ready, mut first) = (Times::default(), Times::default());
    let mut told_first = Vec::new();
    let mut all = Duration::ZERO;
    for _ in 0..STARTS {
        // Who is killed before that starts in doubt, and reads everything first.
        house.hall.wait_until_checked();
        house.hall.restart(end);
        let socket = house.hall.daemon.socket().to_owned();
        let mut caller = Caller::of(&socket);
        let begun = Instant::now();
        house.sign_in(&mut caller, PEOPLE - 1);
        ready.add(house.hall.ready);
        first.add(house.hall.ready + begun.elapsed());
        told_first.push(caller.verdicts);
        all += house.hall.ready + begun.elapsed();
    }
    let who = |what: &str| format!("{} tokens, start after a {words}: {what}", house.tokens);
    let hall = &house.hall;
    let notes = format!(
        "{} MiB, {} at most, {} MiB of disk",
        hall.memory("VmRSS"),
        hall.memory("VmHWM"),
        hall.size() >> 20
    );
    [
        Row { who: who("ready"), times: ready, length: all, notes },
        Row { who: who("first sign-in"), times: first, length: all, notes: told(&told_first) },
    ]
}

/// Signs everybody in, by turns in both houses.
fn by_turns(plan: &Plan, houses: &mut [House]) -> Vec<Row> {
    let begun = Instant::now();
    let sockets: Vec<_> =
        houses.iter().map(|house| house.hall.daemon.socket().to_owned()).collect();
    let mut callers: Vec<Caller<'_>> = sockets.iter().map(|socket| Caller::of(socket)).collect();
    let mut person = 0;
    while begun.elapsed() < plan.length {
        for (house, caller) in houses.iter_mut().zip(&mut callers) {
            house.sign_in(caller, person);
        }
        person += 1;
        if person == PEOPLE - 1 {
            person = 0;
            houses.iter_mut().for_each(|house| house.next += 1);
        }
    }
    let length = begun.elapsed();
    let row = |(house, caller): (&House, Caller<'_>)| {
        let hall = &house.hall;
        let notes = format!(
            "{}; {} MiB, {} at most, {} MiB of disk",
            told([&caller.verdicts]),
            hall.memory("VmRSS"),
            hall.memory("VmHWM"),
            hall.size() >> 20
        );
        let who = format!("{} tokens, sign-ins by turns", house.tokens);
        Row { who, times: caller.times, length, notes }
    };
    houses.iter().zip(callers).map(row).collect()
}

impl House {
    fn sign_in(&mut self, caller: &mut Caller<'_>, person: u32) {
        let counter = if person == PEOPLE - 1 { self.alone } else { self.next };
        caller.ask(&self.hall.name(person), &self.hall.code(person, counter), None);
        self.alone += u64::from(person == PEOPLE - 1);
    }
}
