mod world;

use fob_api::Verdict;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

use super::{
    Distrust, Observed, RELEASE, Raised, Reading, Reason, Run, floor, is_up, start, start_in_doubt,
};
use crate::{
    decide::{
        At, HostClock, Now, Policy, Uptime,
        testing::{NOW, STEP, SoftToken, after, at, known, typed},
        verify::{self, Attempt, Earlier, Typed},
    },
    record::{ClockState, Ending, Host},
};

/// A moment of the year 2027, when this is in use.
const WALL: u64 = 1_800_000_000;
/// The boot-time clock then.
const BOOT: u64 = 3_600;

/// Returns what the clocks say; the wall clock is synchronised.
fn reading(wall: u64, boot: u64) -> Reading {
    Reading { wall: Some(Now(wall)), boot, host_clock: HostClock::Synchronised }
}

fn unsynchronised(wall: u64) -> Reading {
    Reading { host_clock: HostClock::Unsynchronised, ..reading(wall, BOOT) }
}

/// The record that a run of an hour has left.
fn left(ending: Ending) -> Host {
    let wall = Some(WALL);
    Host { uptime: 3_600, ending, seen: wall, seen_synchronised: wall, fence: None }
}

/// A run that began well at [`WALL`].
fn running() -> Run {
    start(Some(&left(Ending::Clean)), &reading(WALL, BOOT)).run
}

/// Returns the moment of a decision with a fence.
fn behind(fence: Now, now: Now) -> At<'static> {
    At { fence: Some(fence), ..at(now) }
}

/// A token whose clock was last seen at `seen`: `drift` seconds ahead, to within `spread` (one σ).
fn token(period: u32, (drift, spread): (f64, f64), seen: Now) -> SoftToken {
    let mut token = SoftToken::clock_of(period);
    let drift_variance = spread * spread;
    token.state.clock = Some(ClockState { drift_variance, seen: seen.0, ..known(drift) });
    token
}

fn verdict(token: &SoftToken, step: u64, at: &At<'_>) -> Verdict {
    token.attempt(&typed(Typed::Code(&token.code(step))), at).verdict
}

#[test]
fn a_clean_stop_and_the_first_start_raise_no_fence() {
    for kept in [Host::default(), left(Ending::Clean)] {
        let observed = start(Some(&kept), &reading(WALL + 2, 9));
        assert_eq!((observed.raised, observed.run.record.fence), (None, None));
    }
}

#[test]
fn an_unclean_stop_raises_a_fence_at_the_start() {
    let unclean = left(Ending::Unclean);
    for kept in [Some(&unclean), None] {
        let observed = start(kept, &reading(WALL + 2, 9));
        assert_eq!(observed.raised, Some(Raised { reason: Reason::UncleanStop, jump: None }));
        assert_eq!(observed.run.record.fence, Some(WALL + 2));
    }
}

#[test]
fn a_run_counts_as_unclean_until_it_is_stopped() {
    let run = running();
    assert_eq!(run.record.ending, Ending::Unclean);
    let later = run.observe(&reading(WALL + 60, BOOT + 60)).run;
    assert_eq!(later.record.ending, Ending::Unclean);
    let stopped = later.stop(&reading(WALL + 90, BOOT + 90));
    assert_eq!((stopped.ending, stopped.seen), (Ending::Clean, Some(WALL + 90)));
}

#[test]
fn a_clock_before_the_last_time_seen_raises_a_fence_at_the_start() {
    let begun = |wall| start(Some(&left(Ending::Clean)), &reading(wall, 9)).raised;
    let back = Reason::ClockBeforeLastStart;
    for seconds in [6, 3_600, WALL] {
        let jump = Some(-i64::try_from(seconds).unwrap());
        assert_eq!(begun(WALL - seconds), Some(Raised { reason: back, jump }));
    }
    for wall in [WALL - 5, WALL, WALL + 10 * 365 * 86_400] {
        assert_eq!(begun(wall), None, "at {wall}");
    }
}

#[test]
fn a_jump_of_more_than_5_seconds_either_way_raises_a_fence_after_it() {
    for jump in [-WALL.cast_signed(), -3_600, -30, -6, 6, 30, 3_600, 315_360_000] {
        let wall = (WALL + 100).checked_add_signed(jump).unwrap();
        let observed = running().observe(&reading(wall, BOOT + 100));
        let raised = Raised { reason: Reason::ClockJump, jump: Some(jump) };
        assert_eq!(observed.raised, Some(raised));
        assert_eq!(observed.run.record.fence, Some(wall));
        let next = observed.run.observe(&reading(wall + 1, BOOT + 101));
        assert_eq!((next.raised, next.run.record.fence), (None, Some(wall)));
    }
}

