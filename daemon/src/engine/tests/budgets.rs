//! Budgets as the engine keeps them: in the store, in memory, for everybody alike.

use std::sync::Arc;

use fob_api::{Code, CodePair, Error, PromptKind, Share, UserName, Verdict};

use super::bench::{ALICE, Bench, Fault, ROOT};
use crate::{
    decide::{
        pair::{FarClock, TimedPair},
        verify::Typed,
    },
    engine::Notice,
};

const AWAY: &str = "203.0.113.7";

/// Codes that no token shows, for it would show six digits.
fn wrong(n: usize) -> Code {
    Code::parse(&format!("{n:08}")).unwrap()
}

/// Tries wrong codes, each another one and too late to be a pair with the one before; returns
/// how many were tried.
async fn guess(bench: &Bench, rhost: &str, user: &str, times: usize) -> usize {
    let mut tried = 0;
    for n in 0..times {
        bench.advance(200);
        let (verdict, _) = bench.from(rhost, user, Typed::Code(&wrong(n))).await.unwrap();
        tried += usize::from(matches!(verdict, Verdict::Reject | Verdict::Unassigned));
    }
    tried
}

fn both(bench: &Bench) -> CodePair {
    CodePair::new(bench.code("A1", -1), bench.code("A1", 0)).unwrap()
}

#[tokio::test]
async fn users_with_and_without_a_token_are_asked_for_the_same_after_the_same() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    for user in ["alice", "bob", "nobody-of-this-name"] {
        assert_eq!(bench.asked(AWAY, user).await, PromptKind::Code, "{user}");
        assert_eq!(guess(&bench, AWAY, user, 1).await, 1, "{user}");
        assert_eq!(bench.asked(AWAY, user).await, PromptKind::Next, "{user}");
        assert_eq!(guess(&bench, AWAY, user, 9).await, 4, "{user}");
        assert_eq!(bench.asked(AWAY, user).await, PromptKind::Pair, "{user}");
    }
}

#[tokio::test]
async fn a_program_of_the_user_cannot_spend_his_remote_tries() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(30);
    for n in 0..5 {
        let _ = bench.verify_as(ALICE, "alice", &wrong(n)).await.unwrap();
    }
    bench.advance(200);
    let sixth = bench.verify_as(ALICE, "alice", &bench.code("A1", 0)).await;
    assert_eq!(sixth, Ok(Verdict::Locked));
    assert_eq!(bench.verify("alice", &bench.code("A1", 0)).await, Ok(Verdict::Accept));
}

// B8 of threats.md: the owner under attack, everywhere but at the attacked door.
#[tokio::test]
async fn wrong_codes_from_the_network_slow_nobody_down_at_the_console_or_from_home() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(30);
    let accepted =
        (Verdict::Accept, Notice { last_used: Some(bench.now() - 30), ..Notice::default() });
    let code = bench.code("A1", 0);
    assert_eq!(bench.from("192.0.2.1", "alice", Typed::Code(&code)).await, Ok(accepted));
    guess(&bench, AWAY, "alice", 100).await;
    bench.advance(30);
    let home = bench.from("192.0.2.1", "alice", Typed::Code(&bench.code("A1", 0))).await;
    assert_eq!(home.unwrap().0, Verdict::Accept);
    bench.advance(30);
    assert_eq!(bench.verify("alice", &bench.code("A1", 0)).await, Ok(Verdict::Accept));
    bench.advance(90);
    let alice = UserName::parse("alice").unwrap();
    assert!(
        bench.engine.resync(ROOT, &alice, (&bench.pair("A1"), FarClock::Ask), None).await.is_ok()
    );
}

#[tokio::test]
async fn the_attacked_owner_gets_in_by_two_codes_in_one_prompt() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    guess(&bench, AWAY, "alice", 100).await;
    bench.advance(200);
    let code = bench.code("A1", 0);
    let single = bench.from(AWAY, "alice", Typed::Code(&code)).await.unwrap();
    assert_eq!(single.0, Verdict::Locked);
    bench.advance(30);
    let pair = bench.from(AWAY, "alice", Typed::Pair(&both(&bench))).await.unwrap();
    assert_eq!(pair.0, Verdict::Accept);
    assert_eq!(pair.1.wrong_since, 5);
}

