//! PrivateBus: a system bus of the test's own, with the policy file that is shipped.
//!
//! The rules around it are those of dbus-daemon's own `system.conf`: nobody owns a name or calls a
//! method unless a service's policy file allows it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests: a failure here is the test's failure"
)]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use fobd::account;

/// The policy file that is shipped.
pub const POLICY: &str = include_str!("../../packaging/dbus/org.fobd.Fob1.conf");
/// Its name in dbus-daemon's folder of policies.
const POLICY_FILE: &str = "org.fobd.Fob1.conf";

/// The name can be started, as on a host where Fob is installed, but no start succeeds: tests
/// start fobd themselves.
const SERVICE: &str = "[D-BUS Service]\nName=org.fobd.Fob1\nExec=/bin/false\nUser=root\n";

/// A running bus. It ends when it is dropped.
pub struct PrivateBus {
    process: Child,
    socket: PathBuf,
}

impl PrivateBus {
    /// Starts a bus with its socket and its configuration in `folder`, and waits until it listens.
    ///
    /// # Panics
    ///
    /// If dbus-daemon does not start.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        Self::start_for(folder, account::NAME)
    }

    /// Starts a bus for a daemon whose own user has this name instead.
    ///
    /// # Panics
    ///
    /// If dbus-daemon does not start.
    #[must_use]
    pub fn start_for(folder: &Path, own: &str) -> Self {
        let socket = folder.join("system_bus_socket");
        let policies = folder.join("system.d");
        fs::create_dir_all(&policies).expect("a folder for the policy");
        let policy = POLICY.replace(
            &format!("<policy user=\"{}\">", account::NAME),
            &format!("<policy user=\"{own}\">"),
        );
        fs::write(policies.join(POLICY_FILE), policy).expect("the policy");
        let services = folder.join("services");
        fs::create_dir_all(&services).expect("a folder for the service");
        fs::write(services.join("org.fobd.Fob1.service"), SERVICE).expect("the service");
        let config = folder.join("bus.conf");
        fs::write(&config, configuration(&socket)).expect("the configuration");
        let mut process = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile", "--nosyslog", "--print-address"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null()) // it complains about limits that it may not raise
            .spawn()
            .expect("dbus-daemon starts");
        let mut address = String::new();
        let output = process.stdout.take().expect("its output is piped");
        BufReader::new(output).read_line(&mut address).expect("dbus-daemon says its address");
        assert!(address.starts_with("unix:path="), "dbus-daemon did not start: {address:?}");
        Self { process, socket }
    }

    /// Returns its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Returns its address.
    #[must_use]
    pub fn address(&self) -> String {
        format!("unix:path={}", self.socket.display())
    }

    /// Returns the path of its socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for PrivateBus {
    fn drop(&mut self) {
        // It has no state to lose.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configuration(socket: &Path) -> String {
    include_str!("../harness/system_bus.conf").replace("@SOCKET@", &socket.display().to_string())
}
