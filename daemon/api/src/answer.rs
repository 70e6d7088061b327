//! What a person may type at the prompt: a code, two codes in a row, or a recovery code.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zbus::Type;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::code::{Code, CodeError, CodePair};

/// What a person typed, told apart by its form. Wiped on drop; has no `Debug`.
#[derive(Clone)]
pub enum Answer {
    /// One code.
    Code(Code),
    /// Two codes in a row, of the same length.
    Pair(CodePair),
    /// A recovery code, or a temporary one from an administrator: both look the same.
    Recovery(RecoveryCode),
}

impl Answer {
    /// Tells the forms apart: 6 to 8 digits are a code, twice as many a pair (12, 14 or 16), ten
    /// letters and digits with a letter among them a recovery code. Spaces, tabs and dashes
    /// are dropped.
    ///
    /// # Errors
    ///
    /// [`CodeError`] if it is none of them, or the same code twice.
    pub fn parse(typed: &str) -> Result<Self, CodeError> {
        if let Ok(code) = Code::parse(typed) {
            return Ok(Self::Code(code));
        }
        CodePair::parse(typed)
            .map(Self::Pair)
            .or_else(|_| RecoveryCode::parse(typed).map(Self::Recovery))
    }

    /// Returns the form in which it travels to the daemon: without spaces, and [`Answer::parse`]
    /// leads back. Wiped on drop.
    pub fn to_wire(&self) -> zeroize::Zeroizing<String> {
        let mut text = zeroize::Zeroizing::new(String::with_capacity(2 * RECOVERY_LETTERS));
        match self {
            Self::Code(code) => text.push_str(code.as_str()),
            Self::Pair(pair) => {
                text.push_str(pair.first.as_str());
                text.push_str(pair.second.as_str());
            }
            Self::Recovery(code) => text.push_str(code.as_str()),
        }
        text
    }
}

/// Symbols of a recovery code: ten of 32 carry 50 bits. A throttled guess at look-up secrets
/// needs 20 (NIST SP 800-63B section 5.1.2.2); the rest keeps a stolen database from being
/// searched cheaply.
pub const RECOVERY_LETTERS: usize = 10;
/// The 32 symbols: letters and digits without i, l, o and u, which look like others or make
/// words (the choice of Crockford's base 32).
pub const RECOVERY_ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A recovery code: ten symbols, at least one of them a letter, so that it is never taken for
/// digits of a token. Wiped on drop; has no `Debug`. On the bus it is text, in the one reply that
/// shows it.
#[derive(Clone, Type, Zeroize, ZeroizeOnDrop)]
#[zbus(signature = "s")]
pub struct RecoveryCode([u8; RECOVERY_LETTERS]);

impl RecoveryCode {
    /// Parses what a person typed: case does not matter, spaces, tabs and dashes are dropped,
    /// `o` is read as 0 and `i` and `l` as 1.
    ///
    /// # Errors
    ///
    /// [`CodeError`] if what is left is not ten symbols with a letter among them.
    pub fn parse(typed: &str) -> Result<Self, CodeError> {
        let mut code = Self([0; RECOVERY_LETTERS]);
        fill(typed, &mut code.0)?;
        Ok(code)
    }

    /// Returns the ten symbols, small letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Writes the symbols of what a person typed into this room, which they must fill, with a letter
/// among them.
pub(crate) fn fill(typed: &str, room: &mut [u8]) -> Result<(), CodeError> {
    let mut filled = 0;
    for byte in typed.bytes() {
        let symbol = match byte.to_ascii_lowercase() {
            b' ' | b'\t' | b'-' => continue,
            b'o' => b'0',
            b'i' | b'l' => b'1',
            other => other,
        };
        if !RECOVERY_ALPHABET.contains(&symbol) {
            return Err(CodeError);
        }
        *room.get_mut(filled).ok_or(CodeError)? = symbol;
        filled += 1;
    }
    let has_letter = room.iter().any(u8::is_ascii_alphabetic);
    if filled == room.len() && has_letter { Ok(()) } else { Err(CodeError) }
}

impl Serialize for RecoveryCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RecoveryCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        Self::parse(&text).map_err(|_| de::Error::custom("not a recovery code"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, RecoveryCode};

    fn form(typed: &str) -> &'static str {
        match Answer::parse(typed) {
            Ok(Answer::Code(_)) => "code",
            Ok(Answer::Pair(_)) => "pair",
            Ok(Answer::Recovery(_)) => "recovery",
            Err(_) => "none",
        }
    }

    #[test]
    fn the_form_tells_what_was_typed() {
        for (typed, expected) in [
            ("123456", "code"),
            ("123 45678", "code"),
            ("123456 654321", "pair"),
            ("123456654321", "pair"),
            ("1234567 7654321", "pair"),
            ("12345678 87654321", "pair"),
            ("abcde-fghjk", "recovery"),
            ("ABCDE FGHJ0", "recovery"),
            ("12345-6789a", "recovery"),
        ] {
            assert_eq!(form(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn what_is_none_of_them_is_refused() {
        for typed in [
            "",
            "12345",
            "123456789",
            "12345-67890",
            "123456 123456",
            "12345678901",
            "1234567890123",
            "12345678 8765432 1 0",
            "abcde-fghj",
            "abcde-fghjkm",
            "abcde-fghju",
            "abcde_fghjk",
            "ａbcdefghj",
            "\u{8}\n\r\u{7f}INCORRECT",
        ] {
            assert_eq!(form(typed), "none", "{typed:?}");
        }
    }

    #[test]
    fn the_form_that_travels_leads_back() {
        for (typed, wire) in [
            (" 123-456", "123456"),
            ("123456 654321", "123456654321"),
            ("OIL-AB CDEFG", "011abcdefg"),
        ] {
            let answer = Answer::parse(typed).ok().unwrap();
            assert_eq!(answer.to_wire().as_str(), wire);
            assert!(Answer::parse(wire).is_ok());
        }
    }

    #[test]
    fn look_alikes_are_read_as_what_they_look_like() {
        let code = RecoveryCode::parse("O0iIlL1abc").unwrap();
        assert_eq!(code.as_str(), "0011111abc");
    }
}
