//! `doctor`, on a host whose `/etc` and PAM folders are temporary ones; the lines are those that
//! `packaging/pam/enable` puts in.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use fob_api::StatusReport;
use tempfile::TempDir;

use crate::fake::{Ended, Fake, Reply, can_run, run};

const ENABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/pam/enable");
const COMMON_AUTH: &str = "\
auth\t[success=1 default=ignore]\tpam_unix.so nullok
auth\trequisite\t\t\tpam_deny.so
auth\trequired\t\t\tpam_permit.so
";
const SSHD: &str = "\
UsePAM yes
KbdInteractiveAuthentication yes
PasswordAuthentication no
AuthenticationMethods publickey,keyboard-interactive:pam
";
const SERVICES: [&str; 5] = ["sudo", "sudo-i", "su", "login", "polkit-1"];
/// Named in full, as fobctl does.
const SYSTEMCTL: &str = "/usr/bin/systemctl";

/// What lies over the host's own files.
pub(crate) struct Over {
    folder: TempDir,
    /// The folders in which this machine's PAM looks for modules.
    modules: Vec<PathBuf>,
}

impl Over {
    /// Debian's files, and Fob's, without a code in any service.
    pub(crate) fn debian() -> Self {
        let over = Self { folder: tempfile::tempdir().unwrap(), modules: module_folders() };
        over.file("etc/pam.d/common-auth", COMMON_AUTH);
        over.file("etc/pam.d/other", "@include common-auth\n");
        over.file("etc/pam.d/sshd", "@include common-auth\naccount required pam_nologin.so\n");
        over.file("etc/ssh/sshd_config", SSHD);
        over.file("etc/shadow", "root:$y$j9T$x$y:20000:0:99999:7:::\n");
        over.file("etc/dbus-1/system.d/org.fobd.Fob1.conf", "");
        over.file("etc/fob/fobd.conf", "");
        over.file("var/lib/fobd/tokens/db", "");
        let state = over.path("var/lib/fobd");
        fs::set_permissions(state, Permissions::from_mode(0o700)).unwrap();
        for service in SERVICES {
            over.file(&format!("etc/pam.d/{service}"), "#%PAM-1.0\n@include common-auth\n");
        }
        let su = "auth sufficient pam_rootok.so\n@include common-auth\n";
        over.file("etc/pam.d/su", su);
        fs::create_dir(over.path("etc/alternatives")).unwrap();
        for name in ["deny", "fob", "permit", "rootok", "unix"] {
            over.file(&format!("modules/pam_{name}.so"), "");
        }
        over
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn file(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Returns a command that runs its arguments with these files.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("bwrap");
        let mut bind = |from: &Path, to: &Path| {
            command.arg("--bind").arg(from).arg(to);
        };
        bind(Path::new("/"), Path::new("/"));
        bind(&self.path("etc"), Path::new("/etc"));
        bind(&self.path("var/lib"), Path::new("/var/lib"));
        let alternatives = Path::new("/etc/alternatives"); // Debian's awk is a link there
        if alternatives.exists() {
            bind(alternatives, alternatives);
        }
        let sshd = Path::new("/usr/sbin/sshd"); // of this machine it would tell of keys and users
        if sshd.exists() {
            bind(&self.path("etc/shadow"), sshd);
        }
        let modules = self.path("modules");
        self.modules.iter().for_each(|folder| bind(&modules, folder));
        command.args(["--dev-bind", "/dev", "/dev"]);
        let systemctl = self.path("systemctl");
        if systemctl.exists() {
            command.arg("--bind").arg(systemctl).arg(SYSTEMCTL);
        }
        command.arg("--");
        command
    }

    /// Puts a program in systemctl's place, where this machine has one.
    pub(crate) fn systemctl(&self, text: &str) -> bool {
        if !Path::new(SYSTEMCTL).exists() {
            return false;
        }
        self.file("systemctl", text);
        fs::set_permissions(self.path("systemctl"), Permissions::from_mode(0o755)).unwrap();
        true
    }

    fn enable(&self, args: &[&str]) {
        let mut command = self.command();
        command.arg(ENABLE).args(args);
        let ended = run(command, "");
        assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{args:?}");
    }

    fn doctor(&self, args: &[&str]) -> Ended {
        let status = Reply::Status(StatusReport::default());
        self.run(&Fake::new(&[("Status", status)]), &[&["doctor"], args].concat())
    }

    /// Runs fobctl beside a scripted daemon.
    pub(crate) fn run(&self, fake: &Fake, args: &[&str]) -> Ended {
        let inner = fake.command(args);
        let mut command = self.command();
        command.arg(inner.get_program()).args(inner.get_args());
        run(command, "")
    }
}

/// As `/usr/lib` and `/usr/lib64` have them, here.
fn module_folders() -> Vec<PathBuf> {
    let inside = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let folders = inside.map(|entry| entry.path().join("security"));
    let fixed = ["/usr/lib64/security", "/usr/lib/security"].map(PathBuf::from);
    let has_modules = |folder: &PathBuf| folder.join("pam_permit.so").exists();
    folders.chain(fixed).filter(has_modules).collect()
}

#[test]
fn what_enable_puts_in_is_well() {
    if !can_run() {
        return;
    }
    let over = Over::debian();
    over.enable(&SERVICES);
    over.enable(&["--instead-of-password", "sshd"]);
    let ended = over.doctor(&[]);
    let said = "Nothing wrong was found (login, polkit-1, sshd, su, sudo, sudo-i).\n";
    assert!(ended.stdout.ends_with(said), "{}", ended.stdout);
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    assert!(!ended.stdout.contains("Fix:"), "{}", ended.stdout);
}

#[test]
fn what_enable_puts_in_with_nullok_is_well() {
    if !can_run() {
        return;
    }
    let over = Over::debian();
    over.enable(&[&["--options", "nullok"][..], &SERVICES].concat());
    over.enable(&["--instead-of-password", "--options", "nullok", "sshd"]);
    assert_eq!(over.doctor(&[]).status, 0);
}

#[test]
fn a_mistake_is_printed_with_its_line_and_ends_with_1() {
    if !can_run() {
        return;
    }
    let over = Over::debian();
    over.file("etc/pam.d/sudo", "auth sufficient pam_fob.so\n@include common-auth\n");
    over.enable(&["sudo-i", "polkit-1"]);
    let ended = over.doctor(&["sudo"]);
    let expected = "\
FAILS OPEN  sudo  /etc/pam.d/sudo:1
  With a wrong code the user is in with the right password alone. A right code alone is enough, too.
  Fix: use \"required\" as the control field of pam_fob.so, behind the password.
";
    assert!(ended.stdout.starts_with(expected), "{}", ended.stdout);
    assert_eq!(ended.status, 1);
}

#[test]
fn json_has_every_finding_with_file_and_line() {
    if !can_run() {
        return;
    }
    let over = Over::debian();
    over.file("etc/pam.d/login", "@include common-auth\nauth optional pam_fob.so\n");
    let ended = over.doctor(&["login", "--json"]);
    assert_eq!((ended.status, ended.stderr.as_str()), (1, "fobctl: one mistake was found.\n"));
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let finding = &report["findings"][0];
    for (key, expected) in [
        ("kind", serde_json::json!("wrong-code-opens")),
        ("severity", serde_json::json!("fails-open")),
        ("services", serde_json::json!(["login"])),
        ("file", serde_json::json!("/etc/pam.d/login")),
        ("line", serde_json::json!(2)),
    ] {
        assert_eq!(finding[key], expected, "{key}");
    }
    assert_eq!(report["services"], serde_json::json!(["login"]));
}

#[test]
fn a_daemon_that_is_not_there_is_a_finding_and_not_the_end() {
    if !can_run() {
        return;
    }
    let over = Over::debian();
    over.enable(&["login"]);
    let mut command = over.command();
    command.args(["bwrap", "--bind", "/", "/", "--tmpfs", "/run", "--"]);
    command.arg(env!("CARGO_BIN_EXE_fobctl")).args(["doctor", "login"]);
    let ended = run(command, "");
    assert_eq!(ended.status, 1);
    assert!(ended.stdout.starts_with("LOCKS OUT\n  Fobd does not answer."), "{}", ended.stdout);
}
