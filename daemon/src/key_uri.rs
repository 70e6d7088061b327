//! A seed as authenticator apps read it from a picture: the Key URI format
//! (<https://github.com/google/google-authenticator/wiki/Key-Uri-Format>).
//!
//! Written here and not by totp-rs: for one line its feature `otpauth` brings a parser of URLs with
//! the tables of Unicode, and makes copies of the seed that nobody wipes.

use data_encoding::BASE32_NOPAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::record::Seed;

/// What is written as it is, besides letters and digits (RFC 3986 section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Who issues it where the host has no name.
const ISSUER: &str = "Fob";

/// Returns the URI of a token whose account is this user of this host. It does not say SHA-1, six
/// digits and 30 s, which the format takes for granted: the picture is smaller without. Wiped on
/// drop; it grows no more once the seed is in it.
#[must_use]
pub fn key_uri(seed: &Seed, user: &str, host: &str) -> Zeroizing<String> {
    let issuer = utf8_percent_encode(if host.is_empty() { ISSUER } else { host }, RESERVED);
    let user = utf8_percent_encode(user, RESERVED);
    let before = format!("otpauth://totp/{issuer}:{user}?secret=");
    let behind = format!("&issuer={issuer}");
    let secret = BASE32_NOPAD.encode_len(seed.as_bytes().len());
    let mut uri = Zeroizing::new(String::with_capacity(before.len() + secret + behind.len()));
    uri.push_str(&before);
    BASE32_NOPAD.encode_append(seed.as_bytes(), &mut uri);
    uri.push_str(&behind);
    uri
}

#[cfg(test)]
mod tests {
    use super::key_uri;
    use crate::record::Seed;

    fn seed() -> Seed {
        Seed::new(b"12345678901234567890".to_vec()).unwrap()
    }

    #[test]
    fn an_app_reads_seed_host_and_user() {
        let uri = key_uri(&seed(), "alice", "web-1.example.org");
        let expected = "otpauth://totp/web-1.example.org:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=web-1.example.org";
        assert_eq!(uri.as_str(), expected);
    }

    #[test]
    fn no_name_reaches_beyond_its_part() {
        let uri = key_uri(&seed(), "a&secret=AAAA:é/?#", "h:1&x");
        assert!(uri.starts_with(
            "otpauth://totp/h%3A1%26x:a%26secret%3DAAAA%3A%C3%A9%2F%3F%23?secret=GEZD"
        ));
        assert_eq!(uri.matches("secret=").count(), 1);
    }

    #[test]
    fn a_host_without_a_name_is_fobs() {
        assert!(key_uri(&seed(), "alice", "").starts_with("otpauth://totp/Fob:alice?secret="));
    }

    #[test]
    fn the_seed_is_in_one_allocation() {
        let uri = key_uri(&seed(), "alice", "host");
        assert_eq!(uri.len(), uri.capacity());
    }
}
