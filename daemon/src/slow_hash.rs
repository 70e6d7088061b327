//! The slow hash of recovery codes: Argon2id (RFC 9106), keyed with a secret of the vault, so
//! that a stolen database without the master key cannot be searched at all.
//!
//! A hash costs 19 MiB and some 20 ms of a processor, and anybody can cause one. So few run at
//! once, few wait for their turn, and the rest is turned away.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use fob_api::{Code, Error, RecoveryCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Memory in KiB, passes and lanes: the first of the equal minimum settings for Argon2id in the
/// OWASP Password Storage Cheat Sheet. A code has 50 bits: more would only make a flood dearer.
/// (Scratch codes of another program have 26, which no cost makes good.)
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// Bytes of a digest (RFC 9106 section 3.1: tag length; 256 bits, as the seed's fingerprint).
const DIGEST: usize = 32;
/// Hashes at once: 38 MiB, and a host of four processors keeps half of them for sign-ins.
const AT_ONCE: usize = 2;
/// Callers at once, those who wait included. With 100 ms for a hash on a slow machine the last one
/// is served after 3 s, within the 5 s that a sign-in waits (design.md section 8). Callers other
/// than root are at most 16 (`bus/visitors.rs`), so they cannot take all places.
const CALLERS: usize = 64;

/// The digest of a code. Wiped on drop; has no `Debug`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Digest([u8; DIGEST]);

impl Digest {
    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; DIGEST] {
        &self.0
    }
}

/// What is hashed: its text in its one form. Wiped on drop, as both are.
pub trait Plain: Send + 'static {
    /// Returns the text.
    fn text(&self) -> &str;
}

impl Plain for RecoveryCode {
    fn text(&self) -> &str {
        self.as_str()
    }
}

/// A scratch code of another program: never the text of a recovery code, which has a letter.
impl Plain for Code {
    fn text(&self) -> &str {
        self.as_str()
    }
}

/// Hashes codes.
pub struct SlowHash {
    key: Arc<Zeroizing<[u8; 32]>>,
    callers: Arc<Semaphore>,
    seats: Arc<Semaphore>,
}

/// The right to hash, one code after the other. It is given back when it is dropped and the hash
/// that runs on it has ended.
#[derive(Clone)]
pub struct Seat {
    key: Arc<Zeroizing<[u8; 32]>>,
    _permits: Arc<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
}

impl SlowHash {
    /// Takes the secret that every hash is keyed with.
    #[must_use]
    pub fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self {
            key: Arc::new(key),
            callers: Arc::new(Semaphore::new(CALLERS)),
            seats: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Waits for a seat.
    ///
    /// # Errors
    ///
    /// `Busy` if too many wait already.
    pub async fn seat(&self) -> Result<Seat, Error> {
        let caller = Arc::clone(&self.callers).try_acquire_owned().map_err(|_| Error::Busy)?;
        let seat = Arc::clone(&self.seats).acquire_owned().await.map_err(|_| Error::Busy)?;
        Ok(Seat { key: Arc::clone(&self.key), _permits: Arc::new((caller, seat)) })
    }
}

#[cfg(test)]
impl SlowHash {
    /// Turns everybody away from now on: whoever would hash is busy.
    pub(crate) fn close(&self) {
        self.callers.close();
    }
}

impl Seat {
    /// Hashes codes under a salt, in their order; `None` if there is no memory for it.
    pub async fn hash<P: Plain>(&self, codes: Vec<P>, salt: [u8; 16]) -> Option<Vec<Digest>> {
        // It goes along: a caller who hangs up gives no seat away while his hash still runs.
        let seat = self.clone();
        let work = move || digests(&seat.key, &codes, &salt);
        tokio::task::spawn_blocking(work).await.ok().flatten()
    }
}

fn digests<P: Plain>(key: &[u8; 32], codes: &[P], salt: &[u8; 16]) -> Option<Vec<Digest>> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, Some(DIGEST)).ok()?;
    let mut blocks = Zeroizing::new(Vec::new());
    blocks.try_reserve_exact(params.block_count()).ok()?;
    blocks.resize(params.block_count(), Block::new());
    let argon2 = Argon2::new_with_secret(key, Algorithm::Argon2id, Version::V0x13, params).ok()?;
    let digest = |code: &P| {
        let mut digest = Digest([0; DIGEST]);
        let text = code.text().as_bytes();
        argon2
            .hash_password_into_with_memory(text, salt, &mut digest.0, blocks.as_mut_slice())
            .ok()?;
        Some(digest)
    };
    codes.iter().map(digest).collect()
}

#[cfg(test)]
mod tests {
    use fob_api::{Error, RecoveryCode};
    use zeroize::Zeroizing;

    use super::{AT_ONCE, CALLERS, SlowHash};

    fn code(text: &str) -> RecoveryCode {
        RecoveryCode::parse(text).unwrap()
    }

    async fn hash(key: u8, text: &str, salt: u8) -> [u8; 32] {
        let hashes = SlowHash::new(Zeroizing::new([key; 32]));
        let seat = hashes.seat().await.unwrap();
        let digests = seat.hash(vec![code("00000-0000z"), code(text)], [salt; 16]).await.unwrap();
        *digests[1].as_bytes()
    }

    #[tokio::test]
    async fn a_digest_depends_on_code_salt_and_key_and_on_nothing_else() {
        let digest = hash(1, "abcde-fghjk", 2).await;
        assert_eq!(digest, hash(1, "ABCDEFGHJK", 2).await);
        assert_ne!(digest, hash(1, "abcde-fghjm", 2).await);
        assert_ne!(digest, hash(1, "abcde-fghjk", 3).await);
        assert_ne!(digest, hash(2, "abcde-fghjk", 2).await);
    }

    #[tokio::test]
    async fn the_digest_of_a_code_never_changes() {
        // Computed with Python's package cryptography 48, not with this crate.
        let expected = "b94dcffbd757a298fedb49b1bc5814b3eae2ff216d263c223e9f67a9399bf545";
        let digest = hash(1, "abcde-fghjk", 2).await;
        let text: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text, expected);
    }

    #[tokio::test]
    async fn two_hash_at_once_a_few_wait_and_the_rest_is_turned_away() {
        let hashes = SlowHash::new(Zeroizing::new([0; 32]));
        let mut seats = Vec::new();
        for _ in 0..AT_ONCE {
            seats.push(hashes.seat().await.unwrap());
        }
        let mut waiting: Vec<_> = (AT_ONCE..CALLERS).map(|_| Box::pin(hashes.seat())).collect();
        for seat in &mut waiting {
            assert!(pends(seat.as_mut()).await, "a third one hashes");
        }
        assert!(matches!(hashes.seat().await, Err(Error::Busy)));
        seats.clear();
        assert!(waiting.remove(0).await.is_ok());
        drop(waiting);
        assert!(hashes.seat().await.is_ok());
    }

    /// Tells whether a future is not ready when it is polled once.
    async fn pends<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(future.as_mut().poll(context).is_pending())
        })
        .await
    }
}
