//! Seed files: the formats by name, and what a caller may say about a file that says too little.
//!
//! The table is the one source of the names on the bus and the command line, of what the daemon
//! reads, and of what `fobctl import --list-formats` prints.

/// How a seed is written as text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SeedEncoding {
    /// Two hexadecimal digits for each byte (RFC 4648 section 8).
    Hex,
    /// RFC 4648 section 6.
    Base32,
    /// RFC 4648 section 4.
    Base64,
}

impl SeedEncoding {
    /// Every encoding.
    pub const ALL: [Self; 3] = [Self::Hex, Self::Base32, Self::Base64];

    /// Returns the name on the bus and the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hex => "hex",
            Self::Base32 => "base32",
            Self::Base64 => "base64",
        }
    }

    /// Returns the encoding with this name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.word() == word)
    }
}

/// What kind of token it is, for files that leave it out: how it moves on, and its digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TokenKind {
    /// The name on the bus and the command line.
    pub word: &'static str,
    /// Seconds per step, 30 or 60; `None` for a button.
    pub period: Option<u32>,
    /// Digits of a code: 6 or 8.
    pub digits: u8,
}

impl TokenKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self { word: "hotp-6", period: None, digits: 6 },
        Self { word: "hotp-8", period: None, digits: 8 },
        Self { word: "totp-6-30", period: Some(30), digits: 6 },
        Self { word: "totp-6-60", period: Some(60), digits: 6 },
        Self { word: "totp-8-30", period: Some(30), digits: 8 },
        Self { word: "totp-8-60", period: Some(60), digits: 8 },
    ];

    /// Returns the kind with this name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word == word)
    }
}

/// A format of seed files.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SeedFormat {
    /// PSKC XML (RFC 6030).
    Pskc,
    /// `serial, hexkey[, type[, digits[, period]]]`.
    OathCsv,
    /// OATH CSV with a counter, and with the users of version 2.
    PrivacyideaCsv,
    /// OATH CSV with a hash.
    LinotpCsv,
    /// Serial and seed, perhaps a counter; what kind of token it is, the caller says.
    PlainCsv,
    /// Microsoft Entra CSV: seeds in base32.
    EntraCsv,
    /// The header of Entra CSV, with or without users; seeds in base32 or hexadecimal.
    SafeidCsv,
    /// `serial;manufacturer;algorithm;seed;digits;interval`.
    MultiotpCsv,
    /// The log of the YubiKey Personalization Tool in both of its forms.
    YubicoCsv,
    /// Serial and seed with blanks between them.
    FeitianText,
    /// `serial:seed:counter`, the last two in base64.
    NexusText,
    /// XML of eToken PASS tokens.
    SafenetXml,
    /// SafeWord's authenticator records.
    SafewordDat,
}

/// How seeds are written in a format.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SeedScript {
    /// In this encoding, whatever a caller says.
    Always(SeedEncoding),
    /// In this encoding, unless the caller says another.
    Usually(SeedEncoding),
    /// In hexadecimal or base32: each seed has to read as one of them only, and all as the same.
    HexOrBase32,
}

/// What people need to know about a format.
#[derive(Clone, Copy, Debug)]
pub struct FormatSheet {
    /// The format.
    pub format: SeedFormat,
    /// Its name on the bus and the command line.
    pub word: &'static str,
    /// Who writes such files, or for whom vendors write them.
    pub vendors: &'static str,
    /// What a row has.
    pub layout: &'static str,
    /// A file with one token.
    pub example: &'static str,
    /// How its seeds are written.
    pub script: SeedScript,
    /// Whether the caller has to say what the tokens are.
    pub needs_kind: bool,
    /// What is meant by what a file leaves out, and what is refused, in a few words.
    pub note: &'static str,
}

