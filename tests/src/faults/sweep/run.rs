//! One run: a fobd with one fault, what it answered, and what is so afterwards.

use std::{
    fmt, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fob_api::{PageOptions, VerifyContext, proxy::FobProxy};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::time::{sleep, timeout};

use super::{super::failed, USER, token};
use crate::{
    conformance::Failure,
    daemon::{self, Daemon},
    needs,
};

/// How long an answer may take before its caller gives up, as the PAM module does.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a start or an end may take on a busy machine, under strace.
const LONGEST: Duration = Duration::from_secs(60);
/// Sign-ins of a run.
const SIGN_INS: u64 = 3;
/// The first counter that the assignment has not used.
const FIRST: u64 = 2;

/// What fails.
pub(super) struct Fault {
    pub(super) call: &'static str,
    pub(super) error: &'static str,
    pub(super) nth: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} with {}", self.call, self.nth, self.error)
    }
}

/// What came of it.
pub(super) enum Outcome {
    NotHit,
    Good(&'static str),
    Bad(&'static str, String),
}

/// What fobd said yes to.
#[derive(Default)]
struct Answered {
    accepted: Vec<u64>,
    imported: bool,
    refused: u64,
}

/// Runs fobd with a fault on the state in a folder.
pub(super) async fn run(fault: &Fault, place: &Path) -> Result<Outcome, Failure> {
    let mut traced = Traced::start(fault, place)?;
    let was_ready = traced.is_ready(place).await?;
    let answered = if was_ready { traced.ask(place).await } else { Answered::default() };
    // Every second one ends in good order, as far as it can.
    let signal = if fault.nth.is_multiple_of(2) { Signal::SIGTERM } else { Signal::SIGKILL };
    traced.end(signal).await?;
    let log = fs::read_to_string(place.join("strace")).unwrap_or_default();
    if !log.contains("(INJECTED)") {
        return Ok(Outcome::NotHit);
    }
    let said = said(place);
    if !was_ready && said.trim().is_empty() {
        return Ok(Outcome::Bad("ENDED WITHOUT A WORD", String::new()));
    }
    let restarted = catch_unwind(AssertUnwindSafe(|| Daemon::start(place, None)));
    let Ok(restarted) = restarted else {
        return Ok(Outcome::Bad("NOT OPENED AFTERWARDS", said));
    };
    let fob = restarted.proxy().await;
    if let Some((bad, what)) = compare(&fob, &answered).await? {
        return Ok(Outcome::Bad(bad, what));
    }
    Ok(Outcome::Good(match (was_ready, answered.refused) {
        (false, _) => "did not start, and said why",
        (true, 0) => "answered as if nothing was",
        (true, _) => "refused some, kept the rest",
    }))
}

/// Returns what fobd has said so far.
fn said(place: &Path) -> String {
    fs::read_to_string(place.join("log")).unwrap_or_default()
}

/// Asks a fobd without faults.
async fn compare(
    fob: &FobProxy<'_>,
    answered: &Answered,
) -> Result<Option<(&'static str, String)>, Failure> {
    for counter in &answered.accepted {
        let verdict = verify(fob, *counter).await.map_err(failed)?;
        if !matches!(verdict.as_str(), "replay" | "reject") {
            return Ok(Some(("ACCEPTED AND LOST", format!("the code of {counter}: {verdict}"))));
        }
    }
    let (tokens, _) = fob.list("", 500, PageOptions::default()).await.map_err(failed)?;
    if answered.imported && tokens.len() < 2 {
        return Ok(Some(("IMPORTED AND LOST", format!("{} tokens", tokens.len()))));
    }
    let verdict = verify(fob, FIRST + SIGN_INS).await.map_err(failed)?;
    Ok((verdict != "accept").then_some(("OWNER KEPT OUT", verdict)))
}

async fn verify(fob: &FobProxy<'_>, counter: u64) -> zbus::Result<String> {
    let code = token().code_of(counter);
    fob.verify(USER, &code, VerifyContext::default()).await.map(|(verdict, ..)| verdict)
}

/// A fobd under strace. Both are ended when it is dropped.
struct Traced {
    strace: Child,
}

impl Traced {
    fn start(fault: &Fault, place: &Path) -> Result<Self, Failure> {
        let settings = place.join("fobd.conf");
        daemon::write_settings(&settings, "");
        let log = fs::File::create(place.join("log")).map_err(failed)?;
        let Fault { call, error, nth } = fault;
        let strace = Command::new("strace")
            .args(["--follow-forks", "--quiet=all", "--output"])
            .arg(place.join("strace"))
            .arg(format!("--trace={call}"))
            .arg(format!("--inject={call}:error={error}:when={nth}"))
            .arg("--")
            .arg(needs::built("fobd"))
            .arg(format!("--state={}", place.join("state").display()))
            .arg(format!("--config={}", settings.display()))
            .arg(format!("--socket={}", place.join("peer").display()))
            .arg("--no-bus")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(failed)?;
        Ok(Self { strace })
    }

    /// Waits until it serves, or has ended.
    async fn is_ready(&mut self, place: &Path) -> Result<bool, Failure> {
        let began = Instant::now();
        while began.elapsed() < LONGEST {
            if self.strace.try_wait().map_err(failed)?.is_some() {
                return Ok(false);
            }
            if said(place).contains("ready version=") {
                return Ok(true);
            }
            sleep(Duration::from_millis(5)).await;
        }
        Err(Failure::new("a traced fobd neither serves nor ends"))
    }

    /// Signs in, imports another token, signs in again.
    async fn ask(&self, place: &Path) -> Answered {
        let mut answered = Answered::default();
        let Ok(Ok(connection)) = timeout(PATIENCE, daemon::connect(&place.join("peer"))).await
        else {
            answered.refused += 1;
            return answered;
        };
        let fob = daemon::proxy(&connection).await;
        for counter in FIRST..FIRST + SIGN_INS {
            match timeout(PATIENCE, verify(&fob, counter)).await {
                Ok(Ok(verdict)) if verdict == "accept" => answered.accepted.push(counter),
                _ => answered.refused += 1,
            }
            if counter == FIRST {
                match timeout(PATIENCE, import(&fob, place)).await {
                    Ok(Ok(())) => answered.imported = true,
                    _ => answered.refused += 1,
                }
            }
        }
        answered
    }

    /// Ends fobd.
    async fn end(&mut self, mut signal: Signal) -> Result<(), Failure> {
        let began = Instant::now();
        while self.strace.try_wait().map_err(failed)?.is_none() {
            for fobd in self.children() {
                // It may have ended in between.
                let _ = kill(fobd, signal);
            }
            sleep(Duration::from_millis(50)).await;
            if began.elapsed() > LONGEST {
                signal = Signal::SIGKILL;
            }
        }
        Ok(())
    }

    fn children(&self) -> Vec<Pid> {
        let id = self.strace.id();
        let list = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        let list = list.unwrap_or_default();
        list.split_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw).collect()
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        for fobd in self.children() {
            let _ = kill(fobd, Signal::SIGKILL);
        }
        let _ = self.strace.kill();
        let _ = self.strace.wait();
    }
}

async fn import(fob: &FobProxy<'_>, place: &Path) -> zbus::Result<()> {
    let path = place.join("more.csv");
    let wrap = |error| zbus::Error::InputOutput(std::sync::Arc::new(error));
    fs::write(&path, crate::soft_token::SoftToken::with_button("SWEEP-2").oath_line())
        .map_err(wrap)?;
    let file = fs::File::open(&path).map_err(wrap)?;
    fob.import((&file).into(), "oath-csv", Default::default()).await.map(drop)
}
