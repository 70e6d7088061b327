//! Who is signed in: hostile names, and names that change on the way.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use fob_tests::bus_bytes::Reply;
use fob_tests::fake_daemon::Act;
use fob_tests::pam_host::{Stage, pam};

#[test]
fn a_name_that_cannot_be_one_gets_the_prompt_and_is_not_sent() {
    let long = [b'a'; 256];
    let huge = vec![b'a'; 1 << 16];
    for name in [&b""[..], b"a\nroot", b"a\x1b[2J", b"al\xffice", b"a\x7f", &long, &huge] {
        let stage = Stage::new();
        let _daemon = stage.daemon(vec![]);
        let user = [b"user=", name].concat();
        let host = stage.host("").word(OsStr::from_bytes(&user));
        let seen = host.word("answer=123456").word("call-authenticate").run();
        assert_eq!((seen.code(), seen.prompts().len(), seen.texts().len()), (pam::AUTH_ERR, 1, 0));
        let log = stage.log();
        assert!(log.len() == 1 && log[0].bytes().all(|b| (b' '..=b'~').contains(&b)), "{log:?}");
    }
}

#[test]
fn an_odd_name_travels_as_it_is() {
    let longest = "ü".repeat(127);
    for name in ["user@example.org", "DOM\\user", "../../etc/x", "a:b", "%n%s", " alice", &longest]
    {
        let stage = Stage::new();
        let daemon = stage.decider(vec![Act::verdict("accept")]);
        let host = stage.host("").word(format!("user={name}"));
        let seen = host.word("answer=123456").word("call-authenticate").run();
        assert_eq!(seen.code(), pam::SUCCESS, "{name}");
        assert_eq!(daemon.verifies()[0].0, name);
    }
}

#[test]
fn without_a_name_the_host_asks_for_it_first() {
    let stage = Stage::new();
    let daemon = stage.decider(vec![Act::verdict("accept")]);
    let host = stage.host("").word("answer=bob").word("answer=123456");
    let seen = host.word("call-authenticate").run();
    assert_eq!((seen.code(), seen.prompts().len()), (pam::SUCCESS, 2));
    assert_eq!(daemon.verifies()[0].0, "bob");
}

#[test]
fn without_a_name_at_all_there_is_no_sign_in() {
    let stage = Stage::new();
    let _daemon = stage.daemon(vec![]);
    let seen = stage.host("").word("call-authenticate").run();
    assert_eq!(seen.code(), pam::CONV_ERR);
}

/// CVE-2005-2949: the application changes the user while it asks for the code.
#[test]
fn a_user_who_changes_during_the_conversation_is_refused_without_a_verdict() {
    let stage = Stage::new();
    let _daemon = stage.daemon(vec![Act::prompt("code")]);
    let seen = stage.host("").word("set-user=root").sign_in("123456");
    assert_eq!(seen.code(), pam::AUTH_ERR);
    assert!(stage.log()[0].contains("changed"));
}

#[test]
fn items_that_the_host_frees_during_the_conversation_are_still_those_of_the_start() {
    let stage = Stage::new();
    let daemon = stage.decider(vec![Act::verdict("accept")]);
    let host = stage.host("").word("rhost=first.example.org").word("set-rhost=second.example.org");
    assert_eq!(host.sign_in("123456").code(), pam::SUCCESS);
    assert_eq!(daemon.verifies()[0].2.rhost.as_deref(), Some("first.example.org"));
}

#[test]
fn an_accept_for_another_user_is_refused() {
    for other in ["bob", "Alice", "alice ", ""] {
        let stage = Stage::new();
        let _daemon = stage.decider(vec![Act::Answer(Box::new(move |request| {
            let values = ("accept", other, fob_api::VerifyDetails::default());
            Reply::to(request.serial, "ssa{sv}", &values).bytes()
        }))]);
        assert_eq!(stage.host("").sign_in("123456").code(), pam::AUTH_ERR, "{other:?}");
        assert!(stage.log()[0].contains("another user"));
    }
}

/// Longer ones (8970 bytes) fail in libpam's own audit message, whatever the module says.
#[test]
fn a_remote_host_that_cannot_be_one_is_still_a_remote_one() {
    let long = [b"rhost=", &[b'x'; 4096][..]].concat();
    for rhost in [&long[..], b"rhost=a\nb", b"rhost=\xff"] {
        let stage = Stage::new();
        let daemon = stage.decider(vec![Act::verdict("accept")]);
        let seen = stage.host("").word(OsStr::from_bytes(rhost)).sign_in("123456");
        assert_eq!(seen.code(), pam::SUCCESS);
        assert_eq!(daemon.verifies()[0].2.rhost.as_deref(), Some("?"));
    }
}
