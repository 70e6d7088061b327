//! From one master key to the next: killed at any point, and with others at work.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

use fob_api::{Serial, Verdict};

use super::bench::{ALICE, Bench, Fault, ROOT};
use crate::{
    record::{self, KeyId, SealedSeed, Token},
    store::{Key, Kind, Store, Write},
    vault::{KEY_FILE, KeyFile, Keys, NEXT_FILE, PREVIOUS_CREDENTIAL, Source, Vault},
};

const USERS: [(&str, u32); 2] = [("root", 0), ("alice", 1000)];
const SEEDS: [&str; 7] = ["A1", "B2", "T0", "T1", "T2", "T3", "T4"];

/// A house whose key lies in a file.
struct House {
    bench: Bench,
    folder: PathBuf,
    _parent: tempfile::TempDir,
}

impl House {
    /// Alice has A1, the others are in stock.
    async fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().to_owned();
        let source = Source::File(folder.clone());
        let vault = Keys::open(source, KeyFile::Make).unwrap().found().unwrap();
        let bench = Bench::with_vault(&USERS, vault).await;
        let more = (0..5).map(|n| format!("T{n}, {n}{}, totp, 6, 30\n", "5".repeat(39)));
        bench.import(&more.collect::<String>()).await.unwrap();
        bench.assign("alice", "A1").await.unwrap();
        bench.advance(60);
        Self { bench, folder, _parent: parent }
    }

    fn file(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join(name)).ok()
    }

    /// The house after a kill: opened with what lies in the folder and in the store.
    async fn restarted(self) -> Self {
        let source = Source::File(self.folder.clone());
        let vault = open(&self.bench, source).await;
        let bench = self.bench.restarted_with(vault);
        settle(&bench).await;
        Self { bench, ..self }
    }

    /// What must hold at any moment: every seed opens, and alice signs in, once.
    async fn is_whole(&self) {
        for serial in SEEDS {
            let sealed = token(&self.bench, serial).await.seed;
            let opened = self.bench.engine.vault.open_seed(serial, &sealed);
            assert!(opened.is_ok(), "{serial}: {}", opened.err().unwrap());
        }
        let code = self.bench.code("A1", 0);
        assert_eq!(self.bench.verify("alice", &code).await, Ok(Verdict::Accept));
        assert_eq!(self.bench.verify("alice", &code).await, Ok(Verdict::Replay));
        self.bench.advance(60);
    }

    /// What must hold after a rekey that ended: one key, here and on the disk, and it is new.
    async fn is_on_one_key_other_than(&self, old: &[u8]) {
        let keys = self.bench.engine.vault.keys();
        assert_eq!(keys.len(), 1);
        assert_eq!(ids(&self.bench).await, [keys[0]]);
        assert_eq!(self.file(NEXT_FILE), None);
        assert_ne!(self.file(KEY_FILE).unwrap(), old);
    }
}

/// Waits until the fence that a kill raises is over.
async fn settle(bench: &Bench) {
    bench.engine.start().await.unwrap();
    bench.advance(600);
}

async fn house_of(bench: &Bench) -> SealedSeed {
    let key = Key::vault();
    let entry = bench.store.get(std::slice::from_ref(&key)).await.unwrap().remove(0).unwrap();
    record::decode(key.as_bytes(), &entry.value).unwrap()
}

async fn open(bench: &Bench, source: Source) -> Vault {
    Keys::open(source, KeyFile::MustExist).unwrap().unlock(&house_of(bench).await).unwrap()
}

async fn token(bench: &Bench, serial: &str) -> Token {
    let key = Key::seed(&Serial::parse(serial).unwrap());
    let entry = bench.store.get(std::slice::from_ref(&key)).await.unwrap().remove(0).unwrap();
    record::decode(key.as_bytes(), &entry.value).unwrap()
}

/// The keys by which anything is sealed.
async fn ids(bench: &Bench) -> Vec<KeyId> {
    let mut ids = vec![house_of(bench).await.key];
    for shard in 0..=u8::MAX {
        for entry in bench.store.list(Kind::Seed, shard, None, 100).await.unwrap() {
            let token: Token = record::decode(entry.key.as_bytes(), &entry.value).unwrap();
            ids.push(token.seed.key);
        }
    }
    ids.sort();
    ids.dedup();
    ids
}

fn put(path: &Path, bytes: &[u8], mode: u32) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_rekey_seals_everything_by_a_new_key_and_removes_the_old_one() {
    let house = House::new().await;
    let old = house.file(KEY_FILE).unwrap();
    let report = house.bench.engine.rekey(ROOT).await.unwrap();
    assert_eq!((report.resealed, report.unreadable, report.ended), (Some(8), Some(0), Some(true)));
    house.is_on_one_key_other_than(&old).await;
    assert_eq!(token(&house.bench, "A1").await.seed.generation, 2);
    let house = house.restarted().await;
    house.is_on_one_key_other_than(&old).await;
    house.is_whole().await;
}

