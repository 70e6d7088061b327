//! The disk is full, read-only, damaged, restored; the host is killed while it writes.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{PermissionsExt as _, chown, symlink},
    path::Path,
    process::Command,
};

use super::{
    Module, Scenario, Setup,
    bench::{Bench, CALL, Room, mount, uid_of},
    cell::{Cell, Fault, Got, Must},
    on, row, with,
};

/// The scenarios of this family.
pub(super) const ALL: &[Scenario] = &[
    row("the disk is full: a code, the same once there is room", "never twice", |module| {
        small(module, |bench| {
            let code = bench.code(0);
            fill(bench);
            let first = bench.tries(Must::Either, "alice", &code);
            make_room(bench);
            bench.tries(after(first), "alice", &code);
        })
    }),
    row("… and the owner's next code", "accept", |module| {
        small(module, |bench| {
            fill(bench);
            bench.tries(Must::Either, "alice", &bench.code(0));
            make_room(bench);
            if module == Module::Fob && !bench.sign_in("alice", "").asked("Token code") {
                // A full store ends the daemon, and the service manager starts it again.
                bench.kill();
                assert!(bench.start(), "fobd does not start");
            }
            bench.clock.advance(60);
            bench.owner_gets_in();
        })
    }),
    row("a read-only file system: one code twice", "never twice", |module| {
        small(module, |bench| {
            bench.stop();
            mount(&["-o", "remount,ro"], &bench.room());
            if !bench.start() {
                bench.cell.remark("the daemon does not start");
            }
            let code = bench.code(0);
            let first = bench.tries(Must::Either, "alice", &code);
            bench.tries(after(first), "alice", &code);
        })
    }),
    row("the state is missing", "refuse", |module| {
        damaged(module, |file| fs::remove_file(file).unwrap())
    }),
    row("the state is empty", "refuse", |module| {
        damaged(module, |file| fs::write(file, "").unwrap())
    }),
    row("the state is cut to half, after a use: that code", "refuse", |module| {
        damaged(module, |file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
        })
    }),
    row("the state is cut to its first 60 bytes, after a use: that code", "refuse", |module| {
        damaged(module, |file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..60]).unwrap();
        })
    }),
    row("the state is overwritten with noise", "refuse", |module| {
        damaged(module, |file| {
            let noise: Vec<u8> =
                (0..4096_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
            fs::write(file, noise).unwrap();
        })
    }),
    row("a copy of the running state is restored after a use: that code", "refuse", |module| {
        restored(module, Bench::kill)
    }),
    row("a copy of the stopped state is restored after a use: that code", "refuse", |module| {
        restored(module, Bench::stop)
    }),
    row("everybody may read the state", "refuse, or mend it", |module| mode(module, 0o644)),
    row("everybody may write the state", "refuse, or mend it", |module| mode(module, 0o666)),
    row("the state's folder is a link to another user's", "refuse", linked),
    row("the host is killed at its first fsync: the owner's next codes", "accept", |module| {
        killed(module, "fsync")
    }),
    row("the host is killed at its first rename: the owner's next codes", "accept", |module| {
        killed(module, "rename")
    }),
    row(
        "the host is killed at 16 places: one code twice, then the owner's next",
        "never twice, accept",
        sweep,
    ),
    row("ten sign-ins: files beside the state", "none", |module| {
        on(module, |bench| {
            let before = files(&bench.state());
            for _ in 0..10 {
                bench.accepts(&bench.code(0));
                bench.clock.advance(60);
            }
            left(bench, before);
        })
    }),
];

/// At how many places a host is killed.
const PLACES: usize = 16;

/// What a code must come to after it ended like this.
fn after(first: Got) -> Must {
    if first == Got::Accepted { Must::Refuse } else { Must::Either }
}

fn small(module: Module, scenario: impl FnOnce(&mut Bench)) -> Cell {
    with(module, Setup { room: Room::Small, ..Setup::default() }, scenario)
}

fn fill(bench: &Bench) {
    let mut ballast = fs::File::create(bench.room().join("ballast")).unwrap();
    while ballast.write_all(&[0; 4096]).is_ok() {}
    while ballast.write_all(&[0; 1]).is_ok() {}
}

fn make_room(bench: &Bench) {
    fs::remove_file(bench.room().join("ballast")).unwrap();
}

/// After a use the daemon is stopped, the file is damaged, and the daemon may start if it will.
fn damaged(module: Module, damage: impl Fn(&Path)) -> Cell {
    on(module, |bench| {
        let code = bench.code(0);
        bench.accepts(&code);
        bench.stop();
        damage(&bench.file());
        if !bench.start() {
            bench.cell.remark("the daemon does not start");
        }
        bench.refuses(&code);
    })
}

