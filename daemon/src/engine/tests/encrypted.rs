//! Encrypted seed files: what is asked for, what is told, and what is logged of it.

use fob_api::Error;

use super::bench::Bench;
use crate::seed::testing::{MacOf, Maker, OpenedBy, PASSPHRASE, SEED, typed, typed_key};

const BY_PASSPHRASE: OpenedBy = OpenedBy::Passphrase("<PRF/>", true);

async fn bench() -> Bench {
    let bench = Bench::without_tokens(&[("alice", 1000)], 7).await;
    bench.lines.lock().unwrap().clear();
    bench
}

fn file(by: OpenedBy) -> String {
    Maker { by, ..Maker::default() }.file(&[("E1", SEED)])
}

#[tokio::test]
async fn an_encrypted_file_asks_for_what_opens_it_and_nothing_is_logged() {
    let bench = bench().await;
    let error = bench.import(&file(OpenedBy::Key)).await.unwrap_err();
    assert!(matches!(error, Error::KeyNeeded { .. }), "{error}");
    let error = bench.import(&file(BY_PASSPHRASE)).await.unwrap_err();
    assert!(matches!(error, Error::PassphraseNeeded { .. }), "{error}");
    assert_eq!(error.to_string(), "line 5, column 1: the seeds are encrypted with a passphrase.");
    assert!(error.hint().unwrap().contains("--password-fd"));
    assert_eq!(*bench.lines.lock().unwrap(), [""; 0]);
}

#[tokio::test]
async fn what_opens_a_file_brings_its_tokens_into_stock() {
    let bench = bench().await;
    let report = bench.import_opened(&file(BY_PASSPHRASE), Some(typed(PASSPHRASE))).await.unwrap();
    assert_eq!((report.added.unwrap(), report.notices), (vec!["E1".to_owned()], None));
    let report = bench.import_opened(&file(OpenedBy::Key), Some(typed_key(16))).await.unwrap();
    assert_eq!(report.unchanged.unwrap(), ["E1"]);
}

#[tokio::test]
async fn a_wrong_passphrase_imports_nothing_and_is_logged_without_it() {
    let bench = bench().await;
    let wrong = "a-wrong-passphrase";
    let refused = bench.import_opened(&file(BY_PASSPHRASE), Some(typed(wrong))).await.unwrap_err();
    let Error::BadSeedFile { fact, .. } = &refused else { panic!("{refused}") };
    assert_eq!(fact, "the passphrase is wrong, or the file was changed.");
    let said = std::mem::take(&mut *bench.lines.lock().unwrap());
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("refused verb=\"import\" reason=\"BadSeedFile\""), "{said:?}");
    assert!(!said[0].contains(wrong));
    let report = bench.import_opened(&file(BY_PASSPHRASE), Some(typed(PASSPHRASE))).await.unwrap();
    assert_eq!(report.added.unwrap(), ["E1"]);
}

#[tokio::test]
async fn a_passphrase_for_a_plain_file_imports_nothing() {
    let bench = bench().await;
    let plain = "E1, 3132333435363738393031323334353637383930, totp, 6, 30\n";
    let refused = bench.import_opened(plain, Some(typed(PASSPHRASE))).await.unwrap_err();
    assert!(refused.to_string().contains("the file is not encrypted"), "{refused}");
    assert_eq!(bench.import(plain).await.unwrap().added.unwrap(), ["E1"]);
}

#[tokio::test]
async fn what_is_to_be_known_of_a_file_is_in_the_report() {
    let bench = bench().await;
    let text = Maker { mac: MacOf::Nothing, ..Maker::default() }.file(&[("E1", SEED)]);
    let signed = text.replace("</KeyContainer>", "<d:Signature/></KeyContainer>");
    let report = bench.import_opened(&signed, Some(typed_key(16))).await.unwrap();
    assert_eq!(report.notices.unwrap(), ["no-mac", "signature-unchecked"]);
}
