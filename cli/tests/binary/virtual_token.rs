//! `assign --virtual`, at a real pseudo-terminal: the picture, the codes, and what is left behind.

use fob_api::{Error, Serial, TokenReport};

use crate::fake::{Fake, Reply, Terminal, assigned, can_run, in_stock, user};

const URI: &str = "otpauth://totp/web-1:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=web-1";
const SERIAL: &str = "VIRTUAL-0AFF001B";

fn made() -> Vec<(&'static str, Reply)> {
    vec![
        ("ShowUser alice", Reply::User(user("alice", 1000, &[]))),
        ("NewVirtualToken alice", Reply::Virtual(URI, in_stock(SERIAL))),
    ]
}

fn no_pair() -> Reply {
    Reply::Refuse(Error::InvalidCodePair { serial: Serial::parse(SERIAL).unwrap() })
}

#[test]
fn a_person_scans_the_picture_and_types_two_codes() {
    if !can_run() {
        return;
    }
    let token = TokenReport { drift: None, ..assigned(SERIAL, "alice") };
    let mut steps = made();
    steps.push(("Assign alice VIRTUAL-0AFF001B 111111,222222", Reply::Token(token)));
    let fake = Fake::new(&steps);
    let mut terminal = Terminal::start(fake.command(&["assign", "alice", "--virtual"]));
    terminal.shows("\u{1b}[30;107m");
    terminal.shows("\u{2588}");
    terminal.shows("or type this key into it:\r\nGEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ\r\n");
    terminal.shows("Token VIRTUAL-0AFF001B for alice: TOTP, SHA1, 6 digits, every 30 s.\r\n");
    terminal.shows("Code 1: ");
    terminal.types("111111");
    terminal.shows("Code 2: ");
    terminal.types("222222");
    terminal.shows("Clear this terminal now");
    let ended = terminal.ends();
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout, "Token VIRTUAL-0AFF001B is assigned to alice.\n");
}

#[test]
fn the_serial_of_roots_is_typed_twice_before_the_codes() {
    if !can_run() {
        return;
    }
    let steps = || {
        vec![
            ("ShowUser root", Reply::User(user("root", 0, &[]))),
            ("NewVirtualToken root", Reply::Virtual(URI, in_stock(SERIAL))),
        ]
    };
    let mut all = steps();
    let call = "Assign root VIRTUAL-0AFF001B 111111,222222 again=VIRTUAL-0AFF001B";
    all.push((call, Reply::Token(assigned(SERIAL, "root"))));
    let fake = Fake::new(&all);
    let mut terminal = Terminal::start(fake.command(&["assign", "root", "--virtual"]));
    terminal.shows("Type the token's serial: ");
    terminal.types(SERIAL);
    terminal.shows("Type the serial again: ");
    terminal.types(SERIAL);
    terminal.shows("Code 1: ");
    terminal.types("111111");
    terminal.shows("Code 2: ");
    terminal.types("222222");
    assert_eq!(terminal.ends().status, 0);
    for typed in [&["77"][..], &[SERIAL, "77"]] {
        let mut all = steps();
        all.push(("Forget VIRTUAL-0AFF001B", Reply::Done));
        let fake = Fake::new(&all);
        let mut terminal = Terminal::start(fake.command(&["assign", "root", "--virtual"]));
        for (serial, prompt) in
            typed.iter().zip(["Type the token's serial: ", "the serial again: "])
        {
            terminal.shows(prompt);
            terminal.types(serial);
        }
        terminal.shows("fobctl: the serials differ; nothing was changed.\r\n");
        assert_eq!(terminal.ends().status, 1);
    }
}

#[test]
fn codes_that_do_not_fit_are_asked_for_again_and_the_picture_stays() {
    if !can_run() {
        return;
    }
    let mut steps = made();
    steps.push(("Assign alice VIRTUAL-0AFF001B 111111,222222", no_pair()));
    let token = Reply::Token(assigned(SERIAL, "alice"));
    steps.push(("Assign alice VIRTUAL-0AFF001B 333333,444444", token));
    let fake = Fake::new(&steps);
    let mut terminal = Terminal::start(fake.command(&["assign", "alice", "--virtual"]));
    for (first, second) in [("111111", "222222"), ("333333", "444444")] {
        terminal.shows("Code 1: ");
        terminal.types(first);
        terminal.shows("Code 2: ");
        terminal.types(second);
        if first == "111111" {
            terminal.shows("These are not two consecutive unused codes of token");
        }
    }
    assert_eq!(terminal.ends().status, 0);
}

#[test]
fn a_token_that_nobody_has_scanned_is_forgotten() {
    if !can_run() {
        return;
    }
    let mut steps = made();
    steps.push(("Forget VIRTUAL-0AFF001B", Reply::Done));
    let fake = Fake::new(&steps);
    let mut terminal = Terminal::start(fake.command(&["assign", "alice", "--virtual"]));
    terminal.shows("Code 1: ");
    terminal.ends_input();
    terminal.shows("fobctl: the input ended; nothing was changed.\r\n");
    assert_eq!(terminal.ends().status, 1);
}

#[test]
fn without_a_terminal_none_is_made() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[("ShowUser alice", Reply::User(user("alice", 1000, &[])))]);
    fake.run(&["assign", "alice", "--virtual"], "111111\n222222\n").failed(
        2,
        "fobctl: a virtual token is shown as a picture, and there is no terminal.\n\
         hint: run it in a terminal.\n",
    );
}

#[test]
fn a_host_that_wants_hardware_says_so() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("ShowUser alice", Reply::User(user("alice", 1000, &[]))),
        ("NewVirtualToken alice", Reply::Refuse(Error::VirtualTokensOff)),
    ]);
    let mut terminal = Terminal::start(fake.command(&["assign", "alice", "--virtual"]));
    terminal.shows("fobctl: virtual tokens are refused on this host.\r\n");
    terminal.shows("hint: take a hardware token from stock");
    assert_eq!(terminal.ends().status, 1);
}

#[test]
fn a_serial_and_a_virtual_token_are_not_both_given() {
    let ended = crate::fake::run_alone(&["assign", "alice", "77", "--virtual"], "");
    assert_eq!(ended.status, 2);
    let ended = crate::fake::run_alone(&["assign", "alice"], "");
    assert_eq!(ended.status, 2);
}
