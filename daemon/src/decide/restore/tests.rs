mod batch;

use super::{
    Change, Decision, Gain, Here, Note, Saved, Times, TraceChange, concerned, token, trace,
};
use crate::{
    backup::{SavedSeed, SavedState, SavedToken, SavedTrace},
    decide::{
        Uptime,
        testing::{CLOCK, SoftToken, known},
    },
    record::{Budget, Left, Moving, Owner, Parameters, Standing, State, Token, Trace, UserTokens},
};

const TIMES: Times = Times { then: Uptime(1_000), now: Uptime(50_000) };

fn alice() -> Owner {
    Owner { uid: 1000, name: "alice".to_owned() }
}

fn having(serials: &[&str]) -> UserTokens {
    UserTokens {
        serials: serials.iter().map(|serial| (*serial).to_owned()).collect(),
        former: Vec::new(),
    }
}

/// A token as it comes into stock here.
fn fresh(parameters: Parameters) -> Token {
    Token { epoch: 0, ..SoftToken::new("8a1172", b"12345678901234567890", parameters).token }
}

/// The same token in a backup.
fn saved(standing: Standing, last_step: Option<u64>) -> SavedToken {
    let fresh = fresh(CLOCK);
    SavedToken {
        serial: fresh.serial,
        standing,
        parameters: CLOCK,
        seed: SavedSeed { nonce: [0; 24], sealed: Vec::new() },
        imported: fresh.imported,
        manufacturer: None,
        model: None,
        batch: None,
        state: SavedState { last_step, clock: Some(known(4.0)), ..SavedState::default() },
    }
}

fn decide(saved: &SavedToken, here: &Here<'_>) -> Decision {
    let fresh = Token { parameters: saved.parameters, ..fresh(saved.parameters) };
    token(&Saved { token: saved, fresh: &fresh }, here, TIMES)
}

#[track_caller]
fn written(decision: Decision) -> Change {
    match decision {
        Decision::Write(change) => *change,
        Decision::Keep(note) => panic!("nothing is written: {note:?}"),
    }
}

/// A token that is here and was given to somebody at some time.
fn touched(standing: Standing) -> Token {
    Token { standing, epoch: 3, ..fresh(CLOCK) }
}

fn here_trace() -> Trace {
    Trace { serial: "8A1172".to_owned(), left: None }
}

fn left(last_step: u64, lost: Option<u64>) -> Trace {
    let state = State { last_step: Some(last_step), ..State::default() };
    Trace { serial: "8A1172".to_owned(), left: Some(Left { state, lost }) }
}

#[test]
fn a_token_comes_to_a_new_host_with_its_state_and_its_user() {
    let owner = alice();
    let change = written(decide(
        &saved(Standing::Assigned(alice()), Some(77)),
        &Here { owner: Some(&owner), ..Here::default() },
    ));
    assert_eq!(change.token.standing, Standing::Assigned(alice()));
    assert_eq!(change.state.last_step, Some(77));
    assert_eq!(change.state.clock, Some(known(4.0)));
    assert_eq!(change.user, Some((1000, having(&["8A1172"]))));
    assert_eq!(change.trace, here_trace());
    assert_eq!((change.gain, change.note, change.bound), (Gain::Added, None, None));
}

#[test]
fn lost_retired_and_stock_come_as_they_were() {
    for (standing, note) in
        [(Standing::Lost, Some(Note::Lost)), (Standing::Retired, None), (Standing::Stock, None)]
    {
        let change = written(decide(&saved(standing.clone(), None), &Here::default()));
        assert_eq!((change.token.standing, change.note), (standing, note));
    }
}

