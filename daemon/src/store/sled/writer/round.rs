//! What the writer takes for its next round.

use std::time::Duration;

use tokio::sync::mpsc;

use super::{Commit, Outage, Request, Writer};

/// Writes after which a group is closed: applying one takes 20 to 30 µs (measured, release
/// build), so a group stays below the time of a slow disk's sync.
const GROUP: usize = 512;

/// How long the writer waits for more sign-ins when several have come: about a third of a sync
/// (424 µs were measured). Who comes within it would else wait for a whole one.
const PAUSE: Duration = Duration::from_micros(150);
/// Most pauses in a row: 1.5 ms, so that nobody waits much longer than a few syncs take.
const PAUSES: usize = 10;

/// Whether anybody can still ask.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Senders {
    Gone,
    There,
}

impl Writer {
    /// Waits for work and takes what has queued; `None` when nobody can ask any more.
    pub(super) fn next_group(&mut self) -> Option<Vec<Commit>> {
        let mut group = Vec::new();
        let mut size = 0;
        if self.large.is_none() && self.later.is_empty() {
            let first = self.queue.blocking_recv()?;
            size += self.sort(first, &mut group);
        }
        // In a row of requests that were put off, each is looked at once per round.
        for _ in 0..self.later.len() {
            if self.large.is_some() || size >= GROUP {
                break;
            }
            if let Some(request) = self.later.pop_front() {
                size += self.sort(request, &mut group);
            }
        }
        // A large commit in progress is rolled back when the store is opened again.
        if self.drain(&mut group, &mut size) == Senders::Gone && group.is_empty() {
            return None;
        }
        self.gather(&mut group, &mut size);
        Some(group)
    }

    /// Takes what has queued, up to the size of a group.
    fn drain(&mut self, group: &mut Vec<Commit>, size: &mut usize) -> Senders {
        while *size < GROUP && self.closing.is_none() {
            match self.queue.try_recv() {
                Ok(request) => *size += self.sort(request, group),
                Err(mpsc::error::TryRecvError::Empty) => return Senders::There,
                Err(mpsc::error::TryRecvError::Disconnected) => return Senders::Gone,
            }
        }
        Senders::There
    }

    /// Waits for more sign-ins while they keep coming: several at once are a sign that others are
    /// under way, and each that comes now saves a sync. One alone never waits, and nobody waits
    /// while there is something else to do.
    fn gather(&mut self, group: &mut Vec<Commit>, size: &mut usize) {
        for _ in 0..PAUSES {
            let count = group.len();
            let is_idle = self.large.is_none() && self.later.is_empty() && self.closing.is_none();
            if count < 2 || *size >= GROUP || !is_idle || !group.iter().all(Commit::is_hot) {
                return;
            }
            self.medium.pause(PAUSE);
            if self.drain(group, size) == Senders::Gone || group.len() == count {
                return;
            }
        }
    }

    /// Puts a request where it belongs and returns its share of the group's size.
    fn sort(&mut self, request: Request, group: &mut Vec<Commit>) -> usize {
        match (request, &self.large) {
            (Request::Checked, _) => self.checked(),
            (Request::Close(reply), _) => self.closing = Some(reply),
            (Request::Large(bulk), None) => self.large = Some(bulk),
            (Request::Large(bulk), Some(_)) => self.later.push_back(Request::Large(bulk)),
            (Request::Ping(reply), _) => {
                // Somebody who has stopped waiting needs no answer.
                let _ = reply.send(());
            }
            (Request::Small(commit), Some(bulk)) if bulk.locks(&commit) => {
                self.later.push_back(Request::Small(commit));
            }
            (Request::Small(commit), _) => {
                let size = commit.guards.len() + commit.writes.len();
                group.push(commit);
                return size.max(1);
            }
        }
        0
    }

    /// Takes down that the database is the one that was left.
    fn checked(&mut self) {
        match self.keeper.checked(&mut *self.medium) {
            Ok(()) => self.shelf.end_check(),
            Err(error) => self.shelf.end_service(Outage::Io(error.kind())),
        }
    }
}
