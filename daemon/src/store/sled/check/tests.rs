//! A large database that is served before it was read, and what decayed meanwhile.

use std::{
    fs,
    path::{Path, PathBuf},
    slice,
    sync::{Arc, mpsc::channel},
    thread,
};

use fob_api::Serial;
use sled::{Config, Db};
use tempfile::TempDir;

use super::super::{
    Disk, Inner, Left, Mismatch, OpenError, Outage, SledStore, open::open_settled,
    progress::Progress, shelf::encode,
};
use crate::store::{Committed, Freshness, Key, Store, StoreError, Write};

/// Opens a store for which one record is many.
fn open(dir: &Path) -> Result<SledStore, OpenError> {
    SledStore::open_as(dir, Disk, 1, &Progress::default())
}

fn state(number: u32) -> Key {
    Key::state(&Serial::parse(&format!("T{number}")).unwrap())
}

async fn write(store: &SledStore, writes: Vec<Write>) {
    assert_eq!(store.commit(Vec::new(), writes).await, Ok(Committed::Done));
}

async fn value(store: &SledStore, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
    let entries = store.get(slice::from_ref(key)).await?;
    Ok(entries[0].as_ref().map(|entry| entry.value.to_vec()))
}

/// Makes a store with marks: 300 users and a state for each. Returns it while it is open, as it
/// was counted.
async fn house() -> (TempDir, PathBuf, SledStore) {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let store = open(&dir).unwrap();
    for number in 0..300 {
        let cold = Write::Put(Key::user(number), vec![1]);
        write(&store, vec![cold, Write::Put(state(number), vec![1])]).await;
    }
    drop(store);
    let store = open(&dir).unwrap();
    assert!(store.0.shelf.was_counted(), "it had no marks yet");
    let all = (0..300).map(|number| Write::Put(Key::user(number), vec![2])).collect();
    write(&store, all).await;
    write(&store, vec![Write::Put(Key::user(7), vec![3])]).await;
    write(&store, vec![Write::Put(state(7), vec![3])]).await;
    (home, dir, store)
}

/// Changes a closed database behind its back, as decay does that no checksum notices.
fn decay(dir: &Path, change: impl FnOnce(&Db)) {
    let db = open_settled(&Config::new().path(dir)).unwrap();
    change(&db);
    db.flush().unwrap();
}

/// Opens a store whose check has not begun.
fn open_unread(dir: &Path) -> Inner {
    let inner = Inner::open(dir, Disk, 1, &Progress::default()).unwrap();
    assert!(!inner.shelf.was_counted());
    inner
}

/// Copies a database as a kill would leave it now.
fn kill(home: &TempDir, dir: &Path) -> PathBuf {
    let killed = home.path().join("killed");
    fs::create_dir(&killed).unwrap();
    fs::set_permissions(&killed, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap()) {
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), killed.join(entry.file_name())).unwrap();
        }
    }
    killed
}

#[tokio::test]
async fn a_large_store_is_served_before_it_was_read_and_is_fresh_all_the_same() {
    let (_home, dir, store) = house().await;
    drop(store);
    for round in 4..7 {
        let store = open(&dir).unwrap();
        assert!(!store.0.shelf.was_counted());
        assert_eq!(store.freshness(), Freshness::Fresh);
        assert_eq!(value(&store, &Key::user(7)).await, Ok(Some(vec![round - 1])));
        assert_eq!(value(&store, &state(7)).await, Ok(Some(vec![round - 1])));
        assert_eq!(value(&store, &Key::user(1000)).await, Ok(None));
        write(&store, vec![Write::Put(Key::user(7), vec![round])]).await;
        write(&store, vec![Write::Put(state(7), vec![round])]).await;
        store.close().await.unwrap();
    }
    // Without the marks it fits as well.
    let store = SledStore::open(&dir).unwrap();
    assert!(store.0.shelf.was_counted());
    assert_eq!(store.freshness(), Freshness::Fresh);
}

#[tokio::test]
async fn a_store_that_was_not_closed_is_served_before_it_was_read_and_says_so() {
    let (home, dir, store) = house().await;
    let killed = kill(&home, &dir);
    drop(store);
    let store = open(&killed).unwrap();
    assert!(!store.0.shelf.was_counted());
    assert_eq!(store.freshness(), Freshness::Unclosed);
    assert_eq!(value(&store, &state(7)).await, Ok(Some(vec![3])));
    write(&store, vec![Write::Put(state(9), vec![9])]).await;
    store.was_read().await;
    store.close().await.unwrap();
    drop(store);
    let store = open(&killed).unwrap();
    assert_eq!(store.freshness(), Freshness::Fresh);
    assert_eq!(value(&store, &state(9)).await, Ok(Some(vec![9])));
}

