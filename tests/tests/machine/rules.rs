//! Rules of fobd.conf through OpenSSH: who is not asked signs in by the rest of the stack, and
//! nobody else does.

use fob_tests::host::{Door, Host};

#[test]
fn whom_a_rule_exempts_signs_in_with_the_password_alone_and_nobody_else_does() {
    let host = Host::start();
    let ((alice, _), (bob, _)) =
        (host.person_with_button_token("alice"), host.person_with_button_token("bob"));
    host.shell(&format!(
        "printf '%s\\n' '[[rule]]' 'user = \"{}\"' 'service = \"sshd-password\"' 'network = \"127.0.0.0/8\"' \
           'ask = \"ignore\"' >>/etc/fob/fobd.conf
         /usr/sbin/fobd --check-config
         systemctl restart fobd",
        alice.name
    ));
    let seen = host.ssh(Door::PasswordThenCode, &alice.name).password(alice.password).run();
    seen.assert_runs_as(&alice.name);
    assert!(!seen.asked_for_a_code(), "{seen:?}");
    assert_eq!(host.verdicts(&alice.name), ["exempt"]);
    let wrong = host.ssh(Door::PasswordThenCode, &alice.name).password("wrong").run();
    wrong.assert_did_not_run_as(&alice.name);
    let other = host.ssh(Door::PasswordThenCode, &bob.name).password(bob.password).run();
    other.assert_refused_at_the_code(&bob.name);
    let told = host.shell(&format!(
        "fobctl explain --user {} --service sshd-password --rhost 127.0.0.1",
        alice.name
    ));
    assert!(told.contains(" is not asked for a code: rule 1 "), "{told}");
}

#[test]
fn in_observe_mode_nobody_is_asked_and_the_report_names_who_has_no_token() {
    let host = Host::start();
    let (alice, _) = host.person_with_button_token("alice");
    host.shell("sed -i '1i mode = \"observe\"' /etc/fob/fobd.conf && systemctl restart fobd");
    let seen = host.ssh(Door::PasswordThenCode, &alice.name).password(alice.password).run();
    seen.assert_runs_as(&alice.name);
    assert!(!seen.asked_for_a_code(), "{seen:?}");
    let report = host.shell("fobctl report");
    assert!(report.contains("All who would be asked have a token."), "{report}");
    assert!(host.shell("fobctl status").contains("NOTHING IS ENFORCED"));
}
