//! Who carries an errand on, by the order of things: no time is measured.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, mpsc::channel},
    task::{Poll, Waker},
    thread::{self, JoinHandle, ThreadId},
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use super::{Begun, begin, carry_on};

/// How long something may take that is sure to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Does something in a thread that is not the runtime's.
fn elsewhere<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::Builder::new().name("other".to_owned()).spawn(work).unwrap()
}

fn underway<T>(begun: Begun<T>) -> oneshot::Receiver<T> {
    match begun {
        Begun::Underway(end) => end,
        Begun::Over(_) => panic!("it waited for nothing"),
    }
}

async fn ended<T>(end: oneshot::Receiver<T>) -> Option<T> {
    timeout(PATIENCE, end).await.unwrap().ok()
}

/// Returns an errand that ends when it hears something, and tells then which thread it is in.
fn listening() -> (oneshot::Sender<()>, oneshot::Receiver<ThreadId>) {
    let (sender, receiver) = oneshot::channel::<()>();
    let errand = begin(async move {
        receiver.await.unwrap();
        thread::current().id()
    });
    (sender, underway(errand))
}

#[tokio::test]
async fn what_waits_for_nothing_is_over_at_once() {
    assert!(matches!(begin(async { 7 }), Begun::Over(7)));
}

#[tokio::test]
async fn an_errand_is_carried_on_by_the_thread_that_has_what_it_waits_for() {
    let (sender, end) = listening();
    let other = elsewhere(move || {
        carry_on(|| sender.send(())).unwrap();
        thread::current().id()
    });
    assert_eq!(ended(end).await, Some(other.join().unwrap()));
}

#[tokio::test]
async fn an_errand_goes_on_in_its_runtime_if_anybody_else_wakes_it() {
    let (sender, end) = listening();
    elsewhere(move || sender.send(())).join().unwrap().unwrap();
    assert_eq!(ended(end).await, Some(thread::current().id()));
}

#[tokio::test]
async fn what_an_errand_wakes_in_turn_goes_on_in_its_runtime() {
    let (second, last) = listening();
    let (first, heard) = oneshot::channel::<()>();
    let end = underway(begin(async move {
        heard.await.unwrap();
        second.send(()).unwrap();
        thread::current().id()
    }));
    let other = elsewhere(move || {
        carry_on(|| first.send(())).unwrap();
        thread::current().id()
    });
    assert_eq!(ended(end).await, Some(other.join().unwrap()));
    assert_eq!(ended(last).await, Some(thread::current().id()));
}

#[tokio::test]
async fn an_errand_may_use_its_runtime_wherever_it_is() {
    let (sender, receiver) = oneshot::channel::<()>();
    let end = underway(begin(async move {
        receiver.await.unwrap();
        tokio::time::sleep(Duration::ZERO).await;
        tokio::spawn(async { 7 }).await.unwrap()
    }));
    elsewhere(move || carry_on(|| sender.send(()))).join().unwrap().unwrap();
    assert_eq!(ended(end).await, Some(7));
}

#[tokio::test]
async fn an_errand_ends_though_nobody_waits_for_it() {
    let (sender, receiver) = oneshot::channel::<()>();
    let (told, telling) = oneshot::channel();
    drop(underway(begin(async move {
        receiver.await.unwrap();
        told.send(()).unwrap();
    })));
    sender.send(()).unwrap();
    assert_eq!(ended(telling).await, Some(()));
}

#[tokio::test]
async fn a_panic_ends_the_errand_and_not_the_thread_that_carries_it_on() {
    let (sender, receiver) = oneshot::channel::<()>();
    let end: oneshot::Receiver<()> = underway(begin(async move {
        receiver.await.unwrap();
        panic!("on purpose");
    }));
    let other = elsewhere(move || carry_on(|| sender.send(())));
    assert!(other.join().is_ok());
    assert_eq!(ended(end).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_woken_while_he_is_carried_on_goes_on_once_more() {
    let waker = Arc::new(Mutex::<Option<Waker>>::default());
    let (tell, carried) = channel();
    let (go, gone) = channel::<()>();
    let kept = Arc::clone(&waker);
    let mut polls = 0;
    let end = underway(begin(poll_fn(move |context| {
        *kept.lock().unwrap() = Some(context.waker().clone());
        polls += 1;
        match polls {
            1 => Poll::Pending,
            2 => {
                tell.send(()).unwrap();
                gone.recv().unwrap();
                Poll::Pending
            }
            _ => Poll::Ready(polls),
        }
    })));
    let latest = || waker.lock().unwrap().clone().unwrap();
    let first = latest();
    let other = elsewhere(move || carry_on(|| first.wake()));
    carried.recv_timeout(PATIENCE).unwrap();
    carry_on(|| latest().wake());
    go.send(()).unwrap();
    other.join().unwrap();
    assert_eq!(ended(end).await, Some(3));
}
