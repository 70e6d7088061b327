use super::{Adoption, Arrival, Begun, Here, Refusal, adopt, model};
use crate::{
    decide::{
        At, Now, Opened, Policy,
        policy::VirtualTokens,
        remove::{self, RootGuard},
        testing::{NOW, STEP, SoftToken, after, alice, at, known, owner, root, tokens, under},
        throttle::Origin,
        verify::{self, Typed},
    },
    record::{Left, Moving, Owner, Parameters, Standing, State, Token, Trace},
    seed::moved::Spent,
};
use fob_api::{AdoptSource, Fate, Verdict};

/// What another program says of a token.
struct There {
    owner: Owner,
    source: AdoptSource,
    drift: i32,
    spent: Spent,
}

impl Default for There {
    fn default() -> Self {
        Self {
            owner: alice(),
            source: AdoptSource::GoogleAuthenticator,
            drift: 0,
            spent: unsaid(Some(1)),
        }
    }
}

fn unsaid(ahead: Option<u64>) -> Spent {
    Spent::Unsaid { ahead, known: None }
}

fn ask(token: &SoftToken, there: &There, here: &Here<'_>) -> Result<Adoption, Refusal> {
    ask_under(token, there, here, &Policy::DEFAULT)
}

fn ask_under(
    token: &SoftToken,
    there: &There,
    here: &Here<'_>,
    policy: &Policy,
) -> Result<Adoption, Refusal> {
    let opened = token.opened();
    let arrival = Arrival {
        owner: &there.owner,
        source: there.source,
        parameters: &opened.token.parameters,
        generator: opened.generator,
        drift: there.drift,
        spent: &there.spent,
    };
    adopt(&arrival, here, &under(NOW, policy))
}

fn begun(token: &SoftToken, there: &There) -> Begun {
    match ask(token, there, &Here::default()) {
        Ok(Adoption::Move(begun)) => *begun,
        other => panic!("{other:?}"),
    }
}

/// Returns the last of the steps around the present one whose code is not accepted at any time
/// in the next ten minutes, as a distance from the present one.
fn last_spent(token: &SoftToken, state: &State) -> i64 {
    let spent = |ahead: i64| {
        let step = STEP.checked_add_signed(ahead).unwrap();
        let code = token.code(step);
        !(0..600).step_by(5).any(|later| {
            let moment = at(after(NOW, later));
            let opened = Opened { state, ..token.opened() };
            let attempt = crate::decide::testing::typed(Typed::Code(&code));
            verify::verify(&opened, &attempt, &moment).verdict == Verdict::Accept
        })
    };
    (-5..=12).filter(|ahead| spent(*ahead)).max().unwrap()
}

#[test]
fn it_becomes_his_and_its_clock_is_known_as_the_program_said() {
    let begun = begun(&SoftToken::clock(), &There { drift: -90, ..There::default() });
    assert_eq!(begun.standing, Standing::Assigned(alice()));
    let clock = begun.state.clock.unwrap();
    assert_eq!((clock.drift, clock.rate, clock.seen), (-90.0, 0.0, NOW.0));
}

#[test]
fn what_was_taken_before_a_clock_was_found_behind_is_spent_too() {
    let there = There { drift: -3_600, spent: unsaid(Some(1)), ..There::default() };
    let begun = begun(&SoftToken::clock(), &there);
    assert_eq!(begun.state.last_step, Some(STEP + 1));
    assert_eq!(begun.wait, 3_600 + 39);
}

#[test]
fn what_the_program_lists_is_spent_and_the_next_code_is_good_at_once() {
    let token = SoftToken::clock();
    let begun = begun(&token, &There { spent: Spent::UpTo(STEP - 1), ..There::default() });
    assert_eq!((begun.state.last_step, begun.wait), (Some(STEP - 1), 0));
    assert_eq!(last_spent(&token, &begun.state), -1);
}

#[test]
fn where_nobody_says_what_was_used_no_code_of_the_programs_window_is_ever_good() {
    let token = SoftToken::clock();
    for ahead in [0, 1, 8] {
        let begun = begun(&token, &There { spent: unsaid(Some(ahead)), ..There::default() });
        assert_eq!(last_spent(&token, &begun.state), ahead.cast_signed());
        // NOW is 21 s into its step.
        assert_eq!(u64::from(begun.wait), ahead * 30 + 9);
    }
}