#[tokio::test]
async fn a_source_tries_one_pair_in_ten_seconds_and_a_new_one_is_not_kept_waiting() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    guess(&bench, AWAY, "alice", 9).await;
    bench.advance(60);
    let wrong = CodePair::new(wrong(1), wrong(2)).unwrap();
    let first = bench.from(AWAY, "alice", Typed::Pair(&wrong)).await.unwrap().0;
    assert_eq!(first, Verdict::Reject);
    for (rhost, verdict) in [(AWAY, Verdict::Wait(10)), ("192.0.2.9", Verdict::Accept)] {
        let pair = bench.from(rhost, "alice", Typed::Pair(&both(&bench))).await.unwrap().0;
        assert_eq!(pair, verdict, "from {rhost}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_wrong_codes_at_once_exactly_five_are_tried_alone() {
    let bench = Arc::new(Bench::new().await);
    bench.assign("alice", "A1").await.unwrap();
    let tries: Vec<_> = (0..64)
        .map(|n| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move { bench.from(AWAY, "alice", Typed::Code(&wrong(n))).await })
        })
        .collect();
    for verdict in tries {
        assert_ne!(verdict.await.unwrap().unwrap().0, Verdict::Accept);
    }
    let report = bench.engine.show_user(ROOT, &UserName::parse("alice").unwrap()).await.unwrap();
    assert_eq!(report.shares.unwrap().pop().unwrap().wrong, Some(5));
}

// B12 of threats.md.
#[tokio::test]
async fn three_codes_for_each_of_many_users_make_all_unknown_sources_step_up() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let mut tried = 0;
    for n in 0..100 {
        tried += guess(&bench, AWAY, &format!("user{n}"), 3).await;
    }
    assert_eq!(tried, 200);
    assert_eq!(bench.asked("198.51.100.5", "alice").await, PromptKind::Pair);
    bench.advance(30);
    assert_eq!(bench.verify("alice", &bench.code("A1", 0)).await, Ok(Verdict::Accept));
    bench.advance(25 * 60 * 60);
    assert_eq!(bench.asked("198.51.100.5", "alice").await, PromptKind::Code);
}

#[tokio::test]
async fn an_administrator_unlocks_a_share_and_only_that_one() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    guess(&bench, AWAY, "alice", 9).await;
    for n in 0..5 {
        let _ = bench.verify("alice", &wrong(n)).await;
    }
    bench.advance(200);
    let alice = UserName::parse("alice").unwrap();
    bench.engine.unlock(ROOT, &alice, Some(Share::Unknown)).await.unwrap();
    assert_eq!(bench.asked(AWAY, "alice").await, PromptKind::Code);
    let report = bench.engine.show_user(ROOT, &alice).await.unwrap();
    let asks: Vec<_> =
        report.shares.unwrap().into_iter().map(|share| share.asks.unwrap()).collect();
    assert_eq!(asks, ["pair", "code", "code", "code", "code"]);
    assert!(bench.engine.unlock(ALICE, &alice, None).await.is_err());
}

#[tokio::test]
async fn a_share_that_is_asked_for_pairs_is_shown_with_its_end() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    guess(&bench, AWAY, "alice", 9).await;
    let alice = UserName::parse("alice").unwrap();
    bench.advance(100);
    let report = bench.engine.show_user(ROOT, &alice).await.unwrap();
    let unknown = report.shares.unwrap().pop().unwrap();
    assert_eq!((unknown.share.as_deref(), unknown.wrong), (Some("unknown"), Some(5)));
    assert_eq!(unknown.until, Some(bench.now() + 24 * 60 * 60 - 100 - 8 * 200));
}

#[tokio::test]
async fn a_replay_is_logged_with_both_sources() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(30);
    let code = bench.code("A1", 0);
    let used = bench.now();
    for (rhost, verdict) in [("192.0.2.1", Verdict::Accept), (AWAY, Verdict::Replay)] {
        assert_eq!(bench.from(rhost, "alice", Typed::Code(&code)).await.unwrap().0, verdict);
    }
    let lines = bench.lines.lock().unwrap();
    let line = lines.iter().find(|line| line.contains("verdict=\"replay\"")).unwrap();
    for part in [
        format!("rhost=\"{AWAY}\""),
        "last_from=\"192.0.2.1\"".to_owned(),
        format!("last_used=\"{used}\""),
    ] {
        assert!(line.contains(&part), "{line} without {part}");
    }
}

#[tokio::test]
async fn repeating_one_wrong_code_is_no_way_around_the_budget() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    for _ in 0..12 {
        bench.advance(50);
        let _ = bench.from(AWAY, "alice", Typed::Code(&wrong(1))).await.unwrap();
    }
    let alice = UserName::parse("alice").unwrap();
    let report = bench.engine.show_user(ROOT, &alice).await.unwrap();
    // Every other one is counted, until the budget is spent.
    assert_eq!(report.shares.unwrap().pop().unwrap().wrong, Some(5));
}