#[tokio::test]
async fn what_rests_on_an_older_or_a_missing_record_is_not_answered_and_then_nothing_is() {
    let key = Key::user(7);
    let older = |db: &Db| drop(db.insert(key.as_bytes(), encode(1, &[2])).unwrap());
    let missing = |db: &Db| drop(db.remove(key.as_bytes()).unwrap());
    for change in [&older as &dyn Fn(&Db), &missing] {
        let (_home, dir, store) = house().await;
        drop(store);
        decay(&dir, change);
        let store = open(&dir).unwrap();
        let poisoned = store.poisoned();
        assert_eq!(value(&store, &key).await, Err(StoreError::Unavailable));
        assert_eq!(poisoned.await, Outage::Decayed);
        assert_eq!(value(&store, &Key::user(8)).await, Err(StoreError::Unavailable));
        let put = Write::Put(Key::user(8), vec![1]);
        assert_eq!(store.commit(Vec::new(), vec![put]).await, Err(StoreError::Unavailable));
        assert_eq!(store.close().await, Err(StoreError::Unavailable));
        drop(store);
        let refused = open(&dir).map(drop);
        assert!(matches!(refused, Err(OpenError::Mismatched(_, Mismatch::Torn))));
    }
}

#[tokio::test]
async fn a_sign_in_that_was_lost_is_noticed_before_its_record_is_used_and_raises_the_doubt() {
    let (_home, dir, store) = house().await;
    drop(store);
    decay(&dir, |db| drop(db.insert(state(7).as_bytes(), encode(1, &[1])).unwrap()));
    let store = open(&dir).unwrap();
    let poisoned = store.poisoned();
    let write = Write::Put(state(7), vec![4]);
    assert_eq!(store.commit(Vec::new(), vec![write]).await, Err(StoreError::Unavailable));
    assert_eq!(poisoned.await, Outage::Decayed);
    drop(store);
    let store = open(&dir).unwrap();
    assert!(store.0.shelf.was_counted(), "it was read first");
    assert_eq!(store.freshness(), Freshness::Doubtful);
}

#[tokio::test]
async fn a_mark_that_decayed_costs_the_time_to_read_everything_and_nothing_else() {
    let (_home, dir, store) = house().await;
    drop(store);
    let mark = [0, 3, Key::user(7).shard()];
    decay(&dir, |db| drop(db.insert(mark, b"decayed").unwrap()));
    let store = open(&dir).unwrap();
    assert!(store.0.shelf.was_counted());
    assert_eq!(store.freshness(), Freshness::Fresh);
    drop(store);
    assert!(!open(&dir).unwrap().0.shelf.was_counted(), "the mark was not mended");
}

#[tokio::test]
async fn a_store_stopped_in_the_middle_of_its_check_is_fresh_and_what_was_written_is_there() {
    let (_home, dir, store) = house().await;
    drop(store);
    for round in 4..6 {
        let store = SledStore(Arc::new(open_unread(&dir)));
        write(&store, vec![Write::Put(state(7), vec![round])]).await;
        write(&store, vec![Write::Put(Key::user(7), vec![round])]).await;
        assert_eq!(store.close().await, Ok(Left::Closed));
        let read = (0..=u8::MAX).filter(|shard| store.0.shelf.is_checked(*shard)).count();
        assert_eq!(read, 2, "what nobody has asked for was read");
    }
    let store = open(&dir).unwrap();
    assert_eq!(store.freshness(), Freshness::Fresh);
    store.was_read().await;
    assert_eq!(value(&store, &state(7)).await, Ok(Some(vec![5])));
    drop(store);
    // Without the marks it fits as well.
    let store = SledStore::open(&dir).unwrap();
    assert_eq!(store.freshness(), Freshness::Fresh);
}

#[tokio::test]
async fn a_store_that_was_not_closed_and_is_stopped_before_it_was_read_is_left_as_not_closed() {
    let (home, dir, store) = house().await;
    let killed = kill(&home, &dir);
    drop(store);
    for round in 4..6 {
        let store = SledStore(Arc::new(open_unread(&killed)));
        assert_eq!(store.freshness(), Freshness::Unclosed);
        write(&store, vec![Write::Put(state(7), vec![round])]).await;
        assert_eq!(store.close().await, Ok(Left::Unread));
    }
    let store = open(&killed).unwrap();
    assert!(!store.0.shelf.was_counted());
    assert_eq!(store.freshness(), Freshness::Unclosed);
    store.was_read().await;
    assert_eq!(value(&store, &state(7)).await, Ok(Some(vec![5])));
    assert_eq!(store.close().await, Ok(Left::Closed));
    drop(store);
    assert_eq!(open(&killed).unwrap().freshness(), Freshness::Fresh);
}

