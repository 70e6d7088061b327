use fob_api::{Error, Verdict};

use super::{Asker, Decision, resync};
use crate::{
    decide::{
        Now,
        pair::{Reach, TimedPair},
        testing::{NOW, STEP, SoftToken, after, at, known},
    },
    record::{Budget, State},
};

fn try_pair(token: &SoftToken, timed: &TimedPair, asker: Asker, now: Now) -> Decision {
    let reach = if asker == Asker::Owner { Reach::Own } else { Reach::Administrator };
    resync(&token.opened(), &token.serial(), (timed, reach), asker, &at(now))
}

fn invalid(token: &SoftToken) -> Result<(), Error> {
    Err(Error::InvalidCodePair { serial: token.serial() })
}

#[test]
fn a_token_that_drifted_out_of_the_window_is_in_sync_after_a_pair() {
    for ahead in [-7_000_i64, -100, 100, 7_000] {
        let mut token = SoftToken::clock().spent(STEP - 50_000).ahead(0.0);
        let shown = |seconds| after(NOW, ahead + seconds).0 / 30;
        assert_eq!(token.enter(&token.code(shown(0)), NOW), Verdict::Reject);
        let timed = token.pair(shown(30), shown(60), 30);
        let decision = try_pair(&token, &timed, Asker::Administrator, after(NOW, 66));
        assert_eq!(decision.outcome, Ok(()));
        token.state = decision.change.unwrap();
        assert_eq!(token.state.last_step, Some(shown(60)));
        assert_eq!(token.enter(&token.code(shown(90)), after(NOW, 96)), Verdict::Accept);
    }
}

#[test]
fn a_users_wrong_pair_costs_a_try_of_his_own_programs_and_nothing_else() {
    let token = SoftToken::clock().spent(STEP - 9).ahead(4.0);
    let mut expected = State { writes: 1, ..token.state.clone() };
    expected.budgets.own = Budget { wrong: vec![NOW.0], in_a_row: 1 };
    expected.budgets.wrong_since = 1;
    expected.budgets.resync = Some(NOW.0);
    let timed = SoftToken::other().pair(STEP, STEP + 1, 30);
    let decision = try_pair(&token, &timed, Asker::Owner, NOW);
    assert_eq!(decision.outcome, invalid(&token));
    assert_eq!(decision.change, Some(expected));
}

#[test]
fn an_administrators_wrong_pair_costs_the_user_nothing() {
    let token = SoftToken::clock().spent(STEP - 9).ahead(4.0);
    let timed = SoftToken::other().pair(STEP, STEP + 1, 30);
    let decision = try_pair(&token, &timed, Asker::Administrator, NOW);
    assert_eq!(decision.outcome, invalid(&token));
    assert_eq!(decision.change, None);
}

#[test]
fn an_administrator_is_not_kept_waiting_by_the_user_or_a_flood() {
    let mut token = SoftToken::clock();
    token.state.budgets.own = Budget { wrong: vec![NOW.0; 30], in_a_row: 500 };
    token.state.budgets.resync = Some(NOW.0);
    let right = token.pair(STEP - 1, STEP, 30);
    assert_eq!(try_pair(&token, &right, Asker::Administrator, NOW).outcome, Ok(()));
}

// B13 of threats.md.
#[test]
fn a_user_tries_one_pair_a_minute_and_not_even_the_right_one_sooner() {
    let mut token = SoftToken::clock();
    let (right, wrong) =
        (token.pair(STEP - 1, STEP, 30), SoftToken::other().pair(STEP, STEP + 1, 30));
    token.state = try_pair(&token, &wrong, Asker::Owner, NOW).change.unwrap();
    for timed in [&right, &wrong] {
        let decision = try_pair(&token, timed, Asker::Owner, after(NOW, 59));
        assert_eq!(decision.outcome, Err(Error::TemporarilyUnmodifiable { seconds: 1 }));
        assert_eq!(decision.change, None);
    }
    assert_eq!(try_pair(&token, &right, Asker::Owner, after(NOW, 60)).outcome, Ok(()));
}

#[test]
fn a_user_whose_budget_is_spent_can_still_resync_his_token() {
    let mut token = SoftToken::clock();
    token.state.budgets.own = Budget { wrong: vec![NOW.0; 30], in_a_row: 500 };
    let right = token.pair(STEP - 1, STEP, 30);
    assert_eq!(try_pair(&token, &right, Asker::Owner, NOW).outcome, Ok(()));
}

// CVE-2019-12887 and R10 of threats.md.
#[test]
fn a_spent_pair_or_one_that_straddles_the_last_step_moves_no_clock() {
    for spent in [STEP, STEP + 1, STEP + 2, STEP + 200] {
        let token = SoftToken::clock().spent(spent).ahead(0.0);
        let timed = token.pair(STEP, STEP + 1, 30);
        let decision = try_pair(&token, &timed, Asker::Owner, after(NOW, 30));
        assert_eq!(decision.outcome, invalid(&token));
        let state = decision.change.unwrap();
        assert_eq!((state.last_step, state.clock), (Some(spent), Some(known(0.0))));
    }
}

#[test]
fn the_same_pair_twice_is_one_resync() {
    let mut token = SoftToken::clock();
    let timed = token.pair(STEP, STEP + 1, 30);
    token.state = try_pair(&token, &timed, Asker::Administrator, after(NOW, 30)).change.unwrap();
    let again = try_pair(&token, &timed, Asker::Administrator, after(NOW, 31));
    assert_eq!(again.outcome, invalid(&token));
}

// M6 of threats.md: the first of three old codes was used then; each two of them are a pair.
#[test]
fn old_codes_typed_one_after_the_other_do_not_bring_the_clock_back() {
    let used = STEP - 250;
    let mut token = SoftToken::clock().spent(used).ahead(0.0);
    for n in 0..3 {
        let now = after(NOW, i64::try_from(n).unwrap() * 60);
        let timed = token.pair(used + n, used + n + 1, 30);
        let decision = try_pair(&token, &timed, Asker::Owner, now);
        assert_eq!(decision.outcome, invalid(&token));
        token.state = decision.change.unwrap();
    }
    assert_eq!((token.state.last_step, token.state.clock), (Some(used), Some(known(0.0))));
}

#[test]
fn a_clock_that_was_wrong_at_a_resync_is_mended_by_the_next_one() {
    let mut token = SoftToken::clock();
    // The host's clock is an hour ahead, then right again.
    let timed = token.pair(STEP, STEP + 1, 30);
    let wrong = try_pair(&token, &timed, Asker::Administrator, after(NOW, 3_630));
    token.state = wrong.change.unwrap();
    assert_eq!(token.state.clock.unwrap().drift, -3_600.0);
    assert_eq!(token.enter(&token.code(STEP + 2), after(NOW, 60)), Verdict::Reject);
    let timed = token.pair(STEP + 3, STEP + 4, 30);
    let right = try_pair(&token, &timed, Asker::Administrator, after(NOW, 120));
    assert_eq!(right.outcome, Ok(()));
    token.state = right.change.unwrap();
    assert_eq!(token.state.clock.unwrap().drift, 0.0);
    assert_eq!(token.enter(&token.code(STEP + 5), after(NOW, 150)), Verdict::Accept);
}

#[test]
fn a_crash_that_loses_uptime_makes_nobody_wait() {
    let mut token = SoftToken::clock();
    token.state.budgets.resync = Some(NOW.0 + 600);
    let right = token.pair(STEP - 1, STEP, 30);
    assert_eq!(try_pair(&token, &right, Asker::Owner, NOW).outcome, Ok(()));
}
