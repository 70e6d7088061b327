//! The host's clock is set, and the token's drifts.

use super::{
    Module, Scenario,
    bench::Bench,
    cell::{Cell, Must},
    on, row,
};

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// The scenarios of this family.
pub(super) const ALL: &[Scenario] = &[
    row("the clock goes back an hour: a code used an hour ago", "refuse", |module| {
        on(module, |bench| {
            let old = bench.code(0);
            bench.accepts(&old);
            bench.clock.advance(HOUR);
            bench.accepts(&bench.code(0));
            bench.clock.set(-HOUR);
            bench.refuses(&old);
        })
    }),
    row("the clock goes back an hour: a code seen an hour ago, and not used", "refuse", |module| {
        on(module, |bench| {
            let old = bench.code(1);
            bench.accepts(&bench.code(0));
            bench.clock.advance(HOUR);
            bench.accepts(&bench.code(0));
            bench.clock.set(-HOUR);
            bench.clock.advance(30);
            bench.refuses(&old);
        })
    }),
    row("… and the clock is right again: the owner", "accept in two minutes", |module| {
        on(module, |bench| {
            bench.accepts(&bench.code(0));
            bench.clock.advance(HOUR);
            bench.clock.set(-HOUR);
            bench.tries(Must::Either, "alice", &bench.code(0));
            bench.clock.advance(HOUR);
            bench.clock.set(0);
            bench.owner_gets_in();
        })
    }),
    row("the clock goes ahead an hour and back: the owner", "accept in two minutes", |module| {
        ahead(module, HOUR)
    }),
    row("the clock goes ahead ten years and back: the owner", "accept in two minutes", |module| {
        ahead(module, 3650 * DAY)
    }),
    row(
        "someone moves the clock ahead, signs in with a later code, and back: that code in its time",
        "refuse",
        |module| {
            on(module, |bench| {
                bench.clock.set(HOUR);
                let later = bench.code(120);
                bench.tries(Must::Either, "alice", &later);
                bench.clock.set(0);
                bench.clock.advance(HOUR);
                bench.refuses(&later);
            })
        },
    ),
    row("the clock says 1970, then is right: the owner", "accept in two minutes", |module| {
        on(module, |bench| {
            bench.accepts(&bench.code(0));
            bench.clock.set(-bench.clock.true_time().cast_signed() + 1000);
            bench.tries(Must::Either, "alice", &bench.code(0));
            bench.clock.set(0);
            bench.clock.advance(300);
            bench.owner_gets_in();
        })
    }),
    row("the clock goes back 30 days after 20 wrong codes: the right one", "refuse", |module| {
        refilled(module, -30 * DAY)
    }),
    row(
        "the clock goes ahead 30 days after 20 wrong codes: that time's code",
        "refuse",
        |module| refilled(module, 30 * DAY),
    ),
    row("a token 3 steps slow", "the owner gets in in two minutes", |module| slow(module, 3)),
    row("a token 10 steps slow", "the owner gets in in two minutes", |module| slow(module, 10)),
    row(
        "a token that loses 10 s a month, used each month of two years",
        "accept each time",
        |module| {
            on(module, |bench| {
                for month in 0..24 {
                    bench.accepts(&bench.code(0));
                    bench.clock.advance(30 * DAY);
                    bench.drift(-10 * (month + 1));
                }
            })
        },
    ),
    row(
        "a token that loses 10 s a month, after a year in a drawer",
        "the owner gets in in two minutes",
        |module| {
            on(module, |bench| {
                bench.accepts(&bench.code(0));
                bench.clock.advance(365 * DAY);
                bench.drift(-120);
                bench.owner_gets_in();
            })
        },
    ),
    row("TZ is garbage, and changes", "no effect", |module| {
        on(module, |bench| {
            for zone in ["TZ=../../../etc/passwd", "TZ=Asia/Tokyo", "TZ=:%n%n"] {
                let answer = format!("answer={}", bench.code(0));
                let words = ["user=alice", answer.as_str(), super::bench::CALL].map(str::to_owned);
                let got = bench.host_under(&["env", zone], &words).got();
                bench.cell.count(Must::Accept, got);
                bench.clock.advance(60);
            }
        })
    }),
];

fn ahead(module: Module, seconds: i64) -> Cell {
    on(module, |bench| {
        bench.accepts(&bench.code(0));
        bench.clock.advance(60);
        bench.clock.set(seconds);
        bench.tries(Must::Either, "alice", &bench.code(0));
        bench.clock.advance(60);
        bench.clock.set(0);
        bench.owner_gets_in();
    })
}

/// Twenty wrong codes of a stranger; then the clock is set, and his next guess is right there.
fn refilled(module: Module, seconds: i64) -> Cell {
    on(module, |bench| {
        bench.from = Some("203.0.113.9");
        for wrong in bench.wrong(20) {
            bench.refuses(&wrong);
        }
        bench.clock.set(seconds);
        bench.refuses(&bench.code(seconds / 30));
    })
}

fn slow(module: Module, steps: i64) -> Cell {
    on(module, |bench: &mut Bench| {
        bench.drift(-30 * steps);
        bench.owner_gets_in();
    })
}
