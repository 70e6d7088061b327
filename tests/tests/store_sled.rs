//! What the sled engine does when the disk, another process or somebody else interferes.
//!
//! Honest limits: a medium that fails on command stands for the disk; power cuts and a file
//! system that is really full are not tried here.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the helpers of a test fail it by a panic"
)]

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    pin::pin,
    slice,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use fobd::store::{
    Committed, Guard, Key, MAX_VALUE, Store, StoreError, Write,
    sled::{Flaw, Medium, OpenError, Outage, SledStore},
};
use tempfile::TempDir;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};

/// A folder for a store that does not exist yet.
fn place() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    (home, dir)
}

fn put(key: &Key, value: u8) -> Vec<Write> {
    vec![Write::Put(key.clone(), vec![value])]
}

/// Returns the first byte of an entry, as far as it is there.
async fn read(store: &SledStore, key: &Key) -> Option<u8> {
    let entries = store.get(slice::from_ref(key)).await.unwrap();
    entries[0].as_ref().map(|entry| entry.value[0])
}

async fn write(store: &SledStore, writes: Vec<Write>) {
    assert_eq!(store.commit(Vec::new(), writes).await, Ok(Committed::Done));
}

/// A medium on command.
#[derive(Default)]
struct Commanded {
    /// Syncs so far.
    syncs: Arc<AtomicUsize>,
    /// The sync that fails, counted from 1.
    fails_at: usize,
    /// Bytes that are said to be missing on the file system.
    missing: Arc<AtomicU64>,
    /// Tells of each sync, which then waits for the word.
    gate: Option<(UnboundedSender<()>, Receiver<()>)>,
}

impl Medium for Commanded {
    fn room(&mut self, _: &File) -> io::Result<u64> {
        Ok(u64::MAX - self.missing.load(Ordering::SeqCst))
    }

    fn sync(&mut self, _: &File) -> io::Result<()> {
        if self.syncs.fetch_add(1, Ordering::SeqCst) + 1 == self.fails_at {
            return Err(io::Error::from_raw_os_error(5));
        }
        if let Some((begun, word)) = &self.gate {
            let _ = begun.send(());
            // Nobody holds the gate any more: it is open.
            let _ = word.recv();
        }
        Ok(())
    }
}

/// A medium whose syncs wait; the word for each, and the news of each.
fn gated() -> (Commanded, Sender<()>, UnboundedReceiver<()>) {
    let (begun, news) = unbounded_channel();
    let (go, word) = channel();
    (Commanded { gate: Some((begun, word)), ..Commanded::default() }, go, news)
}

#[tokio::test]
async fn a_failed_sync_is_indeterminate_and_ends_the_service_until_the_store_is_opened_again() {
    let (_home, dir) = place();
    let syncs = Arc::new(AtomicUsize::new(0));
    let medium = Commanded { fails_at: 2, syncs: Arc::clone(&syncs), ..Commanded::default() };
    let store = SledStore::open_on(&dir, medium).unwrap();
    let (safe, lost) = (Key::user(1), Key::user(2));
    let poisoned = store.poisoned();
    write(&store, put(&safe, 1)).await;
    let failed = store.commit(Vec::new(), put(&lost, 1)).await;
    assert_eq!(failed, Err(StoreError::Indeterminate));
    assert!(matches!(poisoned.await, Outage::Io(_)));
    assert_eq!(store.commit(Vec::new(), put(&safe, 2)).await, Err(StoreError::Unavailable));
    assert_eq!(store.get(slice::from_ref(&safe)).await, Err(StoreError::Unavailable));
    let page = store.list(safe.kind(), safe.shard(), None, 9).await;
    assert_eq!(page, Err(StoreError::Unavailable));
    assert_eq!(syncs.load(Ordering::SeqCst), 2, "a sync was tried again");
    drop(store);
    let store = SledStore::open(&dir).unwrap();
    assert_eq!(read(&store, &safe).await, Some(1));
}

