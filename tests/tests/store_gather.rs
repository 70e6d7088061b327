//! Sign-ins that come while others are gathered. The time that the writer lets go by is the test's.
#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it by a panic")]

use std::{
    fs::File,
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use fobd::store::{
    Committed, Key, Store, Write,
    sled::{Disk, Medium, SledStore},
};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A folder for a store that does not exist yet.
fn place() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    (home, dir)
}

fn put(key: &Key, value: u8) -> Vec<Write> {
    vec![Write::Put(key.clone(), vec![value])]
}

async fn write(store: &SledStore, writes: Vec<Write>) {
    assert_eq!(store.commit(Vec::new(), writes).await, Ok(Committed::Done));
}

/// Tells of each beginning, and lasts until the word; for ever open when nobody can give it.
struct Gate {
    begun: UnboundedSender<()>,
    word: Receiver<()>,
}

impl Gate {
    fn new() -> (Self, Sender<()>, UnboundedReceiver<()>) {
        let (begun, news) = unbounded_channel();
        let (go, word) = channel();
        (Self { begun, word }, go, news)
    }

    fn pass(&self) {
        let _ = self.begun.send(());
        let _ = self.word.recv();
    }
}

/// A disk whose syncs and pauses wait.
struct Slow {
    syncs: Arc<AtomicUsize>,
    sync: Gate,
    pause: Gate,
}

impl Medium for Slow {
    fn room(&mut self, file: &File) -> io::Result<u64> {
        Disk.room(file)
    }

    fn sync(&mut self, _: &File) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::SeqCst);
        self.sync.pass();
        Ok(())
    }

    fn pause(&mut self, _: Duration) {
        self.pause.pass();
    }
}

/// Commits what a sign-in writes.
fn sign_in(store: &SledStore, slot: u16) -> tokio::task::JoinHandle<()> {
    let store = store.clone();
    tokio::spawn(async move { write(&store, put(&Key::nobody(slot), 1)).await })
}

/// Lets tasks that were begun come as far as they can: there is one thread.
async fn let_them_queue() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn sign_ins_that_come_while_others_are_gathered_share_their_sync() {
    let (_home, dir) = place();
    let (sync, go, mut syncing) = Gate::new();
    let (pause, go_on, mut pauses) = Gate::new();
    let medium = Slow { syncs: Arc::default(), sync, pause };
    let syncs = Arc::clone(&medium.syncs);
    let store = SledStore::open_on(&dir, medium).unwrap();
    // Two queue behind one that is being synced.
    let mut all = vec![sign_in(&store, 0)];
    syncing.recv().await.unwrap();
    all.extend([sign_in(&store, 1), sign_in(&store, 2)]);
    let_them_queue().await;
    go.send(()).unwrap();
    // One more comes in each of three pauses, and none in the fourth.
    for slot in 3..6 {
        pauses.recv().await.unwrap();
        all.push(sign_in(&store, slot));
        let_them_queue().await;
        go_on.send(()).unwrap();
    }
    pauses.recv().await.unwrap();
    go_on.send(()).unwrap();
    syncing.recv().await.unwrap();
    go.send(()).unwrap();
    for one in all {
        one.await.unwrap();
    }
    assert_eq!(syncs.load(Ordering::SeqCst), 2);
    assert!(pauses.try_recv().is_err(), "it waited for nobody");
    // Closing it syncs once more.
    drop((go, go_on));
}

#[tokio::test]
async fn a_lone_sign_in_and_what_administrators_do_are_not_held_up_for_others() {
    let (_home, dir) = place();
    let (sync, go, mut syncing) = Gate::new();
    let (pause, go_on, mut pauses) = Gate::new();
    let medium = Slow { syncs: Arc::default(), sync, pause };
    let store = SledStore::open_on(&dir, medium).unwrap();
    let first = sign_in(&store, 0);
    syncing.recv().await.unwrap();
    let (one, other) = (store.clone(), store.clone());
    let one = tokio::spawn(async move { write(&one, put(&Key::user(1), 1)).await });
    let other = tokio::spawn(async move { write(&other, put(&Key::nobody(1), 1)).await });
    let_them_queue().await;
    drop((go, go_on));
    for task in [first, one, other] {
        task.await.unwrap();
    }
    assert!(pauses.try_recv().is_err(), "somebody was held up");
}

#[tokio::test]
async fn sign_ins_that_keep_coming_hold_the_first_ones_up_ten_times_and_no_more() {
    let (_home, dir) = place();
    let (sync, go, mut syncing) = Gate::new();
    let (pause, go_on, mut pauses) = Gate::new();
    let medium = Slow { syncs: Arc::default(), sync, pause };
    let store = SledStore::open_on(&dir, medium).unwrap();
    let mut all = vec![sign_in(&store, 0)];
    syncing.recv().await.unwrap();
    all.extend([sign_in(&store, 1), sign_in(&store, 2)]);
    let_them_queue().await;
    go.send(()).unwrap();
    for slot in 3..13 {
        pauses.recv().await.unwrap();
        all.push(sign_in(&store, slot));
        let_them_queue().await;
        go_on.send(()).unwrap();
    }
    syncing.recv().await.unwrap();
    assert!(pauses.try_recv().is_err(), "an eleventh pause");
    drop((go, go_on));
    for one in all {
        one.await.unwrap();
    }
}
