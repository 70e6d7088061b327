//! Emergency codes: in while there is no verdict, once, and for nobody else.
//!
//! Honest limits: that a used code stays used over a power cut is not tried here; `fsync` before the
//! success is (`module_emergency_faults.rs`). The module reads no calendar clock, so a wrong one is
//! not tried either.
#![allow(clippy::unwrap_used)] // clippy knows only functions marked as tests: helpers are, too

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

use fob_tests::emergency::{CODES, files, lay};
use fob_tests::fake_daemon::{Act, FakeDaemon};
use fob_tests::pam_host::{Host, Seen, Stage, pam};

const SORRY: &str = "3 Codes cannot be checked at the moment. Ask your administrator.";
const PROMPT: &str = "2 Emergency code: ";

/// A stage on which alice has these codes.
fn stage(codes: &[&str]) -> (Stage, PathBuf) {
    let stage = Stage::new();
    let folder = lay(&stage.emergency_folder(), "alice", 1000, codes);
    (stage, folder)
}

fn host(stage: &Stage) -> Host<'_> {
    stage.host("timeout=1").service("sshd")
}

#[track_caller]
fn assert_in(seen: &Seen, left: usize) {
    let told = format!("4 Emergency code used. {left} are left.");
    assert_eq!(
        (seen.code(), seen.prompts(), seen.texts()),
        (pam::SUCCESS, vec![PROMPT], vec![told.as_str()])
    );
}

#[track_caller]
fn assert_refused(seen: &Seen) {
    assert_eq!((seen.code(), seen.texts()), (pam::AUTH_ERR, vec![SORRY]), "{seen:?}");
}

