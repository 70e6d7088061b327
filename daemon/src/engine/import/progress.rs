//! How far an import is: kept in a file of the caller's while it goes on.
//!
//! What is there decides nothing, and an import does not wait for it. The reply says what was done.

use std::{
    fs::File,
    io,
    os::{fd::OwnedFd, unix::fs::FileExt},
    sync::Arc,
    time::Duration,
};

use tokio::{task::spawn_blocking, time::sleep};

use crate::store::Gauge;

/// Time between two looks: as people read.
const PACE: Duration = Duration::from_millis(200);

/// Bytes of what is told: a word and two numbers, filled with blanks. As it never becomes longer or
/// shorter, the file is written over in one piece.
const LENGTH: usize = 64;

/// Where the caller wants to read how far his import is.
pub struct ProgressFile(Arc<File>);

impl ProgressFile {
    /// Takes a descriptor; `None` if it is no empty regular file.
    #[must_use]
    pub fn new(descriptor: OwnedFd) -> Option<Self> {
        let file = File::from(descriptor);
        let is_fit = file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() == 0);
        is_fit.then(|| Self(Arc::new(file)))
    }

    /// Keeps telling, for as long as somebody waits for it; a file that takes nothing is left alone.
    pub(super) async fn tell(&self, progress: &Progress) {
        let mut told = String::new();
        loop {
            let line = progress.line();
            if line != told {
                let (file, bytes) = (Arc::clone(&self.0), line.clone());
                // The file may lie on a disk.
                let written = spawn_blocking(move || write(&file, &bytes)).await;
                if !written.is_ok_and(|written| written.is_ok()) {
                    return;
                }
                told = line;
            }
            sleep(PACE).await;
        }
    }
}

/// Writes what is told over what was told before.
fn write(file: &File, line: &str) -> io::Result<()> {
    file.write_all_at(line.as_bytes(), 0)?;
    // One that was opened to append takes it behind that (pwrite(2), BUGS): it is left alone.
    match file.metadata()?.len() {
        length if length <= LENGTH as u64 => Ok(()),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// How far an import is. It is read, then sealed token by token, then stored, and each begins where
/// the one before has ended.
#[derive(Default)]
pub(super) struct Progress {
    /// Of tokens: checked against the stock, and sealed.
    pub(super) sealed: Gauge,
    /// Of what the store does.
    pub(super) stored: Arc<Gauge>,
}

impl Progress {
    /// Begins again, from the reading.
    pub(super) fn begin(&self) {
        self.sealed.begin(0);
        self.stored.begin(0);
    }

    /// Returns what is told: `reading 0 0`, or `sealing` or `storing` with the tokens that are done
    /// and all of them, in decimal digits; behind it blanks.
    fn line(&self) -> String {
        let tokens = self.sealed.read();
        let (word, done, of) = match (tokens, self.stored.read()) {
            (Some((_, of)), Some((parts, all))) => ("storing", share(of, parts, all), of),
            (Some((done, of)), None) => ("sealing", done, of),
            (None, _) => ("reading", 0, 0),
        };
        let line = format!("{word} {done} {of}");
        format!("{line:LENGTH$}")
    }
}

/// Returns how many of the tokens so many parts of all are.
fn share(tokens: usize, parts: usize, all: usize) -> usize {
    tokens.saturating_mul(parts).checked_div(all).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::{fs::File, os::unix::fs::FileExt};

    use tokio::task::yield_now;

    use super::{LENGTH, Progress, ProgressFile};

    /// Waits until the file begins with this.
    async fn says(file: &File, words: &str) {
        let mut bytes = [0; LENGTH];
        while !file.read_at(&mut bytes, 0).is_ok_and(|_| bytes.starts_with(words.as_bytes())) {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn the_file_keeps_saying_what_is_so() {
        let file = tempfile::tempfile().unwrap();
        let theirs = ProgressFile::new(file.try_clone().unwrap().into()).unwrap();
        let progress = Progress::default();
        let read = async {
            says(&file, "reading 0 0 ").await;
            progress.sealed.begin(9);
            says(&file, "sealing 0 9 ").await;
        };
        tokio::select! {
            () = read => {}
            () = theirs.tell(&progress) => panic!("nobody tells any more"),
        }
        assert_eq!(file.metadata().unwrap().len(), LENGTH as u64);
        assert!(ProgressFile::new(file.into()).is_none(), "it is not empty");
    }

    #[tokio::test]
    async fn a_file_that_takes_nothing_is_left_alone() {
        let only_readable = tempfile::NamedTempFile::new().unwrap();
        let file = File::open(only_readable.path()).unwrap();
        ProgressFile::new(file.into()).unwrap().tell(&Progress::default()).await;
        assert!(ProgressFile::new(std::io::pipe().unwrap().1.into()).is_none(), "it is a pipe");
    }

    #[tokio::test]
    async fn a_file_that_would_grow_is_left_alone() {
        let place = tempfile::NamedTempFile::new().unwrap();
        let file = File::options().append(true).open(place.path()).unwrap();
        let (theirs, progress) = (ProgressFile::new(file.into()).unwrap(), Progress::default());
        let steps = async {
            for step in 1.. {
                progress.sealed.begin(step);
                yield_now().await;
            }
        };
        tokio::select! {
            () = theirs.tell(&progress) => {}
            () = steps => {}
        }
        assert_eq!(place.as_file().metadata().unwrap().len(), 2 * LENGTH as u64);
    }

    #[test]
    fn each_phase_is_told_by_its_word_and_in_tokens() {
        let progress = Progress::default();
        let told = || progress.line().trim_end().to_owned();
        assert_eq!(told(), "reading 0 0");
        progress.sealed.begin(1000);
        assert_eq!(told(), "sealing 0 1000");
        progress.sealed.advance(64);
        assert_eq!(told(), "sealing 64 1000");
        progress.sealed.advance(936);
        progress.stored.begin(7000);
        assert_eq!(told(), "storing 0 1000");
        progress.stored.advance(3500);
        assert_eq!(told(), "storing 500 1000");
        progress.stored.advance(3500);
        assert_eq!(told(), "storing 1000 1000");
        progress.begin();
        assert_eq!(told(), "reading 0 0");
    }

    #[test]
    fn what_is_told_never_becomes_longer() {
        let progress = Progress::default();
        progress.sealed.begin(usize::MAX);
        progress.sealed.advance(usize::MAX);
        assert_eq!(progress.line().len(), LENGTH);
    }
}
