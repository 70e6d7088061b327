//! The log of a store: what is in it after every end, and what the next opening makes of it.

mod bytes;
mod crashes;

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    slice,
    sync::{Arc, Mutex},
};

use fob_api::Serial;
use tempfile::TempDir;

use super::{
    super::{Disk, Medium, SledStore, open::open_settled},
    FILE,
    form::{FRONT, ROOM, SIZE},
    recover::EPOCH,
};
use crate::store::{Committed, Freshness, Key, MAX_VALUE, Store, StoreError, Write};

fn place() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    (home, dir)
}

fn state(number: u32) -> Key {
    Key::state(&Serial::parse(&format!("T{number}")).unwrap())
}

/// What a sign-in writes.
fn hot(number: u32, value: u8) -> Vec<Write> {
    vec![Write::Put(state(number), vec![value; 100])]
}

/// What an assignment writes.
fn cold(value: u8) -> Vec<Write> {
    vec![Write::Put(Key::user(1000), vec![value; 20])]
}

async fn write(store: &SledStore, writes: Vec<Write>) {
    assert_eq!(store.commit(Vec::new(), writes).await, Ok(Committed::Done));
}

/// Returns the first byte of an entry, as far as it is there.
async fn value(store: &SledStore, key: &Key) -> Option<u8> {
    let entries = store.get(slice::from_ref(key)).await.unwrap();
    entries[0].as_ref().map(|entry| entry.value[0])
}

/// Copies the folder of a store as it is: what a kill would leave.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        // Room that is kept has nothing in it.
        if entry.is_file() && !entry.ends_with("reserve") {
            fs::copy(&entry, to.join(entry.file_name().unwrap())).unwrap();
        }
    }
}

/// Opens a copy of a folder whose log was changed.
fn killed(dir: &Path, change: impl FnOnce(&Path)) -> (TempDir, SledStore) {
    let home = tempfile::tempdir().unwrap();
    let to = home.path().join("store");
    copy(dir, &to);
    change(&to.join(FILE));
    let store = SledStore::open(&to).unwrap();
    (home, store)
}

/// Changes the bytes of a log.
fn change(change: impl FnOnce(&mut Vec<u8>)) -> impl FnOnce(&Path) {
    |path| {
        let mut bytes = fs::read(path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    }
}

/// What a medium was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asked {
    SyncDatabase,
    SyncLog,
    Write(usize),
}

/// A disk that takes down what it is asked for, and fails at one of these.
#[derive(Clone, Default)]
struct Watched {
    asked: Arc<Mutex<Vec<Asked>>>,
    fails_at: Option<usize>,
}

impl Watched {
    fn ask(&self, what: Asked) -> io::Result<()> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(what);
        match self.fails_at {
            Some(place) if asked.len() > place => Err(io::Error::from_raw_os_error(5)),
            _ => Ok(()),
        }
    }

    fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Medium for Watched {
    fn room(&mut self, file: &File) -> io::Result<u64> {
        Disk.room(file)
    }

    fn write(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.ask(Asked::Write(bytes.len()))?;
        file.write_all_at(bytes, offset)
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        let is_log = file.metadata().unwrap().len() == SIZE as u64;
        self.ask(if is_log { Asked::SyncLog } else { Asked::SyncDatabase })?;
        file.sync_data()
    }
}

fn epoch(dir: &Path) -> Option<Vec<u8>> {
    let db = open_settled(&sled::Config::new().path(dir)).unwrap();
    db.get(EPOCH).unwrap().map(|bytes| bytes.to_vec())
}

#[tokio::test]
async fn a_lone_sign_in_costs_one_write_and_one_sync_of_a_file_that_stays_as_long_as_it_was() {
    let (_home, dir) = place();
    let medium = Watched::default();
    let store = SledStore::open_on(&dir, medium.clone()).unwrap();
    write(&store, cold(1)).await;
    assert_eq!(medium.asked(), [Asked::SyncDatabase]);
    let database = fs::read(dir.join("db")).unwrap();
    let log = fs::metadata(dir.join(FILE)).unwrap();
    assert_eq!((log.len(), log.mode() & 0o777), (SIZE as u64, 0o600));
    // All of it is on the disk already.
    assert!(log.blocks() * 512 >= SIZE as u64);
    for number in 1..6 {
        write(&store, hot(number, 1)).await;
        let asked = medium.asked();
        assert!(matches!(asked[..], [Asked::Write(100..200), Asked::SyncLog]), "{asked:?}");
    }
    assert_eq!(fs::read(dir.join("db")).unwrap(), database);
    let after = fs::metadata(dir.join(FILE)).unwrap();
    assert_eq!((after.len(), after.blocks()), (log.len(), log.blocks()));
    // What administrators do takes along what is in the log, and that costs nothing of its own.
    write(&store, cold(2)).await;
    assert_eq!(medium.asked(), [Asked::SyncDatabase]);
}

