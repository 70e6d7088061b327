use proptest::prelude::{any, proptest};

use super::{Decoder, Encoder, LONGEST, MAGIC, StreamError, VERSION, v1};
use crate::{
    backup::{Header, Item, SavedSeed, SavedState, SavedToken, SavedTrace},
    record::{Algorithm, Budget, Budgets, ClockState, Moving, Owner, Parameters, Standing},
};

fn header() -> Header {
    Header {
        host: "alpha".to_owned(),
        taken: 1_800_000_000,
        uptime: 500,
        version: "0.1.0".to_owned(),
        house: [3; 16],
    }
}

fn state() -> SavedState {
    SavedState {
        last_step: Some(60_000_000),
        clock: Some(ClockState {
            drift: -12.25,
            rate: 3.5,
            drift_variance: 4.0,
            covariance: 0.5,
            rate_variance: 1.0,
            seen: 1_799_999_990,
        }),
        last_used: Some(1_799_999_990),
        last_from: Some("192.0.2.7".to_owned()),
        budgets: Budgets {
            unknown: Budget { wrong: vec![100, 200], in_a_row: 2 },
            wrong_since: 2,
            ..Budgets::default()
        },
    }
}

fn token(serial: &str) -> Box<SavedToken> {
    Box::new(SavedToken {
        serial: serial.to_owned(),
        standing: Standing::Assigned(Owner { uid: 1000, name: "alice".to_owned() }),
        parameters: Parameters {
            algorithm: Algorithm::Sha1,
            digits: 6,
            moving: Moving::Time { period: 30 },
        },
        seed: SavedSeed { nonce: [5; 24], sealed: vec![9; 36] },
        imported: 1_700_000_000,
        manufacturer: Some("Example".to_owned()),
        model: None,
        batch: Some("2026-11 Feitian".to_owned()),
        state: state(),
    })
}

fn items() -> Vec<Item> {
    vec![
        Item::Token(token("A1")),
        Item::Again(token("A1")),
        Item::Gone("B2".to_owned()),
        Item::Trace(Box::new(SavedTrace {
            fingerprint: [7; 32],
            serial: "C3".to_owned(),
            state: SavedState::default(),
            lost: Some(1_790_000_000),
        })),
        Item::Recovery(Owner { uid: 1000, name: "alice".to_owned() }),
    ]
}

fn stream() -> Vec<u8> {
    let (mut encoder, mut bytes) = Encoder::new(&header()).unwrap();
    for item in items() {
        bytes.extend(encoder.item(item).unwrap());
    }
    bytes.extend(encoder.end().unwrap());
    bytes
}

/// Reads a stream to its end.
fn read(bytes: &[u8]) -> Result<Vec<Item>, StreamError> {
    let mut decoder = Decoder::new(bytes)?;
    let mut items = Vec::new();
    while let Some(item) = decoder.next_item()? {
        items.push(item);
    }
    Ok(items)
}

#[test]
fn a_stream_reads_back_as_it_was_written() {
    let bytes = stream();
    assert_eq!(read(&bytes).unwrap(), items());
    assert_eq!(*Decoder::new(bytes.as_slice()).unwrap().header(), header());
}

#[test]
fn every_single_flipped_bit_of_a_stream_is_noticed() {
    let bytes = stream();
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&damaged).is_err(), "bit {bit} was not noticed");
    }
}

#[test]
fn a_cut_or_lengthened_stream_is_not_taken() {
    let bytes = stream();
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length]).is_err(), "cut at {length}");
    }
    assert!(read(&[bytes.clone(), vec![0]].concat()).is_err());
    assert!(read(&[bytes.clone(), bytes].concat()).is_err());
}

