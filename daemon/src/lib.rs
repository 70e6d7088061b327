//! The daemon's rooms. `main.rs` puts them together; tests use them one by one.

pub mod access;
pub mod account;
pub mod audit;
pub mod backup;
pub mod bus;
pub mod clock;
pub mod config;
pub mod decide;
pub mod engine;
mod errand;
pub mod harden;
pub mod key_uri;
pub mod migrate;
pub mod open;
pub mod record;
pub mod seed;
pub mod serve;
pub mod slow_hash;
pub mod store;
pub mod totp;
pub mod users;
pub mod vault;
pub mod watchdog;
mod wipe;
pub mod witness;
