//! Emergency codes: their form, and what the files hold with which they are checked.
//!
//! `fobctl` writes the files and the PAM module spends them, both without the daemon. This is
//! what the two have to agree on; it opens no file and computes no hash.

use std::fmt::Write as _;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::UserName;
use crate::answer::{RECOVERY_ALPHABET, fill};
use crate::code::CodeError;

/// Where the files are: one folder per user, named by his uid. A folder of its own, because the
/// daemon's may be what is broken.
pub const FOLDER: &str = "/var/lib/fob-emergency";
/// The file in [`FOLDER`] with which attempts take turns.
pub const TURNS: &str = "turns";
/// Codes per user, one file each: as many as there are recovery codes.
pub const SLOTS: u8 = 10;
/// Symbols of an emergency code: 16 of 32 carry 80 bits. The file may be stolen with a backup,
/// and a search through 2^79 hashes is out of reach (NIST SP 800-63B section 5.1.2.2 asks for a
/// slow hash only below 112 bits; it has one).
pub const EMERGENCY_LETTERS: usize = 16;
/// Symbols in a group, as codes are printed.
const GROUP: usize = 4;
/// Bytes of a salt (RFC 9106 section 3.1 recommends 16).
pub const SALT: usize = 16;
/// Bytes of a hash: 256 bits, far more than the code carries.
pub const HASH: usize = 32;
/// Most bytes of a slot's file: a line has at most 140.
pub const MAX_LINE: usize = 160;

/// An emergency code: 16 symbols, at least one of them a letter, so that it is never taken for
/// two codes of 8 digits. Wiped on drop; has no `Debug`. It has no form that travels: the daemon
/// never sees one.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct EmergencyCode([u8; EMERGENCY_LETTERS]);

impl EmergencyCode {
    /// Parses what a person typed, as [`crate::RecoveryCode::parse`] does.
    ///
    /// # Errors
    ///
    /// [`CodeError`] if what is left is not 16 symbols with a letter among them.
    pub fn parse(typed: &str) -> Result<Self, CodeError> {
        let mut code = Self([0; EMERGENCY_LETTERS]);
        fill(typed, &mut code.0)?;
        Ok(code)
    }

    /// Makes a code of random bytes, five bits of each; `None` if it has no letter, which happens
    /// once in a hundred million times.
    pub fn of_random(bytes: &[u8; EMERGENCY_LETTERS]) -> Option<Self> {
        let mut code = Self([0; EMERGENCY_LETTERS]);
        for (symbol, byte) in code.0.iter_mut().zip(bytes) {
            *symbol = *RECOVERY_ALPHABET.get(usize::from(byte & 31))?;
        }
        code.0.iter().any(u8::is_ascii_alphabetic).then_some(code)
    }

    /// Returns it as it is printed: four groups with dashes between. Wiped on drop.
    pub fn grouped(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(EMERGENCY_LETTERS + GROUP));
        for (index, group) in self.0.chunks(GROUP).enumerate() {
            if index > 0 {
                text.push('-');
            }
            text.push_str(std::str::from_utf8(group).unwrap_or_default());
        }
        text
    }

    /// Returns what is hashed: the code and whose it is, so that a uid that is given to somebody
    /// else does not take the codes along. Wiped on drop.
    pub fn secret(&self, user: &UserName) -> Zeroizing<Vec<u8>> {
        let mut secret =
            Zeroizing::new(Vec::with_capacity(EMERGENCY_LETTERS + user.as_str().len()));
        secret.extend_from_slice(&self.0);
        secret.extend_from_slice(user.as_str().as_bytes());
        secret
    }
}

/// How a code is hashed: Argon2id, version 0x13, one lane (RFC 9106).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Recipe {
    /// Kibibytes of memory, 1024 to 32768.
    pub memory: u32,
    /// Passes over it, 1 to 10.
    pub passes: u32,
    /// The salt, the same in all slots of a user: one attempt then costs one hash.
    pub salt: [u8; SALT],
}

impl Recipe {
    /// Least and most kibibytes. Below, the hash is too cheap; above, a damaged file would make
    /// sshd need more memory than a machine in trouble has.
    const MEMORY: std::ops::RangeInclusive<u32> = 1024..=32 * 1024;
    /// Fewest and most passes: the most take half a second on a slow machine.
    const PASSES: std::ops::RangeInclusive<u32> = 1..=10;

    /// Returns what new codes are hashed with: 7 MiB and five passes, the variant with the least
    /// memory of the five that the OWASP password storage cheat sheet lists as equally strong.
    /// It runs inside sshd, on machines that are in trouble.
    #[must_use]
    pub fn of_salt(salt: [u8; SALT]) -> Self {
        Self { memory: 7 * 1024, passes: 5, salt }
    }
}

/// One code that was not used yet, as its file holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Slot {
    /// How the code was hashed.
    pub recipe: Recipe,
    /// The hash.
    pub hash: [u8; HASH],
}

