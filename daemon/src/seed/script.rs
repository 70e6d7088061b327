//! In which encoding the seeds of a file are written, where that is not certain.
//!
//! The rule: each seed has to read in one encoding only, and all seeds of a file in the same. One
//! that reads in both is not decided by the others, for then one damaged row would decide.

use fob_api::{SeedEncoding, SeedScript};

use super::{
    Format, Hints,
    csv::Field,
    encoding::{is_base64, seed_from_base32, seed_from_base64, seed_from_hex},
    error::{Fault, Flaw},
    value,
};
use crate::record::Seed;

/// Reads the seeds of one file.
pub(super) struct Seeds {
    certain: Option<SeedEncoding>,
    found: Option<SeedEncoding>,
}

impl Seeds {
    pub(super) fn new(format: Format, hints: &Hints) -> Self {
        let certain = match format.sheet().script {
            SeedScript::Always(encoding) => Some(encoding),
            SeedScript::Usually(encoding) => Some(hints.encoding.unwrap_or(encoding)),
            SeedScript::HexOrBase32 => hints.encoding,
        };
        Self { certain, found: None }
    }

    /// Reads the seed of the next token. `name` is what the format calls it.
    pub(super) fn read(&mut self, field: &Field, name: &'static str) -> Result<Seed, Fault> {
        let (text, offset) = (value::filled(field, name)?, field.offset);
        match self.certain {
            Some(encoding) => seed_in(encoding, text, offset),
            None => self.find(text, offset),
        }
    }

    fn find(&mut self, text: &str, offset: usize) -> Result<Seed, Fault> {
        let (seed, encoding) = match (seed_from_hex(text, offset), seed_from_base32(text, offset)) {
            (Ok(_), Ok(_)) => return Err(Fault::new(offset, Flaw::AmbiguousEncoding)),
            (Ok(seed), Err(_)) => (seed, SeedEncoding::Hex),
            (Err(_), Ok(seed)) => (seed, SeedEncoding::Base32),
            (Err(hex), Err(base32)) => {
                // What reads as one of them for longer was meant as that.
                let is_hex = reach(text, |c| c.is_ascii_hexdigit())
                    >= reach(text, |c| c.is_ascii_alphabetic() || ('2'..='7').contains(&c));
                return Err(if is_hex { hex } else { base32 });
            }
        };
        match self.found.replace(encoding) {
            Some(before) if before != encoding => Err(Fault::new(offset, Flaw::MixedEncodings)),
            _ => Ok(seed),
        }
    }
}

/// Returns how much of the text is of an alphabet, before a character that is not.
fn reach(text: &str, is_of: impl Fn(char) -> bool) -> usize {
    text.trim_end_matches('=').find(|c| !is_of(c)).unwrap_or(text.len())
}

/// Reads a seed whose encoding is known.
fn seed_in(encoding: SeedEncoding, text: &str, offset: usize) -> Result<Seed, Fault> {
    match encoding {
        SeedEncoding::Hex => seed_from_hex(text, offset),
        SeedEncoding::Base32 => seed_from_base32(text, offset),
        SeedEncoding::Base64 => match text.char_indices().find(|(_, c)| !is_base64(*c)) {
            Some((index, _)) => Err(Fault::new(offset + index, Flaw::NotBase64)),
            None => seed_from_base64(text, offset),
        },
    }
}

#[cfg(test)]
mod tests {
    use fob_api::SeedEncoding;
    use zeroize::Zeroizing;

    use super::Seeds;
    use crate::seed::{Choice, Format, Hints, csv::Field, error::Flaw};

    /// 16 bytes in hexadecimal, and no base32.
    const HEX: &str = "000102030405060708090a0b0c0d0e0f";
    /// The same in base32, and no hexadecimal.
    const BASE32: &str = "AAAQEAYEAUDAOCAJBIFQYDIOB4";
    /// Either: 16 or 20 bytes.
    const BOTH: &str = "22334455667722334455667722334455";

    /// Reads seeds in order; the first byte of each.
    fn read(
        format: Format,
        encoding: Option<SeedEncoding>,
        texts: &[&str],
    ) -> Result<Vec<u8>, Flaw> {
        let hints = Hints { encoding, ..Hints::from(Choice::Detect) };
        let mut seeds = Seeds::new(format, &hints);
        let field = |text: &str| Field { offset: 0, text: Zeroizing::new(text.to_owned()) };
        let mut first = |text: &&str| seeds.read(&field(text), "seed").map(|s| s.as_bytes()[0]);
        texts.iter().map(|text| first(text).map_err(|fault| fault.flaw)).collect()
    }

    #[test]
    fn a_seed_that_reads_in_both_encodings_is_refused_until_it_is_said() {
        let format = Format::SafeidCsv;
        assert_eq!(read(format, None, &[BOTH]), Err(Flaw::AmbiguousEncoding));
        assert_eq!(read(format, None, &[HEX, BOTH]), Err(Flaw::AmbiguousEncoding), "not by others");
        assert_eq!(read(format, Some(SeedEncoding::Hex), &[BOTH]), Ok(vec![0x22]));
        assert_eq!(read(format, Some(SeedEncoding::Base32), &[BOTH]), Ok(vec![0b1101_0110]));
        assert_eq!(read(format, Some(SeedEncoding::Base64), &[BOTH]), Ok(vec![0xdb]));
        assert_eq!(read(Format::EntraCsv, None, &[BOTH]), Ok(vec![0b1101_0110]), "it is fixed");
        assert_eq!(read(Format::OathCsv, None, &[BOTH]), Ok(vec![0x22]), "it is usual");
    }

    #[test]
    fn a_file_has_one_encoding() {
        assert_eq!(read(Format::SafeidCsv, None, &[HEX, HEX]), Ok(vec![0, 0]));
        assert_eq!(read(Format::SafeidCsv, None, &[BASE32, BASE32]), Ok(vec![0, 0]));
        assert_eq!(read(Format::SafeidCsv, None, &[HEX, BASE32]), Err(Flaw::MixedEncodings));
        assert_eq!(read(Format::SafeidCsv, None, &[BASE32, HEX]), Err(Flaw::MixedEncodings));
    }

    #[test]
    fn a_seed_that_would_be_too_short_in_one_encoding_is_one_of_the_other() {
        assert_eq!(
            read(Format::SafeidCsv, None, &["2234567abcdef2234567abcdef"]).map(|s| s.len()),
            Ok(1)
        );
    }

    #[test]
    fn a_damaged_seed_is_told_in_the_encoding_in_which_most_of_it_reads() {
        for (text, flaw) in [
            ("000102030405060708090a0b0c0d0e0g", Flaw::NotHex),
            ("000102030405060708090a0b0c0d0e0", Flaw::OddHex),
            ("AAAQEAYEAUDAOCAJBIFQYDIO!4", Flaw::NotBase32),
            ("AAAQEAYEAUDAOCAJBIFQYDIOB", Flaw::Base32Length),
        ] {
            assert_eq!(read(Format::SafeidCsv, None, &[text]), Err(flaw), "{text}");
        }
        let base64 = Some(SeedEncoding::Base64);
        assert_eq!(read(Format::OathCsv, base64, &["AAEC,w=="]), Err(Flaw::NotBase64));
    }
}
