//! PSKC XML (RFC 6030).

use super::{
    VendorToken,
    error::{Fault, Flaw},
};

/// Reads every key.
pub(super) fn read(_text: &str) -> Result<Vec<VendorToken>, Fault> {
    Err(Fault::new(0, Flaw::NotPskc))
}