type Failure = (&'static str, fn(&Stage) -> Option<FakeDaemon>);

/// Every way in which there is no verdict.
const FAILURES: [Failure; 6] = [
    ("no daemon", |_| None),
    ("nobody listens", |stage| {
        drop(UnixListener::bind(stage.daemon_socket()).unwrap());
        None
    }),
    ("hung", |stage| Some(stage.daemon(vec![Act::Hang]))),
    ("dying", |stage| Some(stage.daemon(vec![Act::CloseMidCall]))),
    ("without its store", |stage| {
        Some(stage.daemon(vec![Act::error("org.fobd.Fob1.Error.StoreUnavailable")]))
    }),
    ("nonsense", |stage| Some(stage.daemon(vec![Act::Noise(vec![b'A'; 4096])]))),
];

#[test]
fn an_emergency_code_signs_in_whatever_is_wrong_with_the_daemon() {
    for (failure, daemon) in FAILURES {
        let (stage, folder) = stage(&CODES);
        let _daemon = daemon(&stage);
        let seen = host(&stage).sign_in(CODES[3]);
        assert_in(&seen, 9);
        assert!(files(&folder).contains(&"04.used".to_owned()), "{failure}");
        assert!(!files(&folder).contains(&"04".to_owned()), "{failure}");
    }
}

#[test]
fn each_use_is_an_alert_with_user_host_and_what_is_left() {
    let (stage, _) = stage(&CODES);
    host(&stage).word("rhost=10.0.0.7").sign_in(CODES[0]);
    let log = stage.log();
    let alert = log.iter().find(|line| line.starts_with("<81>")).unwrap();
    for part in ["(sshd)", "\"alice\"", "\"10.0.0.7\"", "EMERGENCY", "9 left"] {
        assert!(alert.contains(part), "{part} in {alert}");
    }
    assert!(!log.concat().contains("aaaa"), "a code is in {log:?}");
}

#[test]
fn ten_codes_sign_in_ten_times_and_none_of_them_twice() {
    let (stage, folder) = stage(&CODES[..3]);
    for (code, left) in [(CODES[2], "2 are left"), (CODES[0], "1 is left"), (CODES[1], "last")] {
        let seen = host(&stage).sign_in(code);
        assert!(seen.code() == pam::SUCCESS && seen.texts()[0].contains(left), "{seen:?}");
        assert_refused(&host(&stage).sign_in(code));
    }
    assert_eq!(files(&folder), ["01.used", "02.used", "03.used"]);
}

#[test]
fn a_person_may_type_the_code_in_his_own_way() {
    for typed in ["AAAABBBBCCCC0001", " aaaa bbbb cccc oool "] {
        let (stage, _) = stage(&CODES);
        assert_in(&host(&stage).sign_in(typed), 9);
    }
}

#[test]
fn every_other_answer_is_refused_alike_and_burns_nothing() {
    let (stage, folder) = stage(&CODES);
    let before = files(&folder);
    let asked = |user: &str, answer: &str| {
        let host = host(&stage).word(format!("user={user}")).word(format!("answer={answer}"));
        let seen = host.word("call-authenticate").run();
        assert_refused(&seen);
        assert_eq!(seen.prompts(), [PROMPT]);
        seen.took()
    };
    for answer in ["aaaa-bbbb-cccc-0011", "123456", "", "password", "\u{8}\n\r\u{7f}INCORRECT"] {
        asked("alice", answer);
    }
    // Wrong, of somebody else, of a user without codes, of nobody: the same second.
    for user in ["alice", "root", "carol", "nobody-of-this-name"] {
        let code = if user == "alice" { "aaaa-bbbb-cccc-0011" } else { CODES[0] };
        let took = asked(user, code);
        assert!((1000..2500).contains(&took.as_millis()), "{user} took {took:?}");
    }
    assert_eq!(files(&folder), before);
    assert!(stage.log().concat().contains("the user has none"));
}

#[test]
fn where_nobody_has_codes_the_prompt_and_the_time_are_the_same() {
    let stage = Stage::new();
    let seen = host(&stage).sign_in(CODES[0]);
    assert_refused(&seen);
    assert_eq!(seen.prompts(), [PROMPT]);
    assert!(seen.took() >= Duration::from_secs(1), "took {:?}", seen.took());
}

#[test]
fn while_the_daemon_gives_verdicts_an_emergency_code_is_nothing() {
    for kind in ["code", "next", "pair"] {
        let (stage, folder) = stage(&CODES);
        let daemon = stage.daemon(vec![Act::prompt(kind)]);
        let seen = host(&stage).sign_in(CODES[0]);
        assert_eq!((seen.code(), seen.texts().len()), (pam::AUTH_ERR, 0));
        assert_eq!((daemon.verifies().len(), files(&folder).len()), (0, 10));
        assert!(files(&folder).iter().all(|name| !name.contains("used")));
    }
}

#[test]
fn a_daemon_that_dies_while_a_person_types_refuses_and_the_next_prompt_offers_the_way() {
    let (stage, _) = stage(&CODES);
    let daemon = stage.decider(vec![Act::CloseAtOnce]);
    let seen = host(&stage).sign_in("123456");
    assert_eq!(seen.prompts(), ["2 Token code: "]);
    assert_refused(&seen);
    drop(daemon);
    assert_in(&host(&stage).sign_in(CODES[0]), 9);
}

#[test]
fn the_password_is_not_looked_at_as_an_emergency_code() {
    let (stage, _) = stage(&CODES);
    for (options, answer) in [("use_first_pass", ""), ("", CODES[0])] {
        let seen = stage.host_after_password(CODES[0], options).sign_in(answer);
        assert_refused(&seen);
    }
}

#[test]
fn a_user_whose_name_changes_meanwhile_is_refused() {
    let (stage, folder) = stage(&CODES);
    let seen = host(&stage).word("set-user=root").sign_in(CODES[0]);
    assert_eq!(seen.code(), pam::AUTH_ERR);
    assert!(files(&folder).contains(&"01".to_owned()));
}

#[test]
fn a_uid_that_was_given_to_somebody_else_does_not_take_the_codes_along() {
    let stage = Stage::new();
    lay(&stage.emergency_folder(), "bob", 1000, &CODES);
    assert_refused(&host(&stage).sign_in(CODES[0]));
}

#[test]
fn a_host_that_is_not_root_has_no_emergency_codes() {
    let (stage, folder) = stage(&CODES);
    let seen = stage.host("timeout=1").uid(1000).sign_in(CODES[0]);
    assert_eq!(seen.prompts(), ["2 Token code: "]);
    assert_refused(&seen);
    assert_eq!(files(&folder).len(), 10);
}
