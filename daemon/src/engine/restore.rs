//! The records of a backup beside those that are here: read whole first, then a commit for each
//! token. The fence is on the disk before the first of them is.

mod source;
mod write;

use fob_api::{Error, RestoreNote, RestoreReport};

pub use self::source::Source;
use self::source::{Checked, Items};
use crate::{
    access::{Action, Caller, Target},
    audit::{Event, Field, Name},
    backup::{Item, SavedToken, stream::StreamError},
    decide::{
        Uptime,
        fence::Reason,
        restore::{Gain, Note, Times},
    },
    engine::{Engine, Extent, backup::count},
    record::Standing,
    store::Store,
    vault::backup::BackupKey,
};

/// Most notes of a report: the rest is counted. A reply of this size is below what a bus carries
/// (dbus-daemon(1), max_message_size) by far.
const NOTES: usize = 1_000;

/// A request for a restore.
pub struct Restore {
    /// Who asks the daemon.
    pub caller: Caller,
    /// What the seeds are sealed by.
    pub key: BackupKey,
    /// The backup.
    pub source: Source,
    /// Whether anything is written.
    pub extent: Extent,
}

/// A restore on its way.
struct Work<'a> {
    key: &'a BackupKey,
    extent: Extent,
    times: Times,
    done: Done,
}

/// What was done, or would be.
#[derive(Default)]
struct Done {
    added: usize,
    merged: usize,
    unchanged: usize,
    lost: usize,
    skipped: usize,
    foreign: usize,
    notes: Vec<RestoreNote>,
    more: usize,
    recovery: Vec<String>,
}

impl<S: Store> Engine<S> {
    /// Brings the records of a backup in. It changes nothing unless all of the backup can be
    /// read; killed half-way and run again, it ends the same.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `BadBackup`, `ClockNotTrusted`, `StoreUnavailable`.
    pub async fn restore(&self, restore: Restore) -> Result<RestoreReport, Error> {
        let Restore { caller, key, source, extent } = restore;
        self.permit(Action::Restore, caller, Target::House)?;
        let (checked, key) = self.check(&source, key).await?;
        if extent == Extent::Full {
            self.raise(Reason::Restore).await?;
        }
        let header = checked.header.clone();
        let now = self.at().await?.uptime;
        let times = Times { then: Uptime(header.uptime), now };
        let mut work = Work { key: &key, extent, times, done: Done::default() };
        let is_own_house = header.house == self.vault.house_mark();
        let mut items = Items::new(&source, &checked).map_err(|error| bad(&error))?;
        while let Some(item) = items.next_item().map_err(|error| bad(&error))? {
            match item {
                Item::Trace(saved) if is_own_house => self.restore_trace(&saved, &work).await?,
                Item::Recovery(owner) => self.restore_name(&owner, &mut work).await?,
                Item::Again(_) | Item::Gone(_) | Item::Token(_) | Item::Trace(_) => {}
            }
        }
        // The tokens after them: what was left of forgotten ones is known by then.
        let mut items = Items::new(&source, &checked).map_err(|error| bad(&error))?;
        while let Some(item) = items.next_item().map_err(|error| bad(&error))? {
            if let Item::Token(saved) | Item::Again(saved) = item {
                let (gain, note) = self.restore_token(&saved, &work).await?;
                work.done.take_down(&saved, gain, note);
            }
        }
        if !is_own_house {
            self.restore_formers(&source, &checked, &mut work).await?;
        }
        self.around.audit.record(&work.done.event(&header.host, header.taken, caller, extent));
        let mut report = work.done.report();
        (report.host, report.taken) = (Some(header.host), Some(header.taken));
        Ok(report)
    }

    /// Brings in what another house has left of forgotten tokens. After the tokens: a serial that
    /// one of them has is that one's.
    async fn restore_formers(
        &self,
        source: &Source,
        checked: &Checked,
        work: &mut Work<'_>,
    ) -> Result<(), Error> {
        let mut items = Items::new(source, checked).map_err(|error| bad(&error))?;
        while let Some(item) = items.next_item().map_err(|error| bad(&error))? {
            if let Item::Trace(saved) = item
                && !self.restore_former(&saved, work).await?
            {
                work.done.foreign += 1;
            }
        }
        Ok(())
    }

    /// Reads a backup to its end, and opens every seed of it.
    async fn check(&self, source: &Source, key: BackupKey) -> Result<(Checked, BackupKey), Error> {
        let source = source.clone();
        let checked = tokio::task::spawn_blocking(move || {
            let checked = source::check(&source, &key);
            checked.map(|checked| (checked, key))
        });
        checked.await.map_err(|error| self.trouble("backup", error))?.map_err(|error| bad(&error))
    }
}

impl Done {
    /// Takes down what became of a token.
    fn take_down(&mut self, saved: &SavedToken, gain: Option<Gain>, note: Option<Note>) {
        match gain {
            Some(Gain::Added) => self.added += 1,
            Some(Gain::Merged) => self.merged += 1,
            None if note.as_ref().is_some_and(Note::is_skip) => self.skipped += 1,
            None => self.unchanged += 1,
        }
        let Some(note) = note else { return };
        if note == Note::Lost {
            self.lost += 1;
        }
        if self.notes.len() >= NOTES {
            self.more += 1;
            return;
        }
        let user = match &saved.standing {
            Standing::Assigned(owner) => Some(owner.name.clone()),
            _ => None,
        };
        self.notes.push(RestoreNote {
            serial: Some(saved.serial.clone()),
            user,
            what: Some(note.word().to_owned()),
            other: note.other().map(str::to_owned),
        });
    }

    fn event(&self, host: &str, taken: u64, caller: Caller, extent: Extent) -> Event {
        let dry = (extent == Extent::DryRun).then_some("yes");
        Event::new(Name::Restore)
            .with(Field::Host, host)
            .with(Field::Taken, taken)
            .with(Field::Added, self.added)
            .with(Field::Merged, self.merged)
            .with(Field::Unchanged, self.unchanged)
            .with(Field::LostTokens, self.lost)
            .with(Field::Skipped, self.skipped)
            .with_some(Field::DryRun, dry)
            .by(caller)
    }

    fn report(self) -> RestoreReport {
        RestoreReport {
            host: None,
            taken: None,
            added: Some(count(self.added)),
            merged: Some(count(self.merged)),
            unchanged: Some(count(self.unchanged)),
            lost: Some(count(self.lost)),
            skipped: Some(count(self.skipped)),
            foreign: Some(count(self.foreign)),
            notes: Some(self.notes),
            more: Some(count(self.more)),
            recovery: Some(self.recovery),
        }
    }
}

/// Returns what the caller is told about a stream that cannot be read.
fn bad(error: &StreamError) -> Error {
    let hint = match error {
        StreamError::Newer => "install that version, or a newer one, on this host.",
        _ => "nothing was changed; take another copy of the backup.",
    };
    Error::BadBackup { fact: error.to_string(), hint: hint.to_owned() }
}
