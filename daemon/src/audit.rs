//! One event for each decision and each change. Codes and seeds are in none.
//!
//! An event goes to the journal with its fields, or to standard error where there is no journal,
//! and to a log of fobd's own, whose lines are chained by hashes. Nobody waits for any of them.

mod book;
mod check;
mod event;
mod field;
mod files;
mod journal;
mod line;
mod name;
mod quiet;
mod read;
mod table;
mod writer;

pub use self::{
    check::{Kind, Known, Report, Wrong},
    event::Event,
    field::Field,
    line::Entry,
    name::{Name, Priority},
    quiet::{Counted, Quiet, Said},
    read::{Found, From, Query},
    table::markdown,
    writer::Depth,
};

use std::{
    fs::File,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::timeout,
};

use self::{
    journal::Outlet,
    writer::{Message, QUEUE, Shared, Stamped},
};
use crate::{clock::Clock, record::LogHead};

/// How long a flush is waited for: no caller of the bus waits longer than some seconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an import waits for room in the log's queue, once for every so many tokens.
const ROOM: Duration = Duration::from_secs(1);

/// Where events go.
#[derive(Clone, Debug)]
pub enum Audit {
    /// To the journal, or to standard error, and to the log.
    Host(Arc<Host>),
    /// Kept, for tests.
    Kept(Arc<Mutex<Vec<String>>>),
}

/// The host's journal, and a log in a folder.
#[derive(Debug)]
pub struct Host {
    clock: Clock,
    shared: Arc<Shared>,
    queue: mpsc::Sender<Message>,
    /// What the writer will read, until it has begun.
    waiting: Mutex<Option<mpsc::Receiver<Message>>>,
}

impl Audit {
    /// Returns the journal of this process, and a log in this folder, which is written from
    /// [`Audit::begin`] on.
    #[must_use]
    pub fn host(folder: PathBuf, clock: Clock) -> Self {
        Self::of(Outlet::of_this_process(), folder, clock)
    }

    fn of(outlet: Outlet, folder: PathBuf, clock: Clock) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (lost, head_moved) = (AtomicU64::new(0), Notify::new());
        let shared = Arc::new(Shared { folder, outlet, lost, head_moved });
        Self::Host(Arc::new(Host { clock, shared, queue, waiting: Mutex::new(Some(waiting)) }))
    }

    /// Records an event. A log that cannot be written stops nobody.
    pub fn record(&self, event: &Event) {
        match self {
            Self::Host(host) => {
                host.shared.outlet.tell(event);
                host.keep(event);
            }
            Self::Kept(lines) => {
                if let Ok(mut lines) = lines.lock() {
                    lines.push(event.to_string());
                }
            }
        }
    }

    /// Records an event in the log alone, for the journal was told of many such events at once.
    pub fn keep(&self, event: &Event) {
        match self {
            Self::Host(host) => host.keep(event),
            Self::Kept(_) => self.record(event),
        }
    }

    /// Begins to write the log, behind the line that the database knows to be its last. Events
    /// before wait in the queue.
    pub fn begin(&self, head: Option<LogHead>) {
        let Self::Host(host) = self else { return };
        let mut waiting = host.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = waiting.take() {
            writer::start::<File>(Arc::clone(&host.shared), queue, head);
        }
    }

    /// Waits until so many events would find room in the queue, but not for long: for who has
    /// many to record at once.
    pub async fn room(&self, events: usize) {
        if let Self::Host(host) = self {
            // Without room they are counted as lost, as everybody's.
            let _ = timeout(ROOM, host.queue.reserve_many(events.min(QUEUE / 2))).await;
        }
    }

    /// Waits until what was recorded is written, and returns the head of the log's chain; `None`
    /// if the log is not written, or does not come to it in time.
    pub async fn flush(&self, depth: Depth) -> Option<LogHead> {
        let Self::Host(host) = self else { return None };
        let (answer, head) = oneshot::channel();
        let flush = async {
            host.queue.send(Message::Flush(depth, answer)).await.ok()?;
            head.await.ok()?
        };
        timeout(PATIENCE, flush).await.ok()?
    }

    /// Says that the database has stored this head, so that files before it may be removed.
    pub async fn anchored(&self, head: LogHead) {
        if let Self::Host(host) = self {
            // With a full queue the next head says the same.
            let _ = host.queue.try_send(Message::Anchored(head));
        }
    }

    /// Waits until the database should store the head anew: after an alarm, and when a file of
    /// the log is full.
    pub async fn head_moved(&self) {
        match self {
            Self::Host(host) => host.shared.head_moved.notified().await,
            Self::Kept(_) => std::future::pending().await,
        }
    }

    /// Reads the log. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn read(&self, query: &Query) -> io::Result<Found> {
        match self {
            Self::Host(host) => read::read(&host.shared.folder, query),
            Self::Kept(_) => Ok(Found::default()),
        }
    }

    /// Checks the log's chain. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn check(&self, known: Known<'_>) -> io::Result<Report> {
        match self {
            Self::Host(host) => check::check(&host.shared.folder, known),
            Self::Kept(_) => Ok(Report::default()),
        }
    }
}

impl Host {
    /// Puts an event into the log's queue; one that finds no room is counted.
    fn keep(&self, event: &Event) {
        let time = self.clock.read().and_then(|reading| reading.wall);
        let time = time.map_or(0, |wall| wall.0);
        let stamped = Box::new(Stamped { time, event: event.clone() });
        if self.queue.try_send(Message::Event(stamped)).is_err() {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
