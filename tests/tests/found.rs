//! Faults that were found in the daemon and are not mended yet. A test leaves this file for the one
//! about its behaviour in the commit that mends its fault.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::{
    io::{Read as _, Write as _},
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
/// Most memory that broken connections may cost, in KiB (threats.md D11).
const MEMORY: u64 = 64 << 10;

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
async fn a_message_that_does_not_come_costs_no_memory() {
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    let before = memory(&daemon, "VmRSS");
    let mut kept = Vec::new();
    for _ in 0..16 {
        let mut stream = UnixStream::connect(daemon.socket()).unwrap();
        begin(&mut stream);
        stream.read_exact(&mut [0; 3]).unwrap();
        // A method call with a body of 96 MiB (D-Bus specification, "Message Format"), of which
        // nothing follows.
        let mut head = vec![b'l', 1, 0, 1];
        [96_u32 << 20, 1, 0].iter().for_each(|number| head.extend(number.to_le_bytes()));
        stream.write_all(&head).unwrap();
        kept.push(stream);
    }
    assert!(daemon.proxy().await.status().await.is_ok());
    let more = memory(&daemon, "VmRSS") - before;
    assert!(more < MEMORY, "{more} KiB for {} connections", kept.len());
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
        .arg("large:40")
        .uid(65534)
        .gid(65534)
        .current_dir("/")
        .status();
    assert!(stranger.unwrap().success());
    assert!(daemon.proxy().await.status().await.is_ok());
    // The largest message that dbus-daemon passes on has 32 MiB; one and its copies at a time.
    let most = memory(&daemon, "VmHWM") >> 10;
    assert!(most < 128, "{most} MiB");
}
