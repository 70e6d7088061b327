//! A sign of life on a terminal's standard error while the daemon works.

use std::{future::Future, pin::pin, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time;

/// Time between two pictures of the spinner.
const TICK: Duration = Duration::from_millis(120);

/// Shows `text` with a spinner until `work` is done; shows nothing where there is no terminal.
pub(crate) async fn while_working<T>(text: &'static str, work: impl Future<Output = T>) -> T {
    let spinner = ProgressBar::new_spinner().with_style(style()).with_message(text);
    let mut work = pin!(work);
    loop {
        if let Ok(done) = time::timeout(TICK, work.as_mut()).await {
            spinner.finish_and_clear();
            return done;
        }
        spinner.tick();
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{msg} {spinner}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .tick_chars("|/-\\ ")
}
