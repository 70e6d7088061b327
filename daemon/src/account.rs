//! Whom the daemon runs as: the owner of its state folder, and root only where that is root's.
//!
//! Under systemd the unit starts it as its own user. Elsewhere root starts it, and it gives root's
//! rights up before it opens the state or starts a thread.

use std::{
    fmt, fs, io,
    os::unix::fs::{MetadataExt as _, lchown},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    unistd::{Gid, Uid, User, geteuid, setgid, setgroups, setuid},
};

use crate::harden;

/// The daemon's own user (packaging/systemd/fob.sysusers.conf).
pub const NAME: &str = "fob";
/// Uids of system accounts, handed out by the host's own tools (login.defs(5): `SYS_UID_MAX`,
/// `UID_MIN`). People begin at 1000, and of 61184 to 65519 systemd gives a uid to whatever service
/// comes next (`DynamicUser=`): one of those could become the daemon (threats.md U13).
const SYSTEM: std::ops::RangeInclusive<u32> = 1..=999;

/// Why the daemon does not run as whom it should.
#[derive(Debug)]
pub enum AccountError {
    /// A call that changes whom the process runs as failed: which, and why.
    Call(&'static str, Errno),
    /// The state folder is another's, and only root could become him.
    Foreign {
        /// The state folder.
        folder: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who has started the daemon.
        starter: u32,
    },
    /// The state folder cannot be looked at.
    Io(PathBuf, io::Error),
    /// A user of the daemon's name is there, and is no system account.
    NoSystemAccount(u32),
    /// There is something else than a folder where the state belongs, perhaps a symbolic link.
    NotAFolder(PathBuf),
    /// The state folder belongs to root's group, but not to root.
    RootsGroup(PathBuf),
}

impl fmt::Display for AccountError {
    /// The fact, and in a second line the remedy if there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(what, errno) => write!(f, "{what} failed: {errno}."),
            Self::Foreign { folder, owner, starter } => write!(
                f,
                "{} belongs to uid {owner}, and fobd was started by uid {starter}.\n\
                 hint: start it by \"systemctl start fobd\", or as root.",
                folder.display()
            ),
            Self::Io(path, error) => write!(f, "{}: {error}.", path.display()),
            Self::NoSystemAccount(uid) => write!(
                f,
                "the user {NAME} has uid {uid}, which is no system account's (1 to 999).\n\
                 hint: rename that user, and run \"useradd --system {NAME}\"."
            ),
            Self::NotAFolder(path) => write!(
                f,
                "{} is not a folder.\nhint: put the folder itself there; a link is not followed.",
                path.display()
            ),
            Self::RootsGroup(path) => write!(
                f,
                "{0} belongs to root's group, but not to root.\n\
                 hint: run \"chown -R {NAME}:{NAME} {0}\".",
                path.display()
            ),
        }
    }
}

impl std::error::Error for AccountError {}

/// Whom the process becomes; `None` if it stays who it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Account(Option<(Uid, Gid)>);

impl Account {
    /// Returns the owner of the state folder.
    ///
    /// # Errors
    ///
    /// [`AccountError`]. A missing folder is none: whoever opens it says so.
    pub fn of(folder: &Path) -> Result<Self, AccountError> {
        let Some((uid, gid)) = owner(folder)? else { return Ok(Self(None)) };
        let starter = geteuid();
        if starter == uid {
            return Ok(Self(None));
        }
        if !starter.is_root() {
            let (owner, starter) = (uid.as_raw(), starter.as_raw());
            return Err(AccountError::Foreign { folder: folder.to_owned(), owner, starter });
        }
        if gid.as_raw() == 0 {
            return Err(AccountError::RootsGroup(folder.to_owned()));
        }
        Ok(Self(Some((uid, gid))))
    }

    /// Returns who gets a state folder that root is about to set up: the daemon's user, if the
    /// host has him. A folder that is there and not root's has its owner.
    ///
    /// # Errors
    ///
    /// [`AccountError`].
    pub fn of_new(folder: &Path) -> Result<Self, AccountError> {
        let roots = owner(folder)?.is_none_or(|(uid, _)| uid.is_root());
        if !roots || !geteuid().is_root() {
            return Self::of(folder);
        }
        let user = User::from_name(NAME).map_err(|errno| call("looking the user up", errno))?;
        let Some(user) = user else { return Ok(Self(None)) };
        if !SYSTEM.contains(&user.uid.as_raw()) {
            return Err(AccountError::NoSystemAccount(user.uid.as_raw()));
        }
        Ok(Self(Some((user.uid, user.gid))))
    }

    /// Gives him the state folder, and not what a link there leads to.
    ///
    /// # Errors
    ///
    /// [`AccountError::Io`].
    pub fn give(self, folder: &Path) -> Result<(), AccountError> {
        let Some((uid, gid)) = self.0 else { return Ok(()) };
        lchown(folder, Some(uid.as_raw()), Some(gid.as_raw()))
            .map_err(|error| AccountError::Io(folder.to_owned(), error))
    }

    /// Becomes him for ever: no group and no capability of root's is left. Call it before any
    /// thread is started.
    ///
    /// # Errors
    ///
    /// [`AccountError::Call`]; the process must end then.
    pub fn enter(self) -> Result<(), AccountError> {
        let Some((uid, gid)) = self.0 else { return Ok(()) };
        setgroups(&[]).map_err(|errno| call("setgroups(2)", errno))?;
        setgid(gid).map_err(|errno| call("setgid(2)", errno))?;
        setuid(uid).map_err(|errno| call("setuid(2)", errno))?;
        if setuid(Uid::from_raw(0)).is_ok() {
            return Err(call("giving up root's rights", Errno::EPERM));
        }
        // The kernel resets this when the uid changes (prctl(2), PR_SET_DUMPABLE).
        harden::hide().map_err(|errno| call("prctl(2)", errno))
    }
}

/// Returns whom a folder belongs to; `None` if it is not there.
fn owner(folder: &Path) -> Result<Option<(Uid, Gid)>, AccountError> {
    let facts = match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        facts => facts.map_err(|error| AccountError::Io(folder.to_owned(), error))?,
    };
    if !facts.is_dir() {
        return Err(AccountError::NotAFolder(folder.to_owned()));
    }
    Ok(Some((Uid::from_raw(facts.uid()), Gid::from_raw(facts.gid()))))
}

fn call(what: &'static str, errno: Errno) -> AccountError {
    AccountError::Call(what, errno)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::{Account, AccountError, SYSTEM};

    #[test]
    fn who_owns_the_folder_stays_who_he_is() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Account::of(folder.path()).unwrap(), Account(None));
    }

    #[test]
    fn a_missing_folder_is_for_whoever_opens_it_to_tell() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Account::of(&folder.path().join("fobd")).unwrap(), Account(None));
    }

    #[test]
    fn a_link_or_a_file_in_the_folders_place_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (link, file) = (folder.path().join("link"), folder.path().join("file"));
        symlink(folder.path(), &link).unwrap();
        std::fs::write(&file, "").unwrap();
        for place in [link, file] {
            for found in [Account::of(&place), Account::of_new(&place)] {
                assert!(matches!(found, Err(AccountError::NotAFolder(_))), "{}", place.display());
            }
        }
    }

    #[test]
    fn neither_root_nor_people_nor_services_of_the_moment_are_system_accounts() {
        for uid in [0, 1000, 1001, 61_184, 65_519, 65_534, u32::MAX] {
            assert!(!SYSTEM.contains(&uid), "{uid}");
        }
        assert!(SYSTEM.contains(&1) && SYSTEM.contains(&999));
    }
}
