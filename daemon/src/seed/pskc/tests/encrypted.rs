//! Encrypted values: what opens them, what does not, and what is refused.

use crate::seed::{
    Choice, Encryption, Flaw, Notice, Reading, SeedError, Unsupported, open,
    testing::{KEY, MacOf, Maker, OpenedBy, PASSPHRASE, SEED, hmac_sha1, typed, typed_key},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// A seed of a length that key wrap takes too.
const LONGER: [u8; 24] = [0x33; 24];
const TOKENS: [(&str, &[u8]); 2] = [("A1", &LONGER), ("A2", &KEY)];

fn read(text: &str, typed: &str) -> Result<Reading, SeedError> {
    open(text.as_bytes(), Choice::Detect, Some(&self::typed(typed)))
}

fn made(maker: Maker) -> Result<Reading, SeedError> {
    let password = match maker.by {
        OpenedBy::Key => typed_key(maker.key_length()),
        OpenedBy::Passphrase(..) => typed(PASSPHRASE),
    };
    open(maker.file(&TOKENS).as_bytes(), Choice::Detect, Some(&password))
}

#[track_caller]
fn opened(result: Result<Reading, SeedError>) -> Vec<Notice> {
    let reading = result.unwrap_or_else(|error| panic!("{error}"));
    let found: Vec<_> =
        reading.tokens.iter().map(|token| (token.serial.as_str(), token.seed.as_bytes())).collect();
    assert_eq!(found, TOKENS);
    reading.notices
}

#[track_caller]
fn flaw(result: Result<Reading, SeedError>) -> Flaw {
    result.err().expect("it was opened").flaw().clone()
}

const WRONG_KEY: Flaw = Flaw::WrongPassword(Encryption::SharedKey);
const WRONG_PASSPHRASE: Flaw = Flaw::WrongPassword(Encryption::Password);
const CIPHERS: [&str; 6] =
    ["aes128-cbc", "aes192-cbc", "aes256-cbc", "kw-aes128", "kw-aes192", "kw-aes256"];
const HASHES: [&str; 5] = ["hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"];

/// Takes the first element with this name out of a text, with what is in it.
fn without(text: &str, name: &str) -> String {
    let (start, end) = (format!("<{name}"), format!("</{name}>\n"));
    let from = text.find(&start).unwrap();
    let to = from + text[from..].find(&end).unwrap() + end.len();
    [&text[..from], &text[to..]].concat()
}

/// Puts a published MACKey, value and ValueMAC into a file.
fn with_values(text: &str, values: [&str; 3]) -> String {
    let mut text = text.to_owned();
    let mut from = 0;
    for (name, value) in ["e:CipherValue>", "e:CipherValue>", "ValueMAC>"].into_iter().zip(values) {
        let start = from + text[from..].find(&format!("<{name}")).unwrap() + name.len() + 1;
        let end = start + text[start..].find("</").unwrap();
        text.replace_range(start..end, value);
        from = start + value.len() + name.len();
    }
    text
}

#[test]
fn the_values_of_figures_6_and_7_of_rfc_6030_open() {
    let six = [
        "ESIzRFVmd4iZABEiM0RVZgKn6WjLaTC1sbeBMSvIhRejN9vJa2BOlSaMrR7I5wSX",
        "AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv",
        "Su+NvtQfmvfJzF6bmQiJqoLRExc=",
    ];
    let seven = [
        "2GTTnLwM3I4e5IO5FkufoOEiOhNj91fhKRQBtBJYluUDsPOLTfUvoU2dStyOwYZx",
        "oTvo+S22nsmS2Z/RtcoF8Hfh+jzMe0RkiafpoDpnoZTjPYZu6V+A4aEn032yCr4f",
        "LP6xMvjtypbfT9PdkJhBZ+D6O4w=",
    ];
    let by = OpenedBy::Passphrase("<PRF/>", true);
    let by_passphrase = Maker { by, rounds: 1000, ..Maker::default() };
    let six = with_values(&Maker::default().file(&[("A1", SEED)]), six);
    let seven = with_values(&by_passphrase.file(&[("A1", SEED)]), seven);
    let seven = seven.replace("YSBzYWx0", "Ej7/PEpyEpw=");
    for (text, typed) in [(six, "12345678901234567890123456789012"), (seven, PASSPHRASE)] {
        let reading = read(&text, typed).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((reading.tokens[0].seed.as_bytes(), reading.notices), (SEED, vec![]));
    }
}

#[test]
fn every_cipher_opens_with_every_mac() {
    for cipher in CIPHERS {
        for hash in HASHES {
            let notices = opened(made(Maker { cipher, hash, ..Maker::default() }));
            assert_eq!(notices, [], "{cipher} {hash}");
        }
    }
}

#[test]
fn every_cipher_opens_with_every_passphrase_hash_and_with_or_without_a_length() {
    let prfs = [
        "",
        "<PRF/>",
        "<PRF Algorithm=\"http://www.w3.org/2000/09/xmldsig#hmac-sha1\"/>",
        "<PRF Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#hmac-sha224\"/>",
        "<PRF Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256\"/>",
        "<PRF Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#hmac-sha384\"/>",
        "<PRF Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#hmac-sha512\"/>",
    ];
    for cipher in CIPHERS {
        for (prf, says_length) in prfs.into_iter().flat_map(|prf| [(prf, true), (prf, false)]) {
            let by = OpenedBy::Passphrase(prf, says_length);
            opened(made(Maker { cipher, by, ..Maker::default() }));
        }
    }
}

#[test]
fn a_key_is_taken_in_hexadecimal_and_in_base64() {
    let file = |cipher| Maker { cipher, ..Maker::default() }.file(&TOKENS);
    let short = file("aes128-cbc");
    for key in [
        "12345678901234567890123456789012",
        " 1234 5678 9012 3456 7890 1234 5678 9012 ",
        "EjRWeJASNFZ4kBI0VniQEg==",
        "EjRWeJASNFZ4kBI0VniQEg",
    ] {
        opened(read(&short, key));
    }
    // 32 hexadecimal digits are a key of 16 bytes, or base64 of one of 24: the cipher tells.
    let text = file("aes192-cbc").replace("Key 1", "Key 2");
    assert_eq!(flaw(read(&text, "12345678901234567890123456789012")), WRONG_KEY);
    opened(read(&text, "EjRWeJASNFZ4kBI0VniQEjRWeJASNFZ4"));
}

#[test]
fn what_is_no_key_or_one_of_another_length_is_told_from_a_wrong_one() {
    let text = Maker::default().file(&TOKENS);
    for typed in ["qwerty", "12345", "1234567890123456789012345678901%", "=", "äöü"] {
        assert_eq!(flaw(read(&text, typed)), Flaw::NotAKey, "{typed}");
    }
    let longer = "123456789012345678901234567890121234567890123456";
    assert_eq!(flaw(read(&text, longer)), Flaw::KeySize { wanted: 16 });
    assert_eq!(flaw(read(&text, "12345678901234567890123456789013")), WRONG_KEY);
    let error = read(&text, "12345678901234567890123456789013").err().unwrap();
    assert_eq!(error.to_string(), "the key is wrong, or the file was changed.");
}

#[test]
fn a_wrong_passphrase_opens_nothing_with_any_cipher() {
    for cipher in CIPHERS {
        let by = OpenedBy::Passphrase("<PRF/>", true);
        for mac in [MacOf::Sealed, MacOf::SealedByValueKey, MacOf::Plain] {
            let text = Maker { cipher, by, mac, ..Maker::default() }.file(&TOKENS);
            assert_eq!(flaw(read(&text, "Qwerty")), WRONG_PASSPHRASE, "{cipher} {mac:?}");
        }
    }
}

#[test]
fn without_what_opens_it_the_file_asks_for_that() {
    let by_key = Maker::default().file(&TOKENS);
    let by_passphrase =
        Maker { by: OpenedBy::Passphrase("", true), ..Maker::default() }.file(&TOKENS);
    for (text, encryption) in
        [(by_key, Encryption::SharedKey), (by_passphrase, Encryption::Password)]
    {
        let error = open(text.as_bytes(), Choice::Detect, None).err().unwrap();
        assert_eq!((error.flaw(), error.place().unwrap().line), (&Flaw::Encrypted(encryption), 5));
    }
}

#[test]
fn a_file_that_does_not_say_how_it_is_encrypted_has_a_shared_key() {
    let text = without(&Maker::default().file(&TOKENS), "EncryptionKey");
    opened(read(&text, "12345678901234567890123456789012"));
    let asked = open(text.as_bytes(), Choice::Detect, None);
    assert_eq!(flaw(asked), Flaw::Encrypted(Encryption::SharedKey));
}

#[test]
fn a_password_for_a_file_that_needs_none_is_refused() {
    let plain = "A1,000102030405060708090a0b0c0d0e0f";
    assert_eq!(flaw(read(plain, "qwerty")), Flaw::NotEncrypted);
    let file = super::FILE;
    assert_eq!(flaw(read(file, "qwerty")), Flaw::NotEncrypted);
}

#[test]
fn the_macs_of_older_files_are_taken_and_told() {
    let mac = |mac| Maker { mac, ..Maker::default() };
    assert_eq!(opened(made(mac(MacOf::SealedByValueKey))), []);
    assert_eq!(opened(made(mac(MacOf::Plain))), [Notice::MacOverPlaintext]);
    let method =
        "<MACMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#hmac-sha1\"></MACMethod>";
    let older = mac(MacOf::SealedByValueKey).file(&TOKENS).replace(
        method,
        "<MACAlgorithm> http://www.w3.org/2000/09/xmldsig#hmac-sha1\n</MACAlgorithm>",
    );
    assert!(older.contains("MACAlgorithm"));
    assert_eq!(opened(read(&older, "12345678901234567890123456789012")), []);
}

#[test]
fn cbc_without_any_mac_is_taken_and_told_and_key_wrap_needs_none() {
    let by = |cipher| Maker { cipher, mac: MacOf::Nothing, ..Maker::default() };
    assert_eq!(opened(made(by("aes128-cbc"))), [Notice::NoMac]);
    assert_eq!(opened(made(by("kw-aes256"))), []);
}

#[test]
fn a_mac_that_is_missing_or_has_no_method_is_refused() {
    let text = Maker::default().file(&TOKENS);
    let key = "12345678901234567890123456789012";
    let one_gone = without(&text, "ValueMAC");
    assert_eq!(flaw(read(&one_gone, key)), Flaw::Missing { name: "ValueMAC" });
    let no_method = without(&text, "MACMethod");
    assert_eq!(flaw(read(&no_method, key)), Flaw::Missing { name: "MACMethod" });
    let no_key = text.replace("<MACKey>", "<MACKeyReference/><MACKey>");
    assert_eq!(flaw(read(&no_key, key)), Flaw::OtherMac);
    let other = text.replace("hmac-sha1", "hmac-md5");
    assert_eq!(flaw(read(&other, key)), Flaw::OtherMac);
}

#[test]
fn a_mac_key_that_was_cut_down_is_refused_though_its_macs_fit() {
    let text = Maker::default().file(&TOKENS[..1]);
    let values = text.split("e:CipherValue>").skip(1).step_by(2);
    let values: Vec<Vec<u8>> =
        values.map(|rest| STANDARD.decode(rest.split('<').next().unwrap()).unwrap()).collect();
    let [key, value] = &values[..] else { panic!("another file") };
    // The last two blocks open to the end of the key, eight bytes that somebody may know.
    let cut = &key[key.len() - 32..];
    let tag = hmac_sha1(&[0x5a; 8], value);
    let encoded = [cut, value, &tag].map(|bytes| STANDARD.encode(bytes));
    let forged = with_values(&text, encoded.each_ref().map(String::as_str));
    assert_eq!(flaw(read(&forged, "12345678901234567890123456789012")), WRONG_KEY);
}

#[test]
fn every_changed_character_of_a_value_or_its_mac_is_noticed() {
    for mac in [MacOf::Sealed, MacOf::SealedByValueKey, MacOf::Plain] {
        let text = Maker { mac, ..Maker::default() }.file(&TOKENS[..1]);
        let from = text.find("<Secret>").unwrap();
        let to = text.find("</Secret>").unwrap();
        let mut changed = 0;
        for at in from..to {
            let byte = text.as_bytes()[at];
            let is_inside = text[..at].rfind(['>', '<']).is_some_and(|mark| {
                text[..=mark].ends_with("CipherValue>") || text[..=mark].ends_with("ValueMAC>")
            });
            if !is_inside || !byte.is_ascii_alphanumeric() {
                continue;
            }
            let other = if byte == b'A' { "B" } else { "A" };
            let text = [&text[..at], other, &text[at + 1..]].concat();
            let found = flaw(read(&text, "12345678901234567890123456789012"));
            assert!(matches!(found, Flaw::WrongPassword(_) | Flaw::Base64Length), "{at} {found:?}");
            changed += 1;
        }
        assert!(changed > 80, "only {changed} characters");
    }
}

#[test]
fn a_change_behind_a_value_that_was_opened_is_told_from_a_wrong_key() {
    let text = Maker::default().file(&TOKENS);
    let last = text.rfind("</ValueMAC>").unwrap() - 6;
    let other = if text.as_bytes()[last] == b'A' { "B" } else { "A" };
    let text = [&text[..last], other, &text[last + 1..]].concat();
    let error = read(&text, "12345678901234567890123456789012").err().unwrap();
    assert_eq!(error.flaw(), &Flaw::Altered);
    assert!(error.place().is_some());
}

#[test]
fn a_plain_seed_in_an_encrypted_file_is_refused() {
    let maker = Maker::default();
    let text = maker.file(&TOKENS);
    let plain = "<PlainValue>AAECAwQFBgcICQoLDA0ODw==</PlainValue>\n";
    let text = text.replace(&maker.value(&LONGER), plain);
    assert!(text.contains(plain));
    assert_eq!(flaw(read(&text, "12345678901234567890123456789012")), Flaw::PlainSecret);
}

#[test]
fn a_plain_seed_before_the_first_encrypted_one_is_refused_too() {
    let maker = Maker::default();
    let (first, plain) =
        (maker.value(&LONGER), "<PlainValue>AAECAwQFBgcICQoLDA0ODw==</PlainValue>\n");
    let text = maker.file(&TOKENS).replace(&first, plain);
    assert!(text.contains(plain));
    // Nothing in front of it says that the file is encrypted.
    let text = without(&text, "EncryptionKey");
    let line = text.lines().position(|line| line == "<Secret>").unwrap() + 1;
    let error = open(text.as_bytes(), Choice::Detect, Some(&typed_key(16))).err().unwrap();
    assert_eq!(error.flaw(), &Flaw::PlainSecret);
    assert_eq!(error.place().map(|place| place.line as usize), Some(line));
}

#[test]
fn other_ciphers_are_refused_by_name_before_anybody_is_asked_for_a_key() {
    let text = Maker::default().file(&TOKENS);
    let from = text.rfind("aes128-cbc").unwrap();
    for (cipher, kind, name) in [
        ("tripledes-cbc", Unsupported::TripleDes, "Triple DES"),
        ("camellia128-cbc", Unsupported::Camellia, "Camellia"),
        ("rsa-oaep-mgf1p", Unsupported::Rsa, "RSA"),
        ("aes128-gcm", Unsupported::Other, "another cipher"),
    ] {
        let text = [&text[..from], cipher, &text[from + "aes128-cbc".len()..]].concat();
        for password in [None, Some(&typed_key(16))] {
            let error = open(text.as_bytes(), Choice::Detect, password).err().unwrap();
            assert_eq!(error.flaw(), &Flaw::OtherCipher(kind), "{cipher}");
            assert!(error.to_string().contains(name), "{error}");
            assert!(error.hint().unwrap().contains("ask the vendor for PSKC"));
        }
    }
}

#[test]
fn keys_for_certificates_and_of_unknown_kinds_are_refused() {
    let text = Maker::default().file(&TOKENS);
    for (child, encryption) in [
        ("<d:X509Data/>", Encryption::Certificate),
        ("<d:KeyValue/>", Encryption::Certificate),
        ("<e:EncryptedKey/>", Encryption::Certificate),
        ("<d:PGPData/>", Encryption::Unknown),
    ] {
        let text = text.replace("<d:KeyName>Key 1</d:KeyName>", child);
        assert_eq!(flaw(read(&text, "qwerty")), Flaw::Encrypted(encryption), "{child}");
    }
}

#[test]
fn a_derivation_that_is_not_supported_or_too_much_work_is_refused_at_once() {
    let by = OpenedBy::Passphrase("<PRF/>", true);
    let text = Maker { by, ..Maker::default() }.file(&TOKENS);
    let changes = [
        ("<IterationCount>10<", "<IterationCount>10000001<", Flaw::TooManyRounds),
        ("<IterationCount>10<", "<IterationCount>99999999999999999999<", Flaw::TooManyRounds),
        ("<IterationCount>10<", "<IterationCount>0<", Flaw::BadRounds),
        ("<IterationCount>10<", "<IterationCount>-1<", Flaw::BadRounds),
        ("<IterationCount>10</IterationCount>", "", Flaw::Missing { name: "IterationCount" }),
        ("<KeyLength>16<", "<KeyLength>128<", Flaw::BadKeyLength),
        ("<KeyLength>16<", "<KeyLength>32<", Flaw::BadKeyLength),
        ("<PRF/>", "<PRF Algorithm='hmac-md5'/>", Flaw::OtherDerivation),
        ("#pbkdf2", "#scrypt", Flaw::OtherDerivation),
        ("<Specified>YSBzYWx0</Specified>", "<OtherSource/>", Flaw::OtherDerivation),
        ("<Specified>YSBzYWx0</Specified>", "", Flaw::Missing { name: "Specified" }),
    ];
    for (from, to, wanted) in changes {
        assert!(text.contains(from), "{from}");
        assert_eq!(flaw(read(&text.replace(from, to), PASSPHRASE)), wanted, "{to}");
    }
}

#[test]
fn numbers_are_encrypted_as_bytes_or_as_digits() {
    let maker = Maker::default();
    let with = |name: &str, value: &[u8]| {
        let element = format!("<{name}>{}</{name}></Data>", maker.value(value));
        let text = maker.file(&[("A1", SEED)]).replace("</Data>", &element);
        read(&text, "12345678901234567890123456789012").map(|mut reading| reading.tokens.remove(0))
    };
    use crate::record::Moving::{Counter, Time};
    let period = |value: &[u8]| with("TimeInterval", value).ok().unwrap().parameters.moving;
    for value in [&b"60"[..], &[60], &[0, 0, 0, 60], &[0, 0, 0, 0, 0, 0, 0, 60]] {
        assert_eq!(period(value), Time { period: 60 }, "{value:?}");
    }
    let hotp = |value: &[u8]| {
        let element = format!("<Counter>{}</Counter></Data>", maker.value(value));
        let text = maker.file(&[("A1", SEED)]).replace("</Data>", &element);
        let text = text.replace(":totp", ":hotp");
        let read = read(&text, "12345678901234567890123456789012");
        read.map(|mut reading| reading.tokens.remove(0).parameters.moving)
    };
    assert_eq!(hotp(&[0, 0, 1, 2]).ok().unwrap(), Counter { next: 258 });
    assert_eq!(hotp(b"258").ok().unwrap(), Counter { next: 258 });
    for bad in [&[0; 9][..], &[0xff; 8], b""] {
        assert_eq!(hotp(bad).err().unwrap().flaw(), &Flaw::BadCounter, "{bad:?}");
    }
    assert!(with("Time", &[0, 0, 0, 0]).is_ok());
    assert_eq!(with("Time", &[1]).err().unwrap().flaw(), &Flaw::BadTime);
    assert!(with("TimeDrift", &[4]).is_ok());
    assert_eq!(with("TimeInterval", &[45]).err().unwrap().flaw(), &Flaw::BadPeriod);
}

#[test]
fn a_seed_that_was_decrypted_is_bounded_like_any_other() {
    let opened =
        |seed: &[u8]| read(&Maker::default().file(&[("A1", seed)]), "EjRWeJASNFZ4kBI0VniQEg");
    assert_eq!(flaw(opened(&[1; 15])), Flaw::SeedTooShort);
    assert_eq!(flaw(opened(&[0; 20])), Flaw::SeedIsZero);
    assert_eq!(flaw(opened(&[1; 129])), Flaw::SeedTooLong);
    assert!(opened(&[1; 128]).is_ok());
}
