//! Tells the bus that something is new.
//!
//! Nobody waits for it: it watches the store from a task of its own, which a bus that takes nothing
//! holds up alone. At most one notice is on its way, however much changes.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep};

/// How long changes gather before they are told: those of one sign-in, or of a script that assigns
/// some tokens, are one notice. Nobody sees a quarter of a second.
const GATHER: Duration = Duration::from_millis(250);
/// Least time between two notices. Whoever hears one reads what he shows anew, so on a host with
/// hundreds of sign-ins a second each of them must not be one.
const APART: Duration = Duration::from_secs(1);

/// Tells for ever that something changed. `watch` begins a watch, which ends with the first change
/// after that, or with `None` when there will be none any more; `say` tells.
///
/// Each change is followed by a notice: a watch begins before the notice of what came before it.
pub(super) async fn tell<News, Said, Trouble>(
    watch: impl Fn() -> News,
    mut say: impl FnMut() -> Said,
) -> Result<(), Trouble>
where
    News: Future<Output = Option<()>>,
    Said: Future<Output = Result<(), Trouble>>,
{
    let mut pace = interval(APART);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut news = watch();
    while news.await.is_some() {
        sleep(GATHER).await;
        pace.tick().await;
        news = watch();
        say().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
