use data_encoding::{BASE32, BASE64, HEXLOWER, HEXUPPER};
use fob_api::{Code, Error, Fate, Serial, UserName, Verdict, VerifyContext};

use super::{
    SignIn,
    bench::{ALICE, Bench, Fault, ROOT},
};
use crate::{
    access::Caller,
    audit::{
        Kind,
        testing::{House, everything},
    },
    clock::Clock,
    decide::{pair::FarClock, recovery::Terms},
};

/// Takes what was said since the last time.
fn said(bench: &Bench) -> Vec<String> {
    std::mem::take(&mut *bench.lines.lock().unwrap())
}

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn serial(text: &str) -> Serial {
    Serial::parse(text).unwrap()
}

fn terms() -> Terms {
    Terms { seconds: 3600, reason: "left at home".to_owned(), by: 0 }
}

/// Asserts that exactly one thing was said, and that it begins so.
#[track_caller]
fn one(bench: &Bench, begin: &str) {
    let said = said(bench);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with(begin), "{said:?}");
}

#[tokio::test]
async fn each_decision_on_a_code_is_one_event() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(30);
    said(&bench);
    let (right, wrong) = (bench.code("A1", 0), Code::parse("00000000").unwrap());
    for (name, code, verdict) in [
        ("alice", &right, "accept"),
        ("alice", &right, "replay"),
        ("alice", &wrong, "reject"),
        ("bob", &wrong, "unassigned"),
        ("nobody-of-this-name", &wrong, "unassigned"),
    ] {
        let _ = bench.verify(name, code).await.unwrap();
        one(&bench, &format!("verify verdict=\"{verdict}\" user=\"{name}\""));
    }
    for _ in 0..8 {
        bench.advance(200);
        let _ = bench.verify("alice", &bench.code("B2", 0)).await.unwrap();
    }
    assert!(said(&bench).last().unwrap().starts_with("verify verdict=\"locked\""));
}

#[tokio::test]
async fn each_change_is_one_event() {
    let bench = Bench::new().await;
    assert_eq!(said(&bench).len(), 2, "two tokens were imported");
    let alice = user("alice");
    bench.assign("alice", "A1").await.unwrap();
    one(&bench, "assign user=\"alice\" serial=\"A1\" caller=\"0\"");
    bench.advance(120);
    let pair = bench.pair("A1");
    bench.engine.resync(ROOT, &alice, (&pair, FarClock::Ask), None).await.unwrap();
    one(&bench, "resync user=\"alice\" serial=\"A1\" caller=\"0\"");
    bench.rotate("alice", "B2", Fate::Stock).await.unwrap();
    one(&bench, "rotate user=\"alice\" serial=\"B2\" caller=\"0\" old=\"A1\" fate=\"stock\"");
    bench.engine.unlock(ROOT, &alice, None).await.unwrap();
    one(&bench, "unlock user=\"alice\" share=\"all\" caller=\"0\"");
    bench.engine.new_recovery_codes(ROOT, &alice, None).await.unwrap();
    one(&bench, "recovery user=\"alice\" left=\"10\" caller=\"0\"");
    bench.engine.bypass(ROOT, &alice, &terms()).await.unwrap();
    one(&bench, "bypass user=\"alice\" until=");
    bench.deactivate("alice", Fate::Retire).await.unwrap();
    one(&bench, "deactivate user=\"alice\" serial=\"B2\" caller=\"0\" fate=\"retire\"");
    bench.engine.forget(ROOT, &serial("A1")).await.unwrap();
    one(&bench, "forget serial=\"A1\" caller=\"0\"");
}

