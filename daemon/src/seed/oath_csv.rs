//! OATH CSV: `serial, hexkey[, type[, digits[, period]]]`, one token in a row, no header.
//!
//! There is no standard for it. The columns, their defaults (`hotp`, 6 digits, 30 seconds, SHA-1)
//! and comment lines with `#` are those of privacyIDEA and LinOTP, which vendors write it for, and
//! of NetIQ. Unlike them this reader skips no bad row. Where those programs differ, each has a
//! format of its own: with privacyIDEA the fifth column of a hotp token is its counter, and version
//! 2 has the user in front; LinOTP has a sixth column for the hash, and tells it by the length of
//! the seed where that is empty.

use fob_api::TokenKind;

use super::{
    Format, Hints, Tokens, VendorToken,
    csv::{COMMA_OR_SEMICOLON, Field, Hash, Row, Rows},
    error::{Fault, Flaw},
    place::Places,
    script::Seeds,
    value,
};
use crate::record::{Algorithm, Moving, Parameters};

/// Columns of the shortest row.
const REQUIRED: usize = 2;
/// Columns of the user in version 2 of privacyIDEA: name, resolver, realm.
const USER: usize = 3;

/// Whose rules hold.
#[derive(Clone, Copy)]
pub(super) enum Dialect {
    /// What all have in common.
    Plain,
    /// privacyIDEA.
    PrivacyIdea,
    /// LinOTP.
    LinOtp,
}

impl Dialect {
    fn format(self) -> Format {
        match self {
            Self::Plain => Format::OathCsv,
            Self::PrivacyIdea => Format::PrivacyideaCsv,
            Self::LinOtp => Format::LinotpCsv,
        }
    }

    /// Returns the columns of the longest row, without the user.
    fn columns(self) -> usize {
        match self {
            Self::Plain | Self::PrivacyIdea => 5,
            Self::LinOtp => 6,
        }
    }
}

/// What holds for all rows of a file.
struct Reading<'t> {
    dialect: Dialect,
    kind: Option<TokenKind>,
    /// Columns of the user in front.
    user: usize,
    seeds: Seeds,
    places: Places<'t>,
}

/// Reads row by row; an error is one of the whole file.
pub(super) fn rows<'t>(
    text: &'t str,
    dialect: Dialect,
    hints: &Hints,
) -> Result<Tokens<'t>, Fault> {
    let user = match (dialect, version(text)) {
        (Dialect::PrivacyIdea, Some("2")) => USER,
        (Dialect::PrivacyIdea, Some(other)) if other != "1" => {
            return Err(Fault::new(0, Flaw::OtherVersion));
        }
        _ => 0,
    };
    let seeds = Seeds::new(dialect.format(), hints);
    let mut reading = Reading { dialect, kind: hints.kind, user, seeds, places: Places::new(text) };
    let columns = user + dialect.columns();
    let rows = Rows::new(text, Hash::Comment, columns, COMMA_OR_SEMICOLON);
    Ok(Box::new(rows.map(move |row| reading.token(row?))))
}

/// Returns what stands in a first line `# version: 2` of privacyIDEA.
pub(super) fn version(text: &str) -> Option<&str> {
    let line = text.split(['\n', '\r']).next()?.strip_prefix('#')?;
    Some(line.trim_start().strip_prefix("version:")?.trim())
}

