//! What becomes of a sign-in when the token is replaced, lost, or has a wrong clock.

use fob_tests::host::{Door, Host};
use fob_tests::soft_token::{Algorithm, SoftToken};

#[test]
fn after_a_rotation_only_the_new_token_signs_in() {
    let host = Host::shared();
    let (alice, mut old) = host.person_with_button_token("alice");
    let mut new = host.button_token("N");
    let codes = new.show_pair(host.now());
    host.with_codes(&format!("fobctl rotate {} {}", alice.name, new.serial()), &codes);
    let refused = host.ssh(Door::KeyThenCode, &alice.name).code(&old.next_code()).run();
    refused.assert_refused_at_the_code(&alice.name);
    let seen = host.ssh(Door::KeyThenCode, &alice.name).code(&new.next_code()).run();
    seen.assert_signed_in_as(&alice.name);
    assert_eq!(host.verdicts(&alice.name), ["reject", "accept"]);
}

#[test]
fn a_lost_token_never_signs_in_again() {
    let host = Host::shared();
    let (alice, mut token) = host.person_with_button_token("alice");
    host.shell(&format!("fobctl deactivate {} --lost", alice.name));
    let refused = host.ssh(Door::KeyThenCode, &alice.name).code(&token.next_code()).run();
    refused.assert_refused_at_the_code(&alice.name);
    let codes = token.show_pair(host.now());
    let output = host.try_feed(
        &format!("fobctl assign {} {}", alice.name, token.serial()),
        format!("{}\n{}\n", codes[0], codes[1]).as_bytes(),
    );
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_token_whose_clock_ran_away_signs_in_after_a_resync() {
    let host = Host::shared();
    let (alice, mut token) = host.person_with_clock_token("alice");
    token.set_drift(1200);
    let code = token.code_at(host.now());
    let refused = host.ssh(Door::KeyThenCode, &alice.name).code(&code).run();
    refused.assert_refused_at_the_code(&alice.name);
    let codes = token.show_pair(host.now());
    host.with_codes(&format!("fobctl resync {}", alice.name), &codes);
    let code = token.next_code();
    let seen = host.ssh(Door::KeyThenCode, &alice.name).code(&code).run();
    seen.assert_signed_in_as(&alice.name);
    assert_eq!(host.verdicts(&alice.name), ["reject", "accept"]);
}

#[test]
fn a_user_resyncs_his_own_token() {
    let host = Host::shared();
    let (alice, mut token) = host.person_with_clock_token("alice");
    token.set_drift(1200);
    let codes = token.show_pair(host.now());
    host.with_codes(&format!("runuser -u {} -- fobctl resync", alice.name), &codes);
    let code = token.next_code();
    let seen = host.ssh(Door::KeyThenCode, &alice.name).code(&code).run();
    seen.assert_signed_in_as(&alice.name);
}

#[test]
fn a_token_whose_clock_is_ten_minutes_slow_signs_in() {
    let host = Host::shared();
    let alice = host.person("alice");
    let mut token = SoftToken::with_clock(&format!("S-{}", alice.name)).drift(-600);
    host.import(&token.oath_line());
    let codes = token.show_pair(host.now());
    host.assign(&alice, token.serial(), &codes);
    let code = token.next_code();
    let seen = host.ssh(Door::KeyThenCode, &alice.name).code(&code).run();
    seen.assert_signed_in_as(&alice.name);
}

#[test]
fn a_token_with_eight_digits_sha256_and_sixty_seconds_signs_in() {
    let host = Host::shared();
    let alice = host.person("alice");
    let mut token = SoftToken::with_clock(&format!("P-{}", alice.name))
        .algorithm(Algorithm::SHA256)
        .digits(8)
        .period(60);
    host.import(&token.pskc_file());
    let codes = token.show_pair(host.now());
    host.assign(&alice, token.serial(), &codes);
    let code = token.next_code();
    assert_eq!(code.len(), 8);
    let seen = host.ssh(Door::KeyThenCode, &alice.name).code(&code).run();
    seen.assert_signed_in_as(&alice.name);
}

#[test]
fn a_token_from_an_entra_file_signs_in() {
    let host = Host::shared();
    let alice = host.person("alice");
    let mut token = SoftToken::with_clock(&format!("E-{}", alice.name));
    let head = "upn,serial number,secret key,time interval,manufacturer,model\n";
    host.import(&format!("{head}{}", token.entra_line(&format!("{}@example.org", alice.name))));
    let codes = token.show_pair(host.now());
    host.assign(&alice, token.serial(), &codes);
    let code = token.next_code();
    let seen = host.ssh(Door::KeyThenCode, &alice.name).code(&code).run();
    seen.assert_signed_in_as(&alice.name);
}

#[test]
fn presses_in_the_pocket_do_not_lock_a_button_token_out() {
    let host = Host::shared();
    let (alice, mut token) = host.person_with_button_token("alice");
    for _ in 0..9 {
        token.next_code();
    }
    let seen = host.ssh(Door::KeyThenCode, &alice.name).code(&token.next_code()).run();
    seen.assert_signed_in_as(&alice.name);
}