#[test]
fn a_jump_beyond_what_can_be_said_is_told_as_the_farthest_that_can() {
    let far = running().observe(&reading(u64::MAX, BOOT));
    assert_eq!(far.raised.unwrap().jump, Some(i64::MAX));
    let back = far.run.observe(&reading(0, BOOT));
    assert_eq!(back.raised.unwrap().jump, Some(i64::MIN));
}

#[test]
fn leap_seconds_small_corrections_and_sleep_raise_no_fence() {
    for (wall, boot) in [(100, 100), (99, 100), (101, 100), (95, 100), (105, 100), (28_800, 28_800)]
    {
        let observed = running().observe(&reading(WALL + wall, BOOT + boot));
        assert_eq!(observed.raised, None, "{wall} s and {boot} s");
    }
}

#[test]
fn small_steps_that_add_up_raise_a_fence() {
    let mut run = running();
    let raised: Vec<Option<i64>> = (1..=4)
        .map(|n| {
            let observed = run.observe(&reading(WALL + 60 * n - 2 * n, BOOT + 60 * n));
            run = observed.run;
            observed.raised.and_then(|raised| raised.jump)
        })
        .collect();
    assert_eq!(raised, [None, None, Some(-6), None]);
}

#[test]
fn a_pause_of_both_clocks_raises_a_fence_when_the_wall_clock_is_set_right() {
    let resumed = running().observe(&reading(WALL + 1, BOOT + 1));
    assert_eq!(resumed.raised, None);
    let right = resumed.run.observe(&reading(WALL + 28_800, BOOT + 2));
    assert_eq!(right.raised.unwrap().reason, Reason::ClockJump);
}

#[test]
fn a_clock_before_1970_is_left_by_a_jump() {
    let before = Reading { wall: None, ..reading(0, BOOT) };
    for kept in [left(Ending::Clean), left(Ending::Unclean)] {
        let run = start(Some(&kept), &before).run;
        assert_eq!(run.trust(&before), Err(Distrust { floor: RELEASE }));
        let observed = run.observe(&reading(WALL, BOOT + 60));
        assert_eq!(observed.raised.unwrap().reason, Reason::ClockJump);
        assert_eq!(observed.run.record.fence, Some(WALL));
    }
}

#[test]
fn a_clock_that_jumped_far_ahead_and_back_locks_the_owner_out_for_three_minutes_at_most() {
    let far = running().observe(&reading(WALL + 315_360_000, BOOT + 10)).run;
    let back = far.observe(&reading(WALL + 20, BOOT + 20)).run;
    assert_eq!(back.record.fence, Some(WALL + 20));
    let now = Now(WALL + 20 + 180);
    for (period, spread) in [(30, 2.0), (30, 60.0), (60, 2.0), (60, 60.0)] {
        let token = token(period, (0.0, spread), Now(WALL));
        let shown = (now.0 - 6) / u64::from(period);
        let verdict = verdict(&token, shown, &behind(Now(WALL + 20), now));
        assert_eq!(verdict, Verdict::Accept, "{period} s, ± {spread} s");
    }
}

#[test]
fn the_prompt_says_for_three_minutes_that_a_code_may_be_refused() {
    let up = |seconds| is_up(&behind(NOW, after(NOW, seconds)));
    assert_eq!([-60, 0, 179, 180].map(up), [true, true, true, false]);
    assert!(!is_up(&at(NOW)), "without a fence");
}

#[test]
fn no_step_of_the_window_at_the_fence_is_accepted_and_the_next_one_is() {
    for (period, spread) in [(30, 2.0), (30, 20.0), (30, 60.0), (60, 60.0)] {
        let token = token(period, (0.0, spread), NOW);
        let window = verify::window(&token.token, &token.state, NOW, &Policy::DEFAULT);
        let at = behind(NOW, after(NOW, i64::from(period)));
        for step in window.clone() {
            assert!(step < floor(&token.opened(), &at), "{step}");
            assert_ne!(verdict(&token, step, &at), Verdict::Accept, "{step}");
        }
        let next = window.end() + 1;
        assert_eq!(verdict(&token, next, &at), Verdict::Accept, "{period} s, ± {spread} s");
    }
}

#[test]
fn a_code_below_the_fence_is_a_replay_and_not_a_wrong_code() {
    let token = SoftToken::clock().ahead(0.0);
    assert_eq!(verdict(&token, STEP, &behind(NOW, NOW)), Verdict::Replay);
}

