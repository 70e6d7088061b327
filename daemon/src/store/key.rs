//! Keys: what an entry is about, and in which of 256 shards it lies.

use std::{fmt, sync::Arc};

use fob_api::Serial;
use sha2::{Digest, Sha256};

/// What an entry is about. The byte is the first one of its keys on disk: never renumbered,
/// never used again. 0 belongs to the engines.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Kind {
    /// The fingerprint of a seed, so that no seed is in stock twice.
    Fingerprint = 1,
    /// Facts about the store itself.
    Meta = 2,
    /// Budgets of users that do not exist, so that they cost what a real one costs.
    Nobody = 3,
    /// A token's sealed seed, parameters and owner: written on import, assign, rotate.
    Seed = 4,
    /// A token's last step, drift and budgets: written per sign-in.
    State = 5,
    /// A user's serials.
    User = 6,
    /// A user's recovery codes and temporary code, by uid.
    Recovery = 7,
}

impl Kind {
    /// Every kind, in the order of their keys.
    pub const ALL: [Self; 7] = [
        Self::Fingerprint,
        Self::Meta,
        Self::Nobody,
        Self::Seed,
        Self::State,
        Self::User,
        Self::Recovery,
    ];
}

/// How often an entry is written. What is rare is watched more closely: the anchor of the sled
/// engine keeps pace with each change of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Heat {
    /// By an administrator, or by a user about his own tokens and codes.
    Cold,
    /// By each sign-in, or by the time.
    Hot,
}

impl Heat {
    /// Returns the heat of the entry under a key's bytes. What a later kind is about is not known
    /// here: it is watched closely.
    ///
    /// What stands in for the recovery codes of those who have none is as cold as theirs: a try
    /// must cost the same (design.md section 4, law 4).
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        let Some((kind, [_, name @ ..])) = key.split_first() else { return Self::Cold };
        let named = |kind| Kind::ALL.into_iter().find(|known| *known as u8 == kind);
        match named(*kind) {
            Some(Kind::State) => Self::Hot,
            Some(Kind::Nobody) if name.len() == size_of::<u16>() => Self::Hot,
            Some(Kind::Meta) if HOT_FACTS.contains(&name) => Self::Hot,
            _ => Self::Cold,
        }
    }
}

/// Facts about the store that sign-ins and the time write: the host's clocks, and what unknown
/// sources have cost.
const HOT_FACTS: [&[u8]; 3] = [b"audit", b"host", b"spray"];

/// A key: its kind, the shard (the first byte of the name's SHA-256), its name.
///
/// The shard does not depend on the kind, so that seed and state of a token share it. Ordered
/// by kind, shard, name. Clones share the bytes, in which the kind is too: an import of a million
/// tokens holds ten million keys.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Key {
    bytes: Arc<[u8]>,
}

impl Key {
    /// When the store was last found in a state that is not the one it was left in.
    pub fn doubt() -> Self {
        Self::meta("doubt")
    }

    /// The fingerprint of a seed.
    pub fn fingerprint(fingerprint: &[u8; 32]) -> Self {
        Self::of(Kind::Fingerprint, fingerprint)
    }

