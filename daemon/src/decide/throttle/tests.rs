use fob_api::Share;
use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};

use super::{
    DAY, Demand, Left, MONTH, Origin, Rank, charge, count_in_a_row, counted, demand, left,
    note_accept, share, unlock,
};
use crate::{
    decide::{
        At, Uptime,
        testing::{self, NOW},
    },
    record::{Budget, Budgets, Spray},
};

const HOME: Origin = Origin::Remote(Some([1; 8]));

fn at(uptime: u64) -> At<'static> {
    At { uptime: Uptime(uptime), ..testing::at(NOW) }
}

fn asks(budgets: &Budgets, share: Share, rank: Rank, uptime: u64) -> Demand {
    demand(budgets, &Spray::default(), share, rank, &at(uptime))
}

/// Counts wrong codes of a share at these times while it is asked for codes; returns how many
/// were tried.
fn guess(budgets: &mut Budgets, share: Share, rank: Rank, times: impl Iterator<Item = u64>) -> u32 {
    let mut tried = 0;
    for uptime in times {
        if asks(budgets, share, rank, uptime) == Demand::Code {
            charge(budgets, share, rank, &at(uptime));
            tried += 1;
        }
    }
    tried
}

#[test]
fn the_service_and_the_remote_host_tell_the_origin() {
    let hash = Some([3; 8]);
    for (service, rhost, origin) in [
        (Some("login"), None, Origin::Console),
        (Some("gdm-password"), Some(""), Origin::Console),
        (None, None, Origin::Console),
        (Some("sudo"), Some("this-host"), Origin::Escalation),
        (Some("su-l"), None, Origin::Escalation),
        (Some("sshd"), Some("203.0.113.7"), Origin::Remote(hash)),
    ] {
        assert_eq!(Origin::of(service, rhost, hash), origin, "{service:?} {rhost:?}");
    }
}

#[test]
fn five_wrong_codes_a_day_are_tried_and_three_for_root() {
    for (rank, limit) in [(Rank::User, 5), (Rank::Root, 3)] {
        let mut budgets = Budgets::default();
        assert_eq!(guess(&mut budgets, Share::Unknown, rank, 1_000..1_100), limit);
        assert_eq!(asks(&budgets, Share::Unknown, rank, 1_100), Demand::Pair);
    }
}

#[test]
fn a_wrong_code_leaves_the_day_after_24_hours_and_not_a_second_sooner() {
    let mut budgets = Budgets::default();
    guess(&mut budgets, Share::Console, Rank::User, 1_000..1_005);
    assert_eq!(left(&budgets.console, Rank::User, &at(1_010)), Left::NothingFor(DAY - 10));
    assert_eq!(asks(&budgets, Share::Console, Rank::User, 1_000 + DAY - 1), Demand::Pair);
    assert_eq!(asks(&budgets, Share::Console, Rank::User, 1_000 + DAY), Demand::Code);
}

#[test]
fn a_wrong_code_is_counted_and_kept_for_30_days() {
    let mut budgets = Budgets::default();
    charge(&mut budgets, Share::Own, Rank::User, &at(7));
    assert_eq!(counted(&budgets.own, &at(7 + MONTH - 1)), 1);
    assert_eq!(counted(&budgets.own, &at(7 + MONTH)), 0);
    charge(&mut budgets, Share::Own, Rank::User, &at(7 + MONTH));
    assert_eq!(budgets.own.wrong, [7 + MONTH]);
}

#[test]
fn the_stricter_limits_are_those_of_uid_0_alone() {
    assert_eq!(
        [0, 1, 1000, u32::MAX].map(Rank::of),
        [Rank::Root, Rank::User, Rank::User, Rank::User]
    );
}

#[test]
fn thirty_wrong_codes_a_month_are_tried_and_ten_for_root_however_they_are_spread() {
    for (rank, limit) in [(Rank::User, 30), (Rank::Root, 10)] {
        let mut budgets = Budgets::default();
        let month = (0..MONTH).step_by(600);
        assert_eq!(guess(&mut budgets, Share::Unknown, rank, month), limit);
    }
}

#[test]
fn a_month_after_the_first_of_thirty_the_next_one_is_tried() {
    let mut budgets = Budgets::default();
    guess(&mut budgets, Share::Known, Rank::User, (0..MONTH).step_by(600));
    let first = budgets.known.wrong[0];
    assert_eq!(asks(&budgets, Share::Known, Rank::User, first + MONTH - 1), Demand::Pair);
    assert_eq!(asks(&budgets, Share::Known, Rank::User, first + MONTH), Demand::Code);
}

#[test]
fn a_flood_on_one_share_touches_no_other() {
    for flooded in Share::ALL {
        let mut budgets = Budgets::default();
        guess(&mut budgets, flooded, Rank::User, 0..1_000);
        for share in Share::ALL {
            let expected = if share == flooded { Demand::Pair } else { Demand::Code };
            assert_eq!(asks(&budgets, share, Rank::User, 1_000), expected, "{share:?}");
        }
    }
}

// B5 of threats.md.
#[test]
fn a_success_refills_no_budget() {
    let mut budgets = Budgets::default();
    guess(&mut budgets, Share::Console, Rank::User, 0..1_000);
    let spent = budgets.console.wrong.clone();
    for (share, origin) in [(Share::Console, Origin::Console), (Share::Own, Origin::Own)] {
        note_accept(&mut budgets, share, origin, &at(1_000));
        assert_eq!(budgets.console.wrong, spent);
    }
    assert_eq!(asks(&budgets, Share::Console, Rank::User, 1_000), Demand::Pair);
}

