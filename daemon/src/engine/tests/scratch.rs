//! Scratch codes of google-authenticator: kept as recovery codes, each good once, and guessed no
//! faster than codes of a token.

use std::sync::{Arc, atomic::Ordering};

use fob_api::{Code, Error, ErrorKind, Fate, RecoveryCode, UserName, Verdict};

use super::{
    adopt::{bench, google, google_to},
    bench::{ALICE, Bench, Fault, ROOT, TOKENS},
};
use crate::{
    decide::verify::Typed,
    engine::Extent,
    record::{Algorithm, Moving, Parameters, Seed},
    store::{Kind, Store},
    totp::Generator,
};

const FILE: &str = "\" TOTP_AUTH\n12345678\n87654321\n";

fn code(text: &str) -> Code {
    Code::parse(text).unwrap()
}

/// A host on which alice was moved with two scratch codes.
async fn moved() -> Bench {
    let bench = bench().await;
    let row = google(&bench, "alice", FILE).await;
    assert_eq!((row.recovery, row.scratch, row.malformed), (Some(2), None, None));
    bench.advance(120);
    bench
}

async fn left(bench: &Bench, user: &str) -> Option<u32> {
    let user = UserName::parse(user).unwrap();
    bench.engine.show_user(ROOT, &user).await.unwrap().recovery_left
}

async fn own_codes(bench: &Bench, user: &str) -> Vec<RecoveryCode> {
    let user = UserName::parse(user).unwrap();
    bench.engine.new_recovery_codes(ROOT, &user, None).await.unwrap()
}

#[tokio::test]
async fn a_kept_scratch_code_signs_in_once_and_not_after_a_restart() {
    let bench = moved().await;
    bench.lines.lock().unwrap().clear();
    assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(Verdict::Accept));
    let said = bench.lines.lock().unwrap().clone();
    let [said] = said.as_slice() else { panic!("one event for one sign-in: {said:?}") };
    assert!(said.starts_with("verify verdict=\"accept\" user=\"alice\""), "{said}");
    assert!(said.ends_with("by=\"recovery\" left=\"1\""), "{said}");
    assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(Verdict::Reject));
    assert_eq!(left(&bench, "alice").await, Some(1));
    let bench = bench.restarted();
    bench.advance(120);
    assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(Verdict::Reject));
    assert_eq!(bench.verify("alice", &code("87654321")).await, Ok(Verdict::Accept));
    // The fence of the start.
    bench.advance(180);
    assert_eq!(bench.verify("alice", &bench.code("A1", 0)).await, Ok(Verdict::Accept));
}

#[tokio::test]
async fn a_code_that_was_used_there_or_is_somebody_elses_is_not_good() {
    let bench = bench().await;
    google(&bench, "alice", "\" TOTP_AUTH\n87654321\n").await;
    bench.advance(120);
    assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(Verdict::Reject));
    assert_eq!(bench.verify("bob", &code("87654321")).await, Ok(Verdict::Unassigned));
    assert_eq!(bench.verify("alice", &code("87654321")).await, Ok(Verdict::Accept));
}

#[tokio::test]
async fn they_outlive_the_loss_of_the_token_and_not_the_end_of_mfa() {
    for (fate, verdict) in [(Fate::Lost, Verdict::Accept), (Fate::Retire, Verdict::Unassigned)] {
        let bench = moved().await;
        bench.deactivate("alice", fate).await.unwrap();
        assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(verdict), "{fate:?}");
    }
}

#[tokio::test]
async fn new_recovery_codes_void_them() {
    let bench = moved().await;
    own_codes(&bench, "alice").await;
    assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(Verdict::Reject));
}

#[tokio::test]
async fn whoever_was_given_recovery_codes_keeps_those_alone() {
    let bench = bench().await;
    own_codes(&bench, "alice").await;
    for extent in [Extent::DryRun, Extent::Full] {
        let row = google_to(&bench, "alice", FILE, extent).await;
        assert_eq!((row.outcome.as_deref(), row.recovery), (Some("moved"), None));
        assert_eq!(row.scratch, Some(2));
    }
    bench.advance(120);
    assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(Verdict::Reject));
    assert_eq!(left(&bench, "alice").await, Some(10));
}

