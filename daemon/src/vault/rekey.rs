//! From one master key to the next.
//!
//! With key files, the next key lies in `master.key.next` as long as a record may hang on the
//! old one, and becomes `master.key` by a rename, which is also the end of the old one. So there
//! is no moment in which a record's key lies nowhere, and every state that a kill leaves opens.

use std::sync::PoisonError;

use super::{KeyId, Ring, SealedSeed, Source, Vault, VaultError, add_if_there, make, source};

impl Vault {
    /// Returns the key to seal everything by. With key files that is a new one, durable, or the
    /// one of a rekey that did not end; with credentials it is their `master.key`. Blocks on
    /// the disk for a few syncs, but keeps nobody from opening seeds meanwhile.
    ///
    /// # Errors
    ///
    /// [`VaultError`].
    pub fn next_key(&self) -> Result<KeyId, VaultError> {
        let (Source::File(_), Some((_, next))) = (&self.source, self.source.files()) else {
            return Ok(self.keys().first().copied().unwrap_or_default());
        };
        let mut fresh = Ring::new()?;
        let id = match add_if_there(&mut fresh, &self.source, &next)? {
            Some(id) => {
                // Whoever made it may have been killed before its name was durable.
                source::settle(&self.source)?;
                id
            }
            None => make(&mut fresh, &self.source, source::NEXT_FILE)?,
        };
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        ring.add(|room| {
            *room = *fresh.key(id)?;
            Ok(())
        })
    }

    /// Forgets all keys but this one, by which everything is sealed now; with key files, also on
    /// the disk. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// [`VaultError`]; the key is on the disk under one name or the other then.
    pub fn retire_others(&self, key: KeyId) -> Result<(), VaultError> {
        if let Source::File(folder) = &self.source {
            source::promote(folder)?;
        }
        self.ring.write().unwrap_or_else(PoisonError::into_inner).keep_only(key);
        Ok(())
    }

    /// Seals the seed of a token by another key. `serial` is the folded one.
    ///
    /// # Errors
    ///
    /// [`VaultError::KeyNotHere`], [`VaultError::Damaged`], [`VaultError::NoRandom`].
    pub fn reseal(
        &self,
        key: KeyId,
        serial: &str,
        old: &SealedSeed,
    ) -> Result<SealedSeed, VaultError> {
        let seed = self.open_seed(serial, old)?;
        self.seal(key, serial, old.generation.wrapping_add(1), &seed)
    }
}