#[test]
fn a_stream_without_one_of_its_records_or_with_one_twice_is_not_taken() {
    let (mut encoder, mut short) = Encoder::new(&header()).unwrap();
    let [first, second] = ["A1", "B2"].map(|serial| Item::Token(token(serial)));
    let [first, second] = [encoder.item(first).unwrap(), encoder.item(second).unwrap()];
    let end = encoder.end().unwrap();
    let whole = [short.clone(), first.clone(), second.clone(), end.clone()].concat();
    assert_eq!(read(&whole).unwrap().len(), 2);
    let twice = [short.clone(), first.clone(), first.clone(), second, end.clone()].concat();
    assert!(read(&twice).is_err());
    short.extend([first, end].concat());
    assert!(read(&short).is_err());
}

#[test]
fn a_newer_stream_is_told_apart_and_an_older_form_is_none() {
    let mut bytes = stream();
    bytes[MAGIC.len()] = VERSION + 1;
    assert!(matches!(read(&bytes), Err(StreamError::Newer)));
    bytes[MAGIC.len()] = 0;
    assert!(matches!(read(&bytes), Err(StreamError::Damaged)));
}

#[test]
fn a_record_that_claims_to_be_huge_costs_no_memory() {
    let bytes = [&MAGIC[..], &[VERSION], &[0xff; 4]].concat();
    assert!(matches!(read(&bytes), Err(StreamError::Damaged)));
    let (mut encoder, _) = Encoder::new(&header()).unwrap();
    let long = Item::Gone("x".repeat(LONGEST));
    assert!(matches!(encoder.item(long), Err(StreamError::TooLong)));
}

fn digest(stream: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(stream).iter().map(|byte| format!("{byte:02x}")).collect()
}

// A changed type in the stream must come with a new version: backups are read years later.
#[test]
fn the_bytes_of_version_2_never_change() {
    assert_eq!(VERSION, 2);
    assert_eq!(
        digest(&stream()),
        "70972b8fee3eae8b76f66517867ddb679e52779d711d5af86603e15cd28aa318"
    );
}

fn old(token: SavedToken) -> Box<v1::OldToken> {
    let SavedToken { serial, standing, parameters, seed, .. } = token;
    let SavedToken { imported, manufacturer, model, state, .. } = token;
    Box::new(v1::OldToken {
        serial,
        standing,
        parameters,
        seed,
        imported,
        manufacturer,
        model,
        state,
    })
}

/// The same stream as the Fob of version 1 wrote it.
fn stream_of_version_1() -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let mut bytes = [&MAGIC[..], &[v1::VERSION]].concat();
    let mut add = |frame: &v1::Frame| {
        let payload = postcard::to_allocvec(frame).unwrap();
        bytes.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        bytes.extend(payload);
        Sha256::digest(&bytes).into()
    };
    let mut hash = add(&v1::Frame::Header(header()));
    for item in items() {
        hash = add(&v1::Frame::Item(match item {
            Item::Again(token) => v1::OldItem::Again(old(*token)),
            Item::Gone(serial) => v1::OldItem::Gone(serial),
            Item::Recovery(owner) => v1::OldItem::Recovery(owner),
            Item::Token(token) => v1::OldItem::Token(old(*token)),
            Item::Trace(trace) => v1::OldItem::Trace(trace),
        }));
    }
    add(&v1::Frame::End { items: 5, hash });
    bytes
}

#[test]
fn a_stream_of_version_1_is_read_and_its_tokens_have_no_batch() {
    let bytes = stream_of_version_1();
    assert_eq!(digest(&bytes), "542ace379588fd0e195f8b1d9d69f4dc58bfa4e1e445f4728c93dd4dc85b88f6");
    let mut expected = items();
    for item in &mut expected {
        if let Item::Again(token) | Item::Token(token) = item {
            token.batch = None;
        }
    }
    assert_eq!(read(&bytes).unwrap(), expected);
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length]).is_err(), "cut at {length}");
    }
}

proptest! {
    #[test]
    fn the_decoder_takes_whatever_bytes_there_are(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = read(&bytes);
        let framed = [&MAGIC[..], &[VERSION], &bytes].concat();
        let _ = read(&framed);
    }
}
