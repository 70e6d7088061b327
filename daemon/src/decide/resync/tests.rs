use fob_api::{Error, Verdict};

use super::{Decision, resync};
use crate::{
    decide::{
        Now, Share,
        pair::TimedPair,
        testing::{NOW, STEP, SoftToken, after, at},
    },
    record::{State, Tries},
};

fn try_pair(token: &SoftToken, timed: &TimedPair, share: Share, now: Now) -> Decision {
    resync(&token.opened(), &token.serial(), timed, share, &at(now))
}

fn invalid(token: &SoftToken) -> Result<(), Error> {
    Err(Error::InvalidCodePair { serial: token.serial() })
}

#[test]
fn a_token_that_drifted_out_of_the_window_is_in_sync_after_a_pair() {
    for ahead in [-7_000_i64, -100, 100, 7_000] {
        let mut token = SoftToken::clock().spent(STEP - 50_000).ahead(0);
        let shown = |seconds| after(NOW, ahead + seconds).0 / 30;
        assert_eq!(token.enter(&token.code(shown(0)), NOW), Verdict::Reject);
        let timed = token.pair(shown(30), shown(60), 30);
        let decision = try_pair(&token, &timed, Share::Local, after(NOW, 66));
        assert_eq!(decision.outcome, Ok(()));
        token.state = decision.change.unwrap();
        assert_eq!(token.state.last_step, Some(shown(60)));
        assert_eq!(token.enter(&token.code(shown(90)), after(NOW, 96)), Verdict::Accept);
    }
}

#[test]
fn a_users_wrong_pair_costs_a_try_of_his_and_nothing_else() {
    let token = SoftToken::clock().spent(STEP - 9).ahead(4);
    let cost = Tries { wrong: 1, latest: NOW.0 };
    let expected = State { own_tries: cost, writes: 1, ..token.state.clone() };
    let timed = SoftToken::other().pair(STEP, STEP + 1, 30);
    let decision = try_pair(&token, &timed, Share::Own, NOW);
    assert_eq!(decision.outcome, invalid(&token));
    assert_eq!(decision.change, Some(expected));
}

#[test]
fn an_administrators_wrong_pair_costs_the_user_nothing() {
    let token = SoftToken::clock().spent(STEP - 9).ahead(4);
    let timed = SoftToken::other().pair(STEP, STEP + 1, 30);
    let decision = try_pair(&token, &timed, Share::Local, NOW);
    assert_eq!(decision.outcome, invalid(&token));
    assert_eq!(decision.change, None);
}

#[test]
fn an_administrator_is_not_kept_waiting_by_a_flood_of_wrong_codes() {
    let mut token = SoftToken::clock();
    token.state.local_tries = Tries { wrong: 500, latest: NOW.0 };
    let right = token.pair(STEP - 1, STEP, 30);
    assert_eq!(try_pair(&token, &right, Share::Local, NOW).outcome, Ok(()));
}

#[test]
fn while_a_share_waits_no_pair_is_tried_not_even_the_right_one() {
    let mut token = SoftToken::clock();
    token.state.own_tries = Tries { wrong: 5, latest: NOW.0 };
    let right = token.pair(STEP - 1, STEP, 30);
    for timed in [&right, &SoftToken::other().pair(STEP, STEP + 1, 30)] {
        let decision = try_pair(&token, timed, Share::Own, after(NOW, 1));
        assert_eq!(decision.outcome, Err(Error::TemporarilyUnmodifiable { seconds: 3 }));
        assert_eq!(decision.change, None);
    }
    assert_eq!(try_pair(&token, &right, Share::Local, NOW).outcome, Ok(()));
    assert_eq!(try_pair(&token, &right, Share::Own, after(NOW, 4)).outcome, Ok(()));
}

#[test]
fn codes_and_pairs_of_a_user_are_counted_together() {
    let mut token = SoftToken::clock();
    let wrong = SoftToken::other().pair(STEP, STEP + 1, 30);
    for _ in 0..3 {
        token.state = try_pair(&token, &wrong, Share::Own, NOW).change.unwrap();
    }
    let wait = crate::decide::throttle::wait(token.state.own_tries, NOW);
    assert_eq!((token.state.own_tries.wrong, wait), (3, 1));
}

// CVE-2019-12887 and R10 of threats.md.
#[test]
fn a_spent_pair_or_one_that_straddles_the_last_step_moves_no_clock() {
    for spent in [STEP, STEP + 1, STEP + 2, STEP + 200] {
        let token = SoftToken::clock().spent(spent).ahead(0);
        let timed = token.pair(STEP, STEP + 1, 30);
        let decision = try_pair(&token, &timed, Share::Own, after(NOW, 30));
        assert_eq!(decision.outcome, invalid(&token));
        let state = decision.change.unwrap();
        assert_eq!((state.last_step, state.drift), (Some(spent), Some(0)));
    }
}

#[test]
fn the_same_pair_twice_is_one_resync() {
    let mut token = SoftToken::clock();
    let timed = token.pair(STEP, STEP + 1, 30);
    token.state = try_pair(&token, &timed, Share::Local, after(NOW, 30)).change.unwrap();
    let again = try_pair(&token, &timed, Share::Local, after(NOW, 31));
    assert_eq!(again.outcome, invalid(&token));
}

// M6 of threats.md: the first of three old codes was used then; each two of them are a pair.
#[test]
fn old_codes_typed_one_after_the_other_do_not_bring_the_clock_back() {
    let used = STEP - 250;
    let mut token = SoftToken::clock().spent(used).ahead(0);
    for n in 0..3 {
        let now = after(NOW, i64::try_from(n).unwrap() * 30);
        let timed = token.pair(used + n, used + n + 1, 30);
        let decision = try_pair(&token, &timed, Share::Own, now);
        assert_eq!(decision.outcome, invalid(&token));
        token.state = decision.change.unwrap();
    }
    assert_eq!((token.state.last_step, token.state.drift), (Some(used), Some(0)));
}

#[test]
fn a_clock_that_was_wrong_at_a_resync_is_mended_by_the_next_one() {
    let mut token = SoftToken::clock();
    // The host's clock is an hour ahead, then right again.
    let timed = token.pair(STEP, STEP + 1, 30);
    let wrong = try_pair(&token, &timed, Share::Local, after(NOW, 3_630));
    token.state = wrong.change.unwrap();
    assert_eq!(token.state.drift, Some(-3_600));
    assert_eq!(token.enter(&token.code(STEP + 2), after(NOW, 60)), Verdict::Reject);
    let timed = token.pair(STEP + 3, STEP + 4, 30);
    let right = try_pair(&token, &timed, Share::Local, after(NOW, 120));
    assert_eq!(right.outcome, Ok(()));
    token.state = right.change.unwrap();
    assert_eq!(token.state.drift, Some(0));
    assert_eq!(token.enter(&token.code(STEP + 5), after(NOW, 150)), Verdict::Accept);
}
