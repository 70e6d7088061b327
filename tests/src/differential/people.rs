//! Who signs in, and as whom.

use super::{
    Module, Scenario, Setup,
    bench::{Bench, CALL, USERS},
    cell::{Cell, Fault, Must},
    module::Options,
    on, row, with,
};

/// Eight users, each with a token.
const CROWD: [&str; 8] = ["alice", "bob", "u1", "u2", "u3", "u4", "u5", "u6"];

/// The scenarios of this family.
pub(super) const ALL: &[Scenario] = &[
    row("a user whom nobody knows", "refuse", |module| named(module, &["erin"])),
    row("a user without a token", "refuse", |module| named(module, &["plain"])),
    row("the same with `nullok`", "say nothing about him", |module| {
        nullok(module, |bench| {
            bench.tries(Must::Refuse, "plain", "123456");
        })
    }),
    row("`nullok`, and the user has a token", "ask for it", |module| {
        nullok(module, |bench| {
            bench.tries(Must::Refuse, "alice", &bench.wrong(1)[0]);
            bench.accepts(&bench.code(0));
        })
    }),
    row("a name with a path in it", "refuse", |module| {
        named(module, &["../alice", "mallory/../alice", "/home/alice", "./alice"])
    }),
    row("a name with line ends, tabs, format words", "refuse", |module| {
        named(module, &["alice\nroot", "alice\t-", "%n%n%s", "alice\r"])
    }),
    row("a name of 256 bytes and of 64 KiB", "refuse", |module| {
        on(module, |bench| {
            for length in [256, 1 << 16] {
                let code = bench.code(0);
                bench.tries(Must::Refuse, &"a".repeat(length), &code);
            }
        })
    }),
    row("the name in capital letters, with a space behind", "refuse", |module| {
        named(module, &["ALICE", "alice ", " alice"])
    }),
    row("another user's code", "refuse", |module| {
        crowd(module, |bench| bench.refuses(&bench.code_of("bob", 0)))
    }),
    row("one code as two names of one uid", "never twice", |module| {
        on(module, |bench| {
            let code = bench.code(0);
            bench.accepts(&code);
            bench.tries(Must::Refuse, "alicia", &code);
        })
    }),
    row("the name is changed while the code is typed", "refuse", |module| {
        crowd(module, |bench| {
            let answer = format!("answer={}", bench.code(0));
            let words = ["user=alice", "set-user=bob", answer.as_str(), CALL].map(str::to_owned);
            let got = bench.host(&words).got();
            bench.cell.count(Must::Refuse, got);
        })
    }),
    row("2 users at once, 30 rounds", "accept all", |module| together(module, 2, 30)),
    row("8 users at once, 20 rounds", "accept all", |module| together(module, 8, 20)),
    row("a user's wrong codes, then another user's code", "accept", |module| {
        crowd(module, |bench| {
            for wrong in bench.wrong(20) {
                bench.refuses(&wrong);
            }
            let code = bench.code_of("bob", 0);
            bench.tries(Must::Accept, "bob", &code);
        })
    }),
    row(
        "prompt and texts for a known user, one without a token and an unknown one",
        "the same",
        texts,
    ),
    row(
        "the time of a refusal: unknown user against wrong code, 20 each",
        "the same; only reported",
        times,
    ),
    row("a program of the user reads his seed", "it cannot", |module| {
        own_program(module, "cat", Fault::Leaks)
    }),
    row("a program of the user writes the state", "it cannot", |module| {
        own_program(module, "chmod u+w \"$0\" && echo >>", Fault::Unsafe)
    }),
];

fn crowd(module: Module, scenario: impl FnOnce(&mut Bench)) -> Cell {
    with(module, Setup { people: &CROWD, ..Setup::default() }, scenario)
}

/// Signs in with alice's right code under each of these names.
fn named(module: Module, names: &[&str]) -> Cell {
    on(module, |bench| {
        let code = bench.code(0);
        for name in names {
            bench.tries(Must::Refuse, name, &code);
        }
    })
}

fn nullok(module: Module, scenario: impl FnOnce(&mut Bench)) -> Cell {
    if module == Module::Oath {
        return Cell::skipped("has no such option");
    }
    let options = Options { google: "nullok", oath: "", fob: "nullok" };
    with(module, Setup { options, ..Setup::default() }, scenario)
}

fn together(module: Module, users: usize, rounds: usize) -> Cell {
    crowd(module, |bench| {
        let users = &CROWD[..users];
        for _ in 0..rounds {
            let answers: Vec<String> = users.iter().map(|user| bench.code_of(user, 0)).collect();
            for got in bench.at_once(users.len(), users, &answers) {
                bench.cell.count(Must::Accept, got);
            }
            bench.clock.advance(60);
        }
    })
}

/// What a person sees must not tell whether a name exists or has a token. The name itself, which
/// he typed, may stand in it.
fn texts(module: Module) -> Cell {
    on(module, |bench| {
        let wrong = &bench.wrong(1)[0];
        let mut seen = Vec::new();
        for user in ["alice", "plain", "erin"] {
            let shown = bench.sign_in(user, wrong);
            bench.cell.count(Must::Refuse, shown.got());
            let said = shown.lines.iter().filter(|line| !line.starts_with("took"));
            seen.push(said.map(|line| line.replace(user, "NAME")).collect::<Vec<_>>());
        }
        if seen.iter().any(|said| *said != seen[0]) {
            bench.cell.blame(Fault::Leaks);
            bench.cell.remark("they differ");
        }
    })
}

fn times(module: Module) -> Cell {
    on(module, |bench| {
        let mut sums = [0; 2];
        for wrong in bench.wrong(20) {
            for (user, sum) in ["alice", "erin"].iter().zip(&mut sums) {
                let seen = bench.sign_in(user, &wrong);
                bench.cell.count(Must::Refuse, seen.got());
                *sum += seen.number("took").unwrap_or_default();
            }
            bench.clock.advance(40);
        }
        let [known, unknown] = sums.map(|sum| sum / 20);
        bench.cell.remark(format!("{known} ms known, {unknown} ms unknown"));
    })
}

/// Runs a shell word on the module's most precious file as alice.
fn own_program(module: Module, word: &str, fault: Fault) -> Cell {
    on(module, |bench| {
        let uid = USERS[1].1.to_string();
        let file = bench.file().display().to_string();
        let script = format!("{word} \"$0\"");
        let ids = ["--clear-groups", "--reuid", &uid, "--regid", &uid];
        let ran = bench
            .stage
            .inside()
            .arg("setpriv")
            .args(ids)
            .args(["sh", "-c", &script, &file])
            .output();
        bench.blame_if(ran.unwrap().status.success().then_some(fault));
    })
}
