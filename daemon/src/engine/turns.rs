//! One sign-in of a user at a time.
//!
//! Sign-ins of one user change one record: of those that are decided at once one is applied, and
//! the others are decided again. And each has a place in the store's queue meanwhile. So they come
//! one after the other, in the order in which they came; somebody who floods a user with guesses
//! has one place in the queue, like everybody, and nobody else waits behind him.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OwnedMutexGuard;

/// What names a user here: a keyed hash, so that those who do not exist are like those who do.
type Who = [u8; 16];
/// Who is there, and what he waits for.
type Lines = Mutex<HashMap<Who, Arc<tokio::sync::Mutex<()>>>>;

/// The users who sign in now. Nothing is kept of one whose sign-ins are over.
#[derive(Default)]
pub(super) struct Turns(Arc<Lines>);

/// A sign-in that waits for its turn, or has it.
pub(super) struct Turn {
    who: Who,
    lines: Arc<Lines>,
    line: Arc<tokio::sync::Mutex<()>>,
    held: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits until all sign-ins of the user that came before are over.
    pub(super) async fn take(&self, who: Who) -> Turn {
        let line = {
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(lines.entry(who).or_default())
        };
        // Made before it waits: whoever is dropped while he waits leaves nothing behind either.
        let mut turn = Turn { who, lines: Arc::clone(&self.0), line, held: None };
        turn.held = Some(Arc::clone(&turn.line).lock_owned().await);
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.held.take());
        // Ours and that of the table: nobody waits, and nobody can come while the table is locked.
        if Arc::strong_count(&self.line) == 2 {
            lines.remove(&self.who);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::pin, task::Poll};

    use super::Turns;

    const ALICE: [u8; 16] = [1; 16];
    const BOB: [u8; 16] = [2; 16];

    /// Lets a future get on as far as it can.
    async fn is_ready<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
        std::future::poll_fn(|context| match std::pin::Pin::new(&mut *future).poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    #[tokio::test]
    async fn a_user_has_one_turn_at_a_time_in_their_order_and_another_user_waits_for_none() {
        let turns = Turns::default();
        let first = turns.take(ALICE).await;
        let (mut second, mut third) = (pin!(turns.take(ALICE)), pin!(turns.take(ALICE)));
        assert!(is_ready(&mut second).await.is_none());
        assert!(is_ready(&mut third).await.is_none());
        drop(turns.take(BOB).await);
        drop(first);
        assert!(is_ready(&mut third).await.is_none(), "the third came before the second");
        drop(is_ready(&mut second).await.unwrap());
        drop(is_ready(&mut third).await.unwrap());
    }

    #[tokio::test]
    async fn nothing_is_kept_of_those_who_are_through_or_do_not_wait_any_more() {
        let turns = Turns::default();
        let first = turns.take(ALICE).await;
        {
            let mut second = pin!(turns.take(ALICE));
            assert!(is_ready(&mut second).await.is_none());
        }
        drop(turns.take(BOB).await);
        assert_eq!(turns.0.lock().unwrap().len(), 1);
        drop(first);
        assert!(turns.0.lock().unwrap().is_empty());
        drop(turns.take(ALICE).await);
    }
}
