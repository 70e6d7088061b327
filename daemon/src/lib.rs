//! The daemon's rooms. `main.rs` puts them together; tests use them one by one.

pub mod record;
pub mod seed;
pub mod store;
