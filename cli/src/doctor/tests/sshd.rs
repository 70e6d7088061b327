//! Mistakes in sshd's settings. The set-ups are those of README.md.

use super::{Effective, Exempts, Host, Kind, Live, Place, Severity, examine, live};
use crate::enable::{Tree, Who, With, enabling};

const MAIN: &str = "/etc/ssh/sshd_config";
const DROP_IN: &str = "/etc/ssh/sshd_config.d/10-fob.conf";
const PAM: &str = "/etc/pam.d/sshd";
/// Debian 12's, but for comments.
const DEBIAN: &str = "\
Include /etc/ssh/sshd_config.d/*.conf
KbdInteractiveAuthentication no
UsePAM yes
X11Forwarding yes
PrintMotd no
AcceptEnv LANG LC_*
Subsystem\tsftp\t/usr/lib/openssh/sftp-server
";
const SETTINGS: &str = "\
UsePAM yes
KbdInteractiveAuthentication yes
PasswordAuthentication no
AuthenticationMethods publickey,keyboard-interactive:pam
";

impl Host {
    /// Debian, with a key and the code in ssh.
    fn sshd() -> Self {
        Self::debian()
            .file(PAM, "auth required pam_fob.so\naccount required pam_nologin.so\n")
            .file(MAIN, DEBIAN)
            .file(DROP_IN, SETTINGS)
    }

    /// The same with these settings in the place of those.
    fn sshd_with(settings: &str) -> Self {
        Self::sshd().file(DROP_IN, settings)
    }
}

#[test]
fn key_then_code_is_well() {
    Host::sshd().is_well();
}

#[test]
fn key_then_code_with_nullok_is_well() {
    Host::sshd()
        .file(PAM, "auth required pam_fob.so nullok\nauth required pam_permit.so\n")
        .is_well();
}

#[test]
fn whom_a_rule_exempts_gets_in_with_his_key_by_what_enable_puts_in() {
    let silent = |_: &str| Effective::Unknown("a test".to_owned());
    let kinds = |host: &Host, exempts| {
        let report = examine(&host.ground(), &Live { exempts, ..live(&silent) }, None);
        report.findings.iter().map(|finding| finding.kind).collect::<Vec<_>>()
    };
    let enabled = Host::sshd().file(PAM, "@include common-auth\naccount required pam_nologin.so\n");
    let (ground, tree) = (enabled.ground(), Tree::below(enabled.0.path()));
    let plan =
        enabling(&ground, &tree, &["sshd".to_owned()], (Some(With::PublicKey), &Who::AsBefore))
            .unwrap();
    for change in &plan.changes {
        tree.write(&change.path, change.after.as_deref()).unwrap();
    }
    for exempts in [Exempts::Nobody, Exempts::Some] {
        assert_eq!(kinds(&enabled, exempts), []);
    }
    assert_eq!(kinds(&Host::sshd(), Exempts::Some), [Kind::ExemptionLocksOut]);
}

#[test]
fn password_then_code_in_ssh_is_well() {
    let settings = SETTINGS.replace("publickey,", "");
    Host::sshd_with(&settings)
        .file(PAM, "@include common-auth\nauth required pam_fob.so\n")
        .is_well();
}

#[test]
fn sshd_that_says_what_its_files_say_is_well() {
    let host = Host::sshd();
    let effective = "usepam yes\npermitrootlogin without-password\npasswordauthentication no\n\
        kbdinteractiveauthentication yes\npubkeyauthentication yes\n\
        authenticationmethods publickey,keyboard-interactive:pam\n";
    let says = |_: &str| Effective::Settings(effective.to_owned());
    let report = examine(&host.ground(), &live(&says), None);
    assert_eq!((report.findings.as_slice(), report.unseen.as_slice()), (&[][..], &[][..]));
}

#[test]
fn no_authentication_methods_is_found() {
    let host = Host::sshd_with("KbdInteractiveAuthentication no\nPasswordAuthentication no\n");
    let finding = host.finding();
    assert_eq!((finding.kind, finding.severity), (Kind::KeyAlone, Severity::FailsOpen));
    assert_eq!(finding.place, Some(Place::of(MAIN)));
    assert_eq!(finding.happens, "The key alone signs in over ssh, and no code is asked for.");
}