#[tokio::test]
async fn a_reader_neither_waits_for_a_sync_nor_sees_what_it_would_cover() {
    let (_home, dir) = place();
    let (medium, go, mut begun) = gated();
    let store = SledStore::open_on(&dir, medium).unwrap();
    let (old, new) = (Key::user(1), Key::user(2));
    go.send(()).unwrap();
    write(&store, put(&old, 1)).await;
    begun.recv().await.unwrap();

    let writes = vec![Write::Delete(old.clone()), Write::Put(new.clone(), vec![2])];
    let writer = tokio::spawn({
        let store = store.clone();
        async move { store.commit(Vec::new(), writes).await }
    });
    begun.recv().await.unwrap();
    assert_eq!((read(&store, &old).await, read(&store, &new).await), (Some(1), None));
    for (key, count) in [(&old, 1), (&new, 0)] {
        let page = store.list(key.kind(), key.shard(), None, 9).await.unwrap();
        assert_eq!(page.len(), count);
    }
    assert!(!writer.is_finished());
    go.send(()).unwrap();
    assert_eq!(writer.await.unwrap(), Ok(Committed::Done));
    assert_eq!((read(&store, &old).await, read(&store, &new).await), (None, Some(2)));
}

#[tokio::test]
async fn the_writer_answers_between_two_syncs_and_nothing_is_written_for_that() {
    let (_home, dir) = place();
    let (medium, go, mut news) = gated();
    let syncs = Arc::clone(&medium.syncs);
    let store = SledStore::open_on(&dir, medium).unwrap();
    assert_eq!(store.answers().await, Some(()));
    assert_eq!(syncs.load(Ordering::SeqCst), 0);
    let busy = tokio::spawn({
        let store = store.clone();
        async move { write(&store, put(&Key::user(1), 1)).await }
    });
    news.recv().await.unwrap();
    let mut answers = pin!(store.answers());
    assert!(timeout(Duration::from_millis(200), &mut answers).await.is_err(), "while it syncs");
    go.send(()).unwrap();
    assert_eq!(answers.await, Some(()));
    busy.await.unwrap();
}

#[tokio::test]
async fn a_writer_that_has_failed_does_not_answer() {
    let (_home, dir) = place();
    let store =
        SledStore::open_on(&dir, Commanded { fails_at: 1, ..Commanded::default() }).unwrap();
    let writes = put(&Key::user(1), 1);
    assert_eq!(store.commit(Vec::new(), writes).await, Err(StoreError::Indeterminate));
    store.poisoned().await;
    assert_eq!(store.answers().await, None);
}

#[tokio::test]
async fn what_queues_during_a_sync_shares_the_next_and_a_refused_commit_drops_out_alone() {
    let (_home, dir) = place();
    let (medium, go, mut begun) = gated();
    let syncs = Arc::clone(&medium.syncs);
    let store = SledStore::open_on(&dir, medium).unwrap();
    let (first, counter) = (Key::user(0), Key::user(1));
    let commit = |guards, writes| {
        let store = store.clone();
        async move { store.commit(guards, writes).await }
    };
    let (key, other) = (&counter, Key::user(2));
    let absent = || vec![Guard::Absent(key.clone())];
    let (one, two, three, four) = tokio::join!(
        commit(Vec::new(), put(&first, 1)),
        // Joined futures are begun in their order, so these two queue in this order.
        commit(absent(), put(key, 1)),
        commit(absent(), put(key, 2)),
        async {
            begun.recv().await.unwrap();
            let last = commit(Vec::new(), put(&other, 1));
            go.send(()).unwrap();
            go.send(()).unwrap();
            go.send(()).unwrap();
            last.await
        }
    );
    assert_eq!((one, two, four), (Ok(Committed::Done), Ok(Committed::Done), Ok(Committed::Done)));
    let Ok(Committed::Conflict(now)) = three else { panic!("{three:?}") };
    assert_eq!(now[0].as_ref().map(|entry| entry.value[0]), Some(1));
    assert_eq!(read(&store, key).await, Some(1));
    assert!(syncs.load(Ordering::SeqCst) <= 3);
}

