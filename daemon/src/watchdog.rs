//! Tells the service manager that the daemon is able to work, as long as it is (sd_notify(3),
//! `WATCHDOG=1`). It says nothing by itself: whoever hangs is silent, and is started again.

use std::time::Duration;

use tokio::time::sleep;

/// Notices in an interval of the service manager. Two that are late, on a machine that is slow for
/// a moment, are not taken for a hung daemon (sd_watchdog_enabled(3) asks for two).
const NOTICES: u32 = 3;

/// Says for ever that the daemon works, if it does: `interval` is the longest silence that the
/// service manager takes, `works` ends once the parts behind have answered, with `None` if one
/// says that it does not work any more, and `tell` tells the service manager.
///
/// It is a task of the runtime's own. While no task is run, nothing is told.
pub async fn watch<Work>(
    interval: Duration,
    mut works: impl FnMut() -> Work,
    mut tell: impl FnMut(),
) where
    Work: Future<Output = Option<()>>,
{
    loop {
        sleep(interval / NOTICES).await;
        if works().await.is_some() {
            tell();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        sync::mpsc::{self, RecvTimeoutError},
        time::Duration,
    };

    use super::watch;

    const INTERVAL: Duration = Duration::from_millis(30);
    /// Longer than it takes to say something, also on a busy machine.
    const LONG: Duration = Duration::from_secs(10);
    /// Many intervals.
    const SILENCE: Duration = Duration::from_millis(300);

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    }

    #[test]
    fn a_daemon_that_works_says_so_again_and_again() {
        let runtime = runtime();
        let (tell, told) = mpsc::channel();
        runtime.spawn(watch(INTERVAL, || ready(Some(())), move || tell.send(()).unwrap()));
        for _ in 0..3 {
            assert_eq!(told.recv_timeout(LONG), Ok(()));
        }
    }

    #[test]
    fn a_daemon_whose_tasks_are_not_run_says_nothing() {
        let runtime = runtime();
        let (tell, told) = mpsc::channel();
        let (blocks, blocked) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        runtime.spawn(async move {
            blocks.send(()).unwrap();
            let _ = released.recv_timeout(LONG);
        });
        blocked.recv_timeout(LONG).unwrap();
        runtime.spawn(watch(INTERVAL, || ready(Some(())), move || tell.send(()).unwrap()));
        assert_eq!(told.recv_timeout(SILENCE), Err(RecvTimeoutError::Timeout));
        release.send(()).unwrap();
        assert_eq!(told.recv_timeout(LONG), Ok(()));
    }

    #[test]
    fn a_part_that_does_not_answer_or_has_failed_silences_it() {
        let runtime = runtime();
        let (tell, told) = mpsc::channel();
        let also = tell.clone();
        runtime.spawn(watch(INTERVAL, pending, move || tell.send(()).unwrap()));
        runtime.spawn(watch(INTERVAL, || ready(None), move || also.send(()).unwrap()));
        assert_eq!(told.recv_timeout(SILENCE), Err(RecvTimeoutError::Timeout));
    }
}
