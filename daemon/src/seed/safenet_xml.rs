//! SafeNet's and Aladdin's XML for eToken PASS: `Tokens`, in it a `Token` with `Applications`, in
//! them one `Application` with `Seed` and `MovingFactor`.
//!
//! There is no schema in public. What an element means that is not known here nobody says, so
//! only those that describe the thing are skipped.

use super::{
    Format, Hints, VendorToken,
    csv::Field,
    error::{Fault, Flaw},
    place::Places,
    script::Seeds,
    value,
    xml::{Element, Space, Text, Xml},
};
use crate::record::{Algorithm, Parameters, Seed};

/// Reads every token.
pub(super) fn read(text: &str, hints: &Hints) -> Result<Vec<VendorToken>, Fault> {
    let mut xml = Xml::new(text);
    let mut seeds = Seeds::new(Format::SafenetXml, hints);
    let mut places = Places::new(text);
    let mut tokens = Vec::new();
    let root = xml.root()?;
    if root.name() != "Tokens" || root.space != Space::Other {
        return Err(root.fault(Flaw::NotSafenet));
    }
    while let Some(element) = xml.child()? {
        if element.name() != "Token" {
            return Err(element.fault(Flaw::Unexpected));
        }
        tokens.push(token(&mut xml, &element, hints, &mut seeds, &mut places)?);
    }
    xml.finish()?;
    Ok(tokens)
}

fn token(
    xml: &mut Xml<'_>,
    token: &Element<'_>,
    hints: &Hints,
    seeds: &mut Seeds,
    places: &mut Places<'_>,
) -> Result<VendorToken, Fault> {
    let serial = Field::new(&token.required("serial")?, token.offset);
    let serial = value::serial(&serial, "serial")?;
    let (mut application, mut model) = (None, None);
    while let Some(element) = xml.child()? {
        match element.name() {
            "Applications" => {
                element.once(&application, "Applications")?;
                application = Some(applications(xml, &element, seeds)?);
            }
            "ProductName" => {
                element.once(&model, "ProductName")?;
                let name = xml.text()?;
                model = Some(value::label(name.value(), 0).map_err(|f| name.fault(f.flaw))?);
            }
            "CaseModel" | "Model" | "ProductionDate" => xml.skip()?,
            _ => return Err(element.fault(Flaw::Unexpected)),
        }
    }
    let (seed, next, at) = application.ok_or(token.fault(Flaw::NoSecret))?;
    let kind = hints.kind.filter(|kind| kind.period.is_none()).unwrap_or(value::BUTTON);
    let algorithm = match seed.as_bytes().len() {
        20 => Algorithm::Sha1,
        32 => Algorithm::Sha256,
        _ => return Err(Fault::new(at, Flaw::OtherLength)),
    };
    let parameters = Parameters { algorithm, ..value::parameters(kind, next) };
    let token = VendorToken::of_list(serial, seed, parameters, places.at(token.offset));
    Ok(VendorToken { model: model.flatten(), ..token })
}

/// Reads the one Application: its seed, the next counter, and where the seed stands.
fn applications(
    xml: &mut Xml<'_>,
    parent: &Element<'_>,
    seeds: &mut Seeds,
) -> Result<(Seed, u64, usize), Fault> {
    let mut found = None;
    while let Some(element) = xml.child()? {
        if element.name() != "Application" {
            return Err(element.fault(Flaw::Unexpected));
        }
        element.once(&found, "Application")?;
        let (mut seed, mut counter) = (None, None);
        while let Some(element) = xml.child()? {
            match element.name() {
                "Seed" => {
                    element.once(&seed, "Seed")?;
                    let field = field(&xml.text()?);
                    seed = Some((seeds.read(&field, "Seed")?, field.offset));
                }
                "MovingFactor" => {
                    element.once(&counter, "MovingFactor")?;
                    let field = field(&xml.text()?);
                    counter = Some(value::counter(&field.text, field.offset)?);
                }
                _ => return Err(element.fault(Flaw::Unexpected)),
            }
        }
        let (seed, at) = seed.ok_or(element.fault(Flaw::NoSecret))?;
        let counter = counter.ok_or(element.fault(Flaw::Missing { name: "MovingFactor" }))?;
        found = Some((seed, counter, at));
    }
    found.ok_or(parent.fault(Flaw::NoSecret))
}

/// Returns a text without the white space around it.
fn field(text: &Text) -> Field {
    Field::new(text.trimmed(), text.fault(Flaw::Malformed).offset)
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::{
        record::{Algorithm, Moving},
        seed::{Choice, Hints, TokenKind, error::Flaw},
    };

    const HEX: &str = "000102030405060708090a0b0c0d0e0f10111213";

    fn file(inside: &str) -> String {
        format!(
            "<Tokens><Token serial=\"A1\"><CaseModel>5</CaseModel><Model>101</Model>\
             <ProductionDate>02/19/2009</ProductionDate><ProductName> Alpine </ProductName>\
             <Applications>{inside}</Applications></Token></Tokens>"
        )
        .replace("KEY", HEX)
    }

    fn application(inside: &str) -> String {
        file(&format!("<Application ConnectorID=\"{{1}}\">{inside}</Application>"))
    }

    #[track_caller]
    fn of(text: &str, kind: &str) -> Result<(u8, Moving, Algorithm), Flaw> {
        let hints = Hints { kind: TokenKind::from_word(kind), ..Hints::from(Choice::Detect) };
        let tokens = read(text, &hints).map_err(|fault| fault.flaw)?;
        assert_eq!((tokens[0].serial.as_str(), tokens[0].model.as_deref()), ("A1", Some("Alpine")));
        let parameters = tokens[0].parameters;
        Ok((parameters.digits, parameters.moving, parameters.algorithm))
    }

    #[test]
    fn a_token_has_a_seed_and_a_moving_factor() {
        let text = application("\n <Seed>\n KEY </Seed><MovingFactor>1</MovingFactor>");
        let next = Moving::Counter { next: 1 };
        assert_eq!(of(&text, ""), Ok((6, next, Algorithm::Sha1)));
        assert_eq!(of(&text, "hotp-8"), Ok((8, next, Algorithm::Sha1)));
        let long = text.replace(HEX, &HEX.repeat(2)[..64]);
        assert_eq!(of(&long, ""), Ok((6, next, Algorithm::Sha256)));
    }

    #[test]
    fn what_is_missing_twice_or_unknown_is_refused() {
        let (seed, factor) = ("<Seed>KEY</Seed>", "<MovingFactor>1</MovingFactor>");
        for (text, flaw) in [
            (file(""), Flaw::NoSecret),
            (application(factor), Flaw::NoSecret),
            (application(seed), Flaw::Missing { name: "MovingFactor" }),
            (application(&format!("{seed}{seed}{factor}")), Flaw::Twice { name: "Seed" }),
            (file("<Application/>"), Flaw::NoSecret),
            (application(&format!("<Cipher/>{seed}{factor}")), Flaw::Unexpected),
            (application(&format!("{seed}<MovingFactor>x</MovingFactor>")), Flaw::BadCounter),
            (application(&format!("<Seed>KEYAA</Seed>{factor}")), Flaw::OtherLength),
            (application(&format!("<Seed>KEYA</Seed>{factor}")), Flaw::OddHex),
            ("<Tokens><Token/></Tokens>".to_owned(), Flaw::Missing { name: "serial" }),
            ("<Tokens><Other/></Tokens>".to_owned(), Flaw::Unexpected),
            ("<KeyContainer/>".to_owned(), Flaw::NotSafenet),
        ] {
            assert_eq!(of(&text, ""), Err(flaw), "{text}");
        }
    }
}
