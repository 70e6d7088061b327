//! Serial and seed, and nothing on what the tokens are: `serial,seed[,counter]`, and Feitian's
//! text with blanks between the two.
//!
//! Duo and PingID ask for the type beside such a file, so the caller has to say it here too.
//! Feitian writes base32 or hexadecimal, as was ordered.

use std::iter;

use fob_api::TokenKind;

use super::{
    Format, Hints, Tokens, VendorToken,
    csv::{Between, COMMA_OR_SEMICOLON, Hash, Row, Rows},
    error::{Fault, Flaw},
    place::Places,
    script::Seeds,
    value,
};

/// Reads row by row. That the kind is missing is told last: only a file that could be read with it
/// is one of these.
pub(super) fn rows<'t>(text: &'t str, format: Format, hints: &Hints) -> Tokens<'t> {
    let (between, columns) = match format {
        Format::FeitianText => (Between::Blanks, 2),
        _ => (COMMA_OR_SEMICOLON, 3),
    };
    let mut seeds = Seeds::new(format, hints);
    let mut places = Places::new(text);
    let mut rows = Rows::new(text, Hash::Comment, columns, between);
    let (kind, mut first) = (hints.kind, None);
    let mut read = move |mut row: Row| {
        row.drop_fill(2);
        row.refuse_more(columns)?;
        token(&row, kind, &mut seeds, &mut places).map(|token| (row.offset, token))
    };
    Box::new(iter::from_fn(move || match rows.next() {
        Some(row) => Some(row.and_then(&mut read).map(|(offset, token)| {
            first.get_or_insert(offset);
            token
        })),
        None => {
            let lacking = first.take().filter(|_| kind.is_none())?;
            Some(Err(Fault::new(lacking, Flaw::KindIsMissing)))
        }
    }))
}

fn token(
    row: &Row,
    kind: Option<TokenKind>,
    seeds: &mut Seeds,
    places: &mut Places<'_>,
) -> Result<VendorToken, Fault> {
    let [serial, seed, rest @ ..] = row.fields.as_slice() else {
        return Err(row.too_short(2));
    };
    let serial = value::serial(serial, "serial")?;
    let seed = seeds.read(seed, "seed")?;
    let next = match rest {
        [counter, ..] => {
            let next = value::counter(&counter.text, counter.offset)?;
            if kind.is_some_and(|kind| kind.period.is_some()) {
                return Err(Fault::new(counter.offset, Flaw::CounterOfTotp));
            }
            next
        }
        [] => 0,
    };
    let parameters = value::parameters(kind.unwrap_or(value::BUTTON), next);
    Ok(VendorToken::of_list(serial, seed, parameters, places.at(row.offset)))
}

#[cfg(test)]
mod tests {
    use super::rows;
    use crate::{
        record::{Algorithm, Moving, Parameters},
        seed::{Choice, Format, Hints, TokenKind, error::Flaw},
    };

    const HEX: &str = "000102030405060708090a0b0c0d0e0f";
    const BASE32: &str = "AAAQEAYEAUDAOCAJBIFQYDIOB4";

    /// Reads one row, and says what became of it.
    #[track_caller]
    fn of(format: Format, kind: &str, text: &str) -> Result<(u8, Moving), (Flaw, usize)> {
        let hints = Hints { kind: TokenKind::from_word(kind), ..Hints::from(Choice::Detect) };
        let text = text.replace("KEY", HEX).replace("B32", BASE32);
        let tokens: Result<Vec<_>, _> = rows(&text, format, &hints).collect();
        let tokens = tokens.map_err(|fault| (fault.flaw, fault.offset))?;
        assert_eq!(tokens[0].seed.as_bytes(), (0..16).collect::<Vec<u8>>());
        let Parameters { algorithm, digits, moving } = tokens[0].parameters;
        assert_eq!((tokens[0].serial.as_str(), algorithm), ("A1", Algorithm::Sha1));
        Ok((digits, moving))
    }

    #[test]
    fn what_the_tokens_are_the_caller_says() {
        let csv = |kind, text| of(Format::PlainCsv, kind, text);
        assert_eq!(csv("totp-6-60", "A1,KEY"), Ok((6, Moving::Time { period: 60 })));
        assert_eq!(csv("totp-8-30", "A1,KEY,,"), Ok((8, Moving::Time { period: 30 })));
        assert_eq!(csv("hotp-8", "\"A1\",\"KEY\",\"7\""), Ok((8, Moving::Counter { next: 7 })));
        assert_eq!(csv("", "# tokens\nA1;KEY"), Err((Flaw::KindIsMissing, 9)));
        assert_eq!(csv("totp-6-30", "A1,KEY,0"), Err((Flaw::CounterOfTotp, 36)));
        assert_eq!(csv("hotp-6", "A1,KEY,-1"), Err((Flaw::BadCounter, 36)));
        assert_eq!(csv("", "A1,KEY,0,1"), Err((Flaw::TooManyFields { wanted: 3 }, 38)));
        assert_eq!(csv("", "A1"), Err((Flaw::TooFewFields { wanted: 2 }, 2)));
        assert_eq!(csv("hotp-6", "A1,B32"), Err((Flaw::NotHex, 6)));
    }

    #[test]
    fn feitian_s_text_has_blanks_and_either_encoding() {
        let text = |kind, text| of(Format::FeitianText, kind, text);
        assert_eq!(text("totp-6-60", "A1\tKEY\r\n\r\n"), Ok((6, Moving::Time { period: 60 })));
        assert_eq!(text("totp-6-30", " A1   B32 "), Ok((6, Moving::Time { period: 30 })));
        assert_eq!(text("", "A1 KEY"), Err((Flaw::KindIsMissing, 0)));
        assert_eq!(text("hotp-6", "A1 KEY 0"), Err((Flaw::TooManyFields { wanted: 2 }, 36)));
        let both = "A1 22334455667722334455667722334455";
        assert_eq!(text("hotp-6", both), Err((Flaw::AmbiguousEncoding, 3)));
    }
}
