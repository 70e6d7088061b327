//! Seals and opens seeds. The only owner of the master key.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha): its nonces are long enough to be drawn at
//! random for every sealing. The serial and the purpose are associated data, so a sealed seed
//! that is moved to another token's record does not open.

use std::{
    fmt, fs,
    io::{self, Read, Write},
    net::IpAddr,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::record::{SealedSeed, Seed};

/// Bytes of the master key (the AEAD's key length).
const KEY: usize = 32;
/// The key file's name in the state folder.
pub const KEY_FILE: &str = "master.key";

/// Why the vault cannot be opened, or a seed not be sealed or opened.
#[derive(Debug)]
pub enum VaultError {
    /// The key file cannot be read or made.
    Io(io::Error),
    /// The key file is not 32 bytes, or others may read it.
    BadKeyFile,
    /// A sealed seed does not open: damaged, another token's, or sealed by another key.
    DoesNotOpen,
    /// The kernel gave no random bytes.
    NoRandom,
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "The master key file cannot be used: {error}."),
            Self::BadKeyFile => f.write_str(
                "The master key file must be 32 bytes, mode 0600, and belong to fobd's user.",
            ),
            Self::DoesNotOpen => f.write_str("A sealed seed does not open with this master key."),
            Self::NoRandom => f.write_str("The kernel gives no random bytes."),
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

/// Seals and opens seeds.
pub struct Vault {
    aead: XChaCha20Poly1305,
    fingerprint_key: Zeroizing<[u8; 32]>,
}

impl Vault {
    /// Opens the vault with the key file of a state folder.
    ///
    /// # Errors
    ///
    /// [`VaultError`] if there is no key file and none may be made, or it is not a good one.
    pub fn open(folder: &Path, file: KeyFile) -> Result<Self, VaultError> {
        let path = folder.join(KEY_FILE);
        match read_key(&path) {
            Ok(key) => Ok(Self::with_key(&key)),
            Err(VaultError::Io(error))
                if error.kind() == io::ErrorKind::NotFound && file == KeyFile::Make =>
            {
                let key = Zeroizing::new(random::<KEY>()?);
                write_key(folder, &path, &key).map_err(VaultError::Io)?;
                Ok(Self::with_key(&key))
            }
            Err(error) => Err(error),
        }
    }

    /// Takes a master key.
    #[must_use]
    pub fn with_key(key: &[u8; KEY]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"fob fingerprint key v1");
        hash.update(key);
        let fingerprint_key = Zeroizing::new(hash.finalize().into());
        Self { aead: XChaCha20Poly1305::new(key.into()), fingerprint_key }
    }

    /// Seals the seed of a token. `serial` is the folded one.
    ///
    /// # Errors
    ///
    /// [`VaultError::NoRandom`]; [`VaultError::DoesNotOpen`] if the cipher fails, which it does
    /// not for inputs of this size.
    pub fn seal(&self, serial: &str, seed: &Seed) -> Result<SealedSeed, VaultError> {
        let nonce = random::<24>()?;
        let aad = associated_data(serial);
        let payload = Payload { msg: seed.as_bytes(), aad: &aad };
        let sealed = self
            .aead
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| VaultError::DoesNotOpen)?;
        Ok(SealedSeed { nonce, sealed })
    }

    /// Opens the seed of a token. `serial` is the folded one.
    ///
    /// # Errors
    ///
    /// [`VaultError::DoesNotOpen`].
    pub fn open_seed(&self, serial: &str, sealed: &SealedSeed) -> Result<Seed, VaultError> {
        let aad = associated_data(serial);
        let payload = Payload { msg: &sealed.sealed, aad: &aad };
        let bytes = self
            .aead
            .decrypt(&XNonce::from(sealed.nonce), payload)
            .map_err(|_| VaultError::DoesNotOpen)?;
        Seed::new(bytes).ok_or(VaultError::DoesNotOpen)
    }

    /// Returns the keyed fingerprint of a seed: the same for the same seed, useless without the
    /// master key.
    #[must_use]
    pub fn fingerprint(&self, seed: &Seed) -> [u8; 32] {
        self.keyed_hash(b"seed", seed.as_bytes())
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
        hash.update(self.fingerprint_key.as_slice());
        hash.update((purpose.len() as u64).to_be_bytes());
        hash.update(purpose);
        hash.update(bytes);
        hash.finalize().into()
    }
}

/// Returns the first bytes of a hash.
fn first<const N: usize>(hash: &[u8; 32]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
    bytes
}

/// Returns what a sealed seed is bound to.
fn associated_data(serial: &str) -> Vec<u8> {
    [b"fob seed v1\0".as_slice(), serial.as_bytes()].concat()
}

/// Returns random bytes from the kernel.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| VaultError::NoRandom)?;
    Ok(bytes)
}

/// Reads the key file, refusing one that others can read.
fn read_key(path: &Path) -> Result<Zeroizing<[u8; KEY]>, VaultError> {
    let mut file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(path)
        .map_err(VaultError::Io)?;
    let meta = file.metadata().map_err(VaultError::Io)?;
    if !meta.is_file()
        || meta.mode() & 0o077 != 0
        || meta.uid() != nix::unistd::geteuid().as_raw()
        || meta.len() != KEY as u64
    {
        return Err(VaultError::BadKeyFile);
    }
    let mut key = Zeroizing::new([0; KEY]);
    file.read_exact(key.as_mut_slice()).map_err(VaultError::Io)?;
    Ok(key)
}

/// Makes the key file so that a crash leaves either none or a whole one.
fn write_key(folder: &Path, path: &Path, key: &[u8; KEY]) -> io::Result<()> {
    let fresh = folder.join(format!("{KEY_FILE}.new"));
    if fresh.exists() {
        fs::remove_file(&fresh)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(key)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::{KEY_FILE, KeyFile, Vault};
    use crate::record::Seed;

    fn seed() -> Seed {
        Seed::new(b"12345678901234567890".to_vec()).unwrap()
    }

    #[test]
    fn a_sealed_seed_opens_for_its_own_serial_only() {
        let vault = Vault::with_key(&[7; 32]);
        let sealed = vault.seal("A", &seed()).unwrap();
        assert_eq!(vault.open_seed("A", &sealed).unwrap().as_bytes(), seed().as_bytes());
        assert!(vault.open_seed("B", &sealed).is_err());
        assert!(Vault::with_key(&[8; 32]).open_seed("A", &sealed).is_err());
    }

    #[test]
    fn a_seed_is_never_sealed_to_the_same_bytes_twice() {
        let vault = Vault::with_key(&[7; 32]);
        assert_ne!(vault.seal("A", &seed()).unwrap(), vault.seal("A", &seed()).unwrap());
    }

    #[test]
    fn the_key_is_made_once_and_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let first = Vault::open(folder.path(), KeyFile::Make).unwrap();
        let sealed = first.seal("A", &seed()).unwrap();
        let again = Vault::open(folder.path(), KeyFile::MustExist).unwrap();
        assert!(again.open_seed("A", &sealed).is_ok());
        let mode = fs::metadata(folder.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_missing_open_or_short_key_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Vault::open(folder.path(), KeyFile::MustExist).is_err());
        let path = folder.path().join(KEY_FILE);
        fs::write(&path, [1; 32]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Vault::open(folder.path(), KeyFile::Make).is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(Vault::open(folder.path(), KeyFile::Make).is_ok());
        fs::write(&path, [1; 31]).unwrap();
        assert!(Vault::open(folder.path(), KeyFile::Make).is_err());
    }
}
