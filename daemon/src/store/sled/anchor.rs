//! The manifest in the database and the anchor beside it: together they tell an older database.
//!
//! The manifest is a record that is written in one batch with each change of a cold record: it
//! always fits the cold records that sled shows, or sled shows what never was. The anchor is a file
//! of its own, written after the database is synced and before anybody is answered: a manifest
//! older than the anchor is one that was rolled back. When the store is closed the anchor takes
//! down what the hot records are, too.

mod form;
mod judge;
mod keeper;
mod marks;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

pub(super) use self::{
    form::{Anchor, Close, FORM, House, Manifest, Unreadable, opened, part, sealed},
    judge::{Found, Judged, judge},
    keeper::{Begin, Keeper},
    marks::{Marks, read as read_marks},
};
pub use self::{judge::Mismatch, keeper::Left};

/// The key of the manifest; no kind has the byte 0.
pub(super) const MANIFEST: [u8; 2] = [0, 2];
/// The anchor in the database's folder.
pub(super) const FILE: &str = "anchor";
/// What it is called until it is whole.
pub(super) const FRESH: &str = "anchor.new";

/// Where the anchor lies.
#[derive(Debug)]
pub struct AnchorPlace {
    dir: PathBuf,
}

impl AnchorPlace {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Reads the anchor; `None` if there is none.
    pub(super) fn read(&self) -> io::Result<Option<Result<Anchor, Unreadable>>> {
        match fs::read(self.dir.join(FILE)) {
            Ok(bytes) => Ok(Some(Anchor::decode(&bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts an anchor in the place of the old one. After a power cut there is one of the two,
    /// whole; when this has returned, the new one.
    ///
    /// # Errors
    ///
    /// The call that failed; which of the two is there is not known then.
    pub fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let fresh = self.dir.join(FRESH);
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, self.dir.join(FILE))?;
        File::open(&self.dir)?.sync_all()
    }
}
