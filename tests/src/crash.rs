//! What `store-worker` writes and what must be found after it was killed.

use std::{
    fmt,
    io::{self, Write as _},
    ops::RangeInclusive,
    path::Path,
    sync::Arc,
};

use fob_api::Serial;
use fobd::store::{Committed, Key, Store, Write, sled::SledStore};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    conformance::{Failure, number, put},
    faults::failed,
};

/// Keys that one task of the worker always writes together, all with the same number.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Line {
    /// Many keys.
    Large,
    /// Two keys.
    Pair(u32),
    /// One key, as a sign-in writes it.
    SignIn(u32),
    /// One key.
    Single(u32),
}

impl Line {
    /// Every line, each a task of its own.
    pub const ALL: [Self; 9] = [
        Self::Large,
        Self::Pair(0),
        Self::Pair(1),
        Self::Pair(2),
        Self::SignIn(0),
        Self::SignIn(1),
        Self::Single(0),
        Self::Single(1),
        Self::Single(2),
    ];

    /// Returns the writes that set the line to a number. Every eighth number of a line of several
    /// keys deletes them, so that deletes are cut off as well.
    pub fn writes(self, number: u64) -> Vec<Write> {
        let keys = self.keys().into_iter();
        match self {
            Self::SignIn(_) | Self::Single(_) => keys.map(|key| put(&key, number)).collect(),
            // The first key always holds the number.
            _ if number.is_multiple_of(8) => keys
                .enumerate()
                .map(|(place, key)| if place == 0 { put(&key, number) } else { Write::Delete(key) })
                .collect(),
            _ => keys.map(|key| put(&key, number)).collect(),
        }
    }

    /// Returns the number that the line is at; 0 if it was never written.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if its keys are not all as one commit wrote them.
    pub async fn number(self, store: &impl Store) -> Result<u64, Failure> {
        let entries = store.get(&self.keys()).await?;
        let numbers: Result<Vec<_>, _> = entries.iter().map(|e| number(e.as_ref())).collect();
        let numbers = numbers?;
        let (first, rest) =
            numbers.split_first().ok_or_else(|| Failure::new("a read without answers"))?;
        let expected = if first.is_multiple_of(8) && self.keys().len() > 1 { 0 } else { *first };
        if rest.iter().all(|number| *number == expected) {
            return Ok(*first);
        }
        let others = rest.iter().filter(|number| **number != expected).count();
        Err(Failure::new(format!("{self} is at {first}, but {others} of its keys are not")))
    }

    /// Reads a line of the worker's output: which line was set to which number.
    pub fn parse(text: &str) -> Option<(Self, u64)> {
        let (name, number) = text.rsplit_once(' ')?;
        let line = Self::ALL.into_iter().find(|line| line.to_string() == name)?;
        Some((line, number.parse().ok()?))
    }

    fn keys(self) -> Vec<Key> {
        let uids: RangeInclusive<u32> = match self {
            // Three pieces, more than one undo record each.
            Self::Large => 10_000..=10_599,
            Self::Pair(task) => 2 * task..=2 * task + 1,
            Self::Single(task) => 100 + task..=100 + task,
            Self::SignIn(task) => {
                let serial = Serial::parse(&format!("WORKER-{task}"));
                return serial.iter().map(Key::state).collect();
            }
        };
        uids.map(Key::user).collect()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Large => f.write_str("large 0"),
            Self::Pair(task) => write!(f, "pair {task}"),
            Self::SignIn(task) => write!(f, "sign-in {task}"),
            Self::Single(task) => write!(f, "single {task}"),
        }
    }
}

/// Sign-ins for each commit of another sort: in between, sign-ins are alone with each other, and
/// go through the log (`store/sled/redo.rs`).
const SIGN_INS: u32 = 6;

/// Writes to the store in a folder, for ever, and prints a line for each acknowledged commit:
/// [`Line`] and number.
///
/// # Errors
///
/// [`Failure`] if the store is not opened or ends its service.
pub async fn work(dir: &Path) -> Result<(), Failure> {
    let store = SledStore::open(dir).map_err(failed)?;
    let mut tasks = JoinSet::new();
    let sign_ins = Arc::new(Semaphore::new(0));
    for line in Line::ALL {
        tasks.spawn(count(store.clone(), line, Arc::clone(&sign_ins)));
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(())
}

/// Counts up in the keys of a line, one commit per number.
async fn count(store: SledStore, line: Line, sign_ins: Arc<Semaphore>) -> Result<(), Failure> {
    let mut number = line.number(&store).await?;
    loop {
        number += 1;
        match line {
            Line::SignIn(_) => sign_ins.add_permits(1),
            _ => sign_ins.acquire_many(SIGN_INS).await.map_err(failed)?.forget(),
        }
        let committed = store.commit(Vec::new(), line.writes(number)).await?;
        if committed != Committed::Done {
            return Err(Failure::new("a commit without guards was refused"));
        }
        writeln!(io::stdout().lock(), "{line} {number}").map_err(failed)?;
    }
}
