//! Why a seed file is refused. Nothing here quotes the file, except serials.

use std::fmt;

use fob_api::Serial;

use super::{
    Format,
    moved::MovedFlaw,
    place::{Place, Places},
};

/// A seed file is refused, whole. `Display` is the fact, [`SeedError::hint`] the remedy.
///
/// It holds no part of a seed: besides the serials of duplicates no text of the file gets in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SeedError {
    place: Option<Place>,
    flaw: Flaw,
}

impl SeedError {
    /// A flaw of the file as a whole.
    pub(super) fn of_file(flaw: Flaw) -> Self {
        Self { place: None, flaw }
    }

    /// A flaw that was found at a place.
    pub(super) fn at(place: Place, flaw: Flaw) -> Self {
        Self { place: Some(place), flaw }
    }

    /// Returns where the flaw is; `None` if it is the file as a whole.
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// Returns what is wrong.
    pub fn flaw(&self) -> &Flaw {
        &self.flaw
    }

    /// Returns what to do or what to ask the vendor for; `None` if the fact says it all.
    pub fn hint(&self) -> Option<&'static str> {
        self.flaw.hint()
    }
}

impl fmt::Display for SeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            write!(f, "{place}: ")?;
        }
        self.flaw.fmt(f)
    }
}

impl std::error::Error for SeedError {}

/// A flaw and its byte offset in the text, before anybody asked for line and column.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) offset: usize,
    pub(super) flaw: Flaw,
}

impl Fault {
    pub(super) fn new(offset: usize, flaw: Flaw) -> Self {
        Self { offset, flaw }
    }

    /// Looks the place up in the text that was parsed.
    pub(super) fn locate(self, text: &str) -> SeedError {
        self.find(&mut Places::new(text))
    }

    /// As [`Fault::locate`], for many faults of one text.
    pub(super) fn find(self, places: &mut Places<'_>) -> SeedError {
        if self.flaw.is_of_password() {
            return SeedError::of_file(self.flaw);
        }
        SeedError::at(places.at(self.offset), self.flaw)
    }
}

/// How the seeds of a PSKC file are encrypted (RFC 6030 section 6).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Encryption {
    /// For a certificate or another public key, so with RSA.
    Certificate,
    /// With a key that is derived from a passphrase.
    Password,
    /// With a key that vendor and customer share.
    SharedKey,
    /// In a way that the file does not tell.
    Unknown,
}

/// A cipher that is not supported.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unsupported {
    /// Camellia, as a block cipher or to wrap keys.
    Camellia,
    /// None that is known here by a name of its own.
    Other,
    /// RSA: for a certificate or another public key.
    Rsa,
    /// Triple DES, as a block cipher or to wrap keys.
    TripleDes,
}

