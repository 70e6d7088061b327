//! Seeds as text: hexadecimal, base32, base64. The text of a seed gets into no error.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use data_encoding::{BASE32_NOPAD, HEXLOWER_PERMISSIVE};
use zeroize::Zeroizing;

use super::error::{Fault, Flaw};
use crate::record::{MAX_SEED, MIN_SEED, Seed};

/// The base32 alphabet in the order of its values (RFC 4648 section 6).
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Reads hexadecimal digits in either case (RFC 4648 section 8), two per byte.
pub(super) fn seed_from_hex(text: &str, offset: usize) -> Result<Seed, Fault> {
    refuse_others(text, offset, Flaw::NotHex, |c| c.is_ascii_hexdigit())?;
    if !text.len().is_multiple_of(2) {
        return Err(Fault::new(offset, Flaw::OddHex));
    }
    let mut bytes = Zeroizing::new(vec![0; text.len() / 2]);
    HEXLOWER_PERMISSIVE
        .decode_mut(text.as_bytes(), &mut bytes)
        .map_err(|_| Fault::new(offset, Flaw::NotHex))?;
    accept(bytes, offset)
}

/// Reads base32 in either case (RFC 4648 section 6); the padding may be left out, but not be
/// wrong.
///
/// Bits behind the last whole byte are dropped without being looked at: the example secret in
/// the manual of the Entra format has some that are not zero.
pub(super) fn seed_from_base32(text: &str, offset: usize) -> Result<Seed, Fault> {
    let symbols = text.trim_end_matches('=');
    refuse_others(symbols, offset, Flaw::NotBase32, |c| {
        c.is_ascii_alphabetic() || ('2'..='7').contains(&c)
    })?;
    let spare = match symbols.len() % 8 {
        0 => 0,
        2 => 2,
        4 => 4,
        5 => 1,
        7 => 3,
        _ => return Err(Fault::new(offset, Flaw::Base32Length)),
    };
    let padding = text.len() - symbols.len();
    if padding != 0 && (padding >= 8 || !text.len().is_multiple_of(8)) {
        return Err(Fault::new(offset + symbols.len(), Flaw::Base32Length));
    }
    let mut upper = Zeroizing::new(symbols.to_ascii_uppercase().into_bytes());
    if let Some(last) = upper.last_mut() {
        let value = BASE32.iter().position(|symbol| symbol == last).unwrap_or_default();
        *last = BASE32.get(value >> spare << spare).copied().unwrap_or(*last);
    }
    let mut bytes = Zeroizing::new(vec![0; symbols.len() * 5 / 8]);
    BASE32_NOPAD.decode_mut(&upper, &mut bytes).map_err(|_| Fault::new(offset, Flaw::NotBase32))?;
    accept(bytes, offset)
}

/// Reads a seed of padded base64 (RFC 4648 section 4) that has no white space in it any more.
pub(super) fn seed_from_base64(text: &str, offset: usize) -> Result<Seed, Fault> {
    accept(bytes_from_base64(text, offset)?, offset)
}

/// Takes a seed that was decrypted.
pub(super) fn seed_from_bytes(bytes: Zeroizing<Vec<u8>>) -> Result<Seed, Flaw> {
    accept(bytes, 0).map_err(|fault| fault.flaw)
}

/// Reads padded base64 that has no white space in it any more.
pub(super) fn bytes_from_base64(text: &str, offset: usize) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut bytes = Zeroizing::new(vec![0; text.len().div_ceil(4) * 3]);
    let length = STANDARD
        .decode_slice(text, &mut bytes)
        .map_err(|_| Fault::new(offset, Flaw::Base64Length))?;
    bytes.truncate(length);
    Ok(bytes)
}

/// Returns what a typed key can mean: as hexadecimal, and as base64 with or without its padding.
/// White space in it is dropped. Both readings have different lengths, so whoever knows how long
/// the key is need not guess.
pub(super) fn key_readings(typed: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(String::with_capacity(typed.len()));
    text.extend(typed.chars().filter(|character| !character.is_ascii_whitespace()));
    let symbols = text.trim_end_matches('=');
    let mut hex = Zeroizing::new(vec![0; text.len() / 2]);
    let is_hex = text.len().is_multiple_of(2)
        && HEXLOWER_PERMISSIVE.decode_mut(text.as_bytes(), &mut hex).is_ok();
    let mut base64 = Zeroizing::new(vec![0; symbols.len().div_ceil(4) * 3]);
    let length = STANDARD_NO_PAD.decode_slice(symbols, &mut base64).ok();
    base64.truncate(length.unwrap_or_default());
    [is_hex.then_some(hex), length.is_some().then_some(base64)].into_iter().flatten().collect()
}

/// Tells whether the character may stand in base64.
pub(super) fn is_base64(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '=')
}

