//! Recovery codes and temporary ones of a real fobd on a real disk.
//!
//! Honest limits: the daemon's clock is the host's, so that a temporary code expires is shown by the
//! engine's own tests.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::path::Path;

use fob_api::{BypassOptions, RecoveryCode, VerifyContext, proxy::FobProxy};
use fob_tests::{
    daemon::{self, Daemon, Ground},
    needs::{self, Need},
};

/// A user whom every Debian has (base-passwd). He has no token: he has lost it.
const USER: &str = "daemon";

/// Passes a code on, as sshd does for somebody at an address that has not tried one yet. One try a
/// second is allowed, so it may take that long, and each is made on a connection of its own: one that
/// asks as fast as it can is ended before the second is over (threats.md D11).
async fn from(daemon: &Daemon, address: &str, code: &RecoveryCode) -> String {
    let context = VerifyContext {
        service: Some("sshd".to_owned()),
        rhost: Some(address.to_owned()),
        ..VerifyContext::default()
    };
    loop {
        let fob = daemon.proxy().await;
        let (verdict, _, details) = fob.verify(USER, code.as_str(), context.clone()).await.unwrap();
        if verdict != "wait" {
            return verdict;
        }
        assert!(details.wait <= Some(1), "{:?}", details.wait);
        tokio::task::yield_now().await;
    }
}

async fn fresh_codes(fob: &FobProxy<'_>) -> Vec<RecoveryCode> {
    fob.new_recovery_codes(USER, &[], Default::default()).await.unwrap()
}

async fn left(fob: &FobProxy<'_>) -> Option<u32> {
    fob.show_user(USER).await.unwrap().recovery_left
}

#[tokio::test]
async fn a_used_recovery_code_stays_used_after_a_kill() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let mut daemon = Daemon::start(ground.path(), None);
    let codes = fresh_codes(&daemon.proxy().await).await;
    assert_eq!(from(&daemon, "203.0.113.1", &codes[0]).await, "accept");
    daemon.kill();
    daemon = Daemon::start(ground.path(), None);
    let fob = daemon.proxy().await;
    assert_eq!(left(&fob).await, Some(9));
    assert_eq!(from(&daemon, "203.0.113.2", &codes[0]).await, "reject");
    assert_eq!(from(&daemon, "203.0.113.3", &codes[1]).await, "accept");
    assert_eq!(left(&fob).await, Some(8));
}

#[tokio::test]
async fn a_used_temporary_code_stays_used_after_a_kill() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let mut daemon = Daemon::start(ground.path(), None);
    let options = BypassOptions {
        seconds: Some(600),
        reason: Some("left at home".to_owned()),
        login_uid: None,
    };
    let (code, expires) = daemon.proxy().await.bypass(USER, options).await.unwrap();
    daemon.kill();
    daemon = Daemon::start(ground.path(), None);
    let fob = daemon.proxy().await;
    let shown = fob.show_user(USER).await.unwrap();
    assert_eq!(shown.temporary_until, Some(expires));
    assert_eq!(from(&daemon, "203.0.113.1", &code).await, "accept");
    daemon.wait_for("by=\"temporary\" reason=\"left at home\"");
    daemon.kill();
    daemon = Daemon::start(ground.path(), None);
    let fob = daemon.proxy().await;
    assert_eq!(from(&daemon, "203.0.113.1", &code).await, "reject");
    assert_eq!(fob.show_user(USER).await.unwrap().temporary_until, None);
}

/// Tries a code on a connection of its own, from an address of its own, so that only the records
/// hold it back; `None` if the daemon went away or is busy.
async fn try_on(socket: &Path, n: u32, code: &RecoveryCode) -> Option<String> {
    let connection = daemon::connect(socket).await.ok()?;
    let fob = daemon::proxy(&connection).await;
    let context = VerifyContext {
        service: Some("sshd".to_owned()),
        rhost: Some(format!("203.0.113.{n}")),
        ..VerifyContext::default()
    };
    fob.verify(USER, code.as_str(), context).await.ok().map(|reply| reply.0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_tries_at_once_and_more_after_a_kill_one_recovery_code_is_accepted_once() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let mut daemon = Daemon::start(ground.path(), None);
    let codes = fresh_codes(&daemon.proxy().await).await;
    let tries: Vec<_> = (0..64)
        .map(|n| {
            let (socket, code) = (daemon.socket().to_owned(), codes[0].clone());
            tokio::spawn(async move { try_on(&socket, n, &code).await })
        })
        .collect();
    daemon.wait_for("verify verdict=\"accept\"");
    daemon.kill();
    let mut accepted = 0;
    for verdict in tries {
        accepted += usize::from(verdict.await.unwrap().as_deref() == Some("accept"));
    }
    assert!(accepted <= 1, "{accepted} of 64 were let in");
    daemon = Daemon::start(ground.path(), None);
    let fob = daemon.proxy().await;
    assert_eq!(from(&daemon, "203.0.113.200", &codes[0]).await, "reject");
    assert_eq!(left(&fob).await, Some(9));
}

#[tokio::test]
async fn no_code_is_in_the_log_or_in_the_database() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let mut daemon = Daemon::start(ground.path(), None);
    let fob = daemon.proxy().await;
    let codes = fresh_codes(&fob).await;
    assert_eq!(from(&daemon, "203.0.113.1", &codes[0]).await, "accept");
    daemon.wait_for("verify verdict=\"accept\"");
    let log = daemon.log().join("\n");
    daemon.kill();
    let mut files = vec![ground.path().join("state")];
    let mut read = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        read += bytes.len();
        for code in &codes {
            let text = code.as_str().as_bytes();
            assert!(!bytes.windows(text.len()).any(|part| part == text), "{}", path.display());
        }
    }
    assert!(read > 0, "there is no database");
    assert!(codes.iter().all(|code| !log.contains(code.as_str())), "{log}");
}
