//! Files of other projects, if they lie beside the workspace; their licences keep them out of
//! it. What each comes to is in this table.

use std::{fs, path::PathBuf};

use data_encoding::HEXLOWER;
use serde_json::Value;

use super::{accepted, refused, workspace};
use crate::{
    record::Moving,
    seed::{
        Choice, Encryption, Flaw, VendorToken, date, open, read,
        testing::{PASSPHRASE, typed, typed_key},
    },
};

/// What becomes of a file.
enum Outcome {
    /// The tokens with these serials.
    Tokens(&'static [&'static str]),
    /// A refusal that says this.
    Refused(&'static str),
}
use Outcome::{Refused, Tokens};

const SHARED_KEY: Outcome = Refused("the seeds are encrypted with a pre-shared key");

const FILES: [(&str, Outcome); 17] = [
    ("csv/entra.csv", Tokens(&["1234567"])),
    ("csv/netiq-oath.csv", Tokens(&["Token001", "Token002", "Token003", "Token004"])),
    ("csv/privacyidea-oath.csv", Refused("token02 has the same seed as token token01 of line 1")),
    ("pskc/aes128-cbc.pskcxml", SHARED_KEY),
    ("pskc/bad-entity.xml", Refused("DOCTYPE")),
    ("pskc/bad-mac.pskcxml", SHARED_KEY),
    (
        "pskc/feitian.pskcxml",
        Tokens(&[
            "1000133508267",
            "1000133508255",
            "2600124809778",
            "2600124809787",
            "2600135004012",
            "2600135004013",
        ]),
    ),
    ("pskc/figure10.pskcxml", Refused("token 9999999 was described already, at line 68")),
    ("pskc/figure2.pskcxml", Refused("fewer than 128 bits")),
    ("pskc/figure3.pskcxml", Tokens(&["987654321"])),
    ("pskc/figure4.pskcxml", Refused("this key has no secret")),
    ("pskc/figure5.pskcxml", Refused("pskc:pin")),
    ("pskc/figure6.pskcxml", SHARED_KEY),
    ("pskc/figure7.pskcxml", Refused("the seeds are encrypted with a passphrase")),
    ("pskc/figure8.pskcxml", Refused("for an X.509 certificate (RSA)")),
    ("pskc/figure9.pskcxml", Tokens(&["0755225266"])),
    ("text/users.oath", Refused("users file of pam_oath (oath-toolkit): its tokens")),
];

/// Returns the folder, or says that there is none and returns `None`.
fn folder() -> Option<PathBuf> {
    let folder = workspace("../shared/samples");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: there is no folder {}", folder.display());
    None
}

#[test]
fn each_sample_gives_its_tokens_or_a_refusal_that_names_the_reason() {
    let Some(folder) = folder() else { return };
    for (name, outcome) in FILES {
        let bytes = fs::read(folder.join(name)).unwrap();
        match outcome {
            Tokens(serials) => {
                let tokens = accepted(&bytes).tokens;
                let found: Vec<_> = tokens.iter().map(|token| token.serial.as_str()).collect();
                assert_eq!(found, serials, "{name}");
            }
            Refused(reason) => {
                let error = refused(&bytes);
                assert!(error.to_string().contains(reason), "{name}: {error}");
                assert!(error.place().is_some(), "{name}: {error}");
            }
        }
    }
}