#[tokio::test]
async fn a_dry_run_foretells_them_and_keeps_none() {
    let bench = bench().await;
    let file = format!("{FILE}hello\n11111111\n");
    let foretold = google_to(&bench, "alice", &file, Extent::DryRun).await;
    assert_eq!((foretold.recovery, foretold.malformed), (Some(2), Some(2)));
    assert_eq!(left(&bench, "alice").await, None);
    assert_eq!(google(&bench, "alice", &file).await, foretold);
    assert_eq!(left(&bench, "alice").await, Some(2));
    bench.advance(120);
    assert_eq!(bench.verify("alice", &code("11111111")).await, Ok(Verdict::Reject));
}

#[tokio::test]
async fn a_second_run_brings_no_used_one_back() {
    let bench = moved().await;
    assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(Verdict::Accept));
    let row = google(&bench, "alice", FILE).await;
    assert_eq!((row.outcome.as_deref(), row.recovery), (Some("already_moved"), None));
    assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(Verdict::Reject));
}

#[tokio::test]
async fn they_are_tried_only_while_the_budget_of_codes_lasts() {
    let bench = moved().await;
    for wrong in ["10000001", "10000002", "10000003", "10000004", "10000005"] {
        let verdict = bench.verify_as(ALICE, "alice", &code(wrong)).await;
        assert_eq!(verdict, Ok(Verdict::Reject));
        bench.advance(200);
    }
    // Neither by itself nor as the second of a pair, and it stays unused.
    for _ in 0..2 {
        let verdict = bench.verify_as(ALICE, "alice", &code("12345678")).await;
        assert_eq!(verdict, Ok(Verdict::Locked));
        bench.advance(20);
        let verdict = bench.verify_as(ALICE, "alice", &code("87654321")).await;
        assert_eq!(verdict, Ok(Verdict::Reject));
        bench.advance(200);
    }
    assert_eq!(left(&bench, "alice").await, Some(2));
    assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(Verdict::Accept));
}

#[tokio::test]
async fn each_of_them_costs_a_try_and_refills_nothing() {
    let bench = moved().await;
    assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(Verdict::Accept));
    let alice = UserName::parse("alice").unwrap();
    let shares = bench.engine.show_user(ROOT, &alice).await.unwrap().shares.unwrap();
    let console = shares.iter().find(|share| share.share.as_deref() == Some("console")).unwrap();
    assert_eq!((console.wrong, console.in_a_row), (Some(1), Some(0)));
}

#[tokio::test]
async fn everybodys_refused_eight_digits_are_hashed_and_cost_one_commit() {
    let bench = moved().await;
    let other = TOKENS.lines().last().unwrap();
    bench.import(other).await.unwrap();
    bench.assign("carol", "B2").await.unwrap();
    own_codes(&bench, "bob").await;
    let users = ["alice", "carol", "bob", "nobody-of-this-name"];
    let commits = || bench.store.commits.load(Ordering::SeqCst);
    for user in users {
        let before = commits();
        let verdict = bench.verify(user, &code("10000001")).await.unwrap();
        assert!(matches!(verdict, Verdict::Reject | Verdict::Unassigned), "{user}");
        assert_eq!(commits() - before, 1, "{user}");
    }
    bench.engine.slow_hash.close();
    for user in users {
        let before = commits();
        assert_eq!(bench.verify(user, &code("10000002")).await, Err(Error::Busy), "{user}");
        assert_eq!(commits() - before, 1, "{user}");
        assert!(bench.verify(user, &code("100003")).await.is_ok(), "six digits are none");
    }
    let said = bench.lines.lock().unwrap().clone();
    let told = |user: &str| said.iter().filter(|line| line.contains(&format!("{user}\""))).count();
    assert!(users.iter().all(|user| told(user) >= 3), "a counted try was not told: {said:?}");
}

