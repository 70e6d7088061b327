//! Who waits for whom, by the order: no time is measured.

use std::sync::{Arc, atomic::Ordering};

use fob_api::{Code, Verdict};

use super::bench::Bench;

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
    // All of them get as far as they can: there is one thread.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(commits(&bench) - before, 1);
    assert_eq!(bench.verify("bob", &bench.code("B2", 0)).await, Ok(Verdict::Accept));
    assert_eq!(commits(&bench) - before, 2);
    hung.wait().await;
    for guess in flood {
        assert!(!matches!(guess.await.unwrap(), Ok(Verdict::Accept) | Err(_)));
    }
}
