//! Password and code in one answer, to a program of a single field: root's, and the user's own.

use fob_tests::host::{Host, Person};

/// Runs the program, and tells whether it let the user in.
#[track_caller]
fn lets_in(host: &Host, program: &str, alice: &Person, answer: &str) -> bool {
    let command = format!("{program} locker {} authenticate", alice.name);
    host.try_feed(&command, format!("{answer}\n").as_bytes()).status.success()
}

#[test]
fn a_program_of_one_field_is_enabled_and_asks_for_password_and_code_in_one_answer() {
    let host = Host::start();
    let (alice, mut token) = host.person_with_button_token("alice");
    host.shell(
        "printf '@include common-auth\\n@include common-account\\n' >/etc/pam.d/locker
         fobctl enable --yes --without-revert --i-will-be-locked-out \"$(hostname)\" \
           locker --with one-field",
    );
    let listed = host.shell("fobctl enable");
    assert!(listed.lines().any(|line| line.contains("locker") && line.contains("in one field")));
    // A screen locker has the user's own rights: unix_chkpwd looks at his password, and fobd is
    // asked by the system bus.
    let own = format!("runuser -u {} -- pamtester", alice.name);
    for program in ["pamtester", &own] {
        let code = token.next_code();
        let password = alice.password;
        assert!(!lets_in(&host, program, &alice, password), "{program}");
        assert!(!lets_in(&host, program, &alice, &code), "{program}");
        assert!(!lets_in(&host, program, &alice, &format!("wrong {password}{code}")), "{program}");
        assert!(lets_in(&host, program, &alice, &format!("{password}{code}")), "{program}");
        assert!(!lets_in(&host, program, &alice, &format!("{password}{code}")), "{program}");
    }
    assert_eq!(host.verdicts(&alice.name), ["accept", "replay", "accept", "replay"]);
    host.shell("fobctl disable --yes locker");
    assert!(lets_in(&host, "pamtester", &alice, alice.password));
}
