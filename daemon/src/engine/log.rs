//! The log of the house: its place in the database, and reading it.

use fob_api::Error;

use crate::{
    access::{Action, Caller, Target},
    audit::{Depth, Found, Known, Query, Report},
    engine::{Applied, Engine, ROUNDS},
    record::LogHead,
    store::{Guard, Key, Store},
};

/// How often a check begins anew because the head in the database moved under it.
const LOOKS: u32 = 3;

impl<S: Store> Engine<S> {
    /// Returns the events that are asked for.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`; `StoreUnavailable` if the files cannot be read.
    pub async fn log(&self, caller: Caller, query: Query) -> Result<Found, Error> {
        self.permit(Action::Log, caller, Target::House)?;
        let audit = self.around.audit.clone();
        // What was answered before this call is in what it reads.
        let _ = audit.flush(Depth::File).await;
        // A disk may take its time: not on a thread that others' sign-ins wait for.
        tokio::task::spawn_blocking(move || audit.read(&query))
            .await
            .map_err(|error| self.trouble("log", error))?
            .map_err(|error| self.trouble("log", error))
    }

    /// Checks whether every line of the log is there, and as it was written.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`; `StoreUnavailable` if the files cannot be read.
    pub async fn verify_log(&self, caller: Caller) -> Result<Report, Error> {
        self.permit(Action::VerifyLog, caller, Target::House)?;
        let mut report = Report::default();
        for _ in 0..LOOKS {
            let kept = self.log_head().await?;
            let live = self.around.audit.flush(Depth::File).await;
            let audit = self.around.audit.clone();
            let check = move || audit.check(Known { kept: kept.as_ref(), live: live.as_ref() });
            report = tokio::task::spawn_blocking(check)
                .await
                .map_err(|error| self.trouble("log", error))?
                .map_err(|error| self.trouble("log", error))?;
            // A file may have been rotated away while it was read.
            if report.wrong.is_empty() || self.log_head().await? == kept {
                break;
            }
        }
        Ok(report)
    }

    /// Begins to write the log behind what the database knows of it.
    pub(super) async fn begin_log(&self) -> Result<(), Error> {
        let head = self.log_head().await?;
        self.around.audit.begin(head);
        Ok(())
    }

    /// Keeps the head in the database up with the log, for ever: the beat does it every ten
    /// minutes, this after alarms and when a file is full.
    pub(super) async fn follow_log(&self) {
        loop {
            self.around.audit.head_moved().await;
            self.keep_log().await;
        }
    }

    /// Makes the log durable and stores its head. Trouble is in the journal; the next beat tries
    /// again.
    pub(super) async fn keep_log(&self) {
        let Some(head) = self.around.audit.flush(Depth::Disk).await else { return };
        if self.keep_head(head).await.is_ok() {
            self.around.audit.anchored(head).await;
        }
    }

    async fn log_head(&self) -> Result<Option<LogHead>, Error> {
        let [entry] = self.get([key()]).await?;
        self.decode(entry.as_ref())
    }

    /// Stores a head of the log, unless the database has a later one.
    async fn keep_head(&self, head: LogHead) -> Result<(), Error> {
        for _ in 0..ROUNDS {
            let [entry] = self.get([key()]).await?;
            let kept: Option<LogHead> = self.decode(entry.as_ref())?;
            let is_news = |kept: LogHead| head.seq > kept.seq || head.oldest > kept.oldest;
            if !kept.is_none_or(is_news) {
                return Ok(());
            }
            let guard = Guard::unchanged(&key(), entry.as_ref());
            let (write, marker) = self.mark(key(), &head)?;
            if let Applied::Yes = self.apply(vec![guard], vec![write], &marker).await? {
                return Ok(());
            }
        }
        Err(self.give_up())
    }
}

/// The key of the head of the log.
fn key() -> Key {
    Key::meta("audit")
}
