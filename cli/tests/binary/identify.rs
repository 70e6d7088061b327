//! `identify`: a token without a label, and its codes.

use fob_api::IdentifyReport;

use crate::fake::{Fake, Reply, Terminal, can_run, in_stock};

fn page(serials: &[&str], searched: u32, next: &str) -> Reply {
    let tokens = serials.iter().map(|serial| in_stock(serial)).collect();
    Reply::Identified(IdentifyReport {
        tokens: Some(tokens),
        more: Some(0),
        searched: Some(searched),
        unreadable: Some(0),
        percent: Some(if next.is_empty() { 100 } else { 50 }),
        next: Some(next.to_owned()),
    })
}

const BLOCK: &str = "\
token      77
state      stock
";
const CHANCE: &str = "note: one code may fit by chance; \"fobctl identify --two\" makes sure.\n";

#[test]
fn one_line_of_standard_input_finds_a_token_in_all_pages() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("Identify 111111,", page(&[], 2000, "100:X")),
        ("Identify 111111, cursor=100:X", page(&["77"], 10, "")),
    ]);
    let ended = fake.run(&["identify"], "111 111\n");
    assert_eq!((ended.status, ended.stderr.as_str()), (0, CHANCE));
    assert!(ended.stdout.starts_with(BLOCK), "{}", ended.stdout);
}

#[test]
fn several_tokens_that_one_code_fits_are_listed_with_advice() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[("Identify 111111,", page(&["77", "78"], 9, ""))]);
    let ended = fake.run(&["identify"], "111111\n");
    assert_eq!(
        (ended.status, ended.stderr.as_str()),
        (0, "hint: type two codes in a row; they tell these tokens apart.\n")
    );
    assert!(ended.stdout.contains("\n77 ") && ended.stdout.contains("\n78 "), "{}", ended.stdout);
}

#[test]
fn two_lines_are_searched_near_and_then_far_off() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("Identify 111111,222222 with elapsed", page(&[], 9, "")),
        ("Identify 111111,222222 with elapsed wide=true", page(&["77"], 9, "")),
    ]);
    let ended = fake.run(&["identify"], "111111\n222222\n");
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    assert!(ended.stdout.starts_with(BLOCK), "{}", ended.stdout);
}

#[test]
fn codes_of_no_token_are_refused_with_the_reason() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[("Identify 111111,", page(&[], 9, ""))]);
    fake.run(&["identify"], "111111\n").failed(
        1,
        "fobctl: none of the 9 tokens that nobody has shows this.\n\
         hint: a token that somebody has is not searched; \"fobctl list --state assigned\" shows those.\n",
    );
}

#[test]
fn what_is_no_code_is_not_searched() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[]);
    fake.run(&["identify", "--two"], "111111\n").failed(
        2,
        "fobctl: two codes are needed on standard input; nothing was changed.\n\
         hint: write two codes to standard input, one per line, or run it in a terminal.\n",
    );
    assert_eq!(fake.run(&["identify"], "hello\n").status, 2);
    assert_eq!(fake.run(&["identify"], "").status, 1);
    assert_eq!(fake.run(&["identify", "111111"], "").status, 2);
}

#[test]
fn the_search_is_printed_as_json() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[("Identify 111111,222222 with elapsed", page(&["77"], 9, ""))]);
    let ended = fake.run(&["identify", "--json"], "111111\n222222\n");
    assert!(ended.stdout.starts_with("[") && ended.stdout.contains("\"77\""), "{}", ended.stdout);
}

#[test]
fn a_person_is_asked_for_a_second_code_only_if_one_is_not_enough() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[("Identify 111111,", page(&["77"], 1, ""))]);
    let mut terminal = Terminal::start(fake.command(&["identify"]));
    terminal.shows("Code 1: ");
    terminal.types("111111");
    let ended = terminal.ends();
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(ended.stdout.starts_with(BLOCK), "{}", ended.stdout);

    let fake = Fake::new(&[
        ("Identify 111111,", page(&["77", "78"], 9, "")),
        ("Identify 111111,222222 with elapsed", page(&["78"], 9, "")),
    ]);
    let mut terminal = Terminal::start(fake.command(&["identify"]));
    terminal.shows("Code 1: ");
    terminal.types("hello");
    terminal.shows("A code has 6 to 8 digits.");
    terminal.types("111111");
    terminal.shows("2 tokens could show that code.");
    terminal.shows("Wait until the token shows a new code (at most 60 s).");
    terminal.shows("Code 2: ");
    terminal.types("222222");
    let ended = terminal.ends();
    assert!(ended.stdout.starts_with("token      78\n"), "{}", ended.stdout);
}

#[test]
fn a_daemon_that_stays_on_one_page_is_not_asked_for_ever() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("Identify 111111,", page(&[], 9, "7")),
        ("Identify 111111, cursor=7", page(&[], 9, "7")),
    ]);
    assert_eq!(fake.run(&["identify"], "111111\n").status, 4);
}
