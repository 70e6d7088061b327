//! SoftToken: a hardware token in software, with a clock that may be wrong.
//!
//! It computes codes with totp-rs directly, so that a fault in the daemon's own computation cannot
//! hide behind the same fault in the test.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
pub use totp_rs::Algorithm;
use totp_rs::{Builder, Secret, Totp};

/// What makes the token show its next code.
#[derive(Clone, Debug)]
enum Moving {
    /// Its clock: seconds per step, and by how many seconds the clock is ahead of the true time.
    Time { period: u64, drift: i64 },
    /// Its button.
    Counter,
}

/// A token. Its seed follows from its serial, so that two serials have two seeds.
#[derive(Clone)]
pub struct SoftToken {
    serial: String,
    seed: Vec<u8>,
    algorithm: Algorithm,
    digits: u8,
    moving: Moving,
    /// The step or counter of the code that is shown next.
    next: u64,
}

impl SoftToken {
    /// Makes a token with a clock: SHA-1, six digits, 30 s, no drift.
    pub fn with_clock(serial: &str) -> Self {
        Self::new(serial, Moving::Time { period: 30, drift: 0 })
    }

    /// Makes a token with a button: SHA-1, six digits, the first counter is 0.
    pub fn with_button(serial: &str) -> Self {
        Self::new(serial, Moving::Counter)
    }

    fn new(serial: &str, moving: Moving) -> Self {
        let seed = seed_of(serial);
        let (serial, algorithm) = (serial.to_owned(), Algorithm::SHA1);
        Self { serial, seed, algorithm, digits: 6, moving, next: 0 }
    }

    /// Sets the hash.
    #[must_use]
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Sets the digits of a code, 6 to 8.
    #[must_use]
    pub fn digits(mut self, digits: u8) -> Self {
        self.digits = digits;
        self
    }

    /// Sets the seconds per step of a token with a clock.
    #[must_use]
    pub fn period(mut self, seconds: u64) -> Self {
        if let Moving::Time { period, .. } = &mut self.moving {
            *period = seconds;
        }
        self
    }

    /// Sets by how many seconds the token's clock is ahead (behind, when negative).
    #[must_use]
    pub fn drift(mut self, seconds: i64) -> Self {
        self.set_drift(seconds);
        self
    }

    /// Moves the token's clock, as years in a drawer do.
    pub fn set_drift(&mut self, seconds: i64) {
        if let Moving::Time { drift, .. } = &mut self.moving {
            *drift = seconds;
        }
    }

    /// Returns what is printed on the token's back.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// Returns its seed.
    pub fn seed(&self) -> &[u8] {
        &self.seed
    }

    /// Returns the step of a token with a clock at a host time in Unix seconds; 0 with a button.
    pub fn step_at(&self, time: u64) -> u64 {
        match self.moving {
            Moving::Time { period, drift } => time.saturating_add_signed(drift) / period,
            Moving::Counter => 0,
        }
    }

    /// Returns the code of a step or counter (RFC 4226 section 5.3).
    pub fn code_of(&self, step: u64) -> String {
        // With one second per step, totp-rs computes the code of a counter.
        let totp = self.totp();
        totp.generate(step).to_string()
    }

    /// Returns the code that a token with a clock shows at a host time in Unix seconds.
    pub fn code_at(&self, time: u64) -> String {
        self.code_of(self.step_at(time))
    }

    /// Shows two codes in a row: with a clock the one before `time` and the one at `time`.
    pub fn show_pair(&mut self, time: u64) -> [String; 2] {
        if matches!(self.moving, Moving::Time { .. }) {
            self.next = self.step_at(time).saturating_sub(1);
        }
        [self.next_code(), self.next_code()]
    }

    /// Returns the code after the last one that was shown. Right after a pair this is the first
    /// that is not spent; the daemon's window reaches to it at once, and a token with a clock needs
    /// to wait for the next.
    pub fn next_code(&mut self) -> String {
        let code = self.code_of(self.next);
        self.next += 1;
        code
    }

    /// Returns six digits that are none of the codes of steps `around` ± `distance`.
    pub fn wrong_code(&self, around: u64, distance: u64) -> String {
        self.wrong_codes(around, distance).next().unwrap_or_default()
    }

    /// Returns wrong codes, each another one: none of those of steps `around` ± `distance`.
    pub fn wrong_codes(&self, around: u64, distance: u64) -> impl Iterator<Item = String> + use<> {
        let near: Vec<String> = (around.saturating_sub(distance)..=around.saturating_add(distance))
            .map(|step| self.code_of(step))
            .collect();
        let width = usize::from(self.digits);
        (0..1_000_000_u64)
            .map(move |number| format!("{:0width$}", 123_456 + number))
            .filter(move |code| !near.contains(code))
    }

    /// Returns the seed as it may lie somewhere: raw, hexadecimal in both cases, base32, base64.
    pub fn traces(&self) -> [Vec<u8>; 5] {
        let hex = hex(&self.seed);
        let base32 = Secret::from(self.seed.clone()).to_base32();
        let upper = hex.to_ascii_uppercase().into_bytes();
        let base64 = STANDARD.encode(&self.seed).into_bytes();
        [self.seed.clone(), hex.into_bytes(), upper, base32.into_bytes(), base64]
    }

