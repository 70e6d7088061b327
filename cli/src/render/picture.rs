//! A key URI as a picture that a phone scans, and as a key that is typed.

use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};
use zeroize::Zeroizing;

/// Black on white, whatever the terminal's colours are, and back (SGR of ECMA-48 section 8.3.117):
/// some apps read no picture whose colours are exchanged.
const INK: &str = "\u{1b}[30;107m";
const PLAIN: &str = "\u{1b}[0m";

/// Characters of a group of the key that is typed.
const GROUP: usize = 4;

/// Returns the picture; `None` if the text is too long for one.
///
/// Two rows of dots are one line, so that it fits into a terminal of 24 lines. The lowest error
/// correction is enough for a screen (ISO/IEC 18004 section 7.5). What qrcode itself keeps on the way,
/// the coded text and the dots, it does not wipe.
pub(crate) fn picture(uri: &str) -> Option<Zeroizing<String>> {
    let code = QrCode::with_error_correction_level(uri, EcLevel::L).ok()?;
    let dots = Zeroizing::new(code.render::<Dense1x2>().quiet_zone(true).build());
    let mut text = Zeroizing::new(String::with_capacity(2 * dots.len()));
    for line in dots.lines() {
        text.extend([INK, line, PLAIN, "\n"]);
    }
    Some(text)
}

/// Returns the seed of the URI in groups, to be typed where nothing can be scanned.
pub(crate) fn key_to_type(uri: &str) -> Option<Zeroizing<String>> {
    let (_, rest) = uri.split_once("secret=")?;
    let secret = rest.split('&').next().filter(|secret| !secret.is_empty())?;
    let mut key = Zeroizing::new(String::with_capacity(2 * secret.len()));
    for (place, letter) in secret.chars().enumerate() {
        if place > 0 && place % GROUP == 0 {
            key.push(' ');
        }
        key.push(letter);
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::{INK, PLAIN, key_to_type, picture};

    const URI: &str = "otpauth://totp/web-1.example.org:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=web-1.example.org";

    #[test]
    fn the_key_is_in_groups_of_four() {
        let key = key_to_type(URI).unwrap();
        assert_eq!(key.as_str(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert!(key_to_type("otpauth://totp/x?issuer=y").is_none());
    }

    #[test]
    fn the_picture_fits_into_a_terminal_and_has_its_own_colours() {
        let picture = picture(URI).unwrap();
        assert!(picture.lines().count() <= 23, "{} lines", picture.lines().count());
        for line in picture.lines() {
            let dots = line.strip_prefix(INK).and_then(|line| line.strip_suffix(PLAIN)).unwrap();
            assert!(dots.chars().count() <= 80);
            assert!(dots.chars().all(|dot| " \u{2580}\u{2584}\u{2588}".contains(dot)));
        }
    }

    #[test]
    fn a_text_that_is_too_long_is_no_picture() {
        assert!(picture(&"x".repeat(4000)).is_none());
    }
}
