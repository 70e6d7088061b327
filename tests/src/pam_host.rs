//! A real PAM host with the real module, in a mount namespace of its own.
//!
//! The module's addresses are compiled in, so each test gets its own `/run` and `/dev/log`. Works
//! as root, and as an ordinary user where user namespaces are allowed (the module then sees
//! uid 0, and so do the sockets' credentials).
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper of tests: a panic is a failed test

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;

use crate::fake_daemon::{Act, FakeDaemon};
use crate::needs;

/// How the module stands in a PAM file: what it returns is what the host gets, and only after
/// `PAM_IGNORE` is the next module asked.
const CONTROL: &str = "[success=done ignore=ignore default=die]";

/// What each test has for itself, and where it is inside.
const PLACES: [(&str, &str); 8] = [
    ("fobd", "/run/fobd"),
    ("dbus", "/run/dbus"),
    ("log", "/dev/log"),
    ("lib", "/var/lib"),
    ("passwd", "/etc/passwd"),
    ("group", "/etc/group"),
    ("shadow", "/etc/shadow"),
    ("pam.d", "/etc/pam.d"),
];

/// The users of the stage's host.
const USERS: &str = "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n\
    carol:x:1001:1001::/:/bin/sh\ndave:x:1002:27::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n";
/// Its groups: alice and dave administer it, each in another way.
const GROUPS: &str = "root:x:0:\nsudo:x:27:alice\nusers:x:100:carol\nnogroup:x:65534:\n";

/// Whether `/var/lib` can be written.
#[derive(Clone, Copy)]
enum Disk {
    ReadOnly,
    Writable,
}

/// The compiled module and what tests put around it.
pub struct Built {
    /// `pam_fob.so`.
    pub module: PathBuf,
    host: PathBuf,
    neighbour: PathBuf,
    /// `fake_clock.so`, to be loaded before the C library.
    pub fake_clock: PathBuf,
}

/// Builds the module as it is shipped, on its own (the features of a workspace build would be
/// united), and the C programs around it. Once per process.
pub fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = here.join("../target/module-alone");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--locked", "--package", "pam-fob", "--target-dir"]);
        run(cargo.arg(&target).current_dir(here.join("..")));

        let compile = |source: &str, name: &str, flags: &[&str]| {
            let made = target.join(name);
            // Other test processes do the same at the same time: each makes its own, and the
            // last one stays.
            let own = target.join(format!("{name}.{}", std::process::id()));
            let mut cc = Command::new("cc");
            cc.args(["-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&own);
            run(cc.arg(here.join("harness").join(source)).args(flags));
            fs::rename(&own, &made).unwrap();
            made
        };
        Built {
            module: target.join("debug/libpam_fob.so"),
            host: compile("pam_host.c", "pam_host", &["-lpam", "-lpthread", "-ldl"]),
            neighbour: compile(
                "pam_neighbour.c",
                "pam_neighbour.so",
                &["-shared", "-fPIC", "-lpam"],
            ),
            fake_clock: compile("fake_clock.c", "fake_clock.so", &["-shared", "-fPIC"]),
        }
    })
}

fn run(command: &mut Command) {
    let output = command.output().expect("the tool is installed");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{errors}");
}

/// The folders of one test.
pub struct Stage {
    folder: TempDir,
    log: UnixDatagram,
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

impl Stage {
    /// Returns a stage without a daemon.
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        // The module also runs as other users there.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["fobd", "dbus", "pam.d", "lib"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let Built { module, host, neighbour, .. } = built();
        let copies = [(module, "pam_fob.so"), (host, "pam_host"), (neighbour, "pam_neighbour.so")];
        for (from, name) in copies {
            needs::install(from, &folder.path().join(name));
        }
        fs::write(folder.path().join("passwd"), USERS).unwrap();
        fs::write(folder.path().join("group"), GROUPS).unwrap();
        fs::write(folder.path().join("shadow"), "").unwrap();
        let path = folder.path().join("log");
        let log = UnixDatagram::bind(&path).unwrap();
        log.set_nonblocking(true).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        Self { folder, log }
    }

    /// Returns the stage's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns where the daemon's own socket belongs.
    pub fn daemon_socket(&self) -> PathBuf {
        self.folder.path().join("fobd/bus")
    }

    /// Returns where the system bus's socket belongs.
    pub fn bus_socket(&self) -> PathBuf {
        self.folder.path().join("dbus/system_bus_socket")
    }

    /// Returns where `/var/lib/fob-emergency` is, or will be.
    pub fn emergency_folder(&self) -> PathBuf {
        self.folder.path().join("lib/fob-emergency")
    }