fn restored(module: Module, end: impl Fn(&mut Bench)) -> Cell {
    on(module, |bench| {
        // A copy made while the daemon runs is one that a power cut leaves, too.
        end(bench);
        let (state, copy) = (bench.state(), bench.folder().join("copy"));
        copy_all(&state, &copy);
        assert!(bench.start(), "fobd does not start");
        bench.clock.advance(150);
        let code = bench.code(0);
        bench.accepts(&code);
        bench.stop();
        fs::remove_dir_all(&state).unwrap();
        copy_all(&copy, &state);
        assert!(bench.start(), "fobd does not start");
        bench.refuses(&code);
    })
}

fn copy_all(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.unwrap().success(), "cp failed");
}

/// Opens the file to everybody. It is as safe to refuse as to close it again.
fn mode(module: Module, mode: u32) -> Cell {
    on(module, |bench| {
        bench.stop();
        fs::set_permissions(bench.file(), fs::Permissions::from_mode(mode)).unwrap();
        let starts = bench.start();
        let got = bench.tries(Must::Either, "alice", &bench.code(0));
        let now = fs::metadata(bench.file()).unwrap().permissions().mode() & 0o777;
        // Nobody gets to a file below a folder that is closed to him.
        let folder = bench.file().parent().unwrap().metadata().unwrap().permissions().mode();
        let open = now & 0o077 != 0 && folder & 0o007 != 0;
        bench.blame_if((got == Got::Accepted && open).then_some(Fault::Unsafe));
        if !starts {
            bench.cell.remark("the daemon does not start");
        }
    })
}

/// The folder is now a link to a folder of mallory's with a copy of the state.
fn linked(module: Module) -> Cell {
    on(module, |bench| {
        bench.stop();
        let place = match module {
            Module::Google => bench.state().join("alice"),
            Module::Oath => bench.state(),
            Module::Fob => bench.state().join("state"),
        };
        let elsewhere = bench.folder().join("mallorys");
        fs::rename(&place, &elsewhere).unwrap();
        own_all(&elsewhere);
        symlink(&elsewhere, &place).unwrap();
        if !bench.start() {
            bench.cell.remark("the daemon does not start");
        }
        bench.refuses(&bench.code(0));
    })
}

fn own_all(folder: &Path) {
    let mallory = Some(uid_of("mallory"));
    chown(folder, mallory, mallory).unwrap();
    for path in files(folder) {
        chown(&path, mallory, mallory).unwrap();
    }
}

/// Returns all files below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn left(bench: &mut Bench, before: Vec<std::path::PathBuf>) {
    let now = files(&bench.state());
    if let Some(path) = now.iter().find(|path| !before.contains(path)) {
        let name = path.file_name().unwrap().to_string_lossy();
        let name = name.split('~').next().unwrap_or_default();
        bench.cell.blame(Fault::Leaves);
        bench.cell.remark(format!("such as `{name}`"));
    }
}

/// Runs a sign-in whose host is killed at this occurrence of a system call.
fn kill_at(bench: &Bench, call: &str, when: usize, code: &str) -> Got {
    let trace = bench.folder().join("trace");
    let inject = format!("inject={call}:signal=SIGKILL:when={when}");
    let trace = trace.display().to_string();
    let program = ["strace", "-qq", "-o", &trace, "-e", &inject];
    let words = ["user=alice".to_owned(), format!("answer={code}"), CALL.to_owned()];
    let seen = bench.host_under(&program, &words);
    if seen.gots().is_empty() { Got::Died } else { seen.got() }
}

fn killed(module: Module, call: &str) -> Cell {
    on(module, |bench| {
        let before = files(&bench.state());
        let calls = format!("/^({call}|{call}at|{call}at2)$");
        let got = kill_at(bench, &calls, 1, &bench.code(0));
        if got != Got::Died {
            bench.cell.remark(format!("the host makes no {call}"));
            bench.cell.count(Must::Accept, got);
        }
        for _ in 0..3 {
            bench.clock.advance(60);
            bench.accepts(&bench.code(0));
        }
        left(bench, before);
    })
}

/// The places are spread over the system calls between the prompt and the end.
fn sweep(module: Module) -> Cell {
    let Ok(bench) = Bench::open(module, Setup::default()) else { return Cell::default() };
    kill_at(&bench, "all", 60_000, &bench.code(0));
    let trace = fs::read_to_string(bench.folder().join("trace")).unwrap();
    let calls: Vec<&str> = trace.lines().filter_map(|line| Some(line.split_once('(')?.0)).collect();
    let asked = trace.lines().position(|line| line.contains("prompt ")).unwrap();
    drop(bench);
    let mut cell = Cell::default();
    for place in 0..PLACES {
        let at = asked + 1 + place * (calls.len() - asked - 1) / PLACES;
        // strace counts each call by its name.
        let when = calls[..=at].iter().filter(|call| **call == calls[at]).count();
        let mut bench = Bench::open(module, Setup::default()).unwrap();
        bench.cell = cell;
        let before = files(&bench.state());
        let code = bench.code(0);
        let first = kill_at(&bench, calls[at], when, &code);
        bench.tries(after(first), "alice", &code);
        bench.clock.advance(60);
        bench.accepts(&bench.code(0));
        left(&mut bench, before);
        cell = bench.cell.clone();
    }
    cell.varies();
    cell
}
