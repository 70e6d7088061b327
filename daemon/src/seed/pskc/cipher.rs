//! The ciphers, MACs and key derivation of encrypted PSKC. The only user of their crates.

use aes::{
    Aes128, Aes192, Aes256,
    cipher::{BlockModeDecrypt, KeyInit, KeyIvInit, common::typenum::U16},
};
use aes_kw::{AesKw, KwAes128, KwAes192, KwAes256};
use cbc::Decryptor;
use hmac::{Hmac, Mac};
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::seed::error::Unsupported;

/// Bytes of a block of AES, and of the IV in front of a value (XML Encryption section 5.2).
const BLOCK: usize = 16;
/// Bytes that a wrapped key has more than the key (RFC 3394 section 2.2.1).
const WRAPPING: usize = 8;

/// How a value is encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Cipher {
    mode: Mode,
    /// Bytes of its key.
    pub(super) key: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mode {
    /// Cipher block chaining. Notices nothing of a change.
    Chained,
    /// Key wrap. A change goes unnoticed once in 2^64.
    Wrapped,
}

/// What may stand behind the value in its last block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Padding {
    /// Any bytes, and how many (XML Encryption section 5.2). For values that a MAC vouches for.
    Any,
    /// How many, in each of them (RFC 5652 section 6.3). Where there is no MAC, a wrong key is
    /// told by this: 1 of 256 passes, of the other kind 16.
    Exact,
}

impl Cipher {
    /// Finds the cipher of an `Algorithm`. What counts is what follows the `#`: some vendors
    /// write a namespace of another year in front of it.
    pub(super) fn of(algorithm: &str) -> Result<Self, Unsupported> {
        let word = word(algorithm);
        let (mode, key) = match word.as_str() {
            "aes128-cbc" => (Mode::Chained, 16),
            "aes192-cbc" => (Mode::Chained, 24),
            "aes256-cbc" => (Mode::Chained, 32),
            "kw-aes128" => (Mode::Wrapped, 16),
            "kw-aes192" => (Mode::Wrapped, 24),
            "kw-aes256" => (Mode::Wrapped, 32),
            rsa if rsa.starts_with("rsa") => return Err(Unsupported::Rsa),
            des if des.contains("des") => return Err(Unsupported::TripleDes),
            camellia if camellia.contains("camellia") => return Err(Unsupported::Camellia),
            _ => return Err(Unsupported::Other),
        };
        Ok(Self { mode, key })
    }

    /// Tells whether the cipher notices a wrong key and a changed value by itself.
    pub(super) fn is_authentic(self) -> bool {
        self.mode == Mode::Wrapped
    }

    /// Opens a value; `None` if the key is not of the right length, or does not open it.
    pub(super) fn open(
        self,
        key: &[u8],
        sealed: &[u8],
        padding: Padding,
    ) -> Option<Zeroizing<Vec<u8>>> {
        match (self.mode, self.key) {
            (Mode::Chained, 16) => unpadded(unchained::<Decryptor<Aes128>>(key, sealed)?, padding),
            (Mode::Chained, 24) => unpadded(unchained::<Decryptor<Aes192>>(key, sealed)?, padding),
            (Mode::Chained, _) => unpadded(unchained::<Decryptor<Aes256>>(key, sealed)?, padding),
            (Mode::Wrapped, 16) => unwrapped(&KwAes128::new_from_slice(key).ok()?, sealed),
            (Mode::Wrapped, 24) => unwrapped(&KwAes192::new_from_slice(key).ok()?, sealed),
            (Mode::Wrapped, _) => unwrapped(&KwAes256::new_from_slice(key).ok()?, sealed),
        }
    }
}

