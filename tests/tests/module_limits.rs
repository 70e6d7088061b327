//! The module in a host that has almost nothing: no conversation, little stack, little memory.
#![allow(clippy::unwrap_used)] // clippy knows only functions marked as tests: helpers are, too

use fob_tests::{
    fake_daemon::Act,
    needs::{self, Need},
    pam_host::{Seen, Stage, pam},
};

/// libpam's answer if a module cannot be loaded.
const MODULE_UNKNOWN: i64 = 28;
/// A sign-in in the harness's words.
const SIGN_IN: [&str; 3] = ["user=alice", "answer=123456", "call-authenticate"];

/// Signs in under a limit of bash's `ulimit`; fails if the host does not end by itself.
#[track_caller]
fn limited(stage: &Stage, limit: &str, words: &[&str]) -> Seen {
    let script = format!("ulimit {limit}; exec \"$0\" \"$@\"");
    let host = stage.host("").under(&["bash", "-c", &script]);
    words.iter().fold(host, |host, word| host.word(word)).run()
}

#[test]
fn a_host_without_a_conversation_is_refused_and_lives() {
    let stage = Stage::new();
    let _daemon = stage.daemon(vec![Act::prompt("code")]);
    let host = stage.host("").word("no-conversation").word("user=alice");
    let seen = host.word("call-authenticate").run();
    assert_eq!((seen.code(), seen.prompts().len()), (pam::CONV_ERR, 0));
}

#[test]
fn a_host_with_a_stack_of_64_kib_signs_in() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::verdict("accept"), Act::verdict("reject")]);
    assert_eq!(limited(&stage, "-s 64", &SIGN_IN).code(), pam::SUCCESS);
    assert_eq!(limited(&stage, "-s 64", &SIGN_IN).code(), pam::AUTH_ERR);
}

/// From too little for the module to be loaded to enough. Nobody answers until the last one.
#[test]
fn a_host_with_little_address_space_lives_and_signs_in_only_with_a_verdict() {
    let stage = Stage::new();
    let limits = (3072..=8192).step_by(1024).map(|kibibytes| format!("-v {kibibytes}"));
    let code = |limit: String| limited(&stage, &limit, &SIGN_IN).code();
    let codes: Vec<i64> = limits.map(code).collect();
    let other = codes.iter().find(|code| ![MODULE_UNKNOWN, pam::AUTH_ERR].contains(code));
    assert_eq!((codes[0], codes[codes.len() - 1], other), (MODULE_UNKNOWN, pam::AUTH_ERR, None));
    let _daemon = stage.decider(vec![Act::verdict("accept")]);
    assert_eq!(limited(&stage, "-v 8192", &SIGN_IN).code(), pam::SUCCESS);
}

#[track_caller]
fn under_valgrind(script: Vec<Act>, words: &[&str]) -> Option<Seen> {
    needs::met(&[Need::Program("valgrind")]).then(|| {
        let stage = Stage::new();
        let _daemon = stage.decider(script);
        // What it finds is on the standard error, and there the harness takes nothing.
        let host = stage.host("timeout=30").under(&["valgrind", "-q", "--error-exitcode=9"]);
        let module = format!("call-load={}", stage.module().display());
        let host = host.word("user=alice").word("answer=123456").word(module);
        words.iter().fold(host, |host, word| host.word(word)).run()
    })
}

#[test]
fn valgrind_finds_nothing_in_a_hundred_sign_ins() {
    let script = (0..101).map(|_| Act::verdict("accept")).collect();
    let Some(seen) = under_valgrind(script, &["call-many=101"]) else { return };
    assert_eq!(seen.all("many"), ["0 100"]);
}

#[test]
fn valgrind_finds_nothing_in_a_fork_after_a_sign_in() {
    let script = vec![Act::verdict("accept"), Act::verdict("reject")];
    let Some(seen) = under_valgrind(script, &["call-authenticate", "call-fork"]) else { return };
    assert_eq!((seen.code(), seen.all("child")), (pam::SUCCESS, vec!["code 7", "ended 0"]));
}
