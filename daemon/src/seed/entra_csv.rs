//! Microsoft Entra CSV: `upn,serial number,secret key,time interval,manufacturer,model`.
//!
//! The format of Entra ID's upload of hardware OATH tokens: a header, base32 seeds, 30 or 60
//! seconds, SHA-1, six digits. The manual says nothing of comment lines, so there are none.
//! Deepnet writes the same for its SafeID tokens, with or without the users, in base32 or in
//! hexadecimal.
//!
//! The header tells where each column is. Vendors write its names in several ways: with and
//! without spaces, in any case, with underscores, and as the fields of Microsoft Graph. A column
//! that is not known is refused: it may change what the others mean.

use super::{
    Format, Hints, Tokens, VendorToken,
    csv::{ANY, Field, Hash, Row, Rows},
    error::{Fault, Flaw},
    place::Places,
    script::Seeds,
    value,
};
use crate::record::{Algorithm, Moving, Parameters};

/// Most columns.
const COLUMNS: usize = 6;

/// The columns: what each is called in a refusal, and how its name is written, without spaces,
/// underscores and dashes.
const NAMES: [(&str, &[&str]); COLUMNS] = [
    ("upn", &["upn", "userprincipalname", "username"]),
    ("serial number", &["serialnumber", "serial"]),
    ("secret key", &["secretkey"]),
    ("time interval", &["timeinterval", "timeintervalinseconds"]),
    ("manufacturer", &["manufacturer"]),
    ("model", &["model"]),
];
/// Indices of [`NAMES`].
const UPN: usize = 0;
const SERIAL: usize = 1;
const SEED: usize = 2;
const PERIOD: usize = 3;
const MANUFACTURER: usize = 4;
const MODEL: usize = 5;

/// Digits of every code: Entra ID takes tokens with six only.
const DIGITS: u8 = 6;

/// Returns whose header the text starts with, or what was meant as one; `None` if it has none.
pub(super) fn formats(text: &str) -> Option<&'static [Format]> {
    let row = Rows::new(text, Hash::Row, COLUMNS, ANY).next()?.ok()?;
    let has = |wanted| row.fields.iter().any(|field| column(&field.text) == Some(wanted));
    match (has(UPN), has(SEED)) {
        (true, _) => Some(&[Format::EntraCsv, Format::SafeidCsv]),
        (false, true) => Some(&[Format::SafeidCsv]),
        (false, false) => None,
    }
}

/// Returns the index of the column with this name. Of the text no copy is made: where there is no
/// header, it may be a seed.
fn column(text: &str) -> Option<usize> {
    let letters = || text.chars().filter(|c| !matches!(c, ' ' | '_' | '-'));
    let is = |name: &&str| letters().map(|c| c.to_ascii_lowercase()).eq(name.chars());
    NAMES.iter().position(|(_, names)| names.iter().any(is))
}

/// Reads the header, and then row by row; an error is one of the whole file.
pub(super) fn rows<'t>(text: &'t str, format: Format, hints: &Hints) -> Result<Tokens<'t>, Fault> {
    let mut rows = Rows::new(text, Hash::Row, COLUMNS, ANY);
    let none = Flaw::WrongHeader { wanted: NAMES[UPN].0 };
    let header = Header::parse(rows.next().ok_or(Fault::new(text.len(), none))??, format)?;
    let mut seeds = Seeds::new(format, hints);
    let mut places = Places::new(text);
    Ok(Box::new(rows.map(move |row| header.token(row?, &mut seeds, &mut places))))
}

/// Where the columns are.
struct Header {
    /// How many there are.
    width: usize,
    /// The index in a row of each of [`NAMES`].
    at: [Option<usize>; COLUMNS],
}

impl Header {
    fn parse(mut row: Row, format: Format) -> Result<Self, Fault> {
        row.drop_fill(1);
        let mut at = [None; COLUMNS];
        for (index, field) in row.fields.iter().enumerate() {
            let slot = column(&field.text).and_then(|column| at.get_mut(column));
            let slot = slot.ok_or(Fault::new(field.offset, Flaw::UnknownColumn))?;
            if slot.replace(index).is_some() {
                return Err(Fault::new(field.offset, Flaw::TwiceColumn));
            }
        }
        // Entra ID wants all; SafeID knows tokens without a user.
        let needed = if format == Format::EntraCsv { &NAMES[UPN..] } else { &NAMES[SERIAL..] };
        for (name, names) in needed {
            let found = names.first().and_then(|name| column(name)).and_then(|at_| at.get(at_));
            if found.copied().flatten().is_none() {
                return Err(Fault::new(row.offset, Flaw::WrongHeader { wanted: name }));
            }
        }
        Ok(Self { width: row.fields.len(), at })
    }

