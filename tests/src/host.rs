//! Host: a whole machine to sign in to, in a container: systemd, the bus, sshd, sudo, su, login,
//! with Fob installed from the release build.
//!
//! `tests/containers/engine` knows the container engine; this file knows the machine.
//! A container ends with the test process, however that ends.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "the helpers of tests: a failure here is the test's failure; the container shares \
              this machine's clock, so codes are for now"
)]

mod people;
mod sign_in;
mod transcript;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

pub use people::Person;
pub use sign_in::{Door, Remembered, SignIn};
pub use transcript::Transcript;

/// Numbers the hosts and people of this process.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// A booted machine with Fob installed.
pub struct Host {
    name: String,
    /// Its standard input ends with this process, and then the machine powers itself off.
    lifeline: Child,
    /// `useradd` refuses to run twice at once.
    accounts: Mutex<()>,
}

impl Host {
    /// Boots a machine of one's own, for a test that breaks something.
    #[track_caller]
    pub fn start() -> Self {
        let host = Self::without_fob();
        host.install();
        host
    }

    /// Boots a machine of one's own on which there was never a Fob.
    #[track_caller]
    pub fn without_fob() -> Self {
        Self::boot(&[])
    }

    /// The same, for a test that boots it again.
    #[track_caller]
    pub fn that_reboots() -> Self {
        Self::boot(&["keep"])
    }

    /// Boots a machine with Debian's Cockpit, whose login page asks for no code yet.
    #[track_caller]
    pub fn with_cockpit() -> Self {
        let host = Self::boot(&["cockpit"]);
        host.install();
        host
    }

    #[track_caller]
    fn boot(words: &[&str]) -> Self {
        static PREPARED: OnceLock<()> = OnceLock::new();
        PREPARED.get_or_init(|| {
            let status = engine().arg("prepare").stdout(Stdio::null()).status();
            assert!(status.is_ok_and(|status| status.success()), "no container engine works here");
        });
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("fob-{}-{number}", std::process::id());
        let status =
            engine().args(["start", &name]).args(words).status().expect("the engine script runs");
        assert!(status.success(), "the machine {name} did not boot");
        let lifeline = lifeline(&name);
        Self { name, lifeline, accounts: Mutex::new(()) }
    }

    /// Cuts the power of a machine [that reboots](Self::that_reboots), and boots it again: what is on
    /// its disk stays.
    #[track_caller]
    pub fn reboot(&mut self) {
        let status = engine().args(["restart", &self.name]).status().expect("the engine runs");
        assert!(status.success(), "the machine {} did not boot again", self.name);
        // The old one has ended with the machine's processes.
        let _ = self.lifeline.wait();
        self.lifeline = lifeline(&self.name);
    }

    /// Returns the machine that the tests of this binary share: each brings a person of its own.
    #[track_caller]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Host> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Copies the release build in and installs it as the README says.
    #[track_caller]
    fn install(&self) {
        let binaries = binaries();
        let archive = Command::new("tar")
            .arg("-C")
            .arg(&binaries)
            .args(["-cf", "-", "fobd", "fobctl", "libpam_fob.so", "-C"])
            .arg(repository())
            .arg("packaging")
            .output()
            .expect("tar runs");
        assert!(
            archive.status.success(),
            "the release build is not complete; ./tests/run makes it: {}",
            String::from_utf8_lossy(&archive.stderr)
        );
        self.feed("mkdir /opt/fob && tar -C /opt/fob -xf -", &archive.stdout);
        self.shell("/opt/fob/packaging/install --binaries /opt/fob && fobtest-doors");
    }

    /// Copies the Debian packages that `./tests/run` makes into `/root`: this release as `fob.deb`, the
    /// same with a higher number as `next.deb`.
    #[track_caller]
    pub fn bring_packages(&self) {
        let folder = binaries().with_file_name("deb");
        for entry in std::fs::read_dir(folder).expect("packaging/deb/build has made the packages") {
            let entry = entry.expect("the folder can be read");
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("fob_") && name.ends_with(".deb") {
                let place = if name.contains("+next_") { "next.deb" } else { "fob.deb" };
                let bytes = std::fs::read(entry.path()).expect("the package can be read");
                self.feed(&format!("cat >/root/{place}"), &bytes);
            }
        }
        self.shell("ls /root/fob.deb /root/next.deb");
    }

