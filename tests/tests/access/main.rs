//! Who may do what: every method, by every kind of caller, about every kind of user, on both
//! transports, against a real fobd. The uids are those that the kernel and the bus attest.
//!
//! Honest limits: the bus is dbus-daemon; dbus-broker was measured by hand.

mod bus;
mod matrix;
mod stage;
