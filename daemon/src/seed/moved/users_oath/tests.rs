use fob_api::AdoptSource;

use crate::{
    record::Moving,
    seed::{
        error::Flaw,
        moved::{self, Dropped, Moved, MovedFlaw, Person, Spent},
    },
};

const SEED: &str = "3132333435363738393031323334353637383930";

fn people(text: &str) -> Vec<Person> {
    moved::read(text.replace("SEED", SEED).as_bytes(), AdoptSource::UsersOath).ok().unwrap()
}

fn token(row: &str) -> Moved {
    people(row).pop().unwrap().token.map_err(|error| error.to_string()).ok().unwrap()
}

#[test]
fn each_type_has_its_digits_and_its_period() {
    let clock = |period| Moving::Time { period };
    for (kind, moving, digits) in [
        ("HOTP", Moving::Counter { next: 0 }, 6),
        ("HOTP/E", Moving::Counter { next: 0 }, 6),
        ("HOTP/E/8", Moving::Counter { next: 0 }, 8),
        ("HOTP/T30", clock(30), 6),
        ("HOTP/T30/7", clock(30), 7),
        ("HOTP/T60/8", clock(60), 8),
    ] {
        let token = token(&format!("{kind} alice - SEED\n"));
        assert_eq!((token.parameters.moving, token.parameters.digits), (moving, digits), "{kind}");
        assert_eq!(token.seed.as_bytes(), b"12345678901234567890");
    }
}

#[test]
fn the_moving_factor_is_the_next_counter_and_beside_a_last_code_the_last_one() {
    let counter = |row: &str| {
        let token = token(row);
        let Moving::Counter { next } = token.parameters.moving else { panic!("no button") };
        (next, matches!(token.spent, Spent::UpTo(step) if step == next))
    };
    assert_eq!(counter("HOTP alice - SEED 12"), (12, false));
    assert_eq!(counter("HOTP\talice\t-\tSEED\t12\t328482\t2026-11-22T12:00:00L\n"), (12, true));
}

#[test]
fn of_a_clock_the_last_code_tells_what_was_used() {
    let token = |row| token(row).spent;
    let Spent::Last(code) = token("HOTP/T30 alice - SEED 3 328482 2026-11-22T12:00:00L") else {
        panic!("no last code")
    };
    assert_eq!(code.as_str(), "328482");
    let unsaid = token("HOTP/T30 alice - SEED 3");
    assert!(matches!(unsaid, Spent::Unsaid { ahead: None, known: None }));
}

#[test]
fn a_pin_is_told_and_a_password_that_another_program_checks_is_not() {
    assert_eq!(token("HOTP alice 1234 SEED").dropped, Some(Dropped::Pin));
    assert_eq!(token("HOTP alice + SEED").dropped, None);
    assert_eq!(token("HOTP alice - SEED").dropped, None);
}

#[test]
fn a_bad_row_is_named_and_those_around_it_are_read() {
    let text = "# users\n\nHOTP alice - SEED\nOCRA bob - SEED\nHOTP/T30 carol - SEED\n";
    let people = people(text);
    let names: Vec<_> = people.iter().map(|person| person.user.as_deref().unwrap()).collect();
    assert_eq!(names, ["alice", "bob", "carol"]);
    let read: Vec<_> = people.iter().map(|person| person.token.is_ok()).collect();
    assert_eq!(read, [true, false, true]);
    let error = people[1].token.as_ref().err().unwrap();
    assert_eq!(error.place().unwrap().line, 4);
    assert_eq!(error.flaw(), &Flaw::Moved(MovedFlaw::OtherType));
}

#[test]
fn what_is_wrong_with_a_row_is_told_where_it_is() {
    let bad_code = Flaw::Moved(MovedFlaw::BadLastCode);
    for (row, flaw, column) in [
        ("HOTP alice -", Flaw::TooFewFields { wanted: 4 }, 13),
        ("HOTP alice - 00", Flaw::SeedTooShort, 14),
        ("HOTP alice - xx", Flaw::NotHex, 14),
        ("HOTP/E/9 alice - SEED", Flaw::BadDigits, 1),
        ("HOTP/T30/6/7 alice - SEED", Flaw::Moved(MovedFlaw::OtherType), 1),
        ("HOTP/T15 alice - SEED", Flaw::Moved(MovedFlaw::OtherType), 1),
        ("HOTP alice - SEED -1", Flaw::BadCounter, 55),
        ("HOTP alice - SEED 1 12345", bad_code.clone(), 57),
        ("HOTP/E/8 alice - SEED 1 123456", bad_code.clone(), 61),
        ("HOTP alice - SEED 1 12-3456", bad_code, 57),
        ("HOTP alice - SEED 1 123456 2026-11-22T12:00:00", Flaw::BadDate, 64),
        (
            "HOTP alice - SEED 1 123456 2026-11-22T12:00:00L x",
            Flaw::TooManyFields { wanted: 7 },
            85,
        ),
    ] {
        let person = people(row).pop().unwrap();
        let error = person.token.err().unwrap();
        assert_eq!((error.flaw(), error.place().unwrap().column), (&flaw, column), "{row}");
    }
}
