//! The peer socket: passed by the service manager, or made here.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::{
        fs::{OpenOptionsExt as _, PermissionsExt as _},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use listenfd::ListenFd;
use nix::sys::socket::{getsockopt, sockopt::AcceptConn};

/// The peer socket, listening. A caller who comes before it is served waits in its queue.
pub struct Door {
    pub(super) listener: UnixListener,
    /// Whoever holds it has the socket's path; `None` if the service manager has it.
    pub(super) _lock: Option<File>,
}

impl Door {
    /// Takes the socket that the service manager passes (sd_listen_fds(3)); makes it at `path` if
    /// there is none, for its owner only. Call it while the process has the rights to, and before
    /// any thread is started.
    ///
    /// # Errors
    ///
    /// The call that failed; the folder must exist. `AddrInUse` if another daemon has made it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let door = match passed(ListenFd::from_env())? {
            Some(listener) => Self { listener, _lock: None },
            None => Self::make(path)?,
        };
        door.listener.set_nonblocking(true)?;
        Ok(door)
    }

    /// Makes the socket. An old one is replaced by renaming, so that there is never a moment
    /// without; that of a daemon which is still there is left alone.
    fn make(path: &Path) -> io::Result<Self> {
        let beside = |ending| PathBuf::from(format!("{}.{ending}", path.display()));
        let lock = lock(&beside("lock"))?;
        // Perhaps the service manager listens there, which has no lock of ours: a socket in its
        // place would lead nowhere once this daemon is gone.
        if is_served(path) {
            return Err(in_use());
        }
        let fresh = beside("new");
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&fresh)?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600))?;
        fs::rename(&fresh, path)?;
        Ok(Self { listener, _lock: Some(lock) })
    }
}

/// Takes the one listening socket that was passed, if there is one.
fn passed(mut given: ListenFd) -> io::Result<Option<UnixListener>> {
    let wrong = |what| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    match given.len() {
        0 => return Ok(None),
        1 => {}
        _ => return wrong("the service manager passes more than one socket"),
    }
    match given.take_unix_listener(0)? {
        Some(listener) if getsockopt(&listener, AcceptConn)? => Ok(Some(listener)),
        _ => wrong("the service manager passes a socket that does not listen"),
    }
}

/// Tells whether somebody listens at a path; with a full queue, too.
fn is_served(path: &Path) -> bool {
    match UnixStream::connect(path) {
        Ok(_) => true,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

fn in_use() -> io::Error {
    io::Error::new(io::ErrorKind::AddrInUse, "another fobd, or its socket unit, serves it")
}

/// Takes the lock of a socket's path. The kernel gives it back when the daemon ends, however that
/// happens.
fn lock(path: &Path) -> io::Result<File> {
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(in_use()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs, io,
        os::unix::{
            fs::PermissionsExt as _,
            net::{UnixListener, UnixStream},
        },
    };

    use super::Door;

    #[test]
    fn the_socket_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bus");
        let _door = Door::make(&path).unwrap();
        for name in ["bus", "bus.lock"] {
            let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_second_daemon_does_not_take_the_first_ones_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bus");
        let first = Door::make(&path).unwrap();
        let second = Door::make(&path).map(drop).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
        let _caller = UnixStream::connect(&path).unwrap();
        assert!(first.listener.accept().is_ok(), "the caller did not come to the first one");
    }

    #[test]
    fn a_daemon_started_by_hand_does_not_take_the_service_managers_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bus");
        let passed = UnixListener::bind(&path).unwrap();
        let by_hand = Door::make(&path).map(drop).unwrap_err();
        assert_eq!(by_hand.kind(), io::ErrorKind::AddrInUse);
        let _caller = UnixStream::connect(&path).unwrap();
        assert!(passed.accept().is_ok(), "the path leads elsewhere");
    }

    #[test]
    fn the_socket_of_a_daemon_that_is_gone_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bus");
        drop(Door::make(&path).unwrap());
        assert!(UnixStream::connect(&path).is_err());
        let _door = Door::make(&path).unwrap();
        assert!(UnixStream::connect(&path).is_ok());
    }
}
