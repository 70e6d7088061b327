//! The host of a sign-in is killed at each of its system calls, from the loading of the module to
//! its end; the daemon works on. A code is then unused or burnt, never good twice, and the next
//! one signs in (threats.md P13). pam_oath locks everybody out after one such kill (M4).

use std::fs;

use fob_api::{LogOptions, proxy::FobProxy};
use tokio::runtime::Runtime;

use super::{
    Call, Report, failed, go_on,
    pam::{SETTINGS, people, runtime},
};
use crate::{
    conformance::Failure,
    daemon::{Daemon, Ground, write_settings},
    needs::{self, Need},
    pam_host::{Seen, Stage, pam},
    soft_token::SoftToken,
};

/// A kill that never comes: no sign-in has so many system calls.
const NEVER: Place<'static> = Place { call: "all", nth: 60_000 };
/// What the kernel names the module's file by when the host loads it.
const LOADED: &str = "pam_fob.so";

/// At which system call the host is killed.
#[derive(Clone, Copy)]
struct Place<'a> {
    call: &'a str,
    /// Which of the calls of this name, from 1 on: strace counts them so.
    nth: usize,
}

/// Somebody, his token, and the daemon that he signs in at.
struct Scene<'a> {
    stage: Stage,
    /// The daemon, and what runs the calls to it.
    fob: (FobProxy<'a>, Runtime),
    user: String,
    token: SoftToken,
    /// The next counter that was never used.
    next: u64,
    /// The last line of the daemon's log that was looked at.
    reached: u64,
}

/// Runs the program: at all places if the count is so large, else at some that are spread evenly.
pub(super) fn run(call: &Call) -> Result<Report, Failure> {
    let programs = ["bwrap", "cc", "strace"].map(Need::Program);
    let all: Vec<Need> = [Need::Root].into_iter().chain(programs).collect();
    if !needs::met(&all) {
        return Err(Failure::new("this program needs root, bubblewrap, a C compiler and strace."));
    }
    let ground = Ground::new();
    write_settings(&ground.path().join("fobd.conf"), SETTINGS);
    let mut daemon = Daemon::start(ground.path(), None);
    let mut report = Report::new("the host is killed at a system call of its sign-in");
    let mut scene = Scene::set_up(&daemon, &ground)?;
    let calls = scene.calls()?;
    let places = u64::try_from(calls.len()).map_err(failed)?;
    for number in 0..call.count {
        go_on()?;
        let spread = if call.count < places { number * places / call.count } else { number };
        let at = usize::try_from(spread % places).map_err(failed)?;
        scene.kill_at(&calls, at, &mut report)?;
        let (fob, runtime) = &scene.fob;
        runtime.block_on(fob.unlock(&scene.user, Default::default())).map_err(failed)?;
    }
    report.outcomes.insert("places".to_owned(), places);
    drop(scene);
    if !daemon.is_running() {
        report.bad.push("the daemon has ended".to_owned());
    }
    Ok(report)
}