/// What is wrong with a seed file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// An encrypted value does not fit its MAC, and others did.
    Altered,
    /// A seed that reads as hexadecimal and as base32.
    AmbiguousEncoding,
    /// Several formats read the file, and not all the same.
    AmbiguousFormat {
        /// Their names.
        candidates: Vec<Format>,
    },
    /// The base32 text has a length or a padding that base32 cannot have.
    Base32Length,
    /// The base64 text has a length, padding or spare bits that base64 cannot have.
    Base64Length,
    /// Not a counter: 0 to 2^63 - 1.
    BadCounter,
    /// Not an `xs:dateTime`.
    BadDate,
    /// A length of a derived key that no cipher has, or not the one of the value.
    BadKeyLength,
    /// Not 6, 7 or 8 digits.
    BadDigits,
    /// Not a period of 30 or 60 seconds.
    BadPeriod,
    /// An IterationCount that is not 1 or more.
    BadRounds,
    /// Not a serial.
    BadSerial,
    /// A manufacturer or model that cannot be shown.
    BadText,
    /// A `Time` or `TimeDrift` that is not a number, or a `Time` that is not 0.
    BadTime,
    /// The last digit of a code would be a check digit.
    CheckDigits,
    /// A control character, or a byte order mark inside the file.
    ControlCharacter,
    /// A counter for a token that has a clock.
    CounterOfTotp,
    /// A document type declaration.
    Doctype,
    /// Two tokens have one seed.
    DuplicateSeed {
        /// The token at the error's place.
        serial: Serial,
        /// The token before it.
        first: Serial,
        /// The place of that one.
        place: Place,
    },
    /// Two tokens have one serial.
    DuplicateSerial {
        /// The serial.
        serial: Serial,
        /// The place of the token before this one.
        place: Place,
    },
    /// Nothing in the file.
    Empty,
    /// A field that must not be empty.
    EmptyField {
        /// Its name.
        field: &'static str,
    },
    /// Encrypted values: for a passphrase or a shared key it is asked, the others are refused.
    Encrypted(Encryption),
    /// A reference to an entity that XML does not predefine.
    Entity,
    /// The format has another encoding than the caller says.
    FixedEncoding,
    /// The file does not say what the tokens are, nor does the caller.
    KindIsMissing,
    /// A key for another purpose than one-time codes.
    KeyUsage,
    /// A typed key that is not as long as the file's cipher needs.
    KeySize {
        /// Bytes that it needs.
        wanted: usize,
    },
    /// The XML is not well-formed.
    Malformed,
    /// An element or attribute is missing.
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// A seed in another encoding than those before it.
    MixedEncodings,
    /// A flaw of another program's file with users.
    Moved(MovedFlaw),
    /// No entry of SafeWord's records that is known.
    NoEntry,
    /// A key without its secret.
    NoSecret,
    /// Not a single token.
    NoTokens,
    /// What was typed is no key.
    NotAKey,
    /// Not a base32 character.
    NotBase32,
    /// Not a base64 character.
    NotBase64,
    /// A passphrase or key for a file that needs none.
    NotEncrypted,
    /// Not a hexadecimal digit.
    NotHex,
    /// XML, but no PSKC.
    NotPskc,
    /// XML, but not SafeNet's.
    NotSafenet,
    /// A token of another kind than the caller says.
    NotThatKind,
    /// Not UTF-16 behind its byte order mark.
    NotUtf16,
    /// Not UTF-8.
    NotUtf8,
    /// An odd number of hexadecimal digits.
    OddHex,
    /// Encrypted by a cipher that is not supported.
    OtherCipher(Unsupported),
    /// A passphrase that becomes a key in another way than PBKDF2.
    OtherDerivation,
    /// A hash that is not known.
    OtherHash,
    /// The XML declaration names another encoding than UTF-8.
    OtherEncoding,
    /// A seed of a length of which nobody says the hash.
    OtherLength,
    /// A MAC that is not supported.
    OtherMac,
    /// A clock that counts from another moment than 1970.
    OtherOrigin,
    /// A row with another separator than the first one.
    OtherSeparator,
    /// A slot of a YubiKey that is not OATH-HOTP.
    OtherSlot,
    /// The Suite names another hash.
    OtherSuite,
    /// The type of an OATH CSV row is neither `hotp` nor `totp`.
    OtherType,
    /// A version of privacyIDEA's list that is not known.
    OtherVersion,
    /// A period for a button token.
    PeriodOfHotp,
    /// The code would contain the user's PIN.
    PinInCode,
    /// A plain seed in a file that says that its seeds are encrypted.
    PlainSecret,
    /// A seed that is encrypted for SafeWord.
    SealedForSafeword,
    /// The seed is all zeroes.
    SeedIsZero,
    /// The seed has more than 128 bytes.
    SeedTooLong,
    /// The seed has fewer than 128 bits.
    SeedTooShort,
    /// A quotation mark that is not around a whole field.
    StrayQuote,
    /// Text where only elements may stand.
    StrayText,
    /// More nested elements than PSKC needs.
    TooDeep,
    /// Too few fields in a row.
    TooFewFields {
        /// How many there should be.
        wanted: usize,
    },
    /// The file is too large.
    TooLarge,
    /// Too many fields in a row.
    TooManyFields {
        /// How many there may be.
        wanted: usize,
    },
    /// More rounds of PBKDF2 than are worked off.
    TooManyRounds,
    /// The file ends before its end.
    Truncated,
    /// An element or attribute that may be there once is there twice.
    Twice {
        /// Its name.
        name: &'static str,
    },
    /// A column that is in the header already.
    TwiceColumn,
    /// A counter of which nobody says what it counts.
    UncertainCounter,
    /// An element that has no place here.
    Unexpected,
    /// A column of the header that is not known.
    UnknownColumn,
    /// A rule for the key that Fob does not know.
    UnknownPolicy,
    /// A users file of pam_oath.
    UsersFile,
    /// The header lacks a column.
    WrongHeader {
        /// Its name.
        wanted: &'static str,
    },
    /// A key algorithm other than `hotp` and `totp`.
    WrongKeyAlgorithm {
        /// What kind of key it is.
        kind: &'static str,
    },
    /// Codes of something else than decimal digits.
    WrongResponseEncoding,
    /// What was typed does not open the file.
    WrongPassword(Encryption),
    /// PSKC of another namespace or version.
    WrongVersion,
}

impl Flaw {
    /// Tells whether it is about what was typed: that has no place in the file.
    fn is_of_password(&self) -> bool {
        matches!(
            self,
            Self::KeySize { .. } | Self::NotAKey | Self::NotEncrypted | Self::WrongPassword(_)
        )
    }
}
