//! How long it takes to read and write a record, to seal and open a seed, and to parse a seed file.
//!
//! `cargo bench -p fobd --bench records`. Figures, never tests.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a benchmark: what fails ends it, and its macros make functions without a word"
)]

use std::{fmt::Write as _, hint::black_box};

use criterion::{Criterion, criterion_group, criterion_main};
use fob_api::Serial;
use fobd::{
    decide::{Now, clock_model},
    record::{self, Seed, State},
    seed::{self, Choice},
    store::Key,
    vault::{Keys, Vault},
};

/// Tokens of the seed files.
const TOKENS: u32 = 10_000;

/// A state as an ordinary sign-in over ssh leaves it.
fn state() -> State {
    State {
        last_step: Some(63_115_200),
        clock: Some(clock_model::first(63_115_200, 30, Now(1_893_456_010))),
        last_used: Some(1_893_456_010),
        last_from: Some("2001:db8::17".to_owned()),
        attempt: [7; 16],
        writes: 1000,
        ..State::default()
    }
}

fn record_codec(criterion: &mut Criterion) {
    let key = Key::state(&Serial::parse("8A1172").unwrap());
    let state = state();
    criterion.bench_function("record encode state", |bencher| {
        bencher.iter(|| record::encode(key.as_bytes(), black_box(&state)).unwrap());
    });
    let bytes = record::encode(key.as_bytes(), &state).unwrap();
    criterion.bench_function("record decode state", |bencher| {
        bencher.iter(|| record::decode::<State>(key.as_bytes(), black_box(&bytes)).unwrap());
    });
}

fn sealing(criterion: &mut Criterion) {
    let vault: Vault = Keys::given(&[7; 32]).unwrap().found().unwrap();
    let key = *vault.keys().first().unwrap();
    let seed = Seed::new(vec![0x5e; 20]).unwrap();
    criterion.bench_function("seal a seed", |bencher| {
        bencher.iter(|| vault.seal(key, "8A1172", 1, black_box(&seed)).unwrap());
    });
    let sealed = vault.seal(key, "8A1172", 1, &seed).unwrap();
    criterion.bench_function("open a seed", |bencher| {
        bencher.iter(|| vault.open_seed("8A1172", black_box(&sealed)).unwrap());
    });
}

fn import(criterion: &mut Criterion) {
    let mut csv = String::new();
    let mut pskc = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<KeyContainer Version=\"1.0\" \
         xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">\n",
    );
    for number in 0..TOKENS {
        let _ = writeln!(csv, "T{number:06}, 5e5e5e5e{number:032x}, totp, 6, 30");
        let _ = writeln!(
            pskc,
            "<KeyPackage><DeviceInfo><Manufacturer>Example</Manufacturer>\
             <SerialNo>T{number:06}</SerialNo></DeviceInfo>\
             <Key Id=\"T{number:06}\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:totp\">\
             <AlgorithmParameters><ResponseFormat Length=\"6\" Encoding=\"DECIMAL\"/>\
             </AlgorithmParameters><Data><Secret><PlainValue>{number:024}</PlainValue></Secret>\
             <Time><PlainValue>0</PlainValue></Time>\
             <TimeInterval><PlainValue>30</PlainValue></TimeInterval></Data></Key></KeyPackage>"
        );
    }
    pskc.push_str("</KeyContainer>\n");
    let mut group = criterion.benchmark_group("parse 10000 tokens");
    group.sample_size(10);
    for (name, text) in [("OATH CSV", &csv), ("PSKC", &pskc)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let parsed = seed::parse(black_box(text.as_bytes()), Choice::Detect);
                let tokens = parsed.map_err(|error| error.to_string()).unwrap().tokens;
                assert_eq!(tokens.len(), TOKENS as usize);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, record_codec, sealing, import);
criterion_main!(benches);
