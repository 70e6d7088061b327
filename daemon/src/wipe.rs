//! Wipes what calls have left on the stack.
//!
//! A crate that wipes its own state on drop cannot reach the copies that the compiler made on the
//! way: of a key in the schedule of XChaCha20, which begins with the key itself
//! (draft-irtf-cfrg-xchacha section 2.2), of a seed in the first block of an HMAC (RFC 2104).

use zeroize::Zeroize as _;

/// Words of the stack that are written over: 16 KiB, some times what the deepest of those calls
/// takes.
const WORDS: usize = 2048;

/// Writes over what the calls before have left on the stack. They must have frames of their own
/// (`#[inline(never)]`), or this does not reach them.
#[inline(never)]
pub(crate) fn stack() {
    let mut frame = [0_u64; WORDS];
    frame.zeroize();
    std::hint::black_box(&frame);
}

/// Words below a parser: 128 KiB. XML in XML, then a cipher with its key schedule and a derivation
/// whose state is copied for each block, go deeper than a hash.
const PARSER_WORDS: usize = 16 * 1024;

/// As [`stack`], for calls of a parser. It needs a thread whose stack is larger than that.
#[inline(never)]
pub(crate) fn stack_of_parser() {
    let mut frame = [0_u64; PARSER_WORDS];
    frame.zeroize();
    std::hint::black_box(&frame);
}
