//! One PSKC key: its algorithm, data and policy (RFC 6030 sections 4.2, 4.3 and 5).

use zeroize::Zeroizing;

use super::{date, once};
use crate::{
    record::{Algorithm, Moving, Parameters, Seed},
    seed::{
        encoding::{is_base64, seed_from_base64},
        error::{Encryption, Fault, Flaw},
        value,
        xml::{Element, Space, Text, Xml},
    },
};

/// A key of a token.
pub(super) struct Key {
    /// Where the element starts.
    pub(super) offset: usize,
    /// Its Id.
    pub(super) id: String,
    pub(super) seed: Seed,
    pub(super) parameters: Parameters,
    /// End of its validity in Unix seconds.
    pub(super) not_after: Option<u64>,
}

#[derive(Clone, Copy)]
enum Kind {
    Hotp,
    Totp,
}

/// What AlgorithmParameters says (RFC 6030 section 4.3.4).
#[derive(Default)]
struct Response {
    digits: Option<u8>,
    algorithm: Option<Algorithm>,
}

/// What Data says (RFC 6030 section 4.2).
#[derive(Default)]
struct Data {
    seed: Option<Seed>,
    counter: Option<u64>,
    period: Option<u32>,
    time: Option<()>,
    drift: Option<()>,
}

/// Reads a key.
pub(super) fn read(xml: &mut Xml<'_>, key: &Element<'_>) -> Result<Key, Fault> {
    let kind = kind(key)?;
    let id = key.required("Id")?;
    let (mut response, mut data, mut rules) = (None, None, None);
    while let Some(element) = xml.child()? {
        match (element.space, element.name()) {
            (Space::Pskc, "AlgorithmParameters") => {
                once(&response, &element, "AlgorithmParameters")?;
                response = Some(algorithm_parameters(xml)?);
            }
            (Space::Pskc, "Data") => {
                once(&data, &element, "Data")?;
                data = Some(key_data(xml)?);
            }
            (Space::Pskc, "Policy") => {
                once(&rules, &element, "Policy")?;
                rules = Some(policy(xml, &element)?);
            }
            // A profile or reference to a key outside: no harm if the secret is here too.
            (
                Space::Pskc,
                "Issuer" | "FriendlyName" | "UserId" | "KeyProfileId" | "KeyReference"
                | "Extensions",
            ) => xml.skip()?,
            _ => return Err(element.fault(Flaw::Unexpected)),
        }
    }
    let data: Data = data.unwrap_or_default();
    let response: Response = response.unwrap_or_default();
    let moving = moving(kind, &data, key)?;
    let seed = data.seed.ok_or(key.fault(Flaw::NoSecret))?;
    let digits = response.digits.ok_or(key.fault(Flaw::Missing { name: "ResponseFormat" }))?;
    // RFC 6238 section 1.2: SHA-1 unless something else was agreed.
    let algorithm = response.algorithm.unwrap_or(Algorithm::Sha1);
    let parameters = Parameters { algorithm, digits, moving };
    Ok(Key { offset: key.offset, id, seed, parameters, not_after: rules.flatten() })
}

/// Reads the key's algorithm. The names with `#` are of drafts before RFC 6030 and of the draft
/// of the totp profile; vendors still write them.
fn kind(key: &Element<'_>) -> Result<Kind, Fault> {
    let name = key.required("Algorithm")?;
    let word = name
        .strip_prefix("urn:ietf:params:xml:ns:keyprov:pskc")
        .and_then(|rest| rest.strip_prefix([':', '#']))
        .unwrap_or_default()
        .to_ascii_lowercase();
    let kind = match word.as_str() {
        "hotp" => return Ok(Kind::Hotp),
        "totp" => return Ok(Kind::Totp),
        "pin" => "a PIN (pskc:pin)",
        other if other.starts_with("ocra") => "a challenge-response key (OCRA)",
        _ => "a key of another algorithm",
    };
    Err(key.fault(Flaw::WrongKeyAlgorithm { kind }))
}

