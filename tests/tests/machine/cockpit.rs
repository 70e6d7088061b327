//! Signing in at Cockpit's login page, with Debian's cockpit-ws and cockpit-bridge.
//!
//! Honest limits: curl stands in for the browser, and says what login.js would show; a real browser is in
//! `tests/cockpit/login`. Cockpit of Debian 12 (287), which answers sudo's prompts for the code with the
//! password.

use std::sync::OnceLock;

use fob_tests::host::{Host, Person, Remembered, Transcript};

const CODE: &str = "Token code: ";
const NEXT: &str = "Wait for the next code: ";
const PAIR: &str = "Two codes in a row, with a space: ";
/// What the page says of every code that is refused; 403 is how it gets to know.
const NOT_ACCEPTED: &str = "The code was not accepted. Wait for the next one, and sign in again.";
/// Counters on either side of a button token's in which no code of these tests is wrong.
const FAR: u64 = 50;
/// A password that could be a code, and its hash (`openssl passwd -6`).
const DIGITS: &str = "246810";
/// See [`DIGITS`].
const DIGITS_HASH: &str = "$6$digits$svOzieUKoRkaMOipOL9p5M47Zayvff2yrQflyThAbV8ZCIWpDbxezm2sIq3g2FYaiPhvx4zj6mAbVufwLAFbn0";

/// The machine that these tests share, on which the page asks for the code.
fn machine() -> &'static Host {
    static SHARED: OnceLock<Host> = OnceLock::new();
    SHARED.get_or_init(|| {
        let host = Host::with_cockpit();
        host.shell("fobctl emergency root >/dev/null && fobctl enable --yes cockpit");
        host
    })
}

fn page(host: &Host, person: &Person, code: &str) -> Transcript {
    host.cockpit(person, Remembered::No).password(person.password).code(code).run()
}

#[track_caller]
fn assert_not_accepted(seen: &Transcript) {
    assert_eq!((seen.status, &seen.text[..]), (403, &[NOT_ACCEPTED.to_owned()][..]), "{seen:?}");
}

/// What `fobctl show` says of wrong codes.
fn wrong_codes(host: &Host, person: &Person) -> Vec<String> {
    let shown = host.shell(&format!("fobctl show {}", person.name));
    shown.lines().filter(|line| line.contains("wrong code")).map(str::to_owned).collect()
}

#[test]
fn the_page_asks_for_the_code_behind_the_password_and_signs_in() {
    let host = machine();
    let (alice, mut token) = host.person_with_button_token("alice");
    let seen = page(host, &alice, &token.next_code());
    seen.assert_signed_in_as(&alice.name);
    assert_eq!(seen.prompts, [CODE], "not hidden, and only for the code");
    assert_eq!(host.verdicts(&alice.name), ["accept"]);
    let line = host.journal(&format!("user=\"{}\"", alice.name));
    assert!(line.iter().any(|line| line.contains("service=\"cockpit\"")), "{line:?}");
}

#[test]
fn the_page_says_that_a_wrong_code_was_not_accepted_and_then_asks_for_the_next() {
    let host = machine();
    let (alice, mut token) = host.person_with_button_token("alice");
    let wrong = token.wrong_codes(0, FAR).next().expect("there are wrong codes");
    assert_not_accepted(&page(host, &alice, &wrong));
    let seen = page(host, &alice, &token.next_code());
    seen.assert_signed_in_as(&alice.name);
    assert_eq!(seen.prompts, [NEXT]);
    assert_eq!(host.verdicts(&alice.name), ["reject", "accept"]);
}

#[test]
fn the_page_says_the_same_of_a_used_code() {
    let host = machine();
    let (alice, mut token) = host.person_with_button_token("alice");
    let code = token.next_code();
    page(host, &alice, &code).assert_signed_in_as(&alice.name);
    assert_not_accepted(&page(host, &alice, &code));
    assert_eq!(page(host, &alice, "").prompts, [NEXT]);
    assert_eq!(host.verdicts(&alice.name), ["accept", "replay"]);
}

#[test]
fn after_five_wrong_codes_the_page_asks_for_two_in_a_row_and_takes_them() {
    let host = machine();
    let (alice, mut token) = host.person_with_button_token("alice");
    for wrong in token.wrong_codes(0, FAR).take(5) {
        assert_not_accepted(&page(host, &alice, &wrong));
    }
    let single = page(host, &alice, &token.next_code());
    assert_eq!(single.prompts, [PAIR]);
    assert_not_accepted(&single);
    let pair = format!("{} {}", token.next_code(), token.next_code());
    let both = host.in_turn(&alice.name, || page(host, &alice, &pair));
    both.assert_signed_in_as(&alice.name);
}

