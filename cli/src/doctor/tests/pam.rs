//! Mistakes in PAM's files.

use super::{Effective, Exempts, Host, Kind, Live, MODULES, SUDO_LINE, Severity, examine, live};

const SUDO: &str = "/etc/pam.d/sudo";

#[test]
fn password_then_code_is_well_on_debian() {
    Host::debian().is_well();
}

#[test]
fn password_then_code_is_well_on_fedora() {
    Host::fedora().is_well();
}

#[test]
fn nullok_behind_a_password_is_well() {
    Host::with_sudo("@include common-auth\nauth required pam_fob.so nullok\n").is_well();
}

#[test]
fn the_profile_of_pam_auth_update_is_well() {
    let common = "\
auth [success=1 default=ignore] pam_unix.so nullok
auth requisite pam_deny.so
auth required pam_permit.so
auth required pam_fob.so
auth optional pam_cap.so
";
    Host::with_sudo("@include common-auth\n").file("/etc/pam.d/common-auth", common).is_well();
}

#[test]
fn a_module_that_is_not_known_may_be_what_asks_for_the_password() {
    Host::with_sudo("auth required pam_corporate.so\nauth required pam_fob.so\n")
        .file(&format!("{MODULES}/pam_corporate.so"), "")
        .is_well();
}

#[test]
fn pam_rootok_in_su_is_well() {
    let su = "auth sufficient pam_rootok.so\n@include common-auth\nauth required pam_fob.so\n";
    Host::debian().file("/etc/pam.d/su", su).is_well();
}

#[test]
fn a_requisite_line_and_one_that_names_each_result_are_well() {
    for control in
        ["requisite", "[success=ok default=die]", "[success=ok ignore=ignore default=bad]"]
    {
        Host::with_sudo(&format!("@include common-auth\nauth {control} pam_fob.so\n")).is_well();
    }
}

#[test]
fn a_code_that_is_sufficient_before_the_password_is_found() {
    let host = Host::with_sudo("auth sufficient pam_fob.so\n@include common-auth\n");
    let happens = host.has(Kind::WrongCodeOpens, Severity::FailsOpen, SUDO, 1);
    assert_eq!(
        happens,
        "With a wrong code the user is in with the right password alone. \
         A right code alone is enough, too."
    );
}

#[test]
fn a_code_that_is_sufficient_behind_the_password_is_found() {
    let host = Host::with_sudo("@include common-auth\nauth sufficient pam_fob.so\n");
    let happens = host.has(Kind::WrongCodeOpens, Severity::FailsOpen, SUDO, 2);
    assert_eq!(happens, "With a wrong code the user is in with the right password alone.");
}

#[test]
fn an_optional_code_is_found() {
    let host = Host::with_sudo("@include common-auth\nauth optional pam_fob.so\n");
    host.has(Kind::WrongCodeOpens, Severity::FailsOpen, SUDO, 2);
}

#[test]
fn a_default_of_ignore_is_found() {
    let auth = "@include common-auth\nauth [success=ok default=ignore] pam_fob.so\n";
    Host::with_sudo(auth).has(Kind::WrongCodeOpens, Severity::FailsOpen, SUDO, 2);
}

#[test]
fn a_line_that_only_a_missing_module_opens_is_found() {
    let auth = "@include common-auth\nauth [success=ok auth_err=die default=ignore] pam_fob.so\n";
    let happens = Host::with_sudo(auth).has(Kind::MissingOpens, Severity::FailsOpen, SUDO, 2);
    assert!(happens.starts_with("If the module file goes missing"), "{happens}");
}

#[test]
fn a_line_that_opens_while_the_daemon_is_down_is_found() {
    let control = "[success=ok authinfo_unavail=ignore default=die]";
    let auth =
        format!("@include common-auth\nauth {control} pam_fob.so unavail=authinfo_unavail\n");
    let happens = Host::with_sudo(&auth).has(Kind::MissingOpens, Severity::FailsOpen, SUDO, 2);
    assert!(happens.starts_with("While fobd does not answer"), "{happens}");
    // Without the option the module never returns that.
    Host::with_sudo(&format!("@include common-auth\nauth {control} pam_fob.so\n")).is_well();
}

#[test]
fn a_success_of_a_later_module_that_overrides_the_code_is_found() {
    let auth = "\
@include common-auth
auth [success=ok default=reset] pam_fob.so
auth sufficient pam_permit.so
";
    let happens = Host::with_sudo(auth).has(Kind::WrongCodeOpens, Severity::FailsOpen, SUDO, 2);
    assert_eq!(happens, "With a wrong code the user is in with the right password alone.");
}

