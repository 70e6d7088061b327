//! The quick look into the host's own file of users.
//!
//! Where the host asks that file first (nsswitch.conf(5)), what stands there is the name service's
//! answer, and a sign-in need not wait for a thread that asks it. What is not plain here, absence
//! among it, says nothing: then the name service is asked.
//!
//! What the files say is kept, and stat(2) tells at each look-up whether they are still the same: a
//! user who was added, renamed or removed is seen at once. (On NFS, one whom another host removed is
//! seen when this host's cache of attributes has run out: nfs(5), `acregmax`, 60 s.)

use std::{
    collections::HashMap,
    fs::{self, File, Metadata},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{decide::Now, record::Owner};

const SWITCH: &str = "/etc/nsswitch.conf";
const PASSWD: &str = "/etc/passwd";
/// Most bytes of such a file: some 2500 users. It is read when it changed, not for each sign-in.
const LARGEST: u64 = 128 << 10;
/// Most bytes of a file that is read for each look-up, since what it says cannot be kept: some three
/// hundred users. A larger one takes longer to read than a thread to wake up, and holds others up
/// meanwhile.
const LARGEST_UNKEPT: u64 = 16 << 10;
/// The coarsest time stamps of a file system, in seconds: FAT's.
const COARSEST: i64 = 2;

/// The host's own files that say which users there are, and what they said when they were read last.
#[derive(Debug)]
pub struct Files {
    switch: PathBuf,
    passwd: PathBuf,
    kept: Mutex<Option<Arc<Known>>>,
}

impl Files {
    /// Returns this host's files. None is read yet.
    pub(super) fn of_host() -> Self {
        Self { switch: SWITCH.into(), passwd: PASSWD.into(), kept: Mutex::default() }
    }

    /// Looks a name up, and how the file calls its uid. `now` is the time of the clock that stamps
    /// the files, if it is known, read before this call.
    pub(super) fn find(&self, name: &str, now: Option<Now>) -> Option<Owner> {
        self.known(now)?.index.find(name)
    }

    /// Looks a uid up; `now` as in [`Files::find`].
    pub(super) fn find_uid(&self, uid: u32, now: Option<Now>) -> Option<Owner> {
        self.known(now)?.index.find_uid(uid)
    }

    /// Returns what the files say; `None` if they cannot be read, or change meanwhile.
    fn known(&self, now: Option<Now>) -> Option<Arc<Known>> {
        let stamps = self.stamps().ok()?;
        let kept = self.kept().clone();
        if let Some(kept) = kept
            && kept.stamps == stamps
        {
            return Some(kept);
        }
        let is_settled = stamps.iter().all(|stamp| stamp.is_settled(now));
        let known = Arc::new(self.read(if is_settled { LARGEST } else { LARGEST_UNKEPT })?);
        if is_settled && known.stamps == stamps {
            // The former one is freed when the lock is open again.
            let _former = self.kept().replace(Arc::clone(&known));
        }
        Some(known)
    }

    fn stamps(&self) -> io::Result<[Stamp; 2]> {
        Ok([Stamp::of(&fs::metadata(&self.switch)?), Stamp::of(&fs::metadata(&self.passwd)?)])
    }

    /// Reads both files, of each at most so many bytes.
    fn read(&self, most: u64) -> Option<Known> {
        let (switch, text) = read(&File::open(&self.switch).ok()?, most)?;
        let is_asked_first = is_asked_first(&text);
        let (passwd, text) = read(&File::open(&self.passwd).ok()?, most)?;
        let index = if is_asked_first { Index::of(&text) } else { Index::default() };
        Some(Known { stamps: [switch, passwd], index })
    }

    fn kept(&self) -> MutexGuard<'_, Option<Arc<Known>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What both files said, and their stamps then.
#[derive(Debug)]
struct Known {
    stamps: [Stamp; 2],
    index: Index,
}

/// What differs between a file and another in its place, or the same after a change (stat(2)).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stamp {
    dev: u64,
    ino: u64,
    size: u64,
    /// Unix seconds and nanoseconds, as the next one.
    modified: (i64, i64),
    /// Of the last change, be it of the content or of the rest. Nobody sets it, unlike the former.
    changed: (i64, i64),
}

impl Stamp {
    fn of(file: &Metadata) -> Self {
        Self {
            dev: file.dev(),
            ino: file.ino(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }

    /// Tells whether every change from `now` on leads to another stamp. One within the same tick of
    /// the file system's clock may not; and a stamp of the future says that a clock was set back,
    /// and may come to pass again.
    fn is_settled(self, now: Option<Now>) -> bool {
        let now = now.and_then(|now| i64::try_from(now.0).ok());
        let age = now.and_then(|now| now.checked_sub(self.changed.0));
        // Of both times the fraction was cut off: they may be a second closer than it seems.
        age.is_some_and(|age| age > COARSEST)
    }
}

/// Reads a file; `None` if that fails, or it changes meanwhile. One of more than `most` bytes, or that
/// is no text, is empty here: it says nothing.
fn read(file: &File, most: u64) -> Option<(Stamp, String)> {
    steadily(file, |stamp| {
        let mut bytes = Vec::new();
        if stamp.size <= most {
            bytes.reserve_exact(usize::try_from(stamp.size).ok()?.saturating_add(1));
            // A file that somebody writes to may grow for as long as it is read.
            let mut rest = file.take(stamp.size + 1);
            rest.read_to_end(&mut bytes).ok().filter(|read| *read as u64 == stamp.size)?;
        }
        Some(String::from_utf8(bytes).unwrap_or_default())
    })
}

/// Does something with an open file; `None` if that does, or if the file has changed meanwhile.
fn steadily<T>(file: &File, work: impl FnOnce(Stamp) -> Option<T>) -> Option<(Stamp, T)> {
    let stamp = || file.metadata().ok().map(|file| Stamp::of(&file));
    let before = stamp()?;
    let done = work(before)?;
    (stamp()? == before).then_some((before, done))
}

/// Tells whether users are looked for in the file first, and taken from there if they are found.
fn is_asked_first(switch: &str) -> bool {
    let lines = switch.lines().map(|line| line.split('#').next().unwrap_or_default());
    let mut services = lines.filter_map(|line| {
        line.trim_start().strip_prefix("passwd")?.trim_start().strip_prefix(':')
    });
    let (Some(services), None) = (services.next(), services.next()) else { return false };
    let mut words = services.split_ascii_whitespace();
    // An action in brackets may say to go on, or to merge.
    words.next() == Some("files") && words.next().is_none_or(|word| !word.starts_with('['))
}

/// The users of a file in the form of passwd(5), up to the first line that is not plain.
#[derive(Debug, Default)]
struct Index {
    /// The first uid of each name.
    uids: HashMap<Arc<str>, u32>,
    /// The first name of each uid.
    names: HashMap<u32, Arc<str>>,
}

impl Index {
    fn of(passwd: &str) -> Self {
        let mut index = Self::default();
        for user in users(passwd) {
            let name: Arc<str> = user.name.into();
            index.names.entry(user.uid).or_insert_with(|| Arc::clone(&name));
            index.uids.entry(name).or_insert(user.uid);
        }
        index
    }

    /// Looks a name up, and how its uid is called.
    fn find(&self, name: &str) -> Option<Owner> {
        self.find_uid(*self.uids.get(name)?)
    }

    fn find_uid(&self, uid: u32) -> Option<Owner> {
        self.names.get(&uid).map(|name| Owner { uid, name: name.as_ref().to_owned() })
    }
}

/// What a line says of a user (passwd(5)).
#[derive(Clone, Copy)]
struct User<'a> {
    name: &'a str,
    uid: u32,
}

/// Lists the users before the first line that is not plain. What the name service makes of such a
/// line is its own business (it skips blanks and takes a sign, say), and it may be the user who is
/// looked for: nothing behind it counts.
fn users(passwd: &str) -> impl Iterator<Item = User<'_>> {
    passwd.lines().map_while(user)
}

/// Reads one line; `None` if it is not plain.
fn user(line: &str) -> Option<User<'_>> {
    let mut fields = line.splitn(4, ':');
    let (name, _, uid, rest) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let gid = rest.split(':').next()?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let first = name.bytes().next()?;
    let is_plain = is_number(uid)
        && is_number(gid)
        && rest.bytes().filter(|byte| *byte == b':').count() == 3
        && (first.is_ascii_alphanumeric() || first == b'_');
    is_plain.then_some(User { name, uid: uid.parse().ok()? })
}

#[cfg(test)]
mod tests;
