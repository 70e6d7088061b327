//! A line of the log: JSON with the hash that chains it to the line before.
//!
//! The hash is SHA-256 over the hash of the line before and this line's bytes up to its own hash.
//! It is checked on the bytes as they stand, so that no two spellings of a line are the same.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// A hash of the chain. Before the first line there are zeros.
pub(super) type Hash = [u8; 32];

/// What stands between a line's body and its hash.
const BEFORE_HASH: &[u8] = b",\"hash\":\"";
/// What stands behind the hash.
const AFTER_HASH: &[u8] = b"\"}";
/// Bytes of a hash in hexadecimal.
const HEX: usize = 64;

/// The last number that a line may have. No log gets there, and one that claims it can be gone on
/// behind without an end of the numbers.
const LAST: u64 = u64::MAX / 2;

/// An event as it is written.
pub(super) struct Record<'a> {
    /// Unix time in seconds.
    pub(super) time: u64,
    /// The event's word.
    pub(super) event: &'a str,
    /// Its fields, in their order.
    pub(super) fields: &'a [(&'static str, String)],
}

/// Where a line stands in the chain.
pub(super) struct Place {
    pub(super) seq: u64,
    /// The hash of the line before.
    pub(super) before: Hash,
    pub(super) position: Position,
}

/// Where a line stands in its file.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Position {
    /// It is the file's first: it names the hash of the line before, which may be gone with its
    /// file one day.
    First,
    Later,
}

/// A line as it is read.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct Entry {
    /// The line's number, from 1 on.
    pub seq: u64,
    /// Unix time in seconds; 0 if the host had no clock.
    pub time: u64,
    /// The event's word.
    pub event: String,
    /// Its fields.
    pub fields: BTreeMap<String, String>,
    /// The hash of the line before, in the first line of a file.
    #[serde(default)]
    pub(super) prev: Option<String>,
    pub(super) hash: String,
}

#[derive(Serialize)]
struct Body<'a> {
    seq: u64,
    time: u64,
    event: &'a str,
    #[serde(serialize_with = "in_order")]
    fields: &'a [(&'static str, String)],
    #[serde(skip_serializing_if = "Option::is_none")]
    prev: Option<String>,
}

