//! What Cockpit does with a second factor: its login page, its sudo without a terminal, its polkit
//! agent. The real module and the real pam_unix in a scripted host, under the services' names.
//!
//! Honest limits: the host answers as Cockpit's programs do, and is none of them; those are in
//! `machine/cockpit.rs`.
#![allow(clippy::unwrap_used)] // clippy knows only functions marked as tests: helpers are, too

use std::fs;

use fob_api::VerifyDetails;
use fob_tests::fake_daemon::Act;
use fob_tests::pam_host::{Host, Stage, pam};

/// A password that could be a code, and its hash (`openssl passwd -6`).
const DIGITS: &str = "246810";
/// See [`DIGITS`].
const DIGITS_HASH: &str = "$6$digits$svOzieUKoRkaMOipOL9p5M47Zayvff2yrQflyThAbV8ZCIWpDbxezm2sIq3g2FYaiPhvx4zj6mAbVufwLAFbn0";
/// Prompt and text styles of `_pam_types.h`: 1 hidden, 2 shown, 3 error, 4 information.
const PASSWORD: &str = "prompt 1 Password: ";
const CODE: &str = "prompt 2 Token code: ";
const SORRY: &str = "text 3 Codes cannot be checked at the moment. Ask your administrator.";
const NOT_ACCEPTED: &str =
    "text 3 The code was not accepted. Wait for the next one, and sign in again.";
const VERDICTS: [&str; 5] = ["reject", "replay", "wait", "locked", "unassigned"];

/// A stack of password and code as an administrator's, for a user whose password is of digits.
fn password_then_code<'a>(stage: &'a Stage, service: &'static str, options: &str) -> Host<'a> {
    let user = format!("alice:{DIGITS_HASH}:1000:1000::/:/bin/sh\n");
    fs::write(stage.folder().join("passwd"), user).unwrap();
    let module = stage.module();
    let lines = format!(
        "auth required pam_unix.so nodelay\nauth required {} {options}\n",
        module.display()
    );
    stage.host_with(&lines).service(service).word("user=alice")
}

fn answers<'a>(host: Host<'a>, password: &str, code: &str) -> Host<'a> {
    host.word(format!("answer={password}")).word(format!("answer={code}")).word("call-authenticate")
}

// Cockpit gives the password to the first hidden prompt: one that is shown is left to the person.
#[test]
fn behind_the_password_the_code_is_asked_for_by_a_prompt_that_is_not_hidden() {
    let stage = Stage::new();
    let daemon = stage.decider(vec![Act::verdict("accept")]);
    let seen = answers(password_then_code(&stage, "cockpit", ""), DIGITS, "123456").run();
    assert_eq!((seen.code(), seen.said()), (pam::SUCCESS, vec![PASSWORD, CODE]));
    assert_eq!(daemon.verifies()[0].1, "123456");
}

// Before 334 Cockpit answers each prompt of its sudo with the password.
#[test]
fn a_password_of_digits_that_sudo_is_given_for_the_code_is_not_sent() {
    for service in ["sudo", "sudo-i"] {
        let stage = Stage::new();
        let daemon = stage.daemon(vec![Act::prompt("code")]);
        let seen = answers(password_then_code(&stage, service, ""), DIGITS, DIGITS).run();
        assert_eq!((seen.code(), seen.said()), (pam::AUTH_ERR, vec![PASSWORD, CODE]), "{service}");
        assert_eq!(daemon.requests().len(), 1, "{service}: more than the question what to ask for");
        assert!(stage.log().iter().all(|line| !line.contains("pam_fob")), "{service}");
    }
}

#[test]
fn another_code_of_as_many_digits_as_the_password_is_sent() {
    let stage = Stage::new();
    let daemon = stage.decider(vec![Act::verdict("accept")]);
    let seen = answers(password_then_code(&stage, "sudo", ""), DIGITS, "246811").run();
    assert_eq!((seen.code(), daemon.verifies()[0].1.as_str()), (pam::SUCCESS, "246811"));
}

#[test]
fn sudo_without_a_terminal_is_told_nothing_whatever_happens() {
    let earlier = || VerifyDetails { last_used: Some(1_772_529_120), ..VerifyDetails::default() };
    for service in ["sudo", "sudo-i"] {
        for tty in ["tty=", "tty=/dev/pts/3"] {
            for word in ["accept", "reject", "replay", "locked"] {
                let stage = Stage::new();
                let _daemon = stage.decider(vec![Act::verdict_with(word, earlier())]);
                let seen = stage.host("").service(service).word(tty).sign_in("123456");
                assert_eq!(seen.said(), [CODE], "{service} {tty} {word}");
            }
        }
    }
}

