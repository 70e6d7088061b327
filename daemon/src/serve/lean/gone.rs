//! Peers who give way, hang up or never read, by the order of things: no time is measured.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    os::unix::net::UnixStream as Peer,
    sync::{Arc, Mutex},
    time::Duration,
};

use fob_api::VerifyContext;
use tokio::{
    net::UnixStream,
    sync::Barrier,
    task::{JoinHandle, yield_now},
    time::timeout,
};

use super::{
    Served, hello, send, sign_ins,
    tests::{GUID, pair, seat, verify},
};
use crate::{
    access::Caller,
    audit::Audit,
    bus::{CallerSource, Fob},
    clock::Clock,
    decide::Policy,
    engine::{Engine, Surroundings},
    store::{
        Committed, Entry, Freshness, Guard, Key, Kind, Store, StoreError, Watch, Write,
        memory::MemoryStore,
    },
    users::Users,
    vault::Vault,
};

/// How long something may take that is sure to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A store whose next commit hangs on demand.
#[derive(Default)]
struct Held {
    inner: MemoryStore,
    next: Arc<Mutex<Option<Arc<Barrier>>>>,
}

impl Store for Held {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        self.inner.get(keys).await
    }

    async fn list(
        &self,
        kind: Kind,
        shard: u8,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.inner.list(kind, shard, after, limit).await
    }

    async fn commit(
        &self,
        guards: Vec<Guard>,
        writes: Vec<Write>,
    ) -> Result<Committed, StoreError> {
        let barrier = self.next.lock().unwrap().take();
        if let Some(barrier) = barrier {
            barrier.wait().await;
        }
        self.inner.commit(guards, writes).await
    }

    fn watch(&self, kind: Kind) -> Watch {
        self.inner.watch(kind)
    }

    fn freshness(&self) -> Freshness {
        self.inner.freshness()
    }
}

/// A peer whose sign-in hangs in its commit.
struct Hanging {
    ours: Peer,
    served: JoinHandle<std::io::Result<Served>>,
    engine: Arc<Engine<Held>>,
    barrier: Arc<Barrier>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Hanging {
    async fn new() -> Self {
        let lines = Arc::new(Mutex::default());
        let users = vec![("root".to_owned(), 0), ("alice".to_owned(), 1000)];
        let around = Surroundings {
            audit: Audit::Kept(Arc::clone(&lines)),
            clock: Clock::manual(1_800_000_000),
            policy: Policy::default(),
            users: Users::Fixed { users: Arc::new(users), administrators: Arc::default() },
        };
        let store = Held::default();
        let (next, barrier) = (Arc::clone(&store.next), Arc::new(Barrier::new(2)));
        let engine = Arc::new(Engine::new(store, Vault::with_key(&[7; 32]).unwrap(), around));
        engine.start().await.unwrap();
        *next.lock().unwrap() = Some(Arc::clone(&barrier));
        let fob = Arc::new(Fob::new(Arc::clone(&engine), CallerSource::Peer(Caller::of(0))));
        let (mut ours, theirs) = pair();
        ours.write_all(&verify(&hello(0), "alice", "123456", &VerifyContext::default())).unwrap();
        ours.set_nonblocking(true).unwrap();
        let served = tokio::spawn(async move {
            let (_going_on, mut seat) = seat();
            sign_ins(theirs, 0, GUID, &fob, &mut seat).await
        });
        let hangs = async {
            while next.lock().unwrap().is_some() {
                yield_now().await;
            }
        };
        timeout(PATIENCE, hangs).await.unwrap();
        Self { ours, served, engine, barrier, lines }
    }

    fn is_told(&self) -> bool {
        self.lines.lock().unwrap().iter().any(|line| line.contains("alice"))
    }

    /// Lets the commit go on, and waits until the sign-in is told.
    async fn is_carried_out(&self) {
        assert!(!self.is_told());
        self.barrier.wait().await;
        let told = async {
            while !self.is_told() {
                yield_now().await;
            }
        };
        timeout(PATIENCE, told).await.unwrap();
    }
}

#[tokio::test]
async fn who_gives_way_while_his_sign_in_hangs_keeps_no_descriptor_and_is_carried_out() {
    let mut hanging = Hanging::new().await;
    assert_eq!(hanging.ours.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    hanging.served.abort();
    assert!((&mut hanging.served).await.is_err());
    // His call was not taken from the connection yet: an end by an error is one, too.
    let end = hanging.ours.read(&mut [0]).map_err(|error| error.kind());
    assert!(matches!(end, Ok(0) | Err(ErrorKind::ConnectionReset)), "it is still open: {end:?}");
    hanging.is_carried_out().await;
}

#[tokio::test]
async fn who_hangs_up_while_his_sign_in_hangs_keeps_no_descriptor_and_is_carried_out() {
    let mut hanging = Hanging::new().await;
    hanging.ours = Peer::pair().unwrap().0;
    let served = timeout(PATIENCE, &mut hanging.served).await;
    assert!(served.is_ok(), "his connection is kept");
    hanging.is_carried_out().await;
}

#[tokio::test]
async fn who_says_no_more_is_answered_all_the_same() {
    let mut hanging = Hanging::new().await;
    hanging.ours.shutdown(std::net::Shutdown::Write).unwrap();
    for _ in 0..1000 {
        yield_now().await;
    }
    hanging.is_carried_out().await;
    assert!(matches!((&mut hanging.served).await.unwrap(), Ok(Served::All)));
    let mut answered = Vec::new();
    hanging.ours.read_to_end(&mut answered).unwrap();
    assert!(answered.starts_with(b"OK "));
}

#[tokio::test]
async fn a_stop_waits_for_the_sign_in_of_one_who_gave_way() {
    let mut hanging = Hanging::new().await;
    hanging.served.abort();
    assert!((&mut hanging.served).await.is_err());
    let stop = async {
        hanging.engine.stop().await.unwrap();
        assert!(hanging.is_told(), "it was over before the sign-in was told");
    };
    tokio::join!(stop, hanging.is_carried_out());
}

#[tokio::test]
async fn a_reply_is_given_up_when_its_time_is_over() {
    let (ours, theirs) = pair();
    let full = async |stream: &UnixStream| send(stream, &[0; 1 << 20], Duration::ZERO).await;
    assert_eq!(full(&theirs).await.unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(send(&theirs, b"", Duration::ZERO).await.ok(), Some(()));
    drop(ours);
}