    /// Returns where `/var/lib/fobd` is, or will be.
    pub fn state_folder(&self) -> PathBuf {
        self.folder.path().join("lib/fobd")
    }

    /// Returns where the module lies inside.
    pub fn module(&self) -> PathBuf {
        self.folder.path().join("pam_fob.so")
    }

    /// Returns where the harness lies, for every user.
    pub fn harness(&self) -> PathBuf {
        self.folder.path().join("pam_host")
    }

    /// Starts a daemon on its own socket.
    pub fn daemon(&self, script: Vec<Act>) -> FakeDaemon {
        FakeDaemon::listen(&self.daemon_socket(), script)
    }

    /// Starts a daemon on its own socket that has a code asked for before each of these acts.
    pub fn decider(&self, acts: Vec<Act>) -> FakeDaemon {
        self.daemon(acts.into_iter().flat_map(|act| [act.before(), act]).collect())
    }

    /// Starts something that answers as the system bus.
    pub fn bus(&self, script: Vec<Act>) -> FakeDaemon {
        let bus = FakeDaemon::listen(&self.bus_socket(), script);
        fs::set_permissions(self.bus_socket(), fs::Permissions::from_mode(0o666)).unwrap();
        bus
    }

    /// Writes a PAM file with the module, with these options, and a neighbour behind it; returns
    /// a host for it.
    pub fn host(&self, options: &str) -> Host<'_> {
        let lines =
            ["auth", "account", "session", "password"].map(|kind| self.lines(kind, options));
        self.host_with(&lines.concat())
    }

    /// Returns a host whose module finds this password from a module before it.
    pub fn host_after_password(&self, password: &str, options: &str) -> Host<'_> {
        let before = format!("auth required {} [{password}]\n", self.neighbour().display());
        self.host_with(&(before + &self.lines("auth", options)))
    }

    fn lines(&self, kind: &str, options: &str) -> String {
        let (module, neighbour) = (self.module(), self.neighbour());
        let (module, neighbour) = (module.display(), neighbour.display());
        format!("{kind} {CONTROL} {module} {options}\n{kind} required {neighbour}\n")
    }

    fn neighbour(&self) -> PathBuf {
        self.folder.path().join("pam_neighbour.so")
    }

    /// Writes a PAM file and returns a host for it.
    pub fn host_with(&self, lines: &str) -> Host<'_> {
        let folder = self.folder.path().join("pam.d");
        fs::write(folder.join("probe"), lines).unwrap();
        // libpam logs that it misses this one, and tests read the log.
        fs::write(folder.join("other"), "auth required pam_deny.so\n").unwrap();
        Host {
            stage: self,
            service: "probe",
            before: Vec::new(),
            words: Vec::new(),
            environment: Vec::new(),
            uid: 0,
            disk: Disk::Writable,
        }
    }

    /// Returns a command that runs its arguments on the stage as root, without an environment.
    pub fn inside(&self) -> Command {
        self.sandbox(0, Disk::Writable)
    }

    fn sandbox(&self, uid: u32, disk: Disk) -> Command {
        let folder = self.folder.path();
        let mut command = Command::new("bwrap");
        command.args(["--bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/run"]);
        command.arg("--bind").arg(folder).arg(folder);
        for (from, to) in PLACES {
            command.arg("--bind").arg(folder.join(from)).arg(to);
        }
        if let Disk::ReadOnly = disk {
            command.arg("--remount-ro").arg("/var/lib");
        }
        let ids = uid.to_string();
        if !nix::unistd::geteuid().is_root() {
            command.args(["--unshare-user", "--uid", &ids, "--gid", &ids]);
        } else if uid != 0 {
            command.args(["setpriv", "--clear-groups", "--reuid", &ids, "--regid", &ids]);
        }
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// Makes the log's socket full, so that another datagram would have to wait.
    pub fn fill_log(&self) {
        let sender = UnixDatagram::unbound().unwrap();
        sender.set_nonblocking(true).unwrap();
        while sender.send_to(b"full", self.folder.path().join("log")).is_ok() {}
    }

    /// Removes the log's reader, and leaves the path.
    pub fn silence_log(&self) {
        self.log.shutdown(std::net::Shutdown::Both).unwrap();
    }

    /// Returns the lines that were logged.
    pub fn log(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(length) = self.log.recv(&mut buffer) {
            lines.push(String::from_utf8_lossy(buffer.get(..length).unwrap()).into_owned());
        }
        lines
    }
}

/// A host process that is about to run.
pub struct Host<'a> {
    stage: &'a Stage,
    service: &'static str,
    before: Vec<OsString>,
    words: Vec<OsString>,
    environment: Vec<(&'static str, &'static str)>,
    uid: u32,
    disk: Disk,
}

