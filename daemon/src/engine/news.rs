//! What is new: a hint for those who show tokens, never an input to a verdict.

use tokio::select;

use crate::{
    engine::Engine,
    store::{Kind, Store, Watch},
};

/// A watch of what reports show: tokens, what sign-ins leave of them, users, their codes. What stands
/// in for those who do not exist, and what the daemon notes about itself, is no news.
pub struct News {
    seeds: Watch,
    states: Watch,
    users: Watch,
    codes: Watch,
}

impl News {
    /// Waits for the first change since the watch began; `None` when the store is closed. The watch
    /// ends with it: while nobody waits, a change costs nothing.
    pub async fn first(mut self) -> Option<()> {
        let change = select! {
            change = self.seeds.next() => change,
            change = self.states.next() => change,
            change = self.users.next() => change,
            change = self.codes.next() => change,
        };
        change.map(drop)
    }
}

impl<S: Store> Engine<S> {
    /// Begins a watch: of changes that are durable and can be read, from now on.
    pub fn news(&self) -> News {
        let watch = |kind| self.store.watch(kind);
        News {
            seeds: watch(Kind::Seed),
            states: watch(Kind::State),
            users: watch(Kind::User),
            codes: watch(Kind::Recovery),
        }
    }
}