#[test]
fn two_codes_in_a_row_are_both_above_the_fence() {
    let token = SoftToken::clock().ahead(0.0);
    for (first, verdict) in [(STEP + 1, Verdict::Reject), (STEP + 2, Verdict::Accept)] {
        let pair = token.pair(first, first + 1, 30).pair;
        let at = behind(NOW, after(NOW, 60));
        assert_eq!(token.attempt(&typed(Typed::Pair(&pair)), &at).verdict, verdict, "{first}");
    }
}

#[test]
fn the_fence_follows_a_tokens_own_clock() {
    for drift in [-3_600, -60, 0, 60, 3_600] {
        let token = SoftToken::clock().ahead(drift as f64);
        let shown = (NOW.0 - 6).checked_add_signed(drift).unwrap() / 30;
        assert_eq!(floor(&token.opened(), &behind(NOW, NOW)), shown + 2, "drift {drift}");
    }
}

#[test]
fn a_button_and_a_token_whose_clock_is_unknown_have_no_fence() {
    for token in [SoftToken::button(7), SoftToken::clock()] {
        assert_eq!(floor(&token.opened(), &behind(NOW, NOW)), 0);
    }
    let mut button = SoftToken::button(7);
    let first = button.code(7);
    let decision = button.attempt(&typed(Typed::Code(&first)), &behind(NOW, NOW));
    assert_eq!(decision.verdict, Verdict::Accept);
    button.state = decision.change.unwrap();
    assert_eq!(verdict(&button, 7, &behind(NOW, NOW)), Verdict::Replay);
}

#[test]
fn a_store_that_lost_changes_raises_a_fence_whatever_the_record_says() {
    for ending in [Ending::Clean, Ending::Unclean] {
        let observed = start_in_doubt(Some(&left(ending)), &reading(WALL + 2, 9));
        assert_eq!(observed.raised, Some(Raised { reason: Reason::DoubtfulStore, jump: None }));
        assert_eq!(observed.run.record.fence, Some(WALL + 2));
    }
}

#[test]
fn after_lost_changes_a_button_is_asked_for_two_codes_in_a_row_once() {
    let doubted = |seconds| At { doubt: Some(NOW), ..at(after(NOW, seconds)) };
    for used in [None, Some(NOW.0 - 100), Some(NOW.0)] {
        let mut button = SoftToken::button(7);
        button.state.last_used = used;
        let one = button.attempt(&typed(Typed::Code(&button.code(7))), &doubted(1));
        assert_eq!((one.verdict, one.change), (Verdict::Locked, None));
        let pair = button.pair(7, 8, 10).pair;
        let two = button.attempt(&typed(Typed::Pair(&pair)), &doubted(1));
        assert_eq!(two.verdict, Verdict::Accept);
        button.state = two.change.unwrap();
        assert_eq!(verdict(&button, 9, &doubted(2)), Verdict::Accept);
    }
}

#[test]
fn after_lost_changes_a_button_that_was_used_in_the_future_is_asked_for_two_codes_in_a_row() {
    let at = At { doubt: Some(NOW), ..at(after(NOW, 9)) };
    for (used, asked) in [(10, Verdict::Locked), (9, Verdict::Accept), (8, Verdict::Accept)] {
        let mut button = SoftToken::button(7);
        button.state.last_used = Some(NOW.0 + used);
        assert_eq!(verdict(&button, 7, &at), asked, "used {used} s after the loss was found");
    }
}

#[test]
fn after_lost_changes_a_refused_code_of_a_button_and_the_next_are_its_pair() {
    let at = At { doubt: Some(NOW), ..at(after(NOW, 1)) };
    let button = SoftToken::button(7);
    let (first, second) = (button.code(7), button.code(8));
    let earlier = Some(Earlier { code: &first, age: 9, paid: None });
    let attempt = Attempt { earlier, ..typed(Typed::Code(&second)) };
    assert_eq!(button.attempt(&attempt, &at).verdict, Verdict::Accept);
}

#[test]
fn lost_changes_ask_nothing_more_of_a_token_with_a_clock() {
    let token = SoftToken::clock().ahead(0.0);
    let at = At { doubt: Some(NOW), ..behind(NOW, after(NOW, 90)) };
    assert_eq!(verdict(&token, STEP + 3, &at), Verdict::Accept);
}

#[test]
fn without_synchrony_the_clock_is_believed_back_to_the_last_time_that_was_right() {
    let run = running();
    for (wall, believed) in [(0, false), (WALL - 6, false), (WALL - 5, true), (WALL + 9, true)] {
        let trust = run.trust(&unsynchronised(wall));
        let floor = Now(WALL - 5);
        let expected = if believed { Ok(Now(wall)) } else { Err(Distrust { floor }) };
        assert_eq!(trust, expected);
    }
}

