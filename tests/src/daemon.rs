//! Daemon: a real `fobd` with its state, its socket and its log in a folder of the test's own.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "the helpers of tests: a failure here is the test's failure"
)]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::Duration,
};

use fob_api::proxy::FobProxy;
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, User},
};
use zbus::{Connection, connection::Builder, proxy::CacheProperties};

use crate::{needs, private_bus::PrivateBus};

/// How long an event may take that is sure to come: long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder that everybody may enter, for sockets and for the programs of other users. It is gone
/// when it is dropped.
pub struct Ground(tempfile::TempDir);

impl Ground {
    /// Makes the folder.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("its mode");
        Self(folder)
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Sets up the state that [`Daemon::start`] finds here, for a daemon that runs as this user.
    /// Needs root.
    #[track_caller]
    pub fn set_up_for(&self, user: &str) {
        let state = self.path().join("state");
        initialize(&state);
        let owner = User::from_name(user).expect("the user database").expect("a known user");
        give(&state, &owner);
    }

    /// Puts a copy of a program here, where every user may run it.
    #[must_use]
    pub fn program(&self, path: &Path) -> PathBuf {
        let copy = self.path().join(path.file_name().expect("a program has a name"));
        needs::install(path, &copy);
        copy
    }
}

impl Default for Ground {
    fn default() -> Self {
        Self::new()
    }
}

/// What fobd said, line by line.
#[derive(Default)]
struct Log {
    lines: Vec<String>,
    /// It will say nothing more.
    ended: bool,
}

type SharedLog = Arc<(Mutex<Log>, Condvar)>;

/// A running fobd. It ends when it is dropped.
pub struct Daemon {
    process: Child,
    socket: PathBuf,
    log: SharedLog,
}

impl Daemon {
    /// Starts fobd on the state in `folder`, with the settings in its `fobd.conf` if there are any,
    /// on its own socket and on a bus if there is one. Waits until it serves them.
    #[must_use]
    #[track_caller]
    pub fn start(folder: &Path, bus: Option<&PrivateBus>) -> Self {
        Self::start_with(folder, bus, &[])
    }

    /// The same, with these variables in its environment.
    #[must_use]
    #[track_caller]
    pub fn start_with(
        folder: &Path,
        bus: Option<&PrivateBus>,
        environment: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(needs::built("fobd"));
        command.envs(environment.iter().copied());
        let daemon = Self::launch(command, folder, bus);
        daemon.wait_for("ready version=");
        if bus.is_some() {
            daemon.wait_for("bus state=\"connected\"");
        }
        daemon
    }

    /// Does so by a command that is given fobd's arguments, with this standard input, without a
    /// bus.
    #[must_use]
    #[track_caller]
    pub fn start_by(command: Command, folder: &Path, input: Option<Stdio>) -> Self {
        let daemon = Self::spawn(command, folder, None, input.unwrap_or_else(Stdio::null));
        daemon.wait_for("ready version=");
        daemon
    }

    /// Starts fobd by a command that has its path already, and waits for nothing.
    #[must_use]
    #[track_caller]
    pub fn launch(command: Command, folder: &Path, bus: Option<&PrivateBus>) -> Self {
        Self::spawn(command, folder, bus, Stdio::null())
    }

    #[track_caller]
    fn spawn(mut command: Command, folder: &Path, bus: Option<&PrivateBus>, input: Stdio) -> Self {
        let state = folder.join("state");
        let socket = folder.join("peer");
        let at = format!("--state={}", state.display());
        if !state.exists() {
            initialize(&state);
        }
        // The settings of the machine that runs the tests are not the tests'.
        let settings = folder.join("fobd.conf");
        if !settings.exists() {
            write_settings(&settings, "");
        }
        let mut process = command
            .arg(&at)
            .arg(format!("--config={}", settings.display()))
            .arg(format!("--socket={}", socket.display()))
            .arg(bus.map_or("--no-bus".to_owned(), |bus| format!("--bus={}", bus.address())))
            .stdin(input)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("fobd starts");
        let output = process.stderr.take().expect("its log is piped");
        Self { process, socket, log: keep(output) }
    }

