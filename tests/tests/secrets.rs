//! Where seeds and the master key lie while a real fobd works, and where they do not
//! (threats.md S1, S3, S9).
//!
//! Honest limits: half a seed in a register or in a cipher's state is not looked for; and what an
//! allocator has written over is not found.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::{
    fs,
    io::{Seek, Write},
    os::fd::OwnedFd,
    path::Path,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use fob_api::{AdoptOptions, ImportOptions, VerifyContext, proxy::FobProxy};
use fob_tests::{
    daemon::{Daemon, Ground, write_settings},
    memory::{Memory, Region, hits, regions},
    needs::{self, Need},
    soft_token::SoftToken,
};

/// Somebody whom every host knows.
const USER: &str = "daemon";
const ENTRA: &str = "upn,serial number,secret key,time interval,manufacturer,model\n";
/// Bytes of a trace that are looked for: its first and its last ones, for an allocator writes over
/// the beginning of what it gets back.
const PIECE: usize = 12;

/// The pre-shared key of the encrypted file that is imported, and the second seed in it.
const KEY: [u8; 16] = [
    0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12,
];
const ENCRYPTED: [u8; 32] = [
    0x7c, 0x0a, 0x83, 0xe9, 0xea, 0x0e, 0x2c, 0x08, 0x2e, 0x88, 0x01, 0x34, 0x96, 0xec, 0x9f, 0xc5,
    0xe1, 0xc5, 0x74, 0x94, 0xa9, 0x30, 0x0c, 0xfd, 0x41, 0x84, 0x44, 0xd7, 0x9f, 0xa8, 0x34, 0xb8,
];

/// A house in which all kinds of work with seeds were done, and the daemon of it, idle now.
struct House {
    ground: Ground,
    daemon: Daemon,
    tokens: Vec<SoftToken>,
}

impl House {
    async fn worked_in() -> Self {
        let ground = Ground::new();
        let daemon = Daemon::start(ground.path(), None);
        let tokens: Vec<_> = ["SECRET-1", "SECRET-2", "SECRET-3", "SECRET-4"]
            .map(SoftToken::with_clock)
            .into_iter()
            .collect();
        let house = Self { ground, daemon, tokens };
        let fob = house.daemon.proxy().await;
        let [oath, entra, pskc, app] = house.tokens.as_slice() else { panic!("four tokens") };
        // Of several formats: each of them reads it.
        house.import(&fob, "", &oath.oath_line()).await;
        let line = entra.entra_line("somebody@example.org");
        house.import(&fob, "entra-csv", &format!("{ENTRA}{line}")).await;
        house.import(&fob, "pskc", &pskc.pskc_file()).await;
        house.adopt(&fob, app).await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let step = oath.step_at(now);
        let codes = [oath.code_of(step - 1), oath.code_of(step)];
        let codes = codes.each_ref().map(String::as_str);
        fob.assign(USER, oath.serial(), &codes, Default::default()).await.unwrap();
        for (code, expected) in
            [(oath.code_of(step + 1), "accept"), (oath.wrong_code(step, 5), "reject")]
        {
            let verdict = fob.verify(USER, &code, VerifyContext::default()).await.unwrap().0;
            assert_eq!(verdict, expected);
        }
        house
    }

    /// Moves a token from another program.
    async fn adopt(&self, fob: &FobProxy<'_>, token: &SoftToken) {
        let [_, _, _, base32, _] = token.traces();
        let text = [&base32, &b"\n\" TOTP_AUTH\n"[..]].concat();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&text).unwrap();
        file.rewind().unwrap();
        let options = AdoptOptions { user: Some("bin".to_owned()), ..AdoptOptions::default() };
        let report = fob.adopt((&file).into(), "google-authenticator", options).await.unwrap();
        let rows = report.people.unwrap();
        assert_eq!(rows[0].outcome.as_deref(), Some("moved"), "{rows:?}");
    }

    async fn import(&self, fob: &FobProxy<'_>, format: &str, text: &str) {
        let path = self.ground.path().join("seeds");
        fs::write(&path, text).unwrap();
        let file = fs::File::open(&path).unwrap();
        fob.import((&file).into(), format, Default::default()).await.unwrap();
        fs::remove_file(&path).unwrap();
    }

    /// The first and the last bytes of each trace of each seed.
    fn seeds(&self) -> Vec<Vec<u8>> {
        self.tokens.iter().flat_map(SoftToken::traces).flat_map(|trace| ends(&trace)).collect()
    }

    /// Imports an encrypted file, and returns what must not be found of it: its seed, and its key as
    /// typed and as bytes.
    async fn import_encrypted(&self) -> Vec<Vec<u8>> {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/seed");
        let file = fs::File::open(fixtures.join("encrypted-key.pskcxml")).unwrap();
        let (path, typed) = (self.ground.path().join("password"), STANDARD.encode(KEY));
        fs::write(&path, &typed).unwrap();
        let password = Some(OwnedFd::from(fs::File::open(&path).unwrap()).into());
        let options = ImportOptions { password, ..ImportOptions::default() };
        let fob = self.daemon.proxy().await;
        let report = fob.import((&file).into(), "", options).await.unwrap();
        assert_eq!(report.added.unwrap().len(), 2);
        [&ENCRYPTED[..], typed.as_bytes(), &KEY].into_iter().flat_map(ends).collect()
    }

    fn master_key(&self) -> Vec<u8> {
        fs::read(self.ground.path().join("state/master.key")).unwrap()
    }
}

