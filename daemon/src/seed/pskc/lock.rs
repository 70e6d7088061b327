//! How a PSKC file is encrypted, and what opens its values (RFC 6030 section 6).
//!
//! A value counts as read when its MAC fits. Two readings of that differ from the RFC, because
//! files that people have do: the key of the MAC is the key of the values where the file has no
//! MACKey (drafts before RFC 6030), and a MAC that is not of the encrypted value may be of the
//! plain one (drafts again, as ActivIdentity wrote; files in its own namespace `container:1.0` do not
//! come here). The second is tried only where the first does not fit, and is told.
//!
//! CBC without any MAC is taken, and told: RFC 6030 section 6.1.1 says that a MAC SHOULD be
//! there, and a file with plain values, which is taken too, is no better off. Where the file
//! announces MACs, each encrypted value must have its own.

use fob_api::Password;
use zeroize::Zeroizing;

use super::{
    cipher::{Cipher, Hash, Padding},
    derivation::Derivation,
    once,
    sealed::{Sealed, survey},
};
use crate::seed::{
    Notice,
    encoding::key_readings,
    error::{Encryption, Fault, Flaw},
    xml::{Element, Xml},
};

/// Fewest bytes of a MACKey: 128 bits, less than any hash here has (RFC 2104 section 3). No MAC
/// vouches for that key itself, and CBC notices no change: whoever cut it down to nothing could write
/// the MAC of anything.
const SHORTEST_MAC_KEY: usize = 16;

/// What the file says about its encryption, and what was typed.
pub(super) struct Lock<'a> {
    text: &'a str,
    password: Option<&'a Password>,
    opener: Option<Opener>,
    /// Where the first plain seed stands.
    bare: Option<usize>,
    mac: Option<MacMethod>,
    /// The key that was derived from the passphrase.
    derived: Option<Zeroizing<Vec<u8>>>,
    /// Something was opened and its MAC, or the key wrap, has shown that the key is right.
    proven: bool,
    pub(super) notices: Vec<Notice>,
}

/// What makes the key of the values.
enum Opener {
    /// It is what was typed.
    SharedKey,
    /// It is derived from what was typed.
    Passphrase(Derivation),
}

struct MacMethod {
    hash: Hash,
    /// The encrypted key of the MACs; `None` makes it that of the values.
    key: Option<Sealed>,
    /// The same, decrypted.
    opened: Option<Zeroizing<Vec<u8>>>,
}

impl<'a> Lock<'a> {
    pub(super) fn new(text: &'a str, password: Option<&'a Password>) -> Self {
        let (opener, bare, mac, derived, notices) = (None, None, None, None, Vec::new());
        Self { text, password, opener, bare, mac, derived, proven: false, notices }
    }

    /// Tells whether the file says that it is encrypted.
    pub(super) fn is_closed(&self) -> bool {
        self.opener.is_some()
    }

    /// Takes note of a plain seed. In a file that is protected, one that is not was put there by
    /// somebody else, in front of what says so or behind it.
    pub(super) fn bare_seed(&mut self, element: &Element<'_>) -> Result<(), Fault> {
        self.bare.get_or_insert(element.offset);
        self.refuse_bare_seeds()
    }

    fn refuse_bare_seeds(&self) -> Result<(), Fault> {
        match self.bare {
            Some(offset) if self.is_closed() => Err(Fault::new(offset, Flaw::PlainSecret)),
            _ => Ok(()),
        }
    }

    /// Adds something to tell, once.
    pub(super) fn note(&mut self, notice: Notice) {
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }

    /// Reads an EncryptionKey: what opens the values.
    pub(super) fn encryption_key(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element<'_>,
    ) -> Result<(), Fault> {
        once(&self.opener, element, "EncryptionKey")?;
        let mut opener = Opener::SharedKey;
        while let Some(child) = xml.child()? {
            match child.name() {
                "KeyName" => xml.skip()?,
                "DerivedKey" => opener = Opener::Passphrase(Derivation::read(xml, &child)?),
                "X509Data" | "KeyValue" | "EncryptedKey" => {
                    return Err(element.fault(Flaw::Encrypted(Encryption::Certificate)));
                }
                _ => return Err(element.fault(Flaw::Encrypted(Encryption::Unknown))),
            }
        }
        self.close(opener, element.offset)
    }

    /// Takes note of what opens the file; without it, asks for it, but only if Fob could use it.
    fn close(&mut self, opener: Opener, offset: usize) -> Result<(), Fault> {
        let encryption = match opener {
            Opener::SharedKey => Encryption::SharedKey,
            Opener::Passphrase(_) => Encryption::Password,
        };
        self.opener = Some(opener);
        if self.password.is_some() {
            return self.refuse_bare_seeds();
        }
        survey(self.text)?;
        Err(Fault::new(offset, Flaw::Encrypted(encryption)))
    }

    /// Reads a MACMethod.
    pub(super) fn mac_method(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element<'_>,
    ) -> Result<(), Fault> {
        once(&self.mac, element, "MACMethod")?;
        let hash = Hash::of(&element.required("Algorithm")?);
        let hash = hash.ok_or(element.fault(Flaw::OtherMac))?;
        let mut key = None;
        while let Some(child) = xml.child()? {
            match child.name() {
                "MACKey" => {
                    once(&key, &child, "MACKey")?;
                    key = Some(Sealed::read(xml, &child)?);
                }
                // Without it, the key would be taken for that of the values.
                _ => return Err(child.fault(Flaw::OtherMac)),
            }
        }
        self.mac = Some(MacMethod { hash, key, opened: None });
        Ok(())
    }

