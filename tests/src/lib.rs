//! Helpers of the tests above the unit level.

pub mod daemon;
pub mod markup;
pub mod needs;
pub mod private_bus;
pub mod soft_token;
