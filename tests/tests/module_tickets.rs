//! Step-up tickets, as the module takes them: in a login and on a terminal, for sudo and polkit.
#![allow(clippy::unwrap_used)] // clippy knows only functions marked as tests: helpers are, too

use fob_tests::fake_daemon::Act;
use fob_tests::pam_host::{Host, Stage, pam};

/// Runs the host in a login of its own, on a terminal of its own. Where the login is set already it
/// stays; any process may set it once (`audit_set_loginuid` of the kernel).
const LOGIN: &str = "{ echo 0 >/proc/self/loginuid; } 2>/dev/null
    exec script -qec \"$(printf '%q ' \"$@\")\" /dev/null";
/// The same, twice on one terminal.
const LOGIN_TWICE: &str = "{ echo 0 >/proc/self/loginuid; } 2>/dev/null
    exec script -qec \"$(printf '%q ' \"$@\"); $(printf '%q ' \"$@\")\" /dev/null";

fn in_a_login<'a>(stage: &'a Stage, service: &'static str, script: &str) -> Host<'a> {
    stage.host("").service(service).under(&["bash", "-c", script, "bash"])
}

#[test]
fn a_ticket_is_ignored_in_the_stack_and_nobody_is_asked() {
    for service in ["sudo", "sudo-i", "polkit-1"] {
        let stage = Stage::new();
        let daemon = stage.daemon(vec![Act::prompt("ticket")]);
        let seen = in_a_login(&stage, service, LOGIN).sign_in("123456");
        assert_eq!((seen.code(), seen.prompts().len()), (pam::IGNORED, 0), "{service}");
        assert!(daemon.requests()[0].prompt().1.session.is_some());
    }
}

#[test]
fn a_ticket_alone_in_a_stack_lets_nobody_in() {
    let stage = Stage::new();
    let _daemon = stage.daemon(vec![Act::prompt("ticket")]);
    let lines = format!("auth required {}\n", stage.module().display());
    let host = stage.host_with(&lines).service("sudo").under(&["bash", "-c", LOGIN, "bash"]);
    assert_ne!(host.sign_in("123456").code(), pam::SUCCESS);
}

#[test]
fn a_ticket_that_was_not_asked_for_is_none() {
    for (service, script) in [("sshd", LOGIN), ("su", LOGIN), ("sudo", "exec setsid -w \"$@\"")] {
        let stage = Stage::new();
        let daemon = stage.daemon(vec![Act::prompt("ticket"), Act::verdict("reject")]);
        let seen = in_a_login(&stage, service, script).sign_in("123456");
        assert_eq!((seen.code(), seen.prompts().len()), (pam::AUTH_ERR, 1), "{service}");
        assert!(daemon.requests()[0].prompt().1.session.is_none(), "{service}");
    }
}

#[test]
fn a_session_is_the_same_on_one_terminal_and_another_on_the_next() {
    let stage = Stage::new();
    let daemon = stage.decider((0..3).map(|_| Act::verdict("reject")).collect());
    in_a_login(&stage, "sudo", LOGIN_TWICE).sign_in("123456");
    in_a_login(&stage, "sudo", LOGIN).sign_in("123456");
    let sessions: Vec<_> =
        daemon.verifies().into_iter().map(|(_, _, context)| context.session.unwrap()).collect();
    let [first, again, other] = sessions[..] else { panic!("{sessions:?}") };
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[test]
fn the_terminal_that_a_program_names_is_not_believed() {
    let stage = Stage::new();
    let daemon = stage.decider(vec![Act::verdict("reject")]);
    let host = in_a_login(&stage, "sudo", "exec setsid -w \"$@\"").word("tty=/dev/pts/0");
    host.environment("SUDO_TTY", "/dev/pts/0").sign_in("123456");
    assert!(daemon.verifies()[0].2.session.is_none());
}
