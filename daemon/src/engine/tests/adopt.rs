//! Tokens of other programs: what becomes of each, and that no code is good twice.

use std::io::{Seek, Write};

use fob_api::{AdoptReport, AdoptRow, AdoptSource, Error, Fate, Serial, UserName, Verdict};

use super::bench::{ALICE, BUTTON_TOKEN, Bench, Fault, ROOT};
use crate::{
    access::Caller,
    engine::{Adopt, Extent, read_seed_file},
};

/// The seed of A1 of the bench, in base32 and hexadecimal.
const BASE32: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const HEX: &str = "3132333435363738393031323334353637383930";
/// The seed of B2.
const OTHER_HEX: &str = "4132333435363738393031323334353637383930";

pub(super) async fn bench() -> Bench {
    let users = [("root", 0), ("alice", 1000), ("bob", 1001), ("carol", 1002)];
    let bench = Bench::without_tokens(&users, 7).await;
    bench.lines.lock().unwrap().clear();
    bench
}

fn request(caller: Caller, source: AdoptSource, text: &str) -> Adopt {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.rewind().unwrap();
    let file = read_seed_file(file.into()).unwrap();
    let host = "forge.example.org".to_owned();
    Adopt { caller, file, source, user: None, host, extent: Extent::Full }
}

async fn rows(bench: &Bench, request: Adopt) -> Vec<AdoptRow> {
    bench.engine.adopt(request).await.unwrap().people.unwrap()
}

pub(super) async fn google(bench: &Bench, user: &str, rest: &str) -> AdoptRow {
    google_to(bench, user, rest, Extent::Full).await
}

pub(super) async fn google_to(bench: &Bench, user: &str, rest: &str, extent: Extent) -> AdoptRow {
    let text = format!("{BASE32}\n{rest}");
    let user = Some(UserName::parse(user).unwrap());
    let request = request(ROOT, AdoptSource::GoogleAuthenticator, &text);
    let request = Adopt { user, extent, ..request };
    rows(bench, request).await.pop().unwrap()
}

async fn oath(bench: &Bench, text: &str, extent: Extent) -> Vec<AdoptRow> {
    let text = text.replace("OTHER", OTHER_HEX).replace("SEED", HEX);
    rows(bench, Adopt { extent, ..request(ROOT, AdoptSource::UsersOath, &text) }).await
}

/// What became of each row: its reason, or else the outcome.
fn said(rows: &[AdoptRow]) -> Vec<&str> {
    rows.iter().map(|row| row.reason.as_deref().or(row.outcome.as_deref()).unwrap()).collect()
}

#[tokio::test]
async fn a_user_of_google_authenticator_signs_in_with_his_app_at_once() {
    let bench = bench().await;
    let used = bench.now() / 30 - 1;
    let rest = format!("\" DISALLOW_REUSE {used}\n\" TOTP_AUTH\n12345678\n");
    let row = google(&bench, "alice", &rest).await;
    assert_eq!((row.outcome.as_deref(), row.wait, row.recovery), (Some("moved"), None, Some(1)));
    let serial = row.serial.unwrap();
    assert!(serial.starts_with("GA-") && serial.len() == 11, "{serial}");
    assert_eq!(bench.verify("alice", &bench.code("A1", -1)).await, Ok(Verdict::Replay));
    assert_eq!(bench.verify("alice", &bench.code("A1", 0)).await, Ok(Verdict::Accept));
    assert_eq!(bench.verify("alice", &bench.code("A1", 0)).await, Ok(Verdict::Replay));
    let told = bench.lines.lock().unwrap().first().cloned().unwrap();
    let event = format!(
        "adopt user=\"alice\" serial=\"{serial}\" left=\"1\" origin=\"google-authenticator\" caller=\"0\""
    );
    assert_eq!(told, event);
}

#[tokio::test]
async fn a_code_that_may_have_been_used_there_is_never_good_here() {
    let bench = bench().await;
    let row = google(&bench, "alice", "\" TOTP_AUTH\n").await;
    let codes = [-1, 0, 1].map(|ahead| bench.code("A1", ahead));
    for _ in 0..4 {
        for code in &codes {
            assert_ne!(bench.verify("alice", code).await, Ok(Verdict::Accept));
        }
        bench.advance(30);
    }
    assert!(row.wait.is_some_and(|wait| (30..=60).contains(&wait)), "{:?}", row.wait);
}

