//! One PSKC key: its algorithm, data and policy (RFC 6030 sections 4.2, 4.3 and 5).

use super::{
    lock::Lock,
    once,
    scalar::{self, Scalar},
};
use crate::{
    record::{Algorithm, Moving, Parameters, Seed},
    seed::{
        date,
        error::{Fault, Flaw},
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
    pub(super) validity: Validity,
}

/// When a key or a device may be used.
#[derive(Default)]
pub(super) struct Validity {
    /// Unix seconds from which on.
    pub(super) start: Option<u64>,
    /// Unix seconds until when.
    pub(super) end: Option<u64>,
}

impl Validity {
    /// Reads a StartDate or ExpiryDate.
    pub(super) fn read(&mut self, xml: &mut Xml<'_>, element: &Element<'_>) -> Result<(), Fault> {
        let (slot, name) = match element.name() {
            "StartDate" => (&mut self.start, "StartDate"),
            _ => (&mut self.end, "ExpiryDate"),
        };
        once(slot, element, name)?;
        let text = xml.text()?;
        *slot = Some(date::unix(text.trimmed()).ok_or(text.fault(Flaw::BadDate))?);
        Ok(())
    }
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
pub(super) fn read(
    xml: &mut Xml<'_>,
    key: &Element<'_>,
    lock: &mut Lock<'_>,
) -> Result<Key, Fault> {
    let kind = kind(key)?;
    let id = named(key, "Id", "KeyId")?;
    let (mut response, mut data, mut rules) = (None, None, None);
    let mut validity = Validity::default();
    while let Some(element) = xml.child()? {
        match (element.space, element.name()) {
            (Space::Pskc, "AlgorithmParameters" | "Usage") => {
                once(&response, &element, "AlgorithmParameters")?;
                refuse_other_usage(&element)?;
                response = Some(algorithm_parameters(xml)?);
            }
            (Space::Pskc, "Data") => {
                once(&data, &element, "Data")?;
                data = Some(key_data(xml, lock)?);
            }
            (Space::Pskc, "Policy") => {
                once(&rules, &element, "Policy")?;
                rules = Some(policy(xml, &element, &mut validity)?);
            }
            // In drafts they stand here.
            (Space::Pskc, "StartDate" | "ExpiryDate") => validity.read(xml, &element)?,
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
    let moving = moving(kind, &data);
    let seed = data.seed.ok_or(key.fault(Flaw::NoSecret))?;
    let digits = response.digits.ok_or(key.fault(Flaw::Missing { name: "ResponseFormat" }))?;
    // RFC 6238 section 1.2: SHA-1 unless something else was agreed.
    let algorithm = response.algorithm.unwrap_or(Algorithm::Sha1);
    let parameters = Parameters { algorithm, digits, moving };
    Ok(Key { offset: key.offset, id, seed, parameters, validity })
}

/// Returns an attribute by its name, or by the one that it has in drafts.
fn named(
    element: &Element<'_>,
    name: &'static str,
    in_drafts: &'static str,
) -> Result<String, Fault> {
    match element.attribute(in_drafts)? {
        Some(value) if element.attribute(name)?.is_none() => Ok(value),
        _ => element.required(name),
    }
}

/// Reads the key's algorithm. The names with `#` or `http` are of drafts before RFC 6030 and of the
/// draft of the totp profile; vendors still write them.
fn kind(key: &Element<'_>) -> Result<Kind, Fault> {
    const PREFIXES: [&str; 2] =
        ["urn:ietf:params:xml:ns:keyprov:pskc", "http://www.ietf.org/keyprov/pskc"];
    let name = named(key, "Algorithm", "KeyAlgorithm")?;
    let word = PREFIXES
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
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

/// Refuses a Usage of drafts that names others than one-time codes.
fn refuse_other_usage(element: &Element<'_>) -> Result<(), Fault> {
    const OTHERS: [&str; 8] =
        ["CR", "Encrypt", "Decrypt", "Integrity", "Sign", "Verify", "Unlock", "KeyWrap"];
    if is_true(element, "OTP")? {
        return Ok(());
    }
    for other in OTHERS {
        if is_true(element, other)? {
            return Err(element.fault(Flaw::KeyUsage));
        }
    }
    Ok(())
}

/// Tells whether an attribute is there and true (`xs:boolean`, XML Schema part 2 section 3.2.2;
/// some programs write capital letters). What is neither true nor false counts as true.
fn is_true(element: &Element<'_>, name: &str) -> Result<bool, Fault> {
    let value = element.attribute(name)?.map(|value| value.to_ascii_lowercase());
    Ok(!matches!(value.as_deref(), None | Some("false" | "0")))
}

fn response_format(element: &Element<'_>) -> Result<u8, Fault> {
    if named(element, "Encoding", "Format")? != "DECIMAL" {
        return Err(element.fault(Flaw::WrongResponseEncoding));
    }
    // The text of RFC 6030 (section 4.3.4) and its schema spell it differently.
    if is_true(element, "CheckDigits")? || is_true(element, "CheckDigit")? {
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

fn key_data(xml: &mut Xml<'_>, lock: &mut Lock<'_>) -> Result<Data, Fault> {
    let mut data = Data::default();
    while let Some(element) = xml.child()? {
        match (element.space, element.name()) {
            (Space::Pskc, "Secret") => {
                once(&data.seed, &element, "Secret")?;
                data.seed = Some(value(xml, &element, lock, &scalar::SEED)?);
            }
            (Space::Pskc, "Counter") => {
                once(&data.counter, &element, "Counter")?;
                data.counter = Some(value(xml, &element, lock, &scalar::COUNTER)?);
            }
            (Space::Pskc, "TimeInterval") => {
                once(&data.period, &element, "TimeInterval")?;
                data.period = Some(value(xml, &element, lock, &scalar::PERIOD)?);
            }
            (Space::Pskc, "Time") => {
                once(&data.time, &element, "Time")?;
                data.time = Some(value(xml, &element, lock, &scalar::TIME)?);
            }
            (Space::Pskc, "TimeDrift") => {
                once(&data.drift, &element, "TimeDrift")?;
                data.drift = Some(value(xml, &element, lock, &scalar::DRIFT)?);
            }
            // The schema lets other vocabularies in here (`xs:any`); the pair of codes at
            // assignment shows whether the key is understood.
            (Space::Pskc, _) => return Err(element.fault(Flaw::Unexpected)),
            _ => xml.skip()?,
        }
    }
    Ok(data)
}

/// Reads the value inside an element of Data, plain or encrypted.
fn value<T>(
    xml: &mut Xml<'_>,
    parent: &Element<'_>,
    lock: &mut Lock<'_>,
    scalar: &Scalar<T>,
) -> Result<T, Fault> {
    let (mut plain, mut sealed, mut tag) = (None, None, None);
    while let Some(element) = xml.child()? {
        match (element.space, element.name()) {
            (Space::Pskc, "PlainValue") => {
                once(&plain, &element, "PlainValue")?;
                plain = Some((scalar.text)(&xml.text()?)?);
            }
            (Space::Pskc, "EncryptedValue") => {
                once(&sealed, &element, "EncryptedValue")?;
                sealed = Some(lock.sealed(xml, &element)?);
            }
            // It protects an encrypted value (RFC 6030 section 6.1.1) and says nothing of a
            // plain one.
            (Space::Pskc, "ValueMAC") => {
                once(&tag, &element, "ValueMAC")?;
                tag = Some(scalar::base64(&xml.text()?)?);
            }
            _ => return Err(element.fault(Flaw::Unexpected)),
        }
    }
    match (plain, sealed) {
        (Some(_), Some(sealed)) => Err(Fault::new(sealed.offset, Flaw::Unexpected)),
        (Some(plain), None) => {
            if parent.name() == "Secret" {
                lock.bare_seed(parent)?;
            }
            Ok(plain)
        }
        (None, Some(sealed)) => {
            let bytes = lock.open(&sealed, tag)?;
            (scalar.bytes)(bytes).map_err(|flaw| Fault::new(sealed.offset, flaw))
        }
        (None, None) => Err(parent.fault(Flaw::Missing { name: "PlainValue" })),
    }
}

/// Tells how the codes move on. The algorithm decides: some vendors write a Counter into keys
/// of totp tokens too.
fn moving(kind: Kind, data: &Data) -> Moving {
    match kind {
        Kind::Totp => Moving::Time { period: data.period.unwrap_or(value::DEFAULT_PERIOD) },
        // RFC 6030 section 10.1 wants the Counter, and its own figure 7 has none. A new token
        // begins at 0; one that was used is found by the two codes of the assignment.
        Kind::Hotp => Moving::Counter { next: data.counter.unwrap_or(0) },
    }
}

/// Reads the rules for the key. A rule that is not known forbids the use of the key (RFC 6030
/// section 5).
fn policy(xml: &mut Xml<'_>, policy: &Element<'_>, validity: &mut Validity) -> Result<(), Fault> {
    let mut usages = Vec::new();
    while let Some(element) = xml.child()? {
        match (element.space, element.name()) {
            (Space::Pskc, "StartDate" | "ExpiryDate") => validity.read(xml, &element)?,
            (Space::Pskc, "KeyUsage") => usages.push(xml.text()?.trimmed() == "OTP"),
            // Local: the token itself asks for the PIN. Every other mode changes the code.
            (Space::Pskc, "PINPolicy") => {
                if !matches!(element.attribute("PINUsageMode")?.as_deref(), None | Some("Local")) {
                    return Err(element.fault(Flaw::PinInCode));
                }
                if let Some(rule) = xml.child()? {
                    return Err(rule.fault(Flaw::UnknownPolicy));
                }
            }
            _ => return Err(element.fault(Flaw::UnknownPolicy)),
        }
    }
    if !usages.is_empty() && !usages.contains(&true) {
        return Err(policy.fault(Flaw::KeyUsage));
    }
    Ok(())
}