#[test]
fn where_nobody_says_the_window_either_it_is_the_widest_of_our_own() {
    let token = SoftToken::clock();
    let begun = begun(&token, &There { spent: unsaid(None), ..There::default() });
    assert_eq!(last_spent(&token, &begun.state), 4);
}

#[test]
fn a_token_that_runs_ahead_has_its_window_ahead_spent() {
    let token = SoftToken::clock();
    let there = There { drift: 300, spent: unsaid(Some(1)), ..There::default() };
    let begun = begun(&token, &there);
    assert_eq!(begun.state.last_step, Some(STEP + 11));
    assert_eq!(begun.wait, 30 + 9);
}

#[test]
fn a_higher_step_that_is_known_to_be_used_wins() {
    let spent = Spent::Unsaid { ahead: Some(1), known: Some(STEP + 5) };
    let begun = begun(&SoftToken::clock(), &There { spent, ..There::default() });
    assert_eq!(begun.state.last_step, Some(STEP + 5));
}

#[test]
fn the_last_code_tells_the_step_that_was_used_last() {
    let token = SoftToken::clock();
    for ahead in [-100, -3, 0, 7, 100] {
        let code = token.code(STEP.checked_add_signed(ahead).unwrap());
        let begun = begun(&token, &There { spent: Spent::Last(code), ..There::default() });
        assert_eq!(begun.state.last_step, STEP.checked_add_signed(ahead), "{ahead}");
    }
}

#[test]
fn a_last_code_of_long_ago_leaves_the_present_ones_good() {
    let token = SoftToken::clock();
    let there = There { spent: Spent::Last(token.code(STEP - 5000)), ..There::default() };
    let begun = begun(&token, &there);
    assert_eq!((begun.state.last_step, begun.wait), (Some(STEP - 101), 0));
}

#[test]
fn a_button_goes_on_behind_what_was_used() {
    for (next, spent, last) in [
        (0, Spent::Counted, None),
        (7, Spent::Counted, Some(6)),
        (7, Spent::UpTo(7), Some(7)),
        (u64::MAX, Spent::UpTo(u64::MAX), Some(u64::MAX)),
    ] {
        let begun = begun(&SoftToken::button(next), &There { spent, ..There::default() });
        assert_eq!((begun.state.last_step, begun.wait), (last, 0), "{next}");
        assert_eq!(begun.state.clock, None);
    }
}

#[test]
fn a_mark_never_sinks() {
    let token = SoftToken::clock();
    let state = State { last_step: Some(STEP + 50), clock: Some(known(3.0)), ..State::default() };
    let left = Left { state: state.clone(), lost: None };
    let trace = Trace { serial: "GA-1".to_owned(), left: Some(left) };
    let there = There { spent: Spent::UpTo(STEP), ..There::default() };
    let stock = SoftToken::clock().token;
    for here in [
        Here { trace: Some(&trace), ..Here::default() },
        Here { token: Some(&stock), state, ..Here::default() },
    ] {
        let Ok(Adoption::Move(begun)) = ask(&token, &there, &here) else { panic!("refused") };
        assert_eq!(begun.state.last_step, Some(STEP + 50));
        assert_eq!(begun.state.clock, Some(known(3.0)), "it is known better");
    }
}

#[test]
fn who_asks_a_second_time_changes_nothing() {
    let token = SoftToken::clock().standing(Standing::Assigned(alice())).token;
    let here = Here { tokens: tokens(&["8A1172"]), token: Some(&token), ..Here::default() };
    assert_eq!(ask(&SoftToken::clock(), &There::default(), &here), Ok(Adoption::Already));
}

#[track_caller]
fn refusal(there: &There, token: Option<&Token>, held: &[&str]) -> Refusal {
    let here = Here { tokens: tokens(held), token, ..Here::default() };
    ask(&SoftToken::clock(), there, &here).unwrap_err()
}

