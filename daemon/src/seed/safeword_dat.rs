//! SafeWord's authenticator records: lines of `name: value`, a blank line between two tokens.
//!
//! `sccTokenData` has what matters, as `name=value;`. A time token counts its steps from a day of
//! its own and not from 1970. Fob's records have no place for such a day, so it is refused.

use super::{
    Format, Hints, VendorToken,
    csv::{Field, Lines},
    error::{Fault, Flaw},
    place::Places,
    script::Seeds,
    value,
};
use crate::record::{Algorithm, Moving, Parameters, Seed};

/// Tells whether the text begins as such a file does.
pub(super) fn has_mark(text: &str) -> bool {
    let mut lines = Lines::new(text).map(|(_, line)| line.trim());
    let first = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let name = first.split_once(':').map(|(name, _)| name.trim()).unwrap_or_default();
    let known = ["dn", "objectclass", "sccAuthenticatorId", "sccTokenType", "sccTokenData"];
    (first.starts_with('#') && first.contains("SafeWord"))
        || known.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// A token of which some lines were read.
struct Open {
    offset: usize,
    serial: Option<Field>,
    data: Option<Data>,
}

/// What `sccTokenData` says.
#[derive(Default)]
struct Data {
    seed: Option<Seed>,
    button: Option<()>,
    digits: Option<u8>,
    algorithm: Option<Algorithm>,
}

/// Reads every token.
pub(super) fn read(text: &str, hints: &Hints) -> Result<Vec<VendorToken>, Fault> {
    let mut seeds = Seeds::new(Format::SafewordDat, hints);
    let mut places = Places::new(text);
    let mut tokens = Vec::new();
    let mut open: Option<Open> = None;
    for (start, line) in Lines::new(text) {
        let content = line.trim_matches([' ', '\t']);
        if content.is_empty() {
            if let Some(open) = open.take() {
                tokens.push(token(open, &mut places)?);
            }
        } else if !content.starts_with('#') {
            let offset = start + (line.len() - line.trim_start_matches([' ', '\t']).len());
            let open = open.get_or_insert(Open { offset, serial: None, data: None });
            entry(open, content, offset, &mut seeds)?;
        }
    }
    if let Some(open) = open {
        tokens.push(token(open, &mut places)?);
    }
    Ok(tokens)
}

fn token(open: Open, places: &mut Places<'_>) -> Result<VendorToken, Fault> {
    let missing = |name| Fault::new(open.offset, Flaw::Missing { name });
    let serial = open.serial.as_ref().ok_or(missing("sccAuthenticatorId"))?;
    let serial = value::serial(serial, "sccAuthenticatorId")?;
    let data = open.data.ok_or(missing("sccTokenData"))?;
    data.button.ok_or(missing("sccMode"))?;
    let parameters = Parameters {
        algorithm: data.algorithm.unwrap_or(Algorithm::Sha1),
        digits: data.digits.ok_or(missing("sccPwLen"))?,
        moving: Moving::Counter { next: 0 },
    };
    let seed = data.seed.ok_or(missing("sccKey"))?;
    Ok(VendorToken::of_list(serial, seed, parameters, places.at(open.offset)))
}

/// Splits at the character and returns both sides without blanks, the second with its offset.
fn split(text: &str, at: char, offset: usize) -> Option<(&str, Field)> {
    let (name, value) = text.split_once(at)?;
    let blank = value.len() - value.trim_start_matches([' ', '\t']).len();
    let offset = offset + name.len() + at.len_utf8() + blank;
    Some((name.trim_matches([' ', '\t']), Field::new(value.trim_matches([' ', '\t']), offset)))
}

/// Reads a line.
fn entry(open: &mut Open, line: &str, offset: usize, seeds: &mut Seeds) -> Result<(), Fault> {
    let twice = |name| Fault::new(offset, Flaw::Twice { name });
    let (name, value) = split(line, ':', offset).ok_or(Fault::new(offset, Flaw::NoEntry))?;
    match name.to_ascii_lowercase().as_str() {
        "sccauthenticatorid" => match open.serial.replace(value) {
            Some(_) => Err(twice("sccAuthenticatorId")),
            None => Ok(()),
        },
        "scctokendata" => match open.data.replace(data(&value, seeds)?) {
            Some(_) => Err(twice("sccTokenData")),
            None => Ok(()),
        },
        // What the token is called, and a signature over it that nobody here can check.
        "dn" | "objectclass" | "scctokentype" | "sccauthenticatortype" | "sccsignature" => Ok(()),
        _ => Err(Fault::new(offset, Flaw::NoEntry)),
    }
}

fn data(list: &Field, seeds: &mut Seeds) -> Result<Data, Fault> {
    let mut data = Data::default();
    let mut offset = list.offset;
    for part in list.text.split(';') {
        if !part.trim().is_empty() {
            let (name, value) =
                split(part, '=', offset).ok_or(Fault::new(offset, Flaw::NoEntry))?;
            let is_first = match name.to_ascii_lowercase().as_str() {
                "scckey" => data.seed.replace(seed(&value, seeds)?).is_none(),
                "sccmode" => data.button.replace(button(&value)?).is_none(),
                "sccpwlen" => {
                    data.digits.replace(value::digits(&value.text, value.offset)?).is_none()
                }
                "crypto" => {
                    data.algorithm.replace(value::hash(&value.text, value.offset)?).is_none()
                }
                "sccver" | "scctick" | "sccprtime" => true,
                _ => return Err(Fault::new(offset, Flaw::NoEntry)),
            };
            if !is_first {
                return Err(Fault::new(offset, Flaw::Twice { name: "this entry" }));
            }
        }
        offset += part.len() + 1;
    }
    Ok(data)
}

/// Reads a seed. In parentheses there is one that SafeWord's own key encrypts.
fn seed(value: &Field, seeds: &mut Seeds) -> Result<Seed, Fault> {
    if value.text.starts_with('(') {
        return Err(Fault::new(value.offset, Flaw::SealedForSafeword));
    }
    seeds.read(value, "sccKey")
}

/// Takes a mode of E, events.
fn button(mode: &Field) -> Result<(), Fault> {
    match mode.text.as_str() {
        "E" | "e" => Ok(()),
        "T" | "t" => Err(Fault::new(mode.offset, Flaw::OtherOrigin)),
        _ => Err(Fault::new(mode.offset, Flaw::OtherType)),
    }
}

#[cfg(test)]
mod tests {
    use super::{has_mark, read};
    use crate::{
        record::{Algorithm, Moving},
        seed::{Choice, Hints, error::Flaw},
    };

    const HEX: &str = "000102030405060708090A0B0C0D0E0F10111213";
    const EVENT: &str = "dn: sccAuthenticatorId=A1\nobjectclass: sccCompatibleToken\n\
         sccAuthenticatorId: A1\nsccTokenType: eToken-PASS-ES\n\
         sccTokenData: sccKey=KEY;sccMode=E;sccPwLen=6;sccVer=6.20;\nsccSignature:MC0=\n";

    type Read = Vec<(String, u8, Algorithm)>;

    #[track_caller]
    fn of(text: &str) -> Result<Read, (Flaw, usize)> {
        let tokens = read(&text.replace("KEY", HEX), &Hints::from(Choice::Detect));
        let tokens = tokens.map_err(|fault| (fault.flaw, fault.offset))?;
        let about = |token: &crate::seed::VendorToken| {
            assert_eq!(token.parameters.moving, Moving::Counter { next: 0 });
            let parameters = token.parameters;
            (token.serial.as_str().to_owned(), parameters.digits, parameters.algorithm)
        };
        Ok(tokens.iter().map(about).collect())
    }

    #[test]
    fn event_tokens_are_read_each_from_its_own_block() {
        let second =
            EVENT.replace("A1", "A2").replace("sccPwLen=6", "sccPwLen=8;crypto=HmacSHA256");
        let text = format!("# == SafeWord Authenticator Records ==\n{EVENT}\n\n{second}");
        assert!(has_mark(&text) && has_mark(EVENT));
        let want = [("A1".to_owned(), 6, Algorithm::Sha1), ("A2".to_owned(), 8, Algorithm::Sha256)];
        assert_eq!(of(&text), Ok(want.to_vec()));
    }

    #[test]
    fn a_time_token_is_refused_for_its_own_origin() {
        let text = EVENT.replace("sccMode=E", "sccMode=T;sccTick=30;sccPrTime=2013/03/12 00:00:00");
        assert_eq!(of(&text), Err((Flaw::OtherOrigin, 180)));
    }

    #[test]
    fn what_is_missing_twice_or_unknown_is_refused() {
        let without = |part: &str| EVENT.replace(part, "");
        let missing = |name| Err((Flaw::Missing { name }, 0));
        assert_eq!(of(&without("sccAuthenticatorId: A1\n")), missing("sccAuthenticatorId"));
        assert_eq!(of(&without("sccKey=KEY;")), missing("sccKey"));
        assert_eq!(of(&without("sccMode=E;")), missing("sccMode"));
        assert_eq!(of(&without("sccPwLen=6;")), missing("sccPwLen"));
        let flaw = |text: String| of(&text).map_err(|(flaw, _)| flaw);
        assert_eq!(flaw(EVENT.replace("sccVer", "sccSalt")), Err(Flaw::NoEntry));
        assert_eq!(flaw(EVENT.replace("dn:", "cn:")), Err(Flaw::NoEntry));
        assert_eq!(flaw(format!("{EVENT}junk\n")), Err(Flaw::NoEntry));
        let twice = EVENT.replace("sccVer=6.20", "sccPwLen=6");
        assert_eq!(flaw(twice), Err(Flaw::Twice { name: "this entry" }));
        let twice = EVENT.replace("\nsccSig", "\nsccAuthenticatorId: A2\nsccSig");
        assert_eq!(flaw(twice), Err(Flaw::Twice { name: "sccAuthenticatorId" }));
        assert_eq!(flaw(EVENT.replace("KEY", "(AES:00)")), Err(Flaw::SealedForSafeword));
        assert_eq!(flaw(EVENT.replace("=E", "=X")), Err(Flaw::OtherType));
    }
}
