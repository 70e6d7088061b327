//! Random histories, carried out on an engine and on the oracle side by side.

use std::collections::BTreeMap;

use fobd::store::{Committed, Entry, Guard, Key, Store, Tag, Write, memory::MemoryStore};
use proptest::{collection::vec, prelude::*};

use super::{Engine, Failure, ensure};

/// How many keys a history knows: few, so that its operations meet.
const KEYS: u8 = 6;

/// One operation of a history.
#[derive(Clone, Debug)]
pub enum Operation {
    /// A commit.
    Commit(Vec<(u8, Claim)>, Vec<(u8, Option<u8>)>),
    /// A read.
    Get(Vec<u8>),
    /// A page.
    List(u8, Option<u8>, usize),
}

/// What a guard claims of its key.
#[derive(Clone, Copy, Debug)]
pub enum Claim {
    /// That there is no entry.
    Absent,
    /// What was read first of all.
    Oldest,
    /// What is there now.
    Unchanged,
}

/// Returns histories of up to 60 operations.
pub fn histories() -> impl Strategy<Value = Vec<Operation>> {
    let key = || 0..KEYS;
    let claim = prop_oneof![
        1 => Just(Claim::Absent),
        1 => Just(Claim::Oldest),
        4 => Just(Claim::Unchanged)
    ];
    let writes = vec((key(), proptest::option::of(any::<u8>())), 0..4);
    let operation = prop_oneof![
        3 => (vec((key(), claim), 0..4), writes).prop_map(|(g, w)| Operation::Commit(g, w)),
        1 => vec(key(), 0..4).prop_map(Operation::Get),
        1 => (key(), proptest::option::of(key()), 0..4_usize)
            .prop_map(|(shard, after, limit)| Operation::List(shard, after, limit)),
    ];
    vec(operation, 1..60)
}

/// Carries a history out on an empty engine.
///
/// # Errors
///
/// The first operation that ended otherwise than with the oracle.
pub async fn matches_the_oracle(
    engine: &impl Engine,
    history: &[Operation],
) -> Result<(), Failure> {
    let mut subject = Side::new(engine.handle());
    let mut oracle = Side::new(MemoryStore::new());
    for operation in history {
        let seen = subject.carry_out(operation).await?;
        let expected = oracle.carry_out(operation).await?;
        ensure!(seen == expected, "{operation:?}: {seen:?}, but the oracle {expected:?}");
    }
    Ok(())
}

/// An entry without the tag, which is each engine's own.
type Plain = Option<(Key, Vec<u8>)>;

#[derive(Debug, Eq, PartialEq)]
enum Seen {
    Conflict(Vec<Plain>),
    Done,
    Entries(Vec<Plain>),
}

/// A store with the tags that were read from it.
struct Side<S> {
    store: S,
    oldest: BTreeMap<Key, Tag>,
}

impl<S: Store> Side<S> {
    fn new(store: S) -> Self {
        Self { store, oldest: BTreeMap::new() }
    }

    async fn carry_out(&mut self, operation: &Operation) -> Result<Seen, Failure> {
        match operation {
            Operation::Commit(claims, writes) => {
                let mut guards = Vec::new();
                for (key, claim) in claims {
                    guards.push(self.guard(&keyed(*key), *claim).await?);
                }
                let writes = writes.iter().map(|(key, value)| match value {
                    None => Write::Delete(keyed(*key)),
                    Some(value) => Write::Put(keyed(*key), vec![*value]),
                });
                Ok(match self.store.commit(guards, writes.collect()).await? {
                    Committed::Conflict(now) => {
                        Seen::Conflict(now.into_iter().map(plain).collect())
                    }
                    Committed::Done => Seen::Done,
                })
            }
            Operation::Get(keys) => {
                let keys: Vec<_> = keys.iter().copied().map(keyed).collect();
                let entries = self.store.get(&keys).await?;
                Ok(Seen::Entries(entries.into_iter().map(plain).collect()))
            }
            Operation::List(shard, after, limit) => {
                let (of, after) = (keyed(*shard), after.map(keyed));
                let page = self.store.list(of.kind(), of.shard(), after.as_ref(), *limit).await?;
                Ok(Seen::Entries(page.into_iter().map(Some).map(plain).collect()))
            }
        }
    }

    async fn guard(&mut self, key: &Key, claim: Claim) -> Result<Guard, Failure> {
        let now = super::read(&self.store, key).await?;
        if let Some(entry) = &now {
            self.oldest.entry(key.clone()).or_insert_with(|| entry.tag.clone());
        }
        Ok(match (claim, self.oldest.get(key)) {
            (Claim::Oldest, Some(tag)) => Guard::Same(key.clone(), tag.clone()),
            (Claim::Absent | Claim::Oldest, _) => Guard::Absent(key.clone()),
            (Claim::Unchanged, _) => Guard::unchanged(key, now.as_ref()),
        })
    }
}

/// Returns a key of a history. Users 0, 85 and 222 share a shard.
fn keyed(number: u8) -> Key {
    match number {
        0 => Key::user(0),
        1 => Key::user(85),
        2 => Key::user(222),
        number => Key::nobody(number.into()),
    }
}

fn plain(entry: Option<Entry>) -> Plain {
    entry.map(|entry| (entry.key, entry.value.to_vec()))
}
