//! The files of the log, which lie open to whoever can write there.

use std::{fmt::Write as _, fs, path::PathBuf};

use fobd::{
    audit::{Audit, From, Known, Query},
    clock::{Clock, Manual},
    record::LogHead,
};
use sha2::{Digest, Sha256};

/// Files, each behind a NUL but the first. Of the first byte the lowest bit says whether fobd's
/// hashes are put behind the lines: then the check looks at what they say. A log that is in order
/// is so no longer after any one byte of it was changed, and is read page by page, each event once.
/// Whatever stands there, the pages have an end.
pub(super) fn audit_log(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let mut files: Vec<Vec<u8>> = rest.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    let mut head = None;
    if choice & 1 == 1 {
        let mut before = [0; 32];
        files = files.iter().map(|file| sealed(file, &mut before)).collect();
        head = Some(before);
    }
    let log = Log::new(&files);
    let report = log.audit.check(Known::default()).unwrap();
    let ends = files.concat().iter().filter(|byte| **byte == b'\n').count();
    assert!(report.lines <= ends as u64 && report.files as usize <= files.len());
    if let ([], Some(hash), 1..) = (report.wrong.as_slice(), head, report.lines) {
        log.no_change_is_overlooked(LogHead { seq: report.last, hash, oldest: report.first });
    }
    for from in [From::Oldest, From::Newest] {
        let seen = log.read_in_pages(from);
        assert!(!report.wrong.is_empty() || seen as u64 == report.lines, "{seen} events of it");
    }
}

/// Puts the hash behind each line that could have one: JSON without its brace.
fn sealed(file: &[u8], before: &mut [u8; 32]) -> Vec<u8> {
    let mut sealed = Vec::new();
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        let Some(body) = line.strip_suffix(b"}\n") else {
            sealed.extend(line);
            continue;
        };
        *before = Sha256::new().chain_update(*before).chain_update(body).finalize().into();
        sealed.extend(body);
        let mut behind = ",\"hash\":\"".to_owned();
        before.iter().for_each(|byte| write!(behind, "{byte:02x}").unwrap());
        sealed.extend(behind.bytes().chain(*b"\"}\n"));
    }
    sealed
}

/// A log in a folder of its own.
struct Log {
    audit: Audit,
    files: Vec<PathBuf>,
    _folder: tempfile::TempDir,
}

impl Log {
    /// Lays files down, each named by the number that its first line says.
    fn new(files: &[Vec<u8>]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut paths: Vec<PathBuf> = Vec::new();
        for bytes in files {
            let digits: String = bytes
                .iter()
                .skip_while(|byte| !byte.is_ascii_digit())
                .copied()
                .take_while(u8::is_ascii_digit)
                .map(char::from)
                .collect();
            let first: u64 = digits.parse().unwrap_or(1);
            let path = folder.path().join(format!("{first:020}.jsonl"));
            fs::write(&path, bytes).unwrap();
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        let audit = Audit::host(folder.path().to_owned(), Clock::Manual(Manual::new(0)));
        Self { audit, files: paths, _folder: folder }
    }

    /// Changes a byte of each file, one after the other.
    fn no_change_is_overlooked(&self, head: LogHead) {
        let known = Known { kept: Some(&head), live: None };
        assert!(self.audit.check(known).unwrap().wrong.is_empty(), "its own head is not there");
        for path in &self.files {
            let bytes = fs::read(path).unwrap();
            for at in [0, bytes.len() / 3, bytes.len() / 2, bytes.len().saturating_sub(1)] {
                let mut changed = bytes.clone();
                let Some(byte) = changed.get_mut(at) else { continue };
                *byte ^= 1;
                fs::write(path, &changed).unwrap();
                let report = self.audit.check(known).unwrap();
                assert!(!report.wrong.is_empty(), "byte {at} was changed, and nobody noticed");
            }
            fs::write(path, bytes).unwrap();
        }
    }

    /// Reads all of it as `fobctl log` does, two events at a time; returns how many there were.
    fn read_in_pages(&self, from: From) -> usize {
        let mut query = Query {
            from,
            after: 0,
            before: u64::MAX,
            limit: 2,
            user: None,
            serial: None,
            event: None,
            since: None,
            until: None,
        };
        let mut seen = 0;
        loop {
            let found = self.audit.read(&query).unwrap();
            seen += found.entries.len();
            assert!(found.entries.len() <= query.limit);
            let asked = query.after + 1..query.before;
            assert!(found.entries.iter().all(|entry| asked.contains(&entry.seq)));
            match from {
                From::Oldest if found.entries.is_empty() => return seen,
                From::Oldest => query.after = found.reached,
                From::Newest if found.reached == 0 => return seen,
                From::Newest => {
                    assert!(found.reached < query.before, "it goes on where it was");
                    query.before = found.reached;
                }
            }
        }
    }
}