#[test]
fn without_authentication_methods_and_with_prompts_the_code_alone_is_enough_too() {
    let host = Host::sshd_with("KbdInteractiveAuthentication yes\nPasswordAuthentication no\n");
    let mut kinds: Vec<Kind> = host.report(None).findings.iter().map(|one| one.kind).collect();
    kinds.sort();
    assert_eq!(kinds, [Kind::CodeAlone, Kind::KeyAlone]);
}

#[test]
fn a_space_for_a_comma_is_found() {
    let host = Host::sshd_with(&SETTINGS.replace("publickey,", "publickey "));
    let mut findings = host.report(None).findings;
    findings.sort_by_key(|finding| finding.kind);
    let kinds: Vec<Kind> = findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [Kind::CodeAlone, Kind::KeyAlone]);
    assert_eq!(findings[1].place, Some(Place::line(DROP_IN, 4)));
    assert!(findings[1].happens.contains("A space"), "{}", findings[1].happens);
}

#[test]
fn keyboard_interactive_no_with_authentication_methods_is_found() {
    let host = Host::sshd_with(&SETTINGS.replace("Authentication yes", "Authentication no"));
    let happens = host.has(Kind::MethodDisabled, Severity::LocksOut, DROP_IN, 2);
    assert!(happens.contains("sshd does not start"), "{happens}");
}

#[test]
fn the_old_name_of_that_setting_is_known() {
    let settings =
        SETTINGS.replace("KbdInteractiveAuthentication yes", "ChallengeResponseAuthentication no");
    Host::sshd_with(&settings).has(Kind::MethodDisabled, Severity::LocksOut, DROP_IN, 2);
    let settings = SETTINGS.replace("KbdInteractive", "ChallengeResponse");
    Host::sshd_with(&settings).is_well();
}

#[test]
fn settings_at_the_end_of_the_file_are_found_with_the_line_that_wins() {
    let host = Host::sshd().remove(DROP_IN).file(MAIN, &format!("{DEBIAN}{SETTINGS}"));
    let happens = host.has(Kind::MethodDisabled, Severity::LocksOut, MAIN, 2);
    assert!(
        happens.contains(&format!("{MAIN}:9 says something else, and comes too late")),
        "{happens}"
    );
}

#[test]
fn a_drop_in_that_switches_pam_off_is_found() {
    let drop_in = "/etc/ssh/sshd_config.d/05-hardening.conf";
    let host = Host::sshd().file(drop_in, "# hardened\nUsePAM no\n");
    let happens = host.has(Kind::UsePamNo, Severity::LocksOut, drop_in, 2);
    assert!(happens.contains(&format!("{DROP_IN}:1 says something else")), "{happens}");
}

#[test]
fn use_pam_no_without_authentication_methods_is_found_as_open() {
    let host = Host::sshd_with("UsePAM no\n");
    let happens = host.has(Kind::UsePamNo, Severity::FailsOpen, DROP_IN, 1);
    assert!(happens.contains("the key alone signs in"), "{happens}");
}

#[test]
fn publickey_only_is_found_because_pam_is_never_asked() {
    let host = Host::sshd_with(&SETTINGS.replace(",keyboard-interactive:pam", ""));
    host.has(Kind::KeyAlone, Severity::FailsOpen, DROP_IN, 4);
}

#[test]
fn the_passwords_line_left_in_the_stack_of_a_key_is_found() {
    let host = Host::sshd().file(PAM, "@include common-auth\nauth required pam_fob.so\n");
    let happens = host.has(Kind::PasswordToo, Severity::Warns, "/etc/pam.d/common-auth", 1);
    assert!(happens.contains("as well as the key and the code"), "{happens}");
}