fn refuse_others(
    text: &str,
    offset: usize,
    flaw: Flaw,
    allowed: impl Fn(char) -> bool,
) -> Result<(), Fault> {
    match text.char_indices().find(|(_, character)| !allowed(*character)) {
        Some((index, _)) => Err(Fault::new(offset + index, flaw)),
        None => Ok(()),
    }
}

/// Takes the bytes over if they can be a seed.
fn accept(mut bytes: Zeroizing<Vec<u8>>, offset: usize) -> Result<Seed, Fault> {
    if bytes.len() > MAX_SEED {
        return Err(Fault::new(offset, Flaw::SeedTooLong));
    }
    if bytes.len() >= MIN_SEED && bytes.iter().all(|byte| *byte == 0) {
        return Err(Fault::new(offset, Flaw::SeedIsZero));
    }
    Seed::new(std::mem::take(&mut *bytes)).ok_or(Fault::new(offset, Flaw::SeedTooShort))
}

#[cfg(test)]
mod tests {
    use super::{seed_from_base32, seed_from_base64, seed_from_hex};
    use crate::seed::error::{Fault, Flaw};

    #[track_caller]
    fn fault(result: Result<crate::record::Seed, Fault>) -> (usize, Flaw) {
        match result {
            Ok(_) => panic!("accepted"),
            Err(fault) => (fault.offset, fault.flaw),
        }
    }

    const HEX: &str = "000102030405060708090a0B0C0D0E0F";

    #[test]
    fn the_three_encodings_of_a_seed_agree() {
        let bytes: Vec<u8> = (0..16).collect();
        for seed in [
            seed_from_hex(HEX, 0),
            seed_from_base32("AAAQEAYEAUDAOCAJBIFQYDIOB4", 0),
            seed_from_base32("aaaqeayeaudaocajbifqydiob4======", 0),
            seed_from_base64("AAECAwQFBgcICQoLDA0ODw==", 0),
        ] {
            assert_eq!(seed.ok().unwrap().as_bytes(), bytes);
        }
    }

    #[test]
    fn a_bad_hex_character_is_pointed_at() {
        let text = HEX.replace("0a", "0x");
        assert_eq!(fault(seed_from_hex(&text, 100)), (121, Flaw::NotHex));
        assert_eq!(fault(seed_from_hex(&HEX[1..], 100)), (100, Flaw::OddHex));
    }

    #[test]
    fn bad_base32_is_refused() {
        let bad = [
            ("AAAQEAYEAUDAOCAJBIFQYDIO14", 24, Flaw::NotBase32),
            ("AAAQEAYEAUDA=CAJBIFQYDIOB4", 12, Flaw::NotBase32),
            ("AAAQEAYEAUDA CAJBIFQYDIOB4", 12, Flaw::NotBase32),
            ("AAAQEAYEAUDAOCAJBIFQYDIOB", 0, Flaw::Base32Length),
            ("AAAQEAYEAUDAOCAJBIFQYDIOB4=", 26, Flaw::Base32Length),
            ("AAAQEAYEAUDAOCAJBIFQYDIOB4==============", 26, Flaw::Base32Length),
        ];
        for (text, offset, flaw) in bad {
            assert_eq!(fault(seed_from_base32(text, 0)), (offset, flaw), "{text}");
        }
    }

    #[test]
    fn spare_bits_of_base32_are_dropped() {
        let plain = seed_from_base32("AAAQEAYEAUDAOCAJBIFQYDIOB4", 0).ok().unwrap();
        let spare = seed_from_base32("AAAQEAYEAUDAOCAJBIFQYDIOB7", 0).ok().unwrap();
        assert_eq!(plain.as_bytes(), spare.as_bytes());
    }

    #[test]
    fn base64_with_wrong_padding_or_spare_bits_is_refused() {
        for text in
            ["AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBgcICQoLDA0ODw=", "AAECAwQFBgcICQoLDA0ODx=="]
        {
            assert_eq!(fault(seed_from_base64(text, 7)), (7, Flaw::Base64Length), "{text}");
        }
    }

    #[test]
    fn a_seed_of_127_bits_or_of_zeroes_or_beyond_the_limit_is_refused() {
        assert_eq!(fault(seed_from_hex(&HEX[2..], 0)).1, Flaw::SeedTooShort);
        assert_eq!(fault(seed_from_hex("", 0)).1, Flaw::SeedTooShort);
        assert_eq!(fault(seed_from_hex(&"0".repeat(40), 0)).1, Flaw::SeedIsZero);
        assert_eq!(fault(seed_from_hex(&"ab".repeat(129), 0)).1, Flaw::SeedTooLong);
        assert!(seed_from_hex(&"ab".repeat(128), 0).is_ok());
    }
}
