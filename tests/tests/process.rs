//! The process itself: whom it runs as, what others see of it, its socket, its watchdog
//! (threats.md S4, S6, S8, X6).
//!
//! Honest limits: no service manager is here; these tests pass and take what it would. The unit's
//! own part is tried on a booted machine (tests/machine/service.rs).

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::{
    fs,
    io::ErrorKind,
    os::{
        fd::OwnedFd,
        unix::{
            fs::{MetadataExt as _, PermissionsExt as _},
            net::{UnixDatagram, UnixListener},
            process::{CommandExt as _, ExitStatusExt as _},
        },
    },
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use fob_tests::{
    daemon::{self, Daemon, Ground},
    needs::{self, Need},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, User},
};

/// Users whom every Debian has (base-passwd): one stands for the daemon's own, one for another.
const OWN: &str = "games";
const OTHER: &str = "bin";
/// How long an event may take that is sure to come.
const PATIENCE: Duration = Duration::from_secs(30);

fn ids(name: &str) -> (u32, u32) {
    let user = User::from_name(name).unwrap().unwrap();
    (user.uid.as_raw(), user.gid.as_raw())
}

/// Runs a command as somebody.
fn as_user(name: &str, program: &str, arguments: &[&str]) -> Output {
    let (uid, gid) = ids(name);
    let mut command = Command::new(program);
    command.args(arguments).uid(uid).gid(gid).current_dir("/").output().unwrap()
}

/// Starts a daemon that root starts and that runs as OWN; `None` if this is not root.
#[track_caller]
fn own_daemon() -> Option<(Ground, Daemon)> {
    needs::met(&[Need::Root]).then(|| {
        let ground = Ground::new();
        ground.set_up_for(OWN);
        let daemon = Daemon::start(ground.path(), None);
        (ground, daemon)
    })
}

/// Returns the rest of a line of proc_pid_status(5).
fn status(text: &str, name: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_daemon_that_root_started_has_none_of_roots_rights_left() {
    let Some((_ground, daemon)) = own_daemon() else { return };
    daemon.proxy().await.status().await.unwrap();
    let (uid, gid) = ids(OWN);
    let mut threads = 0;
    for thread in fs::read_dir(format!("/proc/{}/task", daemon.id())).unwrap() {
        let text = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        assert_eq!(status(&text, "Uid"), format!("{uid} {uid} {uid} {uid}"));
        assert_eq!(status(&text, "Gid"), format!("{gid} {gid} {gid} {gid}"));
        assert_eq!(status(&text, "Groups"), "");
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert_eq!(status(&text, set), "0000000000000000", "{set}");
        }
        threads += 1;
    }
    assert!(threads > 1, "the runtime and the writer have threads");
}

#[test]
fn the_socket_of_a_daemon_with_a_user_of_its_own_is_roots_alone() {
    let Some((_ground, daemon)) = own_daemon() else { return };
    let facts = fs::symlink_metadata(daemon.socket()).unwrap();
    assert_eq!((facts.uid(), facts.mode() & 0o777), (0, 0o600));
}

#[test]
fn nobody_but_root_sees_the_daemons_memory_or_environment() {
    let Some((_ground, daemon)) = own_daemon() else { return };
    // Somebody sees those of his own programs: the look itself works.
    let (uid, gid) = ids(OWN);
    let mut plain = Command::new("sleep").arg("60").uid(uid).gid(gid).spawn().unwrap();
    let see = |who: &str, process: u32, what: &str| {
        let place = format!("/proc/{process}/{what}");
        let (program, words): (_, &[&str]) = match what {
            "fd" => ("ls", &[&place]),
            // Opening it takes the right to trace (proc(5)); nothing is read.
            _ => ("head", &["-c", "0", &place]),
        };
        as_user(who, program, words).status.success()
    };
    for what in ["mem", "environ", "maps", "fd"] {
        assert!(see(OWN, plain.id(), what), "{what} of a plain program");
        for who in [OWN, OTHER] {
            assert!(!see(who, daemon.id(), what), "{who} sees {what} of the daemon");
        }
    }
    plain.kill().unwrap();
    plain.wait().unwrap();
}

#[test]
fn the_daemon_dumps_no_core_and_makes_private_files() {
    let Some((_ground, daemon)) = own_daemon() else { return };
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let words: Vec<&str> = core.split_whitespace().collect();
    assert_eq!(words[4..], ["0", "0", "bytes"]);
    let text = fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    assert_eq!(status(&text, "Umask"), "0077");
}

