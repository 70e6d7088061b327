//! The key that a passphrase makes (XML Encryption 1.1 section 5.4, RFC 8018).

use fob_api::Password;
use zeroize::Zeroizing;

use super::{cipher::Hash, once, scalar::base64};
use crate::seed::{
    error::{Fault, Flaw},
    xml::{Element, Text, Xml},
};

/// Most rounds of PBKDF2. Who protects a file today takes 600 000 of SHA-256 or 1.3 million of
/// SHA-1 (OWASP Password Storage Cheat Sheet, 2023); this is seven times that, some seconds of
/// work. A hostile file could ask for hours.
const MOST_ROUNDS: u32 = 10_000_000;

/// The longest key that any cipher here takes, in bytes.
const LONGEST_KEY: usize = 32;

/// PBKDF2 and its parameters (RFC 8018 appendix A.2).
pub(super) struct Derivation {
    hash: Hash,
    salt: Zeroizing<Vec<u8>>,
    rounds: u32,
    /// Bytes of the key; `None` leaves it to the cipher.
    pub(super) length: Option<usize>,
}

impl Derivation {
    /// Reads a DerivedKey (XML Encryption 1.1 section 5.4).
    pub(super) fn read(xml: &mut Xml<'_>, element: &Element<'_>) -> Result<Self, Fault> {
        let mut derivation = None;
        while let Some(child) = xml.child()? {
            match child.name() {
                "KeyDerivationMethod" => {
                    once(&derivation, &child, "KeyDerivationMethod")?;
                    if !child.required("Algorithm")?.to_ascii_lowercase().ends_with("#pbkdf2") {
                        return Err(child.fault(Flaw::OtherDerivation));
                    }
                    derivation = derivation_method(xml)?;
                }
                "ReferenceList" | "CarriedKeyName" | "DerivedKeyName" | "MasterKeyName" => {
                    xml.skip()?
                }
                _ => return Err(child.fault(Flaw::Unexpected)),
            }
        }
        derivation.ok_or(element.fault(Flaw::Missing { name: "PBKDF2-params" }))
    }

    /// Derives the key, or the longest one where the file says no length.
    pub(super) fn derive(&self, password: &Password) -> Zeroizing<Vec<u8>> {
        let length = self.length.unwrap_or(LONGEST_KEY);
        self.hash.derive(password.as_str(), &self.salt, self.rounds, length)
    }
}

fn derivation_method(xml: &mut Xml<'_>) -> Result<Option<Derivation>, Fault> {
    let mut found = None;
    while let Some(child) = xml.child()? {
        if child.name() != "PBKDF2-params" {
            return Err(child.fault(Flaw::Unexpected));
        }
        once(&found, &child, "PBKDF2-params")?;
        found = Some(pbkdf2_params(xml, &child)?);
    }
    Ok(found)
}

fn pbkdf2_params(xml: &mut Xml<'_>, element: &Element<'_>) -> Result<Derivation, Fault> {
    let (mut salt, mut rounds, mut length, mut prf) = (None, None, None, None);
    while let Some(child) = xml.child()? {
        match child.name() {
            "Salt" => {
                once(&salt, &child, "Salt")?;
                salt = Some(specified(xml, &child)?);
            }
            "IterationCount" => {
                once(&rounds, &child, "IterationCount")?;
                rounds = Some(iteration_count(&xml.text()?)?);
            }
            "KeyLength" => {
                once(&length, &child, "KeyLength")?;
                length = Some(key_length(&xml.text()?)?);
            }
            "PRF" => {
                once(&prf, &child, "PRF")?;
                let algorithm = child.attribute("Algorithm")?;
                // RFC 8018 appendix A.2: HMAC-SHA1 unless something else is said.
                let hash = algorithm.as_deref().map_or(Some(Hash::Sha1), Hash::of);
                prf = Some(hash.ok_or(child.fault(Flaw::OtherDerivation))?);
                xml.skip()?;
            }
            _ => return Err(child.fault(Flaw::Unexpected)),
        }
    }
    Ok(Derivation {
        hash: prf.unwrap_or(Hash::Sha1),
        salt: salt.ok_or(element.fault(Flaw::Missing { name: "Salt" }))?,
        rounds: rounds.ok_or(element.fault(Flaw::Missing { name: "IterationCount" }))?,
        length,
    })
}

fn specified(xml: &mut Xml<'_>, element: &Element<'_>) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut salt = None;
    while let Some(child) = xml.child()? {
        if child.name() != "Specified" {
            return Err(child.fault(Flaw::OtherDerivation));
        }
        once(&salt, &child, "Specified")?;
        salt = Some(base64(&xml.text()?)?);
    }
    salt.ok_or(element.fault(Flaw::Missing { name: "Specified" }))
}

fn iteration_count(text: &Text) -> Result<u32, Fault> {
    let digits = text.trimmed();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(text.fault(Flaw::BadRounds));
    }
    match digits.parse() {
        Ok(0) => Err(text.fault(Flaw::BadRounds)),
        Ok(rounds @ 1..=MOST_ROUNDS) => Ok(rounds),
        _ => Err(text.fault(Flaw::TooManyRounds)),
    }
}

fn key_length(text: &Text) -> Result<usize, Fault> {
    match text.trimmed() {
        "16" => Ok(16),
        "24" => Ok(24),
        "32" => Ok(32),
        _ => Err(text.fault(Flaw::BadKeyLength)),
    }
}
