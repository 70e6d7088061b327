//! The bytes of the redo log. Pure: what it holds is found by what the entries themselves say.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::super::{
    anchor::{FORM, House, Unreadable, opened, part, sealed},
    bulk::{put_part, unpack},
};
use crate::store::Heat;

/// Where the entries begin: on a page of their own, so that the first page is written once and
/// never again.
pub(super) const FRONT: usize = 4096;
/// Bytes of entries: some 700 sign-ins of about 180 bytes. When it is full, their records are
/// written to the database in one batch, at 20 to 30 µs each (`bulk.rs`): less than 20 ms, by
/// which two or three pieces of a large commit hold a sign-in up as well.
pub(super) const ROOM: usize = 128 * 1024;
/// Bytes of the file.
pub(super) const SIZE: usize = FRONT + ROOM;

/// How an entry begins: what is looked for behind a damaged one.
const MARK: [u8; 4] = *b"redo";
/// Bytes before the payload: mark, length of the payload, epoch, sequence. Numbers are big-endian.
const HEAD: usize = 4 + 4 + 8 + 8;
/// Bytes of the SHA-256 over the house and the bytes before it.
const CHECKSUM: usize = 32;
/// Bytes of the front: form, house, checksum.
const FACE: usize = 1 + 16 + 32;
/// Bytes of an epoch in the database: form, number, checksum.
const EPOCH: usize = 1 + 8 + 32;

/// Returns the bytes of a log without entries.
pub(super) fn empty(house: House) -> Vec<u8> {
    let mut bytes = sealed(&[&[FORM], &house.0]);
    bytes.resize(SIZE, 0);
    bytes
}

/// Tells whose log it is.
fn face(bytes: &[u8]) -> Result<House, Unreadable> {
    let face = bytes.get(..FACE).ok_or(Unreadable::Damaged)?;
    Ok(House(part(&mut opened(face, FACE)?)?))
}

/// Returns the bytes of an epoch in the database.
pub(super) fn encode_epoch(epoch: u64) -> Vec<u8> {
    sealed(&[&[FORM], &epoch.to_be_bytes()])
}

/// Reads them.
pub(super) fn decode_epoch(bytes: &[u8]) -> Result<u64, Unreadable> {
    Ok(u64::from_be_bytes(part(&mut opened(bytes, EPOCH)?)?))
}

/// One entry: what a group of commits has written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Entry<'a> {
    pub(super) epoch: u64,
    pub(super) sequence: u64,
    /// Keys and stored values, as `bulk.rs` packs them.
    payload: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Returns its keys and stored values, which are empty where the record was removed.
    pub(super) fn writes(&self) -> Option<Vec<(&'a [u8], &'a [u8])>> {
        let hot = |(key, _): &(&[u8], &[u8])| Heat::of(key) == Heat::Hot;
        unpack(self.payload).filter(|writes| writes.iter().all(hot))
    }

    /// Reads the entry at the beginning of these bytes, if a whole one of this house is there, and
    /// returns its length with it.
    fn read(bytes: &'a [u8], house: House) -> Option<(Self, usize)> {
        let mut rest = bytes;
        if part::<4>(&mut rest).ok()? != MARK {
            return None;
        }
        let length = usize::try_from(u32::from_be_bytes(part(&mut rest).ok()?)).ok()?;
        let epoch = u64::from_be_bytes(part(&mut rest).ok()?);
        let sequence = u64::from_be_bytes(part(&mut rest).ok()?);
        let (payload, rest) = rest.split_at_checked(length)?;
        let sum = rest.first_chunk::<CHECKSUM>()?;
        let length = HEAD.checked_add(length)?;
        if *sum != checksum(house, bytes.get(..length)?) {
            return None;
        }
        Some((Self { epoch, sequence, payload }, length.checked_add(CHECKSUM)?))
    }
}

/// Returns the bytes of an entry; `None` if there is too much in it.
pub(super) fn encode<'a>(
    house: House,
    (epoch, sequence): (u64, u64),
    writes: impl Iterator<Item = (&'a [u8], Vec<u8>)>,
) -> Option<Vec<u8>> {
    let mut payload = Vec::new();
    for (key, stored) in writes {
        put_part(&mut payload, key);
        put_part(&mut payload, &stored);
        if payload.len() > ROOM {
            return None;
        }
    }
    let length = u32::try_from(payload.len()).ok()?.to_be_bytes();
    let (epoch, sequence) = (epoch.to_be_bytes(), sequence.to_be_bytes());
    let mut entry = [&MARK[..], &length, &epoch, &sequence, &payload].concat();
    let sum = checksum(house, &entry);
    entry.extend(sum);
    Some(entry)
}

fn checksum(house: House, entry: &[u8]) -> [u8; CHECKSUM] {
    Sha256::new().chain_update(house.0).chain_update(entry).finalize().into()
}

/// What is in a log.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Found<'a> {
    /// The entries of the epoch, in the order in which they were written.
    pub(super) entries: Vec<Entry<'a>>,
    /// The highest epoch of a whole entry.
    pub(super) highest: Option<u64>,
    pub(super) state: State,
}

/// What a log says of itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// It is not the log of this database, or not whole: what was in it is not known.
    Foreign,
    /// Entries of the epoch are missing: one lies behind what is none, where no power cut leaves
    /// one; or the database is of an older epoch than the log.
    Holed,
    /// Its entries follow each other from the first one on.
    Whole,
}

/// Reads a log.
///
/// # Errors
///
/// [`Unreadable::Newer`]: a newer Fob wrote it.
pub(super) fn read(bytes: &[u8], house: House, epoch: u64) -> Result<Found<'_>, Unreadable> {
    let is_ours = match face(bytes) {
        Err(Unreadable::Newer) => return Err(Unreadable::Newer),
        Err(Unreadable::Damaged) => false,
        Ok(whose) => whose == house && bytes.len() == SIZE,
    };
    let found = entries(bytes.get(FRONT..).unwrap_or_default(), house, epoch);
    Ok(if is_ours { found } else { Found { state: State::Foreign, ..found } })
}

/// Reads what is behind the front.
pub(super) fn entries(mut rest: &[u8], house: House, epoch: u64) -> Found<'_> {
    let (mut entries, mut highest) = (BTreeMap::new(), None);
    // Whether all before this place was entries of the epoch, from the first one on.
    let mut is_chain = true;
    let mut state = State::Whole;
    while !rest.is_empty() {
        let mut step = 1;
        if let Some((entry, length)) = Entry::read(rest, house) {
            step = length;
            highest = highest.max(Some(entry.epoch));
            is_chain &= entry.epoch == epoch && entry.sequence == entries.len() as u64;
            if entry.epoch >= epoch && !is_chain {
                state = State::Holed;
            }
            if entry.epoch == epoch {
                entries.insert(entry.sequence, entry);
            }
        } else {
            is_chain = false;
        }
        rest = rest.get(step..).unwrap_or_default();
    }
    Found { entries: entries.into_values().collect(), highest, state }
}
