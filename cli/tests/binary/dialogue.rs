//! The wizard at a real pseudo-terminal.

use fob_api::TokenReport;

use crate::fake::{Fake, Reply, Terminal, assigned, can_run, in_stock, user};

const WAIT: &str = "Wait until the token shows a new code (at most 30 s).";

fn checks() -> Vec<(&'static str, Reply)> {
    vec![
        ("ShowToken 77", Reply::Token(in_stock("77"))),
        ("ShowUser alice", Reply::User(user("alice", 1000, &[]))),
    ]
}

#[test]
fn a_person_is_asked_for_two_codes_with_a_countdown_between() {
    if !can_run() {
        return;
    }
    let mut steps = checks();
    steps.push(("Assign alice 77 111111,222222", Reply::Token(assigned("77", "alice"))));
    let fake = Fake::new(&steps);
    let mut terminal = Terminal::start(fake.command(&["assign", "alice", "77"]));
    terminal.shows("Token 77 for alice: TOTP, SHA1, 6 digits, every 30 s.\r\n");
    terminal.shows("Code 1: ");
    terminal.types("111 111");
    terminal.shows(WAIT);
    terminal.shows("Code 2: ");
    terminal.shows(&format!("{WAIT} 30 s [############]"));
    // The line is drawn again while nothing is typed.
    terminal.shows(&format!("{WAIT} 29 s [############]"));
    terminal.types("222222");
    let ended = terminal.ends();
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout, "Token 77 is assigned to alice. Its clock is 12 s ahead.\n");
}

#[test]
fn the_same_code_twice_is_told_at_once_and_asked_again() {
    if !can_run() {
        return;
    }
    let mut steps = checks();
    steps.push(("Assign alice 77 111111,222222", Reply::Token(assigned("77", "alice"))));
    let fake = Fake::new(&steps);
    let mut terminal = Terminal::start(fake.command(&["assign", "alice", "77"]));
    terminal.shows("Code 1: ");
    terminal.types("111111");
    terminal.shows("Code 2: ");
    terminal.types("111111");
    terminal.shows("That is the same code. Wait for the next one.");
    terminal.shows("Code 2: ");
    terminal.types("222222");
    assert_eq!(terminal.ends().status, 0);
}

#[test]
fn five_lines_that_are_no_code_end_the_dialogue() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&checks());
    let mut terminal = Terminal::start(fake.command(&["assign", "alice", "77"]));
    for _ in 0..4 {
        terminal.shows("Code 1: ");
        terminal.types("hello");
        terminal.shows("A code has 6 to 8 digits.");
    }
    terminal.shows("Code 1: ");
    terminal.types("hello");
    terminal.shows("fobctl: no code was typed in five tries; nothing was changed.\r\n");
    assert_eq!(terminal.ends().status, 1);
}

#[test]
fn the_end_of_input_ends_the_dialogue_on_a_line_of_its_own() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&checks());
    let mut terminal = Terminal::start(fake.command(&["assign", "alice", "77"]));
    terminal.shows("Code 1: ");
    terminal.ends_input();
    terminal.shows("\r\nfobctl: the input ended; nothing was changed.\r\n");
    assert_eq!(terminal.ends().status, 1);
}

#[test]
fn a_token_with_a_button_has_no_countdown() {
    if !can_run() {
        return;
    }
    let button = TokenReport { kind: Some("hotp".to_owned()), period: None, ..in_stock("77") };
    let fake = Fake::new(&[
        ("ShowToken 77", Reply::Token(button.clone())),
        ("ShowUser alice", Reply::User(user("alice", 1000, &[]))),
        ("Assign alice 77 111111,222222", Reply::Token(button)),
    ]);
    let mut terminal = Terminal::start(fake.command(&["assign", "alice", "77"]));
    terminal.shows("Code 1: ");
    terminal.types("111111");
    terminal.shows("Press the button again.\r\nCode 2: ");
    terminal.types("222222");
    let ended = terminal.ends();
    assert_eq!(ended.stdout, "Token 77 is assigned to alice.\n");
    assert!(!ended.stderr.contains('\u{1b}'), "something was drawn: {:?}", ended.stderr);
}

#[test]
fn roots_serial_is_typed_twice_before_the_codes() {
    if !can_run() {
        return;
    }
    let root = |tokens: &[TokenReport]| Reply::User(user("root", 0, tokens));
    let fake = Fake::new(&[
        ("ShowToken 77a", Reply::Token(in_stock("77A"))),
        ("ShowUser root", root(&[])),
        ("Assign root 77A 111111,222222 again=77A", Reply::Token(assigned("77A", "root"))),
    ]);
    let mut terminal = Terminal::start(fake.command(&["assign", "root", "77a"]));
    terminal.shows("Type the serial again: ");
    terminal.types("77A");
    terminal.shows("Code 1: ");
    terminal.types("111111");
    terminal.shows("Code 2: ");
    terminal.types("222222");
    assert_eq!(terminal.ends().stdout, "Token 77A is assigned to root. Its clock is 12 s ahead.\n");
}

#[test]
fn roots_serial_is_typed_twice_before_root_is_left_without_a_token() {
    if !can_run() {
        return;
    }
    let held = Reply::User(user("root", 0, &[assigned("66", "root")]));
    let fake = Fake::new(&[
        ("ShowUser root", held),
        ("Deactivate root fate=stock leave=true again=66", Reply::Token(in_stock("66"))),
    ]);
    let arguments = ["deactivate", "root", "--leave-root-without-mfa"];
    let mut terminal = Terminal::start(fake.command(&arguments));
    terminal.shows("Type the token's serial: ");
    terminal.types("66");
    terminal.shows("Type the serial again: ");
    terminal.types("66");
    assert_eq!(terminal.ends().stdout, "root has no token now. Token 66 is back in stock.\n");
}

#[test]
fn another_serial_for_root_ends_the_dialogue() {
    if !can_run() {
        return;
    }
    let held = Reply::User(user("root", 0, &[assigned("66", "root")]));
    let fake = Fake::new(&[("ShowUser root", held)]);
    let mut terminal = Terminal::start(fake.command(&["resync"]));
    terminal.shows("Type the token's serial: ");
    terminal.types("66");
    terminal.shows("Type the serial again: ");
    terminal.types("67");
    terminal.shows("fobctl: the serials differ; nothing was changed.\r\n");
    assert_eq!(terminal.ends().status, 1);
}

#[test]
fn a_token_is_forgotten_once_its_serial_was_typed() {
    if !can_run() {
        return;
    }
    let fake =
        Fake::new(&[("ShowToken 77", Reply::Token(in_stock("77"))), ("Forget 77", Reply::Done)]);
    let mut terminal = Terminal::start(fake.command(&["forget", "77"]));
    terminal.shows("state      stock");
    terminal.shows("Type the serial again to erase its seed for good: ");
    terminal.types("77");
    assert_eq!(terminal.ends().stdout, "Token 77 is forgotten: its seed is erased.\n");
}
