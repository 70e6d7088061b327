//! Checks the chain of the log: is every line there, and as it was written?

use std::{fs, io, path::Path};

use super::{
    files::{self, Named},
    line::{self, Entry, Hash},
};
use crate::record::LogHead;

/// What is wrong at a place of the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// The line is not as it was written, or one was added.
    Altered,
    /// A file is missing, before or between the others.
    FileMissing,
    /// Lines are missing before this one, or their order is another.
    LinesMissing,
    /// Lines are missing at the end.
    Truncated,
}

impl Kind {
    /// Returns the word for it on the bus.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::FileMissing => "file_missing",
            Self::LinesMissing => "lines_missing",
            Self::Truncated => "truncated",
        }
    }
}

/// A place where the chain is broken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wrong {
    /// What is wrong.
    pub kind: Kind,
    /// The name of the file; empty if there is none.
    pub file: String,
    /// The line in it, from 1 on.
    pub line: u64,
    /// The number that the line says it has; `None` if it says none, or there is no line.
    pub seq: Option<u64>,
}

/// Most breaks that a report names: a log that is broken at more places has been damaged as a
/// whole, and a reply has room for these.
const NAMED: usize = 100;

/// What a check found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// Files that were looked at.
    pub files: u32,
    /// Whole lines that are as they were written.
    pub lines: u64,
    /// Number of the first line.
    pub first: u64,
    /// Number of the last line that was checked.
    pub last: u64,
    /// What is wrong, in the order of the log; nothing if the log is whole. The first
    /// hundred of them.
    pub wrong: Vec<Wrong>,
    /// How many more there are.
    pub more: u64,
}

impl Report {
    fn blame(&mut self, wrong: Wrong) {
        if self.wrong.len() < NAMED { self.wrong.push(wrong) } else { self.more += 1 }
    }
}

/// What the chain must reach.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The head that the database keeps: from the last sync that it has heard of.
    pub kept: Option<&'a LogHead>,
    /// The head that the writer has in memory; lines behind it came later.
    pub live: Option<&'a LogHead>,
}

/// Checks all files of a folder against what is known of the chain's end. Behind a break the check
/// goes on with what the log itself says there, so that one break hides no other.
///
/// # Errors
///
/// What the system says.
pub(super) fn check(folder: &Path, known: Known<'_>) -> io::Result<Report> {
    let mut walk = Walk { report: Report::default(), chain: None, known };
    let mut last = String::new();
    let found = files::list(folder)?;
    if let Some(wrong) = walk.before_the_first(found.first()) {
        walk.report.blame(wrong);
    }
    for file in &found {
        if walk.is_at_the_end() {
            break;
        }
        last = file.name();
        walk.report.files += 1;
        walk.file(file, &fs::read(&file.path)?);
    }
    let reached = walk.reached();
    let heads = [known.kept, known.live];
    let is_cut = heads.into_iter().flatten().any(|head| reached < head.seq);
    // Without a file it has been said already that one is missing.
    if is_cut && (!found.is_empty() || walk.report.wrong.is_empty()) {
        let line =
            reached.saturating_sub(found.last().map_or(0, |file| file.first)).saturating_add(2);
        walk.report.blame(Wrong { kind: Kind::Truncated, file: last, line, seq: None });
    }
    Ok(walk.report)
}

/// A walk along the chain.
struct Walk<'a> {
    report: Report,
    /// The line before; `None` before the first.
    chain: Option<Link>,
    known: Known<'a>,
}

/// Where the chain stands behind a line.
struct Link {
    seq: u64,
    before: Before,
}

/// What the next line is sealed with.
enum Before {
    /// The hash of a line that is in order.
    Hash(Hash),
    /// One of the hashes that a broken line could have had: the one that it says, and the one that
    /// belongs to what it says otherwise. With neither, the next line cannot be checked.
    OneOf([Option<Hash>; 2]),
}