#[tokio::test]
async fn after_the_wait_that_was_told_the_next_code_is_good() {
    let bench = bench().await;
    let wait = google(&bench, "alice", "\" TOTP_AUTH\n\" WINDOW_SIZE 17\n").await.wait.unwrap();
    bench.advance(u64::from(wait) - 1);
    assert_eq!(bench.verify("alice", &bench.code("A1", 0)).await, Ok(Verdict::Replay));
    bench.advance(1);
    assert_eq!(bench.verify("alice", &bench.code("A1", 0)).await, Ok(Verdict::Accept));
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let bench = bench().await;
    let text = "HOTP/T30 alice - SEED\nHOTP/T30 bob - OTHER\n";
    let first = oath(&bench, text, Extent::Full).await;
    assert_eq!(said(&first), ["moved", "moved"]);
    bench.advance(600);
    assert_eq!(bench.verify("alice", &bench.code("A1", 0)).await, Ok(Verdict::Accept));
    let lines = bench.lines.lock().unwrap().len();
    let again = oath(&bench, text, Extent::Full).await;
    assert_eq!(said(&again), ["already_moved", "already_moved"]);
    assert_eq!(again[0].serial, first[0].serial);
    assert_eq!(bench.lines.lock().unwrap().len(), lines, "it is no event");
    assert_eq!(bench.verify("alice", &bench.code("A1", 0)).await, Ok(Verdict::Replay));
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_changes_nothing() {
    let text = "HOTP/T30 alice - SEED\nHOTP alice - OTHER\nHOTP/T30 bob - SEED\n\
                HOTP/T30 root - OTHER\nHOTP/T30 nobody-here - OTHER\nHOTP/T30 carol - 00\n";
    let bench = bench().await;
    let foretold = oath(&bench, text, Extent::DryRun).await;
    let expected = ["moved", "has_another", "same_seed", "root", "no_such_user", "seed_too_short"];
    assert_eq!(said(&foretold), expected);
    assert_eq!(*bench.lines.lock().unwrap(), [""; 0]);
    assert_eq!(oath(&bench, text, Extent::Full).await, foretold);
}

#[tokio::test]
async fn who_cannot_be_moved_is_logged_with_the_reason() {
    let bench = bench().await;
    oath(&bench, "HOTP/T30 root - SEED\nHOTP bob - 00\n", Extent::Full).await;
    let said = bench.lines.lock().unwrap().clone();
    assert_eq!(
        said,
        [
            "refused verb=\"adopt\" user=\"root\" reason=\"root\" origin=\"users.oath\" caller=\"0\"",
            "refused verb=\"adopt\" user=\"bob\" reason=\"seed_too_short\" origin=\"users.oath\" caller=\"0\"",
        ]
    );
}

#[tokio::test]
async fn a_token_of_the_stock_with_the_same_seed_is_given_with_its_serial() {
    let bench = Bench::new().await;
    bench.import(BUTTON_TOKEN).await.unwrap();
    let seed = "4832333435363738393031323334353637383930";
    let text = format!("HOTP alice - SEED\nHOTP/T30 bob - SEED\nHOTP carol - {seed} 5 123456\n");
    let rows = oath(&bench, &text, Extent::Full).await;
    assert_eq!(said(&rows), ["other_parameters", "moved", "moved"]);
    assert_eq!(rows[1].serial.as_deref(), Some("A1"));
    assert_eq!(rows[2].serial.as_deref(), Some("H1"));
    assert_eq!(bench.verify("carol", &bench.button(5)).await, Ok(Verdict::Replay));
    assert_eq!(bench.verify("carol", &bench.button(6)).await, Ok(Verdict::Accept));
}

#[tokio::test]
async fn what_was_spent_here_stays_spent_after_the_token_was_forgotten() {
    let bench = bench().await;
    let serial = google(&bench, "alice", "\" TOTP_AUTH\n").await.serial.unwrap();
    bench.advance(120);
    let code = bench.code("A1", 0);
    assert_eq!(bench.verify("alice", &code).await, Ok(Verdict::Accept));
    bench.deactivate("alice", Fate::Stock).await.unwrap();
    bench.engine.forget(ROOT, &Serial::parse(&serial).unwrap()).await.unwrap();
    let used = bench.now() / 30 - 5;
    let row = google(&bench, "bob", &format!("\" TOTP_AUTH\n\" DISALLOW_REUSE {used}\n")).await;
    assert_eq!(row.serial, Some(serial));
    assert_eq!(bench.verify("bob", &code).await, Ok(Verdict::Replay));
}

#[tokio::test]
async fn whose_token_was_taken_away_does_not_give_himself_another_by_his_own_file() {
    for fate in [Fate::Lost, Fate::Retire, Fate::Stock] {
        let bench = bench().await;
        bench.import(super::bench::TOKENS).await.unwrap();
        bench.assign("alice", "B2").await.unwrap();
        bench.deactivate("alice", fate).await.unwrap();
        let row = google(&bench, "alice", "\" TOTP_AUTH\n").await;
        assert_eq!(row.reason.as_deref(), Some("had_token"), "{row:?}");
        let row = google(&bench, "bob", "\" TOTP_AUTH\n").await;
        assert_eq!(row.outcome.as_deref(), Some("moved"), "{row:?}");
    }
}

#[tokio::test]
async fn an_account_at_this_host_is_the_users() {
    let bench = bench().await;
    let uris = ["alice@forge", "bob@Forge.Example.org", "carol@other"]
        .map(|account| format!("otpauth://totp/{account}?secret=SEED\n"));
    let text = [
        uris[0].replace("SEED", BASE32),
        uris[1].replace("SEED", "IEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
        uris[2].replace("SEED", "IIZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
    ]
    .concat();
    let rows = rows(&bench, request(ROOT, AdoptSource::Otpauth, &text)).await;
    assert_eq!(said(&rows), ["moved", "moved", "other_host"]);
    assert_eq!(rows[1].user.as_deref(), Some("bob"));
    assert!(rows[0].serial.as_deref().unwrap().starts_with("APP-"));
}

#[tokio::test]
async fn the_token_of_another_service_is_taken_only_for_a_user_who_was_named() {
    let bench = bench().await;
    for uri in ["otpauth://totp/alice?secret=", "otpauth://totp/GitHub:alice?issuer=GitHub&secret="]
    {
        let uri = format!("{uri}{BASE32}\n");
        let row = rows(&bench, request(ROOT, AdoptSource::Otpauth, &uri)).await;
        assert_eq!(said(&row), ["other_host"], "{uri}");
    }
    let uri = format!("otpauth://totp/forge:alice?issuer=forge&secret={BASE32}\n");
    let row = rows(&bench, request(ROOT, AdoptSource::Otpauth, &uri)).await;
    assert_eq!(said(&row), ["moved"]);
}

#[tokio::test]
async fn a_lost_reply_of_the_store_moves_a_user_once() {
    for fault in [Fault::ReplyLost, Fault::NotApplied] {
        let bench = bench().await;
        bench.fail_after(1, fault);
        let row = google(&bench, "alice", "\" TOTP_AUTH\n").await;
        assert_eq!(row.outcome.as_deref(), Some("moved"));
        assert_eq!(
            google(&bench, "alice", "\" TOTP_AUTH\n").await.outcome.as_deref(),
            Some("already_moved")
        );
    }
}

#[tokio::test]
async fn only_root_may_and_a_file_that_is_none_is_refused_whole() {
    let bench = bench().await;
    let denied = bench.engine.adopt(request(ALICE, AdoptSource::UsersOath, "x")).await;
    assert!(matches!(denied, Err(Error::NotAuthorized { verb: "import" })));
    for text in ["", "# nobody\n", "\u{1b}"] {
        let refused = bench.engine.adopt(request(ROOT, AdoptSource::UsersOath, text)).await;
        assert!(matches!(refused, Err(Error::BadSeedFile { .. })), "{text}");
    }
    let AdoptReport { people } =
        bench.engine.adopt(request(ROOT, AdoptSource::UsersOath, "x y\n")).await.unwrap();
    assert_eq!(said(&people.unwrap()), ["damaged"]);
}

#[tokio::test]
async fn of_several_tokens_none_is_taken_for_the_one_user_who_was_named() {
    let bench = bench().await;
    let named = |text: &str| {
        let user = Some(UserName::parse("alice").unwrap());
        Adopt { user, ..request(ROOT, AdoptSource::Otpauth, text) }
    };
    // The first one is alice's elsewhere.
    let elsewhere = "otpauth://totp/Other:al?secret=IFBEGRCFIZDUQSKKJNGE2TSPKBIVEU2U";
    let here = format!("otpauth://totp/forge:al?secret={BASE32}");
    let refused = bench.engine.adopt(named(&format!("{elsewhere}\n{here}"))).await;
    let Err(Error::BadSeedFile { fact, .. }) = refused else { panic!("one was taken") };
    assert_eq!(fact, "the file describes 2 tokens, and one user was named.");
    assert_eq!(said(&rows(&bench, named(&here)).await), ["moved"]);
}
