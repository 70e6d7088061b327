//! What was there before a change that nobody has confirmed yet: one file, written whole before any
//! other file is, so that whatever is killed at whatever moment can be taken back.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{Change, Session, bytes_of, revert::left, text_of};
use crate::whole::{NotBegun, Old, Whole};

/// The folder, root's alone: files of PAM may hold a password (pam_mysql's, for one).
const FOLDER: &str = "/var/lib/fob-enable";
/// The file in it; `fob-revert.service` asks for it by name.
const FILE: &str = "pending";
const LOCK: &str = "lock";
/// Seconds until a change is taken back that nobody has confirmed: `fob-revert.timer`.
pub(crate) const PATIENCE: u64 = 600;
/// What [`Locked::put_aside`] calls a file that could not be understood.
const UNREAD: &str = "pending.unread";
/// The form of the file. No release has had another one.
const VERSION: u64 = 1;

/// A file as it was, and as it was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Saved {
    pub(crate) path: String,
    pub(crate) before: Option<Vec<u8>>,
    pub(crate) after: Option<Vec<u8>>,
}

/// A change that nobody has confirmed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pending {
    /// Unix time of the last change.
    pub(crate) time: u64,
    pub(crate) services: Vec<String>,
    pub(crate) files: Vec<Saved>,
    /// Who changed it, at each of the changes.
    pub(crate) sessions: Vec<Session>,
    /// The audit's highest number of a session ([`Session::newest`]) when the change was in force.
    pub(crate) newest: Option<u32>,
    /// The newest line of fobd's log when the change was in force; `None` if it never came to that.
    pub(crate) seq: Option<u64>,
}

impl Pending {
    /// Adds a change: of a file that was changed before, the oldest text is kept, with what somebody
    /// has edited in between.
    pub(crate) fn add(&mut self, change: &Change) {
        let Change { path, before, after } = change.clone();
        match self.files.iter_mut().find(|saved| saved.path == path) {
            Some(saved) => {
                if saved.after != before {
                    saved.before = left(saved, before.as_deref());
                }
                saved.after = after;
            }
            None => self.files.push(Saved { path, before, after }),
        }
    }

    /// Takes services and their files out.
    pub(crate) fn remove(&mut self, services: &[String], files: &[String]) {
        self.services.retain(|service| !services.contains(service));
        self.files.retain(|saved| !files.contains(&saved.path));
    }

    /// Returns how many seconds are left.
    pub(crate) fn left(&self, now: u64) -> u64 {
        self.time.saturating_add(PATIENCE).saturating_sub(now).min(PATIENCE)
    }

    fn to_json(&self) -> Value {
        let text = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(text_of);
        let files: Vec<Value> = self
            .files
            .iter()
            .map(|saved| {
                let (before, after) = (text(&saved.before), text(&saved.after));
                json!({ "path": saved.path, "before": before, "after": after })
            })
            .collect();
        json!({
            "version": VERSION,
            "time": self.time,
            "services": self.services,
            "sessions": self.sessions.iter().map(Session::to_json).collect::<Vec<_>>(),
            "newest": self.newest,
            "seq": self.seq,
            "files": files,
        })
    }

    fn of_json(value: &Value) -> Option<Self> {
        if value.get("version")?.as_u64()? != VERSION {
            return None;
        }
        let words =
            |value: &Value| value.as_array()?.iter().map(word).collect::<Option<Vec<String>>>();
        let number = |name: &str| value.get(name).and_then(Value::as_u64);
        let sessions = value.get("sessions")?.as_array()?;
        Some(Self {
            time: value.get("time")?.as_u64()?,
            services: words(value.get("services")?)?,
            files: value
                .get("files")?
                .as_array()?
                .iter()
                .map(Saved::of_json)
                .collect::<Option<_>>()?,
            sessions: sessions.iter().map(Session::of_json).collect::<Option<_>>()?,
            newest: number("newest").and_then(|number| number.try_into().ok()),
            seq: number("seq"),
        })
    }

    /// Reads what can be read of another form: the files that are whole, and the services. It can be
    /// taken back, and never be confirmed. `None` if no file can be read.
    fn salvage(value: &Value) -> Option<Self> {
        let all = |name: &str| value.get(name).and_then(Value::as_array).into_iter().flatten();
        let is_of_etc = |saved: &Saved| saved.path.starts_with("/etc/");
        let files: Vec<Saved> = all("files").filter_map(Saved::of_json).filter(is_of_etc).collect();
        let services = all("services").filter_map(word).collect();
        let (sessions, newest, seq) = (Vec::new(), None, None);
        (!files.is_empty()).then_some(Self { time: 0, services, files, sessions, newest, seq })
    }
}