impl Slot {
    /// Returns the file's only line, in the manner of the PHC string format, with salt and hash in
    /// hex: `$argon2id$v=19$m=7168,t=5,p=1$SALT$HASH`.
    #[must_use]
    pub fn line(&self) -> String {
        let Recipe { memory, passes, salt } = &self.recipe;
        let (salt, hash) = (hex(salt), hex(&self.hash));
        format!("$argon2id$v=19$m={memory},t={passes},p=1${salt}${hash}\n")
    }

    /// Reads such a line; `None` for every other text, and for a recipe out of bounds.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let rest = line.strip_suffix('\n')?.strip_prefix("$argon2id$v=19$m=")?;
        let (memory, rest) = rest.split_once(",t=")?;
        let (passes, rest) = rest.split_once(",p=1$")?;
        let (salt, hash) = rest.split_once('$')?;
        let (memory, passes) = (number(memory)?, number(passes)?);
        if !Recipe::MEMORY.contains(&memory) || !Recipe::PASSES.contains(&passes) {
            return None;
        }
        Some(Self { recipe: Recipe { memory, passes, salt: unhex(salt)? }, hash: unhex(hash)? })
    }

    /// Returns the name of the file of the slot with this number, from 1 to [`SLOTS`].
    #[must_use]
    pub fn file(number: u8) -> String {
        format!("{number:02}")
    }

    /// Returns what that file is called once its code is used.
    #[must_use]
    pub fn used_file(number: u8) -> String {
        format!("{number:02}.used")
    }
}

fn number(text: &str) -> Option<u32> {
    let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // a String takes everything
        text
    })
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let digits: Vec<u8> =
        text.chars().map(|c| Some(c.to_digit(16)? as u8)).collect::<Option<_>>()?;
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().fold(0, |value, digit| value << 4 | digit);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{EmergencyCode, Recipe, SLOTS, Slot};
    use crate::{Answer, UserName};

    const LINE: &str = "$argon2id$v=19$m=7168,t=5,p=1$000102030405060708090a0b0c0d0e0f$\
        ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\n";

    #[test]
    fn a_code_is_read_as_it_was_printed() {
        let code = EmergencyCode::of_random(&[0xea; 16]).unwrap();
        assert_eq!(code.grouped().as_str(), "aaaa-aaaa-aaaa-aaaa");
        for typed in ["aaaa-aaaa-aaaa-aaaa", "AAAAAAAAAAAAAAAA", " aaaa aaaa aaaa aaaa "] {
            assert_eq!(EmergencyCode::parse(typed).unwrap().grouped(), code.grouped());
        }
    }

    #[test]
    fn no_other_answer_has_the_form_of_an_emergency_code() {
        for typed in [
            "123456",
            "12345678 87654321",
            "abcde-fghjk",
            "",
            "aaaa-aaaa-aaaa-aaa",
            "aaaa-aaaa-aaaa-aaaa-a",
            "aaaa-aaaa-aaaa-aaau",
            "\u{8}\n\r\u{7f}INCORRECT",
        ] {
            assert!(EmergencyCode::parse(typed).is_err(), "{typed:?}");
        }
        assert!(Answer::parse("aaaa-aaaa-aaaa-aaaa").is_err());
        assert!(EmergencyCode::of_random(&[3; 16]).is_none(), "sixteen digits");
    }

    #[test]
    fn the_same_code_of_two_users_is_not_the_same_secret() {
        let code = EmergencyCode::parse("aaaa-aaaa-aaaa-aaaa").unwrap();
        let [alice, bob] =
            ["alice", "bob"].map(|user| code.secret(&UserName::parse(user).unwrap()));
        assert_ne!(alice, bob);
    }

    #[test]
    fn a_line_leads_back_to_its_slot() {
        let slot = Slot::parse(LINE).unwrap();
        assert_eq!(slot.recipe, Recipe::of_salt(std::array::from_fn(|index| index as u8)));
        assert_eq!((slot.hash, slot.line().as_str()), ([0xff; 32], LINE));
        assert!(LINE.len() <= super::MAX_LINE);
    }

    #[test]
    fn what_is_no_slot_or_too_dear_or_too_cheap_is_refused() {
        for (from, to) in [
            ("\n", ""),
            ("\n", "\n\n"),
            ("argon2id", "argon2i"),
            ("v=19", "v=16"),
            ("m=7168", "m=1023"),
            ("m=7168", "m=32769"),
            ("m=7168", "m=99999999999"),
            ("m=7168", "m=+7168"),
            ("m=7168", "m=07168"),
            ("t=5", "t=0"),
            ("t=5", "t=11"),
            ("p=1", "p=2"),
            ("00010203", "000102"),
            ("00010203", "0001020g"),
            ("ffff", "fffé"),
        ] {
            assert_eq!(Slot::parse(&LINE.replacen(from, to, 1)), None, "{from} as {to}");
        }
    }

    #[test]
    fn the_files_of_the_slots_are_numbered() {
        let names = [1, SLOTS].map(|number| (Slot::file(number), Slot::used_file(number)));
        let expected = [("01", "01.used"), ("10", "10.used")];
        assert_eq!(names, expected.map(|(file, used)| (file.to_owned(), used.to_owned())));
    }
}