impl Reading<'_> {
    fn token(&mut self, mut row: Row) -> Result<VendorToken, Fault> {
        row.drop_fill(self.user + REQUIRED);
        if let [only] = row.fields.as_slice()
            && is_users_file(&only.text)
        {
            return Err(Fault::new(row.offset, Flaw::UsersFile));
        }
        let wanted = self.user + self.dialect.columns();
        row.refuse_more(wanted)?;
        // Whose token it is there is not taken over; Fob assigns with two codes.
        let Some([serial, seed, options @ ..]) = row.fields.get(self.user..) else {
            return Err(row.too_short(self.user + REQUIRED));
        };
        let serial = value::serial(serial, "serial")?;
        let seed = self.seeds.read(seed, "seed")?;
        let moving = self.moving(options)?;
        let digits = match self.option(options, 1) {
            Some(field) => value::digits(&field.text, field.offset)?,
            None => self.kind.map_or(6, |kind| kind.digits),
        };
        let algorithm = self.algorithm(options, seed.as_bytes().len())?;
        let parameters = Parameters { algorithm, digits, moving };
        let place = self.places.at(row.offset);
        Ok(VendorToken::of_list(serial, seed, parameters, place))
    }

    /// Returns an optional column. LinOTP takes the default for an empty one too.
    fn option<'f>(&self, options: &'f [Field], index: usize) -> Option<&'f Field> {
        let is_missing = |field: &&Field| match self.dialect {
            Dialect::LinOtp => !field.text.is_empty(),
            Dialect::Plain | Dialect::PrivacyIdea => true,
        };
        options.get(index).filter(is_missing)
    }

    fn moving(&self, options: &[Field]) -> Result<Moving, Fault> {
        let period = match self.option(options, 0) {
            Some(field) => kind(field)?,
            None => self.kind.and_then(|kind| kind.period),
        };
        let last = self.option(options, 2);
        match (period, last, self.dialect) {
            (Some(_), Some(field), _) => {
                Ok(Moving::Time { period: value::period(&field.text, field.offset)? })
            }
            (Some(_), None, _) => {
                let period = self.kind.and_then(|kind| kind.period);
                Ok(Moving::Time { period: period.unwrap_or(value::DEFAULT_PERIOD) })
            }
            (None, None, _) => Ok(Moving::Counter { next: 0 }),
            (None, Some(field), Dialect::PrivacyIdea) => {
                Ok(Moving::Counter { next: value::counter(&field.text, field.offset)? })
            }
            // LinOTP does not look at it, and before a hash something may stand there.
            (None, Some(field), Dialect::LinOtp) => {
                let ignored = value::period(&field.text, field.offset);
                ignored.map(|_| Moving::Counter { next: 0 })
            }
            (None, Some(field), Dialect::Plain) => {
                Err(Fault::new(field.offset, Flaw::PeriodOfHotp))
            }
        }
    }

    fn algorithm(&self, options: &[Field], length: usize) -> Result<Algorithm, Fault> {
        match (self.dialect, self.option(options, 3)) {
            (Dialect::LinOtp, Some(field)) => value::hash(&field.text, field.offset),
            (Dialect::LinOtp, None) => Ok(match length {
                32 => Algorithm::Sha256,
                64 => Algorithm::Sha512,
                _ => Algorithm::Sha1,
            }),
            (Dialect::Plain | Dialect::PrivacyIdea, _) => Ok(Algorithm::Sha1),
        }
    }
}

/// Reads the type: the seconds per step unless another column says more, none for a button.
fn kind(field: &Field) -> Result<Option<u32>, Fault> {
    match value::filled(field, "type")? {
        word if word.eq_ignore_ascii_case("hotp") => Ok(None),
        word if word.eq_ignore_ascii_case("totp") => Ok(Some(value::DEFAULT_PERIOD)),
        _ => Err(Fault::new(field.offset, Flaw::OtherType)),
    }
}

