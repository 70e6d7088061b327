//! The bytes of the manifest and of the anchor. Fixed forms: they are read before anything else
//! of the database is believed.

use sha2::{Digest, Sha256};

use super::super::ledger::{SUM, Sum, Sums};

/// The form that this release writes. A newer one is refused.
pub(in super::super) const FORM: u8 = 1;
/// Bytes of the SHA-256 over the bytes before it.
const CHECKSUM: usize = 32;

/// Which database it is: random, made with it, and the same in manifest and anchor, so that the
/// parts of two databases are told from one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) struct House(pub(in super::super) [u8; 16]);

/// Why a manifest or an anchor is not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Unreadable {
    /// It is not what was written.
    Damaged,
    /// A newer Fob wrote it.
    Newer,
}

/// What the database says of its cold records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) struct Manifest {
    pub(in super::super) house: House,
    /// Groups of commits that changed a cold record. 0 until the first anchor has been made: only
    /// then it may be missing.
    pub(in super::super) generation: u64,
    /// Cold records.
    pub(in super::super) count: u64,
    pub(in super::super) cold: Sum,
}

/// What the anchor knows of the hot records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Close {
    /// The store was closed with these.
    Closed(Sum),
    /// It is open, and was found doubtful since it was last closed.
    Doubtful,
    /// It is open.
    Open,
}

/// What stands beside the database.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) struct Anchor {
    pub(in super::super) house: House,
    pub(in super::super) generation: u64,
    pub(in super::super) cold: Sum,
    pub(in super::super) close: Close,
}

/// Bytes of a manifest: form, house, generation, count, sum, checksum. Numbers are big-endian.
const MANIFEST: usize = 1 + 16 + 8 + 8 + SUM + CHECKSUM;
/// Bytes of one copy of an anchor: form, house, generation, cold sum, how it ended, hot sum,
/// checksum.
const ANCHOR: usize = 1 + 16 + 8 + SUM + 1 + SUM + CHECKSUM;

impl Manifest {
    /// Returns what it must say of records with these sums.
    pub(in super::super) fn of(house: House, generation: u64, sums: &Sums) -> Self {
        Self { house, generation, count: sums.count, cold: sums.cold }
    }

    pub(in super::super) fn encode(&self) -> Vec<u8> {
        sealed(&[
            &[FORM],
            &self.house.0,
            &self.generation.to_be_bytes(),
            &self.count.to_be_bytes(),
            &self.cold.to_bytes(),
        ])
    }

    pub(in super::super) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut rest = opened(bytes, MANIFEST)?;
        Ok(Self {
            house: House(part(&mut rest)?),
            generation: u64::from_be_bytes(part(&mut rest)?),
            count: u64::from_be_bytes(part(&mut rest)?),
            cold: Sum::from_bytes(&part(&mut rest)?),
        })
    }
}

impl Anchor {
    /// Returns its bytes: twice the same, so that one bit of decay in a file that is read once a
    /// month keeps nobody out.
    pub(in super::super) fn encode(&self) -> Vec<u8> {
        let (word, hot) = match self.close {
            Close::Open => (0, Sum::default()),
            Close::Closed(hot) => (1, hot),
            Close::Doubtful => (2, Sum::default()),
        };
        let one = sealed(&[
            &[FORM],
            &self.house.0,
            &self.generation.to_be_bytes(),
            &self.cold.to_bytes(),
            &[word],
            &hot.to_bytes(),
        ]);
        [one.as_slice(), &one].concat()
    }

    pub(in super::super) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        if bytes.first().is_some_and(|form| *form > FORM) && bytes.get(ANCHOR) == bytes.first() {
            return Err(Unreadable::Newer);
        }
        // A file of another length was cut or patched together, whatever its copies say.
        let (one, other) = bytes
            .split_at_checked(ANCHOR)
            .filter(|_| bytes.len() == 2 * ANCHOR)
            .ok_or(Unreadable::Damaged)?;
        match (Self::decode_one(one), Self::decode_one(other)) {
            (Ok(one), Ok(other)) if one != other => Err(Unreadable::Damaged),
            (Ok(anchor), _) | (_, Ok(anchor)) => Ok(anchor),
            (Err(error), _) => Err(error),
        }
    }

    fn decode_one(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut rest = opened(bytes, ANCHOR)?;
        let (house, generation) = (House(part(&mut rest)?), u64::from_be_bytes(part(&mut rest)?));
        let cold = Sum::from_bytes(&part(&mut rest)?);
        let [word] = part(&mut rest)?;
        let hot = Sum::from_bytes(&part(&mut rest)?);
        let close = match word {
            0 => Close::Open,
            1 => Close::Closed(hot),
            2 => Close::Doubtful,
            _ => return Err(Unreadable::Damaged),
        };
        Ok(Self { house, generation, cold, close })
    }
}

