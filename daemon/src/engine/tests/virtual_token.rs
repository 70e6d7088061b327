//! Virtual tokens: made, shown once, assigned as every other, and never given to a second person.

use std::{fs::File, io::Read, io::Seek};

use fob_api::{CodePair, Error, Fate, Serial, TokenReport, UserName, Verdict};

use super::bench::{ALICE, Bench, ROOT};
use crate::{
    access::Caller,
    decide::{
        pair::{FarClock, TimedPair},
        policy::VirtualTokens,
        virtual_token::PARAMETERS,
    },
    engine::{NewVirtualToken, Pairing, Sink},
    record::Seed,
    totp::Generator,
};

async fn made(bench: &Bench, caller: Caller, user: &str) -> Result<(TokenReport, String), Error> {
    let mut file: File = tempfile::tempfile().unwrap();
    let sink = Sink::new(file.try_clone().unwrap().into()).unwrap();
    let user = &UserName::parse(user).unwrap();
    let host = "web-1".to_owned();
    let request = NewVirtualToken { caller, user, sink, host };
    let made = bench.engine.new_virtual_token(request).await;
    let mut uri = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut uri).unwrap();
    assert_eq!(uri.is_empty(), made.is_err(), "{uri}");
    made.map(|token| (token, uri))
}

/// What the phone makes of the picture.
fn phone(uri: &str) -> Generator {
    let (label, query) = uri.split_once('?').unwrap();
    assert_eq!(label, "otpauth://totp/web-1:alice");
    let secret = query.split('&').find_map(|pair| pair.strip_prefix("secret=")).unwrap();
    let seed = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    assert_eq!(seed.len(), 20);
    Generator::new(&Seed::new(seed).unwrap(), &PARAMETERS).unwrap()
}

fn serial_of(token: &TokenReport) -> Serial {
    Serial::parse(token.serial.as_deref().unwrap()).unwrap()
}

async fn assign(bench: &Bench, serial: &Serial, phone: &Generator) -> Result<TokenReport, Error> {
    let step = bench.now() / 30;
    let pair = CodePair::new(phone.code(step - 1), phone.code(step)).unwrap();
    let pairing = Pairing {
        caller: ROOT,
        user: &UserName::parse("alice").unwrap(),
        serial,
        timed: &TimedPair { pair, elapsed: 30 },
        far: FarClock::Ask,
        serial_again: None,
    };
    bench.engine.assign(&pairing).await
}

#[tokio::test]
async fn a_phone_that_has_read_the_picture_signs_in() {
    let bench = Bench::new().await;
    let (token, uri) = made(&bench, ROOT, "alice").await.unwrap();
    assert_eq!(token.state.as_deref(), Some("stock"));
    assert!(token.is_on_a_phone() && serial_of(&token).as_str().starts_with("VIRTUAL-"));
    let phone = phone(&uri);
    let assigned = assign(&bench, &serial_of(&token), &phone).await.unwrap();
    assert_eq!(assigned.user.as_deref(), Some("alice"));
    bench.advance(30);
    let code = phone.code(bench.now() / 30);
    assert_eq!(bench.verify("alice", &code).await, Ok(Verdict::Accept));
    assert_eq!(bench.verify("alice", &code).await, Ok(Verdict::Replay));
}

#[tokio::test]
async fn no_two_are_the_same() {
    let bench = Bench::new().await;
    let (one, first) = made(&bench, ROOT, "alice").await.unwrap();
    let (other, second) = made(&bench, ROOT, "alice").await.unwrap();
    assert_ne!(one.serial, other.serial);
    assert_ne!(first, second);
}

#[tokio::test]
async fn the_seed_is_in_no_event() {
    let bench = Bench::new().await;
    bench.lines.lock().unwrap().clear();
    let (token, uri) = made(&bench, ROOT, "alice").await.unwrap();
    let lines = std::mem::take(&mut *bench.lines.lock().unwrap());
    let serial = serial_of(&token);
    assert_eq!(lines, [format!("new_virtual user=\"alice\" serial=\"{serial}\" caller=\"0\"")]);
    let secret = uri.split_once("secret=").unwrap().1.split('&').next().unwrap();
    assert!(!lines[0].contains(secret));
}

#[tokio::test]
async fn only_root_makes_one_and_only_for_a_user_of_the_host() {
    let bench = Bench::new().await;
    let denied = made(&bench, ALICE, "alice").await.err().unwrap();
    assert_eq!(denied, Error::NotAuthorized { verb: "assign" });
    let nobody = made(&bench, ROOT, "nobody-of-this-name").await.err().unwrap();
    assert!(matches!(nobody, Error::NoSuchUser { .. }), "{nobody}");
}

#[tokio::test]
async fn none_is_made_where_only_hardware_is_wanted() {
    let mut bench = Bench::new().await;
    bench.engine.around.policy.virtual_tokens = VirtualTokens::Refused;
    assert_eq!(made(&bench, ROOT, "alice").await.err(), Some(Error::VirtualTokensOff));
}

#[tokio::test]
async fn one_that_is_taken_from_its_user_is_not_assigned_again() {
    let bench = Bench::new().await;
    let (token, uri) = made(&bench, ROOT, "alice").await.unwrap();
    let (serial, phone) = (serial_of(&token), phone(&uri));
    assign(&bench, &serial, &phone).await.unwrap();
    bench.deactivate("alice", Fate::Stock).await.unwrap();
    bench.advance(60);
    let refused = assign(&bench, &serial, &phone).await.err().unwrap();
    assert_eq!(refused, Error::NotAssignable { serial, state: "retired" });
}
