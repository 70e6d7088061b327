//! Runs the binary beside a scripted daemon: what it asks, what it prints, how it ends.
#![allow(missing_docs, reason = "a test's name is its documentation")]

#[cfg(test)] // always so; tells clippy that unwrap is fine in the helpers too
mod adopt;
mod arguments;
#[cfg(test)] // the same
mod backup;
mod batch;
mod changing;
mod dialogue;
#[cfg(test)] // the same
mod doctor;
#[cfg(test)] // the same
mod enable;
#[cfg(test)] // the same
mod encrypted;
#[cfg(test)] // the same
mod explain;
#[cfg(test)] // the same
mod fake;
mod formats;
mod identify;
mod log;
mod partial;
mod reading;
mod recovery;
mod report;
mod system_bus;
mod tickets;
#[cfg(test)] // the same
mod virtual_token;