impl SeedFormat {
    /// Every format, in the order in which they are listed; where several read a file the same,
    /// the first is named.
    pub const ALL: [Self; 13] = {
        let mut all = [Self::Pskc; SHEETS.len()];
        let mut index = 0;
        while index < SHEETS.len() {
            #[allow(
                clippy::indexing_slicing,
                reason = "checked by the compiler, and at no other time"
            )]
            {
                all[index] = SHEETS[index].format;
            }
            index += 1;
        }
        all
    };

    /// Returns what is to know about the format.
    pub fn sheet(self) -> &'static FormatSheet {
        match SHEETS.iter().find(|sheet| sheet.format == self) {
            Some(sheet) => sheet,
            None => &SHEETS[0],
        }
    }

    /// Returns the name on the bus and the command line.
    pub fn word(self) -> &'static str {
        self.sheet().word
    }

    /// Tells whether each token is a line.
    pub fn has_rows(self) -> bool {
        !matches!(self, Self::Pskc | Self::SafenetXml | Self::SafewordDat)
    }

    /// Tells whether a line that begins with `#` is a comment.
    pub fn has_comments(self) -> bool {
        self.has_rows() && !matches!(self, Self::EntraCsv | Self::SafeidCsv | Self::NexusText)
    }

    /// Returns what stands before the first row of a text and tells how all are to be read: the
    /// header, or the first line if the version is there; and the line's number. Empty and 0 if
    /// there is nothing.
    pub fn head(self, text: &str) -> (u32, &str) {
        let mut lines = (1_u32..).zip(text_lines(text));
        let head = match self {
            Self::EntraCsv | Self::SafeidCsv => {
                lines.find(|(_, line)| !line.trim_matches([' ', '\t']).is_empty())
            }
            Self::PrivacyideaCsv => lines.next().filter(|(_, line)| line.starts_with('#')),
            _ => None,
        };
        head.unwrap_or_default()
    }

    /// Returns the format with this name.
    pub fn from_word(word: &str) -> Option<Self> {
        SHEETS.iter().find(|sheet| sheet.word == word).map(|sheet| sheet.format)
    }
}

/// Returns the lines of a text: LF, CR LF and a single CR each end one.
pub fn text_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let here = rest?;
        let (line, behind) = here.split_once(['\n', '\r']).unwrap_or((here, ""));
        let is_crlf = here.get(line.len()..).is_some_and(|end| end.starts_with("\r\n"));
        let behind = if is_crlf { behind.strip_prefix('\n').unwrap_or(behind) } else { behind };
        rest = Some(behind).filter(|behind| !behind.is_empty());
        Some(line)
    })
}

