//! Seed files: bytes in, tokens out; pure.
//!
//! One file per format. A file is accepted whole or refused whole, with line and column of its
//! first flaw. Nothing here opens a file, and the text of a seed gets into no error.

mod csv;
mod date;
mod encoding;
mod entra_csv;
mod error;
mod explain;
mod oath_csv;
mod place;
mod pskc;
#[cfg(test)]
mod tests;
mod value;
mod xml;

use std::collections::{HashMap, hash_map::Entry};

use fob_api::Serial;

use crate::record::{Parameters, Seed};
pub use error::{Encryption, Flaw, SeedError};
pub use place::Place;
pub(crate) use place::Places;

/// Most bytes of a seed file: 16 MiB. A PSKC file has about 1 KiB per token and vendors ship at
/// most some thousand in one; the limit bounds the time and memory that a hostile file costs.
/// It also bounds the tokens: the shortest row that there can be has 35 bytes.
pub const MAX_FILE: usize = 16 * 1024 * 1024;

/// A kind of seed file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// PSKC XML with plain values (RFC 6030).
    Pskc,
    /// `serial, hexkey[, type[, digits[, period]]]`.
    OathCsv,
    /// `upn,serial number,secret key,time interval,manufacturer,model`.
    EntraCsv,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Pskc, Self::OathCsv, Self::EntraCsv];

    /// Returns the name on the bus and the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pskc => "pskc",
            Self::OathCsv => "oath-csv",
            Self::EntraCsv => "entra-csv",
        }
    }

    /// Returns the format with this name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }
}

/// Who says which format it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Choice {
    /// The file itself: XML is PSKC, the header makes an Entra CSV, the rest is OATH CSV.
    Detect,
    /// The caller.
    Is(Format),
}

/// A token as the vendor's file describes it. Has no `Debug`, because of the seed.
pub struct VendorToken {
    /// The serial.
    pub serial: Serial,
    /// The seed.
    pub seed: Seed,
    /// How it computes its codes.
    pub parameters: Parameters,
    /// Who made it: one line without control characters, at most 100 characters.
    pub manufacturer: Option<String>,
    /// What it is called: as the manufacturer.
    pub model: Option<String>,
    /// When the file says that it expires, in Unix seconds. Dates before 1970 count as 0.
    pub not_after: Option<u64>,
    /// Where the file describes it.
    pub place: Place,
}

/// Parses a seed file; all or nothing.
///
/// # Errors
///
/// [`SeedError`] with the place of the first flaw, for a duplicate with the place of the second
/// token.
pub fn parse(bytes: &[u8], choice: Choice) -> Result<(Format, Vec<VendorToken>), SeedError> {
    let (format, tokens) = read(bytes, choice)?;
    refuse_same_serials(&tokens)?;
    refuse_same_seeds(&tokens)?;
    Ok((format, tokens))
}

/// Parses a seed file without looking for duplicates.
///
/// # Errors
///
/// [`SeedError`] with the place of the first flaw.
pub fn read(bytes: &[u8], choice: Choice) -> Result<(Format, Vec<VendorToken>), SeedError> {
    let text = text(bytes)?;
    let format = match choice {
        Choice::Is(format) => format,
        Choice::Detect => detect(text),
    };
    let tokens = match format {
        Format::Pskc => pskc::read(text),
        Format::OathCsv => oath_csv::read(text),
        Format::EntraCsv => entra_csv::read(text),
    };
    match tokens {
        Ok(tokens) if tokens.is_empty() => Err(SeedError::of_file(Flaw::NoTokens)),
        Ok(tokens) => Ok((format, tokens)),
        Err(fault) => Err(fault.locate(text)),
    }
}

fn detect(text: &str) -> Format {
    if text.trim_start().starts_with('<') {
        Format::Pskc
    } else if entra_csv::has_header(text) {
        Format::EntraCsv
    } else {
        Format::OathCsv
    }
}

/// Returns the text of a file: UTF-8, with or without byte order mark, without characters that
/// neither XML nor CSV may have.
fn text(bytes: &[u8]) -> Result<&str, SeedError> {
    if bytes.len() > MAX_FILE {
        return Err(SeedError::of_file(Flaw::TooLarge));
    }
    // The byte order marks of both kinds of UTF-16 (Unicode Standard section 23.8).
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(SeedError::of_file(Flaw::Utf16));
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let (text, bad) = match str::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            (str::from_utf8(valid).unwrap_or_default(), Some(Flaw::NotUtf8))
        }
    };
    let odd = |c: char| c == '\u{feff}' || (c.is_control() && !matches!(c, '\t' | '\n' | '\r'));
    if let Some(offset) = text.find(odd) {
        return Err(error::Fault::new(offset, Flaw::ControlCharacter).locate(text));
    }
    if let Some(flaw) = bad {
        return Err(error::Fault::new(text.len(), flaw).locate(text));
    }
    if text.trim().is_empty() {
        return Err(SeedError::of_file(Flaw::Empty));
    }
    Ok(text)
}

fn refuse_same_serials(tokens: &[VendorToken]) -> Result<(), SeedError> {
    let mut seen = HashMap::new();
    for token in tokens {
        match seen.entry(token.serial.folded()) {
            Entry::Vacant(free) => {
                free.insert(token.place);
            }
            Entry::Occupied(first) => {
                let serial = token.serial.clone();
                let flaw = Flaw::DuplicateSerial { serial, place: *first.get() };
                return Err(SeedError::at(token.place, flaw));
            }
        }
    }
    Ok(())
}

fn refuse_same_seeds(tokens: &[VendorToken]) -> Result<(), SeedError> {
    let mut seen = HashMap::new();
    for token in tokens {
        match seen.entry(token.seed.as_bytes()) {
            Entry::Vacant(free) => {
                free.insert(token);
            }
            Entry::Occupied(entry) => {
                let first = *entry.get();
                let flaw = Flaw::DuplicateSeed {
                    serial: token.serial.clone(),
                    first: first.serial.clone(),
                    place: first.place,
                };
                return Err(SeedError::at(token.place, flaw));
            }
        }
    }
    Ok(())
}
