//! 63 callers guess one user's code as fast as they are answered, each from many addresses; a
//! quiet user signs in meanwhile, and waits no longer than without them.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{
    Plan, Row, Times,
    caller::{Caller, told},
    hall::{Hall, PEOPLE, Pace},
};
use crate::conformance::Failure;

/// Callers who guess.
const GUESSERS: u32 = 63;
/// Whose code they guess.
const VICTIM: u32 = 0;
/// Who is quiet.
const QUIET: u32 = PEOPLE - 1;
/// How long he waits from one sign-in to the next.
const PAUSE: Duration = Duration::from_millis(20);

/// What is guessed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Guess {
    Code,
    /// Two codes in a row: what is asked for once too many codes were wrong.
    Pair,
}

pub(super) fn run(plan: &Plan) -> Result<Vec<Row>, Failure> {
    storm(plan, Pace::AsItIs)
}

pub(super) fn run_slow(plan: &Plan) -> Result<Vec<Row>, Failure> {
    storm(plan, Pace::Slow)
}

fn storm(plan: &Plan, pace: Pace) -> Result<Vec<Row>, Failure> {
    let hall = Hall::open(plan, pace)?;
    let mut next = 2;
    let mut rows = vec![quiet(plan, &hall, &mut next, "the quiet one, alone")];
    for (guess, words) in [(Guess::Code, "codes"), (Guess::Pair, "pairs")] {
        let over = AtomicBool::new(false);
        let (row, floods, length) = thread::scope(|scope| {
            let begun = Instant::now();
            let guessers: Vec<_> = (0..GUESSERS)
                .map(|number| {
                    let (hall, over) = (&hall, &over);
                    scope.spawn(move || flood(hall, guess, number, over))
                })
                .collect();
            let row = quiet(plan, &hall, &mut next, &format!("the quiet one, beside {words}"));
            over.store(true, Ordering::SeqCst);
            let floods: Vec<_> =
                guessers.into_iter().map(|one| one.join().expect("a caller")).collect();
            (row, floods, begun.elapsed())
        });
        let notes = told(floods.iter().map(|caller| &caller.verdicts));
        let times = Times::of(floods.into_iter().map(|caller| caller.times));
        rows.push(row);
        rows.push(Row { who: format!("guessed {words}"), times, length, notes });
    }
    Ok(rows)
}

/// Signs the quiet one in, now and then.
fn quiet(plan: &Plan, hall: &Hall, next: &mut u64, who: &str) -> Row {
    let begun = Instant::now();
    let mut caller = Caller::of(hall.daemon.socket());
    let name = hall.name(QUIET);
    while begun.elapsed() < plan.length {
        let code = hall.code(QUIET, *next);
        *next += 1;
        // As sshd does it: a connection for each.
        caller.hang_up();
        caller.ask(&name, &code, None);
        thread::sleep(PAUSE);
    }
    let notes = format!("{}; {} MiB", told([&caller.verdicts]), hall.memory("VmRSS"));
    Row { who: who.to_owned(), times: caller.times, length: begun.elapsed(), notes }
}

/// Guesses until it is over, from another address each time.
fn flood<'a>(hall: &'a Hall, guess: Guess, number: u32, over: &AtomicBool) -> Caller<'a> {
    let mut caller = Caller::of(hall.daemon.socket());
    let name = hall.name(VICTIM);
    for turn in 0_u32.. {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let rhost = format!("10.{number}.{}.{}", turn / 250 % 250, turn % 250);
        // Right in one of 100 000 tries, which is the guesser's luck.
        let code = format!("{:06}", turn.wrapping_mul(63).wrapping_add(number) % 1_000_000);
        let typed = match guess {
            Guess::Code => code,
            Guess::Pair => format!("{code} {:06}", (turn + 7) % 1_000_000),
        };
        caller.ask(&name, &typed, Some(&rhost));
    }
    caller
}