#[test]
fn after_a_hundred_wrong_in_a_row_only_a_right_pair_helps() {
    let mut budgets = Budgets::default();
    for _ in 0..100 {
        assert_eq!(left(&budgets.unknown, Rank::User, &at(0)), Left::Some);
        count_in_a_row(&mut budgets, Share::Unknown);
    }
    assert_eq!(left(&budgets.unknown, Rank::User, &at(u64::MAX)), Left::NothingUntilPair);
    note_accept(&mut budgets, Share::Unknown, HOME, &at(0));
    assert_eq!(left(&budgets.unknown, Rank::User, &at(0)), Left::Some);
}

// B11 of threats.md: the windows are on the time that nobody sets.
#[test]
fn an_uptime_that_went_back_refills_nothing() {
    let mut budgets = Budgets::default();
    guess(&mut budgets, Share::Unknown, Rank::User, 9_000_000..9_000_100);
    assert_eq!(asks(&budgets, Share::Unknown, Rank::User, 5), Demand::Pair);
}

#[test]
fn unlocking_one_share_refills_that_one_and_unlocking_all_refills_all() {
    let mut budgets = Budgets::default();
    for share in Share::ALL {
        guess(&mut budgets, share, Rank::User, 0..100);
    }
    unlock(&mut budgets, Some(Share::Known));
    assert_eq!(asks(&budgets, Share::Known, Rank::User, 100), Demand::Code);
    assert_eq!(asks(&budgets, Share::Unknown, Rank::User, 100), Demand::Pair);
    unlock(&mut budgets, None);
    for share in Share::ALL {
        assert_eq!(asks(&budgets, share, Rank::User, 100), Demand::Code);
    }
}

#[test]
fn a_source_is_known_for_30_days_after_a_success_from_there() {
    let mut budgets = Budgets::default();
    assert_eq!(share(&budgets, HOME, &at(0)), Share::Unknown);
    note_accept(&mut budgets, Share::Unknown, HOME, &at(0));
    assert_eq!(share(&budgets, HOME, &at(MONTH - 1)), Share::Known);
    assert_eq!(share(&budgets, HOME, &at(MONTH)), Share::Unknown);
    assert_eq!(share(&budgets, Origin::Remote(Some([2; 8])), &at(0)), Share::Unknown);
    // P23 of threats.md: what is no address is never known.
    note_accept(&mut budgets, Share::Unknown, Origin::Remote(None), &at(0));
    assert_eq!(share(&budgets, Origin::Remote(None), &at(0)), Share::Unknown);
}

#[test]
fn a_ninth_known_source_takes_the_place_of_the_one_not_seen_for_longest() {
    let mut budgets = Budgets::default();
    let source = |n| Origin::Remote(Some([n; 8]));
    for n in [0, 1, 2, 3, 4, 5, 6, 7, 0, 8] {
        note_accept(&mut budgets, Share::Unknown, source(n), &at(u64::from(n)));
    }
    let known = |n| share(&budgets, source(n), &at(10)) == Share::Known;
    assert_eq!([0, 1, 2, 8].map(known), [true, false, true, true]);
}

#[test]
fn what_unknown_sources_cost_together_makes_only_unknown_ones_step_up() {
    let spray = Spray { wrong: [200; 24], ..Spray::default() };
    for share in Share::ALL {
        let expected = if share == Share::Unknown { Demand::Pair } else { Demand::Code };
        assert_eq!(demand(&Budgets::default(), &spray, share, Rank::User, &at(0)), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_day_and_no_month_ever_holds_more_wrong_codes_than_the_budget(
        pauses in proptest::collection::vec(0..200_000_u64, 1..300),
    ) {
        let (mut budgets, mut now, mut tried) = (Budgets::default(), 0, Vec::new());
        for pause in pauses {
            now += pause;
            if asks(&budgets, Share::Unknown, Rank::User, now) == Demand::Code {
                charge(&mut budgets, Share::Unknown, Rank::User, &at(now));
                note_accept(&mut budgets, Share::Unknown, HOME, &at(now));
                tried.push(now);
            }
        }
        for begin in &tried {
            let within = |window| tried.iter().filter(|t| (*begin..begin + window).contains(t)).count();
            prop_assert!(within(DAY) <= 5 && within(MONTH) <= 30);
        }
    }

    #[test]
    fn what_is_said_of_the_time_left_is_the_time_left(
        wrong in proptest::collection::vec(0..MONTH, 0..40),
        now in MONTH..2 * MONTH,
    ) {
        let mut wrong = wrong;
        wrong.sort_unstable();
        let budget = Budget { wrong, in_a_row: 0 };
        if let Left::NothingFor(seconds) = left(&budget, Rank::User, &at(now)) {
            prop_assert_eq!(left(&budget, Rank::User, &at(now + seconds)), Left::Some);
            prop_assert!(left(&budget, Rank::User, &at(now + seconds - 1)) != Left::Some);
        }
        prop_assert!(counted(&budget, &at(now)) <= 40);
    }
}

#[test]
fn a_source_that_tried_pairs_is_a_fresh_one_again_after_ten_minutes() {
    assert_eq!(super::pairs::FRESH, 600);
}