#[test]
fn a_uid_of_another_name_or_of_nobody_gets_no_token() {
    let bob = Owner { uid: 1000, name: "bob".to_owned() };
    for (owner, bound) in [(Some(&bob), None), (None, Some(alice()))] {
        let change = written(decide(
            &saved(Standing::Assigned(alice()), Some(77)),
            &Here { owner, ..Here::default() },
        ));
        assert_eq!(change.token.standing, Standing::Stock);
        // Who is no user yet, as before a directory is joined, must not be exempt later.
        assert_eq!((change.user, change.bound), (None, bound));
        assert_eq!((change.note, change.state.last_step), (Some(Note::NoSuchUser), Some(77)));
    }
}

#[test]
fn a_user_who_has_a_token_here_keeps_that_one() {
    let (owner, tokens) = (alice(), having(&["B2"]));
    let change = written(decide(
        &saved(Standing::Assigned(alice()), Some(77)),
        &Here { owner: Some(&owner), tokens: Some(&tokens), ..Here::default() },
    ));
    assert_eq!(change.token.standing, Standing::Stock);
    assert_eq!(change.note, Some(Note::HasAnother("B2".to_owned())));
    assert_eq!(change.user, None);
}

#[test]
fn a_token_that_no_clock_fences_goes_to_stock_and_its_user_stays_asked() {
    let owner = alice();
    let button = Parameters { moving: Moving::Counter { next: 5 }, ..CLOCK };
    let mut of_button = saved(Standing::Assigned(alice()), Some(77));
    of_button.parameters = button;
    of_button.state.clock = None;
    let mut of_no_clock = saved(Standing::Assigned(alice()), Some(77));
    of_no_clock.state.clock = None;
    for token in [of_button, of_no_clock] {
        let here = Here { owner: Some(&owner), ..Here::default() };
        let change = written(decide(&token, &here));
        assert_eq!(change.token.standing, Standing::Stock);
        assert_eq!((change.note, change.bound), (Some(Note::Unfenced), Some(alice())));
        assert_eq!(change.state.last_step, Some(77));
    }
}

#[test]
fn a_mark_is_never_lowered_and_a_higher_one_of_the_backup_counts() {
    let token = touched(Standing::Assigned(alice()));
    for (here, there, after) in [(90, 77, 90), (77, 90, 90)] {
        let state = State { last_step: Some(here), clock: Some(known(1.0)), ..State::default() };
        let decision = decide(
            &saved(Standing::Assigned(alice()), Some(there)),
            &Here {
                token: Some(&token),
                state: Some(&state),
                trace: Some(&here_trace()),
                ..Here::default()
            },
        );
        let mark = match decision {
            Decision::Keep(None) => state.last_step,
            Decision::Write(change) => {
                assert_eq!(change.token, token);
                assert_eq!(change.state.clock, Some(known(1.0)), "this host's clock is newer");
                change.state.last_step
            }
            Decision::Keep(note) => panic!("{note:?}"),
        };
        assert_eq!(mark, Some(after));
    }
}

#[test]
fn a_token_that_was_lost_here_since_the_backup_stays_lost() {
    let (token, state) = (touched(Standing::Lost), State::default());
    let here = Here {
        token: Some(&token),
        state: Some(&state),
        trace: Some(&here_trace()),
        ..Here::default()
    };
    let change = written(decide(&saved(Standing::Assigned(alice()), Some(77)), &here));
    assert_eq!(change.token.standing, Standing::Lost);
    assert_eq!((change.note, change.user), (Some(Note::Lost), None));
}

#[test]
fn a_token_that_was_forgotten_here_as_a_lost_one_never_comes_back() {
    let trace = left(99, Some(1));
    for standing in [Standing::Assigned(alice()), Standing::Stock, Standing::Lost] {
        let here = Here { trace: Some(&trace), ..Here::default() };
        assert_eq!(decide(&saved(standing, None), &here), Decision::Keep(Some(Note::Lost)));
    }
}

