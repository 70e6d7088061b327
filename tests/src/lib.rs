//! Helpers of the tests above the unit level.

pub mod bench;
pub mod bus_bytes;
pub mod conformance;
pub mod crash;
pub mod daemon;
pub mod differential;
pub mod emergency;
pub mod fake_daemon;
pub mod faults;
pub mod fill;
pub mod fuzz;
pub mod host;
pub mod markup;
pub mod memory;
pub mod needs;
pub mod pam_host;
pub mod passwords;
pub mod private_bus;
pub mod sbom;
pub mod simulation;
pub mod soft_token;
pub mod storm;
pub mod timing;
