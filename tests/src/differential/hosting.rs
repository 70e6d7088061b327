//! What a module does to the program that calls it, and to the administrator who writes its line.

use std::fs;

use super::{
    Module, Scenario, Setup,
    bench::{Bench, CALL, Seen, lay, uid_of},
    cell::{Cell, Fault, Got, Must},
    module::{Options, Shape},
    on, row, with,
};

/// The scenarios of this family.
pub(super) const ALL: &[Scenario] = &[
    row("an option is misspelt", "an error, and a line in the log", |module| {
        optioned(module, ["nul_ok", "windw=1", "nul_ok"])
    }),
    row("an option has an empty value", "an error, and a line in the log", |module| {
        optioned(module, ["allowed_perm=", "window=", "timeout="])
    }),
    row("an option has a huge value", "an error, and a line in the log", |module| {
        optioned(
            module,
            [
                "allowed_perm=0777777777777777777777",
                "window=18446744073709551617",
                "timeout=18446744073709551617",
            ],
        )
    }),
    row("an option has a negative value", "an error, and a line in the log", |module| {
        optioned(module, ["allowed_perm=-1", "window=-1", "timeout=-1"])
    }),
    row("the daemon does not run, the file is not there", "refuse", |module| {
        on(module, |bench| {
            bench.kill();
            fs::rename(bench.file(), bench.folder().join("away")).unwrap();
            bench.refuses(&bench.code(0));
        })
    }),
    row("no daemon, no file, and `nullok`", "refuse", |module| {
        if module == Module::Oath {
            return Cell::skipped("has no such option");
        }
        let options = Options { google: "nullok", oath: "", fob: "nullok" };
        with(module, Setup { options, ..Setup::default() }, |bench| {
            bench.kill();
            fs::rename(bench.file(), bench.folder().join("away")).unwrap();
            let got = bench.tries(Must::Refuse, "alice", &bench.wrong(1)[0]);
            bench.blame_if((got == Got::Ignored).then_some(Fault::Unsafe));
        })
    }),
    row("pam_setcred alone", "asks nothing, costs nothing", |module| {
        alone(module, "setcred", Must::Either)
    }),
    row("pam_acct_mgmt alone", "is no success", |module| alone(module, "account", Must::Refuse)),
    row("HOME and the addresses of buses lead to a stranger's", "no effect", environment),
    row("the code in the host's memory after a sign-in", "none", |module| memory(module, 0)),
    row("the code in the host's memory after a refusal", "none", |module| memory(module, -50)),
    row("the seed in the host's memory after a sign-in", "none", seed_in_memory),
    row("threads, descriptors, environment, handlers after 50 refusals", "as before", behind),
    row("8 threads of one host with one code", "one of them", |module| {
        on(module, |bench| {
            let answer = format!("answer={}", bench.code(0));
            let words = ["user=alice", answer.as_str(), "call-threads=8"].map(str::to_owned);
            let seen = bench.host(&words);
            let mut gots = seen.gots();
            gots.resize(8, Got::Died);
            bench.cell.count_one_of(&gots);
        })
    }),
    row("a host without a free descriptor", "refuse, and live", |module| {
        on(module, |bench| {
            let answer = format!("answer={}", bench.code(0));
            let words = ["user=alice", "starve", answer.as_str(), CALL].map(str::to_owned);
            let got = bench.host(&words).got();
            bench.cell.count(Must::Either, got);
            let again = if got == Got::Accepted { Must::Refuse } else { Must::Either };
            bench.tries(again, "alice", &bench.code(0));
        })
    }),
    row("a host with a stack of 256 KiB", "accept", |module| {
        limited(module, Must::Accept, "ulimit -s 256; exec \"$0\" \"$@\"")
    }),
    row("a host with 24 MiB of address space", "accept or refuse, and live", |module| {
        limited(module, Must::Either, "ulimit -v 24576; exec \"$0\" \"$@\"")
    }),
    row(
        "a host whose files may not grow (RLIMIT_FSIZE 0): one code twice",
        "never twice, and live",
        |module| {
            on(module, |bench| {
                let code = bench.code(0);
                let words = ["user=alice".to_owned(), format!("answer={code}"), CALL.to_owned()];
                let limit = ["bash", "-c", "ulimit -f 0; exec \"$0\" \"$@\" | cat"];
                let got =
                    bench.host_under(&limit, &words).gots().first().copied().unwrap_or(Got::Died);
                bench.cell.count(Must::Either, got);
                let again = if got == Got::Accepted { Must::Refuse } else { Must::Either };
                bench.tries(again, "alice", &code);
            })
        },
    ),
    row("nobody reads the log, 30 refusals", "the host goes on", deaf),
    row("log and terminal with `debug`: the code", "not in it", |module| {
        logged(module, Secret::Code)
    }),
    row("log and terminal with `debug`: the seed", "not in it", |module| {
        logged(module, Secret::Seed)
    }),
    row("a refusal without `debug`: what the host's terminal gets", "nothing", |module| {
        on(module, |bench| {
            let seen = bench.sign_in("alice", &bench.wrong(1)[0]);
            bench.cell.count(Must::Refuse, seen.got());
            let known = |line: &&String| {
                !["prompt ", "code ", "took ", "text "].iter().any(|word| line.starts_with(word))
            };
            let noise = !seen.errors.is_empty() || seen.lines.iter().any(|line| known(&line));
            bench.blame_if(noise.then_some(Fault::Leaves));
        })
    }),
];

