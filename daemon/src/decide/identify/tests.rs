use super::{Breadth, Shown, could_show};
use crate::{
    decide::testing::{NOW, STEP, SoftToken, alice, at},
    record::Standing,
};

/// Tells whether the token could have shown its own code of a step.
fn shows(token: &SoftToken, step: u64, breadth: Breadth) -> bool {
    could_show(&token.opened(), &Shown::Code(token.code(step)), breadth, &at(NOW))
}

/// Tells whether the token could have shown its own codes of two steps.
fn shows_both(token: &SoftToken, first: u64, second: u64, breadth: Breadth) -> bool {
    let pair = Shown::Pair(token.pair(first, second, 30));
    could_show(&token.opened(), &pair, breadth, &at(NOW))
}

#[test]
fn a_token_in_stock_is_found_by_one_code_or_two() {
    let token = SoftToken::clock();
    assert!(shows(&token, STEP, Breadth::Near));
    assert!(shows_both(&token, STEP, STEP + 1, Breadth::Near));
    assert!(!shows_both(&token, STEP, STEP + 3, Breadth::Near));
    let other = Shown::Code(SoftToken::other().code(STEP));
    assert!(!could_show(&token.opened(), &other, Breadth::Near, &at(NOW)));
    let never = Shown::Code(token.never_shown(STEP));
    assert!(!could_show(&token.opened(), &never, Breadth::Near, &at(NOW)));
}

#[test]
fn a_token_that_somebody_has_is_never_searched() {
    let token = SoftToken::clock().standing(Standing::Assigned(alice()));
    for breadth in [Breadth::Near, Breadth::Wide] {
        assert!(!shows(&token, STEP, breadth));
        assert!(!shows_both(&token, STEP, STEP + 1, breadth));
    }
}

#[test]
fn a_token_that_is_lost_or_retired_is_told_by_its_code_too() {
    for standing in [Standing::Lost, Standing::Retired] {
        assert!(shows(&SoftToken::clock().standing(standing), STEP, Breadth::Near));
    }
}

#[test]
fn the_search_goes_as_far_as_it_is_told() {
    let token = SoftToken::clock();
    for (off, near, wide) in [(20, true, true), (22, false, true), (240, false, true)] {
        for first in [STEP - off, STEP + off] {
            assert_eq!(shows_both(&token, first, first + 1, Breadth::Near), near, "{off}");
            assert_eq!(shows_both(&token, first, first + 1, Breadth::Wide), wide, "{off}");
        }
    }
    assert!(!shows_both(&token, STEP - 242, STEP - 241, Breadth::Wide));
}

#[test]
fn a_clock_that_was_far_off_when_its_user_had_it_is_found_there() {
    let token = SoftToken::clock().ahead(20_000.0);
    assert!(shows(&token, STEP + 20_000 / 30, Breadth::Near));
    assert!(shows(&token, STEP, Breadth::Near), "it may have been set right since");
}

#[test]
fn a_code_that_was_used_identifies_its_token_all_the_same() {
    assert!(shows(&SoftToken::clock().spent(STEP + 1), STEP, Breadth::Near));
}

#[test]
fn a_button_is_searched_from_its_next_counter_on() {
    let token = SoftToken::button(5);
    assert!(!shows(&token, 4, Breadth::Near));
    assert!(shows(&token, 5, Breadth::Near) && shows(&token, 15, Breadth::Near));
    assert!(!shows(&token, 16, Breadth::Near));
    assert!(shows_both(&token, 1005, 1006, Breadth::Wide));
    assert!(!shows_both(&token, 1006, 1007, Breadth::Wide));
    assert!(shows(&token.spent(40), 41, Breadth::Near));
}