#[tokio::test]
async fn a_token_with_eight_digits_goes_on_beside_them() {
    let bench = moved().await;
    let parameters =
        Parameters { algorithm: Algorithm::Sha1, digits: 8, moving: Moving::Time { period: 30 } };
    let seed = Seed::new(b"D2345678901234567890".to_vec()).unwrap();
    let generator = Generator::new(&seed, &parameters).unwrap();
    let shown = |ahead: i64| generator.code((bench.now() / 30).strict_add_signed(ahead));
    bench.import("D8, 4432333435363738393031323334353637383930, totp, 8, 30\n").await.unwrap();
    let timed = crate::decide::pair::TimedPair {
        pair: fob_api::CodePair::new(shown(-1), shown(0)).unwrap(),
        elapsed: 30,
    };
    let alice = UserName::parse("alice").unwrap();
    let serial = fob_api::Serial::parse("D8").unwrap();
    let pairing = crate::engine::Pairing {
        caller: ROOT,
        user: &alice,
        serial: &serial,
        timed: &timed,
        far: crate::decide::pair::FarClock::Ask,
        serial_again: None,
    };
    bench.engine.rotate(&pairing, Fate::Lost).await.unwrap();
    bench.advance(60);
    assert_eq!(bench.verify("alice", &shown(0)).await, Ok(Verdict::Accept));
    assert_eq!(bench.verify("alice", &shown(0)).await, Ok(Verdict::Replay));
    assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(Verdict::Accept));
    assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(Verdict::Reject));
    bench.engine.slow_hash.close();
    bench.advance(30);
    assert_eq!(bench.verify("alice", &shown(0)).await, Ok(Verdict::Accept), "it was hashed");
    assert_eq!(bench.verify("alice", &shown(0)).await, Err(Error::Busy), "a replay was not");
}

#[tokio::test]
async fn of_many_sign_ins_at_once_with_one_scratch_code_exactly_one_wins() {
    let bench = Arc::new(moved().await);
    let tries = (0..8).map(|n| {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move {
            let code = code("12345678");
            let from = format!("203.0.113.{n}");
            bench.from(&from, "alice", Typed::Code(&code)).await.map(|(verdict, _)| verdict)
        })
    });
    let mut accepted = 0;
    for tried in tries.collect::<Vec<_>>() {
        accepted += u32::from(tried.await.unwrap() == Ok(Verdict::Accept));
    }
    assert_eq!(accepted, 1);
    assert_eq!(left(&bench, "alice").await, Some(1));
}

#[tokio::test]
async fn a_lost_reply_of_the_store_burns_no_scratch_code_and_accepts_none_twice() {
    for fault in [Fault::ReplyLost, Fault::NotApplied] {
        let bench = moved().await;
        // The first commit is that of the wrong code of the token.
        bench.fail_after(1, fault);
        assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(Verdict::Accept));
        assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(Verdict::Reject));
        assert_eq!(left(&bench, "alice").await, Some(1));
    }
}

#[tokio::test]
async fn a_scratch_code_that_could_not_be_spent_is_good_as_soon_as_it_can() {
    let bench = moved().await;
    bench.fail_after(1, Fault::Away);
    let first = bench.verify("alice", &code("12345678")).await;
    assert_eq!(first.map_err(|error| error.kind()), Err(ErrorKind::StoreUnavailable));
    bench.fail_after(0, Fault::None);
    assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(Verdict::Accept));
    assert_eq!(left(&bench, "alice").await, Some(1));
}

#[tokio::test]
async fn no_scratch_code_is_in_the_report_the_log_or_the_database() {
    let bench = bench().await;
    let row = google(&bench, "alice", &format!("{FILE}1234567\n")).await;
    bench.advance(120);
    assert_eq!(bench.verify("alice", &code("12345678")).await, Ok(Verdict::Accept));
    let told = format!("{row:?} {:?}", bench.lines.lock().unwrap());
    assert!(!told.contains("1234567") && !told.contains("87654321"), "{told}");
    for shard in 0..=u8::MAX {
        for entry in bench.store.list(Kind::Recovery, shard, None, 100).await.unwrap() {
            for text in [&b"12345678"[..], b"87654321"] {
                assert!(!entry.value.windows(8).any(|bytes| bytes == text));
            }
        }
    }
}