    /// Reads a MACAlgorithm, by which drafts before RFC 6030 named the MAC.
    pub(super) fn mac_algorithm(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element<'_>,
    ) -> Result<(), Fault> {
        once(&self.mac, element, "MACAlgorithm")?;
        let text = xml.text()?;
        let hash = Hash::of(text.trimmed()).ok_or(text.fault(Flaw::OtherMac))?;
        self.mac = Some(MacMethod { hash, key: None, opened: None });
        Ok(())
    }

    /// Reads an EncryptedValue. A file without EncryptionKey has a key that was agreed on
    /// (RFC 6030 section 6.1 leaves that element out where there is only one).
    pub(super) fn sealed(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element<'_>,
    ) -> Result<Sealed, Fault> {
        if self.opener.is_none() {
            self.close(Opener::SharedKey, element.offset)?;
        }
        Sealed::read(xml, element)
    }

    /// Opens a value whose ValueMAC is this one.
    pub(super) fn open(
        &mut self,
        sealed: &Sealed,
        tag: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let tag = tag.as_ref().or(sealed.tag.as_ref());
        let key = self.key(sealed)?;
        if self.mac.is_none() {
            if tag.is_some() {
                return Err(Fault::new(sealed.offset, Flaw::Missing { name: "MACMethod" }));
            }
            let plain = sealed.open(&key, Padding::Exact).ok_or(self.shut(sealed))?;
            if sealed.cipher.is_authentic() {
                self.proven = true;
            } else {
                self.note(Notice::NoMac);
            }
            return Ok(plain);
        }
        let missing = Fault::new(sealed.offset, Flaw::Missing { name: "ValueMAC" });
        self.open_by_mac(sealed, &key, tag.ok_or(missing)?)
    }

    fn open_by_mac(
        &mut self,
        sealed: &Sealed,
        key: &[u8],
        tag: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let (hash, mac_key) = self.mac_key(key)?;
        let fits = hash.vouches(&mac_key, &sealed.bytes, tag);
        // Decrypted before that is looked at: the dialect has a MAC of the plain value.
        let plain = sealed.open(key, Padding::Any).ok_or(self.shut(sealed))?;
        if !fits {
            if !hash.vouches(&mac_key, &plain, tag) {
                return Err(self.shut(sealed));
            }
            self.note(Notice::MacOverPlaintext);
        }
        self.proven = true;
        Ok(plain)
    }

    /// Returns the hash and the key of the MACs.
    fn mac_key(&mut self, key: &[u8]) -> Result<(Hash, Zeroizing<Vec<u8>>), Fault> {
        let Some(mac) = &self.mac else {
            // Only asked where there is a method.
            return Ok((Hash::Sha1, Zeroizing::default()));
        };
        let hash = mac.hash;
        if let Some(opened) = &mac.opened {
            return Ok((hash, opened.clone()));
        }
        let opened = match &mac.key {
            None => Zeroizing::new(key.to_vec()),
            Some(sealed) => {
                let (cipher, offset) = (sealed.cipher, sealed.offset);
                let key = self.key_for(cipher, offset)?;
                let shut = self.shut_at(offset);
                let sealed = self.mac.as_ref().and_then(|mac| mac.key.as_ref());
                let opened = sealed.and_then(|sealed| sealed.open(&key, Padding::Any));
                opened.filter(|key| key.len() >= SHORTEST_MAC_KEY).ok_or(shut)?
            }
        };
        // Without a MACKey it follows the cipher of the value, so it is not kept.
        if let Some(mac) = self.mac.as_mut().filter(|mac| mac.key.is_some()) {
            mac.opened = Some(opened.clone());
        }
        Ok((hash, opened))
    }

    fn key(&mut self, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, Fault> {
        self.key_for(sealed.cipher, sealed.offset)
    }

    /// Returns the key of values of this cipher.
    fn key_for(&mut self, cipher: Cipher, offset: usize) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let (Some(password), Some(opener)) = (self.password, &self.opener) else {
            return Err(Fault::new(offset, Flaw::Encrypted(Encryption::SharedKey)));
        };
        let Opener::Passphrase(derivation) = opener else {
            return shared_key(password, cipher).map_err(|flaw| Fault::new(offset, flaw));
        };
        if derivation.length.is_some_and(|length| length != cipher.key) {
            return Err(Fault::new(offset, Flaw::BadKeyLength));
        }
        // The shorter keys are beginnings of the longest, so a file costs one derivation.
        let derived = self.derived.get_or_insert_with(|| derivation.derive(password));
        let key = derived.get(..cipher.key).unwrap_or_default();
        Ok(Zeroizing::new(key.to_vec()))
    }

    /// Returns the fault of a value that does not open, or whose MAC does not fit.
    fn shut(&self, sealed: &Sealed) -> Fault {
        self.shut_at(sealed.offset)
    }

    fn shut_at(&self, offset: usize) -> Fault {
        let encryption = match self.opener {
            Some(Opener::Passphrase(_)) => Encryption::Password,
            _ => Encryption::SharedKey,
        };
        let flaw = if self.proven { Flaw::Altered } else { Flaw::WrongPassword(encryption) };
        Fault::new(offset, flaw)
    }
}

/// Returns what was typed as a key of this cipher. The length tells hexadecimal from base64.
fn shared_key(password: &Password, cipher: Cipher) -> Result<Zeroizing<Vec<u8>>, Flaw> {
    let readings = key_readings(password.as_str());
    if !readings.iter().any(|key| matches!(key.len(), 16 | 24 | 32)) {
        return Err(Flaw::NotAKey);
    }
    let key = readings.into_iter().find(|key| key.len() == cipher.key);
    key.ok_or(Flaw::KeySize { wanted: cipher.key })
}