fn words_of(bench: &Bench) -> [String; 3] {
    ["user=alice".to_owned(), format!("answer={}", bench.code(0)), CALL.to_owned()]
}

/// A mistake in the line is found at once, or the sign-in goes on as if nothing was written.
fn optioned(module: Module, [google, oath, fob]: [&'static str; 3]) -> Cell {
    let options = Options { google, oath, fob };
    with(module, Setup { options, ..Setup::default() }, |bench| {
        let got = bench.tries(Must::Either, "alice", &bench.code(0));
        bench.blame_if((got == Got::Accepted).then_some(Fault::Unsafe));
        if bench.log.lines().is_empty() {
            bench.cell.remark("not logged");
        }
    })
}

fn alone(module: Module, function: &str, success: Must) -> Cell {
    on(module, |bench| {
        let seen = bench.host(&["user=alice".to_owned(), format!("call-other={function}")]);
        bench.cell.count(success, seen.got());
        bench.blame_if(seen.asked("").then_some(Fault::Unsafe));
        bench.accepts(&bench.code(0));
    })
}

/// A stranger's home has a file with a token of his.
fn environment(module: Module) -> Cell {
    on(module, |bench| {
        let his = Shape::default().token("mallory");
        let home = bench.folder().join("evil");
        fs::create_dir(&home).unwrap();
        lay(
            &home.join(".google_authenticator"),
            &Shape::default().google_file(&his),
            uid_of("alice"),
            0o400,
        );
        lay(&home.join("users.oath"), &Shape::default().oath_line("alice", &his), 0, 0o600);
        let home = format!("HOME={}", home.display());
        let program = [
            "env",
            &home,
            "USER=mallory",
            "LOGNAME=mallory",
            "TZ=:%n",
            "LANG=xx_XX.%n",
            "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/evil",
            "DBUS_STARTER_ADDRESS=unix:path=/run/evil",
            "RUST_LOG=trace",
            "RUST_BACKTRACE=full",
            "TMPDIR=/nonexistent",
        ];
        let code = his.code_at(bench.clock.true_time());
        let words = ["user=alice".to_owned(), format!("answer={code}"), CALL.to_owned()];
        let got = bench.host_under(&program, &words).got();
        bench.cell.count(Must::Refuse, got);
        let got = bench.host_under(&program, &words_of(bench)).got();
        bench.cell.count(Must::Accept, got);
    })
}

fn masked(text: &[u8]) -> String {
    text.iter().map(|byte| format!("{:02x}", byte ^ 0x55)).collect()
}

fn memory(module: Module, steps: i64) -> Cell {
    on(module, |bench| {
        let code = masked(bench.code(steps).as_bytes());
        let words = [
            "user=alice".to_owned(),
            format!("secret={code}"),
            CALL.to_owned(),
            format!("call-scan={code}"),
        ];
        found(bench, &words);
    })
}

fn seed_in_memory(module: Module) -> Cell {
    on(module, |bench| {
        let seed = masked(bench.seed());
        let code = masked(bench.code(0).as_bytes());
        let words = [
            "user=alice".to_owned(),
            format!("secret={code}"),
            CALL.to_owned(),
            format!("call-scan={seed}"),
        ];
        found(bench, &words);
    })
}

fn found(bench: &mut Bench, words: &[String]) {
    let seen = bench.host(words);
    bench.cell.count(Must::Either, seen.got());
    let hits = seen.number("hits ").unwrap_or(-1);
    if hits != 0 {
        bench.cell.blame(Fault::Leaks);
        bench.cell.remark(format!("{hits} places"));
    }
}

fn behind(module: Module) -> Cell {
    on(module, |bench| {
        let wrong = format!("answer={}", bench.wrong(1)[0]);
        let seen = bench.host(&["user=alice", wrong.as_str(), "call-many=51"].map(str::to_owned));
        let same = |word: &str, expected| seen.number(word) == Some(expected);
        let clean = same("threads ", 0)
            && same("descriptors ", 0)
            && ["environment ", "mask ", "folder ", "blocked ", "handlers ", "timer "]
                .iter()
                .all(|word| same(word, 1));
        bench.blame_if((!clean).then_some(Fault::Leaves));
    })
}

fn limited(module: Module, must: Must, script: &str) -> Cell {
    on(module, |bench| {
        let seen: Seen = bench.host_under(&["bash", "-c", script], &words_of(bench));
        bench.cell.count(must, seen.got());
    })
}

/// A log daemon that hangs: whoever writes to its full socket waits for ever.
fn deaf(module: Module) -> Cell {
    on(module, |bench| {
        bench.log.stop();
        let codes = bench.wrong(30);
        let answers = codes.iter().map(|code| format!("answer={code}"));
        let words: Vec<String> = ["user=alice".to_owned()]
            .into_iter()
            .chain(answers)
            .chain(["call-each=30".to_owned()])
            .collect();
        let seen = bench.host(&words);
        for got in seen.gots() {
            bench.cell.count(Must::Refuse, got);
        }
        bench.blame_if(seen.died.then_some(Fault::Crashes));
    })
}

/// What must not be in a log.
enum Secret {
    Code,
    Seed,
}

fn logged(module: Module, secret: Secret) -> Cell {
    let options = Options { google: "debug", oath: "debug", fob: "debug" };
    with(module, Setup { options, ..Setup::default() }, |bench| {
        let mut codes = vec![bench.wrong(1)[0].clone(), bench.code(0)];
        let mut all = bench.log.lines();
        for code in &codes {
            let seen = bench.sign_in("alice", code);
            bench.cell.count(Must::Either, seen.got());
            all.push(seen.errors.clone());
            all.extend(seen.lines.iter().filter(|line| !line.starts_with("prompt ")).cloned());
        }
        all.extend(bench.log.lines());
        all.extend(bench.daemon_log());
        if let Secret::Seed = secret {
            let hex: String = bench.seed().iter().map(|byte| format!("{byte:02x}")).collect();
            let token = Shape::default().token("alice");
            let base32 = token.entra_line("-").split(',').nth(2).unwrap().to_owned();
            codes = vec![hex, base32];
        }
        let leaks = all.iter().any(|line| codes.iter().any(|code| line.contains(code.as_str())));
        bench.blame_if(leaks.then_some(Fault::Leaks));
    })
}
