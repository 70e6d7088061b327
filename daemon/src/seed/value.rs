//! Values that occur in more than one format.

use fob_api::{Serial, TokenKind};

use super::{
    csv::Field,
    error::{Fault, Flaw},
};
use crate::record::{Algorithm, Moving, Parameters};

/// Seconds per step where a file says nothing (RFC 6238 section 4.1).
pub(super) const DEFAULT_PERIOD: u32 = 30;

/// A button with six digits, what every format means that has nothing else.
pub(super) const BUTTON: TokenKind = TokenKind { word: "hotp-6", period: None, digits: 6 };

/// Returns the parameters of a kind with SHA-1, `next` the counter of a button.
pub(super) fn parameters(kind: TokenKind, next: u64) -> Parameters {
    let moving = match kind.period {
        Some(period) => Moving::Time { period },
        None => Moving::Counter { next },
    };
    Parameters { algorithm: Algorithm::Sha1, digits: kind.digits, moving }
}

/// Longest manufacturer or model, in characters. Real ones have up to 30; the limit only bounds
/// what is stored and shown.
const MAX_LABEL: usize = 100;

/// Returns the text of a field that must not be empty.
pub(super) fn filled<'f>(field: &'f Field, name: &'static str) -> Result<&'f str, Fault> {
    if field.text.is_empty() {
        return Err(Fault::new(field.offset, Flaw::EmptyField { field: name }));
    }
    Ok(&field.text)
}

/// Reads a serial. `name` is what the format calls it.
pub(super) fn serial(field: &Field, name: &'static str) -> Result<Serial, Fault> {
    Serial::parse(filled(field, name)?).map_err(|_| Fault::new(field.offset, Flaw::BadSerial))
}

/// Reads the counter that comes next; as large as an `xs:long`, which PSKC has (RFC 6030 section
/// 4.2).
pub(super) fn counter(text: &str, offset: usize) -> Result<u64, Fault> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let counter = text.parse::<i64>().ok().filter(|_| plain).and_then(|n| u64::try_from(n).ok());
    counter.ok_or(Fault::new(offset, Flaw::BadCounter))
}

/// Reads the name of a hash, with or without `Hmac`, dashes and capital letters.
pub(super) fn hash(text: &str, offset: usize) -> Result<Algorithm, Fault> {
    let letters = text.replace(['-', '_'], "").to_ascii_uppercase();
    match letters.strip_prefix("HMAC").unwrap_or(&letters) {
        "SHA1" => Ok(Algorithm::Sha1),
        "SHA256" => Ok(Algorithm::Sha256),
        "SHA512" => Ok(Algorithm::Sha512),
        _ => Err(Fault::new(offset, Flaw::OtherHash)),
    }
}

/// Reads the digits of a code.
///
/// RFC 4226 section 5.3 has 6 to 8. The 9 that PSKC allows (RFC 6030 section 10.1) is not
/// supported.
pub(super) fn digits(text: &str, offset: usize) -> Result<u8, Fault> {
    match text {
        "6" => Ok(6),
        "7" => Ok(7),
        "8" => Ok(8),
        _ => Err(Fault::new(offset, Flaw::BadDigits)),
    }
}

/// Reads the seconds per step.
pub(super) fn period(text: &str, offset: usize) -> Result<u32, Fault> {
    match text {
        "30" => Ok(30),
        "60" => Ok(60),
        _ => Err(Fault::new(offset, Flaw::BadPeriod)),
    }
}

/// Reads a manufacturer or model; `None` if it is empty. White space becomes single spaces.
///
/// It is shown in terminals, so nothing is accepted that moves the cursor or turns the
/// direction of writing (Unicode Standard Annex 9 section 2).
pub(super) fn label(text: &str, offset: usize) -> Result<Option<String>, Fault> {
    let label = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let turns = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if label.chars().any(|c| c.is_control() || turns(c)) || label.chars().count() > MAX_LABEL {
        return Err(Fault::new(offset, Flaw::BadText));
    }
    Ok(Some(label).filter(|label| !label.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn a_label_is_shown_in_one_clean_line() {
        let plain = label(" Token \n Works,  Ltd ", 0).ok().unwrap();
        assert_eq!(plain.as_deref(), Some("Token Works, Ltd"));
        assert_eq!(label(" \t", 0).ok().unwrap(), None);
    }

    #[test]
    fn a_label_that_writes_over_the_terminal_is_refused() {
        for bad in ["a\u{1b}[2J", "a\u{9b}2J", "a\u{202e}b", &"x".repeat(101)] {
            assert!(label(bad, 0).is_err(), "{bad:?}");
        }
    }
}
