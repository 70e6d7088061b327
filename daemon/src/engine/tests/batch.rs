//! Tokens that an import has named, and how they are found by that name.

use std::collections::BTreeSet;

use fob_api::{Batch, Error, ImportReport, Serial};

use super::bench::{Bench, ROOT, TOKENS};
use crate::{
    backup::{
        Item,
        stream::{Decoder, Encoder},
    },
    engine::{BadRows, Only},
};

async fn import(bench: &Bench, text: &str, batch: &str) -> Result<ImportReport, Error> {
    bench
        .import_as(text, |import| {
            import.bad = BadRows::SetAside;
            import.batch = Some(Batch::parse(batch).unwrap());
        })
        .await
}

/// A list of so many tokens, the first with this serial.
fn tokens(first: u32, count: u32) -> String {
    let row = |n| format!("T{n:05}, {n:08}3132333435363738393031323334353637383930, totp, 6\n");
    (first..first + count).map(row).collect()
}

async fn batch_of(bench: &Bench, serial: &str) -> Option<String> {
    let serial = Serial::parse(serial).unwrap();
    bench.engine.show_token(ROOT, &serial).await.unwrap().batch
}

/// The serials of all pages, and how many pages there are.
async fn listed(bench: &Bench, only: &Only<'_>, limit: u32) -> (Vec<String>, usize) {
    let (mut serials, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = bench.engine.list(ROOT, &cursor, limit, only).await.unwrap();
        assert!(page.tokens.len() <= usize::try_from(limit).unwrap());
        serials.extend(page.tokens.into_iter().filter_map(|token| token.serial));
        (pages, cursor) = (pages + 1, page.next);
        if cursor.is_empty() {
            serials.sort();
            return (serials, pages);
        }
    }
}

#[tokio::test]
async fn a_token_shows_what_its_import_was_called_and_the_log_says_it() {
    let bench = Bench::new().await;
    bench.lines.lock().unwrap().clear();
    import(&bench, &tokens(1, 2), "2026-11 Feitian").await.unwrap();
    assert_eq!(batch_of(&bench, "T00001").await.as_deref(), Some("2026-11 Feitian"));
    assert_eq!(batch_of(&bench, "A1").await, None);
    let said = bench.lines.lock().unwrap().clone();
    let event =
        |serial| format!("import batch=\"2026-11 Feitian\" caller=\"0\" serial=\"{serial}\"");
    assert_eq!(said, [event("T00001"), event("T00002")]);
}

#[tokio::test]
async fn a_token_that_is_here_already_keeps_its_batch() {
    let bench = Bench::new().await;
    import(&bench, &tokens(1, 1), "first").await.unwrap();
    let report = import(&bench, &format!("{}{TOKENS}", tokens(1, 2)), "second").await.unwrap();
    assert_eq!(report.unchanged.unwrap().len(), 3);
    assert_eq!(batch_of(&bench, "T00001").await.as_deref(), Some("first"));
    assert_eq!(batch_of(&bench, "T00002").await.as_deref(), Some("second"));
    assert_eq!(batch_of(&bench, "A1").await, None);
}

#[tokio::test]
async fn a_batch_stays_with_its_token_whoever_has_it() {
    let bench = Bench::without_tokens(&[("root", 0), ("alice", 1000)], 7).await;
    import(&bench, TOKENS, "first").await.unwrap();
    bench.assign("alice", "A1").await.unwrap();
    bench.deactivate("alice", fob_api::Fate::Retire).await.unwrap();
    assert_eq!(batch_of(&bench, "A1").await.as_deref(), Some("first"));
}

#[tokio::test]
async fn the_pages_of_a_batch_show_each_of_its_tokens_once_and_no_other() {
    let bench = Bench::new().await;
    import(&bench, &tokens(0, 40), "first").await.unwrap();
    import(&bench, &tokens(40, 300), "second").await.unwrap();
    bench.import(&tokens(340, 100)).await.unwrap();
    let expected: Vec<String> = (0..40).map(|n| format!("T{n:05}")).collect();
    let batch = Batch::parse("first").unwrap();
    let only = Only { batch: Some(&batch), state: None };
    for limit in [1, 7, 39, 40, 500] {
        assert_eq!(listed(&bench, &only, limit).await.0, expected, "in pages of {limit}");
    }
    let unknown = Batch::parse("First").unwrap();
    let only = Only { batch: Some(&unknown), state: None };
    assert_eq!(listed(&bench, &only, 7).await.0, [""; 0]);
}

#[tokio::test]
async fn a_batch_and_a_state_are_both_heeded() {
    let bench = Bench::without_tokens(&[("root", 0), ("alice", 1000)], 7).await;
    import(&bench, TOKENS, "first").await.unwrap();
    bench.import(&tokens(0, 3)).await.unwrap();
    bench.assign("alice", "A1").await.unwrap();
    let batch = Batch::parse("first").unwrap();
    for (state, serials) in [("assigned", ["A1"]), ("stock", ["B2"])] {
        let only = Only { batch: Some(&batch), state: Some(state) };
        assert_eq!(listed(&bench, &only, 7).await.0, serials);
    }
}

#[tokio::test]
async fn no_call_looks_through_all_of_a_large_stock_for_a_few_tokens() {
    let bench = Bench::new().await;
    bench.import(&tokens(3, 4_500)).await.unwrap();
    import(&bench, &tokens(0, 3), "few").await.unwrap();
    let batch = Batch::parse("few").unwrap();
    let (serials, pages) = listed(&bench, &Only { batch: Some(&batch), state: None }, 500).await;
    assert_eq!((serials.len(), pages), (3, 2));
}

#[tokio::test]
async fn a_backup_brings_the_batches_back() {
    let old = Bench::new().await;
    import(&old, &tokens(1, 2), "2026-11 Feitian").await.unwrap();
    let stream = old.backup().await.unwrap();
    let new = old.new_host().await;
    assert_eq!(new.restore(&stream).await.unwrap().added, Some(4));
    assert_eq!(batch_of(&new, "T00002").await.as_deref(), Some("2026-11 Feitian"));
    assert_eq!(batch_of(&new, "A1").await, None);
}

#[tokio::test]
async fn a_batch_that_no_import_takes_comes_with_no_backup() {
    let old = Bench::new().await;
    let stream = old.backup().await.unwrap();
    for batch in ["", " a", "a\u{1b}[2J", &"b".repeat(65)] {
        let mut decoder = Decoder::new(stream.as_slice()).unwrap();
        let (mut encoder, mut altered) = Encoder::new(decoder.header()).unwrap();
        while let Some(mut item) = decoder.next_item().unwrap() {
            if let Item::Token(token) = &mut item {
                token.batch = Some(batch.to_owned());
            }
            altered.extend(encoder.item(item).unwrap());
        }
        altered.extend(encoder.end().unwrap());
        let new = old.new_host().await;
        assert!(matches!(new.restore(&altered).await, Err(Error::BadBackup { .. })), "{batch:?}");
        let all: BTreeSet<_> = listed(&new, &Only::default(), 9).await.0.into_iter().collect();
        assert!(all.is_empty());
    }
}
