//! Callers that misbehave: descriptors that are no seed files, connections that say nothing or
//! nonsense, a bus that goes away (threats.md D10, D11, D12, D13, D17).
//!
//! The peer socket is root's: what is shown here about it is that root's own broken program does
//! not stop sign-ins, not that an attacker can reach it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    time::Duration,
};

use fob_api::ErrorKind;
use fob_tests::{
    daemon::{self, Daemon, Ground},
    needs::{self, Need},
    private_bus::PrivateBus,
    soft_token::SoftToken,
};
use nix::{
    fcntl::OFlag,
    sys::{memfd, stat::Mode},
};
use tokio::time::timeout;

/// How long root may have to wait for an answer after connections that say nothing: the daemon
/// gives up on them after 5 s (threats.md D11).
const PATIENCE: Duration = Duration::from_secs(20);
/// More connections than the daemon serves at once.
const MANY: usize = 300;

/// Asks for something small on a new connection.
async fn answers(daemon: &Daemon) -> bool {
    let ask = async {
        let connection = daemon::connect(daemon.socket()).await?;
        daemon::proxy(&connection).await.status().await
    };
    matches!(timeout(PATIENCE, ask).await, Ok(Ok(_)))
}

/// Imports from a descriptor and returns the error's kind, `None` if it was taken.
async fn import(daemon: &Daemon, file: impl AsFd) -> Option<ErrorKind> {
    let fob = daemon.proxy().await;
    let outcome = timeout(PATIENCE, fob.import(file.as_fd().into(), "", Default::default()));
    match outcome.await.expect("an answer") {
        Ok(_) => None,
        Err(zbus::Error::MethodError(name, ..)) => ErrorKind::from_name(&name),
        Err(error) => panic!("no error of the interface: {error}"),
    }
}

/// Makes a file without a name, of this many bytes.
fn nameless(bytes: u64) -> File {
    let file = memfd::memfd_create("seeds", memfd::MFdFlags::MFD_CLOEXEC).unwrap();
    let file = File::from(file);
    file.set_len(bytes).unwrap();
    file
}

#[tokio::test]
async fn what_is_no_seed_file_is_refused_and_holds_nothing_up() {
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    let fifo = ground.path().join("fifo");
    nix::unistd::mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    // Opened for reading and writing: there is a writer who never writes.
    let open = |path: &std::path::Path, flags: OFlag| -> OwnedFd {
        nix::fcntl::open(path, flags | OFlag::O_CLOEXEC, Mode::empty()).unwrap()
    };
    let (socket, _other) = UnixStream::pair().unwrap();
    let seeds = ground.path().join("seeds.csv");
    std::fs::write(&seeds, SoftToken::with_clock("A").oath_line()).unwrap();
    let things: [(&str, OwnedFd); 9] = [
        ("a FIFO", open(&fifo, OFlag::O_RDWR)),
        ("a folder", open(ground.path(), OFlag::O_RDONLY)),
        ("/dev/zero", open("/dev/zero".as_ref(), OFlag::O_RDONLY)),
        ("a socket", socket.into()),
        ("a file of 17 MiB", nameless(17 << 20).into()),
        ("a file of 1 TiB", nameless(1 << 40).into()),
        ("16 MiB of zeros", nameless(16 << 20).into()),
        ("a file that is only written", open(&seeds, OFlag::O_WRONLY)),
        ("a file that is only named", open(&seeds, OFlag::O_PATH)),
    ];
    for (name, thing) in things {
        assert_eq!(import(&daemon, thing).await, Some(ErrorKind::BadSeedFile), "{name}");
    }
    assert!(answers(&daemon).await);
    assert_eq!(import(&daemon, File::open(seeds).unwrap()).await, None, "the control");
}

#[tokio::test]
async fn a_file_that_was_deleted_is_read_from_its_descriptor() {
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    let seeds = ground.path().join("seeds.csv");
    std::fs::write(&seeds, SoftToken::with_clock("A").oath_line()).unwrap();
    let file = File::open(&seeds).unwrap();
    std::fs::remove_file(seeds).unwrap();
    assert_eq!(import(&daemon, file).await, None);
}

#[tokio::test]
async fn connections_that_say_nothing_do_not_stop_sign_ins() {
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    let silent: Vec<UnixStream> =
        (0..MANY).map(|_| UnixStream::connect(daemon.socket()).unwrap()).collect();
    assert!(answers(&daemon).await, "{} silent connections stop the daemon", silent.len());
}

/// Says who we are and begins, as the D-Bus specification has it ("Authentication Protocol").
fn begun(daemon: &Daemon) -> UnixStream {
    let mut stream = UnixStream::connect(daemon.socket()).unwrap();
    let uid: String =
        nix::unistd::geteuid().to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
    stream.write_all(format!("\0AUTH EXTERNAL {uid}\r\nBEGIN\r\n").as_bytes()).unwrap();
    let mut reply = [0; 3];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"OK ");
    stream
}

/// Returns the fixed part of a method call's header that announces so many bytes of body and of
/// header fields (D-Bus specification, "Message Format").
fn head(endian: u8, body: u32, fields: u32) -> Vec<u8> {
    let mut bytes = vec![endian, 1, 0, 1];
    for number in [body, 1, fields] {
        bytes.extend(number.to_le_bytes());
    }
    bytes
}

#[tokio::test]
async fn nonsense_harms_only_its_own_connection() {
    let ground = Ground::new();
    let mut daemon = Daemon::start(ground.path(), None);
    let nested = [&head(b'l', 0, 24)[..], b"\x08\x01g\0\x10((((((((((((((((\0\0\0"].concat();
    let samples: [(&str, Vec<u8>); 6] = [
        ("an unknown byte order", head(b'x', 0, 0)),
        ("no header fields", head(b'l', 0, 0)),
        ("a body of 4 GiB", head(b'l', u32::MAX, 0)),
        ("header fields of 4 GiB", head(b'l', 0, u32::MAX)),
        ("a signature of brackets", nested),
        ("noise", (0..4096_u32).map(|number| (number * 7 % 251) as u8).collect()),
    ];
    let mut kept = Vec::new();
    for (name, bytes) in samples {
        for _ in 0..8 {
            let mut stream = begun(&daemon);
            // The daemon may have hung up already.
            let _ = stream.write_all(&bytes);
            kept.push(stream);
        }
        assert!(answers(&daemon).await, "after {name}");
        assert!(daemon.is_running(), "after {name}");
    }
    let memory = resident(&daemon);
    println!("{memory} KiB after {} broken connections", kept.len());
    assert!(memory < 64 << 10, "{memory} KiB (threats.md D11)");
}

/// Returns the memory that a daemon holds, in KiB (proc_pid_status(5), VmRSS).
fn resident(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn the_daemon_comes_back_to_a_bus_that_was_restarted() {
    if !needs::met(&[Need::Root, Need::Program("dbus-daemon")]) {
        return;
    }
    let ground = Ground::new();
    let bus = PrivateBus::start(ground.path());
    let daemon = Daemon::start(ground.path(), Some(&bus));
    drop(bus);
    daemon.wait_for("bus state=\"gone\"");
    assert!(answers(&daemon).await, "the peer socket needs no bus");
    let bus = PrivateBus::start(ground.path());
    let connection =
        zbus::connection::Builder::address(bus.address().as_str()).build().await.unwrap();
    daemon.wait_for_times("bus state=\"connected\"", 2);
    let fob = fob_api::proxy::FobProxy::new(&connection).await.unwrap();
    assert!(fob.status().await.is_ok());
}
