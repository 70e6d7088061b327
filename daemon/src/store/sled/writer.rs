//! The writer: the one thread that changes the database.
//!
//! In each round it takes what has queued, writes it as one group, syncs once and answers; then
//! it does a piece of the large commit, if there is one. Sign-ins alone are written into the log,
//! everything else into the database (`redo.rs`). A commit that touches the keys of the
//! large commit waits for its end, all others do not notice it.

mod round;

use std::{
    collections::VecDeque,
    fs::File,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use sled::Batch;
use tokio::sync::{mpsc, oneshot};

use super::{
    anchor::{Keeper, Left, Marks},
    bulk::{Bulk, Step},
    group::{Answer, Group, put},
    ledger::Delta,
    medium::Medium,
    redo::Redo,
    reserve::Reserve,
    shelf::{Layer, Shelf},
};
use crate::store::{Guard, Heat, StoreError, Write};

/// Room that a group leaves on the file system: four of the 512 KiB segments by which sled's
/// file grows, so that running out of room is noticed before sled has half-written something.
pub(super) const RESERVE: u64 = 4 * 512 * 1024;

/// A commit that is small enough for a group.
pub(super) struct Commit {
    pub(super) guards: Vec<Guard>,
    pub(super) writes: Vec<Write>,
    pub(super) reply: oneshot::Sender<Answer>,
}

impl Commit {
    /// Says whether it is about what each sign-in writes.
    fn is_hot(&self) -> bool {
        self.writes.iter().all(|write| Heat::of(write.key().as_bytes()) == Heat::Hot)
    }
}

/// What waits in the queue.
pub(super) enum Request {
    /// Applied piece by piece.
    Large(Box<Bulk>),
    /// Answered by the writer and nothing else: the disk is left alone.
    Ping(oneshot::Sender<()>),
    /// Applied at once, with others.
    Small(Commit),
    /// Every shard has been checked.
    Checked,
    /// The last one: the store is closed after what came before.
    Close(oneshot::Sender<Result<Left, StoreError>>),
}

impl Request {
    fn refuse(self, error: StoreError) {
        let reply = match self {
            Self::Large(bulk) => return bulk.refuse(error),
            // Its silence is the answer.
            Self::Checked | Self::Ping(_) => return,
            Self::Small(commit) => commit.reply,
            Self::Close(reply) => {
                let _ = reply.send(Err(error));
                return;
            }
        };
        // Somebody who has stopped waiting needs no answer.
        let _ = reply.send(Err(error));
    }
}

/// The service has ended.
struct Ended;

/// The owner of all writes.
pub(super) struct Writer {
    shelf: Arc<Shelf>,
    queue: mpsc::Receiver<Request>,
    /// Requests that wait for the end of the large commit.
    later: VecDeque<Request>,
    large: Option<Box<Bulk>>,
    /// The second descriptor of the database file.
    file: File,
    medium: Box<dyn Medium>,
    reserve: Reserve,
    keeper: Keeper,
    redo: Redo,
    /// Whoever waits for the end.
    closing: Option<oneshot::Sender<Result<Left, StoreError>>>,
    /// The version of the last write.
    version: u64,
}

impl Writer {
    /// Prepares the writer; versions start at random, so that they do not repeat after a restart
    /// or a restore.
    pub(super) fn new(
        shelf: Arc<Shelf>,
        (file, keeper, redo): (File, Keeper, Redo),
        (medium, reserve): (Box<dyn Medium>, Reserve),
        queue: mpsc::Receiver<Request>,
    ) -> io::Result<Self> {
        let version = getrandom::u64().map_err(io::Error::other)?;
        let (later, large, closing) = (VecDeque::new(), None, None);
        Ok(Self {
            shelf,
            queue,
            later,
            large,
            file,
            medium,
            reserve,
            keeper,
            redo,
            closing,
            version,
        })
    }

    /// Starts the thread; it ends when the queue is closed or after an error.
    pub(super) fn start(self) -> io::Result<thread::JoinHandle<()>> {
        let shelf = Arc::clone(&self.shelf);
        let body = move || {
            // Nothing is used after a panic except the mark that the service has ended.
            if catch_unwind(AssertUnwindSafe(|| self.run())).is_err() {
                shelf.end_service(Outage::Panic);
            }
        };
        thread::Builder::new().name("store-writer".to_owned()).spawn(body)
    }

    fn run(mut self) {
        while let Some(group) = self.next_group() {
            if self.serve(group).and_then(|()| self.step()).is_err() {
                return self.refuse_all();
            }
            if self.closing.is_some() {
                break;
            }
        }
        self.close();
    }

    /// Closes the store in good order. A large commit that is half written is rolled back by the
    /// next opening, which finds a store that was not closed. What was not read since the opening is
    /// not read now: a service manager that waits for minutes would kill instead.
    fn close(mut self) {
        self.shelf.stop_check();
        let half = self.large.as_ref().is_some_and(|bulk| bulk.is_half_written());
        let closed = match half || self.shelf.in_service().is_err() {
            true => Err(StoreError::Unavailable),
            false => {
                // On a full disk the reserve makes room for what is in the log; if that is not enough,
                // the write says so.
                let _ = self.has_room(0);
                let emptied = self.empty_log();
                let place = (&self.file, &*self.shelf);
                let closed = emptied.and_then(|()| self.keeper.close(place, &mut *self.medium));
                closed.map_err(|_| StoreError::Unavailable)
            }
        };
        if let Some(reply) = self.closing.take() {
            // Somebody who has stopped waiting needs no answer.
            let _ = reply.send(closed);
        }
        self.refuse_all();
    }

    /// Carries out a group. Nothing is written any more once somebody else has ended the service:
    /// what was read since the opening did not fit, or the anchor could not follow.
    fn serve(&mut self, commits: Vec<Commit>) -> Result<(), Ended> {
        let shelf = Arc::clone(&self.shelf);
        if let Err(error) = shelf.in_service() {
            commits.into_iter().for_each(|commit| Request::Small(commit).refuse(error));
            return Err(Ended);
        }
        let mut group = Group::new(&shelf);
        for commit in commits {
            group.decide(commit, &mut self.version);
        }
        if group.is_empty() {
            group.finish();
            return Ok(());
        }
        if let Err(error) = self.has_room(group.size()) {
            group.fail(error);
            return Ok(());
        }
        let delta = group.delta();
        let marks = self.keeper.marks_after(&delta);
        let is_hot = marks.is_none() && group.is_hot();
        let entry = if is_hot { self.redo.entry(group.stored()) } else { None };
        let durable = match entry {
            Some(entry) => self.log(&group, &entry, &delta),
            None => self.write_through(&group, &delta, marks.as_ref()),
        };
        if let Err(error) = durable {
            shelf.end_service(Outage::Io(error.kind()));
            group.fail(StoreError::Indeterminate);
            return Err(Ended);
        }
        group.finish();
        Ok(())
    }

    /// Makes a group durable in the log, and shows it.
    fn log(&mut self, group: &Group<'_>, entry: &[u8], delta: &Delta) -> io::Result<()> {
        self.redo.append(entry, &mut *self.medium)?;
        self.keeper.follow(delta, None, &mut *self.medium)?;
        self.shelf.hide(Layer::Redo, group.new_values());
        Ok(())
    }

    /// Makes a group durable in the database, and shows it.
    fn write_through(
        &mut self,
        group: &Group<'_>,
        delta: &Delta,
        marks: Option<&Marks>,
    ) -> io::Result<()> {
        self.shelf.hide(Layer::Group, group.old_values());
        let mut batch = self.batch(marks);
        group.write(&mut batch);
        self.make_durable(batch, delta, marks)?;
        self.shelf.show(Layer::Group);
        Ok(())
    }

    /// Does a piece of the large commit, if there is one.
    fn step(&mut self) -> Result<(), Ended> {
        let Some(mut bulk) = self.large.take() else { return Ok(()) };
        if bulk.is_about_to_write() {
            if let Err(error) = self.has_room(bulk.size()) {
                bulk.refuse(error);
                return Ok(());
            }
            // Nothing of what it writes, and nothing of what it undoes, may be in the log.
            if let Err(error) = self.empty_log() {
                self.shelf.end_service(Outage::Io(error.kind()));
                bulk.refuse(StoreError::Unavailable);
                return Err(Ended);
            }
        }
        match bulk.step(&self.shelf, &mut self.version) {
            Ok(Step::Again) => self.large = Some(bulk),
            Ok(Step::Over) => {}
            Ok(Step::Settle) => {
                if let Err(error) = self.settle() {
                    self.shelf.end_service(Outage::Io(error.kind()));
                    bulk.refuse(StoreError::Unavailable);
                    return Err(Ended);
                }
                self.large = Some(bulk);
            }
            Ok(Step::Seal) => {
                if let Err(error) = self.seal(&bulk) {
                    self.shelf.end_service(Outage::Io(error.kind()));
                    bulk.refuse(StoreError::Indeterminate);
                    return Err(Ended);
                }
                bulk.finish(&self.shelf);
                self.large = Some(bulk);
            }
            Err(error) => {
                self.shelf.end_service(Outage::Piece(error));
                // Unsealed, so that the next open rolls it back.
                bulk.refuse(StoreError::Unavailable);
                return Err(Ended);
            }
        }
        Ok(())
    }

    /// Makes all of the large commit durable.
    fn seal(&mut self, bulk: &Bulk) -> io::Result<()> {
        let delta = bulk.delta();
        let marks = self.keeper.marks_after(delta);
        let mut batch = self.batch(marks.as_ref());
        bulk.seal(&mut batch);
        self.make_durable(batch, delta, marks.as_ref())
    }

    /// Makes durable what sled was given so far.
    fn settle(&mut self) -> io::Result<()> {
        self.shelf.db.flush()?;
        self.medium.sync(&self.file)
    }

    /// Has the database take what the log holds.
    fn empty_log(&mut self) -> io::Result<()> {
        if self.redo.is_empty() {
            return Ok(());
        }
        let batch = self.batch(None);
        self.make_durable(batch, &Delta::NONE, None)
    }

    /// Begins a batch: with the marks, and with what the log holds, so that the log is empty once the
    /// batch is durable. What is added to it later wins.
    fn batch(&self, marks: Option<&Marks>) -> Batch {
        let mut batch = Batch::default();
        if let Some(marks) = marks {
            marks.write(&mut batch);
        }
        let above = self.shelf.above();
        above.iter().for_each(|(key, tag)| put(&mut batch, key, tag.as_ref()));
        self.redo.end(&mut batch);
        batch
    }

    fn has_room(&mut self, size: u64) -> Result<(), StoreError> {
        // What is in the log is still to be written to the database.
        let needed = RESERVE.saturating_add(size).saturating_add(self.redo.size());
        let mut room = self.medium.room(&self.file).map_err(|_| StoreError::Unavailable)?;
        if room < needed && self.reserve.give_up() {
            room = self.medium.room(&self.file).map_err(|_| StoreError::Unavailable)?;
        }
        if room < needed {
            return Err(StoreError::Full);
        }
        self.reserve.refill(room);
        Ok(())
    }

    /// Writes a batch and makes it durable, and then the anchor follow: one for all commits of a
    /// group.
    fn make_durable(
        &mut self,
        batch: Batch,
        delta: &Delta,
        marks: Option<&Marks>,
    ) -> io::Result<()> {
        self.shelf.db.apply_batch(batch)?;
        self.settle()?;
        self.keeper.follow(delta, marks, &mut *self.medium)?;
        self.redo.restart();
        self.shelf.show(Layer::Redo);
        Ok(())
    }

    /// Refuses what waits and whatever still comes.
    fn refuse_all(mut self) {
        self.queue.close();
        if let Some(bulk) = self.large.take() {
            bulk.refuse(StoreError::Unavailable);
        }
        for request in self.later {
            request.refuse(StoreError::Unavailable);
        }
        while let Some(request) = self.queue.blocking_recv() {
            request.refuse(StoreError::Unavailable);
        }
    }
}

/// Why the service of a store has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outage {
    /// What was read after the opening is not what was left there.
    Decayed,
    /// A write, flush or sync failed.
    Io(io::ErrorKind),
    /// The writer panicked; the panic's message says where.
    Panic,
    /// A piece of a large commit could not be read or written.
    Piece(StoreError),
    /// What is there could not be read, or reading it does not end.
    Unread,
}

impl std::fmt::Display for Outage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Decayed => f.write_str(
                "the token store is not as it was left: it has decayed. The next start looks at all \
                 of it first.",
            ),
            Self::Io(kind) => write!(f, "the token store could not be written: {kind}."),
            Self::Panic => f.write_str("the token store's writer failed."),
            Self::Unread => f.write_str("the token store could not be read."),
            Self::Piece(error) => write!(f, "a large change of the token store failed: {error}"),
        }
    }
}
