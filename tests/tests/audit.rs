//! The log of the real daemon: after kills, after changes behind its back, on a full disk; and that
//! no secret stands anywhere.

#![allow(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fob_api::{BypassOptions, LogOptions, UnlockOptions, proxy::FobProxy};
use fob_tests::{
    daemon::{Daemon, Ground, connect, proxy, write_settings},
    needs::{self, Need},
    soft_token::SoftToken,
};

/// A user whom every Debian has with this name (base-passwd), and who administers nothing.
const USER: &str = "daemon";

/// Gives the user a token of the button kind, whose codes need no waiting.
async fn assigned(fob: &FobProxy<'_>, ground: &Path) -> SoftToken {
    let mut token = SoftToken::with_button("LOG-1");
    let seeds = ground.join("seeds.csv");
    fs::write(&seeds, token.oath_line()).unwrap();
    let file = fs::File::open(seeds).unwrap();
    fob.import((&file).into(), "oath-csv", Default::default()).await.unwrap();
    let [first, second] = token.show_pair(0);
    fob.assign(USER, "LOG-1", &[&first, &second], Default::default()).await.unwrap();
    token
}

async fn verdict(fob: &FobProxy<'_>, code: &str) -> String {
    fob.verify(USER, code, Default::default()).await.unwrap().0
}

fn files(ground: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(ground.join("state/log")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

#[tokio::test]
async fn the_chain_holds_over_kills_and_restarts() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let mut daemon = Daemon::start(ground.path(), None);
    let mut token = assigned(&daemon.proxy().await, ground.path()).await;
    for round in 0..6 {
        let fob = daemon.proxy().await;
        for _ in 0..20 {
            assert_eq!(verdict(&fob, &token.next_code()).await, "accept");
        }
        // The last one is on its way to the files.
        if round % 2 == 0 {
            daemon.kill()
        } else {
            daemon.stop()
        };
        daemon = Daemon::start(ground.path(), None);
        let report = daemon.proxy().await.verify_log().await.unwrap();
        assert_eq!(report.wrong, None, "round {round}: {report:?}");
    }
    let options = LogOptions { limit: Some(500), ..LogOptions::default() };
    let (events, _) = daemon.proxy().await.log(options).await.unwrap();
    let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let accepted = events.iter().filter(|event| event.fields.contains_key("verdict"));
    assert!(accepted.count() > 60, "{events:?}");
}

#[tokio::test]
async fn what_was_done_to_the_log_while_the_daemon_was_away_is_found_after_its_start() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    for (deed, expected) in [("flip", "altered"), ("cut", "lines_missing"), ("all", "file_missing")]
    {
        let ground = Ground::new();
        let mut daemon = Daemon::start(ground.path(), None);
        let mut token = assigned(&daemon.proxy().await, ground.path()).await;
        assert_eq!(verdict(&daemon.proxy().await, &token.next_code()).await, "accept");
        daemon.stop();
        let file = files(ground.path()).pop().unwrap();
        let mut bytes = fs::read(&file).unwrap();
        match deed {
            "flip" => {
                let at = bytes.windows(7).position(|part| part == b"accept\"").unwrap();
                bytes.splice(at..at + 6, *b"reject");
                fs::write(&file, bytes).unwrap();
            }
            "cut" => {
                let end = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n');
                fs::write(&file, &bytes[..=end.unwrap()]).unwrap();
            }
            _ => fs::remove_dir_all(ground.path().join("state/log")).unwrap(),
        }
        let mut daemon = Daemon::start(ground.path(), None);
        for round in 0..2 {
            let report = daemon.proxy().await.verify_log().await.unwrap();
            assert_eq!(report.wrong.as_deref(), Some(expected), "{deed}, round {round}");
            assert_eq!(report.breaks.map(|all| all.len()), Some(1), "{deed}, round {round}");
            daemon.stop();
            daemon = Daemon::start(ground.path(), None);
        }
    }
}

/// Which a program of root says, for the daemon's sandbox shows it no other process.
#[tokio::test]
async fn a_change_is_logged_with_the_uid_behind_roots_and_one_of_nobodys_without() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    let fob = daemon.proxy().await;
    for login_uid in [None, Some(1000), Some(u32::MAX)] {
        let options = UnlockOptions { login_uid, ..UnlockOptions::default() };
        fob.unlock(USER, options).await.unwrap();
    }
    let refused = UnlockOptions { login_uid: Some(1001), ..UnlockOptions::default() };
    fob.unlock("no-such-user", refused).await.unwrap_err();
    let (events, _) = fob.log(LogOptions::default()).await.unwrap();
    let of = |name: &str| {
        let events = events.iter().filter(|event| event.event == name);
        events.map(|event| event.fields.get("login_uid").cloned()).collect::<Vec<_>>()
    };
    assert_eq!(of("unlock"), [None, Some("1000".to_owned()), None]);
    assert_eq!(of("refused"), [Some("1001".to_owned())]);
}

/// fobd in a file system of its own, where the log's folder has room for so many bytes.
struct Confined(Child);

