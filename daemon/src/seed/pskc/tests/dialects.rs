//! Files that say the same in other words: prefixes, drafts before RFC 6030, vendors' spellings.

use super::{FILE, read};
use crate::{
    record::{Algorithm, Moving, Parameters},
    seed::{Choice, Flaw, Notice, VendorToken, open},
};

const DRAFT: &str = r#"<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc:1.0">
<Device>
<DeviceInfo><Manufacturer>Acme</Manufacturer><SerialNo>A1</SerialNo></DeviceInfo>
<Key KeyAlgorithm="urn:ietf:params:xml:ns:keyprov:pskc#totp" KeyId="K1">
<Issuer>Acme</Issuer>
<Usage OTP="true"><ResponseFormat Length="6" Format="DECIMAL"/></Usage>
<StartDate>2006-04-14T00:00:00Z</StartDate>
<ExpiryDate>2030-09-30T00:00:00Z</ExpiryDate>
<Data>
<Secret><PlainValue>AAECAwQFBgcICQoLDA0ODw==</PlainValue></Secret>
<Time><PlainValue>0</PlainValue></Time>
<TimeInterval><PlainValue>60</PlainValue></TimeInterval>
<TimeDrift><PlainValue>4</PlainValue></TimeDrift>
</Data>
</Key>
</Device>
</KeyContainer>
"#;

#[track_caller]
fn token(text: &str) -> VendorToken {
    let mut tokens = read(text).unwrap_or_else(|fault| panic!("{fault:?}"));
    assert_eq!(tokens.len(), 1);
    tokens.remove(0)
}

#[track_caller]
fn draft_flaw(from: &str, to: &str) -> Flaw {
    assert!(DRAFT.contains(from), "{from}");
    read(&DRAFT.replacen(from, to, 1)).err().unwrap_or_else(|| panic!("accepted: {to}")).flaw
}

#[test]
fn a_file_of_the_draft_namespace_reads_like_one_of_the_rfc() {
    let token = token(DRAFT);
    let moving = Moving::Time { period: 60 };
    assert_eq!(token.parameters, Parameters { algorithm: Algorithm::Sha1, digits: 6, moving });
    assert_eq!((token.serial.as_str(), token.manufacturer.as_deref()), ("A1", Some("Acme")));
    assert_eq!(token.seed.as_bytes(), (0..16).collect::<Vec<u8>>());
    assert_eq!((token.not_before, token.not_after), (Some(1_144_972_800), Some(1_916_956_800)));
}

#[test]
fn the_words_of_drafts_are_taken_in_the_namespace_of_the_rfc_too() {
    let text = DRAFT.replace(":pskc:1.0\"", ":pskc\"").replace("\"1.0\"", "\"1\"");
    assert_eq!(token(&text).serial.as_str(), "A1");
    for algorithm in
        ["http://www.ietf.org/keyprov/pskc#totp", "urn:ietf:params:xml:ns:keyprov:pskc:totp"]
    {
        let text = DRAFT.replace("urn:ietf:params:xml:ns:keyprov:pskc#totp", algorithm);
        assert_eq!(token(&text).parameters.digits, 6, "{algorithm}");
    }
}

#[test]
fn what_drafts_say_of_a_key_is_heeded_as_well() {
    assert_eq!(draft_flaw("OTP=\"true\"", "CR=\"true\""), Flaw::KeyUsage);
    assert_eq!(draft_flaw("OTP=\"true\"", "OTP=\"false\" Encrypt=\"1\""), Flaw::KeyUsage);
    assert_eq!(draft_flaw("DECIMAL", "ALPHANUMERIC"), Flaw::WrongResponseEncoding);
    assert_eq!(draft_flaw(" Format=\"DECIMAL\"", ""), Flaw::Missing { name: "Encoding" });
    assert_eq!(draft_flaw("KeyId=\"K1\"", ""), Flaw::Missing { name: "Id" });
    assert_eq!(draft_flaw("2030-09-30T", "soon"), Flaw::BadDate);
    assert_eq!(
        draft_flaw("#totp", "#OCRA-1:HOTP-SHA512-8:C-QN08"),
        Flaw::WrongKeyAlgorithm { kind: "a challenge-response key (OCRA)" }
    );
    let proprietary = draft_flaw(
        "urn:ietf:params:xml:ns:keyprov:pskc#totp",
        "http://www.rsa.com/names/2008/04/algorithms/SecurID/SecurID-AES128-Counter",
    );
    assert_eq!(proprietary, Flaw::WrongKeyAlgorithm { kind: "a key of another algorithm" });
}