// P3 of threats.md: a name service that folds case, or knows a name with its domain, too.
#[tokio::test]
async fn wrong_codes_under_two_spellings_of_one_user_spend_one_budget() {
    let users =
        [("alice", 1000), ("EXAMPLE\\Alice", 1000), ("bob", 1001), ("bob@example.org", 1001)];
    let bench = Bench::with_users(&users).await;
    bench.assign("alice", "A1").await.unwrap();
    // With a token and without one.
    for [name, alias] in [["alice", "EXAMPLE\\Alice"], ["bob", "bob@example.org"]] {
        assert_eq!(guess(&bench, AWAY, name, 3).await, 3, "{name}");
        assert_eq!(bench.asked(AWAY, alias).await, PromptKind::Next, "{alias}");
        assert_eq!(guess(&bench, AWAY, alias, 4).await, 2, "{alias}");
        for spelled in [name, alias] {
            assert_eq!(bench.asked(AWAY, spelled).await, PromptKind::Pair, "{spelled}");
        }
    }
}

#[tokio::test]
async fn what_root_and_toor_cost_is_counted_together() {
    let bench = Bench::with_users(&[("root", 0), ("toor", 0)]).await;
    assert_eq!(guess(&bench, AWAY, "root", 2).await, 2);
    assert_eq!(guess(&bench, AWAY, "toor", 2).await, 1, "root's three of a day");
    for name in ["root", "toor"] {
        assert_eq!(bench.asked(AWAY, name).await, PromptKind::Pair, "{name}");
    }
}

// P23 of threats.md: whatever is no address stays unknown, even after a success from there.
#[tokio::test]
async fn a_remote_host_without_an_address_never_becomes_a_known_one() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let huge = "x".repeat(64 << 10);
    let hosts = ["fe80::1%eth0", "host.example.org", "UNKNOWN", "192.0.2.1 ", huge.as_str()];
    for rhost in hosts {
        bench.advance(60);
        let code = bench.code("A1", 0);
        let verdict = bench.from(rhost, "alice", Typed::Code(&code)).await.unwrap().0;
        assert_eq!(verdict, Verdict::Accept, "{rhost:.20}");
    }
    let alice = UserName::parse("alice").unwrap();
    // Each pays into the share of unknown hosts, and that is one for all of them.
    for (paid, rhost) in hosts.into_iter().enumerate() {
        assert_eq!(guess(&bench, rhost, "alice", 1).await, 1, "{rhost:.20}");
        let report = bench.engine.show_user(ROOT, &alice).await.unwrap();
        let unknown = report.shares.unwrap().pop().unwrap();
        let seen = (unknown.share.as_deref(), unknown.wrong);
        assert_eq!(seen, (Some("unknown"), Some(paid as u32 + 1)), "{rhost:.20}");
    }
    assert_eq!(bench.asked("host.example.org", "alice").await, PromptKind::Pair);
}

// B7 of threats.md: whatever the store says of the commit, a wrong code costs one try.
#[tokio::test]
async fn a_lost_reply_of_the_store_neither_refunds_a_wrong_code_nor_charges_it_twice() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let alice = UserName::parse("alice").unwrap();
    for (paid, fault) in [Fault::ReplyLost, Fault::NotApplied].into_iter().enumerate() {
        bench.advance(200);
        bench.fail_next(fault);
        let verdict = bench.from(AWAY, "alice", Typed::Code(&wrong(paid))).await.unwrap().0;
        assert_eq!(verdict, Verdict::Reject);
        let report = bench.engine.show_user(ROOT, &alice).await.unwrap();
        let wrong = report.shares.unwrap().pop().unwrap().wrong;
        assert_eq!(wrong, Some(paid as u32 + 1));
    }
}

// B14 of threats.md.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_16_resyncs_of_a_user_at_once_one_is_tried() {
    let bench = Arc::new(Bench::new().await);
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(600);
    let tries: Vec<_> = (0..16)
        .map(|n| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move {
                let alice = UserName::parse("alice").unwrap();
                let pair = CodePair::new(wrong(2 * n), wrong(2 * n + 1)).unwrap();
                let timed = TimedPair { pair, elapsed: 30 };
                bench.engine.resync(ALICE, &alice, (&timed, FarClock::Ask), None).await
            })
        })
        .collect();
    let mut tried = 0;
    for outcome in tries {
        match outcome.await.unwrap().unwrap_err() {
            Error::TemporarilyUnmodifiable { .. } => {}
            Error::InvalidCodePair { .. } => tried += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(tried, 1);
}
