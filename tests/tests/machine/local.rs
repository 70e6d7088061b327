//! Signing in on the machine itself: sudo, su, login.

use fob_tests::host::{Door, Host, Person};
use fob_tests::soft_token::SoftToken;

fn alice_and_a_code(host: &Host) -> (Person, SoftToken, String) {
    let (alice, mut token) = host.person_with_clock_token("alice");
    let code = token.next_code();
    (alice, token, code)
}

#[test]
fn sudo_asks_for_password_and_code() {
    let host = Host::shared();
    let (alice, _, code) = alice_and_a_code(host);
    let seen = host.sudo(&alice).password(alice.password).code(&code).run();
    seen.assert_signed_in_as("root");
    assert_eq!(seen.prompts.last().map(String::as_str), Some("Token code: "));
    assert_eq!(host.verdicts(&alice.name), ["accept"]);
}

#[test]
fn sudo_refuses_a_wrong_code() {
    let host = Host::shared();
    let (alice, token, _) = alice_and_a_code(host);
    let wrong = token.wrong_code(token.step_at(host.now()), 100);
    let seen = host.sudo(&alice).password(alice.password).code(&wrong).run();
    seen.assert_refused_at_the_code("root");
    assert_ne!(seen.status, 0);
    assert_eq!(host.verdicts(&alice.name), ["reject"]);
}

#[test]
fn sudo_for_a_shell_asks_for_the_code_too() {
    let host = Host::shared();
    let (alice, _, code) = alice_and_a_code(host);
    // "sudo -i" is a PAM service of its own: sudo-i.
    let seen = host
        .on_a_terminal_as(&alice.name, &["sudo", "-i", "id", "-un"])
        .password(alice.password)
        .code(&code)
        .run();
    seen.assert_signed_in_as("root");
    assert_eq!(seen.prompts.last().map(String::as_str), Some("Token code: "));
    let verdict = host.journal(&format!("user=\"{}\"", alice.name));
    assert!(verdict.iter().any(|line| line.contains("service=\"sudo-i\"")), "{verdict:?}");
}

#[test]
fn su_for_a_login_shell_asks_for_the_code_too() {
    let host = Host::shared();
    let (alice, _) = host.person_with_button_token("alice");
    let (bob, mut bobs) = host.person_with_button_token("bob");
    // "su -" is the service su-l, whose file includes su's.
    let seen = host
        .on_a_terminal_as(&alice.name, &["su", "-l", &bob.name, "-c", "id -un"])
        .password(bob.password)
        .code(&bobs.next_code())
        .run();
    seen.assert_signed_in_as(&bob.name);
    assert_eq!(seen.prompts.last().map(String::as_str), Some("Token code: "));
}

#[test]
fn sudo_refuses_a_code_that_ssh_has_spent() {
    let host = Host::shared();
    let (alice, _, code) = alice_and_a_code(host);
    host.ssh(Door::KeyThenCode, &alice.name).code(&code).run().assert_signed_in_as(&alice.name);
    let seen = host.sudo(&alice).password(alice.password).code(&code).run();
    seen.assert_refused_at_the_code("root");
    assert_eq!(host.verdicts(&alice.name), ["accept", "replay"]);
}

#[test]
fn sudo_in_a_script_without_a_terminal_says_what_is_missing() {
    let host = Host::shared();
    let (alice, _) = host.person_with_clock_token("alice");
    let output =
        host.try_feed(&format!("runuser -u {} -- setsid sudo id -un </dev/null", alice.name), b"");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty(), "nothing runs");
    assert!(text.contains("a terminal is required"), "{text}");
    assert!(host.verdicts(&alice.name).is_empty());
}

#[test]
fn sudo_that_must_not_ask_is_refused() {
    let host = Host::shared();
    let (alice, _) = host.person_with_clock_token("alice");
    let output = host.try_feed(&format!("runuser -u {} -- sudo -n id -un", alice.name), b"");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(0));
    assert!(text.contains("a password is required"), "{text}");
}

#[test]
fn sudo_takes_password_and_code_from_a_scripts_input() {
    let host = Host::shared();
    let (alice, _, code) = alice_and_a_code(host);
    let output = host.try_feed(
        &format!("runuser -u {} -- setsid sudo -S id -un", alice.name),
        format!("{}\n{code}\n", alice.password).as_bytes(),
    );
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "root\n", "{text}");
    assert_eq!(host.verdicts(&alice.name), ["accept"]);
}

#[test]
fn su_asks_for_the_code_of_the_user_one_becomes() {
    let host = Host::shared();
    let (alice, mut alices) = host.person_with_button_token("alice");
    let (bob, mut bobs) = host.person_with_button_token("bob");
    let own = host.su(&alice, &bob.name).password(bob.password).code(&alices.next_code()).run();
    own.assert_refused_at_the_code(&bob.name);
    assert!(own.says("Authentication failure"), "{own:?}");
    let his = host.su(&alice, &bob.name).password(bob.password).code(&bobs.next_code()).run();
    his.assert_signed_in_as(&bob.name);
    assert_eq!(host.verdicts(&bob.name), ["reject", "accept"]);
    assert!(host.verdicts(&alice.name).is_empty());
}

#[test]
fn login_asks_for_password_and_code() {
    let host = Host::shared();
    let (alice, _, code) = alice_and_a_code(host);
    let seen = host.login(&alice.name).password(alice.password).code(&code).run();
    seen.assert_signed_in_as(&alice.name);
    assert_eq!(seen.prompts, ["Password: ", "Token code: "]);
}

#[test]
fn login_refuses_a_wrong_code() {
    let host = Host::shared();
    let (alice, token, _) = alice_and_a_code(host);
    let wrong = token.wrong_code(token.step_at(host.now()), 100);
    let seen = host.login(&alice.name).password(alice.password).code(&wrong).run();
    seen.assert_refused_at_the_code(&alice.name);
    assert!(seen.says("Login incorrect"), "{seen:?}");
    assert_eq!(host.verdicts(&alice.name), ["reject"]);
}

#[test]
fn a_name_that_nobody_has_is_asked_for_a_code_and_refused() {
    let host = Host::shared();
    let output = host.try_feed("pamtester fob nobody-at-all authenticate", b"123456\n");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("Token code: "), "{text}");
    assert!(text.contains("Authentication failure"), "{text}");
    assert_ne!(output.status.code(), Some(0));
}

#[test]
fn nullok_lets_nobody_in_by_a_mistyped_name() {
    let host = Host::shared();
    let output = host.try_feed("pamtester fob-nullok nobody-there authenticate", b"123456\n");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("Token code: "), "{text}");
    assert_ne!(output.status.code(), Some(0));
}
