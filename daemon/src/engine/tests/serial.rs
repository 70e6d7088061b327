//! A serial as somebody types it off a token's back.

use fob_api::{Error, Fate, Serial};

use super::bench::{ALICE, Bench, ROOT};
use crate::{decide::remove::Safeguards, engine::Holder};

/// The bench knows the seed of the first one.
const PRINTED: &str = "AB-12-x, 4132333435363738393031323334353637383930, totp, 6, 30\n";
const TWINS: &str = "C-77, 3132333435363738393031323334353637383930, totp, 6, 30\n\
                     C7-7, 3232333435363738393031323334353637383930, totp, 6, 30\n\
                     C77, 3332333435363738393031323334353637383930, totp, 6, 30\n";

async fn stock(text: &str) -> Bench {
    let bench = Bench::without_tokens(&[("alice", 1000), ("bob", 1001)], 9).await;
    bench.import(text).await.unwrap();
    bench
}

fn typed(text: &str) -> Serial {
    Serial::typed(text).unwrap()
}

#[tokio::test]
async fn a_serial_is_found_without_its_dashes_in_every_verb_that_takes_one() {
    let bench = stock(PRINTED).await;
    for text in ["ab12X", "AB 12 X", "a-b-1-2-x", "AB-12-x"] {
        let token = bench.engine.show_token(ROOT, &typed(text)).await.unwrap();
        assert_eq!(token.serial.as_deref(), Some("AB-12-x"), "{text}");
    }
    bench.assign("alice", "ab12X").await.unwrap();
    let (serial, safe) = (typed("AB12x"), Safeguards::default());
    let holder = Holder::Token(&serial);
    bench.engine.deactivate(ROOT, &holder, Fate::Stock, &safe).await.unwrap();
    bench.advance(60);
    bench.assign("alice", "AB-12-X").await.unwrap();
    bench.import(TWINS).await.unwrap();
    bench.deactivate("alice", Fate::Stock).await.unwrap();
    let alike = bench.engine.forget(ROOT, &typed("ab12x")).await.unwrap_err();
    assert_eq!(
        alike,
        Error::NoSuchToken { serial: typed("ab12x") },
        "forgotten, though only alike"
    );
    bench.engine.forget(ROOT, &typed("ab-12-X")).await.unwrap();
    let gone = bench.engine.show_token(ROOT, &typed("AB-12-x")).await;
    assert_eq!(gone.unwrap_err(), Error::NoSuchToken { serial: typed("AB-12-x") });
}

#[tokio::test]
async fn the_new_token_of_a_rotation_is_found_without_its_dashes() {
    let bench = stock(PRINTED).await;
    bench.import("A1, 3132333435363738393031323334353637383930, totp, 6, 30\n").await.unwrap();
    bench.assign("alice", "A1").await.unwrap();
    bench.rotate("alice", "ab12x", Fate::Stock).await.unwrap();
    let token = bench.engine.show_token(ROOT, &typed("AB-12-x")).await.unwrap();
    assert_eq!(token.user.as_deref(), Some("alice"));
    let lines = bench.lines.lock().unwrap().join("\n");
    assert!(lines.contains("serial=\"AB-12-x\""), "{lines}");
}

#[tokio::test]
async fn a_serial_that_is_typed_exactly_means_itself() {
    let bench = stock(TWINS).await;
    for (text, stored) in [("c-77", "C-77"), ("C7-7", "C7-7"), ("c77", "C77"), ("C 77", "C77")] {
        let token = bench.engine.show_token(ROOT, &typed(text)).await.unwrap();
        assert_eq!(token.serial.as_deref(), Some(stored), "{text}");
    }
}

#[tokio::test]
async fn a_serial_that_may_be_several_tokens_is_refused_with_their_names() {
    let bench = stock(TWINS).await;
    let refused = bench.engine.show_token(ROOT, &typed("C-7-7")).await.unwrap_err();
    assert_eq!(refused.to_string(), "several tokens read as C-7-7: C-77, C7-7, C77.");
    let refused = bench.assign("alice", "C-7-7").await.unwrap_err();
    assert!(matches!(refused, Error::AmbiguousSerial { .. }), "{refused}");
    bench.engine.forget(ROOT, &typed("c-7-7")).await.unwrap_err();
    assert_eq!(bench.engine.status(ROOT).await.unwrap().stock, Some(3));
}

#[tokio::test]
async fn whoever_is_no_administrator_hears_nothing_of_serials() {
    let bench = stock(TWINS).await;
    let exact = bench.engine.show_token(ALICE, &typed("C77")).await.unwrap_err();
    for text in ["C-7-7", "X1", "C-77"] {
        assert_eq!(bench.engine.show_token(ALICE, &typed(text)).await.unwrap_err(), exact);
        let forgets = bench.engine.forget(ALICE, &typed(text)).await.unwrap_err();
        assert!(matches!(forgets, Error::NotAuthorized { .. }), "{forgets}");
    }
}