#[test]
fn a_missing_module_file_is_found() {
    let host = Host::debian().remove(&format!("{MODULES}/pam_fob.so"));
    let happens = host.has(Kind::ModuleMissing, Severity::LocksOut, SUDO, SUDO_LINE);
    assert!(happens.contains("pam_fob.so is not in PAM's folder"), "{happens}");
}

#[test]
fn a_missing_module_file_behind_a_sufficient_line_lets_people_in_and_is_found() {
    let host = Host::with_sudo("@include common-auth\nauth sufficient pam_fob.so\n")
        .remove(&format!("{MODULES}/pam_fob.so"));
    let happens = host.has(Kind::MissingOpens, Severity::FailsOpen, SUDO, 2);
    assert!(happens.starts_with("The module file is missing"), "{happens}");
}

#[test]
fn a_misspelt_path_of_the_module_is_found() {
    let host = Host::with_sudo("@include common-auth\nauth required /lib/security/pam_fob.so\n");
    host.has(Kind::ModuleMissing, Severity::LocksOut, SUDO, 2);
}

#[test]
fn a_missing_module_of_somebody_else_that_locks_out_is_found() {
    let host = Host::with_sudo(
        "auth required pam_securid.so\n@include common-auth\nauth required pam_fob.so\n",
    );
    host.has(Kind::ModuleMissing, Severity::LocksOut, SUDO, 1);
}

#[test]
fn a_line_whose_absence_is_not_logged_is_found() {
    let host = Host::with_sudo("@include common-auth\n-auth required pam_fob.so\n");
    host.has(Kind::Silent, Severity::Warns, SUDO, 2);
}

#[test]
fn a_password_that_ends_the_stack_before_the_code_is_found() {
    let host = Host::with_sudo("auth sufficient pam_unix.so\nauth required pam_fob.so\n");
    let finding = host.report(None).findings.remove(0);
    assert_eq!((finding.kind, finding.severity), (Kind::NotAsked, Severity::FailsOpen));
    assert_eq!(finding.place, Some(super::Place::line(SUDO, 1)));
}

#[test]
fn an_include_in_which_a_sufficient_line_ends_the_stack_is_found() {
    let host = Host::fedora().file(SUDO, "auth include system-auth\nauth required pam_fob.so\n");
    let happens = host.has(Kind::NotAsked, Severity::FailsOpen, "/etc/pam.d/system-auth", 6);
    assert!(happens.contains("pam_unix.so ends the stack"), "{happens}");
}

#[test]
fn a_module_that_always_succeeds_and_is_sufficient_before_the_code_is_found() {
    let host = Host::with_sudo(
        "auth sufficient pam_permit.so\n@include common-auth\nauth required pam_fob.so\n",
    );
    let happens = host.has(Kind::NotAsked, Severity::FailsOpen, SUDO, 1);
    assert!(happens.contains("everybody is in"), "{happens}");
}

#[test]
fn a_jump_over_the_code_is_found() {
    let common = COMMON_WITH_TWO;
    let host = Host::with_sudo("@include common-auth\n").file("/etc/pam.d/common-auth", common);
    host.has(Kind::NotAsked, Severity::FailsOpen, "/etc/pam.d/common-auth", 1);
}

/// The jump of pam_unix.so goes one line too far: pam-auth-update wrote it, and somebody added the
/// code by hand.
const COMMON_WITH_TWO: &str = "\
auth [success=2 default=ignore] pam_unix.so nullok
auth requisite pam_deny.so
auth required pam_fob.so
auth required pam_permit.so
";

#[test]
fn a_group_that_is_exempt_by_another_module_is_told() {
    let host = Host::with_sudo(
        "@include common-auth\n\
         auth [success=1 default=ignore] pam_succeed_if.so user ingroup robots\n\
         auth required pam_fob.so\n",
    );
    host.has(Kind::Exempted, Severity::Warns, SUDO, 2);
}

#[test]
fn nullok_with_nobody_else_who_requires_anything_is_found() {
    let host = Host::with_sudo("auth required pam_fob.so nullok\nauth required pam_permit.so\n");
    let report = host.report(None);
    let kinds: Vec<Kind> = report.findings.iter().map(|finding| finding.kind).collect();
    // The code alone is enough there, too.
    assert_eq!(kinds, [Kind::CodeAlone, Kind::NullokOpens]);
}

