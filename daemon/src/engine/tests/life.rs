//! A token's life beside the sign-in: import, forgetting, who has it, pages.

use std::sync::atomic::Ordering;

use fob_api::{Error, Fate, RootRule, Serial, UserName, Verdict};

use super::bench::{ALICE, Bench, ROOT, TOKENS};
use crate::{
    decide::{
        pair::FarClock,
        remove::{AdminGuard, RootGuard, Safeguards},
    },
    engine::{Holder, Only, Pairing},
};

#[tokio::test]
async fn a_second_import_of_the_same_file_changes_nothing() {
    let bench = Bench::new().await;
    let before = bench.store.commits.load(Ordering::SeqCst);
    let report = bench.import(TOKENS).await.unwrap();
    assert_eq!(report.added.unwrap().len(), 0);
    assert_eq!(report.unchanged.unwrap(), ["A1", "B2"]);
    assert_eq!(bench.store.commits.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn a_file_with_one_bad_token_imports_none() {
    let bench = Bench::new().await;
    let text = "C3, 5132333435363738393031323334353637383930, totp, 6, 30\n\
                D4, 3132333435363738393031323334353637383930, totp, 6, 30\n";
    let error = bench.import(text).await.unwrap_err();
    assert!(error.to_string().contains("same seed as token A1"), "{error}");
    let serial = Serial::parse("C3").unwrap();
    assert!(bench.engine.show_token(ROOT, &serial).await.is_err());
}

#[tokio::test]
async fn a_forgotten_token_comes_back_with_its_spent_codes_spent() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.deactivate("alice", Fate::Stock).await.unwrap();
    bench.engine.forget(ROOT, &Serial::parse("A1").unwrap()).await.unwrap();
    bench.import(TOKENS).await.unwrap();
    assert!(matches!(bench.assign("bob", "A1").await, Err(Error::InvalidCodePair { .. })));
    bench.advance(60);
    assert!(bench.assign("bob", "A1").await.is_ok());
}

#[tokio::test]
async fn a_forgotten_lost_token_never_comes_back() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.deactivate("alice", Fate::Lost).await.unwrap();
    bench.engine.forget(ROOT, &Serial::parse("A1").unwrap()).await.unwrap();
    let error = bench.import(TOKENS).await.unwrap_err();
    assert!(error.to_string().contains("reported lost"), "{error}");
    let renamed = TOKENS.replace("A1", "A9");
    assert!(bench.import(&renamed).await.is_err(), "its seed came back under another serial");
}

#[tokio::test]
async fn spent_codes_stay_spent_when_the_seed_comes_back_under_another_serial() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let spent = bench.pair("A1");
    bench.deactivate("alice", Fate::Stock).await.unwrap();
    bench.engine.forget(ROOT, &Serial::parse("A1").unwrap()).await.unwrap();
    bench.import(&TOKENS.replace("A1", "A9")).await.unwrap();
    let (bob, serial) = (UserName::parse("bob").unwrap(), Serial::parse("A9").unwrap());
    let pairing = Pairing {
        caller: ROOT,
        user: &bob,
        serial: &serial,
        timed: &spent,
        far: FarClock::Ask,
        serial_again: None,
    };
    assert!(matches!(bench.engine.assign(&pairing).await, Err(Error::InvalidCodePair { .. })));
}

#[tokio::test]
async fn the_token_of_a_user_who_is_gone_is_taken_back_by_its_serial() {
    let bench = Bench::with_users(&[("root", 0), ("alice", 1000)]).await;
    bench.assign("alice", "A1").await.unwrap();
    let bench = bench.with_other_users(&[("root", 0), ("mallory", 1000)]);
    bench.advance(30);
    let code = bench.code("A1", 0);
    assert_eq!(bench.verify("mallory", &code).await, Ok(Verdict::Unassigned));
    let serial = Serial::parse("A1").unwrap();
    let holder = Holder::Token(&serial);
    let safe = Safeguards::default();
    let report = bench.engine.deactivate(ROOT, &holder, Fate::Stock, &safe).await;
    assert_eq!(report.unwrap().state.as_deref(), Some("stock"));
    bench.advance(60);
    assert!(bench.assign("mallory", "A1").await.is_ok());
}