impl Walk<'_> {
    /// Finds out whether the oldest file is one that rotation would have left.
    fn before_the_first(&self, first: Option<&Named>) -> Option<Wrong> {
        let kept = self.known.kept?;
        let missing = match first {
            Some(file) => file.first > kept.oldest,
            None => kept.seq > 0,
        };
        let file = first.map(Named::name).unwrap_or_default();
        missing.then_some(Wrong { kind: Kind::FileMissing, file, line: 1, seq: None })
    }

    /// Returns the number of the last line, also of one that cannot be read.
    fn reached(&self) -> u64 {
        self.chain.as_ref().map_or(0, |link| link.seq)
    }

    /// Tells whether the writer has not been any farther.
    fn is_at_the_end(&self) -> bool {
        self.known.live.is_some_and(|live| self.chain.is_some() && self.reached() >= live.seq)
    }

    fn file(&mut self, file: &Named, bytes: &[u8]) {
        let mut position = 0;
        for line in files::lines(bytes) {
            if self.is_at_the_end() {
                return;
            }
            position += 1;
            self.line(file, position, line);
        }
        if !bytes.is_empty() && !bytes.ends_with(b"\n") && !self.is_at_the_end() {
            // Without a writer nobody is about to end it: its end was taken, or the host died.
            let kind = if self.known.live.is_some() { Kind::Truncated } else { Kind::Altered };
            let (file, line) = (file.name(), position + 1);
            self.report.blame(Wrong { kind, file, line, seq: None });
        }
    }

    /// Takes the next line, whatever is wrong with it.
    fn line(&mut self, file: &Named, position: u64, bytes: &[u8]) {
        let entry = line::read(bytes);
        let checked = match &entry {
            Some(entry) => self.judge(file, position, (bytes, entry)),
            None => Err(Kind::Altered),
        };
        let seq = entry.as_ref().map(|entry| entry.seq);
        let believed = checked.is_ok() || entry.as_ref().is_some_and(|entry| self.may_be(entry));
        let before = match checked {
            // Neither in order nor broken, as far as anybody can tell.
            _ if entry.is_some() && self.is_behind_the_unreadable(position) => self.behind(bytes),
            Ok(hash) => {
                if self.report.lines == 0 {
                    self.report.first = seq.unwrap_or_default();
                }
                self.report.lines += 1;
                self.report.last = seq.unwrap_or_default();
                Before::Hash(hash)
            }
            Err(kind) => {
                let broken = Wrong { kind, file: file.name(), line: position, seq };
                self.report.blame(broken);
                self.behind(bytes)
            }
        };
        let next = self.chain.as_ref().map_or(file.first, |link| link.seq.saturating_add(1));
        self.chain = Some(Link { seq: seq.filter(|_| believed).unwrap_or(next), before });
    }

    /// Tells whether the number of a line that is not in order may be taken for its own. One that
    /// says that it is the last would end the check before what is behind it.
    fn may_be(&self, entry: &Entry) -> bool {
        self.known.live.or(self.known.kept).is_none_or(|head| {
            let is_head = || line::hash_of_hex(entry.hash.as_bytes()) == Some(head.hash);
            entry.seq < head.seq || (entry.seq == head.seq && is_head())
        })
    }

    /// Returns the hash of a line that is in order.
    fn judge(&self, file: &Named, position: u64, (bytes, entry): Line<'_>) -> Result<Hash, Kind> {
        let before = if position == 1 {
            [Some(self.first_line(file, entry)?), None]
        } else {
            self.before().ok_or(Kind::Altered)?
        };
        if let Some(link) = &self.chain
            && Some(entry.seq) != link.seq.checked_add(1)
        {
            return Err(Kind::LinesMissing);
        }
        if !before.into_iter().flatten().any(|before| line::is_sealed(bytes, &before)) {
            return Err(Kind::Altered);
        }
        let hash = line::hash_of_hex(entry.hash.as_bytes()).ok_or(Kind::Altered)?;
        let heads = [self.known.kept, self.known.live];
        if heads.into_iter().flatten().any(|head| head.seq == entry.seq && head.hash != hash) {
            return Err(Kind::Altered);
        }
        Ok(hash)
    }

    /// Returns the hash before the first line of a file: what the file before ended with, or
    /// what this one says if that was rotated away.
    fn first_line(&self, file: &Named, entry: &Entry) -> Result<Hash, Kind> {
        let says = entry.prev.as_deref().and_then(|prev| line::hash_of_hex(prev.as_bytes()));
        let says = says.ok_or(Kind::Altered)?;
        if entry.seq != file.first {
            return Err(Kind::Altered);
        }
        match &self.chain {
            Some(link) if entry.seq > link.seq.saturating_add(1) => Err(Kind::FileMissing),
            Some(Link { before: Before::Hash(hash), .. }) if *hash != says => Err(Kind::Altered),
            None if entry.seq == 1 && says != Hash::default() => Err(Kind::Altered),
            _ => Ok(says),
        }
    }

    fn before(&self) -> Option<[Option<Hash>; 2]> {
        Some(match self.chain.as_ref()?.before {
            Before::Hash(hash) => [Some(hash), None],
            Before::OneOf(hashes) => hashes,
        })
    }

    /// Tells whether the hash before this line is lost; the first line of a file says it itself.
    fn is_behind_the_unreadable(&self, position: u64) -> bool {
        position > 1 && self.before() == Some([None, None])
    }

    /// Returns what the line behind one that is not known to be in order may be sealed with.
    fn behind(&self, bytes: &[u8]) -> Before {
        let before = self.before().and_then(|[before, _]| before);
        let belongs = before.and_then(|before| line::hash(bytes, &before));
        Before::OneOf([line::said_hash(bytes), belongs])
    }
}

/// A line, and what it says.
type Line<'a> = (&'a [u8], &'a Entry);

#[cfg(test)]
mod tests;
