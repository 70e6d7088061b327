//! The words for a flaw: the fact, and what to do about it.

use std::fmt;

use super::error::{Encryption, Flaw};

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateSeed { serial, first, place } => {
                write!(f, "token {serial} has the same seed as token {first} of {place}.")
            }
            Self::DuplicateSerial { serial, place } => {
                write!(f, "token {serial} was described already, at {place}.")
            }
            Self::EmptyField { field } => write!(f, "the {field} is empty."),
            Self::Encrypted(encryption) => {
                write!(f, "{}; encrypted PSKC is not supported yet.", encryption.words())
            }
            Self::Missing { name } => write!(f, "{name} is missing here."),
            Self::TooFewFields { wanted } => {
                write!(f, "the row ends here; it needs at least {wanted} fields.")
            }
            Self::TooManyFields { wanted } => {
                write!(f, "the row goes on here; it may have at most {wanted} fields.")
            }
            Self::Twice { name } => write!(f, "{name} is here a second time."),
            Self::WrongHeader { wanted } => {
                write!(f, "the header should have the column \"{wanted}\" here.")
            }
            Self::WrongKeyAlgorithm { kind } => {
                write!(f, "this is {kind}; only keys of hotp and totp tokens are supported.")
            }
            other => f.write_str(other.fixed()),
        }
    }
}

impl Encryption {
    fn words(self) -> &'static str {
        match self {
            Self::Certificate => "the seeds are encrypted for an X.509 certificate (RSA)",
            Self::Password => "the seeds are encrypted with a password",
            Self::SharedKey => "the seeds are encrypted with a pre-shared key",
            Self::Unknown => "the seeds are encrypted",
        }
    }
}

impl Flaw {
    /// Returns the fact of a flaw that carries no data.
    fn fixed(&self) -> &'static str {
        self.fixed_of_file()
            .or_else(|| self.fixed_of_value())
            .unwrap_or_else(|| self.fixed_of_xml())
    }

    fn fixed_of_file(&self) -> Option<&'static str> {
        Some(match self {
            Self::ControlCharacter => "this control character does not belong in a seed file.",
            Self::Empty => "the file is empty.",
            Self::NoTokens => "the file describes no token.",
            Self::NotUtf8 => "this is not UTF-8 text.",
            Self::OtherEncoding => "the file says that it is not in UTF-8.",
            Self::StrayQuote => "a quotation mark has to stand around a whole field.",
            Self::TooLarge => "the file has more than 16 MiB.",
            Self::UsersFile => {
                "this is a users file of pam_oath (oath-toolkit); that format is not supported yet."
            }
            Self::Utf16 => "the file is in UTF-16.",
            _ => return None,
        })
    }

    fn fixed_of_value(&self) -> Option<&'static str> {
        Some(match self {
            Self::BadCounter => "this is not a counter from 0 to 9223372036854775807.",
            Self::BadDate => "this is not a date and time such as 2031-12-31T00:00:00Z.",
            Self::BadDigits => "codes of this length are not supported; 6, 7 and 8 digits are.",
            Self::BadPeriod => "this period is not supported; 30 and 60 seconds are.",
            Self::BadSerial => {
                "this is no serial: 1 to 64 letters, digits, dots, dashes, slashes or underscores."
            }
            Self::BadText => "this name is too long or has characters that cannot be shown.",
            Self::BadTime => "this time is not supported; 0 is.",
            Self::Base32Length => "this is not a whole number of base32 groups.",
            Self::Base64Length => "this is not a whole number of base64 groups.",
            Self::NotBase32 => "this character is not base32 (A to Z, 2 to 7).",
            Self::NotBase64 => "this character is not base64.",
            Self::NotHex => "this character is not a hexadecimal digit.",
            Self::OddHex => "the seed has an odd number of hexadecimal digits.",
            Self::OtherType => "this type is not supported; hotp and totp are.",
            Self::PeriodOfHotp => "a hotp token has no period.",
            Self::SeedIsZero => "the seed is all zeroes.",
            Self::SeedTooLong => "the seed has more than 1024 bits.",
            Self::SeedTooShort => "the seed has fewer than 128 bits.",
            _ => return None,
        })
    }

    fn fixed_of_xml(&self) -> &'static str {
        match self {
            Self::CheckDigits => "codes with a check digit are not supported.",
            Self::Doctype => "a document type declaration (DOCTYPE) is not accepted.",
            Self::Entity => "only the five entities that XML predefines are accepted.",
            Self::KeyUsage => "this key is not meant for one-time codes.",
            Self::NoSecret => "this key has no secret in the file.",
            Self::NotPskc => "this is not a PSKC KeyContainer.",
            Self::OtherSuite => "this suite is not supported; HMAC-SHA1, -SHA256 and -SHA512 are.",
            Self::PinInCode => "codes that contain a PIN are not supported.",
            Self::StrayText => "there is text where only elements may be.",
            Self::TooDeep => "the elements are nested more than 32 deep.",
            Self::Truncated => "the file ends in the middle.",
            Self::Unexpected => "this element does not belong here.",
            Self::UnknownPolicy => "the key may only be used under a rule that is not known here.",
            Self::WrongResponseEncoding => {
                "codes of other characters than decimal digits are not supported."
            }
            Self::WrongVersion => "this is another version of PSKC than 1.0 of RFC 6030.",
            // Flaws with data and of the other lists do not come here.
            _ => "this is not well-formed XML.",
        }
    }

    /// Returns the remedy.
    pub(super) fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Utf16 | Self::NotUtf8 | Self::OtherEncoding | Self::ControlCharacter => {
                "save the file as UTF-8 text, in a text editor and not in a spreadsheet program."
            }
            Self::DuplicateSerial { .. } | Self::DuplicateSeed { .. } => {
                "ask the vendor which of the two tokens is right; each has its own serial and seed."
            }
            Self::Encrypted(_) => {
                "ask the vendor for a PSKC file with plain values, sent in a protected way."
            }
            Self::NoSecret => {
                "ask the vendor for a PSKC file that contains the secrets as plain values."
            }
            Self::SeedTooShort | Self::SeedIsZero => {
                "ask the vendor for the right seed, or for other tokens; such a seed protects nobody."
            }
            Self::NotHex | Self::OddHex | Self::TooFewFields { wanted: 2 } => {
                "rows are \"serial, hexkey, type, digits, period\", without a header; the last three may be left out."
            }
            Self::WrongHeader { .. } | Self::TooFewFields { .. } => {
                "the columns are upn,serial number,secret key,time interval,manufacturer,model; the upn may be left empty."
            }
            Self::Doctype | Self::Entity => {
                "ask the vendor for a file without DOCTYPE; do not use one that did not come from him."
            }
            Self::Truncated | Self::Malformed => "fetch the file again; it may be incomplete.",
            Self::TooLarge => "split the file into several.",
            Self::UsersFile => {
                "write rows of \"serial, hexkey, type, digits, period\" from it, one for each token."
            }
            Self::WrongKeyAlgorithm { .. } => {
                "ask the vendor for a file with nothing but the keys of the tokens."
            }
            Self::NotPskc
            | Self::WrongVersion
            | Self::Missing { .. }
            | Self::Twice { .. }
            | Self::Unexpected
            | Self::StrayText => "ask the vendor for PSKC as in RFC 6030, or for OATH CSV.",
            _ => return None,
        })
    }
}
