//! Rules of fobd.conf and the observe mode: a real fobd, and the real module in a real PAM host.
//!
//! Honest limits: the host is a small C program, not sshd; `tests/machine/rules.rs` has that one.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::fs;

use fob_api::VerifyContext;
use fob_tests::{
    daemon::{Daemon, Ground, write_settings},
    needs::{self, Need},
    pam_host::{Stage, pam},
};

/// The service of the host.
const SERVICE: &str = "probe";
/// Users whom every Debian has (base-passwd), each in a primary group of his name.
const USER: &str = "daemon";
const OTHER: &str = "bin";

fn can_run() -> bool {
    needs::met(&[Need::Root, Need::Program("bwrap"), Need::Program("cc")])
}

/// A daemon with this configuration, and a host whose module asks it.
fn house(settings: &str) -> (Ground, Daemon, Stage) {
    let ground = Ground::new();
    write_settings(&ground.path().join("fobd.conf"), settings);
    let daemon = Daemon::start(ground.path(), None);
    let stage = Stage::new();
    fs::hard_link(daemon.socket(), stage.daemon_socket()).unwrap();
    (ground, daemon, stage)
}

/// Signs somebody in from somewhere with a wrong code; returns PAM's result and how often he was
/// asked.
fn sign_in(stage: &Stage, user: &str, rhost: &str) -> (i64, usize) {
    let host = stage.host("").word(format!("user={user}")).word(format!("rhost={rhost}"));
    let seen = host.word("answer=000000").word("call-authenticate").run();
    (seen.code(), seen.prompts().len())
}

const NOT_ASKED: (i64, usize) = (pam::IGNORED, 0);
const REFUSED: (i64, usize) = (pam::AUTH_ERR, 1);

#[test]
fn whom_a_rule_does_not_ask_is_left_to_the_stack_while_the_daemon_says_so_and_refused_when_it_is_down()
 {
    if !can_run() {
        return;
    }
    let settings = format!(
        "[[rule]]\ngroup = \"{USER}\"\nservice = \"{SERVICE}\"\nnetwork = \"192.0.2.0/24\"\n\
         ask = \"ignore\"\n"
    );
    let (_ground, mut daemon, stage) = house(&settings);
    for (user, rhost, expected) in [
        (USER, "192.0.2.7", NOT_ASKED),
        (USER, "198.51.100.7", REFUSED),
        (USER, "host.example.org", REFUSED),
        (OTHER, "192.0.2.7", REFUSED),
        ("root", "192.0.2.7", REFUSED),
        ("nobody-of-this-name", "192.0.2.7", REFUSED),
    ] {
        assert_eq!(sign_in(&stage, user, rhost), expected, "{user} from {rhost}");
    }
    daemon.wait_for("rule=\"1\" line=\"1\"");
    daemon.kill();
    assert_eq!(sign_in(&stage, USER, "192.0.2.7"), REFUSED);
}

#[test]
fn in_observe_mode_the_module_asks_nobody_while_the_daemon_is_there() {
    if !can_run() {
        return;
    }
    let (_ground, mut daemon, stage) = house("mode = \"observe\"\n");
    for user in [USER, "root", "nobody-of-this-name"] {
        assert_eq!(sign_in(&stage, user, "192.0.2.7"), NOT_ASKED, "{user}");
        daemon.wait_for(&format!("observed user=\"{user}\" service=\"{SERVICE}\""));
    }
    daemon.kill();
    assert_eq!(sign_in(&stage, USER, "192.0.2.7"), REFUSED);
}

#[tokio::test]
async fn the_bus_explains_what_the_rules_say() {
    if !can_run() {
        return;
    }
    let settings = format!("[[rule]]\nuser = \"{USER}\"\nask = \"ignore\"\n");
    let (_ground, daemon, _stage) = house(&settings);
    let fob = daemon.proxy().await;
    let explain = async |user: &str| {
        let (word, report) = fob.explain(user, VerifyContext::default()).await.unwrap();
        (word, report.reason.unwrap(), report.rule)
    };
    let said = |word: &str, reason: &str, rule| (word.to_owned(), reason.to_owned(), rule);
    assert_eq!(explain(USER).await, said("ignored", "ignore", Some(1)));
    assert_eq!(explain(OTHER).await, said("code", "default", None));
    assert_eq!(explain("nobody-of-this-name").await, said("code", "no_such_user", None));
    assert_eq!(fob.status().await.unwrap().exempting, Some(1));
}
