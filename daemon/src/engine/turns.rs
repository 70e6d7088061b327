use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OwnedMutexGuard;

/// Most sign-ins of one user at once, that whose turn it is included: twice the 64 that are served
/// whatever comes (design.md section 3). With 40 ms for a commit the last of them is decided within
/// the 5 s that a sign-in waits; on a slower disk nobody behind them would be.
const MOST: usize = 128;

/// What names a user here: a keyed hash, so that those who do not exist are like those who do.
type Who = [u8; 16];
type Lines = Mutex<HashMap<Who, Line>>;

/// Those of one user.
#[derive(Default)]
struct Line {
    /// How many: whoever leaves last takes the line away. Counted under the table's lock, and not by
    /// the gate's references, which are dropped outside it.
    there: usize,
    gate: Arc<tokio::sync::Mutex<()>>,
}

/// The users who sign in now. Nothing is kept of one whose sign-ins are over.
#[derive(Default)]
pub(super) struct Turns(Arc<Lines>);

/// A sign-in in its user's line. It leaves it when it is dropped, whether its turn came or not.
pub(super) struct Turn {
    who: Who,
    lines: Arc<Lines>,
    gate: Arc<tokio::sync::Mutex<()>>,
    held: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Goes to the end of a user's line; `None` if it is full.
    pub(super) fn join(&self, who: Who) -> Option<Turn> {
        let mut lines = locked(&self.0);
        let line = lines.entry(who).or_default();
        if line.there >= MOST {
            return None;
        }
        line.there += 1;
        let gate = Arc::clone(&line.gate);
        // Nobody is passed by: the gate is open only if nobody waits.
        let held = Arc::clone(&gate).try_lock_owned().ok();
        Some(Turn { who, lines: Arc::clone(&self.0), gate, held })
    }
}

impl Turn {
    /// Tells whether all that came before are over.
    pub(super) fn has_come(&self) -> bool {
        self.held.is_some()
    }

    /// Waits until all that came before are over, in the order in which they first waited.
    pub(super) async fn come(&mut self) {
        if !self.has_come() {
            self.held = Some(Arc::clone(&self.gate).lock_owned().await);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut lines = locked(&self.lines);
        self.held = None;
        if let Some(line) = lines.get_mut(&self.who) {
            line.there -= 1;
            if line.there == 0 {
                lines.remove(&self.who);
            }
        }
    }
}

fn locked(lines: &Lines) -> MutexGuard<'_, HashMap<Who, Line>> {
    // No work of this file leaves a line half done.
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::pin, task::Poll};

    use super::{MOST, Turn, Turns};

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

    /// Joins a line and waits.
    async fn take(turns: &Turns, who: [u8; 16]) -> Turn {
        let mut turn = turns.join(who).unwrap();
        turn.come().await;
        turn
    }

    #[tokio::test]
    async fn a_user_has_one_turn_at_a_time_in_their_order_and_another_user_waits_for_none() {
        let turns = Turns::default();
        let first = take(&turns, ALICE).await;
        let (mut second, mut third) = (pin!(take(&turns, ALICE)), pin!(take(&turns, ALICE)));
        assert!(is_ready(&mut second).await.is_none());
        assert!(is_ready(&mut third).await.is_none());
        assert!(turns.join(BOB).unwrap().has_come());
        drop(first);
        assert!(!turns.join(ALICE).unwrap().has_come(), "the fourth came before the second");
        assert!(is_ready(&mut third).await.is_none(), "the third came before the second");
        drop(is_ready(&mut second).await.unwrap());
        drop(is_ready(&mut third).await.unwrap());
    }

    #[tokio::test]
    async fn nothing_is_kept_of_those_who_are_through_or_do_not_wait_any_more() {
        let turns = Turns::default();
        let first = take(&turns, ALICE).await;
        {
            let mut second = pin!(take(&turns, ALICE));
            assert!(is_ready(&mut second).await.is_none());
        }
        drop(take(&turns, BOB).await);
        assert_eq!(turns.0.lock().unwrap().len(), 1);
        drop(first);
        assert!(turns.0.lock().unwrap().is_empty());
        drop(take(&turns, ALICE).await);
    }

    #[test]
    fn a_full_line_takes_nobody_more_until_somebody_leaves_it() {
        let turns = Turns::default();
        let mut line: Vec<_> = (0..MOST).map(|_| turns.join(ALICE).unwrap()).collect();
        assert!(turns.join(ALICE).is_none());
        assert!(turns.join(BOB).is_some());
        line.pop();
        line.push(turns.join(ALICE).unwrap());
        assert!(turns.join(ALICE).is_none());
        drop(line);
        assert!(turns.0.lock().unwrap().is_empty());
    }
}