#[tokio::test]
async fn what_is_sealed_and_hashed_is_the_same_seed_after_a_rekey() {
    let house = House::new().await;
    house.bench.engine.rekey(ROOT).await.unwrap();
    // The same seed under another serial is found by its fingerprint.
    let again = "Z9, 3132333435363738393031323334353637383930, totp, 6, 30\n";
    assert!(house.bench.import(again).await.is_err());
}

#[tokio::test]
async fn killed_at_any_commit_everything_opens_and_the_next_rekey_ends_it() {
    for commits in 0.. {
        let house = House::new().await;
        let old = house.file(KEY_FILE).unwrap();
        house.bench.fail_next(Fault::AwayAfter(commits));
        let ended = house.bench.engine.rekey(ROOT).await.is_ok();
        // The daemon that was not killed goes on, too: its keys are all here.
        *house.bench.store.fault.lock().unwrap() = Fault::None;
        house.is_whole().await;
        let house = house.restarted().await;
        house.is_whole().await;
        if ended {
            assert!(commits > SEEDS.len() / 2, "it was killed at {commits} commits only");
            return;
        }
        assert_eq!(house.file(KEY_FILE).unwrap(), old, "the old key is gone too early");
        assert!(house.file(NEXT_FILE).is_some());
        house.bench.engine.rekey(ROOT).await.unwrap();
        house.is_on_one_key_other_than(&old).await;
        house.is_whole().await;
    }
}

#[tokio::test]
async fn killed_before_the_new_key_is_whole_it_is_drawn_again() {
    let house = House::new().await;
    let old = house.file(KEY_FILE).unwrap();
    put(&house.folder.join("master.key.new"), &[1; 7], 0o600);
    let house = house.restarted().await;
    house.is_whole().await;
    house.bench.engine.rekey(ROOT).await.unwrap();
    house.is_on_one_key_other_than(&old).await;
}

#[tokio::test]
async fn killed_before_the_old_key_is_removed_the_next_rekey_removes_it() {
    let house = House::new().await;
    let old = house.file(KEY_FILE).unwrap();
    house.bench.engine.rekey(ROOT).await.unwrap();
    // The moment before the rename.
    let new = house.file(KEY_FILE).unwrap();
    put(&house.folder.join(NEXT_FILE), &new, 0o600);
    put(&house.folder.join(KEY_FILE), &old, 0o600);
    let house = house.restarted().await;
    house.is_whole().await;
    let report = house.bench.engine.rekey(ROOT).await.unwrap();
    assert_eq!((report.resealed, report.already), (Some(0), Some(8)));
    assert_eq!(house.file(KEY_FILE).unwrap(), new);
    house.is_on_one_key_other_than(&old).await;
}

/// A house of which the serial that a rekey comes to first is alice's, with a rekey that has only
/// sealed the house secret so far: the next commit of a rekey is about that token.
async fn about_to_seal(serial: &str) -> House {
    let house = House::new().await;
    for other in SEEDS.iter().filter(|other| **other != serial) {
        house.bench.engine.forget(ROOT, &Serial::parse(other).unwrap()).await.unwrap();
    }
    house.bench.fail_next(Fault::AwayAfter(1));
    assert!(house.bench.engine.rekey(ROOT).await.is_err());
    *house.bench.store.fault.lock().unwrap() = Fault::None;
    house
}

#[tokio::test]
async fn a_sign_in_that_meets_a_rekey_is_accepted_once() {
    let house = about_to_seal("A1").await;
    let code = house.bench.code("A1", 0);
    house.bench.let_two_commits_meet();
    let (rekeyed, verdict) =
        tokio::join!(house.bench.engine.rekey(ROOT), house.bench.verify("alice", &code));
    assert_eq!((rekeyed.unwrap().ended, verdict), (Some(true), Ok(Verdict::Accept)));
    assert_eq!(house.bench.verify("alice", &code).await, Ok(Verdict::Replay));
}

#[tokio::test]
async fn a_token_that_is_lost_during_a_rekey_stays_lost_and_is_sealed_anew() {
    let house = about_to_seal("A1").await;
    house.bench.let_two_commits_meet();
    let (rekeyed, lost) = tokio::join!(
        house.bench.engine.rekey(ROOT),
        house.bench.deactivate("alice", fob_api::Fate::Lost)
    );
    assert_eq!((rekeyed.unwrap().ended, lost), (Some(true), Ok(())));
    let token = token(&house.bench, "A1").await;
    assert_eq!(token.standing, record::Standing::Lost);
    assert_eq!(token.seed.key, house.bench.engine.vault.keys()[0]);
}

