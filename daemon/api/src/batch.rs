//! The name of a delivery of tokens, parsed once at the edge.

use std::fmt;

/// Longest name in characters: a date and a vendor, or an order's number. It stands in a table and
/// in each event of an import.
const MAX_BATCH: usize = 64;

/// What an administrator calls the tokens of one import: 1 to 64 printable characters, such as
/// `2026-11 Feitian`. Two that differ in case are two.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Batch(String);

impl Batch {
    /// Parses a name; white space around it is dropped.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if it is empty, too long, or has a character that is not printed.
    pub fn parse(text: &str) -> Result<Self, BatchError> {
        let text = text.trim();
        let length = text.chars().count();
        if !(1..=MAX_BATCH).contains(&length) || text.chars().any(is_unprintable) {
            return Err(BatchError);
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tells whether a character steers a terminal, ends a line, has no width or turns the direction of
/// what follows: two names that look the same would be two (UAX #9; Unicode's category Cf).
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{feff}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}')
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text cannot name a batch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BatchError;

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("A batch has 1 to 64 printable characters.")
    }
}

impl std::error::Error for BatchError {}

#[cfg(test)]
mod tests {
    use super::Batch;

    #[test]
    fn a_batch_is_what_was_typed_without_the_space_around_it() {
        for (typed, batch) in [
            (" 2026-11 Feitian\t", "2026-11 Feitian"),
            ("x", "x"),
            ("Lieferung Nº 7, Größe „M“", "Lieferung Nº 7, Größe „M“"),
        ] {
            assert_eq!(Batch::parse(typed).unwrap().as_str(), batch);
        }
        assert_ne!(Batch::parse("a").unwrap(), Batch::parse("A").unwrap());
    }

    #[test]
    fn its_length_is_counted_in_characters_without_the_space_around_it() {
        assert!(Batch::parse(&"ü".repeat(64)).is_ok());
        assert!(Batch::parse(&format!("  {}  ", "b".repeat(64))).is_ok());
        assert!(Batch::parse(&"b".repeat(65)).is_err());
    }

    #[test]
    fn what_is_not_printed_is_in_no_batch() {
        for typed in [
            "",
            "  ",
            "a\nb",
            "a\tb",
            "a\0",
            "\u{1b}[2J",
            "a\u{85}b",
            "a\u{200b}b",
            "a\u{2028}b",
            "a\u{202e}b",
            "a\u{2066}b",
            "\u{feff}a",
        ] {
            assert!(Batch::parse(typed).is_err(), "{typed:?} was taken");
        }
    }
}
