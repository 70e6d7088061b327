//! Nexus Digital Access (Hybrid Access Gateway, PortWise): `serial:seed:counter`, the last two in
//! base64.
//!
//! The manual has counters of one zero byte, and says nothing of the order of several bytes.

use fob_api::TokenKind;

use super::{
    Format, Hints, Tokens, VendorToken,
    csv::{Between, Hash, Row, Rows},
    encoding,
    error::{Fault, Flaw},
    place::Places,
    script::Seeds,
    value,
};

/// Columns of a row.
const COLUMNS: usize = 3;
/// What stands between them.
const COLON: Between = Between::OneOf(&[':']);

/// Reads row by row. How many digits a code has, the manual asks for beside the file; hotp and six
/// are usual.
pub(super) fn rows<'t>(text: &'t str, hints: &Hints) -> Tokens<'t> {
    let mut seeds = Seeds::new(Format::NexusText, hints);
    let mut places = Places::new(text);
    let (rows, kind) = (Rows::new(text, Hash::Row, COLUMNS, COLON), hints.kind);
    Box::new(rows.map(move |row| token(&row?, kind, &mut seeds, &mut places)))
}

fn token(
    row: &Row,
    kind: Option<TokenKind>,
    seeds: &mut Seeds,
    places: &mut Places<'_>,
) -> Result<VendorToken, Fault> {
    row.refuse_more(COLUMNS)?;
    let [serial, seed, counter] = row.fields.as_slice() else {
        return Err(row.too_short(COLUMNS));
    };
    let serial = value::serial(serial, "serial")?;
    let seed = seeds.read(seed, "seed")?;
    let bytes = encoding::bytes_from_base64(value::filled(counter, "counter")?, counter.offset)?;
    let next = match bytes.as_slice() {
        [byte] => u64::from(*byte),
        zeroes if zeroes.iter().all(|byte| *byte == 0) => 0,
        _ => return Err(Fault::new(counter.offset, Flaw::UncertainCounter)),
    };
    let kind = kind.unwrap_or(value::BUTTON);
    if kind.period.is_some() {
        return Err(Fault::new(counter.offset, Flaw::CounterOfTotp));
    }
    let parameters = value::parameters(kind, next);
    Ok(VendorToken::of_list(serial, seed, parameters, places.at(row.offset)))
}

#[cfg(test)]
mod tests {
    use super::rows;
    use crate::{
        record::Moving,
        seed::{Choice, Hints, TokenKind, error::Flaw},
    };

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODw==";

    #[track_caller]
    fn of(row: &str, kind: &str) -> Result<(u8, u64), (Flaw, usize)> {
        let hints = Hints { kind: TokenKind::from_word(kind), ..Hints::from(Choice::Detect) };
        let text = row.replace("KEY", KEY);
        let tokens: Result<Vec<_>, _> = rows(&text, &hints).collect();
        let tokens = tokens.map_err(|fault| (fault.flaw, fault.offset))?;
        assert_eq!(tokens[0].seed.as_bytes(), (0..16).collect::<Vec<u8>>());
        let Moving::Counter { next } = tokens[0].parameters.moving else { panic!("no button") };
        Ok((tokens[0].parameters.digits, next))
    }

    #[test]
    fn a_row_is_a_button_token() {
        assert_eq!(of("A1:KEY:AA==\n", ""), Ok((6, 0)));
        assert_eq!(of("A1:KEY:Bw==\n", "hotp-8"), Ok((8, 7)));
        assert_eq!(of("A1:KEY:AAAAAA==\n", ""), Ok((6, 0)));
    }

    #[test]
    fn a_bad_row_is_refused_where_it_is_bad() {
        let at = 4 + KEY.len();
        for (row, kind, flaw, offset) in [
            ("A1:KEY:AAE=", "", Flaw::UncertainCounter, at),
            ("A1:KEY:", "", Flaw::EmptyField { field: "counter" }, at),
            ("A1:KEY:0", "", Flaw::Base64Length, at),
            ("A1:KEY:AA==", "totp-6-30", Flaw::CounterOfTotp, at),
            ("A1:KEY", "", Flaw::TooFewFields { wanted: 3 }, at - 1),
            ("A1:KEY:AA==:x", "", Flaw::TooManyFields { wanted: 3 }, at + 5),
            ("A1:AAE,:AA==", "", Flaw::NotBase64, 6),
        ] {
            assert_eq!(of(row, kind), Err((flaw, offset)), "{row}");
        }
    }
}
