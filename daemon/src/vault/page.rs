//! The page of memory that holds secrets: never swapped, never in a core dump, never in a child.

use std::io;

use memmap2::{Advice, MmapMut};
use zeroize::Zeroize;

/// Bytes of a secret: the AEAD's key length, and SHA-256's for the house secret.
pub(super) const SECRET: usize = 32;
/// Bytes of the mapping: the smallest page of any machine that Linux runs on. Where pages are
/// larger, the kernel rounds up.
const BYTES: usize = 4096;

/// A page with room for 128 secrets. Wiped when it is dropped.
pub(super) struct Page(MmapMut);

impl Page {
    /// Maps the page, locks it (mlock(2)), and keeps it out of core dumps and of children
    /// (`MADV_DONTDUMP` and `MADV_DONTFORK`, madvise(2)).
    ///
    /// # Errors
    ///
    /// The call that failed; mlock(2) does where `RLIMIT_MEMLOCK` is below a page.
    pub(super) fn new() -> io::Result<Self> {
        let page = MmapMut::map_anon(BYTES)?;
        page.advise(Advice::DontDump)?;
        page.advise(Advice::DontFork)?;
        page.lock()?;
        Ok(Self(page))
    }

    /// Returns the secret in a slot.
    pub(super) fn secret(&self, slot: usize) -> Option<&[u8; SECRET]> {
        self.0.chunks_exact(SECRET).nth(slot)?.try_into().ok()
    }

    /// Returns the slot to write a secret into, so that it lies nowhere else.
    pub(super) fn room(&mut self, slot: usize) -> Option<&mut [u8; SECRET]> {
        self.0.chunks_exact_mut(SECRET).nth(slot)?.try_into().ok()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.0.as_mut().zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTES, Page, SECRET};

    #[test]
    fn a_secret_stays_in_its_slot() {
        let mut page = Page::new().unwrap();
        page.room(1).unwrap().fill(7);
        assert_eq!(page.secret(0), Some(&[0; SECRET]));
        assert_eq!(page.secret(1), Some(&[7; SECRET]));
        assert_eq!(page.secret(BYTES / SECRET), None);
    }
}
