use super::{Fault, HostFault};
use crate::{
    decide::{
        HostClock, Now, Uptime,
        testing::{NOW, STEP, SoftToken, after},
    },
    record::State,
};

const HOUR: u64 = 3_600;

/// Takes down a code that came so many seconds late, of a token whose clock is known.
fn late(fault: &mut HostFault, token: u8, seconds: i64, uptime: u64) -> Option<Fault> {
    of(fault, (token, &SoftToken::clock().ahead(0.0).state), seconds, uptime)
}

fn of(
    fault: &mut HostFault,
    (token, state): (u8, &State),
    seconds: i64,
    uptime: u64,
) -> Option<Fault> {
    let mut record = SoftToken::clock().token;
    record.fingerprint = [token; 32];
    fault.accepted((&record, state), STEP, (after(NOW, seconds), Uptime(uptime)))
}

#[test]
fn three_tokens_that_are_off_the_same_way_in_an_hour_are_the_hosts_fault() {
    for (seconds, ahead) in [(25, 25), (-30, -30)] {
        let mut fault = HostFault::default();
        assert_eq!(late(&mut fault, 1, seconds, 0), None);
        assert_eq!(late(&mut fault, 2, seconds, 1_000), None);
        assert!(!fault.is_found(Uptime(1_000)));
        let found = late(&mut fault, 3, seconds, HOUR - 1);
        assert_eq!(found, Some(Fault { tokens: 3, ahead }));
        assert!(fault.is_found(Uptime(HOUR - 1)));
    }
}

#[test]
fn half_of_the_tokens_that_were_used_are_enough_and_fewer_are_not() {
    for (on_time, expected) in [(3, Some(Fault { tokens: 3, ahead: 25 })), (4, None)] {
        let mut fault = HostFault::default();
        for token in 1..=on_time {
            assert_eq!(late(&mut fault, token, 0, 0), None);
        }
        assert_eq!(late(&mut fault, 11, 25, 0), None);
        assert_eq!(late(&mut fault, 12, 25, 0), None);
        assert_eq!(late(&mut fault, 13, 25, 0), expected, "{on_time}");
    }
}

#[test]
fn a_fault_is_told_once_and_clears_an_hour_after_its_last_sign() {
    let mut fault = HostFault::default();
    for token in 1..=3 {
        late(&mut fault, token, 25, 0);
    }
    assert_eq!(late(&mut fault, 4, 25, 100), None, "it was told already");
    assert_eq!(fault.judge(HostClock::Synchronised, Uptime(HOUR)), HostClock::Unsynchronised);
    let clear = Uptime(100 + HOUR);
    assert_eq!(fault.judge(HostClock::Synchronised, clear), HostClock::Synchronised);
    assert_eq!(fault.judge(HostClock::Unsynchronised, clear), HostClock::Unsynchronised);
}

#[test]
fn one_token_two_ways_or_three_hours_are_no_fault() {
    let mut fault = HostFault::default();
    for uptime in 0..10 {
        assert_eq!(late(&mut fault, 1, 25, uptime), None, "one token is its own matter");
    }
    assert_eq!(late(&mut fault, 2, -25, 11), None);
    assert_eq!(late(&mut fault, 3, 25, 12), None, "one of three is off the other way");
    let mut fault = HostFault::default();
    for token in 1..=9 {
        assert_eq!(late(&mut fault, token, 25, u64::from(token) * HOUR / 2), None);
    }
}

#[test]
fn slow_hands_are_no_fault() {
    let mut fault = HostFault::default();
    for token in 1..=9 {
        assert_eq!(late(&mut fault, token, 20, 0), None, "20 s is within what a person takes");
    }
    // Three in an hour of many are nothing.
    for token in 11..=13 {
        assert_eq!(late(&mut fault, token, 25, 1), None);
    }
}

#[test]
fn a_token_whose_clock_is_hardly_known_bears_no_witness() {
    let fresh =
        State { clock: Some(crate::decide::clock_model::first(STEP, 30, NOW)), ..State::default() };
    let old = SoftToken::clock().ahead(0.0).state;
    let mut fault = HostFault::default();
    for token in 1..=9 {
        assert_eq!(of(&mut fault, (token, &fresh), 25, 0), None);
        assert_eq!(of(&mut fault, (token, &State::default()), 25, 0), None);
        let half_a_year = 182 * 86_400;
        assert_eq!(of(&mut fault, (token, &old), half_a_year, 0), None);
    }
}

#[test]
fn a_button_bears_no_witness() {
    let token = SoftToken::button(0);
    let mut fault = HostFault::default();
    for _ in 0..3 {
        let seen = fault.accepted((&token.token, &token.state), 5, (Now(0), Uptime(0)));
        assert_eq!(seen, None);
    }
}

#[test]
fn no_more_than_the_latest_tokens_are_remembered() {
    let mut fault = HostFault::default();
    let mut record = SoftToken::clock().ahead(0.0);
    for n in 0..2_000_u64 {
        record.token.fingerprint = [0; 32];
        record.token.fingerprint[..8].copy_from_slice(&n.to_be_bytes());
        fault.accepted((&record.token, &record.state), STEP, (NOW, Uptime(1)));
    }
    assert_eq!(fault.seen.len(), super::MOST);
}
