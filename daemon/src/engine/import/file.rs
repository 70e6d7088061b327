//! A seed file's contents, from a descriptor.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    os::fd::OwnedFd,
};

use zeroize::Zeroizing;

/// Largest seed file in bytes (threats.md D13).
const LARGEST: u64 = 16 << 20;

/// A seed file's contents. Wiped on drop.
pub struct SeedFile(Zeroizing<Vec<u8>>);

impl SeedFile {
    /// Returns the contents.
    pub(in crate::engine) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Why a descriptor is not read.
#[derive(Debug)]
pub enum ReadError {
    /// Reading failed.
    Io(io::Error),
    /// It is a pipe, a folder or a device.
    NotAFile,
    /// It is larger than 16 MiB.
    TooLarge,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the seed file cannot be read: {error}."),
            Self::NotAFile => f.write_str("the seed file is not a regular file."),
            Self::TooLarge => f.write_str("the seed file is larger than 16 MiB."),
        }
    }
}

impl std::error::Error for ReadError {}

/// Reads a seed file from a descriptor. Blocks on the disk; only regular files, so never on a
/// caller.
///
/// # Errors
///
/// [`ReadError`].
pub fn read_seed_file(descriptor: OwnedFd) -> Result<SeedFile, ReadError> {
    let file = File::from(descriptor);
    let meta = file.metadata().map_err(ReadError::Io)?;
    if !meta.is_file() {
        return Err(ReadError::NotAFile);
    }
    if meta.len() > LARGEST {
        return Err(ReadError::TooLarge);
    }
    // One allocation: a growing buffer would leave unwiped copies behind.
    let room = usize::try_from(meta.len()).map_err(|_| ReadError::TooLarge)? + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(room as u64).read_to_end(&mut bytes).map_err(ReadError::Io)?;
    if bytes.len() >= room { Err(ReadError::TooLarge) } else { Ok(SeedFile(bytes)) }
}
