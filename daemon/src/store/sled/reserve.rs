//! Room that is kept for the day on which the disk is full.
//!
//! On a full disk sled does not even open, and a restarted daemon could let nobody in who would
//! free some room. So a file keeps a little of it; it is removed when there is none left, and made
//! again when there is.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::{fd::AsFd, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::fcntl::posix_fallocate;

use super::writer::RESERVE;

/// The file in the database's folder.
const FILE: &str = "reserve";
/// Its size: the room that a group of commits always leaves ([`RESERVE`]), and as much again for
/// sled's next segments (512 KiB each) and snapshot, and for some thousand sign-ins of about 400
/// bytes. (64 KiB, as threats.md F3 has it, are less than sled's smallest step.)
const SIZE: u64 = 2 * RESERVE;
/// Room from which on it is made: so much that it does not bring about what it is for.
const AMPLE: u64 = 8 * SIZE;

/// Whether the room is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Held {
    Kept,
    /// It was given up.
    Given,
    /// The file system does not keep room.
    Impossible,
}

/// The room of one database.
#[derive(Debug)]
pub(super) struct Reserve {
    dir: PathBuf,
    held: Held,
}

impl Reserve {
    /// Looks whether it is there.
    pub(super) fn find(dir: &Path) -> Self {
        let there = fs::metadata(dir.join(FILE)).is_ok_and(|facts| facts.len() == SIZE);
        Self { dir: dir.to_owned(), held: if there { Held::Kept } else { Held::Given } }
    }

    /// Gives the room up; tells whether there was any. An error is for the next write to meet.
    pub(super) fn give_up(&mut self) -> bool {
        if self.held != Held::Kept {
            return false;
        }
        self.held = Held::Given;
        // A journal keeps the room until the removal is on the disk.
        let removed = fs::remove_file(self.dir.join(FILE));
        removed.and_then(|()| File::open(&self.dir)?.sync_all()).is_ok()
    }

    /// Makes it again if there is ample room. That this fails harms nobody, and it is not tried
    /// again before the next start.
    pub(super) fn refill(&mut self, room: u64) {
        if self.held == Held::Given && room > AMPLE {
            self.held = if self.make().is_ok() { Held::Kept } else { Held::Impossible };
        }
    }

    /// Takes the room without writing it: what is all zeros takes none on a file system that
    /// compresses.
    fn make(&self) -> io::Result<()> {
        let path = self.dir.join(FILE);
        let file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        let size = i64::try_from(SIZE).map_err(io::Error::other)?;
        let made = posix_fallocate(file.as_fd(), 0, size).map_err(io::Error::from);
        // What is there in part is no reserve, and it takes room all the same.
        made.inspect_err(|_| drop(fs::remove_file(&path)))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{AMPLE, FILE, Reserve, SIZE};

    #[test]
    fn room_is_kept_while_there_is_ample_given_up_once_and_made_again() {
        use std::os::unix::fs::MetadataExt;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(FILE);
        let mut reserve = Reserve::find(home.path());
        reserve.refill(AMPLE);
        assert!(!path.exists() && !reserve.give_up());
        reserve.refill(AMPLE + 1);
        assert!(fs::metadata(&path).unwrap().blocks() * 512 >= SIZE, "it keeps no room");
        let mut reserve = Reserve::find(home.path());
        assert!(reserve.give_up() && !path.exists());
        assert!(!reserve.give_up());
        reserve.refill(u64::MAX);
        assert!(path.exists());
    }
}
