//! fobctl's backups with real daemons: sealed, restored on another host and on the same one
//! (threats.md R7, F16, S9, I8).
//!
//! Honest limits: the host's clock runs here, so that codes before and after the fence are those of
//! half a minute; days are shown with clocks of the test's own, in daemon/src/engine/tests.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fob_api::{RemoveOptions, VerifyContext};
use fob_tests::{
    daemon::{Daemon, Ground},
    needs::{self, Need},
    soft_token::SoftToken,
};

/// Somebody whom every host knows.
const USER: &str = "daemon";
const SERIAL: &str = "BACKUP-1";
const PHRASE: &str = "correct horse battery staple";

/// A daemon with a folder of its own.
struct Host {
    ground: Ground,
    daemon: Daemon,
}

impl Host {
    fn new() -> Self {
        let ground = Ground::new();
        let daemon = Daemon::start(ground.path(), None);
        Self { ground, daemon }
    }

    /// Runs fobctl, which finds this host's socket at the address that is compiled in.
    fn fobctl(&self, words: &[&str]) -> Output {
        let mut command = Command::new("bwrap");
        command.args(["--dev-bind", "/", "/", "--tmpfs", "/run", "--dir", "/run/fobd", "--bind"]);
        command.arg(self.daemon.socket()).args(["/run/fobd/bus", "--"]);
        command.arg(needs::built("fobctl")).args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A run that asks for nothing closes its end early.
        let _ = child.stdin.take().unwrap().write_all(format!("{PHRASE}\n").as_bytes());
        child.wait_with_output().unwrap()
    }

    #[track_caller]
    fn does(&self, words: &[&str]) -> Output {
        let output = self.fobctl(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        output
    }

    async fn verdict(&self, code: &str) -> String {
        let fob = self.daemon.proxy().await;
        fob.verify(USER, code, VerifyContext::default()).await.unwrap().0
    }

    async fn state_of_token(&self) -> Option<String> {
        self.daemon.proxy().await.show_token(SERIAL).await.ok()?.state
    }

    /// Gives USER a token; returns it with the step of the last code that this spent.
    async fn assign(&self) -> (SoftToken, u64) {
        let token = SoftToken::with_clock(SERIAL);
        let path = self.ground.path().join("seeds.csv");
        fs::write(&path, token.oath_line()).unwrap();
        let (fob, file) = (self.daemon.proxy().await, fs::File::open(&path).unwrap());
        fob.import((&file).into(), "oath-csv", Default::default()).await.unwrap();
        fs::remove_file(path).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let step = token.step_at(now);
        let codes = [token.code_of(step - 1), token.code_of(step)];
        let codes = [codes[0].as_str(), codes[1].as_str()];
        fob.assign(USER, SERIAL, &codes, Default::default()).await.unwrap();
        (token, step)
    }

    /// Makes a backup; returns its path and what fobctl said.
    fn backup(&self) -> (PathBuf, Output) {
        let path = self.ground.path().join("tokens.age");
        let said = self.does(&["backup", "--passphrase-stdin", path.to_str().unwrap()]);
        (path, said)
    }
}

fn can_run() -> bool {
    needs::met(&[Need::Root, Need::Program("bwrap")])
}

/// A seed in the forms in which one could leak.
fn forms(seed: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    let upper = hex.to_uppercase();
    let base64 = STANDARD.encode(seed);
    let mut forms = vec![seed.to_vec(), hex.into_bytes(), upper.into_bytes()];
    forms.push(base64.trim_end_matches('=').as_bytes().to_vec());
    forms.push(base32(seed).into_bytes());
    forms
}

/// RFC 4648 section 6, without padding.
fn base32(bytes: &[u8]) -> String {
    let bits: Vec<bool> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
    let symbol = |five: &[bool]| {
        let index = (0..5).fold(0, |n, i| n * 2 + usize::from(five.get(i) == Some(&true)));
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[index])
    };
    bits.chunks(5).map(symbol).collect()
}

#[tokio::test]
async fn a_backup_is_restored_on_another_host_by_fobctl() {
    if !can_run() {
        return;
    }
    let old = Host::new();
    let (token, step) = old.assign().await;
    let (path, made) = old.backup();
    assert_eq!(old.verdict(&token.code_of(step + 1)).await, "accept");
    let new = Host::new();
    let name = path.to_str().unwrap();
    let seen = new.does(&["restore", "--passphrase-stdin", "--dry-run", name]);
    assert_eq!(new.state_of_token().await, None, "a dry run changed something");
    let done = new.does(&["restore", "--passphrase-stdin", name]);
    let said = String::from_utf8(done.stdout.clone()).unwrap();
    assert!(said.contains("1 token brought in, 0 changed"), "{said}");
    assert_eq!(new.state_of_token().await.as_deref(), Some("assigned"));
    new.daemon.wait_for("fence reason=\"restore\"");
    // The one was used after the backup was made, the other before.
    for after in [1, 0] {
        assert_eq!(new.verdict(&token.code_of(step + after)).await, "replay", "{after}");
    }
    for form in forms(token.seed()) {
        let file = fs::read(&path).unwrap();
        let logs = [old.daemon.log(), new.daemon.log()].concat().join("\n").into_bytes();
        let said = [&made, &seen, &done].map(|out| [&out.stdout[..], &out.stderr[..]].concat());
        for text in [file, logs].into_iter().chain(said) {
            assert!(!text.windows(form.len()).any(|part| part == form), "a seed leaked");
        }
    }
    // Half a step until the next code is the shown one, and what restoring took: the code after
    // that is in the window then, and above the fence.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let mut accepted = Vec::new();
    for after in 2..=4 {
        accepted.push(new.verdict(&token.code_of(step + after)).await);
    }
    assert!(accepted.iter().any(|verdict| verdict == "accept"), "{accepted:?}");
}

#[tokio::test]
async fn a_token_lost_since_the_backup_stays_lost_through_fobctl() {
    if !can_run() {
        return;
    }
    let host = Host::new();
    let (token, step) = host.assign().await;
    let (path, _) = host.backup();
    let lost = RemoveOptions { fate: Some("lost".to_owned()), ..RemoveOptions::default() };
    host.daemon.proxy().await.deactivate(USER, lost).await.unwrap();
    let name = path.to_str().unwrap();
    let done = host.does(&["restore", "--passphrase-stdin", name]);
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(said.contains("lost: it never signs in"), "{said}");
    assert_eq!(host.state_of_token().await.as_deref(), Some("lost"));
    assert_eq!(host.verdict(&token.code_of(step + 1)).await, "unassigned");
}

#[tokio::test]
async fn a_damaged_backup_and_a_wrong_passphrase_change_nothing() {
    if !can_run() {
        return;
    }
    let old = Host::new();
    old.assign().await;
    let (path, _) = old.backup();
    let whole = fs::read(&path).unwrap();
    let new = Host::new();
    let name = path.to_str().unwrap();
    for at in [20, whole.len() / 2, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        for damaged in [&flipped[..], &whole[..at]] {
            fs::write(&path, damaged).unwrap();
            let ended = new.fobctl(&["restore", "--passphrase-stdin", name]);
            assert_eq!(ended.status.code(), Some(5), "byte {at}: {ended:?}");
        }
    }
    assert_eq!(new.state_of_token().await, None);
    assert!(new.daemon.log().iter().all(|line| !line.contains("fence")), "a fence was raised");
}
