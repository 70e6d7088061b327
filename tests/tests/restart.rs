//! What a real fobd does with codes after it was stopped, killed, or found an older disk
//! (clock-and-throttle.md section 4; threats.md R4 to R7).
//!
//! Honest limits: the host's clock runs here, nobody sets it; what a set one does is shown with
//! clocks of the test's own, in decide/ and engine/.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fob_api::{VerifyContext, proxy::FobProxy};
use fob_tests::{
    daemon::{Daemon, Ground},
    needs::{self, Need},
    soft_token::SoftToken,
};

/// Somebody whom every host knows.
const USER: &str = "daemon";

/// A token that USER has, and its step at the assignment: that code is spent, and as the model
/// knows, it has just been shown for half of its time.
struct Assigned {
    token: SoftToken,
    step: u64,
}

impl Assigned {
    /// Gives USER a token.
    async fn by(daemon: &Daemon, ground: &Ground) -> Self {
        let token = SoftToken::with_clock("RESTART-1");
        let path = ground.path().join("seeds.csv");
        fs::write(&path, token.oath_line()).unwrap();
        let (fob, file) = (daemon.proxy().await, fs::File::open(path).unwrap());
        fob.import((&file).into(), "oath-csv", Default::default()).await.unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let step = token.step_at(now);
        let assigned = Self { token, step };
        let codes = [assigned.code(-1), assigned.code(0)];
        let codes = [codes[0].as_str(), codes[1].as_str()];
        fob.assign(USER, "RESTART-1", &codes, Default::default()).await.unwrap();
        assigned
    }

    /// Returns the code of so many steps after the spent one.
    fn code(&self, after: i64) -> String {
        self.token.code_of(self.step.checked_add_signed(after).unwrap())
    }

    async fn verdict(&self, fob: &FobProxy<'_>, after: i64) -> String {
        fob.verify(USER, &self.code(after), VerifyContext::default()).await.unwrap().0
    }
}

async fn prompt(fob: &FobProxy<'_>, user: &str) -> String {
    fob.prompt(user, VerifyContext::default()).await.unwrap().0
}

/// Returns what the log says about fences.
fn fences(daemon: &Daemon) -> Vec<String> {
    daemon.log().into_iter().filter(|line| line.starts_with("fence")).collect()
}

#[tokio::test]
async fn a_stopped_daemon_takes_the_next_code_at_once_and_no_spent_one() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let mut daemon = Daemon::start(ground.path(), None);
    assert_eq!(fences(&daemon), [""; 0], "the first start");
    let his = Assigned::by(&daemon, &ground).await;
    assert!(daemon.stop().success());
    let daemon = Daemon::start(ground.path(), None);
    let fob = daemon.proxy().await;
    assert_eq!(prompt(&fob, USER).await, "code");
    assert_eq!(his.verdict(&fob, 0).await, "replay");
    assert_eq!(his.verdict(&fob, 1).await, "accept");
    assert_eq!(fences(&daemon), [""; 0]);
}

#[tokio::test]
async fn a_killed_daemon_refuses_what_could_be_spent_and_takes_a_later_code() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let mut daemon = Daemon::start(ground.path(), None);
    let his = Assigned::by(&daemon, &ground).await;
    daemon.kill();
    let daemon = Daemon::start(ground.path(), None);
    let fob = daemon.proxy().await;
    assert_eq!(fences(&daemon), ["fence reason=\"unclean_stop\""]);
    for user in [USER, "root", "nobody-of-this-name"] {
        assert_eq!(prompt(&fob, user).await, "next", "{user}");
    }
    assert_eq!(his.verdict(&fob, 1).await, "replay");
    // Half a step until the next code is the shown one, and what starting took; the code after
    // that is in the window then, and above the fence.
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(his.verdict(&fob, 2).await, "accept");
}

#[tokio::test]
async fn a_restored_copy_of_a_running_daemons_folder_lets_no_code_in_again() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let mut daemon = Daemon::start(ground.path(), None);
    let his = Assigned::by(&daemon, &ground).await;
    let (state, copy) = (ground.path().join("state"), ground.path().join("copy"));
    copy_folder(&state, &copy);
    assert_eq!(his.verdict(&daemon.proxy().await, 1).await, "accept");
    assert!(daemon.stop().success());
    fs::remove_dir_all(&state).unwrap();
    fs::rename(&copy, &state).unwrap();
    let daemon = Daemon::start(ground.path(), None);
    assert_eq!(fences(&daemon), ["fence reason=\"unclean_stop\""]);
    assert_eq!(his.verdict(&daemon.proxy().await, 1).await, "replay");
}

/// Passes a code on as sshd does.
async fn from_away(fob: &FobProxy<'_>, code: &str) -> String {
    fob.verify(USER, code, away()).await.unwrap().0
}

