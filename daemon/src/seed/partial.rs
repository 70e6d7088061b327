//! The good rows of a list that has bad ones too.
//!
//! Each row is read by itself, behind the head of its file, by the parser that reads whole files:
//! there is no second one that could be laxer. Only lists with a token in a line have rows; other
//! formats are read whole or not at all, here as well. Nothing is guessed for it: where the format
//! or the encoding is not certain, the file is refused as ever. Of tokens that share a serial or a
//! seed none is good: nobody knows which is right.

use std::collections::HashMap;

use fob_api::{Password, SeedEncoding, SeedScript, Serial, text_lines};
use zeroize::Zeroizing;

use super::{
    Choice, Format, Hints, Place, Reading, VendorToken, detect,
    error::{Flaw, SeedError},
    read, read_as, text,
};

/// Most bad rows that are told: with more, the file is of another kind than it was taken for.
pub const MOST: usize = 10_000;

/// A token, or a row, that does not come in.
pub struct Reject {
    /// Its serial, where it could be read.
    pub serial: Option<Serial>,
    /// Where it stands, and why.
    pub error: SeedError,
}

/// Parses a seed file as far as it can be.
///
/// # Errors
///
/// [`SeedError`] if it is not one flaw of one row that is in the way, if no row is good, or more
/// than [`MOST`] are bad; then with the first flaw.
pub fn open_partly(
    bytes: &[u8],
    hints: impl Into<Hints>,
    password: Option<&Password>,
) -> Result<(Reading, Vec<Reject>), SeedError> {
    let hints = hints.into();
    let (mut reading, mut rejects) = match read(bytes, hints, password) {
        Ok(reading) => (reading, Vec::new()),
        Err(error) => by_rows(bytes, &hints, password, error)?,
    };
    set_twins_aside(&mut reading.tokens, &mut rejects);
    rejects.sort_by_key(|reject| reject.error.place().map(|place| (place.line, place.column)));
    if reading.tokens.is_empty() || rejects.len() > MOST {
        let first = rejects.into_iter().next().map(|reject| reject.error);
        return Err(first.unwrap_or(SeedError::of_file(Flaw::NoTokens)));
    }
    Ok((reading, rejects))
}

/// Reads each row by itself; `error` is why the file cannot be read whole.
fn by_rows(
    bytes: &[u8],
    hints: &Hints,
    password: Option<&Password>,
    error: SeedError,
) -> Result<(Reading, Vec<Reject>), SeedError> {
    if error.place().is_none() || is_of_the_file(error.flaw()) || password.is_some() {
        return Err(error);
    }
    let text = text::decode(bytes)?;
    let format = match hints.format {
        Choice::Is(format) => format,
        Choice::Detect => match detect::candidates(&text).as_slice() {
            [only] => *only,
            several => {
                let candidates = several.to_vec();
                return Err(SeedError::of_file(Flaw::AmbiguousFormat { candidates }));
            }
        },
    };
    if !format.has_rows() {
        return Err(error);
    }
    let hints = Hints { format: Choice::Is(format), ..*hints };
    let mut rows = Rows { format, hints, head: format.head(&text), encoding: None };
    let (mut tokens, mut rejects) = (Vec::new(), Vec::new());
    let longest = text_lines(&text).map(str::len).max().unwrap_or_default();
    // One allocation: a growing buffer would leave unwiped copies behind.
    let mut buffer = Zeroizing::new(String::with_capacity(rows.head.1.len() + 1 + longest));
    for (number, line) in (1_u32..).zip(text_lines(&text)) {
        if number <= rows.head.0 {
            continue;
        }
        match rows.read(line, number, &mut buffer) {
            Ok(some) => tokens.extend(some),
            Err(error) if is_of_the_file(error.flaw()) => return Err(error),
            Err(error) => rejects.push(Reject { serial: None, error }),
        }
        if rejects.len() > MOST {
            break;
        }
    }
    Ok((Reading { format, tokens, notices: Vec::new() }, rejects))
}

