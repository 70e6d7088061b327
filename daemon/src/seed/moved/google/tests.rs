use super::read;
use crate::{
    record::Moving,
    seed::{
        error::Flaw,
        moved::{Moved, MovedFlaw, Spent},
    },
};

/// The seed of RFC 4226 appendix D.
const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn of(rest: &str) -> Moved {
    read(&format!("{SEED}\n{rest}")).map_err(|fault| fault.flaw).ok().unwrap()
}

#[track_caller]
fn refused(text: &str) -> (Flaw, usize) {
    match read(&text.replace("SEED", SEED)) {
        Ok(_) => panic!("accepted"),
        Err(fault) => (fault.flaw, fault.offset),
    }
}

/// What is spent, as text.
fn spent(rest: &str) -> String {
    match of(rest).spent {
        Spent::UpTo(step) => format!("up to {step}"),
        Spent::Counted => "counted".to_owned(),
        Spent::Unsaid { ahead, known } => format!("{ahead:?} ahead, {known:?} known"),
        Spent::Last(_) => "last".to_owned(),
    }
}

#[test]
fn a_file_as_the_program_writes_it_is_a_token_with_a_clock() {
    let token = of("\" RATE_LIMIT 3 30 1800000000\n\" WINDOW_SIZE 17\n\
                    \" DISALLOW_REUSE 60000000 60000002 60000001\n\" TOTP_AUTH\n\
                    12345678\n87654321\n");
    assert_eq!(token.seed.as_bytes(), b"12345678901234567890");
    assert_eq!(token.parameters.moving, Moving::Time { period: 30 });
    assert_eq!((token.parameters.digits, token.drift), (6, 0));
    assert_eq!(scratch(&token), (vec!["12345678", "87654321"], 0));
    assert!(matches!(token.spent, Spent::UpTo(60_000_002)));
}

/// The scratch codes, and how many lines are none.
fn scratch(token: &Moved) -> (Vec<&str>, u32) {
    (token.scratch.codes.iter().map(fob_api::Code::as_str).collect(), token.scratch.malformed)
}

#[test]
fn what_is_no_scratch_code_is_counted_and_nothing_behind_it_is_one() {
    for line in ["1234567", "123456789", "02345678", "1234567a", "1234 5678", "12345678 ", "x"] {
        let token = of(&format!("\" TOTP_AUTH\n11111111\n{line}\n\n22222222\n"));
        assert_eq!(scratch(&token), (vec!["11111111"], 2), "{line}");
    }
}

#[test]
fn a_scratch_code_that_is_there_twice_is_one_and_ten_are_the_most() {
    let codes: Vec<String> = (0..12).map(|n| format!("{}", 10_000_000 + n)).collect();
    let token = of(&format!("\" TOTP_AUTH\n10000000\n{}\n", codes.join("\r\n")));
    assert_eq!(scratch(&token), (codes[..10].iter().map(String::as_str).collect(), 2));
}

#[test]
fn a_counter_above_0_makes_a_token_with_a_button() {
    let token = of("\" HOTP_COUNTER 7\n");
    assert_eq!(token.parameters.moving, Moving::Counter { next: 7 });
    assert!(matches!(token.spent, Spent::Counted));
    assert_eq!(
        of("\" HOTP_COUNTER 0\n\" TOTP_AUTH\n").parameters.moving,
        Moving::Time { period: 30 }
    );
    assert_eq!(
        of("\" TOTP_AUTH\n\" HOTP_COUNTER 1\n").parameters.moving,
        Moving::Counter { next: 1 }
    );
}