    /// Waits until it serves its socket; tells whether it does.
    #[must_use]
    pub fn serves(&self) -> bool {
        let ready = |log: &Log| log.lines.iter().any(|line| line.starts_with("ready version="));
        let (log, news) = &*self.log;
        let waiting = log.lock().expect("the log");
        let (log, _) = news
            .wait_timeout_while(waiting, PATIENCE, |log| !ready(log) && !log.ended)
            .expect("the log");
        ready(&log)
    }

    /// Waits until a line of the log holds `part`.
    #[track_caller]
    pub fn wait_for(&self, part: &str) {
        self.wait_for_times(part, 1);
    }

    /// Waits until so many lines of the log hold `part`.
    #[track_caller]
    pub fn wait_for_times(&self, part: &str, times: usize) {
        let said = |log: &Log| log.lines.iter().filter(|line| line.contains(part)).count() >= times;
        let (log, news) = &*self.log;
        let waiting = log.lock().expect("the log");
        let (log, _) = news
            .wait_timeout_while(waiting, PATIENCE, |log| !said(log) && !log.ended)
            .expect("the log");
        assert!(said(&log), "fobd did not say {part:?}:\n{}", log.lines.join("\n"));
    }

    /// Returns what fobd said so far.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.lock().lines.clone()
    }

    /// Returns the path of its own socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Returns its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Connects to its own socket.
    pub async fn connect(&self) -> Connection {
        connect(&self.socket).await.expect("fobd takes a connection")
    }

    /// Connects to its own socket and returns the interface.
    pub async fn proxy(&self) -> FobProxy<'static> {
        proxy(&self.connect().await).await
    }

    /// Ends fobd as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) -> ExitStatus {
        // It may have ended already.
        let _ = self.process.kill();
        self.process.wait().expect("fobd is this process's child")
    }

    /// Asks fobd to end, as systemd does, and waits until it has.
    pub fn stop(&mut self) -> ExitStatus {
        let id = i32::try_from(self.process.id()).expect("a process id fits");
        kill(Pid::from_raw(id), Signal::SIGTERM).expect("fobd takes the signal");
        self.process.wait().expect("fobd is this process's child")
    }

    /// Tells whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.0.lock().expect("the log")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Sets a state folder up.
#[track_caller]
fn initialize(state: &Path) {
    let at = format!("--state={}", state.display());
    let made = Command::new(needs::built("fobd")).arg("--initialize").arg(&at).status();
    assert!(made.expect("fobd starts").success(), "fobd did not set {at} up");
}

/// Gives somebody a folder and all that is in it.
#[track_caller]
fn give(path: &Path, owner: &User) {
    chown(path, Some(owner.uid.as_raw()), Some(owner.gid.as_raw())).expect("root may give it away");
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("the folder") {
            give(&entry.expect("its entry").path(), owner);
        }
    }
}

/// Writes a configuration file that fobd takes: its owner alone may write it.
#[track_caller]
pub fn write_settings(path: &Path, text: &str) {
    fs::write(path, text).expect("the settings are written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("their mode");
}

/// Connects to a peer socket.
///
/// # Errors
///
/// What zbus says.
pub async fn connect(socket: &Path) -> zbus::Result<Connection> {
    let stream = std::os::unix::net::UnixStream::connect(socket)
        .map_err(|error| zbus::Error::InputOutput(Arc::new(error)))?;
    Builder::unix_stream(stream).p2p().build().await
}

/// Returns the interface on a peer connection.
pub async fn proxy(connection: &Connection) -> FobProxy<'static> {
    FobProxy::builder(connection)
        .cache_properties(CacheProperties::No)
        .build()
        .await
        .expect("the interface's names are right")
}

/// Keeps what is said until the other side ends.
fn keep(output: ChildStderr) -> SharedLog {
    let shared = SharedLog::default();
    let ours = Arc::clone(&shared);
    let read = move || {
        let (log, news) = &*ours;
        for line in BufReader::new(output).lines() {
            let Ok(line) = line else { break };
            log.lock().expect("the log").lines.push(line);
            news.notify_all();
        }
        log.lock().expect("the log").ended = true;
        news.notify_all();
    };
    thread::Builder::new().name("fobd log".to_owned()).spawn(read).expect("a thread");
    shared
}