#[test]
fn a_token_that_was_forgotten_here_comes_to_stock_with_the_higher_mark() {
    let (trace, owner) = (left(99, None), alice());
    let here = Here { trace: Some(&trace), owner: Some(&owner), ..Here::default() };
    let change = written(decide(&saved(Standing::Assigned(alice()), Some(77)), &here));
    assert_eq!(change.token.standing, Standing::Stock);
    assert_eq!((change.note, change.state.last_step), (Some(Note::Forgotten), Some(99)));
}

#[test]
fn a_token_that_was_lost_in_the_backup_is_taken_from_who_has_it_here() {
    let (token, tokens) = (touched(Standing::Assigned(alice())), having(&["8A1172"]));
    let state = State { last_step: Some(90), ..State::default() };
    let here = Here {
        token: Some(&token),
        state: Some(&state),
        trace: Some(&here_trace()),
        tokens: Some(&tokens),
        ..Here::default()
    };
    let change = written(decide(&saved(Standing::Lost, Some(77)), &here));
    assert_eq!((&change.token.standing, change.token.epoch), (&Standing::Lost, 4));
    let former = UserTokens { former: vec!["8A1172".to_owned()], ..having(&[]) };
    assert_eq!((change.user, change.bound), (Some((1000, former)), Some(alice())));
    assert_eq!(change.state.last_step, Some(90));
}

#[test]
fn an_assignment_of_this_host_wins() {
    let bob = Owner { uid: 1001, name: "bob".to_owned() };
    let state = State { last_step: Some(90), clock: Some(known(1.0)), ..State::default() };
    for standing in [Standing::Assigned(bob), Standing::Stock, Standing::Retired] {
        let token = touched(standing);
        let here = Here {
            token: Some(&token),
            state: Some(&state),
            trace: Some(&here_trace()),
            ..Here::default()
        };
        for old in [Standing::Assigned(alice()), Standing::Retired, Standing::Stock] {
            assert_eq!(decide(&saved(old, Some(77)), &here), Decision::Keep(None));
        }
    }
}

#[test]
fn a_token_of_the_stock_that_nobody_touched_gets_its_user_back() {
    let (token, owner) = (fresh(CLOCK), alice());
    let here = Here {
        token: Some(&token),
        state: Some(&State::default()),
        trace: Some(&here_trace()),
        owner: Some(&owner),
        ..Here::default()
    };
    let change = written(decide(&saved(Standing::Assigned(alice()), Some(77)), &here));
    assert_eq!(change.token.standing, Standing::Assigned(alice()));
    assert_eq!(change.state.last_step, Some(77));
}

#[test]
fn a_token_of_the_stock_that_somebody_had_or_used_stays_there() {
    let (owner, used) = (alice(), State { last_step: Some(90), ..State::default() });
    for (epoch, state) in [(3, State::default()), (0, used)] {
        let token = Token { epoch, ..fresh(CLOCK) };
        let here = Here {
            token: Some(&token),
            state: Some(&state),
            trace: Some(&here_trace()),
            owner: Some(&owner),
            ..Here::default()
        };
        let change = written(decide(&saved(Standing::Assigned(alice()), Some(77)), &here));
        assert_eq!((change.token, change.gain, change.user), (token, Gain::Merged, None));
    }
}

#[test]
fn the_list_that_may_change_is_of_who_has_the_token_here_or_else_had_it_there() {
    let bob = Owner { uid: 1001, name: "bob".to_owned() };
    let (had, stock) = (saved(Standing::Assigned(alice()), None), saved(Standing::Stock, None));
    let (bobs, nobodys) = (touched(Standing::Assigned(bob.clone())), touched(Standing::Stock));
    assert_eq!(concerned(&had, Some(&bobs)), Some(&bob));
    assert_eq!(concerned(&stock, Some(&bobs)), Some(&bob));
    assert_eq!(concerned(&had, Some(&nobodys)), Some(&alice()));
    assert_eq!(concerned(&had, None), Some(&alice()));
    assert_eq!(concerned(&stock, None), None);
}

