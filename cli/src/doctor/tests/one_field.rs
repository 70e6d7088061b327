//! Password and code in one field, and the service that checks the password.

use super::{Exempts, Host, Kind, Live, Severity, examine, live};

const SDDM: &str = "/etc/pam.d/sddm";
const SERVICE: &str = "/etc/pam.d/fob-password";
const SHIPPED: &str = include_str!("../../../../packaging/pam/fob-password");
const LINE: &str = "auth required pam_fob.so one_field\n";
/// The lines of pam_fob(8) for hosts with people who need no code.
const WITH_EXEMPTIONS: &str = "\
auth required pam_fob.so one_field nullok
auth required pam_permit.so
";

/// Debian, where a greeter takes both in one field.
fn greeter(auth: &str) -> Host {
    let host = Host::debian().remove("/etc/pam.d/sudo").file(SDDM, auth);
    host.file(SERVICE, SHIPPED)
}

#[test]
fn one_field_needs_no_module_for_the_password_before_it() {
    greeter(LINE).is_well();
    greeter(WITH_EXEMPTIONS).is_well();
}

#[test]
fn a_missing_service_for_the_password_is_found() {
    for host in [greeter(LINE).remove(SERVICE), greeter(LINE).file(SERVICE, "# nothing\n")] {
        let finding = host.finding();
        assert_eq!((finding.kind, finding.severity), (Kind::PasswordService, Severity::LocksOut));
    }
    // Without the option nobody asks for the service.
    Host::debian().is_well();
}

#[test]
fn a_service_that_takes_any_password_is_found() {
    for text in [
        "auth required pam_permit.so\n",
        "auth sufficient pam_unix.so nodelay\nauth optional pam_permit.so\n",
    ] {
        let finding = greeter(LINE).file(SERVICE, text).finding();
        assert_eq!((finding.kind, finding.severity), (Kind::PasswordService, Severity::FailsOpen));
    }
}

#[test]
fn the_module_in_the_service_for_the_password_is_found() {
    let text = "auth required pam_unix.so nodelay\nauth required pam_fob.so\n";
    let host = greeter(LINE).file(SERVICE, text);
    host.has(Kind::PasswordService, Severity::LocksOut, SERVICE, 2);
    assert_eq!(host.report(Some("fob-password")).findings, host.report(None).findings);
}

#[test]
fn a_service_that_others_can_write_is_found() {
    let finding = greeter(LINE).mode(SERVICE, 0o666).finding();
    assert_eq!((finding.kind, finding.severity), (Kind::Permissions, Severity::FailsOpen));
}

#[test]
fn one_field_that_is_sufficient_is_found() {
    let host = greeter("auth sufficient pam_fob.so one_field\n@include common-auth\n");
    let happens = host.has(Kind::WrongCodeOpens, Severity::FailsOpen, SDDM, 1);
    assert_eq!(happens, "With a wrong code the user is in with the right password alone.");
}

#[test]
fn who_needs_no_code_and_has_no_line_behind_one_field_is_found() {
    let host = greeter("auth required pam_fob.so one_field nullok\n");
    let finding = host.finding();
    assert_eq!((finding.kind, finding.severity), (Kind::NullokLocksOut, Severity::LocksOut));
    assert!(finding.fix.contains("auth required pam_permit.so"), "{finding:#?}");
}

#[test]
fn an_exemption_by_the_daemon_opens_nothing_behind_one_field() {
    for (auth, expected) in [
        (LINE.to_owned() + "auth required pam_permit.so\n", None),
        (LINE.to_owned(), Some(Kind::ExemptionLocksOut)),
    ] {
        let host = greeter(&auth);
        let silent = |_: &str| super::Effective::Unknown("a test".to_owned());
        let live = Live { exempts: Exempts::Some, ..live(&silent) };
        let report = examine(&host.ground(), &live, None);
        let kinds: Vec<Kind> = report.findings.iter().map(|finding| finding.kind).collect();
        assert_eq!(kinds, Vec::from_iter(expected), "{:#?}", report.findings);
    }
}
