//! Carries a request out: load, decide, apply, audit, answer.
//!
//! Every change is conditional on the records that were decided on; if they changed meanwhile,
//! the request is decided again. An answer leaves only after its change is durable.

mod administrators;
mod adopt;
mod backup;
mod change;
mod events;
mod host;
mod host_fault;
mod identify;
mod import;
mod load;
mod log;
mod news;
mod recent;
mod recovery;
mod rekey;
mod report;
mod restore;
mod rules;
mod serial;
mod subject;
mod ticket;
mod tripwire;
mod turns;
mod underway;
mod unlock;
mod verify;
mod virtual_token;

pub use adopt::Adopt;
pub use backup::{Backup, Sink};
pub use change::{Holder, Pairing};
pub use identify::Identify;
pub use import::{BadRows, Extent, Import, ProgressFile, ReadError, SeedFile, read_seed_file};
pub use news::News;
pub use report::Only;
pub use restore::{Restore, Source};
pub use tripwire::Refused;
pub use underway::{Underway, Work};
pub use verify::{Notice, SignIn, Untold};
pub use virtual_token::NewVirtualToken;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use fob_api::Error;

use crate::{
    audit::{Audit, Event, Field, Name, Quiet},
    clock::Clock,
    decide::{Now, Policy, rule::Rules},
    slow_hash::SlowHash,
    store::{Committed, Entry, Gauge, Guard, Key, Store, StoreError, Write},
    users::Users,
    vault::{Vault, random},
};

/// How often a request is decided again before it is given up. Every round somebody else's
/// change was applied, so this bounds a storm, not a wait: 64 parallel tries need 64 rounds.
const ROUNDS: u32 = 512;

/// The parts of the host that the engine works with.
pub struct Surroundings {
    /// Where events go.
    pub audit: Audit,
    /// Where the time comes from.
    pub clock: Clock,
    /// The numbers of verification.
    pub policy: Policy,
    /// Where users are looked up.
    pub users: Users,
}

/// Carries requests out.
pub struct Engine<S> {
    store: S,
    vault: Arc<Vault>,
    slow_hash: SlowHash,
    around: Surroundings,
    rules: Rules,
    recent: recent::Recent,
    turns: turns::Turns,
    tickets: ticket::Tickets,
    underway: Underway,
    life: host::Life,
    witnesses: host_fault::Witnesses,
    /// The latest commit failed, for want of room or of a disk that works.
    commits_fail: AtomicBool,
    /// Refusals of callers other than root.
    quiet: Mutex<Quiet>,
    /// Held by the rekey that runs.
    rekeying: tokio::sync::Mutex<()>,
    /// Held by whoever looks through all tokens for one.
    looking: tokio::sync::Mutex<()>,
}

/// Whether a change was applied.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Applied {
    /// It is durable.
    Yes,
    /// The records changed meanwhile: decide again.
    Stale,
}

impl<S: Store> Engine<S> {
    /// Puts an engine together.
    pub fn new(store: S, vault: impl Into<Arc<Vault>>, around: Surroundings) -> Self {
        let vault = vault.into();
        let (recent, life) = (recent::Recent::default(), host::Life::default());
        let (turns, underway) = (turns::Turns::default(), Underway::default());
        let slow_hash = SlowHash::new(vault.recovery_key());
        let witnesses = host_fault::Witnesses::default();
        let (commits_fail, rekeying) = (AtomicBool::new(false), tokio::sync::Mutex::default());
        let quiet = Mutex::default();
        Self {
            store,
            vault,
            slow_hash,
            around,
            rules: Rules::default(),
            recent,
            turns,
            tickets: ticket::Tickets::default(),
            underway,
            life,
            witnesses,
            commits_fail,
            quiet,
            rekeying,
            looking: tokio::sync::Mutex::default(),
        }
    }

    /// Goes by these rules about who is asked.
    #[must_use]
    pub fn with_rules(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// Returns the sign-ins that the end of the daemon's life waits for.
    pub fn underway(&self) -> &Underway {
        &self.underway
    }

    /// Reads keys in one snapshot.
    async fn get<const N: usize>(&self, keys: [Key; N]) -> Result<[Option<Entry>; N], Error> {
        let entries = self.store.get(&keys).await.map_err(|error| self.trouble("get", error))?;
        entries.try_into().map_err(|_| self.trouble("get", StoreError::Corrupt))
    }

    /// Applies a change if the guards hold. `attempt` stands in the first written record: after
    /// an indeterminate commit it tells whether the change was applied after all.
    fn apply(
        &self,
        guards: Vec<Guard>,
        writes: Vec<Write>,
        marker: &Marker,
    ) -> impl Future<Output = Result<Applied, Error>> + Send {
        // The other's future itself: one around it would make that of each sign-in larger.
        self.apply_watched((guards, writes), marker, Arc::default())
    }

    /// As [`Engine::apply`], and says meanwhile how far it is.
    async fn apply_watched(
        &self,
        (guards, writes): (Vec<Guard>, Vec<Write>),
        marker: &Marker,
        gauge: Arc<Gauge>,
    ) -> Result<Applied, Error> {
        match self.store.commit_watched(guards, writes, gauge).await {
            Ok(Committed::Done) => {
                self.commits_fail.store(false, Ordering::Relaxed);
                Ok(Applied::Yes)
            }
            Ok(Committed::Conflict(_)) => Ok(Applied::Stale),
            Err(StoreError::Indeterminate) => {
                let [entry] = self.get([marker.key.clone()]).await?;
                let written = entry.is_some_and(|entry| *entry.value == *marker.value);
                if written { Ok(Applied::Yes) } else { Ok(Applied::Stale) }
            }
            Err(error) => {
                self.commits_fail.store(true, Ordering::Relaxed);
                Err(self.trouble("commit", error))
            }
        }
    }

    /// Refuses to ask for codes while none can be spent: an administrator's emergency code is
    /// asked for instead. After a failed commit another one is tried first, so that a disk which
    /// was full for a moment, by whosever doing, keeps nobody out.
    async fn commits_work(&self) -> Result<(), Error> {
        if self.commits_fail.load(Ordering::Relaxed) {
            self.keep().await?;
            self.commits_fail.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Returns the host's time, right or wrong: for reports, never for a decision on codes.
    fn now(&self) -> Result<Now, Error> {
        let reading = self.around.clock.read();
        reading.and_then(|reading| reading.wall).ok_or(Error::ClockNotTrusted)
    }

    /// Logs trouble of the store and returns what the caller is told.
    fn trouble(&self, what: &'static str, error: impl std::fmt::Display) -> Error {
        self.around
            .audit
            .record(&Event::new(Name::Trouble).with(Field::What, what).with(Field::Error, error));
        Error::StoreUnavailable
    }

    /// Returns a fresh attempt id.
    fn attempt(&self) -> Result<[u8; 16], Error> {
        random().map_err(|error| self.trouble("attempt", error))
    }

    /// Gives a request up that was decided too often.
    fn give_up(&self) -> Error {
        self.trouble("commit", "too many changes at once")
    }
}

/// A record that was written with a fresh attempt id: if it is found, its commit was applied.
struct Marker {
    key: Key,
    value: Vec<u8>,
}

impl Marker {
    /// Returns the marker of a write that no other one repeats.
    fn of(key: &Key, write: &Write) -> Self {
        let value = match write {
            Write::Put(_, value) => value.clone(),
            Write::Delete(_) => Vec::new(),
        };
        Self { key: key.clone(), value }
    }
}

#[cfg(test)]
mod tests;
