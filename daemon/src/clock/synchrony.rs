//! Whether the kernel says that the wall clock is synchronised.
//!
//! adjtimex(2) knows, and no well-kept crate has a safe call for it: nix and rustix have none,
//! clock-steering does not show the status. The unit's `ProtectClock=` would refuse the call
//! besides, also the reading one (systemd.exec(5)). So systemd-timedated is asked, which passes
//! the kernel's answer on: org.freedesktop.timedate1(5), property NTPSynchronized. (The file
//! /run/systemd/timesync/synchronized is weaker: it stays when the synchrony is lost, and only
//! one of the time services makes it.) Where nobody answers, the clock is not synchronised:
//! nothing is learned from it, and it is believed no further back than it ever was right.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::timeout,
};
use zbus::{OwnedVariant, Variant, connection::Builder};

use crate::decide::HostClock;

/// Seconds for which an answer is fresh. A clock that was set is noticed at once by the clocks
/// themselves, and a lost synchrony takes hours to matter: 16 s is the kernel's own bound for the
/// error of a synchronised clock (NTP_PHASE_LIMIT), which grows by 0.5 ms in a second.
const FRESH: u64 = 16;
/// How long nobody needs the answer before it is asked for all the same.
const BEAT: Duration = Duration::from_secs(10 * 60);
/// Longest wait for the answer: timedated is started for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest wait of a sign-in for it, which happens after a jump only: the sign-in has 5 s.
const SIGN_IN: Duration = Duration::from_secs(1);

/// The latest answer. Clones share it.
#[derive(Clone, Debug)]
pub struct Synchrony(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The bus to ask on.
    bus: Option<String>,
    answer: watch::Sender<HostClock>,
    /// The boot-time clock when the answer came; 0 if there is none.
    asked: AtomicU64,
    /// An answer was used that is not fresh.
    wanted: Notify,
}

impl Synchrony {
    /// Knows nothing yet, and will ask on this bus; without one never.
    pub(super) fn new(bus: Option<String>) -> Self {
        Self(Arc::new(Shared {
            bus,
            answer: watch::Sender::new(HostClock::Unsynchronised),
            asked: AtomicU64::new(0),
            wanted: Notify::new(),
        }))
    }

    /// Asks on the bus for ever: when an answer was used that was not fresh, and every ten
    /// minutes. Sign-ins never wait for it.
    pub(super) async fn follow(&self) {
        let Some(bus) = &self.0.bus else { return };
        loop {
            let answer = match timeout(PATIENCE, ask(bus)).await {
                Ok(Ok(true)) => HostClock::Synchronised,
                _ => HostClock::Unsynchronised,
            };
            let boot = super::host().map_or(0, |(_, boot)| boot);
            self.0.asked.store(boot, Ordering::SeqCst);
            self.0.answer.send_replace(answer);
            let _ = timeout(BEAT, self.0.wanted.notified()).await;
        }
    }

    /// Returns the latest answer; `boot` is the boot-time clock's time.
    pub(super) fn answer(&self, boot: u64) -> HostClock {
        if boot.saturating_sub(self.0.asked.load(Ordering::SeqCst)) >= FRESH {
            self.0.wanted.notify_one();
        }
        *self.0.answer.borrow()
    }

    /// Forgets the answer and waits a little for another.
    pub(super) async fn doubt(&self) {
        if self.0.bus.is_none() {
            return;
        }
        let mut answers = self.0.answer.subscribe();
        self.0.answer.send_replace(HostClock::Unsynchronised);
        answers.mark_unchanged();
        self.0.wanted.notify_one();
        let _ = timeout(SIGN_IN, answers.changed()).await;
    }
}

/// Asks timedated once.
async fn ask(address: &str) -> zbus::Result<bool> {
    const NAME: &str = "org.freedesktop.timedate1";
    let connection = Builder::address(address).build().await?;
    let path = "/org/freedesktop/timedate1";
    let properties = Some("org.freedesktop.DBus.Properties");
    let what = &(NAME, "NTPSynchronized");
    let reply = connection.call_method(Some(NAME), path, properties, "Get", what).await?;
    let value: OwnedVariant = reply.body().deserialize()?;
    Ok(matches!(*value, Variant::Bool(true)))
}
