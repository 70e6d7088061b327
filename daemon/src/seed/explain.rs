//! The words for a flaw: the fact, and what to do about it.

use std::fmt;

use super::error::{Encryption, Flaw, Unsupported};

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AmbiguousFormat { candidates } => {
                let names: Vec<_> = candidates.iter().map(|format| format.word()).collect();
                write!(
                    f,
                    "the file can be read as {}, and not with the same tokens.",
                    any_of(&names)
                )
            }
            Self::DuplicateSeed { serial, first, place } => {
                write!(f, "token {serial} has the same seed as token {first} of {place}.")
            }
            Self::DuplicateSerial { serial, place } => {
                write!(f, "token {serial} was described already, at {place}.")
            }
            Self::EmptyField { field } => write!(f, "the {field} is empty."),
            Self::Encrypted(encryption) => f.write_str(encryption.words()),
            Self::KeySize { wanted } => {
                write!(f, "this file needs a key of {wanted} bytes, and that is none.")
            }
            Self::OtherCipher(kind) => {
                write!(f, "the seeds are encrypted with {}, which is not supported.", kind.words())
            }
            Self::WrongPassword(encryption) => {
                write!(f, "{} is wrong, or the file was changed.", encryption.opener())
            }
            Self::Moved(flaw) => f.write_str(flaw.fact()),
            Self::Missing { name } => write!(f, "{name} is missing here."),
            Self::TooFewFields { wanted } => {
                write!(f, "the row ends here; it needs at least {wanted} fields.")
            }
            Self::TooManyFields { wanted } => {
                write!(f, "the row goes on here; it may have at most {wanted} fields.")
            }
            Self::Twice { name } => write!(f, "{name} is here a second time."),
            Self::WrongHeader { wanted } => {
                write!(f, "the header lacks the column \"{wanted}\".")
            }
            Self::WrongKeyAlgorithm { kind } => {
                write!(f, "this is {kind}; only keys of hotp and totp tokens are supported.")
            }
            other => f.write_str(other.fixed()),
        }
    }
}

/// Returns names in a row: `a, b or c`.
fn any_of(names: &[&str]) -> String {
    match names {
        [names @ .., last] if !names.is_empty() => format!("{} or {last}", names.join(", ")),
        names => names.concat(),
    }
}

impl Encryption {
    fn words(self) -> &'static str {
        match self {
            Self::Certificate => {
                "the seeds are encrypted for an X.509 certificate (RSA), which is not supported."
            }
            Self::Password => "the seeds are encrypted with a passphrase.",
            Self::SharedKey => "the seeds are encrypted with a pre-shared key.",
            Self::Unknown => "the seeds are encrypted in a way that is not known here.",
        }
    }

    fn opener(self) -> &'static str {
        if self == Self::Password { "the passphrase" } else { "the key" }
    }
}

impl Unsupported {
    fn words(self) -> &'static str {
        match self {
            Self::Camellia => "Camellia",
            Self::Other => "another cipher than AES in CBC or key wrap",
            Self::Rsa => "RSA",
            Self::TripleDes => "Triple DES",
        }
    }
}

/// What to ask a vendor for whose encryption is not supported.
const ASK_FOR_AES: &str = "ask the vendor for PSKC that is encrypted with AES (aes128-cbc to aes256-cbc, or kw-aes128 to kw-aes256) by a passphrase (PBKDF2) or a pre-shared key, with a MAC.";

