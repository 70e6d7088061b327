//! Mistakes outside of PAM's and sshd's settings.

use super::{Effective, Host, Kind, Live, MODULES, Place, Severity, examine};

const STATE: &str = "/var/lib/fobd";
const KEY: &str = "/var/lib/fobd/master.key";
const SETTINGS: &str = "/etc/fob/fobd.conf";

/// Asserts that there is one finding of a file as a whole, and which.
#[track_caller]
fn has(host: &Host, kind: Kind, severity: Severity, file: &str) -> String {
    let finding = host.finding();
    assert_eq!((finding.kind, finding.severity), (kind, severity), "{finding:#?}");
    assert_eq!(finding.place, Some(Place::of(file)), "{finding:#?}");
    finding.happens
}

fn kinds(host: &Host, clock: Option<bool>, daemon: Option<&str>) -> Vec<Kind> {
    let sshd = |_: &str| Effective::Unknown("a test".to_owned());
    let live = Live { clock, daemon: daemon.map(str::to_owned), ..super::live(&sshd) };
    examine(&host.ground(), &live, None).findings.into_iter().map(|one| one.kind).collect()
}

#[test]
fn a_daemon_that_does_not_answer_is_found() {
    let host = Host::debian();
    assert_eq!(kinds(&host, Some(true), Some("Fobd does not answer.")), [Kind::DaemonSilent]);
    assert_eq!(kinds(&host, Some(true), None), []);
}

#[test]
fn a_clock_that_is_not_synchronised_is_found_unless_it_is_vouched_for() {
    let host = Host::debian();
    assert_eq!(kinds(&host, Some(false), None), [Kind::ClockNotSynchronised]);
    let host = host.file(SETTINGS, "clock = \"trusted\"\n");
    assert_eq!(kinds(&host, Some(false), None), []);
}

#[test]
fn what_could_not_be_looked_at_is_said() {
    let host = Host::debian().remove("/etc/shadow").remove("/var/log/audit/audit.log");
    let sshd = |_: &str| Effective::Unknown("a test".to_owned());
    let report = examine(&host.ground(), &Live { clock: None, ..super::live(&sshd) }, None);
    assert_eq!(report.findings, []);
    let said = report.unseen.join("\n");
    for word in ["clock", "root's password", "AppArmor"] {
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn a_missing_state_folder_is_found() {
    let host = Host::debian();
    std::fs::remove_dir_all(host.path(STATE)).unwrap();
    has(&host, Kind::NoStore, Severity::LocksOut, STATE);
}

#[test]
fn a_missing_token_database_is_found() {
    let host = Host::debian();
    std::fs::remove_dir_all(host.path("/var/lib/fobd/tokens")).unwrap();
    has(&host, Kind::NoStore, Severity::LocksOut, "/var/lib/fobd/tokens");
}

#[test]
fn a_state_folder_that_others_can_look_into_is_found() {
    let host = Host::debian().mode(STATE, 0o750);
    has(&host, Kind::Permissions, Severity::FailsOpen, STATE);
}

#[test]
fn a_master_key_that_others_can_read_is_found() {
    let host = Host::debian().mode(KEY, 0o640);
    has(&host, Kind::Permissions, Severity::FailsOpen, KEY);
}

#[test]
fn a_master_key_of_another_user_is_found() {
    let host = Host::debian();
    if std::os::unix::fs::chown(host.path(KEY), Some(65_533), None).is_err() {
        return; // only root gives files away
    }
    has(&host, Kind::Permissions, Severity::LocksOut, KEY);
}

#[test]
fn a_master_key_in_a_credential_is_well() {
    Host::debian().remove(KEY).is_well();
}

#[test]
fn settings_that_others_can_write_are_found() {
    let host = Host::debian().mode(SETTINGS, 0o664);
    has(&host, Kind::Permissions, Severity::LocksOut, SETTINGS);
}

#[test]
fn a_module_that_others_can_write_is_found() {
    let module = format!("{MODULES}/pam_fob.so");
    let host = Host::debian().mode(&module, 0o775);
    has(&host, Kind::Permissions, Severity::FailsOpen, &module);
}

#[test]
fn a_pam_file_that_others_can_write_is_found() {
    let host = Host::debian().mode("/etc/pam.d/common-auth", 0o666);
    has(&host, Kind::Permissions, Severity::FailsOpen, "/etc/pam.d/common-auth");
}

#[test]
fn a_pam_file_of_another_user_is_found() {
    let host = Host::debian();
    let mut ground = host.ground();
    ground.root_uid += 1;
    let sshd = |_: &str| Effective::Unknown("a test".to_owned());
    let report = examine(&ground, &super::live(&sshd), Some("sudo"));
    let place = Some(Place::of("/etc/pam.d/sudo"));
    assert!(report.findings.iter().any(|one| one.kind == Kind::Permissions && one.place == place));
}

#[test]
fn a_second_architecture_without_the_module_is_told() {
    let other = "/usr/lib/i386-linux-gnu/security";
    let host = Host::debian().file(&format!("{other}/pam_permit.so"), "");
    has(&host, Kind::OtherArchitecture, Severity::Warns, &format!("{other}/pam_fob.so"));
}

#[test]
fn a_bus_that_does_not_know_fob_is_told() {
    let policy = "/usr/share/dbus-1/system.d/org.fobd.Fob1.conf";
    has(&Host::debian().remove(policy), Kind::NoBus, Severity::Warns, policy);
}

#[test]
fn a_profile_whose_file_is_gone_is_found() {
    let on = "Module: unix\n[success=end default=ignore]\tpam_unix.so\nModule: fob\nrequired\tpam_fob.so\n";
    let host = Host::debian().file("/var/lib/pam/auth", on);
    has(&host, Kind::ProfileStale, Severity::Warns, "/usr/share/pam-configs/fob");
}

#[test]
fn a_profile_whose_line_somebody_took_out_is_found() {
    let profile = "/usr/share/pam-configs/fob-nullok";
    let host = Host::debian()
        .file("/var/lib/pam/auth", "Module: fob-nullok\nrequired\tpam_fob.so nullok\n")
        .file(profile, "Name: Fob\n");
    let happens = has(&host, Kind::ProfileStale, Severity::Warns, profile);
    assert!(happens.contains("lacks its line"), "{happens}");
}

#[test]
fn root_without_a_password_and_without_emergency_codes_is_told() {
    let host = Host::debian().file("/etc/shadow", "root:*:20000:0:99999:7:::\n");
    has(&host, Kind::WithoutWayBack, Severity::Warns, "/etc/shadow");
    host.file("/var/lib/fob-emergency/0/1", "").is_well();
}

#[test]
fn a_denial_of_a_security_module_is_told() {
    let line = "type=AVC msg=audit(1795305600.1:7): apparmor=\"DENIED\" operation=\"open\" \
        profile=\"/usr/sbin/fobd\" name=\"/etc/shadow\" comm=\"fobd\"\n";
    let host = Host::debian().file("/var/log/audit/audit.log", line);
    let happens = has(&host, Kind::Denied, Severity::Warns, "/var/log/audit/audit.log");
    assert!(happens.contains("name=\"/etc/shadow\""), "{happens}");
}