#[tokio::test]
async fn what_is_in_the_log_alone_is_read_listed_guarded_and_removed_like_everything() {
    let (_home, dir) = place();
    let store = SledStore::open(&dir).unwrap();
    write(&store, hot(1, 1)).await;
    write(&store, cold(1)).await;
    let key = state(1);
    let old = store.get(slice::from_ref(&key)).await.unwrap().remove(0).unwrap();
    write(&store, hot(1, 2)).await;
    let guards = vec![crate::store::Guard::Same(key.clone(), old.tag)];
    let refused = store.commit(guards, hot(1, 3)).await.unwrap();
    let Committed::Conflict(now) = refused else { panic!("an old guard held") };
    assert_eq!(now[0].as_ref().unwrap().value[0], 2);
    let page = store.list(key.kind(), key.shard(), None, 9).await.unwrap();
    assert_eq!(page.iter().map(|entry| entry.value[0]).collect::<Vec<_>>(), [2]);
    write(&store, vec![Write::Delete(key.clone())]).await;
    assert_eq!(value(&store, &key).await, None);
    assert!(store.list(key.kind(), key.shard(), None, 9).await.unwrap().is_empty());
    let (_home, killed) = killed(&dir, |_| ());
    assert_eq!(value(&killed, &key).await, None);
}

#[tokio::test]
async fn a_store_that_was_closed_has_nothing_in_its_log() {
    let (_home, dir) = place();
    let store = SledStore::open(&dir).unwrap();
    write(&store, cold(1)).await;
    write(&store, hot(1, 7)).await;
    store.close().await.unwrap();
    drop(store);
    // So whatever becomes of the log, nothing is lost.
    let changes: [fn(&mut Vec<u8>); 4] = [
        |_| (),
        |bytes| bytes[FRONT + 40] ^= 1,
        |bytes| bytes[3] ^= 1,
        |bytes| bytes.truncate(FRONT + 40),
    ];
    for spoil in changes {
        let (_home, store) = killed(&dir, change(spoil));
        assert_eq!(store.freshness(), Freshness::Fresh);
        assert_eq!(value(&store, &state(1)).await, Some(7));
    }
    let (_home, store) = killed(&dir, |path| fs::remove_file(path).unwrap());
    assert_eq!(store.freshness(), Freshness::Fresh);
    write(&store, hot(1, 8)).await;
}

#[tokio::test]
async fn a_start_ends_the_epoch_of_what_it_has_put_back_and_no_other() {
    let (_home, dir) = place();
    let store = SledStore::open(&dir).unwrap();
    write(&store, cold(1)).await;
    drop(store);
    let first = epoch(&dir);
    drop(SledStore::open(&dir).unwrap());
    assert_eq!(epoch(&dir), first);
    let store = SledStore::open(&dir).unwrap();
    write(&store, hot(1, 1)).await;
    let (home, opened) = killed(&dir, |_| ());
    let there = home.path().join("store");
    let (_home, again) = killed(&there, |_| ());
    drop(opened);
    let second = epoch(&there);
    assert_ne!(second, first);
    assert_eq!(value(&again, &state(1)).await, Some(1));
}

#[tokio::test]
async fn a_log_that_is_full_is_emptied_into_the_database_by_the_group_that_does_not_fit() {
    let (_home, dir) = place();
    let medium = Watched::default();
    let store = SledStore::open_on(&dir, medium.clone()).unwrap();
    let large = |value| vec![Write::Put(state(1), vec![value; MAX_VALUE])];
    let mut emptied = Vec::new();
    for round in 0..70 {
        write(&store, large(round)).await;
        if medium.asked() == [Asked::SyncDatabase] {
            emptied.push(round);
        }
    }
    // Each entry is a little longer than its value.
    let fit = (ROOM / (MAX_VALUE + 100)) as u8;
    assert_eq!(emptied, [fit, 2 * fit + 1]);
    let (_home, store) = killed(&dir, |_| ());
    assert_eq!(value(&store, &state(1)).await, Some(69));
}