impl Host<'_> {
    /// Adds a word of the harness (`harness/pam_host.c`), such as `answer=123456`.
    #[must_use]
    pub fn word(mut self, word: impl AsRef<OsStr>) -> Self {
        self.words.push(word.as_ref().to_owned());
        self
    }

    /// Calls the service by this name instead of `probe`.
    #[must_use]
    pub fn service(mut self, name: &'static str) -> Self {
        let folder = self.stage.folder.path().join("pam.d");
        fs::copy(folder.join(self.service), folder.join(name)).unwrap();
        self.service = name;
        self
    }

    /// Sets a variable of the host's environment.
    #[must_use]
    pub fn environment(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    /// Runs the host as this uid. Only root can do that for others than 0.
    #[must_use]
    pub fn uid(mut self, uid: u32) -> Self {
        self.uid = uid;
        self
    }

    /// Runs the host under this command.
    #[must_use]
    pub fn under(mut self, command: &[&str]) -> Self {
        self.before.extend(command.iter().map(OsString::from));
        self
    }

    /// Makes `/var/lib` read-only.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.disk = Disk::ReadOnly;
        self
    }

    /// Signs in alice once with this answer.
    pub fn sign_in(self, answer: &str) -> Seen {
        self.word("user=alice").word(format!("answer={answer}")).word("call-authenticate").run()
    }

    /// Runs the host to its end.
    #[track_caller]
    pub fn run(self) -> Seen {
        let (seen, status) = self.output();
        assert!(status.success(), "the host ended with {status}: {seen:?}");
        seen
    }

    /// Runs the host; `None` if it was killed.
    #[track_caller]
    pub fn try_run(self) -> Option<Seen> {
        let (seen, status) = self.output();
        status.success().then_some(seen)
    }

    #[track_caller]
    fn output(self) -> (Seen, ExitStatus) {
        let folder = self.stage.folder.path();
        let mut command = self.stage.sandbox(self.uid, self.disk);
        command.args(&self.before);
        command.arg(self.stage.harness()).arg(folder.join("pam.d")).arg(self.service);
        command.args(&self.words).envs(self.environment);
        let output = command.output().expect("bubblewrap is installed");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(errors, "", "something wrote to the host's standard error");
        let lines = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
        (Seen { lines }, output.status)
    }
}

/// What the host saw.
#[derive(Debug)]
pub struct Seen {
    lines: Vec<String>,
}

impl Seen {
    /// Returns what follows this word on each line that begins with it.
    pub fn all(&self, word: &str) -> Vec<&str> {
        self.lines.iter().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).collect()
    }

    /// Returns the number that follows this word.
    #[track_caller]
    pub fn number(&self, word: &str) -> i64 {
        let found = self.all(word);
        assert_eq!(found.len(), 1, "{word} in {self:?}");
        found.concat().parse().expect("a number")
    }

    /// Returns the PAM result of the only call, as `_pam_types.h` numbers it.
    #[track_caller]
    pub fn code(&self) -> i64 {
        self.number("code")
    }

    /// Returns the prompts: style and text.
    pub fn prompts(&self) -> Vec<&str> {
        self.all("prompt")
    }

    /// Returns the other messages: style and text.
    pub fn texts(&self) -> Vec<&str> {
        self.all("text")
    }

    /// Returns prompts and other messages, each with its word, in the order in which they came.
    pub fn said(&self) -> Vec<&str> {
        let is_message = |line: &&str| line.starts_with("prompt ") || line.starts_with("text ");
        self.lines.iter().map(String::as_str).filter(is_message).collect()
    }

    /// Returns the time from the answer to the result.
    #[track_caller]
    pub fn took(&self) -> Duration {
        Duration::from_millis(self.number("took").unsigned_abs())
    }
}

/// PAM results, from `_pam_types.h`.
pub mod pam {
    /// Signed in.
    pub const SUCCESS: i64 = 0;
    /// A wrong option.
    pub const SERVICE_ERR: i64 = 3;
    /// A panic.
    pub const SYSTEM_ERR: i64 = 4;
    /// Refused, where the host shows the sentence with nothing else.
    pub const PERM_DENIED: i64 = 6;
    /// Refused.
    pub const AUTH_ERR: i64 = 7;
    /// Trouble, where the PAM file asks for this.
    pub const AUTHINFO_UNAVAIL: i64 = 9;
    /// No answer from the conversation.
    pub const CONV_ERR: i64 = 19;
    /// The neighbour's `PAM_MAXTRIES`: the module said `PAM_IGNORE`.
    pub const IGNORED: i64 = 11;
}
