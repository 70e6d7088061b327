//! What the YubiKey Personalization Tool logs of a slot: 18 columns in the traditional format, and
//! `serial,identity,moving factor,seed,access code,time` in the Yubico format.
//!
//! Only OATH-HOTP slots make codes that Fob knows. The traditional format has no serial of the
//! key: the OATH token identifier takes its place, which the key types before each code unless
//! that is switched off. The Yubico format does not say how many digits a code has; six are what
//! the tool sets, and the caller may say eight.

use fob_api::TokenKind;

use super::{
    Format, Hints, Tokens, VendorToken,
    csv::{COMMA, Field, Hash, Row, Rows},
    date,
    error::{Fault, Flaw},
    place::Places,
    script::Seeds,
    value,
};
use crate::record::Parameters;

/// Columns of the traditional format.
const TRADITIONAL: usize = 18;
/// Columns of the Yubico format.
const SHORT: usize = 6;
/// What a row of the traditional format starts with: what was written, or that logging began.
const EVENTS: [&str; 5] =
    ["oath-hotp", "yubico otp", "static password", "challenge-response", LOGGING];
const LOGGING: &str = "logging start";

/// Tells whether the line is one of the traditional format. Some events go on behind a colon.
pub(super) fn is_event(line: &str) -> bool {
    let event = line.split([',', ':']).next().unwrap_or_default();
    let event = event.trim_matches('"').trim();
    EVENTS.iter().any(|known| event.eq_ignore_ascii_case(known))
}

/// Reads row by row.
pub(super) fn rows<'t>(text: &'t str, hints: &Hints) -> Tokens<'t> {
    let mut reading = Reading {
        kind: hints.kind,
        seeds: Seeds::new(Format::YubicoCsv, hints),
        places: Places::new(text),
    };
    let rows = Rows::new(text, Hash::Comment, TRADITIONAL, COMMA);
    Box::new(rows.filter_map(move |row| row.and_then(|row| reading.token(row)).transpose()))
}

struct Reading<'t> {
    kind: Option<TokenKind>,
    seeds: Seeds,
    places: Places<'t>,
}

impl Reading<'_> {
    /// Reads a row; none if it says that logging began.
    fn token(&mut self, row: Row) -> Result<Option<VendorToken>, Fault> {
        let first = row.fields.first().map_or("", |field| field.text.as_str());
        if first.eq_ignore_ascii_case(LOGGING) {
            return Ok(None);
        }
        let token = if is_event(first) { self.traditional(row) } else { self.short(row) };
        token.map(Some)
    }

    fn traditional(&mut self, mut row: Row) -> Result<VendorToken, Fault> {
        row.drop_fill(TRADITIONAL);
        row.refuse_more(TRADITIONAL)?;
        let [event, _, _, identity, _, seed, rest @ ..] = row.fields.as_slice() else {
            return Err(row.too_short(TRADITIONAL));
        };
        if !event.text.eq_ignore_ascii_case("oath-hotp") {
            return Err(Fault::new(event.offset, Flaw::OtherSlot));
        }
        // Behind the seed: two access codes, three flags, digits, moving factor, five flags.
        let [_, _, _, _, _, digits, factor, _, _, _, _, _] = rest else {
            return Err(row.too_short(TRADITIONAL));
        };
        let serial = value::serial(identity, "OATH token identifier")?;
        let seed = self.seeds.read(seed, "seed")?;
        let digits = value::digits(&digits.text, digits.offset)?;
        refuse_factor(factor)?;
        let parameters = Parameters { digits, ..value::parameters(value::BUTTON, 0) };
        Ok(VendorToken::of_list(serial, seed, parameters, self.places.at(row.offset)))
    }

    fn short(&mut self, mut row: Row) -> Result<VendorToken, Fault> {
        row.drop_fill(SHORT);
        row.refuse_more(SHORT)?;
        let [serial, _, factor, seed, _, time] = row.fields.as_slice() else {
            return Err(row.too_short(SHORT));
        };
        if serial.text.is_empty() || !serial.text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Fault::new(serial.offset, Flaw::BadSerial));
        }
        // The private identity of a Yubico OTP slot stands here, and nothing of a static one.
        if factor.text.is_empty() || factor.text.len() == 12 {
            return Err(Fault::new(factor.offset, Flaw::OtherSlot));
        }
        refuse_factor(factor)?;
        let serial = value::serial(serial, "serial")?;
        let seed = self.seeds.read(seed, "seed")?;
        if date::unix(&time.text).is_none() {
            return Err(Fault::new(time.offset, Flaw::BadDate));
        }
        let kind = self.kind.filter(|kind| kind.period.is_none());
        let parameters = value::parameters(kind.unwrap_or(value::BUTTON), 0);
        Ok(VendorToken::of_list(serial, seed, parameters, self.places.at(row.offset)))
    }
}

