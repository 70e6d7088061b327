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
    ProgressStyle::with_template("{msg} {spinner} {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .tick_chars("|/-\\ ")
}

/// How much of a search is done.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// Shows an empty bar with a text before it; shows nothing where there is no terminal.
    pub(crate) fn new(text: &'static str) -> Self {
        let style = ProgressStyle::with_template("{msg} [{bar:30}] {percent:>3} % {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("##-");
        Self(ProgressBar::new(100).with_style(style).with_message(text))
    }

    /// Shows that so much is done, in percent.
    pub(crate) fn set(&self, percent: u32) {
        self.0.set_position(percent.into());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
