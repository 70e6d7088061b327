//! Tokens that are a program on somebody's phone: made here, and shown once.
//!
//! Whoever the seed was shown to can keep it. So such a token never comes to a second person: taken
//! from its user, it is retired where another would go back to stock.

use fob_api::{Error, Serial, VIRTUAL_MAKER, VIRTUAL_MODEL};

use crate::{
    decide::policy::{Policy, VirtualTokens},
    record::{Algorithm, Moving, Parameters, Seed, Token},
    seed::{Place, VendorToken},
};

/// What every authenticator app computes: SHA-1, six digits, 30 s. Some take no notice of another
/// hash, length or period in the picture (Key URI format, "algorithm", "digits", "period").
pub const PARAMETERS: Parameters =
    Parameters { algorithm: Algorithm::Sha1, digits: 6, moving: Moving::Time { period: 30 } };
/// Bytes of its seed: 160 bits, as RFC 4226 section 4 (R6) recommends.
pub const SEED: usize = 20;
/// What its serial begins with.
const PREFIX: &str = "VIRTUAL-";
/// Bytes of the fingerprint in its serial, as hexadecimal digits: short enough to be typed. With a
/// thousand such tokens a new one meets the serial of another once in four million times.
const DIGITS: usize = 4;

/// Allows or refuses to make one.
///
/// # Errors
///
/// `VirtualTokensOff` where only hardware is wanted.
pub fn permit(policy: &Policy) -> Result<(), Error> {
    match policy.virtual_tokens {
        VirtualTokens::Allowed => Ok(()),
        VirtualTokens::Refused => Err(Error::VirtualTokensOff),
    }
}

/// Returns the token with this new seed and the vault's fingerprint of it.
///
/// # Errors
///
/// `StoreUnavailable` if that makes no serial; it always does.
pub fn new(seed: Seed, fingerprint: &[u8; 32]) -> Result<VendorToken, Error> {
    let digits = fingerprint.iter().take(DIGITS).map(|byte| format!("{byte:02X}"));
    let serial = Serial::parse(&format!("{PREFIX}{}", digits.collect::<String>()))
        .map_err(|_| Error::StoreUnavailable)?;
    Ok(VendorToken {
        serial,
        seed,
        parameters: PARAMETERS,
        manufacturer: Some(VIRTUAL_MAKER.to_owned()),
        model: Some(VIRTUAL_MODEL.to_owned()),
        not_before: None,
        not_after: None,
        place: Place { line: 1, column: 1 },
    })
}

/// Tells whether a token is one.
#[must_use]
pub fn is_virtual(token: &Token) -> bool {
    token.manufacturer.as_deref() == Some(VIRTUAL_MAKER)
        && token.model.as_deref() == Some(VIRTUAL_MODEL)
}

#[cfg(test)]
mod tests {
    use fob_api::Error;

    use super::{is_virtual, new, permit};
    use crate::{
        decide::{
            policy::{Policy, VirtualTokens},
            testing::SoftToken,
        },
        record::Seed,
    };

    fn seed() -> Seed {
        Seed::new(vec![7; super::SEED]).unwrap()
    }

    #[test]
    fn its_serial_is_made_of_the_fingerprint_of_its_seed() {
        let mut fingerprint = [0; 32];
        fingerprint[..5].copy_from_slice(&[0x0a, 0xff, 0x00, 0x1b, 0x99]);
        let token = new(seed(), &fingerprint).unwrap();
        assert_eq!(token.serial.as_str(), "VIRTUAL-0AFF001B");
    }

    #[test]
    fn none_is_made_where_only_hardware_is_wanted() {
        let policy = Policy { virtual_tokens: VirtualTokens::Refused, ..Policy::DEFAULT };
        assert_eq!(permit(&policy), Err(Error::VirtualTokensOff));
        assert_eq!(permit(&Policy::DEFAULT), Ok(()));
    }

    #[test]
    fn a_vendors_token_is_none() {
        let mut token = SoftToken::clock().token;
        assert!(!is_virtual(&token));
        token.model = Some("virtual".to_owned());
        assert!(!is_virtual(&token), "whoever made it counts too");
        token.manufacturer = Some("Fob".to_owned());
        assert!(is_virtual(&token));
    }
}
