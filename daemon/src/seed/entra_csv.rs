//! Microsoft Entra CSV: `upn,serial number,secret key,time interval,manufacturer,model`.
//!
//! The format of Entra ID's upload of hardware OATH tokens: a header, base32 seeds, 30 or 60
//! seconds, SHA-1, six digits. The manual says nothing of comment lines, so there are none.

use fob_api::Serial;

use super::{
    VendorToken,
    csv::{Hash, Row, Rows},
    encoding::seed_from_base32,
    error::{Fault, Flaw},
    place::Places,
    value,
};
use crate::record::{Algorithm, Moving, Parameters};

/// The columns in their order.
const HEADER: [&str; 6] =
    ["upn", "serial number", "secret key", "time interval", "manufacturer", "model"];

/// Digits of every code: Entra ID takes tokens with six only.
const DIGITS: u8 = 6;

/// Tells whether the text starts with such a header, or with something that was meant as one.
pub(super) fn has_header(text: &str) -> bool {
    match Rows::new(text, Hash::Row, HEADER.len()).next() {
        Some(Ok(row)) => row.fields.iter().any(|f| is(&f.text, "upn") || is(&f.text, "secret key")),
        _ => false,
    }
}

/// Reads the header and every row behind it.
pub(super) fn read(text: &str) -> Result<Vec<VendorToken>, Fault> {
    let mut places = Places::new(text);
    let mut rows = Rows::new(text, Hash::Row, HEADER.len());
    let wrong = Flaw::WrongHeader { wanted: HEADER[0] };
    header(rows.next().ok_or(Fault::new(text.len(), wrong))??)?;
    rows.map(|row| token(row?, &mut places)).collect()
}

/// Compares without case and spaces: vendors write `timeinterval` and `Serial Number` too.
fn is(text: &str, name: &str) -> bool {
    let letters = |text: &str| text.replace(' ', "").to_ascii_lowercase();
    letters(text) == letters(name)
}

fn header(mut row: Row) -> Result<(), Fault> {
    row.drop_fill(HEADER.len());
    for (index, wanted) in HEADER.into_iter().enumerate() {
        let offset = match row.fields.get(index) {
            Some(field) if is(&field.text, wanted) => continue,
            Some(field) => field.offset,
            None => row.end,
        };
        return Err(Fault::new(offset, Flaw::WrongHeader { wanted }));
    }
    refuse_more(&row)
}

fn token(mut row: Row, places: &mut Places<'_>) -> Result<VendorToken, Fault> {
    row.drop_fill(HEADER.len());
    refuse_more(&row)?;
    // The user in the first column is one of Entra ID; Fob assigns with two codes.
    let [_, serial, seed, period, manufacturer, model] = row.fields.as_slice() else {
        return Err(Fault::new(row.end, Flaw::TooFewFields { wanted: HEADER.len() }));
    };
    let serial = Serial::parse(value::filled(serial, HEADER[1])?)
        .map_err(|_| Fault::new(serial.offset, Flaw::BadSerial))?;
    let seed = seed_from_base32(value::filled(seed, HEADER[2])?, seed.offset)?;
    let period = value::period(value::filled(period, HEADER[3])?, period.offset)?;
    let moving = Moving::Time { period };
    Ok(VendorToken {
        serial,
        seed,
        parameters: Parameters { algorithm: Algorithm::Sha1, digits: DIGITS, moving },
        manufacturer: value::label(&manufacturer.text, manufacturer.offset)?,
        model: value::label(&model.text, model.offset)?,
        not_after: None,
        place: places.at(row.offset),
    })
}

fn refuse_more(row: &Row) -> Result<(), Fault> {
    match row.fields.get(HEADER.len()) {
        Some(extra) => Err(Fault::new(extra.offset, Flaw::TooManyFields { wanted: HEADER.len() })),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{has_header, read};
    use crate::{
        record::{Algorithm, Moving, Parameters},
        seed::{Place, error::Flaw},
    };

    const HEADER: &str = "upn,serial number,secret key,time interval,manufacturer,model\n";
    const KEY: &str = "AAAQEAYEAUDAOCAJBIFQYDIOB4";

    #[track_caller]
    fn refusal(text: &str) -> (Flaw, u32, u32) {
        let text = text.replace("KEY", KEY);
        let error = read(&text).err().unwrap().locate(&text);
        let Place { line, column } = error.place().unwrap();
        (error.flaw().clone(), line, column)
    }

    #[test]
    fn a_row_becomes_a_six_digit_clock_token() {
        let tokens = read(&format!("{HEADER},A1,{KEY},60,\"Works, Ltd\",\n")).ok().unwrap();
        let [token] = tokens.as_slice() else { panic!("one token") };
        let moving = Moving::Time { period: 60 };
        let want = Parameters { algorithm: Algorithm::Sha1, digits: 6, moving };
        assert_eq!((token.serial.as_str(), token.parameters), ("A1", want));
        assert_eq!(token.seed.as_bytes(), (0..16).collect::<Vec<u8>>());
        assert_eq!((token.manufacturer.as_deref(), &token.model), (Some("Works, Ltd"), &None));
        assert_eq!(token.place, Place { line: 2, column: 1 });
    }

    #[test]
    fn a_header_is_known_in_any_case_and_spacing() {
        let text = " UPN , Serial Number,SECRET KEY,timeinterval,Manufacturer,Model,\r\n";
        assert!(has_header(text) && read(text).is_ok());
    }

    #[test]
    fn a_header_without_upn_is_one_and_is_refused() {
        let text = "serial number,secret key,time interval,manufacturer,model\n";
        assert!(has_header(text));
        assert_eq!(refusal(text), (Flaw::WrongHeader { wanted: "upn" }, 1, 1));
        assert_eq!(refusal(&HEADER.replace(",model", "")).0, Flaw::WrongHeader { wanted: "model" });
        assert_eq!(refusal(""), (Flaw::WrongHeader { wanted: "upn" }, 1, 1));
        assert!(!has_header("A1,000102030405060708090a0b0c0d0e0f"));
    }

    #[test]
    fn a_bad_row_is_refused_where_it_is_bad() {
        let cases = [
            ("A1,KEY,30,M,N", Flaw::TooFewFields { wanted: 6 }, 37),
            ("u,A1,KEY,30,M,N,x", Flaw::TooManyFields { wanted: 6 }, 40),
            ("u,,KEY,30,M,N", Flaw::EmptyField { field: "serial number" }, 3),
            ("u,A1,,30,M,N", Flaw::EmptyField { field: "secret key" }, 6),
            ("u,A1,KE0,30,M,N", Flaw::NotBase32, 8),
            ("u,A1,KE ABCDEF,30,M,N", Flaw::NotBase32, 8),
            ("u,A1,AAAQEAYE,30,M,N", Flaw::SeedTooShort, 6),
            ("u,A1,KEY,31,M,N", Flaw::BadPeriod, 33),
            ("u,A1,KEY,,M,N", Flaw::EmptyField { field: "time interval" }, 33),
            ("u,A1,KEY,30,M\u{202e},N", Flaw::BadText, 36),
        ];
        for (row, flaw, column) in cases {
            assert_eq!(refusal(&format!("{HEADER}{row}")), (flaw, 2, column), "{row}");
        }
    }
}
