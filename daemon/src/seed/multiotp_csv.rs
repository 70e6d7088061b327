//! multiOTP's list of tokens: `serial;manufacturer;algorithm;seed;digits;interval or event`.
//!
//! Also with commas or tabs. What it calls the event of a hotp token may be the last or the next
//! counter, so only 0 is read, the counter of a token that was not used yet.

use super::{
    Format, Hints, Tokens, VendorToken,
    csv::{ANY, Field, Hash, Row, Rows},
    error::{Fault, Flaw},
    place::Places,
    script::Seeds,
    value,
};
use crate::record::{Algorithm, Moving, Parameters};

/// Columns of a row.
const COLUMNS: usize = 6;

/// Reads row by row.
pub(super) fn rows<'t>(text: &'t str, hints: &Hints) -> Tokens<'t> {
    let mut seeds = Seeds::new(Format::MultiotpCsv, hints);
    let mut places = Places::new(text);
    let rows = Rows::new(text, Hash::Comment, COLUMNS, ANY);
    Box::new(rows.map(move |row| token(row?, &mut seeds, &mut places)))
}

fn token(mut row: Row, seeds: &mut Seeds, places: &mut Places<'_>) -> Result<VendorToken, Fault> {
    row.drop_fill(COLUMNS);
    row.refuse_more(COLUMNS)?;
    let [serial, manufacturer, algorithm, seed, digits, last] = row.fields.as_slice() else {
        return Err(row.too_short(COLUMNS));
    };
    let serial = value::serial(serial, "serial")?;
    let moving = moving(algorithm, last)?;
    let seed = seeds.read(seed, "seed")?;
    let digits = value::digits(value::filled(digits, "digits")?, digits.offset)?;
    // Last, for it is copied and not wiped: in a list of another program a seed may stand there.
    let label = value::label(&manufacturer.text, manufacturer.offset)?;
    let parameters = Parameters { algorithm: Algorithm::Sha1, digits, moving };
    let place = places.at(row.offset);
    Ok(VendorToken { manufacturer: label, ..VendorToken::of_list(serial, seed, parameters, place) })
}

fn moving(algorithm: &Field, last: &Field) -> Result<Moving, Fault> {
    match value::filled(algorithm, "algorithm")? {
        word if word.eq_ignore_ascii_case("totp") => {
            let period = value::filled(last, "interval")?;
            Ok(Moving::Time { period: value::period(period, last.offset)? })
        }
        word if word.eq_ignore_ascii_case("hotp") => match last.text.as_str() {
            "" | "0" => Ok(Moving::Counter { next: 0 }),
            _ => Err(Fault::new(last.offset, Flaw::UncertainCounter)),
        },
        _ => Err(Fault::new(algorithm.offset, Flaw::OtherType)),
    }
}

#[cfg(test)]
mod tests {
    use super::rows;
    use crate::{
        record::Moving,
        seed::{Choice, Hints, error::Flaw},
    };

    const HEX: &str = "000102030405060708090a0b0c0d0e0f";

    #[track_caller]
    fn of(text: &str) -> Result<(u8, Moving), (Flaw, usize)> {
        let text = text.replace("KEY", HEX);
        let tokens: Result<Vec<_>, _> = rows(&text, &Hints::from(Choice::Detect)).collect();
        let tokens = tokens.map_err(|fault| (fault.flaw, fault.offset))?;
        let labels = (tokens[0].serial.as_str(), tokens[0].manufacturer.as_deref());
        assert_eq!(labels, ("A1", Some("Works, Ltd")));
        Ok((tokens[0].parameters.digits, tokens[0].parameters.moving))
    }

    #[test]
    fn a_row_is_read_with_each_separator() {
        let clock = Ok((6, Moving::Time { period: 60 }));
        assert_eq!(of("A1;Works, Ltd;totp;KEY;6;60\n"), clock);
        assert_eq!(of("A1,\"Works, Ltd\",TOTP,KEY,6,60\n"), clock);
        assert_eq!(of("A1\tWorks, Ltd\ttotp\tKEY\t6\t60\n"), clock);
        let button = Ok((8, Moving::Counter { next: 0 }));
        assert_eq!(of("A1;Works, Ltd;HOTP;AAAQEAYEAUDAOCAJBIFQYDIOB4;8;0"), button);
        assert_eq!(of("A1;Works, Ltd;hotp;KEY;8;"), button);
    }

    #[test]
    fn a_bad_row_is_refused_where_it_is_bad() {
        let at = 11 + HEX.len();
        for (row, flaw, offset) in [
            ("A1;M;motp;KEY;6;10", Flaw::OtherType, 5),
            ("A1;M;totp;KEY;5;30", Flaw::BadDigits, at),
            ("A1;M;totp;KEY;6;10", Flaw::BadPeriod, at + 2),
            ("A1;M;totp;KEY;6;", Flaw::EmptyField { field: "interval" }, at + 2),
            ("A1;M;hotp;KEY;6;3", Flaw::UncertainCounter, at + 2),
            ("A1;M;totp;KEY;6", Flaw::TooFewFields { wanted: 6 }, at + 1),
            ("A1;M;totp;KEY;6;30;x", Flaw::TooManyFields { wanted: 6 }, at + 5),
        ] {
            assert_eq!(of(row), Err((flaw, offset)), "{row}");
        }
    }
}
