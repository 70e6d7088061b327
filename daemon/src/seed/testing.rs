//! Makes encrypted PSKC files for the tests: the other side of `pskc/cipher.rs`. IVs and keys of
//! MACs are fixed, so that a file is the same each time.

use std::cell::Cell;

use aes::{
    Aes128, Aes192, Aes256,
    cipher::{BlockModeEncrypt, KeyIvInit, common::typenum::U16},
};
use aes_kw::{KeyInit as _, KwAes128, KwAes192, KwAes256};
use base64::{Engine, engine::general_purpose::STANDARD};
use fob_api::Password;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

thread_local! {
    /// Bytes that were split into fields, or walked through for a place, in this thread.
    static WORK: Cell<usize> = const { Cell::new(0) };
}

/// Counts bytes that are worked through.
pub(crate) fn count(bytes: usize) {
    WORK.set(WORK.get() + bytes);
}

/// Returns how many bytes a deed works through.
pub(crate) fn work(deed: impl FnOnce()) -> usize {
    let before = WORK.get();
    deed();
    WORK.get() - before
}

/// The pre-shared key of RFC 6030 section 6.1, and twice as long. Keys are its beginnings.
pub(crate) const KEY: [u8; 32] = [
    0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12,
    0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34,
];
/// The passphrase of RFC 6030 section 6.2.
pub(crate) const PASSPHRASE: &str = "qwerty";
/// The seed of RFC 6030's examples.
pub(crate) const SEED: &[u8] = b"12345678901234567890";
/// The key of the MACs, of 24 bytes: key wrap takes no 20.
const MAC_KEY: [u8; 24] = [0x5a; 24];

/// What was typed.
pub(crate) fn typed(text: &str) -> Password {
    Password::new(Zeroizing::new(text.to_owned())).unwrap()
}

/// Returns the first bytes of the key in hexadecimal, as somebody types it.
pub(crate) fn typed_key(length: usize) -> Password {
    let hex: String = KEY[..length].iter().map(|byte| format!("{byte:02x}")).collect();
    typed(&hex)
}

/// What the MAC of a value is of, and by which key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MacOf {
    /// The encrypted value, by a MACKey (RFC 6030 section 6.1.1).
    Sealed,
    /// The encrypted value, by the key of the values.
    SealedByValueKey,
    /// The plain value, by a MACKey.
    Plain,
    /// There are no MACs.
    Nothing,
}

/// What opens the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum OpenedBy {
    /// A pre-shared key.
    Key,
    /// A passphrase: the PRF element, and whether the KeyLength is said.
    Passphrase(&'static str, bool),
}

/// A file to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Maker {
    pub(crate) cipher: &'static str,
    /// The MAC's hash, as in `hmac-sha1`.
    pub(crate) hash: &'static str,
    pub(crate) mac: MacOf,
    pub(crate) by: OpenedBy,
    /// The rounds of PBKDF2.
    pub(crate) rounds: u32,
}

impl Default for Maker {
    fn default() -> Self {
        Self {
            cipher: "aes128-cbc",
            hash: "hmac-sha1",
            mac: MacOf::Sealed,
            by: OpenedBy::Key,
            rounds: 10,
        }
    }
}

impl Maker {
    /// Returns the bytes of the cipher's key.
    pub(crate) fn key_length(&self) -> usize {
        match self.cipher.trim_start_matches("kw-").get(..6) {
            Some("aes192") => 24,
            Some("aes256") => 32,
            _ => 16,
        }
    }

    fn key(&self) -> Vec<u8> {
        let length = self.key_length();
        let OpenedBy::Passphrase(prf, _) = self.by else { return KEY[..length].to_vec() };
        let mut key = vec![0; length];
        let (typed, salt) = (PASSPHRASE.as_bytes(), b"a salt");
        match prf.split_once("hmac-").map_or("sha1", |(_, hash)| hash.trim_end_matches("\"/>")) {
            "sha224" => pbkdf2::pbkdf2_hmac::<Sha224>(typed, salt, self.rounds, &mut key),
            "sha256" => pbkdf2::pbkdf2_hmac::<Sha256>(typed, salt, self.rounds, &mut key),
            "sha384" => pbkdf2::pbkdf2_hmac::<Sha384>(typed, salt, self.rounds, &mut key),
            "sha512" => pbkdf2::pbkdf2_hmac::<Sha512>(typed, salt, self.rounds, &mut key),
            _ => pbkdf2::pbkdf2_hmac::<Sha1>(typed, salt, self.rounds, &mut key),
        }
        key
    }

    fn seal(&self, plain: &[u8]) -> Vec<u8> {
        let key = self.key();
        match self.cipher {
            "aes128-cbc" => chained::<cbc::Encryptor<Aes128>>(&key, plain),
            "aes192-cbc" => chained::<cbc::Encryptor<Aes192>>(&key, plain),
            "aes256-cbc" => chained::<cbc::Encryptor<Aes256>>(&key, plain),
            wrapping => {
                let mut room = vec![0; plain.len() + 8];
                match wrapping {
                    "kw-aes128" => {
                        KwAes128::new_from_slice(&key).unwrap().wrap_key(plain, &mut room)
                    }
                    "kw-aes192" => {
                        KwAes192::new_from_slice(&key).unwrap().wrap_key(plain, &mut room)
                    }
                    _ => KwAes256::new_from_slice(&key).unwrap().wrap_key(plain, &mut room),
                }
                .unwrap();
                room
            }
        }
    }