#[tokio::test]
async fn what_administrators_write_is_not_in_the_log_even_if_it_changes_nothing() {
    let (_home, dir) = place();
    let medium = Watched::default();
    let store = SledStore::open_on(&dir, medium.clone()).unwrap();
    write(&store, vec![Write::Delete(Key::user(1000))]).await;
    assert_eq!(medium.asked(), [Asked::SyncDatabase]);
}

#[tokio::test]
async fn a_group_that_is_larger_than_the_log_goes_to_the_database() {
    let (_home, dir) = place();
    let medium = Watched::default();
    let store = SledStore::open_on(&dir, medium.clone()).unwrap();
    let writes = (0..40).map(|number| Write::Put(state(number), vec![1; MAX_VALUE])).collect();
    write(&store, writes).await;
    assert_eq!(medium.asked(), [Asked::SyncDatabase]);
    assert_eq!(value(&store, &state(39)).await, Some(1));
}

#[tokio::test]
async fn a_log_that_cannot_be_written_or_synced_ends_the_service_and_nothing_is_confirmed() {
    for (place_of, fault) in [(2, Asked::Write(0)), (3, Asked::SyncLog)] {
        let (_home, dir) = place();
        let medium = Watched { fails_at: Some(place_of), ..Watched::default() };
        let store = SledStore::open_on(&dir, medium.clone()).unwrap();
        write(&store, hot(1, 1)).await;
        let poisoned = store.poisoned();
        assert_eq!(store.commit(Vec::new(), hot(1, 2)).await, Err(StoreError::Indeterminate));
        poisoned.await;
        assert_eq!(store.get(&[state(1)]).await, Err(StoreError::Unavailable));
        assert_eq!(store.commit(Vec::new(), hot(1, 3)).await, Err(StoreError::Unavailable));
        assert_eq!(store.close().await, Err(StoreError::Unavailable));
        assert_eq!(medium.asked().len(), place_of + 1, "{fault:?} was tried again");
        drop(store);
        let store = SledStore::open(&dir).unwrap();
        assert_eq!(store.freshness(), Freshness::Unclosed);
        let found = value(&store, &state(1)).await;
        let expected = if fault == Asked::SyncLog { 2 } else { 1 };
        assert_eq!(found, Some(expected));
    }
}

/// A store that is open: an assignment, three sign-ins, and where the entry of each ends.
async fn lived(dir: &Path) -> (SledStore, Vec<usize>) {
    let medium = Watched::default();
    let store = SledStore::open_on(dir, medium.clone()).unwrap();
    write(&store, cold(1)).await;
    let mut ends = vec![FRONT];
    for number in 1..4 {
        write(&store, hot(number, 7)).await;
        let written = medium.asked().iter().fold(0, |length, asked| match asked {
            Asked::Write(bytes) => length + bytes,
            _ => length,
        });
        ends.push(ends.last().unwrap() + written);
    }
    (store, ends)
}

async fn values(store: &SledStore) -> [Option<u8>; 3] {
    let mut all = [None; 3];
    for (number, found) in (1..).zip(&mut all) {
        *found = value(store, &state(number)).await;
    }
    all
}

#[tokio::test]
async fn entries_that_end_in_a_torn_one_come_back_and_the_store_was_not_closed() {
    let (_home, dir) = place();
    let (_store, ends) = lived(&dir).await;
    let expected = |whole: usize| [0, 1, 2].map(|place| (place < whole).then_some(7));
    for whole in 0..3 {
        for torn in [ends[whole], ends[whole] + 1, ends[whole + 1] - 40, ends[whole + 1] - 1] {
            let (_home, store) = killed(&dir, change(|bytes| bytes[torn..].fill(0)));
            assert_eq!(store.freshness(), Freshness::Unclosed);
            assert_eq!(values(&store).await, expected(whole), "torn at {torn}");
            assert_eq!(value(&store, &Key::user(1000)).await, Some(1));
        }
    }
    let (_home, store) = killed(&dir, |_| ());
    assert_eq!((store.freshness(), values(&store).await), (Freshness::Unclosed, expected(3)));
}

