//! The stream: magic bytes, version, records with their lengths, their count and a hash at the end.
//!
//! The hash finds decay and cuts. Who may write such a stream is none of its business: it travels
//! inside a file that `fobctl` seals, and over a socket that only root can open.

mod v1;

use std::{
    fmt,
    io::{self, Read},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::{Header, Item};

/// The first bytes.
const MAGIC: [u8; 8] = *b"FOBBACK\n";
/// The version of the form, the byte behind the magic ones. A change of any type in it, also of
/// those that it shares with the store's records, is a new version. 1 had no batch of a token; it is
/// read.
pub const VERSION: u8 = 2;
/// Longest record in bytes: as much as the store takes for one (`store::MAX_VALUE`), for the two
/// of a token.
const LONGEST: usize = 2 * crate::store::MAX_VALUE;
/// Bytes of a record's length, big-endian.
const LENGTH: usize = 4;

/// A record of the stream.
#[derive(Serialize, Deserialize)]
enum Frame {
    /// The first one.
    Header(Header),
    /// What the backup holds.
    Item(Item),
    /// The last one.
    End {
        /// How many items there were.
        items: u64,
        /// SHA-256 of all bytes before this record.
        hash: [u8; 32],
    },
}

/// A stream cannot be written or read.
#[derive(Debug)]
pub enum StreamError {
    /// It is no such stream, or not what was written.
    Damaged,
    /// Reading failed.
    Io(io::Error),
    /// A newer Fob wrote it.
    Newer,
    /// A record is longer than a stream takes.
    TooLong,
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged => f.write_str("the backup is damaged."),
            Self::Io(error) => write!(f, "the backup cannot be read: {error}."),
            Self::Newer => f.write_str("the backup was made by a newer version of Fob."),
            Self::TooLong => f.write_str("a record is too long for a backup."),
        }
    }
}

impl std::error::Error for StreamError {}

/// Writes a stream, piece by piece.
pub struct Encoder {
    hash: Sha256,
    items: u64,
}

impl Encoder {
    /// Begins a stream; returns its first bytes.
    ///
    /// # Errors
    ///
    /// [`StreamError::TooLong`].
    pub fn new(header: &Header) -> Result<(Self, Vec<u8>), StreamError> {
        let mut encoder = Self { hash: Sha256::new(), items: 0 };
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        encoder.hash.update(&bytes);
        bytes.extend(encoder.frame(&Frame::Header(header.clone()))?);
        Ok((encoder, bytes))
    }

    /// Returns the bytes of an item.
    ///
    /// # Errors
    ///
    /// [`StreamError::TooLong`].
    pub fn item(&mut self, item: Item) -> Result<Vec<u8>, StreamError> {
        self.items = self.items.saturating_add(1);
        self.frame(&Frame::Item(item))
    }

    /// Returns the last bytes.
    ///
    /// # Errors
    ///
    /// [`StreamError::TooLong`], which the last record never is.
    pub fn end(mut self) -> Result<Vec<u8>, StreamError> {
        let hash = self.hash.clone().finalize().into();
        self.frame(&Frame::End { items: self.items, hash })
    }

    fn frame(&mut self, frame: &Frame) -> Result<Vec<u8>, StreamError> {
        let payload = postcard::to_allocvec(frame).map_err(|_| StreamError::TooLong)?;
        let length = u32::try_from(payload.len()).map_err(|_| StreamError::TooLong)?;
        if payload.len() > LONGEST {
            return Err(StreamError::TooLong);
        }
        let bytes = [length.to_be_bytes().as_slice(), &payload].concat();
        self.hash.update(&bytes);
        Ok(bytes)
    }
}

/// Reads a stream, item by item. What it returns is the stream's own claim until [`Iterator::next`]
/// has returned `None`: only then its end, count and hash were right.
pub struct Decoder<R> {
    input: R,
    hash: Sha256,
    items: u64,
    header: Header,
    version: u8,
    ended: bool,
}

impl<R: Read> Decoder<R> {
    /// Begins to read.
    ///
    /// # Errors
    ///
    /// [`StreamError`].
    pub fn new(mut input: R) -> Result<Self, StreamError> {
        let mut first = [0; MAGIC.len() + 1];
        fill(&mut input, &mut first)?;
        let (version, magic) = first.split_last().ok_or(StreamError::Damaged)?;
        if *magic != MAGIC {
            return Err(StreamError::Damaged);
        }
        if *version > VERSION {
            return Err(StreamError::Newer);
        }
        if !matches!(*version, v1::VERSION | VERSION) {
            return Err(StreamError::Damaged);
        }
        let mut hash = Sha256::new();
        hash.update(first);
        let (frame, bytes) = frame(&mut input, *version)?;
        let Frame::Header(header) = frame else { return Err(StreamError::Damaged) };
        hash.update(bytes);
        Ok(Self { input, hash, items: 0, header, version: *version, ended: false })
    }

    /// Returns where and when the backup was made.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the next item; `None` once the end was met and everything is as it was written.
    ///
    /// # Errors
    ///
    /// [`StreamError`].
    pub fn next_item(&mut self) -> Result<Option<Item>, StreamError> {
        if self.ended {
            return Ok(None);
        }
        match frame(&mut self.input, self.version)? {
            (Frame::Header(_), _) => Err(StreamError::Damaged),
            (Frame::Item(item), bytes) => {
                self.hash.update(bytes);
                self.items = self.items.saturating_add(1);
                Ok(Some(item))
            }
            (Frame::End { items, hash }, _) => {
                let right: [u8; 32] = self.hash.clone().finalize().into();
                let mut behind = [0];
                let left = self.input.read(&mut behind).map_err(StreamError::Io)?;
                if items != self.items || hash != right || left != 0 {
                    return Err(StreamError::Damaged);
                }
                self.ended = true;
                Ok(None)
            }
        }
    }
}

/// Reads a frame of this version and returns it with its bytes.
fn frame(input: &mut impl Read, version: u8) -> Result<(Frame, Vec<u8>), StreamError> {
    let mut length = [0; LENGTH];
    fill(input, &mut length)?;
    let long = usize::try_from(u32::from_be_bytes(length)).map_err(|_| StreamError::Damaged)?;
    if long > LONGEST {
        return Err(StreamError::Damaged);
    }
    let mut payload = vec![0; long];
    fill(input, &mut payload)?;
    let frame = match version {
        v1::VERSION => whole::<v1::Frame>(&payload)?.into(),
        _ => whole(&payload)?,
    };
    Ok((frame, [length.as_slice(), &payload].concat()))
}

/// Reads a value that takes all of these bytes.
fn whole<T: DeserializeOwned>(payload: &[u8]) -> Result<T, StreamError> {
    match postcard::take_from_bytes(payload) {
        Ok((value, [])) => Ok(value),
        _ => Err(StreamError::Damaged),
    }
}

/// Fills the room; an input that ends before is damaged.
fn fill(input: &mut impl Read, room: &mut [u8]) -> Result<(), StreamError> {
    input.read_exact(room).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => StreamError::Damaged,
        _ => StreamError::Io(error),
    })
}

#[cfg(test)]
mod tests;
