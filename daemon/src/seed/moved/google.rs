//! The file of google-authenticator-libpam, `~/.google_authenticator`: one user's seed in base32,
//! option lines that begin with a quotation mark and a space, and scratch codes.
//!
//! It is read as its module reads it (`pam_google_authenticator.c`): codes have six digits and
//! SHA-1; a counter above 0 makes it a token with a button, else `TOTP_AUTH` one with a clock;
//! options that the module does not know it skips; scratch codes it takes up to the first line that
//! is nothing. Stricter than the module: an option may be there once.

use fob_api::Code;
use zeroize::Zeroizing;

use super::{Moved, MovedFlaw, Scratch, Spent};
use crate::{
    record::{Algorithm, Moving, Parameters, Seed},
    seed::{
        csv::Lines,
        encoding::seed_from_base32,
        error::{Fault, Flaw},
        value,
    },
};

/// What an option line begins with.
const OPTION: &str = "\" ";
/// Steps that the module searches unless the file says otherwise: one before and one after.
const WINDOW: u64 = 3;
/// Most steps that it lets a file say.
const MAX_WINDOW: u64 = 100;
/// Farthest that Fob believes a clock to be off, in seconds (clock-and-throttle.md section 2).
const MAX_DRIFT: i64 = 93_600;
/// Digits of a scratch code.
const SCRATCH: usize = 8;
/// Most scratch codes that the program prints (google-authenticator(1), `-e`).
const MOST_SCRATCH: usize = 10;

/// The options that say something about the codes.
const KNOWN: [&str; 6] =
    ["DISALLOW_REUSE", "HOTP_COUNTER", "STEP_SIZE", "TIME_SKEW", "TOTP_AUTH", "WINDOW_SIZE"];

/// The value of an option, and where it stands.
#[derive(Clone, Copy)]
struct Said<'t> {
    name: &'static str,
    value: &'t str,
    offset: usize,
}

/// Reads the file.
pub(super) fn read(text: &str) -> Result<Moved, Fault> {
    let mut lines = Lines::new(text);
    let (offset, first) = lines.next().unwrap_or_default();
    let seed = seed(first, offset)?;
    let (mut options, mut scratch) = (Vec::new(), Scratch::default());
    for (offset, line) in lines {
        if let Some(rest) = line.strip_prefix(OPTION) {
            option(rest, offset + OPTION.len(), &mut options)?;
        } else if !line.is_empty() && !line.starts_with('"') {
            scratch.line(line);
        }
    }
    let token = Token { seed, scratch };
    let said = |name: &str| options.iter().copied().find(|said: &Said<'_>| said.name == name);
    match said("HOTP_COUNTER").map(counter).transpose()? {
        Some(next @ 1..) => Ok(token.with(Moving::Counter { next }, 0, Spent::Counted)),
        _ if said("TOTP_AUTH").is_some() => token.with_clock(said),
        _ => Err(Fault::new(offset, Flaw::Moved(MovedFlaw::NoKind))),
    }
}

/// What every token of this program has.
struct Token {
    seed: Seed,
    scratch: Scratch,
}

impl Token {
    fn with_clock<'t>(self, said: impl Fn(&str) -> Option<Said<'t>>) -> Result<Moved, Fault> {
        let period = match said("STEP_SIZE") {
            Some(step) => value::period(step.value, step.offset)?,
            None => value::DEFAULT_PERIOD,
        };
        let window = match said("WINDOW_SIZE") {
            Some(said) => number(said, said.value, 0)?,
            None => WINDOW,
        };
        if !(1..=MAX_WINDOW).contains(&window) {
            let offset = said("WINDOW_SIZE").map_or(0, |said| said.offset);
            return Err(Fault::new(offset, Flaw::Moved(MovedFlaw::BadNumber)));
        }
        let skew = said("TIME_SKEW");
        let drift = skew.map_or(Ok(0), |said| drift(said, period))?;
        let known = match said("DISALLOW_REUSE") {
            Some(said) => highest(said)?,
            None => None,
        };
        // While it learns a skew, the module takes a code without writing its step down, and the
        // skew that it keeps is the mean of three: one step may be missing.
        let spent = match (known, skew) {
            (Some(step), None) => Spent::UpTo(step),
            (known, skew) => {
                let ahead = window / 2 + u64::from(skew.is_some());
                Spent::Unsaid { ahead: Some(ahead), known }
            }
        };
        Ok(self.with(Moving::Time { period }, drift, spent))
    }

    fn with(self, moving: Moving, drift: i32, spent: Spent) -> Moved {
        let Self { seed, scratch } = self;
        let parameters = Parameters { algorithm: Algorithm::Sha1, digits: 6, moving };
        Moved { seed, parameters, drift, spent, issuer: None, scratch, dropped: None }
    }
}

