//! The good rows of a list that has bad ones too.
//!
//! It is the parser of whole files that goes on behind a bad row here: there is no second one that
//! could be laxer, and header, separator and encoding are those of the file. Only lists with a token
//! in a line have rows; other formats are read whole or not at all, here as well. Nothing is guessed
//! for it: where the format or the encoding is not certain, the file is refused as ever. Of tokens
//! that share a serial or a seed none is good: nobody knows which is right.

use std::collections::HashMap;

use fob_api::{Password, Serial};

use super::{
    Choice, Hints, Reading, VendorToken, detect,
    error::{Flaw, SeedError},
    place::Places,
    read, rows_as, text,
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

/// Reads each row on its own; `error` is why the file cannot be read whole.
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
    let mut places = Places::new(&text);
    let Some(rows) = rows_as(format, &text, hints) else { return Err(error) };
    let rows = rows.map_err(|fault| fault.find(&mut places))?;
    let (mut tokens, mut rejects) = (Vec::new(), Vec::new());
    for row in rows {
        let reject = match row {
            Ok(token) if token.is_of(hints.kind) => {
                tokens.push(token);
                continue;
            }
            Ok(VendorToken { serial, place, .. }) => {
                Reject { serial: Some(serial), error: SeedError::at(place, Flaw::NotThatKind) }
            }
            Err(fault) => Reject { serial: None, error: fault.find(&mut places) },
        };
        if is_of_the_file(reject.error.flaw()) {
            return Err(reject.error);
        }
        rejects.push(reject);
        if rejects.len() > MOST {
            break;
        }
    }
    Ok((Reading { format, tokens, notices: Vec::new() }, rejects))
}

/// Tells whether a flaw is not of the row alone in which it is found.
fn is_of_the_file(flaw: &Flaw) -> bool {
    matches!(flaw, Flaw::KindIsMissing | Flaw::MixedEncodings | Flaw::UsersFile)
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
