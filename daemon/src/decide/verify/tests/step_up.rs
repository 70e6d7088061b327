//! Budgets, pairs, and the code before: what is tried, and what it costs.

use fob_api::{CodePair, PromptKind, Share, Verdict};

use super::super::{Attempt, Claim, Earlier, Tried, Typed, prompt};
use crate::{
    decide::{
        At, Now,
        testing::{NOW, STEP, SoftToken, after, at, typed},
        throttle::{self, Demand, Origin, Rank, pairs::Turn},
    },
    record::{PairTries, Spray},
};

const AWAY: Origin = Origin::Remote(Some([9; 8]));

fn pair(token: &SoftToken, first: u64, second: u64) -> CodePair {
    CodePair { first: token.code(first), second: token.code(second) }
}

/// A token whose share of the unknown sources has spent its budget.
fn spent() -> SoftToken {
    let mut token = SoftToken::clock();
    for _ in 0..5 {
        throttle::charge(&mut token.state.budgets, Share::Unknown, Rank::User, &at(NOW));
    }
    token
}

fn from_away(answer: Typed<'_>) -> Attempt<'_> {
    Attempt { origin: AWAY, from: Some("203.0.113.7"), ..typed(answer) }
}

// B2 and B3 of threats.md.
#[test]
fn of_a_hundred_wrong_codes_five_are_tried() {
    let mut token = SoftToken::clock();
    let wrong = token.never_shown(STEP);
    let mut tried = 0;
    for _ in 0..100 {
        let decision = token.attempt(&from_away(Typed::Code(&wrong)), &at(NOW));
        if let Some(state) = decision.change {
            (token.state, tried) = (state, tried + 1);
        } else {
            assert_eq!(decision.verdict, Verdict::Locked);
        }
    }
    assert_eq!(tried, 5);
}

#[test]
fn a_right_code_is_not_tried_while_a_pair_is_asked_for_and_is_not_spent() {
    let token = spent();
    let right = token.code(STEP);
    let decision = token.attempt(&from_away(Typed::Code(&right)), &at(NOW));
    assert_eq!((decision.verdict, decision.distance), (Verdict::Locked, None));
    assert!(decision.change.is_none() && decision.spray.is_none());
    // Everywhere else it is as good as ever.
    assert_eq!(token.try_code(&right, Origin::Console, NOW).verdict, Verdict::Accept);
}

#[test]
fn two_codes_in_a_row_let_the_owner_in_whatever_was_guessed_before() {
    let token = spent();
    let both = pair(&token, STEP - 1, STEP);
    let decision = token.attempt(&from_away(Typed::Pair(&both)), &at(NOW));
    let state = decision.change.unwrap();
    assert_eq!((decision.verdict, state.last_step), (Verdict::Accept, Some(STEP)));
    assert_eq!(state.last_from.as_deref(), Some("203.0.113.7"));
    assert_eq!((state.budgets.unknown.in_a_row, state.budgets.wrong_since), (0, 0));
    // What was spent stays spent, but the source is a known one from now on.
    assert_eq!(state.budgets.unknown.wrong.len(), 5);
    assert_eq!(throttle::share(&state.budgets, AWAY, &at(NOW)), Share::Known);
}

// B9 of threats.md.
#[test]
fn only_two_codes_in_a_row_above_the_last_step_are_a_pair() {
    for (first, second, last) in [
        (STEP - 1, STEP + 1, None),
        (STEP, STEP - 1, None),
        (STEP - 9, STEP - 8, None),
        (STEP - 1, STEP, Some(STEP)),
        (STEP - 1, STEP, Some(STEP - 1)),
    ] {
        let mut token = spent();
        token.state.last_step = last;
        let both = pair(&token, first, second);
        let decision = token.attempt(&from_away(Typed::Pair(&both)), &at(NOW));
        assert_eq!(decision.verdict, Verdict::Reject, "{first} {second} after {last:?}");
        assert_eq!(decision.change.unwrap().last_step, last);
    }
}

#[test]
fn a_pair_is_right_once() {
    let mut token = spent();
    let both = pair(&token, STEP - 1, STEP);
    token.state = token.attempt(&from_away(Typed::Pair(&both)), &at(NOW)).change.unwrap();
    let again = token.attempt(&from_away(Typed::Pair(&both)), &at(NOW));
    assert_eq!(again.verdict, Verdict::Reject);
}

#[test]
fn a_wrong_pair_is_counted_before_it_is_refused_but_not_as_a_wrong_code() {
    let token = spent();
    let wrong = pair(&SoftToken::other(), STEP - 1, STEP);
    let decision = token.attempt(&from_away(Typed::Pair(&wrong)), &at(NOW));
    let state = decision.change.unwrap();
    assert_eq!(decision.verdict, Verdict::Reject);
    assert_eq!(state.budgets.pairs, PairTries { second: NOW.0, tried: 1 });
    assert_eq!((state.budgets.unknown.in_a_row, state.budgets.unknown.wrong.len()), (6, 5));
    assert!(decision.spray.is_none());
}

#[test]
fn a_pair_before_its_turn_is_not_tried() {
    let token = spent();
    let both = pair(&token, STEP - 1, STEP);
    let early = Attempt { turn: Turn::TooEarly(7), ..from_away(Typed::Pair(&both)) };
    let decision = token.attempt(&early, &at(NOW));
    assert_eq!((decision.verdict, decision.change), (Verdict::Wait(7), None));
}

#[test]
fn two_single_codes_one_after_the_other_are_a_pair_too() {
    let token = spent();
    let (first, second) = (token.code(STEP - 1), token.code(STEP));
    let earlier = Some(Earlier { code: &first, age: 25, paid: None });
    let attempt = Attempt { earlier, ..from_away(Typed::Code(&second)) };
    assert_eq!(token.attempt(&attempt, &at(NOW)).verdict, Verdict::Accept);
    let late = Some(Earlier { code: &first, age: 181, paid: None });
    let attempt = Attempt { earlier: late, ..from_away(Typed::Code(&second)) };
    assert_eq!(token.attempt(&attempt, &at(NOW)).verdict, Verdict::Locked);
}

#[test]
fn a_drifted_token_is_found_by_the_next_code_at_the_prompt() {
    for ahead in [-590_i64, -120, 120, 590] {
        let mut token = SoftToken::clock().spent(STEP - 5_000).ahead(0.0);
        let shown = |seconds| after(NOW, ahead + seconds).0 / 30;
        let (first, second) = (token.code(shown(0)), token.code(shown(30)));
        assert_eq!(token.enter(&first, NOW), Verdict::Reject);
        let earlier = Some(Earlier { code: &first, age: 30, paid: None });
        let attempt = Attempt { earlier, ..typed(Typed::Code(&second)) };
        let decision = token.attempt(&attempt, &at(after(NOW, 30)));
        assert_eq!(decision.verdict, Verdict::Accept, "{ahead} s ahead");
        assert_eq!(decision.change.unwrap().last_step, Some(shown(30)));
    }
}

#[test]
fn the_same_wrong_code_within_a_minute_counts_once_and_is_tried_once() {
    let token = SoftToken::clock();
    let (wrong, right) = (token.never_shown(STEP), token.code(STEP));
    for (paid, counted) in [(Some(0), false), (Some(60), false), (Some(61), true), (None, true)] {
        let earlier = Some(Earlier { code: &wrong, age: 0, paid });
        let attempt = Attempt { earlier, ..from_away(Typed::Code(&wrong)) };
        let decision = token.attempt(&attempt, &at(NOW));
        assert_eq!(decision.verdict, Verdict::Reject);
        assert_eq!((decision.change.is_some(), decision.spray.is_some()), (counted, counted));
        // One whose time has come since then would be a free guess.
        let earlier = Some(Earlier { code: &right, age: 0, paid });
        let attempt = Attempt { earlier, ..from_away(Typed::Code(&right)) };
        let accepted = token.attempt(&attempt, &at(NOW)).verdict == Verdict::Accept;
        assert_eq!(accepted, counted, "{paid:?}");
    }
}

// B12 of threats.md.
#[test]
fn unknown_sources_pay_into_one_purse_and_nobody_else_does() {
    let token = SoftToken::clock();
    let wrong = token.never_shown(STEP);
    let decision = token.attempt(&from_away(Typed::Code(&wrong)), &at(NOW));
    assert_eq!(decision.spray.unwrap().wrong[0], 1);
    assert!(token.try_code(&wrong, Origin::Console, NOW).spray.is_none());
    let full = Spray { hour: NOW.0 / 3_600, wrong: [200; 24], attempt: [0; 16] };
    let right = token.code(STEP);
    let attempt = Attempt { spray: &full, ..from_away(Typed::Code(&right)) };
    assert_eq!(token.attempt(&attempt, &at(NOW)).verdict, Verdict::Locked);
}

#[test]
fn nobody_pays_what_everybody_pays_and_a_pair_lets_him_in_no_more_than_a_code() {
    let token = spent();
    let (right, both) = (token.code(STEP), pair(&token, STEP - 1, STEP));
    let wrong = pair(&SoftToken::other(), STEP - 1, STEP);
    let price = token.attempt(&from_away(Typed::Pair(&wrong)), &at(NOW)).change;
    let nobody = |answer| Attempt { claim: Claim::Nobody, ..from_away(answer) };
    let decision = token.attempt(&nobody(Typed::Pair(&both)), &at(NOW));
    assert_eq!((decision.verdict, decision.change), (Verdict::Unassigned, price));
    let decision = token.attempt(&nobody(Typed::Code(&right)), &at(NOW));
    assert_eq!((decision.verdict, decision.change), (Verdict::Locked, None));
}

#[test]
fn a_very_long_remote_host_is_kept_short() {
    let token = SoftToken::clock();
    let (right, long) = (token.code(STEP), "ä".repeat(300));
    let attempt = Attempt { from: Some(&long), ..from_away(Typed::Code(&right)) };
    let state = token.attempt(&attempt, &at(NOW)).change.unwrap();
    assert_eq!(state.last_from.map(|from| from.chars().count()), Some(64));
}

fn asked(demand: Demand, earlier: Option<Earlier<'_>>) -> PromptKind {
    prompt(None, demand, earlier, &at(NOW))
}

#[test]
fn after_a_refused_code_everybody_is_told_to_wait_for_the_next() {
    let token = SoftToken::clock();
    for code in [token.code(STEP), token.never_shown(STEP)] {
        let earlier = |age| Some(Earlier { code: &code, age, paid: None });
        assert_eq!(asked(Demand::Code, earlier(180)), PromptKind::Next);
        assert_eq!(asked(Demand::Code, earlier(181)), PromptKind::Code);
        assert_eq!(asked(Demand::Pair, earlier(0)), PromptKind::Pair);
    }
    assert_eq!(asked(Demand::Pair, None), PromptKind::Pair);
}

#[test]
fn a_million_seconds_of_a_flood_spend_no_more_than_the_budget_of_its_share() {
    let mut token = SoftToken::clock();
    let wrong = token.never_shown(STEP);
    let mut tried = 0;
    for second in (0..1_000_000).step_by(100) {
        let now: Now = after(NOW, second);
        // The guess is wrong whenever it is tried: the token is another one by then.
        token.state.last_step = Some(u64::MAX - 1);
        let at: At<'_> = at(now);
        let decision = token.attempt(&from_away(Typed::Code(&wrong)), &at);
        assert_ne!(decision.verdict, Verdict::Accept);
        if let Some(state) = decision.change {
            (token.state, tried) = (state, tried + 1);
        }
    }
    // 11 days and 14 hours: five in each of twelve days, but 30 in all.
    assert_eq!(tried, 30);
}

#[test]
fn only_a_wrong_code_that_its_share_could_pay_for_was_tried_as_one() {
    let (fresh, spent) = (SoftToken::clock(), spent());
    let wrong = fresh.never_shown(STEP);
    let before = fresh.code(STEP - 40);
    let earlier = |code, paid| Some(Earlier { code, age: 30, paid });
    for (token, earlier, tried) in [
        (&fresh, None, Tried::Code),
        (&fresh, earlier(&before, Some(30)), Tried::Code),
        // The same one again is no second guess.
        (&fresh, earlier(&wrong, Some(30)), Tried::Nothing),
        (&spent, None, Tried::Nothing),
        (&spent, earlier(&before, None), Tried::Pair),
    ] {
        let attempt = Attempt { earlier, ..from_away(Typed::Code(&wrong)) };
        let decision = token.attempt(&attempt, &at(NOW));
        assert_ne!(decision.verdict, Verdict::Accept);
        assert_eq!(decision.tried, tried);
        let paid = decision.change.is_some_and(|state| {
            state.budgets.unknown.wrong.len() > token.state.budgets.unknown.wrong.len()
        });
        assert_eq!(paid, tried == Tried::Code);
    }
}
