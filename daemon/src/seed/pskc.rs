//! PSKC XML (RFC 6030), plain or encrypted.
//!
//! `KeyContainer` holds `KeyPackage`s, each a `DeviceInfo` and the keys of that token. What
//! would change the meaning of a key and is not known here is refused, not skipped. A signature
//! is not checked, and that is told: whoever may import may import unsigned files too.
//!
//! Drafts before RFC 6030 are read where their words differ only in name
//! (draft-ietf-keyprov-pskc-02 and the namespace `pskc:1.0`): `Device` is a `KeyPackage`,
//! `KeyId` and `KeyAlgorithm` are a key's `Id` and `Algorithm`, `Usage` holds the `ResponseFormat`,
//! whose `Format` is its `Encoding`, and `MACAlgorithm` names the MAC.

mod cipher;
mod derivation;
mod key;
mod lock;
mod scalar;
mod sealed;
#[cfg(test)]
mod tests;

use fob_api::{Password, Serial};

use super::{
    Notice, VendorToken,
    error::{Fault, Flaw},
    place::Places,
    value,
    xml::{Element, Space, Text, Xml},
};
use key::{Key, Validity};
use lock::Lock;

/// Reads every key; the password opens the encrypted ones. Returns also what is to be told.
pub(super) fn read(
    text: &str,
    password: Option<&Password>,
) -> Result<(Vec<VendorToken>, Vec<Notice>), Fault> {
    let mut xml = Xml::new(text);
    let mut places = Places::new(text);
    let mut lock = Lock::new(text, password);
    let mut tokens = Vec::new();
    refuse_others(&xml.root()?)?;
    while let Some(element) = xml.child()? {
        match (element.space, element.name()) {
            (Space::Pskc, "KeyPackage" | "Device") => {
                tokens.extend(package(&mut xml, &element, &mut lock, &mut places)?);
            }
            (Space::Pskc, "EncryptionKey") => lock.encryption_key(&mut xml, &element)?,
            (Space::Pskc, "MACMethod") => lock.mac_method(&mut xml, &element)?,
            (Space::Pskc, "MACAlgorithm") => lock.mac_algorithm(&mut xml, &element)?,
            (Space::Signature | Space::Pskc, "Signature") => {
                lock.note(Notice::SignatureUnchecked);
                xml.skip()?;
            }
            (Space::Pskc, "Extensions") => xml.skip()?,
            _ => return Err(element.fault(Flaw::Unexpected)),
        }
    }
    xml.finish()?;
    if password.is_some() && !lock.is_closed() {
        return Err(Fault::new(0, Flaw::NotEncrypted));
    }
    Ok((tokens, lock.notices))
}

/// Refuses a root that is no KeyContainer of version 1.0 (RFC 6030 sections 4 and 1.2), or 1 as in
/// draft-ietf-keyprov-pskc-02.
fn refuse_others(root: &Element<'_>) -> Result<(), Fault> {
    match (root.space, root.name()) {
        (Space::Pskc, "KeyContainer") => match root.required("Version")?.as_str() {
            "1.0" | "1" => Ok(()),
            _ => Err(root.fault(Flaw::WrongVersion)),
        },
        (_, "KeyContainer") => Err(root.fault(Flaw::WrongVersion)),
        _ => Err(root.fault(Flaw::NotPskc)),
    }
}

/// What is known of the thing itself (RFC 6030 section 4.3.1).
#[derive(Default)]
struct Device {
    serial: Option<Text>,
    manufacturer: Option<String>,
    model: Option<String>,
    validity: Validity,
}

/// Reads the device and its keys. The schema has one key in a package; with several, all have
/// the serial of the device, so that they are refused as duplicates unless there is none.
fn package(
    xml: &mut Xml<'_>,
    package: &Element<'_>,
    lock: &mut Lock<'_>,
    places: &mut Places<'_>,
) -> Result<Vec<VendorToken>, Fault> {
    let mut device = None;
    let mut keys = Vec::new();
    while let Some(element) = xml.child()? {
        match (element.space, element.name()) {
            (Space::Pskc, "DeviceInfo") => {
                once(&device, &element, "DeviceInfo")?;
                device = Some(device_info(xml)?);
            }
            (Space::Pskc, "Key") => keys.push(key::read(xml, &element, lock)?),
            (Space::Pskc, "CryptoModuleInfo" | "Extensions") => xml.skip()?,
            _ => return Err(element.fault(Flaw::Unexpected)),
        }
    }
    if keys.is_empty() {
        return Err(package.fault(Flaw::NoSecret));
    }
    let device = device.unwrap_or_default();
    keys.into_iter().map(|key| token(&device, key, places)).collect()
}

fn device_info(xml: &mut Xml<'_>) -> Result<Device, Fault> {
    let mut device = Device::default();
    while let Some(element) = xml.child()? {
        match (element.space, element.name()) {
            (Space::Pskc, "SerialNo") => {
                once(&device.serial, &element, "SerialNo")?;
                device.serial = Some(xml.text()?);
            }
            (Space::Pskc, "Manufacturer") => {
                once(&device.manufacturer, &element, "Manufacturer")?;
                device.manufacturer = label(&xml.text()?)?;
            }
            (Space::Pskc, "Model") => {
                once(&device.model, &element, "Model")?;
                device.model = label(&xml.text()?)?;
            }
            (Space::Pskc, "StartDate" | "ExpiryDate") => device.validity.read(xml, &element)?,
            // Nothing of this changes a code. DeviceBinding and UserId name somebody in the
            // vendor's world; Fob assigns with two codes.
            (Space::Pskc, "IssueNo" | "DeviceBinding" | "UserId" | "Extensions") => xml.skip()?,
            _ => return Err(element.fault(Flaw::Unexpected)),
        }
    }
    Ok(device)
}

fn token(device: &Device, key: Key, places: &mut Places<'_>) -> Result<VendorToken, Fault> {
    let serial = match &device.serial {
        Some(text) => Serial::parse(text.trimmed()).map_err(|_| text.fault(Flaw::BadSerial)),
        None => Serial::parse(&key.id).map_err(|_| Fault::new(key.offset, Flaw::BadSerial)),
    };
    Ok(VendorToken {
        serial: serial?,
        seed: key.seed,
        parameters: key.parameters,
        manufacturer: device.manufacturer.clone(),
        model: device.model.clone(),
        not_before: device.validity.start.max(key.validity.start),
        not_after: device.validity.end.into_iter().chain(key.validity.end).min(),
        place: places.at(key.offset),
    })
}

/// Refuses the second element of a kind.
fn once<T>(slot: &Option<T>, element: &Element<'_>, name: &'static str) -> Result<(), Fault> {
    match slot {
        Some(_) => Err(element.fault(Flaw::Twice { name })),
        None => Ok(()),
    }
}

fn label(text: &Text) -> Result<Option<String>, Fault> {
    value::label(text.value(), 0).map_err(|_| text.fault(Flaw::BadText))
}
