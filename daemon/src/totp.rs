//! Codes of a step, the search of a window, and the joint search of a pair.
//!
//! The only user of totp-rs. Its `sign` alone is used, with a step of one "second": it then
//! computes the HMAC of HOTP(counter) of RFC 4226, and the counter is ours (RFC 6238 section 4:
//! TOTP is HOTP of the step). Its `check` is not used: it has no floor and stops at the first
//! match. Its `generate` is not used: it makes text, and that takes longer than the hash where
//! thousands of steps are searched.

use std::ops::RangeInclusive;

use fob_api::{Code, CodePair};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroize;

use crate::{
    record::{Algorithm, Parameters, Seed},
    wipe,
};

/// Computes the codes of one token. Holds the seed; wiped on drop.
pub struct Generator {
    totp: totp_rs::Totp,
    digits: u8,
}

/// The parameters or the seed are outside RFC 4226 (6 to 8 digits, 128 bits and more).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadParameters;

/// What a joint search found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PairSearch {
    /// No place where both codes follow each other.
    Nothing,
    /// Exactly one; the step of the second code.
    One(u64),
    /// More than one, by chance: about 1e-9 a search, 1e-6 with the wider gap (the next two codes
    /// are the same). Never picked silently.
    Several,
}

/// How far apart the two codes of a pair may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Gap {
    /// The second is the next one.
    One,
    /// The second is the next or the one after it: the person was slow.
    OneOrTwo,
}

impl Generator {
    /// Prepares the codes of a token.
    ///
    /// # Errors
    ///
    /// [`BadParameters`] for digits outside 6 to 8 or a seed under 16 bytes.
    pub fn new(seed: &Seed, parameters: &Parameters) -> Result<Self, BadParameters> {
        let generator = Self::build(seed, parameters);
        wipe::stack();
        generator
    }

    /// As [`Generator::new`], in a frame of its own, so that [`wipe::stack`] reaches it.
    #[inline(never)]
    fn build(seed: &Seed, parameters: &Parameters) -> Result<Self, BadParameters> {
        let algorithm = match parameters.algorithm {
            Algorithm::Sha1 => totp_rs::Algorithm::SHA1,
            Algorithm::Sha256 => totp_rs::Algorithm::SHA256,
            Algorithm::Sha512 => totp_rs::Algorithm::SHA512,
        };
        let totp = totp_rs::Builder::new()
            .with_algorithm(algorithm)
            .with_digits(parameters.digits)
            .with_secret(seed.as_bytes())
            .with_skew(0)
            .with_step_duration(1)
            .build()
            .map_err(|_| BadParameters)?;
        Ok(Self { totp, digits: parameters.digits })
    }

    /// Returns every step of `window` whose code is `code`, ascending.
    ///
    /// All candidates are computed and compared in constant time, wherever a match lies: the
    /// time taken tells nothing about it.
    #[must_use]
    pub fn search(&self, code: &Code, window: RangeInclusive<u64>) -> Vec<u64> {
        let found = self.try_all(code, window);
        wipe::stack();
        found
    }

    /// As [`Generator::search`], in a frame of its own.
    #[inline(never)]
    fn try_all(&self, code: &Code, window: RangeInclusive<u64>) -> Vec<u64> {
        let typed = self.number(code);
        let flags: Vec<(u64, Choice)> =
            window.map(|step| (step, self.shown(step).is(&typed))).collect();
        flags.into_iter().filter(|(_, hit)| bool::from(*hit)).map(|(step, _)| step).collect()
    }

    /// Finds where the two codes follow each other, with the first one's step in `range`.
    ///
    /// They are tested jointly: each alone would match by chance too often in a wide range
    /// (clock-and-throttle.md section 3).
    #[must_use]
    pub fn search_pair(&self, pair: &CodePair, range: RangeInclusive<u64>, gap: Gap) -> PairSearch {
        let found = self.try_pairs(pair, range, gap);
        wipe::stack();
        found
    }

    /// As [`Generator::search_pair`], in a frame of its own.
    #[inline(never)]
    fn try_pairs(&self, pair: &CodePair, range: RangeInclusive<u64>, gap: Gap) -> PairSearch {
        let (first_code, second_code) = (self.number(&pair.first), self.number(&pair.second));
        let reach = match gap {
            Gap::One => 1,
            Gap::OneOrTwo => 2,
        };
        let last = range.end().saturating_add(reach);
        let mut earlier = [Choice::from(0); 2]; // whether the first code was shown 1 and 2 steps ago
        let mut found = PairSearch::Nothing;
        for step in *range.start()..=last {
            let shown = self.shown(step);
            let first = shown.is(&first_code) & in_range(step, &range);
            let second = shown.is(&second_code);
            let [one_ago, two_ago] = earlier;
            let two_ago = two_ago & Choice::from(u8::from(gap == Gap::OneOrTwo));
            if bool::from(second & (one_ago | two_ago)) {
                found = match found {
                    PairSearch::Nothing => PairSearch::One(step),
                    _ => PairSearch::Several,
                };
            }
            earlier = [first, one_ago];
        }
        found
    }

    /// Returns the code of a step: a test's token, held in the hand.
    #[cfg(test)]
    pub(crate) fn code(&self, step: u64) -> Code {
        Code::parse(&self.totp.generate(step).to_string()).unwrap()
    }

    /// Returns what the token shows at `step`: the dynamic truncation of RFC 4226 section 5.3.
    fn shown(&self, step: u64) -> Number {
        let hash = self.totp.sign(step);
        let hash = hash.as_ref();
        let offset = usize::from(hash.last().copied().unwrap_or_default() & 0xf);
        // SHA-1, the shortest, has 20 bytes: there are always four from the offset on.
        let mut bytes = [0; 4];
        hash.iter().skip(offset).zip(&mut bytes).for_each(|(from, to)| *to = *from);
        Number(Some((u32::from_be_bytes(bytes) & 0x7fff_ffff) % 10_u32.pow(self.digits.into())))
    }

    /// Returns a code as a number; none that a token shows if it has another length.
    fn number(&self, code: &Code) -> Number {
        let value =
            |text: &str| text.bytes().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
        Number((code.digits() == self.digits).then(|| value(code.as_str())))
    }
}

/// A code as a number; `None` is equal to none. Wiped on drop.
struct Number(Option<u32>);

impl Number {
    /// Compares in constant time.
    fn is(&self, other: &Self) -> Choice {
        let there = self.0.is_some() && other.0.is_some();
        let [a, b] = [self.0, other.0].map(Option::unwrap_or_default);
        a.ct_eq(&b) & Choice::from(u8::from(there))
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Tells whether `step` may be the first step of a pair.
fn in_range(step: u64, range: &RangeInclusive<u64>) -> Choice {
    Choice::from(u8::from(range.contains(&step)))
}

#[cfg(test)]
mod tests;