/// Keeps an option that says something about the codes.
fn option<'t>(rest: &'t str, offset: usize, options: &mut Vec<Said<'t>>) -> Result<(), Fault> {
    let word = rest.split([' ', '\t']).next().unwrap_or_default();
    let Some(name) = KNOWN.into_iter().find(|name| *name == word) else { return Ok(()) };
    if options.iter().any(|said| said.name == name) {
        return Err(Fault::new(offset, Flaw::Twice { name }));
    }
    let value = rest.get(word.len()..).unwrap_or_default();
    let trimmed = value.trim_start_matches([' ', '\t']);
    let offset = offset + word.len() + value.len() - trimmed.len();
    options.push(Said { name, value: trimmed.trim_end_matches([' ', '\t']), offset });
    Ok(())
}

/// Reads the seed as the module decodes it: blanks and dashes dropped, digits that are easily
/// mistaken put right, and what is left at the end of less than a byte dropped.
fn seed(line: &str, offset: usize) -> Result<Seed, Fault> {
    let mut symbols = Zeroizing::new(String::with_capacity(line.len()));
    for (index, symbol) in line.char_indices() {
        symbols.push(match symbol {
            ' ' | '\t' | '-' => continue,
            '0' => 'O',
            '1' => 'L',
            '8' => 'B',
            'A'..='Z' | 'a'..='z' | '2'..='7' => symbol,
            _ => return Err(Fault::new(offset + index, Flaw::NotBase32)),
        });
    }
    if symbols.is_empty() {
        return Err(Fault::new(offset, Flaw::EmptyField { field: "seed" }));
    }
    if matches!(symbols.len() % 8, 1 | 3 | 6) {
        symbols.pop();
    }
    seed_from_base32(&symbols, 0).map_err(|fault| Fault::new(offset, fault.flaw))
}

impl Scratch {
    /// Takes a line that is no option. Behind one that is no scratch code the module takes none.
    fn line(&mut self, line: &str) {
        match scratch_code(line).filter(|_| self.malformed == 0) {
            Some(code) if self.codes.iter().any(|known| known.is_same_as(&code)) => {}
            Some(code) if self.codes.len() < MOST_SCRATCH => {
                // At once: a buffer that grows would leave unwiped copies behind.
                self.codes.reserve_exact(MOST_SCRATCH - self.codes.len());
                self.codes.push(code);
            }
            _ => self.malformed = self.malformed.saturating_add(1),
        }
    }
}

fn scratch_code(line: &str) -> Option<Code> {
    // The module takes none below 10000000.
    let digits = line.len() == SCRATCH && line.bytes().all(|byte| byte.is_ascii_digit());
    Code::parse(line).ok().filter(|_| digits && !line.starts_with('0'))
}

/// Reads a number of decimal digits; `inside` is its place in the option's value.
fn number(said: Said<'_>, digits: &str, inside: usize) -> Result<u64, Fault> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| plain);
    number.ok_or(Fault::new(said.offset + inside, Flaw::Moved(MovedFlaw::BadNumber)))
}

fn counter(said: Said<'_>) -> Result<u64, Fault> {
    value::counter(said.value, said.offset)
}

/// Reads the skew, in steps, as seconds.
fn drift(said: Said<'_>, period: u32) -> Result<i32, Fault> {
    let (sign, digits) = match said.value.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, said.value),
    };
    let steps = number(said, digits, 0)?;
    let seconds = i64::try_from(steps).ok().and_then(|steps| steps.checked_mul(period.into()));
    let seconds = seconds.filter(|seconds| *seconds <= MAX_DRIFT).map(|seconds| sign * seconds);
    let seconds = seconds.and_then(|seconds| i32::try_from(seconds).ok());
    seconds.ok_or(Fault::new(said.offset, Flaw::Moved(MovedFlaw::TooFarOff)))
}

/// Returns the highest of the steps that the option lists; `None` if it lists none.
fn highest(said: Said<'_>) -> Result<Option<u64>, Fault> {
    let mut highest = None;
    let mut rest = said.value;
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        let digits = rest.split([' ', '\t']).next().unwrap_or_default();
        if digits.is_empty() {
            return Ok(highest);
        }
        let step = number(said, digits, said.value.len() - rest.len())?;
        // The module counts steps in an int: what is more is damage, and would spend the token.
        if step > i32::MAX as u64 {
            let offset = said.offset + said.value.len() - rest.len();
            return Err(Fault::new(offset, Flaw::Moved(MovedFlaw::BadNumber)));
        }
        highest = highest.max(Some(step));
        rest = rest.get(digits.len()..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests;
