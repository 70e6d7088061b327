//! Cockpit's login page.

use super::{Host, Kind, MODULES, Severity};

const COCKPIT: &str = "/etc/pam.d/cockpit";

/// Debian 12's stack, with these lines in the password's place.
fn with(auth: &str) -> Host {
    let mut host = Host::debian();
    for name in ["cockpit_cert", "listfile", "sepermit", "ssh_add"] {
        host = host.file(&format!("{MODULES}/pam_{name}.so"), "");
    }
    let stack = format!(
        "auth required pam_sepermit.so\n{auth}auth optional pam_ssh_add.so\n\
         auth required pam_listfile.so item=user sense=deny file=/etc/cockpit/disallowed-users onerr=succeed\n"
    );
    host.file(COCKPIT, &stack)
}

#[test]
fn debians_stack_with_the_code_behind_the_password_is_well() {
    with("auth substack common-auth\nauth required pam_fob.so\n").is_well();
    with("@include common-auth\nauth required pam_fob.so\n").is_well();
}

#[test]
fn a_hidden_prompt_that_cockpit_may_answer_with_the_password_is_found() {
    let host = with("auth substack common-auth\nauth required pam_fob.so noecho\n");
    host.has(Kind::HiddenPrompt, Severity::Warns, COCKPIT, 3);
    // Elsewhere it is a matter of taste.
    Host::with_sudo("@include common-auth\nauth required pam_fob.so noecho\n").is_well();
}

#[test]
fn a_hidden_prompt_before_the_password_locks_everybody_out_of_cockpit_and_is_found() {
    let host = with("auth required pam_fob.so noecho\nauth substack common-auth\n");
    let happens = host.has(Kind::HiddenPrompt, Severity::LocksOut, COCKPIT, 2);
    assert!(happens.contains("everybody is refused"), "{happens}");
}

#[test]
fn a_code_before_the_password_is_found_in_cockpit_too() {
    let host = with("auth required pam_fob.so\nauth substack common-auth\n");
    host.has(Kind::CodeFirst, Severity::Warns, COCKPIT, 2);
}

#[test]
fn who_shows_cockpit_a_certificate_is_told_to_be_in_without_a_code() {
    let host = with(
        "auth [success=done new_authtok_reqd=done user_unknown=die default=ignore] pam_cockpit_cert.so\n\
         auth substack common-auth\nauth required pam_fob.so\n",
    );
    let happens = host.has(Kind::Exempted, Severity::Warns, COCKPIT, 2);
    assert!(happens.starts_with("Who passes pam_cockpit_cert.so"), "{happens}");
}

#[test]
fn cockpit_without_a_code_beside_sshd_with_one_is_found() {
    let host = Host::debian()
        .file("/usr/libexec/cockpit-session", "")
        .file("/etc/pam.d/sshd", "@include common-auth\nauth required pam_fob.so\n")
        .file(COCKPIT, "auth substack common-auth\n");
    let finding = host.finding();
    assert_eq!((finding.kind, finding.severity), (Kind::NoLine, Severity::Warns));
    assert_eq!(finding.services, ["cockpit"]);
}
