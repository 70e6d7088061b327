//! Signing in through OpenSSH.

use fob_tests::host::{Door, Host};

#[test]
fn a_key_and_a_code_sign_in() {
    let host = Host::shared();
    let (alice, mut token) = host.person_with_clock_token("alice");
    let code = token.next_code();
    let seen = host.ssh(Door::KeyThenCode, &alice.name).code(&code).run();
    seen.assert_signed_in_as(&alice.name);
    assert_eq!(seen.prompts, [format!("({}@127.0.0.1) Token code: ", alice.name)]);
    assert_eq!(host.verdicts(&alice.name), ["accept"]);
}

#[test]
fn a_password_and_a_code_sign_in() {
    let host = Host::shared();
    let (alice, mut token) = host.person_with_clock_token("alice");
    let code = token.next_code();
    let seen =
        host.ssh(Door::PasswordThenCode, &alice.name).password(alice.password).code(&code).run();
    seen.assert_signed_in_as(&alice.name);
    assert_eq!(seen.prompts.len(), 2, "one prompt for each: {seen:?}");
}

#[test]
fn a_wrong_password_is_never_asked_for_a_code() {
    let host = Host::shared();
    let (alice, mut token) = host.person_with_clock_token("alice");
    let code = token.next_code();
    let seen = host.ssh(Door::PasswordThenCode, &alice.name).password("wrong").code(&code).run();
    seen.assert_did_not_run_as(&alice.name);
    assert!(!seen.asked_for_a_code(), "{seen:?}");
    assert!(host.verdicts(&alice.name).is_empty());
}

#[test]
fn a_key_without_a_code_does_not_sign_in() {
    let host = Host::shared();
    let (alice, _) = host.person_with_clock_token("alice");
    let seen = host.ssh(Door::KeyThenCode, &alice.name).run();
    seen.assert_refused_at_the_code(&alice.name);
    assert!(seen.says("Permission denied (keyboard-interactive)"), "{seen:?}");
    assert!(host.verdicts(&alice.name).is_empty(), "an empty answer is no guess");
}

#[test]
fn a_client_that_cannot_ask_is_refused() {
    let host = Host::shared();
    let (alice, _) = host.person_with_clock_token("alice");
    let output =
        host.try_feed(&format!("ssh -o BatchMode=yes {}@127.0.0.1 id -un", alice.name), b"");
    assert_eq!(output.status.code(), Some(255));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("Permission denied (keyboard-interactive)"), "{text}");
}

#[test]
fn a_wrong_code_is_refused() {
    let host = Host::shared();
    let (alice, token) = host.person_with_clock_token("alice");
    let wrong = token.wrong_code(token.step_at(host.now()), 100);
    let seen = host.ssh(Door::KeyThenCode, &alice.name).code(&wrong).run();
    seen.assert_refused_at_the_code(&alice.name);
    assert_eq!(host.verdicts(&alice.name), ["reject"]);
}

#[test]
fn a_spent_code_is_refused() {
    let host = Host::shared();
    let (alice, mut token) = host.person_with_clock_token("alice");
    let code = token.next_code();
    let sign_in = || host.ssh(Door::KeyThenCode, &alice.name).code(&code).run();
    sign_in().assert_signed_in_as(&alice.name);
    sign_in().assert_refused_at_the_code(&alice.name);
    assert_eq!(host.verdicts(&alice.name), ["accept", "replay"]);
}

#[test]
fn a_code_that_was_spent_on_the_assignment_is_refused() {
    let host = Host::shared();
    let (alice, mut token) = (host.person("alice"), host.button_token("A"));
    let codes = token.show_pair(host.now());
    host.assign(&alice, token.serial(), &codes);
    let seen = host.ssh(Door::KeyThenCode, &alice.name).code(&codes[1]).run();
    seen.assert_refused_at_the_code(&alice.name);
    assert_eq!(host.verdicts(&alice.name), ["replay"]);
}

#[test]
fn the_code_of_another_users_token_is_refused() {
    let host = Host::shared();
    let (alice, _) = host.person_with_clock_token("alice");
    let (bob, mut bobs) = host.person_with_clock_token("bob");
    let code = bobs.next_code();
    let seen = host.ssh(Door::KeyThenCode, &alice.name).code(&code).run();
    seen.assert_refused_at_the_code(&alice.name);
    assert_eq!(host.verdicts(&alice.name), ["reject"]);
    // It was not spent by the attempt.
    host.ssh(Door::KeyThenCode, &bob.name).code(&code).run().assert_signed_in_as(&bob.name);
}

#[test]
fn a_user_without_a_token_is_asked_and_refused() {
    let host = Host::shared();
    let carol = host.person("carol");
    let seen = host.ssh(Door::KeyThenCode, &carol.name).code("123456").run();
    seen.assert_refused_at_the_code(&carol.name);
    assert_eq!(host.verdicts(&carol.name), ["unassigned"]);
}