#[tokio::test]
async fn a_store_that_is_killed_before_it_was_read_is_read_first_and_in_doubt() {
    let (home, dir, store) = house().await;
    drop(store);
    let unread = open_unread(&dir);
    let killed = kill(&home, &dir);
    drop(unread);
    let store = open(&killed).unwrap();
    assert!(store.0.shelf.was_counted());
    assert_eq!(store.freshness(), Freshness::Doubtful);
}

#[tokio::test]
async fn neither_an_end_nor_a_drop_waits_for_more_than_the_shard_that_is_being_read() {
    const HELD: u8 = 100;
    for dropped in [false, true] {
        let (_home, dir, store) = house().await;
        drop(store);
        let mut inner = open_unread(&dir);
        let shelf = Arc::clone(&inner.shelf);
        let ((enter, entered), (go, word)) = (channel(), channel::<()>());
        let slow = thread::Builder::new()
            .name("slow".to_owned())
            .spawn({
                let shelf = Arc::clone(&shelf);
                move || {
                    shelf.check_after(HELD, || {
                        enter.send(()).unwrap();
                        word.recv().unwrap();
                    });
                }
            })
            .unwrap();
        entered.recv().unwrap();
        inner.start_check(&dir).unwrap();
        // The check has come to the shard that somebody else reads, and waits.
        while !shelf.is_checked(HELD - 1) {
            thread::yield_now();
        }
        let store = SledStore(Arc::new(inner));
        if dropped {
            let queue = store.0.queue.as_ref().unwrap().downgrade();
            let end =
                thread::Builder::new().name("end".to_owned()).spawn(move || drop(store)).unwrap();
            // Nobody can send any more: the drop has told the check to stop before that.
            while queue.upgrade().is_some() {
                thread::yield_now();
            }
            go.send(()).unwrap();
            end.join().unwrap();
        } else {
            assert_eq!(store.close().await, Ok(Left::Closed));
            go.send(()).unwrap();
            drop(store);
        }
        slow.join().unwrap();
        assert!(!shelf.is_checked(HELD + 1), "dropped: {dropped}");
        drop(shelf);
        assert_eq!(open(&dir).unwrap().freshness(), Freshness::Fresh, "dropped: {dropped}");
    }
}

#[tokio::test]
async fn decay_in_a_shard_that_was_not_read_before_the_end_is_noticed_at_the_next_start() {
    let older = |key: Key| move |db: &Db| drop(db.insert(key.as_bytes(), encode(1, &[1])).unwrap());
    let (cold, hot) = (older(Key::user(9)), older(state(9)));
    assert!(Key::user(9).shard() != state(7).shard() && state(9).shard() != state(7).shard());
    let changes = [(&cold as &dyn Fn(&Db), true), (&hot, false)];
    // It has decayed before the store was stopped in the middle, or after.
    for ((change, refused), before) in changes.into_iter().flat_map(|c| [(c, true), (c, false)]) {
        let (_home, dir, store) = house().await;
        drop(store);
        if before {
            decay(&dir, change);
        }
        let store = SledStore(Arc::new(open_unread(&dir)));
        write(&store, vec![Write::Put(state(7), vec![4])]).await;
        assert_eq!(store.close().await, Ok(Left::Closed));
        drop(store);
        if !before {
            decay(&dir, change);
        }
        let store = open(&dir).unwrap();
        assert_eq!(store.poisoned().await, Outage::Decayed);
        assert_eq!(store.close().await, Err(StoreError::Unavailable));
        drop(store);
        match open(&dir) {
            Ok(store) => assert!(!refused && store.freshness() == Freshness::Doubtful),
            Err(OpenError::Mismatched(_, mismatch)) => {
                assert!(refused && mismatch == Mismatch::Torn);
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn decay_that_an_end_without_a_check_leaves_behind_is_noticed_where_all_is_read_first() {
    let (_home, dir, store) = house().await;
    drop(store);
    decay(&dir, |db| drop(db.insert(state(9).as_bytes(), encode(1, &[1])).unwrap()));
    drop(open_unread(&dir));
    assert_eq!(SledStore::open(&dir).unwrap().freshness(), Freshness::Doubtful);
}