/// Refuses a moving factor other than 0: keys count it in units of their own.
fn refuse_factor(field: &Field) -> Result<(), Fault> {
    match field.text.as_str() {
        "0" => Ok(()),
        _ => Err(Fault::new(field.offset, Flaw::UncertainCounter)),
    }
}

#[cfg(test)]
mod tests {
    use super::rows;
    use crate::{
        record::Moving,
        seed::{Choice, Hints, TokenKind, error::Flaw},
    };

    const HEX: &str = "000102030405060708090a0b0c0d0e0f10111213";
    const LONG: &str = "OATH-HOTP,22.11.26 12:00,1,ccccccbcgujh,,KEY,,,0,0,0,6,0,0,0,0,0,0";

    #[track_caller]
    fn of(text: &str, kind: &str) -> Result<Vec<(String, u8)>, (Flaw, usize)> {
        let hints = Hints { kind: TokenKind::from_word(kind), ..Hints::from(Choice::Detect) };
        let text = text.replace("KEY", HEX);
        let tokens: Result<Vec<_>, _> = rows(&text, &hints).collect();
        let tokens = tokens.map_err(|fault| (fault.flaw, fault.offset))?;
        let button = |token: &crate::seed::VendorToken| {
            assert_eq!(token.parameters.moving, Moving::Counter { next: 0 });
            (token.serial.as_str().to_owned(), token.parameters.digits)
        };
        Ok(tokens.iter().map(button).collect())
    }

    #[test]
    fn a_hotp_slot_of_the_traditional_format_is_read() {
        let text = format!("LOGGING START,22.11.26 11:59\n{LONG}\n");
        assert_eq!(of(&text, ""), Ok(vec![("ccccccbcgujh".to_owned(), 6)]));
        assert_eq!(of(&LONG.replace(",6,", ",8,"), ""), Ok(vec![("ccccccbcgujh".to_owned(), 8)]));
    }

    #[test]
    fn a_hotp_slot_of_the_yubico_format_is_read() {
        let text =
            "# OATH\n508326,,0,KEY,,2026-11-22T12:00:00,\n1382042,,0,KEY,,2026-11-22T12:00:10\n";
        let two = |digits| Ok(vec![("508326".to_owned(), digits), ("1382042".to_owned(), digits)]);
        assert_eq!(of(text, ""), two(6));
        assert_eq!(of(text, "hotp-8"), two(8));
    }

    #[test]
    fn other_slots_and_rows_are_refused_where_they_are() {
        let time = "2026-11-22T12:00:00";
        for (row, flaw, offset) in [
            (LONG.replace("OATH-HOTP", "Yubico OTP"), Flaw::OtherSlot, 0),
            (LONG.replace("OATH-HOTP", "Static Password: Scan Code"), Flaw::OtherSlot, 0),
            (
                LONG.replace("ccccccbcgujh", ""),
                Flaw::EmptyField { field: "OATH token identifier" },
                27,
            ),
            (LONG.replace(",6,0,", ",6,1,"), Flaw::UncertainCounter, 92),
            (LONG.replace(",0,0,0,6", ",0,0,0,0"), Flaw::BadDigits, 90),
            (LONG.replace(",6,0", ""), Flaw::TooFewFields { wanted: 18 }, 99),
            (format!("{LONG},0"), Flaw::TooManyFields { wanted: 18 }, 104),
            (format!("508326,cccccccccccc,83cebdfb7b93,KEY,,{time},"), Flaw::OtherSlot, 20),
            (format!("508326,,,KEY,,{time},"), Flaw::OtherSlot, 8),
            (format!("508326,,16,KEY,,{time},"), Flaw::UncertainCounter, 8),
            (format!("A1,,0,KEY,,{time},"), Flaw::BadSerial, 0),
            ("508326,,0,KEY,,yesterday".to_owned(), Flaw::BadDate, 52),
            ("508326,,0,KEY,".to_owned(), Flaw::TooFewFields { wanted: 6 }, 51),
        ] {
            assert_eq!(of(&row, ""), Err((flaw, offset)), "{row}");
        }
    }
}
