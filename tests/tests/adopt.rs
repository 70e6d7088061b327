//! Tokens of other programs, moved with their users into a real fobd on a real disk.
//!
//! Honest limits: the daemon's clock is the host's, so that the wait for a code which nobody can
//! have used is shown by the engine's own tests; here the tokens have buttons.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::io::{Seek, Write};

use fob_api::{AdoptOptions, AdoptRow, VerifyContext, proxy::FobProxy};
use fob_tests::{
    daemon::{Daemon, Ground},
    needs::{self, Need},
    soft_token::SoftToken,
};

/// Users whom every Debian has (base-passwd).
const USER: &str = "daemon";
const OTHER: &str = "bin";

/// Returns the seed in hexadecimal and in base32.
fn written(token: &SoftToken) -> [String; 2] {
    let [_, hex, _, base32, _] = token.traces();
    [hex, base32].map(|bytes| String::from_utf8(bytes).unwrap())
}

async fn adopt(fob: &FobProxy<'_>, source: &str, user: Option<&str>, text: &str) -> Vec<AdoptRow> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.rewind().unwrap();
    let options = AdoptOptions { user: user.map(str::to_owned), ..AdoptOptions::default() };
    fob.adopt((&file).into(), source, options).await.unwrap().people.unwrap()
}

async fn verify(fob: &FobProxy<'_>, user: &str, code: &str) -> String {
    fob.verify(user, code, VerifyContext::default()).await.unwrap().0
}

#[tokio::test]
async fn a_file_of_google_authenticator_lets_its_user_in_from_the_next_counter_on() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    let fob = daemon.proxy().await;
    let token = SoftToken::with_button("google");
    let text = format!("{}\n\" HOTP_COUNTER 5\n12345678\n", written(&token)[1]);
    let row = adopt(&fob, "google-authenticator", Some(USER), &text).await.remove(0);
    assert_eq!((row.outcome.as_deref(), row.recovery), (Some("moved"), Some(1)));
    assert_eq!(verify(&fob, USER, &token.code_of(4)).await, "replay");
    assert_eq!(verify(&fob, USER, &token.code_of(5)).await, "accept");
    let shown = fob.show_user(USER).await.unwrap().tokens.unwrap().remove(0);
    assert_eq!((shown.serial, shown.model.as_deref()), (row.serial, Some("google-authenticator")));
}

#[tokio::test]
async fn a_kept_scratch_code_lets_its_user_in_once_and_not_after_a_kill() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let mut daemon = Daemon::start(ground.path(), None);
    let fob = daemon.proxy().await;
    let token = SoftToken::with_button("scratch");
    let text = format!("{}\n\" HOTP_COUNTER 5\n12345678\n87654321\n", written(&token)[1]);
    let row = adopt(&fob, "google-authenticator", Some(USER), &text).await.remove(0);
    assert_eq!((row.recovery, row.scratch, row.malformed), (Some(2), None, None));
    assert_eq!(verify(&fob, USER, "1234 5678").await, "accept");
    assert_eq!(verify(&fob, USER, "12345678").await, "reject");
    daemon.kill();
    daemon = Daemon::start(ground.path(), None);
    let fob = daemon.proxy().await;
    assert_eq!(verify(&fob, USER, "12345678").await, "reject");
    assert_eq!(verify(&fob, USER, "87654321").await, "accept");
    assert_eq!(fob.show_user(USER).await.unwrap().recovery_left, Some(0));
    let said = format!("{:?}", daemon.log());
    assert!(!said.contains("12345678") && !said.contains("87654321"), "{said}");
}

#[tokio::test]
async fn a_used_code_of_pam_oath_stays_used_after_a_kill_and_a_second_run() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let mut daemon = Daemon::start(ground.path(), None);
    let (one, two) = (SoftToken::with_button("oath-1"), SoftToken::with_button("oath-2"));
    let last = one.code_of(7);
    let text = format!(
        "HOTP {USER} - {} 7 {last} 2026-01-02T03:04:05L\nHOTP {OTHER} - {}\n",
        written(&one)[0],
        written(&two)[0]
    );
    let moved = adopt(&daemon.proxy().await, "users.oath", None, &text).await;
    assert!(moved.iter().all(|row| row.outcome.as_deref() == Some("moved")), "{moved:?}");
    daemon.kill();
    daemon = Daemon::start(ground.path(), None);
    let fob = daemon.proxy().await;
    let again = adopt(&fob, "users.oath", None, &text).await;
    assert!(again.iter().all(|row| row.outcome.as_deref() == Some("already_moved")), "{again:?}");
    assert_eq!(again[0].serial, moved[0].serial);
    assert_eq!(verify(&fob, USER, &last).await, "replay");
    assert_eq!(verify(&fob, USER, &one.code_of(8)).await, "accept");
    assert_eq!(verify(&fob, OTHER, &two.code_of(0)).await, "accept");
    assert_eq!(verify(&fob, OTHER, &two.code_of(0)).await, "replay");
}

#[tokio::test]
async fn who_cannot_be_moved_is_named_and_the_seed_is_nowhere_in_the_log() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    let token = SoftToken::with_button("roots");
    let [hex, base32] = written(&token);
    let text = format!("HOTP root - {hex}\nHOTP no-user-of-this-host - {hex}\nHOTP bin - {hex}z\n");
    let rows = adopt(&daemon.proxy().await, "users.oath", None, &text).await;
    let reasons: Vec<_> = rows.iter().map(|row| row.reason.as_deref().unwrap()).collect();
    assert_eq!(reasons, ["root", "no_such_user", "damaged"]);
    daemon.wait_for("refused verb=\"adopt\" user=\"bin\" reason=\"damaged\"");
    let said = format!("{rows:?} {:?}", daemon.log()).to_ascii_lowercase();
    assert!(!said.contains(&hex) && !said.contains(&base32.to_ascii_lowercase()));
}
