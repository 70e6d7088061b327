//! The records of the token database.

use std::ops::RangeInclusive;

use fob_api::Share;
use fobd::{
    decide::{
        At, HostClock, Now, Policy, Uptime, clock_model,
        throttle::{self, Rank},
        verify,
    },
    record::{
        Budgets, Doubt, Host, LogHead, RecordError, Recovery, SealedSeed, Spray, Standing, State,
        Token, Trace, UserTokens, decode, encode,
    },
};
use serde::{Serialize, Serializer, de::DeserializeOwned, ser::SerializeTuple as _};

const KEY: &[u8] = b"a key";

/// The first byte says which kind of record the rest is. The rest is tried as it is, and with the
/// frame that only fobd writes, for what a damaged disk shows behind a right checksum.
pub(super) fn record(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind % 9 {
        0 => drop(kept::<Host>(rest)),
        1 => drop(kept::<Recovery>(rest)),
        2 => kept::<Spray>(rest).iter().for_each(reckon_spray),
        3 => kept::<State>(rest).iter().for_each(reckon),
        4 => kept::<Token>(rest).iter().for_each(|token| reckon_with(token, &State::default())),
        5 => drop(kept::<Trace>(rest)),
        6 => drop(kept::<UserTokens>(rest)),
        7 => drop(kept::<Doubt>(rest)),
        _ => drop(kept::<LogHead>(rest)),
    }
}

/// Bytes that are written as they are.
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        self.0.iter().try_for_each(|byte| tuple.serialize_element(byte))?;
        tuple.end()
    }
}

/// Reads the bytes as a record; returns it if they are one within a right frame.
fn kept<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Option<T> {
    if let Ok(record) = decode::<T>(KEY, bytes) {
        written_again(&record);
    }
    let framed = encode(KEY, &Raw(bytes)).unwrap();
    assert!(decode::<T>(b"another key", &framed).is_err(), "taken under another key");
    let record = decode::<T>(KEY, &framed);
    assert!(!matches!(record, Err(RecordError::Newer)));
    record.ok().inspect(written_again)
}

/// A record that was read can be written, and reads the same then. Compared as bytes: a number
/// that is none is not equal to itself.
fn written_again<T: DeserializeOwned + Serialize>(record: &T) {
    let once = encode(KEY, record).unwrap();
    let again: T = decode(KEY, &once).ok().unwrap();
    assert!(encode(KEY, &again).unwrap() == once);
}

/// Moments at which a record is reckoned with: now, and the ends of the clock.
const MOMENTS: [u64; 4] = [0, 1_800_000_000, u64::MAX - 1, u64::MAX];

fn reckon(state: &State) {
    reckon_with(&token(), state);
}

/// Whatever a record holds, decisions about it end, in bounded time.
fn reckon_with(token: &Token, state: &State) {
    for moment in MOMENTS {
        let at = at(moment);
        bounded(&verify::window(token, state, at.now, at.policy));
        budgets(&state.budgets, &at);
        if let Some(clock) = &state.clock {
            let _ = clock_model::in_sync_until(clock, 30, at.now, at.policy);
            let learned = clock_model::learn(Some(clock), moment / 30, 30, &at).unwrap();
            assert!(learned.drift.is_finite() && learned.rate.is_finite());
            assert!(learned.drift_variance > 0.0 && learned.rate_variance > 0.0);
        }
    }
}

/// A sign-in never tries more codes than the policy's cap, or its look-ahead, allows.
fn bounded(window: &RangeInclusive<u64>) {
    let steps = window.end().saturating_sub(*window.start());
    // A record may name a period of one second; the cap is in seconds.
    assert!(steps <= 2 * Policy::DEFAULT.window_cap.max(Policy::DEFAULT.look_ahead) + 1);
}

fn budgets(budgets: &Budgets, at: &At<'_>) {
    for share in Share::ALL {
        for rank in [Rank::Root, Rank::User] {
            let _ = throttle::demand(budgets, &Spray::default(), share, rank, at);
            let mut charged = budgets.clone();
            throttle::charge(&mut charged, share, rank, at);
            let kept = throttle::of(&charged, share).wrong.len();
            assert!(kept <= at.policy.wrong_per_month as usize, "{kept} wrong codes are kept");
        }
    }
}

fn reckon_spray(spray: &Spray) {
    for moment in MOMENTS {
        let at = at(moment);
        let spent = throttle::spray::is_spent(spray, &at);
        let charged = throttle::spray::charge(spray, &at);
        assert!(!spent || throttle::spray::is_spent(&charged, &at), "a wrong code refilled it");
    }
}

fn at(moment: u64) -> At<'static> {
    At {
        doubt: None,
        now: Now(moment),
        uptime: Uptime(moment),
        host_clock: HostClock::Synchronised,
        fence: None,
        policy: &Policy::DEFAULT,
    }
}

/// A token of the usual kind.
fn token() -> Token {
    use fobd::record::{Algorithm, Moving, Parameters};
    Token {
        serial: "8A1172".to_owned(),
        standing: Standing::Stock,
        epoch: 0,
        parameters: Parameters {
            algorithm: Algorithm::Sha1,
            digits: 6,
            moving: Moving::Time { period: 30 },
        },
        seed: SealedSeed::default(),
        fingerprint: [0; 32],
        imported: 0,
        manufacturer: None,
        model: None,
        batch: None,
    }
}