#[test]
fn nullok_beside_a_helper_that_always_succeeds_is_found() {
    // CVE-2025-23013: the helper's success decides where the module has no opinion.
    let host =
        Host::with_sudo("auth required pam_faillock.so preauth\nauth required pam_fob.so nullok\n");
    let kinds: Vec<Kind> = host.report(None).findings.iter().map(|one| one.kind).collect();
    assert!(kinds.contains(&Kind::NullokOpens), "{kinds:?}");
}

#[test]
fn nullok_as_the_only_decider_is_found() {
    let host = Host::with_sudo("auth required pam_fob.so nullok\n");
    let kinds: Vec<Kind> = host.report(None).findings.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [Kind::CodeAlone, Kind::NullokLocksOut]);
}

#[test]
fn a_stack_in_which_nothing_decides_about_whom_a_rule_exempts_is_found() {
    let silent = |_: &str| Effective::Unknown("a test".to_owned());
    let ask = |lines: &str, exempts| {
        let host = Host::with_sudo(lines);
        let report = examine(&host.ground(), &Live { exempts, ..live(&silent) }, None);
        report.findings.iter().map(|finding| finding.kind).collect::<Vec<_>>()
    };
    let (alone, opens) =
        ("auth required pam_fob.so\n", "auth required pam_fob.so\nauth required pam_permit.so\n");
    for (exempts, also) in [(Exempts::Some, vec![]), (Exempts::Everybody, vec![Kind::Observing])] {
        let with = |kinds: [Kind; 2]| [kinds.to_vec(), also.clone()].concat();
        assert_eq!(ask(alone, exempts), with([Kind::CodeAlone, Kind::ExemptionLocksOut]));
        assert_eq!(ask(opens, exempts), with([Kind::CodeAlone, Kind::ExemptionOpens]));
        assert_eq!(ask("@include common-auth\nauth required pam_fob.so\n", exempts), also);
    }
    assert_eq!(ask(alone, Exempts::Nobody), [Kind::CodeAlone]);
}

#[test]
fn a_stack_that_refuses_who_has_a_ticket_is_found_in_services_that_have_tickets() {
    let silent = |_: &str| Effective::Unknown("a test".to_owned());
    let ask = |service: &str, lines: &str| {
        let host = Host::with_sudo("@include common-auth\nauth required pam_fob.so\n");
        let host = host.file(&format!("/etc/pam.d/{service}"), lines);
        let live = Live { exempts: Exempts::Tickets, ..live(&silent) };
        let report = examine(&host.ground(), &live, Some(service));
        report.findings.iter().map(|finding| finding.kind).collect::<Vec<_>>()
    };
    let (alone, opens) =
        ("auth required pam_fob.so\n", "auth required pam_fob.so\nauth required pam_permit.so\n");
    assert_eq!(ask("sudo", alone), [Kind::CodeAlone, Kind::ExemptionLocksOut]);
    assert_eq!(ask("sudo", opens), [Kind::CodeAlone]);
    assert_eq!(ask("mine", alone), [Kind::CodeAlone]);
}

#[test]
fn a_code_alone_is_found() {
    Host::with_sudo("auth required pam_fob.so\n").has(
        Kind::CodeAlone,
        Severity::FailsOpen,
        SUDO,
        1,
    );
}

#[test]
fn a_code_before_the_password_is_found() {
    let host = Host::with_sudo("auth required pam_fob.so\n@include common-auth\n");
    host.has(Kind::CodeFirst, Severity::Warns, SUDO, 1);
}

#[test]
fn a_code_that_is_asked_for_twice_is_found() {
    let host = Host::with_sudo(
        "@include common-auth\nauth required pam_fob.so\nauth required pam_fob.so\n",
    );
    host.has(Kind::AskedTwice, Severity::Warns, SUDO, 3);
}

#[test]
fn an_option_that_the_module_refuses_is_found() {
    let host = Host::with_sudo("@include common-auth\nauth required pam_fob.so nul_ok\n");
    let happens = host.has(Kind::BadOption, Severity::LocksOut, SUDO, 2);
    assert!(happens.contains("there is no option \"nul_ok\""), "{happens}");
}

#[test]
fn a_misspelt_control_is_found() {
    let host = Host::with_sudo("@include common-auth\nauth requird pam_fob.so\n");
    host.has(Kind::BrokenLine, Severity::LocksOut, SUDO, 2);
}