fn ends(trace: &[u8]) -> [Vec<u8>; 2] {
    [trace[..PIECE].to_vec(), trace[trace.len() - PIECE..].to_vec()]
}

/// Tells which needles lie in what a core dump of the daemon would hold.
fn dumped(daemon: &Daemon, needles: &[Vec<u8>]) -> Vec<String> {
    let memory = Memory::of(daemon.id());
    let dumped = regions(daemon.id()).into_iter().filter(|region| !region.has("dd"));
    dumped
        .filter(Region::is_readable)
        .flat_map(|region| {
            let found = memory.find(&region, needles);
            // A thread that has ended since took its signal stack with it: nothing is dumped of it.
            let is_gone = || regions(daemon.id()).iter().all(|r| r.addresses != region.addresses);
            let may_be_unread = found.is_some() || !region.is_writable() || is_gone();
            assert!(may_be_unread, "unread: {region:?}");
            let found = found.unwrap_or_default();
            found.into_iter().map(move |at| format!("{at} in {}", region.what))
        })
        .collect()
}

#[tokio::test]
async fn no_seed_is_in_the_memory_of_an_idle_daemon() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let house = House::worked_in().await;
    let state = house.ground.path().join("state").display().to_string().into_bytes();
    assert!(!dumped(&house.daemon, &[state]).is_empty(), "the search finds nothing at all");
    assert_eq!(dumped(&house.daemon, &house.seeds()), [""; 0]);
}

#[tokio::test]
async fn neither_key_nor_seed_of_an_encrypted_file_is_in_the_memory_of_an_idle_daemon() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let house = House::worked_in().await;
    let needles = house.import_encrypted().await;
    assert_eq!(dumped(&house.daemon, &needles), [""; 0]);
}

#[tokio::test]
async fn the_master_key_lies_in_one_locked_page_that_is_not_dumped_and_nowhere_else() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let house = House::worked_in().await;
    let key = house.master_key();
    let needles: Vec<_> = ends(&key).into_iter().collect();
    assert_eq!(dumped(&house.daemon, &needles), [""; 0]);
    let regions = regions(house.daemon.id());
    let apart: Vec<_> = regions.iter().filter(|r| r.has("dd") && r.has("lo")).collect();
    let [page] = apart.as_slice() else { panic!("not one region, but {apart:?}") };
    assert!(page.has("dc"), "a child would have it: {page:?}");
    assert_eq!(page.addresses.end - page.addresses.start, 4096);
    assert_eq!(Memory::of(house.daemon.id()).find(page, &needles), Some(vec![0, 1]));
}

#[tokio::test]
async fn after_a_rekey_neither_key_is_anywhere_else() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let house = House::worked_in().await;
    let old = house.master_key();
    house.daemon.proxy().await.rekey().await.unwrap();
    let new = house.master_key();
    assert_ne!(new, old);
    let needles: Vec<_> = [old, new].iter().flat_map(|key| ends(key)).collect();
    assert_eq!(dumped(&house.daemon, &needles), [""; 0]);
    assert_eq!(dumped(&house.daemon, &house.seeds()), [""; 0]);
    let regions = regions(house.daemon.id());
    let page = regions.iter().find(|region| region.has("dd") && region.has("lo")).unwrap();
    let memory = Memory::of(house.daemon.id());
    assert_eq!(memory.find(page, &needles), Some(vec![2, 3]), "the old key is still there");
}

#[tokio::test]
async fn no_seed_is_in_the_database_nor_in_the_log() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let mut house = House::worked_in().await;
    house.daemon.proxy().await.rekey().await.unwrap();
    assert!(house.daemon.stop().success());
    let mut all = house.daemon.log().join("\n").into_bytes();
    read_all(&house.ground.path().join("state/tokens"), &mut all);
    assert_eq!(hits(&all, &[b"SECRET-1".to_vec()]), [0], "the search finds nothing at all");
    let key = house.master_key();
    let needles: Vec<_> = house.seeds().into_iter().chain(ends(&key)).collect();
    assert_eq!(hits(&all, &needles), [0; 0]);
}

#[test]
fn a_fobd_that_cannot_lock_a_page_does_not_start_and_says_what_to_do() {
    if !needs::met(&[Need::Root, Need::Program("prlimit"), Need::Program("setpriv")]) {
        return;
    }
    // root may lock what it likes (capabilities(7), CAP_IPC_LOCK): somebody else's house.
    let ground = Ground::new();
    let (fobd, state) = (ground.program(&needs::built("fobd")), ground.path().join("state"));
    let at = format!("--state={}", state.display());
    let made = Command::new(&fobd).args(["--initialize", &at]).status().unwrap();
    assert!(made.success());
    let given =
        Command::new("chown").args(["-R", &format!("{USER}:")]).arg(&state).status().unwrap();
    assert!(given.success());
    let settings = ground.path().join("fobd.conf");
    write_settings(&settings, "");
    let ended = Command::new("prlimit")
        .args(["--memlock=0:0", "setpriv", "--reuid", USER, "--regid=1", "--clear-groups"])
        .arg(&fobd)
        .args([&at, "--no-bus"])
        .arg(format!("--config={}", settings.display()))
        .arg(format!("--socket={}", state.join("peer").display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && said.contains("LimitMEMLOCK=64K"), "{said}");
}

fn read_all(folder: &Path, into: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, into);
        } else {
            into.extend(fs::read(&path).unwrap());
        }
    }
}
