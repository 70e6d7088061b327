//! Values that occur in more than one format.

use super::{
    csv::Field,
    error::{Fault, Flaw},
};

/// Seconds per step where a file says nothing (RFC 6238 section 4.1).
pub(super) const DEFAULT_PERIOD: u32 = 30;

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