    /// Returns the field of a column in a row.
    fn field<'r>(&self, row: &'r Row, column: usize) -> Result<&'r Field, Fault> {
        let index = self.at.get(column).copied().flatten();
        let field = index.and_then(|index| row.fields.get(index));
        field.ok_or(row.too_short(self.width))
    }

    fn token(
        &self,
        mut row: Row,
        seeds: &mut Seeds,
        places: &mut Places<'_>,
    ) -> Result<VendorToken, Fault> {
        row.drop_fill(self.width);
        row.refuse_more(self.width)?;
        if row.fields.len() < self.width {
            return Err(row.too_short(self.width));
        }
        // The user is one of Entra ID and not taken over; Fob assigns with two codes.
        let serial = value::serial(self.field(&row, SERIAL)?, NAMES[SERIAL].0)?;
        let seed = seeds.read(self.field(&row, SEED)?, NAMES[SEED].0)?;
        let period = self.field(&row, PERIOD)?;
        let period = value::period(value::filled(period, NAMES[PERIOD].0)?, period.offset)?;
        let moving = Moving::Time { period };
        let parameters = Parameters { algorithm: Algorithm::Sha1, digits: DIGITS, moving };
        let (manufacturer, model) = (self.field(&row, MANUFACTURER)?, self.field(&row, MODEL)?);
        Ok(VendorToken {
            manufacturer: value::label(&manufacturer.text, manufacturer.offset)?,
            model: value::label(&model.text, model.offset)?,
            ..VendorToken::of_list(serial, seed, parameters, places.at(row.offset))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Format, Hints, VendorToken, formats};
    use crate::{
        record::{Algorithm, Moving, Parameters},
        seed::{Choice, Place, error::Flaw},
    };

    const HEADER: &str = "upn,serial number,secret key,time interval,manufacturer,model\n";
    const KEY: &str = "AAAQEAYEAUDAOCAJBIFQYDIOB4";

    fn read(text: &str) -> Result<Vec<VendorToken>, Fault> {
        super::rows(text, Format::EntraCsv, &Hints::from(Choice::Detect))?.collect()
    }

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
    fn a_header_is_known_in_every_spelling() {
        for header in [
            " UPN , Serial Number,SECRET KEY,timeinterval,Manufacturer,Model,\r\n",
            "upn,serialNumber,secretKey,timeIntervalInSeconds,manufacturer,model\n",
            "upn;serial_number;secret_key;time_interval;manufacturer;model;;\n",
            "User Principal Name\tSerial-Number\tSecret Key\tTime Interval\tManufacturer\tModel\n",
            "\"upn\",\"serial number\",\"secret key\",\"time interval\",\"manufacturer\",\"model\"\n",
        ] {
            assert!(formats(header).is_some() && read(header).is_ok(), "{header}");
        }
    }

    #[test]
    fn the_header_tells_where_a_column_is() {
        let text = format!(
            "model,secret key,upn,manufacturer,time interval,serial number\nC,{KEY},u,M,60,A1"
        );
        let tokens = read(&text).ok().unwrap();
        assert_eq!(tokens[0].serial.as_str(), "A1");
        assert_eq!(
            (tokens[0].manufacturer.as_deref(), tokens[0].model.as_deref()),
            (Some("M"), Some("C"))
        );
        assert_eq!(tokens[0].parameters.moving, Moving::Time { period: 60 });
    }

    #[test]
    fn a_header_without_users_is_one_of_safeid_alone() {
        let text = "serial number,secret key,time interval,manufacturer,model\n";
        assert_eq!(formats(text), Some([Format::SafeidCsv].as_slice()));
        assert_eq!(refusal(text), (Flaw::WrongHeader { wanted: "upn" }, 1, 1));
        let hex = format!("{text}A1,000102030405060708090a0b0c0d0e0f,60,M,N");
        let hints = Hints::from(Choice::Detect);
        let rows = super::rows(&hex, Format::SafeidCsv, &hints).ok().unwrap();
        let tokens: Vec<_> = rows.map(|token| token.ok().unwrap()).collect();
        assert_eq!(tokens[0].seed.as_bytes(), (0..16).collect::<Vec<u8>>());
        assert_eq!(formats("A1,000102030405060708090a0b0c0d0e0f"), None);
    }

    #[test]
    fn a_header_that_lacks_a_column_or_has_another_is_refused() {
        let wrong = |header: &str| refusal(header);
        assert_eq!(wrong(&HEADER.replace(",model", "")).0, Flaw::WrongHeader { wanted: "model" });
        assert_eq!(wrong(""), (Flaw::WrongHeader { wanted: "upn" }, 1, 1));
        assert_eq!(wrong(&HEADER.replace("model", "hash function")), (Flaw::UnknownColumn, 1, 57));
        assert_eq!(wrong(&HEADER.replace("model", "model,Model")), (Flaw::TwiceColumn, 1, 63));
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
