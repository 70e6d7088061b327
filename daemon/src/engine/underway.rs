//! What is carried out to its end although nobody may wait for it any more.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock},
    time::timeout,
};

/// How long a stop waits for what is under way. One commit takes some 10 ms, on a slow disk a second;
/// a disk that hangs must not hold the stop up, which systemd would end by a kill after
/// 90 s (systemd-system.conf(5), DefaultTimeoutStopSec).
const STOPPING: Duration = Duration::from_secs(2);

/// The sign-ins that are under way: decided, perhaps, and not told yet.
#[derive(Default)]
pub struct Underway(Arc<RwLock<()>>);

/// Held from a sign-in's begin until its event is told.
#[must_use = "it ends when this is dropped"]
pub struct Work {
    _held: OwnedRwLockReadGuard<()>,
}

impl Underway {
    /// Begins one. During a stop it waits, and is then refused like everything.
    pub async fn begin(&self) -> Work {
        Work { _held: Arc::clone(&self.0).read_owned().await }
    }

    /// Waits until all are over, for 2 s at most; `None` if some are not. No other begins until
    /// what is returned is dropped.
    pub(super) async fn end(&self) -> Option<OwnedRwLockWriteGuard<()>> {
        timeout(STOPPING, Arc::clone(&self.0).write_owned()).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{Future, poll_fn},
        pin::{Pin, pin},
        task::Poll,
    };

    use super::Underway;

    /// Tells whether a future is over once it got on as far as it can.
    async fn is_over(future: &mut (impl Future + Unpin)) -> bool {
        poll_fn(|context| Poll::Ready(Pin::new(&mut *future).poll(context).is_ready())).await
    }

    #[tokio::test]
    async fn a_stop_waits_for_what_is_under_way_and_nothing_begins_after_it() {
        let underway = Underway::default();
        let (first, second) = (underway.begin().await, underway.begin().await);
        let mut end = pin!(underway.end());
        assert!(!is_over(&mut end).await);
        let mut late = pin!(underway.begin());
        assert!(!is_over(&mut late).await, "it began after the stop");
        drop(first);
        assert!(!is_over(&mut end).await);
        drop(second);
        let over = end.await;
        assert!(over.is_some() && !is_over(&mut late).await);
        drop(over);
        drop(late.await);
    }
}
