//! A witness of the state folder outside of it: how the daemon left the folder, until the host is
//! restarted.
//!
//! The folder itself cannot tell that an older one was put in its place: a copy of a folder that
//! was closed in good order is in good order. Whoever restores one does so while the host runs,
//! mostly; what lies in the runtime directory (systemd.exec(5)) is not in his copy. No witness is
//! no objection: a host that was restarted has none, and a daemon without systemd.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::store::{Freshness, sled::SledStore};

/// The witness's file in the runtime directory.
const FILE: &str = "anchor";

/// Where the witness is.
pub struct Witness(Option<PathBuf>);

/// What the witness says of a folder that is about to be opened.
pub struct Testimony(Memory);

enum Memory {
    /// Nothing: it knows of no run, or the folder is as it was left.
    Nothing,
    /// The daemon was running when it was last heard of.
    Running,
    /// The folder was left otherwise, or the witness cannot be understood.
    Another,
}

impl Testimony {
    /// Tells whether the store is not the one that was left. One that was not closed is fenced
    /// anyway; one that was closed, while the daemon that had it never got so far, is an older one.
    #[must_use]
    pub fn speaks_against(&self, freshness: Freshness) -> bool {
        match self.0 {
            Memory::Nothing => false,
            Memory::Running => freshness == Freshness::Fresh,
            Memory::Another => true,
        }
    }
}

impl Witness {
    /// Returns the witness in the runtime directory, if there is one.
    #[must_use]
    pub fn in_directory(directory: Option<PathBuf>) -> Self {
        Self(directory.map(|directory| directory.join(FILE)))
    }

    /// Hears it about a database that is not open yet.
    #[must_use]
    pub fn hear(&self, database: &Path) -> Testimony {
        let Some(path) = &self.0 else { return Testimony(Memory::Nothing) };
        Testimony(match (fs::read(path), SledStore::anchor(database)) {
            (Err(error), _) if error.kind() == io::ErrorKind::NotFound => Memory::Nothing,
            (Ok(kept), _) if kept.is_empty() => Memory::Running,
            (Ok(kept), Ok(anchor)) if kept == anchor => Memory::Nothing,
            _ => Memory::Another,
        })
    }

    /// Tells it that the daemon runs. To be called once the fence is durable that its testimony
    /// asked for.
    ///
    /// # Errors
    ///
    /// The call that failed. The next start is fenced then.
    pub fn see_running(&self) -> io::Result<()> {
        self.keep(&[])
    }

    /// Tells it how a database was closed.
    ///
    /// # Errors
    ///
    /// As [`Witness::see_running`].
    pub fn see_closed(&self, database: &Path) -> io::Result<()> {
        match &self.0 {
            Some(_) => self.keep(&SledStore::anchor(database)?),
            None => Ok(()),
        }
    }

    /// Nothing is synced: it is not to outlive the host.
    fn keep(&self, bytes: &[u8]) -> io::Result<()> {
        let Some(path) = &self.0 else { return Ok(()) };
        let fresh = path.with_extension("new");
        fs::write(&fresh, bytes)?;
        fs::rename(fresh, path)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Witness;
    use crate::store::Freshness;

    #[test]
    fn what_was_left_so_is_not_objected_to_and_anything_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let witness = Witness::in_directory(Some(folder.path().to_owned()));
        let database = folder.path().join("tokens");
        fs::create_dir(&database).unwrap();
        let leave = |anchor: &str| fs::write(database.join("anchor"), anchor).unwrap();
        let objects = |freshness| witness.hear(&database).speaks_against(freshness);

        leave("old");
        assert!(!objects(Freshness::Fresh), "a host that was restarted");
        witness.see_running().unwrap();
        assert!(objects(Freshness::Fresh), "closed by a run that did not end");
        assert!(!objects(Freshness::Unclosed), "killed");
        witness.see_closed(&database).unwrap();
        assert!(!objects(Freshness::Fresh));
        leave("older");
        assert!(objects(Freshness::Fresh) && objects(Freshness::Unclosed));
        fs::remove_file(database.join("anchor")).unwrap();
        assert!(objects(Freshness::Fresh));
    }

    #[test]
    fn without_a_runtime_directory_nobody_objects() {
        let witness = Witness::in_directory(None);
        let nowhere = std::path::Path::new("/nonexistent");
        assert!(witness.see_running().is_ok() && witness.see_closed(nowhere).is_ok());
        assert!(!witness.hear(nowhere).speaks_against(Freshness::Fresh));
    }
}
