//! What a sign-in asks for after refused codes: the next code, which finds a token that has
//! drifted, and after many two in a row.
//!
//! The machine that tests share takes 200 wrong codes from unknown hosts a day before everybody is
//! asked for two (`host_wrong_codes_per_day`); all tests together type about 110.

use std::time::{Duration, Instant};

use fob_tests::host::{Door, Host, Person, Transcript};
use fob_tests::soft_token::SoftToken;

/// The prompts of the module (README.md).
const CODE: &str = "Token code: ";
const NEXT: &str = "Wait for the next code: ";
const PAIR: &str = "Two codes in a row, with a space: ";
/// Stands in for timedated.
const SYNCHRONISED: &str = env!("CARGO_BIN_EXE_synchronised");
/// Counters on either side of a button token's in which no code of these tests is wrong.
const FAR: u64 = 50;
/// Most that an owner waits under attack (clock-and-throttle.md section 5).
const MINUTE: Duration = Duration::from_secs(60);

fn ssh(host: &Host, user: &Person, code: &str) -> Transcript {
    host.ssh(Door::KeyThenCode, &user.name).code(code).run()
}

/// Somebody whose budget of wrong codes from unknown hosts is spent, through ssh.
fn person_under_attack(host: &Host) -> (Person, SoftToken, Vec<Transcript>) {
    let (alice, token) = host.person_with_button_token("alice");
    let wrong = token.wrong_codes(0, FAR).take(5);
    let seen = wrong.map(|code| ssh(host, &alice, &code)).collect();
    (alice, token, seen)
}

#[test]
fn a_token_that_drifted_is_found_inside_the_prompt_and_one_code_is_enough_then() {
    let host = Host::start();
    // A clock that is not synchronised teaches nothing about tokens.
    host.install_helper(SYNCHRONISED);
    host.shell(
        "systemctl mask --now --runtime --quiet systemd-timedated
         systemd-run --quiet synchronised unix:path=/run/dbus/system_bus_socket
         timeout 20 bash -c 'until busctl get-property org.freedesktop.timedate1 /org/freedesktop/timedate1 \
           org.freedesktop.timedate1 NTPSynchronized | grep -q true; do sleep 0.1; done'
         systemctl restart fobd",
    );
    let (alice, mut token) = host.person_with_clock_token("alice");
    token.set_drift(8 * 60);
    let [first, second] = token.show_pair(host.now());
    ssh(&host, &alice, &first).assert_refused_at_the_code(&alice.name);
    let found = ssh(&host, &alice, &second);
    found.assert_signed_in_as(&alice.name);
    assert_eq!(found.last_prompt(), NEXT);
    let after = ssh(&host, &alice, &token.next_code());
    after.assert_signed_in_as(&alice.name);
    assert_eq!(after.last_prompt(), CODE);
    assert_eq!(host.verdicts(&alice.name), ["reject", "accept", "accept"]);
}

#[test]
fn a_token_that_drifted_too_far_is_not_found_inside_the_prompt() {
    let host = Host::shared();
    let (alice, mut token) = host.person_with_clock_token("alice");
    token.set_drift(20 * 60);
    for code in token.show_pair(host.now()) {
        ssh(host, &alice, &code).assert_refused_at_the_code(&alice.name);
    }
    assert_eq!(host.verdicts(&alice.name), ["reject", "reject"]);
}

#[test]
fn after_five_wrong_codes_from_an_unknown_host_the_prompt_asks_for_two_in_a_row() {
    let host = Host::shared();
    let (alice, _, five) = person_under_attack(host);
    let sixth = ssh(host, &alice, "");
    let prompts: Vec<&str> = five.iter().chain([&sixth]).map(Transcript::last_prompt).collect();
    assert_eq!(prompts, [CODE, NEXT, NEXT, NEXT, NEXT, PAIR]);
}

#[test]
fn where_two_codes_are_asked_for_a_right_single_one_is_refused_and_the_two_sign_in() {
    let host = Host::shared();
    let (alice, mut token, _) = person_under_attack(host);
    let single = ssh(host, &alice, &token.next_code());
    assert_eq!(single.last_prompt(), PAIR);
    single.assert_refused_at_the_code(&alice.name);

    let pair = format!("{} {}", token.next_code(), token.next_code());
    let both = host.in_turn(&alice.name, || ssh(host, &alice, &pair));
    assert_eq!(both.last_prompt(), PAIR);
    both.assert_signed_in_as(&alice.name);

    // The host is known from now on, and has a budget of its own.
    let after = ssh(host, &alice, &token.next_code());
    assert_eq!(after.last_prompt(), CODE);
    after.assert_signed_in_as(&alice.name);
}

#[test]
fn two_codes_that_signed_in_do_not_sign_in_again() {
    let host = Host::shared();
    let (alice, mut token, _) = person_under_attack(host);
    let pair = format!("{} {}", token.next_code(), token.next_code());
    ssh(host, &alice, &pair).assert_signed_in_as(&alice.name);
    let again = host.in_turn(&alice.name, || ssh(host, &alice, &pair));
    again.assert_refused_at_the_code(&alice.name);
    assert_eq!(host.verdicts(&alice.name).last().map(String::as_str), Some("reject"));
}

#[test]
fn while_ssh_asks_for_two_codes_one_is_enough_at_the_console() {
    let host = Host::shared();
    let (alice, mut token, _) = person_under_attack(host);
    let seen = host.login(&alice.name).password(alice.password).code(&token.next_code()).run();
    seen.assert_signed_in_as(&alice.name);
    assert_eq!(seen.last_prompt(), CODE);
    assert_eq!(ssh(host, &alice, "").last_prompt(), PAIR, "a success refills nothing elsewhere");
}

