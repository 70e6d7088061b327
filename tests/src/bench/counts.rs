//! Instructions of a sign-in, counted by callgrind: figures that do not depend on what else the
//! machine does. `tests/tests/instructions.rs` keeps them below `tests/bench/BOUNDS.md`.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{
    host::{INSIDE, sandbox},
    house::{Contender, House},
    programs::Programs,
};

/// Seconds from one right code to the next: a step.
const STEP: i64 = 30;
/// Sign-ins of the shorter and of the longer life of a daemon; the difference is theirs alone.
const LIVES: [u32; 2] = [10, 60];
/// Lives of each length; the shortest counts. Which thread of fobd's takes what differs from life to
/// life, by some hundredths.
const TURNS: u32 = 2;
/// Looks at whether a daemon has ended, a tenth of a second apart.
const LOOKS: u32 = 600;

/// Instructions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// From `pam_start` to the return of `pam_end` in a fresh process, with nothing but
    /// `pam_permit`: libpam, and the dynamic loader for one small module.
    pub libpam: u64,
    /// What `pam_fob` instead of `pam_permit` adds to that, for a right code.
    pub module: u64,
    /// What a right code costs fobd, from the connection to the answer's last byte, with all that
    /// it does for it afterwards.
    pub daemon: u64,
}

/// Counts the instructions of a right code with the release build in this folder.
#[must_use]
pub fn count(built: &Path) -> Counts {
    let programs = Programs::new(built);
    let (libpam, module) = hosted(&programs);
    let [short, long] = LIVES.map(|sign_ins| {
        let lives = (0..TURNS).map(|_| lived(&programs, sign_ins));
        lives.min().unwrap_or_default()
    });
    let sign_ins = u64::from(LIVES[1] - LIVES[0]);
    Counts { libpam, module, daemon: long.saturating_sub(short) / sign_ins }
}

/// Counts in the host process, with the real fobd at the other end.
fn hosted(programs: &Programs) -> (u64, u64) {
    let house = House::open(programs, 1, &[]);
    let [libpam, with_fob] = [Contender::Permit, Contender::Fob].map(|contender| {
        house.clock.advance(STEP);
        let person = house.person(0);
        let code = person.code(house.clock.now());
        let mut command = sandbox(house.folder());
        command.args(["valgrind", "--quiet", "--vgdb=no", "--tool=callgrind"]);
        command.args(["--toggle-collect=sign_in", &out_file(INSIDE.as_ref())]);
        command.arg(format!("{INSIDE}/host")).arg(format!("{INSIDE}/pam.d"));
        command.args(["fresh", "one", contender.service(), &person.name, &code]);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.starts_with("in 0 "), "{} under valgrind: {output:?}", contender.name());
        counted(house.folder())
    });
    (libpam, with_fob.saturating_sub(libpam))
}

/// Counts the whole life of a daemon that decides on so many right codes.
fn lived(programs: &Programs, sign_ins: u32) -> u64 {
    let ground = programs.folder("callgrind");
    // In turn: else a thread that gives way to another gets its turn again, as often as the
    // machine's load has it, and counts that.
    let under = ["valgrind", "--quiet", "--vgdb=no", "--fair-sched=yes", "--tool=callgrind"];
    let under = under.map(str::to_owned);
    let under: Vec<String> = under.into_iter().chain([out_file(ground.path())]).collect();
    let mut house = House::open(programs, 1, &under);
    for _ in 0..sign_ins {
        house.clock.advance(STEP);
        let person = house.person(0);
        let code = person.code(house.clock.now());
        let span = house.host.one(Contender::Fob.service(), &person.name, &code);
        assert_eq!(span.code, 0, "a right code was refused");
    }
    let id = Pid::from_raw(i32::try_from(house.fobd()).unwrap());
    kill(id, Signal::SIGTERM).unwrap();
    for _ in 0..LOOKS {
        if !house.daemon.is_running() {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    counted(ground.path())
}

fn out_file(folder: &Path) -> String {
    format!("--callgrind-out-file={}/callgrind.out", folder.display())
}

/// Reads what callgrind has counted.
fn counted(folder: &Path) -> u64 {
    let file: PathBuf = folder.join("callgrind.out");
    let text = fs::read_to_string(&file).unwrap();
    let word = |word: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(word))?;
        line.trim().parse().ok()
    };
    let count = word("totals:").or_else(|| word("summary:")).unwrap();
    fs::remove_file(file).unwrap();
    count
}
