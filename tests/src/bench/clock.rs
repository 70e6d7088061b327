//! The clock that all contenders go by, and the counts of syncs (`tests/bench/clock.c`).

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicI64, Ordering},
};

/// The first moment of each run: 1 January 2030, ten seconds into a step of 30 s.
const FIRST: i64 = 1_893_456_010;
/// Numbers in the file.
const NUMBERS: usize = 7;

/// How often a program asked the kernel to write through to the disk, so that it stays through a
/// power cut (`sync_file_range` does not).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Syncs {
    /// fdatasync(2).
    pub(super) data: u64,
    /// fsync(2).
    pub(super) full: u64,
}

impl Syncs {
    /// Returns those since `earlier` that keep something.
    pub(super) fn durable_since(self, earlier: Self) -> u64 {
        (self.data + self.full).saturating_sub(earlier.data + earlier.full)
    }
}

/// The clock.
pub(super) struct Clock {
    file: File,
    path: PathBuf,
    now: AtomicI64,
}

impl Clock {
    /// Makes a clock whose file lies in `folder`.
    pub(super) fn new(folder: &Path) -> Self {
        let path = folder.join("clock");
        let file = File::options().create(true).truncate(true).read(true).write(true).open(&path);
        let file = file.unwrap();
        file.set_len(NUMBERS as u64 * 8).unwrap();
        let clock = Self { file, path, now: AtomicI64::new(FIRST) };
        clock.advance(0);
        clock
    }

    /// Lets seconds pass for everybody.
    pub(super) fn advance(&self, seconds: i64) {
        let now = self.now.fetch_add(seconds, Ordering::SeqCst) + seconds;
        self.file.write_all_at(&now.to_ne_bytes(), 0).unwrap();
    }

    /// Returns the time in Unix seconds.
    pub(super) fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst).unsigned_abs()
    }

    /// Returns the path of its file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what fobd has synced so far.
    pub(super) fn fobd(&self) -> Syncs {
        self.syncs(1)
    }

    /// Returns what host programs have synced so far.
    pub(super) fn hosts(&self) -> Syncs {
        self.syncs(4)
    }

    fn syncs(&self, at: u64) -> Syncs {
        let [data, full] = [at, at + 1].map(|number| {
            let mut bytes = [0; 8];
            self.file.read_exact_at(&mut bytes, number * 8).unwrap();
            u64::from_ne_bytes(bytes)
        });
        Syncs { data, full }
    }
}