#[test]
fn sudo_without_a_terminal_is_told_nothing_while_the_daemon_is_down() {
    for service in ["sudo", "sudo-i"] {
        let prompt = "prompt 2 Emergency code: ";
        for (tty, said) in [("tty=", &[prompt][..]), ("tty=/dev/pts/3", &[prompt, SORRY])] {
            let stage = Stage::new();
            let seen = stage.host("").service(service).word(tty).sign_in("123456");
            assert_eq!(
                (seen.code(), seen.said()),
                (pam::AUTH_ERR, said.to_vec()),
                "{service} {tty}"
            );
        }
        let stage = Stage::new();
        let seen = stage.host("").service(service).sign_in("123456");
        assert_eq!((seen.code(), seen.said()), (pam::AUTH_ERR, vec![prompt]), "{service}");
    }
}

// Cockpit's polkit agent breaks on a sentence that another prompt follows.
#[test]
fn there_is_one_prompt_and_no_sentence_before_it_whatever_happens() {
    let acts = || {
        let verdicts = VERDICTS.into_iter().chain(["accept", "exempt"]).map(Act::verdict);
        verdicts.chain([Act::CloseAtOnce, Act::error("org.fobd.Fob1.Error.X")])
    };
    for service in ["polkit-1", "cockpit", "sudo"] {
        for (act, answer) in acts().flat_map(|act| [(Some(act), "123456"), (None, "no code")]) {
            let stage = Stage::new();
            let _daemon = act.map(|act| stage.decider(vec![act]));
            let seen = stage.host("timeout=1").service(service).sign_in(answer);
            let said = seen.said();
            assert!(said[0].starts_with("prompt ") && said.len() <= 2, "{service}: {seen:?}");
            assert_eq!(seen.prompts().len(), 1, "{service}: {seen:?}");
        }
    }
}

// Of a refusal the page shows the sentence only if it is PAM_PERM_DENIED.
#[test]
fn cockpits_page_gets_the_same_sentence_for_every_answer_that_is_refused() {
    for word in VERDICTS {
        let stage = Stage::new();
        let _daemon = stage.decider(vec![Act::verdict(word)]);
        let seen = stage.host("").service("cockpit").sign_in("123456");
        let expected = (pam::PERM_DENIED, vec![CODE, NOT_ACCEPTED]);
        assert_eq!((seen.code(), seen.said()), expected, "{word}");
    }
    for user in ["alice", "nobody-at-all", "a\nb"] {
        let stage = Stage::new();
        let asked = !user.contains('\n');
        let _daemon = asked.then(|| stage.daemon(vec![Act::prompt("code")]));
        let host = stage.host("").service("cockpit").word(format!("user={user}"));
        let seen = host.word("answer=no code").word("call-authenticate").run();
        let expected = (pam::PERM_DENIED, vec![CODE, NOT_ACCEPTED]);
        assert_eq!((seen.code(), seen.said()), expected, "{user:?}");
    }
}

#[test]
fn cockpits_page_is_told_that_codes_cannot_be_checked() {
    let stage = Stage::new();
    let seen = stage.host("").service("cockpit").sign_in("123456");
    assert_eq!(seen.code(), pam::PERM_DENIED);
    assert_eq!(seen.said(), ["prompt 2 Emergency code: ", SORRY]);
    let stage = Stage::new();
    let seen = stage.host("unavail=authinfo_unavail").service("cockpit").sign_in("123456");
    assert_eq!(seen.code(), pam::AUTHINFO_UNAVAIL);
}

#[test]
fn a_wrong_password_stays_a_wrong_password_on_cockpits_page() {
    for verdict in ["accept", "reject"] {
        let stage = Stage::new();
        let _daemon = stage.decider(vec![Act::verdict(verdict)]);
        let seen = answers(password_then_code(&stage, "cockpit", ""), "wrong", "123456").run();
        assert_eq!(seen.code(), pam::AUTH_ERR, "{verdict}: {seen:?}");
    }
}

#[test]
fn cockpits_page_says_nothing_with_a_success() {
    let earlier = VerifyDetails { last_used: Some(1_772_529_120), ..VerifyDetails::default() };
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::verdict_with("accept", earlier)]);
    let seen = stage.host("").service("cockpit").sign_in("123456");
    assert_eq!((seen.code(), seen.said()), (pam::SUCCESS, vec![CODE]));
}
