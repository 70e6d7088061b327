//! The table of design.md section 6, asked of a running daemon.

use fob_api::address::INTERFACE;
use fob_tests::markup;

use crate::stage::{NOBODY, OTHER, OWN, Stage, Transport, USER, one};

const CONTRACT: &str = include_str!("../../../packaging/dbus/org.fobd.Fob1.xml");
const DENIED: &str = "org.fobd.Fob1.Error.NotAuthorized";

/// Who may call a method.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Row {
    Root,
    RootOrHimself,
}

/// The expected table. A method without a row fails every test here.
const TABLE: [(&str, Row); 27] = [
    ("Adopt", Row::Root),
    ("Assign", Row::Root),
    ("Backup", Row::Root),
    ("Bypass", Row::Root),
    ("Deactivate", Row::Root),
    ("Explain", Row::Root),
    ("Forget", Row::Root),
    ("Identify", Row::Root),
    ("Import", Row::Root),
    ("List", Row::Root),
    ("Log", Row::Root),
    ("NewRecoveryCodes", Row::RootOrHimself),
    ("NewVirtualToken", Row::Root),
    ("Prompt", Row::RootOrHimself),
    ("Rekey", Row::Root),
    ("ReportLost", Row::RootOrHimself),
    ("Restore", Row::Root),
    ("Resync", Row::RootOrHimself),
    ("RevokeTickets", Row::Root),
    ("Rotate", Row::Root),
    ("ShowToken", Row::Root),
    ("ShowUser", Row::RootOrHimself),
    ("Status", Row::Root),
    ("Tickets", Row::Root),
    ("Unlock", Row::Root),
    ("Verify", Row::RootOrHimself),
    ("VerifyLog", Row::Root),
];

/// What a caller who is allowed gets for the sample arguments: the daemon looked, and there is no
/// such token, or /dev/null is no seed file and no backup.
const LOOKED: [&str; 6] = [
    "ok",
    "org.fobd.Fob1.Error.BadBackup",
    "org.fobd.Fob1.Error.BadSeedFile",
    "org.fobd.Fob1.Error.NoSuchToken",
    "org.fobd.Fob1.Error.NoSuchUser",
    "org.fobd.Fob1.Error.NotAssigned",
];

/// Every published method with its row.
#[track_caller]
fn table() -> Vec<(String, Row)> {
    let published: Vec<String> =
        markup::methods(CONTRACT, INTERFACE).into_iter().map(|method| method.name).collect();
    let rows: Vec<String> = TABLE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(published, rows, "the contract and the table differ");
    TABLE.map(|(name, row)| (name.to_owned(), row)).to_vec()
}

/// Asks for everything as `who` and compares with the table. Returns how many were asked.
#[track_caller]
fn compare(stage: &Stage, who: &str, by: Transport) -> usize {
    let targets = [USER, OTHER, "root", NOBODY];
    let cells: Vec<(String, Row, &str)> = table()
        .into_iter()
        .flat_map(|(method, row)| targets.map(|target| (method.clone(), row, target)))
        .collect();
    let requests: Vec<String> =
        cells.iter().map(|(method, _, target)| format!("{method}:{target}")).collect();
    let outcomes = stage.ask(who, by, &requests);
    for ((method, row, target), outcome) in cells.iter().zip(&outcomes) {
        let allowed = who == "root" || (*row == Row::RootOrHimself && who == *target);
        let right = if allowed { LOOKED.contains(&outcome.as_str()) } else { outcome == DENIED };
        assert!(right, "{who} called {method} about {target} by {by:?}: {outcome}");
    }
    cells.len()
}

#[test]
fn on_the_bus_the_table_holds_for_every_method_caller_and_target() {
    let Some(stage) = Stage::set() else { return };
    let asked: usize =
        ["root", USER, OTHER].into_iter().map(|who| compare(&stage, who, Transport::Bus)).sum();
    println!("{asked} cells on the bus");
    assert_eq!(asked, TABLE.len() * 3 * 4);
}

