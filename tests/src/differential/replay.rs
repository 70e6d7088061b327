//! A code that was used already.

use super::{
    Module, Scenario, Setup,
    bench::Bench,
    cell::{Cell, Got, Must},
    module::{Moving, Shape},
    on, row, with,
};

/// The scenarios of this family.
pub(super) const ALL: &[Scenario] = &[
    row("the same code again", "refuse", |module| {
        on(module, |bench| {
            let code = bench.code(0);
            bench.accepts(&code);
            bench.refuses(&code);
            bench.clock.advance(25);
            bench.refuses(&code);
        })
    }),
    row("the same code in another spelling", "refuse", |module| {
        on(module, |bench| {
            let code = bench.code(0);
            bench.accepts(&code);
            let (left, right) = code.split_at(3);
            for again in [format!(" {code}"), format!("{code}\n"), format!("{left}-{right}")] {
                bench.refuses(&again);
            }
        })
    }),
    row("one code from 2 processes at once, 50 rounds", "one of them", |module| {
        at_once(module, Shape::default(), 2, 50)
    }),
    row("one code from 8 processes at once, 20 rounds", "one of them", |module| {
        at_once(module, Shape::default(), 8, 20)
    }),
    row("one code from 64 processes at once, 5 rounds", "one of them", |module| {
        at_once(module, Shape::default(), 64, 5)
    }),
    row("the code of the step before, after the current one", "refuse", |module| {
        on(module, |bench| {
            bench.accepts(&bench.code(0));
            bench.refuses(&bench.code(-1));
        })
    }),
    row("a code seen, the two after it used, then tried", "refuse", |module| {
        on(module, |bench| {
            let seen = bench.code(0);
            bench.accepts(&seen);
            bench.clock.advance(30);
            bench.accepts(&bench.code(0));
            bench.refuses(&seen);
        })
    }),
    row("four codes in a row of two hours ago, one typed each step", "refuse", old_codes),
    row("… and then the owner", "let him in, with what the prompt asks for", |module| {
        after_old_codes(module)
    }),
    row(
        "the machine is restarted, then the same code, then the next",
        "refuse, accept",
        |module| {
            on(module, |bench| {
                let code = bench.code(0);
                bench.accepts(&code);
                bench.stop();
                assert!(bench.start(), "fobd does not start");
                bench.refuses(&code);
                bench.clock.advance(30);
                bench.accepts(&bench.code(0));
            })
        },
    ),
    row(
        "the machine loses its power, then the same code, then the owner",
        "refuse, accept",
        |module| {
            on(module, |bench| {
                let code = bench.code(0);
                bench.accepts(&code);
                bench.kill();
                assert!(bench.start(), "fobd does not start");
                bench.refuses(&code);
                bench.clock.advance(30);
                bench.owner_gets_in();
            })
        },
    ),
    row("HOTP: the next code, twice", "accept, refuse", |module| {
        button(module, |bench| {
            let code = bench.code(0);
            bench.accepts(&code);
            bench.clock.advance(60);
            bench.refuses(&code);
        })
    }),
    row("HOTP: an older code after a later one", "refuse", |module| {
        button(module, |bench| {
            bench.accepts(&bench.code(1));
            bench.refuses(&bench.code(0));
        })
    }),
    row("HOTP: two presses, then five, lost in a pocket", "accept", |module| {
        button(module, |bench| {
            bench.accepts(&bench.code(2));
            bench.accepts(&bench.code(8));
        })
    }),
    row("HOTP: one code from 8 processes at once, 20 rounds", "one of them", |module| {
        at_once(module, Shape::BUTTON, 8, 20)
    }),
    row("HOTP: a stranger's four wrong codes, then the owner's next", "accept", |module| {
        button(module, |bench| {
            bench.from = Some("203.0.113.9");
            for wrong in bench.wrong(4) {
                bench.refuses(&wrong);
                bench.clock.advance(40);
            }
            bench.accepts(&bench.code(0));
        })
    }),
    row("HOTP: the code that a power cut made uncertain", "never twice", |module| {
        button(module, |bench| {
            let code = bench.code(0);
            bench.accepts(&code);
            bench.kill();
            assert!(bench.start(), "fobd does not start");
            bench.refuses(&code);
        })
    }),
];

fn button(module: Module, scenario: impl FnOnce(&mut Bench)) -> Cell {
    with(module, Setup { shape: Shape::BUTTON, ..Setup::default() }, scenario)
}

/// Seconds between two rounds: beyond every rate limit, Fob's 30 wrong codes in 30 days too, for
/// codes that are sent again count.
const PAUSE: i64 = 8 * 24 * 60 * 60;

fn at_once(module: Module, shape: Shape, processes: usize, rounds: i64) -> Cell {
    rounds_at_once(module, shape, (processes, rounds), PAUSE)
}

/// Each round has a fresh code.
pub(super) fn rounds_at_once(
    module: Module,
    shape: Shape,
    (processes, rounds): (usize, i64),
    pause: i64,
) -> Cell {
    with(module, Setup { shape, ..Setup::default() }, |bench| {
        let mut most = 0;
        for round in 0..rounds {
            let code = bench.code(if shape.moving == Moving::Button { round } else { 0 });
            let gots = bench.at_once(processes, &["alice"], &[code]);
            most = most.max(gots.iter().filter(|got| **got == Got::Accepted).count());
            bench.cell.count_one_of(&gots);
            bench.clock.advance(pause);
        }
        if most > 1 {
            bench.cell.remark(format!("up to {most} at once"));
        }
    })
}

/// The first of the codes was used in its time; the person who saw it has the next three as well.
fn spy(bench: &mut Bench, must: Must) {
    let old: Vec<String> = (0..4).map(|after| bench.code(after)).collect();
    bench.tries(if must == Must::Refuse { Must::Accept } else { must }, "alice", &old[0]);
    bench.clock.advance(2 * 60 * 60);
    for code in old {
        bench.tries(must, "alice", &code);
        bench.clock.advance(30);
    }
}

fn old_codes(module: Module) -> Cell {
    on(module, |bench| spy(bench, Must::Refuse))
}

fn after_old_codes(module: Module) -> Cell {
    on(module, |bench| {
        spy(bench, Must::Either);
        bench.cell = Cell::default();
        bench.owner_gets_in();
    })
}
