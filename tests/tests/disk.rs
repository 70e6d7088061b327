//! Disks that are full or read-only under a real fobd (threats.md F3, F12, X7): real ones in memory,
//! with a real "no space left".

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use fob_api::{VerifyContext, proxy::FobProxy};
use fob_tests::{
    daemon::{Daemon, Ground},
    needs::{self, Need},
    soft_token::SoftToken,
};

/// Somebody whom every host knows.
const USER: &str = "daemon";
/// The reserve that fobd keeps, and less than it needs to be made again.
const RESERVE: u64 = 4 * 1024 * 1024;

/// A small file system in memory, unmounted when it is dropped.
struct Disk {
    _ground: Ground,
    at: PathBuf,
}

impl Disk {
    /// Mounts one of 64 MiB.
    fn new() -> Self {
        let ground = Ground::new();
        let at = ground.path().join("disk");
        fs::create_dir(&at).unwrap();
        let options = ["-t", "tmpfs", "-o", "size=64m,mode=755", "tmpfs"];
        let mounted = Command::new("mount").args(options).arg(&at).status().unwrap();
        assert!(mounted.success(), "a tmpfs cannot be mounted");
        Self { _ground: ground, at }
    }

    /// Fills it to the last byte. Returns the file that does.
    fn fill(&self, name: &str) -> PathBuf {
        let path = self.at.join(name);
        let mut file = File::create(&path).unwrap();
        let mut piece = vec![7; 1 << 20];
        while !piece.is_empty() {
            if file.write_all(&piece).is_err() {
                piece.truncate(piece.len() / 2);
            }
        }
        path
    }

    fn remount(&self, how: &str) {
        let done = Command::new("mount").args(["-o", how]).arg(&self.at).status().unwrap();
        assert!(done.success(), "{how}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.at).status();
    }
}

fn token() -> SoftToken {
    SoftToken::with_button("DISK-1")
}

async fn set_up(daemon: &Daemon, ground: &Path) {
    let path = ground.join("seeds.csv");
    fs::write(&path, token().oath_line()).unwrap();
    let (fob, file) = (daemon.proxy().await, File::open(path).unwrap());
    fob.import((&file).into(), "oath-csv", Default::default()).await.unwrap();
    let codes = [token().code_of(0), token().code_of(1)];
    let codes = [codes[0].as_str(), codes[1].as_str()];
    fob.assign(USER, "DISK-1", &codes, Default::default()).await.unwrap();
}

async fn verify(fob: &FobProxy<'_>, counter: u64) -> zbus::Result<String> {
    let code = token().code_of(counter);
    fob.verify(USER, &code, VerifyContext::default()).await.map(|(verdict, ..)| verdict)
}

#[tokio::test]
async fn on_a_full_disk_a_restarted_daemon_opens_and_lets_people_in() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let disk = Disk::new();
    let mut daemon = Daemon::start(&disk.at, None);
    set_up(&daemon, &disk.at).await;
    let reserve = disk.at.join("state/tokens/reserve");
    assert_eq!(fs::metadata(&reserve).unwrap().len(), RESERVE);
    daemon.stop();
    let full = disk.fill("full");

    let mut daemon = Daemon::start(&disk.at, None);
    assert!(!reserve.exists(), "the reserve was not given up");
    assert_eq!(verify(&daemon.proxy().await, 2).await.unwrap(), "accept");
    daemon.kill();
    let daemon = Daemon::start(&disk.at, None);
    assert_eq!(verify(&daemon.proxy().await, 2).await.unwrap(), "replay");

    fs::remove_file(full).unwrap();
    assert_eq!(verify(&daemon.proxy().await, 3).await.unwrap(), "accept");
    assert_eq!(fs::metadata(&reserve).unwrap().len(), RESERVE);
}

#[tokio::test]
async fn when_the_reserve_is_used_up_too_nobody_is_let_in_and_nothing_is_lost() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let disk = Disk::new();
    let daemon = Daemon::start(&disk.at, None);
    set_up(&daemon, &disk.at).await;
    let fob = daemon.proxy().await;
    let full = disk.fill("full");
    assert_eq!(verify(&fob, 2).await.unwrap(), "accept");
    let fuller = disk.fill("fuller");
    let refused = verify(&fob, 3).await;
    let Err(zbus::Error::MethodError(name, ..)) = refused else { panic!("{refused:?}") };
    assert!(name.ends_with("StoreUnavailable"), "{name}");
    // The PAM module asks for an emergency code when the daemon says that.
    assert!(fob.prompt(USER, VerifyContext::default()).await.is_err());
    for file in [full, fuller] {
        fs::remove_file(file).unwrap();
    }
    assert_eq!(verify(&fob, 2).await.unwrap(), "replay");
    assert_eq!(verify(&fob, 3).await.unwrap(), "accept");
}

#[tokio::test]
async fn on_a_read_only_disk_the_daemon_says_so_and_does_not_start() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let disk = Disk::new();
    let mut daemon = Daemon::start(&disk.at, None);
    set_up(&daemon, &disk.at).await;
    daemon.stop();
    disk.remount("remount,ro");
    // A socket elsewhere, as in /run: the state is what cannot be written.
    let run = tempfile::tempdir().unwrap();
    let ended = Command::new(needs::built("fobd"))
        .arg(format!("--state={}", disk.at.join("state").display()))
        .arg(format!("--config={}", disk.at.join("fobd.conf").display()))
        .arg(format!("--socket={}", run.path().join("peer").display()))
        .arg("--no-bus")
        .output()
        .unwrap();
    assert!(!ended.status.success());
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("Read-only file system") && said.contains("mount it"), "{said}");
    disk.remount("remount,rw");
    let daemon = Daemon::start(&disk.at, None);
    assert_eq!(verify(&daemon.proxy().await, 2).await.unwrap(), "accept");
}
