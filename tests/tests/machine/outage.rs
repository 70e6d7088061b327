//! What happens to sign-ins while the daemon or the bus is away: refused, soon, and said so.
//! Each test breaks a machine of its own.

use std::time::{Duration, Instant};

use fob_tests::host::{Door, Host, Person, Transcript};
use fob_tests::soft_token::SoftToken;

/// What the person reads (pam-module's outcome).
const SORRY: &str = "Codes cannot be checked at the moment.";
/// The module's own deadline is 5 s; the rest is ssh's and a busy machine's.
const SOON: Duration = Duration::from_secs(15);

fn sign_in(host: &Host, alice: &Person, token: &mut SoftToken) -> (Transcript, Duration) {
    let begun = Instant::now();
    let seen = host.ssh(Door::KeyThenCode, &alice.name).code(&token.next_code()).run();
    (seen, begun.elapsed())
}

/// Breaks a machine, sees the refusal, mends it, and sees that sign-ins work again.
fn refused_between(broken: &str, mended: &str) {
    let host = Host::start();
    let (alice, mut token) = host.person_with_button_token("alice");
    sign_in(&host, &alice, &mut token).0.assert_signed_in_as(&alice.name);
    host.shell(broken);
    let (seen, took) = sign_in(&host, &alice, &mut token);
    seen.assert_refused_at_the_code(&alice.name);
    assert!(seen.says(SORRY), "{seen:?}");
    assert!(took < SOON, "it took {took:?}");
    host.shell(mended);
    sign_in(&host, &alice, &mut token).0.assert_signed_in_as(&alice.name);
}

#[test]
fn a_stopped_daemon_refuses_everybody_at_once() {
    refused_between("systemctl stop fobd.socket fobd", "systemctl start fobd");
}

#[test]
fn a_masked_daemon_refuses_everybody_at_once() {
    // Its socket is open, and who asks there would start it. A unit in /etc can be masked only in
    // its own place.
    refused_between(
        "systemctl stop fobd && mv /etc/systemd/system/fobd.service /root && systemctl mask fobd",
        "systemctl unmask fobd && mv /root/fobd.service /etc/systemd/system &&
         systemctl daemon-reload && systemctl start fobd",
    );
}

#[test]
fn a_hung_daemon_refuses_within_the_deadline() {
    refused_between(
        "kill -STOP $(systemctl show --value -p MainPID fobd)",
        "kill -CONT $(systemctl show --value -p MainPID fobd)",
    );
}

#[test]
fn a_module_that_is_not_there_refuses() {
    let host = Host::start();
    let (alice, mut token) = host.person_with_button_token("alice");
    host.shell("mv $(find /usr/lib -name pam_fob.so) /root");
    let seen = sign_in(&host, &alice, &mut token).0;
    seen.assert_did_not_run_as(&alice.name);
    assert!(seen.says("Permission denied"), "{seen:?}");
}

#[test]
fn a_machine_that_lost_its_tokens_lets_nobody_in_by_nullok() {
    let host = Host::start();
    let carol = host.person("carol");
    host.ssh(Door::KeyThenCodeIfAny, &carol.name).run().assert_runs_as(&carol.name);
    host.shell("systemctl stop fobd.socket fobd && mv /var/lib/fobd /var/lib/lost");
    // Whoever installs again, as administrators do when something is broken, makes no empty house.
    let output = host.try_feed("/opt/fob/packaging/install --binaries /opt/fob", b"");
    assert_ne!(output.status.code(), Some(0));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("is missing, and this host is not new"), "{said}");
    // Nor does it begin without tokens where somebody starts it all the same.
    assert_ne!(host.try_feed("systemctl start fobd", b"").status.code(), Some(0));
    assert!(!host.journal("there is no token database").is_empty());
    let seen = host.ssh(Door::KeyThenCodeIfAny, &carol.name).run();
    seen.assert_did_not_run_as(&carol.name);
    assert!(seen.says(SORRY), "{seen:?}");
}

