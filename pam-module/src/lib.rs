//! `pam_fob.so`: asks for the code, and turns the daemon's verdict into a PAM result.
//!
//! It decides nothing and keeps nothing: no thread, no descriptor, no signal handler, no
//! environment variable, no output, no state between two calls. [`authenticate`] is the whole
//! journey; `outcome.rs` is the only place that can say `PAM_SUCCESS`.
//!
//! One exception: while there is no verdict to be had, `emergency.rs` takes an administrator's
//! emergency code without the daemon. It is no fail-open: it asks for more than the daemon does,
//! and who has no such codes is refused as before.
//!
//! With the option `one_field` it also has the password checked (`password.rs`), in a transaction of
//! its own; that can only refuse.

mod answer;
mod ask;
mod conversation;
mod deadline;
mod emergency;
mod entry;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod guard;
mod host;
mod log;
mod message;
mod need;
mod notice;
mod one_field;
mod options;
mod outcome;
mod password;
mod session;
mod sign_in;
mod stack;
mod talk;
mod trouble;
mod wire;

pub use sign_in::authenticate;

/// Wipes all memory that the module gives back, and only the module's: the host has an allocator of
/// its own. Types that hold secrets wipe themselves; what a foreign crate copies of a password does
/// not.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);
