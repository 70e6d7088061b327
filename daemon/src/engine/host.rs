//! The daemon's life on this host: its start and end, the host's clocks, the fence between.
//!
//! What the record of the host says is on the disk before anybody is answered by it.

use std::{sync::Arc, time::Duration};

use fob_api::Error;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::sleep,
};

use crate::{
    audit::{Event, Field, Name},
    decide::{
        At, Now,
        fence::{self, Distrust, Observed, Raised, Reading, Reason, Run},
    },
    engine::{Applied, Engine, ROUNDS},
    record::{Doubt, Ending, Host},
    store::{Entry, Freshness, Guard, Key, Store},
};

/// How often the record is written while nothing happens: a crash loses at most as much of the
/// uptime, on which the rolling windows of a day and a month are measured.
const BEAT: Duration = Duration::from_secs(10 * 60);
/// Seconds between two lines of the log about a clock that is not trusted: every sign-in finds
/// out anew.
const QUIET: u64 = 60;

/// Where the daemon is in its life.
#[derive(Default)]
pub(super) struct Life(Mutex<Phase>);

#[derive(Default)]
enum Phase {
    /// Nobody was answered yet.
    #[default]
    Before,
    /// The record says "unclean".
    Running(Running),
    /// The record says "clean": nobody is answered any more.
    Stopped,
}

/// A run, and what was said about it.
struct Running {
    run: Run,
    /// The boot-time clock when the log last said that the clock is not trusted.
    said: Option<u64>,
    /// When the store was last found to have lost changes.
    doubt: Option<Now>,
}

impl<S: Store> Engine<S> {
    /// Begins the daemon's life: raises a fence if the one before did not end well. The first
    /// decision does it, too; here it fails before anybody has come.
    ///
    /// # Errors
    ///
    /// `ClockNotTrusted` if the host has no clocks, `StoreUnavailable`.
    pub async fn start(&self) -> Result<(), Error> {
        self.begin_log().await?;
        self.look().await.map(drop)
    }

    /// Keeps the record of the host fresh, and the knowledge of its clock, for ever.
    pub async fn live(self: Arc<Self>) {
        let beat = async {
            loop {
                sleep(BEAT).await;
                // Trouble is in the log, and the next beat tries again.
                let _ = self.keep().await;
                self.end_minutes();
                self.keep_log().await;
            }
        };
        tokio::join!(beat, self.follow_log(), self.around.clock.follow());
    }

    /// Ends the daemon's life: whoever starts next need not raise a fence. Before it the sign-ins
    /// that are under way get a moment to end; after it nobody is answered.
    ///
    /// # Errors
    ///
    /// `StoreUnavailable`, `ClockNotTrusted`: the next start raises a fence.
    pub async fn stop(&self) -> Result<(), Error> {
        let _over = self.underway.end().await;
        self.end_last_minutes();
        self.keep_log().await;
        let (mut phase, reading) = self.look().await?;
        if let Phase::Running(running) = &*phase {
            self.keep_host(&running.run.stop(&reading)).await?;
            *phase = Phase::Stopped;
        }
        Ok(())
    }

