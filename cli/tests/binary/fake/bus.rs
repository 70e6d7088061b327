//! A private dbus-daemon in the place of the system bus, and fobctl as a user who is not root.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{can_run, skip, works};

/// The uid and gid of nobody in Linux distributions.
const NOBODY: u32 = 65_534;

/// A running bus. It ends with the test.
pub(crate) struct Bus {
    folder: TempDir,
    daemon: Child,
}

impl Bus {
    /// Starts a bus that lets everybody do everything; `None` where there is no dbus-daemon.
    #[track_caller]
    pub(crate) fn start() -> Option<Self> {
        Self::launch("", 0)
    }

    /// Starts a bus that keeps this method from everybody.
    #[track_caller]
    pub(crate) fn start_denying(method: &str) -> Option<Self> {
        let rule = format!("<deny send_interface='org.fobd.Fob1' send_member='{method}'/>");
        Self::launch(&rule, 0)
    }

    /// Starts a bus that sees root's processes as those of this uid: it stands in a user namespace
    /// of its own. So the scripted daemon is an impostor to it.
    #[track_caller]
    pub(crate) fn start_seeing_root_as(uid: u32) -> Option<Self> {
        Self::launch("", uid)
    }

    #[track_caller]
    fn launch(rule: &str, root: u32) -> Option<Self> {
        let tools = ["dbus-daemon", "setpriv"];
        if !can_run() || !tools.iter().all(|tool| works(Command::new(tool).arg("--version"))) {
            return skip("dbus-daemon and setpriv");
        }
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let path = folder.path().display();
        let config = format!(
            "<busconfig><type>system</type><listen>unix:path={path}/system_bus_socket</listen>\
             <auth>EXTERNAL</auth><policy context='default'><allow user='*'/><allow send_destination='*'/>\
             <allow receive_sender='*'/><allow own='*'/>{rule}</policy></busconfig>"
        );
        fs::write(folder.path().join("bus.conf"), config).unwrap();
        let mut command = Command::new("bwrap");
        command.args([
            "--bind",
            "/",
            "/",
            "--dev-bind",
            "/dev",
            "/dev",
            "--die-with-parent",
            "--unshare-user",
            "--uid",
            &root.to_string(),
            "--",
        ]);
        command.args(["dbus-daemon", "--nofork", "--print-address=1"]);
        command.arg(format!("--config-file={path}/bus.conf"));
        let mut daemon = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(address.starts_with("unix:path="), "dbus-daemon says {address:?}");
        Some(Self { folder, daemon })
    }

    /// Returns its address, as it would stand in an environment variable.
    pub(crate) fn address(&self) -> String {
        format!("unix:path={}/system_bus_socket", self.folder.path().display())
    }

    /// Returns fobctl with these arguments, to be run as nobody on this bus.
    pub(crate) fn as_nobody(&self, args: &[&str]) -> Command {
        self.as_nobody_with_state(Path::new("/var/lib"), args)
    }

    /// The same with this folder as `/var/lib`.
    pub(crate) fn as_nobody_with_state(&self, state: &Path, args: &[&str]) -> Command {
        let mut command = Command::new("bwrap");
        command.args(["--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--tmpfs", "/run"]);
        command.arg("--bind").arg(state).arg("/var/lib");
        command.arg("--bind").arg(self.folder.path()).arg("/run/dbus");
        // Nobody need not be able to enter the folder that the program was built in.
        command.args(["--ro-bind", env!("CARGO_BIN_EXE_fobctl"), "/run/fobctl"]);
        command.args(["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--", "setpriv"]);
        command.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")]);
        command.args(["--clear-groups", "/run/fobctl"]).args(args);
        command
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
    }
}