#[test]
fn where_no_used_steps_are_listed_the_window_ahead_may_be_used() {
    for (rest, expected) in [
        ("\" TOTP_AUTH", "Some(1) ahead, None known"),
        ("\" TOTP_AUTH\n\" WINDOW_SIZE 17", "Some(8) ahead, None known"),
        ("\" TOTP_AUTH\n\" WINDOW_SIZE 1", "Some(0) ahead, None known"),
        ("\" TOTP_AUTH\n\" DISALLOW_REUSE", "Some(1) ahead, None known"),
        ("\" TOTP_AUTH\n\" DISALLOW_REUSE 5 7 6", "up to 7"),
        // While it learnt the skew, it took a code that it has not written down.
        ("\" TOTP_AUTH\n\" DISALLOW_REUSE 5\n\" TIME_SKEW 0", "Some(2) ahead, Some(5) known"),
    ] {
        assert_eq!(spent(rest), expected, "{rest}");
    }
}

#[test]
fn a_skew_in_steps_is_the_drift_in_seconds() {
    assert_eq!(of("\" TOTP_AUTH\n\" TIME_SKEW -4\n").drift, -120);
    assert_eq!(of("\" TOTP_AUTH\n\" TIME_SKEW 1500\n\" STEP_SIZE 60\n").drift, 90_000);
}

#[test]
fn a_seed_is_read_as_the_module_decodes_it() {
    for seed in [
        "gezd gnbv-gy3t qojq gezdgnbvgy3tqojq",
        "GEZDGN8VGY3TQ0JQGEZDGNBVGY3TQOJQ",  // 8 for B, 0 for O
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ7", // less than a byte is left over
    ] {
        let token = read(&format!("{seed}\r\n\" TOTP_AUTH\r\n"));
        assert_eq!(token.ok().unwrap().seed.as_bytes(), b"12345678901234567890", "{seed}");
    }
}

#[test]
fn an_option_that_says_nothing_of_the_codes_is_passed_over() {
    let rest = "\" TOTP_AUTH\n\" LAST0 192.0.2.1 1800000000\n\" RESETTING_TIME_SKEW 5+1\n\
                \" WINDOW_SIZES 99\n\"a remark\n";
    assert_eq!(spent(rest), "Some(1) ahead, None known");
}

#[test]
fn what_cannot_be_taken_is_refused_where_it_stands() {
    let moved = Flaw::Moved;
    let at = 33; // behind the seed and its line end
    for (text, flaw, offset) in [
        ("", Flaw::EmptyField { field: "seed" }, 0),
        ("\" TOTP_AUTH\n", Flaw::NotBase32, 0),
        ("GEZDGNBVGY3TQOJQ\n\" TOTP_AUTH\n", Flaw::SeedTooShort, 0),
        ("GEZDGNBVG?3TQOJQ\n", Flaw::NotBase32, 9),
        ("SEED\n12345678\n", moved(MovedFlaw::NoKind), 0),
        ("SEED\n\" TOTP_AUTH\n\" TOTP_AUTH\n", Flaw::Twice { name: "TOTP_AUTH" }, at + 14),
        ("SEED\n\" TOTP_AUTH\n\" STEP_SIZE 45\n", Flaw::BadPeriod, at + 24),
        ("SEED\n\" TOTP_AUTH\n\" WINDOW_SIZE 101\n", moved(MovedFlaw::BadNumber), at + 26),
        ("SEED\n\" TOTP_AUTH\n\" WINDOW_SIZE 0\n", moved(MovedFlaw::BadNumber), at + 26),
        ("SEED\n\" TOTP_AUTH\n\" DISALLOW_REUSE 5 x\n", moved(MovedFlaw::BadNumber), at + 31),
        (
            "SEED\n\" TOTP_AUTH\n\" DISALLOW_REUSE 2147483648\n",
            moved(MovedFlaw::BadNumber),
            at + 29,
        ),
        ("SEED\n\" TOTP_AUTH\n\" TIME_SKEW 3121\n", moved(MovedFlaw::TooFarOff), at + 24),
        ("SEED\n\" TOTP_AUTH\n\" TIME_SKEW +1\n", moved(MovedFlaw::BadNumber), at + 24),
        ("SEED\n\" HOTP_COUNTER -1\n", Flaw::BadCounter, at + 15),
    ] {
        assert_eq!(refused(text), (flaw, offset), "{text}");
    }
}
