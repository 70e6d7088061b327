//! 64 people sign in at once, each again as soon as he is in.

use std::{thread, time::Instant};

use super::{
    Plan, Row, Times,
    caller::{Caller, told},
    hall::{Hall, Pace},
};
use crate::conformance::Failure;

/// How many.
const AT_ONCE: u32 = 64;

pub(super) fn run(plan: &Plan) -> Result<Vec<Row>, Failure> {
    let hall = Hall::open(plan, Pace::AsItIs)?;
    Ok(vec![sign_ins(plan, &hall, 1), sign_ins(plan, &hall, AT_ONCE)])
}

pub(super) fn run_slow(plan: &Plan) -> Result<Vec<Row>, Failure> {
    let hall = Hall::open(plan, Pace::Slow)?;
    Ok(vec![sign_ins(plan, &hall, 1), sign_ins(plan, &hall, AT_ONCE)])
}

/// Lets so many people sign in, and says how even it was: what the one who got the fewest answers
/// got beside the one who got most.
fn sign_ins(plan: &Plan, hall: &Hall, people: u32) -> Row {
    let begun = Instant::now();
    // Nobody's codes are used twice: the one who is alone is nobody of the crowd.
    let first = if people == 1 { AT_ONCE } else { 0 };
    let one = |number: u32| {
        let mut caller = Caller::of(hall.daemon.socket());
        let name = hall.name(number);
        for counter in 2.. {
            if begun.elapsed() >= plan.length {
                break;
            }
            caller.ask(&name, &hall.code(number, counter), None);
        }
        caller
    };
    let callers: Vec<Caller<'_>> = thread::scope(|scope| {
        let all: Vec<_> = (first..first + people).map(|n| scope.spawn(move || one(n))).collect();
        all.into_iter().map(|one| one.join().expect("a caller")).collect()
    });
    let length = begun.elapsed();
    let counts = || callers.iter().map(|caller| caller.times.count());
    let (least, most) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
    let notes = format!(
        "{}; fewest {least}, most {most} each; {} MiB, {} at most",
        told(callers.iter().map(|caller| &caller.verdicts)),
        hall.memory("VmRSS"),
        hall.memory("VmHWM"),
    );
    let times = Times::of(callers.into_iter().map(|caller| caller.times));
    Row { who: format!("{people} at once"), times, length, notes }
}