impl Scene<'_> {
    fn set_up(daemon: &Daemon, ground: &Ground) -> Result<Self, Failure> {
        let user = people()?.into_iter().next().ok_or_else(|| Failure::new("a host of nobody"))?;
        let token = SoftToken::with_button("KILL-1");
        let path = ground.path().join("seeds.csv");
        fs::write(&path, token.oath_line()).map_err(failed)?;
        let runtime = runtime()?;
        let fob = runtime.block_on(daemon.proxy());
        runtime.block_on(async {
            let file = fs::File::open(path).map_err(failed)?;
            fob.import((&file).into(), "oath-csv", Default::default()).await.map_err(failed)?;
            let codes = [token.code_of(0), token.code_of(1)];
            let codes = codes.each_ref().map(String::as_str);
            let assigned = fob.assign(&user, token.serial(), &codes, Default::default());
            assigned.await.map(drop).map_err(failed)
        })?;
        let stage = Stage::new();
        fs::hard_link(daemon.socket(), stage.daemon_socket()).map_err(failed)?;
        Ok(Self { stage, fob: (fob, runtime), user, token, next: 2, reached: 0 })
    }

    /// Presses the button until the code is unlike the following ones.
    fn press(&mut self) -> String {
        loop {
            let code = self.token.code_of(self.next);
            self.next += 1;
            if (self.next..self.next + 16).all(|later| self.token.code_of(later) != code) {
                return code;
            }
        }
    }

    /// Signs in with a code; `None` if the host was killed.
    fn sign_in(&self, code: &str, killed: Option<Place<'_>>) -> Option<Seen> {
        let inject =
            killed.map(|place| format!("inject={}:signal=KILL:when={}", place.call, place.nth));
        let trace = self.stage.folder().join("trace").display().to_string();
        let mut host = self.stage.host("");
        if let Some(inject) = &inject {
            host = host.under(&["strace", "-qq", "-o", &trace, "-e", inject]);
        }
        let host = host.word(format!("user={}", self.user)).word(format!("answer={code}"));
        host.word("call-authenticate").try_run()
    }

    /// Returns the names of the system calls of a sign-in, and from which on the module is there.
    fn calls(&mut self) -> Result<Calls, Failure> {
        let code = self.press();
        let seen = self.sign_in(&code, Some(NEVER));
        if seen.is_none_or(|seen| seen.code() != pam::SUCCESS) {
            return Err(Failure::new("a sign-in under strace fails without a kill"));
        }
        let trace = fs::read_to_string(self.stage.folder().join("trace")).map_err(failed)?;
        let lines: Vec<&str> = trace.lines().filter(|line| line.contains('(')).collect();
        let from = lines.iter().position(|line| line.contains(LOADED));
        let from = from.ok_or_else(|| Failure::new("the host does not load the module"))?;
        let name = |line: &&str| line.split_once('(').map_or("", |(name, _)| name).to_owned();
        Ok(Calls { names: lines.iter().map(name).collect(), from })
    }

    /// Kills a host at a place, and sees what its code and the next one are still good for.
    fn kill_at(&mut self, calls: &Calls, at: usize, report: &mut Report) -> Result<(), Failure> {
        let place = calls.place(at);
        let what = format!("killed at {} {}", place.call, place.nth);
        self.accepts()?;
        let code = self.press();
        let first = self.sign_in(&code, Some(place));
        let was_in = first.as_ref().is_some_and(|seen| seen.code() == pam::SUCCESS);
        let again = self.sign_in(&code, None).map(|seen| seen.code());
        let third = self.sign_in(&code, None).map(|seen| seen.code());
        let fresh = self.press();
        let next = self.sign_in(&fresh, None).map(|seen| seen.code());
        // One for the code at most, whoever got it, and one for the next.
        let accepts = self.accepts()?;
        let is_in = |code: Option<i64>| code == Some(pam::SUCCESS);
        match first {
            _ if (was_in && is_in(again)) || is_in(third) || accepts > 2 => {
                let seen = format!("{what}: {was_in} {again:?} {third:?}, {accepts}");
                report.bad("ACCEPTED TWICE", seen);
            }
            _ if !is_in(next) => report.bad("KEPT OUT", format!("{what}: {next:?}")),
            Some(_) => report.good("ended before the kill"),
            None if is_in(again) => report.good("unused"),
            None => report.good("burnt"),
        }
        Ok(())
    }

    /// Returns how often the daemon has said accept since it was last asked.
    fn accepts(&mut self) -> Result<usize, Failure> {
        let (fob, runtime) = &self.fob;
        let (after, limit) = (Some(self.reached), Some(500));
        let event = Some("accept".to_owned());
        let options = LogOptions { after, limit, event, ..LogOptions::default() };
        let (events, reached) = runtime.block_on(fob.log(options)).map_err(failed)?;
        self.reached = reached;
        Ok(events.len())
    }
}

/// The system calls of a sign-in in their order.
struct Calls {
    names: Vec<String>,
    /// The one that opens the module.
    from: usize,
}

impl Calls {
    fn len(&self) -> usize {
        self.names.len() - self.from
    }

    fn place(&self, at: usize) -> Place<'_> {
        let at = self.from + at;
        let call = &self.names[at];
        let nth = self.names[..=at].iter().filter(|name| *name == call).count();
        Place { call, nth }
    }
}
