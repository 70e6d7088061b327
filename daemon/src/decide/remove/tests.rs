use fob_api::{Error, Fate, RootRule, UserName};
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};

use super::{
    AdminGuard, Administrators, Membership, RootGuard, deactivate, forget, is_owned_by,
    keep_an_administrator,
};
use crate::{
    decide::{
        testing::{Deed, NOW, STEP, SoftToken, World, alice, many, owner, root, tokens},
        throttle::Origin,
    },
    record::{Left, Owner, Standing, State, Token, Trace},
};

const FATES: [(Fate, Standing); 3] = [
    (Fate::Lost, Standing::Lost),
    (Fate::Retire, Standing::Retired),
    (Fate::Stock, Standing::Stock),
];

fn held_by(owner: &Owner) -> Token {
    SoftToken::clock().standing(Standing::Assigned(owner.clone())).token
}

#[test]
fn a_token_is_taken_from_its_user_and_gets_its_fate() {
    for (fate, standing) in FATES {
        let (token, has) = (held_by(&alice()), tokens(&["B7", "8A1172", "B8"]));
        let done = deactivate(&token, &alice(), &has, fate, RootGuard::Keep).unwrap();
        assert_eq!(done.0, Token { standing, epoch: 8, ..token });
        assert_eq!(done.1.serials, ["B7", "B8"]);
        let watched: &[&str] = if fate == Fate::Stock { &[] } else { &["8A1172"] };
        assert_eq!(done.1.former, watched);
    }
}

#[test]
fn a_virtual_token_is_retired_and_never_comes_to_a_second_person() {
    for (fate, standing) in FATES {
        let mut token = held_by(&alice());
        token.manufacturer = Some("Fob".to_owned());
        token.model = Some("virtual".to_owned());
        let has = tokens(&["8A1172"]);
        let (token, left) = deactivate(&token, &alice(), &has, fate, RootGuard::Keep).unwrap();
        let expected = if fate == Fate::Stock { Standing::Retired } else { standing };
        assert_eq!(token.standing, expected);
        assert_eq!(left.former, ["8A1172"], "its codes are not watched");
    }
}

#[test]
fn a_token_that_is_not_in_the_users_list_is_not_taken() {
    let token = held_by(&alice());
    for has in [&[][..], &["B7"]] {
        let done = deactivate(&token, &alice(), &tokens(has), Fate::Stock, RootGuard::Keep);
        let user = UserName::parse("alice").unwrap();
        assert_eq!(done.unwrap_err(), Error::NotAssigned { user });
    }
}

#[test]
fn a_token_of_the_users_list_is_taken_whoever_had_his_uid_before() {
    let alicia = owner("alicia", 1000);
    let token = held_by(&alice());
    assert!(!is_owned_by(&token, &alicia));
    let has = tokens(&["8A1172"]);
    let done = deactivate(&token, &alicia, &has, Fate::Stock, RootGuard::Keep).unwrap();
    assert_eq!((done.0.standing, done.1), (Standing::Stock, tokens(&[])));
}

#[test]
fn a_token_that_another_uid_has_is_not_taken_whatever_the_list_says() {
    let bobs = held_by(&owner("bob", 1001));
    let done = deactivate(&bobs, &alice(), &tokens(&["8A1172"]), Fate::Stock, RootGuard::Keep);
    assert!(matches!(done, Err(Error::NotAssigned { .. })));
}

#[test]
fn a_lost_token_stays_lost_when_it_is_taken() {
    let lost = SoftToken::clock().standing(Standing::Lost).token;
    let done = deactivate(&lost, &alice(), &tokens(&["8A1172"]), Fate::Stock, RootGuard::Keep);
    assert_eq!(done.unwrap().0.standing, Standing::Lost);
}

#[test]
fn a_token_is_owned_by_uid_and_name() {
    for other in [owner("bob", 1001), owner("alicia", 1000), owner("alice", 1001)] {
        assert!(!is_owned_by(&held_by(&other), &alice()));
    }
    assert!(is_owned_by(&held_by(&alice()), &alice()));
}

#[test]
fn root_is_not_left_without_a_token_unless_that_is_spelled_out() {
    let (token, only) = (held_by(&root()), tokens(&["8A1172"]));
    let done = deactivate(&token, &root(), &only, Fate::Lost, RootGuard::Keep);
    assert_eq!(done.unwrap_err(), Error::RootOnly { rule: RootRule::KeepOne });
    let done = deactivate(&token, &root(), &only, Fate::Lost, RootGuard::LeaveWithoutMfa).unwrap();
    assert_eq!((done.0.standing, done.1.serials), (Standing::Lost, vec![]));
}

