//! Seals and opens seeds. The only owner of the master key.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha): its nonces are long enough to be drawn at
//! random for every sealing. Purpose, serial and generation are associated data, so a sealed
//! seed that is moved to another token's record, or back into an older one, does not open.
//!
//! What must be the same after a change of the master key, the hashes in records, hangs on the
//! house secret: drawn at random once, and kept in the database, sealed like a seed.

mod page;
mod rekey;
mod ring;
mod source;

pub mod backup;

use std::{
    fmt, io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub use self::source::{KEY_FILE, NEXT_FILE, PREVIOUS_CREDENTIAL, Source};
use self::{
    page::SECRET,
    ring::{Purpose, Ring},
};
use crate::record::{KeyId, SealedSeed, Seed};

/// Why the vault cannot be opened, or a secret not be sealed or opened.
#[derive(Debug)]
pub enum VaultError {
    /// A key file is not 32 bytes, or others may read it.
    BadKeyFile(PathBuf),
    /// A sealed secret does not open though its key is here: damaged, or another token's.
    Damaged,
    /// A key file cannot be read or made.
    Io(PathBuf, io::Error),
    /// The key that sealed a secret is not among those that are here.
    KeyNotHere {
        /// That key.
        wanted: KeyId,
        /// Those that are here.
        here: Vec<KeyId>,
    },
    /// The page of the keys cannot be locked into memory.
    NotLocked(io::Error),
    /// The kernel gave no random bytes.
    NoRandom,
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadKeyFile(path) => write!(
                f,
                "{} must be 32 bytes that only fobd's user can read. Make it so if nobody else \
                 has seen it, or bring back the right one.",
                path.display()
            ),
            Self::Damaged => f.write_str(
                "a sealed secret is damaged, or was moved here from another record. Restore it \
                 from a backup, or forget the token and import it again.",
            ),
            Self::Io(path, error) => {
                write!(f, "the master key {} cannot be used: {error}.", path.display())
            }
            Self::KeyNotHere { wanted, here } => {
                let here: Vec<_> = here.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "a secret is sealed by the master key {wanted}, and that key is not here; \
                     here is {}. Bring back the {KEY_FILE} that belongs to this database.",
                    here.join(", ")
                )
            }
            Self::NotLocked(error) => write!(
                f,
                "the page of the master key cannot be locked into memory: {error}. Give fobd a \
                 page of it: LimitMEMLOCK=64K in its unit, or \"ulimit -l 64\".",
            ),
            Self::NoRandom => f.write_str("the kernel gives no random bytes."),
        }
    }
}

impl std::error::Error for VaultError {}

/// Whether a missing key file may be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyFile {
    /// The first start: make it.
    Make,
    /// There are tokens already: it must be there.
    MustExist,
}

/// The master keys that are here, before the house secret is.
pub struct Keys {
    ring: Ring,
    source: Source,
}

impl Keys {
    /// Takes the master keys.
    ///
    /// # Errors
    ///
    /// [`VaultError`] if there is no `master.key` and none may be made, or a key file is not a
    /// good one, or the keys cannot be locked into memory.
    pub fn open(source: Source, file: KeyFile) -> Result<Self, VaultError> {
        let mut ring = Ring::new()?;
        if let Some((must, may)) = source.files() {
            match ring.add(|room| source.read(&must, room)) {
                Err(VaultError::Io(_, error))
                    if error.kind() == io::ErrorKind::NotFound && file == KeyFile::Make =>
                {
                    make(&mut ring, &source, KEY_FILE)?;
                }
                added => drop(added?),
            }
            add_if_there(&mut ring, &source, &may)?;
        }
        Ok(Self { ring, source })
    }

    /// Takes a key that was handed over.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotLocked`].
    pub fn given(key: &[u8; 32]) -> Result<Self, VaultError> {
        let mut keys = Self { ring: Ring::new()?, source: Source::Given };
        keys.ring.add(|room| {
            *room = *key;
            Ok(())
        })?;
        Ok(keys)
    }