fn algorithm_parameters(xml: &mut Xml<'_>) -> Result<Response, Fault> {
    let mut response = Response::default();
    while let Some(element) = xml.child()? {
        match (element.space, element.name()) {
            (Space::Pskc, "ResponseFormat") => {
                once(&response.digits, &element, "ResponseFormat")?;
                response.digits = Some(response_format(&element)?);
                xml.skip()?;
            }
            (Space::Pskc, "Suite") => {
                once(&response.algorithm, &element, "Suite")?;
                response.algorithm = Some(suite(&xml.text()?)?);
            }
            (Space::Pskc, "ChallengeFormat") => {
                let kind = "a challenge-response key";
                return Err(element.fault(Flaw::WrongKeyAlgorithm { kind }));
            }
            (Space::Pskc, "Extensions") => xml.skip()?,
            _ => return Err(element.fault(Flaw::Unexpected)),
        }
    }
    Ok(response)
}

fn response_format(element: &Element<'_>) -> Result<u8, Fault> {
    if element.required("Encoding")? != "DECIMAL" {
        return Err(element.fault(Flaw::WrongResponseEncoding));
    }
    // xs:boolean (XML Schema part 2 section 3.2.2).
    if !matches!(element.attribute("CheckDigits")?.as_deref(), None | Some("false" | "0")) {
        return Err(element.fault(Flaw::CheckDigits));
    }
    value::digits(&element.required("Length")?, element.offset)
}

/// Reads the name of the hash, with or without `HMAC`, dashes and capital letters: RFC 6030
/// leaves the names to the profiles, and vendors differ.
fn suite(text: &Text) -> Result<Algorithm, Fault> {
    let letters = text.trimmed().replace(['-', '_'], "").to_ascii_uppercase();
    match letters.strip_prefix("HMAC").unwrap_or(&letters) {
        "SHA1" => Ok(Algorithm::Sha1),
        "SHA256" => Ok(Algorithm::Sha256),
        "SHA512" => Ok(Algorithm::Sha512),
        _ => Err(text.fault(Flaw::OtherSuite)),
    }
}

fn key_data(xml: &mut Xml<'_>) -> Result<Data, Fault> {
    let mut data = Data::default();
    while let Some(element) = xml.child()? {
        match (element.space, element.name()) {
            (Space::Pskc, "Secret") => {
                once(&data.seed, &element, "Secret")?;
                data.seed = Some(plain(xml, &element, seed)?);
            }
            (Space::Pskc, "Counter") => {
                once(&data.counter, &element, "Counter")?;
                data.counter = Some(plain(xml, &element, counter)?);
            }
            (Space::Pskc, "TimeInterval") => {
                once(&data.period, &element, "TimeInterval")?;
                data.period = Some(plain(xml, &element, period)?);
            }
            (Space::Pskc, "Time") => {
                once(&data.time, &element, "Time")?;
                data.time = Some(plain(xml, &element, time)?);
            }
            (Space::Pskc, "TimeDrift") => {
                once(&data.drift, &element, "TimeDrift")?;
                data.drift = Some(plain(xml, &element, drift)?);
            }
            // The schema lets other vocabularies in here (`xs:any`); the pair of codes at
            // assignment shows whether the key is understood.
            (Space::Pskc, _) => return Err(element.fault(Flaw::Unexpected)),
            _ => xml.skip()?,
        }
    }
    Ok(data)
}

/// Reads the PlainValue inside an element of Data.
fn plain<T>(
    xml: &mut Xml<'_>,
    parent: &Element<'_>,
    read: impl Fn(&Text) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut value = None;
    while let Some(element) = xml.child()? {
        match (element.space, element.name()) {
            (Space::Pskc, "PlainValue") => {
                once(&value, &element, "PlainValue")?;
                value = Some(read(&xml.text()?)?);
            }
            (Space::Pskc, "EncryptedValue") => {
                let encryption = value_encryption(xml)?;
                return Err(element.fault(Flaw::Encrypted(encryption)));
            }
            // It protects an encrypted value (RFC 6030 section 6.1.1) and says nothing of a
            // plain one.
            (Space::Pskc, "ValueMAC") => xml.skip()?,
            _ => return Err(element.fault(Flaw::Unexpected)),
        }
    }
    value.ok_or(parent.fault(Flaw::Missing { name: "PlainValue" }))
}

