//! The profile for authselect, as authselect writes it into PAM's files.

use super::Host;
use crate::doctor::{
    control::Return,
    pam::{What, stack},
    stack::run,
};

/// The two stacks of the profile, which are the same.
const STACKS: [&str; 2] = [
    include_str!("../../../../packaging/authselect/fob/system-auth"),
    include_str!("../../../../packaging/authselect/fob/password-auth"),
];

/// Does with a template what authselect-profiles(5) says of the operators that are used here.
fn written(template: &str, features: &[&str]) -> String {
    template
        .lines()
        .filter_map(|line| line_of(line, features))
        .fold(String::new(), |text, line| text + &line + "\n")
}

fn line_of(line: &str, features: &[&str]) -> Option<String> {
    let mut rest = line;
    let mut text = String::new();
    while let Some((before, behind)) = rest.split_once('{') {
        let (operator, after) = behind.split_once('}').unwrap();
        text += before;
        rest = after;
        let mut quoted = operator.split('"');
        let (words, feature, value) =
            (quoted.next().unwrap(), quoted.next().unwrap(), quoted.next().unwrap());
        let is_on = features.contains(&feature);
        match words {
            "include if " if !is_on => return None,
            "include if " => {}
            "if " | "if not " => {
                let (on, off) = {
                    let value = value.strip_prefix(':').unwrap();
                    value.split_once('|').unwrap_or((value, ""))
                };
                text += if is_on == (words == "if ") { on } else { off };
            }
            _ => panic!("{line}"),
        }
    }
    Some(text + rest)
}

/// Fedora with the profile: a service that includes the stack, and one that has it as a substack.
fn host(features: &[&str]) -> Host {
    let [system, password] = STACKS.map(|template| written(template, features));
    Host::fedora()
        .file("/etc/pam.d/system-auth", &system)
        .file("/etc/pam.d/password-auth", &password)
        .file("/etc/pam.d/sudo", "auth include system-auth\naccount include system-auth\n")
        .file("/etc/pam.d/su", "auth sufficient pam_rootok.so\nauth substack password-auth\n")
        .file("/usr/lib64/security/pam_rootok.so", "")
}

#[test]
fn the_profile_for_authselect_asks_for_the_code_behind_the_password_and_is_well() {
    for others in [&[][..], &["with-faillock"], &["with-mkhomedir", "without-nullok"]] {
        for ours in [&["with-fob"][..], &["with-fob", "with-fob-nullok"]] {
            host(&[ours, others].concat()).is_well();
        }
    }
}

#[test]
fn without_its_feature_the_profile_for_authselect_does_not_name_the_module() {
    for features in [&[][..], &["with-faillock", "with-fob-nullok"]] {
        for template in STACKS {
            assert!(!written(template, features).contains("pam_fob"), "{features:?}");
        }
    }
    assert_eq!(STACKS[0], STACKS[1]);
}

/// The code is asked for, and it alone opens, whoever knows the password: this host or SSSD, which may
/// not be there. A wrong password asks for none.
#[test]
fn in_authselects_profile_the_right_password_and_the_right_code_let_in() {
    let cases = [
        // The password of a user of this host, of one of SSSD, of one without SSSD; then wrong ones.
        (Return::SUCCESS, Return::SUCCESS, true),
        (Return("user_unknown"), Return::SUCCESS, true),
        (Return::SUCCESS, Return::MODULE_UNKNOWN, true),
        (Return::AUTH_ERR, Return::AUTH_ERR, false),
        (Return::AUTH_ERR, Return::MODULE_UNKNOWN, false),
    ];
    for features in [&["with-fob"][..], &["with-fob", "with-faillock"]] {
        let host = host(features);
        for service in ["sudo", "su"] {
            let stack = stack(&host.ground(), service).unwrap();
            for (unix, sss, is_right) in cases {
                for code in [Return::SUCCESS, Return::AUTH_ERR] {
                    let name = |at: usize| match &stack.entries[at].what {
                        What::Module(module) => module.name(),
                        _ => "",
                    };
                    let run = run(&stack.entries, &|at| match name(at) {
                        "pam_unix.so" => unix,
                        "pam_sss.so" => sss,
                        "pam_fob.so" => code,
                        "pam_permit.so" => Return::SUCCESS,
                        // Not root.
                        "pam_deny.so" | "pam_rootok.so" => Return::AUTH_ERR,
                        // "preauth" has no opinion; "authfail" is reached by who gave a wrong password.
                        "pam_faillock.so" if at > 5 => Return::AUTH_ERR,
                        _ => Return::IGNORE,
                    });
                    assert_eq!(run.lets_in(), is_right && code == Return::SUCCESS, "{service}");
                    let is_asked = run.reached.iter().any(|at| name(*at) == "pam_fob.so");
                    assert_eq!(is_asked, is_right, "{service}");
                }
            }
        }
    }
}
