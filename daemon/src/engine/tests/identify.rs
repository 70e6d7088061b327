//! Which token is this? A search that changes nothing.

use fob_api::{CodePair, Error, Fate, IdentifyReport, Serial};

use super::bench::{ALICE, BUTTON_TOKEN, Bench, ROOT};
use crate::{
    access::Caller,
    decide::{
        identify::{Breadth, Shown},
        pair::TimedPair,
    },
    engine::Identify,
};

async fn page(
    bench: &Bench,
    caller: Caller,
    shown: Shown,
    cursor: &str,
) -> Result<IdentifyReport, Error> {
    let breadth = Breadth::Wide;
    bench.engine.identify(Identify { caller, shown, breadth, cursor }).await
}

/// Returns the serials that all pages find.
async fn found(bench: &Bench, shown: &Shown) -> Vec<String> {
    let (mut serials, mut cursor) = (Vec::new(), String::new());
    loop {
        let report = page(bench, ROOT, shown.clone(), &cursor).await.unwrap();
        let tokens = report.tokens.unwrap().into_iter();
        serials.extend(tokens.map(|token| token.serial.unwrap()));
        cursor = report.next.unwrap();
        if cursor.is_empty() {
            assert_eq!(report.percent, Some(100));
            return serials;
        }
    }
}

/// Returns two codes in a row of a token, the newer of which it shows so many steps from now.
fn pair(bench: &Bench, serial: &str, ahead: i64) -> Shown {
    let pair = match serial {
        "H1" => CodePair::new(bench.button(3), bench.button(4)),
        _ => CodePair::new(bench.code(serial, ahead - 1), bench.code(serial, ahead)),
    };
    Shown::Pair(TimedPair { pair: pair.unwrap(), elapsed: 30 })
}

#[tokio::test]
async fn a_token_in_stock_is_told_by_its_codes() {
    let bench = Bench::new().await;
    bench.import(BUTTON_TOKEN).await.unwrap();
    for serial in ["A1", "B2", "H1"] {
        assert_eq!(found(&bench, &pair(&bench, serial, 0)).await, [serial]);
    }
    assert_eq!(found(&bench, &Shown::Code(bench.code("A1", 0))).await, ["A1"]);
    assert_eq!(found(&bench, &pair(&bench, "C3", 0)).await, [""; 0]);
}

#[tokio::test]
async fn a_token_that_somebody_has_is_not_told_by_a_right_code() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    assert_eq!(found(&bench, &pair(&bench, "A1", 1)).await, [""; 0]);
    bench.deactivate("alice", Fate::Lost).await.unwrap();
    assert_eq!(found(&bench, &pair(&bench, "A1", 1)).await, ["A1"]);
}

#[tokio::test]
async fn nothing_is_changed_by_a_search_and_the_codes_are_good_afterwards() {
    let bench = Bench::new().await;
    let serial = Serial::parse("A1").unwrap();
    let before = format!("{:?}", bench.engine.show_token(ROOT, &serial).await.unwrap());
    let commits = bench.store.commits.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(found(&bench, &pair(&bench, "A1", 0)).await, ["A1"]);
    assert_eq!(bench.store.commits.load(std::sync::atomic::Ordering::SeqCst), commits);
    let after = format!("{:?}", bench.engine.show_token(ROOT, &serial).await.unwrap());
    assert_eq!(after, before);
    // The same two codes.
    bench.assign("alice", "A1").await.unwrap();
}

#[tokio::test]
async fn a_search_has_events_and_no_code_is_in_them() {
    let bench = Bench::new().await;
    bench.lines.lock().unwrap().clear();
    found(&bench, &pair(&bench, "A1", 0)).await;
    let said = bench.lines.lock().unwrap().clone();
    assert_eq!(said, ["identify count=\"2\" caller=\"0\"", "identify serial=\"A1\" caller=\"0\""]);
}

#[tokio::test]
async fn only_an_administrator_searches_and_only_where_a_page_ended() {
    let bench = Bench::new().await;
    let shown = pair(&bench, "A1", 0);
    let denied = page(&bench, ALICE, shown.clone(), "").await.unwrap_err();
    assert!(matches!(denied, Error::NotAuthorized { .. }), "{denied}");
    let bad = page(&bench, ROOT, shown, "300").await.unwrap_err();
    assert!(matches!(bad, Error::InvalidArgument { .. }), "{bad}");
}

#[tokio::test]
async fn pages_meet_every_token_once() {
    let bench = Bench::without_tokens(&[("alice", 1000)], 9).await;
    let row = |n: u32| format!("T{n}, {:040x}, totp, 6, 30\n", 0x31_u64 + u64::from(n));
    bench.import(&(0..600).map(row).collect::<String>()).await.unwrap();
    let shown = Shown::Code(bench.code("A1", 0));
    let (mut searched, mut cursor, mut pages) = (0, String::new(), 0);
    loop {
        let report = page(&bench, ROOT, shown.clone(), &cursor).await.unwrap();
        searched += report.searched.unwrap();
        cursor = report.next.unwrap();
        pages += 1;
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!((searched, pages), (600, 2));
}