    fn tag(&self, sealed: &[u8], plain: &[u8]) -> Vec<u8> {
        let key = match self.mac {
            MacOf::SealedByValueKey => self.key(),
            _ => MAC_KEY.to_vec(),
        };
        let value = if self.mac == MacOf::Plain { plain } else { sealed };
        match self.hash {
            "hmac-sha224" => tag::<Hmac<Sha224>>(&key, value),
            "hmac-sha256" => tag::<Hmac<Sha256>>(&key, value),
            "hmac-sha384" => tag::<Hmac<Sha384>>(&key, value),
            "hmac-sha512" => tag::<Hmac<Sha512>>(&key, value),
            _ => tag::<Hmac<Sha1>>(&key, value),
        }
    }

    /// Returns an EncryptedValue, and its ValueMAC if the file has MACs.
    pub(crate) fn value(&self, plain: &[u8]) -> String {
        let sealed = self.seal(plain);
        let mac = match self.mac {
            MacOf::Nothing => String::new(),
            _ => format!("<ValueMAC>{}</ValueMAC>\n", STANDARD.encode(self.tag(&sealed, plain))),
        };
        format!("<EncryptedValue>\n{}</EncryptedValue>\n{mac}", self.cipher_value(&sealed))
    }

    fn cipher_value(&self, sealed: &[u8]) -> String {
        format!(
            "<e:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#{}\"/>\n\
             <e:CipherData><e:CipherValue>{}</e:CipherValue></e:CipherData>\n",
            self.cipher,
            STANDARD.encode(sealed)
        )
    }

    fn encryption_key(&self) -> String {
        let OpenedBy::Passphrase(prf, says_length) = self.by else {
            return "<d:KeyName>Key 1</d:KeyName>\n".to_owned();
        };
        let length = if says_length {
            format!("<KeyLength>{}</KeyLength>", self.key_length())
        } else {
            String::new()
        };
        let rounds = self.rounds;
        format!(
            "<f:DerivedKey xmlns:f=\"http://www.w3.org/2009/xmlenc11#\">\n\
             <f:KeyDerivationMethod Algorithm=\"http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2\">\n\
             <p:PBKDF2-params xmlns:p=\"http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#\">\n\
             <Salt><Specified>YSBzYWx0</Specified></Salt>\n\
             <IterationCount>{rounds}</IterationCount>{length}{prf}\n\
             </p:PBKDF2-params>\n</f:KeyDerivationMethod>\n\
             <f:MasterKeyName>Passphrase 1</f:MasterKeyName>\n</f:DerivedKey>\n"
        )
    }

    fn mac_method(&self) -> String {
        let key = match self.mac {
            MacOf::Nothing => return String::new(),
            MacOf::SealedByValueKey => String::new(),
            _ => format!("<MACKey>\n{}</MACKey>\n", self.cipher_value(&self.seal(&MAC_KEY))),
        };
        format!(
            "<MACMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#{}\">{key}</MACMethod>\n",
            self.hash
        )
    }

    /// Returns a file of these tokens, TOTP with 6 digits, each serial with its seed.
    pub(crate) fn file(&self, tokens: &[(&str, &[u8])]) -> String {
        let packages: String = tokens
            .iter()
            .map(|(serial, seed)| {
                format!(
                    "<KeyPackage>\n<DeviceInfo><SerialNo>{serial}</SerialNo></DeviceInfo>\n\
                     <Key Id=\"{serial}\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:totp\">\n\
                     <AlgorithmParameters><ResponseFormat Length=\"6\" Encoding=\"DECIMAL\"/>\
                     </AlgorithmParameters>\n\
                     <Data>\n<Secret>\n{}</Secret>\n</Data>\n</Key>\n</KeyPackage>\n",
                    self.value(seed)
                )
            })
            .collect();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"\n\
             xmlns:d=\"http://www.w3.org/2000/09/xmldsig#\"\n\
             xmlns:e=\"http://www.w3.org/2001/04/xmlenc#\">\n\
             <EncryptionKey>\n{}</EncryptionKey>\n{}{packages}</KeyContainer>\n",
            self.encryption_key(),
            self.mac_method()
        )
    }
}

fn chained<E: KeyIvInit + BlockModeEncrypt<BlockSize = U16>>(key: &[u8], plain: &[u8]) -> Vec<u8> {
    let iv: [u8; 16] = std::array::from_fn(|index| index as u8);
    let mut chain = E::new_from_slices(key, &iv).unwrap();
    let mut body = plain.to_vec();
    let count = 16 - body.len() % 16;
    body.resize(body.len() + count, count as u8);
    for block in body.chunks_exact_mut(16) {
        chain.encrypt_block(block.try_into().unwrap());
    }
    [&iv[..], &body].concat()
}

/// Returns an HMAC-SHA1.
pub(crate) fn hmac_sha1(key: &[u8], value: &[u8]) -> Vec<u8> {
    tag::<Hmac<Sha1>>(key, value)
}

fn tag<M: Mac + hmac::KeyInit>(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut mac = <M as hmac::KeyInit>::new_from_slice(key).unwrap();
    mac.update(value);
    mac.finalize().into_bytes().to_vec()
}
