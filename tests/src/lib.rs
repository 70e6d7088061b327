//! Test helpers and the tests above the unit level.

pub mod conformance;
pub mod crash;
