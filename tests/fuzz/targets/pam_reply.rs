#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pam_fob::fuzz::reply(bytes));
