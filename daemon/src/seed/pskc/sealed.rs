//! Encrypted values as they stand in the file (XML Encryption section 3).

use zeroize::Zeroizing;

use super::{
    cipher::{Cipher, Padding},
    once,
    scalar::base64,
};
use crate::seed::{
    error::{Fault, Flaw, Unsupported},
    xml::{Element, Xml},
};

/// An encrypted value.
pub(super) struct Sealed {
    /// Where it stands.
    pub(super) offset: usize,
    pub(super) cipher: Cipher,
    /// What a MAC is of: the IV and the blocks, or the wrapped key.
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// A MAC inside the value, where drafts before RFC 6030 had it.
    pub(super) tag: Option<Zeroizing<Vec<u8>>>,
}

impl Sealed {
    /// Reads what is inside an EncryptedValue or a MACKey (XML Encryption section 3.1).
    pub(super) fn read(xml: &mut Xml<'_>, element: &Element<'_>) -> Result<Self, Fault> {
        let (mut cipher, mut bytes, mut tag) = (None, None, None);
        while let Some(child) = xml.child()? {
            match child.name() {
                "EncryptionMethod" => {
                    once(&cipher, &child, "EncryptionMethod")?;
                    cipher = Some(encryption_method(xml, &child)?);
                }
                "CipherData" => {
                    once(&bytes, &child, "CipherData")?;
                    bytes = Some(cipher_data(xml, &child)?);
                }
                "ValueMAC" => {
                    once(&tag, &child, "ValueMAC")?;
                    tag = Some(base64(&xml.text()?)?);
                }
                "KeyInfo" | "EncryptionProperties" => xml.skip()?,
                _ => return Err(child.fault(Flaw::Unexpected)),
            }
        }
        let cipher = cipher.ok_or(element.fault(Flaw::Missing { name: "EncryptionMethod" }))?;
        let bytes = bytes.ok_or(element.fault(Flaw::Missing { name: "CipherData" }))?;
        Ok(Self { offset: element.offset, cipher, bytes, tag })
    }

    /// Opens it; `None` if the key does not.
    pub(super) fn open(&self, key: &[u8], padding: Padding) -> Option<Zeroizing<Vec<u8>>> {
        self.cipher.open(key, &self.bytes, padding)
    }
}

/// Reads an EncryptionMethod; in drafts, that of PBES2 (RFC 8018 section 6.2) has the cipher in an
/// EncryptionScheme.
fn encryption_method(xml: &mut Xml<'_>, element: &Element<'_>) -> Result<Cipher, Fault> {
    let mut algorithm = element.required("Algorithm")?;
    while let Some(child) = xml.child()? {
        if child.name() == "EncryptionScheme" {
            algorithm = child.required("Algorithm")?;
        }
        xml.skip()?;
    }
    Cipher::of(&algorithm).map_err(|kind| element.fault(Flaw::OtherCipher(kind)))
}

fn cipher_data(xml: &mut Xml<'_>, element: &Element<'_>) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut value = None;
    while let Some(child) = xml.child()? {
        // A CipherReference would be somewhere else.
        if child.name() != "CipherValue" {
            return Err(child.fault(Flaw::Unexpected));
        }
        once(&value, &child, "CipherValue")?;
        value = Some(base64(&xml.text()?)?);
    }
    value.ok_or(element.fault(Flaw::Missing { name: "CipherValue" }))
}

/// Looks for a cipher that Fob does not have, anywhere in the file: nobody is asked for a key that
/// is of no use.
pub(super) fn survey(text: &str) -> Result<(), Fault> {
    let mut xml = Xml::new(text);
    while let Some(element) = xml.any()? {
        if !matches!(element.name(), "EncryptionMethod" | "EncryptionScheme") {
            continue;
        }
        let algorithm = element.attribute("Algorithm")?.unwrap_or_default();
        match Cipher::of(&algorithm) {
            // The one that stands inside is looked at by itself.
            Err(Unsupported::Other) if algorithm.ends_with("#pbes2") => {}
            Err(kind) => return Err(element.fault(Flaw::OtherCipher(kind))),
            Ok(_) => {}
        }
    }
    Ok(())
}