/// Kills the daemon and waits until systemd has started it again.
fn kill_and_wait(host: &Host) {
    host.shell(
        "kill -KILL $(systemctl show --value -p MainPID fobd)
         until [ \"$(systemctl show --value -p NRestarts fobd)\" = 1 ] &&
           systemctl is-active --quiet fobd; do sleep 0.1; done",
    );
}

#[test]
fn after_a_kill_the_prompt_says_to_wait_and_the_shown_code_is_refused() {
    let host = Host::start();
    let (alice, mut token) = host.person_with_clock_token("alice");
    kill_and_wait(&host);
    let seen = sign_in(&host, &alice, &mut token).0;
    assert_eq!(seen.last_prompt(), "Wait for the next code: ");
    seen.assert_refused_at_the_code(&alice.name);
    assert_eq!(host.verdicts(&alice.name), ["replay"]);
}

#[test]
fn after_a_restart_nobody_waits() {
    let host = Host::start();
    let (alice, mut token) = host.person_with_clock_token("alice");
    host.shell("systemctl restart fobd");
    let seen = sign_in(&host, &alice, &mut token).0;
    assert_eq!(seen.last_prompt(), "Token code: ");
    seen.assert_signed_in_as(&alice.name);
}

#[test]
fn a_killed_daemon_is_back_at_once_and_forgets_nothing() {
    let host = Host::start();
    let (alice, mut token) = host.person_with_button_token("alice");
    let code = token.next_code();
    let with = |code: &str| host.ssh(Door::KeyThenCode, &alice.name).code(code).run();
    with(&code).assert_signed_in_as(&alice.name);
    kill_and_wait(&host);
    with(&code).assert_refused_at_the_code(&alice.name);
    with(&token.next_code()).assert_signed_in_as(&alice.name);
    assert_eq!(host.verdicts(&alice.name), ["accept", "replay", "accept"]);
}

#[test]
fn sign_ins_as_root_do_not_need_the_bus() {
    let host = Host::start();
    let (alice, mut token) = host.person_with_button_token("alice");
    host.shell("kill -STOP $(systemctl show --value -p MainPID dbus)");
    let output = host.try_feed(
        &format!("timeout 20 pamtester fob {} authenticate", alice.name),
        format!("{}\n", token.next_code()).as_bytes(),
    );
    host.shell("kill -CONT $(systemctl show --value -p MainPID dbus || cat /run/dbus/pid)");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

/// As after a boot whose credential, TPM or key file did not come.
#[test]
fn without_its_key_the_daemon_says_so_and_only_an_emergency_code_signs_in() {
    let host = Host::start();
    let (alice, mut token) = host.person_with_button_token("alice");
    host.shell(&format!("usermod -aG sudo {}", alice.name));
    let codes = host.codes_to_keep(&format!("fobctl emergency {}", alice.name));
    let carol = host.person("carol");
    host.shell(
        "systemctl stop fobd && mv /var/lib/fobd/master.key /root
         systemctl start --no-block fobd",
    );
    let refused = |door: Door, user: &Person, code: &str| {
        let seen = host.ssh(door, &user.name).code(code).run();
        seen.assert_refused_at_the_code(&user.name);
        assert_eq!(seen.last_prompt(), "Emergency code: ");
        seen
    };
    let seen = refused(Door::KeyThenCode, &alice, &token.next_code());
    assert!(seen.says(SORRY), "{seen:?}");
    // Who has no token is not let in by nullok either, for nobody can say so.
    refused(Door::KeyThenCodeIfAny, &carol, "123456");
    let seen = host.ssh(Door::KeyThenCode, &alice.name).code(&codes[0]).run();
    seen.assert_signed_in_as(&alice.name);
    refused(Door::KeyThenCode, &alice, &codes[0]);
    let said = host.journal("the master key");
    assert!(said.iter().any(|line| line.contains("master.key")), "{said:?}");
    host.shell("! test -e /var/lib/fobd/master.key");
    // It is tried again for ever: with the key back, nobody has to start it.
    host.shell(
        "mv /root/master.key /var/lib/fobd
         until systemctl is-active --quiet fobd; do sleep 0.1; done",
    );
    sign_in(&host, &alice, &mut token).0.assert_signed_in_as(&alice.name);
}