#[test]
fn on_the_peer_socket_root_may_do_everything() {
    let Some(stage) = Stage::set() else { return };
    assert_eq!(compare(&stage, "root", Transport::Peer), TABLE.len() * 4);
}

#[test]
fn the_daemons_own_user_may_do_nothing() {
    let Some(stage) = Stage::set_with_own_user() else { return };
    let status = std::fs::read_to_string(format!("/proc/{}/status", stage.daemon.id())).unwrap();
    assert!(!status.contains("Uid:\t0\t"), "the daemon runs as root");
    assert_eq!(compare(&stage, OWN, Transport::Bus), TABLE.len() * 4);
    assert_eq!(compare(&stage, "root", Transport::Bus), TABLE.len() * 4);
    assert_eq!(one(&stage, OWN, Transport::Peer, "Status:root"), "connect: PermissionDenied");
    stage.open_the_peer_socket();
    assert_eq!(compare(&stage, OWN, Transport::Peer), TABLE.len() * 4);
}

#[test]
fn others_cannot_connect_to_the_peer_socket() {
    let Some(stage) = Stage::set() else { return };
    for who in [USER, OTHER, "nobody"] {
        let outcome = one(&stage, who, Transport::Peer, "Status:root");
        assert_eq!(outcome, "connect: PermissionDenied", "as {who}");
    }
}

#[test]
fn on_a_peer_socket_that_stands_open_the_table_still_holds() {
    let Some(stage) = Stage::set() else { return };
    stage.open_the_peer_socket();
    for who in ["root", USER, OTHER] {
        assert_eq!(compare(&stage, who, Transport::Peer), TABLE.len() * 4);
    }
}

#[test]
fn who_claims_to_be_root_on_the_peer_socket_is_still_who_he_is() {
    let Some(stage) = Stage::set() else { return };
    stage.open_the_peer_socket();
    let outcome = one(&stage, USER, Transport::PeerAsRoot, "Status:root");
    assert!(outcome == DENIED || outcome.starts_with("connect: "), "{outcome}");
    assert_eq!(one(&stage, "root", Transport::PeerAsRoot, "Status:root"), "ok");
}

#[test]
fn every_refusal_is_logged_with_the_callers_uid_or_counted() {
    let Some(mut stage) = Stage::set() else { return };
    let asked = compare(&stage, USER, Transport::Bus);
    // Of what he may do for himself, showing and being asked are no refusals.
    let refusals = asked - 2;
    stage.daemon.stop();
    stage.daemon.wait_for("stopping");
    let log = stage.daemon.log();
    let is_told = |line: &&String| line.contains(" caller=\"1\"") && !line.starts_with("silenced ");
    assert_eq!(log.iter().filter(is_told).count(), 10, "{log:#?}");
    stage.daemon.wait_for(&format!("silenced count=\"{}\" seconds=", refusals - 10));
    assert!(log.iter().any(|line| line == "denied verb=\"assign\" caller=\"1\""), "{log:#?}");
}

#[test]
fn arguments_of_the_wrong_types_are_refused_for_every_method() {
    let Some(stage) = Stage::set() else { return };
    for by in [Transport::Bus, Transport::Peer] {
        for (method, _) in table() {
            // Four take no arguments: there is nothing that can be wrong about them.
            let takes_some =
                !matches!(method.as_str(), "Rekey" | "Status" | "Tickets" | "VerifyLog");
            for kind in ["wrong", "bare"].iter().filter(|_| takes_some) {
                let outcome = one(&stage, "root", by, &format!("{kind}:{method}"));
                let expected = "org.freedesktop.DBus.Error.InvalidArgs";
                assert_eq!(outcome, expected, "{method} with {kind} arguments by {by:?}");
            }
        }
    }
}

#[test]
fn a_method_that_does_not_exist_is_unknown_to_root_too() {
    let Some(stage) = Stage::set() else { return };
    for by in [Transport::Bus, Transport::Peer] {
        let outcome = one(&stage, "root", by, "no-such-method");
        assert_eq!(outcome, "org.freedesktop.DBus.Error.UnknownMethod");
    }
}