/// Returns everything in a folder that others than its owner may reach, or that is another's.
fn open_to_others(path: &Path, owner: u32) -> Vec<String> {
    let facts = fs::symlink_metadata(path).unwrap();
    let mut found = Vec::new();
    if facts.uid() != owner || facts.mode() & 0o077 != 0 {
        found.push(format!("{} {} {:o}", path.display(), facts.uid(), facts.mode()));
    }
    if facts.is_dir() {
        let entries = fs::read_dir(path).unwrap();
        found.extend(entries.flat_map(|entry| open_to_others(&entry.unwrap().path(), owner)));
    }
    found
}

#[test]
fn every_file_of_the_state_is_its_owners_alone_also_after_a_lax_umask() {
    let Some((ground, mut daemon)) = own_daemon() else { return };
    let state = ground.path().join("state");
    daemon.stop();
    drop(daemon);
    let mut lax = Command::new("sh");
    lax.args(["-c", "umask 000; exec \"$@\"", "sh"]).arg(needs::built("fobd"));
    let daemon = Daemon::start_by(lax, ground.path(), None);
    assert_eq!(open_to_others(&state, ids(OWN).0), [""; 0]);
    drop(daemon);
}

#[test]
fn who_is_neither_root_nor_the_owner_of_the_state_starts_no_daemon() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    ground.set_up_for(OWN);
    let fobd = ground.program(&needs::built("fobd"));
    let state = format!("--state={}", ground.path().join("state").display());
    let output = as_user(OTHER, fobd.to_str().unwrap(), &[&state, "--no-bus", "--socket=/nowhere"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let (own, other) = (ids(OWN).0, ids(OTHER).0);
    assert!(
        said.contains(&format!(
            "belongs to uid {own}, and fobd was started by uid {other}.\nhint:"
        )),
        "{said}"
    );
}

/// Runs `fobd --initialize` as root on a host with this user database. Returns how it ended, and
/// what it said.
fn initialize(ground: &Ground, users: &str) -> (Option<i32>, String) {
    let passwd = ground.path().join("passwd");
    fs::write(&passwd, format!("root:x:0:0::/root:/bin/sh\n{users}")).unwrap();
    fs::set_permissions(&passwd, fs::Permissions::from_mode(0o644)).unwrap();
    let mut command = Command::new("bwrap");
    command
        .args(["--bind", "/", "/", "--dev", "/dev", "--ro-bind"])
        .arg(&passwd)
        .arg("/etc/passwd");
    for right in ["CAP_CHOWN", "CAP_SETGID", "CAP_SETUID"] {
        command.args(["--cap-add", right]);
    }
    command.arg(needs::built("fobd")).arg("--initialize");
    command.arg(format!("--state={}", ground.path().join("state").display()));
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_state_that_root_sets_up_belongs_to_the_daemons_user() {
    if !needs::met(&[Need::Root, Need::Program("bwrap")]) {
        return;
    }
    let ground = Ground::new();
    let ended = initialize(&ground, "fob:x:990:991::/:/usr/sbin/nologin\n");
    assert_eq!(ended, (Some(0), String::new()));
    let state = ground.path().join("state");
    assert_eq!(open_to_others(&state, 990), [""; 0]);
    assert!(fs::read_dir(&state).unwrap().count() >= 2, "the key and the database");
    let again = initialize(&ground, "fob:x:992:992::/:/usr/sbin/nologin\n");
    assert_eq!(again.0, Some(1), "{}", again.1);
    assert_eq!(open_to_others(&state, 990), [""; 0], "it was given to somebody else");
}

#[test]
fn no_state_is_set_up_for_a_person_or_a_service_of_the_moment() {
    if !needs::met(&[Need::Root, Need::Program("bwrap")]) {
        return;
    }
    let ground = Ground::new();
    for uid in [0, 1000, 61_184, 65_519] {
        let (code, said) = initialize(&ground, &format!("fob:x:{uid}:990::/:/bin/sh\n"));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&format!("has uid {uid}")) && said.contains("\nhint: "), "{said}");
        assert!(!ground.path().join("state").exists(), "it was made all the same");
    }
}

/// Starts a daemon that is passed this listener as a service manager passes it, on file
/// descriptor 3 (sd_listen_fds(3)).
fn with_listener(ground: &Ground, listener: &UnixListener) -> Daemon {
    let mut shell = Command::new("sh");
    shell.args(["-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\" 3<&0 </dev/null", "sh"]);
    shell.arg(needs::built("fobd"));
    let passed: OwnedFd = listener.try_clone().unwrap().into();
    Daemon::start_by(shell, ground.path(), Some(Stdio::from(passed)))
}

