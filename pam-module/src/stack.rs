//! What dead frames of the stack still hold.

use std::hint::black_box;

use zeroize::Zeroize;

/// Bytes of stack that are wiped: more than the frames that hold an answer need, also in the
/// unoptimised build, and little beside the 64 KiB of a host that is short of stack (threats.md
/// P17). How deep they reach exactly is not known; a test looks for codes that are left.
const ROOM: usize = 24 * 1024;

/// Runs the work, then wipes the stack that it used.
///
/// Types that hold secrets are wiped where they are dropped, but a value that was moved leaves a
/// copy where it was before.
pub(crate) fn wiped_after<T>(work: impl FnOnce() -> T) -> T {
    let done = below(work);
    wipe();
    done
}

/// Keeps the work's frames below the caller's.
#[inline(never)]
fn below<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn wipe() {
    // In words: a byte at a time takes eight times as long, as each is written for itself.
    let mut room = [0_u64; ROOM / size_of::<u64>()];
    room.zeroize();
    black_box(&room);
}