#[tokio::test]
async fn a_hole_in_the_log_puts_the_store_in_doubt_and_the_whole_entries_come_back() {
    let (_home, dir) = place();
    let (_store, ends) = lived(&dir).await;
    let hole = change(|bytes| bytes[ends[1] + 30] ^= 1);
    let (home, store) = killed(&dir, hole);
    assert_eq!(store.freshness(), Freshness::Doubtful);
    assert_eq!(values(&store).await, [Some(7), None, Some(7)]);
    // In doubt it stays, until it is closed.
    let (_home, again) = killed(&home.path().join("store"), |_| ());
    assert_eq!(again.freshness(), Freshness::Doubtful);
    drop(store);
    assert_eq!(SledStore::open(&home.path().join("store")).unwrap().freshness(), Freshness::Fresh);
}

#[tokio::test]
async fn a_log_that_is_missing_cut_or_anothers_puts_a_store_that_was_not_closed_in_doubt() {
    let (_home, dir) = place();
    let (_store, ends) = lived(&dir).await;
    let (_other, elsewhere) = place();
    let _elsewhere = lived(&elsewhere).await;
    let (_home, store) = killed(&dir, |path| fs::remove_file(path).unwrap());
    assert_eq!(store.freshness(), Freshness::Doubtful);
    let (_home, store) = killed(&dir, change(|bytes| bytes.truncate(ends[2])));
    assert_eq!(store.freshness(), Freshness::Doubtful);
    assert_eq!(values(&store).await, [Some(7), Some(7), None]);
    let (_home, store) = killed(&dir, change(|bytes| bytes[5] ^= 1));
    assert_eq!((store.freshness(), values(&store).await), (Freshness::Doubtful, [Some(7); 3]));
    let anothers = |path: &Path| assert!(fs::copy(elsewhere.join(FILE), path).unwrap() > 0);
    let (home, store) = killed(&dir, anothers);
    assert_eq!((store.freshness(), values(&store).await), (Freshness::Doubtful, [None; 3]));
    // It has one of its own again.
    write(&store, hot(1, 9)).await;
    let (_home, store) = killed(&home.path().join("store"), |_| ());
    assert_eq!(value(&store, &state(1)).await, Some(9));
}

#[tokio::test]
async fn a_database_from_before_there_were_logs_is_none_that_has_lost_one() {
    let (_home, dir) = place();
    let store = SledStore::open(&dir).unwrap();
    write(&store, cold(1)).await;
    let home = tempfile::tempdir().unwrap();
    let old = home.path().join("store");
    copy(&dir, &old);
    fs::remove_file(old.join(FILE)).unwrap();
    let db = open_settled(&sled::Config::new().path(&old)).unwrap();
    db.remove(EPOCH).unwrap();
    drop(db);
    let store = SledStore::open(&old).unwrap();
    assert_eq!(store.freshness(), Freshness::Unclosed);
    write(&store, hot(1, 1)).await;
}

#[tokio::test]
async fn a_database_of_an_older_epoch_than_its_log_is_in_doubt_and_what_is_dead_stays_dead() {
    let (home, dir) = place();
    let store = SledStore::open(&dir).unwrap();
    write(&store, cold(1)).await;
    write(&store, hot(1, 1)).await;
    let older = home.path().join("older");
    copy(&dir, &older);
    // Hot records alone, so that the anchor has nothing to say about it.
    let many = |value| {
        (0..40).map(|number| Write::Put(state(number), vec![value; MAX_VALUE])).collect::<Vec<_>>()
    };
    write(&store, many(2)).await;
    write(&store, hot(1, 3)).await;
    fs::copy(dir.join(FILE), older.join(FILE)).unwrap();
    let rolled_back = SledStore::open(&older).unwrap();
    assert_eq!(rolled_back.freshness(), Freshness::Doubtful);
    // What the log holds of the lost epoch is not put over what comes now.
    write(&rolled_back, many(4)).await;
    write(&rolled_back, hot(2, 5)).await;
    let (_home, again) = killed(&older, |_| ());
    assert_eq!(value(&again, &state(1)).await, Some(4));
    assert_eq!(value(&again, &state(2)).await, Some(5));
}

#[tokio::test]
async fn a_log_of_a_newer_fob_is_refused() {
    let (_home, dir) = place();
    let (_store, _) = lived(&dir).await;
    let home = tempfile::tempdir().unwrap();
    let to = home.path().join("store");
    copy(&dir, &to);
    let newer = super::super::anchor::sealed(&[&[2], &[7; 16]]);
    change(|bytes| bytes[..newer.len()].copy_from_slice(&newer))(&to.join(FILE));
    let refused = SledStore::open(&to).err().unwrap();
    assert!(refused.to_string().contains("newer"), "{refused}");
}
