//! Pairs as people type them: none is refused.

use proptest::{
    prelude::{Just, ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest},
    test_runner::TestCaseError,
};

use super::super::{NoPair, Reach, locate};
use crate::{
    decide::testing::{CLOCK, NOW, SoftToken, after, at, known, many},
    record::{Moving, Parameters},
};

/// How somebody types a pair of his token.
#[derive(Clone, Debug)]
struct Typing {
    seed: [u8; 20],
    period: u32,
    /// Seconds that the token's clock is ahead, and what is known of that.
    ahead: i64,
    known: Option<i32>,
    /// The moment of the step at which each code is read, in hundredths of it.
    read: [i64; 2],
    /// Seconds that typing each code takes.
    delay: [i64; 2],
    /// Whether the code after the next is typed, if the person takes long enough for that.
    slow: u64,
}

fn typing() -> impl Strategy<Value = Typing> {
    let clock = (-7_000..=7_000_i64, proptest::option::of(-90_000..90_000_i32));
    let hand = (0..100_i64, 0..100_i64, 2..25_i64, 2..25_i64);
    let token = (any::<[u8; 20]>(), prop_oneof![Just(30_u32), Just(60)]);
    (token, clock, hand, 0..2_u64).prop_map(|((seed, period), (ahead, known), hand, slow)| {
        let (first, second, one, other) = hand;
        Typing { seed, period, ahead, known, read: [first, second], delay: [one, other], slow }
    })
}

/// Types the pair; the next two codes if it fits at two places by chance.
fn resyncs(typing: Typing) -> Result<(), TestCaseError> {
    let Typing { seed, period, ahead, known: drift, read, delay, slow } = typing;
    let length = i64::from(period);
    let moving = Moving::Time { period };
    let mut token = SoftToken::new("1", &seed, Parameters { moving, ..CLOCK });
    token.state.clock = drift.map(|drift| known(f64::from(drift)));
    let first = after(NOW, ahead).0 / u64::from(period);
    // The host's seconds from the begin of the first step to the arrival of a code.
    let arrival = |code: usize, steps: u64| {
        i64::try_from(steps).unwrap() * length + read[code] * length / 100 + delay[code]
    };
    let long = arrival(1, 2) - arrival(0, 0);
    let steps = if slow == 1 && long * 2 > length * 3 { 2 } else { 1 };
    let begin = i64::try_from(first).unwrap() * length - ahead;
    let mut tried = Vec::new();
    for step in [first, first + steps + 1] {
        let steps = if step == first { steps } else { 1 };
        let elapsed = u32::try_from(arrival(1, steps) - arrival(0, 0)).unwrap_or_default();
        let shift = i64::try_from(step - first).unwrap() * length;
        let now = crate::decide::Now(u64::try_from(begin + shift + arrival(1, steps)).unwrap());
        let timed = token.pair(step, step + steps, elapsed);
        tried.push(
            locate(&token.opened(), &timed, Reach::Own, &at(now)).map(|state| state.last_step),
        );
        if tried.last() == Some(&Err(NoPair::Ambiguous)) {
            continue;
        }
        prop_assert_eq!(tried.pop(), Some(Ok(Some(step + steps))));
        return Ok(());
    }
    Err(TestCaseError::fail(format!("two pairs in a row fit at two places: {tried:?}")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_pairs_of_honest_people_resync(typing in typing()) {
        resyncs(typing)?;
    }
}

/// Run with `cargo test --release -p fobd --lib -- --ignored a_million`.
#[test]
#[ignore = "issue 3: minutes in a release build"]
fn a_million_random_pairs_resync() {
    many(1_000_000, typing(), resyncs);
}
