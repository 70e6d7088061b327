//! PSKC XML with plain values (RFC 6030).
//!
//! `KeyContainer` holds `KeyPackage`s, each a `DeviceInfo` and the keys of that token. What
//! would change the meaning of a key and is not known here is refused, not skipped. A signature
//! is not checked: whoever may import may import unsigned files too. Checking it when asked is
//! for later, like encrypted values.

mod key;
#[cfg(test)]
mod tests;

use fob_api::Serial;

use super::{
    VendorToken, date,
    error::{Encryption, Fault, Flaw},
    place::Places,
    value,
    xml::{Element, Space, Text, Xml},
};
use key::Key;

/// Reads every key.
pub(super) fn read(text: &str) -> Result<Vec<VendorToken>, Fault> {
    let mut xml = Xml::new(text);
    let mut places = Places::new(text);
    let mut tokens = Vec::new();
    refuse_others(&xml.root()?)?;
    while let Some(element) = xml.child()? {
        match (element.space, element.name()) {
            (Space::Pskc, "KeyPackage") => {
                tokens.extend(package(&mut xml, &element, &mut places)?);
            }
            (Space::Pskc, "EncryptionKey") => {
                return Err(element.fault(Flaw::Encrypted(key_encryption(&mut xml)?)));
            }
            (Space::Pskc, "MACMethod") => {
                return Err(element.fault(Flaw::Encrypted(Encryption::Unknown)));
            }
            (Space::Signature, "Signature") | (Space::Pskc, "Extensions") => xml.skip()?,
            _ => return Err(element.fault(Flaw::Unexpected)),
        }
    }
    xml.finish()?;
    Ok(tokens)
}

/// Refuses a root that is no KeyContainer of version 1.0 (RFC 6030 sections 4 and 1.2).
fn refuse_others(root: &Element<'_>) -> Result<(), Fault> {
    match (root.space, root.name()) {
        (Space::Pskc, "KeyContainer") if root.required("Version")? == "1.0" => Ok(()),
        (_, "KeyContainer") => Err(root.fault(Flaw::WrongVersion)),
        _ => Err(root.fault(Flaw::NotPskc)),
    }
}

/// Tells from the first element inside an EncryptionKey how the values are encrypted.
fn key_encryption(xml: &mut Xml<'_>) -> Result<Encryption, Fault> {
    Ok(match xml.child()?.as_ref().map(Element::name) {
        Some("X509Data" | "KeyValue" | "EncryptedKey") => Encryption::Certificate,
        Some("DerivedKey") => Encryption::Password,
        Some("KeyName") => Encryption::SharedKey,
        _ => Encryption::Unknown,
    })
}

/// What is known of the thing itself (RFC 6030 section 4.3.1).
#[derive(Default)]
struct Device {
    serial: Option<Text>,
    manufacturer: Option<String>,
    model: Option<String>,
    not_after: Option<u64>,
}

/// Reads the device and its keys. The schema has one key in a package; with several, all have
/// the serial of the device, so that they are refused as duplicates unless there is none.
fn package(
    xml: &mut Xml<'_>,
    package: &Element<'_>,
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
            (Space::Pskc, "Key") => keys.push(key::read(xml, &element)?),
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
            (Space::Pskc, "ExpiryDate") => {
                once(&device.not_after, &element, "ExpiryDate")?;
                device.not_after = Some(date(&xml.text()?)?);
            }
            // Nothing of this changes a code. DeviceBinding and UserId name somebody in the
            // vendor's world; Fob assigns with two codes.
            (Space::Pskc, "IssueNo" | "DeviceBinding" | "StartDate" | "UserId" | "Extensions") => {
                xml.skip()?
            }
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
        not_after: device.not_after.into_iter().chain(key.not_after).min(),
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

fn date(text: &Text) -> Result<u64, Fault> {
    date::unix(text.trimmed()).ok_or(text.fault(Flaw::BadDate))
}
