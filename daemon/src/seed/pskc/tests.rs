//! One good key, and what one change to it does.

mod dialects;
mod encrypted;

use crate::{
    record::{Algorithm, Moving, Parameters},
    seed::{Encryption, Flaw, Place, VendorToken, error::Fault},
};

/// Reads a file that is not encrypted.
fn read(text: &str) -> Result<Vec<VendorToken>, Fault> {
    super::read(text, None).map(|(tokens, _)| tokens)
}

const FILE: &str = r#"<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">
<KeyPackage>
<DeviceInfo><SerialNo>A1</SerialNo></DeviceInfo>
<Key Id="K1" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp">
<AlgorithmParameters>
<ResponseFormat Length="6" Encoding="DECIMAL"/>
</AlgorithmParameters>
<Data>
<Secret><PlainValue>AAECAwQFBgcICQoLDA0ODw==</PlainValue></Secret>
<Counter><PlainValue>0</PlainValue></Counter>
<Time><PlainValue>0</PlainValue></Time>
</Data>
<Policy><KeyUsage>OTP</KeyUsage></Policy>
</Key>
</KeyPackage>
</KeyContainer>
"#;

/// Returns the one token of the file after a change.
#[track_caller]
fn token(from: &str, to: &str) -> VendorToken {
    assert!(FILE.contains(from), "{from}");
    let mut tokens = read(&FILE.replacen(from, to, 1)).unwrap_or_else(|fault| panic!("{fault:?}"));
    assert_eq!(tokens.len(), 1);
    tokens.remove(0)
}

/// Returns flaw, line and column after a change.
#[track_caller]
fn refusal(from: &str, to: &str) -> (Flaw, u32, u32) {
    assert!(FILE.contains(from), "{from}");
    let text = FILE.replacen(from, to, 1);
    let error = read(&text).err().unwrap_or_else(|| panic!("accepted: {to}")).locate(&text);
    let Place { line, column } = error.place().unwrap();
    (error.flaw().clone(), line, column)
}

#[test]
fn the_serial_is_the_key_id_where_the_device_has_none() {
    assert_eq!(token("A1", " a-1 ").serial.as_str(), "a-1");
    assert_eq!(token("<SerialNo>A1</SerialNo>", "").serial.as_str(), "K1");
    assert_eq!(token("<DeviceInfo><SerialNo>A1</SerialNo></DeviceInfo>", "").serial.as_str(), "K1");
    assert_eq!(refusal("A1", "A 1"), (Flaw::BadSerial, 3, 23));
    assert_eq!(refusal("<SerialNo>A1</SerialNo>", "<SerialNo/>"), (Flaw::BadSerial, 3, 24));
}

#[test]
fn a_period_that_is_not_told_is_thirty_seconds() {
    let moving = Moving::Time { period: 30 };
    let want = Parameters { algorithm: Algorithm::Sha1, digits: 6, moving };
    assert_eq!(token("A1", "A1").parameters, want);
    assert_eq!(token("A1", "A1").place, Place { line: 4, column: 1 });
}

#[test]
fn the_suite_is_known_in_its_usual_spellings() {
    let spellings = [
        ("HMAC-SHA1", Algorithm::Sha1),
        ("SHA-1", Algorithm::Sha1),
        (" HMAC-SHA256\n", Algorithm::Sha256),
        ("HmacSHA256", Algorithm::Sha256),
        ("hmac_sha_512", Algorithm::Sha512),
        ("SHA512", Algorithm::Sha512),
    ];
    for (spelling, algorithm) in spellings {
        let suite = format!("<Suite>{spelling}</Suite><ResponseFormat");
        assert_eq!(token("<ResponseFormat", &suite).parameters.algorithm, algorithm);
    }
    for other in ["", "MD5", "HMAC-SHA384", "SHA1 SHA256"] {
        let suite = format!("<Suite>{other}</Suite><ResponseFormat");
        assert_eq!(refusal("<ResponseFormat", &suite).0, Flaw::OtherSuite, "{other}");
    }
}

#[test]
fn the_earlier_of_two_ends_counts() {
    let device = "<ExpiryDate>2031-01-01T00:00:00Z</ExpiryDate><SerialNo>";
    assert_eq!(token("<SerialNo>", device).not_after, Some(1_924_992_000));
    let policy = "<ExpiryDate> 1970-01-01T00:00:09Z </ExpiryDate><KeyUsage>";
    assert_eq!(token("<KeyUsage>", policy).not_after, Some(9));
    let bad = "<ExpiryDate>soon</ExpiryDate><KeyUsage>";
    assert_eq!(refusal("<KeyUsage>", bad), (Flaw::BadDate, 13, 21));
}