    /// What a backup of another house knows of a forgotten token: only the serial tells which, for
    /// fingerprints are each house's own. Among them, by a hash of that serial.
    pub fn former(serial: &Serial) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"fob former serial\0");
        hash.update(serial.folded());
        Self::fingerprint(&hash.finalize().into())
    }

    /// What a restart must know of the host's clocks.
    pub fn host() -> Self {
        Self::meta("host")
    }

    /// A fact about the store itself.
    pub fn meta(name: &'static str) -> Self {
        Self::of(Kind::Meta, name.as_bytes())
    }

    /// One of the budgets that users who do not exist share.
    pub fn nobody(slot: u16) -> Self {
        Self::of(Kind::Nobody, &slot.to_be_bytes())
    }

    /// What stands in for the recovery codes of those who have none; by the same slot.
    pub fn nobodys_recovery(slot: u16) -> Self {
        let [high, low] = slot.to_be_bytes();
        Self::of(Kind::Nobody, &[high, low, b'r'])
    }

    /// The recovery codes of a user, by uid.
    pub fn recovery(uid: u32) -> Self {
        Self::of(Kind::Recovery, &uid.to_be_bytes())
    }

    /// That the database was set up.
    pub fn initialized() -> Self {
        Self::meta("initialized")
    }

    /// Which version the whole database has.
    pub fn schema() -> Self {
        Self::meta("schema")
    }

    /// The seed record of a token; the serial in its folded form.
    pub fn seed(serial: &Serial) -> Self {
        Self::of(Kind::Seed, serial.folded().as_bytes())
    }

    /// The state record of a token; the serial in its folded form.
    pub fn state(serial: &Serial) -> Self {
        Self::of(Kind::State, serial.folded().as_bytes())
    }

    /// The serials of a user, by uid.
    pub fn user(uid: u32) -> Self {
        Self::of(Kind::User, &uid.to_be_bytes())
    }

    /// The house secret, sealed by the master key.
    pub fn vault() -> Self {
        Self::meta("vault")
    }

    /// Returns what the entry is about.
    pub fn kind(&self) -> Kind {
        let is_first = |kind: &Kind| self.bytes.first() == Some(&(*kind as u8));
        // Each key begins with the byte of one.
        Kind::ALL.into_iter().find(is_first).unwrap_or(Kind::Meta)
    }

    /// Returns the shard, 0 to 255.
    pub fn shard(&self) -> u8 {
        self.bytes.get(1).copied().unwrap_or_default()
    }

    /// Returns the name: a folded serial, a fingerprint, a big-endian number, a word.
    pub fn name(&self) -> &[u8] {
        self.bytes.get(2..).unwrap_or_default()
    }

    /// Returns all bytes: kind, shard, name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes the bytes of a stored key; `None` if an engine's key cannot be one of ours.
    pub(super) fn from_stored(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let kind = Kind::ALL.into_iter().find(|kind| *kind as u8 == first)?;
        let key = Self::of(kind, bytes.get(2..)?);
        (key.as_bytes() == bytes).then_some(key)
    }

    /// Returns what is before or at the first key of a kind in a shard: one without a name.
    pub(super) fn floor(kind: Kind, shard: u8) -> Self {
        Self { bytes: [kind as u8, shard].into() }
    }

    fn of(kind: Kind, name: &[u8]) -> Self {
        let [shard, ..] = <[u8; 32]>::from(Sha256::digest(name));
        let bytes = [&[kind as u8, shard], name].concat();
        Self { bytes: bytes.into() }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({})", self.kind(), self.name().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::{Heat, Key, Kind};
    use fob_api::Serial;

    #[test]
    fn seed_and_state_of_a_token_share_a_shard_in_both_cases_of_the_serial() {
        let upper = Serial::parse("8A1172").unwrap();
        let lower = Serial::parse("8a1172").unwrap();
        assert_eq!(Key::seed(&upper), Key::seed(&lower));
        assert_eq!(Key::seed(&upper).shard(), Key::state(&lower).shard());
        assert_eq!(Key::state(&lower).name(), b"8A1172");
    }

    #[test]
    fn the_bytes_of_a_key_never_change() {
        // SHA-256 of the four zero bytes starts with df (sha256sum).
        assert_eq!(Key::user(0).as_bytes(), [6, 0xdf, 0, 0, 0, 0]);
        let kinds = Kind::ALL.map(|kind| kind as u8);
        assert_eq!(kinds, [1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn stored_bytes_lead_back_to_their_key_and_damaged_ones_to_none() {
        let key = Key::fingerprint(&[7; 32]);
        assert_eq!(Key::from_stored(key.as_bytes()), Some(key.clone()));
        let mut moved = key.as_bytes().to_vec();
        moved[1] ^= 1;
        assert_eq!(Key::from_stored(&moved), None);
        assert_eq!(Key::from_stored(&[0, 0, 0]), None);
        assert_eq!(Key::from_stored(&[]), None);
    }

    #[test]
    fn what_each_sign_in_writes_is_hot_and_everything_else_cold() {
        let serial = Serial::parse("8A1172").unwrap();
        for key in [Key::state(&serial), Key::host(), Key::meta("spray"), Key::nobody(7)] {
            assert_eq!(Heat::of(key.as_bytes()), Heat::Hot, "{key:?}");
        }
        for key in [
            Key::seed(&serial),
            Key::user(0),
            Key::fingerprint(&[7; 32]),
            Key::recovery(0),
            Key::nobodys_recovery(7),
            Key::meta("initialized"),
            Key::doubt(),
        ] {
            assert_eq!(Heat::of(key.as_bytes()), Heat::Cold, "{key:?}");
        }
        assert_eq!(Heat::of(&[99, 0, 1]), Heat::Cold);
    }
}
