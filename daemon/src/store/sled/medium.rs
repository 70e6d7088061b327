//! What makes written data durable: the disk, or in a test something that fails on command.

use std::{fs::File, io, os::unix::fs::FileExt as _, thread, time::Duration};

use nix::sys::statvfs::fstatvfs;

use super::anchor::AnchorPlace;

/// What the writer asks of the disk.
pub trait Medium: Send + 'static {
    /// Returns the bytes that may still be written to the file system of this file.
    ///
    /// # Errors
    ///
    /// Those of fstatvfs(3).
    fn room(&mut self, file: &File) -> io::Result<u64>;

    /// Writes into a file that is as long already.
    ///
    /// # Errors
    ///
    /// Those of pwrite(2); the writer asks no second time.
    fn write(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    /// Lets so much time go by, so that more commits come for the next sync.
    #[allow(clippy::disallowed_methods, reason = "nobody tells who is about to commit")]
    fn pause(&mut self, time: Duration) {
        thread::sleep(time);
    }

    /// Returns when what was written to this file survives a power cut.
    ///
    /// # Errors
    ///
    /// Those of fdatasync(2); the writer asks no second time.
    fn sync(&mut self, file: &File) -> io::Result<()>;

    /// Returns when this anchor lies in the place of the old one and survives a power cut.
    ///
    /// # Errors
    ///
    /// Those of [`AnchorPlace::replace`]; the writer asks no second time.
    fn replace(&mut self, place: &AnchorPlace, anchor: &[u8]) -> io::Result<()> {
        place.replace(anchor)
    }
}

/// The real one.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Medium for Disk {
    fn room(&mut self, file: &File) -> io::Result<u64> {
        let stat = fstatvfs(file)?;
        Ok(stat.blocks_available().saturating_mul(stat.fragment_size()))
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}