#[tokio::test]
async fn each_refused_change_is_one_event_with_its_reason() {
    let bench = Bench::new().await;
    let (alice, stranger) = (user("alice"), user("nobody-of-this-name"));
    bench.assign("alice", "A1").await.unwrap();
    said(&bench);
    // The codes of the assignment are used up.
    bench.assign("bob", "A1").await.unwrap_err();
    one(&bench, "refused verb=\"assign\" user=\"bob\" serial=\"A1\" reason=\"AlreadyAssigned\"");
    bench.rotate("bob", "B2", Fate::Stock).await.unwrap_err();
    one(&bench, "refused verb=\"rotate\" user=\"bob\" serial=\"B2\" reason=\"NotAssigned\"");
    let stale = bench.pair("A1");
    bench.engine.resync(ROOT, &alice, (&stale, FarClock::Ask), None).await.unwrap_err();
    one(&bench, "refused verb=\"resync\" user=\"alice\" reason=\"InvalidCodePair\" caller=\"0\"");
    bench.deactivate("bob", Fate::Stock).await.unwrap_err();
    one(&bench, "refused verb=\"deactivate\" user=\"bob\" reason=\"NotAssigned\"");
    bench.engine.forget(ROOT, &serial("A1")).await.unwrap_err();
    one(&bench, "refused verb=\"forget\" serial=\"A1\" reason=\"AlreadyAssigned\"");
    bench.engine.unlock(ROOT, &stranger, None).await.unwrap_err();
    one(&bench, "refused verb=\"unlock\" user=\"nobody-of-this-name\" reason=\"NoSuchUser\"");
    bench.engine.new_recovery_codes(ROOT, &stranger, None).await.err().unwrap();
    one(&bench, "refused verb=\"recovery\" user=\"nobody-of-this-name\" reason=\"NoSuchUser\"");
    bench.engine.bypass(ROOT, &stranger, &terms()).await.err().unwrap();
    one(&bench, "refused verb=\"bypass\" user=\"nobody-of-this-name\" reason=\"NoSuchUser\"");
    bench.import("not a seed file").await.unwrap_err();
    one(&bench, "refused verb=\"import\" reason=\"BadSeedFile\" caller=\"0\"");
}

#[tokio::test]
async fn a_call_without_the_right_is_one_event_of_its_own() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    said(&bench);
    let (bob, pair) = (user("bob"), bench.pair("A1"));
    let denied = bench.engine.unlock(ALICE, &bob, None).await;
    assert!(matches!(denied, Err(Error::NotAuthorized { .. })));
    one(&bench, "denied verb=\"unlock\" caller=\"1000\"");
    let codes = (&pair, FarClock::Accept);
    bench.engine.resync(ALICE, &user("alice"), codes, None).await.unwrap_err();
    one(&bench, "denied verb=\"resync --accept-clock\" caller=\"1000\"");
}

#[tokio::test]
async fn a_refusal_that_was_decided_twice_is_one_event() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(120);
    said(&bench);
    let codes = (&bench.pair("B2"), FarClock::Ask);
    bench.fail_next(Fault::NotApplied);
    bench.engine.resync(ALICE, &user("alice"), codes, None).await.unwrap_err();
    one(&bench, "refused verb=\"resync\" user=\"alice\" reason=\"InvalidCodePair\"");
}

#[tokio::test]
async fn the_refusals_of_one_user_are_told_up_to_ten_a_minute_and_then_counted() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    said(&bench);
    let wrong = Code::parse("00000000").unwrap();
    for _ in 0..50 {
        let _ = bench.verify_as(ALICE, "alice", &wrong).await.unwrap();
        bench.engine.forget(ALICE, &serial("A1")).await.unwrap_err();
    }
    assert_eq!(said(&bench).len(), 10);
    bench.engine.forget(Caller::of(1001), &serial("A1")).await.unwrap_err();
    one(&bench, "denied verb=\"forget\" caller=\"1001\"");
    bench.advance(60);
    bench.engine.end_minutes();
    one(&bench, "silenced count=\"90\" seconds=\"60\" caller=\"1000\"");
}

#[tokio::test]
async fn an_accepted_code_is_told_whatever_was_refused_before() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(30);
    for _ in 0..50 {
        bench.engine.forget(ALICE, &serial("A1")).await.unwrap_err();
    }
    said(&bench);
    let code = bench.code("A1", 0);
    assert_eq!(bench.verify_as(ALICE, "alice", &code).await, Ok(Verdict::Accept));
    one(&bench, "verify verdict=\"accept\" user=\"alice\"");
}

#[tokio::test]
async fn what_root_passes_on_is_told_every_time() {
    let bench = Bench::new().await;
    said(&bench);
    let wrong = Code::parse("00000000").unwrap();
    for _ in 0..50 {
        let _ = bench.verify("alice", &wrong).await.unwrap();
    }
    assert_eq!(said(&bench).len(), 50);
}

/// A bench whose events go to a journal and to a log.
async fn with_house() -> (Bench, House) {
    let mut bench = Bench::new().await;
    let house = House::new(Clock::Manual(bench.clock.clone()));
    bench.engine.around.audit = house.audit.clone();
    bench.engine.start().await.unwrap();
    (bench, house)
}

/// The forms in which a secret might stand somewhere.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let texts = [BASE32, BASE64, HEXLOWER, HEXUPPER].map(|form| form.encode(secret));
    let mut forms: Vec<_> = texts.iter().map(|text| text.trim_end_matches('=').into()).collect();
    forms.push(secret.to_vec());
    forms
}

