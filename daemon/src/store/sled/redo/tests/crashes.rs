//! Random histories of sign-ins and administration, cut off at every step that makes something
//! durable, beside an oracle.
//!
//! Honest limits: what a disk loses is the last write, in part or whole, or all that was written to
//! the database since its last sync; it does not lose some pages of many.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use super::{SIZE, copy, state};
use crate::store::{
    Committed, Freshness, Key, Store, StoreError, Write,
    sled::{AnchorPlace, Disk, Medium, SledStore},
};

/// Lives of a store; each begins with what the last one has left.
const LIVES: u64 = 40;

/// Numbers that look random and are the same in each run (SplitMix64, Steele et al. 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// How a life ends at a step.
#[derive(Clone, Copy, Debug)]
enum End {
    /// It is done, and nobody hears of it.
    After,
    /// It is not done; a write in part.
    Before,
    /// As before, and the database has nothing of what came since its last sync.
    Lost,
}

/// What a step makes durable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Of {
    Database,
    Other,
}

/// What dies at a step, and leaves a copy of the folder.
#[derive(Clone)]
struct Mortal(Arc<Mutex<Fate>>);

struct Fate {
    dir: PathBuf,
    grave: PathBuf,
    /// The database as it was last synced.
    synced: Vec<u8>,
    /// Steps until the end.
    left: u64,
    end: End,
    /// How many bytes of a torn write are there.
    torn: usize,
    is_dead: bool,
}

impl Mortal {
    fn new(dir: &Path, grave: &Path, left: u64, random: &mut Random) -> Self {
        let end = [End::After, End::Before, End::Lost][random.below(3) as usize];
        let torn = random.below(400) as usize;
        let (dir, grave) = (dir.to_owned(), grave.to_owned());
        let (synced, is_dead) = (Vec::new(), false);
        Self(Arc::new(Mutex::new(Fate { dir, grave, synced, left, end, torn, is_dead })))
    }

    fn places(&self) -> (PathBuf, PathBuf) {
        let fate = self.0.lock().unwrap();
        (fate.dir.clone(), fate.grave.clone())
    }

    /// Does a step, or dies of it.
    fn step(
        &self,
        of: Of,
        whole: impl FnOnce() -> io::Result<()>,
        part: impl FnOnce(usize) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut fate = self.0.lock().unwrap();
        if let Some(left) = fate.left.checked_sub(1) {
            fate.left = left;
            whole()?;
            if of == Of::Database {
                fate.synced = fs::read(fate.dir.join("db"))?;
            }
            return Ok(());
        }
        assert!(!fate.is_dead, "it was asked again");
        fate.is_dead = true;
        match fate.end {
            End::After => whole()?,
            End::Before | End::Lost => part(fate.torn)?,
        }
        copy(&fate.dir, &fate.grave);
        if matches!(fate.end, End::Lost) {
            fs::write(fate.grave.join("db"), &fate.synced)?;
        }
        Err(io::Error::from_raw_os_error(5))
    }
}

impl Medium for Mortal {
    fn room(&mut self, file: &File) -> io::Result<u64> {
        Disk.room(file)
    }

    fn write(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let write = |bytes: &[u8]| file.write_all_at(bytes, offset);
        self.step(Of::Other, || write(bytes), |torn| write(&bytes[..torn.min(bytes.len() - 1)]))
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        let is_log = file.metadata()?.len() == SIZE as u64;
        let of = if is_log { Of::Other } else { Of::Database };
        self.step(of, || file.sync_data(), |_| Ok(()))
    }

    fn replace(&mut self, place: &AnchorPlace, anchor: &[u8]) -> io::Result<()> {
        self.step(Of::Other, || place.replace(anchor), |_| Ok(()))
    }
}

/// What should be there.
type Oracle = BTreeMap<Key, Vec<u8>>;

fn apply(oracle: &Oracle, writes: &[Write]) -> Oracle {
    let mut oracle = oracle.clone();
    for write in writes {
        match write.clone() {
            Write::Delete(key) => oracle.remove(&key),
            Write::Put(key, value) => oracle.insert(key, value),
        };
    }
    oracle
}

fn users() -> impl Iterator<Item = Key> {
    (0..3).chain(5000..5300).map(Key::user)
}

fn states() -> impl Iterator<Item = Key> {
    (0..4).map(state)
}

