#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fob_tests::fuzz::run(
    "seed_google_authenticator",
    bytes
));
