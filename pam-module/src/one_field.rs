//! Password and code in one field: where the one ends and the other begins. Pure.

use fob_api::{Answer, Code, CodePair, RecoveryCode, emergency::EmergencyCode};

use crate::answer::Typed;

/// Most bytes of an answer: what libpam's own conversations take (`PAM_MAX_RESP_SIZE`,
/// `_pam_types.h`).
const MAX_ANSWER: usize = 512;
/// Most spaces and dashes between two codes.
const MAX_GAP: usize = 8;

/// Both halves of what was typed.
pub(crate) struct Split<'a> {
    /// Every byte before the code. Never empty.
    pub(crate) password: &'a [u8],
    /// The code.
    pub(crate) typed: Typed,
}

/// How many codes are taken off the end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Codes {
    /// One.
    One,
    /// Two in a row if there are two, with or without spaces and dashes between them; else one.
    Two,
}

/// Splits an answer; `None` if there is no code at its end, or no password before it.
///
/// The code is the last `digits` digits, and nothing stands between it and the password, so that
/// the password may end in whatever it likes: digits, spaces. A recovery code or an emergency code
/// stands behind a space; as they are printed they never end in as many digits as a code has.
pub(crate) fn split(answer: &[u8], codes: Codes, digits: usize) -> Option<Split<'_>> {
    if answer.len() > MAX_ANSWER || answer.contains(&0) {
        return None;
    }
    let split = match codes {
        Codes::One => one(answer, digits),
        Codes::Two => two(answer, digits).or_else(|| one(answer, digits)),
    };
    split.or_else(|| last_word(answer)).filter(|split| !split.password.is_empty())
}

/// Returns the whole answer as a password, where no code is asked for; `None` if it cannot be one.
pub(crate) fn whole(answer: &[u8]) -> Option<&[u8]> {
    let fits = !answer.is_empty() && answer.len() <= MAX_ANSWER && !answer.contains(&0);
    fits.then_some(answer)
}

fn one(answer: &[u8], digits: usize) -> Option<Split<'_>> {
    let (password, code) = code_off(answer, digits)?;
    Some(Split { password, typed: Typed::Answer(Answer::Code(code)) })
}

fn two(answer: &[u8], digits: usize) -> Option<Split<'_>> {
    let (before, second) = code_off(answer, digits)?;
    let is_gap = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'-');
    let gap = before.iter().rev().take(MAX_GAP).take_while(is_gap).count();
    let (before, _) = before.split_at_checked(before.len().checked_sub(gap)?)?;
    let (password, first) = code_off(before, digits)?;
    let pair = CodePair::new(first, second).ok()?;
    let split = Split { password, typed: Typed::Answer(Answer::Pair(pair)) };
    (!password.is_empty()).then_some(split)
}

/// Takes so many digits off the end.
fn code_off(answer: &[u8], digits: usize) -> Option<(&[u8], Code)> {
    let (before, code) = answer.split_at_checked(answer.len().checked_sub(digits)?)?;
    if !code.iter().all(u8::is_ascii_digit) {
        return None; // Code's own parser would drop spaces and dashes
    }
    let code = std::str::from_utf8(code).ok()?;
    Some((before, Code::parse(code).ok()?))
}