fn in_order<S: Serializer>(
    fields: &&[(&'static str, String)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(fields.iter().map(|(name, value)| (name, value)))
}

/// Returns a line with its end, and its hash; `None` if it has no form as JSON, which no event
/// lacks.
pub(super) fn write(record: &Record<'_>, place: &Place) -> Option<(Vec<u8>, Hash)> {
    let prev = (place.position == Position::First).then(|| HEXLOWER.encode(&place.before));
    let body = Body {
        seq: place.seq,
        time: record.time,
        event: record.event,
        fields: record.fields,
        prev,
    };
    let mut line = serde_json::to_vec(&body).ok()?;
    // The closing brace comes behind the hash.
    line.pop();
    let hash = chained(&place.before, &line);
    line.extend_from_slice(BEFORE_HASH);
    line.extend_from_slice(HEXLOWER.encode(&hash).as_bytes());
    line.extend_from_slice(AFTER_HASH);
    line.push(b'\n');
    Some((line, hash))
}

/// Reads a line without its end. One whose number no line has is none of ours.
pub(super) fn read(line: &[u8]) -> Option<Entry> {
    serde_json::from_slice(line).ok().filter(|entry: &Entry| (1..=LAST).contains(&entry.seq))
}

/// Tells whether a line without its end has the hash that it says, and says nothing behind it.
pub(super) fn is_sealed(line: &[u8], before: &Hash) -> bool {
    let parts = parts(line);
    parts.is_some_and(|(body, hex)| hash_of_hex(hex) == Some(chained(before, body)))
}

/// Returns the hash that belongs to a line without its end, whatever it says itself; `None` if it
/// has not the form of a line.
pub(super) fn hash(line: &[u8], before: &Hash) -> Option<Hash> {
    parts(line).map(|(body, _)| chained(before, body))
}

/// Returns the hash that a line without its end says.
pub(super) fn said_hash(line: &[u8]) -> Option<Hash> {
    parts(line).and_then(|(_, hex)| hash_of_hex(hex))
}

/// Returns a line's body and the hash that it says, in hexadecimal.
fn parts(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = line.strip_suffix(AFTER_HASH)?;
    let (rest, hex) = rest.split_at_checked(rest.len().checked_sub(HEX)?)?;
    Some((rest.strip_suffix(BEFORE_HASH)?, hex))
}

/// Returns the hash that is spelled so.
pub(super) fn hash_of_hex(hex: &[u8]) -> Option<Hash> {
    HEXLOWER.decode(hex).ok()?.try_into().ok()
}

fn chained(before: &Hash, body: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(body);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::{LAST, Place, Position, Record, is_sealed, read, write};

    fn fields() -> Vec<(&'static str, String)> {
        vec![("user", "a\"\\b".to_owned()), ("caller", "0".to_owned())]
    }

    fn place(position: Position) -> Place {
        Place { seq: 7, before: [1; 32], position }
    }

    #[test]
    fn a_line_is_json_that_leads_back() {
        let record = Record { time: 1_800_000_000, event: "verify", fields: &fields() };
        let (line, hash) = write(&record, &place(Position::Later)).unwrap();
        let text = String::from_utf8(line.clone()).unwrap();
        let begin = "{\"seq\":7,\"time\":1800000000,\"event\":\"verify\",\
                     \"fields\":{\"user\":\"a\\\"\\\\b\",\"caller\":\"0\"},\"hash\":\"";
        assert!(text.starts_with(begin) && text.ends_with("\"}\n"), "{text}");
        let entry = read(&line[..line.len() - 1]).unwrap();
        assert_eq!((entry.seq, entry.time, entry.event.as_str()), (7, 1_800_000_000, "verify"));
        assert_eq!(entry.fields["user"], "a\"\\b");
        assert_eq!(super::hash_of_hex(entry.hash.as_bytes()), Some(hash));
        assert_eq!(entry.prev, None);
    }

    #[test]
    fn the_first_line_of_a_file_names_the_hash_before() {
        let record = Record { time: 0, event: "ready", fields: &[] };
        let (line, _) = write(&record, &place(Position::First)).unwrap();
        let entry = read(&line[..line.len() - 1]).unwrap();
        assert_eq!(entry.prev, Some("01".repeat(32)));
    }

    #[test]
    fn a_line_with_any_bit_flipped_is_not_sealed() {
        let record = Record { time: 1_800_000_000, event: "verify", fields: &fields() };
        let (mut line, _) = write(&record, &place(Position::First)).unwrap();
        line.pop();
        assert!(is_sealed(&line, &[1; 32]) && !is_sealed(&line, &[2; 32]));
        for at in 0..line.len() {
            for bit in 0..8 {
                line[at] ^= 1 << bit;
                assert!(!is_sealed(&line, &[1; 32]), "bit {bit} of byte {at}");
                line[at] ^= 1 << bit;
            }
        }
    }

    #[test]
    fn a_line_with_a_number_that_no_line_has_is_none() {
        for (seq, is_line) in
            [(0, false), (1, true), (LAST, true), (LAST + 1, false), (u64::MAX, false)]
        {
            let record = Record { time: 0, event: "ready", fields: &[] };
            let place = Place { seq, ..place(Position::Later) };
            let (line, _) = write(&record, &place).unwrap();
            assert_eq!(read(&line[..line.len() - 1]).is_some(), is_line, "{seq}");
        }
    }

    #[test]
    fn what_is_too_short_for_a_hash_is_no_line() {
        for line in [&b""[..], b"{}", b"\"}", b",\"hash\":\"\"}"] {
            assert!(!is_sealed(line, &[0; 32]));
        }
    }
}
