//! OATH CSV: `serial, hexkey[, type[, digits[, period]]]`, one token in a row, no header.
//!
//! There is no standard for it. The columns and their defaults (`hotp`, 6 digits, 30 seconds,
//! SHA-1) and comment lines with `#` are those of privacyIDEA and LinOTP, which vendors write
//! it for. Unlike them this reader takes the hash always as SHA-1 and skips no bad row.

use fob_api::Serial;

use super::{
    VendorToken,
    csv::{Field, Hash, Row, Rows},
    encoding::seed_from_hex,
    error::{Fault, Flaw},
    place::Places,
    value,
};
use crate::record::{Algorithm, Moving, Parameters};

/// Columns of the longest row.
const COLUMNS: usize = 5;
/// Columns of the shortest row.
const REQUIRED: usize = 2;

#[derive(Clone, Copy)]
enum Kind {
    Hotp,
    Totp,
}

/// Reads every row.
pub(super) fn read(text: &str) -> Result<Vec<VendorToken>, Fault> {
    let mut places = Places::new(text);
    Rows::new(text, Hash::Comment, COLUMNS).map(|row| token(row?, &mut places)).collect()
}

fn token(mut row: Row, places: &mut Places<'_>) -> Result<VendorToken, Fault> {
    row.drop_fill(REQUIRED);
    if let [only] = row.fields.as_slice()
        && is_users_file(&only.text)
    {
        return Err(Fault::new(row.offset, Flaw::UsersFile));
    }
    if let Some(extra) = row.fields.get(COLUMNS) {
        return Err(Fault::new(extra.offset, Flaw::TooManyFields { wanted: COLUMNS }));
    }
    let [serial, seed, options @ ..] = row.fields.as_slice() else {
        return Err(Fault::new(row.end, Flaw::TooFewFields { wanted: REQUIRED }));
    };
    let serial = Serial::parse(value::filled(serial, "serial")?)
        .map_err(|_| Fault::new(serial.offset, Flaw::BadSerial))?;
    let seed = seed_from_hex(value::filled(seed, "seed")?, seed.offset)?;
    let kind = options.first().map_or(Ok(Kind::Hotp), kind)?;
    let digits = options.get(1).map_or(Ok(6), |f| value::digits(&f.text, f.offset))?;
    let moving = moving(kind, options.get(2))?;
    let parameters = Parameters { algorithm: Algorithm::Sha1, digits, moving };
    let place = places.at(row.offset);
    Ok(VendorToken {
        serial,
        seed,
        parameters,
        manufacturer: None,
        model: None,
        not_after: None,
        place,
    })
}

fn kind(field: &Field) -> Result<Kind, Fault> {
    match value::filled(field, "type")? {
        word if word.eq_ignore_ascii_case("hotp") => Ok(Kind::Hotp),
        word if word.eq_ignore_ascii_case("totp") => Ok(Kind::Totp),
        _ => Err(Fault::new(field.offset, Flaw::OtherType)),
    }
}

fn moving(kind: Kind, period: Option<&Field>) -> Result<Moving, Fault> {
    match (kind, period) {
        (Kind::Hotp, None) => Ok(Moving::Counter { next: 0 }),
        (Kind::Hotp, Some(field)) => Err(Fault::new(field.offset, Flaw::PeriodOfHotp)),
        (Kind::Totp, None) => Ok(Moving::Time { period: value::DEFAULT_PERIOD }),
        (Kind::Totp, Some(field)) => {
            Ok(Moving::Time { period: value::period(&field.text, field.offset)? })
        }
    }
}

/// Tells whether the line is one of pam_oath's users file: `HOTP`, `HOTP/T30` or `HOTP/T30/6`,
/// a user name, a PIN, a seed, all with white space between them.
fn is_users_file(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let kind = words.next().and_then(|word| word.split('/').next());
    kind == Some("HOTP") && words.count() >= 3
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::{
        record::{Algorithm, Moving, Parameters},
        seed::{Place, error::Flaw},
    };

    const HEX: &str = "000102030405060708090a0b0c0d0e0f";

    fn parameters(row: &str) -> Parameters {
        let text = row.replace("KEY", HEX);
        let tokens = read(&text).ok().unwrap();
        assert_eq!(tokens.len(), 1);
        tokens[0].parameters
    }

    #[track_caller]
    fn refusal(text: &str) -> (Flaw, u32, u32) {
        let text = text.replace("KEY", HEX);
        let error = read(&text).err().unwrap().locate(&text);
        let Place { line, column } = error.place().unwrap();
        (error.flaw().clone(), line, column)
    }

    #[test]
    fn the_defaults_are_hotp_with_six_digits_and_thirty_seconds() {
        let algorithm = Algorithm::Sha1;
        let hotp = Moving::Counter { next: 0 };
        assert_eq!(parameters("A1,KEY"), Parameters { algorithm, digits: 6, moving: hotp });
        let totp = Moving::Time { period: 30 };
        assert_eq!(parameters("A1,KEY,totp"), Parameters { algorithm, digits: 6, moving: totp });
    }

    #[test]
    fn every_column_is_heard() {
        let totp = Moving::Time { period: 60 };
        let want = Parameters { algorithm: Algorithm::Sha1, digits: 8, moving: totp };
        assert_eq!(parameters("A1, KEY, TOTP, 8, 60"), want);
        let hotp = Moving::Counter { next: 0 };
        let want = Parameters { algorithm: Algorithm::Sha1, digits: 7, moving: hotp };
        assert_eq!(parameters("\"A1\",\"KEY\",Hotp,7,"), want);
    }

    #[test]
    fn comments_and_blank_lines_are_no_tokens() {
        let tokens = read(&format!("# tokens\r\n\r\nA1,{HEX}\r\n \r\nA2,{HEX}")).ok().unwrap();
        let places: Vec<_> = tokens.iter().map(|token| token.place.line).collect();
        assert_eq!(places, [3, 5]);
    }

    #[test]
    fn a_bad_hex_digit_is_found_by_line_and_column() {
        assert_eq!(refusal("A1,KEY\nA2, 00112g33"), (Flaw::NotHex, 2, 10));
        assert_eq!(refusal("\u{e9}A1,KEY"), (Flaw::BadSerial, 1, 1));
    }

    #[test]
    fn a_bad_row_is_refused_where_it_is_bad() {
        let cases = [
            ("A1", Flaw::TooFewFields { wanted: 2 }, 3),
            ("A1,", Flaw::EmptyField { field: "seed" }, 4),
            (" ,KEY", Flaw::EmptyField { field: "serial" }, 2),
            ("A 1,KEY", Flaw::BadSerial, 1),
            ("A1,KEY,ocra", Flaw::OtherType, 37),
            ("A1,KEY,,6", Flaw::EmptyField { field: "type" }, 37),
            ("A1,KEY,totp,5", Flaw::BadDigits, 42),
            ("A1,KEY,totp,06", Flaw::BadDigits, 42),
            ("A1,KEY,totp,6,45", Flaw::BadPeriod, 44),
            ("A1,KEY,hotp,6,30", Flaw::PeriodOfHotp, 44),
            ("A1,KEY,totp,6,30,x", Flaw::TooManyFields { wanted: 5 }, 47),
        ];
        for (row, flaw, column) in cases {
            assert_eq!(refusal(row), (flaw, 1, column), "{row}");
        }
    }

    #[test]
    fn a_users_file_of_pam_oath_is_named() {
        let line = "HOTP/T30\talice\t-\tKEY\t0";
        assert_eq!(refusal(&format!("# users\n{line}")), (Flaw::UsersFile, 2, 1));
    }
}
