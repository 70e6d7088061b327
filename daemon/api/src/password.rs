//! What opens an encrypted seed file, as somebody typed it.

use zeroize::Zeroizing;

/// Longest password in bytes: more than anybody types.
pub const LONGEST_PASSWORD: usize = 1024;

/// A passphrase, or a key in hexadecimal or base64: 1 to 1024 bytes of text, as typed. Wiped on
/// drop; has no `Debug`. On the bus it goes as a descriptor.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes what was typed; `None` if it is empty or too long.
    pub fn new(typed: Zeroizing<String>) -> Option<Self> {
        (1..=LONGEST_PASSWORD).contains(&typed.len()).then_some(Self(typed))
    }

    /// Returns what was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::Password;

    #[test]
    fn a_password_has_one_to_1024_bytes() {
        let taken = |length| Password::new(Zeroizing::new("x".repeat(length))).is_some();
        assert_eq!([0, 1, 1024, 1025].map(taken), [false, true, true, false]);
    }
}