    /// Opens the vault of a database with its house secret.
    ///
    /// # Errors
    ///
    /// [`VaultError::KeyNotHere`] or [`VaultError::Damaged`].
    pub fn unlock(mut self, house: &SealedSeed) -> Result<Vault, VaultError> {
        let secret = self.ring.open((Purpose::House, ""), house)?;
        let secret: &[u8; SECRET] =
            secret.as_slice().try_into().map_err(|_| VaultError::Damaged)?;
        self.ring.set_house(|room| {
            *room = *secret;
            Ok(())
        })?;
        Ok(self.into_vault())
    }

    /// Opens the vault of a new database with a new house secret; seal it with
    /// [`Vault::seal_house`].
    ///
    /// # Errors
    ///
    /// [`VaultError::NoRandom`].
    pub fn found(mut self) -> Result<Vault, VaultError> {
        self.ring.set_house(|room| getrandom::fill(room).map_err(|_| VaultError::NoRandom))?;
        Ok(self.into_vault())
    }

    /// Opens the vault of a database of layout 2, whose hashes hung on the master key: the hash
    /// of it that they hung on becomes the house secret, so that all of them stay valid.
    ///
    /// # Errors
    ///
    /// [`VaultError::KeyNotHere`] if there is no key.
    pub fn derive(mut self) -> Result<Vault, VaultError> {
        let first = self.ring.ids().first().copied().unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update(b"fob fingerprint key v1");
        hash.update(self.ring.key(first)?);
        self.ring.set_house(|room| {
            hash.finalize_into(room.into());
            Ok(())
        })?;
        Ok(self.into_vault())
    }

    fn into_vault(self) -> Vault {
        Vault { ring: RwLock::new(self.ring), source: self.source }
    }
}

