//! A disk in a file. Whatever is mounted is unmounted when it is dropped.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::super::failed;
use crate::conformance::Failure;

/// Bytes of an image: room for the worker's database and for what sled needs besides.
const SIZE: u64 = 64 * 1024 * 1024;

/// An ext4 in a file.
pub(super) struct Image {
    path: PathBuf,
}

/// A mounted image.
pub(super) struct Mounted {
    at: PathBuf,
    is_mounted: bool,
}

impl Image {
    /// Makes an empty one.
    pub(super) fn make(path: &Path) -> Result<Self, Failure> {
        File::create(path).and_then(|file| file.set_len(SIZE)).map_err(failed)?;
        call(Command::new("mkfs.ext4").arg("-q").arg("-F").arg(path))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Mounts it.
    pub(super) fn mount(&self, at: &Path) -> Result<Mounted, Failure> {
        fs::create_dir_all(at).map_err(failed)?;
        call(Command::new("mount").args(["-o", "loop"]).arg(&self.path).arg(at))?;
        Ok(Mounted { at: at.to_owned(), is_mounted: true })
    }

    /// Copies it as it is at one moment, while it is mounted and nobody writes but perhaps the
    /// kernel: again, if that has happened.
    pub(super) fn copy(&self, to: &Path) -> Result<Self, Failure> {
        loop {
            call(Command::new("cp").args(["--sparse=always", "--"]).arg(&self.path).arg(to))?;
            let same = Command::new("cmp").arg("-s").args([&self.path, to]).status();
            if same.map_err(failed)?.success() {
                return Ok(Self { path: to.to_owned() });
            }
        }
    }

    /// Removes it. Its name is never used again: the kernel may still have pages of the old file.
    pub(super) fn remove(self) -> Result<(), Failure> {
        fs::remove_file(self.path).map_err(failed)
    }
}

impl Mounted {
    pub(super) fn path(&self) -> &Path {
        &self.at
    }

    /// Unmounts it. sled's threads end a little later than the database is closed.
    pub(super) fn unmount(mut self) -> Result<(), Failure> {
        for _ in 0..200 {
            let done = Command::new("umount").arg(&self.at).stderr(Stdio::null()).status();
            if done.map_err(failed)?.success() {
                self.is_mounted = false;
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(Failure::new("an image cannot be unmounted"))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if self.is_mounted {
            // Once nobody uses it any more, the loop device goes too.
            let _ = Command::new("umount").arg("--lazy").arg(&self.at).status();
        }
    }
}

fn call(command: &mut Command) -> Result<(), Failure> {
    let ended = command.stdin(Stdio::null()).output().map_err(failed)?;
    if ended.status.success() {
        return Ok(());
    }
    Err(Failure::new(String::from_utf8_lossy(&ended.stderr).trim().to_owned()))
}