impl Flaw {
    /// Returns the fact of a flaw that carries no data.
    fn fixed(&self) -> &'static str {
        self.fixed_of_file()
            .or_else(|| self.fixed_of_list())
            .or_else(|| self.fixed_of_encryption())
            .or_else(|| self.fixed_of_value())
            .unwrap_or_else(|| self.fixed_of_xml())
    }

    fn fixed_of_file(&self) -> Option<&'static str> {
        Some(match self {
            Self::ControlCharacter => "this control character does not belong in a seed file.",
            Self::Empty => "the file is empty.",
            Self::NoTokens => "the file describes no token.",
            Self::NotUtf16 => "this is not UTF-16 text.",
            Self::NotUtf8 => "this is not UTF-8 text.",
            Self::OtherEncoding => "the file says that it is not in UTF-8.",
            Self::StrayQuote => "a quotation mark has to stand around a whole field.",
            Self::TooLarge => "the file has more than 16 MiB.",
            Self::UsersFile => {
                "this is a users file of pam_oath (oath-toolkit): its tokens have no serials."
            }
            _ => return None,
        })
    }

    fn fixed_of_list(&self) -> Option<&'static str> {
        Some(match self {
            Self::AmbiguousEncoding => "this seed reads as hexadecimal and as base32.",
            Self::CounterOfTotp => "a totp token has no counter.",
            Self::FixedEncoding => {
                "the seeds of this format are never in the encoding that was given."
            }
            Self::KindIsMissing => "the file does not say what the tokens are.",
            Self::MixedEncodings => "this seed reads in another encoding than those before it.",
            Self::NoEntry => "this entry is not known.",
            Self::NotSafenet => "these are no Tokens of SafeNet or Aladdin.",
            Self::NotThatKind => "this token is of another kind than the one that was given.",
            Self::OtherHash => "this hash is not supported; sha1, sha256 and sha512 are.",
            Self::OtherLength => "this seed has neither 20 nor 32 bytes, so its hash is not known.",
            Self::OtherOrigin => {
                "this token counts time from a day of its own and not from 1970; that is not supported yet."
            }
            Self::OtherSeparator => "this is another separator than in the first row.",
            Self::OtherSlot => "this slot is not OATH-HOTP.",
            Self::OtherVersion => "this version is not supported; 1 and 2 are.",
            Self::SealedForSafeword => "the seed is encrypted for SafeWord.",
            Self::TwiceColumn => "this column is in the header a second time.",
            Self::UncertainCounter => "it is not certain what this counter counts; 0 is supported.",
            Self::UnknownColumn => "this column is not known.",
            _ => return None,
        })
    }

    fn fixed_of_encryption(&self) -> Option<&'static str> {
        Some(match self {
            Self::Altered => "this value does not fit its MAC: the file was changed.",
            Self::BadKeyLength => {
                "this length of a key is not supported; 16, 24 and 32 bytes are, as the cipher needs."
            }
            Self::BadRounds => "this is not a number of rounds.",
            Self::NotAKey => "that is no key: 16, 24 or 32 bytes in hexadecimal or base64.",
            Self::NotEncrypted => "a passphrase or key was given, and the file is not encrypted.",
            Self::OtherDerivation => {
                "this way from a passphrase to a key is not supported; PBKDF2 with HMAC-SHA1 to -SHA512 is."
            }
            Self::OtherMac => "this MAC is not supported; HMAC-SHA1 to -SHA512 are.",
            Self::PlainSecret => {
                "this seed is not encrypted, and the file says that its seeds are."
            }
            Self::TooManyRounds => "the file asks for more than 10000000 rounds of PBKDF2.",
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

    /// Tells whether the file could be read if the caller said more about it.
    pub(super) fn asks_for_an_option(&self) -> bool {
        matches!(self, Self::AmbiguousEncoding | Self::KindIsMissing)
    }

    /// Returns the remedy.
    pub(super) fn hint(&self) -> Option<&'static str> {
        if let Self::Moved(flaw) = self {
            return Some(flaw.hint());
        }
        self.hint_of_encryption().or_else(|| self.hint_of_list()).or_else(|| self.hint_of_file())
    }

    fn hint_of_encryption(&self) -> Option<&'static str> {
        Some(match self {
            Self::Encrypted(Encryption::Password | Encryption::SharedKey) => {
                "run fobctl in a terminal, which asks for it, or give it with --password-fd."
            }
            Self::Encrypted(_)
            | Self::OtherCipher(_)
            | Self::OtherDerivation
            | Self::OtherMac
            | Self::BadKeyLength => ASK_FOR_AES,
            Self::Altered | Self::PlainSecret => {
                "do not use this file; fetch it again, or ask the vendor."
            }
            Self::KeySize { .. } | Self::NotAKey | Self::WrongPassword(_) => {
                "type it as the vendor gave it; he sends it apart from the file."
            }
            Self::NotEncrypted => {
                "if that is right, leave it out; if not, ask the vendor what he sent."
            }
            Self::TooManyRounds => "ask the vendor for a file with fewer; a million is usual.",
            _ => return None,
        })
    }

    fn hint_of_list(&self) -> Option<&'static str> {
        Some(match self {
            Self::AmbiguousEncoding => {
                "add \"--encoding hex\" or \"--encoding base32\", whichever the vendor says."
            }
            Self::AmbiguousFormat { .. } => {
                "add \"--format\" with one of these, or \"--kind\" if they differ in what the tokens are; \"fobctl import --list-formats\" explains them."
            }
            Self::CounterOfTotp | Self::NotThatKind => {
                "leave --kind out, or correct it; the vendor knows what the tokens are."
            }
            Self::FixedEncoding => {
                "leave --encoding out, or add the right \"--format\"; \"fobctl import --list-formats\" explains them."
            }
            Self::KindIsMissing => {
                "add \"--kind totp-6-30\" or what else they are: hotp-6, hotp-8, totp-6-60, totp-8-30 or totp-8-60."
            }
            Self::MixedEncodings => {
                "ask the vendor which of the two is right, or split the file and import each part with \"--encoding\"."
            }
            Self::NotBase32 => {
                "if the seeds are in hexadecimal, add \"--format safeid-csv\" for a file with a header, else \"--encoding hex\"."
            }
            Self::NotHex | Self::OddHex => {
                "if the seeds are in base32, add \"--encoding base32\"; \"fobctl import --list-formats\" shows each format with an example."
            }
            Self::OtherHash | Self::OtherLength => {
                "ask the vendor for PSKC as in RFC 6030, which names the hash."
            }
            Self::OtherOrigin => {
                "ask the vendor for tokens that count from 1970, or for event tokens; if he can set the tokens anew, for a new file."
            }
            Self::OtherSeparator => {
                "write it as in the first row; one file has one separator, of which the first row is an example."
            }
            Self::OtherSlot => "take the row out, or configure that slot for OATH-HOTP.",
            Self::PeriodOfHotp => "if the column is the counter, add \"--format privacyidea-csv\".",
            Self::SealedForSafeword => {
                "ask for an export with plain seeds, sent in a protected way."
            }
            Self::UncertainCounter => {
                "if no code of the token was used yet, write 0; assignment finds the counter again."
            }
            Self::UnknownColumn | Self::TwiceColumn => {
                "take the column out; known are upn, serial number, secret key, time interval, manufacturer and model."
            }
            _ => return None,
        })
    }

    fn hint_of_file(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotUtf16 | Self::NotUtf8 | Self::OtherEncoding | Self::ControlCharacter => {
                "save the file as UTF-8 text, in a text editor and not in a spreadsheet program."
            }
            Self::DuplicateSerial { .. } | Self::DuplicateSeed { .. } => {
                "ask the vendor which of the two tokens is right; each has its own serial and seed."
            }
            Self::NoSecret => "ask the vendor for a PSKC file that contains the secrets.",
            Self::SeedTooShort | Self::SeedIsZero => {
                "ask the vendor for the right seed, or for other tokens; such a seed protects nobody."
            }
            Self::TooFewFields { .. } | Self::TooManyFields { .. } => {
                "\"fobctl import --list-formats\" shows each format with an example; name it with \"--format\"."
            }
            Self::WrongHeader { .. } => {
                "the columns are upn,serial number,secret key,time interval,manufacturer,model; the upn may be left empty."
            }
            Self::Doctype | Self::Entity => {
                "ask the vendor for a file without DOCTYPE; do not use one that did not come from him."
            }
            Self::Truncated | Self::Malformed => "fetch the file again; it may be incomplete.",
            Self::TooLarge => "split the file into several.",
            Self::UsersFile => {
                "run \"fobctl import --from users.oath FILE\": it moves the tokens with their users."
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
