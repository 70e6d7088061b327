//! The end of serving: who was there is answered, who comes later waits.

use std::{
    convert::Infallible,
    future::pending,
    io::{self, Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use fob_api::VerifyContext;
use nix::unistd::Uid;
use tokio::{
    runtime::Handle,
    sync::oneshot,
    task::{spawn_blocking, yield_now},
    time::timeout,
};

use super::{
    Door, Guest,
    lean::{
        hello,
        tests::{engine, verify},
    },
    peers, to_give_way,
};
use crate::audit::Audit;

/// How long something may take that is sure to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A door in a folder of its own, and where it is.
fn door() -> (Door, tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    listener.set_nonblocking(true).unwrap();
    (Door { listener, _lock: None }, folder, path)
}

async fn served(door: Door, stop: oneshot::Receiver<Infallible>) -> io::Result<Door> {
    let audit = Audit::Kept(Arc::new(Mutex::default()));
    peers(door, (engine(), audit), stop, &Handle::current()).await
}

/// Asks for a sign-in.
fn ask(mut peer: &UnixStream) {
    let hello = hello(Uid::current().as_raw());
    peer.write_all(&verify(&hello, "alice", "123456", &VerifyContext::default())).unwrap();
}

/// Tells whether a peer is answered before its connection ends.
async fn is_answered(mut peer: UnixStream) -> bool {
    spawn_blocking(move || peer.read_exact(&mut [0; 3]).is_ok()).await.unwrap()
}

#[tokio::test]
async fn who_is_connected_before_a_stop_is_answered() {
    let (door, _folder, path) = door();
    let (serving, stop) = oneshot::channel();
    let early = UnixStream::connect(&path).unwrap();
    let serving_on = tokio::spawn(served(door, stop));
    // The second is answered, so the first is accepted. It asks when the stop is a fact already.
    let other = UnixStream::connect(&path).unwrap();
    ask(&other);
    assert!(is_answered(other).await);
    drop(serving);
    for _ in 0..64 {
        yield_now().await;
    }
    assert!(!serving_on.is_finished(), "the stop did not wait for him");
    ask(&early);
    assert!(is_answered(early).await);
    timeout(PATIENCE, serving_on).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn who_connects_after_a_stop_waits_for_the_next_daemon() {
    let (door, _folder, path) = door();
    let (serving, stop) = oneshot::channel();
    drop(serving);
    let late = UnixStream::connect(&path).unwrap();
    ask(&late);
    let door = served(door, stop).await.unwrap();
    let (_serving, stop) = oneshot::channel();
    tokio::spawn(served(door, stop));
    assert!(is_answered(late).await);
}

#[tokio::test]
async fn a_peer_who_says_nothing_does_not_hold_a_stop_up() {
    let (door, _folder, path) = door();
    let (serving, stop) = oneshot::channel();
    let quiet = UnixStream::connect(&path).unwrap();
    let serving_on = tokio::spawn(served(door, stop));
    let other = UnixStream::connect(&path).unwrap();
    ask(&other);
    assert!(is_answered(other).await);
    drop(serving);
    timeout(PATIENCE, serving_on).await.unwrap().unwrap().unwrap();
    drop(quiet);
}

#[tokio::test]
async fn who_keeps_his_connection_while_somebody_types_holds_no_stop_up_and_may_come_again() {
    let (door, _folder, path) = door();
    let (serving, stop) = oneshot::channel();
    let kept = UnixStream::connect(&path).unwrap();
    let serving_on = tokio::spawn(served(door, stop));
    ask(&kept);
    let reading = spawn_blocking(move || {
        let _reply = (&kept).read(&mut [0; 4096]).unwrap();
        kept
    });
    let mut kept = reading.await.unwrap();
    drop(serving);
    let door = timeout(PATIENCE, serving_on).await.unwrap().unwrap().unwrap();
    kept.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    assert_eq!(kept.read(&mut [0]).unwrap(), 0, "his connection is still open");
    assert_eq!(kept.write(&[0]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    let (_serving, stop) = oneshot::channel();
    tokio::spawn(served(door, stop));
    let again = UnixStream::connect(&path).unwrap();
    ask(&again);
    assert!(is_answered(again).await);
}

#[tokio::test]
async fn the_oldest_that_asks_for_nothing_gives_way_and_else_the_oldest() {
    let guest = |is_at_work: bool| Guest {
        task: tokio::spawn(pending()),
        is_at_work: Arc::new(is_at_work.into()),
    };
    for (at_work, place) in [
        ([false, false, false], 0),
        ([true, false, false], 1),
        ([true, true, false], 2),
        ([true, true, true], 0),
    ] {
        assert_eq!(to_give_way(&at_work.map(guest).into()), place, "{at_work:?}");
    }
}
