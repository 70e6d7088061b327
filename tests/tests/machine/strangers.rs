//! What somebody sees who is refused: the same whether the user exists, has a token, has used this
//! code already, or is under attack. Compared byte for byte, with the name replaced.

use fob_tests::host::{Door, Host, Person, Transcript};

/// Counters on either side of a button token's in which no code of these tests is wrong.
const FAR: u64 = 50;
/// Codes for who has no token: as many as a budget, and one more.
const GUESSES: [&str; 6] = ["111111", "222222", "333333", "444444", "555555", "666666"];

/// Types codes one after the other, of which none signs in.
fn refused(host: &Host, door: Door, user: &Person, codes: &[&str]) -> Vec<Transcript> {
    let one = |code: &&str| {
        let sign_in = match door {
            Door::PasswordThenCode => host.ssh(door, &user.name).password(user.password),
            Door::KeyThenCode | Door::KeyThenCodeIfAny => host.ssh(door, &user.name),
        };
        let seen = sign_in.code(code).run();
        seen.assert_refused_at_the_code(&user.name);
        seen.of_anybody(&user.name)
    };
    codes.iter().map(one).collect()
}

/// Knocks at a door that does not open.
fn knock(host: &Host, user: &str, password: &str) -> Transcript {
    let seen = host.ssh(Door::PasswordThenCode, user).password(password).code("123456").run();
    seen.assert_did_not_run_as(user);
    assert!(seen.says("Permission denied"), "{seen:?}");
    seen.of_anybody(user)
}

fn as_words(codes: &[String]) -> Vec<&str> {
    codes.iter().map(String::as_str).collect()
}

#[test]
fn in_ssh_a_wrong_code_a_used_one_and_a_user_without_a_token_look_the_same() {
    let host = Host::shared();
    for door in [Door::KeyThenCode, Door::PasswordThenCode] {
        let carol = host.person("carol");
        let (alice, token) = host.person_with_clock_token("alice");
        let wrong: Vec<String> =
            token.wrong_codes(token.step_at(host.now()), 100).take(2).collect();
        let (bob, mut bobs) = (host.person("bob"), host.button_token("B"));
        let spent = bobs.show_pair(host.now());
        host.assign(&bob, bobs.serial(), &spent);
        let used = [spent[1].as_str(), "123456"];

        let unassigned = refused(host, door, &carol, &["111111", "222222"]);
        assert_eq!(refused(host, door, &alice, &as_words(&wrong)), unassigned);
        assert_eq!(refused(host, door, &bob, &used), unassigned);

        assert_eq!(host.verdicts(&carol.name), ["unassigned", "unassigned"]);
        assert_eq!(host.verdicts(&alice.name), ["reject", "reject"]);
        assert_eq!(host.verdicts(&bob.name), ["replay", "reject"]);
    }
}

#[test]
fn in_ssh_whoever_is_asked_for_two_codes_sees_the_same_after_a_right_single_one() {
    let host = Host::shared();
    let door = Door::KeyThenCode;
    let carol = host.person("carol");
    let unassigned = refused(host, door, &carol, &GUESSES);
    assert!(unassigned.last().is_some_and(|seen| seen.last_prompt().starts_with("Two codes")));

    let (alice, mut token) = host.person_with_button_token("alice");
    let mut codes: Vec<String> = token.wrong_codes(0, FAR).take(5).collect();
    codes.push(token.next_code());
    assert_eq!(refused(host, door, &alice, &as_words(&codes)), unassigned);

    let (bob, token) = host.person_with_button_token("bob");
    let codes: Vec<String> = token.wrong_codes(0, FAR).take(6).collect();
    assert_eq!(refused(host, door, &bob, &as_words(&codes)), unassigned);
}

#[test]
fn an_unknown_user_sees_what_a_known_one_with_a_wrong_password_sees() {
    let host = Host::shared();
    let unknown = knock(host, "nobody-here", "wrong");
    let knock = |user: &str| knock(host, user, "wrong");
    assert_eq!(knock(&host.person("carol").name), unknown, "no token");
    assert_eq!(knock(&host.person_with_clock_token("alice").0.name), unknown, "a token");
    let (bob, token) = host.person_with_button_token("bob");
    let wrong: Vec<String> = token.wrong_codes(0, FAR).take(5).collect();
    refused(host, Door::PasswordThenCode, &bob, &as_words(&wrong));
    assert_eq!(knock(&bob.name), unknown, "asked for two codes");
}

#[test]
fn a_user_whom_sshd_denies_sees_what_an_unknown_one_sees_with_any_password() {
    let host = Host::shared();
    let unknown = knock(host, "nobody-here", "wrong");
    // DenyUsers of /etc/ssh/sshd_password.
    let (denied, _) = host.person_with_clock_token("denied");
    assert_eq!(knock(host, &denied.name, "wrong"), unknown);
    assert_eq!(knock(host, &denied.name, denied.password), unknown);
    assert!(host.verdicts(&denied.name).is_empty());
}

/// Where sshd asks for nothing before the code it tells PAM another answer for an unknown user, one
/// that cannot be a code. pamtester passes on what is typed.
#[test]
fn at_the_codes_prompt_an_unknown_user_sees_what_a_known_one_sees() {
    let host = Host::shared();
    let history = |user: &str, codes: &[&str]| -> Vec<String> {
        let one = |code: &&str| {
            let output = host.try_feed(
                &format!("pamtester -I rhost=192.0.2.7 fob {user} authenticate 2>&1"),
                format!("{code}\n").as_bytes(),
            );
            assert_ne!(output.status.code(), Some(0));
            String::from_utf8_lossy(&output.stdout).replace(user, "USER")
        };
        codes.iter().map(one).collect()
    };
    let unknown = history("nobody-known", &GUESSES);
    let prompts =
        ["Token code: ", "Wait for the next code: ", "Two codes in a row, with a space: "];
    for (seen, prompt) in [&unknown[0], &unknown[1], &unknown[5]].into_iter().zip(prompts) {
        assert!(seen.starts_with(prompt), "{seen}");
    }
    assert_eq!(history(&host.person("carol").name, &GUESSES), unknown);
    let (alice, mut token) = host.person_with_button_token("alice");
    let mut codes: Vec<String> = token.wrong_codes(0, FAR).take(5).collect();
    codes.push(token.next_code());
    assert_eq!(history(&alice.name, &as_words(&codes)), unknown);
}