/// Tells from the method of an EncryptedValue how it is encrypted.
fn value_encryption(xml: &mut Xml<'_>) -> Result<Encryption, Fault> {
    let method = match xml.child()? {
        Some(element) => element.attribute("Algorithm")?.unwrap_or_default(),
        None => String::new(),
    };
    Ok(if method.contains("#rsa") { Encryption::Certificate } else { Encryption::Unknown })
}

/// Reads base64 with any white space in it (XML Schema part 2 section 3.2.16).
fn seed(text: &Text) -> Result<Seed, Fault> {
    let mut compact = Zeroizing::new(String::with_capacity(text.value().len()));
    for (index, character) in text.value().char_indices() {
        match character {
            ' ' | '\t' | '\r' | '\n' => {}
            character if is_base64(character) => compact.push(character),
            _ => return Err(Fault::new(text.offset_of(index), Flaw::NotBase64)),
        }
    }
    let start = text.fault(Flaw::Base64Length).offset;
    seed_from_base64(&compact, start)
}

/// Reads the next counter, an `xs:long`.
fn counter(text: &Text) -> Result<u64, Fault> {
    let counter = text.trimmed().parse::<i64>().ok().and_then(|n| u64::try_from(n).ok());
    counter.ok_or(text.fault(Flaw::BadCounter))
}

fn period(text: &Text) -> Result<u32, Fault> {
    value::period(text.trimmed(), 0).map_err(|fault| text.fault(fault.flaw))
}

/// Accepts a Time of 0 only: what another one means differs between vendors (RFC 6030 section
/// 4.2: intervals since an agreed moment).
fn time(text: &Text) -> Result<(), Fault> {
    if text.trimmed() == "0" { Ok(()) } else { Err(text.fault(Flaw::BadTime)) }
}

/// Accepts any TimeDrift, an `xs:int`, and drops it: it is the drift on the day when the file
/// was written, and assignment learns today's from two codes.
fn drift(text: &Text) -> Result<(), Fault> {
    match text.trimmed().parse::<i32>() {
        Ok(_) => Ok(()),
        Err(_) => Err(text.fault(Flaw::BadTime)),
    }
}

/// Tells how the codes move on. The algorithm decides: some vendors write a Counter into keys
/// of totp tokens too.
fn moving(kind: Kind, data: &Data, key: &Element<'_>) -> Result<Moving, Fault> {
    match kind {
        Kind::Totp => Ok(Moving::Time { period: data.period.unwrap_or(value::DEFAULT_PERIOD) }),
        // RFC 6030 section 10.1: the Counter must be there.
        Kind::Hotp => match data.counter {
            Some(next) => Ok(Moving::Counter { next }),
            None if data.seed.is_none() => Err(key.fault(Flaw::NoSecret)),
            None => Err(key.fault(Flaw::Missing { name: "Counter" })),
        },
    }
}

/// Reads the rules for the key and returns the end of its validity. A rule that is not known
/// forbids the use of the key (RFC 6030 section 5).
fn policy(xml: &mut Xml<'_>, policy: &Element<'_>) -> Result<Option<u64>, Fault> {
    let mut not_after = None;
    let mut usages = Vec::new();
    while let Some(element) = xml.child()? {
        match (element.space, element.name()) {
            (Space::Pskc, "ExpiryDate") => {
                once(&not_after, &element, "ExpiryDate")?;
                not_after = Some(date(&xml.text()?)?);
            }
            // When the token may be used first is the administrator's word: he assigns it.
            (Space::Pskc, "StartDate") => xml.skip()?,
            (Space::Pskc, "KeyUsage") => usages.push(xml.text()?.trimmed() == "OTP"),
            // Local: the token itself asks for the PIN. Every other mode changes the code.
            (Space::Pskc, "PINPolicy") => {
                if !matches!(element.attribute("PINUsageMode")?.as_deref(), None | Some("Local")) {
                    return Err(element.fault(Flaw::PinInCode));
                }
                xml.skip()?;
            }
            _ => return Err(element.fault(Flaw::UnknownPolicy)),
        }
    }
    if !usages.is_empty() && !usages.contains(&true) {
        return Err(policy.fault(Flaw::KeyUsage));
    }
    Ok(not_after)
}