#[tokio::test]
async fn without_room_a_commit_is_refused_whole_and_works_again_when_there_is_room() {
    let (_home, dir) = place();
    let medium = Commanded::default();
    let missing = Arc::clone(&medium.missing);
    let store = SledStore::open_on(&dir, medium).unwrap();
    let key = Key::user(1);
    let many = || (0..2000).map(|uid| Write::Put(Key::user(uid), vec![3])).collect::<Vec<_>>();
    write(&store, put(&key, 1)).await;
    missing.store(u64::MAX - 1024, Ordering::SeqCst);
    assert_eq!(store.commit(Vec::new(), put(&key, 2)).await, Err(StoreError::Full));
    assert_eq!(store.commit(Vec::new(), many()).await, Err(StoreError::Full));
    assert_eq!(read(&store, &key).await, Some(1));
    missing.store(0, Ordering::SeqCst);
    write(&store, many()).await;
    assert_eq!(read(&store, &key).await, Some(3));
}

#[tokio::test]
async fn small_commits_are_answered_while_a_large_one_is_under_way() {
    let (_home, dir) = place();
    let store = SledStore::open(&dir).unwrap();
    let large = tokio::spawn({
        let store = store.clone();
        let writes = (0..12_000).map(|uid| Write::Put(Key::user(uid), vec![1])).collect();
        async move { store.commit(Vec::new(), writes).await }
    });
    let mut answered = 0;
    while !large.is_finished() {
        write(&store, put(&Key::nobody(1), 1)).await;
        answered += 1;
    }
    assert_eq!(large.await.unwrap(), Ok(Committed::Done));
    assert!(answered > 5, "{answered} answers");
}

#[tokio::test]
async fn a_version_does_not_come_back_after_a_restart() {
    let (_home, dir) = place();
    let key = Key::user(1);
    let store = SledStore::open(&dir).unwrap();
    write(&store, put(&key, 1)).await;
    let old = store.get(slice::from_ref(&key)).await.unwrap().remove(0).unwrap();
    write(&store, vec![Write::Delete(key.clone())]).await;
    drop(store);
    let store = SledStore::open(&dir).unwrap();
    write(&store, put(&key, 1)).await;
    let answer = store.commit(vec![Guard::Same(key.clone(), old.tag)], put(&key, 2)).await;
    assert!(matches!(answer, Ok(Committed::Conflict(_))));
}