#[test]
fn accepted_samples_are_read_as_the_reference_reads_them() {
    let Some(folder) = folder() else { return };
    let expected = fs::read(folder.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let mut compared = 0;
    // figure10 is refused for its duplicates only, so it is read without looking for them.
    for name in ["feitian", "figure10", "figure3", "figure9"] {
        let name = format!("pskc/{name}.pskcxml");
        let bytes = fs::read(folder.join(&name)).unwrap();
        let tokens = read(&bytes, Choice::Detect, None).ok().unwrap().tokens;
        let rows = expected[&name]["tokens"].as_array().unwrap();
        assert_eq!(tokens.len(), rows.len(), "{name}");
        for (token, row) in tokens.iter().zip(rows) {
            assert_same(token, row);
            compared += 1;
        }
    }
    assert_eq!(compared, 12);
}

#[test]
fn encrypted_samples_are_read_as_the_reference_reads_them() {
    let Some(folder) = folder() else { return };
    let expected = fs::read(folder.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    for (name, password) in [("figure6", typed_key(16)), ("figure7", typed(PASSPHRASE))] {
        let name = format!("pskc/{name}.pskcxml");
        let bytes = fs::read(folder.join(&name)).unwrap();
        let reading = open(&bytes, Choice::Detect, Some(&password)).ok().unwrap();
        assert_eq!((reading.tokens.len(), reading.notices.len()), (1, 0), "{name}");
        let row = &expected[&name]["tokens"][0];
        assert_eq!(row["mac_ok"], true);
        assert_same(&reading.tokens[0], row);
    }
    // This one has neither serial nor algorithm, so they are written in.
    let name = "pskc/aes128-cbc.pskcxml";
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let missing = open(text.as_bytes(), Choice::Detect, Some(&typed_key(16))).err().unwrap();
    assert_eq!(missing.flaw(), &Flaw::Missing { name: "Algorithm" });
    let text = text.replace(
        "<Key>",
        "<Key Id='A1' Algorithm='urn:ietf:params:xml:ns:keyprov:pskc:hotp'><AlgorithmParameters>\
         <ResponseFormat Length='6' Encoding='DECIMAL'/></AlgorithmParameters>",
    );
    let reading = open(text.as_bytes(), Choice::Detect, Some(&typed_key(16))).ok().unwrap();
    let seed = HEXLOWER.encode(reading.tokens[0].seed.as_bytes());
    assert_eq!(expected[name]["tokens"][0]["secret_hex"], seed);
}

#[test]
fn a_sample_with_a_changed_mac_or_a_wrong_key_gives_nothing() {
    let Some(folder) = folder() else { return };
    let bytes = |name: &str| fs::read(folder.join(name)).unwrap();
    let flaw = |name: &str, typed_in: &str| {
        let error = open(&bytes(name), Choice::Detect, Some(&typed(typed_in))).err().unwrap();
        error.flaw().clone()
    };
    let key = "12345678901234567890123456789012";
    let (by_key, by_passphrase) = (Encryption::SharedKey, Encryption::Password);
    assert_eq!(flaw("pskc/bad-mac.pskcxml", key), Flaw::WrongPassword(by_key));
    let other = "12345678901234567890123456789013";
    assert_eq!(flaw("pskc/figure6.pskcxml", other), Flaw::WrongPassword(by_key));
    assert_eq!(flaw("pskc/figure7.pskcxml", "QWERTY"), Flaw::WrongPassword(by_passphrase));
    assert_eq!(flaw("pskc/figure3.pskcxml", "qwerty"), Flaw::NotEncrypted);
    assert_eq!(flaw("pskc/figure8.pskcxml", "qwerty"), Flaw::Encrypted(Encryption::Certificate));
}

#[track_caller]
fn assert_same(token: &VendorToken, row: &Value) {
    assert_eq!(row["serial"], token.serial.as_str());
    assert_eq!(row["manufacturer"].as_str(), token.manufacturer.as_deref());
    assert_eq!(row["digits"], token.parameters.digits);
    let (counter, period) = match token.parameters.moving {
        Moving::Counter { next } => (Some(next), None),
        Moving::Time { period } => (None, Some(u64::from(period))),
    };
    // Figure 7 has no Counter; that is 0 here.
    let wanted = row["counter"].as_u64().or(counter.filter(|next| *next == 0));
    assert_eq!((wanted, row["time_interval"].as_u64()), (counter, period));
    assert_eq!(row["secret_hex"], HEXLOWER.encode(token.seed.as_bytes()));
    let expiry = row["expiry"].as_str().map(|text| date::unix(&text.replace(' ', "T")).unwrap());
    assert_eq!(expiry, token.not_after);
}
