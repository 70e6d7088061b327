//! A log in a folder of a test's own, on paper that may run out.

use std::{
    cell::Cell,
    fs::{self, File},
    io,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
};

use super::{
    Audit, Depth, Event, Field, Found, From, Name, Outlet, Query,
    book::{Book, Turned},
    check::{self, Known, Report, Wrong},
    files::{self, Gone, Paper},
    line::Record,
};
use crate::{clock::Clock, record::LogHead};

thread_local! {
    /// Bytes that the disk of this test still takes.
    static ROOM: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// A file on a disk that may be full.
pub(super) struct Scarce(File);

/// Lets the disk of this test take so many more bytes.
pub(super) fn room(bytes: usize) {
    ROOM.set(bytes);
}

impl Paper for Scarce {
    const LARGE: u64 = 16 << 10;

    fn open(path: &Path) -> io::Result<Self> {
        <File as Paper>::open(path).map(Self)
    }

    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let fits = bytes.len().min(ROOM.get());
        ROOM.set(ROOM.get() - fits);
        self.0.append(&bytes[..fits])?;
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.0.cut(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn is_gone(&self) -> io::Result<Gone> {
        self.0.is_gone()
    }
}

/// A folder with a log.
pub(super) struct Shelf(tempfile::TempDir);

impl Shelf {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.0.path().join("log")
    }

    /// Opens the log; returns also what there was to tell about it.
    pub(super) fn open(&self, head: Option<&LogHead>) -> (Book<Scarce>, Vec<String>) {
        let (book, told) = Book::open(&self.folder(), head).unwrap();
        (book, told.iter().map(Event::to_string).collect())
    }

    /// Writes so many lines about users by number, and returns the head.
    pub(super) fn written(&self, lines: u64) -> LogHead {
        let mut book = self.open(None).0;
        (1..=lines).for_each(|line| write(&mut book, line));
        book.sync().unwrap()
    }

    /// Fills the newest file with lines of 1 KiB until the next is begun.
    pub(super) fn fill(book: &mut Book<Scarce>) {
        let fields = [("user", "x".repeat(1 << 10))];
        let record = Record { time: 7, event: "verify", fields: &fields };
        let mut lines = 1;
        while book.write(&record).unwrap() == Turned::No || lines == 1 {
            lines += 1;
        }
    }

    /// The files, the oldest first.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        files::list(&self.folder()).unwrap().into_iter().map(|file| file.path).collect()
    }

    /// The newest file.
    pub(super) fn newest(&self) -> PathBuf {
        self.files().pop().unwrap()
    }

    /// Rewrites the newest file.
    pub(super) fn change(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.newest()).unwrap();
        change(&mut bytes);
        fs::write(self.newest(), bytes).unwrap();
    }

    /// Checks the log, with the head that the database has.
    pub(super) fn check(&self, kept: Option<&LogHead>) -> Report {
        check::check(&self.folder(), Known { kept, live: None }).unwrap()
    }
}

impl Report {
    /// Returns what is wrong first.
    pub(crate) fn first_wrong(&self) -> Option<Wrong> {
        self.wrong.first().cloned()
    }
}

/// Writes one line, about the user of this number, at ten times that Unix time.
pub(super) fn write(book: &mut Book<Scarce>, number: u64) {
    try_to_write(book, number).unwrap();
}

pub(super) fn try_to_write(book: &mut Book<Scarce>, number: u64) -> io::Result<Turned> {
    let event = if number.is_multiple_of(2) { Name::Verify } else { Name::Unlock };
    let user = (Field::User.word(), format!("user{number}"));
    let verdict = (Field::Verdict.word(), "reject".to_owned());
    let serial = (Field::Serial.word(), format!("a-{number}"));
    let fields = [user, verdict, serial];
    book.write(&Record { time: 10 * number, event: event.word(), fields: &fields })
}

/// A journal, and a log beside it.
pub(crate) struct House {
    folder: tempfile::TempDir,
    journal: UnixDatagram,
    pub(crate) audit: Audit,
}

impl House {
    pub(crate) fn new(clock: Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| -> PathBuf { folder.path().join(name) };
        let journal = UnixDatagram::bind(path("journal")).unwrap();
        journal.set_nonblocking(true).unwrap();
        let full = |_: &str| Err(std::io::ErrorKind::WouldBlock.into());
        let outlet = Outlet::new(Some(path("journal")), full);
        let audit = Audit::of(outlet, path("log"), clock);
        Self { folder, journal, audit }
    }

    /// Takes the datagrams that came out of the journal's queue.
    pub(crate) fn datagrams(&self) -> Vec<Vec<u8>> {
        let mut room = [0; 65_536];
        std::iter::from_fn(|| {
            let length = self.journal.recv(&mut room).ok()?;
            Some(room[..length].to_vec())
        })
        .collect()
    }

    /// Reads the whole log, as far as it was recorded.
    pub(crate) async fn log(&self) -> Found {
        self.audit.flush(Depth::File).await.unwrap();
        self.audit.read(&Query { limit: 100_000, ..everything() }).unwrap()
    }

    /// The text of the log's files, without the hashes: in those six digits stand by chance now
    /// and then.
    pub(crate) fn text(&self) -> String {
        let files = files::list(&self.folder.path().join("log")).unwrap();
        let text: String =
            files.into_iter().map(|file| fs::read_to_string(file.path).unwrap()).collect();
        let body = |line: &str| {
            line.split(",\"prev\"").next()?.split(",\"hash\"").next().map(str::to_owned)
        };
        text.lines().filter_map(body).collect()
    }
}

/// A query that takes every event.
pub(crate) fn everything() -> Query {
    Query {
        from: From::Oldest,
        after: 0,
        before: u64::MAX,
        limit: 500,
        user: None,
        serial: None,
        event: None,
        since: None,
        until: None,
    }
}