#[tokio::test]
async fn the_largest_values_stay_in_the_log_that_is_synced() {
    let (_home, dir) = place();
    let store = SledStore::open(&dir).unwrap();
    // An order without neighbours, and again over what is there.
    for round in 0..2 {
        for start in 0..40 {
            let some = (0..400).filter(|uid| uid * 7 % 40 == start).map(Key::user);
            write(&store, some.map(|key| Write::Put(key, vec![round; MAX_VALUE])).collect()).await;
        }
    }
    let all = (0..600).map(|uid| Write::Put(Key::user(uid), vec![9; MAX_VALUE]));
    write(&store, all.collect()).await;
    assert_eq!(fs::read_dir(dir.join("blobs")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_second_daemon_is_refused_and_the_first_goes_on() {
    let (_home, dir) = place();
    let store = SledStore::open(&dir).unwrap();
    assert!(matches!(SledStore::open(&dir), Err(OpenError::Busy(_))));
    write(&store, put(&Key::user(1), 1)).await;
}

#[track_caller]
fn assert_unsafe(dir: &Path, flaw: Flaw) {
    match SledStore::open(dir) {
        Err(OpenError::Unsafe(_, found)) => assert_eq!(found, flaw),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("opened"),
    }
}

#[test]
fn a_folder_that_others_may_enter_is_refused() {
    let (_home, dir) = place();
    drop(SledStore::open(&dir).unwrap());
    fs::set_permissions(&dir, Permissions::from_mode(0o710)).unwrap();
    assert_unsafe(&dir, Flaw::Mode);
}

#[test]
fn a_symbolic_link_in_place_of_the_folder_or_the_database_is_refused() {
    let (home, dir) = place();
    drop(SledStore::open(&dir).unwrap());
    let link = home.path().join("link");
    symlink(&dir, &link).unwrap();
    assert_unsafe(&link, Flaw::Type);
    fs::rename(dir.join("db"), home.path().join("elsewhere")).unwrap();
    symlink(home.path().join("elsewhere"), dir.join("db")).unwrap();
    assert_unsafe(&dir, Flaw::Type);
}

#[test]
fn a_database_with_a_second_name_or_open_to_writers_is_refused() {
    let (home, dir) = place();
    drop(SledStore::open(&dir).unwrap());
    fs::hard_link(dir.join("db"), home.path().join("copy")).unwrap();
    assert_unsafe(&dir, Flaw::HardLink);
    fs::remove_file(home.path().join("copy")).unwrap();
    fs::set_permissions(dir.join("db"), Permissions::from_mode(0o620)).unwrap();
    assert_unsafe(&dir, Flaw::Mode);
}

#[test]
fn a_folder_of_another_user_is_refused() {
    // Whoever runs this cannot be the owner of both.
    let foreign = ["/proc/1", "/"].into_iter().find(|path| {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).unwrap().uid() != nix::unistd::Uid::effective().as_raw()
    });
    let (_home, dir) = place();
    match foreign {
        Some(foreign) => assert_unsafe(Path::new(foreign), Flaw::Foreign),
        None => {
            drop(SledStore::open(&dir).unwrap());
            nix::unistd::chown(&dir, Some(65534.into()), None).unwrap();
            assert_unsafe(&dir, Flaw::Foreign);
        }
    }
}

#[tokio::test]
async fn leftovers_of_a_killed_daemon_are_cleared_and_nothing_else() {
    let (_home, dir) = place();
    let store = SledStore::open(&dir).unwrap();
    write(&store, put(&Key::user(1), 1)).await;
    drop(store);
    drop(SledStore::open(&dir).unwrap());
    let leftover = dir.join("snap.00000000000000FF.generating");
    fs::write(&leftover, b"half").unwrap();
    fs::write(dir.join("notes"), b"").unwrap();
    let store = SledStore::open(&dir).unwrap();
    assert!(!leftover.exists() && dir.join("notes").exists());
    assert_eq!(read(&store, &Key::user(1)).await, Some(1));
}

// threats.md F8; sled issue 1527.
#[tokio::test]
async fn an_emptied_snapshot_is_refused_or_harms_nothing() {
    let (_home, dir) = place();
    for round in 0..3 {
        let store = SledStore::open(&dir).unwrap();
        write(&store, put(&Key::user(1), round)).await;
    }
    let names = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    let snapshots: Vec<_> =
        names.filter(|path| path.to_string_lossy().contains("/snap.")).collect();
    assert!(!snapshots.is_empty(), "there is no snapshot to empty");
    for snapshot in snapshots {
        File::create(snapshot).unwrap();
    }
    if let Ok(store) = SledStore::open(&dir) {
        assert_eq!(read(&store, &Key::user(1)).await, Some(2));
    }
}

// threats.md F13.
#[tokio::test]
async fn on_a_disk_that_takes_5_seconds_for_a_sync_nobody_waits_longer_than_10() {
    let (_home, dir) = place();
    let (medium, go, mut begun) = gated();
    let syncs = Arc::clone(&medium.syncs);
    let store = SledStore::open_on(&dir, medium).unwrap();
    let sign_in = |slot| {
        let store = store.clone();
        async move { store.commit(Vec::new(), put(&Key::nobody(slot), 1)).await }
    };
    let mut waiting = tokio::task::JoinSet::new();
    waiting.spawn(sign_in(0));
    begun.recv().await.unwrap();
    for slot in 1..64 {
        waiting.spawn(sign_in(slot));
    }
    // All of them queue while the first sync is under way.
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
    drop(go);
    while let Some(answer) = waiting.join_next().await {
        assert_eq!(answer.unwrap(), Ok(Committed::Done));
    }
    assert!(syncs.load(Ordering::SeqCst) * 5 <= 10, "{} syncs", syncs.load(Ordering::SeqCst));
}

#[test]
fn nobody_else_can_read_anything_in_the_folder() {
    let (_home, dir) = place();
    let store = SledStore::open(&dir).unwrap();
    for entry in fs::read_dir(&dir).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", entry.path().display());
    }
    drop(store);
}
