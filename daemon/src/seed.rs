//! Seed files: bytes in, tokens out; pure.
//!
//! One file per format. A file is accepted whole or refused whole, with line and column of its
//! first flaw. Nothing here opens a file, and the text of a seed gets into no error.

mod csv;
mod date;
mod detect;
mod encoding;
mod entra_csv;
mod error;
mod explain;
pub mod moved;
mod multiotp_csv;
mod nexus_text;
mod oath_csv;
mod partial;
mod place;
mod plain;
mod pskc;
mod safenet_xml;
mod safeword_dat;
mod script;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod text;
mod value;
mod xml;
mod yubico_csv;

use std::collections::{HashMap, hash_map::Entry};

use fob_api::{Password, SeedScript, Serial};
pub use fob_api::{SeedEncoding as Encoding, SeedFormat as Format, TokenKind};

use self::{error::Fault, oath_csv::Dialect};
use crate::record::{Moving, Parameters, Seed};
pub use error::{Encryption, Flaw, SeedError, Unsupported};
pub use partial::{MOST, Reject, open_partly};
pub use place::Place;
pub(crate) use place::Places;

/// Most bytes of a seed file: 16 MiB. A PSKC file has about 1 KiB per token and vendors ship at
/// most some thousand in one; the limit bounds the time and memory that a hostile file costs.
/// It also bounds the tokens: the shortest row that there can be has 35 bytes.
pub const MAX_FILE: usize = 16 * 1024 * 1024;

/// Who says which format it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Choice {
    /// The file itself, as far as only one format reads it.
    Detect,
    /// The caller.
    Is(Format),
}

/// What the caller says about a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hints {
    /// Its format.
    pub format: Choice,
    /// How its seeds are written.
    pub encoding: Option<Encoding>,
    /// What the tokens are where the file does not say it. A token of which the file says
    /// something else is refused.
    pub kind: Option<TokenKind>,
}

impl From<Choice> for Hints {
    fn from(format: Choice) -> Self {
        Self { format, encoding: None, kind: None }
    }
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
    /// From when on the file says that it may be used, in Unix seconds.
    pub not_before: Option<u64>,
    /// When the file says that it expires, in Unix seconds. Dates before 1970 count as 0.
    pub not_after: Option<u64>,
    /// Where the file describes it.
    pub place: Place,
}

impl VendorToken {
    /// A token of a list that has no more than this.
    fn of_list(serial: Serial, seed: Seed, parameters: Parameters, place: Place) -> Self {
        let (manufacturer, model) = (None, None);
        let (not_before, not_after) = (None, None);
        Self { serial, seed, parameters, manufacturer, model, not_before, not_after, place }
    }

    /// Tells whether it is what the caller says.
    fn is_of(&self, kind: Option<TokenKind>) -> bool {
        let period = match self.parameters.moving {
            Moving::Counter { .. } => None,
            Moving::Time { period } => Some(period),
        };
        kind.is_none_or(|kind| kind.period == period && kind.digits == self.parameters.digits)
    }
}

/// Something about a file that was read, which whoever imports it should know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Notice {
    /// The MACs are of the plain values, as in drafts before RFC 6030.
    MacOverPlaintext,
    /// Encrypted values have no MAC, so nobody can tell whether they were changed.
    NoMac,
    /// The file is signed, and the signature was not checked.
    SignatureUnchecked,
}

impl Notice {
    /// Returns the word for it on the bus.
    pub fn word(self) -> &'static str {
        match self {
            Self::MacOverPlaintext => "mac-over-plaintext",
            Self::NoMac => "no-mac",
            Self::SignatureUnchecked => "signature-unchecked",
        }
    }
}

/// A seed file that was read.
pub struct Reading {
    /// Its format.
    pub format: Format,
    /// Its tokens, at least one.
    pub tokens: Vec<VendorToken>,
    /// What is to be told about it; nothing about a list.
    pub notices: Vec<Notice>,
}

/// Parses a seed file that is not encrypted; all or nothing.
///
/// # Errors
///
/// As [`open`].
pub fn parse(bytes: &[u8], hints: impl Into<Hints>) -> Result<Reading, SeedError> {
    open(bytes, hints, None)
}

