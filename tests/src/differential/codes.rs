//! What is typed at the prompt.

use std::fs;

use super::{
    Module, Scenario, Setup,
    bench::{Bench, CALL},
    cell::{Cell, Must},
    module::{Options, Shape},
    on, row, with,
};
use crate::soft_token::Algorithm;

/// sshd's answer for a user who may not sign in, `auth-pam.c`.
const SSHD_JUNK: &str = "\u{8}\n\r\u{7f}INCORRECT";

/// The scenarios of this family.
pub(super) const ALL: &[Scenario] = &[
    row("the right code", "accept", |module| on(module, |bench| bench.accepts(&bench.code(0)))),
    row("a wrong code", "refuse", |module| on(module, |bench| bench.refuses(&bench.wrong(1)[0]))),
    row("codes five and ten steps old or ahead, each alone", "refuse", far_codes),
    row("the code of one step ahead, then again in its time", "never twice", |module| {
        early_or_late(module, 1)
    }),
    row("the code of one step ago, twice", "never twice", |module| early_or_late(module, -1)),
    row("the code with a space, a dash, a line's end", "accept or refuse, never crash", |module| {
        spelt(module, Must::Either, |code| {
            let (left, right) = code.split_at(3);
            vec![format!("{left} {right}"), format!("{left}-{right}"), format!("{code}\n")]
        })
    }),
    row("the code in full-width digits", "refuse", |module| {
        spelt(module, Must::Refuse, |code| vec![full_width(code)])
    }),
    row(
        "the code behind a sign, in hexadecimal, as a number with a fraction",
        "refuse",
        |module| {
            spelt(module, Must::Refuse, |code| {
                let number: u32 = code.parse().unwrap();
                vec![format!("+{code}"), format!("{number:#x}"), format!("{code}.0")]
            })
        },
    ),
    row("a code that begins with 0, without the 0 or with a sign for it", "refuse", zero),
    row("letters", "refuse", |module| {
        spelt(module, Must::Refuse, |_| vec!["abcdef".to_owned(), "O1l234".to_owned()])
    }),
    row("the code with a digit too few or too many", "refuse", |module| {
        spelt(module, Must::Refuse, |code| {
            vec![code[..5].to_owned(), code[1..].to_owned(), format!("{code}7"), format!("7{code}")]
        })
    }),
    row("an empty answer", "refuse", |module| spelt(module, Must::Refuse, |_| vec![String::new()])),
    row("64 KiB, and the code at the end of 64 KiB", "refuse", |module| {
        spelt(module, Must::Refuse, |code| vec!["1".repeat(1 << 16), "1".repeat(1 << 16) + code])
    }),
    row("the answer NULL, no answers, a conversation that fails", "refuse, and live", |module| {
        on(module, |bench| {
            for how in ["null-string", "null-array", "fail=19", "fail=5", "fail=99"] {
                let words = ["user=alice", how, CALL].map(str::to_owned);
                let got = bench.host(&words).got();
                bench.cell.count(Must::Refuse, got);
            }
            bench.accepts(&bench.code(0));
        })
    }),
    row("sshd's junk answer ten times, then the code", "the junk costs no try", |module| {
        on(module, |bench| {
            for _ in 0..10 {
                bench.refuses(SSHD_JUNK);
            }
            bench.accepts(&bench.code(0));
        })
    }),
    row("password and code in one field (`forward_pass`)", "accept", forward_pass),
    row("a token of eight digits", "accept once", |module| {
        shaped(module, Shape { digits: 8, ..Shape::default() })
    }),
    row("a token with steps of 60 s", "accept once", |module| {
        shaped(module, Shape { period: 60, ..Shape::default() })
    }),
    row("a token with SHA-256", "accept once", |module| {
        shaped(module, Shape { algorithm: Algorithm::SHA256, ..Shape::default() })
    }),
    row("a token with SHA-512", "accept once", |module| {
        shaped(module, Shape { algorithm: Algorithm::SHA512, ..Shape::default() })
    }),
];

/// Tries each spelling on a bench of its own: what one costs is not the next one's.
fn spelt(module: Module, must: Must, spell: impl Fn(&str) -> Vec<String>) -> Cell {
    // The spellings depend on the code, and the codes of all benches are the same.
    let mut sum: Option<Bench> = None;
    let count = Bench::open(module, Setup::default()).map(|bench| spell(&bench.code(0)).len());
    for at in 0..count.unwrap() {
        let mut bench = Bench::open(module, Setup::default()).unwrap();
        let answer = spell(&bench.code(0)).swap_remove(at);
        if let Some(before) = &sum {
            bench.cell = before.cell.clone();
        }
        bench.tries(must, "alice", &answer);
        sum = Some(bench);
    }
    sum.map(|bench| bench.cell.clone()).unwrap_or_default()
}

fn far_codes(module: Module) -> Cell {
    let mut cell = Cell::default();
    for steps in [-10, -5, 5, 10] {
        let mut bench = Bench::open(module, Setup::default()).unwrap();
        bench.cell = cell;
        bench.refuses(&bench.code(steps));
        cell = bench.cell.clone();
    }
    cell
}

fn early_or_late(module: Module, steps: i64) -> Cell {
    on(module, |bench| {
        let code = bench.code(steps);
        let first = bench.tries(Must::Either, "alice", &code);
        bench.clock.advance(if steps > 0 { 30 } else { 1 });
        let again = if first == super::cell::Got::Accepted { Must::Refuse } else { Must::Either };
        bench.tries(again, "alice", &code);
    })
}

fn full_width(code: &str) -> String {
    let wide = |digit: char| char::from_u32(u32::from(digit) + 0xFEE0).unwrap();
    code.chars().map(wide).collect()
}

fn zero(module: Module) -> Cell {
    on(module, |bench| {
        while !bench.code(0).starts_with('0') {
            bench.clock.advance(30);
        }
        let code = bench.code(0);
        for sign in ["", "+", "-", " "] {
            bench.refuses(&format!("{sign}{}", &code[1..]));
        }
    })
}

fn forward_pass(module: Module) -> Cell {
    let options = Options { google: "forward_pass", oath: "digits=6", fob: "forward_pass" };
    with(module, Setup { options, ..Setup::default() }, |bench| {
        if module == Module::Oath {
            // In its users file "+" says that somebody else checks the password.
            let line = fs::read_to_string(bench.file()).unwrap();
            fs::write(bench.file(), line.replace("\t-\t", "\t+\t")).unwrap();
        }
        bench.accepts(&format!("hunter2{}", bench.code(0)));
    })
}

fn shaped(module: Module, shape: Shape) -> Cell {
    with(module, Setup { shape, ..Setup::default() }, |bench| {
        let code = bench.code(0);
        bench.accepts(&code);
        bench.refuses(&code);
    })
}
