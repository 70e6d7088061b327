//! Ways in without the token: recovery codes, a temporary code, and emergency codes while the
//! daemon is down.

use fob_tests::host::{Door, Host, Person, Transcript};

fn ssh(host: &Host, user: &Person, code: &str) -> Transcript {
    host.ssh(Door::KeyThenCode, &user.name).code(code).run()
}

/// A machine whose daemon cannot start, and an administrator with ten emergency codes.
fn machine_without_its_daemon() -> (Host, Person, Vec<String>) {
    let host = Host::start();
    let alice = host.person("alice");
    host.shell(&format!("usermod -aG sudo {}", alice.name));
    let codes = host.codes_to_keep(&format!("fobctl emergency {}", alice.name));
    assert_eq!(codes.len(), 10);
    // Its socket stays: who asks there starts it each time, in vain.
    host.shell("systemctl stop fobd && mv /var/lib/fobd /root");
    (host, alice, codes)
}

#[test]
fn a_recovery_code_signs_in_once() {
    let host = Host::shared();
    let (alice, _) = host.person_with_clock_token("alice");
    let codes = host.codes_to_keep(&format!("fobctl recovery {}", alice.name));
    assert_eq!(codes.len(), 10);
    let seen = ssh(host, &alice, &codes[3]);
    seen.assert_signed_in_as(&alice.name);
    assert_eq!(seen.last_prompt(), "Token code: ");
    let again = host.in_turn(&alice.name, || ssh(host, &alice, &codes[3]));
    again.assert_refused_at_the_code(&alice.name);
    assert_eq!(host.verdicts(&alice.name).last().map(String::as_str), Some("reject"));
    let other = host.in_turn(&alice.name, || ssh(host, &alice, &codes[0]));
    other.assert_signed_in_as(&alice.name);
}

#[test]
fn a_temporary_code_signs_in_once_and_its_reason_is_in_the_journal() {
    let host = Host::shared();
    let (alice, _) = host.person_with_clock_token("alice");
    let command = format!("fobctl bypass {} --for 1h --reason 'left it at home'", alice.name);
    let codes = host.codes_to_keep(&command);
    let [code] = codes.as_slice() else { panic!("one code: {}", codes.len()) };
    ssh(host, &alice, code).assert_signed_in_as(&alice.name);
    let again = host.in_turn(&alice.name, || ssh(host, &alice, code));
    again.assert_refused_at_the_code(&alice.name);
    assert_eq!(host.verdicts(&alice.name).last().map(String::as_str), Some("reject"));
    let told = host.journal(&format!("user=\"{}\"", alice.name));
    assert!(told.iter().any(|line| line.contains("left it at home")), "{told:?}");
}

#[test]
fn without_the_daemon_an_emergency_code_signs_in_over_ssh_once() {
    let (host, alice, codes) = machine_without_its_daemon();
    let seen = ssh(&host, &alice, &codes[6]);
    seen.assert_signed_in_as(&alice.name);
    assert_eq!(seen.last_prompt(), "Emergency code: ");
    assert!(seen.says("Emergency code used. 9 are left."), "{seen:?}");
    ssh(&host, &alice, &codes[6]).assert_refused_at_the_code(&alice.name);
}

#[test]
fn without_the_daemon_an_emergency_code_is_taken_by_sudo_once() {
    let (host, alice, codes) = machine_without_its_daemon();
    let sudo = || host.sudo(&alice).password(alice.password).code(&codes[0]).run();
    let seen = sudo();
    seen.assert_signed_in_as("root");
    assert_eq!(seen.last_prompt(), "Emergency code: ");
    sudo().assert_refused_at_the_code("root");
}

#[test]
fn without_the_daemon_a_used_emergency_code_looks_like_one_of_a_user_without_codes() {
    let (host, alice, codes) = machine_without_its_daemon();
    let carol = host.person("carol");
    ssh(&host, &alice, &codes[0]).assert_signed_in_as(&alice.name);
    let refused = |user: &Person| {
        let seen = ssh(&host, user, &codes[0]);
        assert_eq!(seen.last_prompt(), "Emergency code: ");
        seen.assert_refused_at_the_code(&user.name);
        seen.of_anybody(&user.name)
    };
    assert_eq!(refused(&alice), refused(&carol));
}
