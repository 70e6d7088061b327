//! Commits that share a sync: decided in order, each on the results of those before it.

use std::collections::HashMap;

use sled::Batch;
use tokio::sync::oneshot;

use super::{
    ledger::Delta,
    shelf::{Hidden, Shelf, encode},
    writer::Commit,
};
use crate::{
    errand::carry_on,
    store::{Committed, Entry, Guard, Heat, Key, StoreError, Tag, Write},
};

/// What the caller waits for.
pub(super) type Answer = Result<Committed, StoreError>;

/// The commits of one sync.
pub(super) struct Group<'a> {
    shelf: &'a Shelf,
    /// What was durable before, as far as anybody asked.
    before: HashMap<Key, Option<Tag>>,
    /// What the commits so far made of it.
    after: HashMap<Key, Option<Tag>>,
    /// The writes in the order of the commits.
    writes: Vec<(Key, Option<Tag>)>,
    answers: Vec<(oneshot::Sender<Answer>, Answer)>,
}

impl<'a> Group<'a> {
    pub(super) fn new(shelf: &'a Shelf) -> Self {
        Self {
            shelf,
            before: HashMap::new(),
            after: HashMap::new(),
            writes: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// Decides a commit on the results of those before it and takes its writes in.
    pub(super) fn decide(&mut self, commit: Commit, version: &mut u64) {
        let answer = self.check(&commit.guards).and_then(|answer| {
            // The old values are read now, so that a damaged one fails this commit only.
            commit.writes.iter().try_for_each(|write| self.durable(write.key()).map(drop))?;
            Ok(answer)
        });
        if matches!(answer, Ok(Committed::Done)) {
            for write in commit.writes {
                self.take(write, version);
            }
        }
        self.answers.push((commit.reply, answer));
    }

    /// Returns the old values of all written keys.
    pub(super) fn old_values(&self) -> Hidden {
        let old = |key: &Key| (key.clone(), self.before.get(key).cloned().flatten());
        self.writes.iter().map(|(key, _)| old(key)).collect()
    }

    /// Says whether there is anything to write.
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Says whether all keys are what sign-ins write. A cold one may be removed that was not there:
    /// then nothing changes about the sums.
    pub(super) fn is_hot(&self) -> bool {
        self.after.keys().all(|key| Heat::of(key.as_bytes()) == Heat::Hot)
    }

    /// Returns about how many bytes will be written.
    pub(super) fn size(&self) -> u64 {
        let size = |(key, tag): &(Key, Option<Tag>)| {
            key.as_bytes().len() + tag.as_ref().map_or(0, |tag| tag.value.len())
        };
        self.writes.iter().map(size).sum::<usize>() as u64
    }

    /// Returns what the writes change about the sums.
    pub(super) fn delta(&self) -> Delta {
        let mut delta = Delta::NONE;
        for (key, after) in &self.after {
            let before = self.before.get(key).and_then(Option::as_ref);
            if let Some(tag) = before {
                delta.take(key.as_bytes(), &[&tag.version.to_le_bytes(), &tag.value]);
            }
            if let Some(tag) = after {
                delta.put(key.as_bytes(), &[&tag.version.to_le_bytes(), &tag.value]);
            }
        }
        delta
    }

    /// Returns the values of all written keys.
    pub(super) fn new_values(&self) -> Hidden {
        self.after.iter().map(|(key, tag)| (key.clone(), tag.clone())).collect()
    }

    /// Adds everything to a batch.
    pub(super) fn write(&self, batch: &mut Batch) {
        self.after.iter().for_each(|(key, tag)| put(batch, key, tag.as_ref()));
    }

    /// Returns everything as an entry of the log has it: no value is empty but a removed one.
    pub(super) fn stored(&self) -> impl Iterator<Item = (&[u8], Vec<u8>)> {
        let stored = |tag: &Tag| encode(tag.version, &tag.value);
        self.after
            .iter()
            .map(move |(key, tag)| (key.as_bytes(), tag.as_ref().map(stored).unwrap_or_default()))
    }

    /// Answers everybody and tells the watches; after the sync. Nobody's answer waits for a watch.
    pub(super) fn finish(self) {
        let is_of_sign_ins = self.is_hot();
        for (reply, answer) in self.answers {
            // Somebody who has stopped waiting needs no answer.
            let _ = match answer {
                // What a sign-in has left to do is little, to answer most often. Who has lost decides
                // anew, and after another commit a whole decision may follow: elsewhere.
                Ok(Committed::Done) if is_of_sign_ins => carry_on(|| reply.send(answer)),
                _ => reply.send(answer),
            };
        }
        self.writes.iter().for_each(|(key, _)| self.shelf.watchers.tell(key));
    }

    /// Answers everybody that the group went wrong: `error` to those whose writes may have been
    /// applied, and that there is no service to those who lost against them.
    pub(super) fn fail(self, error: StoreError) {
        for (reply, answer) in self.answers {
            let answer = match answer {
                Ok(Committed::Done) => error,
                Ok(Committed::Conflict(_)) if error == StoreError::Full => error,
                Ok(Committed::Conflict(_)) => StoreError::Unavailable,
                Err(own) => own,
            };
            let _ = reply.send(Err(answer));
        }
    }

    fn check(&mut self, guards: &[Guard]) -> Answer {
        for guard in guards {
            if !guard.holds(self.current(guard.key())?.as_ref()) {
                let now = guards.iter().map(|guard| self.entry(guard.key()));
                return Ok(Committed::Conflict(now.collect::<Result<_, _>>()?));
            }
        }
        Ok(Committed::Done)
    }

    fn take(&mut self, write: Write, version: &mut u64) {
        let (key, tag) = match write {
            Write::Delete(key) => (key, None),
            Write::Put(key, value) => {
                *version = version.wrapping_add(1);
                (key, Some(Tag::new(*version, value.into())))
            }
        };
        self.after.insert(key.clone(), tag.clone());
        self.writes.push((key, tag));
    }

    fn entry(&mut self, key: &Key) -> Result<Option<Entry>, StoreError> {
        Ok(self.current(key)?.map(|tag| Entry::new(key.clone(), tag)))
    }

    fn current(&mut self, key: &Key) -> Result<Option<Tag>, StoreError> {
        match self.after.get(key) {
            Some(tag) => Ok(tag.clone()),
            None => self.durable(key),
        }
    }

    fn durable(&mut self, key: &Key) -> Result<Option<Tag>, StoreError> {
        if let Some(tag) = self.before.get(key) {
            return Ok(tag.clone());
        }
        let tag = self.shelf.newest(key)?;
        self.before.insert(key.clone(), tag.clone());
        Ok(tag)
    }
}

/// Adds a change to a batch.
pub(super) fn put(batch: &mut Batch, key: &Key, tag: Option<&Tag>) {
    match tag {
        None => batch.remove(key.as_bytes()),
        Some(tag) => batch.insert(key.as_bytes(), encode(tag.version, &tag.value)),
    }
}