    /// Writes the token as a line of an OATH CSV file: `serial, hexkey, type, digits, period`.
    ///
    /// The format has no place for a hash; such files are SHA-1.
    pub fn oath_line(&self) -> String {
        let key = hex(&self.seed);
        match self.moving {
            Moving::Time { period, .. } => {
                format!("{}, {key}, totp, {}, {period}\n", self.serial, self.digits)
            }
            Moving::Counter => format!("{}, {key}, hotp, {}\n", self.serial, self.digits),
        }
    }

    /// Writes the token as a line of a Microsoft Entra CSV file, without the head line.
    pub fn entra_line(&self, user: &str) -> String {
        let key = Secret::from(self.seed.clone()).to_base32();
        let period = if let Moving::Time { period, .. } = self.moving { period } else { 0 };
        format!("{user},{},{key},{period},Example,SoftToken\n", self.serial)
    }

    /// Writes the token as a PSKC file of one key with plain values (RFC 6030).
    pub fn pskc_file(&self) -> String {
        let (kind, data) = match self.moving {
            Moving::Time { period, .. } => (
                "totp",
                format!(
                    "<Time><PlainValue>0</PlainValue></Time>\
                     <TimeInterval><PlainValue>{period}</PlainValue></TimeInterval>"
                ),
            ),
            Moving::Counter => {
                let next = self.next;
                ("hotp", format!("<Counter><PlainValue>{next}</PlainValue></Counter>"))
            }
        };
        let suite = match self.algorithm {
            Algorithm::SHA256 => "<Suite>HMAC-SHA256</Suite>",
            Algorithm::SHA512 => "<Suite>HMAC-SHA512</Suite>",
            _ => "",
        };
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">
  <KeyPackage>
    <DeviceInfo><Manufacturer>Example</Manufacturer><SerialNo>{serial}</SerialNo></DeviceInfo>
    <Key Id="{serial}" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:{kind}">
      <AlgorithmParameters>{suite}<ResponseFormat Length="{digits}" Encoding="DECIMAL"/></AlgorithmParameters>
      <Data><Secret><PlainValue>{key}</PlainValue></Secret>{data}</Data>
    </Key>
  </KeyPackage>
</KeyContainer>
"#,
            serial = self.serial,
            digits = self.digits,
            key = STANDARD.encode(&self.seed),
        )
    }

    fn totp(&self) -> Totp {
        Builder::new()
            .with_algorithm(self.algorithm)
            .with_digits(self.digits)
            .with_secret(self.seed.clone())
            .with_step_duration(1)
            .build_noncompliant()
    }
}

/// Returns 20 bytes that differ from serial to serial: HMAC-SHA-1 with the serial as the key.
fn seed_of(serial: &str) -> Vec<u8> {
    let mut key = serial.as_bytes().to_vec();
    key.resize(key.len().max(20), b'.');
    let totp = Builder::new().with_secret(key).with_step_duration(1).build_noncompliant();
    totp.sign(0).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, SoftToken};

    /// A token with the seed of RFC 6238 appendix B: `1234567890` repeated to the hash's length.
    fn of_the_rfc(algorithm: Algorithm, length: usize) -> SoftToken {
        let seed = b"1234567890".iter().copied().cycle().take(length).collect();
        SoftToken { seed, ..SoftToken::with_clock("rfc").algorithm(algorithm).digits(8) }
    }

    #[test]
    fn the_vectors_of_rfc_6238_come_out() {
        let sha1 = of_the_rfc(Algorithm::SHA1, 20);
        let sha256 = of_the_rfc(Algorithm::SHA256, 32);
        let sha512 = of_the_rfc(Algorithm::SHA512, 64);
        assert_eq!(sha1.code_at(59), "94287082");
        assert_eq!(sha256.code_at(1_111_111_109), "68084774");
        assert_eq!(sha512.code_at(20_000_000_000), "47863826");
    }

    #[test]
    fn the_button_shows_the_vectors_of_rfc_4226() {
        let seed = b"12345678901234567890".to_vec();
        let mut token = SoftToken { seed, ..SoftToken::with_button("rfc") };
        assert_eq!(token.show_pair(0), ["755224", "287082"]);
        assert_eq!(token.next_code(), "359152");
    }

    #[test]
    fn a_pair_ends_with_the_code_that_is_shown_now() {
        let mut token = SoftToken::with_clock("a");
        let [before, now] = token.show_pair(1_000_000);
        assert_eq!((before, now), (token.code_at(999_970), token.code_at(1_000_000)));
        assert_eq!(token.next_code(), token.code_at(1_000_030));
    }

    #[test]
    fn a_clock_that_is_behind_shows_the_past() {
        let right = SoftToken::with_clock("a");
        let slow = SoftToken::with_clock("a").drift(-600);
        assert_eq!(slow.code_at(1_000_000), right.code_at(999_400));
    }

    #[test]
    fn two_serials_have_two_seeds() {
        assert_ne!(SoftToken::with_clock("a").seed, SoftToken::with_clock("b").seed);
    }

    #[test]
    fn a_wrong_code_is_none_of_its_neighbours() {
        let token = SoftToken::with_clock("a");
        let wrong = token.wrong_code(1000, 50);
        assert_eq!(wrong.len(), 6);
        assert!((950..=1050).all(|step| token.code_of(step) != wrong));
    }
}
