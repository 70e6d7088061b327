//! Hosts in a temporary folder, with a mistake planted in each.

mod authselect;
mod cockpit;
mod host;
mod libpam;
mod one_field;
mod pam;
mod sshd;

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
};

use nix::unistd::Uid;
use tempfile::TempDir;

use super::{Effective, Exempts, Finding, Ground, Kind, Live, Place, Report, Severity, examine};

/// Debian 12's, but for comments.
const COMMON_AUTH: &str = "\
auth\t[success=1 default=ignore]\tpam_unix.so nullok
auth\trequisite\t\t\tpam_deny.so
auth\trequired\t\t\tpam_permit.so
auth\toptional\t\t\tpam_cap.so
";
/// Debian's, with what packaging/pam/enable puts in.
const SUDO: &str = "\
#%PAM-1.0
session    required   pam_limits.so

@include common-auth
# The code of the user's token: see pam_fob(8).
auth required pam_fob.so
@include common-account
@include common-session-noninteractive
";
/// The line of pam_fob.so in it.
const SUDO_LINE: u32 = 6;
/// Fedora's, with authselect's profile of sssd and its lock.
const SYSTEM_AUTH: &str = "\
auth        required                                     pam_env.so
auth        required                                     pam_faildelay.so delay=2000000
auth        required                                     pam_faillock.so preauth silent
auth        [default=1 ignore=ignore success=ok]         pam_usertype.so isregular
auth        [default=1 ignore=ignore success=ok]         pam_localuser.so
auth        sufficient                                   pam_unix.so nullok
auth        [default=1 ignore=ignore success=ok]         pam_usertype.so isregular
auth        sufficient                                   pam_sss.so forward_pass
auth        required                                     pam_faillock.so authfail
auth        required                                     pam_deny.so
account     required                                     pam_unix.so
";
const MODULES: &str = "/usr/lib/x86_64-linux-gnu/security";

/// A host that runs well, but for what sshd says.
fn live<'a>(sshd: &'a dyn Fn(&str) -> Effective) -> Live<'a> {
    Live { clock: Some(true), daemon: None, exempts: Exempts::Nobody, sshd }
}

/// A host in a folder.
struct Host(TempDir);

impl Host {
    fn empty() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// Fob's own files, as the package leaves them.
    fn installed(self) -> Self {
        self.file("/var/lib/fobd/tokens/db", "")
            .mode("/var/lib/fobd", 0o700)
            .file("/var/lib/fobd/master.key", "")
            .mode("/var/lib/fobd/master.key", 0o600)
            .file("/etc/fob/fobd.conf", "# clock = \"trusted\"\n")
            .file("/usr/share/dbus-1/system.d/org.fobd.Fob1.conf", "")
            .file("/etc/shadow", "root:$y$j9T$x$y:20000:0:99999:7:::\n")
            .file(
                "/var/log/audit/audit.log",
                "type=AVC msg=audit(1): avc:  denied  { read } comm=\"cupsd\"\n",
            )
    }

    /// Debian, where sudo asks for the password and then for the code.
    fn debian() -> Self {
        let mut host = Self::empty();
        for name in ["cap", "deny", "faillock", "fob", "permit", "rootok", "succeed_if", "unix"] {
            host = host.file(&format!("{MODULES}/pam_{name}.so"), "");
        }
        host.file("/etc/pam.d/common-auth", COMMON_AUTH)
            .file("/etc/pam.d/common-account", "account required pam_unix.so\n")
            .file("/etc/pam.d/common-session-noninteractive", "session optional pam_systemd.so\n")
            .file("/etc/pam.d/other", "@include common-auth\n")
            .file("/etc/pam.d/sudo", SUDO)
            .installed()
    }

    /// Fedora, where sudo does.
    fn fedora() -> Self {
        let mut host = Self::empty();
        let names =
            ["deny", "env", "faildelay", "faillock", "fob", "localuser", "permit", "sss", "unix"];
        for name in names.into_iter().chain(["usertype"]) {
            host = host.file(&format!("/usr/lib64/security/pam_{name}.so"), "");
        }
        host.file("/etc/pam.d/system-auth", SYSTEM_AUTH)
            .file("/etc/pam.d/sudo", "auth substack system-auth\nauth required pam_fob.so\n")
            .installed()
    }

    /// Debian, where sudo's stack is this, and the rest as it was.
    fn with_sudo(auth: &str) -> Self {
        Self::debian().file("/etc/pam.d/sudo", auth)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    fn file(self, path: &str, text: &str) -> Self {
        let place = self.path(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
        self
    }

    fn remove(self, path: &str) -> Self {
        fs::remove_file(self.path(path)).unwrap();
        self
    }

    fn ground(&self) -> Ground {
        Ground::below(self.0.path(), Uid::effective().as_raw())
    }

    fn report(&self, service: Option<&str>) -> Report {
        examine(&self.ground(), &live(&|_| Effective::Unknown("a test".to_owned())), service)
    }

    fn mode(self, path: &str, mode: u32) -> Self {
        fs::set_permissions(self.path(path), Permissions::from_mode(mode)).unwrap();
        self
    }

    /// Returns the only finding.
    #[track_caller]
    fn finding(&self) -> Finding {
        let report = self.report(None);
        assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
        report.findings.into_iter().next().unwrap()
    }

    /// Asserts that there is one finding, and which.
    #[track_caller]
    fn has(&self, kind: Kind, severity: Severity, file: &str, line: u32) -> String {
        let finding = self.finding();
        assert_eq!((finding.kind, finding.severity), (kind, severity), "{finding:#?}");
        assert_eq!(finding.place, Some(Place::line(file, line)), "{finding:#?}");
        assert!(finding.fix.ends_with('.') || finding.fix.ends_with(')'), "{finding:#?}");
        finding.happens
    }

    #[track_caller]
    fn is_well(&self) {
        let report = self.report(None);
        assert_eq!(report.findings, [], "{:#?}", report.findings);
    }
}
