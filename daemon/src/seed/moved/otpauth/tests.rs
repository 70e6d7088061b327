use base64::{Engine, engine::general_purpose::STANDARD};
use fob_api::AdoptSource;

use crate::{
    record::{Algorithm, Moving},
    seed::{
        error::Flaw,
        moved::{self, MovedFlaw, Person, Spent},
        testing::work,
    },
};

/// The seed of RFC 4226 appendix D.
const SEED: &[u8] = b"12345678901234567890";
const BASE32: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn people(text: &str) -> Vec<Person> {
    let text = text.replace("SEED", BASE32);
    moved::read(text.as_bytes(), AdoptSource::Otpauth).ok().unwrap()
}

fn person(text: &str) -> Person {
    let mut people = people(text);
    assert_eq!(people.len(), 1);
    people.pop().unwrap()
}

#[track_caller]
fn refused(text: &str) -> (Flaw, u32) {
    let error = person(text).token.err().unwrap();
    (error.flaw().clone(), error.place().unwrap().column)
}

#[test]
fn a_uri_names_the_user_the_issuer_and_the_parameters() {
    let person = person(
        "otpauth://totp/My%20Host:%20alice?secret=SEED&issuer=My%20Host&algorithm=SHA256&digits=8&period=60&image=x",
    );
    let token = person.token.ok().unwrap();
    assert_eq!(person.user.as_deref(), Some("alice"));
    assert_eq!(token.seed.as_bytes(), SEED);
    assert_eq!((token.parameters.algorithm, token.parameters.digits), (Algorithm::Sha256, 8));
    assert_eq!(token.parameters.moving, Moving::Time { period: 60 });
    assert_eq!(token.issuer.as_deref(), Some("My Host"));
    assert!(matches!(token.spent, Spent::Unsaid { ahead: None, known: None }));
}

#[test]
fn what_a_uri_leaves_out_is_usual() {
    let person =
        person("\n# mine\n  OTPAUTH://TOTP/alice?secret=gezdgnbvgy3tqojqgezdgnbvgy3tqojq  \n");
    let token = person.token.ok().unwrap();
    assert_eq!((token.parameters.algorithm, token.parameters.digits), (Algorithm::Sha1, 6));
    assert_eq!(token.parameters.moving, Moving::Time { period: 30 });
    assert_eq!((person.user.as_deref(), token.issuer), (Some("alice"), None));
}

#[test]
fn a_counter_in_a_uri_is_where_it_began_and_so_not_taken() {
    let flaw = Flaw::Moved(MovedFlaw::NoCounter);
    assert_eq!(refused("otpauth://hotp/alice?secret=SEED&counter=5"), (flaw.clone(), 1));
    assert_eq!(refused("otpauth://hotp/alice?secret=SEED"), (flaw, 1));
}

#[test]
fn what_is_wrong_with_a_uri_is_told_where_it_is() {
    let moved = Flaw::Moved;
    for (uri, flaw, column) in [
        ("https://example.org", moved(MovedFlaw::OtherUri), 1),
        ("otpauth://steam/alice?secret=SEED", moved(MovedFlaw::OtherUri), 1),
        ("otpauth://totp/alice?secret=SEED&encoder=steam", moved(MovedFlaw::OtherParameter), 70),
        ("otpauth://totp/alice?secret=SEED&counter=1", moved(MovedFlaw::OtherParameter), 70),
        ("otpauth://totp/alice", Flaw::Missing { name: "secret" }, 1),
        (
            "otpauth://totp/alice?secret=SEED&secret=SEED",
            Flaw::Twice { name: "this parameter" },
            62,
        ),
        ("otpauth://totp/alice?secret=MFRGGZDFMZTWQ2LK", Flaw::SeedTooShort, 29),
        ("otpauth://totp/alice?secret=%4", moved(MovedFlaw::BadEscape), 29),
        ("otpauth://totp/al%0aice?secret=SEED", moved(MovedFlaw::BadEscape), 16),
        ("otpauth://totp/alice?secret=SEED&period=45", Flaw::BadPeriod, 69),
        ("otpauth://totp/alice?secret=SEED&digits=9", Flaw::BadDigits, 69),
        ("otpauth://totp/alice?secret=SEED&algorithm=MD5", Flaw::OtherHash, 72),
    ] {
        let (found, at) = refused(uri);
        assert_eq!(found, flaw, "{uri}");
        assert_eq!(at, column, "{uri}");
    }
}

/// Writes a field of bytes.
fn bytes(number: u8, value: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(value.len()).unwrap()], value].concat()
}

/// Writes a field of a small number.
fn number(field: u8, value: u8) -> Vec<u8> {
    vec![field << 3, value]
}

fn account(name: &str, rest: &[Vec<u8>]) -> Vec<u8> {
    let fields = [bytes(1, SEED), bytes(2, name.as_bytes()), rest.concat()].concat();
    bytes(1, &fields)
}

fn totp() -> Vec<Vec<u8>> {
    vec![number(4, 1), number(5, 1), number(6, 2)]
}

