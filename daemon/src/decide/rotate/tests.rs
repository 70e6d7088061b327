use fob_api::{Error, Fate, RootRule, UserName};

use super::{Outgoing, Rotated, rotate};
use crate::{
    decide::{
        assign::Recipient,
        pair::Reach,
        testing::{NOW, STEP, SoftToken, after, alice, at, owner, root, tokens},
    },
    record::{Owner, Standing, Token, UserTokens},
};

/// The token that a user has.
fn held_by(owner: &Owner) -> SoftToken {
    SoftToken::other().standing(Standing::Assigned(owner.clone()))
}

fn change(
    old: (&SoftToken, Fate),
    new: &SoftToken,
    (owner, tokens): (&Owner, &UserTokens),
    serial_again: Option<&str>,
) -> Result<Rotated, Error> {
    let recipient = Recipient { owner, tokens, serial_again };
    let timed = new.pair(STEP, STEP + 1, 30);
    let at = at(after(NOW, 30));
    let old = Outgoing { token: &old.0.token, state: &old.0.state, fate: old.1 };
    rotate(&new.opened(), &old, &recipient, (&timed, Reach::Administrator), &at)
}

#[test]
fn one_change_holds_the_new_token_and_the_old_one() {
    let fates = [
        (Fate::Lost, Standing::Lost),
        (Fate::Retire, Standing::Retired),
        (Fate::Stock, Standing::Stock),
    ];
    for (fate, standing) in fates {
        let (old, new) = (held_by(&alice()), SoftToken::clock());
        let has = tokens(&["8A1173"]);
        let done = change((&old, fate), &new, (&alice(), &has), None).unwrap();
        assert_eq!(done.old, Token { standing, epoch: 8, ..old.token.clone() });
        let assigned = Standing::Assigned(alice());
        assert_eq!(done.token, Token { standing: assigned, epoch: 8, ..new.token.clone() });
        assert_eq!(done.user.serials, ["8A1172"]);
        let watched: &[&str] = if fate == Fate::Stock { &[] } else { &["8A1173"] };
        assert_eq!(done.user.former, watched);
        assert_eq!(done.state.last_step, Some(STEP + 1));
        assert_eq!(done.state.clock.unwrap().drift, 0.0);
    }
}

#[test]
fn a_users_other_tokens_stay_his() {
    let (old, new) = (held_by(&alice()), SoftToken::clock());
    let has = tokens(&["B7", "8A1173", "B8"]);
    let done = change((&old, Fate::Stock), &new, (&alice(), &has), None).unwrap();
    assert_eq!(done.user, tokens(&["B7", "B8", "8A1172"]));
}

#[test]
fn a_token_is_not_rotated_to_itself() {
    let held = SoftToken::clock().standing(Standing::Assigned(alice()));
    let has = tokens(&["8A1172"]);
    let error = change((&held, Fate::Stock), &held, (&alice(), &has), None).unwrap_err();
    let user = UserName::parse("alice").unwrap();
    assert_eq!(error, Error::AlreadyAssigned { serial: held.serial(), user });
}

#[test]
fn a_token_that_is_not_in_the_users_list_is_not_rotated_away() {
    let (old, new) = (SoftToken::other().standing(Standing::Assigned(alice())), SoftToken::clock());
    for has in [&[][..], &["B7"]] {
        let has = tokens(has);
        let error = change((&old, Fate::Stock), &new, (&alice(), &has), None).unwrap_err();
        assert_eq!(error, Error::NotAssigned { user: UserName::parse("alice").unwrap() });
    }
}

#[test]
fn the_new_token_has_to_be_in_stock() {
    let bob = Standing::Assigned(owner("bob", 1001));
    for standing in [bob, Standing::Lost, Standing::Retired] {
        let (old, new) = (held_by(&alice()), SoftToken::clock().standing(standing.clone()));
        let has = tokens(&["8A1173"]);
        let error = change((&old, Fate::Lost), &new, (&alice(), &has), None).unwrap_err();
        let serial = new.serial();
        let expected = match standing {
            Standing::Lost => Error::NotAssignable { serial, state: "lost" },
            Standing::Retired => Error::NotAssignable { serial, state: "retired" },
            _ => Error::AlreadyAssigned { serial, user: UserName::parse("bob").unwrap() },
        };
        assert_eq!(error, expected);
    }
}

#[test]
fn the_codes_have_to_be_unused_ones_of_the_new_token() {
    let old = held_by(&alice());
    let (new, has) = (SoftToken::clock().spent(STEP), tokens(&["8A1173"]));
    let error = change((&old, Fate::Stock), &new, (&alice(), &has), None).unwrap_err();
    assert_eq!(error, Error::InvalidCodePair { serial: new.serial() });

    let (alice, new) = (alice(), SoftToken::clock());
    let recipient = Recipient { owner: &alice, tokens: &has, serial_again: None };
    let timed = old.pair(STEP, STEP + 1, 30);
    let at = at(after(NOW, 30));
    let outgoing = Outgoing { token: &old.token, state: &old.state, fate: Fate::Stock };
    let proof = (&timed, Reach::Administrator);
    let done = rotate(&new.opened(), &outgoing, &recipient, proof, &at);
    assert_eq!(done.unwrap_err(), Error::InvalidCodePair { serial: new.serial() });
}

#[test]
fn roots_new_serial_is_typed_twice() {
    let (old, new) = (held_by(&root()), SoftToken::clock());
    let has = tokens(&["8A1173"]);
    // The old one's serial is not the one that is asked for.
    for again in [None, Some("8A1173")] {
        let error = change((&old, Fate::Stock), &new, (&root(), &has), again).unwrap_err();
        assert_eq!(error, Error::RootOnly { rule: RootRule::TypeTwice });
    }
    let done = change((&old, Fate::Stock), &new, (&root(), &has), Some("8A1172")).unwrap();
    assert_eq!(done.user, tokens(&["8A1172"]));
}

#[test]
fn the_old_token_is_assignable_again_only_from_stock() {
    for (fate, free) in [(Fate::Stock, true), (Fate::Retire, false), (Fate::Lost, false)] {
        let (old, new) = (held_by(&alice()), SoftToken::clock());
        let has = tokens(&["8A1173"]);
        let done = change((&old, fate), &new, (&alice(), &has), None).unwrap();
        let back = SoftToken::other().standing(done.old.standing);
        let done = change((&new_of(done.token), Fate::Stock), &back, (&alice(), &done.user), None);
        assert_eq!(done.is_ok(), free, "{fate:?}");
    }
}

/// Returns the token in the hand that has this record.
fn new_of(record: Token) -> SoftToken {
    SoftToken::clock().standing(record.standing)
}

#[test]
fn a_new_token_refills_none_of_its_users_budgets() {
    let (mut old, new) = (held_by(&alice()), SoftToken::clock());
    old.state.budgets.unknown.wrong = vec![NOW.0; 5];
    old.state.last_from = Some("203.0.113.7".to_owned());
    let done = change((&old, Fate::Lost), &new, (&alice(), &tokens(&["8A1173"])), None).unwrap();
    assert_eq!(done.state.budgets, old.state.budgets);
    assert_eq!(done.state.last_from, old.state.last_from);
}