#[test]
fn what_cannot_be_his_is_refused() {
    let of = |standing| SoftToken::clock().standing(standing).token;
    let serial = || "8a1172".to_owned();
    let usual = There::default();
    assert_eq!(refusal(&usual, None, &["B2"]), Refusal::HasAnother("B2".to_owned()));
    let bobs = of(Standing::Assigned(owner("bob", 1001)));
    assert_eq!(refusal(&usual, Some(&bobs), &[]), Refusal::Elsewhere(serial()));
    // The uid is his, and the name is not: it was somebody else's.
    let renamed = of(Standing::Assigned(owner("alicia", 1000)));
    assert_eq!(refusal(&usual, Some(&renamed), &[]), Refusal::Elsewhere(serial()));
    assert_eq!(refusal(&usual, Some(&of(Standing::Lost)), &[]), Refusal::Lost);
    assert_eq!(refusal(&usual, Some(&of(Standing::Retired)), &[]), Refusal::Retired(serial()));
    let other = SoftToken::clock_of(60).token;
    assert_eq!(refusal(&usual, Some(&other), &[]), Refusal::OtherParameters(serial()));
    let eight = Parameters { digits: 8, ..SoftToken::clock().token.parameters };
    let other = Token { parameters: eight, ..SoftToken::clock().token };
    assert_eq!(refusal(&usual, Some(&other), &[]), Refusal::OtherParameters(serial()));
}

#[test]
fn a_lost_token_stays_out_after_it_was_forgotten() {
    let left = Left { state: State::default(), lost: Some(1) };
    let trace = Trace { serial: "GA-1".to_owned(), left: Some(left) };
    let here = Here { trace: Some(&trace), ..Here::default() };
    assert_eq!(ask(&SoftToken::clock(), &There::default(), &here), Err(Refusal::Lost));
}

#[test]
fn where_only_hardware_is_wanted_no_app_comes_in() {
    use AdoptSource::{GoogleAuthenticator, Otpauth, UsersOath};
    let policy = Policy { virtual_tokens: VirtualTokens::Refused, ..Policy::DEFAULT };
    let token = SoftToken::clock();
    let stock = token.token.clone();
    for (source, known, refused) in [
        (GoogleAuthenticator, None, true),
        (Otpauth, None, true),
        (UsersOath, None, false),
        (Otpauth, Some(&stock), false),
    ] {
        let there = There { source, ..There::default() };
        let here = Here { token: known, ..Here::default() };
        let done = ask_under(&token, &there, &here, &policy);
        assert_eq!(done == Err(Refusal::HardwareOnly), refused, "{source:?}");
    }
}

#[test]
fn an_app_never_comes_to_a_second_person() {
    for (source, standing) in [
        (AdoptSource::GoogleAuthenticator, Standing::Retired),
        (AdoptSource::Otpauth, Standing::Retired),
        (AdoptSource::UsersOath, Standing::Stock),
    ] {
        let token = Token {
            model: Some(model(source).to_owned()),
            standing: Standing::Assigned(alice()),
            ..SoftToken::clock().token
        };
        let held = tokens(&["8A1172"]);
        let (left, _) =
            remove::deactivate(&token, &alice(), &held, Fate::Stock, RootGuard::Keep).unwrap();
        assert_eq!(left.standing, standing, "{source:?}");
    }
}

#[test]
fn roots_token_is_never_taken_over() {
    let there = There { owner: root(), ..There::default() };
    assert_eq!(refusal(&there, None, &[]), Refusal::Root);
}

#[test]
fn a_mark_of_tomorrow_is_damage_and_shuts_nobody_out() {
    let there = There { spent: Spent::UpTo(STEP + 2900), ..There::default() };
    assert_eq!(refusal(&there, None, &[]), Refusal::FarAhead);
}

#[test]
fn a_fence_holds_for_a_token_that_was_taken_over() {
    let token = SoftToken::clock();
    let begun = begun(&token, &There { spent: Spent::UpTo(STEP - 50), ..There::default() });
    let opened = Opened { state: &begun.state, ..token.opened() };
    let fenced = At { fence: Some(Now(NOW.0)), ..at(NOW) };
    let code = token.code(STEP);
    let attempt = verify::Attempt {
        origin: Origin::Console,
        ..crate::decide::testing::typed(Typed::Code(&code))
    };
    assert_eq!(verify::verify(&opened, &attempt, &fenced).verdict, Verdict::Replay);
    assert_eq!(verify::verify(&opened, &attempt, &at(NOW)).verdict, Verdict::Accept);
    assert!(matches!(token.token.parameters.moving, Moving::Time { period: 30 }));
}