#[test]
fn a_user_without_a_token_signs_in_where_nullok_says_so() {
    let host = Host::shared();
    let carol = host.person("carol");
    let seen = host.ssh(Door::KeyThenCodeIfAny, &carol.name).run();
    seen.assert_runs_as(&carol.name);
    assert!(!seen.asked_for_a_code(), "{seen:?}");
}

#[test]
fn a_user_with_a_token_is_asked_in_spite_of_nullok() {
    let host = Host::shared();
    let (alice, mut token) = host.person_with_clock_token("alice");
    let wrong = token.wrong_code(token.step_at(host.now()), 100);
    let refused = host.ssh(Door::KeyThenCodeIfAny, &alice.name).code(&wrong).run();
    refused.assert_refused_at_the_code(&alice.name);
    let code = token.next_code();
    let seen = host.ssh(Door::KeyThenCodeIfAny, &alice.name).code(&code).run();
    seen.assert_signed_in_as(&alice.name);
}

#[test]
fn several_sign_ins_in_a_row_take_several_codes() {
    let host = Host::shared();
    let (alice, mut token) = host.person_with_button_token("alice");
    for _ in 0..3 {
        let code = token.next_code();
        host.ssh(Door::KeyThenCode, &alice.name).code(&code).run().assert_signed_in_as(&alice.name);
    }
    assert_eq!(host.verdicts(&alice.name), ["accept", "accept", "accept"]);
}

/// By default it does not (`PermitRootLogin prohibit-password`): sshd asks all the same, gives PAM
/// something else than what was typed, and refuses.
#[test]
fn roots_code_reaches_the_daemon_only_where_sshd_permits_root_more_than_keys() {
    let host = Host::start();
    host.shell("cp ~/.ssh/id_ed25519.pub ~/.ssh/authorized_keys");
    host.ssh(Door::KeyThenCode, "root").code("123456").run().assert_refused_at_the_code("root");
    assert!(host.verdicts("root").is_empty(), "{:?}", host.verdicts("root"));

    host.shell(
        "echo PermitRootLogin yes >/etc/ssh/sshd_config.d/11-root.conf && systemctl reload ssh",
    );
    host.ssh(Door::KeyThenCode, "root").code("123456").run().assert_refused_at_the_code("root");
    assert_eq!(host.verdicts("root").len(), 1);
}

/// What one connection may try is sshd's to say, and here it says a thousand times (CVE-2015-5600).
/// The daemon counts for the user: after five wrong codes the right one alone opens nothing.
#[test]
fn a_thousand_tries_on_one_connection_are_five_for_the_daemon() {
    const TRIES: usize = 60;
    let host = Host::start();
    let (alice, mut token) = host.person_with_button_token("alice");
    host.shell(
        "printf 'MaxAuthTries 1000\nLoginGraceTime 0\n' >/etc/ssh/sshd_config.d/00-tries.conf
         systemctl restart ssh && sshd -T | grep -qx 'maxauthtries 1000'",
    );
    let mut answers: Vec<String> = token.wrong_codes(0, 50).take(5).collect();
    answers.resize(TRIES, token.next_code());
    let report = host.feed(
        &format!(
            "export FOBTEST_FOLDER=$(mktemp -d) && cd $FOBTEST_FOLDER
             touch prompts password && cat >code
             export SSH_ASKPASS=/usr/local/lib/fobtest/askpass SSH_ASKPASS_REQUIRE=force
             devices=$(yes pam | head -n 10000 | paste -sd,)
             timeout 110 ssh -o StrictHostKeyChecking=yes -o NumberOfPasswordPrompts={TRIES} \\
               -o KbdInteractiveDevices=$devices {}@127.0.0.1 id -un </dev/null >out 2>err
             echo $? $(grep -ic 'code' prompts) $(cat out) $(cat err)",
            alice.name
        ),
        (answers.join("\n") + "\n").as_bytes(),
    );
    assert!(report.starts_with(&format!("255 {TRIES} ")), "{report}");
    assert!(report.contains("Permission denied"), "{report}");
    let verdicts = host.verdicts(&alice.name);
    assert_eq!(verdicts.len(), TRIES, "each came to the daemon: {verdicts:?}");
    assert_eq!(verdicts[..5], ["reject"; 5]);
    assert!(!verdicts.iter().any(|verdict| verdict == "accept"), "{verdicts:?}");
    let pair = token.show_pair(host.now()).join(" ");
    let ssh = || host.ssh(Door::KeyThenCode, &alice.name).code(&pair).run();
    host.in_turn(&alice.name, ssh).assert_signed_in_as(&alice.name);
}
