//! The last administrator keeps his way in.

use fob_api::{Error, Fate, RootRule, Serial, UserName};

use super::bench::{Bench, ROOT};
use crate::{
    decide::{
        pair::FarClock,
        remove::{AdminGuard, RootGuard, Safeguards},
    },
    engine::{Holder, Pairing},
};

/// A house where alice and bob are in the group sudo, carol is not, and root has no token.
async fn house() -> Bench {
    let users = [("root", 0), ("alice", 1000), ("bob", 1001), ("carol", 1002)];
    Bench::with_users(&users).await.with_administrators(&["alice", "bob"])
}

fn last(user: &str) -> Error {
    Error::LastAdministrator { user: UserName::parse(user).unwrap() }
}

const SPELLED_OUT: Safeguards<'static> =
    Safeguards { root: RootGuard::Keep, administrators: AdminGuard::LeaveNone, serial_again: None };

#[tokio::test]
async fn the_token_of_the_last_administrator_is_not_taken_unless_that_is_spelled_out() {
    let bench = house().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.assign("carol", "B2").await.unwrap();
    for fate in [Fate::Stock, Fate::Lost, Fate::Retire] {
        assert_eq!(bench.deactivate("alice", fate).await, Err(last("alice")));
    }
    let serial = Serial::parse("A1").unwrap();
    let (holder, safe) = (Holder::Token(&serial), Safeguards::default());
    let by_serial = bench.engine.deactivate(ROOT, &holder, Fate::Stock, &safe).await;
    assert_eq!(by_serial.unwrap_err(), last("alice"));
    let log = bench.lines.lock().unwrap().join("\n");
    assert!(log.contains("refused verb=\"deactivate\" user=\"alice\" reason=\"LastAdm"), "{log}");
    assert_eq!(bench.deactivate_safely("alice", Fate::Lost, &SPELLED_OUT).await, Ok(()));
}

#[tokio::test]
async fn one_of_two_administrators_may_lose_his_token_and_the_other_not_then() {
    let bench = house().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.assign("bob", "B2").await.unwrap();
    assert_eq!(bench.deactivate("bob", Fate::Stock).await, Ok(()));
    assert_eq!(bench.deactivate("alice", Fate::Stock).await, Err(last("alice")));
}

#[tokio::test]
async fn whoever_is_no_administrator_loses_his_token_without_more_words() {
    let bench = house().await;
    bench.assign("carol", "A1").await.unwrap();
    assert_eq!(bench.deactivate("carol", Fate::Stock).await, Ok(()));
}

#[tokio::test]
async fn a_rotation_leaves_the_last_administrator_his_way_in() {
    let bench = house().await;
    bench.assign("alice", "A1").await.unwrap();
    assert_eq!(bench.rotate("alice", "B2", Fate::Lost).await, Ok(()));
}

#[tokio::test]
async fn a_token_that_another_name_had_is_no_way_in() {
    let bench = house().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.assign("bob", "B2").await.unwrap();
    let renamed = [("root", 0), ("alice", 1000), ("robert", 1001)];
    let bench = bench.with_other_users(&renamed).with_administrators(&["alice", "robert"]);
    assert_eq!(bench.deactivate("alice", Fate::Stock).await, Err(last("alice")));
    assert_eq!(bench.deactivate("robert", Fate::Stock).await, Ok(()), "it signs nobody in");
}

#[tokio::test]
async fn roots_own_rule_is_asked_first_and_root_counts_as_an_administrator() {
    let bench = house().await;
    let (root, serial) = (UserName::parse("root").unwrap(), Serial::parse("A1").unwrap());
    let timed = bench.pair("A1");
    let pairing = Pairing {
        caller: ROOT,
        user: &root,
        serial: &serial,
        timed: &timed,
        far: FarClock::Ask,
        serial_again: Some("A1"),
    };
    bench.engine.assign(&pairing).await.unwrap();
    let kept = Err(Error::RootOnly { rule: RootRule::KeepOne });
    assert_eq!(bench.deactivate("root", Fate::Stock).await, kept);
    assert_eq!(bench.deactivate_safely("root", Fate::Stock, &SPELLED_OUT).await, kept);
    let mut safe = Safeguards {
        root: RootGuard::LeaveWithoutMfa,
        serial_again: Some("A1"),
        ..Safeguards::default()
    };
    assert_eq!(bench.deactivate_safely("root", Fate::Stock, &safe).await, Err(last("root")));
    bench.assign("alice", "B2").await.unwrap();
    assert_eq!(bench.deactivate("alice", Fate::Stock).await, Ok(()), "root has a way in");
    safe.administrators = AdminGuard::LeaveNone;
    assert_eq!(bench.deactivate_safely("root", Fate::Stock, &safe).await, Ok(()));
}

#[tokio::test]
async fn two_administrators_whose_tokens_are_taken_at_once_do_not_cover_each_other() {
    let bench = house().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.assign("bob", "B2").await.unwrap();
    bench.let_two_commits_meet();
    let (alice, bob) =
        tokio::join!(bench.deactivate("alice", Fate::Stock), bench.deactivate("bob", Fate::Stock));
    match (&alice, &bob) {
        (Ok(()), Err(error)) => assert_eq!(*error, last("bob")),
        (Err(error), Ok(())) => assert_eq!(*error, last("alice")),
        _ => panic!("alice: {alice:?}, bob: {bob:?}"),
    }
}
