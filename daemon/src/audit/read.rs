//! Reads the log: the events that somebody asks for, a bounded part of the files at a time.

use std::{fs, io, path::Path};

use fob_api::Serial;

use super::{
    files,
    line::{self, Entry},
};

/// Bytes of files that one call reads, so that it ends soon; the caller asks on from where it
/// ended.
const AT_ONCE: u64 = 8 << 20;

/// From which end the log is read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum From {
    /// From the line after `after` on, forwards.
    #[default]
    Oldest,
    /// From the line before `before` on, backwards.
    Newest,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Query {
    /// From which end.
    pub from: From,
    /// Only lines after this one.
    pub after: u64,
    /// Only lines before this one.
    pub before: u64,
    /// Most events.
    pub limit: usize,
    /// Only events about this user.
    pub user: Option<String>,
    /// Only events about this token.
    pub serial: Option<String>,
    /// Only events of this name, or with this verdict.
    pub event: Option<String>,
    /// Only events of this Unix time or later.
    pub since: Option<u64>,
    /// Only events before this Unix time.
    pub until: Option<u64>,
}

impl Query {
    fn takes(&self, entry: &Entry) -> bool {
        let field = |name: &str| entry.fields.get(name).map(String::as_str);
        let serials = [field("serial"), field("old")].into_iter().flatten();
        let is_serial = |asked: &str| serials.into_iter().any(|serial| is_same(serial, asked));
        entry.seq > self.after
            && entry.seq < self.before
            && self.since.is_none_or(|since| entry.time >= since)
            && self.until.is_none_or(|until| entry.time < until)
            && self.user.as_deref().is_none_or(|user| field("user") == Some(user))
            && self.serial.as_deref().is_none_or(is_serial)
            && self
                .event
                .as_deref()
                .is_none_or(|event| entry.event == event || field("verdict") == Some(event))
    }
}

/// Compares two spellings of a serial.
fn is_same(one: &str, other: &str) -> bool {
    match (Serial::typed(one), Serial::typed(other)) {
        (Ok(one), Ok(other)) => one.reads_as(&other),
        _ => one == other,
    }
}

/// What was found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Found {
    /// The events, the oldest first.
    pub entries: Vec<Entry>,
    /// The last line that was looked at: to go on, ask for those after it; backwards for those
    /// before it, until it is 0.
    pub reached: u64,
}

/// Reads the events of a folder that are asked for.
///
/// # Errors
///
/// What the system says.
pub(super) fn read(folder: &Path, query: &Query) -> io::Result<Found> {
    read_within(folder, query, AT_ONCE)
}

/// Reads so many bytes of files, and what is left of the last one.
fn read_within(folder: &Path, query: &Query, bytes: u64) -> io::Result<Found> {
    let mut files = files::list(folder)?;
    match query.from {
        From::Oldest => {
            let begins = files.partition_point(|file| file.first <= query.after.saturating_add(1));
            files.drain(..begins.saturating_sub(1));
            forwards(&files, query, bytes)
        }
        From::Newest => {
            files.retain(|file| file.first < query.before);
            backwards(&files, query, bytes)
        }
    }
}

fn forwards(files: &[files::Named], query: &Query, most: u64) -> io::Result<Found> {
    let mut found = Found { reached: query.after, ..Found::default() };
    let mut read = 0;
    for file in files {
        let Some(bytes) = contents(file)? else { continue };
        for entry in files::lines(&bytes).filter_map(line::read) {
            if found.entries.len() >= query.limit {
                return Ok(found);
            }
            found.reached = found.reached.max(entry.seq);
            found.entries.extend(Some(entry).filter(|entry| query.takes(entry)));
        }
        read += bytes.len() as u64;
        if read >= most {
            break;
        }
    }
    Ok(found)
}

fn backwards(files: &[files::Named], query: &Query, most: u64) -> io::Result<Found> {
    let mut found = Found::default();
    let mut read = 0;
    'files: for file in files.iter().rev() {
        let Some(bytes) = contents(file)? else { continue };
        for entry in files::lines(&bytes).rev().filter_map(line::read) {
            if found.entries.len() >= query.limit {
                break 'files;
            }
            found.reached = entry.seq;
            found.entries.extend(Some(entry).filter(|entry| query.takes(entry)));
        }
        read += bytes.len() as u64;
        let is_oldest = files.first() == Some(file);
        if is_oldest {
            found.reached = 0;
        }
        if read >= most {
            break;
        }
    }
    found.entries.reverse();
    Ok(found)
}

/// Reads a file; `None` if it was rotated away meanwhile.
fn contents(file: &files::Named) -> io::Result<Option<Vec<u8>>> {
    match fs::read(&file.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

#[cfg(test)]
mod tests;
