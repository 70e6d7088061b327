//! Thousands of connections: silent ones that stay, and sign-ins with one each.

use std::{
    os::unix::net::UnixStream,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::{
    Plan, Row, Times,
    caller::{Caller, told},
    hall::{Hall, PEOPLE, Pace},
};
use crate::{conformance::Failure, faults::failed};

/// Connections that say nothing: those of the goal, and those of threats.md D11.
const SILENT: [usize; 2] = [5_000, 10_000];
/// Sign-ins with a connection each.
const SIGN_INS: u64 = 5_000;
/// How many of them at once.
const AT_ONCE: u32 = 64;
/// Sign-ins beside the silent ones.
const BESIDE: u64 = 500;

pub(super) fn run(plan: &Plan) -> Result<Vec<Row>, Failure> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).map_err(failed)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).map_err(failed)?;
    let hall = Hall::open(plan, Pace::AsItIs)?;
    let mut next = 2;
    let mut rows = vec![beside(&hall, &mut next, "a sign-in, alone", String::new())];
    for count in SILENT {
        let begun = Instant::now();
        let mut held = Vec::new();
        let mut refused = None;
        while held.len() < count {
            match UnixStream::connect(hall.daemon.socket()) {
                Ok(line) => held.push(line),
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        let mut notes = format!("{} held after {:?}", held.len(), begun.elapsed());
        if let Some(error) = refused {
            notes.push_str(&format!(", then: {error}"));
        }
        rows.push(beside(&hall, &mut next, &format!("a sign-in beside {count} silent"), notes));
    }
    rows.push(one_each(&hall));
    Ok(rows)
}

/// Signs one person in, again and again, on a connection each.
fn beside(hall: &Hall, next: &mut u64, who: &str, notes: String) -> Row {
    let begun = Instant::now();
    let mut caller = Caller::of(hall.daemon.socket());
    let name = hall.name(PEOPLE - 1);
    for _ in 0..BESIDE {
        caller.hang_up();
        caller.ask(&name, &hall.code(PEOPLE - 1, *next), None);
        *next += 1;
    }
    let told = told([&caller.verdicts]);
    let notes = format!("{told}; {notes}; {} MiB", hall.memory("VmRSS"));
    Row { who: who.to_owned(), times: caller.times, length: begun.elapsed(), notes }
}

/// Signs 64 people in at once, on a connection each time.
fn one_each(hall: &Hall) -> Row {
    let (begun, taken) = (Instant::now(), AtomicU64::new(0));
    let one = |number: u32| {
        let mut caller = Caller::of(hall.daemon.socket());
        let name = hall.name(number);
        for counter in 2.. {
            if taken.fetch_add(1, Ordering::SeqCst) >= SIGN_INS {
                break;
            }
            caller.hang_up();
            caller.ask(&name, &hall.code(number, counter), None);
        }
        caller
    };
    let callers: Vec<Caller<'_>> = thread::scope(|scope| {
        let all: Vec<_> = (0..AT_ONCE).map(|number| scope.spawn(move || one(number))).collect();
        all.into_iter().map(|one| one.join().expect("a caller")).collect()
    });
    let length = begun.elapsed();
    let told = told(callers.iter().map(|caller| &caller.verdicts));
    let notes = format!("{told}; {} MiB at most", hall.memory("VmHWM"));
    let times = Times::of(callers.into_iter().map(|caller| caller.times));
    Row { who: format!("{SIGN_INS} connections, {AT_ONCE} at once"), times, length, notes }
}