#[test]
fn a_synchronised_clock_is_believed_and_the_floor_follows_it_down() {
    let far = running().observe(&reading(WALL + 315_360_000, BOOT + 10)).run;
    let back = far.observe(&unsynchronised(WALL + 20)).run;
    assert!(back.trust(&unsynchronised(WALL + 20)).is_err());
    let right = back.observe(&reading(WALL + 21, BOOT + 21)).run;
    assert_eq!(right.trust(&reading(WALL + 21, BOOT + 21)), Ok(Now(WALL + 21)));
    assert_eq!(right.trust(&unsynchronised(WALL + 22)), Ok(Now(WALL + 22)));
}

#[test]
fn no_clock_before_the_release_is_believed() {
    let run = start(Some(&Host::default()), &reading(WALL, BOOT)).run;
    for wall in [None, Some(Now(0)), Some(Now(RELEASE.0 - 1))] {
        let reading = Reading { wall, ..reading(0, BOOT) };
        assert_eq!(run.trust(&reading), Err(Distrust { floor: RELEASE }));
    }
    assert_eq!(run.trust(&reading(RELEASE.0, BOOT)), Ok(RELEASE));
}

#[test]
fn setting_the_clock_moves_no_uptime_and_a_restart_keeps_it() {
    let run = running();
    assert_eq!(run.uptime(&reading(0, BOOT + 100)), Uptime(3_700));
    let stopped = run.stop(&reading(WALL + 100, BOOT + 100));
    let again = start(Some(&stopped), &reading(WALL + 500, 40)).run;
    assert_eq!(again.uptime(&reading(WALL + 501, 41)), Uptime(3_701));
}

#[test]
fn the_uptime_does_not_fall_when_the_boot_time_clock_does() {
    assert_eq!(running().uptime(&reading(WALL, BOOT - 10)), Uptime(3_600));
}

#[test]
fn a_restore_raises_a_fence_that_outlives_the_run() {
    let looked = reading(WALL + 100, BOOT + 100);
    let Observed { run, raised } = running().raise(Reason::Restore, &looked);
    assert_eq!(raised, Some(Raised { reason: Reason::Restore, jump: None }));
    let stopped = run.stop(&reading(WALL + 200, BOOT + 200));
    let again = start(Some(&stopped), &reading(WALL + 300, 40));
    assert_eq!((again.run.record.fence, again.raised), (Some(WALL + 100), None));
}

#[test]
fn each_reason_for_a_fence_has_its_word_in_the_log() {
    for (reason, word) in [
        (Reason::ClockBeforeLastStart, "clock_before_last_start"),
        (Reason::ClockJump, "clock_jump"),
        (Reason::DoubtfulStore, "doubtful_store"),
        (Reason::Restore, "restore"),
        (Reason::UncleanStop, "unclean_stop"),
    ] {
        assert_eq!(reason.word(), word);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn when_the_fence_is_down_every_token_shows_a_code_above_it(
        minute in 1..=2_u32,
        drift in -90_000..90_000_i64,
        spread in 0.0..100.0,
        fence in WALL..WALL + 100_000,
        (window, window_cap) in (1..5_u64, 60..300_u64),
    ) {
        let (period, fence) = (30 * minute, Now(fence));
        let policy = Policy { window, window_cap, ..Policy::DEFAULT };
        let behind = |fence, now| At { policy: &policy, ..behind(fence, now) };
        let token = token(period, (drift as f64, spread), fence);
        let down = (fence.0..).find(|now| !is_up(&behind(fence, Now(*now)))).unwrap();
        let shown = (down - 6).checked_add_signed(drift).unwrap() / u64::from(period);
        let at = behind(fence, Now(down));
        prop_assert!(shown >= floor(&token.opened(), &at));
        prop_assert_eq!(verdict(&token, shown, &at), Verdict::Accept);
    }

    #[test]
    fn no_time_of_either_clock_is_too_much(
        times in any::<[u64; 6]>(),
        drift in any::<f64>(),
        seen in any::<Option<u64>>(),
    ) {
        let [uptime, wall, boot, later, after, now] = times;
        let kept = Host { uptime, seen, seen_synchronised: seen, ..Host::default() };
        let run = start(Some(&kept), &reading(wall, boot)).run;
        let looked = reading(later, after);
        let observed = run.observe(&looked);
        let jumped = i128::from(later) - i128::from(wall) - i128::from(after) + i128::from(boot);
        prop_assert_eq!(observed.raised.is_some(), jumped.abs() > 5);
        let _ = (observed.run.trust(&looked), observed.run.uptime(&looked));
        let token = SoftToken::clock().ahead(drift);
        let at = behind(Now(later), Now(now));
        let _ = (is_up(&at), floor(&token.opened(), &at), verdict(&token, STEP, &at));
    }
}
