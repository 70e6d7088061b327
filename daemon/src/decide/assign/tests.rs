use fob_api::{Error, RootRule, Serial, UserName};

use super::{Assigned, Recipient, assign};
use crate::{
    decide::{
        Policy,
        pair::{Reach, TimedPair},
        testing::{NOW, STEP, SoftToken, after, alice, at, owner, root, tokens, under},
    },
    record::{Owner, Standing, Token, UserTokens},
};

fn give(
    token: &SoftToken,
    owner: &Owner,
    has: &UserTokens,
    serial_again: Option<&str>,
) -> Result<Assigned, Error> {
    give_for(token, (owner, has), serial_again, &token.pair(STEP, STEP + 1, 30))
}

fn give_for(
    token: &SoftToken,
    (owner, tokens): (&Owner, &UserTokens),
    serial_again: Option<&str>,
    timed: &TimedPair,
) -> Result<Assigned, Error> {
    let recipient = Recipient { owner, tokens, serial_again };
    assign(&token.opened(), &recipient, (timed, Reach::Administrator), &at(after(NOW, 30)))
}

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

#[test]
fn a_token_of_the_stock_becomes_the_users_in_one_change() {
    let token = SoftToken::clock();
    let done = give(&token, &alice(), &tokens(&[]), None).unwrap();
    let expected = Token { standing: Standing::Assigned(alice()), epoch: 8, ..token.token.clone() };
    assert_eq!(done.token, expected);
    assert_eq!(done.user, tokens(&["8A1172"]));
    assert_eq!(done.state.last_step, Some(STEP + 1));
    assert_eq!(done.state.clock.unwrap().drift, 0.0);
}

#[test]
fn a_token_that_was_used_before_keeps_what_it_spent() {
    for (spent, free) in [(STEP - 1, true), (STEP, false), (STEP + 5, false)] {
        let done = give(&SoftToken::clock().spent(spent), &alice(), &tokens(&[]), None);
        assert_eq!(done.is_ok(), free, "{spent} was spent");
    }
}

#[test]
fn a_token_of_somebody_is_not_given_away() {
    for holder in [alice(), owner("bob", 1001)] {
        let token = SoftToken::clock().standing(Standing::Assigned(holder.clone()));
        let error = give(&token, &alice(), &tokens(&[]), None).unwrap_err();
        let expected = Error::AlreadyAssigned { serial: token.serial(), user: user(&holder.name) };
        assert_eq!(error, expected);
    }
}

#[test]
fn a_lost_or_retired_token_is_not_assignable() {
    for (standing, state) in [(Standing::Lost, "lost"), (Standing::Retired, "retired")] {
        let token = SoftToken::clock().standing(standing);
        let error = give(&token, &alice(), &tokens(&[]), None).unwrap_err();
        assert_eq!(error, Error::NotAssignable { serial: token.serial(), state });
    }
}

#[test]
fn a_user_has_as_many_tokens_as_the_policy_says() {
    let token = SoftToken::clock();
    let held = Serial::parse("B7").unwrap();
    let expected = Error::LimitExceeded { user: user("alice"), serial: held };
    assert_eq!(give(&token, &alice(), &tokens(&["B7"]), None).unwrap_err(), expected);

    let policy = Policy { tokens_per_user: 2, ..Policy::default() };
    for (has, limit) in [(tokens(&["B7"]), false), (tokens(&["B7", "B8"]), true)] {
        let recipient = Recipient { owner: &alice(), tokens: &has, serial_again: None };
        let timed = token.pair(STEP, STEP + 1, 30);
        let done = assign(
            &token.opened(),
            &recipient,
            (&timed, Reach::Administrator),
            &under(after(NOW, 30), &policy),
        );
        match done {
            Ok(done) => assert_eq!(done.user, tokens(&["B7", "8A1172"])),
            Err(error) => assert!(limit && error == expected, "{error}"),
        }
    }
}

#[test]
fn a_limit_of_no_tokens_refuses_everybody() {
    let token = SoftToken::clock();
    let (alice, has) = (alice(), tokens(&[]));
    let recipient = Recipient { owner: &alice, tokens: &has, serial_again: None };
    let policy = Policy { tokens_per_user: 0, ..Policy::default() };
    let timed = token.pair(STEP, STEP + 1, 30);
    let done = assign(
        &token.opened(),
        &recipient,
        (&timed, Reach::Administrator),
        &under(after(NOW, 30), &policy),
    );
    assert!(matches!(done, Err(Error::LimitExceeded { .. })));
}

#[test]
fn roots_serial_is_typed_twice_in_full() {
    let token = SoftToken::clock();
    for again in [None, Some(""), Some("8a117"), Some("8a11722"), Some("8A1173"), Some("1172")] {
        let error = give(&token, &root(), &tokens(&[]), again).unwrap_err();
        assert_eq!(error, Error::RootOnly { rule: RootRule::TypeTwice }, "{again:?}");
    }
    for again in ["8a1172", "8A1172", " 8A1172 "] {
        let done = give(&token, &root(), &tokens(&[]), Some(again)).unwrap();
        assert_eq!(done.token.standing, Standing::Assigned(root()));
    }
}

#[test]
fn root_is_the_uid_and_not_the_name() {
    let token = SoftToken::clock();
    let toor = owner("toor", 0);
    let error = give(&token, &toor, &tokens(&[]), None).unwrap_err();
    assert_eq!(error, Error::RootOnly { rule: RootRule::TypeTwice });
    assert!(give(&token, &owner("root", 1000), &tokens(&[]), None).is_ok());
}

#[test]
fn nobody_else_types_the_serial_twice() {
    let token = SoftToken::clock();
    for again in [None, Some("8A1173")] {
        assert!(give(&token, &alice(), &tokens(&[]), again).is_ok());
    }
}

#[test]
fn a_pair_that_is_not_the_tokens_is_invalid() {
    let token = SoftToken::clock();
    let foreign = SoftToken::other().pair(STEP, STEP + 1, 30);
    let (reversed, same) = (token.pair(STEP + 1, STEP, 30), token.pair(STEP, STEP, 30));
    let old = token.pair(STEP - 4_000, STEP - 3_999, 30);
    for timed in [foreign, reversed, same, old] {
        let error = give_for(&token, (&alice(), &tokens(&[])), None, &timed).unwrap_err();
        assert_eq!(error, Error::InvalidCodePair { serial: token.serial() });
    }
}

#[test]
fn a_right_pair_opens_no_other_door() {
    // Each rule is checked although the pair is right, and whatever the others say.
    let lost = SoftToken::clock().standing(Standing::Lost);
    let full = tokens(&["B7"]);
    assert!(matches!(give(&lost, &root(), &full, None), Err(Error::NotAssignable { .. })));
    let token = SoftToken::clock();
    assert!(matches!(give(&token, &root(), &full, None), Err(Error::LimitExceeded { .. })));
    let timed = token.pair(STEP, STEP, 30);
    let refused = give_for(&token, (&root(), &tokens(&[])), None, &timed);
    assert!(matches!(refused, Err(Error::RootOnly { .. })));
}

#[test]
fn a_record_that_fob_never_wrote_is_trouble_and_no_assignment() {
    let mut token = SoftToken::clock();
    token.token.serial = "8A\n1172".to_owned();
    let done = give(&token, &alice(), &tokens(&[]), None);
    assert_eq!(done.unwrap_err(), Error::StoreUnavailable);
    let full = tokens(&["\n"]);
    let done = give(&SoftToken::clock(), &alice(), &full, None);
    assert_eq!(done.unwrap_err(), Error::StoreUnavailable);
}
