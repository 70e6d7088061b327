//! A daemon that follows a script, on the peer socket of a private `/run`, and `fobctl` beside it.
//!
//! Honest limits: it speaks the interface as `fob_api` declares it, so a contract that both get
//! wrong is not noticed here, but in the tests with the real daemon.

mod bus;
mod interface;
mod terminal;

use std::{
    fmt::Write as _,
    fs,
    io::Write,
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    process::{Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{Builder as Thread, JoinHandle},
};

use fob_api::{
    AdoptReport, BackupReport, Error, ExplainReport, IdentifyReport, ImportReport, LogEntry,
    LogReport, RekeyReport, RestoreReport, Serial, StatusReport, TicketReport, TokenReport,
    UserName, UserReport, address,
};
use sha2::Digest as _;
use tempfile::TempDir;
use zbus::{Connection, Guid, connection};

pub(crate) use bus::Bus;
use interface::Daemon;
pub(crate) use terminal::Terminal;

/// What the script answers.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Adopt(AdoptReport),
    /// The stream that is written, and what is said of it.
    Backup(&'static str, BackupReport),
    Codes(&'static [&'static str]),
    Count(u32),
    Done,
    Events(Vec<LogEntry>, u64),
    Explained(&'static str, ExplainReport),
    Hangup,
    Identified(IdentifyReport),
    Import(ImportReport),
    Log(LogReport),
    Page(Vec<TokenReport>, &'static str),
    Refuse(Error),
    Rekey(RekeyReport),
    Restore(RestoreReport),
    Status(StatusReport),
    Temporary(&'static str, u64),
    Tickets(Vec<TicketReport>),
    Token(TokenReport),
    User(UserReport),
    /// What a phone reads, and the token.
    Virtual(&'static str, TokenReport),
}

/// One call that must come, as text, and its reply.
type Step = (&'static str, Reply);

#[derive(Default)]
struct Script {
    /// The steps that have not come yet, the next one last.
    left: Vec<Step>,
    /// Calls that came and should not have.
    surprises: String,
}

/// The scripted daemon. Dropping it fails the test if the script was not played to its end.
pub(crate) struct Fake {
    folder: TempDir,
    script: Arc<Mutex<Script>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Where a scripted daemon is reached besides its peer socket.
struct OnBus {
    address: String,
    /// Its own uid, as that bus sees it.
    uid: u32,
}

impl Fake {
    /// Starts a daemon that expects exactly these calls in this order.
    pub(crate) fn new(steps: &[Step]) -> Self {
        Self::start(steps, None)
    }

    /// Starts such a daemon with its name on a bus, which sees it as this uid's.
    pub(crate) fn on_bus(bus: &Bus, uid: u32, steps: &[Step]) -> Self {
        Self::start(steps, Some(OnBus { address: bus.address(), uid }))
    }

    fn start(steps: &[Step], bus: Option<OnBus>) -> Self {
        let left = steps.iter().rev().cloned().collect();
        let script = Arc::new(Mutex::new(Script { left, surprises: String::new() }));
        let stop = Arc::new(AtomicBool::new(false));
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("bus")).unwrap();
        listener.set_nonblocking(true).unwrap();
        let (ready, started) = mpsc::channel();
        let (calls, end) = (Arc::clone(&script), Arc::clone(&stop));
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let _on_bus = serve_on_bus(bus, &calls).await;
                ready.send(()).unwrap();
                serve_peers(listener, &calls, &end).await;
            });
        };
        let thread = Some(Thread::new().name("fake daemon".to_owned()).spawn(serve).unwrap());
        started.recv().unwrap();
        Self { folder, script, stop, thread }
    }

    /// Returns fobctl with these arguments, ready to be run beside this daemon.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        fobctl(Some(self.folder.path()), args)
    }

    /// Runs fobctl with these arguments and this standard input.
    #[track_caller]
    pub(crate) fn run(&self, args: &[&str], input: &str) -> Ended {
        run(self.command(args), input)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread from accept.
        drop(UnixStream::connect(self.folder.path().join("bus")));
        let ended = self.thread.take().unwrap().join();
        if std::thread::panicking() {
            return;
        }
        ended.unwrap();
        let script = self.script.lock().unwrap();
        assert!(script.surprises.is_empty(), "unexpected calls:\n{}", script.surprises);
        let left: Vec<&str> = script.left.iter().rev().map(|step| step.0).collect();
        assert!(left.is_empty(), "calls that never came: {left:?}");
    }
}

async fn serve_on_bus(bus: Option<OnBus>, script: &Arc<Mutex<Script>>) -> Option<Connection> {
    let bus = bus?;
    let connection = connection::Builder::address(bus.address.as_str())
        .user_id(bus.uid)
        .serve_at(address::OBJECT_PATH, Daemon { script: Arc::clone(script) })
        .name(address::BUS_NAME);
    Some(connection.build().await.unwrap())
}

async fn serve_peers(listener: UnixListener, script: &Arc<Mutex<Script>>, stop: &AtomicBool) {
    let listener = tokio::net::UnixListener::from_std(listener).unwrap();
    let guid = Guid::generate();
    let mut connections = Vec::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let connection = connection::Builder::unix_stream(stream.into_std().unwrap())
            .server(guid.clone())
            .p2p()
            .serve_at(address::OBJECT_PATH, Daemon { script: Arc::clone(script) });
        connections.push(connection.build().await.unwrap());
    }
}