impl Drop for Confined {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn confined(ground: &Path, room: u32) -> Confined {
    let state = ground.join("state");
    let at = format!("--state={}", state.display());
    let made = Command::new(needs::built("fobd")).args(["--initialize", &at]).status();
    assert!(made.unwrap().success());
    fs::create_dir(state.join("log")).unwrap();
    let settings = ground.join("fobd.conf");
    write_settings(&settings, "");
    let mut command = Command::new("bwrap");
    command.args(["--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--die-with-parent"]);
    command.args(["--size", &room.to_string(), "--tmpfs"]).arg(state.join("log")).arg("--");
    command.arg(needs::built("fobd")).arg(&at).arg("--no-bus");
    command.arg(format!("--config={}", settings.display()));
    command.arg(format!("--socket={}", ground.join("peer").display()));
    Confined(command.stderr(Stdio::null()).spawn().unwrap())
}

#[tokio::test]
async fn a_full_disk_under_the_log_holds_up_no_sign_in_and_leaves_the_chain_whole() {
    if !needs::met(&[Need::Root, Need::Program("bwrap")]) {
        return;
    }
    let ground = Ground::new();
    let socket = ground.path().join("peer");
    let _fobd = confined(ground.path(), 64 << 10);
    let connection = loop {
        match connect(&socket).await {
            Ok(connection) => break connection,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    let fob = proxy(&connection).await;
    let mut token = assigned(&fob, ground.path()).await;
    for _ in 0..400 {
        assert_eq!(verdict(&fob, &token.next_code()).await, "accept");
    }
    let report = fob.verify_log().await.unwrap();
    let lines = report.lines.unwrap();
    assert!(report.wrong.is_none() && lines > 50 && lines < 400, "{report:?}");
}

/// The forms in which a secret might stand somewhere.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let base64 = STANDARD.encode(secret).trim_end_matches('=').to_owned();
    vec![secret.to_vec(), hex.into(), base32(secret).into(), base64.into()]
}

/// RFC 4648 section 6, without padding.
fn base32(bytes: &[u8]) -> String {
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let groups = bits.as_bytes().chunks(5).map(|group| {
        let value = group.iter().fold(0, |value, bit| value * 2 + usize::from(bit - b'0'));
        value << (5 - group.len())
    });
    let alphabet: Vec<char> = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".chars().collect();
    groups.filter_map(|value| alphabet.get(value)).collect()
}

/// Runs fobctl beside the daemon in `ground` and returns what it printed.
fn fobctl(ground: &Path, args: &[&str]) -> Vec<u8> {
    let mut command = Command::new("bwrap");
    command.args(["--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--tmpfs", "/run"]);
    command.arg("--bind").arg(ground).arg("/run/fobd").arg("--");
    let output = command.arg(needs::built("fobctl")).args(args).output().unwrap();
    [output.stdout, output.stderr].concat()
}

/// Lets every kind of secret be used, and returns them all.
async fn used(fob: &FobProxy<'_>, token: &mut SoftToken) -> Vec<Vec<u8>> {
    let mut secrets = vec![token.seed().to_vec(), token.wrong_code(0, 500).into_bytes()];
    for code in [token.next_code(), token.next_code()] {
        assert_eq!(verdict(fob, &code).await, "accept");
        assert_eq!(verdict(fob, &code).await, "replay");
        secrets.push(code.into_bytes());
    }
    verdict(fob, &token.wrong_code(0, 500)).await;
    let [first, second] = token.show_pair(0);
    let _ = fob.resync(USER, &[&second, &first], Default::default()).await;
    secrets.extend([first.into_bytes(), second.into_bytes()]);
    let codes = fob.new_recovery_codes(USER, &[], Default::default()).await.unwrap();
    let reason = BypassOptions { reason: Some("a test".to_owned()), ..Default::default() };
    let temporary = fob.bypass(USER, reason).await.unwrap().0;
    verdict(fob, codes.first().unwrap().as_str()).await;
    secrets.extend(codes.iter().chain([&temporary]).map(|code| code.as_str().into()));
    secrets
}

#[tokio::test]
async fn no_code_and_no_seed_stands_in_stderr_log_files_or_fobctl_output() {
    if !needs::met(&[Need::Root, Need::Program("bwrap")]) {
        return;
    }
    let ground = Ground::new();
    let mut daemon = Daemon::start(ground.path(), None);
    let fob = daemon.proxy().await;
    let mut token = assigned(&fob, ground.path()).await;
    let secrets = used(&fob, &mut token).await;
    symlink("peer", ground.path().join("bus")).unwrap();
    let mut said = Vec::new();
    for args in [
        &["log", "--lines", "500"][..],
        &["log", "--json"],
        &["log", "--verify"],
        &["list"],
        &["list", "--json"],
        &["show", USER],
        &["show", USER, "--json"],
        &["show", "--token", "LOG-1"],
        &["status"],
        &["forecast"],
    ] {
        let output = fobctl(ground.path(), args);
        assert!(!output.is_empty(), "{args:?}");
        said.extend(output);
    }
    daemon.stop();
    // Without the hashes, in which six digits stand by chance now and then.
    for file in files(ground.path()) {
        let text = fs::read_to_string(file).unwrap();
        let bodies = text
            .lines()
            .filter_map(|line| line.split(",\"prev\"").next()?.split(",\"hash\"").next());
        said.extend(bodies.flat_map(|body| format!("{body}\n").into_bytes()));
    }
    said.extend(daemon.log().join("\n").into_bytes());
    let stands = |form: &[u8]| said.windows(form.len()).any(|part| part.eq_ignore_ascii_case(form));
    for control in ["accepted", "verdict=\"replay\"", "\"verdict\":\"accept\"", "The log is whole"]
    {
        assert!(stands(control.as_bytes()), "{control}: {}", String::from_utf8_lossy(&said));
    }
    for form in secrets.iter().flat_map(|secret| forms(secret)) {
        assert!(!stands(&form), "{}", String::from_utf8_lossy(&form));
    }
}
