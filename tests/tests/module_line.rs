//! The module's connection between the prompt and the code: used again while it is good, left
//! otherwise, and no code is sent twice.
//!
//! Honest limits: a daemon that hangs up in the same moment in which the code is sent is trouble;
//! which of both came first cannot be steered from here.

use fob_tests::bus_bytes::{Reply, Request};
use fob_tests::fake_daemon::{Act, Answer, FakeDaemon, prompt};
use fob_tests::needs::{self, Need};
use fob_tests::pam_host::{Stage, pam};

/// Returns the serials of the calls so far, by method.
fn serials(daemon: &FakeDaemon) -> Vec<(String, u32)> {
    daemon.requests().into_iter().map(|call| (call.member, call.serial)).collect()
}

#[track_caller]
fn assert_asked(daemon: &FakeDaemon, connections: usize, calls: &[(&str, u32)]) {
    let seen = serials(daemon);
    let seen: Vec<(&str, u32)> = seen.iter().map(|(member, n)| (member.as_str(), *n)).collect();
    assert_eq!((daemon.callers().len(), &seen[..]), (connections, calls));
}

const ON_ONE: [(&str, u32); 2] = [("Prompt", 1), ("Verify", 2)];
const ON_TWO: [(&str, u32); 2] = [("Prompt", 1), ("Verify", 1)];

#[test]
fn the_code_goes_over_the_connection_that_the_prompt_was_asked_on() {
    let stage = Stage::new();
    let daemon = stage.decider(vec![Act::verdict("accept")]);
    assert_eq!(stage.host("").sign_in("123456").code(), pam::SUCCESS);
    assert_asked(&daemon, 1, &ON_ONE);
}

/// The one is seen before the code is sent, or by the send, whichever of both is faster; the other
/// only by the send.
#[test]
fn a_daemon_that_hung_up_while_somebody_typed_is_asked_anew() {
    let ends: [fn(Answer) -> Act; 2] = [Act::AnswerAndHangUp, Act::StopReading];
    for (end, word, code) in
        ends.iter().flat_map(|end| [(end, "accept", pam::SUCCESS), (end, "reject", pam::AUTH_ERR)])
    {
        let stage = Stage::new();
        let daemon = stage.daemon(vec![end(prompt("code")), Act::verdict(word)]);
        let seen = stage.host("").sign_in("123456");
        assert_eq!((seen.code(), seen.texts().len()), (code, 0), "{word}");
        assert_asked(&daemon, 2, &ON_TWO);
    }
}

#[test]
fn a_code_is_never_sent_twice() {
    for act in [Act::CloseMidCall, Act::Hang] {
        let stage = Stage::new();
        let daemon = stage.decider(vec![act]);
        let seen = stage.host("timeout=1").sign_in("123456");
        assert_eq!((seen.code(), seen.texts().len()), (pam::AUTH_ERR, 1));
        assert_asked(&daemon, 1, &ON_ONE);
    }
}

/// The reply that the next call on this connection would be waiting for.
fn accept_ahead(request: &Request) -> Vec<u8> {
    let values = ("accept", "alice", fob_api::VerifyDetails::default());
    Reply::to(request.serial + 1, "ssa{sv}", &values).bytes()
}

#[test]
fn an_accept_that_came_before_the_code_was_sent_is_none() {
    let stage = Stage::new();
    let asked = prompt("code");
    let ahead = Box::new(move |request: &Request| [asked(request), accept_ahead(request)].concat());
    let daemon = stage.daemon(vec![Act::Answer(ahead), Act::verdict("reject")]);
    assert_eq!(stage.host("").sign_in("123456").code(), pam::AUTH_ERR);
    assert_asked(&daemon, 2, &ON_TWO);
}

#[test]
fn a_prompt_that_was_not_understood_leaves_no_connection_for_the_code() {
    let stage = Stage::new();
    let daemon = stage.daemon(vec![Act::prompt("newer"), Act::verdict("reject")]);
    assert_eq!(stage.host("").sign_in("123456").code(), pam::AUTH_ERR);
    assert_asked(&daemon, 2, &ON_TWO);
}

/// The parent still has its end, so both would read the replies.
#[test]
fn a_child_that_goes_on_with_the_sign_in_has_a_connection_of_its_own() {
    let stage = Stage::new();
    let daemon = stage.decider(vec![Act::verdict("accept")]);
    let seen = stage.host("").word("fork").sign_in("123456");
    assert_eq!(seen.code(), pam::SUCCESS);
    assert_asked(&daemon, 2, &ON_TWO);
    let [asked, sent] = &daemon.requests()[..] else { panic!("not two requests") };
    assert_ne!(asked.pid, sent.pid);
}

#[test]
fn a_host_that_gave_its_rights_up_does_not_use_roots_connection() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let stage = Stage::new();
    let daemon = stage.daemon(vec![Act::prompt("code")]);
    let seen = stage.host("").word("become=65534").sign_in("123456");
    assert_eq!((seen.code(), seen.texts().len()), (pam::AUTH_ERR, 1));
    assert_asked(&daemon, 1, &[("Prompt", 1)]);
}

/// A host that closes what it does not know gets the same numbers for its own files.
#[test]
fn a_descriptor_that_became_the_hosts_gets_no_code_and_stays_open() {
    for (answer, calls, code) in [("123456", 2, pam::SUCCESS), ("no code", 1, pam::AUTH_ERR)] {
        let stage = Stage::new();
        let script = [Act::prompt("code"), Act::verdict("accept")].into_iter().take(calls);
        let daemon = stage.daemon(script.collect());
        let host = stage.host("").word("user=alice").word("replace-sockets");
        let host = host.word(format!("answer={answer}"));
        let seen = host.word("call-authenticate").word("call-replaced").run();
        assert_eq!((seen.code(), seen.number("got")), (code, 0), "{seen:?}");
        assert!(seen.number("replaced") > 0, "{seen:?}");
        assert_eq!(seen.number("open"), seen.number("replaced"), "{seen:?}");
        assert_asked(&daemon, calls, &ON_TWO[..calls]);
    }
}

/// Else a conversation that reads its standard input would read what the daemon says.
#[test]
fn a_connection_that_is_the_hosts_standard_input_is_not_kept() {
    let stage = Stage::new();
    let daemon = stage.decider(vec![Act::verdict("accept")]);
    let host = stage.host("").word("user=alice").word("answer=123456");
    let seen = host.word("call-close-stdin").word("call-authenticate").run();
    assert_eq!(seen.code(), pam::SUCCESS, "{seen:?}");
    assert_asked(&daemon, 2, &ON_TWO);
}
