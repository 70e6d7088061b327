//! The secrets of the vault: the master keys that are here, each under its id, and the house
//! secret. All of them lie in one locked page.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::{
    VaultError,
    page::{Page, SECRET},
    random,
};
use crate::{
    record::{KeyId, SealedSeed},
    wipe,
};

/// The slot of the house secret.
const HOUSE: usize = 0;

/// What a sealed secret is for; a part of what it is bound to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// The house secret.
    House,
    /// A token's seed.
    Seed,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::House => b"fob house secret",
            Self::Seed => b"fob seed",
        }
    }
}

/// The secrets.
pub(super) struct Ring {
    page: Page,
    /// The keys with their slots, the file's or credential's `master.key` first.
    keys: Vec<(KeyId, usize)>,
}

impl Ring {
    /// Makes a ring without keys.
    pub(super) fn new() -> Result<Self, VaultError> {
        let page = Page::new().map_err(VaultError::NotLocked)?;
        Ok(Self { page, keys: Vec::new() })
    }

    /// Lets `fill` write a key into the page, and returns its id. A key that is here already is
    /// not added again.
    pub(super) fn add(
        &mut self,
        fill: impl FnOnce(&mut [u8; SECRET]) -> Result<(), VaultError>,
    ) -> Result<KeyId, VaultError> {
        let is_free = |slot: &usize| self.keys.iter().all(|(_, taken)| taken != slot);
        let slot = (HOUSE + 1..).find(is_free).unwrap_or_default();
        let room = self.page.room(slot).ok_or(VaultError::Damaged)?;
        let filled = fill(room).map(|()| id_of(room));
        wipe::stack();
        let is_new = filled.as_ref().is_ok_and(|id| self.keys.iter().all(|(held, _)| held != id));
        match &filled {
            Ok(id) if is_new => self.keys.push((*id, slot)),
            _ => room.zeroize(),
        }
        filled
    }

    /// Forgets all keys but one.
    pub(super) fn keep_only(&mut self, id: KeyId) {
        let (kept, gone): (Vec<_>, Vec<_>) = self.keys.drain(..).partition(|(held, _)| *held == id);
        self.keys = kept;
        for (_, slot) in gone {
            if let Some(room) = self.page.room(slot) {
                room.zeroize();
            }
        }
    }

    /// Returns the ids of the keys, `master.key` first.
    pub(super) fn ids(&self) -> Vec<KeyId> {
        self.keys.iter().map(|(id, _)| *id).collect()
    }

    /// Takes the house secret.
    pub(super) fn set_house(
        &mut self,
        fill: impl FnOnce(&mut [u8; SECRET]) -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        fill(self.page.room(HOUSE).ok_or(VaultError::Damaged)?)
    }

    /// Returns the house secret.
    pub(super) fn house(&self) -> &[u8; SECRET] {
        // The page has the slot; a hash under zeros would only find nothing.
        self.page.secret(HOUSE).unwrap_or(&[0; SECRET])
    }

    /// Returns a key.
    pub(super) fn key(&self, id: KeyId) -> Result<&[u8; SECRET], VaultError> {
        let slot = self.keys.iter().find(|(held, _)| *held == id).map(|(_, slot)| *slot);
        slot.and_then(|slot| self.page.secret(slot)).ok_or_else(|| self.not_here(id))
    }

    /// Seals a secret. The cipher is made for this one sealing and wipes its copy of the key.
    pub(super) fn seal(
        &self,
        key: KeyId,
        (purpose, name): (Purpose, &str),
        generation: u32,
        secret: &[u8],
    ) -> Result<SealedSeed, VaultError> {
        let aad = associated_data(purpose, name, generation);
        let (nonce, sealed) = self.seal_bound(key, secret, &aad)?;
        Ok(SealedSeed { key, generation, nonce, sealed })
    }

    /// Seals what is bound to these associated data; under a new nonce, which it returns.
    pub(super) fn seal_bound(
        &self,
        key: KeyId,
        secret: &[u8],
        aad: &[u8],
    ) -> Result<([u8; 24], Vec<u8>), VaultError> {
        let nonce = random::<24>()?;
        let sealed = encrypt(self.key(key)?, &nonce, Payload { msg: secret, aad });
        wipe::stack();
        Ok((nonce, sealed?))
    }

    /// Opens a secret.
    pub(super) fn open(
        &self,
        (purpose, name): (Purpose, &str),
        sealed: &SealedSeed,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let aad = associated_data(purpose, name, sealed.generation);
        self.open_bound(sealed.key, &sealed.nonce, &sealed.sealed, &aad)
    }

    /// Opens what was bound to these associated data.
    pub(super) fn open_bound(
        &self,
        key: KeyId,
        nonce: &[u8; 24],
        sealed: &[u8],
        aad: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let opened = decrypt(self.key(key)?, nonce, Payload { msg: sealed, aad });
        wipe::stack();
        opened
    }

    fn not_here(&self, wanted: KeyId) -> VaultError {
        VaultError::KeyNotHere { wanted, here: self.ids() }
    }
}

/// A frame of its own, so that [`wipe::stack`] reaches it.
#[inline(never)]
fn encrypt(
    key: &[u8; SECRET],
    nonce: &[u8; 24],
    payload: Payload<'_, '_>,
) -> Result<Vec<u8>, VaultError> {
    let cipher = XChaCha20Poly1305::new(key.into());
    cipher.encrypt(&XNonce::from(*nonce), payload).map_err(|_| VaultError::Damaged)
}

/// As [`encrypt`].
#[inline(never)]
fn decrypt(
    key: &[u8; SECRET],
    nonce: &[u8; 24],
    payload: Payload<'_, '_>,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let cipher = XChaCha20Poly1305::new(key.into());
    let opened = cipher.decrypt(&XNonce::from(*nonce), payload);
    opened.map(Zeroizing::new).map_err(|_| VaultError::Damaged)
}

/// Returns the id of a key: a hash under a label of its own, so that it is no other hash of it.
#[inline(never)]
fn id_of(key: &[u8; SECRET]) -> KeyId {
    let mut hash = Sha256::new();
    hash.update(b"fob master key id v1");
    hash.update(key);
    KeyId(super::first(&hash.finalize().into()))
}

/// Returns what a sealed secret is bound to. Each part has its length before it, so that no two
/// triples have the same bytes.
fn associated_data(purpose: Purpose, name: &str, generation: u32) -> Vec<u8> {
    let mut data = Vec::new();
    for part in [purpose.label(), name.as_bytes(), &generation.to_be_bytes()] {
        data.extend((part.len() as u64).to_be_bytes());
        data.extend(part);
    }
    data
}