#[test]
fn what_changes_no_code_is_accepted() {
    let changes = [
        ("<Policy>", "<FriendlyName>x</FriendlyName><KeyReference>r</KeyReference><Policy>"),
        ("</Data>", "<v:Life xmlns:v='urn:v'><v:Years/></v:Life></Data>"),
        ("</Data>", "<TimeDrift><PlainValue>-12</PlainValue></TimeDrift></Data>"),
        ("</PlainValue></Secret>", "</PlainValue><ValueMAC>AAAA</ValueMAC></Secret>"),
        ("<Policy>", "<Policy><StartDate>2031-01-01T00:00:00Z</StartDate>"),
        ("<Policy>", "<Policy><KeyUsage>CR</KeyUsage>"),
        ("<KeyUsage>OTP</KeyUsage>", "<PINPolicy PINUsageMode='Local'/>"),
        ("Encoding", "CheckDigits='0' Encoding"),
        (":totp", "#totp"),
    ];
    for (from, to) in changes {
        token(from, to);
    }
}

#[test]
fn what_would_change_the_codes_is_refused() {
    let changes = [
        (":totp", ":hotp-x", Flaw::WrongKeyAlgorithm { kind: "a key of another algorithm" }, 4, 1),
        (
            ":totp",
            "#OCRA-1",
            Flaw::WrongKeyAlgorithm { kind: "a challenge-response key (OCRA)" },
            4,
            1,
        ),
        ("\"6\"", "\"9\"", Flaw::BadDigits, 6, 1),
        ("DECIMAL", "HEXADECIMAL", Flaw::WrongResponseEncoding, 6, 1),
        ("Encoding", "CheckDigits='true' Encoding", Flaw::CheckDigits, 6, 1),
        ("Encoding", "CheckDigits='yes' Encoding", Flaw::CheckDigits, 6, 1),
        ("<Time><PlainValue>0", "<Time><PlainValue>1", Flaw::BadTime, 11, 19),
        (
            "Time>\n",
            "Time>\n<TimeDrift><PlainValue>x</PlainValue></TimeDrift>",
            Flaw::BadTime,
            12,
            24,
        ),
        (
            "</Data>",
            "<TimeInterval><PlainValue>45</PlainValue></TimeInterval></Data>",
            Flaw::BadPeriod,
            12,
            27,
        ),
        ("<Counter><PlainValue>0", "<Counter><PlainValue>-1", Flaw::BadCounter, 10, 22),
        ("OTP", "Encrypt", Flaw::KeyUsage, 13, 1),
        ("<KeyUsage>", "<PINPolicy PINUsageMode='Append'/><KeyUsage>", Flaw::PinInCode, 13, 9),
        (
            "<KeyUsage>",
            "<NumberOfTransactions>9</NumberOfTransactions><KeyUsage>",
            Flaw::UnknownPolicy,
            13,
            9,
        ),
        ("<KeyUsage>", "<x xmlns='urn:x'/><KeyUsage>", Flaw::UnknownPolicy, 13, 9),
    ];
    for (from, to, flaw, line, column) in changes {
        assert_eq!(refusal(from, to), (flaw, line, column), "{to}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let missing = |name| Flaw::Missing { name };
    let changes = [
        (" Version=\"1.0\"", "", missing("Version"), 1),
        (" Id=\"K1\"", "", missing("Id"), 4),
        (" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:totp\"", "", missing("Algorithm"), 4),
        (" Length=\"6\"", "", missing("Length"), 6),
        (" Encoding=\"DECIMAL\"", "", missing("Encoding"), 6),
        ("<ResponseFormat Length=\"6\" Encoding=\"DECIMAL\"/>", "", missing("ResponseFormat"), 4),
        ("<PlainValue>AAECAwQFBgcICQoLDA0ODw==</PlainValue>", "", missing("PlainValue"), 9),
        ("<Counter><PlainValue>0</PlainValue>", "<Counter>", missing("PlainValue"), 10),
        (
            "<Secret><PlainValue>AAECAwQFBgcICQoLDA0ODw==</PlainValue></Secret>",
            "",
            Flaw::NoSecret,
            4,
        ),
    ];
    for (from, to, flaw, line) in changes {
        let (found, at, _) = refusal(from, to);
        assert_eq!((found, at), (flaw, line), "{from}");
    }
    let empty = FILE.split("<Key ").next().unwrap().to_owned() + "</KeyPackage></KeyContainer>";
    assert_eq!(read(&empty).err().unwrap().flaw, Flaw::NoSecret);
}

#[test]
fn what_may_be_there_once_is_refused_twice() {
    let twice = [
        ("<DeviceInfo>", "<DeviceInfo/><DeviceInfo>", "DeviceInfo"),
        ("<SerialNo>", "<SerialNo>B2</SerialNo><SerialNo>", "SerialNo"),
        (
            "<AlgorithmParameters>",
            "<AlgorithmParameters/><AlgorithmParameters>",
            "AlgorithmParameters",
        ),
        ("<Data>", "<Data/><Data>", "Data"),
        ("<Policy>", "<Policy/><Policy>", "Policy"),
        ("<Time>", "<Time><PlainValue>0</PlainValue></Time><Time>", "Time"),
        ("<Counter>", "<Counter><PlainValue>0</PlainValue></Counter><Counter>", "Counter"),
        ("</PlainValue></Secret>", "</PlainValue><PlainValue/></Secret>", "PlainValue"),
    ];
    for (from, to, name) in twice {
        assert_eq!(refusal(from, to).0, Flaw::Twice { name }, "{to}");
    }
    assert_eq!(refusal("Id=", "Id='x' Id=").0, Flaw::Malformed);
}

#[test]
fn a_counter_that_is_missing_is_zero() {
    let hotp = FILE.replace(":totp", ":hotp");
    let hotp = hotp.replace("<Counter><PlainValue>0</PlainValue></Counter>", "");
    let token = read(&hotp).unwrap_or_else(|fault| panic!("{fault:?}")).remove(0);
    assert_eq!(token.parameters.moving, Moving::Counter { next: 0 });
}

#[test]
fn encrypted_values_are_noticed_wherever_they_are() {
    let value = "<EncryptedValue><m Algorithm='http://www.w3.org/2001/04/xmlenc#aes128-cbc'/>";
    let encrypted = Flaw::Encrypted(Encryption::SharedKey);
    for parent in ["<Secret>", "<Counter>", "<Time>"] {
        assert_eq!(refusal(parent, &format!("{parent}{value}</EncryptedValue>")).0, encrypted);
    }
}

#[test]
fn text_and_elements_out_of_place_are_refused() {
    let changes = [
        ("<Data>", "<Data>x", Flaw::StrayText, 8, 7),
        ("<Data>", "<Data>&amp;", Flaw::StrayText, 8, 7),
        ("<Data>", "<Data><![CDATA[ ]]>", Flaw::StrayText, 8, 7),
        ("A1", "A<b/>1", Flaw::Unexpected, 3, 24),
        ("<Data>", "<Data><Seed/>", Flaw::Unexpected, 8, 7),
        ("<KeyPackage>", "<x/><KeyPackage>", Flaw::Unexpected, 2, 1),
        ("<KeyPackage>", "<x:y/><KeyPackage>", Flaw::Malformed, 2, 1),
        ("</KeyContainer>\n", "</KeyContainer>\n x", Flaw::StrayText, 16, 16),
        (
            "</KeyContainer>\n",
            "</KeyContainer>\n<!-- fine --><?fine?>&lt;",
            Flaw::StrayText,
            17,
            22,
        ),
        ("</KeyContainer>", "", Flaw::Truncated, 17, 1),
        ("</KeyContainer>", "</KeyContainer", Flaw::Truncated, 16, 1),
        ("</Key>", "</Kay>", Flaw::Malformed, 14, 1),
        ("<KeyContainer", " <?xml version='1.0'?><KeyContainer", Flaw::Malformed, 1, 2),
        ("<KeyContainer", "<?xml version='1.1'?><KeyContainer", Flaw::Malformed, 1, 1),
        ("\"1.0\"", "\"1.1\"", Flaw::WrongVersion, 1, 1),
        ("\"K1\"", "\"&#0;\"", Flaw::Entity, 4, 1),
        ("A1", "&#0;", Flaw::Malformed, 3, 23),
        ("A1", "A&1", Flaw::Malformed, 3, 24),
    ];
    for (from, to, flaw, line, column) in changes {
        assert_eq!(refusal(from, to), (flaw, line, column), "{to}");
    }
}