fn away() -> VerifyContext {
    VerifyContext {
        service: Some("sshd".to_owned()),
        rhost: Some("203.0.113.7".to_owned()),
        ..VerifyContext::default()
    }
}

// B4 of threats.md.
#[tokio::test]
async fn neither_a_kill_nor_a_stop_refunds_a_wrong_code() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let mut daemon = Daemon::start(ground.path(), None);
    let his = Assigned::by(&daemon, &ground).await;
    let wrong: Vec<String> = his.token.wrong_codes(his.step, 600).take(6).collect();
    // A kill or a stop after each answer: none of them forgets what was answered.
    for (number, code) in wrong.iter().enumerate().take(5) {
        assert_eq!(from_away(&daemon.proxy().await, code).await, "reject", "{number}");
        match number % 2 {
            0 => drop(daemon.kill()),
            _ => assert!(daemon.stop().success()),
        }
        daemon = Daemon::start(ground.path(), None);
        let report = daemon.proxy().await.show_user(USER).await.unwrap();
        let unknown = report.shares.unwrap().pop().unwrap();
        assert_eq!(unknown.wrong, Some(number as u32 + 1));
    }
    let fob = daemon.proxy().await;
    assert_eq!(fob.prompt(USER, away()).await.unwrap().0, "pair");
    assert_eq!(from_away(&fob, &wrong[5]).await, "locked");
}

/// What `fobctl list` prints under a time zone.
fn listed(daemon: &Daemon, zone: &str) -> String {
    let output = Command::new("bwrap")
        .args(["--dev-bind", "/", "/", "--tmpfs", "/run", "--dir", "/run/fobd", "--bind"])
        .arg(daemon.socket())
        .args(["/run/fobd/bus", "--"])
        .arg(needs::built("fobctl"))
        .args(["show", USER])
        .env("TZ", zone)
        .output()
        .unwrap();
    assert!(output.status.success(), "TZ={zone}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

// C6 of threats.md.
#[tokio::test]
async fn no_time_zone_moves_a_code_or_a_date() {
    if !needs::met(&[Need::Root, Need::Program("bwrap")]) {
        return;
    }
    let ground = Ground::new();
    let zones = [":../../etc/passwd", "XYZ+24:59:59", "Pacific/Kiritimati", "\u{1b}[2J"];
    let mut daemon = Daemon::start(ground.path(), None);
    let his = Assigned::by(&daemon, &ground).await;
    assert_eq!(his.verdict(&daemon.proxy().await, 1).await, "accept");
    let expected = listed(&daemon, "UTC");
    for zone in zones {
        assert_eq!(listed(&daemon, zone), expected, "{zone}");
    }
    // fobd itself: it ends and begins in another zone, and neither waits nor takes a code again.
    assert!(daemon.stop().success());
    daemon = Daemon::start_with(ground.path(), None, &[("TZ", zones[0])]);
    let fob = daemon.proxy().await;
    assert_eq!(prompt(&fob, USER).await, "code");
    assert_eq!(his.verdict(&fob, 1).await, "replay");
    assert_eq!(fences(&daemon), [""; 0]);
}

fn copy_folder(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.unwrap().success(), "cp failed");
}

/// What lies outside of the folder tells, as long as the host is up: systemd keeps the runtime
/// directory over restarts of the daemon.
#[tokio::test]
async fn a_stopped_folder_that_is_put_back_takes_no_code_that_was_used_since() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let [runtime, state, kept] = ["last", "state", "kept"].map(|name| ground.path().join(name));
    fs::create_dir(&runtime).unwrap();
    let environment = [("RUNTIME_DIRECTORY", runtime.to_str().unwrap())];
    let start = || Daemon::start_with(ground.path(), None, &environment);
    let copy = |from: &Path, to: &Path| {
        let copied = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
        assert!(copied.success());
    };

    let mut daemon = start();
    let his = Assigned::by(&daemon, &ground).await;
    assert!(daemon.stop().success());
    copy(&state, &kept);
    daemon = start();
    assert_eq!(fences(&daemon), [""; 0], "it is the folder that was left");
    assert_eq!(his.verdict(&daemon.proxy().await, 1).await, "accept");
    for killed in [false, true] {
        if killed {
            daemon.kill();
        } else {
            assert!(daemon.stop().success());
        }
        fs::remove_dir_all(&state).unwrap();
        copy(&kept, &state);
        daemon = start();
        assert_eq!(fences(&daemon), ["fence reason=\"doubtful_store\""], "killed: {killed}");
        assert_ne!(his.verdict(&daemon.proxy().await, 1).await, "accept", "killed: {killed}");
    }
    assert!(daemon.stop().success());
    assert_eq!(fences(&start()), [""; 0], "the fence is in the folder now");
}