/// Joins parts and adds their checksum.
pub(in super::super) fn sealed(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = parts.concat();
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    bytes
}

/// Returns what is between form and checksum.
pub(in super::super) fn opened(bytes: &[u8], length: usize) -> Result<&[u8], Unreadable> {
    let (form, _) = bytes.split_first().ok_or(Unreadable::Damaged)?;
    let (body, sum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(Unreadable::Damaged)?;
    if sum.as_slice() != Sha256::digest(body).as_slice() {
        return Err(Unreadable::Damaged);
    }
    match *form {
        FORM if bytes.len() == length => body.get(1..).ok_or(Unreadable::Damaged),
        form if form > FORM => Err(Unreadable::Newer),
        _ => Err(Unreadable::Damaged),
    }
}

/// Takes the next bytes.
pub(in super::super) fn part<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Unreadable> {
    let (part, left) = rest.split_first_chunk::<N>().ok_or(Unreadable::Damaged)?;
    *rest = left;
    Ok(*part)
}

#[cfg(test)]
mod tests {
    use super::{Anchor, Close, House, Manifest, Sum, Unreadable};

    fn anchor(close: Close) -> Anchor {
        Anchor { house: House([7; 16]), generation: 3, cold: Sum([1, 2, 3, u64::MAX]), close }
    }

    #[test]
    fn what_is_written_is_read() {
        for close in [Close::Open, Close::Doubtful, Close::Closed(Sum([9, 8, 7, 6]))] {
            assert_eq!(Anchor::decode(&anchor(close).encode()), Ok(anchor(close)));
        }
        let manifest =
            Manifest { house: House([7; 16]), generation: 3, count: 5, cold: Sum([1; 4]) };
        assert_eq!(Manifest::decode(&manifest.encode()), Ok(manifest));
    }

    #[test]
    fn a_flipped_bit_is_noticed_in_the_manifest_and_mended_in_the_anchor() {
        let manifest =
            Manifest { house: House([7; 16]), generation: 3, count: 5, cold: Sum([1; 4]) };
        let bytes = manifest.encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Manifest::decode(&flipped), Err(Unreadable::Damaged), "bit {bit}");
        }
        let whole = anchor(Close::Closed(Sum([9; 4])));
        let bytes = whole.encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Anchor::decode(&flipped), Ok(whole), "bit {bit}");
        }
    }

    #[test]
    fn an_anchor_that_was_cut_emptied_or_put_together_of_two_is_damaged() {
        let bytes = anchor(Close::Open).encode();
        for end in 0..bytes.len() {
            assert_eq!(Anchor::decode(&bytes[..end]), Err(Unreadable::Damaged), "{end} bytes");
        }
        assert_eq!(Anchor::decode(&vec![0; bytes.len()]), Err(Unreadable::Damaged));
        let other = anchor(Close::Doubtful).encode();
        let half = bytes.len() / 2;
        let mixed = [&bytes[..half], &other[half..]].concat();
        assert_eq!(Anchor::decode(&mixed), Err(Unreadable::Damaged));
    }

    #[test]
    fn a_newer_form_is_not_taken_for_damage() {
        let body = [&[2_u8][..], &[7; 40]].concat();
        let newer = super::sealed(&[&body]);
        assert_eq!(Manifest::decode(&newer), Err(Unreadable::Newer));
        let half = anchor(Close::Open).encode().len() / 2;
        let mut two = vec![0; 2 * half];
        (two[0], two[half]) = (2, 2);
        assert_eq!(Anchor::decode(&two), Err(Unreadable::Newer));
    }
}