#[tokio::test]
async fn who_asks_while_the_daemon_is_restarted_waits_and_is_answered() {
    let ground = Ground::new();
    // Not where the daemon would make a socket itself.
    let path = ground.path().join("passed");
    let listener = UnixListener::bind(&path).unwrap();
    for _ in 0..2 {
        let caller = tokio::spawn({
            let path = path.clone();
            async move {
                let connection = daemon::connect(&path).await.unwrap();
                daemon::proxy(&connection).await.status().await.unwrap();
            }
        });
        let mut daemon = with_listener(&ground, &listener);
        tokio::time::timeout(PATIENCE, caller).await.unwrap().unwrap();
        assert!(!daemon.socket().exists(), "it has made a socket of its own");
        daemon.kill();
    }
}

#[test]
fn something_else_than_a_listener_is_not_taken_for_the_socket() {
    let ground = Ground::new();
    drop(Daemon::start(ground.path(), None));
    let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\" 3<&0 </dev/null", "sh"]);
    shell.arg(needs::built("fobd")).arg("--no-bus");
    shell.arg(format!("--state={}", ground.path().join("state").display()));
    let output = shell.stdin(Stdio::from(OwnedFd::from(one))).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("does not listen"), "{said}");
}

/// What a service manager hears (sd_notify(3)).
struct Manager(UnixDatagram);

impl Manager {
    /// Waits so long for a message; returns its text.
    fn hears(&self, patience: Duration) -> Option<String> {
        self.0.set_read_timeout(Some(patience)).unwrap();
        let mut buffer = [0; 256];
        match self.0.recv(&mut buffer) {
            Ok(length) => Some(String::from_utf8(buffer[..length].to_vec()).unwrap()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A service manager's longest silence, and what is many times that.
const INTERVAL: &str = "WATCHDOG_USEC=300000";
const SILENCE: Duration = Duration::from_secs(2);

#[test]
fn a_hung_daemon_is_silent_and_one_that_works_says_so() {
    let ground = Ground::new();
    let path = ground.path().join("notify");
    let manager = Manager(UnixDatagram::bind(&path).unwrap());
    let mut shell = Command::new("env");
    shell.arg(format!("NOTIFY_SOCKET={}", path.display())).arg(INTERVAL);
    shell.arg(needs::built("fobd"));
    let daemon = Daemon::start_by(shell, ground.path(), None);
    assert_eq!(manager.hears(PATIENCE).as_deref(), Some("READY=1\n"));
    for _ in 0..3 {
        assert_eq!(manager.hears(PATIENCE).as_deref(), Some("WATCHDOG=1\n"));
    }
    let process = Pid::from_raw(i32::try_from(daemon.id()).unwrap());
    kill(process, Signal::SIGSTOP).unwrap();
    // What was said before it stopped.
    while manager.hears(SILENCE / 2).is_some() {}
    assert_eq!(manager.hears(SILENCE), None);
    kill(process, Signal::SIGCONT).unwrap();
    assert_eq!(manager.hears(PATIENCE).as_deref(), Some("WATCHDOG=1\n"));
}

#[test]
fn a_panic_of_any_thread_ends_the_process_without_its_message_or_a_core() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_panics"));
    let child: Child = command
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(Signal::SIGABRT as i32));
    assert!(!output.status.core_dumped());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.starts_with("panic place=\"") && !said.contains("123456"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "it left a file");
}

const UNIT: &str = "../packaging/systemd/fobd.service";

#[test]
fn the_unit_is_exposed_as_little_as_promised() {
    if !needs::met(&[Need::Program("systemd-analyze")]) {
        return;
    }
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join(UNIT);
    let mut command = Command::new("systemd-analyze");
    // 10 stands for an exposure of 1.0 (systemd-analyze(1), threats.md U10).
    command.args(["security", "--offline=yes", "--threshold=10", "--no-pager"]).arg(unit);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Overall exposure level for fobd.service: 0."), "{said}");
}

#[test]
fn the_unit_ends_a_hung_daemon_within_half_a_minute() {
    let unit = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(UNIT)).unwrap();
    let seconds = |key: &str| -> u32 {
        let line = unit.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.parse().unwrap()
    };
    assert!(seconds("WatchdogSec=") + seconds("RestartSec=") < 30);
}