#[tokio::test]
async fn no_code_and_no_seed_stands_in_the_log() {
    let (bench, house) = with_house().await;
    let mut secrets: Vec<Vec<u8>> =
        vec![b"12345678901234567890".to_vec(), b"A2345678901234567890".to_vec()];
    bench.assign("alice", "A1").await.unwrap();
    bench.assign("bob", "A1").await.unwrap_err();
    for code in [bench.code("A1", -1), bench.code("A1", 0)] {
        secrets.push(code.as_str().into());
    }
    bench.advance(30);
    let (right, wrong) = (bench.code("A1", 0), bench.code("B2", 0));
    for code in [&right, &right, &wrong] {
        let _ = bench.verify("alice", code).await.unwrap();
        let _ = bench.verify("bob", code).await.unwrap();
        secrets.push(code.as_str().into());
    }
    let alice = user("alice");
    let mut codes = bench.engine.new_recovery_codes(ROOT, &alice, None).await.unwrap();
    codes.push(bench.engine.bypass(ROOT, &alice, &terms()).await.unwrap().0);
    let context = VerifyContext::default();
    let sign_in = SignIn { caller: ROOT, user: &alice, context: &context };
    let _ = bench.engine.recover(&sign_in, &codes[0]).await.unwrap();
    secrets.extend(codes.iter().map(|code| code.as_str().into()));
    let found = house.log().await;
    assert!(
        found.entries.iter().any(|entry| entry.fields.get("verdict") == Some(&"accept".into()))
    );
    let journal = house.datagrams().concat();
    assert!(String::from_utf8_lossy(&journal).contains("FOB_VERDICT=replay"));
    let said = [journal, house.text().into_bytes()].concat();
    let stands = |form: &[u8]| said.windows(form.len()).any(|part| part.eq_ignore_ascii_case(form));
    assert!(stands(b"verdict"));
    for form in secrets.iter().flat_map(|secret| forms(secret)) {
        assert!(!stands(&form), "{}", String::from_utf8_lossy(&form));
    }
}

#[tokio::test]
async fn the_log_is_read_and_checked_by_the_engine() {
    let (bench, house) = with_house().await;
    bench.assign("alice", "A1").await.unwrap();
    let query = crate::audit::Query { user: Some("alice".to_owned()), ..everything() };
    let found = bench.engine.log(ROOT, query).await.unwrap();
    assert_eq!((found.entries.len(), found.entries[0].event.as_str()), (1, "assign"));
    bench.engine.keep_log().await;
    assert_eq!(bench.engine.verify_log(ROOT).await.unwrap().first_wrong(), None);
    assert!(bench.engine.log(ALICE, everything()).await.is_err());
    assert!(bench.engine.verify_log(ALICE).await.is_err());
    drop(house);
}

#[tokio::test]
async fn after_a_restart_the_database_still_knows_where_the_log_ended() {
    let (bench, house) = with_house().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.engine.stop().await.unwrap();
    let mut bench = bench.restarted();
    let other = House::new(Clock::Manual(bench.clock.clone()));
    bench.engine.around.audit = other.audit.clone();
    bench.engine.start().await.unwrap();
    let broken = other.log().await.entries.remove(0);
    assert_eq!(broken.event, "log_broken", "the log was another one's");
    let wrong = bench.engine.verify_log(ROOT).await.unwrap().first_wrong().unwrap();
    assert_eq!(wrong.kind, Kind::FileMissing);
    drop(house);
}

#[tokio::test]
async fn a_store_that_is_away_keeps_no_log_from_being_written() {
    let (bench, house) = with_house().await;
    bench.fail_next(Fault::Away);
    bench.engine.keep_log().await;
    bench.engine.unlock(ROOT, &user("alice"), None).await.unwrap();
    let words: Vec<_> = house.log().await.entries.into_iter().map(|entry| entry.event).collect();
    assert!(words.ends_with(&["trouble".to_owned(), "unlock".to_owned()]), "{words:?}");
}

#[tokio::test]
async fn a_large_import_is_one_event_in_the_journal_and_each_token_in_the_log() {
    let (bench, house) = with_house().await;
    let lines: String = (0..1500)
        .map(|n| format!("L{n}, {:040x}, totp, 6, 30\n", 0xabcd_0000_0000_0000_u128 + n))
        .collect();
    bench.import(&lines).await.unwrap();
    let tokens = house.log().await;
    let has_serial = |entry: &&crate::audit::Entry| entry.fields.contains_key("serial");
    assert_eq!(tokens.entries.iter().filter(has_serial).count(), 1500);
    let journal = house.datagrams();
    let imports = journal.iter().filter(|text| text.starts_with(b"MESSAGE=import"));
    assert_eq!(imports.count(), 1);
}