    /// Runs a shell command as root and returns what it printed; it must succeed.
    #[track_caller]
    pub fn shell(&self, command: &str) -> String {
        self.feed(command, b"")
    }

    /// Runs a shell command as root with standard input; it must succeed.
    #[track_caller]
    pub fn feed(&self, command: &str, input: &[u8]) -> String {
        let output = self.try_feed(command, input);
        assert!(
            output.status.success(),
            "`{command}` failed with {:?}:\n{}{}",
            output.status.code(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a shell command as root, which must fail, and returns all that it said.
    #[track_caller]
    pub fn refuse(&self, command: &str) -> String {
        let output = self.try_feed(command, b"");
        let said =
            String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success(), "`{command}` did it: {said}");
        said.into_owned()
    }

    /// Runs a shell command as root with standard input, and returns how it ended.
    #[track_caller]
    pub fn try_feed(&self, command: &str, input: &[u8]) -> Output {
        self.run(&["bash", "-c", command], input)
    }

    /// Runs a command as root with standard input, and returns how it ended.
    #[track_caller]
    pub(crate) fn run(&self, command: &[&str], input: &[u8]) -> Output {
        let mut child = engine()
            .args(["exec", &self.name, "--", "timeout", "120"])
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the engine script runs");
        let mut stdin = child.stdin.take().expect("its input is a pipe");
        // A command that does not read its input closes the pipe; that is no fault.
        let _ = stdin.write_all(input);
        drop(stdin);
        child.wait_with_output().expect("the command ends")
    }

    /// Returns the lines of the journal that hold a text.
    #[track_caller]
    pub fn journal(&self, text: &str) -> Vec<String> {
        // A line is written by then: every sender waits for the socket's buffer, and the journal
        // is told to put what it has read into its files.
        self.shell("journalctl --sync && journalctl --no-pager -o short")
            .lines()
            .filter(|line| line.contains(text))
            .map(ToOwned::to_owned)
            .collect()
    }

    /// Returns the daemon's verdicts about a user, in their order.
    #[track_caller]
    pub fn verdicts(&self, user: &str) -> Vec<String> {
        self.journal(&format!("user=\"{user}\""))
            .iter()
            .filter_map(|line| line.split_once(" verify verdict=\"")?.1.split_once('"'))
            .map(|(verdict, _)| verdict.to_owned())
            .collect()
    }

    /// Copies a program of this crate into the machine's path; cargo names its file in
    /// `CARGO_BIN_EXE_…`.
    #[track_caller]
    pub fn install_helper(&self, program: &str) {
        let file = Path::new(program);
        let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let bytes = std::fs::read(file).expect("cargo builds it with the tests");
        let place = format!("/usr/local/bin/{name}");
        self.feed(
            &format!("install -m 0755 /dev/stdin {place}.$$ && mv {place}.$$ {place}"),
            &bytes,
        );
    }

    /// Tells whether the machine may make mount namespaces, which the daemon's sandbox needs.
    #[track_caller]
    pub fn may_sandbox(&self) -> bool {
        // CAP_SYS_ADMIN, bit 21 of capabilities(7).
        let bounding = self.shell("sed -n 's/^CapBnd:\\s*//p' /proc/1/status");
        u64::from_str_radix(bounding.trim(), 16).is_ok_and(|bits| bits >> 21 & 1 == 1)
    }

    /// Returns the Unix time in seconds; the machine has the same.
    pub fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // The lifeline's command is killed with the machine; nothing here may panic.
        let _ = engine().args(["remove", &self.name]).status();
        let _ = self.lifeline.wait();
    }
}

/// Starts what powers a machine off when this process ends.
#[track_caller]
fn lifeline(name: &str) -> Child {
    engine()
        .args(["exec", name, "sh", "-c", "cat >/dev/null; systemctl --force poweroff"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the lifeline starts")
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn engine() -> Command {
    Command::new(repository().join("tests/containers/engine"))
}

/// Returns the folder of the release build: `release` beside the profile that this test is in.
fn binaries() -> PathBuf {
    let this = std::env::current_exe().expect("a test knows its file");
    let target = this.ancestors().nth(3).expect("a test is at target/PROFILE/deps/NAME");
    target.join("release")
}