#[tokio::test]
async fn roots_token_is_resynced_and_taken_only_with_its_serial_typed_again() {
    let bench = Bench::new().await;
    let (root, serial) = (UserName::parse("root").unwrap(), Serial::parse("A1").unwrap());
    let timed = bench.pair("A1");
    let pairing = Pairing {
        caller: ROOT,
        user: &root,
        serial: &serial,
        timed: &timed,
        far: FarClock::Ask,
        serial_again: Some("a1"),
    };
    bench.engine.assign(&pairing).await.unwrap();
    bench.advance(60);
    let spelled_out = Safeguards {
        root: RootGuard::LeaveWithoutMfa,
        administrators: AdminGuard::LeaveNone,
        serial_again: None,
    };
    let twice = Error::RootOnly { rule: RootRule::TypeTwice };
    for again in [None, Some("B2")] {
        let resync =
            bench.engine.resync(ROOT, &root, (&bench.pair("A1"), FarClock::Ask), again).await;
        assert_eq!(resync.unwrap_err(), twice);
        let safe = Safeguards { serial_again: again, ..spelled_out };
        let taken = bench.deactivate_safely("root", Fate::Stock, &safe).await;
        assert_eq!(taken.unwrap_err(), twice);
    }
    assert!(
        bench
            .engine
            .resync(ROOT, &root, (&bench.pair("A1"), FarClock::Ask), Some("a1"))
            .await
            .is_ok()
    );
    let safe = Safeguards { serial_again: Some("A1"), ..spelled_out };
    assert_eq!(bench.deactivate_safely("root", Fate::Stock, &safe).await, Ok(()));
}

#[tokio::test]
async fn a_renamed_user_is_told_what_to_do_instead_of_a_resync() {
    let bench = Bench::with_users(&[("root", 0), ("alice", 1000)]).await;
    bench.assign("alice", "A1").await.unwrap();
    let bench = bench.with_other_users(&[("root", 0), ("alicia", 1000)]);
    bench.advance(60);
    let alicia = UserName::parse("alicia").unwrap();
    let error = bench
        .engine
        .resync(ROOT, &alicia, (&bench.pair("A1"), FarClock::Ask), None)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "alicia was called alice when token A1 was assigned.");
    assert!(error.hint().unwrap().contains("fobctl deactivate --token A1"));
}

#[tokio::test]
async fn a_user_does_not_see_the_token_of_who_had_his_uid_before() {
    let bench = Bench::with_users(&[("alice", 1000)]).await;
    bench.assign("alice", "A1").await.unwrap();
    let bench = bench.with_other_users(&[("mallory", 1000)]);
    let mallory = UserName::parse("mallory").unwrap();
    let seen = bench.engine.show_user(ALICE, &mallory).await.unwrap();
    assert_eq!(seen.tokens.unwrap().len(), 0);
    assert_eq!(bench.engine.show_user(ROOT, &mallory).await.unwrap().tokens.unwrap().len(), 1);
}

#[tokio::test]
async fn pages_show_every_token_once() {
    let bench = Bench::new().await;
    let many: String = (0..40).map(|n| format!("T{n:03}, {n:040x}1, totp, 6\n")).collect();
    let many = many.replace("1, totp", ", totp");
    let many = many.lines().skip(1).collect::<Vec<_>>().join("\n");
    bench.import(&many).await.unwrap();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = bench.engine.list(ROOT, &cursor, 7, &Only::default()).await.unwrap();
        assert!(page.tokens.len() <= 7);
        seen.extend(page.tokens.into_iter().filter_map(|token| token.serial));
        cursor = page.next;
        if cursor.is_empty() {
            break;
        }
    }
    seen.sort();
    let mut expected: Vec<String> = (1..40).map(|n| format!("T{n:03}")).collect();
    expected.extend(["A1".to_owned(), "B2".to_owned()]);
    expected.sort();
    assert_eq!(seen, expected);
}
