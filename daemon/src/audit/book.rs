//! Writes the log: lines at the end of the newest file, a new file when that is large.
//!
//! A line is whole or it is cut off: whatever fails, the next line stands behind a whole one.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::{
    Event, Field, Name,
    files::{self, Gone, Named, Paper},
    line::{self, Hash, Place, Position, Record},
};
use crate::record::LogHead;

/// Files that are kept: with [`Paper::LARGE`] 64 MiB, the last 250 000 events, years of a usual
/// host.
const KEPT: usize = 16;

/// What writes the log.
pub(super) struct Book<P = File> {
    folder: PathBuf,
    page: Option<Page<P>>,
    seq: u64,
    hash: Hash,
    /// First line of the oldest file that must be there.
    oldest: u64,
}

/// The newest file.
struct Page<P> {
    paper: P,
    /// Bytes of whole lines.
    length: u64,
    /// Whether there may be more bytes than those.
    end: End,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum End {
    Whole,
    Torn,
}

/// What the end of the newest file says.
#[derive(Default)]
struct Tail {
    /// The last line that can be read: its number and hash.
    last: Option<(u64, Hash)>,
    /// Bytes up to the last line end.
    whole: u64,
    /// Bytes behind it.
    torn: u64,
}

impl<P: Paper> Book<P> {
    /// Opens the log in a folder, which is made if it is not there, and goes on behind its last
    /// whole line. Returns what there is to tell about it: a line that was not whole, or lines
    /// that the head in the database knows of and that are not there.
    ///
    /// What is missing stays visible: the next line follows the one that the head names.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn open(folder: &Path, head: Option<&LogHead>) -> io::Result<(Self, Vec<Event>)> {
        files::make_folder(folder)?;
        let mut told = Vec::new();
        let mut found = files::list(folder)?;
        let oldest = head.map(|head| head.oldest).or(found.first().map(|file| file.first));
        let mut last = None;
        let mut page = None;
        while let Some(newest) = found.pop() {
            let tail = tail(&fs::read(&newest.path)?);
            if tail.torn > 0 {
                told.push(
                    Event::new(Name::LogMended)
                        .with(Field::File, newest.name())
                        .with(Field::Bytes, tail.torn),
                );
            }
            let mut paper = P::open(&newest.path)?;
            paper.cut(tail.whole)?;
            if tail.whole > 0 {
                page = Some(Page { paper, length: tail.whole, end: End::Whole });
                last = tail.last;
                break;
            }
            // It was made, and nothing came of its first line.
            drop(paper);
            fs::remove_file(&newest.path)?;
        }
        let (mut seq, mut hash) = last.unwrap_or_default();
        if let Some(head) = head
            && (seq < head.seq || at(folder, head.seq)? != Some(head.hash))
        {
            let event =
                Event::new(Name::LogBroken).with(Field::Count, head.seq.saturating_sub(seq));
            told.push(event);
            (seq, hash) = (seq.max(head.seq), head.hash);
        }
        let book = Self { folder: folder.to_owned(), page, seq, hash, oldest: oldest.unwrap_or(1) };
        book.remove_before(book.oldest);
        Ok((book, told))
    }

    /// Writes a line, in a new file if the newest is large.
    ///
    /// # Errors
    ///
    /// What the system says; the line is not there then.
    pub(super) fn write(&mut self, record: &Record<'_>) -> io::Result<Turned> {
        let turned = match &self.page {
            Some(page) if page.length < P::LARGE => Turned::No,
            _ => self.turn()?,
        };
        let page = self.page.as_mut().ok_or(io::ErrorKind::NotFound)?;
        if page.end == End::Torn {
            page.paper.cut(page.length)?;
            page.end = End::Whole;
        }
        let position = if page.length == 0 { Position::First } else { Position::Later };
        let place = Place { seq: self.seq + 1, before: self.hash, position };
        let (line, hash) = line::write(record, &place).ok_or(io::ErrorKind::InvalidData)?;
        if let Err(error) = page.paper.append(&line) {
            // Whatever of it stands there is cut off, now or before the next line.
            let cut = page.paper.cut(page.length);
            page.end = if cut.is_ok() { End::Whole } else { End::Torn };
            return Err(error);
        }
        page.length += line.len() as u64;
        (self.seq, self.hash) = (place.seq, hash);
        Ok(turned)
    }

    /// Makes all lines durable and returns the head of the chain.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn sync(&mut self) -> io::Result<LogHead> {
        if let Some(page) = &self.page {
            page.paper.sync()?;
            if page.paper.is_gone()? == Gone::Yes {
                // The next line makes a new file; the one that is gone will be missed.
                self.page = None;
            }
        }
        Ok(self.head())
    }

    /// Returns the head of the chain, durable or not.
    pub(super) fn head(&self) -> LogHead {
        LogHead { seq: self.seq, hash: self.hash, oldest: self.oldest }
    }

    /// Removes the files before the one that begins with this line: the database knows that they
    /// are not missing. What cannot be removed stays for the next time.
    pub(super) fn remove_before(&self, oldest: u64) {
        for file in files::list(&self.folder).unwrap_or_default() {
            if file.first < oldest.min(self.oldest) {
                let _ = fs::remove_file(&file.path);
            }
        }
    }

    /// Begins a new file.
    fn turn(&mut self) -> io::Result<Turned> {
        if let Some(page) = &self.page {
            page.paper.sync()?;
        }
        files::make_folder(&self.folder)?;
        let next = Named::of(&self.folder, self.seq + 1);
        let mut paper = P::open(&next.path)?;
        let length = paper.length()?;
        if length > 0 {
            // Nobody but this writer makes files of this name, and it did not.
            paper.cut(0)?;
        }
        files::sync_folder(&self.folder)?;
        self.page = Some(Page { paper, length: 0, end: End::Whole });
        let found = files::list(&self.folder)?;
        if let Some(file) = found.len().checked_sub(KEPT).and_then(|at| found.get(at)) {
            self.oldest = self.oldest.max(file.first);
        }
        Ok(Turned::Yes)
    }
}

/// Whether a new file was begun.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Turned {
    No,
    Yes,
}

/// Reads the end of a file.
fn tail(bytes: &[u8]) -> Tail {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let last = files::lines(bytes).rev().find_map(|line| {
        let entry = line::read(line)?;
        Some((entry.seq, line::hash_of_hex(entry.hash.as_bytes())?))
    });
    Tail { last, whole: whole as u64, torn: (bytes.len() - whole) as u64 }
}

/// Returns the hash that stands in the line of this number; zeros for the beginning.
fn at(folder: &Path, seq: u64) -> io::Result<Option<Hash>> {
    if seq == 0 {
        return Ok(Some(Hash::default()));
    }
    let found = files::list(folder)?;
    let Some(file) = found.iter().rfind(|file| file.first <= seq) else { return Ok(None) };
    let bytes = fs::read(&file.path)?;
    let entry = files::lines(&bytes).rev().filter_map(line::read).find(|entry| entry.seq == seq);
    Ok(entry.and_then(|entry| line::hash_of_hex(entry.hash.as_bytes())))
}

#[cfg(test)]
mod tests;
