//! A sign of life on a terminal's standard error while the daemon works.

use std::{
    fmt,
    fs::File,
    future::Future,
    io::{self, IsTerminal},
    os::{fd::AsFd, unix::fs::FileExt},
    pin::pin,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use nix::sys::memfd::{MFdFlags, memfd_create};
use tokio::time;
use zbus::wire::OwnedFd;

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

/// Where the daemon keeps how far an import is.
pub(crate) struct Told(Option<File>);

impl Told {
    /// Makes it; nothing where there is no terminal to show it in, or no memory for it.
    pub(crate) fn new() -> Self {
        let memory = || memfd_create("fobctl-progress", MFdFlags::MFD_CLOEXEC).ok();
        Self(io::stderr().is_terminal().then(memory).flatten().map(File::from))
    }

    /// Returns what the daemon gets of it.
    pub(crate) fn descriptor(&self) -> Option<OwnedFd> {
        let own = self.0.as_ref()?.as_fd().try_clone_to_owned();
        own.ok().map(OwnedFd::from)
    }

    fn read(&self) -> Option<Phase> {
        let mut bytes = [0; 64];
        let length = self.0.as_ref()?.read_at(&mut bytes, 0).ok()?;
        Phase::parse(str::from_utf8(bytes.get(..length)?).ok()?)
    }

    /// Shows how far the daemon is until `work` is done: what it does, how many tokens are done, how
    /// fast, and for how long still. A daemon that does not tell it is one that reads the file.
    pub(crate) async fn while_importing<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let (mut phase, mut bar) = (Phase::READING, Phase::READING.bar());
        loop {
            if let Ok(done) = time::timeout(TICK, work.as_mut()).await {
                bar.finish_and_clear();
                return done;
            }
            let now = self.read().unwrap_or(Phase::READING);
            if (now.text, now.of) != (phase.text, phase.of) {
                bar.finish_and_clear();
                bar = now.bar();
            }
            phase = now;
            bar.set_position(phase.done);
            bar.tick();
        }
    }
}

/// What the daemon does, and how many tokens of how many are done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Phase {
    text: &'static str,
    done: u64,
    of: u64,
}

impl Phase {
    const READING: Self = Self { text: "Reading the seed file", done: 0, of: 0 };

    /// Reads what the daemon keeps; `None` if it is no phase of a version that is known here.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let text = match words.next()? {
            "reading" => return Some(Self::READING),
            "sealing" => "Sealing",
            "storing" => "Storing",
            _ => return None,
        };
        let (done, of) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Self { text, done, of })
    }

    /// Returns its bar; of what nobody can count, a spinner.
    fn bar(self) -> ProgressBar {
        if self.of == 0 {
            return ProgressBar::new_spinner().with_style(style()).with_message(self.text);
        }
        let template = "{msg} [{bar:24}] {pos} of {len} tokens{pace}";
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("pace", |state: &ProgressState, text: &mut dyn fmt::Write| {
                // A text that takes nothing is one that nobody sees.
                let _ = text.write_str(&pace(state));
            })
            .progress_chars("##-");
        let bar = ProgressBar::new(self.of).with_style(style).with_message(self.text);
        // What was done before anybody looked says nothing of how fast it goes.
        bar.set_position(self.done);
        bar.reset_eta();
        bar
    }
}

/// Returns how fast it goes and for how long still; nothing before there is a second to tell it by.
fn pace(state: &ProgressState) -> String {
    let left = state.eta().as_secs();
    match state.elapsed() < Duration::from_secs(1) {
        true => String::new(),
        false => format!(", {:.0}/s, {}:{:02} left", state.per_sec(), left / 60, left % 60),
    }
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

#[cfg(test)]
mod tests {
    use super::{Phase, Told};

    #[test]
    fn what_the_daemon_keeps_is_a_phase_and_a_number_of_tokens() {
        let told = |text, done, of| Some(Phase { text, done, of });
        assert_eq!(Phase::parse("reading 0 0   "), told("Reading the seed file", 0, 0));
        assert_eq!(Phase::parse("sealing 64 1000  "), told("Sealing", 64, 1000));
        assert_eq!(Phase::parse("storing 999 1000"), told("Storing", 999, 1000));
    }

    #[test]
    fn what_another_version_keeps_is_no_phase() {
        for line in ["", "storing", "storing 5", "storing x 7", "storing -1 7", "thinking 5 7"] {
            assert_eq!(Phase::parse(line), None, "{line}");
        }
    }

    #[test]
    fn without_a_terminal_nothing_is_asked_for() {
        let told = Told(None);
        assert!(told.descriptor().is_none() && told.read().is_none());
    }
}