/// The formats.
pub const SHEETS: [FormatSheet; 13] = [
    FormatSheet {
        format: SeedFormat::Pskc,
        word: "pskc",
        vendors: "Feitian, Thales, Yubico, HID and most others",
        layout: "XML of RFC 6030",
        example: concat!(
            r#"<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">"#,
            r#"<KeyPackage><Key Id="77001" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp">"#,
            r#"<AlgorithmParameters><ResponseFormat Encoding="DECIMAL" Length="6"/></AlgorithmParameters>"#,
            r#"<Data><Secret><PlainValue>AAECAwQFBgcICQoLDA0ODxAREhM=</PlainValue></Secret></Data>"#,
            r#"</Key></KeyPackage></KeyContainer>"#
        ),
        script: SeedScript::Always(SeedEncoding::Base64),
        needs_kind: false,
        note: "The file says all itself. The passphrase or key of an encrypted one is asked for, or comes by --password-fd.",
    },
    FormatSheet {
        format: SeedFormat::OathCsv,
        word: "oath-csv",
        vendors: "NetIQ; vendors that write for privacyIDEA or LinOTP",
        layout: "serial,seed[,type[,digits[,period]]]",
        example: "77001, 000102030405060708090a0b0c0d0e0f10111213, totp, 6, 30",
        script: SeedScript::Usually(SeedEncoding::Hex),
        needs_kind: false,
        note: "Left out: hotp, 6 digits, 30 seconds, or what --kind says. The hash is SHA-1.",
    },
    FormatSheet {
        format: SeedFormat::PrivacyideaCsv,
        word: "privacyidea-csv",
        vendors: "privacyIDEA, version 1 and 2",
        layout: "serial,seed[,type[,digits[,period or counter]]]; version 2 has user,resolver,realm before it",
        example: "# version: 2\nalice, resolver1, realm1, 77001, 000102030405060708090a0b0c0d0e0f10111213, hotp, 6, 12",
        script: SeedScript::Usually(SeedEncoding::Hex),
        needs_kind: false,
        note: "As oath-csv, but the fifth column of a hotp token is its counter. Users are not taken over.",
    },
    FormatSheet {
        format: SeedFormat::LinotpCsv,
        word: "linotp-csv",
        vendors: "LinOTP",
        layout: "serial,seed[,type[,digits[,period[,hash]]]]",
        example: "77001, 000102030405060708090a0b0c0d0e0f10111213, totp, 6, 30, sha256",
        script: SeedScript::Usually(SeedEncoding::Hex),
        needs_kind: false,
        note: "As oath-csv, but without a hash a seed of 32 bytes is SHA-256 and one of 64 bytes SHA-512.",
    },
    FormatSheet {
        format: SeedFormat::PlainCsv,
        word: "plain-csv",
        vendors: "PingID; Duo; Token2 and Deepnet for Duo",
        layout: "serial,seed[,counter]",
        example: "77001,000102030405060708090a0b0c0d0e0f10111213",
        script: SeedScript::Usually(SeedEncoding::Hex),
        needs_kind: true,
        note: "It does not say what the tokens are: --kind is needed. A counter only with hotp.",
    },
    FormatSheet {
        format: SeedFormat::EntraCsv,
        word: "entra-csv",
        vendors: "Microsoft Entra ID (Azure MFA); Token2, Feitian and others for it",
        layout: "upn,serial number,secret key,time interval,manufacturer,model",
        example: "upn,serial number,secret key,time interval,manufacturer,model\nalice@example.org,77001,AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT,30,Example,Clock",
        script: SeedScript::Always(SeedEncoding::Base32),
        needs_kind: false,
        note: "The header is needed, its columns in any order. totp, 6 digits, SHA-1. Users are not taken over.",
    },
    FormatSheet {
        format: SeedFormat::SafeidCsv,
        word: "safeid-csv",
        vendors: "Deepnet SafeID",
        layout: "[upn,]serial number,secret key,time interval,manufacturer,model",
        example: "serial number,secret key,time interval,manufacturer,model\n77001,000102030405060708090a0b0c0d0e0f10111213,60,Deepnet Security,SafeID/Classic",
        script: SeedScript::HexOrBase32,
        needs_kind: false,
        note: "As entra-csv, also without users and in hexadecimal.",
    },
    FormatSheet {
        format: SeedFormat::MultiotpCsv,
        word: "multiotp-csv",
        vendors: "multiOTP",
        layout: "serial;manufacturer;algorithm;seed;digits;interval or event; also with commas or tabs",
        example: "77001;Example;totp;000102030405060708090a0b0c0d0e0f10111213;6;30",
        script: SeedScript::HexOrBase32,
        needs_kind: false,
        note: "hotp tokens only with event 0, mOTP not at all.",
    },
    FormatSheet {
        format: SeedFormat::YubicoCsv,
        word: "yubico-csv",
        vendors: "YubiKey Personalization Tool, log in traditional or Yubico format",
        layout: "18 columns, or serial,identity,0,seed,access code,time",
        example: "508326,,0,000102030405060708090a0b0c0d0e0f10111213,,2026-11-22T12:00:00,",
        script: SeedScript::Always(SeedEncoding::Hex),
        needs_kind: false,
        note: "Only OATH-HOTP slots with a moving factor of 0. The serial of the traditional format is the OATH token identifier, which the key types before the code: switch that off.",
    },
    FormatSheet {
        format: SeedFormat::FeitianText,
        word: "feitian-text",
        vendors: "Feitian",
        layout: "serial and seed, with spaces or a tab between them",
        example: "77001 000102030405060708090a0b0c0d0e0f10111213",
        script: SeedScript::HexOrBase32,
        needs_kind: true,
        note: "It does not say what the tokens are: --kind is needed.",
    },
    FormatSheet {
        format: SeedFormat::NexusText,
        word: "nexus-text",
        vendors: "Nexus Digital Access (Hybrid Access Gateway, PortWise)",
        layout: "serial:seed:counter",
        example: "77001:AAECAwQFBgcICQoLDA0ODxAREhM=:AA==",
        script: SeedScript::Always(SeedEncoding::Base64),
        needs_kind: false,
        note: "hotp with 6 digits, or what --kind says. A counter of one byte, or all zeroes.",
    },
    FormatSheet {
        format: SeedFormat::SafenetXml,
        word: "safenet-xml",
        vendors: "SafeNet and Aladdin eToken PASS",
        layout: "XML: Tokens, Token, Applications, Application with Seed and MovingFactor",
        example: r#"<Tokens><Token serial="77001"><Applications><Application><Seed>000102030405060708090a0b0c0d0e0f10111213</Seed><MovingFactor>1</MovingFactor></Application></Applications></Token></Tokens>"#,
        script: SeedScript::Always(SeedEncoding::Hex),
        needs_kind: false,
        note: "hotp with 6 digits, or what --kind says. Seeds of 20 bytes (SHA-1) or 32 (SHA-256).",
    },
    FormatSheet {
        format: SeedFormat::SafewordDat,
        word: "safeword-dat",
        vendors: "SafeNet and Aladdin for SafeWord",
        layout: "lines \"name: value\", a blank line between tokens",
        example: "dn: sccAuthenticatorId=77001\nobjectclass: sccCompatibleToken\nsccAuthenticatorId: 77001\nsccTokenType: eToken-PASS-ES\nsccTokenData: sccKey=000102030405060708090A0B0C0D0E0F10111213;sccMode=E;sccPwLen=6;sccVer=6.20;",
        script: SeedScript::Always(SeedEncoding::Hex),
        needs_kind: false,
        note: "Only event tokens: a time token counts from a day of its own, not from 1970.",
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{SHEETS, SeedEncoding, SeedFormat, TokenKind, text_lines};

    #[test]
    fn a_line_ends_in_each_of_three_ways() {
        let lines: Vec<_> = text_lines("a\r\n\r\nb\rc\n\nd").collect();
        assert_eq!(lines, ["a", "", "b", "c", "", "d"]);
        assert_eq!(text_lines("a\n").count(), 1);
        assert_eq!(text_lines("").count(), 0);
    }

    #[test]
    fn the_head_of_a_list_is_its_header_or_its_version() {
        assert_eq!(SeedFormat::EntraCsv.head(" \nupn,serial\nx"), (2, "upn,serial"));
        assert_eq!(SeedFormat::PrivacyideaCsv.head("# version: 2\nx"), (1, "# version: 2"));
        assert_eq!(SeedFormat::PrivacyideaCsv.head("x\ny"), (0, ""));
        assert_eq!(SeedFormat::OathCsv.head("# x\ny"), (0, ""));
    }

    #[test]
    fn every_word_names_one_thing() {
        for format in SeedFormat::ALL {
            assert_eq!(SeedFormat::from_word(format.word()), Some(format));
            assert_eq!(format.sheet().format, format);
        }
        let words: BTreeSet<_> = SHEETS.iter().map(|sheet| sheet.word).collect();
        assert_eq!(words.len(), SHEETS.len());
        assert_eq!(SeedFormat::from_word("PSKC"), None);
        for encoding in SeedEncoding::ALL {
            assert_eq!(SeedEncoding::from_word(encoding.word()), Some(encoding));
        }
        for kind in TokenKind::ALL {
            assert_eq!(TokenKind::from_word(kind.word), Some(kind));
        }
    }
}