/// Takes the key of a file that may be missing.
fn add_if_there(
    ring: &mut Ring,
    source: &Source,
    path: &Path,
) -> Result<Option<KeyId>, VaultError> {
    match ring.add(|room| source.read(path, room)) {
        Err(VaultError::Io(_, error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        added => added.map(Some),
    }
}

/// Draws a key and makes its file.
fn make(ring: &mut Ring, source: &Source, name: &str) -> Result<KeyId, VaultError> {
    let Source::File(folder) = source else { return Err(VaultError::NoRandom) };
    ring.add(|room| {
        getrandom::fill(room).map_err(|_| VaultError::NoRandom)?;
        source::write(folder, name, room)
    })
}

/// Seals and opens seeds.
pub struct Vault {
    ring: RwLock<Ring>,
    source: Source,
}

impl Vault {
    /// Takes a master key, with the house secret that layout 2 had under it.
    ///
    /// # Errors
    ///
    /// [`VaultError::NotLocked`].
    pub fn with_key(key: &[u8; 32]) -> Result<Self, VaultError> {
        Keys::given(key)?.derive()
    }

    /// Returns where the keys come from.
    #[must_use]
    pub fn keys_from(&self) -> &Source {
        &self.source
    }

    /// Returns the ids of the keys that are here, `master.key` first.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyId> {
        self.ring().ids()
    }

    /// Seals the house secret by a key.
    ///
    /// # Errors
    ///
    /// As [`Vault::seal`].
    pub fn seal_house(&self, key: KeyId, generation: u32) -> Result<SealedSeed, VaultError> {
        let ring = self.ring();
        ring.seal(key, (Purpose::House, ""), generation, ring.house())
    }

    /// Seals the seed of a token by a key. `serial` is the folded one.
    ///
    /// # Errors
    ///
    /// [`VaultError::KeyNotHere`], [`VaultError::NoRandom`]; [`VaultError::Damaged`] if the
    /// cipher fails, which it does not for inputs of this size.
    pub fn seal(
        &self,
        key: KeyId,
        serial: &str,
        generation: u32,
        seed: &Seed,
    ) -> Result<SealedSeed, VaultError> {
        self.ring().seal(key, (Purpose::Seed, serial), generation, seed.as_bytes())
    }

    /// Opens the seed of a token. `serial` is the folded one.
    ///
    /// # Errors
    ///
    /// [`VaultError::KeyNotHere`] or [`VaultError::Damaged`].
    pub fn open_seed(&self, serial: &str, sealed: &SealedSeed) -> Result<Seed, VaultError> {
        let mut bytes = self.ring().open((Purpose::Seed, serial), sealed)?;
        Seed::new(std::mem::take(&mut *bytes)).ok_or(VaultError::Damaged)
    }

    /// Seals the seed of a token anew that layout 2 has sealed: by the first key, bound to the
    /// folded serial alone.
    ///
    /// # Errors
    ///
    /// [`VaultError::Damaged`] if it does not open; as [`Vault::seal`].
    pub(crate) fn adopt(
        &self,
        serial: &str,
        nonce: &[u8; 24],
        sealed: &[u8],
    ) -> Result<SealedSeed, VaultError> {
        let ring = self.ring();
        let key = ring.ids().first().copied().unwrap_or_default();
        let aad = associated_data_v2(serial);
        let seed = ring.open_bound(key, nonce, sealed, &aad)?;
        ring.seal(key, (Purpose::Seed, serial), 1, &seed)
    }

    /// Seals as layout 2 did.
    #[cfg(test)]
    pub(crate) fn seal_v2(&self, serial: &str, seed: &[u8]) -> ([u8; 24], Vec<u8>) {
        let ring = self.ring();
        ring.seal_bound(ring.ids()[0], seed, &associated_data_v2(serial)).unwrap()
    }

    /// Returns the keyed fingerprint of a seed: the same for the same seed, useless without the
    /// house secret.
    #[must_use]
    pub fn fingerprint(&self, seed: &Seed) -> [u8; 32] {
        self.keyed_hash(b"seed", seed.as_bytes())
    }

    /// Returns what tells this house's fingerprints from those of others.
    #[must_use]
    pub fn house_mark(&self) -> [u8; 16] {
        first(&self.keyed_hash(b"house", b""))
    }

    /// Returns a seed that no token has, always the same for a name: the work done for a user
    /// without a token is then the work done for one with.
    #[must_use]
    pub fn nobodys_seed(&self, name: &str) -> Option<Seed> {
        Seed::new(self.keyed_hash(b"nobody", name.as_bytes()).to_vec())
    }

    /// Returns the keyed hash of a remote address: tells whether it was seen before, and not
    /// which it is. An IPv6 host has 64 bits of its network to itself (RFC 4291 section 2.5.1).
    #[must_use]
    pub fn source(&self, address: IpAddr) -> [u8; 8] {
        let bytes = match address.to_canonical() {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().into_iter().take(8).collect(),
        };
        first(&self.keyed_hash(b"source", &bytes))
    }

    /// Returns the keyed hash of a user's name and of what tells his sources apart.
    #[must_use]
    pub fn visit(&self, name: &str, source: &[u8]) -> [u8; 16] {
        let bytes = [name.as_bytes(), b"\0", source].concat();
        first(&self.keyed_hash(b"visit", &bytes))
    }

    /// Returns the secret that the hashes of recovery codes are keyed with.
    #[must_use]
    pub fn recovery_key(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.keyed_hash(b"recovery", b""))
    }

    /// Returns a keyed hash of `bytes` for one purpose.
    fn keyed_hash(&self, purpose: &[u8], bytes: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.ring().house());
        hash.update((purpose.len() as u64).to_be_bytes());
        hash.update(purpose);
        hash.update(bytes);
        hash.finalize().into()
    }

    fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the first bytes of a hash.
fn first<const N: usize>(hash: &[u8; 32]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
    bytes
}

/// Returns what a seed of layout 2 is bound to.
fn associated_data_v2(serial: &str) -> Vec<u8> {
    [b"fob seed v1\0".as_slice(), serial.as_bytes()].concat()
}

/// Returns random bytes from the kernel.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| VaultError::NoRandom)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