#[test]
fn other_namespaces_of_drafts_are_refused() {
    for name in [
        "urn:ietf:params:xml:ns:keyprov:container:1.0",
        "http://www.openauthentication.org/OATH/2006/08/PSKC",
    ] {
        let flaw = draft_flaw("urn:ietf:params:xml:ns:keyprov:pskc:1.0", name);
        assert_eq!(flaw, Flaw::WrongVersion, "{name}");
    }
}

#[test]
fn a_prefix_is_a_matter_of_taste() {
    let prefixed = FILE
        .replace("xmlns=", "xmlns:odd=")
        .replace("</", "</odd:")
        .replace('<', "<odd:")
        .replace("<odd:/odd:", "</odd:");
    assert_eq!(token(&prefixed).serial.as_str(), "A1");
}

#[test]
fn a_check_digit_is_refused_in_both_spellings() {
    for name in ["CheckDigits", "CheckDigit"] {
        for (value, refused) in [
            ("true", true),
            ("1", true),
            ("TRUE", true),
            ("false", false),
            ("0", false),
            ("False", false),
        ] {
            let text = FILE.replace(" Encoding=", &format!(" {name}=\"{value}\" Encoding="));
            let flaw = read(&text).err().map(|fault| fault.flaw);
            assert_eq!(flaw, refused.then_some(Flaw::CheckDigits), "{name} {value}");
        }
    }
}

#[test]
fn the_later_of_two_starts_counts() {
    let start = |year| format!("<StartDate>{year}-01-01T00:00:00Z</StartDate>");
    let text = FILE
        .replace("<SerialNo>", &format!("{}<SerialNo>", start(2031)))
        .replace("<KeyUsage>", &format!("{}<KeyUsage>", start(2030)));
    assert_eq!(token(&text).not_before, Some(1_924_992_000));
    let twice = text.replace("<KeyUsage>", &format!("{}<KeyUsage>", start(2030)));
    assert_eq!(read(&twice).err().unwrap().flaw, Flaw::Twice { name: "StartDate" });
}

#[test]
fn a_rule_for_the_pin_that_is_not_known_forbids_the_key() {
    let text =
        FILE.replace("<KeyUsage>", "<PINPolicy PINUsageMode='Local'><x/></PINPolicy><KeyUsage>");
    assert_eq!(read(&text).err().unwrap().flaw, Flaw::UnknownPolicy);
}

#[test]
fn a_signature_is_told_and_not_checked() {
    let signed = FILE.replace(
        "</KeyContainer>",
        "<d:Signature xmlns:d='http://www.w3.org/2000/09/xmldsig#'><d:x/></d:Signature></KeyContainer>",
    );
    let reading = open(signed.as_bytes(), Choice::Detect, None).ok().unwrap();
    assert_eq!(reading.notices, [Notice::SignatureUnchecked]);
    let reading = open(FILE.as_bytes(), Choice::Detect, None).ok().unwrap();
    assert_eq!(reading.notices, []);
}

#[test]
fn a_time_drift_counts_intervals_and_changes_nothing() {
    for drift in ["-12", "0", "2147483647"] {
        let text = DRAFT.replace("<PlainValue>4<", &format!("<PlainValue>{drift}<"));
        assert_eq!(token(&text).parameters, token(DRAFT).parameters, "{drift}");
    }
    assert_eq!(draft_flaw("<PlainValue>4<", "<PlainValue>4.5<"), Flaw::BadTime);
}

#[test]
fn two_keys_of_one_token_are_refused_with_both_places() {
    let key = FILE.find("<Key ").unwrap()..FILE.find("</KeyPackage>").unwrap();
    let hotp = FILE[key.clone()].replace(":totp", ":hotp").replace("AAEC", "AAED");
    let text = [&FILE[..key.end], &hotp, &FILE[key.end..]].concat();
    let error = open(text.as_bytes(), Choice::Detect, None).err().unwrap();
    assert_eq!(
        error.to_string(),
        "line 15, column 1: token A1 was described already, at line 4, column 1."
    );
    assert!(error.hint().unwrap().contains("ask the vendor"));
}