impl Saved {
    fn of_json(value: &Value) -> Option<Self> {
        let bytes = |value: Option<&Value>| match value {
            None => None,
            Some(Value::Null) => Some(None),
            Some(value) => value.as_str().map(|text| Some(bytes_of(text))),
        };
        Some(Self {
            path: word(value.get("path")?)?,
            before: bytes(value.get("before"))?,
            after: bytes(value.get("after"))?,
        })
    }
}

fn word(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The folder of the file.
pub(crate) struct Store {
    folder: PathBuf,
    root_uid: u32,
}

/// The same, while nobody else changes anything.
pub(crate) struct Locked {
    folder: PathBuf,
    /// Unlocked when it is closed (flock(2)).
    _lock: File,
}

impl Store {
    /// Takes the folder below a root, whose owner is this one.
    pub(crate) fn below(root: &Path, root_uid: u32) -> Self {
        Self { folder: root.join(FOLDER.trim_start_matches('/')), root_uid }
    }

    /// Reads what is pending, without a lock: to be shown.
    ///
    /// # Errors
    ///
    /// What the system says; `InvalidData` if the file cannot be understood.
    pub(crate) fn look(&self) -> io::Result<Option<Pending>> {
        load(&self.folder)
    }

    /// Waits until nobody else is at work, and keeps others out.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn lock(&self) -> io::Result<Locked> {
        match DirBuilder::new().mode(0o700).create(&self.folder) {
            Ok(()) => sync(self.folder.parent().unwrap_or(Path::new("/")))?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        let found = fs::symlink_metadata(&self.folder)?;
        if !found.is_dir() || found.uid() != self.root_uid || found.mode() & 0o077 != 0 {
            let fact = "it is not a folder of root alone (mode 0700)";
            return Err(io::Error::new(ErrorKind::PermissionDenied, fact));
        }
        let mut options = OpenOptions::new();
        let lock = options.write(true).create(true).truncate(false).mode(0o600);
        let lock = lock.open(self.folder.join(LOCK))?;
        lock.lock()?;
        Ok(Locked { folder: self.folder.clone(), _lock: lock })
    }
}

impl Locked {
    /// Reads what is pending.
    ///
    /// # Errors
    ///
    /// As [`Store::look`].
    pub(crate) fn load(&self) -> io::Result<Option<Pending>> {
        load(&self.folder)
    }

    /// Reads what can be read of a file that [`Locked::load`] cannot understand; `None` if nothing can.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn salvage(&self) -> io::Result<Option<Pending>> {
        let value: Option<Value> = serde_json::from_slice(&fs::read(self.folder.join(FILE))?).ok();
        Ok(value.as_ref().and_then(Pending::salvage))
    }

    /// Lets nothing wait any more, and keeps the file under another name, for a person.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn put_aside(&self) -> io::Result<()> {
        fs::rename(self.folder.join(FILE), self.folder.join(UNREAD))?;
        sync(&self.folder)
    }

    /// Writes what is pending, or that nothing is. It is on the disk then.
    ///
    /// # Errors
    ///
    /// What the system says; what was written before still holds.
    pub(crate) fn save(&self, pending: Option<&Pending>) -> io::Result<()> {
        let path = self.folder.join(FILE);
        let Some(pending) = pending else {
            remove(&path)?;
            return sync(&self.folder);
        };
        remove(&self.folder.join(format!("{FILE}.new")))?; // of a run that was killed
        let mut whole = Whole::begin(&path, Old::Replace).map_err(|why| match why {
            NotBegun::Io(error) => error,
            NotBegun::Left(name) => io::Error::new(ErrorKind::AlreadyExists, name),
        })?;
        whole.file().write_all(pending.to_json().to_string().as_bytes())?;
        whole.place()
    }
}

fn load(folder: &Path) -> io::Result<Option<Pending>> {
    let bytes = match fs::read(folder.join(FILE)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let value: Option<Value> = serde_json::from_slice(&bytes).ok();
    let pending = value.as_ref().and_then(Pending::of_json);
    let fact = "it has a form that this fobctl does not know";
    pending.map(Some).ok_or_else(|| io::Error::new(ErrorKind::InvalidData, fact))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        ended => ended,
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::{FILE, FOLDER, PATIENCE};

    #[test]
    fn the_units_wait_as_long_and_for_the_same_file() {
        let timer = include_str!("../../../packaging/systemd/fob-revert.timer");
        assert!(timer.contains(&format!("\nOnActiveSec={}min\n", PATIENCE / 60)));
        let service = include_str!("../../../packaging/systemd/fob-revert.service");
        assert!(service.contains(&format!("\nConditionPathExists={FOLDER}/{FILE}\n")));
    }
}