/// Tells whether the line is one of pam_oath's users file: `HOTP`, `HOTP/T30` or `HOTP/T30/6`,
/// a user name, a PIN, a seed, all with white space between them.
pub(super) fn is_users_file(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let kind = words.next().and_then(|word| word.split('/').next());
    kind == Some("HOTP") && words.count() >= 3
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Fault, VendorToken};
    use crate::{
        record::{Algorithm, Moving, Parameters},
        seed::{Choice, Hints, Place, TokenKind, error::Flaw},
    };

    const HEX: &str = "000102030405060708090a0b0c0d0e0f";

    fn read(text: &str) -> Result<Vec<VendorToken>, Fault> {
        all(text, Dialect::Plain, &Hints::from(Choice::Detect))
    }

    fn all(text: &str, dialect: Dialect, hints: &Hints) -> Result<Vec<VendorToken>, Fault> {
        super::rows(text, dialect, hints)?.collect()
    }

    #[track_caller]
    fn of(dialect: Dialect, text: &str) -> Result<Parameters, (Flaw, usize)> {
        let text = text.replace("KEY", HEX);
        let tokens = all(&text, dialect, &Hints::from(Choice::Detect));
        tokens.map(|tokens| tokens[0].parameters).map_err(|fault| (fault.flaw, fault.offset))
    }

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

    #[test]
    fn the_fifth_column_of_a_button_token_is_its_counter_for_privacyidea_alone() {
        let row = "A1,KEY,hotp,6,30";
        let at = row.replace("KEY", HEX).len() - 2;
        let want = |next| Parameters {
            algorithm: Algorithm::Sha1,
            digits: 6,
            moving: Moving::Counter { next },
        };
        assert_eq!(of(Dialect::PrivacyIdea, row), Ok(want(30)));
        assert_eq!(of(Dialect::LinOtp, row), Ok(want(0)));
        assert_eq!(of(Dialect::Plain, row), Err((Flaw::PeriodOfHotp, at)));
        assert_eq!(of(Dialect::PrivacyIdea, "A1,KEY,hotp,6,x"), Err((Flaw::BadCounter, at)));
        assert_eq!(of(Dialect::LinOtp, "A1,KEY,hotp,6,7"), Err((Flaw::BadPeriod, at)));
    }

    #[test]
    fn version_two_of_privacyidea_has_the_user_in_front() {
        let text = "# version: 2\r\nalice, resolver, realm, A1, KEY, totp, 8, 60\n,,,A2,KEY\n";
        let text = text.replace("KEY", HEX);
        let hints = Hints::from(Choice::Detect);
        let tokens = all(&text, Dialect::PrivacyIdea, &hints).ok().unwrap();
        let serials: Vec<_> = tokens.iter().map(|token| token.serial.as_str()).collect();
        assert_eq!(serials, ["A1", "A2"]);
        assert_eq!(tokens[0].parameters.moving, Moving::Time { period: 60 });
        let few = "# version: 2\nalice,resolver,realm,A1";
        let wanted = Flaw::TooFewFields { wanted: 5 };
        assert_eq!(of(Dialect::PrivacyIdea, few), Err((wanted, few.len())));
        assert_eq!(of(Dialect::PrivacyIdea, "# version: 3\nA1,KEY"), Err((Flaw::OtherVersion, 0)));
        assert!(of(Dialect::PrivacyIdea, "#version:1\nA1,KEY").is_ok());
    }

    #[test]
    fn linotp_has_a_hash_or_tells_it_by_the_length_of_the_seed() {
        let hash = |row: &str| of(Dialect::LinOtp, row).map(|parameters| parameters.algorithm);
        assert_eq!(hash("A1,KEY"), Ok(Algorithm::Sha1));
        assert_eq!(hash("A1,KEYKEY,totp"), Ok(Algorithm::Sha256));
        assert_eq!(hash("A1,KEYKEYKEYKEY,,,,"), Ok(Algorithm::Sha512));
        assert_eq!(hash("A1,KEYKEY,totp,6,30,sha1"), Ok(Algorithm::Sha1));
        assert_eq!(hash("A1,KEY,hotp,,,SHA256"), Ok(Algorithm::Sha256));
        assert_eq!(hash("A1,KEY,totp,6,30,md5"), Err((Flaw::OtherHash, 46)));
    }

    #[test]
    fn what_a_row_leaves_out_the_caller_may_say() {
        let kind = TokenKind::from_word("totp-8-60");
        let hints = Hints { kind, ..Hints::from(Choice::Detect) };
        let text = format!("A1,{HEX}\nA2,{HEX},hotp\nA3,{HEX},totp,6,30");
        let tokens = all(&text, Dialect::Plain, &hints).ok().unwrap();
        let read: Vec<_> =
            tokens.iter().map(|token| (token.parameters.digits, token.parameters.moving)).collect();
        let time = |period| Moving::Time { period };
        assert_eq!(read, [(8, time(60)), (8, Moving::Counter { next: 0 }), (6, time(30))]);
    }
}
