//! Callers who go away, send the same bytes again, hand descriptors over, never read, or come in
//! crowds (threats.md D4, D8 to D11, D13, D15, P14).
//!
//! The peer socket is root's: what is shown here about it is that root's own broken program stops
//! no sign-in and fills no memory, not that an attacker can reach it.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    os::unix::{net::UnixStream, process::CommandExt as _},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use fob_api::{
    VerifyContext,
    address::{INTERFACE, OBJECT_PATH},
};
use fob_tests::{
    bus_bytes::{begin, call, read_answer},
    daemon::{self, Daemon, Ground},
    needs::{self, Need},
    private_bus::PrivateBus,
    soft_token::SoftToken,
};
use tokio::time::{sleep, timeout};
use zbus::{Variant, wire::Fd};

/// Somebody whom every host knows.
const USER: &str = "daemon";
/// How long an answer may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most memory that a daemon may have held, in KiB (threats.md D11).
const MOST: u64 = 64 << 10;

type Nothing<'a> = HashMap<&'a str, Variant<'a>>;

/// Returns the bytes of a sign-in.
fn verify(serial: u32, user: &str, code: &str) -> Vec<u8> {
    call(serial, "Verify", "ssa{sv}", &(user, code, Nothing::new()), 0)
}

fn connected(daemon: &Daemon) -> UnixStream {
    let mut stream = UnixStream::connect(daemon.socket()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    begin(&mut stream);
    stream
}

/// Asks for something small on a new connection; returns how long it took.
async fn answers(daemon: &Daemon) -> Duration {
    let begun = Instant::now();
    let ask = async {
        let connection = daemon::connect(daemon.socket()).await?;
        daemon::proxy(&connection).await.status().await
    };
    assert!(matches!(timeout(PATIENCE, ask).await, Ok(Ok(_))), "fobd does not answer");
    begun.elapsed()
}

/// Returns a line of proc_pid_status(5): `VmHWM` and `VmRSS` in KiB, `Threads`.
fn status(daemon: &Daemon, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

fn descriptors(daemon: &Daemon) -> usize {
    fs::read_dir(format!("/proc/{}/fd", daemon.id())).unwrap().count()
}

/// Waits until a count is no more than it was.
async fn settles(what: &str, count: impl Fn() -> usize, before: usize) {
    let settled = async {
        while count() > before {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let ended = timeout(PATIENCE, settled).await;
    assert!(ended.is_ok(), "{} {what}, {before} before", count());
}

/// Gives USER a token with a button. Its next counter is 2.
async fn give_token(daemon: &Daemon, ground: &Ground) -> SoftToken {
    let token = SoftToken::with_button("CALLER-1");
    let path = ground.path().join("seeds.csv");
    fs::write(&path, token.oath_line()).unwrap();
    let (fob, file) = (daemon.proxy().await, File::open(path).unwrap());
    fob.import((&file).into(), "oath-csv", Default::default()).await.unwrap();
    let codes = [token.code_of(0), token.code_of(1)];
    let codes = codes.each_ref().map(String::as_str);
    fob.assign(USER, "CALLER-1", &codes, Default::default()).await.unwrap();
    token
}

/// Returns how many wrong codes a user has cost.
async fn wrong(daemon: &Daemon, user: &str) -> u32 {
    let report = daemon.proxy().await.show_user(user).await.unwrap();
    report.shares.unwrap().into_iter().filter_map(|share| share.wrong).sum()
}

#[tokio::test]
async fn who_hangs_up_before_the_verdict_pays_for_his_guess_and_leaves_nothing_behind() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    let token = give_token(&daemon, &ground).await;
    answers(&daemon).await;
    let before = (descriptors(&daemon), status(&daemon, "Threads"));
    for wrong in token.wrong_codes(10, 30).take(100) {
        connected(&daemon).write_all(&verify(1, USER, &wrong)).unwrap();
    }
    let counted = async {
        while wrong(&daemon, USER).await < 5 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(timeout(PATIENCE, counted).await.is_ok(), "the guesses were not counted");
    settles("descriptors", || descriptors(&daemon), before.0).await;
    // Those that looked users up end after ten seconds without work.
    settles("threads", || status(&daemon, "Threads") as usize, before.1 as usize + 2).await;
    assert_eq!(wrong(&daemon, USER).await, 5);
}

#[tokio::test]
async fn ten_thousand_callers_who_exit_in_the_middle_of_a_call_stop_nobody() {
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    answers(&daemon).await;
    let before = (descriptors(&daemon), status(&daemon, "VmRSS"));
    for number in 0..10_000 {
        let mut stream = UnixStream::connect(daemon.socket()).unwrap();
        if number % 3 > 0 {
            let _ = stream.write_all(b"\0AUTH EXTERNAL 30\r\nBEGIN\r\n");
        }
        if number % 3 > 1 {
            let _ = stream.write_all(&verify(1, "nobody-of-this-name", "123456"));
        }
    }
    let took = answers(&daemon).await;
    settles("descriptors", || descriptors(&daemon), before.0 + 4).await;
    let grown = status(&daemon, "VmRSS").saturating_sub(before.1);
    println!("10 000 callers went away; the next answer took {took:?}, {grown} KiB more");
    assert!(status(&daemon, "VmHWM") < MOST, "{} KiB", status(&daemon, "VmHWM"));
}

#[tokio::test]
async fn the_same_bytes_again_are_a_replay_on_the_same_connection_and_on_another() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    let token = give_token(&daemon, &ground).await;
    let recorded = verify(7, USER, &token.code_of(2));
    let mut stream = connected(&daemon);
    // Twice in one write: the daemon decides on both at once.
    stream.write_all(&[recorded.as_slice(), &recorded].concat()).unwrap();
    let mut verdicts: Vec<String> = (0..2).map(|_| verdict(&mut stream)).collect();
    verdicts.sort();
    assert_eq!(verdicts, ["accept", "replay"]);
    for mut stream in [stream, connected(&daemon)] {
        stream.write_all(&recorded).unwrap();
        assert_ne!(verdict(&mut stream), "accept");
    }
}

/// Returns the word of the verdict that comes next: the first string of the body.
fn verdict(stream: &mut UnixStream) -> String {
    let (kind, body) = read_answer(stream).expect("an answer");
    assert_eq!(kind, 2, "an error: {}", String::from_utf8_lossy(&body));
    let length = body[0] as usize;
    String::from_utf8(body[4..4 + length].to_vec()).unwrap()
}

// R12 of threats.md (CVE-2025-55000): the code is read once, before anything is compared.
#[tokio::test]
async fn a_used_code_in_another_spelling_is_used_or_no_code() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    let code = give_token(&daemon, &ground).await.code_of(2);
    let fob = daemon.proxy().await;
    let ask = async |spelled: &str| {
        fob.unlock(USER, Default::default()).await.unwrap();
        let asked = fob.verify(USER, spelled, VerifyContext::default()).await;
        match asked {
            Ok((verdict, ..)) => verdict,
            Err(zbus::Error::MethodError(name, ..)) => name.to_string(),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(ask(&code).await, "accept");
    let (start, end) = code.split_at(3);
    assert_eq!(ask(&format!(" {start}-{end} ")).await, "replay");
    let wide: String =
        code.chars().map(|digit| char::from_u32(u32::from(digit) + 0xfee0).unwrap()).collect();
    for spelled in [format!("{code}\n"), format!("+{code}"), wide, format!("{code}\u{200b}")] {
        assert_eq!(ask(&spelled).await, "org.fobd.Fob1.Error.InvalidArgument", "{spelled:?}");
    }
}

#[tokio::test]
async fn hundreds_of_descriptors_with_a_message_are_closed() {
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    answers(&daemon).await;
    let before = descriptors(&daemon);
    let null = File::open("/dev/null").unwrap();
    // The kernel takes 253 with one message (unix(7), SCM_MAX_FD).
    for (method, count) in [("Verify", 253), ("Import", 253), ("Import", 254)] {
        let many: Vec<Fd<'_>> = (0..count).map(|_| Fd::from(&null)).collect();
        for _ in 0..3 {
            let peer = daemon.connect().await;
            let none = None::<&str>;
            let body = (&many,);
            let call = peer.call_method(none, OBJECT_PATH, Some(INTERFACE), method, &body);
            assert!(!matches!(timeout(PATIENCE, call).await, Ok(Ok(_))), "{method} took them");
        }
        answers(&daemon).await;
        settles("descriptors", || descriptors(&daemon), before).await;
    }
}

#[tokio::test]
async fn half_a_message_a_byte_at_a_time_holds_nobody_up() {
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    let bytes = verify(1, "nobody-of-this-name", "123456");
    let mut slow: Vec<UnixStream> = (0..200).map(|_| connected(&daemon)).collect();
    for at in 0..6 {
        for stream in &mut slow {
            stream.write_all(&bytes[at..=at]).unwrap();
        }
        println!("an answer beside 200 slow writers: {:?}", answers(&daemon).await);
        sleep(Duration::from_millis(200)).await;
    }
    for stream in &mut slow {
        stream.write_all(&bytes[6..]).unwrap();
        assert!(read_answer(stream).is_some(), "the slow one is answered in the end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_never_reads_does_not_fill_the_daemons_memory() {
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    answers(&daemon).await;
    let stream = connected(&daemon);
    stream.set_write_timeout(Some(Duration::from_secs(3))).unwrap();
    let writer = tokio::task::spawn_blocking(move || {
        let mut stream = stream;
        let status = call(1, "Status", "", &(), 0);
        let many = status.repeat(100);
        // Until the daemon takes no more, or 200 000 were taken.
        let taken = (0..2_000).take_while(|_| stream.write_all(&many).is_ok()).count();
        (stream, taken * 100)
    });
    let (_stream, taken) = writer.await.unwrap();
    let took = answers(&daemon).await;
    let most = status(&daemon, "VmHWM");
    println!("{taken} calls of which no reply was read: {most} KiB; an answer took {took:?}");
    assert!(most < MOST, "{most} KiB after {taken} calls");
}

#[tokio::test]
async fn a_thousand_held_connections_leave_room_for_the_next_and_others_get_none() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let program = ground.program(Path::new(env!("CARGO_BIN_EXE_fob_call")));
    let daemon = Daemon::start(ground.path(), None);
    let mut crowd = Crowd::of(&program, daemon.socket(), 1_000, 0);
    assert_eq!(crowd.held(), 1_000);
    println!("an answer beside 1 000 silent connections: {:?}", answers(&daemon).await);
    let mut strangers = Crowd::of(&program, daemon.socket(), 10, 65534);
    assert_eq!(strangers.held(), 0, "nobody may connect");
    answers(&daemon).await;
}

// D9 of threats.md: the bus is held up for everybody by then (23 s were measured).
#[tokio::test]
async fn half_open_connections_to_the_bus_do_not_hold_roots_sign_in_up() {
    if !needs::met(&[Need::Root, Need::Program("dbus-daemon")]) {
        return;
    }
    let ground = Ground::new();
    let program = ground.program(Path::new(env!("CARGO_BIN_EXE_fob_call")));
    let bus = PrivateBus::start(ground.path());
    let daemon = Daemon::start(ground.path(), Some(&bus));
    let token = give_token(&daemon, &ground).await;
    let mut crowd = Crowd::of(&program, bus.socket(), 200, 65534);
    println!("{} half-open connections to the bus", crowd.held());
    let begun = Instant::now();
    let connection = daemon::connect(daemon.socket()).await.unwrap();
    let fob = daemon::proxy(&connection).await;
    let context = VerifyContext::default();
    let (kind, _) = fob.prompt(USER, context.clone()).await.unwrap();
    let (verdict, ..) = fob.verify(USER, &token.code_of(2), context).await.unwrap();
    let took = begun.elapsed();
    println!("root's sign-in beside them: {took:?}");
    assert_eq!((kind.as_str(), verdict.as_str()), ("code", "accept"));
    // The module's deadline (design.md section 7).
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_flood_of_match_rules_is_the_strangers_own_matter() {
    if !needs::met(&[Need::Root, Need::Program("dbus-daemon")]) {
        return;
    }
    let ground = Ground::new();
    let program = ground.program(Path::new(env!("CARGO_BIN_EXE_fob_call")));
    let bus = PrivateBus::start(ground.path());
    let daemon = Daemon::start(ground.path(), Some(&bus));
    let output = Command::new(program)
        .arg(format!("bus={}", bus.address()))
        .arg("rules")
        .uid(65534)
        .gid(65534)
        .current_dir("/")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    println!("match rules of nobody: {said}");
    assert!(said.contains("LimitsExceeded"), "{said}");
    answers(&daemon).await;
    let root = zbus::connection::Builder::address(bus.address().as_str()).build().await.unwrap();
    let fob = fob_api::proxy::FobProxy::new(&root).await.unwrap();
    assert!(timeout(PATIENCE, fob.status()).await.unwrap().is_ok());
}

/// A program that holds connections; they end when it is dropped.
struct Crowd {
    program: std::process::Child,
}

impl Crowd {
    fn of(program: &Path, socket: &Path, count: usize, uid: u32) -> Self {
        let program = Command::new(program)
            .arg(format!("hold={}", socket.display()))
            .arg(count.to_string())
            .uid(uid)
            .gid(uid)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self { program }
    }

    /// Waits until they are there and returns how many.
    fn held(&mut self) -> usize {
        let mut line = String::new();
        BufReader::new(self.program.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line.trim().strip_prefix("held ").unwrap().parse().unwrap()
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