#[test]
fn while_ssh_asks_for_two_codes_one_is_enough_for_sudo() {
    let host = Host::shared();
    let (alice, mut token, _) = person_under_attack(host);
    let seen = host.sudo(&alice).password(alice.password).code(&token.next_code()).run();
    seen.assert_signed_in_as("root");
    assert_eq!(seen.last_prompt(), CODE);
    assert_eq!(ssh(host, &alice, "").last_prompt(), PAIR, "a success refills nothing elsewhere");
}

#[test]
fn while_an_unknown_host_is_asked_for_two_codes_one_is_enough_from_a_known_one() {
    let host = Host::shared();
    let (alice, mut token) = host.person_with_button_token("alice");
    let home =
        |code: &str| host.ssh_from("127.0.0.2", Door::KeyThenCode, &alice.name).code(code).run();
    home(&token.next_code()).assert_signed_in_as(&alice.name);
    for wrong in token.wrong_codes(0, FAR).take(5) {
        ssh(host, &alice, &wrong).assert_refused_at_the_code(&alice.name);
    }
    assert_eq!(ssh(host, &alice, "").last_prompt(), PAIR);
    let seen = home(&token.next_code());
    seen.assert_signed_in_as(&alice.name);
    assert_eq!(seen.last_prompt(), CODE);
}

#[test]
fn from_a_new_host_two_codes_sign_in_while_strangers_flood() {
    let host = Host::shared();
    let (alice, mut token, _) = person_under_attack(host);
    let pair = format!("{} {}", token.next_code(), token.next_code());
    let over = format!("/run/over-{}", alice.name);
    // From 200 addresses, of which each may try two codes in a row every ten seconds.
    let flood = format!(
        "until [ -e {over} ]; do
           for n in $(seq 20); do
             pamtester -I rhost=127.0.1.$((RANDOM % 200)) sshd {} authenticate <<<'123456 654321' &
           done
           wait
         done",
        alice.name
    );
    std::thread::scope(|scope| {
        scope.spawn(|| host.try_feed(&flood, b""));
        host.shell(&format!(
            "timeout 60 bash -c 'until [ $(journalctl -u fobd | grep -c \"user=.{}.\") -gt 45 ]; do sleep 0.1; done'",
            alice.name
        ));
        let begun = Instant::now();
        let sign_in =
            || host.ssh_from("127.0.0.2", Door::KeyThenCode, &alice.name).code(&pair).run();
        let seen = std::iter::repeat_with(sign_in)
            .find(|seen| seen.status == 0 || begun.elapsed() > MINUTE);
        host.shell(&format!("touch {over}"));
        seen.expect("it ends").assert_signed_in_as(&alice.name);
        assert!(begun.elapsed() < MINUTE, "it took {:?}", begun.elapsed());
    });
}

#[test]
fn fobctl_show_explains_why_two_codes_are_asked_for() {
    let host = Host::shared();
    let (alice, _, _) = person_under_attack(host);
    let shown = host.shell(&format!("fobctl show {}", alice.name));
    let why = "5 wrong codes from unknown hosts; two codes in a row until ";
    assert!(shown.contains(why), "{shown}");
}

#[test]
fn fobctl_unlock_makes_one_code_enough_again() {
    let host = Host::shared();
    let (alice, mut token, _) = person_under_attack(host);
    assert_eq!(ssh(host, &alice, "").last_prompt(), PAIR);
    host.shell(&format!("fobctl unlock {}", alice.name));
    let shown = host.shell(&format!("fobctl show {}", alice.name));
    assert!(!shown.contains("unknown hosts"), "{shown}");
    let seen = ssh(host, &alice, &token.next_code());
    seen.assert_signed_in_as(&alice.name);
    assert_eq!(seen.last_prompt(), NEXT);
}

#[test]
fn ssh_tells_of_the_last_sign_in_and_of_wrong_codes_since() {
    let host = Host::shared();
    let (alice, mut token) = host.person_with_button_token("alice");
    ssh(host, &alice, &token.next_code()).assert_signed_in_as(&alice.name);
    for wrong in token.wrong_codes(0, FAR).take(2) {
        let refused = ssh(host, &alice, &wrong);
        refused.assert_refused_at_the_code(&alice.name);
        assert!(!refused.says("Last code"), "{refused:?}");
    }
    let second = ssh(host, &alice, &token.next_code());
    second.assert_signed_in_as(&alice.name);
    assert!(second.says("Last code used "), "{second:?}");
    assert!(second.says(" UTC from 127.0.0.1. 2 wrong codes since."), "{second:?}");
    let third = ssh(host, &alice, &token.next_code());
    assert!(third.says(" UTC from 127.0.0.1."), "{third:?}");
    assert!(!third.says("wrong code"), "{third:?}");
}

#[test]
fn login_tells_of_the_last_sign_in_and_sudo_does_not() {
    let host = Host::shared();
    let (alice, mut token) = host.person_with_button_token("alice");
    ssh(host, &alice, &token.next_code()).assert_signed_in_as(&alice.name);
    let sudo = host.sudo(&alice).password(alice.password).code(&token.next_code()).run();
    sudo.assert_signed_in_as("root");
    assert!(!sudo.says("Last code"), "{sudo:?}");
    let login = host.login(&alice.name).password(alice.password).code(&token.next_code()).run();
    login.assert_signed_in_as(&alice.name);
    assert!(login.says(" UTC at this host."), "{login:?}");
}
