//! The text of a seed file: UTF-8 or, from spreadsheet programs, UTF-16 with a byte order mark.

use std::ops::Deref;

use zeroize::Zeroizing;

use super::{
    MAX_FILE,
    error::{Fault, Flaw, SeedError},
};

/// A text; what was converted is wiped.
pub(super) enum Text<'b> {
    /// The bytes of the file.
    Utf8(&'b str),
    /// Converted from UTF-16.
    Utf16(Zeroizing<String>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Utf8(text) => text,
            Self::Utf16(text) => text,
        }
    }
}

/// Returns the text of a file, with or without byte order mark, without characters that neither
/// XML nor CSV may have.
pub(super) fn decode(bytes: &[u8]) -> Result<Text<'_>, SeedError> {
    if bytes.len() > MAX_FILE {
        return Err(SeedError::of_file(Flaw::TooLarge));
    }
    // The byte order marks of both kinds of UTF-16 (Unicode Standard section 23.8).
    let text = if let Some(rest) = bytes.strip_prefix(&[0xff, 0xfe]) {
        Text::Utf16(utf16(rest, u16::from_le_bytes)?)
    } else if let Some(rest) = bytes.strip_prefix(&[0xfe, 0xff]) {
        Text::Utf16(utf16(rest, u16::from_be_bytes)?)
    } else {
        Text::Utf8(utf8(bytes)?)
    };
    refuse_controls(&text)?;
    if text.trim().is_empty() {
        return Err(SeedError::of_file(Flaw::Empty));
    }
    Ok(text)
}

fn utf8(bytes: &[u8]) -> Result<&str, SeedError> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let valid = str::from_utf8(valid).unwrap_or_default();
        match refuse_controls(valid) {
            Err(error) => error,
            Ok(()) => Fault::new(valid.len(), Flaw::NotUtf8).locate(valid),
        }
    })
}

/// Converts into a string that never grows, for that would leave its old bytes behind: a unit of
/// two bytes becomes at most three.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Zeroizing<String>, SeedError> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() / 2 * 3));
    let (pairs, rest) = bytes.as_chunks();
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match character {
            Ok(character) => text.push(character),
            Err(_) => return Err(Fault::new(text.len(), Flaw::NotUtf16).locate(&text)),
        }
    }
    if rest.is_empty() {
        Ok(text)
    } else {
        Err(Fault::new(text.len(), Flaw::NotUtf16).locate(&text))
    }
}

fn refuse_controls(text: &str) -> Result<(), SeedError> {
    let odd = |c: char| c == '\u{feff}' || (c.is_control() && !matches!(c, '\t' | '\n' | '\r'));
    match text.find(odd) {
        Some(offset) => Err(Fault::new(offset, Flaw::ControlCharacter).locate(text)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Flaw, decode};

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(unit).collect()
    }

    #[test]
    fn a_spreadsheet_s_utf_16_reads_as_the_same_text_in_both_byte_orders() {
        let text = "A1,\u{20ac}\u{1f511}\r\nB2";
        for bytes in [utf16(text, u16::to_le_bytes), utf16(text, u16::to_be_bytes)] {
            assert_eq!(&*decode(&bytes).ok().unwrap(), text);
        }
    }

    #[test]
    fn half_a_character_of_utf_16_is_pointed_at() {
        let mut cut = utf16("A1\n\u{1f511}", u16::to_le_bytes);
        for removed in [1, 2] {
            cut.truncate(cut.len() - removed);
            let error = decode(&cut).err().unwrap();
            assert_eq!(error.flaw(), &Flaw::NotUtf16);
            assert_eq!(error.place().unwrap().line, 2);
        }
    }
}
