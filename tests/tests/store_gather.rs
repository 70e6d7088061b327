//! Sign-ins that come while others are gathered. The time that the writer lets go by is the test's.
#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it by a panic")]

use std::{
    fs::File,
    io,
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
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
};

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

/// A store on such a disk, and the hands on it. What holds it up passes once `go` and `go_on` are
/// dropped.
struct House {
    store: SledStore,
    syncs: Arc<AtomicUsize>,
    go: Sender<()>,
    syncing: UnboundedReceiver<()>,
    go_on: Sender<()>,
    pauses: UnboundedReceiver<()>,
    _home: TempDir,
}

impl House {
    /// Opens a store, and has a first sign-in come as far as its sync.
    async fn with_one_syncing() -> (Self, JoinHandle<()>) {
        let home = tempfile::tempdir().unwrap();
        let (sync, go, syncing) = Gate::new();
        let (pause, go_on, pauses) = Gate::new();
        let medium = Slow { syncs: Arc::default(), sync, pause };
        let syncs = Arc::clone(&medium.syncs);
        let store = SledStore::open_on(&home.path().join("store"), medium).unwrap();
        let mut house = Self { store, syncs, go, syncing, go_on, pauses, _home: home };
        let first = house.sign_in(0);
        house.syncing.recv().await.unwrap();
        (house, first)
    }

    fn commit(&self, key: Key) -> JoinHandle<()> {
        let store = self.store.clone();
        tokio::spawn(async move {
            let writes = vec![Write::Put(key, vec![1])];
            assert_eq!(store.commit(Vec::new(), writes).await, Ok(Committed::Done));
        })
    }

    /// Commits what a sign-in writes.
    fn sign_in(&self, slot: u16) -> JoinHandle<()> {
        self.commit(Key::nobody(slot))
    }

    /// Has one more come in each of so many pauses.
    async fn sign_in_in_pauses(&mut self, slots: std::ops::Range<u16>) -> Vec<JoinHandle<()>> {
        let mut all = Vec::new();
        for slot in slots {
            self.pauses.recv().await.unwrap();
            all.push(self.sign_in(slot));
            let_them_queue().await;
            self.go_on.send(()).unwrap();
        }
        all
    }
}

/// Lets tasks that were begun come as far as they can: there is one thread.
async fn let_them_queue() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn sign_ins_that_come_while_others_are_gathered_share_their_sync() {
    let (mut house, first) = House::with_one_syncing().await;
    // Two queue behind one that is being synced.
    let mut all = vec![first, house.sign_in(1), house.sign_in(2)];
    let_them_queue().await;
    house.go.send(()).unwrap();
    // One more comes in each of three pauses, and none in the fourth.
    all.extend(house.sign_in_in_pauses(3..6).await);
    house.pauses.recv().await.unwrap();
    house.go_on.send(()).unwrap();
    house.syncing.recv().await.unwrap();
    house.go.send(()).unwrap();
    for one in all {
        one.await.unwrap();
    }
    assert_eq!(house.syncs.load(Ordering::SeqCst), 2);
    assert!(house.pauses.try_recv().is_err(), "it waited for nobody");
    // Closing it syncs once more.
    drop((house.go, house.go_on));
}

#[tokio::test]
async fn a_lone_sign_in_and_what_administrators_do_are_not_held_up_for_others() {
    let (mut house, first) = House::with_one_syncing().await;
    let (one, other) = (house.commit(Key::user(1)), house.sign_in(1));
    let_them_queue().await;
    drop((house.go, house.go_on));
    for task in [first, one, other] {
        task.await.unwrap();
    }
    assert!(house.pauses.try_recv().is_err(), "somebody was held up");
}

#[tokio::test]
async fn sign_ins_that_keep_coming_hold_the_first_ones_up_ten_times_and_no_more() {
    let (mut house, first) = House::with_one_syncing().await;
    let mut all = vec![first, house.sign_in(1), house.sign_in(2)];
    let_them_queue().await;
    house.go.send(()).unwrap();
    all.extend(house.sign_in_in_pauses(3..13).await);
    house.syncing.recv().await.unwrap();
    assert!(house.pauses.try_recv().is_err(), "an eleventh pause");
    drop((house.go, house.go_on));
    for one in all {
        one.await.unwrap();
    }
}