/// Returns the end of the receipt of an import: the serials' sentence, and the hash of this text.
pub(crate) fn receipt(serials: &str, text: &str) -> String {
    let hash = sha2::Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect::<String>();
    format!("{serials}\nSHA-256 of the file: {hash}\n")
}

/// Returns the advice to destroy a file whose tokens are in stock.
pub(crate) fn destroy(file: &str) -> String {
    format!(
        "hint: the seeds are in stock now. Destroy the file: shred -u {file} (copies may stay on an \
         SSD, and where the file system copies on write).\n"
    )
}

/// What a run of fobctl left behind.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Asserts a success that printed exactly this.
    #[track_caller]
    pub(crate) fn printed(&self, stdout: &str) {
        assert_eq!((self.status, self.stdout.as_str(), self.stderr.as_str()), (0, stdout, ""));
    }

    /// Asserts a failure with this status that said exactly this, and nothing on standard output.
    #[track_caller]
    pub(crate) fn failed(&self, status: i32, stderr: &str) {
        assert_eq!((self.status, self.stdout.as_str(), self.stderr.as_str()), (status, "", stderr));
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs fobctl on a host without a daemon.
#[track_caller]
pub(crate) fn run_alone(args: &[&str], input: &str) -> Ended {
    run(fobctl(None, args), input)
}

/// Runs a command with this standard input.
#[track_caller]
pub(crate) fn run(mut command: Command, input: &str) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A run that reads nothing closes its end early.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap().into()
}

fn fobctl(folder: Option<&Path>, args: &[&str]) -> Command {
    let mut command = sandboxed(folder);
    command.arg(env!("CARGO_BIN_EXE_fobctl")).args(args);
    command
}

/// Returns a command that runs its arguments with a private `/run`, with `folder` as `/run/fobd`.
fn sandboxed(folder: Option<&Path>) -> Command {
    let mut command = Command::new("bwrap");
    command.args(["--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--tmpfs", "/run"]);
    command.args(["--dir", "/run/fobd"]);
    if let Some(folder) = folder {
        command.arg("--bind").arg(folder).arg("/run/fobd");
    }
    command.arg("--");
    command
}

/// Tells whether the binary can be run here: as root, because only root uses the peer socket, and
/// with bubblewrap. Says so if not; on a CI machine that is a failure.
#[track_caller]
pub(crate) fn can_run() -> bool {
    nix::unistd::Uid::effective().is_root() && works(sandboxed(None).arg("true"))
        || skip::<()>("root and bwrap").is_some()
}

/// Says that a test is skipped for want of something; on a CI machine that is a failure.
#[track_caller]
fn skip<T>(needed: &str) -> Option<T> {
    #[allow(clippy::disallowed_methods, reason = "a CI machine says so in its environment")]
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!is_ci, "this test needs {needed}");
    eprintln!("skipped: this test needs {needed}");
    None
}

fn works(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// Writes a seed file with this mode into a new folder.
pub(crate) fn seed_file(mode: u32) -> (TempDir, String) {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seeds.xml");
    fs::write(&path, "the contents").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let name = path.to_str().unwrap().to_owned();
    (folder, name)
}

/// A token in stock.
pub(crate) fn in_stock(serial: &str) -> TokenReport {
    TokenReport {
        serial: Some(serial.to_owned()),
        state: Some("stock".to_owned()),
        kind: Some("totp".to_owned()),
        algorithm: Some("SHA1".to_owned()),
        digits: Some(6),
        period: Some(30),
        imported: Some(2_000_000_000),
        ..TokenReport::default()
    }
}

/// The same token with this user.
pub(crate) fn assigned(serial: &str, user: &str) -> TokenReport {
    TokenReport {
        state: Some("assigned".to_owned()),
        user: Some(user.to_owned()),
        drift: Some(12),
        rate: Some(2.5),
        in_sync_until: Some(2_022_462_400),
        ..in_stock(serial)
    }
}

/// A user with these tokens.
pub(crate) fn user(name: &str, uid: u32, tokens: &[TokenReport]) -> UserReport {
    UserReport {
        user: Some(name.to_owned()),
        uid: Some(uid),
        tokens: Some(tokens.to_vec()),
        shares: Some(Vec::new()),
        ..UserReport::default()
    }
}

pub(crate) fn serial(text: &str) -> Serial {
    Serial::parse(text).unwrap()
}

pub(crate) fn name(text: &str) -> UserName {
    UserName::parse(text).unwrap()
}

impl Script {
    fn play(&mut self, call: &str) -> Reply {
        match self.left.pop() {
            Some((expected, reply)) if expected == call => reply,
            other => {
                let expected = other.map_or("nothing", |step| step.0);
                let _ = writeln!(self.surprises, "  came: {call}\n  expected: {expected}");
                Reply::Refuse(Error::InvalidArgument { fact: "this call is not in the script." })
            }
        }
    }
}
