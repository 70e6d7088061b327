//! Whether the opening of a database still gets on.
//!
//! Damage can make sled wait for ever (three of 120 trials, threats.md F6), and a thread cannot be
//! stopped from outside: whoever opens watches, gives up, and ends the process.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};

use super::OpenError;

/// Counts what was done.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Something was done.
    pub(super) fn step(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Opens in a thread of its own and gives up when nothing got on for so long. The thread is left
/// behind then: the caller is to end the process.
pub(super) fn watched<T: Send + 'static>(
    dir: &Path,
    patience: Duration,
    open: impl FnOnce(&Progress) -> Result<T, OpenError> + Send + 'static,
) -> Result<T, OpenError> {
    watched_by(dir, patience, Progress::default(), open)
}

/// As [`watched`], by what others may step, too.
pub(super) fn watched_by<T: Send + 'static>(
    dir: &Path,
    patience: Duration,
    progress: Progress,
    open: impl FnOnce(&Progress) -> Result<T, OpenError> + Send + 'static,
) -> Result<T, OpenError> {
    let theirs = progress.clone();
    let (tell, told) = channel();
    let body = move || {
        // Nobody waits any more: there is nobody to tell.
        let _ = tell.send(open(&theirs));
    };
    thread::Builder::new()
        .name("store-open".to_owned())
        .spawn(body)
        .map_err(|error| OpenError::Io(dir.to_owned(), error))?;
    let mut seen = progress.now();
    loop {
        match told.recv_timeout(patience) {
            Ok(opened) => return opened,
            // It panicked, which sled does on some damage; the panic's message says where.
            Err(RecvTimeoutError::Disconnected) => return Err(OpenError::Damaged(dir.to_owned())),
            Err(RecvTimeoutError::Timeout) if progress.now() == seen => {
                return Err(OpenError::Stuck(dir.to_owned(), patience));
            }
            Err(RecvTimeoutError::Timeout) => seen = progress.now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::mpsc::channel, time::Duration};

    use super::{OpenError, watched};

    const PATIENCE: Duration = Duration::from_millis(20);
    /// Longer than a thread takes to start and end, also on a busy machine that prints a backtrace.
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn an_opening_that_gets_on_is_waited_for_and_one_that_hangs_is_not() {
        let dir = Path::new("/nowhere");
        assert!(matches!(watched(dir, LONG, |_| Ok(7)), Ok(7)));
        let (hold, held) = channel::<()>();
        let hangs = watched(dir, PATIENCE, move |_| Ok(held.recv().is_ok()));
        assert!(matches!(hangs, Err(OpenError::Stuck(..))));
        drop(hold);
    }

    #[test]
    fn an_opening_that_panics_found_damage() {
        let dir = Path::new("/nowhere");
        let panics = watched::<()>(dir, LONG, |_| panic!("as sled does"));
        assert!(matches!(panics, Err(OpenError::Damaged(_))));
    }
}