#[tokio::test]
async fn an_import_that_meets_a_rekey_is_sealed_by_the_new_key() {
    // The import has sealed its seed by the old key when the house secret gets the new one.
    let house = House::new().await;
    let old = house.file(KEY_FILE).unwrap();
    house.bench.let_two_commits_meet();
    let seed = "C3, 4232333435363738393031323334353637383930, totp, 6, 30\n";
    let (rekeyed, imported) =
        tokio::join!(house.bench.engine.rekey(ROOT), house.bench.import(seed));
    assert!(imported.is_ok() && rekeyed.unwrap().ended == Some(true));
    house.is_on_one_key_other_than(&old).await;
    house.restarted().await.is_whole().await;
}

#[tokio::test]
async fn a_seed_that_cannot_be_read_keeps_the_old_key_here() {
    let house = House::new().await;
    let key = Key::seed(&Serial::parse("T0").unwrap());
    let mut broken = token(&house.bench, "T0").await;
    broken.seed.sealed[0] ^= 1;
    let value = record::encode(key.as_bytes(), &broken).unwrap();
    let put = house.bench.store.commit(Vec::new(), vec![Write::Put(key, value)]).await;
    assert!(put.is_ok());
    let report = house.bench.engine.rekey(ROOT).await.unwrap();
    assert_eq!((report.unreadable, report.ended), (Some(1), Some(false)));
    assert_eq!(house.bench.engine.vault.keys().len(), 2);
    assert!(house.file(NEXT_FILE).is_some());
    let lines = house.bench.lines.lock().unwrap().join("\n");
    assert!(lines.contains("what=\"rekey\" serial=\"T0\""), "{lines}");
}

#[tokio::test]
async fn a_sealed_seed_that_is_moved_to_another_token_does_not_sign_in() {
    let house = House::new().await;
    let (a1, b2) = (Key::seed(&Serial::parse("A1").unwrap()), token(&house.bench, "B2").await);
    let moved = Token { seed: b2.seed, ..token(&house.bench, "A1").await };
    let value = record::encode(a1.as_bytes(), &moved).unwrap();
    let put = house.bench.store.commit(Vec::new(), vec![Write::Put(a1, value)]).await;
    assert!(put.is_ok());
    let verdict = house.bench.verify("alice", &house.bench.code("B2", 0)).await;
    assert_eq!(verdict, Err(fob_api::Error::StoreUnavailable));
}

#[tokio::test]
async fn with_credentials_everything_goes_from_the_previous_key_to_the_new_one() {
    let house = House::new().await;
    let credentials = tempfile::tempdir().unwrap();
    let old = house.file(KEY_FILE).unwrap();
    put(&credentials.path().join(PREVIOUS_CREDENTIAL), &old, 0o440);
    put(&credentials.path().join(KEY_FILE), &[3; 32], 0o440);
    let source = Source::find(&house.folder, Some(credentials.path()));
    let vault = open(&house.bench, source.clone()).await;
    let bench = house.bench.restarted_with(vault);
    let first = bench.engine.rekey(ROOT).await.unwrap();
    assert_eq!((first.resealed, first.key_from.as_deref()), (Some(8), Some("credential")));
    fs::remove_file(credentials.path().join(PREVIOUS_CREDENTIAL)).unwrap();
    let vault = open(&bench, source).await;
    let bench = bench.restarted_with(vault);
    settle(&bench).await;
    let house = House { bench, ..house };
    house.is_whole().await;
    let second = house.bench.engine.rekey(ROOT).await.unwrap();
    assert_eq!((second.resealed, second.already), (Some(0), Some(8)));
    assert_eq!(house.file(KEY_FILE), Some(old), "it touched a file that it was not given");
}

#[tokio::test]
async fn only_root_may_rekey_and_only_one_at_a_time() {
    let house = House::new().await;
    let denied = house.bench.engine.rekey(ALICE).await.unwrap_err();
    assert_eq!(denied, fob_api::Error::NotAuthorized { verb: "rekey" });
    assert_eq!(house.file(NEXT_FILE), None);
    let commits = house.bench.store.commits.load(Ordering::SeqCst);
    let _other = house.bench.engine.rekeying.try_lock().unwrap();
    let busy = house.bench.engine.rekey(ROOT).await.unwrap_err();
    assert_eq!(busy, fob_api::Error::Busy);
    assert_eq!(house.bench.store.commits.load(Ordering::SeqCst), commits);
}

#[tokio::test]
async fn the_status_names_the_key_and_a_rekey_that_did_not_end() {
    let house = House::new().await;
    let key = house.bench.engine.vault.keys()[0].to_string();
    let status = house.bench.engine.status(ROOT).await.unwrap();
    assert_eq!((status.key, status.rekey), (Some(key), None));
    assert_eq!(status.key_from.as_deref(), Some("file"));
    house.bench.fail_next(Fault::AwayAfter(0));
    assert!(house.bench.engine.rekey(ROOT).await.is_err());
    let status = house.bench.engine.status(ROOT).await.unwrap();
    assert_eq!(status.rekey.as_deref(), Some("unfinished"));
}