    /// Returns the moment of a decision on codes, and the numbers that it goes by.
    ///
    /// # Errors
    ///
    /// `ClockNotTrusted`, `StoreUnavailable`: nothing is decided.
    pub(super) async fn at(&self) -> Result<At<'_>, Error> {
        let (mut phase, reading) = self.look().await?;
        let Phase::Running(running) = &mut *phase else { return Err(Error::StoreUnavailable) };
        match running.run.trust(&reading) {
            Ok(_) => Ok(self.moment_of(running, &reading)),
            Err(distrust) => {
                if running.said.is_none_or(|said| reading.boot.abs_diff(said) >= QUIET) {
                    running.said = Some(reading.boot);
                    self.around.audit.record(&distrusted(distrust, &reading));
                }
                Err(Error::ClockNotTrusted)
            }
        }
    }

    /// Returns the moment for a report: the host's time may be wrong, the uptime is not.
    ///
    /// # Errors
    ///
    /// `ClockNotTrusted` if the host has no clocks, `StoreUnavailable`.
    pub(super) async fn moment(&self) -> Result<At<'_>, Error> {
        let (phase, reading) = self.look().await?;
        let Phase::Running(running) = &*phase else { return Err(Error::StoreUnavailable) };
        Ok(self.moment_of(running, &reading))
    }

    /// Raises a fence now. It is durable when this returns: no code of this moment or before is
    /// accepted any more, whatever records come in after it.
    ///
    /// # Errors
    ///
    /// `ClockNotTrusted`, `StoreUnavailable`: no fence was raised, or nobody knows.
    pub(super) async fn raise(&self, reason: Reason) -> Result<(), Error> {
        // Refuses while the clock is not trusted: a fence at a wrong time would be none.
        self.at().await?;
        let (mut phase, reading) = self.look().await?;
        let Phase::Running(running) = &*phase else { return Err(Error::StoreUnavailable) };
        let said = running.said;
        let Observed { run, raised } = running.run.raise(reason, &reading);
        let doubt = self.keep_doubt(running.doubt, raised, &run).await?;
        self.keep_host(&run.record).await?;
        if let Some(raised) = raised {
            self.around.audit.record(&event(raised));
        }
        *phase = Phase::Running(Running { run, said, doubt });
        Ok(())
    }

    fn moment_of(&self, running: &Running, reading: &Reading) -> At<'_> {
        let Running { run, doubt, .. } = running;
        At {
            now: reading.wall.unwrap_or(Now(0)),
            uptime: run.uptime(reading),
            host_clock: self.witnesses.judge(reading.host_clock, run.uptime(reading)),
            fence: run.record.fence.map(Now),
            doubt: *doubt,
            policy: &self.around.policy,
        }
    }

    /// Writes the record of the host, while decisions go on: on a disk that takes seconds for a
    /// sync nobody waits for it.
    ///
    /// What is written was read and decided on under the lock of the host's life, and is applied
    /// only if nobody has written since. So a fence or the end of the run, which are written
    /// under that lock, is never replaced by an older record: this one is made anew instead.
    ///
    /// # Errors
    ///
    /// `ClockNotTrusted`, `StoreUnavailable`.
    pub(super) async fn keep(&self) -> Result<(), Error> {
        for _ in 0..ROUNDS {
            let (record, entry) = {
                let (phase, _) = self.look().await?;
                let Phase::Running(running) = &*phase else { return Ok(()) };
                let [entry] = self.get([Key::host()]).await?;
                (running.run.record.clone(), entry)
            };
            if let Applied::Yes = self.write_record(&Key::host(), &record, entry).await? {
                return Ok(());
            }
        }
        Err(self.give_up())
    }

    /// Looks at the clocks. A fence that this raises is durable when it returns.
    async fn look(&self) -> Result<(MutexGuard<'_, Phase>, Reading), Error> {
        let mut phase = self.life.0.lock().await;
        let (observed, said, doubt, reading) = match &*phase {
            Phase::Before => {
                let reading = self.read()?;
                let (observed, doubt) = self.begin(&reading).await?;
                (observed, None, doubt, reading)
            }
            Phase::Running(running) => {
                let reading = self.reconsider(&running.run).await?;
                (running.run.observe(&reading), running.said, running.doubt, reading)
            }
            Phase::Stopped => return Err(Error::StoreUnavailable),
        };
        let Observed { run, raised } = observed;
        // First, so that no end of this run between the two forgets it.
        let doubt = self.keep_doubt(doubt, raised, &run).await?;
        if raised.is_some() || matches!(*phase, Phase::Before) {
            self.keep_host(&run.record).await?;
        }
        if let Some(raised) = raised {
            self.around.audit.record(&event(raised));
        }
        *phase = Phase::Running(Running { run, said, doubt });
        Ok((phase, reading))
    }

    /// Reads what the last run left, and begins one.
    async fn begin(&self, reading: &Reading) -> Result<(Observed, Option<Now>), Error> {
        let [host, doubt] = self.get([Key::host(), Key::doubt()]).await?;
        let kept: Option<Host> = self.decode(host.as_ref())?;
        let doubt: Option<Doubt> = self.decode(doubt.as_ref())?;
        let observed = match self.store.freshness() {
            Freshness::Fresh => fence::start(kept.as_ref(), reading),
            // It is from long ago: a copy of a running daemon's folder, perhaps.
            Freshness::Unclosed if is_old(kept.as_ref(), reading) => {
                fence::start_in_doubt(kept.as_ref(), reading)
            }
            // The daemon said that it ended well, and the store was not closed after it.
            Freshness::Unclosed => {
                let kept = kept.map(|host| Host { ending: Ending::Unclean, ..host });
                fence::start(kept.as_ref(), reading)
            }
            Freshness::Doubtful => fence::start_in_doubt(kept.as_ref(), reading),
        };
        Ok((observed, doubt.map(|doubt| Now(doubt.at))))
    }

    /// Keeps the moment of the latest doubt. When the clock was set back it comes along: a moment in
    /// the future would stay for years.
    async fn keep_doubt(
        &self,
        before: Option<Now>,
        raised: Option<Raised>,
        run: &Run,
    ) -> Result<Option<Now>, Error> {
        let (Some(raised), Some(fence)) = (raised, run.record.fence) else { return Ok(before) };
        let moved = before.is_some_and(|doubt| doubt.0 > fence);
        if !moved && !matches!(raised.reason, Reason::DoubtfulStore | Reason::Restore) {
            return Ok(before);
        }
        self.keep_record(&Key::doubt(), &Doubt { at: fence }).await?;
        Ok(Some(Now(fence)))
    }

    /// Reads the clocks. After a jump nobody knows whether the wall clock is synchronised until
    /// somebody says so.
    async fn reconsider(&self, run: &Run) -> Result<Reading, Error> {
        let reading = self.read()?;
        if run.jump(&reading).is_none() {
            return Ok(reading);
        }
        self.around.clock.doubt().await;
        self.read()
    }

    /// Reads the host's clocks.
    pub(super) fn read(&self) -> Result<Reading, Error> {
        self.around.clock.read().ok_or_else(|| {
            self.around.audit.record(&Event::new(Name::Trouble).with(Field::What, "no clock"));
            Error::ClockNotTrusted
        })
    }

    /// Writes a record of the host that must be durable before anybody is answered: a start, a
    /// fence, the end. The caller holds the lock of the host's life, so nobody has a newer one: a
    /// conflict is a lost reply, or a record that [`Engine::keep`] has written meanwhile.
    async fn keep_host(&self, record: &Host) -> Result<(), Error> {
        self.keep_record(&Key::host(), record).await
    }

    /// Writes a record about the host; the caller holds the lock of the host's life.
    async fn keep_record<T>(&self, key: &Key, record: &T) -> Result<(), Error>
    where
        T: DeserializeOwned + PartialEq + Serialize,
    {
        for _ in 0..ROUNDS {
            let [entry] = self.get([key.clone()]).await?;
            if self.decode(entry.as_ref())?.as_ref() == Some(record) {
                return Ok(());
            }
            if let Applied::Yes = self.write_record(key, record, entry).await? {
                return Ok(());
            }
        }
        Err(self.give_up())
    }

    /// Writes a record about the host in place of what was read, and also if it is the same: that
    /// tells whether commits work.
    async fn write_record<T>(
        &self,
        key: &Key,
        record: &T,
        read: Option<Entry>,
    ) -> Result<Applied, Error>
    where
        T: Serialize,
    {
        let guard = Guard::unchanged(key, read.as_ref());
        let (write, marker) = self.mark(key.clone(), record)?;
        self.apply(vec![guard], vec![write], &marker).await
    }
}

/// Tells whether the record of the host is older than one that a running daemon leaves. After a
/// long power cut it is, too: that costs a token with a button one pair of codes.
fn is_old(kept: Option<&Host>, reading: &Reading) -> bool {
    let (seen, wall) = (kept.and_then(|host| host.seen), reading.wall);
    seen.zip(wall).is_some_and(|(seen, wall)| wall.0.saturating_sub(seen) > 2 * BEAT.as_secs())
}

/// Returns the event of a fence.
fn event(raised: Raised) -> Event {
    Event::new(Name::Fence)
        .with(Field::Reason, raised.reason.word())
        .with_some(Field::Jump, raised.jump)
}

/// Returns the event of a clock that is not trusted.
fn distrusted(distrust: Distrust, reading: &Reading) -> Event {
    Event::new(Name::ClockNotTrusted)
        .with_some(Field::Clock, reading.wall.map(|wall| wall.0))
        .with(Field::Floor, distrust.floor.0)
}
