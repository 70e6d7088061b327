//! Which format a file is of, where nobody says it.
//!
//! A mark that no other format has decides. Plain rows have none: they are read as every format
//! that may be meant, and are taken if all that can read them say the same. What that comes to in
//! the end, two codes prove at assignment.

use fob_api::Password;

use super::{
    Format, Hints, Reading, VendorToken,
    csv::{COMMA_OR_SEMICOLON, Field, Hash, Lines, Row, Rows},
    entra_csv,
    error::{Flaw, SeedError},
    oath_csv, read_as, safeword_dat,
    xml::Xml,
    yubico_csv,
};

/// Reads a text as the one format that it is of. A password makes no difference to which: a list
/// is refused with one, not taken for something else.
pub(super) fn read(
    text: &str,
    hints: &Hints,
    password: Option<&Password>,
) -> Result<Reading, SeedError> {
    // The first reading, formats that read something else, the first that would if it knew more.
    let mut first: Option<Reading> = None;
    let mut others = Vec::new();
    let (mut wish, mut refusal) = (None, None);
    for format in candidates(text) {
        match read_as(format, text, hints, password) {
            Ok(reading) => match &first {
                None => first = Some(reading),
                Some(known) if same(&known.tokens, &reading.tokens) => {}
                Some(_) => others.push(format),
            },
            Err(error) if error.flaw().asks_for_an_option() => {
                wish.get_or_insert((format, error));
            }
            Err(error) => {
                refusal.get_or_insert(error);
            }
        }
    }
    match (first, wish) {
        (Some(only), None) if others.is_empty() => Ok(only),
        (None, None) => Err(refusal.unwrap_or(SeedError::of_file(Flaw::NoTokens))),
        (None, Some((_, wish))) => Err(wish),
        (_, Some((_, wish))) if *wish.flaw() == Flaw::AmbiguousEncoding => Err(wish),
        (first, wish) => {
            let first = first.map(|reading| reading.format).into_iter();
            let candidates = first.chain(others).chain(wish.map(|(format, _)| format)).collect();
            Err(SeedError::of_file(Flaw::AmbiguousFormat { candidates }))
        }
    }
}

/// Tells whether two readings of a file are the same.
fn same(one: &[VendorToken], other: &[VendorToken]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|(a, b)| {
            a.serial == b.serial
                && a.seed.as_bytes() == b.seed.as_bytes()
                && a.parameters == b.parameters
                && (&a.manufacturer, &a.model) == (&b.manufacturer, &b.model)
                && (a.not_before, a.not_after) == (b.not_before, b.not_after)
        })
}

/// Returns the formats that the text may be of, at least one. The first gives the refusal if
/// none can read it.
pub(super) fn candidates(text: &str) -> Vec<Format> {
    if text.trim_start().starts_with('<') {
        return vec![xml(text)];
    }
    if safeword_dat::has_mark(text) {
        return vec![Format::SafewordDat];
    }
    if oath_csv::version(text).is_some() {
        return vec![Format::PrivacyideaCsv];
    }
    let line = Lines::new(text).map(|(_, line)| line.trim_matches([' ', '\t']));
    let line = line.filter(|line| !line.is_empty()).find(|line| !line.starts_with('#'));
    let line = line.unwrap_or_default();
    if let Some(formats) = entra_csv::formats(text) {
        formats.to_vec()
    } else if oath_csv::is_users_file(line) {
        vec![Format::OathCsv]
    } else if yubico_csv::is_event(line) {
        vec![Format::YubicoCsv]
    } else if line.contains([',', ';']) {
        rows(text)
    } else if line.matches(':').count() == 2 {
        vec![Format::NexusText]
    } else if line.contains('\t') {
        vec![Format::MultiotpCsv, Format::FeitianText]
    } else if line.contains(' ') {
        vec![Format::FeitianText]
    } else {
        vec![Format::OathCsv]
    }
}

fn xml(text: &str) -> Format {
    match Xml::new(text).root() {
        Ok(root) if root.name() == "Tokens" => Format::SafenetXml,
        _ => Format::Pskc,
    }
}

/// Returns the formats of plain rows, that which was meant by the look of the first row in front.
fn rows(text: &str) -> Vec<Format> {
    let all = [
        Format::OathCsv,
        Format::PrivacyideaCsv,
        Format::LinotpCsv,
        Format::PlainCsv,
        Format::MultiotpCsv,
        Format::YubicoCsv,
    ];
    let row = Rows::new(text, Hash::Comment, 0, COMMA_OR_SEMICOLON).next();
    let front = row.and_then(Result::ok).map_or(Format::OathCsv, |row| meant(&row));
    let others = all.into_iter().filter(|format| *format != front);
    std::iter::once(front).chain(others).collect()
}

fn meant(row: &Row) -> Format {
    let text = |index: usize| row.fields.get(index).map_or("", |field: &Field| field.text.as_str());
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Longer than a word or a number of these formats.
    let long = |text: &str| text.len() >= 16;
    match row.fields.len() {
        ..=2 => Format::OathCsv,
        3 if digits(text(2)) => Format::PlainCsv,
        6.. if long(text(3)) && digits(text(0)) && !text(2).contains("otp") => Format::YubicoCsv,
        5.. if long(text(3)) => Format::MultiotpCsv,
        6.. if !text(5).is_empty() => Format::LinotpCsv,
        _ => Format::OathCsv,
    }
}
