//! What is wrong with another program's file: the fact, and what to do about it.

/// A flaw that no vendor's file has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MovedFlaw {
    /// Digits of the export that are not known.
    BadDigits,
    /// A number that the program would not take.
    BadNumber,
    /// An escape of a URI that is none.
    BadEscape,
    /// What stands in the place of the last code is none of this token.
    BadLastCode,
    /// The export is damaged.
    BadExport,
    /// Another kind of URI.
    OtherUri,
    /// The file says neither that the token has a clock nor a counter.
    NoKind,
    /// A token with a button of which nobody says where its counter is.
    NoCounter,
    /// A part of an export in several parts is missing.
    NoPart,
    /// The URI has a parameter that may change what the codes are.
    OtherParameter,
    /// A type that pam_oath does not know.
    OtherType,
    /// The program takes the token's clock to be farther off than Fob believes.
    TooFarOff,
    /// The file is too large.
    TooLarge,
}

impl MovedFlaw {
    /// Returns the fact.
    pub(in crate::seed) fn fact(self) -> &'static str {
        match self {
            Self::BadDigits => "codes of this length are not supported; 6 and 8 digits are.",
            Self::BadNumber => "this is not a number that may stand here.",
            Self::BadEscape => "this is not an escape of a URI.",
            Self::BadLastCode => "this is not the last code of such a token.",
            Self::BadExport => "the export of the app is damaged.",
            Self::OtherUri => "this is neither otpauth://totp, otpauth://hotp nor an export.",
            Self::NoKind => "there is neither TOTP_AUTH nor a HOTP_COUNTER above 0.",
            Self::NoCounter => "nobody says where the counter of this token is now.",
            Self::NoPart => "a part of this export is missing.",
            Self::OtherParameter => "this parameter is not known.",
            Self::OtherType => "this type is not known; HOTP, HOTP/E, HOTP/T30 and HOTP/T60 are.",
            Self::TooFarOff => "the clock is said to be more than 26 hours off.",
            Self::TooLarge => "the file has more than 2 MiB.",
        }
    }

    /// Returns the remedy.
    pub(in crate::seed) fn hint(self) -> &'static str {
        match self {
            Self::NoKind => "only scratch codes are left there; give the user a token.",
            Self::NoCounter => {
                "a URI says where the counter began: export the account from the app, or give the user a token."
            }
            Self::NoPart => "the app shows an export in several QR codes: add the others.",
            Self::TooFarOff => {
                "give the user a token with \"fobctl assign\", which asks for two codes."
            }
            Self::TooLarge => "split the file.",
            Self::BadDigits | Self::OtherParameter => super::NEW_TOKEN,
            Self::BadNumber | Self::BadLastCode => super::MEND,
            Self::BadEscape | Self::BadExport => {
                "copy it out of the app again, whole and in one line, or give the user another token."
            }
            Self::OtherUri => "take the line out, or have the app show it as otpauth://.",
            Self::OtherType => "correct the row, or give the user another token.",
        }
    }
}
