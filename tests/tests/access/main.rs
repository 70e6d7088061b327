//! Who may do what: every method, by every kind of caller, about every kind of user, on both
//! transports, against a real fobd. The uids are those that the kernel and the bus attest.
//!
//! Honest limits: the bus is dbus-daemon; dbus-broker was measured by hand.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

mod bus;
mod matrix;
mod news;
mod stage;