#[test]
fn a_note_has_its_word_names_the_other_token_and_says_whether_nothing_was_done() {
    let b2 = || "B2".to_owned();
    for (note, word, other, is_skip) in [
        (Note::Forgotten, "forgotten", None, false),
        (Note::HasAnother(b2()), "has_another", Some("B2"), false),
        (Note::Lost, "lost", None, false),
        (Note::NoSuchUser, "no_such_user", None, false),
        (Note::OtherSeed, "other_seed", None, true),
        (Note::SameSeed(b2()), "same_seed", Some("B2"), true),
        (Note::Unfenced, "unfenced", None, false),
    ] {
        assert_eq!((note.word(), note.other(), note.is_skip()), (word, other, is_skip));
    }
}

#[test]
fn a_second_restore_changes_nothing() {
    let owner = alice();
    for standing in [Standing::Assigned(alice()), Standing::Lost, Standing::Stock] {
        let mut saved = saved(standing, Some(77));
        saved.state.budgets.unknown = Budget { wrong: vec![10, 900], in_a_row: 2 };
        saved.state.budgets.wrong_since = 2;
        let first = Here { owner: Some(&owner), ..Here::default() };
        let change = written(decide(&saved, &first));
        let here = Here {
            token: Some(&change.token),
            state: Some(&change.state),
            trace: Some(&change.trace),
            tokens: change.user.as_ref().map(|(_, tokens)| tokens),
            owner: Some(&owner),
        };
        assert!(matches!(decide(&saved, &here), Decision::Keep(_)), "{:?}", saved.standing);
    }
}

#[test]
fn another_seed_under_this_serial_and_this_seed_under_another_are_left_alone() {
    let mut token = touched(Standing::Stock);
    token.fingerprint = [9; 32];
    let here = Here { token: Some(&token), ..Here::default() };
    let decision = decide(&saved(Standing::Stock, None), &here);
    assert_eq!(decision, Decision::Keep(Some(Note::OtherSeed)));
    let trace = Trace { serial: "B2".to_owned(), left: None };
    let here = Here { trace: Some(&trace), ..Here::default() };
    let decision = decide(&saved(Standing::Stock, None), &here);
    assert_eq!(decision, Decision::Keep(Some(Note::SameSeed("B2".to_owned()))));
}

#[test]
fn of_each_budget_the_worse_one_counts_as_if_the_backup_were_of_now() {
    let token = touched(Standing::Assigned(alice()));
    let mut state = State { clock: Some(known(1.0)), ..State::default() };
    state.budgets.console = Budget { wrong: vec![49_000, 49_500, 49_900], in_a_row: 1 };
    state.budgets.unknown = Budget { wrong: vec![49_000], in_a_row: 9 };
    let mut saved = saved(Standing::Assigned(alice()), Some(77));
    saved.state.budgets.console = Budget { wrong: vec![900], in_a_row: 4 };
    saved.state.budgets.unknown = Budget { wrong: vec![700, 1_000], in_a_row: 2 };
    state.budgets.known = Budget { wrong: vec![49_000], in_a_row: 0 };
    saved.state.budgets.known = Budget { wrong: vec![700], in_a_row: 0 };
    let here = Here { token: Some(&token), state: Some(&state), ..Here::default() };
    let budgets = written(decide(&saved, &here)).state.budgets;
    assert_eq!(budgets.console, Budget { wrong: vec![49_000, 49_500, 49_900], in_a_row: 4 });
    assert_eq!(budgets.unknown, Budget { wrong: vec![49_700, 50_000], in_a_row: 9 });
    assert_eq!(budgets.known.wrong, [49_000], "of two alike this host's");
}

