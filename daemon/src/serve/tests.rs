//! The end of serving: who was there is answered, who comes later waits.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io::{self, Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use fob_api::VerifyContext;
use nix::unistd::Uid;
use tokio::{
    runtime::Handle,
    sync::{oneshot, watch},
    task::{spawn_blocking, yield_now},
    time::timeout,
};

use super::{
    Door, Guest, give_way,
    lean::{
        hello,
        tests::{engine, verify},
    },
    peers,
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
async fn the_oldest_that_waits_for_its_next_call_gives_way_and_else_the_oldest_is_cut_off() {
    for (idle, place, is_told) in [
        ([true, true, true], 0, true),
        ([false, true, true], 1, true),
        ([false, false, true], 2, true),
        ([false, false, false], 0, false),
    ] {
        let (told, telling) = mpsc::channel();
        let guest = |(number, is_idle): (usize, bool)| {
            let (stop, mut going_on) = watch::channel(());
            let told = told.clone();
            let task = tokio::spawn(async move {
                while going_on.changed().await.is_ok() {}
                told.send(number).unwrap();
            });
            Guest { task, is_idle: Arc::new(is_idle.into()), _stop: stop }
        };
        let mut served: VecDeque<Guest> = idle.into_iter().enumerate().map(guest).collect();
        give_way(&mut served);
        for _ in 0..64 {
            yield_now().await;
        }
        assert_eq!(telling.try_recv().ok(), is_told.then_some(place), "{idle:?}");
        assert_eq!(served.len(), idle.len() - 1);
        let left = served.into_iter().all(|guest| !guest.task.is_finished());
        assert!(left && telling.try_recv().is_err(), "more than one gave way: {idle:?}");
    }
}