#[test]
fn the_page_says_of_a_wrong_password_what_it_always_says() {
    let host = machine();
    let (alice, mut token) = host.person_with_button_token("alice");
    let sign_in = host.cockpit(&alice, Remembered::No).password("wrong").code(&token.next_code());
    let seen = sign_in.run();
    // In a conversation; Debian's stack asks for the code behind a wrong password, too.
    assert_eq!((seen.status, &seen.text[..]), (401, &["Authentication failed".into()][..]));
}

#[test]
fn somebody_without_a_token_sees_what_somebody_with_a_wrong_code_sees() {
    let host = machine();
    let (alice, token) = host.person_with_button_token("alice");
    let bob = host.person("bob");
    let wrong = token.wrong_codes(0, FAR).next().expect("there are wrong codes");
    let seen = page(host, &bob, &wrong);
    assert_not_accepted(&seen);
    let hers = page(host, &alice, &wrong);
    assert_eq!(seen.of_anybody(&bob.name), hers.of_anybody(&alice.name));
}

#[test]
fn the_sudo_that_the_page_remembers_leaves_the_budget_of_wrong_codes_as_it_was() {
    let host = machine();
    let (mut alice, mut token) = host.person_with_button_token("alice");
    host.shell(&format!(
        "usermod --password '{DIGITS_HASH}' {0}
         echo 'Defaults:{0} passwd_tries=3' >/etc/sudoers.d/zz-{0}
         grep -q 'pam_fob.so debug' /etc/pam.d/sudo || sed -i 's/^auth required pam_fob.so/& debug/' /etc/pam.d/sudo",
        alice.name
    ));
    alice.password = DIGITS;
    let wrong = token.wrong_codes(0, FAR).next().expect("there are wrong codes");
    let seen = host.on_a_terminal_as(&alice.name, &["sudo", "-k", "id", "-un"]);
    seen.password(DIGITS).code(&wrong).run().assert_refused_at_the_code("root");
    let before = wrong_codes(host, &alice);
    assert_eq!(before.len(), 1, "{before:?}");

    let code = token.next_code();
    let seen = host.cockpit(&alice, Remembered::Yes).password(DIGITS).code(&code).run();
    seen.assert_signed_in_as(&alice.name);
    let junk = format!("(sudo) user \"{}\" from \"\": the answer cannot be a code", alice.name);
    assert_eq!(host.journal(&junk).len(), 3, "sudo was answered with the password each time");
    assert_eq!(wrong_codes(host, &alice), before);
    assert_eq!(host.verdicts(&alice.name), ["reject", "accept"]);
}

#[test]
fn without_fobd_the_page_says_so_and_sudo_without_a_terminal_says_nothing_of_it() {
    const SORRY: &str = "Codes cannot be checked at the moment. Ask your administrator.";
    let host = Host::with_cockpit();
    host.shell("fobctl emergency root >/dev/null && fobctl enable --yes cockpit");
    let (alice, mut token) = host.person_with_button_token("alice");
    host.shell("systemctl mask --now --runtime --quiet fobd.socket fobd");
    let seen = page(&host, &alice, &token.next_code());
    assert_eq!(seen.prompts, ["Emergency code: "]);
    assert_eq!((seen.status, &seen.text[..]), (403, &[SORRY.to_owned()][..]), "{seen:?}");

    let answers = format!("{}\n123456\n", alice.password);
    let command = format!("runuser -u {} -- setsid -w sudo -S id -un", alice.name);
    let output = host.try_feed(&command, answers.as_bytes());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("Emergency code: "), "{text}");
    assert!(output.stdout.is_empty() && !text.contains("Codes cannot"), "{output:?}");
}

#[test]
fn doctor_finds_nothing_wrong_with_debians_stack_of_the_page() {
    let output = machine().try_feed("fobctl doctor cockpit", b"");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("WARNING"), "of the host, at least: {text}");
    assert!(!text.contains("cockpit"), "{text}");
}

#[test]
fn the_installation_brings_the_page_of_tokens_where_cockpit_is_and_nowhere_else() {
    let listed = machine().shell("cockpit-bridge --packages");
    assert!(listed.lines().any(|line| line.starts_with("fob")), "{listed}");
    Host::shared().shell("[ ! -e /usr/share/cockpit ]");
}
