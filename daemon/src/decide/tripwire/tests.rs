use fob_api::Verdict;

use super::{Alarm, WATCHED, is_due, trips, watch};
use crate::{
    decide::testing::{NOW, STEP, SoftToken, after, alice, at},
    record::Standing,
};

fn lost() -> SoftToken {
    SoftToken::clock().standing(Standing::Lost)
}

#[test]
fn a_code_that_a_lost_or_retired_token_shows_now_trips_the_wire() {
    for (standing, alarm) in
        [(Standing::Lost, Alarm::LostToken), (Standing::Retired, Alarm::RetiredToken)]
    {
        let token = SoftToken::clock().standing(standing).spent(STEP - 9).ahead(0.0);
        for step in [STEP - 1, STEP, STEP + 1] {
            assert_eq!(trips(&token.opened(), &token.code(step), &at(NOW)), Some(alarm));
        }
    }
}

#[test]
fn the_journal_has_a_word_for_each_alarm() {
    assert_eq!(Alarm::LostToken.word(), "lost_token");
    assert_eq!(Alarm::RetiredToken.word(), "retired_token");
}

#[test]
fn a_code_of_another_time_or_of_no_time_does_not() {
    let token = lost().spent(STEP - 9).ahead(0.0);
    for code in [token.code(STEP - 4), token.code(STEP + 4), token.never_shown(STEP)] {
        assert_eq!(trips(&token.opened(), &code, &at(NOW)), None);
    }
}

#[test]
fn the_clock_of_the_lost_token_is_followed() {
    let token = lost().ahead(1_200.0);
    assert_eq!(trips(&token.opened(), &token.code(STEP), &at(NOW)), None);
    let later = token.code(STEP + 40);
    assert_eq!(trips(&token.opened(), &later, &at(NOW)), Some(Alarm::LostToken));
}

#[test]
fn a_code_that_was_used_before_the_loss_does_not() {
    let token = lost().spent(STEP).ahead(0.0);
    for step in [STEP - 1, STEP] {
        assert_eq!(trips(&token.opened(), &token.code(step), &at(NOW)), None);
    }
    assert_eq!(trips(&token.opened(), &token.code(STEP + 1), &at(NOW)), Some(Alarm::LostToken));
}

#[test]
fn a_token_that_is_in_use_again_does_not() {
    for standing in [Standing::Stock, Standing::Assigned(alice())] {
        let token = SoftToken::clock().standing(standing);
        assert_eq!(trips(&token.opened(), &token.code(STEP), &at(NOW)), None);
    }
}

#[test]
fn the_next_codes_of_a_lost_button_trip_the_wire() {
    let token = SoftToken::button(5).standing(Standing::Lost).spent(7);
    let code = token.code(9);
    assert_eq!(trips(&token.opened(), &code, &at(after(NOW, 86_400))), Some(Alarm::LostToken));
    assert_eq!(trips(&token.opened(), &token.code(7), &at(NOW)), None);
}

#[test]
fn only_lost_and_retired_tokens_are_watched_each_once_and_the_newest_four() {
    let mut former = Vec::new();
    for standing in [Standing::Stock, Standing::Assigned(alice())] {
        watch(&mut former, &SoftToken::clock().standing(standing).token);
    }
    assert!(former.is_empty(), "{former:?}");
    for serial in ["t1", "t2", "t3", "t4", "t2", "t5"] {
        let mut token = lost().token;
        token.serial = serial.to_owned();
        watch(&mut former, &token);
    }
    assert_eq!(former, ["T3", "T4", "T2", "T5"]);
    assert_eq!(former.len(), WATCHED);
}

#[test]
fn a_code_that_was_not_tried_is_not_looked_at() {
    for verdict in [Verdict::Reject, Verdict::Unassigned] {
        assert!(is_due(verdict), "{verdict:?}");
    }
    for verdict in
        [Verdict::Accept, Verdict::Exempt, Verdict::Locked, Verdict::Replay, Verdict::Wait(3)]
    {
        assert!(!is_due(verdict), "{verdict:?}");
    }
}
