//! Helpers of the tests above the unit level.

pub mod host;
pub mod soft_token;
