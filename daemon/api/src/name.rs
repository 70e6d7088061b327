//! Serials and user names, parsed once at the edge.

use std::fmt;

/// Longest serial. Vendors print up to 20 characters; the limit only bounds what is stored.
const MAX_SERIAL: usize = 64;
/// Longest user name: LOGIN_NAME_MAX of Linux is 256 with the NUL (limits.h(0p)).
const MAX_USER: usize = 255;

/// What is printed on a token's back: 1 to 64 characters of `A-Z a-z 0-9 . _ - /`.
///
/// Upper and lower case are the same serial ([`Serial::folded`]); it is shown as it was imported.
/// Dashes tell two stored serials apart, but somebody who types one need not type them
/// ([`Serial::reads_as`]).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Serial(String);

impl Serial {
    /// Parses a serial; spaces around it are dropped.
    ///
    /// # Errors
    ///
    /// [`NameError`] if it is empty, too long or has another character.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.trim_matches([' ', '\t']);
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/');
        if text.is_empty() || text.len() > MAX_SERIAL || !text.bytes().all(allowed) {
            return Err(NameError::Serial);
        }
        Ok(Self(text.to_owned()))
    }

    /// Parses a serial that somebody has typed off a token's back: spaces between its groups are
    /// dropped too. No serial has any.
    ///
    /// # Errors
    ///
    /// As [`Serial::parse`].
    pub fn typed(text: &str) -> Result<Self, NameError> {
        Self::parse(&text.replace([' ', '\t'], ""))
    }

    /// Returns the serial as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form under which the serial is stored and compared: upper case.
    pub fn folded(&self) -> String {
        self.0.to_ascii_uppercase()
    }

    /// Tells whether both read the same to somebody who looks past case and dashes.
    pub fn reads_as(&self, other: &Self) -> bool {
        self.reads_as_bytes(other.0.as_bytes())
    }

    /// As [`Serial::reads_as`], for the bytes of a serial that is stored.
    pub fn reads_as_bytes(&self, other: &[u8]) -> bool {
        bare(self.0.as_bytes()).eq(bare(other))
    }
}

/// Returns what is left of a serial without dashes and case.
fn bare(serial: &[u8]) -> impl Iterator<Item = u8> + '_ {
    serial.iter().filter(|byte| **byte != b'-').map(u8::to_ascii_uppercase)
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A login name: 1 to 255 bytes without control characters. Opaque: only the host's user
/// database says whether it is somebody.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct UserName(String);

impl UserName {
    /// Parses a login name; nothing is trimmed.
    ///
    /// # Errors
    ///
    /// [`NameError`] if it is empty, too long or has a control character.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.len() > MAX_USER || text.chars().any(char::is_control) {
            return Err(NameError::User);
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text cannot be such a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NameError {
    /// Not a serial.
    Serial,
    /// Not a user name.
    User,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Serial => {
                "A serial has 1 to 64 letters, digits, dots, dashes, slashes or underscores."
            }
            Self::User => "A user name has 1 to 255 bytes and no control characters.",
        })
    }
}

impl std::error::Error for NameError {}

#[cfg(test)]
mod tests {
    use super::{Serial, UserName};

    #[test]
    fn a_serial_is_the_same_in_both_cases() {
        let typed = Serial::parse(" 8a1172 ").unwrap();
        assert_eq!((typed.as_str(), typed.folded().as_str()), ("8a1172", "8A1172"));
    }

    #[test]
    fn a_serial_is_typed_with_any_spaces_dashes_and_case() {
        let printed = Serial::parse("8A-1172-x").unwrap();
        for typed in ["8a1172x", "8A 1172 X", " 8-a-1-1-7-2-x", "8A1172-x-"] {
            assert!(Serial::typed(typed).unwrap().reads_as(&printed), "{typed}");
        }
        for other in ["8A1172", "8A.1172.x", "8A1172xx"] {
            assert!(!Serial::typed(other).unwrap().reads_as(&printed), "{other}");
        }
        assert_eq!(Serial::typed("8a 11-72").unwrap().as_str(), "8a11-72");
        assert!(Serial::parse("8A 1172").is_err(), "a stored serial has no spaces");
        assert!(Serial::typed("  ").is_err());
    }

    #[test]
    fn a_hostile_name_is_no_serial_and_no_user() {
        assert!(Serial::parse("1\n2").is_err());
        assert!(Serial::parse(&"1".repeat(65)).is_err());
        assert!(UserName::parse("a\u{1b}[2J").is_err());
        assert!(UserName::parse(&"a".repeat(256)).is_err());
        assert!(UserName::parse("DOM\\user@example.org").is_ok());
    }
}
