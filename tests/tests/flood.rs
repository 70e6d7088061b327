//! Callers who take more than their share: of connections, of memory.
//!
//! Honest limits: root's programs may announce a message of 128 MiB on the peer socket, and the
//! D-Bus library makes room for it at once. Nobody else can open that socket.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::{
    io::Write as _,
    os::unix::{net::UnixStream, process::CommandExt as _},
    path::Path,
    process::Command,
    time::Duration,
};

use fob_tests::{
    daemon::{self, Daemon, Ground},
    needs::{self, Need},
    private_bus::PrivateBus,
};
use tokio::time::timeout;

/// Twice the time after which the daemon gives up on a connection (threats.md D11).
const PATIENCE: Duration = Duration::from_secs(10);
/// More connections than the daemon serves at once.
const MANY: usize = 300;

/// Says who we are and begins, as the D-Bus specification has it ("Authentication Protocol").
fn begin(stream: &mut UnixStream) {
    let uid: String =
        nix::unistd::geteuid().to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
    stream.write_all(format!("\0AUTH EXTERNAL {uid}\r\nBEGIN\r\n").as_bytes()).unwrap();
}

/// Returns a line of proc_pid_status(5), in KiB: `VmRSS`, the memory that the daemon holds, or
/// `VmHWM`, the most that it ever held.
fn memory(daemon: &Daemon, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn idle_connections_give_way_to_new_ones() {
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    let idle: Vec<UnixStream> = (0..MANY)
        .map(|_| {
            let mut stream = UnixStream::connect(daemon.socket()).unwrap();
            begin(&mut stream);
            stream
        })
        .collect();
    let ask = async {
        let connection = daemon::connect(daemon.socket()).await?;
        daemon::proxy(&connection).await.status().await
    };
    let answer = timeout(PATIENCE, ask).await;
    assert!(matches!(answer, Ok(Ok(_))), "{} idle connections stop the daemon", idle.len());
}

#[tokio::test]
async fn large_messages_of_a_stranger_do_not_fill_the_daemons_memory() {
    if !needs::met(&[Need::Root, Need::Program("dbus-daemon")]) {
        return;
    }
    let ground = Ground::new();
    let program = ground.program(Path::new(env!("CARGO_BIN_EXE_fob_call")));
    let bus = PrivateBus::start(ground.path());
    let daemon = Daemon::start(ground.path(), Some(&bus));
    let stranger = Command::new(program)
        .arg(format!("bus={}", bus.address()))
        .arg("large:60")
        .uid(65534)
        .gid(65534)
        .current_dir("/")
        .status();
    assert!(stranger.unwrap().success());
    assert!(daemon.proxy().await.status().await.is_ok());
    // The largest message that dbus-daemon passes on has 32 MiB. Four or five are under way at
    // once: 120 to 180 MiB were seen. While each waited for its turn, it was over 400.
    let most = memory(&daemon, "VmHWM") >> 10;
    assert!(most < 300, "{most} MiB");
}
