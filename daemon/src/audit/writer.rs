//! The thread that writes the log's files, so that no disk holds up a sign-in.
//!
//! Its queue is bounded: what finds no room in it, or on the disk, is missing from the files and
//! counted there as soon as there is room. The journal was told all the same.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use tokio::sync::{Notify, mpsc, oneshot};

use super::{
    Event, Field, Name, Priority,
    book::{Book, Turned},
    files::Paper,
    journal::Outlet,
    line::Record,
};
use crate::record::LogHead;

/// Messages that wait: at 5 000 decisions a second a disk may stand still for most of a second.
/// They take about 2 MiB.
pub(super) const QUEUE: usize = 4096;

/// What the thread is told.
pub(super) enum Message {
    /// The database has stored this: older files are not needed any more.
    Anchored(LogHead),
    /// To be written. Boxed: a queue of them is allocated at once.
    Event(Box<Stamped>),
    /// To be answered once everything before it is written.
    Flush(Depth, oneshot::Sender<Option<LogHead>>),
}

/// How far a flush goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Depth {
    /// To the disk: a power cut takes nothing of it.
    Disk,
    /// To the file: whoever reads it sees everything.
    File,
}

/// An event with its time, in Unix seconds.
pub(super) struct Stamped {
    pub(super) time: u64,
    pub(super) event: Event,
}

/// What the thread shares with those who tell it something.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) folder: PathBuf,
    pub(super) outlet: Outlet,
    /// Events for which the queue had no room.
    pub(super) lost: AtomicU64,
    /// Wakes who stores the head of the chain in the database.
    pub(super) head_moved: Notify,
}

/// Starts the thread.
pub(super) fn start<P: Paper>(
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Message>,
    head: Option<LogHead>,
) {
    let outlet = Arc::clone(&shared);
    let writer = Writer::<P> { shared, head, book: None, lost: 0, latest: 0, said: Trouble::No };
    let thread = thread::Builder::new().name("log".to_owned()).spawn(move || writer.work(queue));
    if let Err(error) = thread {
        outlet.outlet.tell(&trouble(&error));
    }
}

/// The state of the thread.
pub(super) struct Writer<P> {
    pub(super) shared: Arc<Shared>,
    /// What the database knows of the log, until that is opened.
    pub(super) head: Option<LogHead>,
    /// The log; `None` until it could be opened.
    pub(super) book: Option<Book<P>>,
    /// Events that are missing since the last line.
    pub(super) lost: u64,
    /// The time of the latest event.
    pub(super) latest: u64,
    pub(super) said: Trouble,
}

/// An event is not in the log.
pub(super) struct Missing;

/// Whether trouble was told, since the log was written last.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Trouble {
    No,
    Said,
}

impl<P: Paper> Writer<P> {
    /// Works until nobody can tell it anything any more.
    fn work(mut self, mut queue: mpsc::Receiver<Message>) {
        while let Some(message) = queue.blocking_recv() {
            self.take(message);
        }
        self.flush(Depth::Disk);
    }

    pub(super) fn take(&mut self, message: Message) {
        match message {
            Message::Anchored(head) => {
                if let Some(book) = &self.book {
                    book.remove_before(head.oldest);
                }
            }
            Message::Event(stamped) => self.event(&stamped),
            Message::Flush(depth, answer) => {
                // Who asked may have gone.
                let _ = answer.send(self.flush(depth));
            }
        }
    }

    fn event(&mut self, stamped: &Stamped) {
        self.latest = stamped.time;
        if self.tell_lost().is_err() || self.write(&stamped.event).is_err() {
            self.lost += 1;
        } else if stamped.event.priority() <= Priority::Critical
            && self.flush(Depth::Disk).is_some()
        {
            self.shared.head_moved.notify_one();
        }
    }

    /// Says how many events are missing, if any are and there is room again.
    fn tell_lost(&mut self) -> Result<(), Missing> {
        self.lost += self.shared.lost.swap(0, Ordering::Relaxed);
        if self.lost > 0 {
            let event = Event::new(Name::Lost).with(Field::Count, self.lost);
            self.write(&event)?;
            self.lost = 0;
            self.shared.outlet.tell(&event);
        }
        Ok(())
    }

    fn write(&mut self, event: &Event) -> Result<(), Missing> {
        self.open()?;
        let fields: Vec<_> = event.fields().map(|(field, value)| (field.word(), value)).collect();
        let record = Record { time: self.latest, event: event.name().word(), fields: &fields };
        let written = self.book.as_mut().map(|book| book.write(&record));
        match written {
            Some(Ok(turned)) => {
                self.said = Trouble::No;
                if turned == Turned::Yes {
                    self.shared.head_moved.notify_one();
                }
                Ok(())
            }
            Some(Err(error)) => Err(self.say(&error)),
            None => Err(Missing),
        }
    }

    /// Opens the log if it is not, and writes what that has found.
    fn open(&mut self) -> Result<(), Missing> {
        if self.book.is_some() {
            return Ok(());
        }
        match Book::open(&self.shared.folder, self.head.as_ref()) {
            Ok((book, found)) => {
                self.book = Some(book);
                for event in found {
                    self.shared.outlet.tell(&event);
                    self.write(&event)?;
                }
                Ok(())
            }
            Err(error) => Err(self.say(&error)),
        }
    }

    /// Makes what was written durable, if asked for, and returns the head of the chain.
    fn flush(&mut self, depth: Depth) -> Option<LogHead> {
        let _ = self.open().and_then(|()| self.tell_lost());
        let book = self.book.as_mut()?;
        match depth {
            Depth::File => Some(book.head()),
            Depth::Disk => book.sync().map_err(|error| self.say(&error)).ok(),
        }
    }

    /// Tells the journal of trouble with the files, once until they work again.
    fn say(&mut self, error: &std::io::Error) -> Missing {
        if self.said == Trouble::No {
            self.shared.outlet.tell(&trouble(error));
            self.said = Trouble::Said;
        }
        Missing
    }
}

fn trouble(error: &std::io::Error) -> Event {
    Event::new(Name::Trouble).with(Field::What, "log").with(Field::Error, error)
}

#[cfg(test)]
mod tests;
