//! What the process does to itself before it touches a secret.

use nix::{
    errno::Errno,
    sys::{
        prctl,
        resource::{Resource, setrlimit},
        signal::{SigSet, Signal},
        stat::{Mode, umask},
    },
};

/// Hardens the process: private files, no core dumps, no tracing by its own user, a panic ends
/// it. Call it before any thread is started: they inherit the blocked signals. Returns the
/// signals that ask the daemon to end; `sigwait(3)` takes them.
///
/// # Errors
///
/// The system call that failed.
pub fn harden() -> Result<SigSet, Errno> {
    umask(Mode::from_bits_truncate(0o077));
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    hide()?;
    abort_on_panic();
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals.thread_block()?;
    Ok(signals)
}

/// Keeps the process's memory and environment from everybody but root, its own user included
/// (proc(5), ptrace(2)), and from core dumps.
///
/// # Errors
///
/// That of prctl(2).
pub fn hide() -> Result<(), Errno> {
    prctl::set_dumpable(false)
}

/// Makes a panic of any thread end the process: a daemon that lost a thread must not answer.
/// The message may hold anything, so only the place is told.
fn abort_on_panic() {
    std::panic::set_hook(Box::new(|info| {
        use std::io::Write as _;
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(std::io::stderr().lock(), "panic place=\"{place}\"");
        std::process::abort();
    }));
}