fn uri(message: &[Vec<u8>]) -> String {
    let data = STANDARD.encode(message.concat());
    let data = data.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    format!("otpauth-migration://offline?data={data}\n")
}

/// The fields of an export in one part.
fn whole() -> Vec<u8> {
    [number(2, 1), number(3, 1), number(4, 0), number(5, 77)].concat()
}

#[test]
fn an_export_has_several_accounts() {
    let hotp = [bytes(3, b"Host"), number(4, 2), number(5, 2), number(6, 1), number(7, 9)];
    let text = uri(&[account("Host:alice", &totp()), account("bob", &hotp), whole()]);
    let mut people = people(&text);
    let (bob, alice) = (people.pop().unwrap(), people.pop().unwrap());
    assert!(people.is_empty());
    let token = alice.token.ok().unwrap();
    assert_eq!((alice.user.as_deref(), token.issuer.as_deref()), (Some("alice"), Some("Host")));
    assert_eq!(token.seed.as_bytes(), SEED);
    assert_eq!(token.parameters.moving, Moving::Time { period: 30 });
    let token = bob.token.ok().unwrap();
    assert_eq!((token.parameters.algorithm, token.parameters.digits), (Algorithm::Sha256, 8));
    // The app moves on before it shows a code: 9 was shown.
    assert!(matches!(token.spent, Spent::UpTo(9)));
}

#[test]
fn a_part_of_an_export_that_is_missing_is_named() {
    let part =
        |index| uri(&[account("alice", &totp()), number(3, 2), number(4, index), number(5, 77)]);
    let alone = people(&part(1));
    assert_eq!(alone.len(), 2);
    assert!(alone[0].token.is_ok());
    let error = alone[1].token.as_ref().err().unwrap();
    assert_eq!(error.flaw(), &Flaw::Moved(MovedFlaw::NoPart));
    assert_eq!(people(&format!("{}{}", part(0), part(1))).len(), 2);
    assert_eq!(people(&format!("{}{}", part(1), part(1))).len(), 3, "twice the same part");
}

#[test]
fn a_damaged_export_is_refused_and_so_is_what_it_cannot_say() {
    let bad = Flaw::Moved(MovedFlaw::BadExport);
    let short = bytes(1, &[bytes(1, &SEED[..10]), totp().concat()].concat());
    let twice = account("alice", &[totp().concat(), number(6, 2)]);
    let hash = account("alice", &[number(4, 4), number(6, 2)]);
    let digits = account("alice", &[number(5, 3), number(6, 2)]);
    for (message, flaw) in [
        (vec![vec![0x0a, 0x7f]], bad.clone()),
        (vec![vec![0x0b]], bad.clone()),
        (vec![[0xff; 11].to_vec()], bad.clone()),
        (vec![number(1, 3)], bad.clone()),
        (vec![twice], bad.clone()),
        (vec![account("al\nice", &totp())], bad),
        (vec![short], Flaw::SeedTooShort),
        (vec![hash], Flaw::OtherHash),
        (vec![digits], Flaw::Moved(MovedFlaw::BadDigits)),
        (vec![account("alice", &[])], Flaw::OtherType),
    ] {
        assert_eq!(refused(&uri(&message)).0, flaw, "{message:?}");
    }
    assert_eq!(refused("otpauth-migration://offline?data=A").0, Flaw::Base64Length);
    assert_eq!(refused("otpauth-migration://offline?").0, Flaw::Missing { name: "data" });
}

#[test]
fn fields_of_a_newer_app_are_passed_over() {
    let newer = [totp().concat(), bytes(8, b"an id"), vec![9 << 3 | 5, 1, 2, 3, 4]];
    let text = uri(&[account("alice", &newer), whole(), vec![15 << 3 | 1, 1, 2, 3, 4, 5, 6, 7, 8]]);
    assert!(person(&text).token.is_ok());
}

#[test]
fn parts_that_are_missing_are_told_where_they_stand_and_the_text_is_walked_through_once() {
    // Each line is a part of another export, the highest number first.
    let part = |export: u8| uri(&[number(3, 2), number(4, 1), number(5, export)]);
    let text: String = (1..=100).rev().map(part).collect();
    let text = format!("{text}otpauth://totp/alice?secret=SEED");
    let mut found = Vec::new();
    let done = work(|| found = people(&text));
    let lines: Vec<_> = found.iter().map(|person| person.place.line).collect();
    assert_eq!(lines, (1..=101).collect::<Vec<_>>());
    assert!(done <= 2 * text.len(), "{done} bytes of work for {}", text.len());
}

#[test]
fn a_uri_of_very_many_parameters_is_refused_at_the_first_one_too_many() {
    let many: String = (0..100_000).map(|number| format!("&x{number}")).collect();
    let (flaw, column) = refused(&format!("otpauth://totp/alice?secret=SEED{many}"));
    assert_eq!(flaw, Flaw::Moved(MovedFlaw::OtherParameter));
    assert_eq!(column, 62 + 10 * 3 + 21 * 4);
}
