//! What is asked of systemd: to take a change back later, and to let sshd read its settings again.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// There while systemd is the service manager (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";
/// Named in full: root's search path is not taken.
const SYSTEMCTL: &str = "/usr/bin/systemctl";
const TIMER: &str = "fob-revert.timer";
const SERVICE: &str = "fob-revert.service";
/// sshd's unit: Debian's name, and everybody else's.
const SSHD: [&str; 2] = ["ssh.service", "sshd.service"];
const FOBD: &str = "fobd.service";

/// Tells whether systemd runs.
pub(super) fn is_running() -> bool {
    Path::new(BOOTED).exists()
}

/// Starts the ten minutes anew, and sees to it that the next start of the host takes the change back.
/// A revert that waits for the caller's lock is stopped: what sshd is asked for would wait for it, as it
/// comes before sshd, and it for the caller. The caller holds the lock, so none is at work.
///
/// # Errors
///
/// What systemctl says.
pub(super) fn arm() -> Result<(), String> {
    if !says(&["is-enabled", "--quiet", SERVICE]) {
        run(&["enable", "--quiet", SERVICE])?;
    }
    run(&["restart", TIMER])?;
    run(&["stop", SERVICE])
}

/// Stops the ten minutes.
///
/// # Errors
///
/// What systemctl says.
pub(super) fn disarm() -> Result<(), String> {
    run(&["stop", TIMER])
}

/// Lets an sshd that runs read its settings again.
///
/// # Errors
///
/// What systemctl says.
pub(super) fn reload_sshd() -> Result<(), String> {
    active_sshd().map_or(Ok(()), |unit| run(&["reload", unit]))
}

/// Does the same, and does not wait for it: `fob-revert.service` comes before sshd, so that what it
/// waited for would wait for it.
///
/// # Errors
///
/// What systemctl says.
pub(super) fn reload_sshd_later() -> Result<(), String> {
    active_sshd().map_or(Ok(()), |unit| run(&["--no-block", "reload", unit]))
}

/// Tells whether an sshd runs that goes by settings it has read before.
pub(super) fn has_active_sshd() -> bool {
    active_sshd().is_some()
}

/// Starts a fobd that runs anew, so that it reads its rules. Its socket stays open meanwhile.
///
/// # Errors
///
/// What systemctl says.
pub(super) fn restart_fobd() -> Result<(), String> {
    run(&["try-restart", FOBD])
}

/// Does the same, and does not wait for it: `fob-revert.service` comes before fobd, too.
///
/// # Errors
///
/// What systemctl says.
pub(super) fn restart_fobd_later() -> Result<(), String> {
    run(&["--no-block", "try-restart", FOBD])
}

/// Tells whether a fobd runs that goes by rules it has read before.
pub(super) fn has_active_fobd() -> bool {
    says(&["is-active", "--quiet", FOBD])
}

fn active_sshd() -> Option<&'static str> {
    SSHD.into_iter().find(|unit| says(&["is-active", "--quiet", unit]))
}

fn says(words: &[&str]) -> bool {
    command(words).status().is_ok_and(|status| status.success())
}

fn run(words: &[&str]) -> Result<(), String> {
    let what = words.join(" ");
    match command(words).stderr(Stdio::piped()).output() {
        Err(error) => Err(format!("{SYSTEMCTL}: {error}")),
        Ok(ended) if ended.status.success() => Ok(()),
        Ok(ended) => {
            let said = String::from_utf8_lossy(&ended.stderr).trim().replace('\n', "; ");
            Err(format!("systemctl {what} failed: {said}"))
        }
    }
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(SYSTEMCTL);
    command.args(words).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}