#[test]
fn the_latest_use_is_told_and_of_two_at_once_this_hosts() {
    let token = touched(Standing::Assigned(alice()));
    for (there, from) in [(99, "here"), (100, "here"), (101, "there")] {
        let [here_from, there_from] = ["here", "there"].map(|from| Some(from.to_owned()));
        let state = State { last_used: Some(100), last_from: here_from, ..State::default() };
        let mut saved = saved(Standing::Assigned(alice()), Some(77));
        (saved.state.last_used, saved.state.last_from) = (Some(there), there_from);
        let here = Here { token: Some(&token), state: Some(&state), ..Here::default() };
        let state = written(decide(&saved, &here)).state;
        assert_eq!(state.last_used, Some(there.max(100)));
        assert_eq!(state.last_from.as_deref(), Some(from), "used at {there} there");
    }
}

fn saved_trace(last_step: u64, lost: Option<u64>) -> SavedTrace {
    SavedTrace {
        fingerprint: [1; 32],
        serial: "8A1172".to_owned(),
        state: SavedState { last_step: Some(last_step), ..SavedState::default() },
        lost,
    }
}

#[test]
fn what_arrives_is_never_the_bytes_that_were_here() {
    let before = State { last_step: Some(60), writes: 7, ..State::default() };
    let saved = SavedState { last_step: Some(50), ..SavedState::default() };
    let state = super::merge::arrived(before, &saved, TIMES);
    assert_eq!((state.last_step, state.writes), (Some(60), 8));
}

#[test]
fn a_phones_token_that_is_nobodys_here_is_retired() {
    let (maker, model) = (Some("Fob".to_owned()), Some("virtual".to_owned()));
    let fresh = Token { manufacturer: maker, model, ..fresh(CLOCK) };
    let saved = saved(Standing::Assigned(alice()), Some(50));
    let trace = Trace {
        serial: "8A1172".to_owned(),
        left: Some(Left { state: State::default(), lost: None }),
    };
    let here = Here { trace: Some(&trace), ..Here::default() };
    let change = written(token(&Saved { token: &saved, fresh: &fresh }, &here, TIMES));
    assert_eq!(change.token.standing, Standing::Retired);
}

#[test]
fn a_trace_of_the_backup_comes_here_and_takes_nothing_back() {
    let Some(TraceChange::Trace(new)) = trace(&saved_trace(50, Some(3)), &Here::default(), TIMES)
    else {
        panic!("it does not come")
    };
    let after = new.left.unwrap();
    assert_eq!((after.state.last_step, after.lost), (Some(50), Some(3)));
    for (known, saved, mark, lost) in [
        (left(60, None), saved_trace(50, Some(3)), 60, Some(3)),
        (left(40, Some(2)), saved_trace(50, None), 50, Some(2)),
    ] {
        let here = Here { trace: Some(&known), ..Here::default() };
        let Some(TraceChange::Trace(new)) = trace(&saved, &here, TIMES) else { panic!("nothing") };
        let after = new.left.unwrap();
        assert_eq!((after.state.last_step, after.lost), (Some(mark), lost));
    }
    let known = left(60, Some(2));
    let here = Here { trace: Some(&known), ..Here::default() };
    assert_eq!(trace(&saved_trace(50, Some(3)), &here, TIMES), None);
}

#[test]
fn a_trace_of_a_lost_token_takes_the_token_from_who_has_it_here() {
    let (token, tokens) = (touched(Standing::Assigned(alice())), having(&["8A1172"]));
    let state = State { last_step: Some(40), ..State::default() };
    let known = here_trace();
    let here = Here {
        token: Some(&token),
        state: Some(&state),
        trace: Some(&known),
        tokens: Some(&tokens),
        ..Here::default()
    };
    let Some(TraceChange::Token(change)) = trace(&saved_trace(50, Some(3)), &here, TIMES) else {
        panic!("it stays")
    };
    assert_eq!((change.token.standing, change.state.last_step), (Standing::Lost, Some(50)));
    let Some(TraceChange::Token(change)) = trace(&saved_trace(50, None), &here, TIMES) else {
        panic!("its mark stays")
    };
    assert_eq!(change.token.standing, Standing::Assigned(alice()));
    assert_eq!(change.state.last_step, Some(50));
}
