//! Guessing, and what it costs the owner (clock-and-throttle.md section 5).

use super::{
    Module, Scenario, Setup,
    bench::Bench,
    cell::{Cell, Got, Must},
    module::Shape,
    on,
    replay::rounds_at_once,
    row,
};

/// Where a guesser sits.
const GUESSER: Option<&str> = Some("203.0.113.9");
/// Where the owner sits, and has signed in from.
const HOME: Option<&str> = Some("192.0.2.7");

/// The scenarios of this family.
pub(super) const ALL: &[Scenario] = &[
    row(
        "ten sign-ins a minute apart by a program that sends each code twice",
        "accept, refuse",
        |module| {
            on(module, |bench| {
                for _ in 0..10 {
                    let code = bench.code(0);
                    bench.accepts(&code);
                    bench.refuses(&code);
                    bench.clock.advance(60);
                }
            })
        },
    ),
    row(
        "one code from 8 processes at once, ten times, a minute apart",
        "one of them each time",
        |module| {
            let mut cell = rounds_at_once(module, Shape::default(), (8, 10), 60);
            cell.varies();
            cell
        },
    ),
    row("three typing errors, then the right code", "accept", |module| {
        on(module, |bench| {
            for wrong in bench.wrong(3) {
                bench.refuses(&wrong);
            }
            bench.accepts(&bench.code(0));
        })
    }),
    row(
        "100 wrong codes from one address, then the owner from a known one",
        "accept at once",
        |module| {
            on(module, |bench| {
                bench.from = HOME;
                bench.accepts(&bench.code(0));
                bench.clock.advance(60);
                flood(bench, 100);
                bench.from = HOME;
                bench.accepts(&bench.code(0));
            })
        },
    ),
    row("… the owner at the console", "accept at once", |module| {
        on(module, |bench| {
            flood(bench, 100);
            bench.from = None;
            bench.accepts(&bench.code(0));
        })
    }),
    row(
        "… the owner from an address that nobody knows",
        "accept what the prompt asks for",
        |module| {
            on(module, |bench| {
                flood(bench, 100);
                bench.from = Some("198.51.100.4");
                bench.owner_gets_in();
            })
        },
    ),
    row(
        "… and goes on, one each second, while the owner tries",
        "accept what the prompt asks for",
        under_fire,
    ),
    row("20 wrong codes at once, the 21st is right", "refuse", |module| guessed(module, 20, 0)),
    row("a guess each 15 s, the 41st is right", "refuse", |module| guessed(module, 40, 15)),
    row("a guess each 10 minutes, the 41st is right", "refuse", |module| guessed(module, 40, 600)),
    row("20 wrong codes, a restart, then the right one", "refuse", |module| {
        on(module, |bench| {
            flood(bench, 20);
            bench.stop();
            assert!(bench.start(), "fobd does not start");
            bench.refuses(&bench.code(0));
        })
    }),
    row(
        "20 wrong codes, the owner's sign-in elsewhere, the guesser's right one",
        "refuse",
        |module| {
            on(module, |bench| {
                flood(bench, 20);
                bench.from = None;
                bench.tries(Must::Either, "alice", &bench.code(0));
                bench.clock.advance(60);
                bench.from = GUESSER;
                bench.refuses(&bench.code(0));
            })
        },
    ),
    row(
        "64 codes at once, one of them right, 10 times from the start",
        "as rare as 64 in turn",
        parallel,
    ),
    row("40 codes from 8 addresses, a minute apart, the 41st is right", "refuse", sources),
];

/// Sends wrong codes from one address, 60 to a host.
fn flood(bench: &mut Bench, count: usize) {
    bench.from = GUESSER;
    for wrong in bench.wrong(count).chunks(50) {
        let words = wrong.iter().map(|code| format!("answer={code}"));
        let each = [format!("call-each={}", wrong.len())];
        let words: Vec<String> =
            ["user=alice".to_owned()].into_iter().chain(words).chain(each).collect();
        for got in bench.host(&words).gots() {
            bench.cell.count(Must::Refuse, got);
        }
    }
}

fn guessed(module: Module, wrong: usize, pause: i64) -> Cell {
    on(module, |bench| {
        if pause == 0 {
            flood(bench, wrong);
        }
        bench.from = GUESSER;
        for code in bench.wrong(if pause == 0 { 0 } else { wrong }) {
            bench.refuses(&code);
            bench.clock.advance(pause);
        }
        bench.refuses(&bench.code(0));
    })
}

fn under_fire(module: Module) -> Cell {
    on(module, |bench| {
        flood(bench, 100);
        let wrong = bench.wrong(160);
        for (minute, wrong) in wrong[100..].chunks(10).enumerate() {
            bench.from = GUESSER;
            for code in wrong {
                bench.tries(Must::Refuse, "alice", code);
                bench.clock.advance(3);
            }
            bench.from = Some("198.51.100.4");
            let now = bench.code(0);
            let asked = bench.sign_in("alice", "").asked("Two codes");
            let answer = if asked { format!("{} {now}", bench.code(-1)) } else { now };
            if bench.sign_in("alice", &answer).got() == Got::Accepted {
                bench.cell.remark(format!("after {} s", (minute + 1) * 30));
                return bench.cell.count(Must::Accept, Got::Accepted);
            }
        }
        bench.cell.count(Must::Accept, Got::Refused);
    })
}

/// A counter that parallel tries beat accepts the right one in most rounds; one that holds, in
/// about five of 64.
fn parallel(module: Module) -> Cell {
    let mut cell = Cell::default();
    let mut hits = 0;
    for round in 0..10 {
        let mut bench = Bench::open(module, Setup::default()).unwrap();
        bench.from = GUESSER;
        let mut codes = bench.wrong(63);
        codes.insert(round * 6, bench.code(0));
        let gots = bench.at_once(64, &["alice"], &codes);
        hits += gots.iter().filter(|got| **got == Got::Accepted).count();
    }
    cell.count(if hits > 5 { Must::Refuse } else { Must::Either }, Got::Accepted);
    cell.remark(format!("the right one was tried in {hits} of 10"));
    cell
}

fn sources(module: Module) -> Cell {
    const ADDRESSES: [&str; 8] = [
        "203.0.113.1",
        "203.0.113.2",
        "203.0.113.3",
        "203.0.113.4",
        "203.0.113.5",
        "203.0.113.6",
        "203.0.113.7",
        "203.0.113.8",
    ];
    on(module, |bench| {
        for (at, code) in bench.wrong(40).iter().enumerate() {
            bench.from = Some(ADDRESSES[at % ADDRESSES.len()]);
            bench.refuses(code);
            bench.clock.advance(60);
        }
        bench.refuses(&bench.code(0));
    })
}
