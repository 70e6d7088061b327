//! The clock of the processes of one scenario (`harness/fake_clock.c`). The machine's own is never
//! set, and no scenario waits.

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicI64, Ordering},
};

use crate::pam_host::built;

/// The first moment of each scenario: 1 January 2030, ten seconds into a step of 30 and of 60 s.
const FIRST: i64 = 1_893_456_010;

/// Two hands: the time that passed for everybody, and by how much the wall clock was set.
pub struct FakeClock {
    file: File,
    path: PathBuf,
    passed: AtomicI64,
    set: AtomicI64,
}

impl FakeClock {
    /// Makes a clock whose file lies in `folder`.
    pub fn new(folder: &Path) -> Self {
        let path = folder.join("clock");
        let file = File::create(&path).unwrap();
        let clock = Self { file, path, passed: AtomicI64::new(FIRST), set: AtomicI64::new(0) };
        clock.write();
        clock
    }

    /// Lets seconds pass.
    pub fn advance(&self, seconds: i64) {
        self.passed.fetch_add(seconds, Ordering::SeqCst);
        self.write();
    }

    /// Sets the wall clock to so many seconds beside the true time.
    pub fn set(&self, beside: i64) {
        self.set.store(beside, Ordering::SeqCst);
        self.write();
    }

    /// Returns the true time, in Unix seconds: the one that a token goes by.
    pub fn true_time(&self) -> u64 {
        self.passed.load(Ordering::SeqCst).unsigned_abs()
    }

    /// Has a process go by this clock.
    pub fn govern(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &built().fake_clock).env("FOB_TEST_CLOCK", &self.path);
    }

    fn write(&self) {
        // One hand at a time, each in one write: a reader sees old or new, and looks again.
        for (hand, at) in [(&self.passed, 0), (&self.set, 8)] {
            let bytes = hand.load(Ordering::SeqCst).to_ne_bytes();
            self.file.write_all_at(&bytes, at).unwrap();
        }
    }
}
