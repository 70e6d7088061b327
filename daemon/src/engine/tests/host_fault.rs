//! A host whose clock is off is told from tokens that are.

use fob_api::{Serial, Verdict};

use super::bench::{Bench, ROOT};

const THIRD: &str = "C3, 4232333435363738393031323334353637383930, totp, 6, 30\n";
const USERS: [(&str, &str); 3] = [("alice", "A1"), ("bob", "B2"), ("carol", "C3")];

/// Returns a house in which three users signed in often enough for their clocks to be known.
async fn settled() -> Bench {
    let users = [("root", 0), ("alice", 1000), ("bob", 1001), ("carol", 1002)];
    let bench = Bench::with_users(&users).await;
    bench.import(THIRD).await.unwrap();
    for (user, serial) in USERS {
        bench.assign(user, serial).await.unwrap();
    }
    for _ in 0..8 {
        bench.advance(30);
        sign_in(&bench, &USERS, 0).await;
    }
    bench.advance(60);
    bench
}

/// Signs users in with the codes of so many steps from now.
async fn sign_in(bench: &Bench, users: &[(&str, &str)], ahead: i64) {
    for (user, serial) in users {
        let verdict = bench.verify(user, &bench.code(serial, ahead)).await;
        assert_eq!(verdict, Ok(Verdict::Accept), "{user}");
    }
}

/// Returns what the daemon knows of the drift of a token, and whether it has named the fault.
async fn known(bench: &Bench, serial: &str) -> (Option<i64>, usize) {
    let report = bench.engine.show_token(ROOT, &Serial::parse(serial).unwrap()).await.unwrap();
    let lines = bench.lines.lock().unwrap();
    (report.drift, lines.iter().filter(|line| line.starts_with("host_clock_fault")).count())
}

#[tokio::test]
async fn three_tokens_off_the_same_way_stop_the_learning_and_are_told_once() {
    let bench = settled().await;
    // What was shown a step ago: for these tokens the host's clock seems 30 s ahead.
    sign_in(&bench, &USERS, -1).await;
    let (drift, told) = known(&bench, "A1").await;
    assert_eq!(told, 1);
    for _ in 0..3 {
        bench.advance(60);
        sign_in(&bench, &USERS, -1).await;
    }
    assert_eq!(known(&bench, "A1").await, (drift, 1), "it was learned, or told again");
}

#[tokio::test]
async fn learning_goes_on_an_hour_after_the_clock_is_right_again() {
    let bench = settled().await;
    sign_in(&bench, &USERS, -1).await;
    let (drift, _) = known(&bench, "A1").await;
    bench.advance(3_600);
    for _ in 0..4 {
        bench.advance(60);
        sign_in(&bench, &USERS[..1], 1).await;
    }
    assert!(known(&bench, "A1").await.0 > drift);
}

#[tokio::test]
async fn two_tokens_that_are_off_are_their_own_matter() {
    let bench = settled().await;
    let before = known(&bench, "A1").await;
    sign_in(&bench, &USERS[..2], -1).await;
    let (drift, told) = known(&bench, "A1").await;
    assert!(told == 0 && drift < before.0, "{drift:?}, told {told} times");
}