#[test]
fn a_misspelt_kind_of_line_is_found() {
    let host = Host::with_sudo(
        "@include common-auth\nauth required pam_fob.so\nsesion optional pam_x.so\n",
    );
    // It is taken for a line of this kind, and its control field holds.
    assert_eq!(host.report(None).findings, []);
    let host = Host::with_sudo(
        "@include common-auth\nauth required pam_fob.so\nsesion required pam_x.so\n",
    );
    host.has(Kind::BrokenLine, Severity::LocksOut, SUDO, 3);
}

#[test]
fn a_missing_included_file_is_found() {
    let host = Host::with_sudo("@include comon-auth\nauth required pam_fob.so\n");
    let finding = &host.report(None).findings[0];
    assert_eq!((finding.kind, finding.severity), (Kind::BrokenLine, Severity::LocksOut));
}

#[test]
fn a_file_that_includes_itself_is_found_and_ends() {
    let host = Host::with_sudo("@include sudo\n@include sudo\nauth required pam_fob.so\n");
    let finding = &host.report(None).findings[0];
    assert_eq!((finding.kind, finding.severity), (Kind::BrokenLine, Severity::LocksOut));
    assert!(finding.happens.contains("inside itself"), "{}", finding.happens);
}

#[test]
fn a_jump_over_the_end_of_the_stack_is_found() {
    let host = Host::with_sudo(
        "auth requisite pam_unix.so\nauth [success=2 default=die] pam_fob.so\nauth required pam_permit.so\n",
    );
    host.has(Kind::NobodyPasses, Severity::LocksOut, SUDO, 2);
}

#[test]
fn a_line_of_another_kind_asks_for_nothing_and_is_found() {
    let host = Host::with_sudo("@include common-auth\naccount required pam_fob.so\n");
    let happens = host.has(Kind::NoLine, Severity::FailsOpen, SUDO, 2);
    assert!(happens.contains("not of kind auth"), "{happens}");
}

#[test]
fn sudo_without_sudo_i_is_found() {
    let host = Host::debian()
        .file("/usr/bin/sudo", "")
        .file("/etc/pam.d/sudo-i", "@include common-auth\n");
    let finding = host.finding();
    assert_eq!((finding.kind, finding.severity), (Kind::NoLine, Severity::FailsOpen));
    assert_eq!(finding.services, ["sudo-i"]);
}

#[test]
fn polkit_without_a_code_beside_sudo_with_one_is_found() {
    let host = Host::debian()
        .file("/usr/bin/pkexec", "")
        .file("/usr/lib/pam.d/polkit-1", "@include common-auth\n");
    let finding = host.finding();
    assert_eq!(
        (finding.kind, finding.services.as_slice()),
        (Kind::NoLine, &["polkit-1".into()][..])
    );
    assert_eq!(finding.place.unwrap().file, "/usr/lib/pam.d/polkit-1");
}

#[test]
fn a_service_that_is_named_and_asks_for_no_code_is_found() {
    let host = Host::debian().file("/etc/pam.d/su", "@include common-auth\n");
    host.is_well();
    let report = host.report(Some("su"));
    assert_eq!(report.findings[0].kind, Kind::NoLine);
    assert_eq!(host.report(Some("nosuch")).findings[0].kind, Kind::NoService);
    assert_eq!(host.report(Some("../passwd")).findings[0].kind, Kind::NoService);
}

#[test]
fn a_service_without_auth_lines_has_those_of_other() {
    let host = Host::debian()
        .file("/etc/pam.d/cron", "account required pam_unix.so\n")
        .file("/etc/pam.d/other", "auth optional pam_fob.so\n@include common-auth\n");
    host.has(Kind::WrongCodeOpens, Severity::FailsOpen, "/etc/pam.d/other", 1);
    assert_eq!(host.report(None).services, ["other", "sudo"]);
    assert_eq!(host.report(Some("cron")).findings[0].kind, Kind::WrongCodeOpens);
}

#[test]
fn a_mistake_in_a_common_file_is_told_once_with_all_services() {
    let host = Host::with_sudo("@include common-auth\n")
        .file("/etc/pam.d/login", "@include common-auth\n")
        .file("/etc/pam.d/common-auth", COMMON_WITH_TWO);
    let finding = host.finding();
    assert_eq!(finding.services, ["login", "other", "sudo"]);
}
