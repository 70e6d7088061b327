//! Seals and opens seeds for a backup, by a key that is drawn for that backup alone.
//!
//! The master key never seals anything that leaves the host, and never does leave it.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use super::{VaultError, random};
use crate::{backup::SavedSeed, record::Seed};

/// Bytes of a backup's key (the AEAD's key length).
pub const BACKUP_KEY: usize = 32;

/// The key of one backup. Wiped on drop; has no `Debug`.
pub struct BackupKey(XChaCha20Poly1305);

impl BackupKey {
    /// Takes the bytes of a key, which are wiped; `None` if they are not 32.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        let bytes = Zeroizing::new(bytes);
        let key: &[u8; BACKUP_KEY] = bytes.as_slice().try_into().ok()?;
        Some(Self(XChaCha20Poly1305::new(key.into())))
    }

    /// Seals the seed of a token. `serial` is the folded one.
    ///
    /// # Errors
    ///
    /// [`VaultError::NoRandom`]; [`VaultError::Damaged`] if the cipher fails, which it does
    /// not for inputs of this size.
    pub fn seal(&self, serial: &str, seed: &Seed) -> Result<SavedSeed, VaultError> {
        let nonce = random::<24>()?;
        let aad = associated_data(serial);
        let payload = Payload { msg: seed.as_bytes(), aad: &aad };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload);
        Ok(SavedSeed { nonce, sealed: sealed.map_err(|_| VaultError::Damaged)? })
    }

    /// Opens the seed of a token. `serial` is the folded one.
    ///
    /// # Errors
    ///
    /// [`VaultError::Damaged`]: another key, another token's, damaged, or no seed.
    pub fn open(&self, serial: &str, saved: &SavedSeed) -> Result<Seed, VaultError> {
        let aad = associated_data(serial);
        let payload = Payload { msg: &saved.sealed, aad: &aad };
        let bytes = self.0.decrypt(&XNonce::from(saved.nonce), payload);
        Seed::new(bytes.map_err(|_| VaultError::Damaged)?).ok_or(VaultError::Damaged)
    }
}

/// Returns what a seed in a backup is bound to. The purpose keeps it apart from one in the store.
fn associated_data(serial: &str) -> Vec<u8> {
    [b"fob backup seed v1\0".as_slice(), serial.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::BackupKey;
    use crate::record::Seed;

    fn key(byte: u8) -> BackupKey {
        BackupKey::new(vec![byte; 32]).unwrap()
    }

    #[test]
    fn a_seed_in_a_backup_opens_with_its_key_and_for_its_serial_only() {
        let seed = Seed::new(b"12345678901234567890".to_vec()).unwrap();
        let saved = key(1).seal("A1", &seed).unwrap();
        assert_eq!(key(1).open("A1", &saved).unwrap().as_bytes(), seed.as_bytes());
        assert!(key(1).open("B2", &saved).is_err());
        assert!(key(2).open("A1", &saved).is_err());
        assert_ne!(saved, key(1).seal("A1", &seed).unwrap());
    }

    #[test]
    fn a_key_has_32_bytes() {
        assert!(BackupKey::new(vec![1; 31]).is_none());
        assert!(BackupKey::new(vec![1; 33]).is_none());
        assert!(BackupKey::new(Vec::new()).is_none());
    }
}
