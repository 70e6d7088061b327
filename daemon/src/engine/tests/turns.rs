//! Who waits for whom, by the order: no time is measured.

use std::sync::{Arc, atomic::Ordering};

use fob_api::{Code, CodePair, Error, UserName, Verdict};

use super::bench::{Bench, over_ssh};
use crate::{
    access::Caller,
    decide::verify::Typed,
    engine::{SignIn, verify::PATIENCE},
};

/// Lets all tasks get as far as they can: there is one thread.
async fn get_on() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_flood_on_one_user_has_one_commit_in_the_store_and_nobody_else_waits_for_it() {
    let bench = Arc::new(Bench::new().await);
    bench.assign("alice", "A1").await.unwrap();
    bench.assign("bob", "B2").await.unwrap();
    bench.advance(30);
    let commits = |bench: &Bench| bench.store.commits.load(Ordering::SeqCst);
    let before = commits(&bench);
    let hung = bench.hang_next_commit();
    let guess = |number: u32| {
        let bench = Arc::clone(&bench);
        let code = Code::parse(&format!("{number:06}")).unwrap();
        tokio::spawn(async move { bench.verify("alice", &code).await })
    };
    let flood: Vec<_> = (0..64).map(guess).collect();
    get_on().await;
    assert_eq!(commits(&bench) - before, 1);
    assert_eq!(bench.verify("bob", &bench.code("B2", 0)).await, Ok(Verdict::Accept));
    assert_eq!(commits(&bench) - before, 2);
    hung.wait().await;
    for guess in flood {
        assert!(!matches!(guess.await.unwrap(), Ok(Verdict::Accept) | Err(_)));
    }
}

// Who asked gave up, and perhaps typed the same code again: it is his second try's.
#[tokio::test]
async fn a_sign_in_that_waited_for_too_long_spends_nothing() {
    for (wait, ends) in [(PATIENCE - 1, Ok(Verdict::Accept)), (PATIENCE, Err(Error::Busy))] {
        let bench = Arc::new(Bench::new().await);
        bench.assign("alice", "A1").await.unwrap();
        bench.advance(30);
        let code = bench.code("A1", 0);
        let sign_in = |code: Code| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move { bench.verify("alice", &code).await })
        };
        let hung = bench.hang_next_commit();
        let first = sign_in(Code::parse("000000").unwrap());
        get_on().await;
        let second = sign_in(code.clone());
        get_on().await;
        bench.advance(wait);
        let before = bench.store.commits.load(Ordering::SeqCst);
        hung.wait().await;
        assert_eq!(first.await.unwrap(), Ok(Verdict::Reject));
        assert_eq!(second.await.unwrap(), ends, "after {wait} s");
        if ends.is_err() {
            assert_eq!(bench.store.commits.load(Ordering::SeqCst), before);
            assert_eq!(bench.verify("alice", &code).await, Ok(Verdict::Accept));
        }
    }
}

#[tokio::test]
async fn a_full_line_is_an_error_that_costs_nothing_and_bob_is_not_in_it() {
    let bench = Arc::new(Bench::new().await);
    bench.assign("alice", "A1").await.unwrap();
    bench.assign("bob", "B2").await.unwrap();
    bench.advance(30);
    let hung = bench.hang_next_commit();
    let line: Vec<_> = (0..128)
        .map(|number| {
            let bench = Arc::clone(&bench);
            let code = Code::parse(&format!("{number:06}")).unwrap();
            tokio::spawn(async move { bench.verify("alice", &code).await })
        })
        .collect();
    get_on().await;
    let code = bench.code("A1", 0);
    assert_eq!(bench.verify("alice", &code).await, Err(Error::Busy));
    assert_eq!(bench.verify("bob", &bench.code("B2", 0)).await, Ok(Verdict::Accept));
    hung.wait().await;
    for guess in line {
        assert!(guess.await.unwrap().is_ok());
    }
}

// From a far clock: neither code is good alone, both in a row are.
#[tokio::test]
async fn a_second_code_that_is_typed_while_the_first_waits_makes_a_pair_with_it() {
    let bench = Arc::new(Bench::new().await);
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(30 * 200);
    let hung = bench.hang_next_commit();
    let sign_in = |code: Code| {
        let bench = Arc::clone(&bench);
        let typed = async move { bench.from("192.0.2.1", "alice", Typed::Code(&code)).await };
        tokio::spawn(typed)
    };
    let first = sign_in(bench.code("A1", 20));
    get_on().await;
    let second = sign_in(bench.code("A1", 21));
    get_on().await;
    hung.wait().await;
    assert_eq!(first.await.unwrap().unwrap().0, Verdict::Reject);
    assert_eq!(second.await.unwrap().unwrap().0, Verdict::Accept);
}

#[tokio::test]
async fn who_goes_away_before_his_pair_is_tried_has_his_turn_still() {
    let bench = Arc::new(Bench::new().await);
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(60);
    let pair = CodePair::new(bench.code("A1", -1), bench.code("A1", 0)).unwrap();
    let _hung = bench.hang_next_commit();
    let caller = tokio::spawn({
        let (bench, pair) = (Arc::clone(&bench), pair.clone());
        async move { bench.from("192.0.2.1", "alice", Typed::Pair(&pair)).await }
    });
    get_on().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    let (verdict, _) = bench.from("192.0.2.1", "alice", Typed::Pair(&pair)).await.unwrap();
    assert_eq!(verdict, Verdict::Accept);
}

#[tokio::test]
async fn a_stop_waits_for_a_sign_in_that_was_not_told_yet() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let work = bench.engine.underway().begin().await;
    let user = UserName::parse("alice").unwrap();
    let context = over_ssh("192.0.2.1");
    let sign_in = SignIn { caller: Caller::of(0), user: &user, context: &context };
    let code = Code::parse("000000").unwrap();
    let decided = bench.engine.verify_untold(&sign_in, Typed::Code(&code)).await;
    let told = || bench.lines.lock().unwrap().iter().any(|line| line.contains("192.0.2.1"));
    let tell = async {
        get_on().await;
        assert!(!told());
        bench.engine.tell(&decided.unwrap().2);
        drop(work);
    };
    let stop = async {
        bench.engine.stop().await.unwrap();
        assert!(told(), "it was over before the sign-in was told");
    };
    tokio::join!(stop, tell);
    assert!(bench.engine.verify(&sign_in, Typed::Code(&code)).await.is_err());
}