/// A commit of any sort.
fn commit(random: &mut Random) -> Vec<Write> {
    let value = vec![random.below(256) as u8; 40 + random.below(3000) as usize];
    let put = |key| Write::Put(key, value.clone());
    let (hot, cold) = (state(random.below(4) as u32), Key::user(random.below(3) as u32));
    match random.below(20) {
        0 => vec![Write::Delete(hot)],
        1 => vec![Write::Delete(cold)],
        2..=3 => vec![put(cold)],
        4 => vec![put(cold), put(hot)],
        5 => states().map(put).collect(),
        // A large one, all of the tokens' states among it.
        6 => users().chain(states()).map(|key| Write::Put(key, value[..40].to_vec())).collect(),
        _ => vec![put(hot)],
    }
}

/// Everything that is there.
async fn contents(store: &SledStore) -> Result<Oracle, StoreError> {
    let keys: Vec<_> = users().chain(states()).collect();
    let entries = store.get(&keys).await?.into_iter().flatten();
    Ok(entries.map(|entry| (entry.key, entry.value.to_vec())).collect())
}

/// How a life of a store has ended.
struct Left {
    /// What was confirmed.
    sure: Oracle,
    /// And with what was under way.
    perhaps: Oracle,
    freshness: &'static [Freshness],
}

/// Lives until the end, and leaves the folder in the grave.
async fn live(store: SledStore, medium: &Mortal, sure: Oracle, random: &mut Random) -> Left {
    let mut left = Left { perhaps: sure.clone(), sure, freshness: &[Freshness::Unclosed] };
    for _ in 0..20 {
        let writes = commit(random);
        left.perhaps = apply(&left.sure, &writes);
        match store.commit(Vec::new(), writes).await {
            Ok(Committed::Done) => left.sure = left.perhaps.clone(),
            Err(StoreError::Indeterminate | StoreError::Unavailable) => return left,
            other => panic!("{other:?}"),
        }
        match contents(&store).await {
            Ok(contents) => assert_eq!(contents, left.sure),
            // A large commit is answered before its way back is cleared; the medium may end at that.
            Err(StoreError::Unavailable) => return left,
            Err(other) => panic!("{other:?}"),
        }
    }
    let (dir, grave) = medium.places();
    if random.below(3) == 0 {
        // A kill while nobody asks for anything; what the test does with it afterwards is its own.
        medium.0.lock().unwrap().left = u64::MAX;
        copy(&dir, &grave);
    } else if store.close().await.is_ok() {
        // Not dropped before: sled's threads go on for a while then.
        copy(&dir, &grave);
        left.freshness = &[Freshness::Fresh];
    } else {
        // The last step may have been done.
        left.freshness = &[Freshness::Unclosed, Freshness::Fresh];
    }
    left
}

#[tokio::test]
async fn what_was_confirmed_is_there_after_every_end_and_nothing_is_older_or_halved() {
    let home = tempfile::tempdir().unwrap();
    let mut random = Random(5);
    let (mut dir, mut sure) = (home.path().join("0"), Oracle::new());
    let (mut unconfirmed, mut ends) = (0, [0; 2]);
    for life in 1..=LIVES {
        let grave = home.path().join(life.to_string());
        let steps = random.below(80);
        let medium = Mortal::new(&dir, &grave, steps, &mut random);
        let store = SledStore::open_on(&dir, medium.clone()).unwrap();
        medium.0.lock().unwrap().synced = fs::read(dir.join("db")).unwrap();
        assert!(contents(&store).await.unwrap() == sure, "life {life}");
        let left = live(store, &medium, sure, &mut random).await;
        ends[usize::from(medium.0.lock().unwrap().is_dead)] += 1;
        // Which of the two it is, whole, is seen by the next opening, and by the one after it.
        let seen = home.path().join("seen");
        copy(&grave, &seen);
        let store = SledStore::open(&seen).unwrap();
        assert!(left.freshness.contains(&store.freshness()), "life {life}");
        let found = contents(&store).await.unwrap();
        assert!(found == left.sure || found == left.perhaps, "life {life}: neither of the two");
        unconfirmed += u32::from(found != left.sure);
        drop(store);
        fs::remove_dir_all(&seen).unwrap();
        fs::remove_dir_all(&dir).unwrap();
        (dir, sure) = (grave, found);
    }
    assert!(unconfirmed > 5 && ends.iter().all(|count| *count > 5), "{unconfirmed} {ends:?}");
}
