//! Checks the chain of the log: is every line there, and as it was written?

use std::{fs, io, path::Path};

use super::{
    files::{self, Named},
    line::{self, Entry, Hash},
};
use crate::record::LogHead;

/// What is wrong at the first place where something is.
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

/// The first place where the chain is broken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wrong {
    /// What is wrong.
    pub kind: Kind,
    /// The name of the file; empty if there is none.
    pub file: String,
    /// The line in it, from 1 on.
    pub line: u64,
}

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
    /// What is wrong first; `None` if nothing is.
    pub wrong: Option<Wrong>,
}

/// What the chain must reach.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The head that the database keeps: from the last sync that it has heard of.
    pub kept: Option<&'a LogHead>,
    /// The head that the writer has in memory; lines behind it came later.
    pub live: Option<&'a LogHead>,
}

/// Checks all files of a folder against what is known of the chain's end.
///
/// # Errors
///
/// What the system says.
pub(super) fn check(folder: &Path, known: Known<'_>) -> io::Result<Report> {
    let mut walk = Walk { report: Report::default(), chain: None, known };
    let mut last = String::new();
    let found = files::list(folder)?;
    if let Some(wrong) = walk.before_the_first(found.first()) {
        walk.report.wrong = Some(wrong);
        return Ok(walk.report);
    }
    for file in &found {
        if walk.is_at_the_end() {
            break;
        }
        last = file.name();
        walk.report.files += 1;
        walk.file(file, &fs::read(&file.path)?);
        if walk.report.wrong.is_some() {
            return Ok(walk.report);
        }
    }
    let reached = walk.chain.map_or(0, |(seq, _)| seq);
    let heads = [known.kept, known.live];
    if heads.into_iter().flatten().any(|head| reached < head.seq) {
        let line = walk.report.last.saturating_sub(found.last().map_or(0, |file| file.first)) + 2;
        walk.report.wrong = Some(Wrong { kind: Kind::Truncated, file: last, line });
    }
    Ok(walk.report)
}

/// A walk along the chain.
struct Walk<'a> {
    report: Report,
    /// Number and hash of the line before.
    chain: Option<(u64, Hash)>,
    known: Known<'a>,
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
        missing.then_some(Wrong { kind: Kind::FileMissing, file, line: 1 })
    }

    /// Tells whether the writer has not been any farther.
    fn is_at_the_end(&self) -> bool {
        match (self.known.live, self.chain) {
            (Some(live), Some((seq, _))) => seq >= live.seq,
            _ => false,
        }
    }

    fn file(&mut self, file: &Named, bytes: &[u8]) {
        let mut position = 0;
        for line in files::lines(bytes) {
            if self.is_at_the_end() {
                return;
            }
            position += 1;
            if let Err(kind) = self.line(file, position, line) {
                self.report.wrong = Some(Wrong { kind, file: file.name(), line: position });
                return;
            }
        }
        if !bytes.is_empty() && !bytes.ends_with(b"\n") && !self.is_at_the_end() {
            // Without a writer nobody is about to end it: its end was taken, or the host died.
            let kind = if self.known.live.is_some() { Kind::Truncated } else { Kind::Altered };
            self.report.wrong = Some(Wrong { kind, file: file.name(), line: position + 1 });
        }
    }

    fn line(&mut self, file: &Named, position: u64, bytes: &[u8]) -> Result<(), Kind> {
        let entry = line::read(bytes).ok_or(Kind::Altered)?;
        let before = if position == 1 { self.first_line(file, &entry)? } else { self.before()? };
        if let Some((seq, _)) = self.chain
            && entry.seq != seq + 1
        {
            return Err(Kind::LinesMissing);
        }
        if !line::is_sealed(bytes, &before) {
            return Err(Kind::Altered);
        }
        let hash = line::hash_of_hex(entry.hash.as_bytes()).ok_or(Kind::Altered)?;
        let heads = [self.known.kept, self.known.live];
        if heads.into_iter().flatten().any(|head| head.seq == entry.seq && head.hash != hash) {
            return Err(Kind::Altered);
        }
        if self.report.lines == 0 {
            self.report.first = entry.seq;
        }
        self.report.lines += 1;
        self.report.last = entry.seq;
        self.chain = Some((entry.seq, hash));
        Ok(())
    }

    /// Returns the hash before the first line of a file: what the file before ended with, or
    /// what this one says if that was rotated away.
    fn first_line(&self, file: &Named, entry: &Entry) -> Result<Hash, Kind> {
        let says = entry.prev.as_deref().and_then(|prev| line::hash_of_hex(prev.as_bytes()));
        let says = says.ok_or(Kind::Altered)?;
        if entry.seq != file.first {
            return Err(Kind::Altered);
        }
        match self.chain {
            Some((seq, _)) if entry.seq > seq + 1 => Err(Kind::FileMissing),
            Some((_, hash)) if hash != says => Err(Kind::Altered),
            None if entry.seq == 1 && says != Hash::default() => Err(Kind::Altered),
            _ => Ok(says),
        }
    }

    fn before(&self) -> Result<Hash, Kind> {
        self.chain.map(|(_, hash)| hash).ok_or(Kind::Altered)
    }
}

#[cfg(test)]
mod tests;
