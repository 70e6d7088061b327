//! Work that is carried on by the thread that has what it waited for.
//!
//! A sign-in waits for its commit. If the thread that has made it durable only woke the one at the
//! door, the answer would wait until that one has a processor, has asked the kernel what woke it and
//! has found the task: nearly as long as the decision took. So the store's writer carries the sign-in
//! on, to the answer. What is woken anywhere else goes on in its runtime, as a task does.

use std::{
    cell::Cell,
    future::Future,
    mem::replace,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use tokio::{runtime::Handle, sync::oneshot};

/// Where what is woken goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// In the thread that wakes it.
    Here,
    /// In its runtime.
    Runtime,
}

thread_local! {
    static PLACE: Cell<Place> = const { Cell::new(Place::Runtime) };
}

/// Has the errands that a call wakes carried on by this thread, before the call returns. What they
/// wake in turn goes on in its runtime: this thread's stack has an end.
pub(crate) fn carry_on<T>(waking: impl FnOnce() -> T) -> T {
    with_place(Place::Here, waking)
}

fn with_place<T>(place: Place, run: impl FnOnce() -> T) -> T {
    let before = PLACE.replace(place);
    let done = run();
    PLACE.set(before);
    done
}

/// What became of an errand when it was begun.
pub(crate) enum Begun<T> {
    /// It waited for nothing.
    Over(T),
    /// It goes on, whoever waits for it. Here its outcome comes; none if it panics.
    Underway(oneshot::Receiver<T>),
}

/// Begins an errand in a thread of its runtime.
pub(crate) fn begin<F>(work: F) -> Begun<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let at = Mutex::new(At::Carried(Woken::No));
    let errand = Arc::new(Errand { runtime: Handle::current(), at });
    let mut work = Box::pin(work);
    let waker = Waker::from(Arc::clone(&errand));
    match work.as_mut().poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(done) => Begun::Over(done),
        Poll::Pending => {
            let (end, ended) = oneshot::channel();
            errand.lay_down(Load { work, end });
            Begun::Underway(ended)
        }
    }
}

/// An errand that waits for something, or is being carried on.
struct Errand<F: Future> {
    runtime: Handle,
    at: Mutex<At<F>>,
}

/// The work, and whom its outcome is for.
struct Load<F: Future> {
    work: Pin<Box<F>>,
    end: oneshot::Sender<F::Output>,
}

enum At<F: Future> {
    /// In somebody's hands, or over.
    Carried(Woken),
    /// Where it waits.
    Down(Load<F>),
}

/// Whether an errand was woken while it was carried on: then it goes on once more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Woken {
    No,
    Yes,
}

impl<F> Errand<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    fn at(&self) -> MutexGuard<'_, At<F>> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the load up; `None` if somebody has it, who will go on once more.
    fn take_up(&self) -> Option<Load<F>> {
        let mut at = self.at();
        match replace(&mut *at, At::Carried(Woken::Yes)) {
            At::Down(load) => {
                *at = At::Carried(Woken::No);
                Some(load)
            }
            At::Carried(_) => None,
        }
    }

    /// Lays the load down until it is woken. It may have been already.
    fn lay_down(self: &Arc<Self>, load: Load<F>) {
        let was_woken = match replace(&mut *self.at(), At::Down(load)) {
            At::Carried(woken) => woken == Woken::Yes,
            At::Down(_) => false,
        };
        if was_woken {
            self.go_on_in_the_runtime();
        }
    }

    fn go_on_in_the_runtime(self: &Arc<Self>) {
        let errand = Arc::clone(self);
        self.runtime.spawn(async move { errand.go_on() });
    }

    /// Carries the errand on as far as it gets. A panic ends it, and nothing else.
    fn go_on(self: &Arc<Self>) {
        let Some(mut load) = self.take_up() else { return };
        let waker = Waker::from(Arc::clone(self));
        let _runtime = self.runtime.enter();
        let poll = AssertUnwindSafe(|| load.work.as_mut().poll(&mut Context::from_waker(&waker)));
        match with_place(Place::Runtime, || catch_unwind(poll)) {
            Ok(Poll::Pending) => self.lay_down(load),
            // Nobody may wait for it any more.
            Ok(Poll::Ready(done)) => drop(load.end.send(done)),
            Err(_) => {}
        }
    }
}

impl<F> Wake for Errand<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    fn wake(self: Arc<Self>) {
        match PLACE.get() {
            Place::Here => self.go_on(),
            Place::Runtime => self.go_on_in_the_runtime(),
        }
    }
}

#[cfg(test)]
mod tests;
