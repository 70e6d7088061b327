//! One suite for every engine of the store: what the contract in `fobd::store` promises, as cases
//! that any engine can be asked to pass, and deliberately faulty engines that must not.
//!
//! A case gets an empty engine and returns what it saw go wrong.

mod engines;
mod faulty;
pub mod guards;
pub mod history;
pub mod large;
pub mod races;
pub mod reading;

use std::fmt;

use fob_api::Serial;
use fobd::store::{Committed, Entry, Guard, Key, Store, StoreError, Write};
use tokio::{task::JoinError, time::error::Elapsed};

pub use self::{
    engines::{Engine, MemoryEngine, SledEngine},
    faulty::{Fault, FaultyEngine},
};

/// Hands the names of all cases to a macro, as `module::case`.
#[macro_export]
macro_rules! for_all_cases {
    ($run:path) => {
        $run! {
            guards::an_absent_guard_lets_the_first_writer_win,
            guards::a_stale_guard_is_refused_and_the_conflict_leads_on,
            guards::an_entry_that_returns_to_its_old_bytes_breaks_the_old_guard,
            guards::a_deleted_and_recreated_entry_breaks_the_old_guard,
            guards::one_broken_guard_of_several_writes_nothing,
            guards::the_last_write_of_a_key_in_a_commit_wins,
            guards::limits_are_refused_and_what_just_fits_is_taken,
            races::one_of_24_assigners_gets_the_token,
            races::six_tasks_count_without_losing_an_increment,
            races::each_code_is_accepted_once_over_three_handles,
            races::five_of_64_parallel_guesses_are_evaluated_at_a_limit_of_5,
            races::nothing_is_accepted_after_a_revocation_is_acknowledged,
            reading::a_commit_is_read_on_every_other_handle_at_once,
            reading::the_writes_of_a_commit_are_read_together,
            reading::paging_meets_every_entry_once_while_others_insert,
            reading::a_page_holds_one_kind_of_one_shard,
            reading::a_watch_tells_every_change_after_it_can_be_read,
            reading::a_watch_tells_the_commits_in_their_order,
            large::a_large_commit_is_seen_whole_or_not_at_all,
            large::a_large_commit_with_one_broken_guard_writes_nothing,
            large::commits_go_on_beside_a_large_one_and_none_is_lost,
        }
    };
}

/// What an engine did against the contract.
pub struct Failure(String);

impl Failure {
    /// Describes it.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self(format!("unexpected error: {error}"))
    }
}

impl From<JoinError> for Failure {
    fn from(error: JoinError) -> Self {
        Self(format!("a task of the case ended badly: {error}"))
    }
}

impl From<Elapsed> for Failure {
    fn from(_: Elapsed) -> Self {
        Self("waited in vain".to_owned())
    }
}

/// Returns a [`Failure`] from the case unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($what:tt)+) => {
        if !$condition {
            return Err($crate::conformance::Failure::new(format!($($what)+)));
        }
    };
}
pub(crate) use ensure;

/// A serial for a case.
pub(crate) fn serial(number: u32) -> Result<Serial, Failure> {
    Serial::parse(&format!("T{number:08}")).map_err(|error| Failure::new(error.to_string()))
}

/// Reads one key.
pub(crate) async fn read(store: &impl Store, key: &Key) -> Result<Option<Entry>, Failure> {
    let mut entries = store.get(std::slice::from_ref(key)).await?;
    ensure!(entries.len() == 1, "asked for 1 key, got {} answers", entries.len());
    Ok(entries.pop().flatten())
}

/// Reads one key that has to be there.
pub(crate) async fn read_some(store: &impl Store, key: &Key) -> Result<Entry, Failure> {
    read(store, key).await?.ok_or_else(|| Failure::new(format!("{key:?} is gone")))
}

/// Reads a number; 0 if there is none.
pub(crate) fn number(entry: Option<&Entry>) -> Result<u64, Failure> {
    let Some(entry) = entry else { return Ok(0) };
    let bytes = <[u8; 8]>::try_from(&*entry.value);
    Ok(u64::from_le_bytes(bytes.map_err(|_| Failure::new("a value has changed its length"))?))
}

/// Writes a number.
pub(crate) fn put(key: &Key, number: u64) -> Write {
    Write::Put(key.clone(), number.to_le_bytes().to_vec())
}

/// Applies writes without guards.
pub(crate) async fn write(store: &impl Store, writes: Vec<Write>) -> Result<(), Failure> {
    let committed = store.commit(Vec::new(), writes).await?;
    ensure!(committed == Committed::Done, "a commit without guards was refused");
    Ok(())
}

/// Changes a number under a guard until it succeeds or `next` declines; says whether it did.
/// Decides again on what the conflict carries, as the daemon does.
pub(crate) async fn update(
    store: &impl Store,
    key: &Key,
    next: impl Fn(u64) -> Option<u64>,
) -> Result<bool, Failure> {
    let mut entry = read(store, key).await?;
    loop {
        let Some(new) = next(number(entry.as_ref())?) else { return Ok(false) };
        let guard = Guard::unchanged(key, entry.as_ref());
        // Others come in between.
        tokio::task::yield_now().await;
        match store.commit(vec![guard], vec![put(key, new)]).await? {
            Committed::Done => return Ok(true),
            Committed::Conflict(now) => {
                let [now] = <[_; 1]>::try_from(now)
                    .map_err(|_| Failure::new("a conflict does not carry one entry per guard"))?;
                ensure!(now != entry, "a conflict carries the entry that was guarded");
                entry = now;
            }
        }
    }
}