/// Parses a seed file; all or nothing. The password opens an encrypted one; which takes up to some
/// seconds, if it is a passphrase.
///
/// # Errors
///
/// [`SeedError`] with the place of the first flaw, for a duplicate with the place of the second
/// token. [`Flaw::Encrypted`] without the password that is needed, [`Flaw::NotEncrypted`] with one
/// that is not, [`Flaw::WrongPassword`].
pub fn open(
    bytes: &[u8],
    hints: impl Into<Hints>,
    password: Option<&Password>,
) -> Result<Reading, SeedError> {
    let reading = read(bytes, hints, password)?;
    refuse_same_serials(&reading.tokens)?;
    refuse_same_seeds(&reading.tokens)?;
    Ok(reading)
}

/// Parses a seed file without looking for duplicates.
///
/// # Errors
///
/// [`SeedError`] with the place of the first flaw.
pub fn read(
    bytes: &[u8],
    hints: impl Into<Hints>,
    password: Option<&Password>,
) -> Result<Reading, SeedError> {
    let hints = hints.into();
    let text = text::decode(bytes)?;
    match hints.format {
        Choice::Is(format) => read_as(format, &text, &hints, password),
        Choice::Detect => detect::read(&text, &hints, password),
    }
}

/// The tokens of a list, each with its own fault. Of all rows the separator and the encoding are the
/// same.
type Tokens<'t> = Box<dyn Iterator<Item = Result<VendorToken, Fault>> + 't>;

/// Reads a list row by row; `None` if the format is none of a token in a row. An error is one of the
/// whole file.
fn rows_as<'t>(format: Format, text: &'t str, hints: &Hints) -> Option<Result<Tokens<'t>, Fault>> {
    match format {
        Format::Pskc | Format::SafenetXml | Format::SafewordDat => None,
        Format::OathCsv => Some(oath_csv::rows(text, Dialect::Plain, hints)),
        Format::PrivacyideaCsv => Some(oath_csv::rows(text, Dialect::PrivacyIdea, hints)),
        Format::LinotpCsv => Some(oath_csv::rows(text, Dialect::LinOtp, hints)),
        Format::PlainCsv | Format::FeitianText => Some(Ok(plain::rows(text, format, hints))),
        Format::EntraCsv | Format::SafeidCsv => Some(entra_csv::rows(text, format, hints)),
        Format::MultiotpCsv => Some(Ok(multiotp_csv::rows(text, hints))),
        Format::YubicoCsv => Some(Ok(yubico_csv::rows(text, hints))),
        Format::NexusText => Some(Ok(nexus_text::rows(text, hints))),
    }
}

/// Reads a text as a format.
fn read_as(
    format: Format,
    text: &str,
    hints: &Hints,
    password: Option<&Password>,
) -> Result<Reading, SeedError> {
    if let (SeedScript::Always(script), Some(said)) = (format.sheet().script, hints.encoding)
        && script != said
    {
        return Err(SeedError::of_file(Flaw::FixedEncoding));
    }
    if password.is_some() && format != Format::Pskc {
        return Err(SeedError::of_file(Flaw::NotEncrypted));
    }
    let mut notices = Vec::new();
    let tokens = match format {
        Format::Pskc => pskc::read(text, password).map(|(tokens, told)| {
            notices = told;
            tokens
        }),
        Format::SafenetXml => safenet_xml::read(text, hints),
        Format::SafewordDat => safeword_dat::read(text, hints),
        list => match rows_as(list, text, hints) {
            Some(rows) => rows.and_then(Iterator::collect),
            None => Ok(Vec::new()),
        },
    };
    let tokens = tokens.map_err(|fault| fault.locate(text))?;
    if tokens.is_empty() {
        return Err(SeedError::of_file(Flaw::NoTokens));
    }
    match tokens.iter().find(|token| !token.is_of(hints.kind)) {
        Some(other) => Err(SeedError::at(other.place, Flaw::NotThatKind)),
        None => Ok(Reading { format, tokens, notices }),
    }
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
