//! What a sign-in costs besides time.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    time::{ClockId, clock_gettime},
    unistd::Pid,
};

use super::{
    host::{INSIDE, Left, sandbox},
    house::{Contender, House},
    people::Person,
    series::{Code, Sheet, What},
};

/// Seconds from one right code to the next: a step.
const STEP: i64 = 30;
/// Seconds from one wrong code to the next, as in `rounds.rs`.
const APART: i64 = 240;
/// Sign-ins over which the daemon's costs are spread.
pub(super) const SIGN_INS: usize = 64;
/// Looks at the memory of a host; the median counts.
const LOOKS: usize = 9;

/// What one contender costs its host process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hosted {
    pub(super) contender: Contender,
    /// What is added while the module is there.
    pub(super) loaded: Left,
    /// What stays after `pam_end`.
    pub(super) left: Left,
    /// What 63 sign-ins of one process leave after the first.
    pub(super) again: Left,
    /// System calls, with those of the process's own start.
    pub(super) calls: u64,
    /// Of them those that make a thread or process.
    pub(super) clones: u64,
}

/// What a sign-in costs fobd.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Served {
    /// CPU time in nanoseconds.
    pub(super) cpu: f64,
    /// Bytes for the disk.
    pub(super) written: f64,
    /// Syncs that keep something.
    pub(super) syncs: f64,
    /// System calls.
    pub(super) calls: f64,
    /// Resident memory of the daemon, in KiB.
    pub(super) resident: u64,
    /// Its threads.
    pub(super) threads: u64,
}

/// Measures sign-ins of one process that has loaded the module before: right codes, the same ones
/// again, wrong ones.
pub(super) fn same(house: &mut House, sheet: &mut Sheet, rounds: usize) {
    for round in 0..rounds {
        house.forgive();
        house.clock.advance(APART);
        let (now, people) = (house.clock.now(), house.people.clone());
        for code in [Code::Right, Code::Replayed, Code::Wrong] {
            let shown = |person: &Person| match code {
                Code::Wrong => person.wrong_code(now, round),
                Code::Right | Code::Replayed => person.code(now),
            };
            let who: Vec<(&str, String)> =
                people.iter().map(|person| (person.name.as_str(), shown(person))).collect();
            for turn in 0..Contender::CHECKING.len() {
                let contender = Contender::CHECKING[(turn + round) % Contender::CHECKING.len()];
                let spans = house.host.same(contender.service(), &who);
                spans.iter().skip(1).for_each(|span| sheet.add(What::Same(contender, code), span));
            }
        }
    }
    house.forgive();
}

/// Looks at what each contender does to its host process.
pub(super) fn hosted(house: &mut House) -> Vec<Hosted> {
    house.clock.advance(STEP);
    let (now, people) = (house.clock.now(), house.people.clone());
    let who: Vec<(&str, String)> =
        people.iter().map(|person| (person.name.as_str(), person.code(now))).collect();
    let one = |contender: Contender| {
        let again = house.host.leak(contender.service(), &who);
        let mut looks: Vec<(Left, Left)> = (0..LOOKS).map(|_| look(house, contender)).collect();
        looks.sort_by_key(|(loaded, _)| loaded.own);
        let (loaded, left) = looks[LOOKS / 2];
        let (calls, clones) = strace_host(house, contender);
        Hosted { contender, loaded, left, again, calls, clones }
    };
    Contender::ALL.map(one).to_vec()
}

fn look(house: &mut House, contender: Contender) -> (Left, Left) {
    house.clock.advance(STEP);
    let person = house.person(0);
    let (service, code) = (contender.service(), person.code(house.clock.now()));
    let lines = house.host.ask(&format!("look {service} {} {code}\n", person.name));
    assert!(lines.contains(&"code 0".to_owned()), "{} refused: {lines:?}", contender.name());
    let of = |word| lines.iter().find_map(|line| Left::parse(line, word)).unwrap();
    (of("loaded"), of("left"))
}

/// Counts the system calls of one sign-in's process, and those that make a thread.
fn strace_host(house: &mut House, contender: Contender) -> (u64, u64) {
    house.clock.advance(STEP);
    let person = house.person(0);
    let code = person.code(house.clock.now());
    let mut command = sandbox(house.folder());
    command.args(["strace", "-f", "-c", "-o", &format!("{INSIDE}/calls")]);
    command.arg(format!("{INSIDE}/host")).arg(format!("{INSIDE}/pam.d"));
    command.args(["fresh", "one", contender.service(), &person.name, &code]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("in 0 "), "{} under strace: {said}", contender.name());
    let table = fs::read_to_string(house.folder().join("calls")).unwrap();
    let clones = ["clone", "clone3", "fork", "vfork"].map(|name| calls(&table, name));
    (calls(&table, "total"), clones.iter().sum())
}

/// Returns how often a call stands in the table that `strace -c` writes.
fn calls(table: &str, name: &str) -> u64 {
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.into_iter().find(|row| row.last() == Some(&name));
    row.and_then(|row| row.get(3)?.parse().ok()).unwrap_or_default()
}

/// Measures what right codes cost fobd, one at a time.
pub(super) fn served(house: &mut House) -> Served {
    let id = house.fobd();
    let (cpu, written, syncs) = (cpu_of(id), written_by(id), house.clock.fobd());
    right_codes(house);
    let each = SIGN_INS as f64;
    let resident = fact(&format!("/proc/{id}/smaps_rollup"), "Rss:");
    Served {
        cpu: cpu_of(id).saturating_sub(cpu) as f64 / each,
        written: written_by(id).saturating_sub(written) as f64 / each,
        syncs: house.clock.fobd().durable_since(syncs) as f64 / each,
        calls: strace_fobd(house, id) / each,
        resident,
        threads: fact(&format!("/proc/{id}/status"), "Threads:"),
    }
}

/// Signs people in, one at a time.
pub(super) fn right_codes(house: &mut House) {
    for turn in 0..SIGN_INS {
        house.clock.advance(STEP);
        let person = house.person(turn);
        let code = person.code(house.clock.now());
        let span = house.host.one(Contender::Fob.service(), &person.name, &code);
        assert_eq!(span.code, 0, "a right code was refused");
    }
}

/// Counts fobd's system calls for [`SIGN_INS`] right codes.
fn strace_fobd(house: &mut House, id: u32) -> f64 {
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-o"])
        .arg(house.folder().join("calls"))
        .args(["-p", &id.to_string()])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(strace.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("attached") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "strace does not attach");
    }
    right_codes(house);
    kill(Pid::from_raw(i32::try_from(strace.id()).unwrap()), Signal::SIGINT).unwrap();
    strace.wait().unwrap();
    calls(&fs::read_to_string(house.folder().join("calls")).unwrap(), "total") as f64
}

fn cpu_of(id: u32) -> u64 {
    let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(i32::try_from(id).unwrap())).unwrap();
    let time = clock_gettime(clock).unwrap();
    u64::try_from(time.tv_sec() * 1_000_000_000 + time.tv_nsec()).unwrap()
}

fn written_by(id: u32) -> u64 {
    fact(&format!("/proc/{id}/io"), "\nwrite_bytes:")
}

/// Returns the number behind a word of a file of proc(5).
fn fact(path: &str, word: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap();
    let rest = text.split_once(word).unwrap().1;
    rest.split_whitespace().next().unwrap().parse().unwrap()
}
