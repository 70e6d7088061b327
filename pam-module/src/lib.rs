//! `pam_fob.so`: asks for the code, and turns the daemon's verdict into a PAM result.
//!
//! It decides nothing and keeps nothing: no thread, no descriptor, no signal handler, no
//! environment variable, no output, no state between two calls. [`authenticate`] is the whole
//! journey; `outcome.rs` is the only place that can say `PAM_SUCCESS`.
//!
//! One exception: while there is no verdict to be had, `emergency.rs` takes an administrator's
//! emergency code without the daemon. It is no fail-open: it asks for more than the daemon does,
//! and who has no such codes is refused as before.

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
mod notice;
mod options;
mod outcome;
mod session;
mod sign_in;
mod stack;
mod trouble;
mod wire;

pub use sign_in::authenticate;