#[test]
fn root_may_lose_one_of_two_tokens() {
    let (token, two) = (held_by(&root()), tokens(&["8A1172", "B7"]));
    let done = deactivate(&token, &root(), &two, Fate::Stock, RootGuard::Keep).unwrap();
    assert_eq!(done.1, tokens(&["B7"]));
}

#[test]
fn the_guard_is_for_uid_0_alone() {
    let only = tokens(&["8A1172"]);
    let toor = owner("toor", 0);
    let done = deactivate(&held_by(&toor), &toor, &only, Fate::Stock, RootGuard::Keep);
    assert_eq!(done.unwrap_err(), Error::RootOnly { rule: RootRule::KeepOne });
    let named = owner("root", 1000);
    assert!(deactivate(&held_by(&named), &named, &only, Fate::Stock, RootGuard::Keep).is_ok());
}

#[test]
fn the_last_administrator_with_a_way_in_keeps_his_token_unless_that_is_spelled_out() {
    let last = Err(Error::LastAdministrator { user: UserName::parse("alice").unwrap() });
    let (nothing, one) = (tokens(&[]), tokens(&["B7"]));
    let table = [
        (Membership::Administrator, 0, &nothing, AdminGuard::Keep, last),
        (Membership::Administrator, 0, &nothing, AdminGuard::LeaveNone, Ok(())),
        (Membership::Administrator, 0, &one, AdminGuard::Keep, Ok(())),
        (Membership::Administrator, 1, &nothing, AdminGuard::Keep, Ok(())),
        (Membership::Administrator, 9, &nothing, AdminGuard::Keep, Ok(())),
        (Membership::Other, 0, &nothing, AdminGuard::Keep, Ok(())),
    ];
    for (user, others, left, guard, expected) in table {
        let known = Administrators { user, others };
        let done = keep_an_administrator(&held_by(&alice()), &alice(), left, known, guard);
        assert_eq!(done, expected, "{known:?} {left:?} {guard:?}");
    }
}

#[test]
fn a_token_that_signs_nobody_in_is_taken_from_an_administrator() {
    let known = Administrators { user: Membership::Administrator, others: 0 };
    let lost = SoftToken::clock().standing(Standing::Lost).token;
    for token in [held_by(&owner("alicia", 1000)), lost] {
        let done = keep_an_administrator(&token, &alice(), &tokens(&[]), known, AdminGuard::Keep);
        assert_eq!(done, Ok(()), "{:?}", token.standing);
    }
}

#[test]
fn a_token_that_somebody_has_is_not_forgotten() {
    let error = forget(&held_by(&alice()), &State::default(), NOW).unwrap_err();
    let user = UserName::parse("alice").unwrap();
    assert_eq!(error, Error::AlreadyAssigned { serial: SoftToken::clock().serial(), user });
}

#[test]
fn a_forgotten_token_leaves_what_it_spent_and_whether_it_was_lost() {
    for (standing, lost) in
        [(Standing::Stock, None), (Standing::Retired, None), (Standing::Lost, Some(NOW.0))]
    {
        let soft = SoftToken::clock().standing(standing).spent(STEP).ahead(-7.0);
        let trace = forget(&soft.token, &soft.state, NOW).unwrap();
        let left = Some(Left { state: State { writes: 1, ..soft.state }, lost });
        assert_eq!(trace, Trace { serial: "8A1172".to_owned(), left });
    }
}

/// A sign-in of the first user with the first token.
fn sign_in(back: u64) -> Deed {
    Deed::SignIn { user: 0, token: 0, back, origin: Origin::Console }
}