/// Takes what stands behind the last space as a code with letters.
fn last_word(answer: &[u8]) -> Option<Split<'_>> {
    let at = answer.iter().rposition(|byte| *byte == b' ')?;
    let (password, word) = answer.split_at_checked(at)?;
    let word = std::str::from_utf8(word).ok()?;
    let typed = RecoveryCode::parse(word)
        .map(|code| Typed::Answer(Answer::Recovery(code)))
        .or_else(|_| EmergencyCode::parse(word).map(Typed::Emergency));
    Some(Split { password, typed: typed.ok()? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Codes, Split, split, whole};
    use crate::answer::Typed;

    fn halves(split: Option<Split<'_>>) -> Option<(Vec<u8>, String)> {
        let split = split?;
        let code = match split.typed {
            Typed::Answer(answer) => answer.to_wire().to_string(),
            Typed::Emergency(_) => "emergency".to_owned(),
        };
        Some((split.password.to_vec(), code))
    }

    fn both(answer: &str, codes: Codes) -> Option<(String, String)> {
        let (password, code) = halves(split(answer.as_bytes(), codes, 6))?;
        Some((String::from_utf8(password).unwrap(), code))
    }

    fn is(answer: &str, codes: Codes, password: &str, code: &str) {
        let expected = Some((password.to_owned(), code.to_owned()));
        assert_eq!(both(answer, codes), expected, "{answer:?}");
    }

    #[test]
    fn the_digits_at_the_end_are_the_code_and_all_before_them_the_password() {
        is("secret123456", Codes::One, "secret", "123456");
        is("secret 123456", Codes::One, "secret ", "123456");
        is("secret-123456", Codes::One, "secret-", "123456");
        is("98765432123456", Codes::One, "98765432", "123456");
        is("pässwörd→123456", Codes::One, "pässwörd→", "123456");
        is("x123456", Codes::One, "x", "123456");
    }

    #[test]
    fn what_has_no_code_or_no_password_is_not_split() {
        for answer in [
            "",
            "1",
            "secret",
            "12345",
            "123456",
            "secret12345",
            "secret123 456",
            "secret12345x",
            "secret123456 ",
            "secret１２３４５６",
            " abcde-fghj0",
            "basketball",
        ] {
            assert_eq!(both(answer, Codes::One), None, "{answer:?}");
            assert_eq!(both(answer, Codes::Two), None, "{answer:?}");
        }
        assert!(split(b"secret\x00123456", Codes::One, 6).is_none());
        assert!(split(&[b'1'; 513], Codes::One, 6).is_none());
        assert!(split(&[b'1'; 512], Codes::One, 6).is_some());
    }

    #[test]
    fn two_codes_are_taken_where_two_are_asked_for() {
        for answer in ["secret123456654321", "secret123456 654321", "secret123456 - 654321"] {
            is(answer, Codes::Two, "secret", "123456654321");
        }
        is("secret123456", Codes::Two, "secret", "123456");
        is("123456654321", Codes::Two, "123456", "654321");
        is("secret111111111111", Codes::Two, "secret111111", "111111");
        is("secret123456 654321", Codes::One, "secret123456 ", "654321");
    }

    #[test]
    fn a_code_with_letters_stands_behind_a_space() {
        is("secret abcde-fghj0", Codes::One, "secret", "abcdefghj0");
        is("my secret ABCDEFGHJ0", Codes::Two, "my secret", "abcdefghj0");
        is("secret abcd-efgh-jkmn-pqrs", Codes::One, "secret", "emergency");
        assert_eq!(both("secretabcde-fghj0", Codes::One), None);
    }

    /// As they are printed: groups of five and of four.
    #[test]
    fn a_printed_code_with_letters_is_never_taken_for_digits() {
        is("secret abcde-12345", Codes::One, "secret", "abcde12345");
        is("secret abcd-efgh-1234-5678", Codes::One, "secret", "emergency");
    }

    #[test]
    fn where_no_code_is_asked_for_the_whole_answer_is_the_password() {
        assert_eq!(whole(b"secret123456"), Some(&b"secret123456"[..]));
        assert!(whole(b"").is_none() && whole(b"a\0b").is_none() && whole(&[1; 513]).is_none());
    }

    proptest! {
        #[test]
        fn any_password_with_any_code_behind_it_comes_apart_again(
            password in prop::collection::vec(1_u8.., 1..100), digits in 6_usize..=8, code: u32,
        ) {
            let modulus = 10_u32.pow(u32::try_from(digits).unwrap());
            let code = format!("{:0digits$}", code % modulus);
            let answer = [password.as_slice(), code.as_bytes()].concat();
            prop_assert_eq!(halves(split(&answer, Codes::One, digits)), Some((password, code)));
        }

        #[test]
        fn no_answer_panics_and_no_half_is_made_up(
            answer in prop::collection::vec(any::<u8>(), 0..600), digits in 0_usize..20,
        ) {
            for codes in [Codes::One, Codes::Two] {
                if let Some(split) = split(&answer, codes, digits) {
                    prop_assert!(!split.password.is_empty());
                    prop_assert!(answer.starts_with(split.password));
                }
            }
        }
    }
}