#[test]
fn a_sufficient_code_behind_a_key_is_found_and_the_key_is_not_forgotten() {
    let host = Host::sshd().file(PAM, "auth sufficient pam_fob.so\n@include common-auth\n");
    let happens = host.has(Kind::WrongCodeOpens, Severity::FailsOpen, PAM, 1);
    assert_eq!(happens, "With a wrong code the user is in with the right password alone.");
}

#[test]
fn the_method_password_is_found_where_it_is_the_way() {
    let host = Host::sshd_with(
        "UsePAM yes\nPasswordAuthentication yes\nAuthenticationMethods publickey,password\n",
    );
    host.has(Kind::PasswordMethod, Severity::LocksOut, DROP_IN, 2);
}

#[test]
fn the_method_password_is_told_where_it_is_one_of_two() {
    let host =
        Host::sshd_with("UsePAM yes\nKbdInteractiveAuthentication yes\nPubkeyAuthentication no\n")
            .file(PAM, "@include common-auth\nauth required pam_fob.so\n");
    let finding = host.finding();
    assert_eq!((finding.kind, finding.severity), (Kind::PasswordMethod, Severity::Warns));
}

#[test]
fn a_match_block_that_lets_somebody_in_without_a_code_is_found() {
    let host = Host::sshd_with(&format!(
        "{SETTINGS}Match User backup\n    AuthenticationMethods publickey\n"
    ));
    let happens = host.has(Kind::KeyAlone, Severity::FailsOpen, DROP_IN, 6);
    assert!(!happens.contains("too late"), "{happens}");
    assert!(
        happens.starts_with(&format!("For \"Match User backup\" ({DROP_IN}:5): The key")),
        "{happens}"
    );
}

#[test]
fn a_match_block_in_a_drop_in_ends_with_its_file() {
    let drop_in = "/etc/ssh/sshd_config.d/05-sftp.conf";
    Host::sshd().file(drop_in, "Match Group sftp\n    ForceCommand internal-sftp\n").is_well();
}

#[test]
fn a_permit_root_login_that_refuses_root_is_told_where_somebody_wrote_it() {
    let host = Host::sshd_with(&format!("{SETTINGS}PermitRootLogin prohibit-password\n"));
    host.has(Kind::RootRefused, Severity::Warns, DROP_IN, 5);
}

#[test]
fn penalties_for_a_whole_address_are_told() {
    let host = Host::sshd();
    let said = |exempt: &str| {
        format!(
            "usepam yes\nkbdinteractiveauthentication yes\npasswordauthentication no\n\
             authenticationmethods publickey,keyboard-interactive:pam\n\
             persourcepenalties crash:90.0 authfail:5.0 noauth:1.0 max:600.0 min:15.0\n\
             persourcepenaltyexemptlist {exempt}\n"
        )
    };
    let kinds = |said: &str| {
        let says = |_: &str| Effective::Settings(said.to_owned());
        let findings = examine(&host.ground(), &live(&says), None).findings;
        findings.into_iter().map(|finding| finding.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&said("none")), [Kind::Penalties]);
    assert_eq!(kinds(&said("10.0.0.0/8")), []);
}

#[test]
fn what_sshd_itself_says_counts_more_than_the_files() {
    let host = Host::sshd();
    let says = |_: &str| Effective::Settings("usepam no\n".to_owned());
    let findings = examine(&host.ground(), &live(&says), None).findings;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(
        (findings[0].kind, findings[0].place.clone()),
        (Kind::UsePamNo, Some(Place::of(MAIN)))
    );
}

#[test]
fn sshd_is_asked_only_if_its_service_is_looked_at() {
    let host = Host::sshd();
    assert!(host.report(Some("sudo")).unseen.is_empty());
    assert_eq!(host.report(Some("sshd")).unseen.len(), 1);
}

#[test]
fn settings_with_which_sshd_does_not_start_are_found() {
    let host = Host::sshd();
    let why = "/etc/ssh/sshd_config: line 9: Bad configuration option: UsePAMM";
    let says = |_: &str| Effective::Refused(why.to_owned());
    let findings = examine(&host.ground(), &live(&says), None).findings;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].kind, Kind::SshdRefuses);
    assert!(findings[0].happens.contains(why));
}
