//! One code through real PAM: 16 sign-ins of one process at once, and more in a row. The module and
//! fobd as they are shipped, in a mount namespace of its own (threats.md R2).
//!
//! Wrong codes are tried: the budgets are as large as the settings allow, and refilled after each
//! round.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use fob_api::proxy::FobProxy;
use tokio::runtime::{Builder, Runtime};

use super::{Call, Report, failed, go_on};
use crate::{
    conformance::Failure,
    daemon::{Daemon, Ground, write_settings},
    needs::{self, Need},
    pam_host::{Stage, pam},
    soft_token::SoftToken,
};

/// The largest budgets that the settings allow (fobd.conf).
pub(super) const SETTINGS: &str =
    "wrong_codes_per_day = 30\nwrong_codes_per_month = 100\nsame_code_seconds = 0\n";
/// Sign-ins of one process at once, and in a row after them: together within the budget.
const AT_ONCE: usize = 16;
const IN_A_ROW: usize = 8;
/// Processes at the same time.
const HOSTS: usize = 2;
/// Counters ahead in which a code is looked for, and some more.
const AHEAD: u64 = 16;

/// A person and what his token shows.
struct Person {
    name: String,
    token: SoftToken,
    /// The next counter that was never used.
    next: u64,
}

impl Person {
    /// Presses the button until the code is unlike the following ones.
    fn press(&mut self) -> String {
        loop {
            let counter = self.next;
            self.next += 1;
            let code = self.token.code_of(counter);
            if (counter + 1..counter + AHEAD).all(|later| self.token.code_of(later) != code) {
                return code;
            }
        }
    }
}

/// Runs the program.
pub(super) fn run(call: &Call) -> Result<Report, Failure> {
    if !needs::met(&[Need::Root, Need::Program("bwrap"), Need::Program("cc")]) {
        return Err(Failure::new("this program needs root, bubblewrap and a C compiler."));
    }
    let ground = Ground::new();
    write_settings(&ground.path().join("fobd.conf"), SETTINGS);
    let daemon = Daemon::start(ground.path(), None);
    let mut people = set_up(&daemon, &ground)?;
    let share = people.len().div_ceil(HOSTS);
    let (left, report) = (
        AtomicU64::new(call.count),
        Mutex::new(Report::new("a used code is submitted again through libpam")),
    );
    thread::scope(|scope| {
        let hosts: Vec<_> = people
            .chunks_mut(share)
            .map(|people| scope.spawn(|| submit(&daemon, people, &left, &report)))
            .collect();
        hosts.into_iter().try_for_each(|host| host.join().map_err(|_| Failure::new("a panic"))?)
    })?;
    let mut report = report.into_inner().map_err(failed)?;
    // The control: they were tried and found used, not turned away before.
    let replays = daemon.log().iter().filter(|line| line.contains("verdict=\"replay\"")).count();
    report.outcomes.insert("logged as replay".to_owned(), replays as u64);
    Ok(report)
}

/// Gives everybody whom this host knows a token with a button.
fn set_up(daemon: &Daemon, ground: &Ground) -> Result<Vec<Person>, Failure> {
    let named = people()?.into_iter().enumerate();
    let mut people: Vec<Person> = named
        .map(|(number, name)| Person {
            name,
            token: SoftToken::with_button(&format!("PAM-{number}")),
            next: 2,
        })
        .collect();
    let path = ground.path().join("seeds.csv");
    fs::write(&path, people.iter().map(|person| person.token.oath_line()).collect::<String>())
        .map_err(failed)?;
    runtime()?.block_on(async {
        let fob = daemon.proxy().await;
        let file = fs::File::open(path).map_err(failed)?;
        fob.import((&file).into(), "oath-csv", Default::default()).await.map_err(failed)?;
        for person in &mut people {
            let codes = [person.token.code_of(0), person.token.code_of(1)];
            let codes = codes.each_ref().map(String::as_str);
            let assigned =
                fob.assign(&person.name, person.token.serial(), &codes, Default::default());
            assigned.await.map_err(failed)?;
        }
        Ok(people)
    })
}

/// Returns one name for each uid of this host, without root.
pub(super) fn people() -> Result<Vec<String>, Failure> {
    let file = fs::read_to_string("/etc/passwd").map_err(failed)?;
    let mut people = BTreeMap::new();
    for line in file.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        if let [name, _, uid, ..] = fields[..]
            && uid != "0"
        {
            people.entry(uid.to_owned()).or_insert_with(|| name.to_owned());
        }
    }
    Ok(people.into_values().collect())
}

/// Submits codes of these people until enough was tried.
fn submit(
    daemon: &Daemon,
    people: &mut [Person],
    left: &AtomicU64,
    report: &Mutex<Report>,
) -> Result<(), Failure> {
    let (stage, runtime) = (Stage::new(), runtime()?);
    fs::hard_link(daemon.socket(), stage.daemon_socket()).map_err(failed)?;
    let fob = runtime.block_on(daemon.proxy());
    loop {
        for person in &mut *people {
            go_on()?;
            let wanted = (AT_ONCE - 1 + IN_A_ROW) as u64;
            let taken = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                (left > 0).then(|| left.saturating_sub(wanted))
            });
            if taken.is_err() {
                return Ok(());
            }
            round(&stage, person, report)?;
            runtime.block_on(refill(&fob, &person.name))?;
        }
    }
}

/// Submits one code from one process in every way.
fn round(stage: &Stage, person: &mut Person, report: &Mutex<Report>) -> Result<(), Failure> {
    let mut host = stage
        .host("")
        .word(format!("user={}", person.name))
        .word(format!("answer={}", person.press()))
        .word(format!("call-threads={AT_ONCE}"));
    for _ in 0..IN_A_ROW {
        host = host.word("call-authenticate");
    }
    let seen = host.run();
    let codes: Vec<i64> = seen.all("code").iter().filter_map(|code| code.parse().ok()).collect();
    let mut report = report.lock().map_err(failed)?;
    if codes.len() != AT_ONCE + IN_A_ROW {
        report.bad("no result", format!("{seen:?}"));
    }
    let accepted = codes.iter().filter(|code| **code == pam::SUCCESS).count();
    if accepted != 1 {
        let bad = format!("{}: {accepted} of {} were accepted", person.name, codes.len());
        report.bad.push(bad);
    }
    for code in codes.iter().filter(|code| **code != pam::SUCCESS) {
        match *code {
            pam::AUTH_ERR => report.good("refused"),
            other => report.bad("another result", format!("{}: {other}", person.name)),
        }
    }
    for _ in 1..accepted {
        report.good("accepted again");
    }
    Ok(())
}

async fn refill(fob: &FobProxy<'_>, name: &str) -> Result<(), Failure> {
    fob.unlock(name, Default::default()).await.map_err(failed)
}

pub(super) fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(failed)
}