/// Tells whether a flaw is not of one row alone.
fn is_of_the_file(flaw: &Flaw) -> bool {
    matches!(
        flaw,
        Flaw::KindIsMissing
            | Flaw::MixedEncodings
            | Flaw::OtherVersion
            | Flaw::TwiceColumn
            | Flaw::UnknownColumn
            | Flaw::UsersFile
            | Flaw::WrongHeader { .. }
    )
}

/// Reads rows one by one.
struct Rows<'t> {
    format: Format,
    hints: Hints,
    /// What stands before the first one: the number of its line, 0 if there is none, and its text.
    head: (u32, &'t str),
    /// In which encoding the seeds are so far, where the format leaves it open.
    encoding: Option<SeedEncoding>,
}

impl Rows<'_> {
    /// Reads a line: a token, or none if it is blank or a comment.
    fn read(
        &mut self,
        line: &str,
        number: u32,
        buffer: &mut String,
    ) -> Result<Vec<VendorToken>, SeedError> {
        buffer.clear();
        buffer.push_str(self.head.1);
        if self.head.0 > 0 {
            buffer.push('\n');
        }
        buffer.push_str(line);
        let here = |place: Place| Place { line: number, ..place };
        let reading = match read_as(self.format, buffer, &self.hints, None) {
            Ok(reading) => reading,
            Err(error) if *error.flaw() == Flaw::NoTokens => return Ok(Vec::new()),
            Err(error) => return Err(error.moved(here)),
        };
        let mut tokens = reading.tokens;
        tokens.iter_mut().for_each(|token| token.place = here(token.place));
        if let Some(first) = tokens.first()
            && let Some(encoding) = self.encoding_of(buffer)
            && self.encoding.replace(encoding).is_some_and(|before| before != encoding)
        {
            return Err(SeedError::at(first.place, Flaw::MixedEncodings));
        }
        Ok(tokens)
    }

    /// Returns in which encoding the seed of a row is, where the format leaves it open.
    fn encoding_of(&self, row: &str) -> Option<SeedEncoding> {
        if self.hints.encoding.is_some() || self.format.sheet().script != SeedScript::HexOrBase32 {
            return None;
        }
        let hints = Hints { encoding: Some(SeedEncoding::Hex), ..self.hints };
        let is_hex = read_as(self.format, row, &hints, None).is_ok();
        Some(if is_hex { SeedEncoding::Hex } else { SeedEncoding::Base32 })
    }
}

/// Takes out the tokens that share a serial or a seed with another.
fn set_twins_aside(tokens: &mut Vec<VendorToken>, rejects: &mut Vec<Reject>) {
    let mut flaws: HashMap<usize, Flaw> = HashMap::new();
    let (mut serials, mut seeds) = (HashMap::new(), HashMap::new());
    for (index, token) in tokens.iter().enumerate() {
        let same = *serials.entry(token.serial.folded()).or_insert(index);
        if let Some(first) = tokens.get(same).filter(|_| same != index) {
            let flaw = |other: &VendorToken| Flaw::DuplicateSerial {
                serial: token.serial.clone(),
                place: other.place,
            };
            flaws.insert(index, flaw(first));
            flaws.entry(same).or_insert(flaw(token));
        }
        let same = *seeds.entry(token.seed.as_bytes()).or_insert(index);
        if let Some(first) = tokens.get(same).filter(|_| same != index) {
            let flaw = |of: &VendorToken, other: &VendorToken| Flaw::DuplicateSeed {
                serial: of.serial.clone(),
                first: other.serial.clone(),
                place: other.place,
            };
            flaws.entry(index).or_insert(flaw(token, first));
            flaws.entry(same).or_insert(flaw(first, token));
        }
    }
    if flaws.is_empty() {
        return;
    }
    let mut index = 0;
    tokens.retain(|token| {
        let flaw = flaws.remove(&index);
        index += 1;
        let Some(flaw) = flaw else { return true };
        let error = SeedError::at(token.place, flaw);
        rejects.push(Reject { serial: Some(token.serial.clone()), error });
        false
    });
}

#[cfg(test)]
mod tests;
