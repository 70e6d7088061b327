//! Codes: the digits on a token's display.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Most digits a code can have (RFC 6238 section 1.2 names 6 to 8).
const MAX_DIGITS: usize = 8;
/// Fewest digits (RFC 4226 section 5.3, requirement R4).
const MIN_DIGITS: usize = 6;

/// A code: 6 to 8 ASCII digits. Wiped on drop; has no `Debug` and no `Display`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Code {
    digits: [u8; MAX_DIGITS],
    len: u8,
}

impl Code {
    /// Parses what a person typed: spaces, tabs and dashes are dropped, the rest must be digits.
    ///
    /// # Errors
    ///
    /// [`CodeError`] if what is left is not 6 to 8 ASCII digits.
    pub fn parse(typed: &str) -> Result<Self, CodeError> {
        let mut code = Self { digits: [0; MAX_DIGITS], len: 0 };
        for byte in typed.bytes() {
            match byte {
                b' ' | b'\t' | b'-' => {}
                b'0'..=b'9' => {
                    let slot = code.digits.get_mut(usize::from(code.len)).ok_or(CodeError)?;
                    *slot = byte;
                    code.len += 1;
                }
                _ => return Err(CodeError),
            }
        }
        if usize::from(code.len) < MIN_DIGITS { Err(CodeError) } else { Ok(code) }
    }

    /// Returns the digits as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Returns the digits as ASCII bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.digits.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Returns how many digits the code has: 6, 7 or 8.
    pub fn digits(&self) -> u8 {
        self.len
    }

    /// Tells whether both are the same digits.
    ///
    /// For a person's typing error only ("that is the same code"). A code is compared with an
    /// expected one in the daemon, in constant time.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

/// Two codes that a token showed one after the other.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct CodePair {
    /// The earlier code.
    pub first: Code,
    /// The later code.
    pub second: Code,
}

impl CodePair {
    /// Parses two codes of the same length that were typed one after the other, with or without a
    /// space between: 12, 14 or 16 digits once spaces, tabs and dashes are dropped.
    ///
    /// # Errors
    ///
    /// [`CodeError`] for another number of digits, anything but digits, or the same code twice.
    pub fn parse(typed: &str) -> Result<Self, CodeError> {
        let mut digits = zeroize::Zeroizing::new([0_u8; 2 * MAX_DIGITS]);
        let mut len = 0;
        for byte in typed.bytes().filter(|byte| !matches!(byte, b' ' | b'\t' | b'-')) {
            *digits.get_mut(len).ok_or(CodeError)? = byte;
            len += 1;
        }
        let typed = std::str::from_utf8(digits.get(..len).ok_or(CodeError)?);
        let (first, second) =
            typed.map_err(|_| CodeError)?.split_at_checked(len / 2).ok_or(CodeError)?;
        if len % 2 == 1 {
            return Err(CodeError);
        }
        Self::new(Code::parse(first)?, Code::parse(second)?)
    }

    /// Pairs two codes in the order in which they were shown.
    ///
    /// # Errors
    ///
    /// [`CodeError`] if both are the same: nobody can have seen two codes then.
    pub fn new(first: Code, second: Code) -> Result<Self, CodeError> {
        if first.is_same_as(&second) { Err(CodeError) } else { Ok(Self { first, second }) }
    }
}

/// The input cannot be a code (or not a pair). Carries nothing of the input.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CodeError;

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("A code has 6 to 8 digits.")
    }
}

impl std::error::Error for CodeError {}

#[cfg(test)]
mod tests {
    use super::{Code, CodePair};

    #[test]
    fn spaces_and_dashes_are_dropped() {
        assert_eq!(Code::parse(" 123-456\t").unwrap().as_str(), "123456");
    }

    #[test]
    fn what_cannot_be_a_code_is_refused() {
        for typed in
            ["", "12345", "123456789", "12345a", "+12345", "１２３４５６", "123456\n", "12345\0"]
        {
            assert!(Code::parse(typed).is_err(), "{typed:?} was taken for a code");
        }
    }

    #[test]
    fn the_same_code_twice_is_no_pair() {
        let code = Code::parse("123456").unwrap();
        assert!(CodePair::new(code.clone(), code).is_err());
    }
}