#[test]
fn a_whole_life_of_a_token_accepts_each_step_once() {
    let wait = |seconds| Deed::Wait { seconds };
    let life = [
        Deed::Assign { user: 0, token: 0, back: 0 }, // STEP - 1 and STEP
        sign_in(0),                                  // a replay
        wait(30),
        sign_in(0), // STEP + 1
        Deed::SetClock { seconds: -30 },
        sign_in(0), // a replay
        Deed::SetClock { seconds: 0 },
        wait(60),
        Deed::Resync { user: 0, token: 0, back: 0 }, // STEP + 2 and STEP + 3
        Deed::Deactivate { user: 0, fate: Fate::Stock },
        Deed::Assign { user: 1, token: 0, back: 0 }, // refused: the same codes
        wait(60),
        Deed::Assign { user: 1, token: 0, back: 0 }, // STEP + 4 and STEP + 5
        wait(60),
        Deed::Rotate { user: 1, token: 1, back: 0, fate: Fate::Retire },
        Deed::Forget { token: 0 },
        Deed::Import { token: 0, period: 30 },
        Deed::Assign { user: 0, token: 0, back: 1 }, // refused: STEP + 5 is spent
        wait(60),
        Deed::Assign { user: 0, token: 0, back: 1 }, // STEP + 7 and STEP + 8
        wait(1),
        sign_in(0), // STEP + 9
    ];
    let mut world = World::new();
    life.into_iter().for_each(|deed| world.happens(deed));
    let steps: Vec<u64> = world.accepted[0].iter().map(|step| step + 1 - STEP).collect();
    assert_eq!(steps, [0, 1, 2, 3, 4, 5, 6, 8, 9, 10]);
    assert_eq!(world.accepted[1].len(), 2);
}

#[test]
fn a_lost_token_never_comes_back() {
    let mut world = World::new();
    world.happens(Deed::Assign { user: 0, token: 0, back: 0 });
    world.happens(Deed::Deactivate { user: 0, fate: Fate::Lost });
    for forgotten in [false, true] {
        for _ in 0..3 {
            if forgotten {
                world.happens(Deed::Forget { token: 0 });
            }
            world.happens(Deed::Import { token: 0, period: 30 });
            world.happens(Deed::Wait { seconds: 90 });
            world.happens(Deed::Assign { user: 0, token: 0, back: 0 });
            world.happens(sign_in(0));
        }
    }
    assert_eq!(world.accepted[0], [STEP - 1, STEP]);
}

/// What happens to people who sign in, with the rarer things rare.
fn deed() -> impl Strategy<Value = Deed> {
    let fate =
        || prop_oneof![3 => Just(Fate::Stock), 2 => Just(Fate::Retire), 1 => Just(Fate::Lost)];
    let origin = prop_oneof![Just(Origin::Console), Just(Origin::Own)];
    let clock = prop_oneof![2 => Just(0), 2 => -90..90_i64, 1 => -7_000..7_000_i64, 1 => Just(-315_360_000)];
    let two = || 0..2_usize;
    let back = || prop_oneof![5 => Just(0), 2 => 1..4_u64, 1 => 1..250_u64];
    prop_oneof![
        6 => (two(), two(), back(), origin)
            .prop_map(|(user, token, back, origin)| Deed::SignIn { user, token, back, origin }),
        4 => (two(), two(), back()).prop_map(|(user, token, back)| Deed::Assign { user, token, back }),
        6 => (1..90_u64).prop_map(|seconds| Deed::Wait { seconds }),
        2 => (two(), two(), back()).prop_map(|(user, token, back)| Deed::Resync { user, token, back }),
        2 => (two(), two(), back(), fate())
            .prop_map(|(user, token, back, fate)| Deed::Rotate { user, token, back, fate }),
        1 => (two(), fate()).prop_map(|(user, fate)| Deed::Deactivate { user, fate }),
        1 => (two(), -40..40_i64).prop_map(|(token, seconds)| Deed::Drift { token, seconds }),
        1 => two().prop_map(|token| Deed::Forget { token }),
        1 => (two(), prop_oneof![4 => Just(30), 1 => Just(60), 1 => Just(15)])
            .prop_map(|(token, period)| Deed::Import { token, period }),
        1 => clock.prop_map(|seconds| Deed::SetClock { seconds }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    // I1 and I8 of threats.md: `World` checks them after each deed.
    #[test]
    fn whatever_happens_no_step_of_a_token_is_accepted_twice(
        deeds in proptest::collection::vec(deed(), 40),
    ) {
        let mut world = World::new();
        deeds.into_iter().for_each(|deed| world.happens(deed));
    }
}

/// Run with `cargo test --release -p fobd --lib -- --ignored a_million`.
#[test]
#[ignore = "issue 3: minutes in a release build"]
fn a_million_random_deeds_accept_no_step_twice() {
    many(25_000, proptest::collection::vec(deed(), 40), |deeds| {
        let mut world = World::new();
        deeds.into_iter().for_each(|deed| world.happens(deed));
        Ok(())
    });
}