/// Decrypts the blocks behind the IV.
fn unchained<D>(key: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>>
where
    D: KeyIvInit + BlockModeDecrypt<BlockSize = U16>,
{
    let (iv, body) = sealed.split_at_checked(BLOCK)?;
    if body.is_empty() || !body.len().is_multiple_of(BLOCK) {
        return None;
    }
    let mut chain = D::new_from_slices(key, iv).ok()?;
    let mut plain = Zeroizing::new(body.to_vec());
    for block in plain.chunks_exact_mut(BLOCK) {
        chain.decrypt_block(block.try_into().ok()?);
    }
    Some(plain)
}

fn unpadded(mut plain: Zeroizing<Vec<u8>>, padding: Padding) -> Option<Zeroizing<Vec<u8>>> {
    let last = *plain.last()?;
    let count = usize::from(last);
    if !(1..=BLOCK).contains(&count) {
        return None;
    }
    let length = plain.len().checked_sub(count)?;
    if padding == Padding::Exact && plain.get(length..)?.iter().any(|byte| *byte != last) {
        return None;
    }
    // What is cut off lies in the same allocation, and is wiped with it.
    plain.truncate(length);
    Some(plain)
}

fn unwrapped<C>(key: &AesKw<C>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>>
where
    C: aes::cipher::BlockCipherDecrypt<BlockSize = U16>,
{
    let mut plain = Zeroizing::new(vec![0; sealed.len().checked_sub(WRAPPING)?]);
    key.unwrap_key(sealed, &mut plain).ok()?;
    Some(plain)
}

/// The hash of a MAC or of a derivation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// Finds the hash of an HMAC by its `Algorithm`; `None` if it is not one of HMAC-SHA1 to
    /// HMAC-SHA512. As with ciphers, what follows the `#` counts.
    pub(super) fn of(algorithm: &str) -> Option<Self> {
        Some(match word(algorithm).as_str() {
            "hmac-sha1" => Self::Sha1,
            "hmac-sha224" => Self::Sha224,
            "hmac-sha256" => Self::Sha256,
            "hmac-sha384" => Self::Sha384,
            "hmac-sha512" => Self::Sha512,
            _ => return None,
        })
    }

    /// Tells in constant time whether this is the MAC of the value, in its full length.
    pub(super) fn vouches(self, key: &[u8], value: &[u8], tag: &[u8]) -> bool {
        match self {
            Self::Sha1 => vouches::<Hmac<Sha1>>(key, value, tag),
            Self::Sha224 => vouches::<Hmac<Sha224>>(key, value, tag),
            Self::Sha256 => vouches::<Hmac<Sha256>>(key, value, tag),
            Self::Sha384 => vouches::<Hmac<Sha384>>(key, value, tag),
            Self::Sha512 => vouches::<Hmac<Sha512>>(key, value, tag),
        }
    }

    /// Derives a key of so many bytes from a passphrase by PBKDF2 (RFC 8018 section 5.2). A
    /// shorter key is the beginning of a longer one.
    pub(super) fn derive(
        self,
        passphrase: &str,
        salt: &[u8],
        rounds: u32,
        length: usize,
    ) -> Zeroizing<Vec<u8>> {
        let mut key = Zeroizing::new(vec![0; length]);
        let passphrase = passphrase.as_bytes();
        match self {
            Self::Sha1 => pbkdf2_hmac::<Sha1>(passphrase, salt, rounds, &mut key),
            Self::Sha224 => pbkdf2_hmac::<Sha224>(passphrase, salt, rounds, &mut key),
            Self::Sha256 => pbkdf2_hmac::<Sha256>(passphrase, salt, rounds, &mut key),
            Self::Sha384 => pbkdf2_hmac::<Sha384>(passphrase, salt, rounds, &mut key),
            Self::Sha512 => pbkdf2_hmac::<Sha512>(passphrase, salt, rounds, &mut key),
        }
        key
    }
}

fn vouches<M: Mac + hmac::KeyInit>(key: &[u8], value: &[u8], tag: &[u8]) -> bool {
    let Ok(mut mac) = <M as hmac::KeyInit>::new_from_slice(key) else { return false };
    mac.update(value);
    mac.verify_slice(tag).is_ok()
}

/// Returns what follows the last `#` of the name of an algorithm.
fn word(algorithm: &str) -> String {
    algorithm.trim().rsplit('#').next().unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
