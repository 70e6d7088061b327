//! Runs the binary beside a scripted daemon: what it asks, what it prints, how it ends.
#![allow(missing_docs, reason = "a test's name is its documentation")]

mod arguments;
mod changing;
mod dialogue;
mod fake;
mod reading;
mod system_bus;
