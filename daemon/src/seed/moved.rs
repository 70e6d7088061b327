//! Tokens that another program has bound to users already: its files in, people with their tokens
//! out; pure.
//!
//! Unlike a vendor's file, each row stands for itself: one that cannot be taken is named with its
//! flaw, and the others are taken all the same. What the other program knows of used codes comes
//! along ([`Spent`]), so that none of them is good again here.

mod flaw;
mod google;
mod migration;
mod otpauth;
mod otpauth_uri;
mod users_oath;

use fob_api::{AdoptSource, Code};

use super::{
    error::{Fault, Flaw, SeedError},
    place::{Place, Places},
    text,
};
use crate::record::{Parameters, Seed};
pub use flaw::MovedFlaw;

/// Most bytes of a file: 2 MiB. A row has about 100, so twenty thousand people fit; each costs a
/// commit.
pub const MAX_MOVED: usize = 2 * 1024 * 1024;

/// What the other program knows of the codes that were used.
#[derive(Clone)]
pub enum Spent {
    /// All steps up to this one, and none above.
    UpTo(u64),
    /// None of a token with a button from its next counter on.
    Counted,
    /// This code was the last one, and each was above the one before.
    Last(Code),
    /// Nothing, or not enough; the program may have taken codes so many steps ahead of the present
    /// one, and [`None`] if nobody knows how many.
    Unsaid {
        /// Steps.
        ahead: Option<u64>,
        /// A step that is known to be used.
        known: Option<u64>,
    },
}

/// What the other program asked for beside the code, and Fob does not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dropped {
    /// A PIN of the user's.
    Pin,
}

impl Dropped {
    /// Returns the word for it on the bus.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pin => "pin",
        }
    }
}

/// Codes that another program takes in place of a token's, each once, and that were not used there.
#[derive(Default)]
pub struct Scratch {
    /// The codes: eight digits, each once.
    pub codes: Vec<Code>,
    /// Lines of the file that are none, or from which the program takes none.
    pub malformed: u32,
}

/// A token as the other program keeps it. Has no `Debug`, because of the seed.
pub struct Moved {
    /// The seed.
    pub seed: Seed,
    /// How it computes its codes.
    pub parameters: Parameters,
    /// Seconds that the other program takes the token's clock to be ahead of the host's.
    pub drift: i32,
    /// Which codes were used.
    pub spent: Spent,
    /// Who issued it, as the file says: a label, as a vendor's.
    pub issuer: Option<String>,
    /// Scratch codes that the other program keeps with it.
    pub scratch: Scratch,
    /// What it asked for beside the code.
    pub dropped: Option<Dropped>,
}

impl Moved {
    /// A token of an app: the file says nothing of its clock, and nothing that was asked for beside
    /// the code.
    fn of_app(seed: Seed, parameters: Parameters, spent: Spent, issuer: Option<String>) -> Self {
        let scratch = Scratch::default();
        Self { seed, parameters, drift: 0, spent, issuer, scratch, dropped: None }
    }
}

/// One person of a file.
pub struct Person {
    /// Whose token it is; `None` if the file does not say it.
    pub user: Option<String>,
    /// Where the file describes it.
    pub place: Place,
    /// The token, or why it cannot be taken.
    pub token: Result<Moved, SeedError>,
}

/// Reads the people of a file, at least one.
///
/// # Errors
///
/// [`SeedError`] if the file as a whole cannot be read. The flaw of a person is in his row.
pub fn read(bytes: &[u8], source: AdoptSource) -> Result<Vec<Person>, SeedError> {
    if bytes.len() > MAX_MOVED {
        return Err(SeedError::of_file(Flaw::Moved(MovedFlaw::TooLarge)));
    }
    let text = text::decode(bytes)?;
    let people = match source {
        AdoptSource::GoogleAuthenticator => {
            let found = Found { user: None, offset: 0, token: google::read(&text) };
            vec![found.person(&text, &mut Places::new(&text))]
        }
        AdoptSource::UsersOath => users_oath::read(&text),
        AdoptSource::Otpauth => otpauth::read(&text),
    };
    if people.is_empty() {
        return Err(SeedError::of_file(Flaw::NoTokens));
    }
    Ok(people)
}

/// Returns in one word why a token cannot be taken.
#[must_use]
pub fn reason(error: &SeedError) -> &'static str {
    match error.flaw() {
        Flaw::SeedTooShort => "seed_too_short",
        Flaw::BadDigits | Flaw::Moved(MovedFlaw::BadDigits) => "digits",
        Flaw::BadPeriod => "period",
        Flaw::OtherHash => "hash",
        Flaw::Moved(MovedFlaw::NoCounter) => "no_counter",
        Flaw::Moved(MovedFlaw::NoKind) => "no_kind",
        Flaw::Moved(MovedFlaw::NoPart) => "part_missing",
        Flaw::Moved(MovedFlaw::TooFarOff) => "clock",
        _ => "damaged",
    }
}

/// Returns what to do about it. The hints for vendors' files do not fit here: there is no vendor.
#[must_use]
pub fn hint(error: &SeedError) -> &'static str {
    match error.flaw() {
        Flaw::Moved(flaw) => flaw.hint(),
        Flaw::BadDigits
        | Flaw::BadPeriod
        | Flaw::OtherHash
        | Flaw::OtherType
        | Flaw::SeedIsZero
        | Flaw::SeedTooLong
        | Flaw::SeedTooShort => NEW_TOKEN,
        _ => MEND,
    }
}

/// The remedy for what Fob never takes.
const NEW_TOKEN: &str = "give the user another token with \"fobctl assign\".";
/// The remedy for what is damaged.
const MEND: &str = "correct it there, or take it from a backup; or give the user another token with \"fobctl assign\".";

/// A person before anybody asked for line and column.
struct Found {
    user: Option<String>,
    offset: usize,
    token: Result<Moved, Fault>,
}

impl Found {
    /// Looks the place up in the text that was parsed.
    fn person(self, text: &str, places: &mut Places<'_>) -> Person {
        let place = places.at(self.offset);
        let token = self.token.map_err(|fault| match fault.offset {
            offset if offset >= self.offset => SeedError::at(places.at(offset), fault.flaw),
            _ => fault.locate(text),
        });
        Person { user: self.user, place, token }
    }
}

#[cfg(test)]
mod tests;
